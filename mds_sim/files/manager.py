"""Collect the files of a night, pack them, and hand the buckets to a worker pool."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
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
        Called with the bucket by a worker: `CopyFiles` and `ReadFiles` are two.
        Without one, real files are read and verified, simulated ones counted.
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
        self.handler: Handler = _default(bucket) if handler is None else handler
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
        if isinstance(error, BaseExceptionGroup):
            for part in error.exceptions:
                yield from self.failed_items(part)
        else:
            file = error.file if isinstance(error, FileError) else None
            mine = (r for r, f in zip(self.rows, self.bucket, strict=True) if f is file)
            yield next(mine, None), error


def _default(bucket: Bucket) -> Handler:
    """Return what is done with a bucket if nobody says what."""
    return ReadFiles() if all(file.path for file in bucket) else len


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
        self._handler = handler
        self._service = None if service is None else as_service(service)
        self._rng = as_generator(rng)
        self._lock = threading.Lock()
        self._waiting: list[tuple[File, float]] = []
        self._count = 0
        self._tasks: list[tuple[BucketTask, TaskFuture]] = []
        self._watchers: list[Callable[[Bucket], object]] = []

    def add(self, *files: File) -> None:
        """Collect files for the night; any thread may."""
        now = self.pool.clock.time()
        for file in files:
            if not isinstance(file, File):
                raise TypeError(f"a file must be a File, got {type(file).__name__}")
        with self._lock:
            self._waiting.extend((file, now) for file in files)

    def submit_night(self) -> Packing:
        """Pack what was collected and hand the buckets to the pool.

        Returns
        -------
        Packing
            Which bucket each file went to, in the order of collection.

        Raises
        ------
        ValueError
            If a file is refused or the strategy answers wrongly. The files stay
            collected: nothing is lost.
        """
        with self._lock:
            sizes = [file.size_bytes for file, _ in self._waiting]
            packing = pack(sizes, self.capacity, self.strategy, self.oversize)
            # All of them first: if one cannot be made, none is handed over twice.
            tasks = self._night(packing)
            submitted = [(task, self.pool.submit(task)) for task in tasks]
            self._tasks += submitted
            self._count += len(self._waiting)
            self._waiting.clear()
        # Outside the lock: a bucket may be done by now, and its watcher call `add`.
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
            tasks = list(self._tasks)
        return run_record(tasks, self.pool.max_workers, self.capacity)

    def _night(self, packing: Packing) -> list[BucketTask]:
        """Return the work of a night, bucket by bucket."""
        groups = [group.tolist() for group in packing.groups()]
        times: list[float | None] = [None] * len(groups)
        if self._service is not None:
            count, load = packing.count, packing.load
            times = service_times(self._service, count, load, self._rng).tolist()
        return [
            self._task(len(self._tasks) + i, group, time)
            for i, (group, time) in enumerate(zip(groups, times, strict=True))
        ]

    def _task(self, index: int, group: list[int], time: float | None) -> BucketTask:
        """Return the work on the files at these positions."""
        files: Iterable[File]
        files, arrivals = zip(*(self._waiting[i] for i in group), strict=True)
        bucket = Bucket(index, tuple(files), self.capacity)
        rows = [self._count + i for i in group]
        return BucketTask(bucket, self._handler, time, rows, arrivals)

    def _tell(self, bucket: Bucket, _: object) -> None:
        """Tell whoever wants to know that a bucket is done."""
        for watcher in self._watchers:
            watcher(bucket)
