"""Makespans on paper: bounds that hold, and ratios that are attained."""

import math
import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.sim.workers import serve
from mds_sim.theory.makespan import graham_ratio, makespan_bound


def best_makespan(times: list[int], workers: int) -> int:
    """Try everything: who does which job."""
    return min(
        max(sum(t for t, w in zip(times, who, strict=True) if w == k) for k in who)
        for who in product(range(workers), repeat=len(times))
    )


def listed(times: list[int], workers: int) -> float:
    """Return when the last is done if a free worker takes the next job."""
    return float(serve([0.0] * len(times), times, workers).finish.max())


class TestBound:
    @pytest.mark.parametrize(
        ("times", "workers", "bound"),
        [
            ([], 3, 0.0),
            ([7], 3, 7.0),  # the longest
            ([3, 3, 3, 3], 2, 6.0),  # the area
            ([5, 5, 5], 2, 10.0),  # one does two
            ([1] * 11, 10, 2.0),
            ([9] * 7, 3, 27.0),  # two waves and one more
            ([4, 4, 4, 1, 1], 2, 8.0),
            ([2.5, 2.5], 1, 5.0),
        ],
    )
    def test_by_hand(self, times: list[float], workers: int, bound: float) -> None:
        assert makespan_bound(times, workers) == bound

    @given(
        times=st.lists(st.integers(0, 12), min_size=1, max_size=7),
        workers=st.integers(1, 3),
    )
    def test_nobody_is_faster_and_graham_is_right(
        self, times: list[int], workers: int
    ) -> None:
        best = best_makespan(times, workers)
        assert makespan_bound(times, workers) <= best
        rounded = 1e-9
        longest_first = listed(sorted(times, reverse=True), workers)
        assert longest_first <= graham_ratio(workers, "longest") * best + rounded
        assert listed(times, workers) <= graham_ratio(workers, "given") * best + rounded

    @pytest.mark.parametrize(
        ("times", "workers", "kind", "message"),
        [
            ([1.0], 0, ValueError, "workers must be >= 1, got 0"),
            (
                [-1.0],
                1,
                ValueError,
                "times must be >= 0 and finite [s], but times[0] = -1.0",
            ),
            (
                [math.nan],
                1,
                ValueError,
                "times must be >= 0 and finite [s], but times[0] = nan",
            ),
        ],
    )
    def test_bad_input(
        self, times: Any, workers: int, kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            makespan_bound(times, workers)


class TestGraham:
    @pytest.mark.parametrize("m", [2, 3, 4, 10])
    def test_the_longest_first_can_be_so_bad(self, m: int) -> None:
        # Two of each from 2 m - 1 down to m + 1, and three of m: m workers could do
        # them in 3 m, and need 4 m - 1.
        times = [t for t in range(2 * m - 1, m, -1) for _ in range(2)] + [m] * 3
        assert listed(times, m) == 4 * m - 1
        assert sum(times) == 3 * m * m
        ratio = graham_ratio(m, "longest")
        assert math.isclose(ratio, (4 * m - 1) / (3 * m), rel_tol=1e-12)

    @pytest.mark.parametrize("m", [2, 3, 10])
    def test_any_order_can_be_so_bad(self, m: int) -> None:
        times = [1] * (m * (m - 1)) + [m]
        assert listed(times, m) == 2 * m - 1
        assert listed(times[::-1], m) == m
        assert graham_ratio(m, "given") == (2 * m - 1) / m

    def test_bad_input(self) -> None:
        message = "order must be 'longest' or 'given', got 'shortest'"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            graham_ratio(2, "shortest")
