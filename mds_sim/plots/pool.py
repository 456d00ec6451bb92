"""Figures of the worker pool: who did what, and how busy everybody was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mds_sim.analysis.metrics import busy_workers, queue_length
from mds_sim.core._insight_tables import shorten
from mds_sim.core.insights import PoolInsights
from mds_sim.core.steps import count_between
from mds_sim.records import RunRecord
from mds_sim.units import counted

from .style import (
    COLOURS,
    FILLS,
    GREY,
    TimeAxis,
    as_text,
    axes,
    begin_at_zero,
    look,
    time_axis,
    time_unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EDGE = "black"  # of a bar, and its hatch
CROSSED = "x"  # failed
HEIGHT = 0.8  # of a bar, in rows
FEW_BARS = 200  # of which a thicker edge does not hide the colour
MOST_BARS = 1000  # with edges that can be told apart
MOST_NAMES = 20  # beside the rows of a figure; more cannot be read
MOST_LETTERS = 24  # of a name
LEGEND_ROOM = 1.35  # bars that reach the end leave room for a legend beside them

# What a worker does with its time: the colour and the hatch of each part.
_PARTS = {
    "start": (GREY, "///"),
    "work": (FILLS["work"], ""),
    "wait": (FILLS["waiting"], "..."),
}


class _Bars(NamedTuple):
    """Who worked when: one entry a job, or an attempt at a task."""

    worker: NDArray[np.int64]
    start: NDArray[np.float64]
    finish: NDArray[np.float64]
    failed: NDArray[np.bool_]
    workers: int


def plot_gantt(
    record: RunRecord | PoolInsights | Mapping[str, RunRecord | PoolInsights],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Show what each worker did when: a Gantt chart.

    Parameters
    ----------
    record : RunRecord, PoolInsights, or mapping of str to either
        Records of one pool by name, such as the stream's and the files': mini-batches
        are orange, buckets green, more of a kind have other colours; each has a hatch
        of its own. Of a pool's insights, each attempt at a task is a bar, and what
        is under way ends where they were read.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One row a worker, one bar a job; jobs with a failure are crossed out in red. Of
        more than a thousand bars, only those have an edge: others would hide the bars.
        What is a hundred times as far from 0 as it is long, such as a run with times
        since 1970, counts from its start; the axis says so.

    Examples
    --------
    >>> from mds_sim.files import NightlyPipeline
    >>> from mds_sim.distributions import Constant
    >>> night = NightlyPipeline([6, 4, 7], capacity=10, service=Constant(60.0))
    >>> plot_gantt(night.simulate()).get_title()
    'At most 2 of 10 workers at work'
    """
    ax = axes(ax)
    records = dict(record) if isinstance(record, Mapping) else {"": record}
    all_bars = {label: _bars(one) for label, one in records.items()}
    first, last = span_of(list(all_bars.values()))
    times = time_axis(first, last)
    fills = _fills(list(records.values()))
    for i, (label, bars) in enumerate(all_bars.items()):
        draw = _draw_bars if bars.start.size <= MOST_BARS else _draw_many
        draw(ax, bars, times, color=fills[i], hatch=look(i).hatch, label=label)
    workers = max((bars.workers for bars in all_bars.values()), default=1)
    begin_at_zero(ax, first - times.start, last - times.start)
    _name_rows(ax, [str(number) for number in range(workers)])
    ax.set_xlabel(times.label)
    ax.set_ylabel("worker")
    pool = counted(workers, "worker", spec="")
    ax.set_title(f"At most {_most_busy(all_bars)} of {pool} at work")
    if any(records):
        ax.legend(loc="upper right")
    return ax


