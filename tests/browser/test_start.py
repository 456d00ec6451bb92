"""The front door, run from top to bottom as a visitor would, once for all tests."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, expect

sys.path.insert(0, str(Path(__file__).parent))
driver = import_module("driver")

pytestmark = pytest.mark.slow

OUTPUTS = ".jp-OutputArea-output"
FIGURES = """() => [...document.querySelectorAll('.jp-OutputArea img')].map(
    image => [image.alt, image.complete && image.naturalWidth > 100])"""
HEADINGS = """() => [...document.querySelectorAll(
    '.jp-Notebook :is(h1, h2, h3, h4, h5, h6)')].map(h => Number(h.tagName[1]))"""


@pytest.fixture(scope="module")
def start(chromium: Browser, lab: Any, notebooks: Path) -> Iterator[Any]:
    """Return the notebook after "Run all"."""
    lab.put("00_start", nbformat.read(notebooks / "00_start.ipynb", as_version=4))
    with driver.open_book(chromium, lab) as book:
        book.open("00_start")
        book.run_all()
        yield book


def test_all_cells_run(start: Any) -> None:
    assert start.errors() == []
    counts = [cell["execution_count"] for cell in start.cells()]
    assert counts == list(range(1, len(counts) + 1))
    assert len(counts) >= 10


def test_figures_are_seen_and_described(start: Any) -> None:
    figures = start.page.evaluate(FIGURES)
    assert len(figures) >= 6
    assert all(len(alt) >= 30 and is_seen for alt, is_seen in figures)


def test_headings_are_in_order(start: Any) -> None:
    levels = start.page.evaluate(HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert len(levels) >= 8
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_the_player_goes_on_by_keyboard(start: Any) -> None:
    view = start.page.locator(".mds-player")
    image, shown = view.locator("img"), view.locator(".widget-readout")
    expect(shown).to_have_text("1")
    before = [image.get_attribute(name) or "" for name in ("src", "alt")]
    start.tab_to(view.get_by_role("slider"))
    for _ in range(3):
        start.page.keyboard.press("ArrowRight")
    expect(shown).to_have_text("4")
    expect(image).not_to_have_attribute("src", before[0])
    assert before[1].startswith("Picture 1 of ")
    expect(image).to_have_attribute("alt", re.compile("^Picture 4 of "))


def test_no_output_keeps_people_out(start: Any) -> None:
    assert start.page.locator(OUTPUTS).count() >= 10
    assert start.faults(OUTPUTS) == []


def test_what_keeps_people_out_is_caught(start: Any) -> None:
    output = start.page.locator(OUTPUTS).first
    before = output.inner_html()
    output.evaluate("element => element.innerHTML = '<button></button>'")
    faults = start.faults(OUTPUTS)
    output.evaluate("(element, html) => element.innerHTML = html", before)
    assert faults == [
        f"{theme}: button-name: <button></button>" for theme in ("dark", "light")
    ]


def test_a_page_that_asks_elsewhere_is_caught(chromium: Browser, lab: Any) -> None:
    address = "https://example.org/font.css"
    opened = driver.open_book(chromium, lab)
    book = opened.__enter__()
    book.page.evaluate("address => fetch(address, {mode: 'no-cors'})", address)
    message = f"a page asked elsewhere: ['{address}']"
    with pytest.raises(AssertionError, match=f"^{re.escape(message)}$"):
        opened.__exit__(None, None, None)
