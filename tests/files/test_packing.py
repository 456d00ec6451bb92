"""`pack`: oversize files apart, the answer checked, the arithmetic exact."""

import copy
import pickle
import re
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mds_sim.files.instances import falkenauer_triplets
from mds_sim.files.optimal.linear import linear_bound
from mds_sim.files.packing import Packing, pack
from mds_sim.files.packing_bounds import MOST_FOR_DUAL, MOST_FOR_L3
from mds_sim.files.strategies import (
    BestFitDecreasing,
    BucketingStrategy,
    FirstFit,
    FirstFitDecreasing,
    NextFit,
    WorstFitDecreasing,
)
from mds_sim.units import MB

sys.path.insert(0, str(Path(__file__).parents[1]))
fewest = import_module("brute_force").fewest

SIZES = [6, 25, 5, 4, 11]


@dataclass(frozen=True)
class Always:
    """Answers with what it was told to."""

    answer: Any

    def assign(self, sizes: NDArray[np.int64], capacity: int) -> Any:
        return self.answer


class TestPacking:
    def test_all_that_follows_from_the_buckets(self) -> None:
        packing = pack(SIZES, capacity=10, strategy=FirstFit())
        assert packing.sizes.tolist() == SIZES
        assert packing.capacity == 10
        assert packing.bucket.tolist() == [0, 1, 2, 0, 3]
        assert packing.load.tolist() == [10, 25, 5, 11]
        assert packing.count.tolist() == [2, 1, 1, 1]
        assert packing.fill.tolist() == [1.0, 2.5, 0.5, 1.1]
        assert packing.waste.tolist() == [0.0, 0.0, 0.5, 0.0]
        assert packing.n_buckets == 4
        assert packing.n_oversize == 2
        assert packing.lower_bound == 4
        assert [group.tolist() for group in packing.groups()] == [[0, 3], [1], [2], [4]]

    def test_no_files_need_no_buckets(self) -> None:
        packing = pack([])
        assert packing.n_buckets == packing.n_oversize == packing.lower_bound == 0
        assert packing.load.shape == packing.count.shape == packing.fill.shape == (0,)
        assert packing.groups() == []
        assert repr(packing) == (
            "Packing(0 files in 0 buckets of 10 MB, 0.0% full, lower bound 0, "
            "as few as can be)"
        )

    def test_files_of_zero_bytes_are_packed_too(self) -> None:
        packing = pack([0, 0, 10, 0], capacity=10, strategy=FirstFit())
        assert packing.bucket.tolist() == [0, 0, 0, 0]
        assert packing.count.tolist() == [4]

    def test_the_defaults_are_first_fit_decreasing_into_ten_megabytes(self) -> None:
        sizes = [3 * MB, 4 * MB, 5 * MB, 6 * MB]
        assert pack(sizes).same_as(pack(sizes, 10 * MB, FirstFitDecreasing(), "alone"))

    def test_the_numbers_depend_on_the_groups_only(self) -> None:
        one = pack([4, 5, 6], 10, Always(np.array([1, 0, 1])))
        two = pack([4, 5, 6], 10, Always(np.array([0, 1, 0])))
        assert one.bucket.tolist() == [0, 1, 0]
        assert one.same_as(two)

    def test_the_strategy_sees_only_what_fits(self) -> None:
        class Spy:
            def assign(self, sizes: NDArray[np.int64], capacity: int) -> Any:
                assert sizes.tolist() == [6, 5, 4]
                assert sizes.dtype == np.int64
                assert not sizes.flags.writeable
                return np.arange(sizes.size)

        assert pack(SIZES, 10, Spy()).n_buckets == 5

    def test_the_strategy_is_not_asked_about_nothing(self) -> None:
        assert pack([11, 12], 10, Always(None)).bucket.tolist() == [0, 1]
        assert pack([], 10, Always(None)).n_buckets == 0

    @pytest.mark.parametrize("answer", [[0, 0], np.array([0, 0], np.uint8)])
    def test_any_whole_numbers_will_do(self, answer: Any) -> None:
        packing = pack([4, 5], 10, Always(answer))
        assert packing.bucket.dtype == np.int64
        assert packing.bucket.tolist() == [0, 0]

    def test_it_is_sealed(self) -> None:
        packing = pack(SIZES, 10)
        with pytest.raises(FrozenInstanceError):
            packing.capacity = 11  # type: ignore[misc]
        for name in ("sizes", "bucket", "load", "count", "fill", "waste"):
            assert not getattr(packing, name).flags.writeable

    def test_the_callers_array_stays_his(self) -> None:
        sizes = np.array([6, 5, 4])
        packing = pack(sizes, 10)
        sizes[0] = 99
        assert packing.sizes.tolist() == [6, 5, 4]

    @pytest.mark.parametrize(
        "again", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
    )
    def test_a_copy_is_the_same_and_sealed(
        self, again: Callable[[Packing], Packing]
    ) -> None:
        packing = pack(SIZES, 10)
        assert again(packing).same_as(packing)
        assert not again(packing).bucket.flags.writeable

    def test_same_as_compares_everything(self) -> None:
        packing = pack([6, 5, 4], 10)
        assert packing.same_as(pack([6, 5, 4], 10))
        assert not packing.same_as(pack([6, 5, 4], 11))
        assert not packing.same_as(pack([6, 5, 3], 10))
        assert not packing.same_as(pack([6, 5, 4], 10, NextFit()))
        assert not packing.same_as("a packing")

    def test_loads_are_exact_beyond_the_floats(self) -> None:
        sizes = [2**62 - 1, 1, 2**61, 3]
        packing = pack(sizes, 2**62, FirstFit())
        assert packing.load.tolist() == [2**62, 2**61 + 3]


