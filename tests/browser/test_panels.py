"""Panels, used as people use them: by mouse, and without one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.slow

SETUP = "import mds_sim as mds\nimport mds_sim.widgets"
NIGHT = """plan = mds.widgets.SeatingPlan(
    ["Ada", "Bo", "Cleo", "Dev", "Eve"], tables=2, seats=2, rounds=2, rng=1)
plan"""
RING = "rgb(213, 94, 0) solid 3px"  # around what has the focus, seen from afar


def cells_with(path: Any, *words: str) -> list[str]:
    """Return the code cells of a notebook that have one of some words in them."""
    notebook = nbformat.read(path, as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    found = [[source for source in sources if word in source] for word in words]
    assert all(found)
    return [source for source in sources if any(word in source for word in words)]


def panel_of(book: Any, path: Path, words: tuple[str, ...], selector: str) -> Locator:
    """Run the cells of a notebook that show a panel, and return what is shown."""
    book.lab.put_cells(path.stem, cells_with(path, *words))
    book.open(path.stem)
    book.run_all()
    assert book.errors() == []
    view: Locator = book.page.locator(selector)
    return view


class TestWhatIf:
    @pytest.fixture
    def view(self, book: Any, notebooks: Any) -> Locator:
        """The panel of the notebook, which begins as its text says."""
        words = "set_style", "panel = ", "panel  #"
        return panel_of(book, notebooks / "20_what_if.ipynb", words, ".mds-what-if")

    def test_a_slider_moves_and_all_agrees_with_the_kernel(
        self, book: Any, view: Locator
    ) -> None:
        before = view.locator("img").get_attribute("src")
        workers = view.get_by_role("slider").nth(2)
        book.tab_to(workers)
        for _ in range(2):
            book.page.keyboard.press("ArrowLeft")
        expect(view.locator(".widget-readout").nth(2)).to_have_text("8")
        expect(view.locator("caption")).to_contain_text("of 8 workers")
        image = view.locator("img")
        expect(image).not_to_have_attribute("src", str(before))
        expect(image).to_have_attribute("alt", re.compile("of 8 workers"))
        assert book.ask("panel.answer.workers") == "8"
        verdict = book.ask("panel.answer.verdict")
        assert view.locator("caption").inner_text() == verdict
        assert image.get_attribute("alt") == f"Two figures. {verdict}"
        rows = view.locator("tbody tr").all()
        shown = [tuple(row.locator("th, td").all_inner_texts()) for row in rows]
        assert str(shown) == book.ask("[tuple(row) for row in panel.answer.rows()]")
        assert book.faults(".mds-what-if") == []


class TestSeatingPlan:
    @pytest.fixture
    def view(self, book: Any, notebooks: Any) -> Locator:
        """The panel of the notebook: eighteen people in their second round."""
        words = "set_style", "NAMES = (", "SeatingPlan(NAMES", "plan  #"
        return panel_of(book, notebooks / "15_game_night.ipynb", words, ".mds-plan")

    def test_an_evening_is_clicked_through(self, book: Any, view: Locator) -> None:
        def press(label: str) -> None:
            view.get_by_role("button", name=label, exact=True).click()

        def win() -> list[str]:
            """Click the second name at each table, and go on."""
            cards = view.locator(".mds-card")
            names = []
            for card in cards.all():
                seat = card.get_by_role("button").nth(1)
                names.append(seat.inner_text())
                seat.click()
                expect(card).to_contain_text(f"{names[-1]} won")
            press("Next round")
            expect(view.locator(".mds-card .mod-active")).to_have_count(0)
            return names

        title = view.locator("h3")
        expect(title).to_have_text("Round 2 of 5")
        press("Undo")
        expect(title).to_have_text("Round 1 of 5")
        expect(view.locator(".mds-card .mod-active")).to_have_count(4)
        first = win()
        expect(title).to_have_text("Round 2 of 5")
        history = "plan.tournament.history"
        winners = book.ask(f"[{history}.names[i] for i in {history}.winner[0]]")
        assert winners == str(first)
        view.get_by_role("button", name="Come, go, save, load").click()
        comer = view.get_by_label("Late arrival")
        comer.fill("Zoe")
        comer.press("Enter")
        expect(view.locator("table").first).to_contain_text("Zoe")
        expect(comer).to_have_value("")
        expect(comer).to_be_focused()
        press("Add")
        notice = view.locator("p[role]")
        expect(notice).to_contain_text("a name must be given of who comes or goes")
        for number in (3, 4, 5):
            win()
            expect(title).to_have_text(f"Round {number} of 5")
        win()
        expect(title).not_to_have_text("Round 5 of 5")
        if title.inner_text() == "Playoff":
            win()
        champion = book.ask("plan.tournament.standings[0].player.name")
        expect(title).to_have_text(f"★ {champion} has won the evening")
        assert book.ask("len(plan.tournament.present)") == "19"
        assert book.faults(".mds-plan") == []

    def test_an_evening_goes_by_keyboard_alone(self, book: Any) -> None:
        book.lab.put_cells("evening", [SETUP, NIGHT])
        book.open("evening")
        book.run_all()
        view = book.page.locator(".mds-plan")
        title, notice = view.locator("h3"), view.locator("p[role]")

        def press(name: str, key: str, back: bool = False) -> None:
            """Go to a button and press it; it keeps the focus."""
            button = view.get_by_role("button", name=name, exact=True)
            book.tab_to(button, "Shift+Tab" if back else "Tab")
            book.page.keyboard.press(key)

        def has_focus(name: str) -> None:
            button = view.get_by_role("button", name=name, exact=True)
            expect(button).to_be_focused()
            expect(button).to_have_css("outline", RING)

        def win(key: str) -> None:
            """From the button before the tables on, choose the first at each."""
            cards = view.locator(".mds-card")
            for number in range(cards.count()):
                seat = cards.nth(number).get_by_role("button").first
                book.tab_to(seat)
                book.page.keyboard.press(key)
                expect(cards.nth(number)).to_contain_text("won")
                expect(seat).to_be_focused()
                expect(seat).to_have_css("outline", RING)

        press("Start", "Enter")
        expect(title).to_have_text("Round 1 of 2")
        has_focus("Start anew")
        press("Next round", "Space")
        expect(notice).to_contain_text("table 1 must have a winner: click one")
        has_focus("Next round")
        book.tab_to(view.get_by_role("button", name="Start anew"), "Shift+Tab")
        win("Space")
        press("Next round", "Space")
        expect(title).to_have_text("Round 2 of 2")
        has_focus("Next round")
        press("Undo", "Enter")
        expect(title).to_have_text("Round 1 of 2")
        expect(notice).to_have_text("2 of 2 winners clicked")
        has_focus("Undo")
        press("Next round", "Enter", back=True)
        expect(title).to_have_text("Round 2 of 2")
        for _ in range(2):  # the last round, and perhaps a playoff
            if "won" not in title.inner_text():
                before = title.inner_text()
                book.tab_to(view.get_by_role("button", name="Start anew"), "Shift+Tab")
                win("Enter")
                press("Next round", "Enter")
                expect(title).not_to_have_text(before)
        expect(title).to_contain_text("has won the evening")
        has_focus("Next round")
        press("Next round", "Enter")
        expect(notice).to_contain_text("the evening is over")
        has_focus("Next round")
