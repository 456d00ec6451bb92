"""Attempts after the first one: when they come, after which errors, and how many."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.core.clock import VirtualClock
from mds_sim.core.retry import Retry, as_retry
from mds_sim.core.task import Task
from mds_sim.core.worker_pool import WorkerPool

Start = Callable[..., Future[Any]]
PATIENCE = 30  # seconds until a deadlock is a red test


class Failing:
    """Fails so many times, and notes when on a clock it was called."""

    def __init__(
        self, clock: VirtualClock, times: int, error: type[BaseException] = OSError
    ) -> None:
        self.calls: list[float] = []
        self._clock = clock
        self._times = times
        self._error = error

    def __call__(self) -> int:
        self.calls.append(self._clock.time())
        if len(self.calls) <= self._times:
            raise self._error(f"failure {len(self.calls)}")
        return len(self.calls)


class Flaky(Task):
    """A task with a say of its own."""

    def __init__(self, function: Callable[[], Any], retry: Retry | None) -> None:
        self.function = function
        self.retry = retry

    def execute(self) -> Any:
        return self.function()


# The rule ----------------------------------------------------------------------------


@given(
    first=st.just(0.0) | st.floats(1e-6, 100),
    most=st.floats(0, 100),
    attempt=st.integers(1, 5000),
    seed=st.integers(0, 2**32),
)
def test_a_wait_is_within_bounds_that_double(
    first: float, most: float, attempt: int, seed: int
) -> None:
    retry = Retry(first=first, most=most)
    longest = min(most, first * 2.0 ** min(attempt - 1, 900))
    delay = retry.delay(attempt, np.random.default_rng(seed))
    assert 0 <= delay <= longest
    assert delay == np.random.default_rng(seed).uniform(0, longest)


@pytest.mark.parametrize(("attempt", "longest"), [(1, 1.0), (2, 2.0), (5, 10.0)])
def test_all_of_a_wait_is_chance(attempt: int, longest: float) -> None:
    # Kolmogorov's distance to the uniform distribution of 2,000 draws is above 0.05
    # with a probability of 2 exp(-2 * 2000 * 0.05**2) = 1e-4 at most; half of the wait
    # fixed ("equal jitter") would make it 0.5.
    rng = np.random.default_rng(4)
    retry = Retry(first=1.0, most=10.0)
    draws = np.sort([retry.delay(attempt, rng) for _ in range(2000)]) / longest
    assert np.abs(draws - np.linspace(0, 1, 2000)).max() < 0.05


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"attempts": 0}, ValueError, "attempts must be >= 1, got 0"),
        ({"attempts": 2.5}, TypeError, "attempts must be a whole number, got 2.5"),
        ({"first": -1.0}, ValueError, "first must be >= 0 and finite s, got -1.0"),
        ({"most": float("nan")}, ValueError, "most must be >= 0 and finite s, got nan"),
        (
            {"on": "OSError"},
            TypeError,
            "on must be a class of errors or a tuple of them, got 'OSError'",
        ),
        (
            {"on": (OSError, 3)},
            TypeError,
            "on must be a class of errors or a tuple of them, got 3",
        ),
    ],
)
def test_a_rule_that_cannot_be_is_refused(
    options: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        Retry(**options)


def test_a_number_is_so_many_attempts_more() -> None:
    assert [as_retry(n).attempts for n in (None, 0, 1, 4)] == [1, 1, 2, 5]
    retry = Retry(7)
    assert as_retry(retry) is retry


@pytest.mark.parametrize("retry", [-1, -7])
def test_a_negative_number_is_refused(retry: int) -> None:
    with pytest.raises(ValueError, match=rf"^retry must be >= 0, got {retry}$"):
        WorkerPool(1, retry=retry)


# In a pool ---------------------------------------------------------------------------


def test_attempts_come_exactly_when_the_rule_says() -> None:
    clock, retry = VirtualClock(), Retry(5, first=1.0, most=3.0)
    task = Failing(clock, 4)
    with WorkerPool(2, clock=clock, retry=retry, rng=11) as pool:
        future = pool.submit(task)
        assert future.result() == 5
    rng = np.random.default_rng(11)
    waits = [rng.uniform(0, most) for most in (1.0, 2.0, 3.0, 3.0)]
    assert task.calls == np.cumsum([0.0, *waits]).tolist()
    record = future.record
    assert record.attempts == 5
    assert record.error is None
    assert [attempt.started for attempt in record.earlier] == task.calls[:4]
    assert [attempt.error for attempt in record.earlier] == [
        f"OSError: failure {k}" for k in (1, 2, 3, 4)
    ]


def test_a_worker_does_other_work_meanwhile() -> None:
    clock = VirtualClock()
    with WorkerPool(1, clock=clock, retry=Retry(2, first=10.0), rng=1) as pool:
        failing = pool.submit(Failing(clock, 1))
        others = [pool.submit(clock.time) for _ in range(5)]
        assert [other.result() for other in others] == [0.0] * 5
        assert not failing.done()
        assert failing.result() == 2
    assert clock.time() > 0


def test_an_error_of_another_kind_is_final() -> None:
    clock = VirtualClock()
    retry = Retry(5, first=1.0, on=(OSError, KeyError))
    with WorkerPool(1, clock=clock, retry=retry, rng=1) as pool:
        futures = [
            pool.submit(Failing(clock, 9, kind))
            for kind in (ConnectionError, KeyError, ValueError, SystemExit)
        ]
    assert [future.record.attempts for future in futures] == [5, 5, 1, 1]


def test_a_task_has_the_last_word() -> None:
    clock = VirtualClock()
    with WorkerPool(1, clock=clock, retry=Retry(2, first=0.0)) as pool:
        futures = [
            pool.submit(Flaky(Failing(clock, 99), retry))
            for retry in (None, Retry(1), Retry(4, first=0.0))
        ]
    assert [future.record.attempts for future in futures] == [2, 1, 4]
    notes = [future.exception().__notes__[-1] for future in futures]  # type: ignore[union-attr]
    assert notes == [
        "task 0, Flaky, attempt 2 of 2, worker-0",
        "task 1, Flaky, worker-0",
        "task 2, Flaky, attempt 4 of 4, worker-0",
    ]


def test_the_last_error_is_the_error() -> None:
    clock = VirtualClock()
    with WorkerPool(1, clock=clock, retry=2, rng=1) as pool:
        future = pool.submit(Failing(clock, 99))
        text = "failure 3\ntask 0, Failing, attempt 3 of 3, worker-0"  # with its note
        with pytest.raises(OSError, match=f"^{text}$"):
            future.result()
        with pytest.raises(ExceptionGroup, match=r"^1 of 1 task failed") as group:
            pool.drain(raise_errors=True)
    assert group.value.exceptions == (future.exception(),)


def test_all_errors_of_a_pool_come_together_but_cancelled_tasks_are_none() -> None:
    clock = VirtualClock()
    with WorkerPool(2, clock=clock) as pool:
        for error in (OSError, ValueError):
            pool.submit(Failing(clock, 1, error))
        pool.submit(clock.time)
        assert pool.submit(clock.time).cancel()
        with pytest.raises(ExceptionGroup, match=r"^2 of 4 tasks failed") as group:
            pool.drain(raise_errors=True)
    errors = group.value.exceptions
    assert [type(error) for error in errors] == [OSError, ValueError]
    titles = [error.__notes__[0] for error in errors]
    assert titles == ["task 0, Failing, worker-0", "task 1, Failing, worker-1"]


def test_an_interrupt_in_a_task_makes_a_base_group() -> None:
    clock = VirtualClock()
    pool = WorkerPool(2, clock=clock)
    pool.submit(Failing(clock, 1, KeyboardInterrupt))
    with pytest.raises(BaseExceptionGroup, match=r"^1 of 1 task failed") as group:
        pool.drain(raise_errors=True)
    assert not isinstance(group.value, ExceptionGroup)
    pool.shutdown()


def test_an_error_without_a_text_is_tried_again_too(start: Start) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise ValueError("mute")

    def mute() -> None:
        raise MuteError

    with WorkerPool(1, retry=Retry(2, first=0.0)) as pool:
        future = pool.submit(mute)
        error = start(future.exception).result(PATIENCE)
    assert type(error) is MuteError
    assert future.record.earlier[0].error == "MuteError: (its text cannot be read)"


def test_a_task_that_cannot_tell_its_name_is_refused(start: Start) -> None:
    class Nameless(Flaky):
        @property
        def name(self) -> str:
            raise LookupError("no name")

    with WorkerPool(1) as pool:
        with pytest.raises(LookupError, match=r"^no name$"):
            pool.submit(Nameless(int, None))
        assert start(pool.submit(int).result).result(PATIENCE) == 0
        start(pool.drain).result(PATIENCE)
    assert len(pool.records) == 1


# The end -----------------------------------------------------------------------------


@pytest.mark.parametrize("virtual", [False, True])
def test_a_shutdown_that_cancels_ends_the_waiting_with_the_last_error(
    virtual: bool, start: Start
) -> None:
    clock = VirtualClock() if virtual else None
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise OSError("busy")

    # Full jitter: the wait of 1e6 s is below a minute with a probability of 6e-5, and
    # the seed is fixed.
    pool = WorkerPool(1, clock=clock, retry=Retry(9, first=1e6, most=1e6), rng=2)
    future = pool.submit(fail)
    if virtual:
        pool.submit(int).result()
    else:
        assert failed.wait(PATIENCE)
        start(pool.submit(int).result).result(PATIENCE)  # after it, by the same worker
    assert not future.done()
    assert not future.cancel()  # it has begun
    start(lambda: pool.shutdown(cancel_futures=True)).result(PATIENCE)
    assert str(future.exception(0)) == "busy"
    assert future.record.attempts == 1
    assert pool.clock.time() < 1e3


def test_so_does_a_shutdown_while_it_still_runs(start: Start) -> None:
    begun, release = threading.Event(), threading.Event()

    def fail() -> None:
        begun.set()
        release.wait(PATIENCE)
        raise OSError("busy")

    pool = WorkerPool(1, retry=Retry(9, first=1e6, most=1e6), rng=2)
    future = pool.submit(fail)
    assert begun.wait(PATIENCE)
    waiting = pool.submit(int)
    pool.shutdown(wait=False, cancel_futures=True)
    release.set()
    start(pool.drain).result(PATIENCE)
    assert str(future.exception(0)) == "busy"
    with pytest.raises(CancelledError):
        waiting.result(0)


def test_a_shutdown_that_does_not_cancel_makes_all_attempts() -> None:
    clock = VirtualClock()
    with WorkerPool(3, clock=clock, retry=Retry(5, first=100.0), rng=3) as pool:
        futures = [pool.submit(Failing(clock, 4)) for _ in range(5)]
    assert [future.result() for future in futures] == [5] * 5
    assert clock.time() > 0


def test_after_a_ctrl_c_no_attempt_follows(start: Start) -> None:
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise OSError("busy")

    futures = []

    def interrupted() -> None:
        with WorkerPool(1, retry=Retry(9, first=1e6, most=1e6), rng=2) as pool:
            futures.append(pool.submit(fail))
            failed.wait(PATIENCE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(interrupted).result(PATIENCE)
    assert str(futures[0].exception(0)) == "busy"
