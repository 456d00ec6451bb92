"""Who sits where: the seatings, from a plain shuffle to a schedule made in advance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

from .constructions import Schedule
from .history import History, Ints, who_plays


@runtime_checkable
class Seating(Protocol):
    """A seating: one method that says who sits where in the next round.

    Write your own as a frozen dataclass. `who_plays` names those who play, fairly;
    the `Tournament` checks every answer, and `check_seating` judges on many cases.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class ByWins:
    ...     def seat(self, history, rng):
    ...         players = who_plays(history, rng)
    ...         players = players[np.argsort(-history.wins[players], kind="stable")]
    ...         table = np.full(history.players, -1)
    ...         table[players] = np.repeat(np.arange(history.tables), history.sizes)
    ...         return table
    >>> isinstance(ByWins(), Seating)
    True
    """

    def seat(self, history: History, rng: np.random.Generator) -> Ints:
        """Return the table of each player, from 0, or -1 for who sits out."""


@dataclass(frozen=True)
class RandomSeating:
    """Shuffle the players anew in each round, whoever has met.

    Examples
    --------
    >>> history = History.start(tuple("ABCDE"), tables=2, seats=2, rounds=1)
    >>> RandomSeating().seat(history, np.random.default_rng(1))
    array([ 0, -1,  0,  1,  1])
    """

    def seat(self, history: History, rng: np.random.Generator) -> Ints:
        """Return the table of each player, from 0, or -1 for who sits out."""
        players = who_plays(history, rng)
        return _answer(history, players, rng.permutation(_places(history)))


@dataclass(frozen=True)
class GreedySeating:
    """Let as few people as possible meet again in the next round.

    From a random start it swaps the two players of different tables whose swap
    lowers the repeated meetings most, until no swap does, and keeps the best of a
    few starts. It looks at the next round only.

    Parameters
    ----------
    starts : int, default 16
        Random starts, >= 1. It stops early once nobody meets again.

    Notes
    -----
    A pair that has met m times costs m, which is what C(m, 2), summed over all pairs,
    grows by. A swap costs O(N), to find the best one O(N^2). Ties: the first
    pair of players, the first start.

    Examples
    --------
    >>> history = History.start(tuple("ABCD"), tables=2, seats=2, rounds=3)
    >>> history = history.after(table=[0, 0, 1, 1], winner=[0, 2])
    >>> GreedySeating().seat(history, np.random.default_rng(1))  # others meet
    array([1, 0, 1, 0])
    """

    starts: int = 16

    def __post_init__(self) -> None:
        _validate.count("starts", self.starts)

    def seat(self, history: History, rng: np.random.Generator) -> Ints:
        """Return the table of each player, from 0, or -1 for who sits out."""
        players = who_plays(history, rng)
        met = history.meetings[np.ix_(players, players)].astype(np.float64)
        best, least = _places(history), np.inf
        for _ in range(self.starts):
            table = _swap_downhill(met, rng.permutation(_places(history)))
            cost = met[table[:, None] == table].sum()
            if cost < least:
                best, least = table, cost
            if least == 0:
                break
        return _answer(history, players, best)


@dataclass(frozen=True)
class ScheduledSeating:
    """Follow a schedule that was made in advance.

    Parameters
    ----------
    schedule : Schedule
        For as many players and tables, and for at least as many rounds.

    Examples
    --------
    >>> from mds_sim.tournament import round_robin
    >>> history = History.start(tuple("ABCD"), tables=2, seats=2, rounds=3)
    >>> seating = ScheduledSeating(round_robin(4))
    >>> seating.seat(history, np.random.default_rng())
    array([0, 1, 1, 0])
    """

    schedule: Schedule

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, Schedule):
            raise TypeError(
                f"schedule must be a Schedule, got {type(self.schedule).__name__}; "
                "an array of tables becomes one by Schedule(table)"
            )

    def seat(self, history: History, rng: np.random.Generator) -> Ints:
        """Return the table of each player, from 0, or -1 for who sits out."""
        schedule = self.schedule
        for name, planned, needed in (
            ("players", schedule.players, history.players),
            ("tables", schedule.tables, history.tables),
        ):
            if planned != needed:
                raise ValueError(f"schedule must have {needed} {name}, got {planned}")
        if schedule.rounds < history.rounds:
            raise ValueError(
                f"schedule must have >= {history.rounds} rounds, got {schedule.rounds}"
            )
        row: Ints = schedule.table[history.round]
        return row


def _places(history: History) -> Ints:
    """Return the table of each seat that is taken, shape (min(N, T G),)."""
    return np.repeat(np.arange(history.tables), history.sizes)


def _answer(history: History, players: Ints, table: Ints) -> Ints:
    """Spread the tables of those who play over all players."""
    answer = np.full(history.players, -1)
    answer[players] = table
    return answer


def _swap_downhill(met: NDArray[np.float64], table: Ints) -> Ints:
    """Swap players as long as it lowers the repeated meetings."""
    n = len(table)
    # crowd[p, t]: how often p met the people who now sit at table t.
    crowd = met @ (table[:, None] == np.arange(table.max() + 1))
    while True:
        here = crowd[np.arange(n), table]
        there = crowd[:, table]
        # p and q do not stay at the tables they leave, hence 2 * met.
        change = there + there.T - here[:, None] - here - 2 * met
        change[table[:, None] == table] = 0
        p, q = divmod(int(change.argmin()), n)
        if change[p, q] >= 0:
            return table
        old, new = table[p], table[q]
        crowd[:, old] += met[:, q] - met[:, p]
        crowd[:, new] += met[:, p] - met[:, q]
        table[p], table[q] = new, old
