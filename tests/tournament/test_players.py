"""Players, tables, rounds, and from arrays to people and back."""

import re

import numpy as np
import pytest

from mds_sim.tournament import Player, Round, Table
from mds_sim.tournament.players import as_players
from mds_sim.tournament.rounds import as_round, winners_by_table

ANN, BOB, CID, DAN, EVE = PLAYERS = as_players(["Ann", "Bob", "Cid", "Dan", "Eve"])
TABLE = np.array([0, 1, 0, 1, -1])


def test_a_number_makes_players() -> None:
    assert [player.name for player in as_players(3)] == ["P1", "P2", "P3"]
    assert as_players(np.int64(2)) == (Player("P1"), Player("P2"))


def test_names_and_players_mix() -> None:
    assert as_players(name for name in ("Ann", Player("Zoe", 2))) == (
        Player("Ann", 0.0),
        Player("Zoe", 2.0),
    )


@pytest.mark.parametrize(
    ("players", "error", "message"),
    [
        (3.0, TypeError, "players must be a number, names or Players, got 3.0"),
        ("Ann", TypeError, "players must be a number, names or Players, got 'Ann'"),
        (["Ann", 3], TypeError, "name must be a str, got 3"),
        (0, ValueError, "players must be >= 1, got 0"),
        ([" "], ValueError, "name must be printable and not empty, got ' '"),
        (["A\nB"], ValueError, "name must be printable and not empty, got 'A\\nB'"),
        (
            ["Ann", "Ann "],
            ValueError,
            "name must not begin or end with a space, got 'Ann '; strip() it",
        ),
        (
            ["Ann", "Bob", Player("Ann", 1)],
            ValueError,
            "names must be unique, but players[0] and players[2] are both 'Ann'; "
            "add a surname",
        ),
    ],
)
def test_who_cannot_play(players: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        as_players(players)  # type: ignore[arg-type]  # that is the test


@pytest.mark.parametrize("skill", [float("nan"), float("inf"), -float("inf")])
def test_skill_must_be_finite(skill: float) -> None:
    message = re.escape(f"skill of 'Ann' must be finite, got {skill}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        Player("Ann", skill)


def test_players_are_values() -> None:
    assert Player("Ann", 1) == Player("Ann", 1.0)
    assert len({Player("Ann"), Player("Ann"), Player("Bob")}) == 2
    assert str(ANN) == "Ann"


def test_a_round_reads_as_a_plan() -> None:
    plan = as_round(PLAYERS, 2, TABLE)
    assert plan == Round(2, (Table(1, (ANN, CID)), Table(2, (BOB, DAN))), (EVE,))
    assert repr(plan) == (
        "round 2\n  table 1: Ann, Cid\n  table 2: Bob, Dan\n  sits out: Eve"
    )
    assert [table.number for table in plan] == [1, 2]
    assert len(plan) == 2
    played = as_round(PLAYERS, 2, TABLE, winner=np.array([2, 1]))
    assert [table.winner for table in played] == [CID, BOB]
    assert "table 1: Ann, Cid (won by Cid)" in repr(played)


def test_winners_may_come_in_any_order_and_as_players() -> None:
    assert winners_by_table(PLAYERS, TABLE, ["Dan", ANN]).tolist() == [0, 3]
    assert winners_by_table(PLAYERS, np.array([0, 0, 0, 0, 0]), CID).tolist() == [2]


BAD_WINNERS = [
    (
        ["Ann", "Zoe"],
        "winners must be players of this tournament, but winners[1] = 'Zoe' is none",
    ),
    (["Ann", "Eve"], "winners must play in this round, but 'Eve' sits out"),
    (["Ann", "Cid"], "table 1 must have one winner, got 'Ann' and 'Cid'"),
    (["Ann", "Bob", "Ann"], "table 1 must have one winner, got 'Ann' and 'Ann'"),
    ("Ann", "table 2 must have one winner, got none; name one of 'Bob', 'Dan'"),
    ([], "table 1 must have one winner, got none; name one of 'Ann', 'Cid'"),
]


@pytest.mark.parametrize(("winners", "message"), BAD_WINNERS)
def test_wrong_winners_are_named(winners: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        winners_by_table(PLAYERS, TABLE, winners)
