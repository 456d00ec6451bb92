"""A movie to step through: its pictures one by one, at the reader's own pace."""

from __future__ import annotations

from typing import Any

import ipywidgets as ui

from mds_sim import _validate
from mds_sim.plots.movie import Movie
from mds_sim.plots.saving import small_png
from mds_sim.plots.showing import picture_html

FASTEST = 50  # milliseconds a picture; no page keeps up with less


class Player:
    """A panel that shows the pictures of a movie, one at a time, in a notebook.

    *Play* and *Pause*, *Back* and *Next*, or move the slider. By keyboard: *Tab* to a
    button and *Space*, or *Tab* to the slider and the arrows. Screen readers hear for
    each picture what is written in it.

    Parameters
    ----------
    movie : Movie
        From `plots.movie_packing`, for example.

    Attributes
    ----------
    view : ipywidgets.VBox
        The panel; Jupyter shows it for the object itself.
    movie : Movie
        Shows itself as a picture that moves, for readers who do not run the notebook.

    Raises
    ------
    TypeError
        If it is no movie.

    Notes
    -----
    All pictures are drawn at once, which takes about a second, and kept compressed;
    each is made into a PNG of some 30 kB when it is shown first. It plays without the
    kernel's help, but the kernel sends the pictures: where it is slow, some are left
    out.

    Examples
    --------
    >>> from mds_sim import pack
    >>> from mds_sim.plots import movie_packing
    >>> player = Player(movie_packing(pack([6, 5, 4], capacity=10), pictures=3))
    >>> player.picture, player.words
    (1, '1 of 3 files; 1 bucket')
    >>> player.show(4)
    >>> player.words
    '3 of 3 files; 2 buckets, bound 2'
    """

    def __init__(self, movie: Movie) -> None:
        rule = "a Movie, as plots.movie_packing() makes it"
        self.movie = _validate.instance("movie", movie, Movie, rule)
        self._files: dict[int, bytes] = {}
        last = len(movie.moments)
        self._slider = ui.IntSlider(
            value=1, min=1, max=last, description="picture", continuous_update=False,
            layout=ui.Layout(width="380px"),
        )  # fmt: skip
        self._image = ui.HTML()
        self._slider.observe(lambda _: self._draw(), "value")
        buttons = [self._playing(last), self._step("Back", -1), self._step("Next", 1)]
        row = ui.HBox([*buttons, self._slider], layout=ui.Layout(flex_flow="row wrap"))
        self.view = ui.VBox([self._image, row])
        self.view.add_class("mds-player")
        self._draw()

    @property
    def picture(self) -> int:
        """The number of the picture that is shown, from 1."""
        return int(self._slider.value)

    @property
    def words(self) -> str:
        """What is written in the picture that is shown; else what the movie shows."""
        drawn = self.movie.update(self.movie.moments[self.picture - 1])
        return "; ".join(filter(None, map(_words, drawn))) or self.movie.alt

    def show(self, picture: int) -> None:
        """Show a picture.

        Parameters
        ----------
        picture : int
            From 1.

        Raises
        ------
        ValueError
            If there is no such picture.
        """
        last = self._slider.max
        if not 1 <= _validate.count("picture", picture) <= last:
            raise ValueError(f"picture must be from 1 to {last}, got {picture}")
        self._slider.value = picture

    def _playing(self, last: int) -> Any:
        """Return the button that plays and pauses.

        The buttons of `ipywidgets.Play` are icons without a name, which nobody hears:
        here it is hidden, and a button with a name switches it. Both are tied in the
        page, so that nothing has to be asked of the kernel.
        """
        pace = max(FASTEST, round(1000 * self.movie.seconds / last))
        play = ui.Play(value=1, min=1, max=last, interval=pace)
        play.layout.display = "none"
        switch = ui.ToggleButton(description="Play", icon="play", layout=_narrow())
        switch.tooltip = "Play from here, or pause"
        switch.observe(_rename, "value")
        self._ties = [
            ui.jslink((play, "value"), (self._slider, "value")),
            ui.jslink((switch, "value"), (play, "playing")),
        ]
        return ui.HBox([switch, play])

    def _step(self, name: str, by: int) -> Any:
        """Return a button that goes on, or back."""
        button = ui.Button(description=name, layout=_narrow())
        button.tooltip = f"{name}: one picture"

        def go(_: Any) -> None:
            self._slider.value = self.picture + by  # it stops at its ends

        button.on_click(go)
        return button

    def _draw(self) -> None:
        """Show the picture that the slider says."""
        alt = f"Picture {self.picture} of {self._slider.max}. {self.words}"
        page = picture_html(self._file(), alt, "image/png", self.movie.width)
        self._image.value = page

    def _file(self) -> bytes:
        """Return the picture as a PNG file, made when it is needed first."""
        if self.picture not in self._files:
            picture = self.movie.pictures[self.picture - 1]
            self._files[self.picture] = small_png(picture)
        return self._files[self.picture]

    def __repr__(self) -> str:
        return f"<Player of {self._slider.max} pictures: {self.movie.alt}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = dict(self.view._repr_mimebundle_(**options))
        return {**bundle, "text/plain": repr(self)}


def _words(artist: Any) -> str:
    """Return what is written in a figure, after the name of what it belongs to."""
    words = artist.get_text().strip() if hasattr(artist, "get_text") else ""
    name = artist.get_label()
    return f"{name}: {words}" if name and words else words


def _rename(change: Any) -> None:
    """Let a button say what it does next."""
    playing = change["new"]
    change["owner"].description = "Pause" if playing else "Play"
    change["owner"].icon = "pause" if playing else "play"


def _narrow() -> ui.Layout:
    """Return the layout of a button with one word."""
    return ui.Layout(width="84px")
