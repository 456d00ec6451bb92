"""Seatings that search: they keep rules, follow plans, and let many people meet."""

import pickle
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim.theory.tournament import pairs_bound
from mds_sim.tournament import (
    FinalLast,
    FunnelFirst,
    GreedySeating,
    History,
    HorizonSeating,
    RandomSeating,
    Seating,
    Tournament,
    check_round,
    check_seating,
    horizon,
)

QUICK = HorizonSeating(budget=300)
SEARCHING: list[Seating] = [GreedySeating(), QUICK, RandomSeating()]


def evening(
    plan: tuple[int, int, int, int], seating: Seating, seed: int = 1
) -> History:
    """Seat all rounds of an evening."""
    players, tables, _, rounds = plan
    history = History.start([str(p) for p in range(players)], *plan[1:])
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        row = check_round(history, seating.seat(history, rng))
        history = history.after(row, np.zeros(tables))
    return history


def ratio(plan: tuple[int, int, int, int], seating: Seating, seed: int = 1) -> float:
    """Return the pairs that met over the bound."""
    met = (evening(plan, seating, seed).meetings > 0).sum() // 2
    return float(met / pairs_bound(*plan))


def test_it_is_a_small_value_that_passes_the_judge() -> None:
    assert isinstance(QUICK, Seating)
    assert pickle.loads(pickle.dumps(QUICK)) == QUICK
    check_seating(QUICK)


@pytest.mark.parametrize(
    ("plan", "least"),
    [
        # 0.75 of the bound on rounds, T >= 2 G.
        ((32, 8, 4, 7), 0.99),
        ((40, 10, 4, 9), 0.99),
        ((24, 8, 3, 8), 0.99),
        ((64, 16, 4, 15), 0.99),
        ((45, 10, 4, 10), 0.99),
        ((50, 10, 5, 9), 0.99),
        ((72, 12, 6, 10), 0.99),
        # All rounds.
        ((16, 4, 4, 5), 0.93),
        ((15, 5, 3, 7), 0.93),
        ((32, 8, 4, 10), 0.93),
        ((64, 16, 4, 21), 0.93),
    ],
)
def test_the_horizon_lets_nearly_all_meet(
    plan: tuple[int, int, int, int], least: float
) -> None:
    assert ratio(plan, HorizonSeating()) >= least
    if plan[2] < 5:  # by search alone
        assert ratio(plan, HorizonSeating(designs=False)) >= least


@pytest.mark.parametrize(
    "plan",
    [(32, 8, 4, 10), (31, 8, 4, 10), (50, 10, 5, 10), (9, 4, 2, 9), (9, 2, 3, 3)],
)
def test_a_design_is_followed_from_any_first_round(
    plan: tuple[int, int, int, int],
) -> None:
    one, other = (evening(plan, QUICK, seed) for seed in (1, 2))
    assert one.meetings.max() == other.meetings.max() == 1
    assert not np.array_equal(one.meetings, other.meetings) or plan[1:] == (4, 2, 9)
    assert not np.array_equal(one.table, other.table)


def test_no_design_where_pairs_are_forbidden_or_somebody_came_late() -> None:
    history = evening((16, 4, 4, 1), QUICK)
    history = replace(history, rounds=5)
    p, q = np.flatnonzero(history.table[0] != history.table[0, 0])[:2]
    forbidden = np.zeros((16, 16), np.bool_)
    forbidden[p, q] = forbidden[q, p] = True
    apart = replace(history, forbidden=forbidden)
    for _ in range(4):
        row = check_round(apart, QUICK.seat(apart, np.random.default_rng(1)))
        apart = apart.after(row, np.zeros(4))
    late = history.table.copy()
    late[0, 3] = -2
    came = replace(history, table=late)
    assert check_round(came, QUICK.seat(came, np.random.default_rng(1))).min() == 0


def test_planning_ahead_beats_looking_at_the_next_round() -> None:
    plan = 16, 4, 4, 5
    seatings = HorizonSeating(), GreedySeating()
    ahead, next_only = (
        np.mean([ratio(plan, seating, seed) for seed in range(4)])
        for seating in seatings
    )
    assert ahead > next_only


