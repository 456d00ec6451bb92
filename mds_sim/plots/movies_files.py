"""A movie of packing: the same files fall into buckets, by each strategy beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim.files.packing import Packing
from mds_sim.units import counted, format_bytes

from .movie import Movie
from .style import GREY, QUIET, STRATEGIES, STYLE, cut, looks

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ARRIVAL, LARGEST = "in order of arrival", "largest first"
ORDERS = {"arrival": ARRIVAL, "largest": LARGEST}
# What these names tell, as do all that end with "Decreasing".
BY_NAME = {
    "NextFit": ARRIVAL,
    "FirstFit": ARRIVAL,
    "BestFit": ARRIVAL,
    "WorstFit": ARRIVAL,
    "AlmostWorstFit": ARRIVAL,
    "LookbackFit": ARRIVAL,
    "Harmonic": ARRIVAL,
    "Balanced": LARGEST,
    "MinimumBinSlack": LARGEST,
    "Optimal": LARGEST,
}

MOST_PANELS = 4
MOST_BUCKETS = 60  # more cannot be told apart
ROOF, SKY = 1.2, 1.4  # capacities shown; files fall from the sky
HIGHEST = 1.5  # an oversize file that is taller is cut, and its size written
TO_FALL = 3  # pictures a file, or it is there at once
PALE = 0.5  # how much of its colour a file keeps that has been there for a while
WIDTH, HEIGHTS = 9.0, {1: 3.4, 2: 5.4}  # inches, by rows of panels


def movie_packing(
    packings: Packing | Mapping[str, Packing],
    *,
    order: str | Mapping[str, str] | None = None,
    pictures: int = 50,
    seconds: float = 10.0,
) -> Movie:
    """Show files packed one by one, by up to four strategies side by side.

    Parameters
    ----------
    packings : Packing or mapping of str to Packing
        One, or packings of the same files by the names of up to 4 strategies; ours
        have the same colours in every figure. At most 60 buckets each.
    order : {"arrival", "largest"}, or mapping of str to them, optional
        The order in which the files come: for all, or for the strategies named. See
        the notes for what it is if nothing is said.
    pictures : int, default 50
        How many, >= 1, but for one more at the end. With three or more a file, files
        are seen to fall.
    seconds : float, default 10
        How long it takes [s], > 0, before it stays at the end for a moment.

    Returns
    -------
    Movie
        A stack of files is a bucket. Files just placed have a black edge. The capacity
        is dashed, and so is the number of buckets that any packing needs at least:
        what stands to its right may be too many. An oversize file that is much too
        tall is cut at the top, and its size is written there.

    Raises
    ------
    TypeError
        If there is something else than packings.
    ValueError
        If there are none or too many, no files, too many buckets, or packings of
        different files; if an order or a number is none of those above.

    Notes
    -----
    A packing does not say in which order its files were placed. The names of our
    strategies do: next fit takes them as they arrive, and all whose names end with
    ``Decreasing`` the largest first. So do Optimal and Balanced, as far as that says
    anything. For other names, it is the order of arrival if that explains the packing:
    no file that begins a bucket would have fitted into the bucket begun before. If one
    would, the largest come first. Of equal sizes the first to arrive comes first.
    Buckets stand in the order in which they are begun.

    Examples
    --------
    >>> from mds_sim.files import NextFit, pack
    >>> sizes = [6, 5, 4, 5, 4, 6]
    >>> movie = movie_packing(
    ...     {
    ...         "NextFit": pack(sizes, capacity=10, strategy=NextFit()),
    ...         "FirstFitDecreasing": pack(sizes, capacity=10),
    ...     }
    ... )
    >>> print(movie.alt)
    6 files are packed into buckets of 10 B, one by one. NextFit, in order of arrival:
    4 buckets; FirstFitDecreasing, largest first: 3 buckets. Any packing needs at least
    3.
    """
    from matplotlib import rc_context

    given = packings if isinstance(packings, Mapping) else {"": packings}
    named = {str(name): packing for name, packing in given.items()}
    n = _check(named)
    orders = _orders(named, order)
    pictures = _validate.count("pictures", pictures)
    seconds = _validate.positive("seconds", seconds, "s")
    with rc_context(STYLE):
        figure, panels = _drawn(named, orders, falls=pictures >= TO_FALL * n)
        count = figure.suptitle(" ", x=0.01, ha="left", size=12, animated=True)

    def update(moment: tuple[float, int]) -> Iterable[Artist]:
        count.set_text(f"{int(moment[0])} of {counted(n, 'file')}")
        return [count, *(artist for panel in panels for artist in panel.at(*moment))]

    moments, alt = _moments(n, pictures), _alt(named, orders)
    return Movie(figure, update, moments, alt=alt, seconds=seconds)


class _Panel:
    """A strategy at work: where each file comes to lie, and what is drawn of it."""

    def __init__(self, ax: Axes, packing: Packing, order: str, top: float) -> None:
        self.ax, self.packing, self.top = ax, packing, top
        self.boxes, self.begun = _boxes(packing, order)
        tall = np.flatnonzero(self.boxes[:, 2, 1] > top)
        self.tall = {int(i): self._size(int(i)) for i in tall}

    def draw(self, name: str, colour: str) -> None:
        """Make all that moves."""
        from matplotlib.collections import PolyCollection
        from matplotlib.colors import to_rgb

        pale = [1.0 - PALE * (1.0 - part) for part in to_rgb(colour)]
        self.words = self.ax.text(
            0.0, 1.03, "", transform=self.ax.transAxes, va="bottom", label=name,
            animated=True,
        )  # fmt: skip
        self.placed = PolyCollection(
            [], facecolor=[pale], edgecolor="white", linewidth=0.5, animated=True
        )
        self.new = PolyCollection(
            [], facecolor=colour, edgecolor="black", linewidth=1.4, animated=True
        )
        for boxes in (self.placed, self.new):
            self.ax.add_collection(boxes, autolim=False)

    def at(self, moment: float, before: int) -> list[Any]:
        """Draw the files that have come, those after the first `before` as new."""
        n, falls = int(moment), moment % 1.0
        new = list(self.boxes[before:n])
        if falls:  # ever faster, from the sky to its place
            way = self.top - self.boxes[n, 0, 1]
            new.append(self.boxes[n] + [0.0, (1.0 - falls**2) * way])
        self.placed.set_verts(list(self.boxes[:before]))
        self.new.set_verts(new)
        is_last = before == len(self.boxes)
        bound = f", bound {self.packing.lower_bound}" if is_last else ""
        self.words.set_text(counted(int(self.begun[n]), "bucket") + bound)
        self.words.set_fontweight("bold" if is_last else "normal")
        tall = [text for i, text in self.tall.items() if i < n]
        return [self.placed, self.new, self.words, *tall]

    def _size(self, i: int) -> Any:
        """Write the size of a file that is cut."""
        (left, bottom), _, (right, top), _ = self.boxes[i].tolist()
        size = format_bytes(round((top - bottom) * self.packing.capacity))
        return self.ax.text(
            (left + right) / 2, self.top, f"{size} ", rotation=90, ha="center",
            va="top", size=9.5, color="black", animated=True,
        )  # fmt: skip


def _boxes(packing: Packing, order: str) -> tuple[Floats, Ints]:
    """Return the corners of the files, in an order, and the buckets begun so far."""
    sizes = packing.sizes
    # A stable sort: of equal sizes the first to arrive stays the first.
    files = np.argsort(-sizes if order == LARGEST else 0 * sizes, kind="stable")
    bucket, sizes = packing.bucket[files], sizes[files]
    first = np.unique(bucket, return_index=True)[1]  # of each bucket
    place = np.argsort(np.argsort(first)) + 1
    begun = np.zeros(files.size + 1, dtype=np.int64)
    begun[first + 1] = 1
    load, below = [0] * packing.n_buckets, []
    for b, size in zip(bucket.tolist(), sizes.tolist(), strict=True):
        below.append(load[b])
        load[b] += size
    x = np.add.outer(place[bucket], [-0.4, 0.4, 0.4, -0.4])
    y = np.array(below)[:, None] + np.multiply.outer(sizes, [0, 0, 1, 1])
    return np.stack([x, y / packing.capacity], axis=-1), np.cumsum(begun)


def _moments(n: int, pictures: int) -> list[tuple[float, int]]:
    """Return for each picture how far it is, and how many files are there for long.

    A moment of 2.5 is: two files have come, and a third one falls.
    """
    times = np.linspace(0, n, pictures + 1)[1:]
    if pictures < TO_FALL * n:
        times = np.round(times)
        before = np.concatenate([[0.0], times[:-1]])
    else:
        before = np.maximum(0, np.ceil(times) - 1)
    moments = list(zip(times.tolist(), before.astype(int).tolist(), strict=True))
    return [*moments, (float(n), n)]


def _drawn(
    named: Mapping[str, Packing], orders: Mapping[str, str], *, falls: bool
) -> tuple[Figure, list[_Panel]]:
    """Draw what stays, and make all that moves."""
    from matplotlib.figure import Figure

    rows, columns = -(-len(named) // 2), min(len(named), 2)
    figure = Figure(figsize=(WIDTH, HEIGHTS[rows]))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    panels, most = [], max(packing.n_buckets for packing in named.values())
    for i, (name, look) in enumerate(looks(named, STRATEGIES).items()):
        ax, packing = grid.flat[i], named[name]
        top = _top(packing, falls=falls)
        _frame(ax, packing, most, top)
        ax.set_title(cut(name), weight="bold", pad=20.0)
        ax.set_title(orders[name], loc="right", color=QUIET, size=10, pad=20.0)
        if i + columns >= len(named):  # nothing stands below
            ax.set_xlabel("buckets, as they are begun")
            ax.tick_params(labelbottom=True)
        panels.append(_Panel(ax, packing, orders[name], top))
        panels[-1].draw(name, look.fill)
    for ax in grid.flat[len(named) :]:
        ax.set_axis_off()
    return figure, panels


def _top(packing: Packing, *, falls: bool) -> float:
    """Return how many capacities are shown: more if files are to fall."""
    least, tall = SKY if falls else ROOF, float(packing.fill.max())
    return least if tall <= 1.0 else min(HIGHEST, max(least, 1.05 * tall))


def _frame(ax: Axes, packing: Packing, most: int, top: float) -> None:
    """Draw capacity and bound, and set the limits."""
    dashes: dict[str, Any] = {"color": GREY, "linestyle": "--", "linewidth": 1.5}
    bound = packing.lower_bound
    ax.set(xlim=(0.4, max(most, bound + 1) + 0.6), ylim=(0.0, top))
    ax.grid(visible=False)
    ax.axhline(1.0, zorder=0, **dashes)
    ax.axvline(bound + 0.5, zorder=0, **dashes)
    words: dict[str, Any] = {"ha": "right", "va": "top", "color": QUIET, "size": 9.5}
    if bound > 2:
        ax.text(bound + 0.4, top, f"lower bound {bound}", **words)
    ax.set_yticks([0.0, 1.0], ["0", format_bytes(packing.capacity)])
    ax.locator_params(axis="x", integer=True)


def _check(named: Mapping[str, Packing]) -> int:
    """Return how many files there are, or refuse what cannot be shown."""
    if not 1 <= len(named) <= MOST_PANELS:
        rule = f"hold 1 to {MOST_PANELS} packings"
        raise ValueError(f"packings must {rule}, got {len(named) or 'none'}")
    first = next(iter(named))
    for name, packing in named.items():
        where = f"packings[{name!r}]" if name else "packings"
        _validate.instance(where, packing, Packing, "a Packing, as pack() makes it")
        if not packing.sizes.size:
            raise ValueError(f"{where} must hold files, got none")
        if packing.n_buckets > MOST_BUCKETS:
            raise ValueError(
                f"{where} must have at most {MOST_BUCKETS} buckets to tell them "
                f"apart, got {packing.n_buckets}; show fewer files"
            )
        same = np.array_equal(packing.sizes, named[first].sizes)
        if not same or packing.capacity != named[first].capacity:
            raise ValueError(
                "packings must be of the same files and capacity, "
                f"but {name!r} differs from {first!r}"
            )
    return int(named[first].sizes.size)


def _orders(
    named: Mapping[str, Packing], order: str | Mapping[str, str] | None
) -> dict[str, str]:
    """Return in which order each strategy takes the files, in words."""
    if not isinstance(order, str | Mapping | None):
        kind = "a word, or a word for each name"
        raise TypeError(f"order must be {kind}, got {order!r}")
    told = dict.fromkeys(named, order) if isinstance(order, str) else order or {}
    for name, word in told.items():
        if name not in named:
            names = ", ".join(map(repr, named))
            raise ValueError(f"order must name one of {names}, got {name!r}")
        _validate.choice("order", word, tuple(ORDERS))
    return {
        name: ORDERS[told[name]] if name in told else _order_of(name, packing)
        for name, packing in named.items()
    }


def _order_of(name: str, packing: Packing) -> str:
    """Return the order that the name tells, or that explains the packing."""
    if name.endswith("Decreasing"):
        return LARGEST
    if name in BY_NAME:
        return BY_NAME[name]
    room, last = -1, -1  # left in the bucket that was begun last
    files = zip(packing.sizes.tolist(), packing.bucket.tolist(), strict=True)
    for size, bucket in files:
        if size > packing.capacity:
            continue  # set apart before a strategy is asked
        if bucket > last and size <= room:
            return LARGEST
        if bucket > last:
            room, last = packing.capacity, bucket
        room -= size * (bucket == last)
    return ARRIVAL


def _alt(named: Mapping[str, Packing], orders: Mapping[str, str]) -> str:
    """Say what there is to see, and what comes of it."""
    packing = next(iter(named.values()))
    parts = [
        f"{name}{', ' * bool(name)}{orders[name]}: {counted(one.n_buckets, 'bucket')}"
        for name, one in named.items()
    ]
    files, said = counted(packing.sizes.size, "file"), "; ".join(parts)
    return (
        f"{files} {'is' if packing.sizes.size == 1 else 'are'} packed into buckets of "
        f"{format_bytes(packing.capacity)}, one by one. {said[0].upper()}{said[1:]}. "
        f"Any packing needs at least {packing.lower_bound}."
    )
