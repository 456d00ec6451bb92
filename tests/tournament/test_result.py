"""What comes out: tables for people, arrays, HTML and CSV."""

import csv
from pathlib import Path

import numpy as np
import pytest

from mds_sim.tournament import (
    FixedOutcome,
    Player,
    ScheduledSeating,
    Tournament,
    TournamentResult,
    round_robin,
)

TIED = [["Ann", "Bob"], ["Cid", "Ann"], ["Cid", "Dan"], "Cid"]


@pytest.fixture
def result() -> TournamentResult:
    """Four players in pairs; Ann and Cid are tied, Cid wins the playoff."""
    return Tournament(
        ["Ann", "Bob", "Cid", "Dan"],
        tables=2,
        seats=2,
        rounds=3,
        seating=ScheduledSeating(round_robin(4)),
        outcome=FixedOutcome(TIED),
    ).play()


def test_it_reads_as_a_table(result: TournamentResult) -> None:
    assert str(result).splitlines() == [
        "Cid won: 4 players, 2 tables of 2, 3 rounds",
        "  player  wins  opponents' wins  met  sat out",
        "  1. Cid     2                4    3        0",
        "  2. Ann     2                4    3        0",
        "  3. Bob     1                5    3        0",
        "  3. Dan     1                5    3        0",
        "  6 of at most 6 pairs met; decided by playoff",
    ]
    assert repr(result) == (
        "TournamentResult(Cid won: 4 players, 2 tables of 2, 3 rounds; "
        "6 of at most 6 pairs met; decided by playoff)"
    )


def test_the_measures(result: TournamentResult) -> None:
    assert result.new_faces.tolist() == [1.0, 2.0, 3.0]
    assert result.opponents.tolist() == [3, 3, 3, 3]
    assert np.array_equal(result.meetings, 1 - np.eye(4))
    assert (result.pairs_met, result.bound) == (6, 6)
    assert [len(r.tables) for r in result.rounds] == [2, 2, 2]
    assert [t.winner.name for t in result.rounds[1] if t.winner] == ["Cid", "Ann"]


def test_a_table_fits_a_terminal() -> None:
    names = ["A" * 200, *(f"guest {i}" for i in range(99))]
    text = str(Tournament(names, 25, 4, 2, rng=1).play())
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 28
    assert "and 76 more" in text


def test_ranks_stand_in_line() -> None:
    lines = str(Tournament(12, 3, 4, 4, rng=1).play()).splitlines()[2:-1]
    assert {line.index(".") for line in lines} == {4}


def test_html_is_escaped_and_has_no_colours() -> None:
    players = [Player("<b>Ann</b>", skill=99), "Bob & Co"]
    html = Tournament(players, 1, 2, 1, rng=1).play()._repr_html_()
    assert "&lt;b&gt;Ann&lt;/b&gt; won: 2 players, 1 table of 2, 1 round." in html
    assert "Bob &amp; Co" in html
    assert "<b>" not in html
    assert "color" not in html
    assert html.count("<tr>") == 3


def test_csv_has_a_line_for_each_player_in_each_round(
    tmp_path: Path, result: TournamentResult
) -> None:
    path = tmp_path / "games.csv"
    result.to_csv(path)
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 3 * 4 + 2
    assert list(lines[0]) == ["round", "table", "player", "won", "playoff"]
    assert list(lines[0].values()) == ["1", "1", "Ann", "1", "0"]
    assert list(lines[-2].values()) == ["4", "1", "Ann", "0", "1"]
    assert list(lines[-1].values()) == ["4", "1", "Cid", "1", "1"]


def test_csv_tells_who_sat_out_and_quotes_names(tmp_path: Path) -> None:
    path = tmp_path / "games.csv"
    result = Tournament(["Ann, the 1st", "Böb", "Cid"], 1, 2, 3, rng=2).play()
    result.to_csv(str(path))
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["playoff"] == "0"]
    for r in ("1", "2", "3"):
        of_round = [line for line in lines if line["round"] == r]
        assert {line["player"] for line in of_round} == {"Ann, the 1st", "Böb", "Cid"}
        assert sorted(line["table"] for line in of_round) == ["", "1", "1"]
        assert sum(int(line["won"]) for line in of_round) == 1


def test_no_name_in_a_csv_is_a_formula(tmp_path: Path) -> None:
    """A spreadsheet runs what begins with such a sign; other names stay as they are."""
    path = tmp_path / "games.csv"
    bad = ["=1+1", "+49 30", "-Ann", "@bob", "\uff1dSUM(A1)", '=HYPERLINK("x","y")']
    good = ["Ann=Bob", "'tick", "7 + 1"]
    result = Tournament([*bad, *good], 2, 4, 1, rng=1).play()
    result.to_csv(path)
    with path.open(newline="", encoding="utf-8") as file:
        told = {line["player"] for line in csv.DictReader(file)}
    assert told == {*(f"'{name}" for name in bad), *good}
    assert {player.name for player in result.players} == {*bad, *good}


def test_same_as_tells_results_apart(result: TournamentResult) -> None:
    def play(last: str) -> TournamentResult:
        return Tournament(
            ["Ann", "Bob", "Cid", "Dan"],
            tables=2,
            seats=2,
            rounds=3,
            seating=ScheduledSeating(round_robin(4)),
            outcome=FixedOutcome([*TIED[:-1], last]),
        ).play()

    assert result.same_as(play("Cid"))
    assert not result.same_as(play("Ann"))
    assert not result.same_as("Cid won")
