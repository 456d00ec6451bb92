"""What if? One setting of the stream: simulated, with intervals, beside the theory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_table, text_table
from mds_sim._validate import sealed
from mds_sim.distributions import Exponential
from mds_sim.records import RunRecord
from mds_sim.rng import RNG, as_generator
from mds_sim.stream import FirstMessageWindow, PoissonArrivals, StreamPipeline
from mds_sim.theory import BatchQueue
from mds_sim.units import DAY, HOUR, counted, format_seconds

from .intervals import Interval, mean_interval

Floats = NDArray[np.float64]

QUANTILES = (0.5, 0.9, 0.99)
POINTS = 25  # at which the distribution of latency is shown
BUSY = 0.95  # utilisation from which on a day does not show the steady state
BEGIN = 6 * HOUR  # what comes before is left out: the pool begins idle


@dataclass(frozen=True, eq=False)
class StreamAnswer:
    """How the stream does with one setting; `what_if` makes it.

    ``print`` shows it as a table, Jupyter as HTML.

    Attributes
    ----------
    rate, length, mean_service : float
        Messages a second; of a window [s]; of a batch [s].
    workers : int
    throughput : Interval
        Messages done a second.
    utilisation : Interval
        Share of the workers' time that is work.
    latency : Interval
        Mean time from the arrival of a message to the finish of its batch [s].
    quantiles : tuple of Interval
        Of latency, for 50, 90 and 99 % [s].
    times : ndarray of float64, shape (25,)
        Some latencies [s], up to the largest that matters.
    done : tuple of Interval
        Share of the messages that are done within each of them.
    theory : BatchQueue or None
        The exact answer for a steady state; None if there is none, as more work comes
        than the workers can do: then simulated figures depend on the length of a day.

    Examples
    --------
    >>> answer = what_if(rate=10 / 60, length=300, mean_service=2400, workers=10, rng=1)
    >>> answer.utilisation.low < answer.theory.utilisation < answer.utilisation.high
    True
    """

    rate: float
    length: float
    mean_service: float
    workers: int
    throughput: Interval
    utilisation: Interval
    latency: Interval
    quantiles: tuple[Interval, ...]
    times: Floats
    done: tuple[Interval, ...]
    theory: BatchQueue | None

    @property
    def load(self) -> float:
        """Workers that are busy on average, if there are enough [erlang]."""
        return self.mean_service / (self.length + 1.0 / self.rate)

    @property
    def verdict(self) -> str:
        """What to know about this setting, in a sentence."""
        load = f"{self.load:.3g} of {counted(self.workers, 'worker', spec='')}"
        if self.theory is None:
            return f"more work than the pool can do ({load}): latency grows and grows"
        late = format_seconds(self.theory.latency_quantile(QUANTILES[-1]))
        words = f"{load} busy on average; 99 % of the messages are done within {late}"
        if self.theory.utilisation > BUSY:
            words += ", once the pool has settled: that takes many days"
        return words

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the figures: what, simulated with its interval, and in theory."""
        told = [self.throughput, self.utilisation, self.latency, *self.quantiles]
        names = ["messages a minute", "utilisation", "latency, mean"]
        names += [f"latency, {100 * p:g} %" for p in QUANTILES]
        # One unit in a row.
        times = [partial(format_seconds, like=one.mean) for one in told[2:]]
        writes: list[Callable[[float], str]] = [_a_minute, _percent, *times]
        return [
            (
                name,
                f"{write(one.mean)} [{write(one.low)}, {write(one.high)}]",
                "none" if value is None else write(value),
            )
            for name, write, one, value in zip(
                names, writes, told, self.exact(), strict=True
            )
        ]

    def exact(self) -> list[float] | list[None]:
        """Return the figures of theory in the order of `rows`; None if it has none."""
        if self.theory is None:
            return [None] * (3 + len(QUANTILES))
        late = [self.theory.latency_quantile(p) for p in QUANTILES]
        return [self.rate, self.theory.utilisation, self.theory.mean_latency, *late]

    def __str__(self) -> str:
        return text_table(self.verdict, [("", "simulated", "theory"), *self.rows()])

    def _repr_html_(self) -> str:
        return html_table(self.verdict, self.rows(), ("", "simulated", "theory"))


