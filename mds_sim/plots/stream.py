"""Figures of the stream: windows, throughput, batch sizes, latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mds_sim import _validate
from mds_sim.analysis.metrics import size_counts
from mds_sim.records import RunRecord
from mds_sim.theory.poisson import FirstMessageLaw
from mds_sim.units import counted

from .style import COLOURS, FILLS, GREY, axes, begin_at_zero, time_axis, time_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_windows(record: RunRecord, *, most: int = 8, ax: Axes | None = None) -> Axes:
    """Show how messages fall into windows and batches travel through the pool.

    Parameters
    ----------
    record : RunRecord
    most : int, optional
        How many batches are shown, from the first on, >= 1.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One row a batch: a dot for each message, a pale bar for its window, a thin
        one while it waits for a worker, a full bar while it is worked on.

    Examples
    --------
    >>> from mds_sim.stream import StreamPipeline
    >>> from mds_sim.distributions import Constant
    >>> stream = StreamPipeline(service=Constant(400.0))
    >>> plot_windows(stream.simulate(until=1800, rng=1)).get_title()
    '6 batches: windows follow each other, work overlaps'
    """
    most = _validate.count("most", most)
    ax = axes(ax)
    jobs, items = record.jobs, record.items
    shown = min(most, len(jobs))
    rows = np.arange(shown)
    end = float(jobs.finish[:shown].max(initial=0.0))
    first = float(jobs.open.min(initial=end))
    times = time_axis(first, end)

    def bars(begin: np.ndarray, finish: np.ndarray, **style: object) -> None:
        begin, finish = times.place(begin[:shown]), times.place(finish[:shown])
        ax.barh(rows, finish - begin, left=begin, **style)  # type: ignore[arg-type]

    bars(jobs.open, jobs.ready, height=0.8, color=(FILLS["windows"], 0.35),
         edgecolor=COLOURS["windows"], label="window open")  # fmt: skip
    bars(jobs.ready, jobs.start, height=0.1, color=COLOURS["waiting"],
         label="waits for a worker")  # fmt: skip
    bars(jobs.start, jobs.finish, height=0.5, color=FILLS["work"],
         edgecolor=COLOURS["work"], label="worked on")  # fmt: skip
    seen = items.job < shown
    ax.plot(
        times.place(items.arrival[seen]),
        items.job[seen],
        linestyle="",
        marker="o",
        markersize=3,
        color=COLOURS["messages"],
        label="message arrives",
    )
    ax.set_yticks(rows)
    ax.set_ylim(shown - 0.4, -0.6)
    ax.set_xlabel(times.label)
    ax.set_ylabel("mini-batch")
    begin_at_zero(ax, first - times.start, end - times.start)
    overlap = bool((jobs.start[1:shown] < jobs.finish[: max(shown - 1, 0)]).any())
    verdict = "work overlaps" if overlap else "work fits between them"
    ax.set_title(
        f"{counted(shown, 'batch', 'batches')}: windows follow each other, {verdict}"
    )
    ax.legend(loc="lower left", fontsize="small")
    return ax


def plot_throughput(
    record: RunRecord, width: float | None = None, *, ax: Axes | None = None
) -> Axes:
    """Show how many items arrive and how many are finished, over time.

    Parameters
    ----------
    record : RunRecord
    width : float, optional
        Width of a bin [s]; a sixtieth of the span by default.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The mean rate over the whole record is dashed.

    Examples
    --------
    >>> from mds_sim.stream import StreamPipeline
    >>> from mds_sim.distributions import Constant
    >>> day = StreamPipeline(service=Constant(60.0)).simulate(until=86400, rng=1)
    >>> plot_throughput(day, width=3600.0).get_ylabel()
    'items a minute'
    """
    ax = axes(ax)
    counts = record.throughput(width)
    times = time_axis(float(counts.time[0]), float(counts.time[-1]))
    minutes = np.diff(counts.time) / 60.0
    edges = times.place(counts.time)
    ax.stairs(
        counts.arrived / minutes,
        edges,
        color=COLOURS["messages"],
        label="arrive",
        lw=1.5,
    )
    ax.stairs(
        counts.finished / minutes,
        edges,
        color=COLOURS["work"],
        linestyle="-.",
        label="are finished",
        lw=1.5,
    )
    mean = 60.0 * len(record.items) / record.span if record.span else 0.0
    ax.axhline(mean, color=GREY, linestyle="--", label="mean")
    ax.set_ylim(bottom=0)
    ax.set_xlabel(times.label)
    ax.set_ylabel("items a minute")
    title = counted(
        mean, "item a minute comes and goes", "items a minute come and go", ".3g"
    )
    if record.summary().is_unstable:
        come = float(np.ptp(record.items.arrival))
        rate = 60.0 * (len(record.items) - 1) / come
        came = counted(rate, "item a minute comes", "items a minute come", ".3g")
        title = f"{came}, but {counted(mean, 'goes', 'go', '.3g')}"
    ax.set_title(title)
    ax.legend()
    return ax


def plot_batch_sizes(
    record: RunRecord, law: FirstMessageLaw | None = None, *, ax: Axes | None = None
) -> Axes:
    """Show how often a batch has how many messages, beside the theory.

    Parameters
    ----------
    record : RunRecord
    law : FirstMessageLaw, optional
        The law to compare with, drawn as a line.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Markers are what was counted, with 95 % intervals for each count (normal
        approximation to the binomial).

    Examples
    --------
    >>> from mds_sim.stream import StreamPipeline
    >>> from mds_sim.distributions import Constant
    >>> day = StreamPipeline(service=Constant(60.0)).simulate(until=86400, rng=1)
    >>> law = FirstMessageLaw(rate=10 / 60, length=300.0)
    >>> plot_batch_sizes(day, law).get_title()
    'A batch holds 50.8 messages on average (theory: 51)'
    """
    ax = axes(ax)
    sizes, counts = size_counts(record)
    total = max(int(counts.sum()), 1)
    share = counts / total
    error = 1.96 * np.sqrt(share * (1 - share) / total)
    ax.errorbar(
        sizes,
        share,
        yerr=np.vstack([np.minimum(error, share), error]),
        fmt="o",
        markersize=4,
        color=COLOURS["simulated"],
        label="counted, with 95 % interval",
    )
    mean = float(record.jobs.n_items.mean()) if len(record.jobs) else 0.0
    title = f"A batch holds {counted(mean, 'message', spec='.3g')} on average"
    if law is not None and sizes.size:
        line = np.arange(max(int(sizes.min()) - 3, 1), int(sizes.max()) + 4)
        most = "" if law.max_messages is None else f", at most {law.max_messages}"
        name = f"1 + Poisson(m){most}"
        ax.plot(line, law.size_pmf(line), color=COLOURS["theory"], label=name)
        title += f" (theory: {law.mean_size:.3g})"
    ax.set_ylim(bottom=0)
    ax.set_xlabel("messages in a batch")
    ax.set_ylabel("share of batches")
    ax.set_title(title)
    ax.legend()
    return ax


def plot_latency(record: RunRecord, *, ax: Axes | None = None) -> Axes:
    """Show the distribution of latency: from arrival to the end of the work.

    Parameters
    ----------
    record : RunRecord
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        A histogram; the median and the 99th percentile are dashed lines.

    Examples
    --------
    >>> from mds_sim.stream import StreamPipeline
    >>> from mds_sim.distributions import Constant
    >>> day = StreamPipeline(service=Constant(60.0)).simulate(until=86400, rng=1)
    >>> plot_latency(day).get_xlabel()
    'latency [min]'
    """
    ax = axes(ax)
    latency = record.latency
    unit, scale = time_unit(float(latency.max(initial=0.0)))
    ax.hist(latency / scale, bins=40, color=FILLS["messages"], edgecolor="white")
    title = "No item, no latency"
    if latency.size:
        median, late = np.quantile(latency, [0.5, 0.99]) / scale
        for value, style, name in ((median, "--", "median"), (late, ":", "99 %")):
            ax.axvline(value, color="black", linestyle=style,
                       label=f"{name}: {value:.3g} {unit}")  # fmt: skip
        title = f"Half of all items are done within {median:.3g} {unit}"
        ax.legend()
    ax.set_xlabel(f"latency [{unit}]")
    ax.set_ylabel("items")
    ax.set_title(title)
    return ax