@pytest.mark.parametrize("plan", [(16, 4, 4, 4), (18, 4, 4, 5), (14, 4, 4, 4)])
def test_the_plan_is_found_again_from_the_rounds_played(
    plan: tuple[int, int, int, int],
) -> None:
    # As in a process that loads the evening: other chance, no plan in memory.
    whole = evening(plan, QUICK)
    for played in range(1, plan[3]):
        horizon._plan.cache_clear()
        part = replace(whole, table=whole.table[:played], winner=whole.winner[:played])
        again = QUICK.seat(part, np.random.default_rng(99))
        assert np.array_equal(again, whole.table[played])


def test_a_round_that_was_not_planned_changes_the_plan() -> None:
    whole = evening((16, 4, 4, 5), QUICK)
    moved = whole.table[:3].copy()
    p, q = np.flatnonzero(moved[1] != moved[1, 0])[0], 0
    moved[1, [p, q]] = moved[1, [q, p]]
    part = replace(whole, table=moved, winner=whole.winner[:3])
    rows = [QUICK.seat(part, np.random.default_rng(seed)) for seed in range(2)]
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], whole.table[3])


def test_rounds_without_repeats_come_first() -> None:
    history = evening((32, 8, 4, 11), HorizonSeating(budget=5000))
    growth = []
    for r in range(1, 11):
        before = replace(history, table=history.table[:r])
        row = history.table[r]
        growth.append(int(before.meetings[row[:, None] == row].sum()))
    assert growth[0] == 0 < growth[-1] == max(growth)


def test_it_plays_on_after_the_rounds_that_were_planned() -> None:
    history = replace(evening((8, 2, 4, 2), QUICK), rounds=1)
    check_round(history, QUICK.seat(history, np.random.default_rng(1)))


def test_a_roster_that_changes_is_planned_anew() -> None:
    history = evening((18, 4, 4, 3), QUICK)
    came = replace(
        history,
        names=(*history.names, "late"),
        table=np.column_stack([history.table, [-2] * 3]),
        credit=np.append(np.zeros(18, int), history.sat_out.min()),
    )
    rng = np.random.default_rng(1)
    for _ in range(3):
        row = check_round(came, QUICK.seat(came, rng))
        came = came.after(row, np.zeros(4))
    left = came.of(np.arange(19) != 4)
    check_round(left, QUICK.seat(left, rng))


@pytest.mark.parametrize("seating", SEARCHING, ids=repr)
@given(
    tables=st.integers(1, 5),
    seats=st.integers(2, 5),
    spare=st.integers(0, 12),
    rounds=st.integers(1, 6),
    funnel=st.sampled_from([FunnelFirst(), FinalLast(), FinalLast(levels=2)]),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=30)
def test_the_contention_rule_has_its_tables(
    seating: Seating,
    tables: int,
    seats: int,
    spare: int,
    rounds: int,
    funnel: Any,
    seed: int,
) -> None:
    Tournament(  # which checks each round against the funnel
        2 * tables + spare, tables, seats, rounds,
        seating=seating, contention=funnel, rng=seed,
    ).play()  # fmt: skip


@pytest.mark.parametrize("seating", SEARCHING, ids=repr)
def test_forbidden_pairs_are_kept_apart(seating: Seating) -> None:
    forbidden = np.zeros((18, 18), dtype=bool)
    forbidden[:3, 3:9] = forbidden[3:9, :3] = True
    history = History.start([str(p) for p in range(18)], 4, 4, 8)
    history = replace(history, forbidden=forbidden)
    rng = np.random.default_rng(1)
    for _ in range(8):
        row = check_round(history, seating.seat(history, rng))
        history = history.after(row, np.zeros(4))
    assert not history.meetings[forbidden].any()


@pytest.mark.parametrize("seating", [GreedySeating(), QUICK], ids=repr)
def test_people_come_to_different_tables(seating: Any) -> None:
    plan = 32, 8, 4, 7
    still = replace(seating, rotate_tables=False)
    rotating, as_it_comes = (
        np.mean([len(set(column)) for column in evening(plan, each).table.T])
        for each in (seating, still)
    )
    # By lot, 8 (1 - (7/8)^7) = 4.86 different tables in 7 rounds.
    assert rotating > 5.5 >= as_it_comes


@pytest.mark.parametrize(
    ("budget", "error", "message"),
    [
        (0, ValueError, "budget must be >= 1, got 0"),
        (2.5, TypeError, "budget must be a whole number, got 2.5"),
    ],
)
def test_a_budget_is_a_number_of_swaps(
    budget: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        HorizonSeating(budget)
