"""The what-if panel, without a browser: a slider that moves is a value set."""

from __future__ import annotations

import base64
import re
import sys
from importlib import import_module
from pathlib import Path

import ipywidgets as ui
import pytest

from mds_sim.analysis import what_if
from mds_sim.widgets import WhatIf

sys.path.insert(0, str(Path(__file__).parent))
widgets = import_module("widget_tree").widgets

NAMES = ["messages [a minute]", "window [min]", "workers", "service [min a batch]"]


def html(panel: WhatIf) -> str:
    """Return all that the panel shows as HTML."""
    return " ".join(widget.value for widget in widgets(panel, ui.HTML))


def test_a_slider_that_moves_shows_the_new_setting() -> None:
    panel = WhatIf(rng=1)
    sliders = widgets(panel, (ui.FloatSlider, ui.IntSlider))  # type: ignore[arg-type]
    assert [slider.description for slider in sliders] == NAMES
    assert not any(slider.continuous_update for slider in sliders)
    before = html(panel)
    assert "7.84 of 10 workers busy on average" in before
    for slider, value in zip(sliders, (12.0, 4.0, 20, 25.0), strict=True):
        slider.value = value
    answer = panel.answer
    assert (answer.rate, answer.length) == (12 / 60, 240.0)
    assert (answer.mean_service, answer.workers) == (1500.0, 20)
    for row in answer.rows():
        assert all(f">{word}<" in html(panel) for word in row)
    assert html(panel) != before


def test_the_figure_is_a_picture_with_words() -> None:
    panel = WhatIf(rng=1)
    found = re.search(r'<img alt="([^"]+)" src="data:image/png;base64,([^"]+)"',
                      html(panel))  # fmt: skip
    assert found
    assert found[1] == f"Two figures. {panel.answer.verdict}"
    assert base64.b64decode(found[2]).startswith(b"\x89PNG")


def test_several_sliders_are_drawn_once_and_equal_seeds_are_equal() -> None:
    panel, other = WhatIf(rng=3), WhatIf(rate=20, workers=5, service=9.5, rng=3)
    panel.set(rate=20, workers=5, service=9.5)
    assert html(panel) == html(other)
    assert html(WhatIf(rate=20, workers=5, service=9.5, rng=4)) != html(other)


def test_a_pool_that_cannot_keep_up_is_named() -> None:
    panel = WhatIf(workers=3, rng=1)
    assert panel.answer.theory is None
    assert "more work than the pool can do (7.84 of 3 workers)" in html(panel)
    assert html(panel).count(">none<") == 6


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": 31}, "rate must be from 1 to 30, got 31"),
        ({"window": 0.0}, "window must be from 0.5 to 20, got 0.0"),
        ({"workers": 0}, "workers must be a whole number from 1 to 30, got 0"),
        ({"workers": 2.5}, "workers must be a whole number from 1 to 30, got 2.5"),
        ({"service": float("nan")}, "service must be from 0.5 to 60, got nan"),
    ],
)
def test_a_value_beyond_a_slider_is_refused(
    values: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        WhatIf(**values)  # type: ignore[arg-type]
    panel = WhatIf(rng=1)
    before = panel.answer
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        panel.set(**{"rate": 5, **values})
    assert panel.answer is before


def test_a_slider_that_is_not_there_is_refused() -> None:
    message = "slider must be one of rate, window, workers, service, got 'speed'"
    with pytest.raises(ValueError, match=f"^{message}$"):
        WhatIf(rng=1).set(speed=3)


def test_the_figures_are_those_of_what_if() -> None:
    panel = WhatIf(rng=1)
    same = what_if(10 / 60, 300, 2400, 10, rng=panel._seed)
    assert same.rows() == panel.answer.rows()
