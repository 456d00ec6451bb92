"""Knockouts in a tournament: contenders sit together, and one of them wins."""

import re
from itertools import combinations
from math import ceil, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim.tournament import (
    Contention,
    FinalLast,
    FunnelFirst,
    GreedySeating,
    History,
    HorizonSeating,
    RandomSeating,
    Round,
    ScheduledSeating,
    Seating,
    SwissSeating,
    Tournament,
    TournamentResult,
    round_robin,
)


def play(*plan: int, contention: Contention, seed: int = 1) -> TournamentResult:
    return Tournament(
        *plan, seating=SwissSeating(), contention=contention, rng=seed
    ).play()


def with_contenders(played: Round, contenders: set[str]) -> list[int]:
    """Return how many contenders sit at each table that has any."""
    counts = [len(contenders & {str(p) for p in t.players}) for t in played]
    return [count for count in counts if count]


def winners(played: Round, contenders: set[str]) -> set[str]:
    """Return who is in contention after a round: by the rule, with sets."""
    left = {str(p) for p in played.bench} & contenders
    for table in played:
        if contenders & {str(p) for p in table.players}:
            left.add(str(table.winner))
    return left


@pytest.mark.parametrize(
    ("plan", "left"),
    [
        ((16, 4, 4, 5), [4, 1]),
        ((64, 16, 4, 5), [16, 4, 1]),
        ((20, 5, 4, 4), [5, 2, 1]),  # 5 contenders and 3 losers at two tables
        ((27, 9, 3, 4), [9, 3, 1]),
        ((8, 4, 2, 3), [4, 2, 1]),
        ((14, 4, 4, 3), [4, 1]),
        ((9, 3, 4, 3), [3, 1]),
    ],
)
def test_contenders_sit_together_until_one_is_left(
    plan: tuple[int, int, int, int], left: list[int]
) -> None:
    players, _, seats, _ = plan
    for seed in range(3):
        result = play(*plan, contention=FunnelFirst(), seed=seed)
        contenders = {p.name for p in result.players}
        for played, expected in zip(result.rounds, left, strict=False):
            together = with_contenders(played, contenders)
            assert sum(together) == len(contenders)
            assert len(together) == expected  # as few tables as hold them
            assert max(together) - min(together) <= 1
            contenders = winners(played, contenders)
            assert len(contenders) == expected
        assert contenders == {result.winner.name}
        assert len(left) == ceil(log(players, seats) - 1e-9)
        assert result.decided_by == "knockout"
        assert result.standings[0].scores[0] == len(left)


def test_the_best_losers_fill_the_tables() -> None:
    evening = Tournament(
        20, 5, 4, 3, seating=SwissSeating(), contention=FunnelFirst(), rng=1
    )
    for _ in range(2):
        evening.record([t.players[0] for t in evening.next_round()])
    # 2 contenders are left; 5 + 2 wins so far, some of them by losers of round 2.
    evening.next_round()
    history = evening.history
    scores = FunnelFirst().scores(history)
    contends = scores[:, 0] == 2
    waiting = evening.waiting
    assert waiting is not None
    final = next(
        t for t in waiting if with_contenders(Round(3, (t,)), names(history, contends))
    )
    seated = np.isin(history.names, [p.name for p in final.players])
    assert (seated & contends).sum() == 2
    added, others = seated & ~contends, ~seated & ~contends
    points = [tuple(row) for row in scores[:, 1:].tolist()]
    least = min(points[p] for p in np.flatnonzero(added))
    assert least >= max(points[p] for p in np.flatnonzero(others))


def names(history: History, chosen: np.ndarray) -> set[str]:
    return {history.names[p] for p in np.flatnonzero(chosen).tolist()}


def test_a_loser_who_beats_contenders_is_one() -> None:
    evening = Tournament(
        20, 5, 4, 3, seating=SwissSeating(), contention=FunnelFirst(), rng=1
    )
    first = evening.next_round()
    evening.record([t.players[0] for t in first])
    won = {t.players[0] for t in first}
    second = evening.next_round()
    tables = [t for t in second if set(t.players) & won]
    lucky = [next(p for p in t.players if p not in won) for t in tables if
             not set(t.players) <= won]  # fmt: skip
    assert len(tables) == 2
    assert lucky
    chosen = {id(t): p for t, p in zip(tables, lucky, strict=False)}
    evening.record([chosen.get(id(t), t.players[0]) for t in second])
    scores = FunnelFirst().scores(evening.history)[:, 0]
    assert scores[evening.history.names.index(lucky[0].name)] == 2


