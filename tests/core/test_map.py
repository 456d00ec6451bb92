"""Results of many tasks: in chunks, in groups of errors, and as they come."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.core import _results
from mds_sim.core.clock import VirtualClock
from mds_sim.core.retry import Retry
from mds_sim.core.worker_pool import WorkerPool

Start = Callable[..., Future[Any]]
PATIENCE = 30  # seconds until a deadlock is a red test


def odd_only(x: int) -> int:
    """Fail for even numbers."""
    if x % 2 == 0:
        raise ValueError(f"{x} is even")
    return x


# Chunks ------------------------------------------------------------------------------


@given(
    n_items=st.integers(0, 60),
    workers=st.integers(1, 4),
    chunksize=st.none() | st.integers(1, 20),
    buffersize=st.none() | st.integers(1, 30),
)
def test_results_are_the_same_whatever_the_chunks(
    n_items: int, workers: int, chunksize: int | None, buffersize: int | None
) -> None:
    most = itertools.count()
    read = 0

    def numbers() -> Iterator[int]:
        nonlocal read
        for number in range(n_items):
            read += 1
            yield number

    with WorkerPool(workers, clock=VirtualClock()) as pool:
        results = pool.map(
            str, numbers(), chunksize=chunksize, buffersize=buffersize, progress=False
        )
        for result in results:
            taken = next(most)
            assert result == str(taken)
            if buffersize is not None:  # a chunk is taken as a whole
                assert read <= taken + (chunksize or 1) + buffersize
    assert next(most) == n_items


@pytest.mark.parametrize(
    ("chunksize", "names"),
    [
        (1, ["odd_only"] * 7),
        (
            3,
            [
                "odd_only of items 0 to 2",
                "odd_only of items 3 to 5",
                "odd_only",
            ],
        ),
        (50, ["odd_only of items 0 to 6"]),
    ],
)
def test_a_chunk_is_named_after_its_items(chunksize: int, names: list[str]) -> None:
    with WorkerPool(1, clock=VirtualClock()) as pool:
        list(pool.map(odd_only, range(1, 15, 2), chunksize=chunksize))
    assert [record.name for record in pool.records] == names


def test_chunks_grow_until_they_are_worth_their_way() -> None:
    with WorkerPool(1) as pool:
        list(pool.map(abs, range(5000)))
    sizes = [size_of(record.name) for record in pool.records]
    assert sum(sizes) == 5000
    assert sizes[0] == 1
    assert max(sizes) > 1
    assert all(b <= max(_results.GROWTH * a, 1) for a, b in steps(sizes))


def size_of(name: str) -> int:
    """Return how many items a task has by its name."""
    _, _, numbers = name.partition(" of items ")
    first, _, last = numbers.partition(" to ")
    return int(last) - int(first) + 1 if numbers else 1


def steps(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the largest size so far, and the next one."""
    return zip(itertools.accumulate(sizes, max), sizes[1:], strict=False)


@pytest.mark.parametrize("options", [{"timeout": 60.0}, {"retry": 1}])
def test_each_item_is_a_task_if_attempts_or_times_are_counted(
    options: dict[str, Any],
) -> None:
    with WorkerPool(2, **options) as pool:
        assert list(pool.map(abs, range(500))) == list(range(500))
    assert len(pool.records) == 500


def test_items_that_turn_out_slow_are_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = itertools.count()  # seconds: each item takes one
    monkeypatch.setattr(_results, "perf_counter", lambda: float(next(now)))
    chunk = _results.ChunkTask(abs, [(x,) for x in range(10)], first=0, seconds=3.5)
    assert chunk.execute() == [(True, x) for x in range(4)]


def test_items_that_were_given_back_are_done_by_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_results, "PATIENCE", 0)  # each chunk does one item only
    with WorkerPool(2) as pool:
        assert list(pool.map(abs, range(300))) == list(range(300))
    names = [record.name for record in pool.records]
    assert any(" of items " in name for name in names)


@pytest.mark.parametrize(
    ("option", "value"), [("chunksize", 0), ("chunksize", -3), ("buffersize", 0)]
)
def test_numbers_that_cannot_be_are_refused(option: str, value: int) -> None:
    with (
        WorkerPool(1) as pool,
        pytest.raises(ValueError, match=rf"^{option} must be >= 1, got {value}$"),
    ):
        pool.map(abs, range(3), **{option: value})  # type: ignore[arg-type]


def test_so_is_another_way_with_errors() -> None:
    text = "errors must be 'raise' or 'group', got 'ignore'"
    with WorkerPool(1) as pool, pytest.raises(ValueError, match=f"^{text}$"):
        pool.map(abs, range(3), errors="ignore")


