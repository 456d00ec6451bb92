"""The stream from end to end: one description, simulated or run for real."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mds_sim import _validate
from mds_sim._validate import sealed
from mds_sim.core.clock import Clock, WallClock
from mds_sim.core.progress import progress_bar
from mds_sim.core.worker_pool import WorkerPool
from mds_sim.distributions import as_law, draw_sizes
from mds_sim.records import Items, RunRecord
from mds_sim.rng import RNG, Streams, streams
from mds_sim.sim.offer import Offer
from mds_sim.sim.service import as_service, service_times
from mds_sim.sim.workers import serve

from .arrivals import Arrivals, TraceArrivals, as_arrivals
from .fitting import fit_arrivals
from .messages import TEN_A_MINUTE, MessageSource
from .minibatch import MiniBatch, MiniBatchBuilder
from .statistics import (
    Accumulator,
    StreamStatistics,
    loads,
    message_sizes,
    part_size,
)
from .windows import FirstMessageWindow, WindowRule, as_rule, batch_numbers


@dataclass(frozen=True)
class StreamPipeline:
    """Messages, grouped into mini-batches, handled by a pool of workers.

    Parameters
    ----------
    arrivals : Arrivals, optional
        When messages come; Poisson, ten a minute by default.
    window : WindowRule, optional
        When a batch closes; five minutes after its first message by default.
    service : ServiceModel or Law, optional
        How long a batch takes [s]; needed to simulate. In a real run a worker
        stays busy at least so long; None there: as long as the handler takes.
    workers : int, optional
        Size of the pool.
    message_size : Law, optional
        Law of the messages' sizes [bytes]; None for messages without a size.

    Examples
    --------
    >>> from mds_sim.sim import LinearService
    >>> pipeline = StreamPipeline(service=LinearService(per_job=30, per_item=2))
    >>> simulated = pipeline.simulate(until=24 * 3600, rng=1)
    >>> simulated
    RunRecord(14388 items in 283 jobs, 10 workers, 0 failures)

    The same day on real threads and a clock that jumps gives the same record:

    >>> from mds_sim.core import VirtualClock
    >>> real = pipeline.run(
    ...     until=24 * 3600, rng=1, clock=VirtualClock(), progress=False
    ... )
    >>> real.same_as(simulated)
    True
    """

    arrivals: Arrivals = TEN_A_MINUTE
    window: WindowRule = FirstMessageWindow()
    service: Any = None
    workers: int = 10
    message_size: Any = None

    def __post_init__(self) -> None:
        as_arrivals(self.arrivals)
        as_rule(self.window)
        _validate.count("workers", self.workers)
        if self.service is not None:
            as_service(self.service)
        if self.message_size is not None:
            as_law("message_size", self.message_size)

    @classmethod
    def from_trace(
        cls,
        trace: TraceArrivals,
        law: str = "auto",
        *,
        zone: str | None = None,
        **options: Any,
    ) -> StreamPipeline:
        """Set a pipeline up from a trace.

        Parameters
        ----------
        trace : TraceArrivals
            Of `read_arrivals`, for one.
        law : {"auto", "replay", "poisson", "varying", "renewal"}, optional
            How messages come: as in the trace, or by a process that fits it; see
            `fit_arrivals`. By default the simplest that tests let pass.
        zone : str, optional
            Whose hours of the day, if the rate depends on them.
        **options
            Window, service, workers and message_size, as of the pipeline.

        Examples
        --------
        >>> from mds_sim.data import EARTHQUAKES
        >>> from mds_sim.distributions import Constant
        >>> from mds_sim.stream import read_arrivals
        >>> quakes = read_arrivals(EARTHQUAKES, column="time")
        >>> pipeline = StreamPipeline.from_trace(quakes, service=Constant(60.0))
        >>> pipeline.arrivals
        PoissonArrivals(rate=0.00282743...)
        >>> replay = StreamPipeline.from_trace(quakes, "replay", service=Constant(60.0))
        >>> len(replay.simulate().items)
        1707
        """
        fit = fit_arrivals(trace, law, zone=zone)
        return cls(arrivals=fit.arrivals, **options)

    def simulate(
        self, n: int | None = None, until: float | None = None, rng: RNG = None
    ) -> RunRecord:
        """Compute what would happen.

        Parameters
        ----------
        n : int, optional
            At most so many messages.
        until : float, optional
            Only messages in [0, until) [s]; batches are finished after it.
        rng : numpy.random.Generator, int or None

        Raises
        ------
        ValueError
            If the pipeline has no model of its service times.
        """
        offer = self.offer(n, until, rng)
        done = serve(offer.ready, offer.service_time, self.workers)
        return offer.record(done, self.workers)

    def offer(
        self, n: int | None = None, until: float | None = None, rng: RNG = None
    ) -> Offer:
        """Compute what comes to the workers: `simulate`, as far as it needs none.

        Parameters
        ----------
        n, until, rng
            As in `simulate`.

        Raises
        ------
        ValueError
            As `simulate`.
        """
        self._check_service()
        chance = streams(rng)
        # Nobody else has these arrays: sealed, they go into the record as they are.
        arrival = sealed(self.arrivals.sample(n, until, chance.arrivals))
        size = sealed(message_sizes(self.message_size, arrival.size, chance.sizes))
        first, ready = self.window.bounds(arrival, size)
        n_items = np.diff(first, append=arrival.size)
        load = loads(self.message_size, size, first)
        duration = service_times(self.service, n_items, load, chance.service)
        batch = sealed(batch_numbers(first, arrival.size))
        items = Items(arrival, size, batch)
        return Offer(items, arrival[first], ready, duration, n_items, load)

    def statistics(
        self,
        n: int | None = None,
        until: float | None = None,
        rng: RNG = None,
        *,
        progress: bool = True,
    ) -> StreamStatistics:
        """Simulate any number of messages in constant memory, without a record.

        Parameters
        ----------
        n, until, rng : optional
            As in `simulate`; the same seed gives the same messages and batches.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        StreamStatistics
            Exact counts, moments and extremes, a histogram and quantiles of latency,
            batch size, waiting and service time.

        Raises
        ------
        ValueError
            As `simulate`.
        """
        self._check_service()
        self.arrivals.check_end(n, until)
        chance = streams(rng)
        accumulator = Accumulator(
            self.window, self.service, self.workers, self.message_size, chance
        )
        parts = self.arrivals.parts(n, until, chance.arrivals, size=part_size(n))
        with progress_bar(progress, n, "messages") as move_on:
            accumulator.take(parts, move_on)
        return accumulator.statistics()

    def run(
        self,
        handler: Callable[[MiniBatch], Any] | None = None,
        *,
        n: int | None = None,
        until: float | None = None,
        clock: Clock | None = None,
        rng: RNG = None,
        payloads: Iterable[Any] = (),
        executor: Any = "threads",
        progress: bool = True,
    ) -> RunRecord:
        """Let real workers do it.

        Parameters
        ----------
        handler : callable, optional
            Called with each `MiniBatch` by a worker. What it raises goes into the
            record as a failure of that batch; all others are handled.
        n, until : optional
            As in `simulate`; not needed for a trace, which ends by itself.
        clock : Clock, optional
            A new `WallClock` by default: a day takes a day.
        rng : numpy.random.Generator, int or None
            The same as in `simulate` gives the same messages and the same batches.
        payloads : iterable, optional
            What the messages say.
        executor : {"threads", "processes"} or Executor or callable, optional
            What handles the batches, as in `WorkerPool`; that of a Dask cluster, for
            one. Batches and handler must be picklable to leave this process.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        RunRecord
            On a `VirtualClock` that of `simulate`, bit for bit; on a `WallClock`
            the same batches, with times that the computer's delays add to.
        """
        chance = streams(rng)
        clock = WallClock() if clock is None else clock
        source = self.source(clock, chance, payloads)
        with (
            WorkerPool(self.workers, clock=clock, executor=executor) as pool,
            progress_bar(progress, n, "messages") as move_on,
        ):
            builder = self.builder(pool, handler, chance)
            builder.on_batch_done(lambda batch: move_on(len(batch)))
            source.subscribe(builder.add)
            try:
                source.run(n, until)
                builder.finish()
            except BaseException:
                builder.flush()  # or it would hand over to a pool that is gone
                raise
            return builder.record()

    def source(
        self, clock: Clock, chance: Streams, payloads: Iterable[Any] = ()
    ) -> MessageSource:
        """Return what lets the messages of a run arrive on a clock.

        Parameters
        ----------
        clock : Clock
        chance : Streams
            Of the run; that of its messages' times and sizes is used up.
        payloads : iterable, optional
            What the messages say.
        """
        return MessageSource(
            self.arrivals,
            clock,
            rng=chance.arrivals,
            payloads=payloads,
            sizes=self._sizes(chance.sizes),
        )

    def builder(
        self,
        pool: WorkerPool,
        handler: Callable[[MiniBatch], Any] | None,
        chance: Streams,
    ) -> MiniBatchBuilder:
        """Return what groups the messages of a run and hands the batches to a pool.

        Parameters
        ----------
        pool : WorkerPool
        handler : callable or None
            Called with each `MiniBatch` by a worker.
        chance : Streams
            Of the run; that of its service times is used up.
        """
        return MiniBatchBuilder(
            pool,
            self.window,
            handler=handler,
            service=self.service,
            rng=chance.service,
        )

    def _check_service(self) -> None:
        """Refuse to simulate without a model of the service times."""
        if self.service is None:
            raise ValueError(
                "service must be given to simulate, such as LinearService(per_job=30)"
            )

    def _sizes(self, rng: np.random.Generator) -> Iterator[int]:
        """Yield one size a message, the same ones that `simulate` draws at once."""
        while self.message_size is not None:
            yield from draw_sizes(self.message_size, 1024, rng).tolist()
