"""Schedules, and the circle method against FIDE's published tables."""

import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.tournament import Schedule, round_robin

# FIDE Handbook, C.05 General Regulations for Competitions, Annex 1: Berger tables.
BERGER = {
    4: ["1-4 2-3", "4-3 1-2", "2-4 3-1"],
    6: ["1-6 2-5 3-4", "6-4 5-3 1-2", "2-6 3-1 4-5", "6-5 1-4 2-3", "3-6 4-2 5-1"],
    8: [
        "1-8 2-7 3-6 4-5",
        "8-5 6-4 7-3 1-2",
        "2-8 3-1 4-7 5-6",
        "8-6 7-5 1-4 2-3",
        "3-8 4-2 5-1 6-7",
        "8-7 1-6 2-5 3-4",
        "4-8 5-3 6-2 7-1",
    ],
    10: [
        "1-10 2-9 3-8 4-7 5-6",
        "10-6 7-5 8-4 9-3 1-2",
        "2-10 3-1 4-9 5-8 6-7",
        "10-7 8-6 9-5 1-4 2-3",
        "3-10 4-2 5-1 6-9 7-8",
        "10-8 9-7 1-6 2-5 3-4",
        "4-10 5-3 6-2 7-1 8-9",
        "10-9 1-8 2-7 3-6 4-5",
        "5-10 6-4 7-3 8-2 9-1",
    ],
}


def games(schedule: Schedule, round: int) -> list[str]:
    """Write the games of a round as FIDE does."""
    return ["-".join(str(p + 1) for p in game) for game in schedule.games(round)]


@pytest.mark.parametrize("players", BERGER)
def test_round_robin_is_the_published_berger_table(players: int) -> None:
    schedule = round_robin(players)
    published = [line.split() for line in BERGER[players]]
    assert [games(schedule, r) for r in range(schedule.rounds)] == published


@pytest.mark.parametrize("players", [3, 5, 7, 9])
def test_with_an_odd_number_the_last_player_counts_as_a_bye(players: int) -> None:
    schedule, bye = round_robin(players), str(players + 1)
    for r, line in enumerate(BERGER[players + 1]):
        published = [game for game in line.split() if bye not in game.split("-")]
        assert games(schedule, r) == published


@given(st.integers(2, 60))
def test_everyone_meets_everyone_exactly_once(players: int) -> None:
    schedule = round_robin(players)
    schedule.check()
    everyone = np.ones((players, players)) - np.eye(players)
    assert np.array_equal(schedule.meetings, everyone)
    assert schedule.pairs_met == schedule.bound == players * (players - 1) // 2
    assert schedule.rounds == players - 1 + players % 2
    byes = (schedule.table < 0).sum(axis=0)
    assert (byes == players % 2).all()


@given(st.integers(2, 60))
def test_home_and_away_differ_by_at_most_one(players: int) -> None:
    schedule = round_robin(players)
    assert schedule.first is not None
    home = np.bincount(schedule.first.ravel(), minlength=players)
    away = (schedule.table >= 0).sum(axis=0) - home
    assert np.abs(home - away).max() <= 1