class TestShow:
    def test_repr(self) -> None:
        assert repr(pack(SIZES, 10)) == (
            "Packing(5 files in 4 buckets of 10 B, 2 oversize, "
            "87.5% full, lower bound 4, as few as can be)"
        )

    def test_repr_of_a_packing_that_may_have_too_many(self) -> None:
        packing = pack([6, 6, 3, 3, 2, 11], 10, Always(np.arange(5)))
        assert repr(packing) == (
            "Packing(6 files in 6 buckets of 10 B, 1 oversize, "
            "50.0% full, lower bound 3, 2 above the dual feasible bound)"
        )
        assert str(packing.summary()).splitlines()[1:3] == [
            "  lower bound                                   3",
            "  gap             2 above the dual feasible bound",
        ]

    def test_summary(self) -> None:
        assert pack(SIZES, 10).summary().to_dict() == {
            "files": 5,
            "buckets": 4,
            "lower_bound": 4,
            "gap": 0,
            "bound": "L1",
            "oversize": 2,
            "capacity": 10,
            "bytes": 51,
            "fill_min": 0.5,
            "fill_mean": 0.875,
        }

    def test_html_has_no_colours_of_its_own(self) -> None:
        html = pack(SIZES, 10)._repr_html_()
        assert html.startswith("<table ")
        assert "5 files in 4 buckets of 10 B" in html
        assert "#" not in html
        assert "color:" not in html


