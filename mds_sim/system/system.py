"""Both pipelines on one pool of workers: one description, simulated or run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim.core._disciplines import checked_reserved
from mds_sim.core.clock import Clock, ClockFuture, WallClock, start_of_run
from mds_sim.core.progress import progress_bar
from mds_sim.core.worker_pool import WorkerPool
from mds_sim.files import Bucket, BucketManager, File, NightlyPipeline
from mds_sim.rng import RNG, as_generator, streams
from mds_sim.sim.disciplines import serve_priority
from mds_sim.sim.offer import Offer
from mds_sim.sim.reserved import serve_reserved
from mds_sim.sim.workers import Service, serve
from mds_sim.stream import MiniBatch, StreamPipeline
from mds_sim.units import DAY

from .record import SystemRecord

Ints = NDArray[np.int64]

# What the pool calls it.
DISCIPLINES = {"fifo": "fifo", "stream-first": "priority", "reserved": "reserved"}


@dataclass(frozen=True, eq=False)
class System:
    """A stream and nightly files that share one pool of workers.

    Parameters
    ----------
    stream : StreamPipeline
    nightly : NightlyPipeline
        Their `workers` are not asked: leave them out, or say the same number.
    workers : int, optional
        Size of the pool.
    discipline : {"fifo", "stream-first", "reserved"}, optional
        Who gets a worker that is free; see the notes.
    reserved : int, optional
        How many workers take mini-batches only, > 0 and < `workers`; for the
        discipline of that name.
    night_at : float, optional
        When the files of the first night are there [s], in [0, 86,400), counted from
        the start, as all times are: of a trace from its first message, not from
        midnight. Those of night k are there at ``night_at + k * DAY``.

    Notes
    -----
    A job is a mini-batch or a bucket. Nobody interrupts a job that has begun. Of jobs
    that are ready at the same instant mini-batches come before buckets, and otherwise
    those first that their own pipeline hands over first.

    ``"fifo"``
        A worker that is free takes the job that has been ready longest.
    ``"stream-first"``
        A worker that is free takes the mini-batch that has been ready longest; a bucket
        only if no mini-batch waits.
    ``"reserved"``
        Workers 0, ..., reserved - 1 take the mini-batch that has been ready longest,
        and no bucket; the others take the job that has been ready longest. A mini-batch
        goes to a reserved worker if one is free.

    A job goes to the worker that has been free longest; if equal, to the lowest number.

    Chance is drawn as if one generator were handed to ``stream.simulate``, and then to
    ``nightly.simulate``: a seed gives the messages and the batches that it gives the
    stream alone, whatever the discipline.

    Examples
    --------
    Two workers, and a bucket of a quarter of an hour for each when a batch is ready:

    >>> from mds_sim.distributions import Constant
    >>> from mds_sim.stream import TraceArrivals
    >>> stream = StreamPipeline(TraceArrivals([0, 60]), service=Constant(20.0))
    >>> night = NightlyPipeline([9, 9, 9, 9], capacity=9, service=Constant(900.0))
    >>> pair = {"workers": 2, "night_at": 240.0}
    >>> fifo = System(stream, night, **pair).simulate()
    >>> fifo.stream.waiting, fifo.nightly.makespan
    (array([1740.]), 1800.0)
    >>> first = System(stream, night, **pair, discipline="stream-first").simulate()
    >>> first.stream.waiting, first.nightly.makespan
    (array([840.]), 1820.0)
    >>> kept = System(stream, night, **pair, discipline="reserved", reserved=1)
    >>> kept.simulate().stream.waiting, kept.simulate().nightly.makespan
    (array([0.]), 3600.0)

    Real threads on a clock that jumps give the same record:

    >>> from mds_sim.core import VirtualClock
    >>> real = kept.run(clock=VirtualClock(), progress=False)
    >>> real.same_as(kept.simulate())
    True
    """

    stream: StreamPipeline
    nightly: NightlyPipeline
    workers: int = 10
    discipline: str = "fifo"
    reserved: int = 0
    night_at: float = 0.0

    def __post_init__(self) -> None:
        pipelines = ("stream", StreamPipeline), ("nightly", NightlyPipeline)
        for name, kind in pipelines:
            rule = f"a {kind.__name__}"
            _validate.instance(name, getattr(self, name), kind, rule)
        workers = _validate.count("workers", self.workers)
        for name, kind in pipelines:
            self._check_workers(name, kind)
        _validate.choice("discipline", self.discipline, tuple(DISCIPLINES))
        checked_reserved(self.discipline, self.reserved, workers)
        at = _validate.non_negative("night_at", self.night_at, "s")
        if at >= DAY:
            raise ValueError(
                f"night_at must be < {DAY:g} s, a day after the start, got {at!r}"
            )

    def simulate(self, until: float = DAY, rng: RNG = None) -> SystemRecord:
        """Compute what would happen.

        Parameters
        ----------
        until : float, optional
            Only messages in [0, until) [s], and the nights that begin in it, as far as
            there are files for them; all jobs are finished after it. A day by default.
        rng : numpy.random.Generator, int or None

        Raises
        ------
        ValueError
            If a pipeline has no model of its service times, or no night begins.
        """
        nights = self._nights(until)
        chance = as_generator(rng)
        offers = (
            self.stream.offer(until=until, rng=chance),
            self.nightly.offer(nights, chance, begin=self.night_at),
        )
        stream, nightly = self._serve(*offers)
        return SystemRecord(
            offers[0].record(stream, self.workers),
            offers[1].record(nightly, self.workers, self.nightly.capacity),
        )

    def run(
        self,
        message_handler: Callable[[MiniBatch], Any] | None = None,
        file_handler: Callable[[Bucket], Any] | None = None,
        *,
        until: float = DAY,
        clock: Clock | None = None,
        rng: RNG = None,
        payloads: Iterable[Any] = (),
        executor: Any = "threads",
        progress: bool = True,
    ) -> SystemRecord:
        """Let real workers do it, messages and files at the same time.

        Parameters
        ----------
        message_handler, file_handler : callable, optional
            Called with each `MiniBatch` and each `Bucket` by a worker, as in the `run`
            of the pipelines. What one raises is a failure of that job, or of files of
            it; all others are handled.
        until : float, optional
            As in `simulate`.
        clock : Clock, optional
            A new `WallClock` by default: a day takes a day.
        rng : numpy.random.Generator, int or None
            The same as in `simulate` gives the same batches and the same buckets.
        payloads : iterable, optional
            What the messages say.
        executor : {"threads", "processes"} or Executor or callable, optional
            What the workers are, as in `WorkerPool`.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        SystemRecord
            On a `VirtualClock` that of `simulate`, bit for bit; on a `WallClock` the
            same batches and buckets, with times that the computer's delays add to.

        Raises
        ------
        ValueError
            If no night begins, or a file is refused: before the first message.
        """
        generator = as_generator(rng)
        chance, own = streams(generator), streams(generator)
        clock = WallClock() if clock is None else clock
        source = self.stream.source(clock, chance, payloads)
        files = self.nightly.collect(self._nights(until), own.sizes)
        with (
            self._pool(clock, executor) as pool,
            progress_bar(progress, None, "jobs") as move_on,
        ):
            builder = self.stream.builder(pool, message_handler, chance)
            builder.on_batch_done(lambda _: move_on(1))
            manager = self.nightly.manager(pool, file_handler, own.service)
            manager.on_bucket_done(lambda _: move_on(1))
            source.subscribe(builder.add)
            begin = start_of_run(clock)
            nights = _Nights(manager, files, begin, self.night_at)
            try:
                arrived = source.start(until=until, begin=begin)
                nights.start()
                arrived.result()
                builder.finish()
                nights.done.result()
            except BaseException:
                source.stop()
                nights.stop()
                builder.flush()  # or it would hand over to a pool that is gone
                raise
            return SystemRecord(builder.record(), manager.record())

    def _pool(self, clock: Clock, executor: Any) -> WorkerPool:
        """Return the workers."""
        return WorkerPool(
            self.workers,
            clock=clock,
            executor=executor,
            discipline=DISCIPLINES[self.discipline],
            reserved=self.reserved,
        )

    def _serve(self, stream: Offer, nightly: Offer) -> tuple[Service, Service]:
        """Serve the jobs of both, and tell them apart again."""
        ready = np.concatenate([stream.ready, nightly.ready])
        # Stable: of those that are ready at one instant, mini-batches come first.
        order = np.argsort(ready, kind="stable")
        times = np.concatenate([stream.service_time, nightly.service_time])[order]
        done = self._discipline(ready[order], times, 1 * (order >= stream.ready.size))
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        mine, theirs = np.split(place, [stream.ready.size])
        return _rows(done, mine), _rows(done, theirs)

    def _discipline(
        self, ready: Any, service_time: Any, priority: NDArray[np.int64]
    ) -> Service:
        """Serve jobs in the order of ready times by the rule that was asked for."""
        if self.discipline == "fifo":
            return serve(ready, service_time, self.workers)
        if self.discipline == "stream-first":
            return serve_priority(ready, service_time, priority, self.workers)
        return serve_reserved(
            ready, service_time, priority, self.workers, self.reserved
        )

    def _nights(self, until: float) -> int:
        """Return how many nights begin before `until`, and have files."""
        until = _validate.positive("until", until, "s")
        if self.night_at >= until:
            raise ValueError(
                f"until must be > {self.night_at!r} s, the first night, got {until!r}; "
                "simulate the stream alone, or let the night begin earlier"
            )
        count = math.ceil((until - self.night_at) / DAY)
        most = self.nightly.most_nights
        return count if most is None else min(count, most)

    def _check_workers(self, name: str, kind: type) -> None:
        """Refuse a pipeline that was told to have another pool."""
        own = getattr(self, name).workers
        default = next(
            field.default for field in fields(kind) if field.name == "workers"
        )
        if own not in (self.workers, default):
            raise ValueError(
                f"{name}.workers must be {self.workers}, as the pool they share, or "
                f"left out, got {own}; say System(..., workers={own}) for a pool of "
                "that size"
            )


class _Nights:
    """Hands the files of each night over when it is time, in a thread of its own.

    Attributes
    ----------
    done : ClockFuture
        Done when the last night was handed over, or one could not be.
    """

    def __init__(
        self, manager: BucketManager, files: Sequence[Sequence[File]],
        begin: float, night_at: float,
    ) -> None:  # fmt: skip
        self._manager = manager
        self._files = files
        self._begin = begin
        self._night_at = night_at
        self._clock = manager.pool.clock
        self._is_stopped = False
        self.done = ClockFuture(self._clock)

    def start(self) -> None:
        """Begin, and return at once."""
        self._clock.spawn(self._work, "nights")

    def stop(self) -> None:
        """Hand no other night over."""
        self._is_stopped = True

    def _work(self) -> None:
        try:
            for number, files in enumerate(self._files):
                self._clock.sleep_until(self._begin + (self._night_at + number * DAY))
                self._let_batches_pass()
                if self._is_stopped:
                    break
                self._manager.add(*files)
                self._manager.submit_night()
        except BaseException as error:  # whoever waits raises it
            self.done.set_exception(error)
        else:
            self.done.set_result(None)

    def _let_batches_pass(self) -> None:
        """Wait until all else of this instant has happened; it has, on a real clock."""
        passed = ClockFuture(self._clock)
        self._clock.call_soon(partial(passed.set_result, None))
        self._clock.wait(passed)


def _rows(done: Service, rows: Ints) -> Service:
    """Return some rows of what was served."""
    return Service(done.start[rows], done.finish[rows], done.worker[rows])
