"""The bucketing strategies: one contract, equal to the reference, within theory."""

import pickle
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.files import _placing, reference
from mds_sim.files.balanced import Balanced
from mds_sim.files.engines import MaxFiles
from mds_sim.files.packing import pack
from mds_sim.files.refined import (
    Harmonic,
    MinimumBinSlack,
    ModifiedFirstFitDecreasing,
)
from mds_sim.files.strategies import (
    AlmostWorstFit,
    AlmostWorstFitDecreasing,
    BestFit,
    BestFitDecreasing,
    BucketingStrategy,
    FirstFit,
    FirstFitDecreasing,
    FitRule,
    LookbackFit,
    NextFit,
    NextFitDecreasing,
    WorstFit,
    WorstFitDecreasing,
)
from mds_sim.theory.packing import WORST_CASES, lower_bound

Plain = Callable[..., list[int]]


def lookback(k: int, close: str) -> Plain:
    """Return the reference of `LookbackFit`."""
    return partial(reference.lookback_fit, lookback=k, close=close)


REFERENCE: dict[FitRule, Plain] = {
    NextFit(): reference.next_fit,
    FirstFit(): reference.first_fit,
    BestFit(): reference.best_fit,
    WorstFit(): reference.worst_fit,
    AlmostWorstFit(): reference.almost_worst_fit,
    LookbackFit(): lookback(10, "oldest"),
    LookbackFit(2): lookback(2, "oldest"),
    LookbackFit(3, "fullest"): lookback(3, "fullest"),
    NextFitDecreasing(): partial(reference.decreasing, reference.next_fit),
    FirstFitDecreasing(): partial(reference.decreasing, reference.first_fit),
    BestFitDecreasing(): partial(reference.decreasing, reference.best_fit),
    WorstFitDecreasing(): partial(reference.decreasing, reference.worst_fit),
    AlmostWorstFitDecreasing(): partial(
        reference.decreasing, reference.almost_worst_fit
    ),
}
ALL = pytest.mark.parametrize("strategy", REFERENCE, ids=repr)
WAYS = pytest.mark.parametrize("compiled_from", [0, 10**9], ids=["compiled", "Python"])


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
        assert hash(strategy) == hash(pickle.loads(pickle.dumps(strategy)))
        assert eval(repr(strategy)) == strategy

    def test_the_largest_numbers_are_exact(self, strategy: BucketingStrategy) -> None:
        largest = 2**63 - 1
        sizes = np.array([largest, 0, largest - 1, 1])
        load = np.zeros(4, dtype=object)
        for size, bucket in zip(sizes, strategy.assign(sizes, largest), strict=True):
            load[bucket] += int(size)
        assert max(load) == largest


def generated_nights() -> Iterator[tuple[list[int], int, int | None]]:
    """Yield 8,000 nights: small numbers make ties, zeros and exact fills common."""
    rng = np.random.default_rng(7)
    for _ in range(4000):
        capacity = int(rng.integers(1, 13))
        sizes = rng.integers(0, capacity + 1, int(rng.integers(0, 14))).tolist()
        yield sizes, capacity, None
        yield sizes, capacity, int(rng.integers(1, 5))


