"""Files that trickle in, from end to end: described once, simulated or run for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._validate import sealed
from mds_sim.core.clock import Clock, ClockFuture, WallClock, start_of_run
from mds_sim.core.progress import progress_bar
from mds_sim.core.worker_pool import WorkerPool
from mds_sim.records import Items, Jobs, RunRecord
from mds_sim.rng import RNG, streams
from mds_sim.sim.service import as_service, service_times
from mds_sim.sim.workers import serve

from .bucket_task import Handler
from .file import File
from .pipeline import are_files, check_service, refuse_folder
from .source import simulated_files
from .trickle import ClosedBucket, OpenBuckets, TrickleRule
from .trickle_manager import TrickleManager


@dataclass(frozen=True, eq=False)
class TricklePipeline:
    """Files that come one by one, put into open buckets, handled by a pool of workers.

    Parameters
    ----------
    arrivals : array_like of float, shape (n_files,)
        When each file arrives [s], ascending.
    files : sequence of File or array_like of int, shape (n_files,)
        The files, or their sizes [bytes].
    rule : TrickleRule, optional
        When buckets are closed; a closed one goes to the workers.
    service : ServiceModel or Law, optional
        How long a bucket takes [s]; needed to simulate. In a real run a worker
        stays busy at least so long; None there: as long as the handler takes.
    workers : int, optional
        Size of the pool.
    end : float, optional
        When all buckets that are open are closed [s]; by default with the last file.

    Raises
    ------
    ValueError
        If there is not one file an arrival, or `end` is before the last of them.

    Notes
    -----
    To wait for more files makes fuller buckets, and to wait too long makes the night
    late: `lateness` tells of each file how much.

    Examples
    --------
    >>> from mds_sim.files import lateness
    >>> from mds_sim.sim import LinearService
    >>> rule = TrickleRule(capacity=10, close_at=1.0, timeout=30.0)
    >>> service = LinearService(per_byte=1.0)
    >>> night = TricklePipeline([0, 5, 50], [6, 6, 4], rule, service)
    >>> simulated = night.simulate()
    >>> simulated.jobs.ready, simulated.jobs.finish
    (array([30., 35., 50.]), array([36., 41., 54.]))
    >>> lateness(simulated, deadline=40.0)
    array([ 0.,  1., 14.])

    The same night on real threads and a clock that jumps gives the same record:

    >>> from mds_sim.core import VirtualClock
    >>> real = night.run(print, clock=VirtualClock(), progress=False)
    Bucket(0: 1 file, 6 B of 10 B)
    Bucket(1: 1 file, 6 B of 10 B)
    Bucket(2: 1 file, 4 B of 10 B)
    >>> real.same_as(simulated)
    True

    Real files, one every ten minutes, on a clock on which a night lasts a moment:

    >>> import tempfile
    >>> from mds_sim.core import WallClock
    >>> from mds_sim.files import CopyFiles, write_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_files(f"{folder}/in", [400, 700, 500, 900], rng=1)
    ...     rule = TrickleRule(capacity=1000, timeout=1800.0)
    ...     night = TricklePipeline([0, 600, 1200, 1800], files, rule)
    ...     copy, clock = CopyFiles(f"{folder}/out"), WallClock(speed=1e5)
    ...     record = night.run(copy, clock=clock, progress=False)
    >>> record, record.items.job
    (RunRecord(4 items in 3 jobs, 10 workers, 0 failures), array([0, 1, 0, 2]))
    """

    arrivals: ArrayLike
    files: Sequence[File] | ArrayLike
    rule: TrickleRule = TrickleRule()
    service: Any = None
    workers: int = 10
    end: float | None = None

    def __post_init__(self) -> None:
        OpenBuckets(self.rule)  # says what is wrong with a rule that is none
        refuse_folder(self.files)
        times, sizes = self._times(), self._sizes()
        if sizes.size != times.size:
            raise ValueError(
                f"files must be as many as arrivals, {times.size}, got {sizes.size}"
            )
        # Kept as they are now: who gave them may change them later.
        object.__setattr__(self, "arrivals", times)
        given = self.files
        object.__setattr__(self, "files", tuple(given) if are_files(given) else sizes)
        self._end(times)
        _validate.count("workers", self.workers)
        if self.service is not None:
            as_service(self.service)

    def simulate(self, rng: RNG = None) -> RunRecord:
        """Compute what would happen.

        Parameters
        ----------
        rng : numpy.random.Generator, int or None
            For the service.

        Returns
        -------
        RunRecord
            Its jobs are the buckets, in the order in which they were closed.

        Raises
        ------
        ValueError
            If the pipeline has no model of its service times.
        """
        check_service(self.service)
        times, sizes = self._times(), self._sizes()
        closed = _closed(times, sizes, self.rule, self._end(times))
        count = np.array([len(bucket.items) for bucket in closed], np.int64)
        load = np.array([bucket.load for bucket in closed], np.int64)
        opened = np.array([bucket.opened for bucket in closed])
        ready = np.array([bucket.closed for bucket in closed])
        duration = service_times(self.service, count, load, streams(rng).service)
        done = serve(ready, duration, self.workers)
        job = np.empty(sizes.size, np.int64)
        for number, bucket in enumerate(closed):
            job[list(bucket.items)] = number
        return RunRecord(
            Items(times, sizes, job),
            Jobs(opened, ready, done.start, done.finish, done.worker, count, load),
            self.workers,
            self.rule.capacity,
        )

    def run(
        self,
        handler: Handler | None = None,
        *,
        clock: Clock | None = None,
        executor: Any = "threads",
        rng: RNG = None,
        progress: bool = True,
    ) -> RunRecord:
        """Let real workers do it.

        Parameters
        ----------
        handler : callable, optional
            Called with each `Bucket` by a worker, as in `NightlyPipeline.run`. One that
            raises has failed for its bucket; all other buckets are handled.
        clock : Clock, optional
            A new `WallClock` by default: a night takes a night.
        executor : {"threads", "processes"} or Executor or callable, optional
            What the workers are, as in `WorkerPool`.
        rng : numpy.random.Generator, int or None
            The same as in `simulate` gives the same service times.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        RunRecord
            On a `VirtualClock` that of `simulate`, bit for bit; on a `WallClock`
            the same buckets, with times that the computer's delays add to.
        """
        clock = WallClock() if clock is None else clock
        with (
            WorkerPool(self.workers, clock=clock, executor=executor) as pool,
            progress_bar(progress, self._times().size, "files") as move_on,
        ):
            manager = TrickleManager(
                pool,
                self.rule,
                handler=handler,
                service=self.service,
                rng=streams(rng).service,
            )
            manager.on_bucket_done(lambda bucket: move_on(len(bucket)))
            _happen(clock, self._events(manager, start_of_run(clock)))
            return manager.record()

    def _events(
        self, manager: TrickleManager, begin: float
    ) -> Iterator[tuple[float, Callable[[], object]]]:
        """Yield what happens, and when: each file comes, then the end."""
        times, files = self._times(), self._files()
        for time, file in zip((begin + times).tolist(), files, strict=True):
            yield time, partial(manager.add, file, arrival=time)
        yield begin + self._end(times), manager.flush

    def _times(self) -> NDArray[np.float64]:
        """Return when the files arrive."""
        return sealed(_validate.times("arrivals", self.arrivals))

    def _sizes(self) -> NDArray[np.int64]:
        """Return the sizes of the files."""
        given: Any = self.files
        if are_files(given):
            given = np.array([file.size_bytes for file in given], np.int64)
        return sealed(_validate.addable("files", _validate.sizes("files", given)))

    def _files(self) -> Sequence[File]:
        """Return the files: those that were given, or simulated ones."""
        given = self.files
        return given if are_files(given) else simulated_files(0, self._sizes())

    def _end(self, times: NDArray[np.float64]) -> float:
        """Return when all that is open is closed."""
        last = float(times[-1]) if times.size else 0.0
        if self.end is None:
            return last
        end = _validate.non_negative("end", self.end, "s")
        if end < last:
            raise ValueError(
                f"end must be >= {last!r} s, the last arrival, got {end!r}"
            )
        return end


def _closed(
    times: NDArray[np.float64], sizes: NDArray[np.int64], rule: TrickleRule, end: float
) -> list[ClosedBucket]:
    """Ask about one file after the other."""
    buckets = OpenBuckets(rule)
    closed = []
    for i, (time, size) in enumerate(zip(times.tolist(), sizes.tolist(), strict=True)):
        closed += buckets.add(time, i, size)
    return closed + buckets.flush(end)


def _happen(clock: Clock, events: Iterator[tuple[float, Callable[[], object]]]) -> None:
    """Let things happen in the agenda of a clock, and wait for the last of them.

    The agenda keeps them in order with what else is due: so a file comes before a
    bucket is closed whose time is over later, however late the computer is.
    """
    over = ClockFuture(clock)

    def plan_next() -> None:
        event = next(events, None)
        if event is None:
            over.set_result(None)
        else:
            clock.call_at(event[0], partial(call, event[1]))

    def call(action: Callable[[], object]) -> None:
        if over.cancelled():
            return
        try:
            action()
            plan_next()
        except BaseException as error:
            with suppress(InvalidStateError):  # nobody waits any more
                over.set_exception(error)

    plan_next()
    try:
        over.result()
    finally:
        over.cancel()
