"""How "who met whom" looks, in every figure: a cell a pair, with one set of colours.

What has been is pale, what is now is full. First meetings are blue; repeated ones are
orange and have a cross, so that nobody needs the colours. On the diagonal there are no
cells, for nobody meets themselves; large pictures have a grey line there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mds_sim.tournament.history import Bools, Ints

from .style import FILLS, GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

# What a cell holds: how often a pair has met, or that it meets now.
NEW, AGAIN = -1, -2
NEVER, ONCE = "#E4E4E4", "#80B8D8"  # pale, but no ground; half of the blue
TWICE, OFTEN = "#EAAE80", "#8A5230"  # half of the vermilion, and what more tends to
NOW = {NEW: FILLS["simulated"], AGAIN: FILLS["bad"]}
CROSSES = {AGAIN: "white", 2: "black"}  # on a full cell, and on pale ones
KINDS = {  # for a legend
    "not yet": 0,
    "met once": 1,
    "more often": 2,
    "meet now": NEW,
    "meet again": AGAIN,
}

ARM = 0.23  # of a cell, from the middle of a cross to its ends
MOST_RULED = 40  # players between whose cells there is room for a line


def states(before: Ints, now: Ints) -> Ints:
    """Return what the cells hold, from meetings before and meetings now."""
    met: Ints = np.where(now > 0, np.where(before > 0, AGAIN, NEW), before)
    return met


def colour_of(state: int) -> str:
    """Return the colour of a cell: of a count always the same, darker with each.

    Examples
    --------
    >>> [colour_of(count) for count in (0, 1, 2, 3)]
    ['#E4E4E4', '#80B8D8', '#EAAE80', '#BA8058']
    """
    from matplotlib.colors import to_hex, to_rgb

    if state < 2:
        return {0: NEVER, 1: ONCE, **NOW}[state]
    share = 0.5 ** (state - 2)
    mixed = share * np.array(to_rgb(TWICE)) + (1 - share) * np.array(to_rgb(OFTEN))
    return to_hex(mixed.tolist()).upper()


def colours(first: int, last: int) -> dict[str, Any]:
    """Return how Matplotlib is to colour cells, from the first state to the last."""
    from matplotlib.colors import ListedColormap

    listed = [colour_of(state) for state in range(first, last + 1)]
    return {"cmap": ListedColormap(listed), "vmin": first - 0.5, "vmax": last + 0.5}


def explained() -> tuple[list[Any], list[str]]:
    """Return the handles of a legend, and its words."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for state in KINDS.values():
        patch = Patch(color=colour_of(state))
        cross = Line2D([], [], color=CROSSES.get(state), marker="x", linestyle="none")
        handles.append((patch, cross) if state in CROSSES else patch)
    return handles, list(KINDS)


def draw_diagonal(ax: Axes, n: int) -> None:
    """Draw a line through the cells of n players where nobody can meet."""
    ax.plot([-0.5, n - 0.5], [-0.5, n - 0.5], color=GREY, linewidth=0.8)


def draw_rules(ax: Axes, n: int) -> None:
    """Part the cells of n players, in the colour of the ground."""
    if n > MOST_RULED:
        return
    edges = np.arange(1, n) - 0.5
    ax.set_xticks(edges, minor=True)
    ax.set_yticks(edges, minor=True)
    ax.grid(which="minor", color=ax.get_facecolor(), linewidth=0.6, alpha=1.0)
    ax.tick_params(which="minor", length=0)


class Crosses:
    """The marks of those who meet again, or have.

    As shapes in the unit of the axes they are as large as the cells, whatever these
    are, and are drawn together.
    """

    def __init__(self, ax: Axes, across: int, *, animated: bool = False) -> None:
        from matplotlib.collections import PathCollection

        self.shapes = {
            kind: PathCollection(
                [], facecolor="none", edgecolor=colour, transform=ax.transData,
                linewidth=float(np.clip(18 / across, 0.3, 1.3)), animated=animated,
                zorder=3,
            )
            for kind, colour in CROSSES.items()
        }  # fmt: skip
        for shape in self.shapes.values():
            ax.add_collection(shape, autolim=False)

    def mark(self, cells: Ints) -> list[Any]:
        """Cross those cells; return all that is drawn."""
        self.shapes[AGAIN].set_paths(_crosses(cells == AGAIN))
        self.shapes[2].set_paths(_crosses(cells >= 2))
        return list(self.shapes.values())


def _crosses(where: Bools) -> list[Path]:
    """Return the crosses of a square, as one shape."""
    from matplotlib.path import Path

    middles: NDArray[np.float64] = np.argwhere(where)[:, ::-1].astype(np.float64)
    if not len(middles):
        return []
    arms = ARM * np.array([[-1, -1], [1, 1], [-1, 1], [1, -1]])
    ends = (middles[:, None] + arms).reshape(-1, 2)
    return [Path(ends, [Path.MOVETO, Path.LINETO] * (2 * len(middles)))]
