"""A piece of work for a worker pool, and the record of how it went."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from .retry import Retry


class Task(ABC):
    """A piece of work: subclass it and say in `execute` what is to be done.

    Attributes
    ----------
    name : str
        How the task is called in records and errors.
    service_time : float or None
        Least time that the task takes on the pool's clock [s]. A worker that is
        done earlier waits for the rest, so that modelled work can run on real
        workers. None: as long as `execute` takes.
    timeout : float or None
        Most time that an attempt may take [s on the pool's clock]; None: what the pool
        says.
    retry : Retry or None
        When to try again; None: what the pool says.
    max_crashes : int
        How often its worker may come to its end until it is given up.
    priority : int
        Its class, in a pool that asks: the lowest number is the most urgent.

    Examples
    --------
    >>> class Hello(Task):
    ...     def execute(self):
    ...         return "hello"
    >>> Hello().name, Hello().execute()
    ('Hello', 'hello')
    """

    service_time: float | None = None
    timeout: float | None = None
    retry: Retry | None = None
    max_crashes: int = 3
    priority: int = 0

    @property
    def name(self) -> str:
        """Name of the task in records and errors."""
        return type(self).__name__

    @abstractmethod
    def execute(self) -> Any:
        """Do the work and return its result; errors go into the record."""


class FunctionTask(Task):
    """A call of a function as a task.

    Examples
    --------
    >>> FunctionTask(pow, (2, 10)).execute()
    1024
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(function):
            raise TypeError(
                f"a task must be a Task or a callable, got {type(function).__name__}"
            )
        self._function = function
        self._args = args
        self._kwargs = kwargs or {}

    @property
    def name(self) -> str:
        """Name of the function."""
        return getattr(self._function, "__name__", type(self._function).__name__)

    def execute(self) -> Any:
        """Call the function."""
        return self._function(*self._args, **self._kwargs)


class Attempt(NamedTuple):
    """An attempt at a task that did not succeed, and was followed by another one.

    Attributes
    ----------
    worker : int
        Number of the worker.
    started, finished : float
        When it took the task and was done with it [s on the pool's clock].
    error : str
        What the attempt raised, or how its worker came to its end.

    Examples
    --------
    >>> Attempt(worker=2, started=1.0, finished=3.5, error="OSError: busy").error
    'OSError: busy'
    """

    worker: int
    started: float
    finished: float
    error: str


@dataclass(frozen=True)
class TaskRecord:
    """What a pool knows of a task.

    Attributes
    ----------
    index : int
        Order of submission, from 0.
    name : str
    submitted : float
        When the pool got the task [s on the pool's clock].
    started, finished : float
        When a worker took it, for the last time, and was done with it [s]; NaN until
        then.
    worker : int
        Number of that worker, from 0; -1 until there is one.
    error : BaseException or None
        What the task raised, or ``CancelledError`` if it never ran.
    earlier : tuple of Attempt
        Attempts before the last one.

    Examples
    --------
    >>> record = TaskRecord(
    ...     0, "copy", submitted=1.0, started=2.0, finished=5.0, worker=3, error=None
    ... )
    >>> record.waiting, record.duration, record.attempts
    (1.0, 3.0, 1)
    """

    index: int
    name: str
    submitted: float
    started: float
    finished: float
    worker: int
    error: BaseException | None
    earlier: tuple[Attempt, ...] = ()

    @property
    def attempts(self) -> int:
        """How often a worker took the task."""
        return len(self.earlier) + (self.worker >= 0)

    @property
    def waiting(self) -> float:
        """Time between submission and (the last) start [s]."""
        return self.started - self.submitted

    @property
    def duration(self) -> float:
        """Time between (the last) start and finish [s]."""
        return self.finished - self.started


def describe(error: BaseException) -> str:
    """Return the kind and the text of an error, even of one that has none to give."""
    try:
        text = str(error)
    except Exception:
        text = "(its text cannot be read)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def note(error: BaseException, text: str) -> None:
    """Say more about an error, once; one that refuses stays as it is."""
    with suppress(Exception):
        if text not in getattr(error, "__notes__", ()):
            error.add_note(text)
