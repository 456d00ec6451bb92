"""What all figures share: one colour for each idea, looks of series, and axes.

One grammar: what was simulated or measured is markers, with intervals; theory is a
line; a bound is grey dashes. Nothing is told by colour alone: series differ in marker,
dash or hatch as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from mds_sim.units import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# M. Okabe, K. Ito (2002), "Color Universal Design": for areas. Pale ones need an edge.
OKABE_ITO: tuple[str, ...] = (
    "#0072B2",  # blue
    "#E69F00",  # orange
    "#009E73",  # green
    "#D55E00",  # vermilion
    "#56B4E9",  # sky blue
    "#CC79A7",  # purple
    "#F0E442",  # yellow
    "#000000",  # black
)

# The same hues for lines and markers: on white each has a contrast of 3 or more, as
# WCAG 2.2 (1.4.11) asks for. Of those above, orange (2.2), sky blue (2.3) and yellow
# (1.3) have not, and purple hardly (3.06).
INK: tuple[str, ...] = (
    "#0072B2",
    "#B87D00",
    "#009E73",
    "#D55E00",
    "#2B8BC4",
    "#B8638F",
    "#8C8200",
    "#000000",
)

GREY = "grey"  # bounds, and what is there for orientation
FAR = 100.0  # spans from 0: times from there would differ in their last digits only
QUIET = "dimgrey"  # words beside them: text needs a contrast of 4.5

# Each idea's place among the colours. Two may share one if they never look alike:
# theory is a line, what is bad a cross or an edge.
_IDEAS = {
    "messages": 0,  # and all that is counted or simulated of them
    "simulated": 0,
    "work": 1,  # batches at the workers
    "unclear": 1,  # neither good nor bad: a triangle
    "buckets": 2,  # and the files in them
    "best": 2,
    "theory": 3,
    "bad": 3,  # failed, worse, missed
    "windows": 4,
    "waiting": 5,
    "truth": 7,
}
COLOURS: Mapping[str, str] = MappingProxyType(
    {idea: INK[place] for idea, place in _IDEAS.items()} | {"bound": GREY}
)
FILLS: Mapping[str, str] = MappingProxyType(
    {idea: OKABE_ITO[place] for idea, place in _IDEAS.items()}
)

# Families with a look of their own for each member, the same in the whole book.
STRATEGIES: tuple[str, ...] = (
    "FirstFitDecreasing",
    "NextFit",
    "FirstFit",
    "BestFit",
    "WorstFit",
    "BestFitDecreasing",
    "WorstFitDecreasing",
    "NextFitDecreasing",
)
SEATINGS: tuple[str, ...] = (
    "random",
    "greedy",
    "horizon",
    "scheduled",
    "swiss",
    "knockout",
)

MARKERS = "osD^vP*X"
DASHES: tuple[Any, ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (5, 1)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (1, 4)),
    (0, (8, 3)),
)
HATCHES = ("", "///", "...", "xx", "\\\\\\", "++", "oo", "--")


class Look(NamedTuple):
    """How a series looks: its colour, and what tells it apart without colour."""

    colour: str
    fill: str
    marker: str
    dash: Any
    hatch: str


def look(place: int) -> Look:
    """Return the look of a place, from 0; beyond the last colour, a grey one.

    Examples
    --------
    >>> look(1).colour, look(1).marker, look(1).hatch
    ('#B87D00', 's', '///')
    >>> look(8).colour, look(8).marker
    ('dimgrey', 'o')
    """
    turn, i = divmod(place, len(INK))
    colour, fill = (QUIET, QUIET) if turn else (INK[i], OKABE_ITO[i])
    return Look(colour, fill, MARKERS[i], DASHES[i], HATCHES[i])


def looks(names: Iterable[str], family: tuple[str, ...] = ()) -> dict[str, Look]:
    """Give each name a look: its own if it is in the family, else one that is free.

    Parameters
    ----------
    names : iterable of str
        Of one figure.
    family : tuple of str, optional
        Whose members have the place in it, in every figure.

    Examples
    --------
    >>> found = looks(["mine", "FirstFit", "random"], STRATEGIES)
    >>> [look.marker for look in found.values()]
    ['o', 'D', 's']
    """
    names = list(names)
    own = {name: family.index(name) for name in names if name in family}
    free = iter(i for i in range(len(names) + len(INK)) if i not in own.values())
    return {name: look(own[name] if name in own else next(free)) for name in names}


# What `set_style` sets; figures that are saved or shown in a panel have it too.
STYLE: Any = {
    "figure.figsize": (9, 3.6),
    "figure.dpi": 80,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "axes.titlelocation": "left",
    "legend.frameon": True,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
}


def cut(name: str, most: int = 24) -> str:
    """Cut a name that no title of a small panel could hold.

    Examples
    --------
    >>> cut("first fit"), cut("a strategy that somebody wrote")
    ('first fit', 'a strategy that somebod…')
    """
    return name if len(name) <= most else f"{name[: most - 1]}…"


def as_text(name: str) -> str:
    r"""Write a name so that Matplotlib takes none of it for a formula.

    Examples
    --------
    >>> print(as_text("$ and $"))
    \$ and \$
    """
    return name.replace("$", r"\$")


def axes(ax: Axes | None = None) -> Axes:
    """Return `ax`, or the axes of a new figure.

    Examples
    --------
    >>> here = axes()
    >>> axes(here) is here
    True
    """
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots()[1]


def time_unit(span: float) -> tuple[str, float]:
    """Return the unit that suits a time span [s], and its length in seconds.

    Examples
    --------
    >>> time_unit(40.0), time_unit(7200.0)
    (('s', 1.0), ('min', 60.0))
    """
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if span > 3 * length:
            return unit, length
    return "s", 1.0


class TimeAxis(NamedTuple):
    """How times are drawn: less `start`, in units of `scale` seconds."""

    start: float
    scale: float
    label: str

    def place(self, times: Any) -> Any:
        """Return where times are on the axis."""
        return (times - self.start) / self.scale


def time_axis(first: float, last: float) -> TimeAxis:
    """Return the axis of what happens between two times [s].

    It counts from 0. What happens long after that, such as a record with times since
    1970, counts from its start, and the label says so.

    Examples
    --------
    >>> time_axis(60.0, 600.0).label, time_axis(1.7e9, 1.7e9 + 600.0).label
    ('time [min]', 'time since the start [min]')
    """
    start = first if abs(first) > FAR * (last - first) else 0.0
    since = " since the start" if start else ""
    unit, scale = time_unit(max(last - start, start - first))
    return TimeAxis(start, scale, f"time{since} [{unit}]")


def begin_at_zero(ax: Axes, first: float, last: float) -> None:
    """Let a time axis begin at 0, if what it shows begins near 0.

    Examples
    --------
    >>> ax = axes()
    >>> begin_at_zero(ax, first=5.0, last=60.0)
    >>> float(ax.get_xlim()[0])
    0.0
    """
    if 0 <= first <= (last - first) / 2:
        ax.set_xlim(left=0)


def set_style() -> None:
    """Set figure size, resolution and lines for the notebooks of this package.

    Figures themselves never change Matplotlib's settings; a notebook may, once.

    Examples
    --------
    >>> from matplotlib import pyplot as plt
    >>> with plt.rc_context():  # a script or a test may want to undo it
    ...     set_style()
    """
    from matplotlib import pyplot as plt

    plt.rcParams.update(STYLE)
