"""What engines do to small files: the same groups as theirs; costs and limits."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mds_sim.files import _placing, reference
from mds_sim.files.checking import check_bucketing_strategy
from mds_sim.files.engines import (
    DeltaCompaction,
    IcebergSplits,
    MaxFiles,
    OpenCost,
    SparkPartitions,
)
from mds_sim.files.packing import pack
from mds_sim.files.refined import Harmonic
from mds_sim.files.strategies import (
    BestFit,
    BucketingStrategy,
    FirstFit,
    FirstFitDecreasing,
    NextFit,
    NextFitDecreasing,
)

Ints = NDArray[np.int64]


@st.composite
def nights(draw: st.DrawFn) -> tuple[Ints, int]:
    """Return sizes that fit, with many ties, and a capacity."""
    capacity = draw(st.integers(1, 20))
    sizes = draw(st.lists(st.integers(0, capacity), max_size=30))
    return np.array(sizes, np.int64), capacity


@pytest.mark.parametrize(
    "strategy",
    [
        OpenCost(FirstFit(), 2),
        OpenCost(BestFit(), 3, "least"),
        OpenCost(FirstFit(), 10**18),
        MaxFiles(FirstFitDecreasing(), 3),
        MaxFiles(Harmonic(4), 2),
        OpenCost(MaxFiles(FirstFit(), 1), 1),
        SparkPartitions(3),
        SparkPartitions(3, cores=4),
        SparkPartitions(0, cores=100),
        DeltaCompaction(),
        IcebergSplits(3, 2),
    ],
    ids=repr,
)
def test_they_keep_the_contract(strategy: BucketingStrategy) -> None:
    check_bucketing_strategy(strategy)


class TestOpenCost:
    @pytest.mark.parametrize(
        ("how", "cost", "bucket"),
        [
            ("add", 0, [0, 0, 0, 0]),
            ("add", 2, [0, 0, 1, 0]),  # 3 + 4, then 5, and 2 beside 7
            ("least", 3, [0, 0, 0, 1]),  # three a bucket
            ("least", 11, [0, 1, 2, 3]),  # cut to the room of a bucket
            ("add", 11, [0, 1, 2, 3]),
        ],
    )
    def test_by_hand(self, how: str, cost: int, bucket: list[int]) -> None:
        strategy = OpenCost(FirstFit(), cost, how)
        sizes = np.array([1, 2, 3, 0])
        assert strategy.assign(sizes, 9).tolist() == bucket

    @given(night=nights(), cost=st.integers(0, 25))
    def test_with_the_cost_no_bucket_is_over_full(
        self, night: tuple[Ints, int], cost: int
    ) -> None:
        sizes, capacity = night
        bucket = OpenCost(FirstFitDecreasing(), cost).assign(sizes, capacity)
        for number in set(bucket.tolist()):
            inside = sizes[bucket == number]
            assert inside.size == 1 or sum(inside + cost) <= capacity

    @pytest.mark.parametrize(
        ("arguments", "kind", "message"),
        [
            (
                (FirstFit, 1),
                TypeError,
                "strategy must be a bucketing strategy such as FirstFitDecreasing(), "
                "got the class FirstFit: call it",
            ),
            (
                (FirstFit(), -1),
                ValueError,
                "cost must be >= 0 and finite bytes, got -1",
            ),
            (
                (FirstFit(), 1, "most"),
                ValueError,
                "how must be 'add' or 'least', got 'most'",
            ),
        ],
    )
    def test_bad_input(
        self, arguments: tuple[Any, ...], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            OpenCost(*arguments)


class OneBucket:
    """Puts all into one bucket, whatever they weigh."""

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        return np.zeros(sizes.size, np.int64)


class TestMaxFiles:
    def test_fit_rules_see_a_full_bucket(self) -> None:
        sizes = np.array([1, 1, 1, 7])
        assert MaxFiles(FirstFit(), 2).assign(sizes, 10).tolist() == [0, 0, 1, 1]

    def test_the_buckets_of_others_are_cut_from_large_to_small(self) -> None:
        sizes = np.array([0, 5, 0, 0, 3])
        cut = MaxFiles(OneBucket(), 2).assign(sizes, 10)
        assert cut.tolist() == [0, 1, 0, 2, 1]

    @given(night=nights(), most=st.integers(1, 6))
    @pytest.mark.parametrize("strategy", [FirstFitDecreasing(), Harmonic(3)], ids=repr)
    def test_no_bucket_holds_more(
        self, strategy: BucketingStrategy, night: tuple[Ints, int], most: int
    ) -> None:
        sizes, capacity = night
        packing = pack(sizes, capacity, MaxFiles(strategy, most))
        assert packing.count.max(initial=0) <= most
        assert packing.n_buckets >= pack(sizes, capacity).lower_bound

    def test_a_million_empty_files_are_few_questions(self) -> None:
        asked = []

        class Counting(OneBucket):
            def assign(self, sizes: Ints, capacity: int) -> Ints:
                asked.append(sizes.size)
                return np.zeros(sizes.size, np.int64)

        packing = pack(np.zeros(10**5 + 3, int), 1, MaxFiles(Counting(), 10))
        assert packing.n_buckets == 10**4 + 1
        assert asked == [10**5 + 3, 3]

    def test_a_rule_that_was_written_anew_is_asked(self) -> None:
        """It is a first fit by name only: what it says itself counts."""

        class OneEach(FirstFit):
            def assign(self, sizes: Ints, capacity: int) -> Ints:
                return np.arange(sizes.size)

        cut = MaxFiles(OneEach(), 2).assign(np.array([1, 1, 1, 1]), 10)
        assert cut.tolist() == [0, 1, 2, 3]

    def test_a_wrong_answer_is_named(self) -> None:
        message = (
            "OneBucket must put at most 10 bytes into a bucket, but bucket 0 holds 12: "
            "file 1 is the first too many"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            MaxFiles(OneBucket(), 2).assign(np.array([6, 6]), 10)

    @pytest.mark.parametrize(
        ("arguments", "kind", "message"),
        [
            ((FirstFit(), 0), ValueError, "most must be >= 1, got 0"),
            (
                ("FirstFit", 1),
                TypeError,
                "strategy must be a bucketing strategy such as FirstFitDecreasing(), "
                "got 'FirstFit'",
            ),
        ],
    )
    def test_bad_input(
        self, arguments: tuple[Any, ...], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            MaxFiles(*arguments)


class TestSpark:
    @pytest.mark.parametrize(
        ("open_cost", "cores", "sizes", "bucket"),
        [
            (0, None, [3, 4, 5, 6], [2, 1, 1, 0]),  # next fit decreasing
            (4, None, [1, 1, 1, 1, 1, 6], [1, 1, 2, 2, 3, 0]),
            (4, None, [6, 4], [0, 1]),  # 6 and its cost leave no room
            (4, None, [6, 0], [0, 0]),  # they leave just none
            (1, 2, [1, 1, 1, 1], [0, 0, 1, 1]),  # (4 + 4) / 2 = 4 bytes are wanted
            (1, 4, [9, 1, 1], [0, 1, 1]),  # 3 are, and a larger file is alone
            (0, 4, [9, 0], [0, 1]),
        ],
    )
    def test_by_hand(
        self, open_cost: int, cores: int | None, sizes: list[int], bucket: list[int]
    ) -> None:
        strategy = SparkPartitions(open_cost, cores)
        assert strategy.assign(np.array(sizes), 10).tolist() == bucket

    @pytest.mark.parametrize("compiled_from", [0, 10**9], ids=["compiled", "Python"])
    def test_it_equals_the_reference(
        self, compiled_from: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_placing, "COMPILED_FROM", compiled_from)
        rng = np.random.default_rng(12)
        for _ in range(2000):
            target, cost = int(rng.integers(0, 12)), int(rng.integers(0, 6))
            sizes = rng.integers(0, 15, int(rng.integers(0, 15)))
            fast = _placing.run("next_fit_opened", sizes, target, cost)
            plain = reference.next_fit_opened(sizes.tolist(), target, cost)
            assert fast.tolist() == plain, (sizes, target, cost)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"open_cost": -1}, "open_cost must be >= 0 and finite bytes, got -1"),
            ({"cores": 0}, "cores must be >= 1, got 0"),
        ],
    )
    def test_bad_input(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            SparkPartitions(**arguments)


class TestDelta:
    @pytest.mark.parametrize(
        ("sizes", "groups"),
        [  # the cases of its own tests
            ([1, 2, 3, 4, 5], [[1, 2], [3], [4], [5]]),
            ([5, 4, 3, 2, 1], [[1, 2], [3], [4], [5]]),
            ([4, 2, 4, 2, 5], [[2, 2], [4], [4], [5]]),
            ([1, 2, 4, 5, 6], [[1, 2], [4], [5], [6]]),
        ],
    )
    def test_it_groups_as_delta_does(
        self, sizes: list[int], groups: list[list[int]]
    ) -> None:
        packing = pack(sizes, 5, DeltaCompaction())
        found = [sorted(packing.sizes[group].tolist()) for group in packing.groups()]
        assert sorted(found) == groups

    @given(night=nights())
    def test_it_needs_as_many_as_next_fit_decreasing(
        self, night: tuple[Ints, int]
    ) -> None:
        sizes, capacity = night
        up = pack(sizes, capacity, DeltaCompaction()).n_buckets
        assert up == pack(sizes, capacity, NextFitDecreasing()).n_buckets


def iceberg(
    sizes: list[int], target: int, lookback: int, open_cost: int
) -> list[list[int]]:
    """Return the files of each bin, in the order in which bins are given away."""
    bins: list[tuple[list[int], list[int]]] = []
    done = []
    for i, size in enumerate(sizes):
        weight = max(size, open_cost)
        for files, weights in bins:
            if sum(weights) + weight <= target:
                files.append(i)
                weights.append(weight)
                break
        else:
            bins.append(([i], [weight]))
            if len(bins) > lookback:
                weights = [sum(weights) for _, weights in bins]
                done.append(bins.pop(weights.index(max(weights)))[0])
    return done + [files for files, _ in bins]


class TestIceberg:
    @given(night=nights(), lookback=st.integers(1, 4), data=st.data())
    def test_it_groups_as_iceberg_does(
        self, night: tuple[Ints, int], lookback: int, data: st.DataObject
    ) -> None:
        sizes, capacity = night
        open_cost = data.draw(st.integers(0, capacity))
        packing = pack(sizes, capacity, IcebergSplits(lookback, open_cost))
        groups = [group.tolist() for group in packing.groups()]
        assert groups == sorted(iceberg(sizes.tolist(), capacity, lookback, open_cost))

    def test_one_open_bin_is_not_next_fit(self) -> None:
        sizes = np.array([6, 1, 5, 2])
        assert IcebergSplits(1, 0).assign(sizes, 10).tolist() == [0, 0, 1, 1]
        sizes = np.array([9, 2, 1, 9])
        # The second bin is closed as it opens only if it is the fullest.
        assert IcebergSplits(1, 0).assign(sizes, 10).tolist() == [0, 1, 1, 2]
        sizes = np.array([2, 9, 1])
        assert IcebergSplits(1, 0).assign(sizes, 10).tolist() == [0, 1, 0]
        assert NextFit().assign(sizes, 10).tolist() == [0, 1, 1]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"lookback": 0}, "lookback must be >= 1, got 0"),
            ({"open_cost": -1}, "open_cost must be >= 0 and finite bytes, got -1"),
        ],
    )
    def test_bad_input(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            IcebergSplits(**arguments)
