"""Tasks that take too long: they are told, and nobody waits for them any more."""

import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mds_sim.core.clock import VirtualClock, WallClock
from mds_sim.core.retry import Retry
from mds_sim.core.task import Task
from mds_sim.core.worker_pool import TaskFuture, WorkerPool

sys.path.insert(0, str(Path(__file__).parent))
faults = import_module("pool_faults")

Start = Callable[..., Future[Any]]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


class Modelled(Task):
    """Takes so long on the clock of the pool."""

    def __init__(
        self, seconds: float, timeout: float | None = None, retry: Retry | None = None
    ) -> None:
        self.service_time = seconds
        self.timeout = timeout
        self.retry = retry
        self.calls = 0

    def execute(self) -> str:
        self.calls += 1
        return f"after {self.service_time:g} s"


def check_late(future: TaskFuture, limit: str) -> None:
    """Make sure that a task failed because it took too long."""
    error, record = future.exception(faults.PATIENCE), future.record
    title = f"task {record.index}, {record.name},"
    text = f"{title} took longer than its timeout of {limit} s"
    assert (type(error), str(error)) == (TimeoutError, text)
    assert error is record.error
    assert error.__notes__[-1].startswith(title)


# In virtual time ---------------------------------------------------------------------


def test_a_task_is_late_exactly_when_its_time_is_over() -> None:
    clock = VirtualClock()
    with WorkerPool(1, clock=clock, timeout=5.0) as pool:
        futures = [pool.submit(Modelled(seconds)) for seconds in (4.75, 5.25, 1.0)]
    assert [future.record.started for future in futures] == [0.0, 4.75, 9.75]
    assert [future.record.finished for future in futures] == [4.75, 9.75, 10.75]
    assert futures[0].result() == "after 4.75 s"
    check_late(futures[1], "5")
    assert futures[2].result() == "after 1 s"  # by another worker in its place


def test_what_waits_is_not_late() -> None:
    with WorkerPool(1, clock=VirtualClock(), timeout=5.0) as pool:
        futures = [pool.submit(Modelled(4.0)) for _ in range(5)]
    assert [future.result() for future in futures] == ["after 4 s"] * 5


def test_a_task_has_the_last_word() -> None:
    with WorkerPool(4, clock=VirtualClock(), timeout=5.0) as pool:
        longer, shorter = pool.submit(Modelled(9, 10)), pool.submit(Modelled(4, 3))
    assert longer.result() == "after 9 s"
    check_late(shorter, "3")
    with WorkerPool(4, clock=VirtualClock()) as pool:
        shorter = pool.submit(Modelled(4, 3))
    check_late(shorter, "3")


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
def test_a_timeout_that_cannot_be_is_refused(timeout: float) -> None:
    text = f"timeout must be > 0 and finite s, got {timeout}"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        WorkerPool(1, timeout=timeout)
    with WorkerPool(1) as pool:  # that of a task is an error of this task
        error = pool.submit(Modelled(1.0, timeout)).exception(faults.PATIENCE)
    assert (type(error), str(error)) == (ValueError, text)


def test_each_attempt_has_the_whole_time() -> None:
    clock = VirtualClock()
    task = Modelled(9.0)
    with WorkerPool(1, clock=clock, timeout=5.0, retry=Retry(3, first=0.0)) as pool:
        future = pool.submit(task)
        after = pool.submit(Modelled(1.0))
    check_late(future, "5")
    assert task.calls == future.record.attempts == 3
    earlier = future.record.earlier
    assert [attempt.finished - attempt.started for attempt in earlier] == [5.0, 5.0]
    assert after.result() == "after 1 s"


def test_the_wait_for_the_next_attempt_is_not_part_of_it() -> None:
    clock = VirtualClock()
    tries: list[float] = []

    def slow_once() -> int:
        tries.append(clock.time())
        if len(tries) == 1:
            clock.sleep(9.0)
        return len(tries)

    retry = Retry(2, first=100.0, most=100.0)
    with WorkerPool(1, clock=clock, timeout=5.0, retry=retry, rng=5) as pool:
        assert pool.submit(slow_once).result() == 2
    assert tries[1] > 9.0  # when the abandoned attempt was long over, and ignored


