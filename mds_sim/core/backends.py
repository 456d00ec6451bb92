"""What the workers of a pool are: threads, processes, or somebody's executor.

Each worker of a pool is a thread that takes task after task. A backend says how that
thread gets a task done: here, in a process of its own, or by an executor.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from time import sleep
from typing import Any
from uuid import uuid4

from mds_sim import _validate

from . import remote
from .task import Task, describe

MAX_CRASHES = 3  # of its worker, until a task is told to be the culprit
PAUSES = 0.0, 0.05, 0.2, 0.8, 3.2, 6.4  # s, after each executor that takes no task
GRACE = 10.0  # s, for idle processes of an executor to come to their end


class WorkerCrashError(RuntimeError):
    """A task was given up: each worker that took it came to its end.

    It was killed (by hand, or by the system for want of memory), or the task itself
    ended it (``os._exit``, a crash of compiled code).

    Examples
    --------
    >>> str(WorkerCrashError("task 77, resize, ended its worker 3 times"))
    'task 77, resize, ended its worker 3 times'
    """


class WorkerDiedError(Exception):
    """The worker came to its end while it had the task; another attempt is made."""


class OutOfTimeError(Exception):
    """The task takes longer than it may."""


class Worker(ABC):
    """How one thread of a pool gets tasks done."""

    watches = False  # whether `perform` itself looks after `limit`

    @abstractmethod
    def perform(self, task: Task, limit: float | None, alone: bool) -> Any:
        """Return what the task returns, or raise what it raises.

        `limit` is the most time that it may take, in real seconds; `alone` asks that
        nothing else runs meanwhile, to see who ends the worker.
        """

    @property
    def label(self) -> str:
        """What to say of it beside its number."""
        return ""

    def open(self) -> None:  # noqa: B027  # most have nothing to open
        """Get ready; called in the worker's thread before the first task."""

    def close(self) -> None:  # noqa: B027
        """Go home."""


class Backend(ABC):
    """What the workers of one pool are."""

    word: str
    is_remote = True  # whether tasks travel: a call is then worth some milliseconds

    @abstractmethod
    def worker(self) -> Worker:
        """Return a new worker, not yet open."""

    def close(self) -> None:  # noqa: B027
        """Close what was opened for all workers together."""


class _Thread(Worker):
    """Tasks are done right here."""

    def perform(self, task: Task, limit: float | None, alone: bool) -> Any:
        return task.execute()


class Threads(Backend):
    """The threads of the pool do the tasks themselves."""

    word = "threads"
    is_remote = False

    def worker(self) -> Worker:
        """Return a new worker, not yet open."""
        return _Thread()


class _Process(Worker):
    """A process of the worker's own: whatever ends it harms no other task."""

    watches = True

    def __init__(self) -> None:
        self._executor: Any = None
        self._pid = 0
        self._starting: tuple[Any, Future[int]] | None = None
        # At once, as no process can be started while the interpreter exits; whatever
        # is wrong will be told by `open`.
        with suppress(Exception):
            self._launch()

    @property
    def label(self) -> str:
        return f"pid {self._pid}" if self._pid else ""

    def open(self) -> None:
        """Start the process, unless it runs; one that is killed meanwhile, again."""
        starts = 0
        while self._executor is None:
            starts += 1
            try:
                self._start()
            except BrokenExecutor as error:
                if starts == MAX_CRASHES:
                    raise WorkerCrashError(
                        f"a process for the worker came to its end {MAX_CRASHES} times "
                        "before it was ready"
                    ) from error

    def perform(self, task: Task, limit: float | None, alone: bool) -> Any:
        payload = remote.packed(task)
        try:
            answer = _wait(self._submit(payload), limit)
        except OutOfTimeError:
            self._kill()
            raise
        except BrokenExecutor as error:
            pid = self._pid
            self._kill()
            raise WorkerDiedError(f"process {pid} came to its end") from error
        return remote.opened(answer)

    def close(self) -> None:
        if self._starting is not None:
            self._executor, self._starting = self._starting[0], None
        if self._executor is not None:
            self._executor.shutdown(wait=True)
            self._executor = None

    def _launch(self) -> None:
        """Start a process, and do not wait for it."""
        from loky.process_executor import ProcessPoolExecutor

        executor = ProcessPoolExecutor(
            max_workers=1, initializer=remote.begin, initargs=(os.getpid(),)
        )
        with remote.interrupts_held():
            self._starting = executor, executor.submit(os.getpid)

    def _start(self) -> None:
        """Wait until the process works."""
        if self._starting is None:
            self._launch()
        assert self._starting is not None
        (executor, pid), self._starting = self._starting, None
        try:
            self._pid = pid.result()
        except BaseException:
            executor.shutdown(wait=True, kill_workers=True)
            raise
        self._executor = executor

    def _submit(self, payload: bytes) -> Future[bytes]:
        """Hand the task over; a process that died while it was idle is replaced."""
        self.open()
        try:
            future: Future[bytes] = self._executor.submit(remote.call, payload)
        except BrokenExecutor:
            self._kill()
            self.open()
            future = self._executor.submit(remote.call, payload)
        return future

    def _kill(self) -> None:
        """End the process at once, whatever it does."""
        executor, self._executor = self._executor, None
        executor.shutdown(wait=True, kill_workers=True)


