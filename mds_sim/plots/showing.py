"""Figures in a page, with words for those who cannot see them.

Jupyter gives the image of a figure no alternative text, so a screen reader has nothing
to say but "image". What `show` puts into the page has.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .saving import data_url, png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARPNESS = 1.5  # pixels of the picture for each of the page: screens have more today


def show(alt: str, figure: Figure | None = None) -> None:
    """Show a figure in the notebook, with alternative text, and close it.

    Parameters
    ----------
    alt : str
        What there is to see, in a sentence or two, for those who cannot see it: the
        finding with its numbers, rather than a list of colours and axes.
    figure : Figure, optional
        The current one of pyplot by default.

    Raises
    ------
    ValueError
        If `alt` says nothing, or no figure is open.

    Notes
    -----
    Where HTML is not shown, as in a terminal, the words take the place of the figure.
    Outside IPython this is ``plt.show()``.

    Examples
    --------
    >>> from mds_sim import plots, pack
    >>> ax = plots.plot_fill(pack([6, 5, 4], capacity=10))
    >>> plots.show("Two buckets: one is full, one is half full")
    """
    from matplotlib import pyplot as plt

    words = " ".join(alt.split())
    if not words:
        raise ValueError(f"alt must say what the figure shows, got {alt!r}")
    if figure is None and not plt.get_fignums():
        # `gcf` would make an empty one, and the words would tell what nobody sees.
        raise ValueError("figure must be open, got none; draw it before each show()")
    figure = plt.gcf() if figure is None else figure
    if not _in_ipython():
        plt.show()
        return
    from IPython.display import display

    page = {"text/html": image_html(figure, words), "text/plain": f"[Figure: {words}]"}
    display(page, raw=True)
    plt.close(figure)


def image_html(figure: Figure, alt: str) -> str:
    """Return a figure as an image for a page, as wide there as it was drawn.

    Examples
    --------
    >>> from mds_sim.plots.saving import figure_of
    >>> figure = figure_of(lambda ax: ax.set_title("nothing"))
    >>> image_html(figure, "An empty figure").partition(" width")[0]
    '<img alt="An empty figure"'
    """
    data, width = png(figure, sharpness=SHARPNESS, tight=True)
    return picture_html(data, alt, "image/png", round(width / SHARPNESS))


def picture_html(data: bytes, alt: str, kind: str, width: int) -> str:
    """Return bytes of an image as HTML; on a dark page it keeps its light ground.

    Examples
    --------
    >>> picture_html(b"...", 'a "b" < c', "image/gif", 80)[:40]
    '<img alt="a &quot;b&quot; &lt; c" width='
    """
    shape = f'width="{width}" style="max-width: 100%; height: auto; background: #fff"'
    return f'<img alt="{escape(alt)}" {shape} src="{data_url(data, kind)}">'


def _in_ipython() -> bool:
    """Whether this runs in IPython, which need not be installed."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return get_ipython() is not None
