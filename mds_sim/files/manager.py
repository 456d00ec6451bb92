"""Collect the files of a night, pack them, and hand the buckets to a worker pool."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from typing import Any

import numpy as np

from mds_sim import _validate
from mds_sim.core.jobs import run_record
from mds_sim.core.worker_pool import TaskFuture, WorkerPool
from mds_sim.records import RunRecord
from mds_sim.rng import RNG, as_generator
from mds_sim.sim.service import as_service, service_times
from mds_sim.units import MB, counted

from .bucket_task import BucketTask, Handler
from .file import Bucket, File
from .makespans import ORDERS, submission_order
from .packing import Packing, pack
from .strategies import BucketingStrategy, FirstFitDecreasing

Handed = tuple[BucketTask, TaskFuture]


class Manager:
    """What all managers do: hand buckets of files to a pool, and keep the record.

    Parameters
    ----------
    pool : WorkerPool
    capacity : int
        Room of a bucket [bytes].
    handler : callable, optional
    service : ServiceModel or Law, optional
    rng : numpy.random.Generator, int or None
    """

    def __init__(
        self,
        pool: WorkerPool,
        capacity: int,
        handler: Handler | None,
        service: Any,
        rng: RNG,
    ) -> None:
        self.pool = pool
        self.capacity = _validate.size("capacity", capacity)
        self._handler = _validate.function("handler", handler)
        self._service = None if service is None else as_service(service)
        self._rng = as_generator(rng)
        self._lock: Any = threading.Lock()
        self._waiting: dict[int, tuple[File, float]] = {}  # by number of collection
        self._collected = 0
        self._tasks: list[Handed] = []
        self._watchers: list[Callable[[Bucket], object]] = []

    def on_bucket_done(self, watcher: Callable[[Bucket], object]) -> None:
        """Call `watcher` with each bucket when its work is done."""
        self._watchers.append(watcher)

    @property
    def buckets(self) -> Sequence[Bucket]:
        """The buckets that were handed to the pool so far, in this order."""
        with self._lock:
            return tuple(task.bucket for task, _ in self._tasks)

    def _collect(self, file: File, arrival: float) -> int:
        """Take a file, and return its number; whoever calls this holds the lock."""
        number = self._collected
        self._waiting[number] = file, arrival
        self._collected += 1
        return number

    def record(self) -> RunRecord:
        """Wait for all buckets that were handed over and return what happened."""
        with self._lock:
            waiting = list(self._waiting)
            tasks = [(_without(waiting, task), future) for task, future in self._tasks]
        return run_record(tasks, self.pool.max_workers, self.capacity)

    def _task(self, index: int, rows: Sequence[int], time: float | None) -> BucketTask:
        """Return the work on the files with these numbers."""
        files, arrivals = zip(*(self._waiting[row] for row in rows), strict=True)
        bucket = Bucket(index, files, self.capacity)
        return BucketTask(bucket, self._handler, time, rows, arrivals)

    def _submit(self, task: BucketTask, handed: list[Handed]) -> None:
        """Hand a bucket to the pool; then its files wait no longer."""
        handed.append((task, self.pool.submit(task)))
        self._tasks.append(handed[-1])
        for row in task.rows:
            del self._waiting[row]

    def _watch(self, handed: list[Handed]) -> None:
        """Tell of each bucket when it is done; call it without the lock."""
        # It may be done already, and its watcher call `add`, or wait for who does.
        for task, future in handed:
            future.add_done_callback(partial(self._tell, task.bucket))

    def _tell(self, bucket: Bucket, _: object) -> None:
        """Tell whoever wants to know that a bucket is done."""
        for watcher in self._watchers:
            watcher(bucket)


class BucketManager(Manager):
    """Collects the files of a night and hands them to a pool in buckets.

    Parameters
    ----------
    pool : WorkerPool
        What works on the buckets.
    strategy : BucketingStrategy, optional
        Which bucket takes a file; first fit decreasing by default.
    capacity : int, optional
        Room of a bucket [bytes].
    oversize : {"alone", "raise"}, optional
        A file larger than a bucket gets one of its own, or is refused.
    handler : callable, optional
        Called with each `Bucket` by a worker; see `BucketTask`.
    service : ServiceModel or Law, optional
        Least time that each bucket takes, for modelled work [s].
    rng : numpy.random.Generator, int or None, optional
        Chance of the service times.
    order : {"given", "longest", "shortest"}, optional
        In which order the pool gets the buckets of a night; see `submission_order`.
        ``"longest"`` is often done earlier.

    Examples
    --------
    >>> with WorkerPool(10) as pool:
    ...     manager = BucketManager(pool, capacity=10)
    ...     manager.add(File(6, "a"), File(5, "b"), File(4, "c"))
    ...     packing = manager.submit_night()
    >>> packing.load, len(manager.record().jobs)
    (array([10,  5]), 2)
    """

    def __init__(
        self,
        pool: WorkerPool,
        strategy: BucketingStrategy | None = None,
        capacity: int = 10 * MB,
        *,
        oversize: str = "alone",
        handler: Handler | None = None,
        service: Any = None,
        rng: RNG = None,
        order: str = "given",
    ) -> None:
        super().__init__(pool, capacity, handler, service, rng)
        self.strategy = FirstFitDecreasing() if strategy is None else strategy
        self.oversize = _validate.choice("oversize", oversize, ("alone", "raise"))
        self.order = _validate.choice("order", order, ORDERS)

    def add(self, *files: File) -> None:
        """Collect files for the night; any thread may.

        Raises
        ------
        ValueError
            If a file is refused. None of this call is collected; all others stay.
        """
        now = self.pool.clock.time()
        for file in files:
            self._check(file)
        with self._lock:
            for file in files:
                self._collect(file, now)

    def submit_night(self) -> Packing:
        """Pack what was collected and hand the buckets to the pool.

        Returns
        -------
        Packing
            Which bucket each file went to, in the order of collection. Its buckets are
            numbered as `pack` does; those of `buckets` in the order of submission.

        Raises
        ------
        ValueError
            If the strategy answers wrongly.

        Notes
        -----
        Whatever is raised, no file is lost or handed over twice: those whose bucket
        the pool has not taken stay collected.
        """
        handed: list[Handed] = []
        try:
            with self._lock:
                sizes = [file.size_bytes for file, _ in self._waiting.values()]
                packing = pack(sizes, self.capacity, self.strategy, self.oversize)
                for task in self._night(packing):
                    self._submit(task, handed)
        finally:
            self._watch(handed)
        return packing

    def _check(self, file: File) -> None:
        """Refuse what is no file, and a file that `pack` would refuse for ever."""
        check_file(file)
        if self.oversize == "raise" and file.size_bytes > self.capacity:
            raise ValueError(
                "every file must fit in one bucket of "
                f"{counted(self.capacity, 'byte', spec='')} "
                f'(oversize="raise"), but {file.name!r} has {file.size_bytes}'
            )

    def _night(self, packing: Packing) -> list[BucketTask]:
        """Return the work of a night, in the order of submission."""
        groups, numbers = packing.groups(), list(self._waiting)
        # Drawn in the order of the packing: another order sees the same times.
        times = least_times(packing, self._service, self._rng)
        turn = submission_order(packing, self._service, self.order).tolist()
        first = len(self._tasks)
        return [
            self._task(first + i, [numbers[k] for k in groups[j]], times[j])
            for i, j in enumerate(turn)
        ]


def check_file(file: object) -> None:
    """Refuse what is no file."""
    if not isinstance(file, File):
        raise TypeError(f"a file must be a File, got {type(file).__name__}")


def least_times(
    packing: Packing, service: Any, rng: np.random.Generator
) -> list[float | None]:
    """Return the least time that each bucket takes [s], if there is a model of it."""
    if service is None:
        return [None] * packing.n_buckets
    times: list[float | None] = service_times(
        service, packing.count, packing.load, rng
    ).tolist()
    return times


def _without(waiting: list[int], task: BucketTask) -> BucketTask:
    """Return the task with rows that leave no gap for files that still wait."""
    task = copy(task)
    task.rows = [row - bisect_left(waiting, row) for row in task.rows]
    return task