def test_a_final_is_played_last_by_the_best() -> None:
    for seed in range(5):
        evening = Tournament(
            16, 4, 4, 5, seating=SwissSeating(), contention=FinalLast(), rng=seed
        )
        for _ in range(4):
            evening.record([t.players[0] for t in evening.next_round()])
        points = [s.scores[1:] for s in evening.standings]
        final = evening.next_round().tables[0]
        finalists = {p.name for p in final.players}
        assert sorted(points, reverse=True)[:4] == sorted(
            (s.scores[1:] for s in evening.standings if s.player.name in finalists),
            reverse=True,
        )
        evening.record([t.players[-1] for t in evening.waiting or ()])
        result = evening.play()
        assert result.winner == final.players[-1]
        assert result.decided_by == "final"
        assert [s.scores[0] for s in result.standings[:5]] == [2, 1, 1, 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_who_comes_late_does_not_change_who_is_in_the_final(seed: int) -> None:
    evening = Tournament(
        12, 4, 3, 3, seating=SwissSeating(), contention=FinalLast(2), rng=seed
    )
    for _ in range(2):  # 9 of 12 are in the final, most of them by lot
        evening.record([t.players[0] for t in evening.next_round()])
    before = FinalLast(2).scores(evening.history)[:, 0]
    evening.add_player("Late")
    after = FinalLast(2).scores(evening.history)[:, 0]
    assert after.tolist() == [*before.tolist(), 0]
    assert (before > 0).sum() == 9


def test_two_levels_of_a_final() -> None:
    result = play(32, 8, 4, 6, contention=FinalLast(2))
    ranks = [s.scores[0] for s in result.standings]
    assert ranks == [3, 2, 2, 2, *[1] * 12, *[0] * 16]


def test_smaller_tables_have_smaller_finals() -> None:
    result = play(9, 3, 4, 3, contention=FinalLast(1))  # tables of 3 with 4 seats
    assert [s.scores[0] for s in result.standings] == [2, 1, 1, 0, 0, 0, 0, 0, 0]


def test_a_final_over_all_rounds_is_a_knockout() -> None:
    one = play(16, 4, 4, 2, contention=FinalLast(9))
    two = play(16, 4, 4, 2, contention=FunnelFirst())
    assert np.array_equal(one.history.table, two.history.table)
    assert one.winner == two.winner


@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        (0, ValueError, "levels must be >= 1, got 0"),
        (1.5, TypeError, "levels must be a whole number, got 1.5"),
    ],
)
def test_levels_are_counted(levels: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        FinalLast(levels)


def test_who_sits_out_stays_in_contention() -> None:
    # 5 players, one table of 2: three sit out in each round, and are not beaten.
    result = play(5, 1, 2, 8, contention=FunnelFirst())
    contenders = {p.name for p in result.players}
    for played in result.rounds:
        if len(contenders) > 1:
            playing = {str(p) for t in played for p in t.players}
            if len(contenders & playing) > 1:
                contenders = winners(played, contenders)
    assert result.winner.name in contenders


def test_a_champion_who_leaves_makes_room_for_the_finalists() -> None:
    evening = Tournament(
        16, 4, 4, 5, seating=SwissSeating(), contention=FunnelFirst(), rng=1
    )
    for _ in range(2):
        evening.record([t.players[0] for t in evening.next_round()])
    leader = evening.standings[0]
    assert leader.scores[0] == 2
    evening.remove_player(leader.player)
    plan = evening.next_round()
    finalists = {s.player.name for s in evening.standings if s.scores[0] == 2}
    assert len(with_contenders(plan, finalists - {leader.player.name})) == 1
    evening.record([t.players[0] for t in plan])
    result = evening.play()
    assert result.winner != leader.player
    assert result.decided_by == "knockout"


def repeats(meetings: np.ndarray, table: np.ndarray) -> int:
    """Count how often those who share a table have met."""
    same = table[:, None] == table
    return int(meetings[same].sum()) // 2


def test_no_swap_of_contenders_lets_fewer_meet_again() -> None:
    evening = Tournament(
        24, 6, 4, 6, seating=SwissSeating(), contention=FinalLast(2), rng=1
    )
    for _ in range(4):
        evening.record([t.players[0] for t in evening.next_round()])
    history = evening.history
    funnel = FinalLast(2).funnel(history, np.random.default_rng(1))
    assert funnel is not None
    inside = np.flatnonzero(funnel >= 0)
    assert np.bincount(funnel[inside]).tolist() == [4, 4, 4, 4]
    meetings, table = history.meetings[np.ix_(inside, inside)], funnel[inside]
    least = repeats(meetings, table)
    for p, q in combinations(range(16), 2):
        other = table.copy()
        other[p], other[q] = table[q], table[p]
        assert repeats(meetings, other) >= least
    lots = np.random.default_rng(2)
    by_lot = [repeats(meetings, lots.permutation(table)) for _ in range(20)]
    assert least < np.mean(by_lot) / 2


def test_a_schedule_cannot_follow_a_knockout() -> None:
    evening = Tournament(
        4, 2, 2, 3, seating=ScheduledSeating(round_robin(4)),
        contention=FunnelFirst(), rng=1,
    )  # fmt: skip
    evening.next_round()
    evening.record(["P1", "P3"])  # who are to meet now, but it has P1 against P2
    message = (
        "'P1' must sit at table 0, as the contention rule asks, but table[0] = 1 in "
        "round 2; let the seating follow history.funnel"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        evening.next_round()


@given(
    plan=st.tuples(st.integers(1, 4), st.integers(2, 4), st.integers(0, 9)),
    rounds=st.integers(1, 6),
    levels=st.integers(0, 3),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=80)
def test_the_score_is_the_number_of_knockout_rounds_won(
    plan: tuple[int, int, int], rounds: int, levels: int, seed: int
) -> None:
    tables, seats, more = plan
    rule = FinalLast(levels) if levels else FunnelFirst()
    result = play(2 * tables + more, tables, seats, rounds, contention=rule, seed=seed)
    start = max(0, rounds - levels) if levels else 0
    entered = {s.player.name for s in result.standings if s.scores[0] > 0}
    everyone = {p.name for p in result.players}
    contenders = everyone if not start else None
    won = dict.fromkeys(everyone, 0)
    level = 0
    for played in result.rounds[start:]:
        if contenders is None:  # FinalLast: all who score, but for losers who got in
            break
        playing = {str(p) for t in played for p in t.players}
        if len(contenders) > 1 and len(contenders & playing) > 1:
            contenders, level = winners(played, contenders), level + 1
        won.update(dict.fromkeys(contenders, level))
    if contenders is not None:
        base = 1 if levels else 0
        scores = {s.player.name: s.scores[0] for s in result.standings}
        assert scores == {name: n + base for name, n in won.items()}
    else:
        assert entered
    assert [line.rank for line in result.standings].count(1) == 1


@pytest.mark.parametrize("contention", [FunnelFirst(), FinalLast(), FinalLast(2)])
@pytest.mark.parametrize(
    "seating", [RandomSeating(), GreedySeating(), HorizonSeating(), SwissSeating()],
    ids=lambda seating: type(seating).__name__,
)  # fmt: skip
@pytest.mark.parametrize("plan", [(16, 4, 4, 5), (13, 3, 4, 4), (11, 4, 3, 4)])
def test_every_seating_follows_every_rule(
    plan: tuple[int, int, int, int], seating: Seating, contention: Contention
) -> None:
    one, two = (
        Tournament(*plan, seating=seating, contention=contention, rng=1).play()
        for _ in range(2)
    )
    assert one.same_as(two)
    assert [line.rank for line in one.standings].count(1) == 1
    assert one.standings[0].scores[0] == max(s.scores[0] for s in one.standings)