class Processes(Backend):
    """Processes of loky, one for each worker."""

    word = "processes"

    def worker(self) -> Worker:
        """Return a new worker, not yet open."""
        return _Process()


class _Guest(Worker):
    """Tasks are done by an executor that all workers of the pool share."""

    watches = True

    def __init__(self, backend: Guests) -> None:
        self._backend = backend

    def perform(self, task: Task, limit: float | None, alone: bool) -> Any:
        backend = self._backend
        call, argument, opened = backend.dressed(task)
        with backend.gate.alone() if alone else backend.gate.together():
            executor, future = backend.submit(call, argument)
            try:
                answer = _wait(future, limit)
            except OutOfTimeError:
                if not future.cancel():
                    backend.replace(executor)
                raise
            except BrokenExecutor as error:
                backend.rebuild(executor, error)
                raise WorkerDiedError(f"{backend.word} was broken") from error
            except Exception as error:
                if not backend.is_remote:  # then it is what the task raised
                    raise
                # Dask, for one, has tried again and again by itself, but also gives up
                # a task that was in bad company: so once more, alone.
                given_up = f"{task.name} was given up by {backend.word}"
                kind = WorkerCrashError if alone else WorkerDiedError
                raise kind(f"{given_up}: {describe(error)}") from error
        return opened(answer)


