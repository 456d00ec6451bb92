"""Figures of analysis: where a warm-up ends, and which intervals hold the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mds_sim import _validate
from mds_sim.analysis.intervals import Interval
from mds_sim.analysis.warmup import Warmup
from mds_sim.units import counted

from .style import COLOURS, GREY, axes, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LABELS = 40  # that can be read in one figure


def plot_warmup(
    series: ArrayLike,
    warmup: Warmup,
    *,
    quantity: str = "value",
    ax: Axes | None = None,
) -> Axes:
    """Show how the running mean settles, with and without the warm-up.

    Parameters
    ----------
    series : array_like of float, shape (n,)
        Values in order of time.
    warmup : Warmup
        What `mser5` found in them.
    quantity : str, optional
        What they are, with the unit: ``"waiting time [s]"``.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The end of the warm-up is dashed.

    Raises
    ------
    ValueError
        If `warmup` is of a series of another length.

    Examples
    --------
    >>> from mds_sim.analysis import mser5
    >>> series = [9.0] * 20 + [1.0, 2.0] * 100
    >>> plot_warmup(series, mser5(series)).get_title()
    'Warm-up: the first 20 of 220 values'
    """
    ax = axes(ax)
    values = _validate.numbers("series", series)
    if values.size != warmup.n:
        raise ValueError(
            f"series must hold the {warmup.n} values that warmup was found in, "
            f"got {values.size}"
        )
    end = warmup.truncation
    for start, colour, style, label in (
        (0, look(1).colour, "-.", "of all values"),
        (end, COLOURS["simulated"], "-", "without the warm-up"),
    ):
        seen = np.arange(1, values.size - start + 1)
        mean = np.cumsum(values[start:]) / seen
        ax.plot(start + seen, mean, color=colour, linestyle=style, label=label)
    ax.axvline(end, color=GREY, linestyle="--", label="end of the warm-up")
    ax.set_xlim(0, values.size)
    ax.set_xlabel("values")
    ax.set_ylabel(f"running mean of {quantity}")
    verdict = "" if warmup.reliable else " (not reliable: run longer)"
    ax.set_title(f"Warm-up: the first {end:,} of {warmup.n:,} values{verdict}")
    ax.legend()
    return ax


def plot_intervals(
    intervals: Mapping[str, Interval],
    truth: float | None = None,
    *,
    quantity: str = "value",
    ax: Axes | None = None,
) -> Axes:
    """Show intervals below each other, and which of them miss the truth.

    Parameters
    ----------
    intervals : mapping of str to Interval
        By name, from top to bottom.
    truth : float, optional
        What they should hold, such as a value that theory knows.
    quantity : str, optional
        What they are of, with the unit: ``"waiting time [s]"``.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Dots with intervals; those that miss the truth are crosses of another colour.

    Examples
    --------
    >>> from mds_sim.analysis import mean_interval
    >>> nights = {"9": mean_interval([1.0, 2.0]), "10": mean_interval([7.0, 7.5])}
    >>> plot_intervals(nights, truth=1.5).get_title()
    '1 of 2 intervals misses the truth'
    """
    ax = axes(ax)
    named = list(intervals.values())
    missed = [truth is not None and not one.contains(truth) for one in named]
    for miss, colour, marker, label in (
        (False, COLOURS["simulated"], "o", "holds the truth"),
        (True, COLOURS["bad"], "X", "misses it"),
    ):
        rows = [row for row, bad in enumerate(missed) if bad == miss]
        if rows:
            low, mean, high = np.array(
                [(named[row].low, named[row].mean, named[row].high) for row in rows]
            ).T
            ax.hlines(rows, low, high, colors=colour)
            ax.plot(mean, rows, linestyle="", marker=marker, color=colour, label=label)
    if truth is not None:
        ax.axvline(truth, color=COLOURS["truth"], label="truth")
        ax.legend()
    if len(named) <= MOST_LABELS:
        ax.set_yticks(range(len(named)), list(intervals))
    ax.set_ylim(max(len(named), 1) - 0.5, -0.5)
    ax.set_xlabel(quantity)
    ax.set_ylabel("interval")
    ax.set_title(_verdict(len(named), sum(missed), truth is not None))
    return ax


def _verdict(n: int, missed: int, judged: bool) -> str:
    """Say how many intervals miss the truth."""
    if not judged:
        return counted(n, "interval")
    verb = "misses" if missed == 1 or n == 1 else "miss"
    return f"{missed:,} of {counted(n, 'interval')} {verb} the truth"
