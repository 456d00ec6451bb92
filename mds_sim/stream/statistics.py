"""The stream simulated without a record: any number of messages in constant memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._summary import FEWEST_JOBS
from mds_sim._tables import html_table, text_table
from mds_sim.distributions import draw_sizes
from mds_sim.records import no_sizes
from mds_sim.rng import Streams
from mds_sim.sim.service import service_times
from mds_sim.sim.tally import Distribution, Tally
from mds_sim.units import counted, format_seconds

from .windows import WindowRule

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 9 * 2**12  # messages at a time: 300 kB a column, which stays in the cache


@dataclass(frozen=True, eq=False)
class StreamStatistics:
    """What a long simulation says of its messages and batches.

    Attributes
    ----------
    latency : Distribution
        From arrival to the finish of its batch, over messages [s].
    size : Distribution
        Messages in a batch, over batches.
    waiting, service_time : Distribution
        From ready to start, and from start to finish, over batches [s].
    workers : int
    span : float
        From the first arrival to the last finish [s].
    offered_load : float
        Workers that the batches would keep busy: their rate times their mean service
        time [erlang]; NaN for fewer than two batches.

    Examples
    --------
    >>> from mds_sim.sim import LinearService
    >>> from mds_sim.stream import StreamPipeline
    >>> pipeline = StreamPipeline(service=LinearService(per_job=30, per_item=2))
    >>> many = pipeline.statistics(n=1_000_000, rng=1, progress=False)
    >>> many.messages, round(many.size.mean, 1), round(many.latency.quantile(0.5))
    (1000000, 51.0, 287)
    """

    latency: Distribution
    size: Distribution
    waiting: Distribution
    service_time: Distribution
    workers: int
    span: float
    offered_load: float

    @property
    def is_unstable(self) -> bool:
        """Whether more work came than the workers can do: waits grow without end.

        It is judged from 30 batches on, as in the summary of a record.
        """
        return self.batches >= FEWEST_JOBS and self.offered_load >= self.workers

    @property
    def messages(self) -> int:
        """How many messages came."""
        return self.latency.count

    @property
    def batches(self) -> int:
        """How many batches they made."""
        return self.size.count

    @property
    def utilisation(self) -> float:
        """Share of the workers' time that was work, over `span`; in [0, 1]."""
        if not self.span:
            return 0.0
        busy = self.service_time.mean * self.service_time.count
        return busy / (self.workers * self.span)

    def _title(self) -> str:
        verdict = "UNSTABLE, " if self.is_unstable else ""
        return (
            f"{counted(self.messages, 'message')} in "
            f"{counted(self.batches, 'batch', 'batches')} on "
            f"{counted(self.workers, 'worker', spec='')}, "
            f"{verdict}{self.utilisation:.1%} busy"
        )

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        rows = [("", "mean", "median", "99 %", "max")]
        parts = {
            "latency": self.latency,
            "waiting for a worker": self.waiting,
            "service time": self.service_time,
        }
        for name, part in parts.items():
            figures = (part.mean, part.quantile(0.5), part.quantile(0.99), part.maximum)
            mean, median, late, most = map(format_seconds, figures)
            rows.append((name, mean, median, late, most))
        size = self.size
        figures = (size.mean, size.quantile(0.5), size.quantile(0.99), size.maximum)
        mean, median, late, most = (
            "-" if math.isnan(value) else f"{value:.4g}" for value in figures
        )
        return [*rows, ("messages a batch", mean, median, late, most)]

    def __str__(self) -> str:
        return text_table(self._title(), self._rows())

    def __repr__(self) -> str:
        return f"StreamStatistics({self._title()})"

    def _repr_html_(self) -> str:
        header, *rows = self._rows()
        return html_table(self._title(), rows, header=header)


def part_size(n: int | None) -> int:
    """Tell how many of `n` messages to take at a time; None for nobody knows.

    Parts are equal, or most of what is drawn for the last one might be thrown away.

    Examples
    --------
    >>> part_size(100_000)
    33334
    """
    if n is None or n <= CHUNK:
        return CHUNK if n is None else max(n, 1)
    return math.ceil(n / math.ceil(n / CHUNK))


def message_sizes(law: Any, n: int, rng: np.random.Generator) -> Ints:
    """Draw the sizes of n messages; 0 each if there is no law [bytes].

    Examples
    --------
    >>> message_sizes(None, 3, np.random.default_rng(1))
    array([0, 0, 0])
    """
    if law is None:
        return no_sizes(n)
    return _validate.addable("sizes of messages", draw_sizes(law, n, rng))


