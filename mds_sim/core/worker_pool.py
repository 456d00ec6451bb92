"""A pool of workers that keeps a record of every task."""

from __future__ import annotations

import atexit
import heapq
import itertools
import math
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any

from mds_sim import _validate

from .clock import Clock, ClockFuture, ClockThread, WallClock
from .task import FunctionTask, Task, TaskRecord


class TaskFuture(ClockFuture):
    """The future of a task: its result, and its record."""

    def __init__(self, clock: Clock, job: _Job) -> None:
        super().__init__(clock)
        self._job = job

    @property
    def record(self) -> TaskRecord:
        """What the pool knows of the task now."""
        return self._job.record()


class _Job:
    """A task on its way through the pool."""

    __slots__ = (
        "error",
        "finished",
        "future",
        "index",
        "started",
        "submitted",
        "task",
        "worker",
    )

    def __init__(self, index: int, task: Task, submitted: float, clock: Clock) -> None:
        self.index = index
        self.task = task
        self.future = TaskFuture(clock, self)
        self.submitted = submitted
        self.started = self.finished = math.nan
        self.worker = -1
        self.error: BaseException | None = None

    def record(self) -> TaskRecord:
        """Return what is known of the task now."""
        return TaskRecord(
            self.index,
            self.task.name,
            self.submitted,
            self.started,
            self.finished,
            self.worker,
            CancelledError() if self.future.cancelled() else self.error,
        )


