"""The site as a reader has it: from a folder, without a server, by day and by night."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parent))
driver = import_module("driver")

pytestmark = pytest.mark.slow

PAGES = [
    "index.html",
    "notebooks/16_is_the_difference_real.html",
    "api/names/mds_sim.read_sizes.html",  # a long signature
    "api/names/mds_sim.theory.MMc.html",  # a formula, a source
    "docs/teaching.html",
    "search.html?q=FirstFitDecreasing",
]
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def opened(chromium: Browser, address: str, scheme: Any, width: int) -> Page:
    """Open a page of the site in a window of its own, with no network behind it."""
    context = chromium.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",
        offline=True,
    )
    page = context.new_page()
    page.goto(address)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_keeps_people_out(
    chromium: Browser, site: Path, name: str, scheme: str
) -> None:
    page = opened(chromium, f"{site.as_uri()}/{name}", scheme, 1400)
    if name.startswith("search"):
        page.locator("#search-results li").first.wait_for()
    assert page.locator("html").get_attribute("data-theme") == scheme
    assert driver.axe_faults(page) == []
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_on_a_telephone(chromium: Browser, site: Path, name: str) -> None:
    page = opened(chromium, f"{site.as_uri()}/{name}", "light", 400)
    assert not page.evaluate(TOO_WIDE)
    page.context.close()


def test_the_search_finds_a_name(chromium: Browser, site: Path) -> None:
    page = opened(chromium, f"{site.as_uri()}/index.html", "light", 1400)
    page.keyboard.press("Control+k")
    page.keyboard.type("FirstFitDecreasing")
    page.keyboard.press("Enter")
    page.locator("#search-results li a").first.click()
    page.wait_for_url("**/api/names/mds_sim.FirstFitDecreasing.html**")
    assert page.locator("h1").inner_text().startswith("FirstFitDecreasing")
    page.context.close()


def test_a_reader_changes_to_the_dark(chromium: Browser, site: Path) -> None:
    page = opened(chromium, f"{site.as_uri()}/index.html", "light", 1400)
    page.get_by_role("button", name="Color mode").first.click()
    page.get_by_role("menuitem", name="Dark").or_(
        page.get_by_role("button", name="Dark")
    ).first.click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.context.close()


def test_a_solution_unfolds(chromium: Browser, site: Path) -> None:
    address = f"{site.as_uri()}/notebooks/02_files_and_buckets.html"
    page = opened(chromium, address, "light", 1400)
    code = page.get_by_text("# Solution").first
    assert not code.is_visible()
    page.get_by_text("Show a solution").first.click()
    assert code.is_visible()
    page.context.close()
