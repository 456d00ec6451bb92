"""Harmonic, modified first fit decreasing, minimum bin slack: equal to plain code."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mds_sim.files import _placing
from mds_sim.files.checking import check_bucketing_strategy
from mds_sim.files.packing import pack
from mds_sim.files.refined import (
    Harmonic,
    MinimumBinSlack,
    ModifiedFirstFitDecreasing,
)
from mds_sim.files.strategies import BucketingStrategy, FirstFitDecreasing, NextFit

Ints = NDArray[np.int64]


@st.composite
def nights(draw: st.DrawFn, least: int = 0) -> tuple[list[int], int]:
    """Return sizes that fit, with many ties, and a capacity."""
    capacity = draw(st.integers(1, 40))
    sizes = draw(st.lists(st.integers(least, capacity), max_size=16))
    return sizes, capacity


def groups(strategy: BucketingStrategy, sizes: list[int], capacity: int) -> Any:
    """Return the sizes in each bucket, from large to small."""
    packing = pack(sizes, capacity, strategy)
    inside = (packing.sizes[group].tolist() for group in packing.groups())
    return sorted(sorted(group, reverse=True) for group in inside)


@pytest.mark.parametrize(
    "strategy",
    [
        Harmonic(),
        Harmonic(1),
        ModifiedFirstFitDecreasing(),
        MinimumBinSlack(),
        MinimumBinSlack(tries=1),
    ],
    ids=repr,
)
def test_they_keep_the_contract(strategy: BucketingStrategy) -> None:
    check_bucketing_strategy(strategy)


def harmonic(sizes: list[int], capacity: int, classes: int) -> list[int]:
    """Return the bucket of each file, one open bucket a class."""
    newest: dict[int, int] = {}
    load: list[int] = []
    bucket = []
    for size in sizes:
        kind = next((j for j in range(1, classes) if size * (j + 1) > capacity), 0)
        if kind not in newest or load[newest[kind]] + size > capacity:
            newest[kind] = len(load)
            load.append(0)
        load[newest[kind]] += size
        bucket.append(newest[kind])
    return bucket


class TestHarmonic:
    @given(night=nights(), classes=st.integers(1, 8))
    def test_it_is_next_fit_class_by_class(
        self, night: tuple[list[int], int], classes: int
    ) -> None:
        sizes, capacity = night
        bucket = Harmonic(classes).assign(np.array(sizes, np.int64), capacity)
        assert bucket.tolist() == harmonic(sizes, capacity, classes)

    @given(night=nights())
    def test_one_class_is_next_fit(self, night: tuple[list[int], int]) -> None:
        sizes, capacity = np.array(night[0], np.int64), night[1]
        one = Harmonic(1).assign(sizes, capacity)
        assert np.array_equal(one, NextFit().assign(sizes, capacity))

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match=r"^classes must be >= 1, got 0$"):
            Harmonic(0)


def modified(sizes: list[int], capacity: int) -> list[list[int]]:
    """Return the buckets, by the five steps as they are told."""
    left = sorted(sizes, reverse=True)
    bins = [[size] for size in left if 2 * size > capacity]
    left = left[len(bins) :]

    def put(size: int, inside: list[int]) -> None:
        left.remove(size)
        inside.append(size)

    for inside in bins:
        medium = [s for s in left if 3 * s > capacity and s + sum(inside) <= capacity]
        if medium:
            put(max(medium), inside)
    for inside in reversed(bins):
        if len(inside) == 1:
            small = [s for s in left if 3 * s <= capacity < 6 * s]
            if len(small) > 1 and sum(sorted(small)[:2] + inside) <= capacity:
                put(min(small), inside)
                small.remove(min(small))
                put(max(s for s in small if s + sum(inside) <= capacity), inside)
    for inside in bins:
        while any(s + sum(inside) <= capacity for s in left):
            put(max(s for s in left if s + sum(inside) <= capacity), inside)
    return bins + groups(FirstFitDecreasing(), left, capacity)


class TestModified:
    @given(night=nights())
    def test_it_does_the_five_steps(self, night: tuple[list[int], int]) -> None:
        sizes, capacity = night
        plain = sorted(sorted(g, reverse=True) for g in modified(sizes, capacity))
        assert groups(ModifiedFirstFitDecreasing(), sizes, capacity) == plain

    @pytest.mark.parametrize(
        ("sizes", "expected"),
        [
            (  # each large file takes a medium one, then a tiny one
                [60, 55, 40, 35, 34, 34, 30, 20, 18, 5],
                [[20, 18], [34, 34, 30], [55, 35, 5], [60, 40]],
            ),
            (  # no medium one fits: the smallest small, and the largest beside it
                [62, 45, 20, 18, 17, 5],
                [[45, 18, 5], [62, 20, 17]],
            ),
            (  # the two smallest fit beside 62 only, the next largest beside 70
                [70, 62, 45, 20, 18, 17, 5],
                [[45], [62, 20, 17], [70, 18, 5]],
            ),
        ],
    )
    def test_by_hand(self, sizes: list[int], expected: list[list[int]]) -> None:
        assert groups(ModifiedFirstFitDecreasing(), sizes, 100) == expected

    def test_it_is_better_than_first_fit_decreasing_where_that_is_worst(self) -> None:
        sizes = [51] * 6 + [27] * 6 + [26] * 6 + [23] * 12
        assert pack(sizes, 100).lower_bound == 9
        assert pack(sizes, 100, FirstFitDecreasing()).n_buckets == 11
        assert pack(sizes, 100, ModifiedFirstFitDecreasing()).n_buckets == 10


class TestMinimumBinSlack:
    @given(night=nights(least=1))
    def test_each_bucket_is_as_full_as_its_largest_file_allows(
        self, night: tuple[list[int], int]
    ) -> None:
        sizes, capacity = night
        strategy = MinimumBinSlack(tries=10**9)
        left = sorted(sizes, reverse=True)
        bucket = strategy.assign(np.array(left, np.int64), capacity)
        for number in range(max(bucket, default=-1) + 1):
            here = [s for s, b in zip(left, bucket, strict=True) if b == number]
            later = [s for s, b in zip(left, bucket, strict=True) if b > number]
            others = here[1:] + later
            loads = {0}
            for size in others:
                loads |= {load + size for load in loads}
            fits = max(load for load in loads if load + here[0] <= capacity)
            assert sum(here) == here[0] + fits
            assert here[0] == max(here + later)

    @given(night=nights(least=1))
    def test_one_try_is_first_fit_decreasing(
        self, night: tuple[list[int], int]
    ) -> None:
        sizes, capacity = night
        one = groups(MinimumBinSlack(tries=1), sizes, capacity)
        assert one == groups(FirstFitDecreasing(), sizes, capacity)

    def test_both_ways_are_equal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(13)
        cases = [
            (rng.integers(0, 30, int(rng.integers(1, 60))), int(rng.integers(30, 90)))
            for _ in range(300)
        ]
        for tries in (1, 3, 100):
            strategy = MinimumBinSlack(tries)
            monkeypatch.setattr(_placing, "COMPILED_FROM", 10**9)
            plain = [strategy.assign(*case).tolist() for case in cases]
            monkeypatch.setattr(_placing, "COMPILED_FROM", 0)
            assert [strategy.assign(*case).tolist() for case in cases] == plain

    def test_empty_files_go_with_the_largest(self) -> None:
        sizes = np.array([0, 4, 10, 0])
        assert MinimumBinSlack().assign(sizes, 10).tolist() == [0, 1, 0, 0]
        assert MinimumBinSlack().assign(sizes[[0, 3]], 10).tolist() == [0, 0]

    def test_it_finds_the_triplets(self) -> None:
        # Three fill a bucket to the byte, and first fit decreasing needs one more.
        sizes = [45, 44, 42, 32, 30, 29, 26, 26, 26]
        assert pack(sizes, 100, FirstFitDecreasing()).n_buckets == 4
        assert pack(sizes, 100, MinimumBinSlack()).n_buckets == 3

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match=r"^tries must be >= 1, got 0$"):
            MinimumBinSlack(0)