@WAYS
@ALL
def test_both_fast_ways_equal_the_reference(
    strategy: FitRule, compiled_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 8,000 nights for each of 13 strategies: 104,000 cases for each way.
    monkeypatch.setattr(_placing, "COMPILED_FROM", compiled_from)
    plain = REFERENCE[strategy]
    for sizes, capacity, most in generated_nights():
        fast = strategy.assign_limited(np.array(sizes, np.int64), capacity, most)
        expected = plain(sizes, capacity, most)
        assert fast.tolist() == expected, (sizes, capacity, most)


@WAYS
@ALL
def test_they_are_equal_on_long_nights(
    strategy: FitRule, compiled_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Hundreds of buckets: the tree grows twice, the treap and the heap are deep.
    monkeypatch.setattr(_placing, "COMPILED_FROM", compiled_from)
    rng = np.random.default_rng(8)
    for capacity in (1500, 10**13):
        exponential = (rng.exponential(capacity / 3, 700)).astype(np.int64)
        for sizes in (
            np.minimum(exponential, capacity),
            rng.integers(0, capacity + 1, 600),
            rng.integers(0, 4, 400) * (capacity // 3),
        ):
            fast = strategy.assign(sizes, capacity)
            assert fast.tolist() == REFERENCE[strategy](sizes.tolist(), capacity)


def test_long_lists_are_compiled_and_short_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_kernels() -> Any:
        raise AssertionError("no list is so long")

    monkeypatch.setattr(_placing, "_kernels", no_kernels)
    sizes = np.ones(_placing.COMPILED_FROM, np.int64)
    assert FirstFit().assign(sizes[1:], 10).max() == 199
    with pytest.raises(AssertionError, match=r"^no list is so long$"):
        FirstFit().assign(sizes, 10)


def test_without_numba_long_lists_are_packed_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = np.random.default_rng(9).integers(0, 11, _placing.COMPILED_FROM)
    compiled = [strategy.assign(sizes, 10) for strategy in REFERENCE]
    monkeypatch.setattr(_placing, "_kernels", lambda: None)
    for strategy, bucket in zip(REFERENCE, compiled, strict=True):
        assert np.array_equal(strategy.assign(sizes, 10), bucket)


@WAYS
@pytest.mark.parametrize("largest", [1, 255, 256, 10**7, 2**52, 2**63 - 1])
def test_sorting_keeps_the_order_of_equal_sizes(
    largest: int, compiled_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Size and index share 64 bits, or it is sorted another way: 2**52 and 2,049 files
    # are the last that fit, with 53 bits and 12.
    monkeypatch.setattr(_placing, "COMPILED_FROM", compiled_from)
    rng = np.random.default_rng(10)
    for n in (1, 2, 300, 2048, 2049):
        sizes = rng.integers(0, min(largest, 40) + 1, n) * (largest // min(largest, 40))
        sizes[rng.integers(n)] = largest
        order, sorted_sizes = _placing.descending(sizes)
        assert order.tolist() == np.argsort(-sizes, kind="stable").tolist()
        assert sorted_sizes.tolist() == sizes[order].tolist()


@WAYS
def test_spreading_equals_the_reference(
    compiled_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_placing, "COMPILED_FROM", compiled_from)
    rng = np.random.default_rng(11)
    for _ in range(500):
        sizes = rng.integers(0, 6, int(rng.integers(0, 30)))
        buckets = int(rng.integers(1, 12))
        fast = _placing.run("least_loaded", sizes, buckets)
        assert fast.tolist() == reference.least_loaded(sizes.tolist(), buckets)


@WAYS
def test_new_numbers_are_in_the_order_of_the_first_files(
    compiled_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_placing, "COMPILED_FROM", compiled_from)
    assert _placing.numbered(np.array([2, 0, 2, 1, 0]), 3).tolist() == [0, 1, 0, 2, 1]
    assert _placing.numbered(np.empty(0, np.int64), 0).tolist() == []


@ALL
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (
            [3, 11],
            "sizes must be in 0..10, the room of a bucket [bytes], but sizes[1] = 11; "
            "`pack` sets oversize files apart",
        ),
        (
            [-1, 3],
            "sizes must be in 0..10, the room of a bucket [bytes], but sizes[0] = -1; "
            "`pack` sets oversize files apart",
        ),
    ],
)
def test_what_cannot_fit_is_refused(
    strategy: FitRule, sizes: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        strategy.assign(np.array(sizes), 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lookback": 0}, "lookback must be >= 1, got 0"),
        ({"close": "newest"}, "close must be 'oldest' or 'fullest', got 'newest'"),
    ],
)
def test_a_wrong_field_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LookbackFit(**arguments)


@given(night=nights())
def test_looking_back_at_one_bucket_is_next_fit_and_at_all_is_first_fit(
    night: tuple[list[int], int],
) -> None:
    sizes, capacity = np.array(night[0], np.int64), night[1]
    one, all_of_them = LookbackFit(1), LookbackFit(1000)
    assert np.array_equal(
        one.assign(sizes, capacity), NextFit().assign(sizes, capacity)
    )
    assert np.array_equal(
        all_of_them.assign(sizes, capacity), FirstFit().assign(sizes, capacity)
    )


@pytest.mark.parametrize(
    ("strategy", "sizes", "bucket"),
    [
        (NextFit(), [6, 5, 4, 3], [0, 1, 1, 2]),
        (FirstFit(), [6, 5, 4, 3, 4], [0, 1, 0, 1, 2]),
        (BestFit(), [5, 6, 4, 3], [0, 1, 1, 0]),
        (BestFit(), [6, 6, 3], [0, 1, 0]),  # tie: the lowest number
        (WorstFit(), [6, 5, 4, 3], [0, 1, 1, 0]),
        (WorstFit(), [6, 6, 3], [0, 1, 0]),  # tie: the lowest number
        (AlmostWorstFit(), [7, 5, 3, 2], [0, 1, 0, 1]),
        (AlmostWorstFit(), [6, 6, 3], [0, 1, 1]),  # tie: bucket 0 is the emptier
        (AlmostWorstFit(), [8, 5, 3], [0, 1, 1]),  # the second has no room
        (LookbackFit(2), [6, 5, 7, 4, 3], [0, 1, 2, 1, 2]),
        (LookbackFit(2, "fullest"), [6, 5, 7, 4, 3], [0, 1, 2, 0, 1]),
        (NextFitDecreasing(), [3, 4, 5, 6], [2, 1, 1, 0]),
        (FirstFitDecreasing(), [5, 5, 5], [0, 0, 1]),  # tie: the lowest index first
        (BestFitDecreasing(), [3, 4, 5, 6], [1, 0, 1, 0]),
        (WorstFitDecreasing(), [3, 4, 5, 6], [0, 1, 1, 0]),
        (AlmostWorstFitDecreasing(), [2, 3, 5, 7], [1, 0, 1, 0]),
    ],
)
def test_a_case_done_by_hand(
    strategy: BucketingStrategy, sizes: list[int], bucket: list[int]
) -> None:
    assert strategy.assign(np.array(sizes), 10).tolist() == bucket


@WAYS
@pytest.mark.parametrize(
    ("limited", "free"),
    [
        (MaxFiles(FirstFit(), 2**70), FirstFit()),
        (MaxFiles(MinimumBinSlack(), 2**70), MinimumBinSlack()),
        (LookbackFit(2**70), FirstFit()),
        (Harmonic(2**70), Harmonic(1000)),
        (MinimumBinSlack(2**70), MinimumBinSlack(10**9)),
        (Balanced(2**70), Balanced(50)),
    ],
    ids=repr,
)
def test_a_limit_beyond_int64_is_none(
    limited: BucketingStrategy,
    free: BucketingStrategy,
    compiled_from: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_placing, "COMPILED_FROM", compiled_from)
    sizes = np.random.default_rng(4).integers(0, 99, 50)
    assert pack(sizes, 99, limited).same_as(pack(sizes, 99, free))


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
    rules = [*REFERENCE, ModifiedFirstFitDecreasing()]
    strategy = next(s for s in rules if type(s).__name__ == name)
    optimum = fewest_buckets(sizes, capacity)
    n_buckets = pack(sizes, capacity, strategy).n_buckets
    assert optimum <= n_buckets <= WORST_CASES[name].most_buckets(optimum)
