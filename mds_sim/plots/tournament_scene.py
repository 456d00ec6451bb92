"""What a tournament looks like at a moment: its tables, and who has met whom."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mds_sim.tournament.history import BENCH, Ints
from mds_sim.units import counted

from .style import OKABE_ITO, QUIET
from .who_met_whom import AGAIN, NEW, NOW, Crosses, colours, draw_diagonal, states

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

NUMBERED = 24  # players whose numbers can be read
MANY = 1000  # pairs: beside such numbers there is no room for the word
WALK, TALK = 0.25, 0.75  # shares of a round: until then people walk, and then they meet

# Of the tables, which are 1 wide:
ACROSS = 4  # in a row
LEAST = 3  # in a row, or else there is room for as many
RING, DOT = 0.33, 0.15  # from the middle to the seats; radius of a player, at most
READABLE = 0.12  # radius of a player who has a number
SMALLER = 0.7  # players who walk
BESIDE = 0.45  # height of the bench


class Meetings:
    """Who meets in which round, as numbers."""

    def __init__(self, table: Ints, bound: int) -> None:
        self.table, self.bound = table, bound
        self.rounds, self.players = self.table.shape
        self.tables = int(self.table.max()) + 1
        self.order = np.lexsort(self.table[::-1])
        same = self.table[:, :, None] == self.table[:, None, :]
        same &= (self.table >= 0)[:, :, None] & ~np.eye(self.players, dtype=np.bool_)
        self.together = same.astype(np.int64)

    def until(self, r: int, talking: int) -> tuple[Ints, Ints]:
        """Return meetings before a round, and in it at the first so many tables."""
        before: Ints = self.together[:r].sum(axis=0)
        if r == self.rounds:
            return before, np.zeros_like(before)
        return before, self.together[r] * (self.table[r] < talking)

    def cells(self, before: Ints, now: Ints) -> Ints:
        """Return what each pair's cell holds, the players in the order shown."""
        return states(before, now)[np.ix_(self.order, self.order)]

    def words(self, r: int, meetings: Ints) -> str:
        """Say how many pairs have met, and how often again."""
        met, possible = int((meetings > 0).sum()) // 2, comb(self.players, 2)
        again = int(meetings.sum()) // 2 - met
        more = f", {again} again" if again else ""
        is_over = r == self.rounds
        shown = met if is_over else possible
        pairs = counted(shown, "pair", spec="") if possible < MANY else str(shown)
        if is_over:
            return f"{pairs}, bound {self.bound}{more}"
        return f"round {r + 1}: {met} of {pairs}{more}"


class Matrix:
    """Who has met whom: a cell a pair."""

    def __init__(self, ax: Axes, met: Meetings) -> None:
        n, self.met = met.players, met
        edges, most = np.arange(n + 1) - 0.5, int(met.together.sum(axis=0).max())
        self.hidden = np.eye(n, dtype=np.bool_)
        self.cells = ax.pcolormesh(
            edges, edges, np.zeros((n, n)), **colours(AGAIN, max(most, 1)),
            edgecolor=ax.get_facecolor(), linewidth=0.6, animated=True,
        )  # fmt: skip
        self.crosses = Crosses(ax, n, animated=True)
        draw_diagonal(ax, n)
        self._name(ax, n)

    def _name(self, ax: Axes, n: int) -> None:
        """Write the players beside their rows."""
        step = -(-n // NUMBERED)
        shown = self.met.order[::step] + 1
        ax.set(aspect="equal", xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), xticks=[])
        ax.set_yticks(range(0, n, step), [str(p) for p in shown.tolist()])
        ax.tick_params(length=0, labelsize=9)
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)

    def at(self, before: Ints, now: Ints) -> list[Any]:
        """Draw what each pair is."""
        cells = self.met.cells(before, now)
        self.cells.set_array(np.ma.masked_array(cells, self.hidden))
        return [self.cells, *self.crosses.mark(cells)]


