"""Figures that are saved or shown in a page, without a window and without pyplot."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from io import BytesIO
from os import PathLike
from typing import TYPE_CHECKING, Any

from .style import STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

Draw = Callable[..., Any]

WIDTH, HEIGHT = 9.0, 3.6  # inches
# Of axes beside each other: to compute them would take a third of the drawing.
MARGINS = {"left": 0.07, "right": 0.985, "bottom": 0.15, "top": 0.91, "wspace": 0.2}


def figure_of(*draws: Draw, beside: bool = False) -> Figure:
    """Draw a figure: one axes for each function, below each other or beside.

    Parameters
    ----------
    *draws : callable
        Each takes ``ax=``, as all figures of this room do once they have their data.
    beside : bool, optional
        Beside each other.

    Returns
    -------
    Figure
        In the style of `set_style`; Matplotlib's settings stay as they are.

    Raises
    ------
    ValueError
        If there is nothing to draw.

    Examples
    --------
    >>> from functools import partial
    >>> from mds_sim import plots
    >>> from mds_sim.distributions import Constant
    >>> from mds_sim.stream import StreamPipeline
    >>> day = StreamPipeline(service=Constant(60.0)).simulate(until=3600, rng=1)
    >>> draws = [partial(plots.plot_latency, day), partial(plots.plot_throughput, day)]
    >>> len(figure_of(*draws).axes)
    2
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if not draws:
        raise ValueError("draws must hold at least one function, got none")
    with rc_context({**STYLE, "figure.constrained_layout.use": not beside}):
        rows, columns = (1, len(draws)) if beside else (len(draws), 1)
        figure = Figure(figsize=(WIDTH, HEIGHT * rows))
        margins = MARGINS if beside else None
        grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw=margins)
        for draw, ax in zip(draws, grid.flat, strict=True):
            draw(ax=ax)
    return figure


def save_figure(path: str | PathLike[str], *draws: Draw, beside: bool = False) -> None:
    """Draw a figure into a file.

    Parameters
    ----------
    path : path-like
        Its ending says how: ``.png``, ``.pdf`` or ``.svg``.
    *draws, beside
        As in `figure_of`.

    Raises
    ------
    ValueError
        If Matplotlib cannot write such a file.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mds_sim import plots
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "empty.png")
    ...     save_figure(path, lambda ax: ax.set_title("nothing"))
    ...     path.read_bytes()[1:4]
    b'PNG'
    """
    figure_of(*draws, beside=beside).savefig(path)


def png(
    figure: Figure, *, sharpness: float = 1.0, tight: bool = False
) -> tuple[bytes, int]:
    """Return a figure as a small PNG file, and how many pixels wide it is.

    Parameters
    ----------
    figure : Figure
    sharpness : float, optional
        Pixels of the file for each of the figure.
    tight : bool, optional
        As large as what was drawn, a legend beside the axes included.

    Notes
    -----
    A plot has few colours: with 256 of them nobody sees a difference, and the file is
    half as large.

    Examples
    --------
    >>> data, width = png(figure_of(lambda ax: ax.set_title("nothing")))
    >>> data[1:4], width
    (b'PNG', 720)
    """
    from PIL import Image

    drawn = BytesIO()
    dpi, box = figure.dpi * sharpness, "tight" if tight else None
    figure.savefig(drawn, format="png", dpi=dpi, bbox_inches=box, facecolor="white",
                   pil_kwargs={"compress_level": 0})  # fmt: skip
    picture = Image.open(drawn).convert("RGB")
    return small_png(picture), picture.width


def small_png(picture: Image) -> bytes:
    """Return a picture as a PNG file with 256 colours."""
    from PIL import Image

    few = picture.quantize(
        256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    file = BytesIO()
    few.save(file, format="png", optimize=True)
    return file.getvalue()


def data_url(data: bytes, kind: str) -> str:
    """Return the address that is the file itself.

    Examples
    --------
    >>> data_url(b"...", "image/gif")
    'data:image/gif;base64,Li4u'
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def figure_html(figure: Figure, alt: str) -> str:
    """Return a figure as an image for a page, with words for who cannot see it.

    Parameters
    ----------
    figure : Figure
    alt : str
        What it shows.

    Returns
    -------
    str
        An ``<img>`` with the picture in it.

    Examples
    --------
    >>> figure = figure_of(lambda ax: ax.set_title("nothing"))
    >>> figure_html(figure, "An empty figure")[:30]
    '<img alt="An empty figure" src'
    """
    picture = BytesIO()
    figure.savefig(picture, format="png", pil_kwargs={"compress_level": 1})
    source = data_url(picture.getvalue(), "image/png")
    return f'<img alt="{escape(alt)}" src="{source}">'
