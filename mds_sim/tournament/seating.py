"""Who sits where: the seatings, from a plain shuffle to a schedule made in advance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from mds_sim.units import counted

from ._draft import draft
from .constructions import Schedule
from .history import BENCH, History, Ints, who_plays

PROPOSALS = 50_000  # swaps to try where a forbidden pair sits together


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

    If a contention rule asks for tables or pairs are forbidden, it shuffles the others
    and swaps players until all is as asked.

    Examples
    --------
    >>> history = History.start(tuple("ABCDE"), tables=2, seats=2, rounds=1)
    >>> RandomSeating().seat(history, np.random.default_rng(1))
    array([ 0, -1,  0,  1,  1])
    """

    def seat(self, history: History, rng: np.random.Generator) -> Ints:
        """Return the table of each player, from 0, or -1 for who sits out."""
        if history.forbidden is not None or history.funnel is not None:
            return _shuffled_under_rules(history, rng)
        players = who_plays(history, rng)
        table = np.full(history.players, BENCH)
        places = np.repeat(np.arange(history.tables), history.sizes)
        table[players] = rng.permutation(places)
        return table


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
                "schedule must have >= "
                f"{counted(history.rounds, 'round', spec='')}, got {schedule.rounds}"
            )
        row: Ints = schedule.table[history.round]
        return row


def _shuffled_under_rules(history: History, rng: np.random.Generator) -> Ints:
    """Draw a round by lot, and swap players until no forbidden pair meets."""
    plan = draft(
        history.sizes,
        1,
        np.zeros((history.players,) * 2, dtype=np.int64),
        history.sat_out,
        rng,
        forbidden=history.forbidden,
        fixed=history.funnel,
    )
    if plan.score < 0:
        plan.descend()
    if plan.score < 0:
        plan.cool(rng, PROPOSALS)
    row: Ints = plan.rows[0]
    return row
