"""What makes the winner: points, then opponents' points, then a playoff."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mds_sim.tournament import Contention, History, PointsLeader, Tournament
from mds_sim.tournament.contention import leaders


def test_points_leader_is_a_value() -> None:
    assert isinstance(PointsLeader(), Contention)
    assert PointsLeader() == PointsLeader()
    assert PointsLeader.criteria == ("wins", "opponents' wins")


@given(st.integers(0, 10**6))
def test_scores_agree_with_a_slow_recount(seed: int) -> None:
    result = Tournament(9, 2, 4, 4, rng=seed).play()
    wins = Counter(table.winner for r in result.rounds for table in r)
    faced: Counter[object] = Counter()
    for r in result.rounds:
        for table in r:
            for player in table.players:
                others = [other for other in table.players if other != player]
                faced[player] += sum(wins[other] for other in others)
    for line in result.standings:
        assert line.scores == (wins[line.player], faced[line.player])


@given(arrays(np.int64, (5, 3), elements=st.integers(0, 2)))
def test_leaders_are_those_with_the_best_scores(scores: np.ndarray) -> None:
    rows = [tuple(row) for row in scores.tolist()]
    leading, used = leaders(scores)
    assert leading.tolist() == [p for p, row in enumerate(rows) if row == max(rows)]
    if len(leading) == 1:  # fewer criteria would not have told
        before = [row[: used - 1] for row in rows]
        assert before.count(max(before)) > 1
    else:
        assert used == 3


@pytest.mark.parametrize(
    ("scores", "leading", "used"),
    [
        ([[3, 0], [2, 9]], [0], 1),
        ([[3, 0], [3, 9]], [1], 2),
        ([[3, 9], [0, 9], [3, 9]], [0, 2], 2),
    ],
)
def test_leaders_by_hand(
    scores: list[list[int]], leading: list[int], used: int
) -> None:
    found, criteria = leaders(np.array(scores))
    assert (found.tolist(), criteria) == (leading, used)


def test_scores_of_an_unplayed_tournament_are_zero() -> None:
    history = History.start("AB", tables=1, seats=2, rounds=1)
    assert PointsLeader().scores(history).tolist() == [[0, 0], [0, 0]]
