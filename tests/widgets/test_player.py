"""The player, without a browser: a step is a click, and a slider that moves a value."""

from __future__ import annotations

import base64
import re
import sys
from html import unescape
from importlib import import_module
from io import BytesIO
from pathlib import Path

import ipywidgets as ui
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mds_sim.files import NextFit, pack
from mds_sim.plots import Movie, movie_meetings, movie_packing
from mds_sim.tournament import round_robin
from mds_sim.widgets import Player

sys.path.insert(0, str(Path(__file__).parent))
widgets = import_module("widget_tree").widgets

SIZES = [6, 5, 4, 5, 4, 6]


@pytest.fixture(scope="module")
def movie() -> Movie:
    packings = {
        "NextFit": pack(SIZES, 10, NextFit()),
        "FirstFitDecreasing": pack(SIZES, 10),
    }
    return movie_packing(packings, pictures=6, seconds=3.0)


@pytest.fixture
def player(movie: Movie) -> Player:
    return Player(movie)


def image(player: Player) -> tuple[str, np.ndarray]:
    """Return what the image says, and its pixels."""
    (html,) = widgets(player, ui.HTML)
    found = re.search(r'<img alt="([^"]+)".*src="data:image/png;base64,([^"]+)"',
                      html.value)  # fmt: skip
    assert found
    picture = Image.open(BytesIO(base64.b64decode(found[2]))).convert("RGB")
    return unescape(found[1]), np.asarray(picture, dtype=int)


def test_each_step_shows_its_picture_and_says_what_is_written_in_it(
    player: Player,
) -> None:
    (slider,) = widgets(player, ui.IntSlider)
    said = []
    for number, picture in enumerate(player.movie.pictures, start=1):
        slider.value = number
        alt, pixels = image(player)
        said.append(alt)
        # But for the colours, which are fewer.
        assert np.abs(pixels - np.asarray(picture, dtype=int)).mean() < 1.0
    assert said[0] == (
        "Picture 1 of 7. 1 of 6 files; NextFit: 1 bucket; FirstFitDecreasing: 1 bucket"
    )
    assert said[5:] == [
        "Picture 6 of 7. 6 of 6 files; NextFit: 4 buckets; "
        "FirstFitDecreasing: 3 buckets",
        "Picture 7 of 7. 6 of 6 files; NextFit: 4 buckets, bound 3; "
        "FirstFitDecreasing: 3 buckets, bound 3",
    ]


def test_a_picture_is_encoded_when_it_is_shown_first_and_once(player: Player) -> None:
    assert list(player._files) == [1]
    player.show(4)
    made = player._files[4]
    assert list(player._files) == [1, 4]
    player.show(1)
    player.show(4)
    assert list(player._files) == [1, 4]
    assert player._files[4] is made


def test_all_pictures_are_drawn_first_so_that_words_change_none_of_them() -> None:
    """To say what is written in a picture, the figure is changed to its moment."""
    made = movie_meetings({"circle": round_robin(4)}, pictures=3)
    drawn = list(made.pictures)
    moments = []

    def update(moment):
        moments.append(moment)
        return made.update(moment)

    movie = Movie(made.figure, update, made.moments, made.alt)
    player = Player(movie)
    assert moments == [made.moments[0], *made.moments]  # its words, and all pictures
    moments.clear()
    for number in (4, 2, 3, 1, 4):
        player.show(number)
        _, pixels = image(player)
        assert np.abs(pixels - np.asarray(drawn[number - 1], dtype=int)).mean() < 1.0
    assert moments == [made.moments[i - 1] for i in (4, 2, 3, 1, 4)]  # for its words


def test_buttons_step_and_stop_at_both_ends(player: Player) -> None:
    back, forth = widgets(player, ui.Button)
    assert (back.description, forth.description) == ("Back", "Next")
    back.click()
    assert player.picture == 1
    forth.click()
    forth.click()
    assert (player.picture, image(player)[0][:14]) == (3, "Picture 3 of 7")
    back.click()
    assert player.picture == 2
    player.show(7)
    forth.click()
    assert player.picture == 7


def test_play_is_a_button_with_a_name_tied_to_the_slider_in_the_page(
    player: Player,
) -> None:
    (play,), (slider,) = widgets(player, ui.Play), widgets(player, ui.IntSlider)
    (switch,) = widgets(player, ui.ToggleButton)
    assert play.layout.display == "none"  # its buttons have no names
    assert (play.min, play.max) == (slider.min, slider.max) == (1, 7)
    assert play.interval == round(3000 / 7)
    assert not slider.continuous_update
    assert [(tie.source, tie.target) for tie in player._ties] == [
        ((play, "value"), (slider, "value")),
        ((switch, "value"), (play, "playing")),
    ]
    assert switch.description == "Play"
    switch.value = True
    assert switch.description == "Pause"
    switch.value = False
    assert switch.description == "Play"


def test_all_controls_have_names_and_hints(player: Player) -> None:
    buttons = widgets(player, (ui.Button, ui.ToggleButton))  # type: ignore[arg-type]
    assert len(buttons) == 3
    assert all(button.description and button.tooltip for button in buttons)
    (slider,) = widgets(player, ui.IntSlider)
    assert slider.description == "picture"


def test_numbers_of_players_are_not_read_out() -> None:
    player = Player(movie_meetings({"circle": round_robin(4)}, pictures=3))
    assert player.words == "circle: round 1: 2 of 6 pairs"
    player.show(4)
    assert player.words == "circle: 6 pairs, bound 6"


def test_a_movie_without_words_is_described_as_a_whole() -> None:
    figure = Figure(figsize=(2, 1))
    (dot,) = figure.subplots().plot([0], [0], "o", animated=True)
    player = Player(Movie(figure, lambda _: [dot], [0, 1], alt='A "dot" stays'))
    assert image(player)[0] == 'Picture 1 of 2. A "dot" stays'


def test_without_widgets_it_says_what_it_is(player: Player) -> None:
    bundle = player._repr_mimebundle_()
    assert set(bundle) >= {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == repr(player)
    assert repr(player) == f"<Player of 7 pictures: {player.movie.alt}>"


@pytest.mark.parametrize(
    ("picture", "error", "message"),
    [
        (0, ValueError, "picture must be >= 1, got 0"),
        (8, ValueError, "picture must be from 1 to 7, got 8"),
        (1.5, TypeError, "picture must be a whole number, got 1.5"),
    ],
)
def test_a_picture_that_is_not_there_is_refused(
    player: Player, picture: int, error: type, message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        player.show(picture)
    assert player.picture == 1


def test_what_is_no_movie_is_refused() -> None:
    message = "movie must be a Movie, as plots.movie_packing() makes it, got 3"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Player(3)  # type: ignore[arg-type]  # that is the test
