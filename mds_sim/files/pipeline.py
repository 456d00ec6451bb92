"""The nightly files from end to end: one description, simulated or run for real."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim.core.clock import Clock, WallClock, start_of_run
from mds_sim.core.ledger import Ledger
from mds_sim.core.progress import progress_bar
from mds_sim.core.worker_pool import WorkerPool
from mds_sim.records import Items, RunRecord
from mds_sim.rng import RNG, streams
from mds_sim.sim.offer import Offer
from mds_sim.sim.service import as_service, service_times
from mds_sim.sim.workers import serve
from mds_sim.units import DAY, MB

from ._night import in_words, keep_plan, ledger_of, run_night
from .bucket_task import Handler
from .file import File
from .makespans import ORDERS, submission_order
from .manager import BucketManager, least_times
from .packing import Packing, pack
from .source import FileSource, simulated_files
from .strategies import BucketingStrategy, FirstFitDecreasing

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NightlyPipeline:
    """Files of a night, packed into buckets, handled by a pool of workers.

    Parameters
    ----------
    files : FileSource, sequence of File or array_like of int, optional
        A source of sizes for each night; or the files, or the sizes [bytes], of
        one night. An array of shape (nights, count) gives the sizes of several.
    strategy : BucketingStrategy, optional
        Which bucket takes a file; first fit decreasing by default.
    capacity : int, optional
        Room of a bucket [bytes].
    service : ServiceModel or Law, optional
        How long a bucket takes [s]; needed to simulate. In a real run a worker
        stays busy at least so long; None there: as long as the handler takes.
    workers : int, optional
        Size of the pool.
    oversize : {"alone", "raise"}, optional
        A file larger than a bucket gets one of its own, or is refused.
    order : {"given", "longest", "shortest"}, optional
        In which order the pool gets the buckets of a night, which is that of the jobs
        in the record; see `submission_order`. ``"longest"`` is often done earlier.

    Notes
    -----
    The files of night k are all there at ``k * DAY``; they are packed and handed to
    the pool at that moment. Service times are drawn bucket by bucket as `pack` numbers
    them: another order sees the same times.

    Examples
    --------
    >>> from mds_sim.sim import LinearService
    >>> pipeline = NightlyPipeline(service=LinearService(5.0, per_byte=1 / MB))
    >>> pipeline.simulate(nights=7, rng=1)
    RunRecord(700 items in 77 jobs, 10 workers, 0 failures)

    The same week on real threads and a clock that jumps gives the same record:

    >>> from mds_sim.core import VirtualClock
    >>> real = pipeline.run(nights=7, rng=1, clock=VirtualClock(), progress=False)
    >>> real.same_as(pipeline.simulate(nights=7, rng=1))
    True

    A large bucket that comes last keeps all others waiting; first, it does not:

    >>> night = {"files": [5, 5, 5, 5, 9], "capacity": 9, "workers": 2}
    >>> night["service"] = LinearService(per_byte=1.0)
    >>> NightlyPipeline(**night).simulate().makespan
    19.0
    >>> lpt = NightlyPipeline(**night, order="longest")
    >>> lpt.simulate().makespan
    15.0
    >>> lpt.run(clock=VirtualClock(), progress=False).jobs.load
    array([9, 5, 5, 5, 5])
    """

    files: FileSource | Sequence[File] | ArrayLike = field(default_factory=FileSource)
    strategy: BucketingStrategy = field(default_factory=FirstFitDecreasing)
    capacity: int = 10 * MB
    service: Any = None
    workers: int = 10
    oversize: str = "alone"
    order: str = "given"

    def __post_init__(self) -> None:
        _validate.size("capacity", self.capacity)
        _validate.count("workers", self.workers)
        _validate.choice("oversize", self.oversize, ("alone", "raise"))
        _validate.choice("order", self.order, ORDERS)
        refuse_folder(self.files)
        if self.service is not None:
            as_service(self.service)

    @classmethod
    def from_sizes(
        cls,
        sizes: ArrayLike,
        law: str = "resample",
        *,
        count: int | None = None,
        **options: Any,
    ) -> NightlyPipeline:
        """Set a pipeline up from sizes that were measured.

        Parameters
        ----------
        sizes, law, count
            As in `FileSource.from_sizes`: each night has `count` files, with sizes
            drawn from the given ones or from a law that fits them.
        **options
            Strategy, capacity, service and so on, as of the pipeline.

        Examples
        --------
        >>> from mds_sim.data import deb_sizes
        >>> from mds_sim.sim import LinearService
        >>> options = {"count": 100, "service": LinearService(5.0, per_byte=1 / MB)}
        >>> nights = NightlyPipeline.from_sizes(deb_sizes().sizes, **options)
        >>> len(nights.simulate(nights=10, rng=1).items)
        1000
        """
        return cls(files=FileSource.from_sizes(sizes, law, count), **options)

    def simulate(self, nights: int | None = None, rng: RNG = None) -> RunRecord:
        """Compute what would happen.

        Parameters
        ----------
        nights : int, optional
            How many nights; 1 by default, and all of them if sizes were given.
        rng : numpy.random.Generator, int or None

        Raises
        ------
        ValueError
            If the pipeline has no model of its service times, or fewer nights.
        """
        offer = self.offer(nights, rng)
        done = serve(offer.ready, offer.service_time, self.workers)
        return offer.record(done, self.workers, self.capacity)

    def offer(
        self, nights: int | None = None, rng: RNG = None, *, begin: float = 0.0
    ) -> Offer:
        """Compute what comes to the workers: `simulate`, as far as it needs none.

        Parameters
        ----------
        nights, rng
            As in `simulate`.
        begin : float, optional
            When the first night is [s].

        Raises
        ------
        ValueError
            As `simulate`.
        """
        check_service(self.service)
        chance = streams(rng)
        sizes = self._nights(nights, chance.sizes)
        packings = self._packings(sizes)
        first_job = np.cumsum([0, *(packing.n_buckets for packing in packings)])
        size = np.concatenate(sizes)
        bucket = _joined([packing.bucket for packing in packings], first_job)
        load = np.concatenate([packing.load for packing in packings])
        n_items = np.concatenate([packing.count for packing in packings])
        moment = begin + np.arange(len(packings)) * DAY
        ready = np.repeat(moment, np.diff(first_job))
        duration = service_times(self.service, n_items, load, chance.service)
        turn = _joined(self._turns(packings), first_job)
        job = np.argsort(turn)[bucket]  # where each file's bucket comes in its turn
        arrival = np.repeat(moment, [night.size for night in sizes])
        items = Items(arrival, size, job)
        return Offer(items, ready, ready, duration[turn], n_items[turn], load[turn])

    def run(
        self,
        handler: Handler | None = None,
        *,
        ledger: Ledger | str | os.PathLike[str] | None = None,
        nights: int | None = None,
        clock: Clock | None = None,
        rng: RNG = None,
        executor: Any = "threads",
        progress: bool = True,
    ) -> RunRecord:
        """Let real workers do it.

        Parameters
        ----------
        handler : callable, optional
            Called with each `Bucket` by a worker, such as ``CopyFiles(folder)`` or
            ``EachFile(work)``: then a file that fails goes into the record, and all
            others are handled. One that raises itself has failed for its bucket; all
            other buckets are handled. By default real files are read and verified,
            and a simulated one among them fails; simulated ones are counted.
        ledger : Ledger or path-like, optional
            Where to write down what is planned and what is done, such as
            ``"night.db"``. If the run is killed, the same call goes on where it
            stopped: what is done is not done again. The same files must be given
            then, or the same `rng`; `resume` goes on whatever has become of them. See
            the notes.
        nights : int, optional
            As in `simulate`.
        clock : Clock, optional
            A new `WallClock` by default.
        rng : numpy.random.Generator, int or None
            The same as in `simulate` gives the same files and the same buckets.
        executor : {"threads", "processes"} or Executor or callable, optional
            What the workers are, as in `WorkerPool`: any
            ``concurrent.futures.Executor`` will do, or a function that makes one.
            What the handler is and returns must pickle if it is not threads.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        RunRecord
            On a `VirtualClock` that of `simulate`, bit for bit. With a ledger, of the
            whole night: what earlier runs did, and this one, on one axis of time.

        Raises
        ------
        LedgerError
            If the ledger is in use, is none, is damaged, or is of another night: what
            it says is left as it is. Or if it could not be written, the disk being
            full: then no other bucket is begun, and nothing is lost.
        ValueError
            If a new ledger would be one of the files, or among the copies.

        Notes
        -----
        With a ledger a bucket that is done is never done again, and one that failed
        is tried again by the next run. A bucket that was under way when the run was
        killed is handled **again**: a handler of your own is called at least once for
        each bucket and should do no harm the second time. `CopyFiles` looks what is
        there, verifies it, and copies only what is missing. The copies of buckets
        that are done are looked at when the night is run again: one that is gone is
        made again, and one of another size has failed and is left alone. The handler
        sees files with absolute paths; one that has another size or, unless its
        SHA-256 is known and still right, another time than when the night was planned
        has failed, and all others are done. Move ``night.db`` and ``night.db-wal``, if
        that is there, together.

        Examples
        --------
        >>> import tempfile
        >>> from mds_sim.core import VirtualClock
        >>> folder = tempfile.TemporaryDirectory()
        >>> book = os.path.join(folder.name, "night.db")
        >>> night = NightlyPipeline([6, 5, 4, 3], capacity=10)
        >>> options = {"ledger": book, "clock": VirtualClock(), "progress": False}
        >>> night.run(lambda bucket: 1 // bucket.index, **options).failures
        (Failure(job=0, item=None, error='ZeroDivisionError: ...'),)
        >>> night.run(lambda bucket: print(bucket), **options).failures
        Bucket(0: 2 files, 10 B of 10 B)
        ()
        >>> folder.cleanup()
        """
        chance = streams(rng)
        clock = WallClock() if clock is None else clock
        sizes = self._nights(nights, chance.sizes)
        # What is refused is refused before the first night.
        packings = self._packings(sizes)
        collected = [self._files(number, night) for number, night in enumerate(sizes)]
        if ledger is not None:
            _validate.function("handler", handler)
            times = [least_times(p, self.service, chance.service) for p in packings]
            with ledger_of(ledger) as book:
                is_new = not book.is_planned
                keep_plan(
                    book,
                    collected,
                    packings,
                    self._turns(packings),
                    times,
                    handler=handler,
                    workers=self.workers,
                    begin=start_of_run(clock),
                    capacity=self.capacity,
                    strategy=in_words(self.strategy),
                    oversize=self.oversize,
                    order=self.order,
                )
                return run_night(
                    book,
                    handler,
                    is_new=is_new,
                    workers=self.workers,
                    clock=clock,
                    executor=executor,
                    progress=progress,
                )
        total = sum(map(len, collected))
        with (
            WorkerPool(self.workers, clock=clock, executor=executor) as pool,
            progress_bar(progress, total, "files") as move_on,
        ):
            manager = self.manager(pool, handler, chance.service)
            manager.on_bucket_done(lambda bucket: move_on(len(bucket)))
            begin = start_of_run(clock)
            for number, files in enumerate(collected):
                clock.sleep_until(begin + number * DAY)
                manager.add(*files)
                manager.submit_night()
            return manager.record()

    def manager(
        self, pool: WorkerPool, handler: Handler | None, rng: np.random.Generator
    ) -> BucketManager:
        """Return what packs the files of a run and hands the buckets to a pool.

        Parameters
        ----------
        pool : WorkerPool
        handler : callable or None
            Called with each `Bucket` by a worker.
        rng : numpy.random.Generator
            Chance of the service times.
        """
        return BucketManager(
            pool,
            self.strategy,
            self.capacity,
            oversize=self.oversize,
            handler=handler,
            service=self.service,
            rng=rng,
            order=self.order,
        )

    def collect(self, nights: int | None, rng: np.random.Generator) -> list[list[File]]:
        """Return the files of each night, when all of them have been packed once.

        What is refused is so refused before the first night.

        Parameters
        ----------
        nights : int, optional
            As in `simulate`.
        rng : numpy.random.Generator
            Chance of the sizes.
        """
        sizes = self._nights(nights, rng)
        self._packings(sizes)
        return [self._files(number, night) for number, night in enumerate(sizes)]

    @property
    def most_nights(self) -> int | None:
        """How many nights of files were given; None: as many as one asks for."""
        if isinstance(self.files, FileSource):
            return None
        return 1 if are_files(self.files) else len(_table(self.files))

    def _turns(self, packings: list[Packing]) -> list[Ints]:
        """Return the buckets of each night in the order of submission."""
        return [submission_order(p, self.service, self.order) for p in packings]

    def _nights(self, nights: int | None, rng: np.random.Generator) -> list[Ints]:
        """Return the sizes of each night's files."""
        given = self.files
        if isinstance(given, FileSource):
            return list(given.sample(1 if nights is None else nights, rng))
        if are_files(given):
            rows = [np.array([file.size_bytes for file in given], np.int64)]
        else:
            rows = [_validate.sizes("files", row) for row in _table(given)]
        count = len(rows) if nights is None else _validate.count("nights", nights)
        if count > len(rows):
            raise ValueError(f"nights must be <= {len(rows)}, as given, got {nights}")
        return rows[:count]

    def _packings(self, sizes: list[Ints]) -> list[Packing]:
        """Pack night by night."""
        return [
            pack(night, self.capacity, self.strategy, self.oversize) for night in sizes
        ]

    def _files(self, number: int, sizes: Ints) -> list[File]:
        """Return the files of a night: those that were given, or simulated ones."""
        given = self.files
        return list(given) if are_files(given) else simulated_files(number, sizes)


def check_service(service: Any) -> None:
    """Refuse to simulate without a model of the service times."""
    if service is None:
        raise ValueError(
            "service must be given to simulate, such as LinearService(per_job=5)"
        )


def _joined(nights: Sequence[Ints], first: Ints) -> Ints:
    """Return numbers of each night as numbers of all nights."""
    # A night without files has none, and `first` ends with how many there are.
    return np.concatenate(
        [night + begin for night, begin in zip(nights, first, strict=False)]
    )


def _table(given: Any) -> NDArray[Any]:
    """Return sizes with a row for each night."""
    try:
        return np.atleast_2d(np.asarray(given))
    except ValueError:
        raise ValueError(
            "files must be as many every night, shape (nights, count), "
            "got nights of different lengths"
        ) from None


def refuse_folder(given: Any) -> None:
    """Say how to get the files in a folder: nothing is read without being asked."""
    if isinstance(given, str | os.PathLike):
        raise TypeError(
            f"files must be files or their sizes, got {os.fspath(given)!r}; "
            "scan_files(folder) finds those in a folder"
        )


def are_files(given: Any) -> TypeGuard[Sequence[File]]:
    """Tell whether these are files rather than their sizes."""
    return (
        isinstance(given, Sequence)
        and len(given) > 0
        and all(isinstance(file, File) for file in given)
    )
