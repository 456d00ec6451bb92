"""Moving pictures: each moment is what a figure of its own would show."""

import os
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from mds_sim.plots import Movie
from mds_sim.plots.movie import HOLD


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


def test_a_picture_is_the_figure_as_matplotlib_draws_it_at_once() -> None:
    movie = dot([0.1, 0.7])
    pictures = list(movie.pictures)
    (axes,) = movie.figure.axes
    axes.lines[-1].set_animated(False)
    movie.figure.set_dpi(120)
    for moment, picture in zip(movie.moments, pictures, strict=True):
        movie.update(moment)
        canvas = FigureCanvasAgg(movie.figure)
        canvas.draw()
        drawn = np.asarray(canvas.buffer_rgba())[..., :3]
        assert np.array_equal(drawn, np.asarray(picture))


def test_each_moment_is_drawn_once_and_in_order(tmp_path: Path) -> None:
    movie = dot()
    moments = []

    def update(moment):
        moments.append(moment)
        return movie.update(moment)

    counted = Movie(movie.figure, update, movie.moments, "A dot")
    assert (counted.width, moments) == (160, [0.0, 0.5, 1.0])
    for ending in ("gif", "webp", "png"):
        counted.save(tmp_path / f"dot.{ending}")
    assert len(counted._repr_html_()) > 1000
    assert counted.pictures is counted.pictures
    assert moments == [0.0, 0.5, 1.0]


def test_the_gif_is_made_of_the_pictures() -> None:
    movie = dot()
    with Image.open(BytesIO(movie.gif)) as file:
        for i, picture in enumerate(movie.pictures):
            file.seek(i)
            few = np.asarray(file.convert("RGB"), dtype=int)
            far = np.abs(few - np.asarray(picture, dtype=int))
            assert far.mean() < 0.1
            assert far.max() <= 32  # between two of 63 colours


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


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_saved_twice_it_is_the_same_file(tmp_path: Path, ending: str) -> None:
    movie, again = dot(), dot()
    for i, one in enumerate([movie, movie, again]):
        one.save(tmp_path / f"{i}.{ending}")
    first, second, third = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert first == second == third


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_a_movie_that_breaks_leaves_no_file(tmp_path: Path, ending: str) -> None:
    movie, works = dot(), False

    def update(moment):
        if moment == 1.0 and not works:
            raise RuntimeError("the last moment is missing")
        return movie.update(moment)

    broken = Movie(movie.figure, update, movie.moments, "A dot")
    path, old = tmp_path / f"new.{ending}", tmp_path / f"old.{ending}"
    old.write_bytes(b"as it was")
    for each in (path, old):
        with pytest.raises(RuntimeError, match=r"^the last moment is missing$"):
            broken.save(each)
    assert list(tmp_path.iterdir()) == [old]
    assert old.read_bytes() == b"as it was"
    assert broken.figure.dpi == 80
    works = True  # once what was missing is there, it can be saved
    broken.save(path)
    dot().save(old)
    assert path.read_bytes() == old.read_bytes()


def test_it_takes_as_long_as_it_is_told(tmp_path: Path) -> None:
    moments = np.linspace(0.0, 1.0, 13)
    with Image.open(BytesIO(dot(moments, seconds=2.0).gif)) as file:
        assert file.n_frames == 13
        times = []
        for i in range(13):
            file.seek(i)
            times.append(file.info["duration"])
    assert sum(times) == 4500
    assert set(times[:-1]) <= {150, 160}


PEAK = Path("/proc/self/clear_refs")  # Linux: writing 5 to it forgets the peak so far


def peak(pictures: int) -> float:
    """Return the most memory of this process while a GIF is made [MB]."""
    movie = dot(np.linspace(0.0, 1.0, pictures))
    movie.figure.set_size_inches(10, 7)  # 1200 x 840 pixels
    PEAK.write_text("5")
    assert len(movie.gif) > 1000
    found = re.search(r"VmHWM:\s+(\d+) kB", PEAK.with_name("status").read_text())
    assert found
    return int(found[1]) / 1024