class Room:
    """The tables, and the people who sit there or walk."""

    def __init__(self, ax: Axes, met: Meetings) -> None:
        from matplotlib.collections import LineCollection

        self.met = met
        self.across = min(met.tables, ACROSS)
        self.down = -(-met.tables // self.across)
        self.wide = max(self.across, LEAST)
        self.has_bench = bool((met.table == BENCH).any())
        most = max(
            2, *(np.bincount(row[row >= 0], minlength=1).max() for row in met.table)
        )
        self.dot = min(DOT, 0.95 * RING * np.sin(np.pi / most))
        self.seats = np.array([self._seats(row) for row in met.table])
        self.first = LineCollection([], color=NOW[NEW], linewidth=2, animated=True)
        self.again = LineCollection(
            [], color=NOW[AGAIN], linewidth=2, linestyle=(0, (2, 1)), animated=True
        )
        self._draw(ax)

    @property
    def height(self) -> float:
        """How high it is, for tables that are 1 wide."""
        return self.down + BESIDE * self.has_bench

    def at(self, r: int, share: float, before: Ints, now: Ints) -> list[Any]:
        """Draw the people where they are, and lines between those who meet."""
        places, walks = self.places(r, share), self.walks(r, share)
        size = np.full(len(places), 2 * self.dot * (SMALLER if walks else 1.0))
        self.people.set(offsets=places, widths=size, heights=size)
        self.numbers.set(offsets=places, visible=not walks)
        for lines, have_met in ((self.first, False), (self.again, True)):
            pairs = np.argwhere(np.triu((now > 0) & ((before > 0) == have_met)))
            lines.set_segments(list(places[pairs]))
        return [self.first, self.again, self.people, self.numbers]

    def walks(self, r: int, share: float) -> bool:
        """Tell whether people are between two tables."""
        return 0 < r < self.met.rounds and share < WALK

    def places(self, r: int, share: float) -> Floats:
        """Return where each player is, shape (N, 2); who is not there is nowhere."""
        here: Floats = self.seats[min(r, self.met.rounds - 1)]
        if not self.walks(r, share):
            return here
        part, last = share / WALK, self.seats[r - 1]
        part = part * part * (3 - 2 * part)  # starts and stops gently
        return np.where(np.isnan(last), here, last + part * (here - last))

    def _seats(self, row: Ints) -> Floats:
        """Return the place of each player in a round."""
        places = np.full((row.size, 2), np.nan)
        for t, middle in enumerate(self._middles()):
            players = np.flatnonzero(row == t)
            angle = np.pi * (0.75 - 2 * np.arange(players.size) / max(1, players.size))
            places[players] = middle + RING * np.array([np.cos(angle), np.sin(angle)]).T
        bench = np.flatnonzero(row == BENCH)
        room = min(2.4 * self.dot, (self.wide - 1.2) / max(1, bench.size))
        places[bench, 0] = 1.2 + room * np.arange(bench.size)
        places[bench, 1] = -BESIDE / 2
        return places

    def _middles(self) -> Floats:
        """Return the middles of the tables, row by row from the top."""
        y, x = np.divmod(np.arange(self.met.tables), self.across)
        left = (self.wide - self.across) / 2
        return np.array([left + x + 0.5, self.down - y - 0.5]).T

    def _draw(self, ax: Axes) -> None:
        """Draw the tables, and make all that moves."""
        n, first = self.met.players, self.met.table[0].tolist()
        colours = [_pale(OKABE_ITO[t % 8] if t >= 0 else "grey") for t in first]
        tables = _circles(ax, self._middles(), RING - self.dot, "#E4E4E4")
        self.people = _circles(ax, self.seats[0], self.dot, colours)
        has_numbers = n <= NUMBERED and self.dot >= READABLE
        self.numbers = _numbers(ax, n if has_numbers else 0)
        for part in (self.people, self.numbers):
            part.set_animated(True)
        for part in (tables, self.first, self.again, self.people, self.numbers):
            ax.add_collection(part, autolim=False)
        if self.has_bench:
            ax.text(0, -BESIDE / 2, "sits out", size=9.5, va="center", color=QUIET)
        low = self.down - self.height
        ax.set(aspect="equal", xlim=(0, self.wide), ylim=(low, self.down))
        ax.set_axis_off()


def _circles(ax: Axes, places: Floats, radius: float, colour: Any) -> Any:
    """Return circles whose radius is given in the unit of the axes."""
    from matplotlib.collections import EllipseCollection

    size = np.full(len(places), 2 * radius)
    return EllipseCollection(
        size, size, np.zeros(len(places)), units="xy", offsets=places,
        offset_transform=ax.transData, facecolor=colour,
    )  # fmt: skip


def _numbers(ax: Axes, n: int) -> Any:
    """Return the numbers from 1 to n, with their middles to be put somewhere.

    As shapes they are drawn together, which takes half the time of text.
    """
    from matplotlib.collections import PathCollection
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    shapes = []
    for p in range(1, n + 1):
        shape = TextPath((0.0, 0.0), str(p), size=9.5)
        middle = shape.get_extents().get_points().mean(axis=0)
        shapes.append(shape.transformed(Affine2D().translate(*-middle)))
    numbers = PathCollection(
        shapes, facecolor="black", offsets=np.zeros((n, 2)),
        offset_transform=ax.transData,
    )  # fmt: skip
    figure: Any = ax.figure
    numbers.set_transform(Affine2D().scale(1 / 72) + figure.dpi_scale_trans)
    return numbers


def _pale(colour: str) -> tuple[float, ...]:
    """Return a colour on which black can be read."""
    from matplotlib.colors import to_rgb

    return tuple(1.0 - 0.45 * (1.0 - part) for part in to_rgb(colour))
