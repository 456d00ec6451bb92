"""A piece of work for a worker pool, and the record of how it went."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


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

    Examples
    --------
    >>> class Hello(Task):
    ...     def execute(self):
    ...         return "hello"
    >>> Hello().name, Hello().execute()
    ('Hello', 'hello')
    """

    service_time: float | None = None

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
        self._kwargs = dict(kwargs or {})

    @property
    def name(self) -> str:
        """Name of the function."""
        return getattr(self._function, "__name__", type(self._function).__name__)

    def execute(self) -> Any:
        """Call the function."""
        return self._function(*self._args, **self._kwargs)


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
        When a worker took it and was done with it [s]; NaN until then.
    worker : int
        Number of that worker, from 0; -1 until there is one.
    error : BaseException or None
        What the task raised, or ``CancelledError`` if it never ran.

    Examples
    --------
    >>> record = TaskRecord(
    ...     0, "copy", submitted=1.0, started=2.0, finished=5.0, worker=3, error=None
    ... )
    >>> record.waiting, record.duration
    (1.0, 3.0)
    """

    index: int
    name: str
    submitted: float
    started: float
    finished: float
    worker: int
    error: BaseException | None

    @property
    def waiting(self) -> float:
        """Time between submission and start [s]."""
        return self.started - self.submitted

    @property
    def duration(self) -> float:
        """Time between start and finish [s]."""
        return self.finished - self.started
