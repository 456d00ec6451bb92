"""The worker pool: every task once, in order, and the same story as the simulation.

Most tests run on both clocks. What could hang runs in a thread and is waited for with
a time-out.
"""

import gc
import itertools
import math
import re
import subprocess
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import (
    CancelledError,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
)
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.core.clock import Clock, ClockThread, VirtualClock, WallClock
from mds_sim.core.task import FunctionTask, Task, TaskRecord
from mds_sim.core.worker_pool import TaskFuture, WorkerPool
from mds_sim.sim.workers import serve

Start = Callable[..., Future[Any]]
PATIENCE = 30.0  # seconds after which a test that hangs is red
FAST = 1e6


class Timed(Task):
    """Takes a time of the clock, and does what it is told to."""

    def __init__(self, seconds: Any, work: Callable[[], Any] = int) -> None:
        self.service_time = seconds
        self._work = work

    def execute(self) -> Any:
        return self._work()


class Sleeper(Task):
    """Takes its time by sleeping on the clock."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock

    def execute(self) -> None:
        self._clock.sleep(self._seconds)


@pytest.fixture(
    params=[partial(WallClock, FAST), VirtualClock], ids=["wall", "virtual"]
)
def clock(request: pytest.FixtureRequest) -> Any:
    """Return a new clock of each kind."""
    return request.param()


@pytest.fixture
def pool(clock: Clock, start: Start) -> Iterator[WorkerPool]:
    """Return a pool of three workers on each kind of clock."""
    pool = WorkerPool(3, clock=clock)
    yield pool
    start(pool.shutdown).result(PATIENCE)


def simulated(
    ready: list[Any], service: list[Any], workers: int, sleeping: bool = False
) -> tuple[TaskRecord, ...]:
    """Run modelled work on real workers and a virtual clock."""
    clock = VirtualClock()
    with WorkerPool(workers, clock=clock) as pool:
        for moment, seconds in zip(ready, service, strict=True):
            task = Sleeper(seconds, clock) if sleeping else Timed(seconds)
            clock.call_at(moment, partial(pool.submit, task))
        clock.run()
    return pool.records


def assert_one_story(
    records: tuple[TaskRecord, ...], ready: Any, service: Any, workers: int
) -> None:
    """Compare what ran on a virtual clock with the simulation, bit for bit."""
    expected = serve(ready, service, workers)
    assert np.array_equal([record.submitted for record in records], ready)
    assert np.array_equal([record.started for record in records], expected.start)
    assert np.array_equal([record.finished for record in records], expected.finish)
    assert np.array_equal([record.worker for record in records], expected.worker)


class TestSimulation:
    @pytest.mark.slow  # 2 100 cases, a worker is a thread
    @pytest.mark.parametrize("workers", [1, 2, 3, 4, 5, 6])
    def test_pool_and_simulation_agree_to_the_last_worker(self, workers: int) -> None:
        rng = np.random.default_rng(workers)
        for _ in range(350):
            n = rng.integers(1, 11)
            ready = np.sort(rng.integers(0, 5, n)).tolist()
            service = rng.integers(0, 4, n).tolist()
            records = simulated(ready, service, workers)
            assert_one_story(records, ready, service, workers)

    @given(
        jobs=st.lists(st.tuples(st.floats(0, 99), st.floats(0, 99)), max_size=12),
        workers=st.integers(1, 4),
        sleeping=st.booleans(),
    )
    def test_so_they_do_at_any_times_and_if_the_work_itself_sleeps(
        self, jobs: list[tuple[float, float]], workers: int, sleeping: bool
    ) -> None:
        ready = sorted(moment for moment, _ in jobs)
        service = [seconds for _, seconds in jobs]
        records = simulated(ready, service, workers, sleeping)
        assert_one_story(records, ready, service, workers)

    def test_work_of_no_length_is_done_one_after_the_other(self) -> None:
        records = simulated([1] * 50, [0] * 50, 3)
        assert_one_story(records, [1] * 50, [0] * 50, 3)

    def test_twenty_runs_give_the_same_records(self) -> None:
        def run() -> list[tuple[Any, ...]]:
            clock = VirtualClock()

            def parent(i: int) -> int:
                children = [pool.submit(Timed((i + k) % 3)) for k in range(2)]
                clock.sleep(i % 2)
                if i % 3:
                    return sum(child.result() for child in children)
                children[-1].cancel()
                raise LookupError(i)

            with WorkerPool(20, clock=clock) as pool:
                for i in range(8):
                    clock.call_at(i % 4, partial(pool.submit, parent, i))
                clock.run()
            return [
                (r.name, r.submitted, r.started, r.finished, r.worker, repr(r.error))
                for r in pool.records
            ]

        first = run()
        assert len(first) == 24
        assert {error.partition("(")[0] for *_, error in first} == {
            "None", "LookupError", "CancelledError",
        }  # fmt: skip
        text = repr(first)  # NaN is not NaN, but its text is
        for _ in range(20):
            assert repr(run()) == text

    def test_a_day_of_work_takes_no_time(self) -> None:
        with WorkerPool(2, clock=VirtualClock()) as pool:
            future = pool.submit(Timed(86400.0))
        assert future.record.finished == pool.clock.time() == 86400.0


class TestSubmit:
    def test_a_task_or_a_function_gives_a_future(
        self, pool: WorkerPool, start: Start
    ) -> None:
        task = pool.submit(Timed(0.0, lambda: "task"))
        function = pool.submit(int, "11", base=2)
        assert isinstance(task, TaskFuture)
        assert start(task.result).result(PATIENCE) == "task"
        assert start(function.result).result(PATIENCE) == 3

    def test_the_record_tells_all(self, pool: WorkerPool, start: Start) -> None:
        pool.clock.sleep(1.0)
        error = OSError("full")

        def fail() -> None:
            raise error

        good, bad = pool.submit(Timed(2.0)), pool.submit(fail)
        start(pool.drain).result(PATIENCE)
        assert [good.record, bad.record] == list(pool.records)
        assert [record.index for record in pool.records] == [0, 1]
        assert [record.name for record in pool.records] == ["Timed", "fail"]
        assert [record.error for record in pool.records] == [None, error]
        for record in pool.records:
            assert 1.0 <= record.submitted <= record.started <= record.finished
            assert record.worker in range(3)
            assert record.waiting == record.started - record.submitted
            assert record.duration == record.finished - record.started
        assert good.record.duration >= 2.0

    def test_a_task_that_waits_has_a_record_as_well(self) -> None:
        pool = WorkerPool(1, clock=VirtualClock())
        record = pool.submit(int).record
        assert (record.index, record.submitted, record.worker) == (0, 0.0, -1)
        assert math.isnan(record.started)
        assert math.isnan(record.finished)
        assert record.error is None
        pool.shutdown()

    def test_a_record_is_complete_when_its_callbacks_are_called(
        self, pool: WorkerPool, start: Start
    ) -> None:
        seen: Future[TaskRecord] = Future()
        future = pool.submit(Timed(1.0))
        future.add_done_callback(lambda f: seen.set_result(f.record))  # type: ignore[attr-defined]
        start(pool.drain).result(PATIENCE)
        assert seen.result(0) == future.record

    def test_tasks_are_started_in_the_order_of_submission(self, start: Start) -> None:
        done: list[int] = []
        pool = WorkerPool(1, clock=WallClock(FAST))
        for i in range(200):
            pool.submit(done.append, i)
        start(pool.shutdown).result(PATIENCE)
        assert done == list(range(200))
        begins = [record.started for record in pool.records]
        assert begins == sorted(begins)

    def test_no_more_tasks_run_at_a_time_than_there_are_workers(
        self, pool: WorkerPool, start: Start
    ) -> None:
        lock, running, most = threading.Lock(), 0, 0

        def work() -> None:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            pool.clock.sleep(1.0)
            with lock:
                running -= 1

        for _ in range(30):
            pool.submit(work)
        start(pool.drain).result(PATIENCE)
        assert running == 0
        assert most <= 3

    def test_all_workers_work_at_the_same_time(self, start: Start) -> None:
        barrier = threading.Barrier(8)
        with WorkerPool(8) as pool:
            futures = [pool.submit(barrier.wait, PATIENCE) for _ in range(8)]
            arrived = [start(future.result).result(PATIENCE) for future in futures]
        assert sorted(arrived) == list(range(8))
        assert sorted(record.worker for record in pool.records) == list(range(8))

    def test_a_service_time_is_the_least_that_a_task_takes(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            longer = pool.submit(Timed(2.0, lambda: clock.sleep(5.0)))
            shorter = pool.submit(Timed(5.0, lambda: clock.sleep(2.0)))
            failing = pool.submit(Timed(5.0, lambda: 1 / 0))
        assert [f.record.duration for f in (longer, shorter, failing)] == [5.0] * 3
        assert isinstance(failing.exception(), ZeroDivisionError)

    @pytest.mark.parametrize(
        ("seconds", "kind", "message"),
        [
            ("3", TypeError, "service_time must be a number, got '3'"),
            (-1.0, ValueError, "service_time must be >= 0 and finite s, got -1.0"),
            (math.nan, ValueError, "service_time must be >= 0 and finite s, got nan"),
            (math.inf, ValueError, "service_time must be >= 0 and finite s, got inf"),
        ],
    )
    def test_a_bad_service_time_is_an_error_of_the_task_alone(
        self,
        pool: WorkerPool,
        start: Start,
        seconds: Any,
        kind: type[Exception],
        message: str,
    ) -> None:
        bad = pool.submit(Timed(seconds))
        good = [pool.submit(Timed(1.0)) for _ in range(6)]
        start(pool.drain).result(PATIENCE)
        with pytest.raises(
            kind, match=f"^{re.escape(message)}\ntask 0, Timed, worker-0$"
        ):
            bad.result()
        assert [future.result() for future in good] == [0] * 6

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((42,), "a task must be a Task or a callable, got int"),
            ((Timed(0), 1), "Timed is a Task and takes no arguments here"),
        ],
    )
    def test_what_is_no_task_is_refused(
        self, pool: WorkerPool, arguments: tuple[Any, ...], message: str
    ) -> None:
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            pool.submit(*arguments)
        assert pool.records == ()

    @pytest.mark.parametrize(
        ("options", "kind", "message"),
        [
            ({"max_workers": 0}, ValueError, "max_workers must be >= 1, got 0"),
            (
                {"max_workers": 2.0},
                TypeError,
                "max_workers must be a whole number, got 2.0",
            ),
            (
                {"executor": "magic"},
                ValueError,
                "executor must be 'threads' or 'processes', got 'magic'",
            ),
        ],
    )
    def test_a_pool_that_cannot_be_is_refused(
        self, options: dict[str, Any], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            WorkerPool(**options)

    def test_a_function_is_named_as_it_is(self) -> None:
        assert FunctionTask(print).name == "print"
        assert FunctionTask(partial(print, 1)).name == "partial"


class TestErrors:
    @pytest.mark.parametrize(
        "error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)]
    )
    def test_an_error_of_a_task_stops_nobody_else(
        self, pool: WorkerPool, start: Start, error: BaseException
    ) -> None:
        def fail() -> None:
            raise error

        futures = [pool.submit(fail if i % 2 else int) for i in range(20)]
        start(pool.drain).result(PATIENCE)
        assert [future.exception() for future in futures] == [None, error] * 10
        assert [record.error for record in pool.records] == [None, error] * 10
        with pytest.raises(type(error)):
            futures[1].result()

    def test_an_error_of_a_callback_stops_nobody(
        self, pool: WorkerPool, start: Start, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(_: Future[Any]) -> None:
            raise LookupError("callback")

        go = threading.Event()
        first = pool.submit(lambda: go.wait(PATIENCE) and None)
        first.add_done_callback(fail)
        go.set()
        futures = [pool.submit(Timed(1.0)) for _ in range(9)]
        start(pool.drain).result(PATIENCE)
        assert all(future.result() == 0 for future in futures)
        assert [record.name for record in caplog.records] == ["concurrent.futures"]

    def test_callbacks_may_submit_tasks_and_draining_waits_for_them(
        self, pool: WorkerPool, start: Start
    ) -> None:
        done: list[int] = []

        def again(future: Future[int]) -> None:
            done.append(future.result())
            if future.result() < 20:
                successor(future.result() + 1)

        def successor(i: int) -> None:
            pool.submit(lambda: i).add_done_callback(again)

        successor(0)
        start(pool.drain).result(PATIENCE)
        assert done == list(range(21))

    def test_draining_waits_for_callbacks_too(self, start: Start) -> None:
        go, called = threading.Event(), threading.Event()
        with WorkerPool(1) as pool:
            task = pool.submit(go.wait, PATIENCE)
            resume = threading.Event()
            task.add_done_callback(lambda _: (called.set(), resume.wait(PATIENCE)))
            draining = start(pool.drain)
            go.set()
            assert called.wait(PATIENCE)
            assert task.result() is True
            assert not draining.done()
            resume.set()
            draining.result(PATIENCE)


class TestNestedTasks:
    def test_a_task_may_submit_tasks_and_wait_for_them(
        self, pool: WorkerPool, start: Start
    ) -> None:
        def parent(depth: int) -> int:
            pool.clock.sleep(1.0)
            if not depth:
                return 1
            return 1 + pool.submit(parent, depth - 1).result()

        assert start(pool.submit(parent, 2).result).result(PATIENCE) == 3
        assert len(pool.records) == 3

    def test_a_task_may_give_up_waiting(self, pool: WorkerPool, start: Start) -> None:
        go = threading.Event()

        def slow() -> str:
            if isinstance(pool.clock, WallClock):
                go.wait(PATIENCE)
            else:
                pool.clock.sleep(99.0)
            return "slow"

        def parent() -> str:
            child = pool.submit(slow)
            try:
                child.result(timeout=5.0)
            except TimeoutError:
                go.set()
            return "gave up, then " + child.result()

        answer = start(pool.submit(parent).result).result(PATIENCE)
        assert answer == "gave up, then slow"

    def test_draining_waits_for_tasks_that_tasks_submit(
        self, pool: WorkerPool, start: Start
    ) -> None:
        leaves: list[int] = []

        def grow(depth: int) -> None:
            if not depth:
                leaves.append(1)
            else:
                for _ in range(2):
                    pool.submit(grow, depth - 1)

        pool.submit(grow, 6)
        start(pool.drain).result(PATIENCE)
        assert len(leaves) == 64
        assert len(pool.records) == 127

    def test_workers_that_all_wait_for_work_are_found_on_a_virtual_clock(self) -> None:
        clock = VirtualClock()
        pool = WorkerPool(1, clock=clock)
        future = pool.submit(lambda: pool.submit(int).result())
        clock.sleep(7.0)
        message = (
            "waited for at 7 s on a VirtualClock, but nothing is left on its agenda "
            "that could complete it"
        )
        for wait in (future.result, pool.drain, pool.shutdown):
            with pytest.raises(RuntimeError, match=f"^{re.escape(message)}$"):
                wait()

    @pytest.mark.parametrize("method", ["drain", "shutdown"])
    def test_a_task_must_not_wait_for_its_own_pool(
        self, pool: WorkerPool, start: Start, method: str
    ) -> None:
        future = pool.submit(getattr(pool, method))
        message = "a task must not wait for its own pool, nor for itself"
        with pytest.raises(
            RuntimeError, match=f"^{message}\ntask 0, {method}, worker-0$"
        ):
            start(future.result).result(PATIENCE)

    def test_it_may_wait_for_another_pool(self, pool: WorkerPool, start: Start) -> None:
        def work() -> list[int]:
            with WorkerPool(2, clock=pool.clock) as other:
                return list(other.map(abs, [-1, -2, -3]))

        future = pool.submit(work)
        assert start(future.result).result(PATIENCE) == [1, 2, 3]


class TestCancel:
    def test_a_cancelled_task_never_runs_and_is_on_record_as_a_failure(
        self, pool: WorkerPool, start: Start
    ) -> None:
        go, ran = threading.Event(), []
        clock = pool.clock

        def block() -> None:
            go.wait(PATIENCE) if isinstance(clock, WallClock) else clock.sleep(5.0)

        blockers = [pool.submit(block) for _ in range(3)]
        if isinstance(clock, VirtualClock):
            clock.sleep(1.0)
        futures = [pool.submit(ran.append, i) for i in range(6)]
        assert [future.cancel() for future in futures[::2]] == [True] * 3
        go.set()
        start(pool.drain).result(PATIENCE)
        assert sorted(ran) == [1, 3, 5]
        assert not any(blocker.cancelled() for blocker in blockers)
        for future in futures[::2]:
            record = future.record
            assert isinstance(record.error, CancelledError)
            assert record.worker == -1
            assert math.isnan(record.started)
            assert math.isnan(record.finished)
        assert [record.index for record in pool.records] == list(range(9))

    def test_a_task_may_be_cancelled_while_draining_waits_for_another(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            pool.submit(Timed(5.0))
            futures = [pool.submit(Timed(5.0)) for _ in range(4)]
            for future in futures[:3]:
                clock.call_at(1.0, future.cancel)
            pool.drain()
            assert clock.time() == 10.0
        assert [future.cancelled() for future in futures] == [True] * 3 + [False]

    def test_who_waits_for_a_task_that_is_cancelled_need_not_wait_for_a_worker(
        self, start: Start
    ) -> None:
        go, waiting = threading.Event(), threading.Barrier(21)
        with WorkerPool(1) as pool:
            pool.submit(go.wait)
            futures = [pool.submit(int) for _ in range(20)]

            def wait(future: TaskFuture) -> Any:
                waiting.wait(PATIENCE)
                return future.result()

            answers = [start(wait, future) for future in futures]
            waiting.wait(PATIENCE)
            for _ in range(50):  # the others have their turn
                start(int).result(PATIENCE)
            for future in futures:
                future.cancel()
            try:
                errors = [answer.exception(PATIENCE) for answer in answers]
            finally:
                go.set()
        assert {type(error) for error in errors} == {CancelledError}

    def test_a_task_that_runs_cannot_be_cancelled(self, start: Start) -> None:
        running, go = threading.Event(), threading.Event()
        with WorkerPool(1) as pool:
            future = pool.submit(lambda: (running.set(), go.wait(PATIENCE)))
            assert running.wait(PATIENCE)
            assert not future.cancel()
            go.set()
            assert start(future.result).result(PATIENCE) == (None, True)

    def test_cancelling_while_workers_work_loses_nothing(self, start: Start) -> None:
        for _ in range(20):
            pool = WorkerPool(3, clock=WallClock(FAST))
            ran: Counter[int] = Counter()
            futures = [pool.submit(ran.update, [i]) for i in range(60)]
            cancelled = [future.cancel() for future in futures]
            start(pool.shutdown).result(PATIENCE)
            assert ran == Counter(i for i in range(60) if not cancelled[i])
            failed = [record.error is not None for record in pool.records]
            assert failed == cancelled


class TestShutdown:
    def test_a_pool_that_is_shut_down_says_what_the_standard_library_says(
        self, pool: WorkerPool, start: Start
    ) -> None:
        start(pool.shutdown).result(PATIENCE)
        standard = ThreadPoolExecutor(1)
        standard.shutdown()
        with pytest.raises(RuntimeError) as expected:
            standard.submit(int)
        for submit in (pool.submit, pool.map):
            with pytest.raises(RuntimeError) as ours:
                submit(int, [1])  # type: ignore[operator]
            assert str(ours.value) == str(expected.value)
        assert str(expected.value) == "cannot schedule new futures after shutdown"
        assert pool.records == ()

    def test_it_finishes_what_was_submitted(
        self, pool: WorkerPool, start: Start
    ) -> None:
        futures = [pool.submit(Timed(1.0)) for _ in range(20)]
        start(pool.shutdown).result(PATIENCE)
        assert all(future.done() for future in futures)
        assert [record.error for record in pool.records] == [None] * 20

    def test_it_may_be_called_again(self, pool: WorkerPool, start: Start) -> None:
        pool.submit(Timed(1.0))
        for wait in (False, True, True):
            start(partial(pool.shutdown, wait=wait)).result(PATIENCE)

    def test_without_waiting_it_returns_at_once(self, start: Start) -> None:
        go = threading.Event()
        pool = WorkerPool(1)
        future = pool.submit(go.wait, PATIENCE)
        start(partial(pool.shutdown, wait=False)).result(PATIENCE)
        assert not future.done()
        go.set()
        start(pool.shutdown).result(PATIENCE)
        assert future.result() is True

    def test_it_cancels_what_waits_if_it_is_asked_to(self) -> None:
        clock = VirtualClock()
        pool = WorkerPool(2, clock=clock)
        futures = [pool.submit(Timed(5.0)) for _ in range(10)]
        clock.sleep(1.0)
        pool.shutdown(cancel_futures=True)
        assert [future.cancelled() for future in futures] == [False] * 2 + [True] * 8
        assert clock.time() == 5.0

    def test_its_workers_go_home(self, pool: WorkerPool, start: Start) -> None:
        threads = {start(pool.submit(threading.current_thread).result).result(PATIENCE)}
        for future in [pool.submit(threading.current_thread) for _ in range(9)]:
            threads.add(start(future.result).result(PATIENCE))
        start(pool.shutdown).result(PATIENCE)
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def test_a_pool_that_never_worked_has_nothing_to_wait_for(
        self, pool: WorkerPool, start: Start
    ) -> None:
        start(pool.shutdown).result(PATIENCE)
        assert pool.records == ()

    def test_the_end_of_the_block_finishes_all_even_after_an_error(
        self, clock: Clock
    ) -> None:
        def block() -> None:
            with WorkerPool(2, clock=clock) as pool:
                futures.extend(pool.submit(Timed(1.0)) for _ in range(8))
                raise LookupError("in the block")

        futures: list[TaskFuture] = []
        with pytest.raises(LookupError, match=r"^in the block$"):
            block()
        assert [future.result(timeout=0) for future in futures] == [0] * 8

    def test_after_a_ctrl_c_nobody_waits_for_modelled_time(self, start: Start) -> None:
        running = threading.Event()

        def block() -> None:
            with WorkerPool(1) as pool:
                futures.append(pool.submit(Timed(3600.0, running.set)))
                assert running.wait(PATIENCE)
                raise KeyboardInterrupt

        futures: list[TaskFuture] = []
        with pytest.raises(KeyboardInterrupt):
            start(block).result(PATIENCE)
        assert futures[0].record.error is None
        assert futures[0].record.duration < PATIENCE

    def test_on_a_virtual_clock_it_costs_nothing_and_is_kept(self) -> None:
        def block() -> None:
            with WorkerPool(1, clock=clock) as pool:
                futures.append(pool.submit(Timed(3600.0)))
                clock.sleep(1.0)
                raise KeyboardInterrupt

        clock, futures = VirtualClock(), []
        with pytest.raises(KeyboardInterrupt):
            block()
        assert futures[0].record.duration == 3600.0

    def test_many_threads_may_shut_it_down_at_once(self, start: Start) -> None:
        for _ in range(30):
            pool, barrier = WorkerPool(3, clock=WallClock(FAST)), threading.Barrier(4)
            futures = [pool.submit(Timed(1.0)) for _ in range(9)]

            def close(pool: WorkerPool, barrier: threading.Barrier) -> None:
                barrier.wait(PATIENCE)
                pool.shutdown()

            closing = [start(close, pool, barrier) for _ in range(4)]
            for answer in closing:
                answer.result(PATIENCE)
            assert all(future.done() for future in futures)

    def test_a_task_is_refused_or_done_whenever_the_pool_is_shut_down(
        self, start: Start
    ) -> None:
        for _ in range(30):
            pool, barrier = WorkerPool(2, clock=WallClock(FAST)), threading.Barrier(4)
            ran: list[int] = []

            def produce(
                pool: WorkerPool, barrier: threading.Barrier, ran: list[int]
            ) -> int:
                barrier.wait(PATIENCE)
                for accepted in itertools.count():
                    try:
                        pool.submit(ran.append, accepted)
                    except RuntimeError:
                        return accepted
                raise AssertionError

            producers = [start(produce, pool, barrier, ran) for _ in range(3)]
            barrier.wait(PATIENCE)
            start(pool.shutdown).result(PATIENCE)
            accepted = sum(producer.result(PATIENCE) for producer in producers)
            assert len(ran) == len(pool.records) == accepted

    def test_a_pool_says_how_it_is(self) -> None:
        pool = WorkerPool(2, clock=VirtualClock())
        pool.submit(int)
        assert repr(pool) == "WorkerPool(2 threads, 1 task, 1 unfinished)"
        pool.drain()
        assert repr(pool) == "WorkerPool(2 threads, 1 task, 0 unfinished)"
        pool.shutdown()
        assert repr(pool) == "WorkerPool(2 threads, 1 task, shut down)"


class TestMap:
    def test_results_come_in_the_order_of_the_items(
        self, pool: WorkerPool, start: Start
    ) -> None:
        def work(i: int) -> int:
            pool.clock.sleep(i * 7 % 5)
            return i

        results = start(lambda: list(pool.map(work, range(50)))).result(PATIENCE)
        assert results == list(range(50))

    def test_the_shortest_of_several_iterables_ends_it(
        self, pool: WorkerPool, start: Start
    ) -> None:
        results = pool.map(pow, itertools.count(2), [1, 2, 3])
        assert start(list, results).result(PATIENCE) == [2, 9, 64]

    def test_no_items_give_no_results(self, pool: WorkerPool) -> None:
        assert list(pool.map(int, [])) == []
        assert list(pool.map(int)) == []

    @pytest.mark.parametrize("buffersize", [1, 2, 7, None])
    def test_an_endless_iterable_is_read_only_so_far_ahead(
        self, pool: WorkerPool, start: Start, buffersize: int | None
    ) -> None:
        taken: list[int] = []

        def items() -> Iterator[int]:
            for i in itertools.count():
                taken.append(i)
                yield i

        ahead = buffersize or 4 * 3
        results = pool.map(abs, items(), buffersize=buffersize, chunksize=1)
        assert len(taken) == ahead
        for i in range(20):
            assert start(next, results).result(PATIENCE) == i
            assert len(taken) == ahead + i + 1
        results.close()  # type: ignore[attr-defined]

    def test_it_starts_at_once_as_in_the_standard_library(
        self, pool: WorkerPool, start: Start
    ) -> None:
        done: list[int] = []
        pool.map(done.append, range(3))
        start(pool.drain).result(PATIENCE)
        assert sorted(done) == [0, 1, 2]

    def test_results_may_be_taken_after_the_shutdown(
        self, pool: WorkerPool, start: Start
    ) -> None:
        results = pool.map(abs, [-1, -2])
        start(pool.shutdown).result(PATIENCE)
        assert list(results) == [1, 2]

    def test_an_error_comes_when_its_result_is_due_and_cancels_the_rest(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:

            def work(i: int) -> float:
                clock.sleep(1.0)
                return 1 / (i - 2)

            results = pool.map(work, itertools.count(), buffersize=6)
            assert [next(results), next(results)] == [-0.5, -1.0]
            with pytest.raises(ZeroDivisionError):
                next(results)
            with pytest.raises(StopIteration):
                next(results)
        errors = [type(record.error).__name__ for record in pool.records]
        assert errors == ["NoneType"] * 2 + ["ZeroDivisionError"] + [
            "CancelledError"
        ] * (len(errors) - 3)
        assert len(errors) == 8

    def test_whoever_stops_taking_results_cancels_the_rest(self) -> None:
        clock = VirtualClock()
        with WorkerPool(2, clock=clock) as pool:
            results = pool.map(lambda _: clock.sleep(1.0), itertools.count())
            next(results)
            results.close()  # type: ignore[attr-defined]
            pool.drain()
        assert clock.time() == 1.0
        ran = [record.worker >= 0 for record in pool.records]
        assert (sum(ran), len(ran)) == (2, 9)

    @pytest.mark.parametrize(
        ("buffersize", "kind", "message"),
        [
            (0, ValueError, "buffersize must be >= 1, got 0"),
            (1.5, TypeError, "buffersize must be a whole number, got 1.5"),
        ],
    )
    def test_the_buffer_must_hold_something(
        self,
        pool: WorkerPool,
        buffersize: Any,
        kind: type[Exception],
        message: str,
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            pool.map(int, [1], buffersize=buffersize)

    def test_results_that_were_taken_are_not_kept(
        self, pool: WorkerPool, start: Start
    ) -> None:
        class Large:
            pass

        made: list[weakref.ref[Large]] = []

        def work(_: int) -> Large:
            large = Large()
            made.append(weakref.ref(large))
            return large

        def take() -> None:
            for _ in pool.map(work, range(30), chunksize=1):
                pass

        start(take).result(PATIENCE)
        start(pool.drain).result(PATIENCE)
        gc.collect()
        assert len(pool.records) == len(made) == 30
        assert [large() for large in made] == [None] * 30


class TestManyThreads:
    def test_every_task_of_many_producers_is_done_once(self, start: Start) -> None:
        producers, each = 8, 150
        pool, barrier = WorkerPool(4), threading.Barrier(producers)
        done: Counter[tuple[int, int]] = Counter()
        lock = threading.Lock()

        def work(producer: int, number: int) -> tuple[int, int]:
            with lock:
                done[producer, number] += 1
            return producer, number

        def produce(producer: int) -> list[TaskFuture]:
            barrier.wait(PATIENCE)
            return [pool.submit(work, producer, number) for number in range(each)]

        answers = [start(produce, producer) for producer in range(producers)]
        futures = [answer.result(PATIENCE) for answer in answers]
        start(pool.shutdown).result(PATIENCE)
        everything = itertools.product(range(producers), range(each))
        assert done == Counter(everything)
        assert [record.index for record in pool.records] == list(range(len(done)))
        for producer, mine in enumerate(futures):
            assert [f.result() for f in mine] == [(producer, n) for n in range(each)]
            order = [future.record.index for future in mine]
            assert order == sorted(order)
        for worker in range(4):  # none does two things at a time
            mine = sorted(
                (r.started, r.finished) for r in pool.records if r.worker == worker
            )
            assert all(a[1] <= b[0] for a, b in itertools.pairwise(mine))

    def test_many_threads_may_wait_for_one_pool(self, start: Start) -> None:
        go = threading.Event()
        with WorkerPool(2) as pool:
            future = pool.submit(go.wait, PATIENCE)
            waiting = [start(pool.drain) for _ in range(5)]
            waiting += [start(future.result) for _ in range(5)]
            go.set()
            for answer in waiting:
                answer.result(PATIENCE)

    def test_workers_that_are_not_needed_cost_nothing(self, start: Start) -> None:
        with WorkerPool(10**12) as pool:
            assert start(pool.submit(int).result).result(PATIENCE) == 0

    def test_workers_that_the_system_cannot_give_are_done_without(
        self, start: Start
    ) -> None:
        class Small(WallClock):
            threads = 0

            def spawn(self, target: Callable[[], object], name: str) -> ClockThread:
                if self.threads == 2:
                    raise RuntimeError("can't start new thread")
                self.threads += 1
                return super().spawn(target, name)

        pool = WorkerPool(100, clock=Small(FAST))
        futures = [pool.submit(Timed(1.0)) for _ in range(50)]
        start(pool.shutdown).result(PATIENCE)
        assert all(future.done() for future in futures)
        assert {record.worker for record in pool.records} == {0, 1}

    def test_a_system_that_has_none_is_an_error(self) -> None:
        class Full(VirtualClock):
            def spawn(self, target: Callable[[], object], name: str) -> ClockThread:
                raise RuntimeError("can't start new thread")

        pool = WorkerPool(3, clock=Full())
        pool.submit(int)
        with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
            pool.drain()
        pool.shutdown(wait=False, cancel_futures=True)  # nothing is left for the exit

    def test_a_task_that_is_refused_for_want_of_a_thread_is_not_kept(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> ClockThread:
            raise RuntimeError("can't start new thread")

        pool, ran = WorkerPool(3, clock=WallClock(FAST)), []
        with monkeypatch.context() as patch:
            patch.setattr(pool.clock, "spawn", refuse)
            with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
                pool.submit(ran.append, "refused")
        assert repr(pool) == "WorkerPool(3 threads, 0 tasks, 0 unfinished)"
        pool.submit(ran.append, "taken")
        start(pool.shutdown).result(PATIENCE)
        assert ran == ["taken"]
        assert [record.index for record in pool.records] == [0]

    def test_a_future_of_the_pool_is_set_by_the_pool_alone(
        self, pool: WorkerPool, start: Start
    ) -> None:
        future = pool.submit(int)
        start(future.result).result(PATIENCE)
        with pytest.raises(InvalidStateError):
            future.set_result(1)


AT_EXIT = """
import atexit, os, threading
from mds_sim.core import VirtualClock, WorkerPool
from mds_sim.core.clock import ClockFuture

