"""Figures of the whole system: what the night does to the stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mds_sim.analysis.intervals import mean_interval
from mds_sim.analysis.latencies import latency_by
from mds_sim.records import RunRecord
from mds_sim.system import SystemRecord
from mds_sim.units import MINUTE

from .style import GREY, axes, begin_at_zero, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Record: TypeAlias = RunRecord | SystemRecord
Records: TypeAlias = Record | Sequence[Record]
Floats = NDArray[np.float64]


def plot_latency_by(
    records: Records | Mapping[str, Records],
    *,
    minutes: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Show the latency of messages by when they arrived, minute by minute.

    Parameters
    ----------
    records : SystemRecord, RunRecord, sequence of these, or mapping of str to any
        Of the stream with a night, or of the stream alone; by name, to compare. Of
        several independent runs the mean is shown, with its interval.
    minutes : float, optional
        Width of a bin of time [min], > 0.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        A marker for the mean of each bin. The bar of one run reaches up to the longest
        latency in the bin, that of several is a 95 % interval of the mean, without
        bins in which a run has no message. The begin of each night is dashed.

    Examples
    --------
    >>> from mds_sim.distributions import Constant
    >>> from mds_sim.stream import StreamPipeline, TraceArrivals
    >>> stream = StreamPipeline(TraceArrivals([0, 60, 400]), service=Constant(60.0))
    >>> plot_latency_by({"alone": stream.simulate()}).get_title()
    'Messages of minute 0 wait longest: 6.0 min'
    """
    ax = axes(ax)
    named = records if isinstance(records, Mapping) else {"": records}
    runs = {name: _listed(one) for name, one in named.items()}
    peaks = [
        _draw(ax, number, name, some, minutes)
        for number, (name, some) in enumerate(runs.items())
    ]
    begins = sorted({time for some in runs.values() for time in _nights(some)})
    for i, begin in enumerate(begins):
        label = "_" if i else "the night begins"
        ax.axvline(begin / MINUTE, color=GREY, linestyle="--", label=label)
    ax.set_xlabel("arrival of the message [min]")
    ax.set_ylabel("latency [min]")
    ax.set_ylim(bottom=0)
    ax.set_title(_finding([peak for peak in peaks if peak is not None]))
    if begins or (any(runs) and any(peaks)):
        ax.legend()
    return ax


def _draw(
    ax: Axes, number: int, name: str, runs: Sequence[Record], minutes: float
) -> tuple[float, float, str] | None:
    """Draw one series; return its highest mean, the minute of it, and the name."""
    time, mean, low, high = _bins(runs, minutes)
    if not time.size:
        return None
    drawn = look(number)
    ax.vlines(time, low, high, colors=drawn.colour, linewidth=0.8)
    ax.plot(
        time,
        mean,
        color=drawn.colour,
        marker=drawn.marker,
        markersize=4,
        linestyle=":",
        linewidth=0.8,
        label=name or "mean",
    )
    begin_at_zero(ax, float(time[0]), float(time[-1]))
    top = int(np.argmax(mean))
    return float(mean[top]), float(time[top] - minutes / 2), name


def _bins(
    runs: Sequence[Record], minutes: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return middle [min], mean, and both ends of the bar of each bin [min]."""
    tables = [latency_by(_stream(run), minutes) for run in runs]
    if len(tables) == 1:
        table = tables[0]
        some = table.count > 0
        columns = table.middle, table.mean, table.mean, table.largest
        middle, mean, low, high = (column[some] / MINUTE for column in columns)
        return middle, mean, low, high
    means: dict[float, list[float]] = {}
    for table in tables:
        some = table.count > 0
        for middle, mean in zip(table.middle[some], table.mean[some], strict=True):
            means.setdefault(float(middle), []).append(float(mean) / MINUTE)
    full = sorted(time for time, values in means.items() if len(values) == len(runs))
    intervals = [mean_interval(means[time]) for time in full]
    rows = [
        (time / MINUTE, one.mean, one.low, one.high)
        for time, one in zip(full, intervals, strict=True)
    ]
    middle, mean, low, high = np.array(rows).reshape(-1, 4).T
    return middle, mean, low, high


def _listed(records: Records) -> Sequence[Record]:
    """Return a list of records, also of a single one."""
    return [records] if isinstance(records, Record) else records


def _stream(record: Record) -> RunRecord:
    """Return what happened to the messages."""
    return record.stream if isinstance(record, SystemRecord) else record


def _nights(records: Sequence[Record]) -> list[float]:
    """Return when the nights of the first of some runs began [s]."""
    first = records[0] if records else None
    if not isinstance(first, SystemRecord):
        return []
    begins: list[float] = np.unique(first.nightly.items.arrival).tolist()
    return begins


def _finding(peaks: list[tuple[float, float, str]]) -> str:
    """Say which messages take longest."""
    if not peaks:
        return "No message"
    latency, minute, name = max(peaks)
    where = f" ({name})" if name and len(peaks) > 1 else ""
    return f"Messages of minute {minute:g} wait longest: {latency:.1f} min{where}"
