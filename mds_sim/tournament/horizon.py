"""Seated from results, all rounds to come planned together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from mds_sim import _validate

from ._draft import draft, rotate
from .greedy import GreedySeating, draft_of, rotated
from .history import AWAY, BENCH, History, Ints, count_meetings
from .schedules import by_algebra
from .search import improve


@dataclass(frozen=True)
class HorizonSeating:
    """Plan all rounds to come together, and play the first of them.

    After the first round, seated like `GreedySeating`, it plans the others such that
    nobody meets again, if a design is known (see `schedule`); else it searches for the
    plan in which most people meet. It follows it as long as the evening does. If a
    round was not as planned (a contention rule took tables, somebody came or left, you
    moved people), it plans the rest anew from there.

    Parameters
    ----------
    budget : int, default 100_000
        Swaps to try for each round that is planned, >= 1. It ends before if it is
        known that no plan is better.
    designs : bool, default True
        Follow a design if one is known; False searches always.
    rotate_tables : bool, default True
        Number the tables of a round so that people come to tables where they have
        sat less often.

    Notes
    -----
    It has no memory but the history: chance in a plan is drawn from the rounds
    played before it. So the plan that is being followed can be found again, also
    by a tournament that was saved and loaded, in time for a plan; in the same process
    it is kept. While a contention rule fixes tables, each round is a plan of its own.

    Where nobody sits out, the planned rounds with fewest repeated meetings are played
    first, in case that plans change. See `search` for the method.

    Examples
    --------
    >>> from mds_sim.tournament import Tournament
    >>> Tournament(16, 4, 4, rounds=5, seating=HorizonSeating(), rng=1).play().pairs_met
    120
    """

    budget: int = 100_000
    designs: bool = True
    rotate_tables: bool = True

    def __post_init__(self) -> None:
        _validate.count("budget", self.budget)

    def seat(self, history: History, rng: np.random.Generator) -> Ints:
        """Return the table of each player, from 0, or -1 for who sits out."""
        if history.funnel is not None:
            left = max(1, history.rounds - history.round)
            plan = draft_of(history, rng, left)
            row: Ints = improve(plan, rng, 1.0, self.budget * left)[0]
            return rotated(history, row) if self.rotate_tables else row
        if not history.round:
            return GreedySeating(rotate_tables=False).seat(history, rng)
        return self._planned(history)

    def _planned(self, history: History) -> Ints:
        """Follow the plans as far as the rounds played do; return the next round."""
        start = _last_change(history) + 1
        while True:
            rounds = max(history.rounds, history.round + 1) - start
            rows = _plan(self._question(history, start), rounds)
            played = history.table[start:]
            same = (rows[: len(played)] == played).all(axis=1)
            if same.all():
                row: Ints = rows[len(played)]
                return row
            start += int(same.argmin()) + 1

    def _question(self, history: History, start: int) -> _Question:
        """Return all that the plan after some rounds depends on."""
        since = (history.table[start:] == BENCH).sum(axis=0)
        forbidden = history.forbidden
        return _Question(
            tuple(history.sizes.tolist()),
            history.table[:start].tobytes(),
            (history.sat_out - since).tobytes(),
            None if forbidden is None else forbidden.tobytes(),
            self.budget,
            self.designs,
            self.rotate_tables,
        )


class _Question(NamedTuple):
    """What a plan depends on, such that it can be looked up."""

    sizes: tuple[int, ...]
    played: bytes
    sat_out: bytes
    forbidden: bytes | None
    budget: int
    designs: bool
    rotate_tables: bool


@lru_cache(maxsize=256)
def _plan(question: _Question, rounds: int) -> Ints:
    """Plan the rounds after those played."""
    sat_out = np.frombuffer(question.sat_out, np.int64)
    players = len(sat_out)
    played = np.frombuffer(question.played, np.int64).reshape(-1, players)
    forbidden = None
    if question.forbidden is not None:
        forbidden = np.frombuffer(question.forbidden, np.bool_).reshape(players, -1)
    met = count_meetings(played)
    digest = blake2b(question.played, digest_size=16).digest()
    rng = np.random.default_rng(int.from_bytes(digest, "big"))
    sizes = np.array(question.sizes)
    rows = None
    if question.designs and forbidden is None and len(played) == 1:
        rows = _by_design(played[0], sizes, sat_out, rounds, rng)
    if rows is None:
        plan = draft(sizes, rounds, met, sat_out, rng, forbidden=forbidden)
        rows = improve(plan, rng, 1.0, question.budget * rounds)
        if sizes.sum() == players:
            rows = _best_first(rows, met)
    if question.rotate_tables:
        free = np.ones(len(sizes), dtype=np.bool_)
        for r in range(rounds):
            rows[r] = rotate(np.vstack([played, rows[:r]]), rows[r], free)
    return _validate.sealed(rows)


def _by_design(
    first: Ints, sizes: Ints, sat_out: Ints, rounds: int, rng: np.random.Generator
) -> Ints | None:
    """Return rounds in which nobody meets again, if a design has so many.

    Whoever sat together in the first round takes the places of a table of the design's
    first round, by lot: any first round will do.
    """
    tables, players = len(sizes), len(first)
    if not np.array_equal(first == BENCH, sat_out) or (first == AWAY).any():
        return None
    design, _ = by_algebra(players, tables, int(sizes[0]), rounds + 1)
    if len(design) <= rounds:
        return None
    mine, theirs = (_by_tables(row, tables, rng) for row in (first, design[0]))
    rows = np.empty_like(design[1 : rounds + 1])
    rows[:, mine] = design[1 : rounds + 1, theirs]
    return rows


def _by_tables(row: Ints, tables: int, rng: np.random.Generator) -> Ints:
    """Return the players in order: the bench, then by table, the small ones first."""
    size = np.bincount(row + 1, minlength=tables + 1)[row + 1]
    return np.lexsort((rng.permutation(len(row)), row, size, row >= 0))


def _best_first(rows: Ints, met: Ints) -> Ints:
    """Order rounds such that each next one has the fewest repeated meetings."""
    together = (rows[:, :, None] == rows[:, None, :]).astype(np.int64)
    left, order = list(range(len(rows))), []
    while left:
        repeats = [int((met * together[r]).sum()) for r in left]
        best = left.pop(int(np.argmin(repeats)))
        met = met + together[best]
        order.append(best)
    return rows[order]


def _last_change(history: History) -> int:
    """Return the last round before somebody came or left, 0 if nobody did."""
    seated = (history.table >= 0).sum(axis=1) == history.sizes.sum()
    whole = seated & (history.table != AWAY).all(axis=1)
    return int(np.flatnonzero(~whole)[-1]) if not whole.all() else 0
