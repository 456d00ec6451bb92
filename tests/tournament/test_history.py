"""What is derived from the rounds, and the rules that each round keeps."""

import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mds_sim.tournament import History, check_round, count_meetings, who_plays
from mds_sim.tournament.history import new_faces

NAMES = ("Ann", "Bob", "Cid", "Dan", "Eve")
FOUR = History.start(NAMES[:4], tables=2, seats=3, rounds=3)
FIVE = History.start(NAMES, tables=2, seats=2, rounds=3)

tables_of_rounds = st.tuples(st.integers(0, 5), st.integers(1, 8)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(-1, 3))
)


@given(tables_of_rounds)
def test_meetings_agree_with_a_slow_recount(table: np.ndarray) -> None:
    slow = np.zeros((table.shape[1],) * 2, dtype=np.int64)
    faces = []
    for row in table:
        for p, q in combinations(range(len(row)), 2):
            if row[p] == row[q] != -1:
                slow[p, q] += 1
                slow[q, p] += 1
        faces.append((slow > 0).sum() / len(row))
    assert np.array_equal(count_meetings(table), slow)
    assert new_faces(table).tolist() == faces


def test_all_else_is_derived() -> None:
    history = FIVE.after([0, 0, 1, 1, -1], [1, 2]).after([0, -1, 1, 0, 1], [0, 2])
    assert (history.round, history.players) == (2, 5)
    assert history.wins.tolist() == [1, 1, 2, 0, 0]
    assert history.sat_out.tolist() == [0, 1, 0, 0, 1]
    assert history.opponents.tolist() == [2, 1, 2, 2, 1]
    assert history.meetings.sum() == 8
    assert FIVE.round == 0  # a new value, not a changed one


@pytest.mark.parametrize(
    "name", ["table", "winner", "meetings", "opponents", "sat_out", "wins", "sizes"]
)
def test_a_seating_cannot_change_the_history(name: str) -> None:
    history = FIVE.after([0, 0, 1, 1, -1], [1, 2])
    with pytest.raises(ValueError, match="read-only"):
        getattr(history, name)[...] = 0


@given(
    tables=st.integers(1, 4),
    seats=st.integers(2, 4),
    spare=st.integers(0, 9),
    seed=st.integers(0, 99),
)
def test_sit_outs_are_fair_after_each_round(
    tables: int, seats: int, spare: int, seed: int
) -> None:
    players, rng = 2 * tables + spare, np.random.default_rng(seed)
    history = History.start([str(p) for p in range(players)], tables, seats, 12)
    for _ in range(12):
        chosen = who_plays(history, rng)
        assert len(set(chosen.tolist())) == min(players, tables * seats)
        row = np.full(players, -1)
        row[chosen] = np.repeat(np.arange(tables), history.sizes)
        check_round(history, row)
        history = history.after(row, np.zeros(tables))
        assert np.ptp(history.sat_out) <= 1


def test_who_sits_out_first_is_a_matter_of_luck() -> None:
    rng = np.random.default_rng(1)
    bench = [({*range(5)} - {*who_plays(FIVE, rng).tolist()}).pop() for _ in range(99)]
    assert set(bench) == {0, 1, 2, 3, 4}


def test_a_checked_round_is_a_copy() -> None:
    answer = np.array([0, 1, 0, 1], dtype=np.int8)
    checked = check_round(FOUR, answer)
    answer[:] = 7
    assert checked.tolist() == [0, 1, 0, 1]
    assert checked.dtype == np.int64
    assert not checked.flags.writeable


CHEATS = [
    (FOUR, [0.0, 0, 1, 1], "table must hold integers, got float64 in round 1"),
    (
        FOUR,
        [0, 0, 1],
        "table must have shape (4,), one entry for each player, got (3,) in round 1",
    ),
    (
        FOUR,
        [0, 2, 1, 1],
        "table must be -1 (sits out) or 0 to 1, but table[1] = 2 in round 1: 'Bob'",
    ),
    (
        FOUR,
        [0, 1, -2, 1],
        "table must be -1 (sits out) or 0 to 1, but table[2] = -2 in round 1: 'Cid'",
    ),
    (FOUR, [1, 1, 1, 1], "every table must be used, but table 0 is not in round 1"),
    (
        FIVE,
        [0, 0, 1, 1, 1],
        "a table must hold at most 2 players, but table 1 holds 3 in round 1: "
        "'Cid', 'Dan', 'Eve'",
    ),
    (
        FOUR,
        [0, 0, 1, 0],
        "table sizes must differ by at most 1, but table 0 holds 3 and table 1 holds 1 "
        "in round 1: 'Cid'",
    ),
    (
        FOUR,
        [0, 0, 1, -1],
        "4 players must have a seat, but 3 do in round 1; who sits out: 'Dan'",
    ),
    (
        FIVE.after([0, 0, 1, 1, -1], [1, 2]),
        [0, 0, 1, 1, -1],
        "sit-outs must differ by at most 1, but 'Eve' would have 2 and 'Ann' 0 "
        "in round 2",
    ),
]


@pytest.mark.parametrize(("history", "answer", "message"), CHEATS)
def test_a_broken_rule_is_named(
    history: History, answer: list[float], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        check_round(history, answer)
