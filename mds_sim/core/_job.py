"""A task on its way through the pool, and the future that its owner holds."""

from __future__ import annotations

from concurrent.futures import CancelledError
from math import nan
from typing import Any

from .clock import Clock, ClockFuture
from .task import Attempt, Task, TaskRecord, describe


class TaskFuture(ClockFuture):
    """The future of a task: its result, and its record.

    On a `VirtualClock` wait for it by `result`, `exception`, or the pool's ``drain``
    and ``as_completed``: those of ``concurrent.futures`` let no time of the clock pass.
    A task that waits for another attempt has begun, and can no longer be cancelled.
    """

    _facts: tuple[Any, ...] = ()

    def __init__(self, clock: Clock, job: Job) -> None:
        super().__init__(clock)
        self._job: Job | None = job

    @property
    def record(self) -> TaskRecord:
        """What the pool knows of the task now."""
        job = self._job
        return TaskRecord(*self._facts) if job is None else job.record()

    def settle(self, facts: tuple[Any, ...]) -> tuple[Any, ...]:
        """Take the last facts of the task, and let go of the rest of it."""
        self._facts = facts
        self._job = None
        return facts


class Job:
    """A task on its way through the pool."""

    # Of the class until they change: a task is made in a few microseconds.
    started = finished = nan
    worker = -1
    error: BaseException | None = None
    earlier: tuple[Attempt, ...] = ()
    is_begun = False
    tries = 0  # how often a worker took it from the queue
    crashes = 0  # how often its worker came to its end
    last: tuple[Any, ...] = ()  # of its last attempt, while it waits for another one

    def __init__(self, index: int, task: Task, submitted: float, clock: Clock) -> None:
        self.index = index
        self.task = task
        self.name = task.name  # if it has none to give, who submits it is told
        self.future = TaskFuture(clock, self)
        self.submitted = submitted

    @property
    def title(self) -> str:
        """How it is called in errors."""
        return f"task {self.index}, {self.name},"

    def failed(self, error: BaseException, now: float) -> None:
        """Note an attempt that another one will follow."""
        attempt = Attempt(self.worker, self.started, now, describe(error))
        self.earlier += (attempt,)

    def rest(self, error: BaseException) -> None:
        """Leave an attempt behind, and wait for another one."""
        self.failed(error, self.finished)
        self.last = self.worker, self.started, self.finished, error
        self.worker, self.started, self.finished, self.error = -1, nan, nan, None

    def end_rest(self) -> None:
        """Take the last attempt back: no other one follows it."""
        self.worker, self.started, self.finished, self.error = self.last
        self.earlier = self.earlier[:-1]

    def facts(self) -> tuple[Any, ...]:
        """Return what is known of the task now: the fields of its record."""
        cancelled = not self.is_begun and self.future.cancelled()
        return (
            self.index,
            self.name,
            self.submitted,
            self.started,
            self.finished,
            self.worker,
            CancelledError() if cancelled else self.error,
            self.earlier,
        )

    def settle(self) -> tuple[Any, ...]:
        """Leave the future with the facts only: no arguments, and no cycle."""
        return self.future.settle(self.facts())

    def record(self) -> TaskRecord:
        """Return the record of the task as it is now."""
        return TaskRecord(*self.facts())
