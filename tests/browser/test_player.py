"""The player of a movie: it plays in the page, and stops when it is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.slow

SETUP = """import mds_sim as mds
sizes = mds.FileSource(100).sample(rng=2024)[0]
movie = mds.plots.movie_packing(
    {name: mds.pack(sizes, strategy=getattr(mds, name)())
     for name in ("NextFit", "FirstFitDecreasing")}, seconds=5)"""
PANEL = "player = mds.widgets.Player(movie)\nplayer"


@pytest.fixture
def view(book: Any) -> Locator:
    """Return the panel, at its first picture."""
    book.lab.put_cells("player", [SETUP, PANEL])
    book.open("player")
    book.run_all()
    assert book.errors() == []
    view: Locator = book.page.locator(".mds-player")
    expect(view.locator("img")).to_have_attribute("alt", re.compile("^Picture 1 of 51"))
    return view


def test_it_plays_to_the_end_and_pauses(book: Any, view: Locator) -> None:
    image = view.locator("img")
    book.tab_to(view.get_by_role("button", name="Play"))
    book.page.keyboard.press("Space")
    pause = view.get_by_role("button", name="Pause")
    expect(pause).to_be_visible()
    expect(image).to_have_attribute("alt", re.compile("^Picture ([3-9]|[1-4].) of 51"))
    pause.click()
    expect(view.get_by_role("button", name="Play")).to_be_visible()
    shown = view.locator(".widget-readout").inner_text()
    expect(image).to_have_attribute("alt", re.compile(f"^Picture {shown} of 51"))
    assert 1 < int(shown) < 51
    view.get_by_role("button", name="Play").click()
    end = re.compile("^Picture 51 of 51.* bound 9$")
    expect(image).to_have_attribute("alt", end, timeout=30_000)
    expect(view.get_by_role("button", name="Play")).to_be_visible()
    assert book.ask("player.picture") == "51"


def test_a_reader_steps_by_keyboard(book: Any, view: Locator) -> None:
    image = view.locator("img")
    assert book.faults(".mds-player") == []
    book.tab_to(view.get_by_role("button", name="Next"))
    for _ in range(3):
        book.page.keyboard.press("Enter")
    expect(image).to_have_attribute("alt", re.compile("^Picture 4 of 51. 8 of 100"))
    book.tab_to(view.get_by_role("slider"))
    book.page.keyboard.press("ArrowRight")
    expect(image).to_have_attribute("alt", re.compile("^Picture 5 of 51. 10 of 100"))
    assert book.ask("player.words").startswith("10 of 100 files; NextFit: ")
