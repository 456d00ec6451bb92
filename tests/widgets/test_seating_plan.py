"""The seating plan, clicked through without a browser: each click is a value set."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as ui
import numpy as np
import pytest

from mds_sim.tournament import HorizonSeating, Player, Tournament
from mds_sim.widgets import SeatingPlan

AGAIN = "an evening is under way; click Start anew once more to give it up"
LOST = "not all of this evening is saved; click Load once more to give it up"
SAME = "found no other tables, so these stay; press again to try once more"
NAMES = ["Ada", "Bo", "Cleo", "Dev", "Eve"]


def buttons(plan: SeatingPlan) -> dict[str, ui.Button]:
    """Return the buttons of a panel by what is written on them."""
    found: list[ui.Button] = []
    stack = [plan.view]
    while stack:
        widget = stack.pop()
        found += [widget] if isinstance(widget, ui.Button) else []
        stack += getattr(widget, "children", ())
    return {button.description: button for button in found}


def fields(plan: SeatingPlan) -> dict[str, ui.DescriptionWidget]:
    """Return the fields of a panel by what is written before them."""
    found, stack = [], [plan.view]
    while stack:
        widget = stack.pop()
        kinds = ui.Textarea, ui.Text, ui.Dropdown, ui.BoundedIntText
        found += [widget] if isinstance(widget, kinds) else []
        stack += getattr(widget, "children", ())
    return {field.description: field for field in found}


def enter(content: dict[str, str]) -> dict[str, Any]:
    """Return the message of a field in the browser, where a key was pressed."""
    return {
        "content": {"data": {"method": "custom", "content": content}},
        "buffers": [],
    }


def click_first(plan: SeatingPlan) -> None:
    """Click the first player of each table, and go on."""
    for number, names in enumerate(plan.options, start=1):
        plan.choose(number, names[0])
    buttons(plan)["Next round"].click()


def evening(plan: SeatingPlan) -> Tournament:
    """Return the tournament that a panel shows."""
    assert plan.tournament is not None
    return plan.tournament


def html(plan: SeatingPlan) -> str:
    """Return all that the panel shows as HTML."""
    found, stack = [], [plan.view]
    while stack:
        widget = stack.pop()
        found += [widget.value] if isinstance(widget, ui.HTML) else []
        stack += getattr(widget, "children", ())
    return " ".join(found)


def test_an_evening_is_clicked_through_to_its_champion() -> None:
    plan = SeatingPlan(NAMES, tables=2, seats=2, rounds=3, rng=1)
    buttons(plan)["Start"].click()
    rounds = 0
    while not evening(plan).finished:
        assert {len(names) for names in plan.options} <= {2, 3}
        click_first(plan)
        assert plan.message == ""
        rounds += 1
    assert rounds in (3, 4)  # and perhaps a playoff
    champion = evening(plan).standings[0].player.name
    assert f"{champion} has won the evening" in html(plan)
    assert plan.options == ()
    click_first(plan)
    assert plan.message == "the evening is over; Undo, or Start anew"
    assert f"{champion} has won the evening" in html(plan)


def test_a_button_is_never_switched_off_under_the_finger() -> None:
    plan = SeatingPlan(["Ann", "Bob"], tables=1, seats=2, rounds=1, rng=1)
    steps = ["Next round", "Undo", "Seat again"]
    assert all(buttons(plan)[name].disabled for name in steps)
    buttons(plan)["Start"].click()
    for _ in range(2):  # while it lasts, and once it is over
        assert not any(button.disabled for button in buttons(plan).values())
        click_first(plan)
    assert evening(plan).finished
    buttons(plan)["Seat again"].click()
    assert plan.message == "no round waits for its winners"


def test_the_button_that_starts_stays_where_it_is() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=1, rng=1)
    start = buttons(plan)["Start"]
    assert start in plan.view.children  # so no fold hides it
    start.click()
    assert buttons(plan)["Start anew"] is start


def test_the_panel_seats_as_the_tournament_does() -> None:
    plan = SeatingPlan(NAMES, tables=2, seats=2, rounds=2, rng=7)
    plan.start()
    same = Tournament(
        NAMES, 2, 2, 2, seating=evening(plan).seating,
        contention=evening(plan).contention, rng=7,
    )  # fmt: skip
    tables = same.next_round().tables
    assert plan.options == tuple(tuple(p.name for p in t.players) for t in tables)


def test_a_table_without_a_winner_is_named_and_nothing_happens() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=1, rng=1)
    plan.start()
    plan.choose(1, plan.options[0][1])
    before = plan.options
    plan.next_round()
    assert plan.message == "table 2 must have a winner: click one"
    assert plan.message in html(plan)
    assert plan.options == before
    assert evening(plan).history.round == 0
    plan.choose(2, plan.options[1][0])
    plan.next_round()
    assert (plan.message, evening(plan).history.round) == ("", 1)
    assert "Not done" not in html(plan)


def test_undo_takes_back_the_last_round() -> None:
    plan = SeatingPlan(8, tables=2, seats=4, rounds=3, rng=1)
    plan.start()
    first = plan.options
    click_first(plan)
    assert evening(plan).history.round == 1
    buttons(plan)["Undo"].click()
    assert (evening(plan).history.round, plan.options) == (0, first)
    buttons(plan)["Undo"].click()
    assert plan.message == "a round must be recorded before it can be undone"


@pytest.mark.parametrize("step", ["next_round", "undo", "seat_again"])
def test_nothing_goes_before_the_start(step: str) -> None:
    plan = SeatingPlan()
    getattr(plan, step)()
    assert plan.message == "an evening must be started first: click Start"


def test_what_cannot_be_is_said_in_the_panel() -> None:
    plan = SeatingPlan(["Ann", "Bob"], tables=1, seats=2, rounds=1)
    names = fields(plan)["Players"]
    names.value = "Ann\nAnn"
    plan.start()
    assert plan.message == "'Ann' is there twice; add a surname"
    assert f'<p role="alert"><b>Not done:</b> {escape(plan.message)}</p>' in html(plan)
    assert plan.tournament is None
    names.value = "Ann\n\n  Bob  \n"
    plan.start()
    assert plan.message == ""
    assert [player.name for player in evening(plan).players] == ["Ann", "Bob"]


def test_names_are_text_and_never_markup() -> None:
    plan = SeatingPlan(["<b>Ann</b>", "Bob & Co", "Cid"], tables=1, seats=2, rounds=1)
    plan.start()
    assert "<b>Ann" not in html(plan)
    assert "&lt;b&gt;Ann" in html(plan)


def test_who_has_met_whom_can_be_read_without_colour() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=3, rng=1)
    plan.start()
    assert "Who has met whom: 0 of 6 pairs" in html(plan)
    click_first(plan)
    assert "Who has met whom: 2 of 6 pairs" in html(plan)
    assert html(plan).count("●") == 4  # each pair is there twice


def test_the_winner_is_said_in_words_too() -> None:
    plan = SeatingPlan(["Ann", "<Bob>"], tables=1, seats=2, rounds=1, rng=1)
    plan.start()
    assert plan.note == "0 of 1 winner clicked"
    plan.choose(1, "<Bob>")
    assert "Table 1: &lt;Bob&gt; won" in html(plan)
    assert plan.note == "1 of 1 winner clicked"
    assert f'<p role="status">{plan.note}</p>' in html(plan)
    assert set(plan._cards[0].seats.tooltips) == {
        "Ann wins table 1",
        "<Bob> wins table 1",
    }


def test_a_click_takes_the_complaint_away() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=1, rng=1)
    plan.start()
    plan.next_round()
    assert plan.message == "table 1 must have a winner: click one"
    plan.choose(1, plan.options[0][0])
    assert plan.message == ""
    assert "Not done" not in html(plan)


@pytest.mark.parametrize("won", ["Ann", "Bob"])
def test_undo_shows_who_had_won_that_round_and_no_later_click(won: str) -> None:
    plan = SeatingPlan(["Ann", "Bob"], tables=1, seats=2, rounds=2, rng=1)
    plan.start()
    plan.choose(1, won)
    plan.next_round()
    plan.choose(1, {"Ann": "Bob", "Bob": "Ann"}[won])  # of round 2
    plan.undo()
    assert plan.note == "1 of 1 winner clicked"
    assert f"Table 1: {won} won" in html(plan)


def test_after_undo_one_winner_can_be_put_right() -> None:
    plan = SeatingPlan(8, tables=2, seats=4, rounds=3, rng=1)
    plan.start()
    first = plan.options
    click_first(plan)
    plan.undo()
    plan.choose(2, first[1][3])
    plan.next_round()
    winners = [str(table.winner) for table in evening(plan).rounds[0]]
    assert winners == [first[0][0], first[1][3]]


def test_undo_of_a_playoff_has_no_winner_clicked() -> None:
    plan = SeatingPlan(["Ann", "Bob"], tables=1, seats=2, rounds=2, rng=1)
    plan.start()
    for name in ("Ann", "Bob", "Ann"):
        plan.choose(1, name)
        plan.next_round()
    assert "Ann has won the evening" in html(plan)
    plan.undo()
    assert "<h3>Playoff</h3>" in html(plan)
    assert plan.note == "0 of 1 winner clicked"


def test_who_comes_before_a_winner_is_clicked_plays_at_once() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=2, rng=1)
    plan.start()
    tournament = evening(plan)
    fields(plan)["Late arrival"].value = " Zoe "
    buttons(plan)["Remove"].click()  # nobody is named yet
    assert plan.message == "a name must be given of who comes or goes"
    buttons(plan)["Add"].click()
    assert (plan.message, fields(plan)["Late arrival"].value) == ("", "")
    assert [p.name for p in tournament.present] == ["P1", "P2", "P3", "P4", "Zoe"]
    fields(plan)["Left early"].value = "P1"
    buttons(plan)["Remove"].click()
    assert sorted(sum(plan.options, ())) == ["P2", "P3", "P4", "Zoe"]
    assert tournament is evening(plan)  # still the same object
    assert "P1 (left)" in html(plan)


def test_who_comes_after_a_click_plays_from_the_next_round_on() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=2, rng=1)
    plan.start()
    seats = plan.options
    plan.choose(1, seats[0][0])
    plan.add_player("Zoe")
    plan.remove_player("P2")
    assert plan.options == seats
    assert plan.note == (
        "1 of 2 winners clicked; Zoe plays from the next round on; "
        "P2 leaves after this round"
    )
    plan.choose(2, seats[1][0])
    plan.next_round()
    assert sorted(sum(plan.options, ())) == ["P1", "P3", "P4", "Zoe"]
    plan.choose(1, plan.options[0][0])
    plan.add_player("Yan")
    assert plan.message == "nobody can come or go while the last round is played"


def test_a_change_that_cannot_be_is_refused_as_a_whole() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=2, rng=1)
    plan.start()
    for clicked in (False, True):
        before = plan.options
        if clicked:
            plan.choose(1, before[0][0])
        plan.add_player("P1")
        twin = "names must be unique, but 'P1' is here already; add a surname"
        assert plan.message == twin
        plan.remove_player("P1")
        assert plan.message == (
            "players must be >= 2 * tables = 4 (a game needs two), but 3 would be left "
            "without 'P1'; add somebody first"
        )
        assert plan.options == before
        assert len(evening(plan).present) == 4


def test_a_round_can_be_seated_again() -> None:
    plan = SeatingPlan(16, rng=1)
    plan.start()
    before = plan.options
    plan.choose(1, before[0][0])
    plan.add_player("Zoe")
    buttons(plan)["Seat again"].click()
    assert plan.message == ""
    assert plan.options != before
    assert plan.note == "0 of 4 winners clicked"
    assert len(evening(plan).present) == 17


def test_a_round_that_was_planned_ahead_can_be_seated_another_way() -> None:
    plan = SeatingPlan(18, rng=1)
    plan.start()
    for _ in range(3):
        click_first(plan)
        before = {frozenset(names) for names in plan.options}
        plan.seat_again()
        assert plan.message == ""
        assert {frozenset(names) for names in plan.options} != before
        assert evening(plan).seating == HorizonSeating()


def test_what_can_be_seated_in_one_way_only_says_so() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=3, rng=1)
    plan.start()
    click_first(plan)
    click_first(plan)
    before = {frozenset(names) for names in plan.options}  # all other pairs have met
    plan.seat_again()
    assert plan.message == SAME
    assert {frozenset(names) for names in plan.options} == before


def test_a_playoff_is_not_seated_again() -> None:
    plan = SeatingPlan(["Ann", "Bob"], tables=1, seats=2, rounds=2, rng=1)
    plan.start()
    for name in ("Ann", "Bob"):
        plan.choose(1, name)
        plan.next_round()
    assert "<h3>Playoff</h3>" in html(plan)
    plan.seat_again()
    assert plan.message == "a playoff has one table: all who are tied"


def test_forbidden_pairs_are_fields() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=3, rng=1)
    fields(plan)["Apart"].value = "P1"
    plan.start()
    assert plan.message == "Apart must hold two names a line, Ann, Bob, got 'P1'"
    fields(plan)["Apart"].value = "P1, P2\n\n"
    plan.start()
    for _ in range(3):
        assert {"P1", "P2"} not in [set(names) for names in plan.options]
        click_first(plan)


def test_a_second_start_gives_an_evening_up_only_when_told_twice() -> None:
    plan = SeatingPlan(8, tables=2, seats=4, rounds=3, rng=1)
    plan.start()
    plan.start()  # nobody has won, so nothing is lost
    assert plan.message == ""
    plan.choose(1, plan.options[0][0])
    plan.start()
    assert (plan.message, plan.note) == (AGAIN, "1 of 2 winners clicked")
    plan.choose(2, plan.options[1][0])
    assert (plan.message, plan.note) == ("", "2 of 2 winners clicked")
    plan.start()  # nobody sees the warning any more
    assert (plan.message, plan.note) == (AGAIN, "2 of 2 winners clicked")
    plan.start()
    assert (plan.message, plan.note) == ("", "0 of 2 winners clicked")
    click_first(plan)
    plan.start()
    assert (plan.message, evening(plan).history.round) == (AGAIN, 1)
    plan.undo()
    click_first(plan)
    plan.start()  # the warning was for the click right before
    assert (plan.message, evening(plan).history.round) == (AGAIN, 1)
    plan.start()
    assert (plan.message, evening(plan).history.round) == ("", 0)


def test_what_is_wrong_with_a_new_evening_is_said_before_the_warning() -> None:
    twin = np.random.default_rng(3)
    plan = SeatingPlan(6, tables=2, seats=3, rounds=3, rng=np.random.default_rng(3))
    plan.start()
    plan.choose(1, plan.options[0][0])
    fields(plan)["Apart"].value = "P1"
    plan.start()
    assert plan.message == "Apart must hold two names a line, Ann, Bob, got 'P1'"
    fields(plan)["Apart"].value = "P1, P2\nP1, P3\nP2, P3"  # at two tables
    plan.start()
    assert plan.message == (
        "'P1' and 'P2' must not share a table, but both sit at table 1 in round 1; "
        "allow() lets them meet"
    )
    fields(plan)["Apart"].value = ""
    plan.start()
    assert plan.message == AGAIN
    plan.start()
    assert (plan.message, plan.note) == ("", "0 of 2 winners clicked")
    same = SeatingPlan(6, tables=2, seats=3, rounds=3, rng=twin)
    same.start()
    same.start()  # what was tried for the warning has drawn nothing
    assert same.options == plan.options


def test_load_gives_up_what_is_not_saved_only_when_told_twice(tmp_path: Path) -> None:
    plan, file = SeatingPlan(8, tables=2, seats=4, rounds=3, rng=1), tmp_path / "n.json"
    plan.start()
    Tournament(4, 2, 2, rounds=2, rng=1).save(file)
    plan.choose(1, plan.options[0][0])
    plan.load("gone.json")  # no evening to go on with, so nothing to warn of
    assert plan.message == "[Errno 2] No such file or directory: 'gone.json'"
    plan.start()
    assert plan.message == AGAIN
    plan.load(str(file))  # another step, so another warning
    assert (plan.message, len(evening(plan).players)) == (LOST, 8)
    plan.start()
    assert (plan.message, len(evening(plan).players)) == (AGAIN, 8)
    plan.load(str(file))
    plan.load(str(file))
    assert (plan.message, len(evening(plan).players)) == ("", 4)


def test_load_does_not_warn_if_all_is_saved(tmp_path: Path) -> None:
    plan, file = SeatingPlan(8, tables=2, seats=4, rounds=3, rng=1), tmp_path / "n.json"
    plan.start()
    click_first(plan)
    plan.save(str(file))
    plan.load(str(file))
    assert (plan.message, evening(plan).history.round) == ("", 1)
    plan.choose(1, plan.options[0][0])  # this click is in no file
    plan.load(str(file))
    assert (plan.message, plan._cards[0].winner is None) == (LOST, False)
    plan.load(str(file))
    assert (plan.message, plan._cards[0].winner is None) == ("", True)


def test_the_panel_says_what_the_file_does_not_hold(tmp_path: Path) -> None:
    plan, file = SeatingPlan(8, tables=2, seats=4, rounds=3, rng=1), tmp_path / "n.json"
    plan.start()
    plan.save(str(file))
    assert plan.note == f"0 of 2 winners clicked; saved in {file}"
    plan.choose(1, plan.options[0][0])
    plan.add_player("Tess")
    assert plan.note == (
        "1 of 2 winners clicked; Tess plays from the next round on; "
        f"saved in {file} up to the last finished round"
    )
    other = SeatingPlan()
    other.load(str(file))
    assert other.note == f"0 of 2 winners clicked; saved in {file}"
    assert "Tess" not in html(other)
    plan.choose(2, plan.options[1][0])
    plan.next_round()
    assert plan.note == f"0 of 2 winners clicked; saved in {file}"
    other.load(str(file))
    assert "Tess" in html(other)


def test_enter_in_a_field_does_what_its_button_does() -> None:
    plan = SeatingPlan(4, tables=2, seats=2, rounds=2, rng=1)
    plan.start()
    comer, file = fields(plan)["Late arrival"], fields(plan)["File"]
    comer.value = "Zoe"
    comer._handle_msg(enter({"event": "else"}))
    assert (len(evening(plan).present), comer.value) == (4, "Zoe")
    comer._handle_msg(enter({"event": "submit"}))
    assert ([p.name for p in evening(plan).present][4:], comer.value) == (["Zoe"], "")
    file._handle_msg(enter({"event": "submit"}))
    assert plan.message == "File has two buttons; choose Save or Load"


def test_an_evening_goes_on_from_its_file(tmp_path: Path) -> None:
    plan, file = SeatingPlan(8, tables=2, seats=4, rounds=3, rng=1), tmp_path / "n.json"
    plan.start()
    fields(plan)["File"].value = str(file)
    buttons(plan)["Save"].click()
    click_first(plan)
    assert plan.note == f"0 of 2 winners clicked; saved in {file}"
    other = SeatingPlan()
    fields(other)["File"].value = str(file)
    buttons(other)["Load"].click()
    assert other.message == ""
    assert (other.options, evening(other).history.round) == (plan.options, 1)
    click_first(plan)
    click_first(other)
    assert other.options == plan.options


@pytest.mark.parametrize(
    ("step", "name", "message"),
    [
        ("save", " ", "a file must be named to save in"),
        ("load", " ", "a file must be named to load"),
        ("save", "gone/n.json",
         "the file must be in a folder that exists, got 'gone/n.json'"),
        ("load", "gone/n.json", "[Errno 2] No such file or directory: 'gone/n.json'"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_is_named(step: str, name: str, message: str) -> None:
    plan = SeatingPlan(8, tables=2, seats=4, rounds=3, rng=1)
    plan.start()
    getattr(plan, step)(name)
    assert plan.message == message
    click_first(plan)
    assert (plan.message, evening(plan).history.round) == ("", 1)


def test_many_players_have_no_grid() -> None:
    plan = SeatingPlan(41, tables=10, seats=4, rounds=1, rng=1)
    plan.start()
    assert "Who has met whom" not in html(plan)
    assert "Standings" in html(plan)


def test_players_may_be_given_as_players() -> None:
    plan = SeatingPlan([Player("Ann", skill=2.0), "Bob"], tables=1, seats=2, rounds=1)
    plan.start()
    assert plan.options in ((("Ann", "Bob"),), (("Bob", "Ann"),))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4, 0, 2, 1), "tables must be >= 1, got 0"),
        ((4, 2, 1, 1), "seats must be >= 2, got 1"),
        ((4, 2, 2, 0), "rounds must be >= 1, got 0"),
    ],
)
def test_numbers_to_begin_with_are_checked(
    arguments: tuple[int, int, int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        SeatingPlan(*arguments)


def test_jupyter_shows_the_panel() -> None:
    bundle = SeatingPlan(4, tables=2, seats=2)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
