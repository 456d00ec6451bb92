"""The tournament: by hand, by chance, and what it refuses."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.tournament import (
    FixedOutcome,
    GreedySeating,
    History,
    Player,
    RandomSeating,
    Schedule,
    ScheduledSeating,
    Seating,
    Tournament,
    round_robin,
)

FOUR = ("Ann", "Bob", "Cid", "Dan")
PAIRS = ScheduledSeating(round_robin(4))  # Ann-Dan Bob-Cid | Dan-Cid Ann-Bob | ...
SEATINGS: list[Seating] = [RandomSeating(), GreedySeating(starts=2)]

plans = st.tuples(
    st.integers(1, 5), st.integers(2, 5), st.integers(0, 12), st.integers(1, 6)
).map(lambda plan: (2 * plan[0] + plan[2], plan[0], plan[1], plan[3]))


def by_hand(rounds: int = 3, seating: Seating = PAIRS) -> Tournament:
    return Tournament(FOUR, tables=2, seats=2, rounds=rounds, seating=seating, rng=1)


def test_a_game_night_by_hand() -> None:
    tournament = by_hand()
    assert repr(tournament) == (
        "Tournament(4 players, 2 tables of 2, 0 of 3 rounds played)"
    )
    nights = [["Ann", "Bob"], ["Cid", "Ann"], ["Cid", "Dan"]]
    for number, winners in enumerate(nights, start=1):
        assert not tournament.finished
        plan = tournament.next_round()
        assert plan.number == number
        assert [len(table.players) for table in plan] == [2, 2]
        tournament.record(winners)
    # Ann and Cid won two each, and met everyone: a playoff decides.
    assert not tournament.finished
    playoff = tournament.next_round()
    assert (playoff.number, repr(playoff.tables[0])) == (4, "table 1: Ann, Cid")
    tournament.record("Cid")
    assert tournament.finished
    result = tournament.play()
    assert (result.winner.name, result.decided_by) == ("Cid", "playoff")
    assert [line.rank for line in result.standings] == [1, 2, 3, 3]
    assert [line.player.name for line in result.standings] == [
        "Cid",
        "Ann",
        "Bob",
        "Dan",
    ]
    assert result.playoff is not None
    assert result.playoff.tables[0].winner == Player("Cid")
    assert result.meetings.sum() == 12  # the playoff counts for nothing else


SIX = tuple("ABCDEF")
NIGHT = [[0, 0, 1, 1, 2, 2], [0, 2, 1, 0, 2, 1]]  # A-B C-D E-F | A-D C-F B-E


@pytest.mark.parametrize(
    ("winners", "champion", "decided_by"),
    [
        ([["A", "C", "E"], ["A", "F", "B"]], "A", "wins"),
        ([["A", "C", "E"], ["A", "C", "B"]], "A", "opponents' wins"),  # B won, too
        ([["A", "C", "E"], ["A", "C", "E"], ["C"]], "C", "playoff"),
    ],
)
def test_how_it_was_decided_is_reported(
    winners: list[list[str]], champion: str, decided_by: str
) -> None:
    seating, outcome = ScheduledSeating(Schedule(NIGHT)), FixedOutcome(winners)
    result = Tournament(SIX, 3, 2, 2, seating=seating, outcome=outcome).play()
    assert (result.winner.name, result.decided_by) == (champion, decided_by)
    assert (result.playoff is not None) == (decided_by == "playoff")


@given(plan=plans, seed=st.integers(0, 10**6), which=st.integers(0, 1))
def test_there_is_exactly_one_champion(
    plan: tuple[int, int, int, int], seed: int, which: int
) -> None:
    result = Tournament(*plan, seating=SEATINGS[which], rng=seed).play()
    assert [line.rank for line in result.standings].count(1) == 1
    assert result.standings[0].player == result.winner
    assert {line.player for line in result.standings} == set(result.players)
    assert result.decided_by in (*result.criteria, "playoff")
    assert (result.decided_by == "playoff") == (result.playoff is not None)
    scores = [line.scores for line in result.standings]
    assert scores == sorted(scores, reverse=True)
    assert sum(line.scores[0] for line in result.standings) == plan[1] * plan[3]


@given(plan=plans, seed=st.integers(0, 10**6), which=st.integers(0, 1))
def test_equal_seeds_give_equal_tournaments(
    plan: tuple[int, int, int, int], seed: int, which: int
) -> None:
    one, two = (
        Tournament(*plan, seating=SEATINGS[which], rng=rng).play()
        for rng in (seed, np.random.default_rng(seed))
    )
    assert one.same_as(two)


def test_other_seeds_give_other_tournaments() -> None:
    results = [Tournament(16, 4, 4, 5, rng=seed).play() for seed in range(2)]
    assert not results[0].same_as(results[1])


def test_the_order_of_entry_gives_no_advantage() -> None:
    # Each of 4 equal players wins 1/4. |z| < 4.71: false alarm 2.5e-6 each. With 800
    # tournaments the standard error is 0.015: a bias of 0.13 shows with p > 0.999.
    wins = np.zeros(4)
    for seed in range(800):
        wins[int(Tournament(4, 2, 2, 1, rng=seed).play().winner.name[1:]) - 1] += 1
    assert np.abs(wins / 800 - 0.25).max() / np.sqrt(0.25 * 0.75 / 800) < 4.71


def test_standings_during_play_share_ranks() -> None:
    tournament = by_hand()
    assert [line.rank for line in tournament.standings] == [1, 1, 1, 1]
    tournament.next_round()
    assert [line.scores for line in tournament.standings] == [(0, 0)] * 4
    tournament.record(["Dan", "Bob"])
    lines = [(line.rank, line.player.name) for line in tournament.standings]
    assert lines == [(1, "Bob"), (1, "Dan"), (3, "Ann"), (3, "Cid")]
    assert tournament.opponents.tolist() == [1, 1, 1, 1]
    assert tournament.meetings[0].tolist() == [0, 0, 0, 1]


def test_the_model_plays_what_is_left() -> None:
    tournament = by_hand()
    tournament.next_round()
    tournament.record(["Ann", "Cid"])
    tournament.next_round()  # seated, and not recorded
    result = tournament.play()
    assert [table.winner for table in result.rounds[0]] == [
        Player("Ann"),
        Player("Cid"),
    ]
    assert len(result.rounds) == 3
    assert tournament.play().same_as(result)


@pytest.mark.parametrize(
    ("winners", "message"),
    [
        (
            ["Ann", "Zoe"],
            "winners must be players of this tournament, "
            "but winners[1] = 'Zoe' is none",
        ),
        (["Ann", "Dan"], "table 1 must have one winner, got 'Ann' and 'Dan'"),
        (["Ann"], "table 2 must have one winner, got none; name one of 'Bob', 'Cid'"),
    ],
)
def test_a_wrong_record_changes_nothing(winners: list[str], message: str) -> None:
    tournament = by_hand()
    tournament.next_round()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tournament.record(winners)
    assert tournament.history.round == 0
    tournament.record(["Ann", "Bob"])
    assert tournament.history.round == 1


def test_record_comes_after_next_round_and_once() -> None:
    tournament = by_hand()
    message = re.escape("a round must be seated first; call next_round()")
    with pytest.raises(RuntimeError, match=f"^{message}$"):
        tournament.record(["Ann", "Bob"])
    tournament.next_round()
    tournament.record(["Ann", "Bob"])
    with pytest.raises(RuntimeError, match=f"^{message}$"):
        tournament.record(["Ann", "Bob"])
    assert tournament.history.round == 1


def test_next_round_comes_after_record() -> None:
    tournament = by_hand(rounds=1)
    tournament.next_round()
    message = re.escape(
        "round 1 must be recorded before the next one is seated; call record(winners)"
    )
    with pytest.raises(RuntimeError, match=f"^{message}$"):
        tournament.next_round()


def test_no_round_follows_the_last() -> None:
    tournament = Tournament(["Ann", "Bob"], 1, 2, rounds=1)
    tournament.next_round()
    tournament.record("Bob")
    message = re.escape(
        "the tournament must have rounds left, but Bob has won it; "
        "play() returns the result"
    )
    with pytest.raises(RuntimeError, match=f"^{message}$"):
        tournament.next_round()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            (7, 4, 4, 1),
            {},
            "players must be >= 2 * tables = 8 (a game needs two), got 7; "
            "use tables <= 3",
        ),
        (
            ((), 1, 4, 1),
            {},
            "players must be >= 2 * tables = 2 (a game needs two), got 0; invite more",
        ),
        ((4, 2, 1, 1), {}, "seats must be >= 2, got 1"),
        ((4, 0, 2, 1), {}, "tables must be >= 1, got 0"),
        ((4, 2, 2, 0), {}, "rounds must be >= 1, got 0"),
        ((4, 2, 2, 1.5), {}, "rounds must be a whole number, got 1.5"),
        (
            (("Ann", "Ann"), 1, 2, 1),
            {},
            "names must be unique, but players[0] and players[1] are both 'Ann'; "
            "add a surname",
        ),
        (
            (4, 2, 2, 1),
            {"seating": RandomSeating},
            "seating must be a value, got the class RandomSeating: call it",
        ),
        (
            (4, 2, 2, 1),
            {"seating": "greedy"},
            "seating must be a value with a method seat(...), such as RandomSeating(), "
            "got 'greedy'",
        ),
        (
            (4, 2, 2, 1),
            {"contention": None},
            "contention must be a value with a method scores(...), "
            "such as PointsLeader(), got None",
        ),
        (
            (4, 2, 2, 1),
            {"outcome": 3},
            "outcome must be a value with a method play(...), "
            "such as PlackettLuce(skills=None), got 3",
        ),
        (
            (4, 2, 2, 1),
            {"rng": "now"},
            "rng must be a numpy.random.Generator, a seed or None, got str",
        ),
    ],
)
def test_what_cannot_work_is_refused(
    arguments: tuple[object, ...], options: dict[str, object], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        Tournament(*arguments, **options)  # type: ignore[arg-type]  # that is the test


@dataclass(frozen=True)
class Broken:
    """A seating, outcome and contention rule that returns what it is told."""

    answer: object
    criteria: tuple[str, ...] = ("charm",)

    def seat(self, history: History, rng: np.random.Generator) -> object:
        return self.answer

    def play(self, *facts: object) -> object:
        return self.answer

    def scores(self, history: History) -> object:
        return self.answer


def test_a_cheating_seating_is_caught() -> None:
    tournament = by_hand(seating=Broken([0, 0, 0, 1]))  # type: ignore[arg-type]
    message = re.escape(
        "a table must hold at most 2 players, but table 0 holds 3 in round 1: "
        "'Ann', 'Bob', 'Cid'"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        tournament.next_round()
    assert repr(tournament).endswith("0 of 3 rounds played)")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([0, 9], "outcome must return players 0 to 3, got [0, 9]"),
        ([0, -1], "outcome must return players 0 to 3, got [0, -1]"),
        ([0, 3], "table 1 must have one winner, got 'Ann' and 'Dan'"),
    ],
)
def test_a_cheating_outcome_is_caught(answer: list[int], message: str) -> None:
    tournament = Tournament(FOUR, 2, 2, 1, seating=PAIRS, outcome=Broken(answer))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tournament.play()
    assert tournament.history.round == 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            np.zeros(4, dtype=int),
            "scores must be integers of shape (4, 1), got int64 of shape (4,)",
        ),
        (
            np.zeros((4, 1)),
            "scores must be integers of shape (4, 1), got float64 of shape (4, 1)",
        ),
    ],
)
def test_a_broken_contention_rule_is_caught(answer: np.ndarray, message: str) -> None:
    tournament = Tournament(FOUR, 2, 2, 1, contention=Broken(answer))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tournament.play()


def test_a_contention_rule_of_ones_own() -> None:
    charm = Broken(np.array([[0], [0], [7], [1]]))
    result = Tournament(FOUR, 2, 2, 1, contention=charm, rng=1).play()  # type: ignore[arg-type]
    assert (result.winner.name, result.decided_by) == ("Cid", "charm")
    assert result.criteria == ("charm",)


def test_the_better_player_wins_more_often() -> None:
    players = [Player("Ann", skill=3.0), *map(Player, "BCDEFGH")]
    nights = [Tournament(players, 2, 4, 5, rng=seed).play() for seed in range(50)]
    won = sum(night.winner.name == "Ann" for night in nights)
    assert won > 40  # a coin among 8 gives 6, and more than 40 with p < 1e-25
