"""Who wins: the Gumbel trick against its formula, and known winners."""

import re

import numpy as np
import pytest

from mds_sim.tournament import (
    FixedOutcome,
    History,
    Outcome,
    PlackettLuce,
    Player,
    Tournament,
)

HISTORY = History.start(
    ("Ann", "Bob", "Cid", "Dan", "Eve"), tables=2, seats=2, rounds=1
)
TABLE = np.array([0, 1, 0, 1, -1])
NOBODY = np.zeros(5)


@pytest.mark.parametrize("outcome", [PlackettLuce(), FixedOutcome([])], ids=repr)
def test_outcomes_are_values_with_one_method(outcome: Outcome) -> None:
    assert isinstance(outcome, Outcome)
    assert hash(outcome) == hash(outcome)


def test_plackett_luce_wins_in_proportion_to_strength() -> None:
    # |z| < 4.71 in each of 3 checks: false alarm 2.5e-6 each. With 6000 games the
    # standard error is 0.006, so a bias of 0.05 shows with p > 0.999.
    skill = np.log([1.0, 2.0, 3.0, 0.5, 9.0])
    table = np.array([0, 0, 0, 1, -1])
    rng, games = np.random.default_rng(1), 6000
    won = [PlackettLuce().play(HISTORY, table, skill, rng)[0] for _ in range(games)]
    for player, chance in enumerate([1 / 6, 2 / 6, 3 / 6]):
        share = np.mean(np.array(won) == player)
        error = np.sqrt(chance * (1 - chance) / games)
        assert abs(share - chance) / error < 4.71


def test_only_who_sits_at_the_table_can_win() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        won = PlackettLuce([0, 0, 0, 0, 1e6]).play(HISTORY, TABLE, NOBODY, rng)
        assert TABLE[won].tolist() == [0, 1]


def test_skills_of_the_model_come_before_those_of_the_players() -> None:
    players = [Player("Ann", 99), Player("Bob")]
    assert Tournament(players, 1, 2, 1, rng=1).play().winner.name == "Ann"
    outcome = PlackettLuce(skills=[0, 99])
    result = Tournament(players, 1, 2, 1, outcome=outcome, rng=1).play()
    assert result.winner.name == "Bob"


def test_two_seatings_see_the_same_performances() -> None:
    # All draw in each round, so the second round does not depend on who sat out.
    skill, first, second = (
        np.zeros(5),
        np.random.default_rng(4),
        np.random.default_rng(4),
    )
    PlackettLuce().play(HISTORY, TABLE, skill, first)
    PlackettLuce().play(HISTORY, np.array([-1, 1, 0, 1, 0]), skill, second)
    assert first.random() == second.random()


@pytest.mark.parametrize(
    ("skills", "error", "message"),
    [
        ([0, float("nan")], ValueError, "skills[1] must be finite, got nan"),
        (["strong"], TypeError, "skills[0] must be a number, got 'strong'"),
    ],
)
def test_skills_must_be_finite(
    skills: list[float], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        PlackettLuce(skills)


def test_skills_must_be_as_many_as_the_players() -> None:
    tournament = Tournament(4, 2, 2, 1, outcome=PlackettLuce([0, 1]), rng=1)
    message = "skills must hold one value for each of 4 players, got 2"
    with pytest.raises(ValueError, match=f"^{message}$"):
        tournament.play()


def test_known_winners_are_replayed() -> None:
    outcome = FixedOutcome([["Dan", Player("Ann")], ["Eve"], "Bob"])
    history, rng = HISTORY, np.random.default_rng(1)
    for winners in ([3, 0], [4], [1]):
        assert outcome.play(history, TABLE, NOBODY, rng).tolist() == winners
        history = history.after(TABLE, [0, 1])


@pytest.mark.parametrize(
    ("winners", "history", "message"),
    [
        ([], HISTORY, "winners must be known for round 1, but they end after round 0"),
        (
            [["Ann", "Bob"]],
            HISTORY.after(TABLE, [0, 1]),
            "winners must be known for the playoff, but they end after round 1",
        ),
        (
            [["Ann", "Zoe"]],
            HISTORY,
            "winners must be players, but 'Zoe' of round 1 is none",
        ),
    ],
)
def test_winners_that_are_not_known(
    winners: list[list[str]], history: History, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        FixedOutcome(winners).play(history, TABLE, NOBODY, np.random.default_rng())
