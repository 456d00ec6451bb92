"""A pool of workers that keeps a record of every task."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import suppress
from itertools import repeat
from operator import length_hint
from types import TracebackType
from typing import Any

from mds_sim import _validate
from mds_sim.rng import RNG, as_generator
from mds_sim.units import counted

from ._disciplines import crew_for
from ._job import TaskFuture as TaskFuture
from ._results import LazyMap, as_completed
from .backends import as_backend
from .clock import Clock, WallClock
from .insights import PoolInsights
from .progress import with_late_bar
from .retry import Retry, as_retry
from .task import FunctionTask, Task, TaskRecord


class WorkerPool:
    """Workers that take tasks in the order of submission.

    Parameters
    ----------
    max_workers : int, optional
        How many tasks run at a time, >= 1.
    clock : Clock, optional
        Clock of the records and of modelled service times; a `WallClock` by
        default.
    executor : {"threads", "processes"}, Executor or callable, optional
        What does the tasks. Threads suit work that waits (files, networks) and NumPy,
        which works outside the interpreter's lock; processes (of loky, one a worker)
        suit work in pure Python. An Executor of ``concurrent.futures``, such as that of
        a Dask cluster (``client.get_executor(pure=False)``), gets at most `max_workers`
        tasks at a time, and is not shut down. A function without arguments makes an
        executor for the pool, which replaces it when it breaks, and shuts it down.
    retry : Retry or int, optional
        When to try a task again that failed; a number is so many attempts more. Not at
        all by default.
    timeout : float, optional
        Most time that an attempt at a task may take [s of the clock], > 0. Then its
        process is killed; a thread, or a task in an executor, cannot be killed: it is
        left alone, and another worker takes its place (but not in an executor that was
        given). The task fails with ``TimeoutError``. The time that a task waits inside
        a given executor counts: give the pool no more workers than that has. Callbacks
        of a future that is late on a thread run in the clock's thread: keep them short.
    name : str, optional
        What its workers are called, before their numbers.
    rng : numpy.random.Generator, int or None, optional
        Chance of the waits before another attempt.
    discipline : {"fifo", "priority", "reserved"}, optional
        Who comes first. Tasks in the order of submission; or the most urgent, those of
        the lowest `Task.priority`, without interrupting any; or in the order of
        submission again, but some workers take urgent tasks only.
    reserved : int, optional
        How many do: those numbered 0, ..., reserved - 1 take only tasks of priority 0
        or below, which go to them first. Needs ``discipline="reserved"``.

    Attributes
    ----------
    records : tuple of TaskRecord
        One record a task, in the order of submission.

    Notes
    -----
    First in, first out, unless another discipline is asked for. A task goes to the
    worker that has been idle longest, or, if several became idle at the same instant,
    to the one with the lowest number: the rule of the simulation, so that a run on a
    `VirtualClock` and a simulation agree to the last worker. A worker that has never
    worked has been idle longest: each of the first `max_workers` tasks starts one, even
    if others are idle.

    Tasks that leave this process are pickled by cloudpickle: lambdas and functions of
    a notebook cell may be among them; locks, sockets and generators may not. One
    that cannot be pickled, or whose result or error cannot, fails alone.

    A task whose worker comes to its end (killed, out of memory, ``os._exit``) is done
    again; after three times it fails with `WorkerCrashError`, and all others go on.
    So a task may be begun twice: what it writes should bear that.

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
        executor: str | Executor | Callable[[], Executor] = "threads",
        retry: Retry | int | None = None,
        timeout: float | None = None,
        name: str = "worker",
        rng: RNG = None,
        discipline: str = "fifo",
        reserved: int = 0,
    ) -> None:
        self.max_workers = _validate.count("max_workers", max_workers)
        self.clock: Clock = WallClock() if clock is None else clock
        if timeout is not None:
            timeout = _validate.positive("timeout", timeout, "s")
        self._timeout, self._retry = timeout, as_retry(retry)
        self._backend = as_backend(executor)
        self._crew = crew_for(discipline, reserved, self.max_workers)(
            self.max_workers,
            self.clock,
            self._backend,
            self._retry,
            timeout,
            name,
            None if rng is None else as_generator(rng),
            _be_first_at_exit,
            lambda: _open_pools.discard(self),
        )

    def __repr__(self) -> str:
        crew = self._crew
        state = "shut down" if crew.is_closed else f"{crew.unfinished} unfinished"
        word = self._backend.word
        one = {"threads": "thread", "processes": "process"}.get(word, word)
        workers = counted(self.max_workers, one, word, "")
        return f"WorkerPool({workers}, {counted(len(crew), 'task', spec='')}, {state})"

    @property
    def is_remote(self) -> bool:
        """Whether tasks leave this process, and must be picklable."""
        return self._backend.is_remote

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
        _open_pools.add(self)  # its threads would not outlive the interpreter's exit
        return self._crew.submit(task)

    def map(
        self,
        function: Callable[..., Any],
        *iterables: Iterable[Any],
        buffersize: int | None = None,
        chunksize: int | None = None,
        errors: str = "raise",
        progress: bool = True,
    ) -> Iterator[Any]:
        """Yield ``function(item)`` for each item, in order.

        Parameters
        ----------
        function : callable
        *iterables : iterable
            One for each argument of `function`; infinite ones are fine.
        buffersize : int, optional
            How many results may be waiting or under way, >= 1; by default four tasks a
            worker. So many items are submitted at once, the others as results are
            taken; the input is read no further ahead than this. So take all results
            before the pool is shut down: it would refuse the tasks that are left.
        chunksize : int, optional
            Items a task, >= 1. By default as many as make the task worth its way, as
            measured by those before: 1 ms on threads, 50 ms elsewhere; what turns out
            slower is given back after ten times that. 1 where `retry` or `timeout` is
            set, and on a `VirtualClock`.
        errors : {"raise", "group"}, optional
            Raise the first error when its result is due; or leave failed items out, do
            all others, and raise all errors at the end in one ExceptionGroup.
        progress : bool, optional
            Show a progress bar if it takes more than a second.

        Raises
        ------
        Exception
            What the function raised, with a note that names item, task and worker. Of
            the results that were under way, those that run are finished, the others
            cancelled.
        ExceptionGroup
            If ``errors="group"``: all errors, in the order of the items.
        """
        _validate.choice("errors", errors, ("raise", "group"))
        if buffersize is not None:
            buffersize = _validate.count("buffersize", buffersize)
        is_one_by_one = self._timeout is not None or self._retry.attempts > 1
        if chunksize is not None:
            chunksize = _validate.count("chunksize", chunksize)
            if chunksize > 1 and is_one_by_one:
                raise ValueError(
                    "chunksize must be 1 where the pool has a retry or a timeout, "
                    f"which are for each item, got {chunksize}"
                )
        elif is_one_by_one:
            chunksize = 1
        total = min(map(length_hint, iterables, repeat(0)), default=0)
        lazy = LazyMap(self, function, iterables, buffersize, chunksize)
        lazy.submit()
        results = lazy.results() if errors == "raise" else lazy.good_results()
        return with_late_bar(results, total or None, "items") if progress else results

    def as_completed(
        self, futures: Iterable[TaskFuture], timeout: float | None = None
    ) -> Iterator[TaskFuture]:
        """Yield futures as they are done, on the pool's clock.

        Parameters
        ----------
        futures : iterable of TaskFuture
        timeout : float, optional
            How long to wait for all of them [s of the clock].

        Raises
        ------
        TimeoutError
            If some are not done in time.
        """
        return as_completed(self.clock, futures, timeout)

    def drain(self, *, raise_errors: bool = False) -> None:
        """Wait until every task that was submitted is done, and so are its callbacks.

        Tasks that these tasks submit are waited for as well. Errors do not stop
        it: they are in `records`.

        Parameters
        ----------
        raise_errors : bool, optional
            Then raise the errors of all tasks of this pool, if there are any.

        Raises
        ------
        RuntimeError
            If a task of this pool calls it: it would wait for itself.
        ExceptionGroup
            If `raise_errors`: one error for each task that failed, with a note that
            names the task.
        """
        self.clock.wait(self._crew.drained())
        if raise_errors:
            _raise_errors(self.records)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks and let the workers go home.

        Parameters
        ----------
        wait : bool, optional
            Return when all tasks are done and all workers have ended.
        cancel_futures : bool, optional
            Cancel the tasks that no worker has taken yet; those that wait for another
            attempt fail with the error of the last one, and so do those that run now
            and fail.
        """
        self._crew.close(cancel_futures)
        if wait:
            try:
                self.drain()
                for thread in self._crew.threads():
                    self.clock.wait(thread.done)
            finally:
                _open_pools.discard(self)  # else the interpreter waits at its exit

    @property
    def records(self) -> tuple[TaskRecord, ...]:
        """One record for each task, in the order of submission."""
        return self._crew.records()

    def insights(self) -> PoolInsights:
        """Tell what each worker did, and what was slow.

        Examples
        --------
        >>> with WorkerPool(2) as pool:
        ...     futures = [pool.submit(pow, x, 2) for x in range(100)]
        >>> sum(worker.tasks for worker in pool.insights().per_worker)
        100
        """
        return PoolInsights(self.records, self._crew.workers(), self.clock.time())

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_interrupted = kind is KeyboardInterrupt
        if is_interrupted:
            self._crew.interrupt()
        self.shutdown(cancel_futures=is_interrupted)


def _raise_errors(records: tuple[TaskRecord, ...]) -> None:
    """Raise all errors together, if there are any; to be cancelled is none."""
    errors = [
        record.error
        for record in records
        if record.error is not None
        and not (record.worker < 0 and isinstance(record.error, CancelledError))
    ]
    if errors:
        share = f"{len(errors)} of {counted(len(records), 'task', spec='')} failed"
        raise BaseExceptionGroup(share, errors)


_open_pools: set[WorkerPool] = set()  # those that have had work, and may have

if hasattr(os, "register_at_fork"):  # a copy of this process has none of the threads
    os.register_at_fork(after_in_child=_open_pools.clear)


def _finish_open_pools() -> None:
    """Finish what was submitted to pools that nobody shut down: nothing is lost."""
    for pool in list(_open_pools):
        try:
            pool.shutdown()
        except BaseException:  # nobody is above who could catch it: on with the others
            sys.excepthook(*sys.exc_info())


def _be_first_at_exit() -> None:
    """Finish open pools at the exit, before executors that are known by now close."""
    # As in concurrent.futures: when functions of atexit are called, Python from 3.12
    # on starts no thread any more, and a pool that nobody waited for may need one.
    with suppress(RuntimeError):  # that exit has begun
        getattr(threading, "_register_atexit", atexit.register)(_finish_open_pools)


_be_first_at_exit()
