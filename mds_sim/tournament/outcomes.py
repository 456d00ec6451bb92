"""Who wins a game: outcome models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

from .history import History, Ints
from .players import Player, one_or_many


@runtime_checkable
class Outcome(Protocol):
    """An outcome model: one method that says who wins at each table.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class OldestWins:
    ...     def play(self, history, table, skill, rng):
    ...         tables = range(table.max() + 1)
    ...         return np.array([np.flatnonzero(table == t)[0] for t in tables])
    >>> isinstance(OldestWins(), Outcome)
    True
    """

    def play(
        self,
        history: History,
        table: Ints,
        skill: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Ints:
        """Return one winner for each table of this round, in any order.

        `table[p]` is the table of player p, < 0 if p does not play; `skill[p]` the
        skill. A playoff is one more round, with all the tied at table 0.
        """


@dataclass(frozen=True)
class PlackettLuce:
    r"""At each table a player wins with probability proportional to exp(skill).

    Parameters
    ----------
    skills : sequence of float or None, default None
        Skill of each player, finite; None takes the players' own skills.

    Notes
    -----
    The Gumbel trick: everyone's performance is the skill plus a Gumbel(0, 1) draw, and
    the best at the table wins, which is player i with probability
    :math:`e^{\theta_i} / \sum_j e^{\theta_j}`. All players draw in every round, also
    who sits out, so that two seatings with one seed see the same performances.

    References
    ----------
    .. [1] R. D. Luce (1959), *Individual Choice Behavior*; J. I. Yellott (1977),
       "The relationship between Luce's choice axiom, Thurstone's theory of
       comparative judgment, and the double exponential distribution",
       *J. Math. Psychology* 15, 109-144.

    Examples
    --------
    >>> history = History.start(tuple("ABCD"), tables=2, seats=2, rounds=1)
    >>> table, rng = np.array([0, 0, 1, 1]), np.random.default_rng(1)
    >>> PlackettLuce([99, 0, 0, 99]).play(history, table, np.zeros(4), rng)
    array([0, 3])
    """

    skills: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if self.skills is not None:
            values = enumerate(self.skills)
            skills = tuple(_validate.finite(f"skills[{p}]", x) for p, x in values)
            object.__setattr__(self, "skills", skills)

    def play(
        self,
        history: History,
        table: Ints,
        skill: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Ints:
        """Return one winner for each table of this round, by number of table."""
        if self.skills is not None:
            skill = np.array(self.skills)
        if skill.shape != (history.players,):
            raise ValueError(
                f"skills must hold one value for each of {history.players} players, "
                f"got {skill.size}"
            )
        performance = skill + rng.gumbel(size=skill.size)
        tables = np.arange(table.max() + 1)[:, None]
        best: Ints = np.argmax(np.where(table == tables, performance, -np.inf), axis=1)
        return best


@dataclass(frozen=True)
class FixedOutcome:
    """The winners are known: replay a tournament, or test one.

    Parameters
    ----------
    winners : sequence of sequences of str or Player
        For each round one winner from each table, in any order. A round of one table
        may be a bare name. A playoff is one more round with one winner.

    Examples
    --------
    >>> history = History.start(tuple("ABCD"), tables=2, seats=2, rounds=2)
    >>> outcome = FixedOutcome([["D", "A"], ["B", "C"]])
    >>> outcome.play(history, np.array([0, 0, 1, 1]), None, None)
    array([3, 0])
    """

    winners: Sequence[Iterable[str | Player] | Player]

    def __post_init__(self) -> None:
        rounds = tuple(tuple(map(str, one_or_many(names))) for names in self.winners)
        object.__setattr__(self, "winners", rounds)

    def play(
        self,
        history: History,
        table: Ints,
        skill: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Ints:
        """Return the winners of this round, in the order given."""
        known = len(self.winners)
        if history.round >= known:
            playoff = history.round == history.rounds
            what = "the playoff" if playoff else f"round {history.round + 1}"
            raise ValueError(
                f"winners must be known for {what}, but they end after round {known}"
            )
        names = [str(name) for name in one_or_many(self.winners[history.round])]
        unknown = [name for name in names if name not in history.names]
        if unknown:
            raise ValueError(
                f"winners must be players, but {unknown[0]!r} of round "
                f"{history.round + 1} is none"
            )
        return np.array([history.names.index(name) for name in names])
