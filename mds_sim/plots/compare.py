"""Figures of comparisons: how far each alternative is from the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mds_sim.analysis import Comparison

from .style import COLOURS, GREY, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_comparison(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Show how far each alternative is from the best, and what is not clear.

    Parameters
    ----------
    comparison : Comparison
        From `compare`.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The best is on top, at the grey dashes. Of the others the dots with intervals
        are differences to it: circles that cannot be told from the best, crosses of
        another colour that are worse for sure.

    Examples
    --------
    >>> nights = [[12.0, 14, 13, 15, 12], [10.0, 12, 11, 13, 10.5]]
    >>> pair = Comparison(("old", "new"), nights, metric="hours")
    >>> plot_comparison(pair).get_title()
    'new is best, clear of all others'
    """
    ax = axes(ax)
    names, best = comparison.ranking, comparison.best
    ax.axvline(0.0, color=GREY, linestyle="--")
    top = COLOURS["best"]
    ax.plot(0.0, 0, linestyle="", marker="D", color=top, label="best mean")
    for clear, colour, marker, label in (
        (False, COLOURS["simulated"], "o", "cannot be told from it"),
        (True, COLOURS["bad"], "X", "worse"),
    ):
        rows = [
            row
            for row, name in enumerate(names[1:], 1)
            if comparison.is_clear(name, best) == clear
        ]
        if rows:
            gaps = [comparison.difference(names[row], best) for row in rows]
            low, mean, high = np.array([(g.low, g.mean, g.high) for g in gaps]).T
            ax.hlines(rows, low, high, colors=colour)
            ax.plot(mean, rows, linestyle="", marker=marker, color=colour, label=label)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    unit = f" [{comparison.unit}]" if comparison.unit else ""
    sure = f"{100 * comparison.confidence:.6g} %"
    ax.set_xlabel(f"{comparison.metric}: difference to the best{unit}, {sure} at once")
    ax.set_ylabel("alternative")
    ax.set_title(_finding(comparison))
    ax.legend()
    return ax


def _finding(comparison: Comparison) -> str:
    """Say what the figure shows."""
    best, near = comparison.best, len(comparison.leaders) - 1
    if not near:
        return f"{best} is best, clear of all others"
    return f"{best} has the best mean, {near} cannot be told from it"
