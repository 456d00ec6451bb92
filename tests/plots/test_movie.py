"""Moving pictures: each moment is what a figure of its own would show."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mds_sim.plots import Movie


def dot(moments=(0.0, 0.5, 1.0), **options) -> Movie:
    """A dot that goes to the right."""
    figure = Figure(figsize=(2, 1), dpi=80)
    axes = figure.subplots()
    axes.set_xlim(-0.2, 1.2)
    axes.axvline(0.5)
    (point,) = axes.plot([], [], "o", animated=True)

    def update(x):
        point.set_data([x], [0.0])
        return [point]

    return Movie(figure, update, moments, **{"alt": "A dot", **options})


def test_each_picture_is_drawn_anew() -> None:
    first, second, third = (np.asarray(p, dtype=int) for p in dot().pictures)
    assert first.shape == (120, 240, 3)  # sharper than 80 x 160
    assert not np.array_equal(first, second)
    alone = np.asarray(dot([1.0]).pictures[0])
    assert np.array_equal(alone, third)  # nothing is left of the moments before


def test_the_gif_has_all_pictures_and_holds_the_last() -> None:
    file = Image.open(BytesIO(dot(seconds=3.0).gif))
    assert (file.n_frames, file.size) == (3, (240, 120))
    times = []
    for i in range(file.n_frames):
        file.seek(i)
        times.append(file.info["duration"])
    assert times == [1000, 1000, 3500]


def test_the_page_stays_white_in_the_gif() -> None:
    with Image.open(BytesIO(dot().gif)) as file:
        for i in range(file.n_frames):
            file.seek(i)
            assert file.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(("ending", "frames"), [(".gif", 3), (".webp", 3), (".png", 1)])
def test_it_is_saved(tmp_path: Path, ending: str, frames: int) -> None:
    path = tmp_path / f"dot{ending}"
    dot().save(path)
    with Image.open(path) as file:
        assert getattr(file, "n_frames", 1) == frames


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^path must end with \.gif, \.webp or \.png, "
    ):
        dot().save(tmp_path / "dot.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_page_can_hide_it_and_need_not_move() -> None:
    html = dot(alt='A "dot"')._repr_html_()
    assert html.startswith("<details open><summary>")
    assert 'media="(prefers-reduced-motion: reduce)" srcset="data:image/png' in html
    assert 'alt="A &quot;dot&quot;"' in html


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moments": []}, "moments must hold at least one, got none"),
        ({"alt": " "}, "alt must say what the movie shows, got ' '"),
        ({"seconds": 0}, "seconds must be > 0 and finite, got 0"),
        ({"seconds": float("inf")}, "seconds must be > 0 and finite, got inf"),
    ],
)
def test_what_cannot_be_a_movie_is_refused(change, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        dot(**change)
