"""Pools that ask for priorities: the story of the simulation, and nobody forgotten."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.core import Task, VirtualClock, WallClock, WorkerPool
from mds_sim.core.clock import Clock
from mds_sim.sim import serve_priority, serve_reserved

Start = Callable[..., Future[Any]]
PATIENCE = 30.0  # seconds after which a test that hangs is red
WAYS = {"priority": {}, "reserved": {"reserved": 1}}


class Urgent(Task):
    """Takes a time of the clock, does what it is told to, and has a class."""

    def __init__(
        self, priority: Any = 0, work: Callable[[], Any] = int, seconds: Any = None
    ) -> None:
        self.priority = priority
        self.service_time = seconds
        self._work = work

    def execute(self) -> Any:
        return self._work()


@pytest.fixture(params=[partial(WallClock, 1e6), VirtualClock], ids=["wall", "virtual"])
def clock(request: pytest.FixtureRequest) -> Any:
    """Return a new clock of each kind."""
    return request.param()


both = pytest.mark.parametrize("discipline", WAYS)


@st.composite
def job_lists(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Return jobs by ready time, with a service time and a class; many tie."""
    small = st.integers(0, 6)
    jobs = st.tuples(small, small, st.integers(-1, 2))
    return sorted(draw(st.lists(jobs, min_size=1, max_size=15)), key=lambda job: job[0])


@given(jobs=job_lists(), c=st.integers(1, 4), data=st.data())
def test_on_a_virtual_clock_it_is_the_simulation(
    jobs: list[tuple[int, int, int]], c: int, data: st.DataObject
) -> None:
    ready, times, priority = map(list, zip(*jobs, strict=True))
    reserved = data.draw(st.integers(0, c - 1))
    if reserved:
        expected = serve_reserved(ready, times, priority, c, reserved)
    else:
        expected = serve_priority(ready, times, priority, c)
    clock = VirtualClock()
    discipline = "reserved" if reserved else "priority"
    with WorkerPool(c, clock=clock, discipline=discipline, reserved=reserved) as pool:
        for moment, seconds, one in jobs:
            task = Urgent(one, seconds=float(seconds))
            clock.call_at(moment, partial(pool.submit, task))
        clock.run()
    records = pool.records
    assert [record.started for record in records] == expected.start.tolist()
    assert [record.finished for record in records] == expected.finish.tolist()
    assert [record.worker for record in records] == expected.worker.tolist()


@both
def test_the_urgent_overtake_those_that_wait(discipline: str, start: Start) -> None:
    gate, order = threading.Event(), []
    options = {"discipline": discipline, **WAYS[discipline]}
    workers = 1 + len(WAYS[discipline])
    pool = WorkerPool(workers, clock=WallClock(), **options)
    shut = [pool.submit(Urgent(0, gate.wait)) for _ in range(workers - 1)]
    # The last of them must be held as well: by a task that anybody may do.
    shut.append(pool.submit(Urgent(1, gate.wait)))
    for name, priority in (("late", 2), ("first", -1), ("second", 0), ("third", 0)):
        pool.submit(Urgent(priority, partial(order.append, name)))
    gate.set()
    start(pool.shutdown).result(PATIENCE)
    assert [future.result() for future in shut] == [True] * workers
    urgent = [name for name in order if name != "late"]
    assert urgent == ["first", "second", "third"]
    if discipline == "priority":
        assert order[-1] == "late"


def test_a_reserved_worker_does_nothing_else(clock: Clock, start: Start) -> None:
    pool = WorkerPool(3, clock=clock, discipline="reserved", reserved=2)
    for i in range(60):
        pool.submit(Urgent(i % 3, seconds=1.0))
    start(pool.shutdown).result(PATIENCE)
    workers = [{r.worker for r in pool.records[i::3]} for i in range(3)]
    assert workers[1] | workers[2] == {2}  # of classes 1 and 2
    assert {0, 1} <= workers[0]


def test_who_is_not_urgent_waits_though_a_reserved_worker_is_idle(
    start: Start,
) -> None:
    gate = threading.Event()
    with WorkerPool(2, discipline="reserved", reserved=1) as pool:
        held = pool.submit(Urgent(1, gate.wait))
        waits = pool.submit(Urgent(1))
        urgent = pool.submit(Urgent(0, lambda: "done"))
        assert start(urgent.result).result(PATIENCE) == "done"
        # The reserved worker is done, and has left what waits alone.
        assert not waits.done()
        assert not held.done()
        gate.set()
    assert [record.worker for record in pool.records] == [1, 1, 0]