@pytest.mark.parametrize("players", [1, 0, -4])
def test_a_round_robin_needs_two(players: int) -> None:
    message = re.escape(f"players must be >= 2, got {players}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        round_robin(players)


def test_a_schedule_counts_itself() -> None:
    schedule = Schedule([[0, 0, 1, 1, -1], [0, 1, -1, 0, 1], [0, 1, 0, -1, 1]])
    assert (schedule.players, schedule.tables, schedule.seats) == (5, 2, 2)
    assert (schedule.rounds, schedule.pairs_met, schedule.bound) == (3, 5, 6)
    assert schedule.games(2) == [(0, 2), (1, 4)]
    assert repr(schedule) == (
        "Schedule(5 players, 2 tables of 2, 3 rounds: 5 of at most 6 pairs meet)"
    )
    assert repr(Schedule([[0, 0]])) == (
        "Schedule(2 players, 1 table of 2, 1 round: 1 of at most 1 pair meets)"
    )
    schedule.check()


def test_a_schedule_is_a_read_only_copy() -> None:
    table = np.array([[0, 0, 1, 1]])
    schedule = Schedule(table)
    table[:] = 0
    assert schedule.tables == 2
    with pytest.raises(ValueError, match="read-only"):
        schedule.table[0, 0] = 1


def test_same_as_looks_at_tables_and_first_names() -> None:
    schedule = round_robin(4)
    assert schedule.same_as(pickle.loads(pickle.dumps(schedule)))
    bare = Schedule(schedule.table)
    assert bare.same_as(Schedule(schedule.table.tolist()))
    assert not bare.same_as(schedule)
    assert not schedule.same_as(round_robin(6))
    assert not schedule.same_as(Schedule(schedule.table, first=schedule.first[::-1]))
    assert not schedule.same_as("a schedule")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[0.5, 0.5]], "table must hold integers, got float64"),
        ([0, 0], "table must have two dimensions, got shape (2,)"),
        (np.empty((0, 4), int), "table must have two dimensions, got shape (0, 4)"),
        (
            [[0, -2]],
            "table must be -1 (sits out) or the number of a table, and seat somebody, "
            "got -2 to 0",
        ),
        (
            [[-1, -1]],
            "table must be -1 (sits out) or the number of a table, and seat somebody, "
            "got -1 to -1",
        ),
    ],
)
def test_what_is_no_schedule(table: object, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        Schedule(table)  # type: ignore[arg-type]  # that is the test


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (
            Schedule([[0, 0, 1, 1], [0, 0, 0, 1]]),
            "table sizes must differ by at most 1, but table 0 holds 3 and table 1 "
            "holds 1 in round 2: 'P4'",
        ),
        (
            Schedule([[0, 0, 1, 1], [0, 0, 0, 0]]),
            "every table must be used, but table 1 is not in round 2",
        ),
        (
            Schedule([[0, 0, -1], [0, 0, -1]]),
            "sit-outs must differ by at most 1, but 'P3' would have 2 and 'P1' 0 "
            "in round 2",
        ),
        (
            Schedule([[0, 0, -1, -1], [0, 0, 0, -1]]),
            "3 players must have a seat, but 2 do in round 1; who sits out: 'P3', 'P4'",
        ),
        (
            Schedule([[0, 0, 1, 1]], first=[[0, 1]]),
            "the first-named player must sit at the table, "
            "but first[0, 1] = 1 does not",
        ),
        (
            Schedule([[0, 0, 1, 1]], first=[[0]]),
            "first must have shape (1, 2), got (1, 1)",
        ),
    ],
)
def test_check_finds_a_broken_schedule(schedule: Schedule, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        schedule.check()


@pytest.mark.parametrize(("players", "value"), [(8, 196), (16, 2580), (20, 5548)])
def test_carry_over_of_the_circle_method(players: int, value: int) -> None:
    """The figures that are known for 8, 16 and 20 teams, and by plain counting."""
    schedule = round_robin(players)
    partner = np.empty(schedule.table.shape, dtype=int)
    for r in range(schedule.rounds):
        for one, other in schedule.games(r):
            partner[r, one], partner[r, other] = other, one
    effects = np.zeros((players, players), dtype=int)
    for r in range(schedule.rounds):
        for p in range(players):
            effects[partner[r, p], partner[(r + 1) % schedule.rounds, p]] += 1
    assert schedule.carry_over == value == (effects**2).sum()


def test_carry_over_counts_nobody_for_who_sits_out() -> None:
    # Three players: A-B, A-C, B-C. Only A plays twice in a row, then B and C once
    # each around the end: (B, C), (C, B), (C, A) by A, B and C.
    schedule = Schedule([[0, 0, -1], [0, -1, 0], [-1, 0, 0]])
    assert schedule.carry_over == 3


def test_carry_over_is_for_pairs() -> None:
    message = "tables must seat 2 for a carry-over value, got 3"
    with pytest.raises(ValueError, match=f"^{message}$"):
        _ = Schedule([[0, 0, 0]]).carry_over
