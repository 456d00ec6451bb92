"""What all figures share: colours that everyone can tell apart, and axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mds_sim.units import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