def plot_workers(insights: PoolInsights, *, ax: Axes | None = None) -> Axes:
    """Show what each worker of a pool did with its time: start, work, wait.

    Parameters
    ----------
    insights : PoolInsights
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One row a worker, from when the pool asked for it to the end of all work. The
        legend has the share of each part, over all workers.

    Examples
    --------
    >>> from mds_sim.core.insights import PoolInsights, WorkerInfo
    >>> from mds_sim.core.task import TaskRecord
    >>> insights = PoolInsights(
    ...     (TaskRecord(0, "copy", 0.0, 1.0, 4.0, worker=0, error=None),),
    ...     (WorkerInfo(0, "worker-0", asked=0.0, ready=1.0),),
    ...     until=4.0,
    ... )
    >>> plot_workers(insights).get_title()
    'Workers are busy 75% of the time'
    """
    ax = axes(ax)
    workers, all_workers = insights.per_worker, insights.all_workers
    longest = max((worker.total for worker in workers), default=0.0)
    unit, scale = time_unit(longest)
    left = np.zeros(len(workers))
    for part, (colour, hatch) in _PARTS.items():
        width = np.array([getattr(worker, part) for worker in workers]) / scale
        share = getattr(all_workers, part) / (all_workers.total or 1.0)
        ax.barh(
            range(len(workers)),
            width,
            left=left,
            height=HEIGHT,
            color=colour,
            hatch=hatch,
            edgecolor=EDGE,
            linewidth=0.4,
            label=f"{part} {share:.0%}",
        )
        left += width
    _name_rows(ax, [_label(worker.name) for worker in workers])
    ax.set_xlim(0.0, LEGEND_ROOM * longest / scale or 1.0)
    ax.set_xlabel(f"time since the worker was asked for [{unit}]")
    ax.set_ylabel("worker")
    if not workers:
        ax.set_title("No worker was needed")
        return ax
    ax.set_title(f"Workers are busy {insights.busy:.0%} of the time")
    ax.legend(loc="center right")
    return ax


def plot_busy(record: RunRecord | PoolInsights, *, ax: Axes | None = None) -> Axes:
    """Show how many workers were at work, and how many jobs waited, over time.

    Parameters
    ----------
    record : RunRecord or PoolInsights
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The size of the pool is dashed. Time is as in `plot_gantt`.

    Examples
    --------
    >>> from mds_sim.files import NightlyPipeline
    >>> from mds_sim.distributions import Constant
    >>> night = NightlyPipeline([6, 4, 7], capacity=10, service=Constant(60.0))
    >>> plot_busy(night.simulate()).get_ylabel()
    'jobs'
    """
    ax = axes(ax)
    if isinstance(record, PoolInsights):
        last, busy, queue = record.end, record.busy_workers, record.queue_length
        workers, share, noun = len(record.workers), record.busy, "tasks"
    else:
        last, busy, queue = (
            _end(_bars(record)),
            busy_workers(record),
            queue_length(record),
        )
        workers, share, noun = record.workers, record.utilisation, "jobs"
    first = min(float(steps.time.min(initial=last)) for steps in (busy, queue))
    times = time_axis(first, last)
    ax.step(
        times.place(busy.time),
        busy.value,
        where="post",
        color=COLOURS["work"],
        label="at work",
    )
    ax.step(
        times.place(queue.time),
        queue.value,
        where="post",
        color=COLOURS["waiting"],
        linestyle="-.",
        label="waiting",
    )
    ax.axhline(workers, color=GREY, linestyle="--", label="workers")
    ax.set_xlabel(times.label)
    ax.set_ylabel(noun)
    ax.set_title(f"Workers are busy {share:.0%} of the time")
    ax.legend()
    return ax


def _bars(record: RunRecord | PoolInsights) -> _Bars:
    """Return who worked when."""
    if isinstance(record, RunRecord):
        jobs = record.jobs
        failed = np.isin(np.arange(len(jobs)), [f.job for f in record.failures])
        return _Bars(jobs.worker, jobs.start, jobs.finish, failed, record.workers)
    attempts = record.attempts
    return _Bars(
        np.array([attempt.worker for attempt in attempts], np.int64),
        np.array([attempt.started for attempt in attempts]),
        np.array([attempt.finished for attempt in attempts]),
        np.array([attempt.error != "" for attempt in attempts], np.bool_),
        1 + max((worker.number for worker in record.workers), default=-1),
    )


