"""Spreading files over so many buckets: within what is proved, and over no capacity."""

import re
import tracemalloc
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.files import _placing
from mds_sim.files.balanced import METHODS, Balanced
from mds_sim.files.checking import check_bucketing_strategy
from mds_sim.files.packing import pack
from mds_sim.units import MB

WHOLE = 10**6  # a bucket that holds everything
ALL = pytest.mark.parametrize("method", METHODS)


def best_spread(sizes: list[int], buckets: int) -> int:
    """Try everything: the least load of the fullest bucket."""
    return min(
        max(sum(s for s, b in zip(sizes, where, strict=True) if b == k) for k in where)
        for where in product(range(buckets), repeat=len(sizes))
    )


@ALL
@pytest.mark.parametrize("buckets", [1, 2, 7])
def test_it_keeps_the_contract(method: str, buckets: int) -> None:
    check_bucketing_strategy(Balanced(buckets, method))


@given(
    sizes=st.lists(st.integers(0, 20), min_size=1, max_size=7),
    buckets=st.integers(1, 3),
)
def test_they_are_as_good_as_is_proved(sizes: list[int], buckets: int) -> None:
    best = best_spread(sizes, buckets)
    lpt, multifit, kk = (
        max(pack(sizes, WHOLE, Balanced(buckets, method)).load) for method in METHODS
    )
    assert best <= lpt <= best * (4 / 3 - 1 / (3 * buckets)) + 1e-9
    assert best <= multifit <= min(lpt, best * 13 / 11 + 1e-9)
    assert best <= kk <= best * (4 / 3 - 1 / (3 * buckets)) + 1e-9


@ALL
@given(
    sizes=st.lists(st.integers(0, 9), max_size=12),
    buckets=st.integers(1, 15),
    capacity=st.integers(9, 20),
)
def test_there_are_whole_waves_of_buckets(
    method: str, sizes: list[int], buckets: int, capacity: int
) -> None:
    packing = pack(sizes, capacity, Balanced(buckets, method))
    assert packing.load.max(initial=0) <= capacity
    if method != "multifit":  # which may leave buckets out
        n = packing.n_buckets
        assert n == len(sizes) or n % buckets == 0


def plain_differencing(sizes: list[int], buckets: int) -> list[int]:
    """Return the loads, by sorting all groupings again before each step."""
    rows = [(-size, i, [size] + [0] * (buckets - 1)) for i, size in enumerate(sizes)]
    made = len(rows)
    while len(rows) > 1:
        rows.sort()
        (_, _, one), (_, _, other) = rows[:2]
        both = sorted((a + b for a, b in zip(one, other[::-1], strict=True)))[::-1]
        rows[:2] = [(both[-1] - both[0], made, both)]
        made += 1
    return rows[0][2]


@given(
    sizes=st.lists(st.integers(1, 50), min_size=2, max_size=25),
    buckets=st.integers(2, 12),
)
def test_differencing_gives_the_loads_of_a_plain_version(
    sizes: list[int], buckets: int
) -> None:
    plain = plain_differencing(sorted(sizes, reverse=True), buckets)
    load = pack(sizes, WHOLE, Balanced(buckets, "kk")).load
    assert sorted(load) == sorted(load for load in plain if load)


@pytest.mark.parametrize(
    ("method", "load"),
    [("lpt", [17, 13]), ("multifit", [15, 15]), ("kk", [14, 16])],
)
def test_by_hand(method: str, load: list[int]) -> None:
    packing = pack([8, 7, 6, 5, 4], 30, Balanced(2, method))
    assert packing.load.tolist() == load


@ALL
def test_a_full_bucket_calls_for_another_wave(method: str) -> None:
    assert pack([8, 7, 6, 5, 4], 14, Balanced(2, method)).n_buckets in (3, 4)
    assert pack([8, 8, 8], 10, Balanced(2, method)).n_buckets == 3
    assert pack([1, 2], 10, Balanced(5, method)).n_buckets == 2
    assert pack([], 10, Balanced(5, method)).n_buckets == 0


@ALL
def test_long_lists_are_spread_as_short_ones_are(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = np.random.default_rng(14).integers(0, 1000, 300)
    monkeypatch.setattr(_placing, "COMPILED_FROM", 10**9)
    plain = Balanced(7, method).assign(sizes, WHOLE)
    monkeypatch.setattr(_placing, "COMPILED_FROM", 0)
    assert np.array_equal(Balanced(7, method).assign(sizes, WHOLE), plain)


def test_differencing_keeps_no_empty_buckets() -> None:
    """Lists of all 730 buckets for each of 2,000 files would take 58 MB, not 1."""
    sizes = np.random.default_rng(3).integers(1, 1000, 2000)
    tracemalloc.start()
    packing = pack(sizes, 1500, Balanced(10, "kk"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert packing.n_buckets == 730
    assert packing.load.max() <= 1500
    assert most < 5 * MB


def test_differencing_is_deep_where_all_files_are_equal() -> None:
    packing = pack([1] * 3000, WHOLE, Balanced(1, "kk"))
    assert packing.load.tolist() == [3000]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "buckets must be >= 1, got 0"),
        ((2, "greedy"), "method must be 'lpt' or 'multifit' or 'kk', got 'greedy'"),
    ],
)
def test_bad_input(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Balanced(*arguments)
