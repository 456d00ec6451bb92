"""Figures of buckets: how full they are, what is in them, who needs the fewest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mds_sim.files.makespans import BucketSizes
from mds_sim.files.packing import Packing
from mds_sim.units import KB, MB, counted, format_bytes

from .style import COLOURS, FILLS, GREY, QUIET, STRATEGIES, axes, look, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 200  # more bars than that cannot be told apart
MOST_BUCKETS = 60
DARK = 0.2  # capacities; white can be read on files that are smaller
HEADROOM = 1.5  # capacities shown; a taller oversize file is cut and labelled

_BOUND: dict[str, Any] = {"color": GREY, "linestyle": "--", "linewidth": 1.5}


def plot_fill(packing: Packing, *, ax: Axes | None = None) -> Axes:
    """Show how full the buckets are, one bar each, the fullest first.

    Parameters
    ----------
    packing : Packing
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The capacity is dashed. A bar above it is a lone oversize file; one that is
        much too tall is cut at the top.

    Examples
    --------
    >>> from mds_sim.files import pack
    >>> plot_fill(pack([6, 5, 4, 25], capacity=10)).get_title()
    '3 buckets, 83% full on average, 1 oversize'
    """
    ax = axes(ax)
    fill = np.sort(packing.fill)[::-1]
    if fill.size <= MOST_BARS:
        ax.bar(np.arange(1, fill.size + 1), fill, color=FILLS["buckets"])
    else:  # one shape instead of thousands of bars
        edges = np.arange(fill.size + 1) + 0.5
        ax.stairs(fill, edges, fill=True, color=FILLS["buckets"])
    _mark_capacity(ax, 1.0, float(fill.max(initial=0.0)))
    share = packing.summary().fill_mean
    oversize = f", {packing.n_oversize:,} oversize" if packing.n_oversize else ""
    ax.set_title(
        f"{counted(packing.n_buckets, 'bucket')}, {share:.0%} full on average{oversize}"
    )
    ax.set_xlabel("buckets, the fullest first")
    ax.set_ylabel("fill [capacities]")
    return ax


def plot_packing(
    packing: Packing, *, sizes: bool = False, ax: Axes | None = None
) -> Axes:
    """Show each bucket as a stack of its files, the largest below.

    Parameters
    ----------
    packing : Packing
        Up to 60 buckets are shown.
    sizes : bool, optional
        Write the size of each file on it: for a few large ones.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The capacity is dashed; dark files are small, bright ones large. An oversize
        file that is much too tall is cut at the top, and its size is written there.

    Examples
    --------
    >>> from mds_sim.files import pack
    >>> plot_packing(pack([6, 5, 4, 25], capacity=10)).get_title()
    '4 files in 3 buckets, lower bound 3'
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import PowerNorm

    ax = axes(ax)
    shown = min(packing.n_buckets, MOST_BUCKETS)
    unit, name = _unit(packing.capacity)
    files, corners = _stacks(packing, shown, unit)
    stacks = PolyCollection(
        list(corners),
        array=packing.sizes[files] / unit,
        cmap="cividis",
        norm=PowerNorm(
            0.5, 0.0, packing.capacity / unit
        ),  # sets small files apart, too
        edgecolor=GREY,  # to be seen beside dark and bright files, and on white
        linewidth=0.5,
    )
    ax.add_collection(stacks)
    _limit(ax, packing, shown, unit)
    if sizes:
        _write_sizes(ax, corners, packing.sizes[files] / packing.capacity)
    title = (
        f"{counted(packing.sizes.size, 'file')} in "
        f"{counted(packing.n_buckets, 'bucket')}, "
        f"lower bound {packing.lower_bound:,}"
    )
    if shown < packing.n_buckets:
        title += f" (first {shown} shown)"
    ax.set_title(title)
    ax.set_xlabel("bucket")
    ax.locator_params(axis="x", integer=True)
    ax.set_ylabel(f"load [{name}]")
    return ax


def plot_strategies(packings: Mapping[str, Packing], *, ax: Axes | None = None) -> Axes:
    """Compare strategies by the buckets that they need for the same files.

    Parameters
    ----------
    packings : mapping of str to Packing
        A packing for each strategy's name; one of ours has the same colour and
        hatch in every figure.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The lower bound is dashed; beside each bar stands how many buckets are over it.

    Raises
    ------
    ValueError
        If there is nothing to compare, or the packings are of different files.

    Examples
    --------
    >>> from mds_sim.files import NextFit, pack
    >>> sizes = [6, 5, 4, 5, 4, 6]
    >>> packings = {
    ...     "FirstFitDecreasing": pack(sizes, capacity=10),
    ...     "NextFit": pack(sizes, capacity=10, strategy=NextFit()),
    ... }
    >>> plot_strategies(packings).get_title()
    'FirstFitDecreasing needs the fewest buckets, 3'
    """
    bound = _common_bound(packings)
    ax = axes(ax)
    names = list(packings)
    needed = [packings[name].n_buckets for name in names]
    seen = looks(names, STRATEGIES).values()
    fills, hatches = [one.fill for one in seen], [one.hatch for one in seen]
    bars = ax.barh(
        names, needed, color=fills, hatch=hatches, edgecolor="black", linewidth=0.5
    )
    ax.bar_label(bars, [f" +{n - bound:,}" for n in needed])
    ax.axvline(bound, **_BOUND)
    ax.margins(x=0.12)
    ax.invert_yaxis()
    best = [name for name in names if packings[name].n_buckets == min(needed)]
    who = f"{len(best)} strategies need" if len(best) > 1 else f"{best[0]} needs"
    ax.set_title(f"{who} the fewest buckets, {min(needed):,}")
    ax.set_xlabel(f"buckets (dashed: lower bound, {bound:,})")
    ax.set_ylabel("strategy")
    return ax


