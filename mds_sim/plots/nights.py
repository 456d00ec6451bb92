"""Figures of many nights: who is how far over the bound, and how full buckets are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim.analysis.intervals import mean_interval
from mds_sim.files.packing import Packing
from mds_sim.units import counted

from .style import GREY, STRATEGIES, axes, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


def plot_over_bound(
    packings: Mapping[str, Sequence[Packing]],
    *,
    bound: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Compare strategies by their buckets over the bound, on the same many nights.

    Parameters
    ----------
    packings : mapping of str to sequence of Packing
        The same nights for each strategy, two or more.
    bound : array_like of int, shape (n_nights,), optional
        Buckets that each night needs at least, >= 1: a better bound than the bytes
        over the capacity, or the proven optimum.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One row a strategy: the mean of ``buckets / bound`` over the nights, with its
        95 % interval. The bound is dashed.

    Raises
    ------
    ValueError
        If there is nothing to compare, a strategy has other nights than the first, or
        `bound` is not one number >= 1 for each night.

    Examples
    --------
    >>> from mds_sim.files import NextFit, pack
    >>> nights = [[6, 5, 4, 5, 4, 6], [7, 6, 3, 4, 5, 5]]
    >>> ax = plot_over_bound(
    ...     {
    ...         "FirstFitDecreasing": [pack(night, 10) for night in nights],
    ...         "NextFit": [pack(night, 10, NextFit()) for night in nights],
    ...     }
    ... )
    >>> ax.get_title()
    'From 0.0 % over the bound (FirstFitDecreasing) to 33.3 % (NextFit)'
    """
    nights = _common_nights(packings)
    least = _checked_bound(bound, nights)
    ax, seen = axes(ax), looks(packings, STRATEGIES)
    over: dict[str, float] = {}
    for row, (name, found) in enumerate(packings.items()):
        mean = mean_interval([p.n_buckets for p in found] / least)
        over[name] = mean.mean
        ax.errorbar(
            mean.mean, row, xerr=mean.half_width, capsize=3,
            marker=seen[name].marker, color=seen[name].colour,
        )  # fmt: skip
    ax.axvline(1.0, color=GREY, linestyle="--", linewidth=1.5)
    ax.set_yticks(range(len(over)), list(over))
    ax.set_ylim(len(over) - 0.5, -0.5)
    low, high = min(over, key=over.__getitem__), max(over, key=over.__getitem__)
    ax.set_title(
        f"From {over[low] - 1:.1%} over the bound ({low}) to {over[high] - 1:.1%} "
        f"({high})".replace("%", " %")
    )
    ax.set_xlabel(f"buckets / bound [mean of {counted(len(nights), 'night')}, 95 %]")
    ax.set_ylabel("strategy")
    return ax


def plot_fills(
    packings: Mapping[str, Sequence[Packing]], *, ax: Axes | None = None
) -> Axes:
    """Show how full the buckets of many nights are, one curve a strategy.

    Parameters
    ----------
    packings : mapping of str to sequence of Packing
        One or more nights for each strategy.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The share of buckets that are at most so full. An oversize file is alone in a
        bucket that counts as full. The capacity is dashed.

    Raises
    ------
    ValueError
        If there is nothing to compare, or a strategy has no buckets.

    Examples
    --------
    >>> from mds_sim.files import NextFit, pack
    >>> night = [6, 5, 4, 5, 4, 6]
    >>> ax = plot_fills({"NextFit": [pack(night, 10, NextFit())]})
    >>> ax.get_title()
    'Mean fill: NextFit 75 %'
    """
    _check_some(packings)
    fills = {name: _fills(name, found) for name, found in packings.items()}
    ax = axes(ax)
    for name, look in looks(fills, STRATEGIES).items():
        drawn = {"color": look.colour, "linestyle": look.dash, "linewidth": 2}
        ax.ecdf(fills[name], label=name, **drawn)
    ax.axvline(1.0, color=GREY, linestyle="--", linewidth=1.5)
    ax.set_xlim(0.0, 1.02)
    ax.set_ylim(0.0, 1.02)
    ax.legend(loc="upper left")
    means = ", ".join(
        f"{name} {100 * fill.mean():.0f} %" for name, fill in fills.items()
    )
    ax.set_title(f"Mean fill: {means}")
    ax.set_xlabel("fill [capacities]")
    ax.set_ylabel("share of buckets at most so full")
    return ax


def _check_some(packings: Mapping[str, Sequence[Packing]]) -> None:
    """Refuse what leaves nothing to draw."""
    if not packings:
        raise ValueError("packings must hold at least one strategy, got none")


def _common_nights(packings: Mapping[str, Sequence[Packing]]) -> Sequence[Packing]:
    """Return the packings of one strategy; all others must be of the same nights."""
    _check_some(packings)
    (first, nights), *others = packings.items()
    if len(nights) < 2:
        raise ValueError(
            f"packings must hold 2 nights or more for an interval, got {len(nights)}"
        )
    for name, found in others:
        if len(found) != len(nights) or not all(map(_are_of_one, found, nights)):
            raise ValueError(
                "packings must be of the same nights, "
                f"but those of {name!r} differ from those of {first!r}"
            )
    return nights


def _are_of_one(one: Packing, other: Packing) -> bool:
    """Tell whether two packings are of the same files and capacity."""
    same = one.capacity == other.capacity
    return same and np.array_equal(one.sizes, other.sizes)


def _checked_bound(bound: ArrayLike | None, nights: Sequence[Packing]) -> Floats:
    """Return the buckets that each night needs at least."""
    given = [night.lower_bound for night in nights] if bound is None else bound
    least = _validate.numbers("bound", given)
    if least.size != len(nights):
        raise ValueError(
            "bound must hold one number for each of "
            f"{counted(len(nights), 'night', spec='')}, "
            f"got {least.size}"
        )
    if not (least >= 1).all():
        i = int(np.argmin(least >= 1))
        raise ValueError(f"bound must be >= 1 bucket, but bound[{i}] = {least[i]:g}")
    return least


def _fills(name: str, found: Sequence[Packing]) -> Floats:
    """Return the fill of every bucket of all nights, at most 1."""
    fills = [1.0 - packing.waste for packing in found]
    if not sum(fill.size for fill in fills):
        raise ValueError(f"packings[{name!r}] must have a bucket, got none")
    return np.concatenate(fills)
