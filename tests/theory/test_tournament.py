"""Bounds and expectations of the tournament, against brute force and simulation."""

import re
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.theory.tournament import (
    expected_opponents,
    pairs_bound,
    player_bound,
    repeat_free_rounds,
    table_sizes,
)
from mds_sim.tournament import GreedySeating, History, RandomSeating, Seating


@given(tables=st.integers(1, 9), seats=st.integers(2, 6), spare=st.integers(0, 60))
def test_tables_are_full_and_balanced(tables: int, seats: int, spare: int) -> None:
    players = 2 * tables + spare
    sizes = table_sizes(players, tables, seats)
    assert sizes.shape == (tables,)
    assert sizes.sum() == min(players, tables * seats)
    assert 2 <= sizes[-1] <= sizes[0] <= seats
    assert sizes[0] - sizes[-1] <= 1
    assert (np.diff(sizes) <= 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4, 0, 2), "tables must be >= 1, got 0"),
        ((4, 2.0, 2), "tables must be a whole number, got 2.0"),
        ((4, 2, 1), "seats must be >= 2, got 1"),
        (
            (7, 4, 4),
            "players must be >= 2 * tables = 8 (a game needs two), got 7; "
            "use tables <= 3",
        ),
        (
            (1, 1, 4),
            "players must be >= 2 * tables = 2 (a game needs two), got 1; invite more",
        ),
        ((-1, 1, 4), "players must be >= 0, got -1"),
    ],
)
def test_what_cannot_work_is_refused(
    arguments: tuple[int, int, int], message: str
) -> None:
    for function in (table_sizes, repeat_free_rounds):
        with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
            function(*arguments)


def test_rounds_must_not_be_negative() -> None:
    message = re.escape("rounds must be >= 0, got -1")
    with pytest.raises(ValueError, match=f"^{message}$"):
        player_bound(4, 2, -1)
    for function in (pairs_bound, expected_opponents):
        with pytest.raises(ValueError, match=f"^{message}$"):
            function(4, 2, 2, -1)


@pytest.mark.parametrize(
    ("players", "tables", "seats", "best_known"),
    [(16, 4, 4, 5), (32, 8, 4, 10), (15, 5, 3, 7), (9, 3, 3, 4), (8, 4, 2, 7)],
)
def test_repeat_free_rounds_of_the_social_golfer(
    players: int, tables: int, seats: int, best_known: int
) -> None:
    # OEIS A107431 and CSPLib prob010: here the bound is attained.
    assert repeat_free_rounds(players, tables, seats) == best_known
    assert best_known == (players - 1) // (seats - 1)


def test_few_tables_force_repeats() -> None:
    # Three of a table cannot go to two tables without meeting again.
    assert repeat_free_rounds(6, tables=2, seats=3) == 1
    assert repeat_free_rounds(7, tables=2, seats=3) == 3  # one of them may sit out


@given(
    tables=st.integers(1, 5),
    seats=st.integers(2, 4),
    spare=st.integers(0, 8),
    rounds=st.integers(0, 12),
)
def test_bounds_hold_for_random_seating(
    tables: int, seats: int, spare: int, rounds: int
) -> None:
    players = 2 * tables + spare
    history = seat(RandomSeating(), players, tables, seats, rounds, seed=1)
    pairs = history.opponents.sum() // 2
    assert pairs <= pairs_bound(players, tables, seats, rounds)
    for opponents, sat_out in zip(history.opponents, history.sat_out, strict=True):
        assert opponents <= player_bound(players, seats, rounds - int(sat_out))
    repeats = history.meetings.max(initial=0) > 1
    assert repeats or rounds <= repeat_free_rounds(players, tables, seats)


@pytest.mark.parametrize(
    ("players", "tables", "seats", "rounds", "exact"),
    [
        (16, 4, 4, 5, 15 * (1 - Fraction(4, 5) ** 5)),
        (2, 1, 2, 3, Fraction(1)),
        (3, 1, 2, 1, Fraction(2, 3)),
        (3, 1, 2, 2, Fraction(4, 3)),  # who sat out first plays in round 2
        (3, 1, 2, 3, Fraction(2)),  # everybody sat out once: all pairs met
        (5, 1, 2, 2, Fraction(4, 5)),  # 3 sit out, then the others and one of them
        (4, 2, 2, 0, Fraction(0)),
    ],
)
def test_expected_opponents_by_hand(
    players: int, tables: int, seats: int, rounds: int, exact: Fraction
) -> None:
    value = expected_opponents(players, tables, seats, rounds)
    assert value == pytest.approx(float(exact), rel=1e-12)


CASES = [
    (16, 4, 4, 5),  # full tables: the closed form
    (14, 4, 4, 6),  # tables of 4, 4, 3, 3
    (18, 4, 4, 6),  # two sit out
    (5, 2, 2, 7),  # one sits out: the cycle opens anew in round 6
    (7, 1, 2, 8),  # five of seven sit out: a cycle ends within a round
]


@pytest.mark.parametrize("case", CASES)
def test_random_seating_meets_as_many_as_expected(
    case: tuple[int, int, int, int],
) -> None:
    # |z| < 4.71: a false alarm in 2.5e-6 of all seeds. With 400 tournaments of 16
    # players the standard error is 0.022, so a bias of 2 % shows with p > 0.9999.
    assert abs(z_score(RandomSeating(), case)) < 4.71


def test_a_seating_that_is_not_random_is_noticed() -> None:
    assert z_score(GreedySeating(starts=1), CASES[0]) > 4.71


def z_score(seating: Seating, case: tuple[int, int, int, int]) -> float:
    """Compare the mean of 400 tournaments with the expectation."""
    means = [seat(seating, *case, seed=seed).opponents.mean() for seed in range(400)]
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    return float((np.mean(means) - expected_opponents(*case)) / error)


def seat(
    seating: Seating, players: int, tables: int, seats: int, rounds: int, seed: int
) -> History:
    """Seat all rounds; who wins does not matter."""
    rng = np.random.default_rng(seed)
    names = [str(p) for p in range(players)]
    history = History.start(names, tables, seats, rounds)
    for _ in range(rounds):
        history = history.after(seating.seat(history, rng), np.zeros(tables))
    return history


def test_the_expectation_is_exact_with_sit_outs() -> None:
    # Slow and readable: all ways to seat 4 players at one table of 2, for 4 rounds.
    total = sum(weight * met for weight, met in every_run(4, rounds=4))
    assert expected_opponents(4, 1, 2, 4) == pytest.approx(float(total), rel=1e-12)


def every_run(players: int, rounds: int) -> list[tuple[Fraction, Fraction]]:
    """Return the probability and mean opponents of every run with one table of two."""
    runs = [(Fraction(1), (0,) * players, frozenset[tuple[int, int]]())]
    for _ in range(rounds):
        after = []
        for weight, sat_out, met in runs:
            fair = [
                pair
                for pair in combinations(range(players), 2)
                if is_fair(sat_out, set(range(players)) - set(pair))
            ]
            for pair in fair:
                counts = tuple(n + (p not in pair) for p, n in enumerate(sat_out))
                after.append((weight / len(fair), counts, met | {pair}))
        runs = after
    return [(weight, Fraction(2 * len(met), players)) for weight, _, met in runs]


def is_fair(sat_out: tuple[int, ...], bench: set[int]) -> bool:
    """Tell whether those on the bench sat out least."""
    playing = set(range(len(sat_out))) - bench
    return max(sat_out[p] for p in bench) <= min(sat_out[p] for p in playing)
