"""The affine knockout: a champion after L rounds, and nobody meets anyone twice."""

import re

import numpy as np
import pytest

from mds_sim.tournament import (
    AffineKnockout,
    FunnelFirst,
    GreedySeating,
    PointsLeader,
    Tournament,
)

# G, L: all prime powers up to 9, and levels as long as it stays quick.
CASES = [(2, 1), (2, 2), (2, 3), (2, 5), (3, 1), (3, 2), (3, 3), (3, 4), (4, 2),
         (4, 3), (5, 2), (5, 3), (7, 2), (8, 2), (9, 2)]  # fmt: skip


def plan(seats: int, levels: int) -> tuple[int, int, int, int]:
    """Return N, T, G and the rounds until all have met."""
    players = seats**levels
    return players, players // seats, seats, (players - 1) // (seats - 1)


def knockout(*plan: int, seed: int = 1) -> Tournament:
    return Tournament(
        *plan, seating=AffineKnockout(), contention=FunnelFirst(), rng=seed
    )


@pytest.mark.parametrize(("seats", "levels"), CASES)
@pytest.mark.parametrize("seed", range(2))
def test_everyone_meets_everyone_once_and_one_is_left(
    seats: int, levels: int, seed: int
) -> None:
    result = knockout(*plan(seats, levels), seed=seed).play()
    players = len(result.players)
    assert np.array_equal(result.meetings, 1 - np.eye(players))
    # The knockout, by sets: winners sit with winners, at as few tables as can be.
    contenders = set(result.players)
    for played in result.rounds[:levels]:
        tables = [t for t in played if contenders & set(t.players)]
        assert {p for t in tables for p in t.players} == contenders
        contenders = {t.winner for t in tables if t.winner is not None}
        assert len(contenders) == len(tables)
    assert contenders == {result.winner}
    assert result.decided_by == "knockout"


def test_rounds_after_the_last_come_round_again() -> None:
    result = knockout(4, 2, 2, 7).play()
    assert np.array_equal(result.meetings.sum(axis=1), [7] * 4)
    assert result.meetings.max() == 3


def test_it_mixes_for_points_as_well() -> None:
    evening = Tournament(
        16, 4, 4, 5, seating=AffineKnockout(), contention=PointsLeader(), rng=1
    )
    result = evening.play()
    assert result.pairs_met == result.bound == 120


def test_other_seeds_seat_others() -> None:
    first, second = (knockout(16, 4, 4, 5, seed=s).next_round() for s in (1, 2))
    assert first != second


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (
            (15, 4, 4),
            "AffineKnockout needs seats ** L players at players / seats tables, got "
            "15 players at 4 tables of 4; 16 at 4 tables of 4 would do, or any number "
            "with FunnelFirst() and another seating",
        ),
        (
            (16, 5, 4),
            "AffineKnockout needs seats ** L players at players / seats tables, got "
            "16 players at 5 tables of 4; 16 at 4 tables of 4 would do, or any number "
            "with FunnelFirst() and another seating",
        ),
        (
            (36, 6, 6),
            "AffineKnockout needs a prime power of seats, got 6; 16 at 4 tables of 4 "
            "would do, or any number with FunnelFirst() and another seating",
        ),
    ],
)
def test_other_numbers_are_refused_with_a_remedy(
    plan: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        knockout(*plan, 3).next_round()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_round_by_hand_ends_it_and_another_seating_goes_on(number: int) -> None:
    evening = knockout(9, 3, 3, 4)
    for _ in range(number - 1):
        evening.record([t.players[1] for t in evening.next_round()])
    tables = [[p.name for p in t.players] for t in evening.next_round()]
    tables[0][0], tables[1][0] = tables[1][0], tables[0][0]
    evening.override(tables)
    evening.record([t[0] for t in tables])
    if number == 1:  # nobody had met before: one seating is as good as another
        assert len(evening.next_round()) == 3
        return
    message = (
        f"AffineKnockout must seat every round itself, but round {number} was seated "
        "otherwise; let tournament.seating be GreedySeating() from now on"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        evening.next_round()
    evening.seating = GreedySeating()
    assert evening.play().history.round == 4


def test_an_undone_winner_changes_what_follows_only() -> None:
    evening = knockout(27, 9, 3, 13)
    evening.record([t.players[0] for t in evening.next_round()])
    evening.next_round()
    evening.record([t.players[2] for t in evening.undo()])
    result = evening.play()
    assert np.array_equal(result.meetings, 1 - np.eye(27))


def test_who_leaves_breaks_the_plane() -> None:
    evening = knockout(9, 3, 3, 4)
    evening.remove_player("P1")
    with pytest.raises(ValueError, match=r"^AffineKnockout needs .* got 8 players at"):
        evening.next_round()
