"""A browser, a JupyterLab and a page for each test. Nothing may leave this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
driver = import_module("driver")

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder: it runs with `-m browser` only."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start a browser; without one these tests are skipped, or they fail."""
    path = driver.find_chromium()
    if path is None:
        must = os.environ.get("MDS_SIM_BROWSER") == "required"
        (pytest.fail if must else pytest.skip)(driver.REMEDY)
    expect.set_options(timeout=driver.PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=driver.QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Any]:
    """Start a JupyterLab in an empty folder."""
    folder, state = (tmp_path_factory.mktemp(name) for name in ("book", "lab"))
    with driver.Lab(folder, state) as lab:
        yield lab


@pytest.fixture
def book(chromium: Browser, lab: Any) -> Iterator[Any]:
    """Return a page that opens notebooks, in a window of its own."""
    with driver.open_book(chromium, lab) as book:
        yield book


@pytest.fixture(scope="session")
def notebooks() -> Path:
    """Return the folder of the book."""
    return Path(driver.ROOT / "notebooks")
