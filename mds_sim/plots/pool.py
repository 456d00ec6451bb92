"""Figures of the worker pool: who did what, and how busy everybody was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mds_sim.analysis.metrics import busy_workers, queue_length
from mds_sim.records import RunRecord

from .style import OKABE_ITO, axes, begin_at_zero, time_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HATCHES = ("", "///", "...", "xx")


def plot_gantt(
    record: RunRecord | Mapping[str, RunRecord], *, ax: Axes | None = None
) -> Axes:
    """Show what each worker did when: a Gantt chart.

    Parameters
    ----------
    record : RunRecord or mapping of str to RunRecord
        Records of one pool by name, such as the stream's and the files': one colour
        and hatch each.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One row a worker, one bar a job; jobs with a failure have a red edge.

    Examples
    --------
    >>> from mds_sim.files import NightlyPipeline
    >>> from mds_sim.distributions import Constant
    >>> night = NightlyPipeline([6, 4, 7], capacity=10, service=Constant(60.0))
    >>> plot_gantt(night.simulate()).get_title()
    'At most 2 of 10 workers at work'
    """
    ax = axes(ax)
    records = {"": record} if isinstance(record, RunRecord) else dict(record)
    unit, scale = time_unit(max((_end(r) for r in records.values()), default=0.0))
    for i, (label, one) in enumerate(records.items()):
        jobs = one.jobs
        failed = np.isin(np.arange(len(jobs)), [f.job for f in one.failures])
        ax.barh(
            jobs.worker,
            (jobs.finish - jobs.start) / scale,
            left=jobs.start / scale,
            height=0.8,
            color=OKABE_ITO[i % len(OKABE_ITO)],
            edgecolor=[OKABE_ITO[3] if bad else "white" for bad in failed],
            linewidth=[2.0 if bad else 0.4 for bad in failed],
            hatch=HATCHES[i % len(HATCHES)],
            label=label,
        )
    workers = max((r.workers for r in records.values()), default=1)
    first = min((_begin(r) for r in records.values()), default=0.0)
    begin_at_zero(ax, first, max((_end(r) for r in records.values()), default=0.0))
    ax.set_ylim(workers - 0.5, -0.5)
    ax.set_yticks(range(workers))
    ax.set_xlabel(f"time [{unit}]")
    ax.set_ylabel("worker")
    ax.set_title(f"At most {_most_busy(records)} of {workers} workers at work")
    if any(records):
        ax.legend(loc="upper right")
    return ax


def plot_busy(record: RunRecord, *, ax: Axes | None = None) -> Axes:
    """Show how many workers were at work, and how many jobs waited, over time.

    Parameters
    ----------
    record : RunRecord
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The size of the pool is dashed.

    Examples
    --------
    >>> from mds_sim.files import NightlyPipeline
    >>> from mds_sim.distributions import Constant
    >>> night = NightlyPipeline([6, 4, 7], capacity=10, service=Constant(60.0))
    >>> plot_busy(night.simulate()).get_ylabel()
    'jobs'
    """
    ax = axes(ax)
    unit, scale = time_unit(_end(record))
    busy, queue = busy_workers(record), queue_length(record)
    ax.step(
        busy.time / scale, busy.value, where="post", color=OKABE_ITO[0], label="at work"
    )
    ax.step(
        queue.time / scale,
        queue.value,
        where="post",
        color=OKABE_ITO[3],
        linestyle="-.",
        label="waiting",
    )
    ax.axhline(record.workers, color="grey", linestyle="--", label="workers")
    ax.set_xlabel(f"time [{unit}]")
    ax.set_ylabel("jobs")
    ax.set_title(f"Workers are busy {record.utilisation:.0%} of the time")
    ax.legend()
    return ax


def _begin(record: RunRecord) -> float:
    """Return when the first job started [s]."""
    return float(record.jobs.start.min()) if len(record.jobs) else 0.0


def _end(record: RunRecord) -> float:
    """Return when the last job finished [s]."""
    return float(record.jobs.finish.max()) if len(record.jobs) else 0.0


def _most_busy(records: Mapping[str, RunRecord]) -> int:
    """Return the most workers at work at one moment."""
    steps = [busy_workers(record) for record in records.values()]
    moments = np.concatenate([s.time for s in steps]) if steps else np.empty(0)
    total = np.sum([s.at(moments) for s in steps], axis=0)
    return int(np.max(total, initial=0))