@pytest.mark.skipif(not os.access(PEAK, os.W_OK), reason="Linux tells the peak")
def test_many_pictures_need_little_more_memory_than_few() -> None:
    """As images, 30 pictures more would take 90 MB, and as much again to be written."""
    few = peak(4)
    assert peak(34) - few < 60


class TestLarge:
    """A GIF that is too large has fewer pictures, and takes as long."""

    N = 20

    def read(self, data: bytes) -> tuple[list[np.ndarray], list[int]]:
        """Return the pictures of a file, and how long each stays [ms]."""
        pictures, times = [], []
        with Image.open(BytesIO(data)) as file:
            for i in range(file.n_frames):  # type: ignore[attr-defined]
                file.seek(i)
                pictures.append(np.asarray(file.convert("RGB")))
                times.append(file.info["duration"])
        return pictures, times

    def made(self, most: int, patch: pytest.MonkeyPatch) -> bytes:
        """Return a file that may be so large."""
        patch.setattr("mds_sim.plots.movie.MOST_BYTES", most)
        return dot(np.linspace(0.0, 1.0, self.N), seconds=self.N).gif

    @pytest.mark.parametrize("share", [0.99, 0.9, 0.75])
    def test_it_has_fewer_pictures(
        self, share: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = self.made(10**9, monkeypatch)
        most = int(share * len(whole))
        data = self.made(most, monkeypatch)
        assert len(data) <= most
        (found, times), (all_, _) = self.read(data), self.read(whole)
        assert len(all_) == self.N
        assert share - 0.25 <= len(found) / self.N < share
        assert sum(times) == 1000 * (self.N + HOLD)
        assert max(times[:-1]) <= 2000  # spread evenly
        begins = np.cumsum([0, *times[:-1]]) // 1000
        assert (begins[0], begins[-1]) == (0, self.N - 1)
        for begin, picture in zip(begins, found, strict=True):
            assert np.array_equal(picture, all_[begin])

    def test_it_keeps_all_if_half_of_them_is_too_large(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = self.made(10**9, monkeypatch)
        assert self.made(len(whole) // 3, monkeypatch) == whole

    def test_who_asks_for_more_pictures_gets_a_larger_file(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moments = np.linspace(0.0, 1.0, 100)
        size = len(dot(moments).gif)
        monkeypatch.setattr("mds_sim.plots.movie.MOST_BYTES", size // 2 + 1)
        assert len(dot(moments).gif) == size


@pytest.mark.parametrize("moments", [[0.5], [0.5] * 3, [0.0, 0.5, 1.0]])
def test_the_longest_movie_fits_into_a_gif(moments: list[float]) -> None:
    file = Image.open(BytesIO(dot(moments, seconds=600.0).gif))
    each = []
    for i in range(file.n_frames):
        file.seek(i)
        each.append(file.info["duration"])
    assert sum(each) == 1000 * (600 + HOLD)  # Pillow shows equal pictures as one


def test_what_has_no_ground_is_drawn_on_a_white_page() -> None:
    movie, bare = dot(), dot()
    bare.figure.patch.set_alpha(0.0)
    for picture, other in zip(movie.pictures, bare.pictures, strict=True):
        away = np.subtract(picture, np.asarray(other), dtype=int)
        assert abs(away).max() <= 2  # colours are mixed in two steps, not in one


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
        ({"seconds": 0}, "seconds must be > 0 and <= 600 s, got 0"),
        ({"seconds": 600.5}, "seconds must be > 0 and <= 600 s, got 600.5"),
        ({"seconds": float("nan")}, "seconds must be > 0 and <= 600 s, got nan"),
    ],
)
def test_what_cannot_be_a_movie_is_refused(change, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        dot(**change)
