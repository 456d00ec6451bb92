"""How latency changes over time: minute by minute."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_columns
from mds_sim._validate import sealed
from mds_sim.records import RunRecord
from mds_sim.units import MINUTE, counted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LatencyOverTime:
    """Latency of the items that arrived in each of some equal bins of time.

    Attributes
    ----------
    time : ndarray of float64, shape (n_bins + 1,)
        Edges of the bins [s].
    count : ndarray of int64, shape (n_bins,)
        Items that arrived in each bin, and were handled.
    mean, largest : ndarray of float64, shape (n_bins,)
        Of their latencies [s]; NaN where nothing arrived.

    Examples
    --------
    >>> from mds_sim.distributions import Constant
    >>> from mds_sim.stream import StreamPipeline, TraceArrivals
    >>> stream = StreamPipeline(TraceArrivals([0, 30, 150]), service=Constant(9.0))
    >>> by_minute = latency_by(stream.simulate(), minutes=1)
    >>> by_minute.count, by_minute.mean
    (array([2, 0, 1]), array([294.,  nan, 159.]))
    """

    time: Floats
    count: Ints
    mean: Floats
    largest: Floats

    @property
    def middle(self) -> Floats:
        """Middle of each bin [s]."""
        return (self.time[1:] + self.time[:-1]) / 2

    def _repr_html_(self) -> str:
        title = f"Latency [s] of {counted(int(self.count.sum()), 'item')} by arrival"
        figures = {"items": self.count, "mean": self.mean, "largest": self.largest}
        return html_columns(title, {"from [s]": self.time[:-1], **figures})

    def to_dict(self) -> dict[str, list[float] | list[int]]:
        """Return the columns as lists, for JSON."""
        return {
            field.name: getattr(self, field.name).tolist() for field in fields(self)
        }


def latency_by(record: RunRecord, minutes: float = 1.0) -> LatencyOverTime:
    """Tell what the latency was, by when the items arrived.

    Parameters
    ----------
    record : RunRecord
    minutes : float, optional
        Width of a bin [min], > 0. An item at an edge is in the bin that begins there.

    Returns
    -------
    LatencyOverTime
        From the bin of the first arrival to that of the last one. Items whose job was
        cancelled have no latency, and are not counted.

    Examples
    --------
    >>> from mds_sim.sim import LinearService
    >>> from mds_sim.stream import StreamPipeline
    >>> stream = StreamPipeline(service=LinearService(per_job=30, per_item=2))
    >>> hours = latency_by(stream.simulate(until=6 * 3600, rng=1), minutes=60)
    >>> hours.count.tolist(), hours.mean.round().tolist()
    ([602, 590, 612, 599, 584, 587], [292.0, 288.0, 294.0, 286.0, 291.0, 288.0])
    """
    width = MINUTE * _validate.positive("minutes", minutes, "min")
    arrival = record.items.arrival[record.jobs.worker[record.items.job] >= 0]
    latency = record.latency
    bins = np.floor_divide(arrival, width).astype(np.int64)
    first, end = (int(bins.min()), int(bins.max()) + 1) if bins.size else (0, 0)
    count = np.bincount(bins - first, minlength=end - first)
    total = np.bincount(bins - first, latency, minlength=end - first)
    largest = np.full(end - first, -np.inf)
    np.maximum.at(largest, bins - first, latency)
    empty = count == 0
    return LatencyOverTime(
        sealed(width * np.arange(first, end + 1, dtype=np.float64)),
        sealed(count.astype(np.int64)),
        sealed(np.where(empty, np.nan, total / np.maximum(count, 1))),
        sealed(np.where(empty, np.nan, largest)),
    )