def test_all_workers_may_be_late_again_and_again() -> None:
    clock = VirtualClock()
    with WorkerPool(3, clock=clock, timeout=1.0) as pool:
        futures = [pool.submit(Modelled(50.0)) for _ in range(30)]
    for future in futures:
        check_late(future, "1")
    assert {future.record.worker for future in futures} == {0, 1, 2}
    assert [future.record.finished for future in futures] == [
        float(k // 3 + 1) for k in range(30)
    ]


# In real time ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
def test_a_thread_is_left_alone_and_its_answer_ignored(
    fails: bool, start: Start
) -> None:
    release, ended = threading.Event(), threading.Event()
    threads = []

    def stuck() -> str:
        threads.append(threading.current_thread())
        release.wait(faults.PATIENCE)
        ended.set()
        if fails:
            raise ValueError("too late")
        return "too late"

    pool = WorkerPool(1, timeout=0.05)
    futures = [pool.submit(stuck) for _ in range(2)]
    after = pool.submit(int)
    start(pool.shutdown).result(faults.PATIENCE)  # does not wait for the threads
    assert not ended.is_set()
    for future in futures:
        check_late(future, "0.05")
    assert after.result(0) == 0
    records = pool.records
    release.set()
    assert ended.wait(faults.PATIENCE)
    for thread in threads:
        thread.join(faults.PATIENCE)
    assert pool.records == records
    check_late(futures[0], "0.05")


@pytest.mark.slow
def test_the_clock_of_the_pool_measures_it() -> None:
    with WorkerPool(1, clock=WallClock(speed=100), timeout=10.0) as pool:
        check_late(pool.submit(faults.wait, 1.0), "10")  # 0.1 s, of 1 s


@linux
@pytest.mark.slow
def test_exactly_that_process_is_killed() -> None:
    with WorkerPool(2, executor="processes", timeout=1.0) as pool:
        before = {future.result() for future in both(pool)}
        late, good = pool.submit(faults.wait, 60.0), pool.submit(faults.wait, 0.4)
        check_late(late, "1")
        assert good.result(faults.PATIENCE) == 0.4
        killed = {pid for pid in before if not faults.is_alive(pid)}
        assert len(killed) == 1
        assert f"(pid {killed.pop()})" in late.exception().__notes__[0]  # type: ignore[union-attr]
        assert pool.submit(faults.square, 3).result(faults.PATIENCE) == 9


def both(pool: WorkerPool) -> list[TaskFuture]:
    """Ask two workers at the same time who they are."""
    return [pool.submit(faults.pid_after, 0.1) for _ in range(2)]


@pytest.mark.slow
def test_a_process_that_is_late_is_tried_again() -> None:
    with WorkerPool(
        1, executor="processes", timeout=0.2, retry=Retry(2, first=0.0)
    ) as pool:
        future = pool.submit(faults.wait, 60.0)
        check_late(future, "0.2")
    assert future.record.attempts == 2


@pytest.mark.slow
def test_a_start_of_a_process_is_no_part_of_the_time() -> None:
    # To start one takes some 0.2 s, and more on a machine that is busy.
    with WorkerPool(2, executor="processes", timeout=0.15) as pool:
        assert list(pool.map(faults.square, range(4), progress=False)) == [0, 1, 4, 9]


@pytest.mark.slow
def test_a_place_in_an_executor_of_the_pool_is_replaced(start: Start) -> None:
    release = threading.Event()
    made = []

    def make() -> ThreadPoolExecutor:
        made.append(ThreadPoolExecutor(1))
        return made[-1]

    pool = WorkerPool(1, executor=make, timeout=0.05)
    futures = [pool.submit(release.wait, faults.PATIENCE) for _ in range(2)]
    after = pool.submit(int)
    for future in futures:
        check_late(future, "0.05")
    assert after.result(faults.PATIENCE) == 0
    start(pool.shutdown).result(faults.PATIENCE)  # waits for none of them
    assert len(made) == 3
    release.set()


@pytest.mark.slow
def test_an_executor_that_was_given_is_left_as_it_is(start: Start) -> None:
    release = threading.Event()
    with ThreadPoolExecutor(2) as executor:
        with WorkerPool(2, executor=executor, timeout=0.05) as pool:
            late = pool.submit(release.wait, faults.PATIENCE)
            check_late(late, "0.05")
            assert pool.submit(int).result(faults.PATIENCE) == 0
        assert executor.submit(int).result(faults.PATIENCE) == 0
        release.set()
