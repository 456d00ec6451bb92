"""The local search: its books are right, it keeps all rules, and it finds much."""

import re
import subprocess
import sys
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim.theory.tournament import pairs_bound, table_sizes
from mds_sim.tournament import Schedule, _search, count_meetings
from mds_sim.tournament._draft import Draft, draft, rotate
from mds_sim.tournament.search import search

PLANS = st.tuples(
    st.integers(1, 5), st.integers(2, 5), st.integers(0, 12), st.integers(1, 7)
).map(lambda plan: (2 * plan[0] + plan[2], plan[0], plan[1], plan[3]))
SEEDS = st.integers(0, 10**6)


def new_draft(
    plan: tuple[int, int, int, int], rng: np.random.Generator, **rules: Any
) -> Draft:
    """Draw rounds of a new evening."""
    players, tables, seats, rounds = plan
    sizes, nothing = table_sizes(players, tables, seats), np.zeros(players, np.int64)
    return draft(
        sizes, rounds, np.zeros((players, players), np.int64), nothing, rng, **rules
    )


def books(plan: Draft, before: np.ndarray, forbidden: np.ndarray) -> None:
    """Count again, slowly, all that the search keeps up to date."""
    meetings = count_meetings(plan.rows)
    assert np.array_equal(
        plan.board.dear, before + meetings + _search.FORBIDDEN * forbidden
    )
    met = (before + meetings > 0) & ~forbidden
    assert np.array_equal(plan.opponents, met.sum(axis=1))
    wrong = int(meetings[forbidden].sum()) // 2
    new = int((met & (before == 0)).sum()) // 2
    assert plan.score == new - wrong * _search.FORBIDDEN
    assert np.array_equal(
        np.take_along_axis(plan.board.seat, plan.board.place, axis=1),
        np.tile(np.arange(len(before)), (len(plan.rows), 1)),
    )


def fair(rows: np.ndarray, sat_out: np.ndarray, sizes: np.ndarray) -> None:
    """Check each round: table sizes, and sit-outs within 1 so far."""
    for row in rows:
        assert np.array_equal(np.bincount(row[row >= 0]), sizes)
        sat_out = sat_out + (row < 0)
        assert np.ptp(sat_out) <= 1


@given(plan=PLANS, seed=SEEDS, temperature=st.sampled_from([0.1, 0.5, 3.0]))
def test_the_books_are_right_and_all_rules_kept(
    plan: tuple[int, int, int, int], seed: int, temperature: float
) -> None:
    players, tables, seats, rounds = plan
    rng = np.random.default_rng(seed)
    sizes = table_sizes(players, tables, seats)
    # A past: sit-outs within 1, some meetings, some pairs that must not meet.
    sat_out = rng.integers(3, 5, size=players)
    before, forbidden = (
        np.triu(rng.integers(0, 3, (players, players)) * chance, 1)
        for chance in (1, rng.random((players, players)) < 0.05)
    )
    before, forbidden = before + before.T, forbidden + forbidden.T > 0
    before[forbidden] = 0
    found = draft(sizes, rounds, before, sat_out, rng, forbidden=forbidden)
    books(found, before, forbidden)
    for step in (
        lambda: found.anneal(rng, 300, temperature),
        lambda: found.even(rng, 100),
        found.descend,
    ):
        step()
        books(found, before, forbidden)
        fair(found.rows, sat_out - sat_out.min(), sizes)


@given(plan=PLANS, seed=SEEDS)
@settings(max_examples=50)
def test_fixed_players_stay_at_their_tables(
    plan: tuple[int, int, int, int], seed: int
) -> None:
    players, tables, seats, _ = plan
    rng = np.random.default_rng(seed)
    sizes = table_sizes(players, tables, seats)
    fixed = np.full(players, -1)
    places = np.repeat(np.arange(tables), sizes)
    some = rng.integers(0, len(places) + 1)
    fixed[rng.permutation(players)[:some]] = rng.permutation(places)[:some]
    found = new_draft(plan, rng, fixed=fixed)
    for temperature in (3.0, 0.1):
        found.anneal(rng, 300, temperature)
        found.even(rng, 100)
        assert np.array_equal(found.rows[0][fixed >= 0], fixed[fixed >= 0])
        fair(found.rows, np.zeros(players, np.int64), sizes)


def test_downhill_leaves_no_swap_that_helps() -> None:
    rng = np.random.default_rng(3)
    found = new_draft((15, 5, 3, 6), rng)
    found.descend()
    rows = found.rows
    cost = repeated(rows)
    for r, p, q in np.ndindex(6, 15, 15):
        swapped = rows.copy()
        swapped[r, [p, q]] = swapped[r, [q, p]]
        assert repeated(swapped) >= cost


def test_downhill_ends_when_time_is_up() -> None:
    found = new_draft((15, 5, 3, 6), np.random.default_rng(3))
    before, looks = found.rows, iter([False, True])
    found.descend(lambda: next(looks))
    assert (found.rows[1:] == before[1:]).all()  # the first round only
    assert (found.rows[0] != before[0]).any()