# Errors ------------------------------------------------------------------------------


@pytest.mark.parametrize("chunksize", [None, 1, 2, 3, 100])
def test_all_good_results_come_and_then_all_errors(chunksize: int | None) -> None:
    good = []
    with WorkerPool(2, clock=VirtualClock()) as pool:
        results = pool.map(odd_only, range(9), chunksize=chunksize, errors="group")
        with pytest.raises(ExceptionGroup, match=r"^5 of 9 items failed$") as group:
            good.extend(results)
    assert good == [1, 3, 5, 7]
    errors = group.value.exceptions
    assert [str(error) for error in errors] == [f"{x} is even" for x in range(0, 9, 2)]
    assert [error.__notes__[-1] for error in errors] == [
        f"item {x} of the map" for x in range(0, 9, 2)
    ]


def test_no_errors_make_no_group() -> None:
    with WorkerPool(2) as pool:
        assert list(pool.map(abs, range(9), errors="group")) == list(range(9))


@pytest.mark.parametrize("chunksize", [1, 2])
def test_the_first_error_is_raised_when_it_is_due(chunksize: int) -> None:
    good = []
    with WorkerPool(2, clock=VirtualClock()) as pool:
        results = pool.map(odd_only, (1, 3, 4, 6, 7), chunksize=chunksize)
        with pytest.raises(ValueError, match=r"^4 is even\n") as error:
            good.extend(results)
    assert good == [1, 3]
    assert error.value.__notes__[-1] == "item 2 of the map"


def test_errors_are_raised_after_the_last_attempt() -> None:
    clock = VirtualClock()
    with WorkerPool(2, clock=clock, retry=Retry(3, first=1.0), rng=1) as pool:
        good, results = [], pool.map(odd_only, range(4), errors="group")
        with pytest.raises(ExceptionGroup, match=r"^2 of 4 items failed$"):
            good.extend(results)
    assert good == [1, 3]
    assert [record.attempts for record in pool.records] == [3, 1, 3, 1]


def test_an_input_that_fails_is_an_error_of_the_caller() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    with WorkerPool(1) as pool, pytest.raises(LookupError, match=r"^no more$"):
        list(pool.map(abs, numbers()))
    assert len(pool.records) <= 1


# As completed ------------------------------------------------------------------------


def seconds(clock: VirtualClock, duration: float) -> float:
    """Take some time on a clock."""
    clock.sleep(duration)
    return duration


def test_futures_come_as_they_are_done() -> None:
    clock = VirtualClock()
    with WorkerPool(3, clock=clock) as pool:
        futures = [pool.submit(seconds, clock, s) for s in (3.0, 1.0, 2.0)]
        times = [(f.result(), clock.time()) for f in pool.as_completed(futures)]
    assert times == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]


def test_those_that_are_done_or_cancelled_or_named_twice_come_once() -> None:
    clock = VirtualClock()
    with WorkerPool(1, clock=clock) as pool:
        futures = [pool.submit(seconds, clock, s) for s in (3.0, 1.0, 2.0)]
        assert futures[0].result() == 3.0
        assert futures[2].cancel()
        found = list(pool.as_completed(futures + futures))
    assert len(found) == 3
    assert set(found) == set(futures)
    assert list(pool.as_completed([])) == []


def test_what_is_not_done_in_time_is_an_error() -> None:
    clock = VirtualClock()
    with WorkerPool(3, clock=clock) as pool:
        futures = [pool.submit(seconds, clock, s) for s in (3.0, 1.0, 2.0)]
        done = pool.as_completed(futures, timeout=1.5)
        assert next(done) is futures[1]
        with pytest.raises(TimeoutError, match=r"^2 \(of 3\) futures unfinished$"):
            next(done)
        assert clock.time() == 1.5


def test_a_map_may_be_emptied_by_one_thread_while_others_submit(start: Start) -> None:
    with WorkerPool(3) as pool:
        others = [
            start(lambda: [pool.submit(abs, x) for x in range(200)]) for _ in range(2)
        ]
        assert list(pool.map(abs, range(500))) == list(range(500))
        futures = [f for other in others for f in other.result(PATIENCE)]
        assert len(list(pool.as_completed(futures, PATIENCE))) == 400


def test_a_bell_that_rings_early_is_heard(start: Start) -> None:
    # Futures that are done while `as_completed` looks away.
    with WorkerPool(2) as pool:
        for _ in range(300):
            futures = [pool.submit(abs, x) for x in range(4)]
            found = start(lambda: list(pool.as_completed(futures)))  # noqa: B023
            assert len(found.result(PATIENCE)) == 4
