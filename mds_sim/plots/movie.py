"""Moving pictures: a figure, moments, and what changes from one moment to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .film import Film
from .saving import data_url, small_png
from .showing import SHARPNESS, picture_html

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from PIL.Image import Image

Update = Callable[[Any], Iterable["Artist"]]

COLOURS = 64  # of a GIF: few make it small, and a plot has few
MOST_BYTES = 250_000  # of a GIF with up to 50 pictures; others in proportion
LEAST_SHARE = 0.5  # of its pictures: with fewer it would not move any more
LONGEST = 600.0  # seconds: a GIF cannot show a picture, or equal ones, for 656
HOLD = 2.5  # seconds that the last picture stays: it is the one with the answer


@dataclass(frozen=True, eq=False)
class Movie:
    """A figure that moves: in a page a small GIF, on disk a GIF, WebP or PNG.

    Parameters
    ----------
    figure : Figure
        With everything in it that stays as it is.
    update : callable
        Takes a moment, changes the artists that move, and returns all of these, in the
        order in which they are to be drawn. They must be ``animated``, as for
        `matplotlib.animation.FuncAnimation` with ``blit=True``.
    moments : sequence
        What `update` is called with, one for each picture.
    alt : str
        What there is to see, for those who cannot see it.
    seconds : float, optional
        How long it takes, up to 600; the last picture stays for some seconds more.

    Notes
    -----
    The page begins with an open ``<details>``, which a reader can close if the movement
    disturbs, and who asks the computer for reduced motion sees the last picture only.

    A GIF of more than 250 kB (5 kB a picture, if there are more than 50) leaves some
    pictures out, at most half of them, and shows the others for longer; if that does
    not help, it has all of them and is larger. Other files have all pictures.

    Pictures are kept as PNG files, some 35 kB each. While a GIF is written, each takes
    a byte a pixel.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(figsize=(2, 1))
    >>> (dot,) = figure.subplots().plot([0], [0], "o", animated=True)
    >>> def update(x):
    ...     dot.set_xdata([x])
    ...     return [dot]
    >>> movie = Movie(figure, update, [-0.05, 0.0, 0.05], alt="A dot goes to the right")
    >>> movie
    <Movie of 3 pictures: A dot goes to the right>
    >>> movie.gif[:6]
    b'GIF89a'
    """

    figure: Figure
    update: Update
    moments: Sequence[Any]
    alt: str
    seconds: float = 8.0

    def __post_init__(self) -> None:
        """Check what can be wrong before anything is drawn."""
        if not len(self.moments):
            raise ValueError("moments must hold at least one, got none")
        if not self.alt.strip():
            raise ValueError(f"alt must say what the movie shows, got {self.alt!r}")
        if not 0 < self.seconds <= LONGEST:
            rule = f"> 0 and <= {LONGEST:g} s"
            raise ValueError(f"seconds must be {rule}, got {self.seconds}")

    def __repr__(self) -> str:
        return f"<Movie of {len(self.moments)} pictures: {self.alt}>"

    @cached_property
    def pictures(self) -> Film:
        """The pictures, one for each moment: a sequence of RGB images of Pillow.

        All are drawn when it is first asked for, in the order of the moments, and kept
        compressed. Each access makes a new image, which may be changed.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        dpi = self.figure.dpi
        self.figure.set_dpi(dpi * SHARPNESS)
        try:
            canvas: Any = FigureCanvasAgg(self.figure)
            canvas.draw()
            self.figure.set_layout_engine("none")  # nothing else moves from here on
            ground = canvas.copy_from_bbox(self.figure.bbox)
            film = Film()
            for moment in self.moments:
                film.append(self._picture(canvas, ground, moment))
            return film
        finally:
            self.figure.set_dpi(dpi)

    def _picture(self, canvas: Any, ground: Any, moment: Any) -> Image:
        """Draw what moves on the ground, which was drawn once.

        A figure without a ground of its own has the white one of a page.
        """
        from PIL import Image

        canvas.restore_region(ground)
        for artist in self.update(moment):
            self.figure.draw_artist(artist)
        drawn = Image.fromarray(np.asarray(canvas.buffer_rgba()))
        page = Image.new("RGBA", drawn.size, "white")
        return Image.alpha_composite(page, drawn).convert("RGB")

    @cached_property
    def gif(self) -> bytes:
        """The movie as a GIF file, which plays again and again."""
        palette, n = self._palette(), len(self.moments)
        most = max(MOST_BYTES, MOST_BYTES * n // 50)
        data = whole = self._gif(range(n), palette)
        count = n
        while len(data) > most:
            count = min(count - 1, int(count * most / len(data)))
            if count < max(2, LEAST_SHARE * n):
                return whole
            shown = np.linspace(0, n - 1, count).round().astype(int)
            data = self._gif(shown.tolist(), palette)
        return data

    @cached_property
    def still(self) -> bytes:
        """The last picture as a PNG file."""
        return small_png(self.pictures[-1])

    @property
    def width(self) -> int:
        """How many pixels of a page it is wide."""
        return round(self.pictures[0].width / SHARPNESS)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the movie into a file.

        Parameters
        ----------
        path : path-like
            Ends with ``.gif`` or ``.webp``, or ``.png`` for the last picture alone.

        Raises
        ------
        ValueError
            If it ends otherwise.
        OSError
            If the file cannot be written.
        """
        kind = Path(path).suffix.lower()
        if kind not in (".gif", ".webp", ".png"):
            raise ValueError(
                f"path must end with .gif, .webp or .png, got {str(path)!r}"
            )
        if kind == ".png":
            data = self.still
        elif kind == ".gif":
            data = self.gif
        else:
            shown = range(len(self.moments))
            data = self._encode("webp", shown, self.pictures, quality=80)
        Path(path).write_bytes(data)  # all of it: nothing is left half done

    def _gif(self, shown: Sequence[int], palette: Image) -> bytes:
        """Write some pictures with one palette, so that what stays costs nothing."""
        few = (_reduced(self.pictures[i], palette) for i in shown)
        return self._encode("gif", shown, few, disposal=1, optimize=True)

    def _encode(
        self, kind: str, shown: Sequence[int], pictures: Iterable[Image], **options: Any
    ) -> bytes:
        """Write pictures, of the moments that are shown, into one file."""
        others, file = iter(pictures), BytesIO()
        next(others).save(  # Pillow takes the others one by one
            file, format=kind, save_all=True, append_images=others,
            duration=self._times(shown), loop=0, **options,
        )  # fmt: skip
        return file.getvalue()

    def _times(self, shown: Sequence[int]) -> list[int]:
        """Return how long each picture stays [ms]; hundredths are all a GIF can say."""
        ends = np.array([*shown[1:], len(self.moments)]) / len(self.moments)
        ends = (100 * self.seconds * ends).round()
        ends[-1] += 100 * HOLD
        times: list[int] = (10 * np.diff(ends, prepend=0.0)).astype(int).tolist()
        return times

    def _palette(self) -> Image:
        """Choose colours by some of the pictures; the lightest one is white."""
        from PIL import Image

        some = [*self.pictures[:: max(1, len(self.pictures) // 3)], self.pictures[-1]]
        width, height = some[0].size
        sheet = Image.new("RGB", (width, height * len(some)))
        for i, picture in enumerate(some):
            sheet.paste(picture, (0, i * height))
        palette = sheet.quantize(COLOURS, dither=Image.Dither.NONE)
        colours = np.array(palette.getpalette() or []).reshape(-1, 3)
        colours[_lightest(colours)] = 255
        palette.putpalette(colours.ravel().tolist())
        return palette

    def _repr_html_(self) -> str:
        moving = picture_html(self.gif, self.alt, "image/gif", self.width)
        still = data_url(self.still, "image/png")
        return (
            "<details open><summary>Moving picture (click to hide)</summary><picture>"
            f'<source media="(prefers-reduced-motion: reduce)" srcset="{still}">'
            f"{moving}</picture></details>"
        )


def _reduced(picture: Image, palette: Image) -> Image:
    """Reduce a picture to the colours of a palette; what is white stays white.

    Pillow takes a colour that is nearly the nearest, and a page that is nearly white
    shows as a box on one that is.
    """
    from PIL import Image

    few = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    places, colours = np.array(few), palette.getpalette() or []
    white = _lightest(np.array(colours).reshape(-1, 3))
    places[(np.asarray(picture) == 255).all(axis=2)] = white
    few = Image.fromarray(places)
    few.putpalette(colours)
    return few


def _lightest(colours: np.ndarray) -> int:
    """Return which of the colours is the lightest."""
    return int(colours.sum(axis=1).argmax())