def repeated(rows: np.ndarray) -> int:
    """Sum C(m, 2) over all pairs."""
    meetings = count_meetings(rows)
    return int((meetings * (meetings - 1) // 2).sum())


@given(plan=PLANS, seed=SEEDS, kept=st.integers(0, 3))
@settings(max_examples=50)
def test_a_search_keeps_its_start_and_all_rules(
    plan: tuple[int, int, int, int], seed: int, kept: int
) -> None:
    players, tables, seats, rounds = plan
    start = search(players, tables, seats, max(1, kept), proposals=50, rng=seed)[:kept]
    rounds += kept
    found = [
        search(players, tables, seats, rounds, start=start, proposals=2000, rng=seed)
        for _ in range(2)
    ]
    assert np.array_equal(found[0], found[1])
    assert found[0].dtype == np.int64
    assert np.array_equal(found[0][:kept], start)
    Schedule(found[0]).check()


@pytest.mark.parametrize(
    ("plan", "least"),
    [
        ((16, 4, 4, 5), 1),
        ((15, 5, 3, 7), 1),
        ((36, 6, 6, 3), 1),
        ((40, 10, 4, 9), 1),
        ((32, 8, 4, 9), 0.97),
        ((32, 8, 4, 10), 0.94),
        ((24, 8, 3, 11), 0.98),
        ((40, 10, 4, 13), 0.93),
        # Free seats and sit-outs.
        ((18, 4, 4, 5), 1),
        ((18, 4, 4, 9), 1),
        ((30, 7, 4, 8), 0.995),
        ((15, 4, 4, 5), 1),
        ((14, 4, 4, 5), 0.96),
        ((17, 4, 4, 5), 0.98),
        # Each opponent more than once: everybody meets everybody.
        ((9, 2, 4, 10), 1),
    ],
)
def test_a_search_finds_much(plan: tuple[int, int, int, int], least: float) -> None:
    table = search(*plan, proposals=5_000_000, rng=1)
    schedule = Schedule(table)
    schedule.check()
    assert schedule.pairs_met >= least * pairs_bound(*plan)


def test_a_search_by_the_clock_ends_at_the_bound_or_in_time() -> None:
    assert Schedule(search(36, 6, 6, 3, seconds=60, rng=1)).pairs_met == 3 * 6 * 15
    assert search(32, 8, 4, 10, seconds=0.05, rng=1).shape == (10, 32)


def test_opponents_are_shared_evenly() -> None:
    # Who sits at the table of three meets one less. Nine people do so, if each only
    # once.
    found = count_meetings(search(23, 6, 4, 3, proposals=400_000, rng=1))
    opponents = (found > 0).sum(axis=1)
    assert found.max() == 1
    assert opponents.sum() == 2 * 3 * (5 * comb(4, 2) + comb(3, 2))
    assert np.ptp(opponents) == 1


def test_forbidden_pairs_never_meet() -> None:
    forbidden = np.zeros((16, 16), dtype=bool)
    forbidden[:4, 4:8] = True  # one way suffices
    table = search(16, 4, 4, 8, proposals=300_000, rng=1, forbidden=forbidden)
    meetings = count_meetings(table)
    assert not meetings[forbidden].any()
    assert (meetings > 0).sum() // 2 == comb(16, 2) - 16  # all others do


def test_who_must_meet_meets_though_forbidden() -> None:
    table = search(4, 1, 4, 2, proposals=100, rng=1, forbidden=np.ones((4, 4)))
    assert table.tolist() == [[0] * 4] * 2


def test_without_numba_the_answer_is_the_same() -> None:
    # Full tables; sit-outs, some of them exchanged; free seats.
    plans = [(16, 4, 4, 3), (9, 2, 3, 5), (11, 3, 4, 4)]
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from mds_sim.tournament import _search\n"
        "from mds_sim.tournament.search import search\n"
        "assert not _search.HAS_NUMBA\n"
        f"for plan in {plans}:\n"
        "    print(search(*plan, proposals=4000, rng=1).ravel().tolist())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert _search.HAS_NUMBA
    mine = [search(*plan, proposals=4000, rng=1).ravel().tolist() for plan in plans]
    assert run.stdout.splitlines() == [str(answer) for answer in mine]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rounds": 0}, ValueError, "rounds must be >= 1, got 0"),
        ({"proposals": 0}, ValueError, "proposals must be >= 1, got 0"),
        ({"seconds": 0}, ValueError, "seconds must be > 0 and finite s, got 0"),
        ({"players": 3}, ValueError, "players must be >= 2 * tables = 4 (a game needs "
         "two), got 3; use tables <= 1"),
        ({"start": [[0.5] * 4]}, TypeError, "start must hold integers, got float64"),
        ({"start": [[0, 0, 1]]}, ValueError,
         "start must have shape (at most 2, 4), got (1, 3)"),
        ({"start": np.zeros((3, 4), int)}, ValueError,
         "start must have shape (at most 2, 4), got (3, 4)"),
        ({"forbidden": [True]}, ValueError,
         "forbidden must have shape (4, 4), got (1,)"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    asked = {"players": 4, "tables": 2, "seats": 2, "rounds": 2} | options
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        search(**asked)


def test_tables_rotate_within_their_sizes_and_as_far_as_they_are_free() -> None:
    rows = np.array([[0, 0, 0, 1, 1, 1, 2, 2]] * 2)
    free = np.array([True, True, True])
    assert rotate(rows, rows[0], free).tolist() == [1, 1, 1, 0, 0, 0, 2, 2]
    assert rotate(rows, rows[0], ~free).tolist() == rows[0].tolist()
    bench = np.array([[0, 0, 1, 1, -1]])
    assert rotate(bench, bench[0], free[:2]).tolist() == [1, 1, 0, 0, -1]
