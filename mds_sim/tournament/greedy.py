"""Seated from results, one round at a time: as few meet again as possible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mds_sim import _validate

from ._draft import Draft, draft, rotate
from .history import History, Ints

PROPOSALS = 4000  # swaps a start


@dataclass(frozen=True)
class GreedySeating:
    """Let as few people as possible meet again in the next round.

    From a random start it anneals: it swaps players of different tables, those with
    equal turns to sit out too, at first also where it does some harm, at last only
    where it helps, until no swap does. It keeps the best of a few starts. It looks at
    the next round only.

    Parameters
    ----------
    starts : int, default 2
        Random starts, >= 1. It stops early once nobody meets again.
    rotate_tables : bool, default True
        Number the tables of a round so that people come to tables where they have
        sat less often.

    Notes
    -----
    A pair that has met m times costs m, which is what C(m, 2), summed over all pairs,
    grows by. Of two starts the one wins in which more pairs meet for the first time,
    then the cheaper one, then the first. Forbidden pairs cost more than all others
    together. A swap costs O(G), the last check that none helps O(N^2 G).

    Examples
    --------
    >>> history = History.start(tuple("ABCD"), tables=2, seats=2, rounds=3)
    >>> history = history.after(table=[0, 0, 1, 1], winner=[0, 2])
    >>> table = GreedySeating().seat(history, np.random.default_rng(1))
    >>> bool(table[0] != table[1])  # A and B have met
    True
    """

    starts: int = 2
    rotate_tables: bool = True

    def __post_init__(self) -> None:
        _validate.count("starts", self.starts)

    def seat(self, history: History, rng: np.random.Generator) -> Ints:
        """Return the table of each player, from 0, or -1 for who sits out."""
        best, most = None, (0, 0)
        for _ in range(self.starts):
            plan = draft_of(history, rng, rounds=1)
            plan.cool(rng, PROPOSALS)
            merit = plan.score, -_repeats(history, plan.rows[0])
            if best is None or merit > most:
                best, most = plan.rows[0], merit
            if plan.score >= 0 and not merit[1]:  # nobody meets again
                break
        assert best is not None
        return rotated(history, best) if self.rotate_tables else best


def draft_of(history: History, rng: np.random.Generator, rounds: int) -> Draft:
    """Draw the next rounds by lot, with the rules of the history.

    Examples
    --------
    >>> history = History.start(tuple("ABCD"), tables=2, seats=2, rounds=3)
    >>> draft_of(history, np.random.default_rng(1), rounds=3).rows.shape
    (3, 4)
    """
    return draft(
        history.sizes,
        rounds,
        history.meetings,
        history.sat_out,
        rng,
        forbidden=history.forbidden,
        fixed=history.funnel,
    )


def rotated(history: History, table: Ints) -> Ints:
    """Give the tables other numbers, but those of the funnel.

    Examples
    --------
    >>> history = History.start(tuple("ABCD"), tables=2, seats=2, rounds=3)
    >>> history = history.after(table=[0, 1, 0, 1], winner=[0, 1])
    >>> rotated(history, np.array([0, 1, 0, 1]))  # the same groups
    array([1, 0, 1, 0])
    """
    free = np.ones(history.tables, dtype=np.bool_)
    if history.funnel is not None:
        free[history.funnel[history.funnel >= 0]] = False
    return rotate(history.table, table, free)


def _repeats(history: History, table: Ints) -> int:
    """Sum how often those who share a table have met."""
    together = (table[:, None] == table) & (table >= 0)
    return int(history.meetings[together].sum()) // 2
