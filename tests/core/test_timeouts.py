"""Tasks that take too long: they are told, and nobody waits for them any more."""

import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mds_sim.core import backends
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
    after = pool.submit(faults.Unhurried(int))
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
def test_the_clock_of_the_pool_measures_it(start: Start) -> None:
    release = threading.Event()
    with WorkerPool(1, clock=WallClock(speed=1e5), timeout=10_000.0) as pool:
        late = pool.submit(release.wait)
        start(late.exception).result(faults.PATIENCE)  # after 0.1 s, not after hours
        check_late(late, "10000")
        release.set()


def test_what_is_done_the_moment_its_time_is_over_is_in_time() -> None:
    # As after a machine stood still: who waits and what it waits for awake together.
    class LastMoment(Future[Any]):
        call: Callable[[], Any]

        def result(self, timeout: float | None = None) -> Any:
            if timeout is None:
                return super().result()
            self.set_result(self.call())
            raise TimeoutError

    class Slow(Executor):
        def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future = LastMoment()
            future.call = partial(function, *args, **kwargs)
            return future

    with WorkerPool(1, executor=Slow(), timeout=5.0) as pool:
        good, bad = pool.submit(abs, -3), pool.submit(faults.go_off, "error")
        assert good.result(faults.PATIENCE) == 3
        assert repr(bad.exception(faults.PATIENCE)) == "ValueError('a fault')"


@linux
@pytest.mark.slow
def test_exactly_that_process_is_killed(tmp_path: Path) -> None:
    with WorkerPool(2, executor="processes", timeout=0.3) as pool:
        before = both(pool, tmp_path)
        late = pool.submit(faults.wait, 600.0)
        # It is at work when the other one is killed.
        good = pool.submit(faults.Unhurried(faults.wait_for, (tmp_path / "go",)))
        check_late(late, "0.3")
        (tmp_path / "go").touch()
        assert good.result(faults.PATIENCE) is None
        assert good.record.attempts == 1
        killed = {pid for pid in before if not faults.is_alive(pid)}
        assert len(killed) == 1
        assert f"(pid {killed.pop()})" in late.exception().__notes__[0]  # type: ignore[union-attr]
        square = pool.submit(faults.Unhurried(faults.square, (3,)))
        assert square.result(faults.PATIENCE) == 9


def both(pool: WorkerPool, folder: Path) -> set[int]:
    """Ask two workers at the same time who they are."""
    tasks = [faults.Unhurried(faults.meet, (folder, k, 2)) for k in range(2)]
    futures = [pool.submit(task) for task in tasks]
    return {future.result(faults.PATIENCE) for future in futures}


@pytest.mark.slow
def test_a_process_that_is_late_is_tried_again() -> None:
    with WorkerPool(
        1, executor="processes", timeout=0.2, retry=Retry(2, first=0.0)
    ) as pool:
        future = pool.submit(faults.wait, 600.0)
        check_late(future, "0.2")
    assert future.record.attempts == 2


@pytest.mark.slow
def test_a_start_of_a_process_is_no_part_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # If it were, each attempt would be late, as it ends the process and waits for the
    # next one. So one that is late because the machine stood still is tried again.
    begin, retry = partial(faults.begin_late, 0.6), Retry(5, first=0.0)
    monkeypatch.setattr(backends.remote, "begin", begin)
    with WorkerPool(2, executor="processes", timeout=0.5, retry=retry) as pool:
        assert list(pool.map(faults.square, range(4), progress=False)) == [0, 1, 4, 9]


@pytest.mark.slow
def test_a_place_in_an_executor_of_the_pool_is_replaced(start: Start) -> None:
    release = threading.Event()
    made, begun = [], []

    def stuck() -> None:
        begun.append(1)
        release.wait(faults.PATIENCE)

    def make() -> ThreadPoolExecutor:
        made.append(ThreadPoolExecutor(1))
        return made[-1]

    pool = WorkerPool(1, executor=make, timeout=0.05)
    futures = [pool.submit(stuck) for _ in range(2)]
    after = pool.submit(faults.Unhurried(int))
    for future in futures:
        check_late(future, "0.05")
    assert after.result(faults.PATIENCE) == 0
    start(pool.shutdown).result(faults.PATIENCE)  # waits for none of them
    release.set()
    for executor in made:
        executor.shutdown()
    # On a machine that stands still, one may be late before it has begun: that one is
    # cancelled, and its place is free.
    assert len(made) == 1 + len(begun)
    assert begun


@pytest.mark.slow
def test_an_executor_that_was_given_is_left_as_it_is(start: Start) -> None:
    release = threading.Event()
    with ThreadPoolExecutor(2) as executor:
        with WorkerPool(2, executor=executor, timeout=0.05) as pool:
            late = pool.submit(release.wait, faults.PATIENCE)
            check_late(late, "0.05")
            after = pool.submit(faults.Unhurried(int))
            assert after.result(faults.PATIENCE) == 0
        assert executor.submit(int).result(faults.PATIENCE) == 0
        release.set()