def plot_bucket_sizes(curve: BucketSizes, *, ax: Axes | None = None) -> Axes:
    """Show how long nights take with larger and larger buckets.

    Parameters
    ----------
    curve : BucketSizes
        From `files.bucket_sizes`.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Markers are means, with two standard errors; dashed is the mean time before
        which nobody could be done, whatever the buckets, if the service tells it, and
        for these buckets if not. Dotted: from here on there is a wave less, at most.

    Examples
    --------
    >>> from mds_sim.files import bucket_sizes
    >>> from mds_sim.sim import LinearService
    >>> service = LinearService(per_byte=1.0)
    >>> curve = bucket_sizes([[4] * 11], [4, 8, 12], service, workers=10)
    >>> plot_bucket_sizes(curve).get_title()
    'Nights are shortest with buckets of 4 B: 8 s on 10 workers'
    """
    ax = axes(ax)
    unit, name = _unit(int(curve.capacity.max()))
    room = curve.capacity / unit
    ax.errorbar(
        room, curve.mean, 2 * curve.error, color=COLOURS["simulated"], marker="o",
        linestyle=":", linewidth=0.8, capsize=2, label="mean makespan",
    )  # fmt: skip
    if curve.ideal > 0:
        bound, whose = np.full(room.size, curve.ideal), "work shared out evenly"
    else:
        bound, whose = curve.lower_bound.mean(axis=1), "bound for these buckets"
    ax.plot(room, bound, label=whose, **_BOUND)
    label = "a wave less"
    for right in np.flatnonzero(np.diff(np.ceil(curve.waves)) < 0) + 1:
        place = (room[right - 1] + room[right]) / 2
        ax.axvline(place, color=GREY, linestyle=":", linewidth=1.0, label=label)
        label = ""  # one entry in the legend
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    shortest = float(curve.mean.min())
    ax.set_title(
        f"Nights are shortest with buckets of {format_bytes(curve.best)}: "
        f"{shortest:.3g} s on {counted(curve.workers, 'worker')}"
    )
    ax.set_xlabel(f"room of a bucket [{name}]")
    ax.set_ylabel("makespan [s]")
    return ax


def _unit(size: int) -> tuple[int, str]:
    """Return the unit that suits a size, in bytes and by name."""
    units = ((MB, "MB"), (KB, "kB"))
    return next(((unit, name) for unit, name in units if size >= unit), (1, "B"))


def _stacks(
    packing: Packing, shown: int, unit: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the files of the first buckets and the corners of their boxes."""
    order = np.lexsort((-packing.sizes, packing.bucket))
    files = order[packing.bucket[order] < shown]
    bucket, sizes = packing.bucket[files], packing.sizes[files]
    first = np.flatnonzero(np.diff(bucket, prepend=-1))
    below = np.cumsum(sizes) - sizes
    bottom = (below - below[first][bucket]) / unit
    left, right, top = bucket - 0.4, bucket + 0.4, bottom + sizes / unit
    x = np.stack([left, right, right, left], axis=-1)
    y = np.stack([bottom, bottom, top, top], axis=-1)
    return files, np.stack([x, y], axis=-1)


def _write_sizes(
    ax: Axes, corners: NDArray[np.float64], share: NDArray[np.float64]
) -> None:
    """Write sizes on their boxes; their `share` of the capacity makes them bright."""
    size = corners[:, 2, 1] - corners[:, 0, 1]
    where = corners.mean(axis=1)
    for (x, y), height, bright in zip(where, size, share, strict=True):
        ax.text(
            x, y, f"{height:.3g}", ha="center", va="center", size="x-small",
            color="black" if bright > DARK else "white", clip_on=True,
        )  # fmt: skip


def _limit(ax: Axes, packing: Packing, shown: int, unit: int) -> None:
    """Set the limits, and write the size of what they cut above them."""
    load = packing.load[:shown] / unit
    ax.set_xlim(-0.6, max(shown, 1) - 0.4)
    top = _mark_capacity(ax, packing.capacity / unit, float(load.max(initial=0.0)))
    for bucket in np.flatnonzero(load > top).tolist():
        text = f"{format_bytes(int(packing.load[bucket]))} "
        ax.text(bucket, top, text, rotation=90, ha="center", va="top", size="small")


def _mark_capacity(ax: Axes, capacity: float, highest: float) -> float:
    """Draw the capacity, and return the top of the axes."""
    ax.axhline(capacity, **_BOUND)
    top = min(HEADROOM * capacity, 1.05 * max(capacity, highest))
    ax.set_ylim(0.0, top)
    beside = ax.get_yaxis_transform()
    ax.text(1.01, capacity, "capacity", transform=beside, va="center", color=QUIET)
    return top


def _common_bound(packings: Mapping[str, Packing]) -> int:
    """Return the lower bound of all packings, which must be of the same files."""
    if not packings:
        raise ValueError("packings must hold at least one packing, got none")
    (first, reference), *others = packings.items()
    for name, packing in others:
        same = packing.capacity == reference.capacity
        if not same or not np.array_equal(packing.sizes, reference.sizes):
            raise ValueError(
                "packings must be of the same files and capacity, "
                f"but {name!r} differs from {first!r}"
            )
    return reference.lower_bound


def strategy_colour(name: str, i: int = 0) -> str:
    """Return the colour of a strategy's lines and markers, the same in all figures.

    Parameters
    ----------
    name : str
        Name of its class.
    i : int, optional
        Place of the colour, should the strategy not be one of ours.

    Examples
    --------
    >>> strategy_colour("FirstFitDecreasing") == look(0).colour
    True
    """
    return look(STRATEGIES.index(name) if name in STRATEGIES else i).colour