class Guests(Backend):
    """An executor of `concurrent.futures`, given or made by a function.

    One that was given is somebody else's: it is neither shut down nor replaced. One
    that was made here is replaced when it breaks, and shut down at the end.
    """

    def __init__(self, executor: Executor | None, make: Callable[[], Any]) -> None:
        self.gate = _Gate()
        self._make = make
        self._is_mine = executor is None
        self._executor = self._made() if executor is None else executor
        self._lock = threading.RLock()
        self._pauses: tuple[float, ...] = PAUSES  # s, until the next try
        kind = type(self._executor)
        # What stays in this interpreter needs no pickling.
        is_here = issubclass(kind, ThreadPoolExecutor)
        self.is_remote = not is_here or "Interpreter" in kind.__name__
        self.word = kind.__name__

    def worker(self) -> Worker:
        """Return a new worker, not yet open."""
        return _Guest(self)

    def dressed(self, task: Task) -> tuple[Any, Any, Callable[[Any], Any]]:
        """Return what to call, with what, and what to do with the answer."""
        if self.is_remote:
            call = partial(remote.call, token=uuid4().hex)
            return call, remote.packed(task), remote.opened
        return type(task).execute, task, lambda result: result

    def submit(self, call: Any, argument: Any) -> tuple[Executor, Future[Any]]:
        """Hand a task over; an executor that broke while it was idle is replaced."""
        with self._lock:  # nobody replaces it meanwhile
            # Once it has been waited for in vain, not again for each task that is left.
            pauses, self._pauses = self._pauses, (0.0,)
            for pause in pauses:
                try:
                    taken = self._executor, self._executor.submit(call, argument)
                except Exception as error:
                    # Broken, or about to: then it may be an OSError as well. None of
                    # them is the fault of the task.
                    self.rebuild(self._executor, error)
                    # What starts processes, a fork server, dies with such an error. It
                    # is started anew once it is gone, and refuses until then.
                    sleep(pause if isinstance(error, OSError | EOFError) else 0.0)
                else:
                    break
            else:
                taken = self._executor, self._executor.submit(call, argument)
            self._pauses = PAUSES
            return taken

    def rebuild(self, broken: Executor, error: Exception) -> None:
        """Replace a broken executor, once, however many workers come with it."""
        if not self._is_mine:
            if not isinstance(error, BrokenExecutor):
                raise error
            own = type(error)(*error.args)  # the other one is that of all its tasks
            own.add_note(
                "the executor was given to the pool, which may not replace it; to have "
                "that done, give it a function that makes one instead"
            )
            raise own from error
        with self._lock:
            # It ends its processes, but none that it was just about to start.
            processes = _processes(broken)
            self.replace(broken)
        _kill_all(processes)

    def replace(self, executor: Executor) -> None:
        """Take another executor, once, if it was made here; the old one ends its work.

        The place of a task that takes too long would be missing otherwise.
        """
        with self._lock:
            if self._is_mine and self._executor is executor:
                executor.shutdown(wait=False)
                self._executor = self._made()

    def close(self) -> None:
        """Shut the executor down if it was made here."""
        if not self._is_mine:
            return
        # One that is killed now may hold the lock for which all others wait, and their
        # executor, which waits for them, looks no more. None has anything to do.
        processes = _processes(self._executor)
        guard = threading.Timer(GRACE, _kill_all, [processes])
        guard.daemon = True
        with suppress(RuntimeError):  # no thread can be started while Python exits
            if processes:
                guard.start()
        try:
            self._executor.shutdown(wait=True)
        finally:
            guard.cancel()

    def _made(self) -> Executor:
        """Return a new executor, and make sure that it is one."""
        executor = self._make()
        if not isinstance(executor, Executor):
            raise TypeError(
                "executor must be a function that makes a concurrent.futures.Executor, "
                f"but {self._make!r} made {executor!r}"
            )
        return executor


def _processes(executor: Executor) -> list[Any]:
    """Return the processes of an executor of the standard library."""
    return list((getattr(executor, "_processes", None) or {}).values())


def _kill_all(processes: list[Any]) -> None:
    """End processes at once; those that have ended stay so."""
    for process in processes:
        with suppress(Exception):
            process.kill()


class _Gate:
    """Many together, or one alone; who wants to be alone goes first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._wishes = 0
        self._is_closed = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """Be inside with others."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._wishes or self._is_closed))
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be inside with nobody else."""
        with self._changed:
            self._wishes += 1
            self._changed.wait_for(lambda: not (self._inside or self._is_closed))
            self._wishes -= 1
            self._is_closed = True
        try:
            yield
        finally:
            with self._changed:
                self._is_closed = False
                self._changed.notify_all()


def as_backend(executor: Any) -> Backend:
    """Return what `executor` stands for.

    Raises
    ------
    TypeError, ValueError
        If it is no executor, and no word or function that stands for one.
    """
    if isinstance(executor, str):
        _validate.choice("executor", executor, ("threads", "processes"))
        return Threads() if executor == "threads" else Processes()
    if isinstance(executor, Executor):
        return Guests(executor, lambda: executor)
    if callable(executor) and not hasattr(executor, "get_executor"):
        return Guests(None, executor)
    hint = "; did you mean its .get_executor()?" * hasattr(executor, "get_executor")
    raise TypeError(
        "executor must be 'threads', 'processes', a concurrent.futures.Executor or a "
        f"function that makes one, got {executor!r}{hint}"
    )


def _wait(future: Future[Any], limit: float | None) -> Any:
    """Return the result of a future, or say that it takes too long."""
    try:
        return future.result(limit)
    except TimeoutError:
        if future.done():  # just now, or with an error of the executor's own
            return future.result()
        raise OutOfTimeError from None