def what_if(
    rate: float,
    length: float,
    mean_service: float,
    workers: int,
    *,
    days: int = 16,
    rng: RNG = None,
) -> StreamAnswer:
    """Tell how the stream would do, by simulation and by theory.

    Parameters
    ----------
    rate : float
        Messages per second, a Poisson stream, > 0.
    length : float
        Of a window, from its first message on [s], > 0.
    mean_service : float
        Mean service time of a batch, exponential [s], > 0.
    workers : int
        How many workers there are, >= 1.
    days : int, optional
        How many independent days are simulated, >= 2. Each begins idle, and counts
        after six hours.
    rng : numpy.random.Generator, int or None
        The same seed shows other settings on the same chance.

    Returns
    -------
    StreamAnswer
        With 95 % intervals from the days (Student's).

    Notes
    -----
    Near saturation a pool needs days to reach its steady state; simulated figures are
    then below the theory. Cost: some 40 ms for ten messages a minute.

    Examples
    --------
    >>> print(what_if(10 / 60, length=300, mean_service=2400, workers=10, rng=1))
    7.84 of 10 workers busy on average; 99 % of the messages are done within 3.15 h
                                            simulated    theory
      messages a minute           9.998 [9.915, 10.08]        10
      utilisation              77.9 % [75.2 %, 80.6 %]    78.4 %
      latency, mean        44 min [42.2 min, 45.9 min]  44.5 min
      latency, 50 %      31.6 min [30.1 min, 33.1 min]  32.5 min
      latency, 90 %             1.63 h [1.55 h, 1.7 h]    1.62 h
      latency, 99 %             3.18 h [2.97 h, 3.4 h]    3.15 h
    """
    days = _validate.count("days", days, 2)
    pipeline = StreamPipeline(
        PoissonArrivals(rate),
        FirstMessageWindow(length),
        Exponential(mean_service),
        workers,
    )
    try:
        theory = BatchQueue(rate, length, mean_service, workers)
    except ValueError:  # the arguments are fine: the pool cannot keep up
        theory = None
    runs = [
        pipeline.simulate(until=BEGIN + DAY, rng=chance)
        for chance in as_generator(rng).spawn(days)
    ]
    late = [np.sort(run.latency[run.items.arrival >= BEGIN]) for run in runs]
    if not all(values.size for values in late):
        raise ValueError(
            f"rate must bring messages every day, got {rate:g} per second: a day had "
            "none"
        )
    top = max(float(np.quantile(values, 0.995)) for values in late)
    times = np.linspace(0.0, max(top, length), POINTS)
    shares = [np.searchsorted(values, times, "right") / values.size for values in late]
    ranks = [np.quantile(values, QUANTILES) for values in late]
    return StreamAnswer(
        rate,
        length,
        mean_service,
        workers,
        mean_interval([_done(run) / DAY for run in runs]),
        mean_interval([_busy(run) / (workers * DAY) for run in runs]),
        mean_interval([float(values.mean()) for values in late]),
        tuple(mean_interval(column) for column in np.transpose(ranks)),
        sealed(times),
        tuple(mean_interval(column) for column in np.transpose(shares)),
        theory,
    )


def _done(run: RunRecord) -> int:
    """Return how many messages are done in the day that counts."""
    jobs = run.jobs
    counts = (jobs.finish >= BEGIN) & (jobs.finish < BEGIN + DAY)
    return int(jobs.n_items[counts].sum())


def _busy(run: RunRecord) -> float:
    """Return how long workers work in the day that counts, all together [s]."""
    start = np.maximum(run.jobs.start, BEGIN)
    finish = np.minimum(run.jobs.finish, BEGIN + DAY)
    return float(np.maximum(finish - start, 0.0).sum())


def _a_minute(rate: float) -> str:
    return f"{60 * rate:.4g}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
