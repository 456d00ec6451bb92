"""Figures with alternative text: what a page gets, and what it does not get."""

import base64
import re
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import RichOutput, capture_output
from PIL import Image

from mds_sim import pack, plots
from mds_sim.plots.saving import figure_of, png
from mds_sim.plots.showing import SHARPNESS, image_html


@pytest.fixture
def ipython():
    """An IPython without a terminal, as in a kernel."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.mark.usefixtures("ipython")
def test_a_figure_goes_into_the_page_with_its_words_and_is_closed() -> None:
    plots.plot_fill(pack([6, 5, 4], capacity=10))
    with capture_output() as page:
        plots.show("Two buckets:\n  one is full & one is not")
    (output,) = page.outputs
    assert isinstance(output, RichOutput)
    words = "Two buckets: one is full & one is not"
    assert output.data["text/plain"] == f"[Figure: {words}]"
    assert output.data["text/html"].startswith(
        f'<img alt="{words}" '.replace("&", "&amp;")
    )
    assert plt.get_fignums() == []


def test_outside_ipython_it_is_pyplots_show(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(plt, "show", lambda: called.append(True))
    plots.plot_fill(pack([6, 5, 4], capacity=10))
    plots.show("Two buckets")
    assert called == [True]
    plt.close()


@pytest.mark.parametrize("alt", ["", " \n "])
def test_words_must_say_something(alt: str) -> None:
    with pytest.raises(ValueError, match=r"^alt must say what the figure shows, got '"):
        plots.show(alt)


def test_a_figure_that_was_shown_is_not_shown_again() -> None:
    plt.close("all")
    message = "^figure must be open, got none; draw it before each show\\(\\)$"
    with pytest.raises(ValueError, match=message):
        plots.show("A line")


def test_the_image_is_as_wide_as_drawn_and_sharper() -> None:
    html = image_html(figure_of(lambda ax: ax.plot([1, 2])), "A line")
    width = int(re.search(r'width="(\d+)"', html)[1])
    data = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    picture = Image.open(BytesIO(data))
    assert 600 < width < 760
    assert abs(picture.width - SHARPNESS * width) <= 1


def test_a_png_with_few_colours_looks_the_same() -> None:
    def draw(ax):
        ax.imshow(np.add.outer(np.arange(9), np.arange(9)), cmap="cividis")

    figure = figure_of(draw)
    few = np.asarray(Image.open(BytesIO(png(figure)[0])).convert("RGB"), dtype=int)
    drawn = BytesIO()
    figure.savefig(drawn, format="png", facecolor="white")
    all_ = np.asarray(Image.open(drawn).convert("RGB"), dtype=int)
    assert few.shape == all_.shape
    assert np.abs(few - all_).mean() < 1  # of 255
