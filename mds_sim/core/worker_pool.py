"""A pool of workers that keeps a record of every task."""

from __future__ import annotations

import atexit
import heapq
import itertools
import math
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Any

from mds_sim import _validate

from .clock import Clock, ClockFuture, ClockThread, WallClock
from .task import FunctionTask, Task, TaskRecord


class TaskFuture(ClockFuture):
    """The future of a task: its result, and its record.

    On a `VirtualClock` wait for it by `result`, `exception` or the pool's ``drain``:
    ``concurrent.futures.wait`` and ``as_completed`` let no time of the clock pass.
    """

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
    agree to the last worker. A worker that has never worked has been idle longest:
    each of the first `max_workers` tasks starts one, even if others are idle.

    Like ``concurrent.futures.ThreadPoolExecutor``, a pool is a context manager
    that finishes all its tasks when the block ends; after a Ctrl-C it finishes
    only those that are running, and on a `WallClock` they no longer wait for the
    rest of their service times. Use it so, or call `shutdown`: the threads of a pool
    that is merely forgotten stay until the interpreter exits. Then its tasks are
    finished, before the functions registered with ``atexit`` are called (but Python
    3.12.0 to 3.12.2 start no thread then: a pool on a `VirtualClock` that nobody has
    waited for reports an error instead).

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
        self._lock = threading.RLock()
        # A task that is done leaves its record only, not its result.
        self._tasks: list[_Job | TaskRecord] = []
        self._pending: deque[_Job] = deque()
        self._unfinished = 0
        self._drains: list[Future[None]] = []  # done when nothing is unfinished
        # A heap of (idle since, number): the tie rule of the simulation.
        self._idle: list[tuple[float, int]] = []
        self._threads: dict[int, ClockThread] = {}
        self._given: dict[int, _Job | None] = {}  # None: go home
        self._here = threading.local()  # has `worker` in the threads of this pool
        self._closed = False
        self._interrupted: Future[None] = Future()  # done after a Ctrl-C
        _open_pools.add(self)

    def __repr__(self) -> str:
        state = "shut down" if self._closed else f"{self._unfinished} unfinished"
        return (
            f"WorkerPool({self.max_workers} threads, {len(self._tasks)} tasks, {state})"
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
            If the pool was shut down, or the system gives it no thread at all; the
            pool does not keep the task then.
        """
        if not isinstance(task, Task):
            task = FunctionTask(task, args, kwargs)
        elif args or kwargs:
            raise TypeError(f"{task.name} is a Task and takes no arguments here")
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            job = _Job(len(self._tasks), task, self.clock.time(), self.clock)
            self._tasks.append(job)
            self._pending.append(job)
            self._unfinished += 1
            try:
                self.clock.call_soon(self._dispatch)
            except BaseException:
                if self._pending and self._pending[-1] is job:  # no worker has it
                    self._pending.pop()
                    self._tasks.pop()
                    self._unfinished -= 1
                raise
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
            worker. So many tasks are submitted at once, the others as results are
            taken; the input is read no further ahead than this. So take all results
            before the pool is shut down: it would refuse the tasks that are left.

        Raises
        ------
        Exception
            What the function raised, when the result is due; results that were
            under way are cancelled or finished, and stay in `records`.
        """
        if buffersize is None:
            buffersize = 4 * self.max_workers
        buffersize = _validate.count("buffersize", buffersize)
        rest = zip(*iterables, strict=False)
        first = itertools.islice(rest, buffersize)
        futures = deque([self.submit(function, *args) for args in first])
        return self._results(futures, function, rest)

    def _results(
        self,
        futures: deque[TaskFuture],
        function: Callable[..., Any],
        rest: Iterator[tuple[Any, ...]],
    ) -> Iterator[Any]:
        """Yield results in order, with one new task for each that is taken."""
        try:
            while futures:
                result = futures.popleft().result()
                for args in itertools.islice(rest, 1):
                    futures.append(self.submit(function, *args))
                yield result
        finally:
            for future in futures:
                future.cancel()

    def drain(self) -> None:
        """Wait until every task that was submitted is done, and so are its callbacks.

        Tasks that these tasks submit are waited for as well. Errors do not stop
        it: they are in `records`.

        Raises
        ------
        RuntimeError
            If a task of this pool calls it: it would wait for itself.
        """
        if hasattr(self._here, "worker"):
            raise RuntimeError("a task must not wait for its own pool, nor for itself")
        with self._lock:
            if not self._unfinished:
                return
            done: Future[None] = Future()
            self._drains.append(done)
        self.clock.wait(done)

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
            try:
                self.drain()
                for thread in list(self._threads.values()):
                    self.clock.wait(thread.done)
            finally:
                _open_pools.discard(self)  # else the interpreter waits at its exit

    @property
    def records(self) -> tuple[TaskRecord, ...]:
        """One record for each task, in the order of submission."""
        with self._lock:
            tasks = list(self._tasks)
        return tuple(
            task if isinstance(task, TaskRecord) else task.record() for task in tasks
        )

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_interrupted = kind is KeyboardInterrupt
        if is_interrupted and not self._interrupted.done():
            self._interrupted.set_result(None)
        self.shutdown(cancel_futures=is_interrupted)

    def _dispatch(self) -> None:
        """Give the first pending task to a worker, or send one home at the end.

        One call for each task that comes and each worker that becomes idle is
        enough. One task a call: on a `VirtualClock` a worker that is done within
        the instant is idle again before the next task is given away.
        """
        with self._lock:
            self._drop_cancelled()
            number = self._next_worker()
            if number is None:
                return
            self._given[number] = self._pending.popleft() if self._pending else None
            thread = self._threads[number]
        thread.unpark()

    def _next_worker(self) -> int | None:
        """Return a new worker, else the one that has been idle longest, if any."""
        number = len(self._threads)
        if self._pending and number < self.max_workers:
            try:
                self._threads[number] = self.clock.spawn(
                    lambda: self._work(number), f"worker-{number}"
                )
            except RuntimeError:
                if not number:
                    raise
                # The system has no more threads: those that there are do the work.
            else:
                return number
        if self._idle and (self._pending or self._closed):
            return heapq.heappop(self._idle)[1]
        return None

    def _drop_cancelled(self) -> None:
        """Take tasks that were cancelled while they waited out of the queue."""
        while self._pending and self._pending[0].future.cancelled():
            job = self._pending.popleft()
            job.future.set_running_or_notify_cancel()
            self._settle(job)

    def _work(self, number: int) -> None:
        """Do what a worker does: take a task, do it, be idle, until sent home."""
        self._here.worker = number
        with self._lock:
            thread = self._threads[number]
        while True:
            while number not in self._given:
                thread.park()
            job = self._given.pop(number)
            if job is None:
                return
            self._run(job, number)
            del job  # an idle worker keeps no result alive
            with self._lock:
                heapq.heappush(self._idle, (self.clock.time(), number))
            self.clock.call_soon(self._dispatch)

    def _run(self, job: _Job, number: int) -> None:
        """Execute one task and write its record before its future is done."""
        if not job.future.set_running_or_notify_cancel():
            self._settle(job)
            return
        result = None
        job.worker = number
        job.started = self.clock.time()
        try:
            result = self._execute(job)
        except BaseException as error:
            job.error = error
        job.finished = self.clock.time()
        try:
            if job.error is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(job.error)
        finally:
            self._settle(job)

    def _execute(self, job: _Job) -> Any:
        """Do the work; if it takes less than its service time, wait for the rest."""
        try:
            return job.task.execute()
        finally:
            least = job.task.service_time
            if least is not None:
                least = _validate.non_negative("service_time", least, "s")
                self._rest(job.started + least)

    def _rest(self, until: float) -> None:
        """Wait until the service time is over; on a wall clock, or for a Ctrl-C."""
        if isinstance(self.clock, WallClock):  # time that nobody really has to wait
            self.clock.wait(self._interrupted, until - self.clock.time())
            if self._interrupted.done():
                return
        self.clock.sleep_until(until)

    def _settle(self, job: _Job) -> None:
        """Keep the record of a task only, and say so if it was the last one."""
        with self._lock:
            self._tasks[job.index] = job.record()
            self._unfinished -= 1
            if self._unfinished:
                return
            drains, self._drains = self._drains, []
        for done in drains:
            done.set_result(None)


_open_pools: weakref.WeakSet[WorkerPool] = weakref.WeakSet()


def _finish_open_pools() -> None:
    """Finish what was submitted to pools that nobody shut down: nothing is lost."""
    for pool in list(_open_pools):
        try:
            pool.shutdown()
        except BaseException:  # nobody is above who could catch it: on with the others
            sys.excepthook(*sys.exc_info())


# As in concurrent.futures: when functions of atexit are called, Python from 3.12 on
# starts no thread any more, and a pool that nobody has waited for may still need one.
getattr(threading, "_register_atexit", atexit.register)(_finish_open_pools)
