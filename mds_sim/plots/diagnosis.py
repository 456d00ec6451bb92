"""Figures of data that somebody brings: the rate over the day, the law of sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mds_sim.analysis.diagnosis import Diagnosis
from mds_sim.units import HOUR, MB

from .style import COLOURS, GREY, INK, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# One colour and one dash for each law, wherever it is drawn.
_LAWS = {
    "exponential": (COLOURS["theory"], "-"),
    "gamma": (INK[2], "--"),
    "lognormal": (INK[1], "-."),
    "Pareto": (INK[5], ":"),
}
_MOST = 400  # markers: more would hide the lines


def plot_daily_rate(diagnosis: Diagnosis, *, ax: Axes | None = None) -> Axes:
    """Show how many messages come an hour, by the hour of the day.

    Parameters
    ----------
    diagnosis : Diagnosis
        Of a trace or a record, by `diagnose`.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        A step for each hour; the mean rate is dashed.

    Raises
    ------
    ValueError
        If the diagnosis has no arrivals.

    Examples
    --------
    >>> from mds_sim.analysis import diagnose
    >>> from mds_sim.stream import PoissonArrivals, TraceArrivals
    >>> times = PoissonArrivals(0.01).sample(until=7 * 86400, rng=1)
    >>> plot_daily_rate(diagnose(TraceArrivals(times))).get_ylabel()
    'arrivals an hour'
    """
    stream = diagnosis.arrivals
    if stream is None:
        raise ValueError("diagnosis must have arrivals, got one of sizes only")
    ax = axes(ax)
    rates = np.array(stream.rates) * HOUR
    hours, colour = np.arange(25.0), COLOURS["messages"]
    ax.stairs(rates, hours, baseline=None, color=colour, lw=1.5, label="by the hour")
    ax.axhline(
        stream.trace.rate * HOUR,
        color=GREY,
        linestyle="--",
        label="mean of all hours",
    )
    ax.set_xlim(0, 24)
    ax.set_ylim(bottom=0)
    ax.set_xticks(range(0, 25, 3))
    ax.set_xlabel("hour of the day")
    ax.set_ylabel("arrivals an hour")
    high, low = rates.max(), rates.min()
    ax.set_title(f"From {low:,.3g} to {high:,.3g} arrivals an hour over the day")
    ax.legend(fontsize="small")
    return ax


def plot_size_laws(diagnosis: Diagnosis, *, ax: Axes | None = None) -> Axes:
    """Show which share of the files is larger than a size, beside four laws.

    Parameters
    ----------
    diagnosis : Diagnosis
        Of sizes, by `diagnose`.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Both axes are logarithmic, so that the large files can be seen: markers for
        the files, a line for each law.

    Raises
    ------
    ValueError
        If the diagnosis has no sizes, or too few to fit a law.

    Examples
    --------
    >>> from mds_sim.analysis import diagnose
    >>> from mds_sim.data import deb_sizes
    >>> plot_size_laws(diagnose(deb_sizes().sizes)).get_title()
    'The lognormal law is nearest to these sizes'
    """
    found = diagnosis.sizes
    if found is None or found.best is None:
        raise ValueError("diagnosis must have sizes enough to fit a law, got none")
    ax = axes(ax)
    ranked = np.sort(found.sizes[found.sizes > 0]).astype(np.float64)
    # The share that is at least so large, so that the largest file has one.
    share = 1.0 - np.arange(ranked.size) / ranked.size
    shown = np.unique(np.linspace(0, ranked.size - 1, _MOST).astype(np.int64))
    shown = np.union1d(shown, np.arange(max(0, ranked.size - 20), ranked.size))
    for fit in found.fits:
        colour, dash = _LAWS[fit.name]
        grid = np.geomspace(ranked[0], ranked[-1], 300)
        tail = 1.0 - fit.cdf(grid)
        words = f"{fit.name}, off by {fit.distance:.0%} at most"
        ax.plot(grid / MB, tail, color=colour, linestyle=dash, label=words)
    ax.plot(
        ranked[shown] / MB,
        share[shown],
        linestyle="",
        marker="o",
        markersize=3,
        color=COLOURS["simulated"],
        label="the files",
    )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(0.5 / ranked.size, 1.5)
    ax.set_xlabel("size [MB]")
    ax.set_ylabel("share of files at least so large")
    ax.set_title(f"The {found.best.name} law is nearest to these sizes")
    ax.legend(fontsize="small", loc="lower left")
    return ax
