"""Swiss seating: equals play equals, and rarely again."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim.tournament import (
    History,
    RandomSeating,
    SwissSeating,
    Tournament,
    check_seating,
)


def test_it_keeps_all_the_rules() -> None:
    check_seating(SwissSeating())


@given(
    plan=st.tuples(st.integers(1, 5), st.integers(2, 4), st.integers(0, 8)),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=50)
def test_tables_are_filled_in_order_of_wins(
    plan: tuple[int, int, int], seed: int
) -> None:
    tables, seats, more = plan
    evening = Tournament(
        2 * tables + more, tables, seats, 5, seating=SwissSeating(), rng=seed
    )
    while not evening.finished and evening.history.round < 5:
        evening.next_round()
        history = evening.history
        row = evening._seated
        assert row is not None
        wins = [history.wins[row == t] for t in range(tables)]
        for above, below in pairwise(wins):
            assert above.min() >= below.max()
        evening._play_round()


def test_the_one_with_fewest_wins_sits_out() -> None:
    history = History.start(tuple("ABCDE"), tables=2, seats=2, rounds=9)
    # All have sat out once, and E is the only one without a win.
    for row in ([-1, 0, 0, 1, 1], [0, -1, 0, 1, 1], [0, 0, -1, 1, 1],
                [0, 0, 1, -1, 1], [0, 0, 1, 1, -1]):  # fmt: skip
        on = [np.flatnonzero(np.array(row) == t)[0] for t in (0, 1)]
        history = history.after(row, on)
    assert history.wins.tolist()[4] == 0
    for seed in range(5):
        table = SwissSeating().seat(history, np.random.default_rng(seed))
        assert table.tolist().index(-1) == 4


@pytest.mark.parametrize("seed", range(5))
def test_no_swap_of_equals_lets_fewer_meet_again(seed: int) -> None:
    evening = Tournament(24, 6, 4, 6, seating=SwissSeating(), rng=seed)
    for _ in range(5):
        evening.next_round()
        evening._play_round()
    history = evening.history
    table = SwissSeating().seat(history, np.random.default_rng(seed))
    equals = [
        (p, q)
        for p, q in combinations(range(24), 2)
        if history.wins[p] == history.wins[q] and table[p] != table[q]
    ]
    assert len(equals) > 30
    for p, q in equals:
        other = table.copy()
        other[p], other[q] = table[q], table[p]
        assert repeats(history, other) >= repeats(history, table)


def repeats(history: History, table: np.ndarray) -> int:
    """Count how often those who share a table have met."""
    same = table[:, None] == table
    return int(history.meetings[same].sum()) // 2


def test_swaps_never_mix_wins_for_the_sake_of_new_faces() -> None:
    # A and B have won everything and met each time: they meet again.
    history = History.start(tuple("ABCD"), tables=2, seats=2, rounds=9)
    for winner in ([0, 2], [1, 2], [0, 2], [1, 2]):
        history = history.after([0, 0, 1, 1], winner)
    # C has 4 wins, A and B 2, D none.
    table = SwissSeating().seat(history, np.random.default_rng(1))
    assert table[2] == 0
    assert table[3] == 1


@pytest.mark.parametrize("seed", range(3))
def test_equals_meet_more_often_than_by_lot(seed: int) -> None:
    spread = []
    for seating in (SwissSeating(), RandomSeating()):
        evening = Tournament(32, 8, 4, 6, seating=seating, rng=seed)
        total = 0
        for _ in range(6):
            evening.next_round()
            wins, row = evening.history.wins, evening._seated
            total += sum(int(np.ptp(wins[row == t])) for t in range(8))
            evening._play_round()
        spread.append(total)
    assert spread[0] < spread[1] / 2


def test_a_forbidden_pair_is_parted_by_the_nearest() -> None:
    history = History.start(tuple("ABCDEF"), tables=3, seats=2, rounds=9)
    history = history.after([0, 1, 2, 0, 1, 2], [0, 1, 5])  # A, B and F won
    history = history.after([0, 0, 1, 1, 2, 2], [0, 2, 5])  # A, C and F won
    # A, F: 2 wins; B, C: 1; D, E: 0.
    forbidden = np.zeros((6, 6), dtype=bool)
    forbidden[0, 5] = forbidden[5, 0] = True
    history = History(
        history.names, 3, 2, 9, history.table, history.winner, forbidden=forbidden
    )
    for seed in range(5):
        table = SwissSeating().seat(history, np.random.default_rng(seed))
        assert {table[0], table[5]} == {0, 1}  # each with B or C
        assert table[3] == table[4] == 2