class TestBounds:
    def test_each_counts_the_oversize_files(self) -> None:
        bounds = pack([16, 12, 7, 3, 2, 21, 99], 20).bounds()
        assert bounds.to_dict() == {"l1": 4, "l2": 4, "dual": 4, "l3": 5, "lp": 5}
        assert (bounds.best, bounds.kind) == (5, "L3")

    def test_each_can_be_the_best(self) -> None:
        nights = {
            "L1": ([6, 5, 4], 10),
            "L2": ([6, 6, 6, 1], 10),
            "dual feasible": ([6, 6, 3, 3, 2], 10),
            "L3": ([16, 12, 7, 3, 2], 20),
            "LP": ([51, 38, 37, 29, 26, 19], 100),
        }
        found = {pack(sizes, room).bounds().kind for sizes, room in nights.values()}
        assert found == set(nights)

    @pytest.mark.parametrize("sizes", [[], [0, 0], [0, 5], [11, 0, 0], [11]])
    def test_empty_files_need_a_bucket_and_no_files_none(
        self, sizes: list[int]
    ) -> None:
        packing = pack(sizes, 10)
        assert packing.gap == 0
        assert packing.bounds().best == packing.bounds().lp == packing.n_buckets

    def test_a_large_night_has_no_l3_and_no_functions(self) -> None:
        for n, is_there in ((MOST_FOR_L3, True), (MOST_FOR_L3 + 1, False)):
            packing = pack([10] * n + [11], 10)
            assert (packing.bounds(lp=False).l3 is not None) is is_there
        sizes = [6, 6, 3, 3, 2] * (MOST_FOR_DUAL // 5)
        best = pack(sizes, 10).bounds(lp=False)
        assert best.dual > best.l2
        best = pack([*sizes, 1], 10).bounds(lp=False)
        assert best.dual == best.l2

    def test_no_time_is_no_linear_programme(self) -> None:
        packing = pack(np.random.default_rng(1).integers(200, 350, 60), 1000)
        assert packing.bounds(time_limit=1e-9).lp is None
        assert packing.bounds(lp=False).lp is None
        assert packing.bounds().lp == packing.bounds().best

    def test_too_many_different_sizes_are_no_linear_programme(self) -> None:
        assert pack(np.arange(1, 1502), 2000).bounds().lp is None

    def test_time_limit_is_checked(self) -> None:
        message = "time_limit must be > 0 and finite seconds, got 0"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            pack([1]).bounds(time_limit=0)

    def test_table(self) -> None:
        bounds = pack(range(1, 1502), 2000).bounds()
        assert str(bounds) == (
            "at least 564 buckets, by the L1 bound\n"
            "  L1             564\n"
            "  L2             564\n"
            "  dual feasible  564\n"
            "  L3               -\n"
            "  LP               -"
        )
        html = bounds._repr_html_()
        assert ">at least 564 buckets, by the L1 bound</caption>" in html
        assert ">LP</th><td>-</td></tr>" in html


@given(sizes=st.lists(st.integers(0, 24), max_size=9), capacity=st.integers(1, 20))
def test_no_bound_is_above_the_optimum(sizes: list[int], capacity: int) -> None:
    packing = pack(sizes, capacity, NextFit())
    bounds, optimum = packing.bounds(), fewest(sizes, capacity)
    assert all(value <= optimum for value in bounds.to_dict().values() if value)
    assert packing.lower_bound == bounds.l1 <= bounds.l2 <= bounds.dual <= bounds.best
    assert bounds.l3 is not None
    assert bounds.l2 <= bounds.l3
    # Worths of so few files and bytes are exact in six digits, so it is on top here.
    assert bounds.lp is not None
    assert bounds.lp >= bounds.dual
    assert packing.gap == packing.n_buckets - bounds.dual
    proof = linear_bound(sizes, capacity)
    assert proof is not None
    proof.check(sizes, capacity)
    assert proof.bound == bounds.lp


@pytest.mark.parametrize("law", ["exponential", "uniform", "triples"])
def test_no_bound_is_above_what_any_strategy_needs(law: str) -> None:
    rng = np.random.default_rng(5)
    for n in (30, 90, 240):
        sizes = {
            "exponential": np.minimum(rng.exponential(1e6, n), 2e7).astype(int),
            "uniform": rng.integers(1, 10**7 + 1, n),
            "triples": falkenauer_triplets(n, rng).sizes * 10**4,
        }[law]
        for strategy in (FirstFitDecreasing(), BestFitDecreasing(), NextFit()):
            packing = pack(sizes, 10**7, strategy)
            bounds = packing.bounds(time_limit=1.0)
            assert bounds.best <= packing.n_buckets
            assert 0 <= packing.gap == packing.n_buckets - bounds.dual


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "kind", "message"),
        [
            (
                {"sizes": [1, 12_400_311], "oversize": "raise"},
                ValueError,
                "every file must fit in one bucket of 10000000 bytes "
                '(oversize="raise"), but sizes[1] = 12400311',
            ),
            (
                {"sizes": [1, -1]},
                ValueError,
                "sizes must be whole bytes >= 0, but sizes[1] = -1",
            ),
            (
                {"sizes": [1.5]},
                ValueError,
                "sizes must be whole bytes >= 0, but sizes[0] = 1.5",
            ),
            (
                {"sizes": [[1]]},
                ValueError,
                "sizes must have one dimension, got shape (1, 1)",
            ),
            (
                {"sizes": [2**62, 2**62]},
                ValueError,
                f"sizes must sum to at most 2**63 - 1 bytes, got {2**63}",
            ),
            (
                {"sizes": [1], "capacity": 0},
                ValueError,
                "capacity must be whole bytes >= 1, got 0",
            ),
            (
                {"sizes": [1], "oversize": "split"},
                ValueError,
                "oversize must be 'alone' or 'raise', got 'split'",
            ),
            (
                {"sizes": [1], "strategy": FirstFit},
                TypeError,
                "strategy must be a bucketing strategy such as FirstFitDecreasing(), "
                "got the class FirstFit: call it",
            ),
            (
                {"sizes": [1], "strategy": "FirstFit"},
                TypeError,
                "strategy must be a bucketing strategy such as FirstFitDecreasing(), "
                "got 'FirstFit'",
            ),
        ],
    )
    def test_it_is_refused(
        self, arguments: dict[str, Any], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            pack(**arguments)

    def test_a_file_as_large_as_the_bucket_fits(self) -> None:
        assert pack([10], 10, oversize="raise").n_buckets == 1


class TestCheats:
    """One cheat a rule. Files 1 and 4 are oversize: the strategy sees 6, 5, 4."""

    @pytest.mark.parametrize(
        ("answer", "kind", "message"),
        [
            (
                [0.0, 1.0, 0.0],
                TypeError,
                "Always must answer in whole numbers, got float64",
            ),
            (None, TypeError, "Always must answer in whole numbers, got None"),
            ([True] * 3, TypeError, "Always must answer in whole numbers, got bool"),
            (
                [0, 1],
                ValueError,
                "Always must put each of 3 files into one bucket, "
                "got an answer of shape (2,)",
            ),
            (
                [[0, 1, 0]],
                ValueError,
                "Always must put each of 3 files into one bucket, "
                "got an answer of shape (1, 3)",
            ),
            (
                [0, -1, 0],
                ValueError,
                "Always must number its buckets from 0, but file 2 is in bucket -1",
            ),
            (
                [0, 1, 3],
                ValueError,
                "Always must leave no bucket empty, but bucket 2 is, "
                "and file 3 is in bucket 3",
            ),
            (
                [1, 2, 1],
                ValueError,
                "Always must leave no bucket empty, but bucket 0 is, "
                "and file 0 is in bucket 1",
            ),
            (
                np.array([0, 2**64 - 1, 0], np.uint64),
                ValueError,
                "Always must leave no bucket empty, but bucket 1 is, "
                f"and file 2 is in bucket {2**64 - 1}",
            ),
            (
                [0, 0, 1],
                ValueError,
                "Always must put at most 10 bytes into a bucket, "
                "but bucket 0 holds 11: file 2 is the first too many",
            ),
            (
                [0, 1, 1],
                None,
                "",
            ),
        ],
    )
    def test_it_is_found(
        self, answer: Any, kind: type[Exception] | None, message: str
    ) -> None:
        if kind is None:  # the honest answer passes
            assert pack(SIZES, 10, Always(answer)).n_buckets == 4
            return
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            pack(SIZES, 10, Always(answer))


@given(
    sizes=st.lists(st.integers(0, 40), max_size=40),
    capacity=st.integers(1, 30),
    strategy=st.sampled_from(
        [FirstFit(), NextFit(), FirstFitDecreasing(), WorstFitDecreasing()]
    ),
)
def test_nothing_is_lost_and_only_a_lone_file_is_too_large(
    sizes: list[int], capacity: int, strategy: BucketingStrategy
) -> None:
    packing = pack(sizes, capacity, strategy)
    groups = packing.groups()
    assert sorted(i for group in groups for i in group.tolist()) == [*range(len(sizes))]
    assert [
        int(packing.sizes[group].sum()) for group in groups
    ] == packing.load.tolist()
    assert [group.size for group in groups] == packing.count.tolist()
    assert [int(group[0]) for group in groups] == sorted(int(g[0]) for g in groups)
    for load, count in zip(packing.load, packing.count, strict=True):
        assert load <= capacity or count == 1
    assert packing.lower_bound <= packing.n_buckets
    assert packing.n_oversize == sum(size > capacity for size in sizes)
