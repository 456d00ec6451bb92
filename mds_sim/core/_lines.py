"""Lines that tasks of a pool wait in, other than the plain one: first in, first out.

A line is what a ``deque`` is to those who only ever append and take the first.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

from mds_sim import _validate

from ._job import Job

MOST_URGENT = -(2**63)  # as an array of int64 can hold it
URGENT = 0  # the class of tasks that say nothing, and all below


class Line(Protocol):
    """What a crew asks of the tasks that wait."""

    def append(self, job: Job, /) -> None:
        """Let a task wait behind all others of its class."""

    def popleft(self) -> Job:
        """Take the task out that comes first."""

    def remove(self, job: Job, /) -> None:
        """Take a task out that has not come first."""

    def __getitem__(self, index: Any, /) -> Job: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Job]: ...


class PriorityLine:
    """Tasks in the order of their class, and within it of their coming."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Job]] = []
        self._order = itertools.count()

    def append(self, job: Job) -> None:
        heapq.heappush(self._heap, (priority(job), next(self._order), job))

    def popleft(self) -> Job:
        return heapq.heappop(self._heap)[-1]

    def remove(self, job: Job) -> None:
        self._heap.remove(next(entry for entry in self._heap if entry[-1] is job))
        heapq.heapify(self._heap)

    def __getitem__(self, index: int) -> Job:
        return self._heap[index][-1]  # the first is in its place, and only that

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Job]:
        return (entry[-1] for entry in sorted(self._heap))


class TwoLines:
    """Tasks in the order of their coming; the urgent can be taken out before others."""

    def __init__(self) -> None:
        self._urgent: deque[tuple[int, Job]] = deque()
        self._others: deque[tuple[int, Job]] = deque()
        self._order = itertools.count()

    def append(self, job: Job) -> None:
        line = self._urgent if priority(job) <= URGENT else self._others
        line.append((next(self._order), job))

    def popleft(self) -> Job:
        return self._first().popleft()[-1]

    def pop_urgent(self) -> Job:
        """Take out the first task that is urgent."""
        return self._urgent.popleft()[-1]

    def remove(self, job: Job) -> None:
        for line in (self._urgent, self._others):
            for entry in [entry for entry in line if entry[-1] is job]:
                line.remove(entry)

    @property
    def is_urgent(self) -> bool:
        """Whether an urgent task waits."""
        return bool(self._urgent)

    def drop_cancelled(self) -> Iterator[Job]:
        """Take out, and yield, what was cancelled and stands before others."""
        for line in (self._urgent, self._others):
            while line and line[0][-1].future.cancelled():
                yield line.popleft()[-1]

    def _first(self) -> deque[tuple[int, Job]]:
        """Return the line in which the task stands that came first."""
        if not self._urgent or not self._others:
            return self._urgent or self._others
        is_urgent = self._urgent[0][0] < self._others[0][0]
        return self._urgent if is_urgent else self._others

    def __getitem__(self, index: int) -> Job:
        return self._first()[index][-1]

    def __len__(self) -> int:
        return len(self._urgent) + len(self._others)

    def __iter__(self) -> Iterator[Job]:
        return (entry[-1] for entry in sorted([*self._urgent, *self._others]))


def priority(job: Job) -> int:
    """Return the class of a task, or say what is wrong with it."""
    return _validate.count("priority", job.task.priority, least=MOST_URGENT)
