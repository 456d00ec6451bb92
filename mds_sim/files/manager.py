"""Collect the files of a night, pack them, and hand the buckets to a worker pool."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import partial
from typing import Any

from mds_sim import _validate
from mds_sim.core.jobs import JobTask, run_record
from mds_sim.core.worker_pool import TaskFuture, WorkerPool
from mds_sim.records import RunRecord
from mds_sim.rng import RNG, as_generator
from mds_sim.sim.service import as_service, service_times
from mds_sim.units import MB

from .copying import FileError, ReadFiles
from .file import Bucket, File
from .packing import Packing, pack
from .strategies import BucketingStrategy, FirstFitDecreasing

Handler = Callable[[Bucket], Any]


class BucketTask(JobTask):
    """The work on one bucket.

    Parameters
    ----------
    bucket : Bucket
    handler : callable, optional
        Called with the bucket by a worker. One that raises has failed for the whole
        bucket; wrap what is done to one file in `EachFile`, and all others are done,
        as with `CopyFiles` and `ReadFiles`. Without a handler, real files are read
        and verified, and a simulated one among them fails; simulated ones are counted.
    service_time : float, optional
        Least time that it takes [s on the pool's clock].
    rows : sequence of int, optional
        Row of each of its files in the record of the run.
    arrivals : sequence of float, optional
        When each of its files arrived [s]; 0 by default.

    Examples
    --------
    >>> BucketTask(Bucket(0, (File(6, "a"), File(4, "b")), capacity=10)).execute()
    2
    """

    def __init__(
        self,
        bucket: Bucket,
        handler: Handler | None = None,
        service_time: float | None = None,
        rows: Sequence[int] | None = None,
        arrivals: Sequence[float] | None = None,
    ) -> None:
        self.bucket = bucket
        handler = _validate.function("handler", handler)
        self.handler: Handler = default_handler(bucket) if handler is None else handler
        self.service_time = service_time
        self.rows = range(len(bucket)) if rows is None else rows
        self.arrivals = [0.0] * len(bucket) if arrivals is None else arrivals
        self.sizes = [file.size_bytes for file in bucket]
        self.opened = min(self.arrivals, default=0.0)

    @property
    def name(self) -> str:
        """Name of the task in records and errors."""
        return f"bucket {self.bucket.index}"

    def execute(self) -> Any:
        """Call the handler with the bucket."""
        return self.handler(self.bucket)

    def failed_items(
        self, error: BaseException
    ) -> Iterator[tuple[int | None, BaseException]]:
        """Yield (row, error) for each file that failed; row None is the bucket."""
        rows: dict[File, list[int]] = {}
        # By value: an error that comes from another process brings a file of its own.
        for row, file in zip(self.rows, self.bucket, strict=True):
            rows.setdefault(file, []).append(row)
        for part in _parts(error):
            mine = rows.get(part.file) if isinstance(part, FileError) else None
            # A file that is there twice fails in its first row, then in its second.
            if mine:
                yield mine.pop(0) if len(mine) > 1 else mine[0], part
            else:
                yield None, part


def _parts(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors of a group, however deep, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _parts(part)
    else:
        yield error


def default_handler(bucket: Bucket) -> Handler:
    """Return what is done with a bucket if nobody says what."""
    return ReadFiles() if any(file.path for file in bucket) else len


class BucketManager:
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
    ) -> None:
        self.pool = pool
        self.strategy = FirstFitDecreasing() if strategy is None else strategy
        self.capacity = _validate.size("capacity", capacity)
        self.oversize = _validate.choice("oversize", oversize, ("alone", "raise"))
        self._handler = _validate.function("handler", handler)
        self._service = None if service is None else as_service(service)
        self._rng = as_generator(rng)
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[File, float]] = {}  # by number of collection
        self._collected = 0
        self._tasks: list[tuple[BucketTask, TaskFuture]] = []
        self._watchers: list[Callable[[Bucket], object]] = []

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
                self._waiting[self._collected] = file, now
                self._collected += 1

    def submit_night(self) -> Packing:
        """Pack what was collected and hand the buckets to the pool.

        Returns
        -------
        Packing
            Which bucket each file went to, in the order of collection.

        Raises
        ------
        ValueError
            If the strategy answers wrongly.

        Notes
        -----
        Whatever is raised, no file is lost or handed over twice: those whose bucket
        the pool has not taken stay collected.
        """
        submitted: list[tuple[BucketTask, TaskFuture]] = []
        try:
            with self._lock:
                sizes = [file.size_bytes for file, _ in self._waiting.values()]
                packing = pack(sizes, self.capacity, self.strategy, self.oversize)
                for task in self._night(packing):
                    submitted.append((task, self.pool.submit(task)))
                    self._tasks.append(submitted[-1])
                    for row in task.rows:
                        del self._waiting[row]
        finally:
            # Outside the lock: a bucket may be done, and its watcher call `add`.
            for task, future in submitted:
                future.add_done_callback(partial(self._tell, task.bucket))
        return packing

    def on_bucket_done(self, watcher: Callable[[Bucket], object]) -> None:
        """Call `watcher` with each bucket when its work is done."""
        self._watchers.append(watcher)

    @property
    def buckets(self) -> Sequence[Bucket]:
        """The buckets that were handed to the pool so far."""
        with self._lock:
            return tuple(task.bucket for task, _ in self._tasks)

    def record(self) -> RunRecord:
        """Wait for all buckets that were handed over and return what happened."""
        with self._lock:
            waiting = list(self._waiting)
            tasks = [(_without(waiting, task), future) for task, future in self._tasks]
        return run_record(tasks, self.pool.max_workers, self.capacity)

    def _check(self, file: File) -> None:
        """Refuse what is no file, and a file that `pack` would refuse for ever."""
        if not isinstance(file, File):
            raise TypeError(f"a file must be a File, got {type(file).__name__}")
        if self.oversize == "raise" and file.size_bytes > self.capacity:
            raise ValueError(
                f"every file must fit in one bucket of {self.capacity} bytes "
                f'(oversize="raise"), but {file.name!r} has {file.size_bytes}'
            )

    def _night(self, packing: Packing) -> list[BucketTask]:
        """Return the work of a night, bucket by bucket."""
        groups = [group.tolist() for group in packing.groups()]
        times: list[float | None] = [None] * len(groups)
        if self._service is not None:
            count, load = packing.count, packing.load
            times = service_times(self._service, count, load, self._rng).tolist()
        numbers = list(self._waiting)
        return [
            self._task(len(self._tasks) + i, [numbers[k] for k in group], time)
            for i, (group, time) in enumerate(zip(groups, times, strict=True))
        ]

    def _task(self, index: int, rows: list[int], time: float | None) -> BucketTask:
        """Return the work on the files with these numbers."""
        files, arrivals = zip(*(self._waiting[row] for row in rows), strict=True)
        bucket = Bucket(index, files, self.capacity)
        return BucketTask(bucket, self._handler, time, rows, arrivals)

    def _tell(self, bucket: Bucket, _: object) -> None:
        """Tell whoever wants to know that a bucket is done."""
        for watcher in self._watchers:
            watcher(bucket)


def _without(waiting: list[int], task: BucketTask) -> BucketTask:
    """Return the task with rows that leave no gap for files that still wait."""
    task = copy(task)
    task.rows = [row - bisect_left(waiting, row) for row in task.rows]
    return task