class WorkerPool:
    """Workers that take tasks in the order of submission.

    Parameters
    ----------
    max_workers : int, optional
        How many tasks run at a time, >= 1.
    clock : Clock, optional
        Clock of the records and of modelled service times; a `WallClock` by
        default.
    executor : {"threads"}, optional
        What the workers are. Threads suit work that waits (files, networks) and
        NumPy, which works outside the interpreter's lock.

    Attributes
    ----------
    records : tuple of TaskRecord
        One record a task, in the order of submission.

    Notes
    -----
    First in, first out. A task goes to the worker that has been idle longest, or,
    if several became idle at the same instant, to the one with the lowest number:
    the rule of the simulation, so that a run on a `VirtualClock` and a simulation
    agree to the last worker. Workers start when they are first needed.

    Like ``concurrent.futures.ThreadPoolExecutor``, a pool is a context manager
    that finishes all its tasks when the block ends; after a Ctrl-C it finishes
    only those that are running.

    Examples
    --------
    >>> with WorkerPool(3) as pool:
    ...     future = pool.submit(pow, 2, 10)
    ...     squares = list(pool.map(lambda x: x * x, range(5)))
    >>> future.result(), squares
    (1024, [0, 1, 4, 9, 16])
    >>> len(pool.records)
    6
    """

    def __init__(
        self,
        max_workers: int = 10,
        *,
        clock: Clock | None = None,
        executor: str = "threads",
    ) -> None:
        self.max_workers = _validate.count("max_workers", max_workers)
        self.clock: Clock = WallClock() if clock is None else clock
        _validate.choice("executor", executor, ("threads",))
        self._lock = threading.Lock()
        self._jobs: list[_Job] = []
        self._pending: deque[_Job] = deque()
        self._outstanding: dict[int, _Job] = {}
        # A heap of (idle since, number): the tie rule of the simulation.
        self._idle = [(-math.inf, number) for number in range(self.max_workers)]
        self._threads: dict[int, ClockThread] = {}
        self._given: dict[int, _Job | None] = {}  # None: go home
        self._closed = False
        _open_pools.add(self)

    def __repr__(self) -> str:
        state = "shut down" if self._closed else f"{len(self._outstanding)} unfinished"
        return (
            f"WorkerPool({self.max_workers} threads, {len(self._jobs)} tasks, {state})"
        )

    def submit(
        self, task: Task | Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> TaskFuture:
        """Give the pool a task, or a function and its arguments.

        Parameters
        ----------
        task : Task or callable
        *args, **kwargs
            Arguments, if `task` is a function.

        Returns
        -------
        Future
            It holds the result or the error; errors are in `records` as well.

        Raises
        ------
        RuntimeError
            If the pool was shut down.
        """
        if not isinstance(task, Task):
            task = FunctionTask(task, args, kwargs)
        elif args or kwargs:
            raise TypeError(f"{task.name} is a Task and takes no arguments here")
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            job = _Job(len(self._jobs), task, self.clock.time(), self.clock)
            self._jobs.append(job)
            self._pending.append(job)
            self._outstanding[job.index] = job
        self.clock.call_soon(self._dispatch)
        return job.future

    def map(
        self,
        function: Callable[..., Any],
        *iterables: Iterable[Any],
        buffersize: int | None = None,
    ) -> Iterator[Any]:
        """Yield ``function(item)`` for each item, in order.

        Parameters
        ----------
        function : callable
        *iterables : iterable
            One for each argument of `function`; infinite ones are fine.
        buffersize : int, optional
            How many results may be waiting or under way, >= 1; by default four a
            worker. The input is read no further ahead than this.

        Raises
        ------
        Exception
            What the function raised, when the result is due; results that were
            under way are cancelled or finished, and stay in `records`.
        """
        if buffersize is None:
            buffersize = 4 * self.max_workers
        _validate.count("buffersize", buffersize)
        return self._results(function, zip(*iterables, strict=False), buffersize)

    def _results(
        self,
        function: Callable[..., Any],
        arguments: Iterator[tuple[Any, ...]],
        buffersize: int,
    ) -> Iterator[Any]:
        """Yield results in order, with at most `buffersize` tasks under way."""
        futures = deque(
            self.submit(function, *args)
            for args in itertools.islice(arguments, buffersize)
        )
        try:
            while futures:
                result = futures.popleft().result()
                for args in itertools.islice(arguments, 1):
                    futures.append(self.submit(function, *args))
                yield result
        finally:
            for future in futures:
                future.cancel()

    def drain(self) -> None:
        """Wait until every task that was submitted is done.

        Tasks that these tasks submit are waited for as well. Errors do not stop
        it: they are in `records`.
        """
        while True:
            with self._lock:
                job = next(iter(self._outstanding.values()), None)
            if job is None:
                return
            self.clock.wait(job.future)
            self._forget(job)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks and let the workers go home.

        Parameters
        ----------
        wait : bool, optional
            Return when all tasks are done and all workers have ended.
        cancel_futures : bool, optional
            Cancel the tasks that no worker has taken yet.
        """
        with self._lock:
            self._closed = True
            waiting = list(self._pending) if cancel_futures else []
            idle = len(self._idle)
        for job in waiting:
            job.future.cancel()
        for _ in range(max(idle, 1)):
            self.clock.call_soon(self._dispatch)
        if wait:
            self.drain()
            for thread in list(self._threads.values()):
                self.clock.wait(thread.done)
        _open_pools.discard(self)

    @property
    def records(self) -> tuple[TaskRecord, ...]:
        """One record for each task, in the order of submission."""
        with self._lock:
            jobs = list(self._jobs)
        return tuple(job.record() for job in jobs)

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown(cancel_futures=kind is KeyboardInterrupt)

    def _dispatch(self) -> None:
        """Give the first pending task to the worker that has been idle longest.

        One call for each task that comes and each worker that becomes idle is
        enough. One task a call: on a `VirtualClock` a worker that is done within
        the instant is idle again before the next task is given away.
        """
        with self._lock:
            self._drop_cancelled()
            if not self._idle or not (self._pending or self._closed):
                return
            number = heapq.heappop(self._idle)[1]
            self._given[number] = self._pending.popleft() if self._pending else None
            thread = self._threads.get(number)
            if thread is None and self._given[number] is not None:
                self._threads[number] = self.clock.spawn(
                    lambda: self._work(number), f"worker-{number}"
                )
        if thread is not None:
            thread.unpark()

    def _drop_cancelled(self) -> None:
        """Take tasks that were cancelled while they waited out of the queue."""
        while self._pending and self._pending[0].future.cancelled():
            job = self._pending.popleft()
            job.future.set_running_or_notify_cancel()
            del self._outstanding[job.index]

    def _work(self, number: int) -> None:
        """Do what a worker does: take a task, do it, be idle, until sent home."""
        with self._lock:
            thread = self._threads[number]
        while True:
            while number not in self._given:
                thread.park()
            job = self._given.pop(number)
            if job is None:
                return
            self._run(job, number)
            with self._lock:
                heapq.heappush(self._idle, (self.clock.time(), number))
            self.clock.call_soon(self._dispatch)

    def _run(self, job: _Job, number: int) -> None:
        """Execute one task and write its record before its future is done."""
        if not job.future.set_running_or_notify_cancel():
            self._forget(job)
            return
        result = None
        job.worker = number
        job.started = self.clock.time()
        try:
            result = job.task.execute()
        except BaseException as error:
            job.error = error
        if job.task.service_time is not None:
            self.clock.sleep_until(job.started + job.task.service_time)
        job.finished = self.clock.time()
        if job.error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(job.error)
        self._forget(job)

    def _forget(self, job: _Job) -> None:
        """Count a task as done."""
        with self._lock:
            self._outstanding.pop(job.index, None)


_open_pools: weakref.WeakSet[WorkerPool] = weakref.WeakSet()


@atexit.register
def _finish_open_pools() -> None:
    """Finish what was submitted to pools that nobody shut down: nothing is lost."""
    for pool in list(_open_pools):
        pool.shutdown()