go = threading.Event()
def work(i):
    go.wait()
    os.write(1, f"done {{i}}\\n".encode())  # in one piece, as print is not

# Called before the pools are finished, and they before those of atexit.
getattr(threading, "_register_atexit", atexit.register)(go.set)
atexit.register(os.write, 1, b"exit\\n")
forgotten, broken = WorkerPool(1), WorkerPool(1, clock=VirtualClock())
left, virtual = WorkerPool(1), WorkerPool(2, clock=VirtualClock())
for i in range(3):
    forgotten.submit(work, i)
    left.submit(work, 10 + i)
    virtual.submit(work, 20 + i)
left.shutdown(wait=False)
broken.submit(ClockFuture(broken.clock).result)  # an error, and no way out for others
{ending}
"""


@pytest.mark.slow  # a new interpreter
@pytest.mark.parametrize(
    ("ending", "code"), [("", 0), ("raise SystemExit(3)", 3), ("1 / 0", 1)]
)
def test_nothing_is_lost_when_the_interpreter_exits(ending: str, code: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", AT_EXIT.format(ending=ending)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    *done, last = run.stdout.splitlines()
    # The first releases of Python 3.12 start no thread for the virtual one.
    is_refused = (3, 12) <= sys.version_info < (3, 12, 3)
    kept = (0, 10) if is_refused else (0, 10, 20)
    assert sorted(done) == sorted(f"done {i + k}" for i in kept for k in range(3))
    assert ("can't create new thread" in run.stderr) == is_refused
    assert last == "exit"
    assert run.returncode == code


CTRL_C = """
import signal, sys, threading
from mds_sim.core import VirtualClock, WallClock, WorkerPool