@both
@pytest.mark.parametrize("wait", [True, False])
def test_what_is_cancelled_is_never_begun(
    clock: Clock, discipline: str, wait: bool, start: Start
) -> None:
    options = {"discipline": discipline, **WAYS[discipline]}
    pool = WorkerPool(2, clock=clock, **options)
    futures = [pool.submit(Urgent(i % 3, seconds=2.0)) for i in range(30)]
    for future in futures[10:20]:
        future.cancel()
    start(partial(pool.shutdown, wait, cancel_futures=not wait)).result(PATIENCE)
    start(pool.drain).result(PATIENCE)
    for record, future in zip(pool.records, futures, strict=True):
        assert future.done()
        assert (record.worker < 0) == future.cancelled()


@pytest.mark.parametrize(("priority", "reserved", "first"), [(1, 1, 1), (0, 2, 0)])
def test_what_is_cancelled_at_once_keeps_nobody_from_being_idle(
    priority: int, reserved: int, first: int
) -> None:
    clock = VirtualClock()
    with WorkerPool(3, clock=clock, discipline="reserved", reserved=reserved) as pool:
        for seconds in (1.0, 2.0):
            pool.submit(Urgent(priority, seconds=seconds))
        clock.call_at(4.0, lambda: pool.submit(Urgent(priority)).cancel())
        clock.call_at(5.0, lambda: pool.submit(Urgent(priority)))
        clock.run()
    # The worker that was done at 1 has been idle longest, and not since 4.
    assert [record.worker for record in pool.records] == [first, first + 1, -1, first]


@both
def test_it_takes_no_more_after_the_end_and_is_tried_again_before(
    clock: Clock, discipline: str, start: Start
) -> None:
    tries = []

    def fail_twice() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("busy")
        return len(tries)

    options = {"discipline": discipline, **WAYS[discipline], "retry": 3}
    pool = WorkerPool(2, clock=clock, **options)
    future = pool.submit(Urgent(1, fail_twice))
    start(pool.shutdown).result(PATIENCE)
    assert future.result() == 3
    with pytest.raises(
        RuntimeError, match=r"^cannot schedule new futures after shutdown$"
    ):
        pool.submit(Urgent())


@both
@pytest.mark.parametrize("priority", ["high", 1.5, None])
def test_a_class_that_is_none_is_told_to_who_submits(
    discipline: str, priority: Any
) -> None:
    options = {"discipline": discipline, **WAYS[discipline]}
    text = f"priority must be a whole number, got {priority!r}"
    with WorkerPool(2, clock=VirtualClock(), **options) as pool:
        with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
            pool.submit(Urgent(priority))
        assert pool.submit(pow, 2, 3).result() == 8
    assert len(pool.records) == 1


def test_a_pool_that_does_not_ask_looks_at_no_class() -> None:
    with WorkerPool(1, clock=VirtualClock()) as pool:
        futures = [pool.submit(Urgent(i, seconds=1.0)) for i in ("low", 5, -5)]
    assert [future.record.started for future in futures] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"discipline": "lifo"},
            "discipline must be 'fifo' or 'priority' or 'reserved', got 'lifo'",
        ),
        (
            {"reserved": 1},
            "reserved must be 0 if the discipline is 'fifo', got 1; "
            'say discipline="reserved"',
        ),
        (
            {"discipline": "reserved"},
            "reserved must be in 1..2 for 3 workers, so that others are left, got 0",
        ),
        (
            {"discipline": "reserved", "reserved": 3},
            "reserved must be in 1..2 for 3 workers, so that others are left, got 3",
        ),
        (
            {"discipline": "reserved", "reserved": 1, "max_workers": 1},
            "reserved needs more than 1 worker, got reserved=1",
        ),
        ({"reserved": -1}, "reserved must be >= 0, got -1"),
    ],
)
def test_contradictions_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        WorkerPool(**{"max_workers": 3, **options})


class NoThreads(WallClock):
    """A clock of a system that has had no more threads for a while."""

    most = 0

    def spawn(self, target: Any, name: str) -> Any:
        self.most -= 1
        if self.most < 0:
            raise RuntimeError("can't start new thread")
        return super().spawn(target, name)


@both
def test_where_no_thread_can_be_had_the_task_is_not_kept(discipline: str) -> None:
    pool = WorkerPool(2, clock=NoThreads(), discipline=discipline, **WAYS[discipline])
    with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
        pool.submit(Urgent(1))
    assert (len(pool.records), pool._crew.unfinished) == (0, 0)
    pool.shutdown()


def test_a_reserved_worker_alone_is_no_help_to_the_others(start: Start) -> None:
    clock = NoThreads()
    clock.most = 1
    pool = WorkerPool(3, clock=clock, discipline="reserved", reserved=1)
    assert start(pool.submit(Urgent(0)).result).result(PATIENCE) == 0
    with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
        pool.submit(Urgent(1))
    clock.most = 1
    assert start(pool.submit(Urgent(1)).result).result(PATIENCE) == 0
    # One of the shared workers could be had: it does what the other would have done.
    assert start(pool.submit(Urgent(1)).result).result(PATIENCE) == 0
    start(pool.shutdown).result(PATIENCE)
