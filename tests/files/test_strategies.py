"""The bucketing strategies: one contract, equal to the reference, within theory."""

import pickle
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.files import reference
from mds_sim.files.packing import pack
from mds_sim.files.strategies import (
    BestFit,
    BestFitDecreasing,
    BucketingStrategy,
    FirstFit,
    FirstFitDecreasing,
    NextFit,
    NextFitDecreasing,
    WorstFit,
    WorstFitDecreasing,
)
from mds_sim.theory.packing import WORST_CASES, lower_bound

REFERENCE = {
    NextFit(): reference.next_fit,
    FirstFit(): reference.first_fit,
    BestFit(): reference.best_fit,
    WorstFit(): reference.worst_fit,
    NextFitDecreasing(): partial(reference.decreasing, reference.next_fit),
    FirstFitDecreasing(): partial(reference.decreasing, reference.first_fit),
    BestFitDecreasing(): partial(reference.decreasing, reference.best_fit),
    WorstFitDecreasing(): partial(reference.decreasing, reference.worst_fit),
}
ALL = pytest.mark.parametrize("strategy", REFERENCE, ids=lambda s: type(s).__name__)


@st.composite
def nights(draw: st.DrawFn) -> tuple[list[int], int]:
    """Return sizes that fit, often equal, zero or full, and a capacity."""
    capacity = draw(st.integers(1, 30))
    special = st.sampled_from([0, capacity, capacity // 2, capacity - capacity // 2])
    sizes = draw(st.lists(st.integers(0, capacity) | special, max_size=30))
    return sizes, capacity


@ALL
class TestContract:
    @given(night=nights())
    def test_every_file_is_in_one_bucket_and_no_bucket_is_over_full(
        self, strategy: BucketingStrategy, night: tuple[list[int], int]
    ) -> None:
        sizes, capacity = night
        bucket = strategy.assign(np.array(sizes, np.int64), capacity)
        assert bucket.dtype == np.int64
        assert bucket.shape == (len(sizes),)
        numbers = np.unique(bucket).tolist()
        assert numbers == list(range(len(numbers)))
        for number in numbers:
            assert sum(np.array(sizes)[bucket == number]) <= capacity

    @given(night=nights())
    def test_the_lower_bound_holds(
        self, strategy: BucketingStrategy, night: tuple[list[int], int]
    ) -> None:
        sizes, capacity = night
        packing = pack(sizes, capacity, strategy)
        assert lower_bound(sizes, capacity) <= packing.n_buckets <= len(sizes)

    @given(night=nights())
    def test_the_input_stays_as_it_is_and_the_answer_the_same(
        self, strategy: BucketingStrategy, night: tuple[list[int], int]
    ) -> None:
        sizes = np.array(night[0], np.int64)
        sizes.setflags(write=False)
        first = strategy.assign(sizes, night[1])
        assert np.array_equal(first, strategy.assign(sizes, night[1]))
        assert sizes.tolist() == night[0]

    def test_no_files_need_no_buckets(self, strategy: BucketingStrategy) -> None:
        assert strategy.assign(np.array([], np.int64), 10).tolist() == []

    def test_it_is_a_small_value(self, strategy: BucketingStrategy) -> None:
        assert pickle.loads(pickle.dumps(strategy)) == strategy
        assert hash(strategy) == hash(type(strategy)())
        assert repr(strategy) == f"{type(strategy).__name__}()"

    def test_the_largest_numbers_are_exact(self, strategy: BucketingStrategy) -> None:
        largest = 2**63 - 1
        sizes = np.array([largest, 0, largest - 1, 1])
        load = np.zeros(4, dtype=object)
        for size, bucket in zip(sizes, strategy.assign(sizes, largest), strict=True):
            load[bucket] += int(size)
        assert max(load) == largest


def generated_nights() -> Iterator[tuple[list[int], int]]:
    """Yield 1,500 nights: small numbers make ties, zeros and exact fills common."""
    rng = np.random.default_rng(7)
    for _ in range(1500):
        capacity = int(rng.integers(1, 13))
        yield rng.integers(0, capacity + 1, int(rng.integers(0, 16))).tolist(), capacity


@ALL
def test_the_fast_way_equals_the_reference(strategy: BucketingStrategy) -> None:
    # 1,500 small nights and 20 long ones for each of 8 strategies: 12,160 cases.
    plain = REFERENCE[strategy]
    for sizes, capacity in generated_nights():
        fast = strategy.assign(np.array(sizes, np.int64), capacity)
        assert fast.tolist() == plain(sizes, capacity), (sizes, capacity)
    rng = np.random.default_rng(8)
    for _ in range(20):
        sizes = np.minimum(rng.exponential(1000, 150).astype(int), 5000)
        assert strategy.assign(sizes, 5000).tolist() == plain(sizes.tolist(), 5000)


@pytest.mark.parametrize(
    ("strategy", "sizes", "bucket"),
    [
        (NextFit(), [6, 5, 4, 3], [0, 1, 1, 2]),
        (FirstFit(), [6, 5, 4, 3, 4], [0, 1, 0, 1, 2]),
        (BestFit(), [5, 6, 4, 3], [0, 1, 1, 0]),
        (BestFit(), [6, 6, 3], [0, 1, 0]),  # tie: the lowest number
        (WorstFit(), [6, 5, 4, 3], [0, 1, 1, 0]),
        (WorstFit(), [6, 6, 3], [0, 1, 0]),  # tie: the lowest number
        (NextFitDecreasing(), [3, 4, 5, 6], [2, 1, 1, 0]),
        (FirstFitDecreasing(), [5, 5, 5], [0, 0, 1]),  # tie: the lowest index first
        (BestFitDecreasing(), [3, 4, 5, 6], [1, 0, 1, 0]),
        (WorstFitDecreasing(), [3, 4, 5, 6], [0, 1, 1, 0]),
    ],
)
def test_a_case_done_by_hand(
    strategy: BucketingStrategy, sizes: list[int], bucket: list[int]
) -> None:
    assert strategy.assign(np.array(sizes), 10).tolist() == bucket


def test_a_list_will_do_as_well() -> None:
    assert FirstFitDecreasing().assign([3, 4, 5, 6], 10).tolist() == [1, 0, 1, 0]  # type: ignore[arg-type]


@given(night=nights())
def test_next_fit_needs_as_many_buckets_from_behind(
    night: tuple[list[int], int],
) -> None:
    # Both are the fewest pieces that the list can be cut into.
    sizes, capacity = night
    forwards = pack(sizes, capacity, NextFit())
    backwards = pack(sizes[::-1], capacity, NextFit())
    assert forwards.n_buckets == backwards.n_buckets


def fewest_buckets(sizes: list[int], capacity: int) -> int:
    """Try everything: each file in each bucket that is open, and in a new one."""

    def best(i: int, loads: tuple[int, ...], so_far: int) -> int:
        if len(loads) >= so_far:
            return so_far
        if i == len(sizes):
            return len(loads)
        for b, load in enumerate(loads):
            if load + sizes[i] <= capacity:
                more = (*loads[:b], load + sizes[i], *loads[b + 1 :])
                so_far = best(i + 1, more, so_far)
        return best(i + 1, (*loads, sizes[i]), so_far)

    return best(0, (), len(sizes) + 1)


@pytest.mark.parametrize("name", WORST_CASES)
@given(night=nights().map(lambda night: (night[0][:8] or [1], night[1])))
def test_the_worst_case_is_never_exceeded(
    name: str, night: tuple[list[int], int]
) -> None:
    sizes, capacity = night
    strategy = next(s for s in REFERENCE if type(s).__name__ == name)
    optimum = fewest_buckets(sizes, capacity)
    n_buckets = pack(sizes, capacity, strategy).n_buckets
    assert optimum <= n_buckets <= WORST_CASES[name].most_buckets(optimum)