signal.signal(signal.SIGINT, signal.default_int_handler)
clock = {"wall": WallClock, "virtual": VirtualClock}[sys.argv[1]]()
ready, cancelled = threading.Event(), threading.Event()

def press():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

def interrupt():
    ready.wait()
    press()
    if sys.argv[2] == "during":  # the waiting is interrupted while the task goes on
        # Python misses a signal that comes just before a lock makes it wait.
        while not cancelled.wait(10):
            press()
    return "finished"

try:
    with WorkerPool(1, clock=clock) as pool:
        running = pool.submit(interrupt)
        others = [pool.submit(cancelled.wait) for _ in range(5)]
        others[-1].add_done_callback(lambda _: cancelled.set())
        ready.set()
        pool.drain()
except KeyboardInterrupt:
    print("interrupted")
print(running.result(), others[-1].cancelled(), pool)
"""


@pytest.mark.slow  # a new interpreter
@pytest.mark.skipif(sys.platform == "win32", reason="no signals to threads there")
@pytest.mark.parametrize(
    ("clock", "moment"),
    [("wall", "during"), ("virtual", "during"), ("virtual", "after")],
)
def test_after_ctrl_c_what_runs_is_finished_and_what_waits_is_cancelled(
    clock: str, moment: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", CTRL_C, clock, moment],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert run.stderr == ""
    assert run.stdout == (
        "interrupted\nfinished True WorkerPool(1 thread, 6 tasks, shut down)\n"
    )
