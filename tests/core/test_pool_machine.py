"""Whatever is done to a pool, in whatever order: each task ends, in exactly one way.

Hypothesis draws the sequences: submit good, failing, flaky and late tasks, cancel, let
time pass, map, drain, kill, shut down, use it after that. A plain model knows for each
task how it may end.
"""

import sys
from concurrent.futures import CancelledError
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mds_sim.core.clock import VirtualClock
from mds_sim.core.retry import Retry
from mds_sim.core.task import Task
from mds_sim.core.worker_pool import TaskFuture, WorkerPool

sys.path.insert(0, str(Path(__file__).parent))
faults = import_module("pool_faults")

TIMEOUT = 8.0
ATTEMPTS = 3
SHORT = st.sampled_from([0.0, 1.0, 3.0])


class Step(Task):
    """Takes some time, fails some times, and then returns its number."""

    def __init__(self, number: int, service_time: float, failures: int = 0) -> None:
        self.number = number
        self.service_time = service_time
        self.failures = failures
        self.calls = 0

    def execute(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise OSError(f"step {self.number}")
        return self.number


@dataclass
class Fate:
    """What the model knows of a task."""

    future: TaskFuture
    result: Any = None
    error: type[BaseException] | None = None  # how it ends if it is not cancelled
    attempts: int = 1
    is_cancelled: bool = False
    may_be_cut_short: bool = False  # it was under way when the pool was shut down


class PoolMachine(RuleBasedStateMachine):
    """Threads in virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self.fates: list[Fate] = []
        self.is_closed = False

    @initialize(workers=st.integers(1, 4), seed=st.integers(0, 99))
    def open(self, workers: int, seed: int) -> None:
        self.clock = VirtualClock()
        retry = Retry(ATTEMPTS, first=2.0, most=3.0, on=OSError)
        self.pool = WorkerPool(
            workers, clock=self.clock, retry=retry, timeout=TIMEOUT, rng=seed
        )

    def submit(self, task: Any, *args: Any, **fate: Any) -> None:
        if self.is_closed:
            text = r"^cannot schedule new futures after shutdown$"
            with pytest.raises(RuntimeError, match=text):
                self.pool.submit(task, *args)
        else:
            future = self.pool.submit(task, *args)
            assert future.record.index == len(self.fates)
            self.fates.append(Fate(future, **fate))

    @rule(seconds=SHORT)
    def submit_good(self, seconds: float) -> None:
        number = len(self.fates)
        self.submit(Step(number, seconds), result=number)

    @rule(seconds=SHORT, failures=st.integers(1, ATTEMPTS + 1))
    def submit_flaky(self, seconds: float, failures: int) -> None:
        number = len(self.fates)
        error = OSError if failures >= ATTEMPTS else None
        result = None if error else number
        attempts = min(failures + 1, ATTEMPTS)
        task = Step(number, seconds, failures)
        self.submit(task, result=result, error=error, attempts=attempts)

    @rule()
    def submit_failing(self) -> None:
        self.submit(divmod, 1, 0, error=ZeroDivisionError)

    @rule(is_tried_again=st.booleans())
    def submit_late(self, is_tried_again: bool) -> None:
        # TimeoutError is an OSError: as the rule says, it is tried again.
        task = Step(len(self.fates), 20.0)
        task.retry = None if is_tried_again else Retry(1)
        attempts = ATTEMPTS if is_tried_again else 1
        self.submit(task, error=TimeoutError, attempts=attempts)

    @precondition(lambda self: not self.is_closed)
    @rule(seconds=SHORT)
    def submit_from_a_task(self, seconds: float) -> None:
        inner: list[TaskFuture] = []
        pool, number = self.pool, len(self.fates)
        outer = pool.submit(lambda: inner.append(pool.submit(Step(number, seconds))))
        self.clock.wait(outer, 1e6)
        self.fates.append(Fate(outer))
        if inner:
            others = [fate.future.record.index for fate in self.fates]
            assert inner[0].record.index == max(others) + 1
            self.fates.append(Fate(inner[0], result=number))

    @precondition(lambda self: self.fates)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        fate = data.draw(st.sampled_from(self.fates))
        has_begun = fate.future.record.attempts > 0
        before = fate.future.cancelled()
        is_cancelled = fate.future.cancel()
        assert is_cancelled == (before or not has_begun)
        fate.is_cancelled = is_cancelled

    @rule(seconds=st.sampled_from([0.5, 1.0, 5.0, 30.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    @precondition(lambda self: not self.is_closed)
    @rule(count=st.integers(0, 6), buffersize=st.none() | st.integers(1, 3))
    def map(self, count: int, buffersize: int | None) -> None:
        first = len(self.fates)
        results = self.pool.map(abs, range(count), buffersize=buffersize)
        assert list(results) == list(range(count))
        for number in range(count):
            future = known(self.pool, first + number)
            self.fates.append(Fate(future, result=number))

    @rule()
    def drain(self) -> None:
        self.pool.drain()
        assert all(fate.future.done() for fate in self.fates)

    @rule(cancel=st.booleans(), wait=st.booleans())
    def shut_down(self, cancel: bool, wait: bool) -> None:
        for fate in self.fates if cancel else []:
            if not fate.future.done():
                has_begun = fate.future.record.attempts > 0
                fate.is_cancelled |= not has_begun
                fate.may_be_cut_short |= has_begun
        self.is_closed = True
        self.pool.shutdown(wait=wait, cancel_futures=cancel)

    def teardown(self) -> None:
        if hasattr(self, "pool"):
            self.pool.shutdown()
            records = self.pool.records
            assert [record.index for record in records] == list(range(len(self.fates)))
            for fate, record in zip(self.fates, records, strict=True):
                assert record == fate.future.record
                check(fate)


def known(pool: WorkerPool, index: int) -> Any:
    """Return a stand-in for the future of a task that only the pool knows."""
    return _Known(pool, index)


class _Known:
    """What a task of `map` was, seen by its record."""

    def __init__(self, pool: WorkerPool, index: int) -> None:
        self.record = pool.records[index]
        self.index = index

    def done(self) -> bool:
        return self.record.finished >= 0

    def cancelled(self) -> bool:
        return False

    def cancel(self) -> bool:
        return False

    def exception(self) -> BaseException | None:
        return self.record.error

    def result(self) -> int:
        return self.index


def check(fate: Fate) -> None:
    """Make sure that a task ended as the model says, and in no other way."""
    future, record = fate.future, fate.future.record
    assert future.done()
    assert future.cancelled() == fate.is_cancelled
    if fate.is_cancelled:
        assert type(record.error) is CancelledError
        assert (record.worker, record.attempts) == (-1, 0)
        return
    error = future.exception()
    assert error is record.error
    assert record.submitted <= record.started <= record.finished
    times = [time for one in record.earlier for time in (one.started, one.finished)]
    assert times == sorted(times)
    assert not times or times[-1] <= record.started
    if fate.may_be_cut_short and record.attempts < fate.attempts:
        assert error is not None  # that of the last attempt, with none to follow
        return
    assert (type(error) if error else None) is fate.error
    assert record.attempts == fate.attempts
    if error is None and not isinstance(future, _Known):
        assert future.result() == fate.result


class ProcessMachine(RuleBasedStateMachine):
    """Processes, which may also be killed."""

    def __init__(self) -> None:
        super().__init__()
        self.fates: list[tuple[TaskFuture, Any]] = []
        self.pool = WorkerPool(2, executor="processes", timeout=faults.PATIENCE)

    @rule()
    def submit_good(self) -> None:
        number = len(self.fates)
        self.fates.append((self.pool.submit(faults.work, number), number))

    @rule(what=st.sampled_from(list(faults.RAISES)))
    def submit_failing(self, what: str) -> None:
        future = self.pool.submit(faults.go_off, what)
        self.fates.append((future, faults.RAISES[what]))

    @rule()
    def submit_killer(self) -> None:
        future = self.pool.submit(faults.go_off, "kill")
        self.fates.append((future, faults.WorkerCrashError))

    @rule(which=st.integers(0, 9))
    def kill_idle(self, which: int) -> None:
        self.pool.drain()  # so that nobody is killed for the third time
        pids = faults.pids(self.pool)
        if pids:
            faults.kill(pids[which % len(pids)])

    @rule()
    def cancel_last(self) -> None:
        if self.fates and self.fates[-1][0].cancel():
            self.fates[-1] = self.fates[-1][0], CancelledError

    @rule(count=st.integers(1, 9))
    def map(self, count: int) -> None:
        first = len(self.pool.records)
        assert list(self.pool.map(faults.square, range(count), chunksize=1)) == [
            x * x for x in range(count)
        ]
        for record in self.pool.records[first:]:
            self.fates.append((_Done(record.index), record.index))

    def teardown(self) -> None:
        self.pool.shutdown()
        assert len(self.pool.records) == len(self.fates)
        for record, (future, fate) in zip(self.pool.records, self.fates, strict=True):
            if isinstance(fate, type):
                assert type(record.error) is fate
            else:
                assert record.error is None
                assert future.result() == fate


class _Done:
    """A task of `map`, whose result was seen already."""

    def __init__(self, index: int) -> None:
        self._index = index

    def result(self) -> int:
        return self._index

    def cancel(self) -> bool:
        return False


def test_a_pool_in_virtual_time_does_as_the_model() -> None:
    run_state_machine_as_test(
        PoolMachine, settings=settings(max_examples=150, stateful_step_count=30)
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no signal kills there")
def test_a_pool_of_processes_does_as_the_model() -> None:
    run_state_machine_as_test(
        ProcessMachine, settings=settings(max_examples=4, stateful_step_count=10)
    )