def _fills(records: list[RunRecord | PoolInsights]) -> list[str]:
    """Return a colour for each: mini-batches are work, and jobs with a room buckets."""
    rooms = [isinstance(one, RunRecord) and one.capacity is not None for one in records]
    ideas = [FILLS["buckets" if room else "work"] for room in rooms]
    others = (look(i).fill for i in range(len(records) + len(FILLS)))
    free = (fill for fill in others if fill not in ideas)
    return [next(free) if fill in ideas[:i] else fill for i, fill in enumerate(ideas)]


def _draw_bars(
    ax: Axes, bars: _Bars, times: TimeAxis, *, hatch: str, **drawn: Any
) -> None:
    """Draw bars, each with an edge."""
    thin = 0.4 if bars.start.size <= FEW_BARS else 0.1
    ax.barh(
        bars.worker,
        (bars.finish - bars.start) / times.scale,
        left=times.place(bars.start),
        height=HEIGHT,
        edgecolor=[COLOURS["bad"] if bad else EDGE for bad in bars.failed],
        linewidth=[2.0 if bad else thin for bad in bars.failed],
        hatch=[CROSSED if bad else hatch for bad in bars.failed],
        **drawn,
    )


def _draw_many(ax: Axes, bars: _Bars, times: TimeAxis, **drawn: Any) -> None:
    """Draw bars as one shape, and edges around those that failed."""
    from matplotlib.collections import PolyCollection

    left, right = times.place(bars.start), times.place(bars.finish)
    top, bottom = bars.worker - HEIGHT / 2, bars.worker + HEIGHT / 2
    x = np.stack([left, right, right, left], axis=-1)
    y = np.stack([bottom, bottom, top, top], axis=-1)
    boxes = np.stack([x, y], axis=-1)
    drawn["facecolor"] = drawn.pop("color")
    edges: dict[str, Any] = {
        "facecolor": "none",
        "edgecolor": COLOURS["bad"],
        "hatch": CROSSED,
        "linewidth": 2.0,
    }
    # The hatch has the colour of the edge even if there is none.
    shape = PolyCollection(list(boxes), edgecolor=EDGE, linewidth=0.0, **drawn)
    ax.add_collection(shape)
    ax.add_collection(PolyCollection(list(boxes[bars.failed]), **edges))
    ax.autoscale_view()


def span_of(all_bars: Sequence[_Bars]) -> tuple[float, float]:
    """Return when the first job started and the last one finished [s]; 0 if none."""
    some = [bars for bars in all_bars if bars.start.size]
    first = min((float(bars.start.min()) for bars in some), default=0.0)
    return first, max((_end(bars) for bars in some), default=0.0)


def _end(bars: _Bars) -> float:
    """Return when the last job finished [s]."""
    return float(bars.finish.max()) if bars.finish.size else 0.0


def _most_busy(all_bars: Mapping[str, _Bars]) -> int:
    """Return the most workers at work at one moment."""
    steps = [count_between(bars.start, bars.finish) for bars in all_bars.values()]
    moments = np.concatenate([s.time for s in steps]) if steps else np.empty(0)
    total = np.sum([s.at(moments) for s in steps], axis=0)
    return int(np.max(total, initial=0))


def _name_rows(ax: Axes, names: list[str]) -> None:
    """Write the names of the rows, the first on top; of many rows, of some."""
    step = -(-len(names) // MOST_NAMES) or 1
    ax.set_yticks(range(0, len(names), step), names[::step])
    ax.set_ylim(max(len(names), 1) - 0.5, -0.5)


def _label(name: str) -> str:
    """Return the name of a worker for an axis that says "worker" already."""
    return as_text(shorten(name.removeprefix("worker-"), MOST_LETTERS))
