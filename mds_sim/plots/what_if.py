"""Figures of one setting of the stream: who is done when, and what workers change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mds_sim import _validate
from mds_sim.analysis.what_if import QUANTILES, StreamAnswer
from mds_sim.theory import BatchQueue
from mds_sim.units import counted, format_seconds, written_unit

from .style import COLOURS, FILLS, GREY, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = 8  # pools that are shown


def plot_done_within(answer: StreamAnswer, *, ax: Axes | None = None) -> Axes:
    """Show which share of the messages is done within a time, beside the theory.

    Parameters
    ----------
    answer : StreamAnswer
        From `analysis.what_if`.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Markers with 95 % intervals are simulated, the line is exact. The end of a
        window is dotted, 99 % is dashed. The unit is that in which one would write the
        99th percentile, as in `plot_pool_sizes` and in the verdict of the answer.

    Examples
    --------
    >>> from mds_sim.analysis import what_if
    >>> answer = what_if(rate=1 / 6, length=300, mean_service=60, workers=10, rng=1)
    >>> plot_done_within(answer).get_title()
    'In the long run 99 % are done within 8.07 min'
    """
    ax = axes(_checked(answer, ax))
    unit, scale = _unit(answer)
    mean = np.array([one.mean for one in answer.done])
    half = np.array([one.half_width for one in answer.done])
    below, above = np.minimum(half, mean), np.minimum(half, 1 - mean)
    ax.errorbar(
        answer.times / scale,
        mean,
        yerr=np.vstack([below, above]),
        fmt="o",
        markersize=4,
        color=COLOURS["simulated"],
        label="simulated, 95 %",
    )
    if answer.theory is not None:
        fine = np.linspace(0.0, float(answer.times[-1]), 200)
        line = answer.theory.latency_cdf(fine)
        ax.plot(fine / scale, line, color=COLOURS["theory"], label="theory")
    ax.axhline(QUANTILES[-1], color=GREY, linestyle="--", label="99 %")
    edge = answer.length / scale
    ax.axvline(edge, color=COLOURS["windows"], linestyle=":", label="window")
    ax.set_ylim(0, 1.03)
    ax.set_xlabel(f"latency [{unit}]")
    ax.set_ylabel("share of messages done")
    title = "More work than the pool can do: latency grows"
    if answer.theory is not None:
        late = answer.theory.latency_quantile(QUANTILES[-1])
        title = f"In the long run 99 % are done within {format_seconds(late)}"
    ax.set_title(title)
    ax.legend(loc="lower right", fontsize="small")
    return ax


def plot_pool_sizes(answer: StreamAnswer, *, ax: Axes | None = None) -> Axes:
    """Show how latency would change with more workers or fewer.

    Parameters
    ----------
    answer : StreamAnswer
        From `analysis.what_if`.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The line is the exact 99th percentile of latency for pools that keep up, the
        marker with its 95 % interval what was simulated. The least, without any
        waiting, is dashed; pools that cannot keep up are shaded.

    Examples
    --------
    >>> from mds_sim.analysis import what_if
    >>> answer = what_if(rate=1 / 6, length=300, mean_service=1800, workers=6, rng=1)
    >>> plot_pool_sizes(answer).get_title()
    '6 workers, and 98 % of them busy'
    """
    ax = axes(_checked(answer, ax))
    least = int(answer.load) + 1
    pools = list(range(least, max(least + _WIDE, answer.workers + 3)))
    late = [_latest(answer, workers) for workers in pools]
    here = answer.quantiles[-1]
    # The smallest pool that keeps up may do so only just: it would hide the others.
    top = max(late[min(2, len(late) - 1)] * 1.5, 1.4 * here.mean)
    if answer.theory is not None:  # but what is asked for is shown
        top = max(top, 1.1 * answer.theory.latency_quantile(QUANTILES[-1]))
    unit, scale = _unit(answer)
    ax.plot(pools, np.array(late) / scale, color=COLOURS["theory"], label="theory")
    ax.axhline(late[-1] / scale, color=GREY, linestyle="--", label="nobody waits")
    ax.errorbar(
        answer.workers,
        here.mean / scale,
        yerr=here.half_width / scale,
        fmt="o",
        color=COLOURS["simulated"],
        label="simulated, 95 %",
    )
    first = min(answer.workers, least) - 1
    ax.axvspan(
        first, answer.load, fc=(FILLS["bad"], 0.2), ec=COLOURS["bad"], label="too few"
    )
    ax.set_xlim(first, pools[-1] + 0.5)
    ax.set_ylim(0, top / scale)
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("workers")
    ax.set_ylabel(f"99 % of latency [{unit}]")
    busy = f"{min(answer.load / answer.workers, 1.0):.0%}".replace("%", " %")
    of_them = "of it" if answer.workers == 1 else "of them"
    pool = counted(answer.workers, "worker", spec="")
    ax.set_title(f"{pool}, and {busy} {of_them} busy")
    ax.legend(loc="upper right", fontsize="small")
    return ax


def _unit(answer: StreamAnswer) -> tuple[str, float]:
    """Return the unit of latency in both figures, and its length [s]."""
    if answer.theory is None:
        return written_unit(answer.quantiles[-1].mean)
    return written_unit(answer.theory.latency_quantile(QUANTILES[-1]))


def _latest(answer: StreamAnswer, workers: int) -> float:
    """Return within which time 99 % are done, with so many workers [s]."""
    try:
        queue = BatchQueue(answer.rate, answer.length, answer.mean_service, workers)
    except ValueError:  # it can hardly keep up
        return float("inf")
    return queue.latency_quantile(QUANTILES[-1])


def _checked(answer: StreamAnswer, ax: Axes | None) -> Axes | None:
    """Refuse what is no answer of `what_if`."""
    _validate.instance("answer", answer, StreamAnswer, "what what_if(...) returns")
    return ax