def loads(law: Any, sizes: Ints, first: Ints) -> Ints:
    """Add up the sizes of the messages of each batch, from its first one on [bytes].

    Examples
    --------
    >>> from mds_sim import Constant
    >>> loads(Constant(4), np.array([4, 4, 4]), np.array([0, 1]))
    array([4, 8])
    """
    if law is None or not first.size:
        return no_sizes(first.size)
    return np.add.reduceat(sizes, first)


class Accumulator:
    """Takes arrivals in, some at a time, and holds only the open batch of them.

    Parameters
    ----------
    window : WindowRule
    service : ServiceModel or Law
    workers : int
    message_size : Law or None
    chance : Streams
        Chance of sizes and service times; drawn in the order of `simulate`.
    """

    def __init__(
        self,
        window: WindowRule,
        service: Any,
        workers: int,
        message_size: Any,
        chance: Streams,
    ) -> None:
        self._window = window
        self._service = service
        self._message_size = message_size
        self._chance = chance
        self._held: Floats = np.empty(0)  # messages of the batch that is open still
        self._room: Floats = np.empty(0)  # they and the next ones, side by side
        self._sizes: Ints = np.empty(0, np.int64)
        self._free = np.full(workers, -np.inf)
        self._number = np.arange(workers)
        self._tallies = [Tally() for _ in range(4)]
        self._begin = np.nan
        self._end = 0.0
        self._ready: list[float] = []  # of the first and of the latest batch

    def take(self, arrivals: Iterable[Floats], moved: Callable[[int], object]) -> None:
        """Take all arrivals in; call `moved` with how many each time."""
        for chunk in arrivals:
            if self._begin != self._begin and chunk.size:
                self._begin = float(chunk[0])
            times, new = self._join(chunk), chunk.size
            del chunk  # or it would be kept while the next one is drawn
            self._take_sizes(new, times.size)
            self._settle(times, last=False)
            moved(new)
        self._settle(self._held, last=True)

    def statistics(self) -> StreamStatistics:
        """Return what was found."""
        parts = [tally.distribution() for tally in self._tallies]
        workers = self._free.size
        span = self._end - self._begin if parts[0].count else 0.0
        latency, size, waiting, service_time = parts
        load = np.nan
        if parts[0].count and self._ready[-1] > self._ready[0]:
            work = service_time.mean * (service_time.count - 1)
            load = work / (self._ready[-1] - self._ready[0])
        return StreamStatistics(
            latency, size, waiting, service_time, workers, span, load
        )

    def _join(self, chunk: Floats) -> Floats:
        """Put the messages of the open batch and the next ones side by side."""
        size = self._held.size + chunk.size
        if self._room.size < size:
            self._room = np.empty(size + size // 16)
        times = self._room[:size]
        times[: self._held.size] = self._held
        times[self._held.size :] = chunk
        return times

    def _take_sizes(self, new: int, total: int) -> None:
        """Draw sizes for new messages, and put them after those of the open batch."""
        if self._message_size is None:
            self._sizes = no_sizes(total)
            return
        sizes = message_sizes(self._message_size, new, self._chance.sizes)
        both = np.concatenate([self._sizes, sizes])
        self._sizes = _validate.addable("sizes of messages", both)

    def _settle(self, times: Floats, last: bool) -> None:
        """Serve all batches but the one that is open still; that one, too, at last."""
        from mds_sim.sim._streaming import serve_on

        first, closes = self._window.bounds(times, self._sizes)
        settled = first.size if last else first.size - 1
        if settled <= 0:
            self._held = times.copy()
            return
        starts = np.append(first, times.size) if last else first
        n_items, ready = starts[1:] - starts[:-1], closes[:settled]
        held = int(starts[-1])
        load = loads(self._message_size, self._sizes[:held], starts[:-1])
        duration = service_times(self._service, n_items, load, self._chance.service)
        start, finish = np.empty(settled), np.empty(settled)
        serve_on(ready, duration, self._free, self._number, start, finish)
        latency, size, waiting, service_time = self._tallies
        latency.add_latency(times, starts, finish)
        size.add(n_items.astype(np.float64))
        waiting.add(start - ready)
        service_time.add(finish - start)
        self._end = max(self._end, float(finish.max()))
        self._ready = [*self._ready[:1], float(ready[0]), float(ready[-1])]
        self._held = times[held:].copy()
        self._sizes = self._sizes[held:]
