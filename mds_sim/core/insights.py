"""What a pool's records say: who worked, who waited, and what took longest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mds_sim import _validate

from ._insight_tables import as_html, as_text
from .steps import StepFunction, count_between
from .task import Attempt, TaskRecord, describe

SLOWEST = 5


def is_under_way(record: TaskRecord) -> bool:
    """Tell whether a worker has the task now."""
    return not math.isnan(record.started) and math.isnan(record.finished)


def is_cancelled(record: TaskRecord) -> bool:
    """Tell whether the task was cancelled before it ran (for the last time)."""
    return math.isnan(record.started) and isinstance(record.error, CancelledError)


def is_unfinished(record: TaskRecord) -> bool:
    """Tell whether the task is under way or waits for a worker."""
    waits = math.isnan(record.started) and record.error is None
    return waits or is_under_way(record)


@dataclass(frozen=True)
class WorkerInfo:
    """When a pool asked for a worker, and when it had it.

    Attributes
    ----------
    number : int
        Number of the worker, from 0.
    name : str
        Such as ``"worker-3 (pid 4711)"``.
    asked, ready : float
        When the pool asked for it, and when its thread or process had started [s on
        the pool's clock]; `ready` is NaN until then.

    Examples
    --------
    >>> info = WorkerInfo(3, "worker-3 (pid 4711)", asked=1.0, ready=1.5)
    >>> info.ready - info.asked
    0.5
    """

    number: int
    name: str
    asked: float
    ready: float


@dataclass(frozen=True)
class WorkerInsight:
    """What a worker did with its time.

    Attributes
    ----------
    number : int
        Number of the worker, from 0.
    name : str
    tasks : int
        Tasks that came to their end with it, well or badly.
    start, work, wait : float
        Time until it was ready, at work, and ready without work [s].

    Examples
    --------
    >>> insight = WorkerInsight(0, "worker-0", tasks=2, start=1.0, work=6.0, wait=1.0)
    >>> insight.total, insight.busy
    (8.0, 0.75)
    """

    number: int
    name: str
    tasks: int
    start: float
    work: float
    wait: float

    @property
    def total(self) -> float:
        """Time since the pool asked for it [s]."""
        return self.start + self.work + self.wait

    @property
    def busy(self) -> float:
        """Share of `total` that was work, in [0, 1]; 0 if no time has passed."""
        return self.work / self.total if self.total else 0.0


@dataclass(frozen=True, eq=False)
class PoolInsights:
    """Where the time of a pool went.

    ``print`` shows it as tables, Jupyter as HTML, `to_dict` as numbers for JSON;
    ``plots.plot_workers`` and ``plots.plot_gantt`` draw it.

    Parameters
    ----------
    records : tuple of TaskRecord
        One a task, in the order of submission.
    workers : tuple of WorkerInfo
        One a worker, in any order.
    until : float
        When the records were read [s on the pool's clock]; not before any time in them.

    Raises
    ------
    ValueError
        If two workers have one number, a task ran on a worker that is not among
        `workers`, or `until` is before a time in `records` or `workers`.

    Notes
    -----
    Times are counted up to `end`: a pool that is done and left alone does not grow
    idler. What is under way counts as work until `until`. Earlier attempts at a task
    are work as well; the time between attempts is nobody's.

    Examples
    --------
    >>> from mds_sim.core.task import TaskRecord
    >>> insights = PoolInsights(
    ...     (
    ...         TaskRecord(0, "load", 0.0, 1.0, 9.0, worker=0, error=None),
    ...         TaskRecord(1, "copy", 0.0, 1.0, 4.0, worker=1, error=None),
    ...         TaskRecord(2, "copy", 0.0, 4.0, 6.0, worker=1, error=OSError("full")),
    ...     ),
    ...     (WorkerInfo(0, "worker-0", 0.0, 1.0), WorkerInfo(1, "worker-1", 0.0, 1.0)),
    ...     until=60.0,
    ... )
    >>> print(insights)
    3 tasks on 2 workers in 9 s: busy 72% of the time
      done                  3
      FAILED                1
      retries               0
      most waiting at once  3
    Workers
      worker    tasks  start  work  wait  busy
      worker-0      1    1 s   8 s   0 s   89%
      worker-1      2    1 s   5 s   3 s   56%
      all           3    2 s  13 s   3 s   72%
    Slowest tasks
      task          took  waited  attempts    worker        outcome
      task 0, load   8 s     1 s         1  worker-0           good
      task 1, copy   3 s     1 s         1  worker-1           good
      task 2, copy   2 s     4 s         1  worker-1  OSError: full
    >>> insights.per_worker[1].busy
    0.5555555555555556
    """

    records: tuple[TaskRecord, ...]
    workers: tuple[WorkerInfo, ...]
    until: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", tuple(self.records))
        by_number = sorted(self.workers, key=lambda info: info.number)
        object.__setattr__(self, "workers", tuple(by_number))
        object.__setattr__(self, "until", _validate.finite("until", self.until))
        self._check_workers()
        last = max(self._moments(), default=-math.inf)
        if self.until < last:
            raise ValueError(
                f"until must be >= {last:g} s, the last time in the records, "
                f"got {self.until!r}; read the clock after the records"
            )

    def _check_workers(self) -> None:
        """See to it that each attempt has one worker."""
        numbers = [info.number for info in self.workers]
        for number, other in itertools.pairwise(numbers):
            if number == other:
                raise ValueError(
                    f"workers must have one entry each, got two of {other}"
                )
        for record, attempts in zip(self.records, self._by_task, strict=True):
            for attempt in attempts:
                if attempt.worker not in self._numbers:
                    raise ValueError(
                        f"workers must hold every worker that ran a task, but task "
                        f"{record.index} ran on {attempt.worker}; list the workers "
                        "after the records"
                    )

    def _moments(self) -> Iterator[float]:
        """Yield all times that are known."""
        for info in self.workers:
            yield info.asked if math.isnan(info.ready) else info.ready
        for record in self.records:
            for time in (record.submitted, record.started, record.finished):
                if not math.isnan(time):
                    yield time
            yield from (attempt.finished for attempt in record.earlier)

    @cached_property
    def _numbers(self) -> frozenset[int]:
        return frozenset(info.number for info in self.workers)

    @cached_property
    def _by_task(self) -> tuple[tuple[Attempt, ...], ...]:
        """All attempts at each task."""
        return tuple(tuple(self._attempts_at(record)) for record in self.records)

    def _attempts_at(self, record: TaskRecord) -> Iterator[Attempt]:
        """Yield all attempts at a task; one under way finishes at `until`."""
        yield from record.earlier
        if not math.isnan(record.started):
            error = "" if record.error is None else describe(record.error)
            finished = self.until if is_under_way(record) else record.finished
            yield Attempt(record.worker, record.started, finished, error)

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts at all tasks, task by task.

        One that is under way finishes at `until`; the error of a good one is empty.
        """
        return tuple(itertools.chain.from_iterable(self._by_task))

    @cached_property
    def end(self) -> float:
        """When the last task was done, or `until` if one is not [s].

        A worker that has not started yet is waited for, too.
        """
        is_open = any(map(is_unfinished, self.records))
        if is_open or any(math.isnan(info.ready) for info in self.workers):
            return self.until
        return max(self._moments(), default=self.until)

    @property
    def span(self) -> float:
        """From the first task or worker to `end` [s]; 0 if there was neither."""
        begin = [record.submitted for record in self.records]
        begin += [info.asked for info in self.workers]
        return self.end - min(begin, default=self.end)

    @cached_property
    def per_worker(self) -> tuple[WorkerInsight, ...]:
        """What each worker did, by number."""
        spans: dict[int, list[Attempt]] = {number: [] for number in self._numbers}
        for attempt in self.attempts:
            spans[attempt.worker].append(attempt)
        tasks = dict.fromkeys(self._numbers, 0)
        for record in self.records:
            if not math.isnan(record.duration):
                tasks[record.worker] += 1
        return tuple(
            self._insight(info, spans[info.number], tasks[info.number])
            for info in self.workers
        )

    def _insight(
        self, info: WorkerInfo, spans: list[Attempt], tasks: int
    ) -> WorkerInsight:
        """Divide the time of a worker: what adds up to its total, whatever happens."""
        ready = info.ready
        if math.isnan(ready):  # then it is when its first task started, if one did
            ready = min((span.started for span in spans), default=self.end)
        # A task may be given to a worker that is still starting; that is no work yet.
        begin = np.array([max(span.started, ready) for span in spans])
        end = np.array([max(span.finished, ready) for span in spans])
        at_work = count_between(begin, end)
        work = float(np.diff(at_work.time)[at_work.value[:-1] > 0].sum())
        wait = max(self.end - ready - work, 0.0)
        return WorkerInsight(
            info.number, info.name, tasks, ready - info.asked, work, wait
        )

    @cached_property
    def all_workers(self) -> WorkerInsight:
        """The sum of `per_worker`; its number is -1."""
        return add_up("all", self.per_worker)

    @property
    def busy(self) -> float:
        """Share of the workers' time that was work, in [0, 1]; 0 without workers."""
        return self.all_workers.busy

    @cached_property
    def busy_workers(self) -> StepFunction:
        """How many tasks were under way, over time."""
        begin = np.array([attempt.started for attempt in self.attempts])
        return count_between(begin, np.array([a.finished for a in self.attempts]))

    @cached_property
    def queue_length(self) -> StepFunction:
        """How many tasks were waiting for their first worker, over time.

        A task that still waits is counted until `until`; one that was cancelled before
        it ran is not counted, as nobody knows when it left.
        """
        waits = []
        for record, attempts in zip(self.records, self._by_task, strict=True):
            if attempts or is_unfinished(record):
                begun = attempts[0].started if attempts else self.until
                waits.append((record.submitted, begun))
        begin, end = np.array(waits).reshape(-1, 2).T
        return count_between(begin, end)

    @property
    def most_waiting(self) -> int:
        """The most tasks that waited for a first worker at one moment."""
        return int(self.queue_length.value.max(initial=0))

    @cached_property
    def slowest(self) -> tuple[TaskRecord, ...]:
        """The five tasks that took longest, the longest first; ties by index.

        It is the last attempt that counts, if need be as long as it has taken so far.
        """
        ran = [record for record in self.records if not math.isnan(record.started)]
        ran.sort(key=lambda record: (-self.took(record), record.index))
        return tuple(ran[:SLOWEST])

    def took(self, record: TaskRecord) -> float:
        """Return how long the last attempt at a task took, or has taken so far [s].

        NaN if it never ran.
        """
        return self.until - record.started if is_under_way(record) else record.duration

    @property
    def retries(self) -> int:
        """How often a task was tried again."""
        return sum(max(record.attempts - 1, 0) for record in self.records)

    @property
    def failures(self) -> tuple[TaskRecord, ...]:
        """The tasks that ended with an error; cancelled ones are not among them."""
        ended = (record for record in self.records if record.error is not None)
        return tuple(record for record in ended if not is_cancelled(record))

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks are done (well or badly), cancelled, under way, and waiting.

        Each task is in exactly one of the four.
        """
        cancelled = sum(map(is_cancelled, self.records))
        under_way = sum(map(is_under_way, self.records))
        unfinished = sum(map(is_unfinished, self.records))
        return {
            "done": len(self.records) - cancelled - unfinished,
            "cancelled": cancelled,
            "under way": under_way,
            "waiting": unfinished - under_way,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name, ready for JSON; times in s.

        What is not known yet is None, and so is the error of a good task.
        """
        queue = self.queue_length
        return {
            "tasks": len(self.records),
            **{name.replace(" ", "_"): n for name, n in self.counts.items()},
            "failures": len(self.failures),
            "retries": self.retries,
            "until": self.until,
            "end": self.end,
            "busy": self.busy,
            "most_waiting": self.most_waiting,
            "workers": [asdict(w) | {"busy": w.busy} for w in self.per_worker],
            "slowest": [self._to_dict(record) for record in self.slowest],
            "queue": {"time": queue.time.tolist(), "length": queue.value.tolist()},
        }

    def _to_dict(self, record: TaskRecord) -> dict[str, Any]:
        """Return a task that ran for JSON."""
        return {
            "index": record.index,
            "name": record.name,
            "submitted": record.submitted,
            "started": record.started,
            "finished": None if is_under_way(record) else record.finished,
            "took": self.took(record),
            "worker": record.worker,
            "attempts": record.attempts,
            "error": None if record.error is None else describe(record.error),
        }

    def __repr__(self) -> str:
        return f"PoolInsights({as_text(self).splitlines()[0]})"

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def add_up(name: str, insights: Sequence[WorkerInsight]) -> WorkerInsight:
    """Return the sum of several workers, as number -1."""
    return WorkerInsight(
        number=-1,
        name=name,
        tasks=sum(one.tasks for one in insights),
        start=math.fsum(one.start for one in insights),
        work=math.fsum(one.work for one in insights),
        wait=math.fsum(one.wait for one in insights),
    )
