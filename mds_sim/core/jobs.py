"""Jobs: tasks that handle items together, and the record of a run of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

import numpy as np

from mds_sim.records import Failure, Items, Jobs, RunRecord

from .task import Task
from .task import describe as describe
from .worker_pool import TaskFuture


class JobTask(Task):
    """A task that handles some items together: a mini-batch or a bucket.

    Attributes
    ----------
    opened : float
        When its first item arrived [s].
    rows : sequence of int
        Row of each item in the record of the run.
    arrivals, sizes : sequence of float, of int
        When each item arrived [s] and its size [bytes].
    """

    opened: float
    rows: Sequence[int]
    arrivals: Sequence[float]
    sizes: Sequence[int]

    @abstractmethod
    def execute(self) -> Any:
        """Handle the items."""

    def failed_items(
        self, error: BaseException
    ) -> Iterator[tuple[int | None, BaseException]]:
        """Yield (row, error) for each item that failed; row None is the whole job."""
        yield None, error


def run_record(
    tasks: Sequence[tuple[JobTask, TaskFuture]],
    workers: int,
    capacity: int | None = None,
) -> RunRecord:
    """Wait for jobs and put what happened into one record.

    Parameters
    ----------
    tasks : sequence of (JobTask, TaskFuture)
        In the order of submission.
    workers : int
        Size of the pool.
    capacity : int, optional
        Room of a bucket [bytes].

    Returns
    -------
    RunRecord
        A job that was cancelled has worker -1, takes no time, and is a failure.
    """
    for _, future in tasks:
        with suppress(CancelledError):
            future.exception()
    records = [future.record for _, future in tasks]
    ran = np.array([record.worker >= 0 for record in records], dtype=bool)
    ready = np.array([record.submitted for record in records])
    n_items = [len(task.rows) for task, _ in tasks]
    order = np.argsort(_joined([task.rows for task, _ in tasks], np.int64))
    arrival = _joined([task.arrivals for task, _ in tasks], np.float64)
    size = _joined([task.sizes for task, _ in tasks], np.int64)
    job = np.repeat(np.arange(len(tasks)), n_items)
    return RunRecord(
        Items(arrival[order], size[order], job[order]),
        Jobs(
            open=np.array([task.opened for task, _ in tasks]),
            ready=ready,
            start=np.where(ran, [record.started for record in records], ready),
            finish=np.where(ran, [record.finished for record in records], ready),
            worker=np.array([record.worker for record in records], np.int64),
            n_items=np.array(n_items, np.int64),
            load=np.array([sum(task.sizes) for task, _ in tasks], np.int64),
        ),
        workers,
        capacity,
        tuple(_failures(tasks)),
    )


def _failures(tasks: Sequence[tuple[JobTask, TaskFuture]]) -> Iterator[Failure]:
    """Yield what went wrong, job by job."""
    for number, (task, future) in enumerate(tasks):
        error = future.record.error
        if error is not None:
            for row, reason in task.failed_items(error):
                yield Failure(number, row, describe(reason))


def _joined(parts: Sequence[Sequence[Any]], dtype: Any) -> np.ndarray[Any, Any]:
    """Return one array of all parts."""
    return np.array([value for part in parts for value in part], dtype)
