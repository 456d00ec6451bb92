"""Schedules for any number of players, tables, seats and rounds."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mds_sim
from mds_sim.theory.tournament import pairs_bound
from mds_sim.tournament import round_robin, schedule, schedules
from mds_sim.tournament.constructions import distinct_pairs


@st.composite
def plans(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Draw players, tables, seats and rounds that can be."""
    tables, seats = draw(st.integers(1, 6)), draw(st.integers(2, 5))
    players = draw(st.integers(2 * tables, tables * seats + 6))
    return players, tables, seats, draw(st.integers(1, 8))


@settings(max_examples=60, deadline=None)
@given(plans(), st.integers(0, 99))
def test_any_schedule_keeps_the_rules(
    plan: tuple[int, int, int, int], seed: int
) -> None:
    players, tables, seats, rounds = plan
    made = schedule(*plan, rng=seed, seconds=0.01)
    made.check()  # tables in use, sizes, sit-outs after each round
    assert (made.players, made.tables, made.rounds) == (players, tables, rounds)
    assert made.seats <= seats
    assert made.bound == pairs_bound(*plan)
    assert made.pairs_met == np.count_nonzero(np.triu(made.meetings))
    assert made.proven == (made.pairs_met == made.bound)
    assert made.method


@pytest.mark.parametrize(
    ("plan", "method"),
    [
        ((32, 8, 4, 10), "base rounds moved by a group of order 8"),
        ((85, 17, 5, 21), "spreads of PG(3, 4)"),
        ((28, 7, 4, 9), "Hermitian curve over GF(9)"),
        ((21, 7, 3, 10), "Kirkman triple system over GF(7)"),
        ((24, 6, 4, 7), "starter moved by a group of order 21"),
        ((400, 100, 4, 100), "product of nets 4 x 25"),
        ((8, 4, 2, 7), "circle method (Berger)"),
        ((7, 3, 2, 7), "circle method (Berger)"),
        ((8, 4, 2, 9), "circle method (Berger); played again"),
        ((9, 3, 3, 6), "Hermitian curve over GF(4); played again"),
        ((5, 1, 6, 3), "one table; played again"),
        ((23, 6, 4, 7), "starter moved by a group of order 21; without 1 player"),
        ((390, 100, 4, 50), "product of nets 4 x 25; without 10 players"),
        ((20, 4, 4, 5), "Latin squares over GF(5); 1 of 5 tables sit out"),
        ((19, 4, 4, 4), "Latin squares over GF(5); 1 of 5 tables sit out"),
        (
            (10, 2, 5, 4),
            "cyclic Latin squares of order 2; from round 2 on local search",
        ),
        ((18, 4, 4, 5), "local search"),
    ],
)
def test_the_portfolio_reaches_the_bound(
    plan: tuple[int, int, int, int], method: str
) -> None:
    made = schedule(*plan, rng=1)
    made.check()
    assert made.proven
    assert made.method == method


def test_algebra_does_not_draw() -> None:
    assert schedule(24, 6, 4, 7, rng=1).same_as(schedule(24, 6, 4, 7, rng=2))


def test_in_pairs_it_is_the_round_robin() -> None:
    assert np.array_equal(schedule(8, 4, 2, 7).table, round_robin(8).table)


def test_it_is_a_public_name() -> None:
    assert mds_sim.schedule is schedule


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (
            (7, 4, 4, 2),
            "players must be >= 2 * tables = 8 (a game needs two), got 7; "
            "use tables <= 3",
        ),
        ((8, 4, 1, 2), "seats must be >= 2, got 1"),
        ((8, 0, 4, 2), "tables must be >= 1, got 0"),
        ((8, 2, 4, 0), "rounds must be >= 1, got 0"),
    ],
)
def test_what_cannot_be_scheduled(
    plan: tuple[int, int, int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        schedule(*plan)


def test_seconds_must_be_positive() -> None:
    message = re.escape("seconds must be > 0 and finite s, got 0")
    with pytest.raises(ValueError, match=f"^{message}$"):
        schedule(8, 2, 4, 2, seconds=0)


@given(st.data())
def test_pairs_are_counted_as_a_matrix_counts_them(data: st.DataObject) -> None:
    rounds, players = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    row = st.lists(st.integers(-1, 3), min_size=players, max_size=players)
    table = np.array(data.draw(st.lists(row, min_size=rounds, max_size=rounds)))
    same = (table[:, :, None] == table[:, None, :]) & (table >= 0)[:, :, None]
    assert distinct_pairs(table) == np.count_nonzero(np.triu(same.any(axis=0), 1))


@pytest.mark.parametrize("plan", [(17, 4, 4, 5), (14, 4, 4, 5)])
def test_equal_seeds_give_equal_schedules(
    plan: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the search ends: by default it counts swaps and asks no clock."""
    monkeypatch.setattr(schedules, "PROPOSALS", 200_000)
    monkeypatch.setattr(schedules, "SLOW_PROPOSALS", 20_000)
    one, same = (schedule(*plan, rng=5) for _ in range(2))
    assert one.same_as(same)
    assert "local search" in one.method
