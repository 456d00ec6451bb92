"""A draft of the rounds to come, which the local search improves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .history import BENCH, Bools, Ints

if TYPE_CHECKING:  # it loads Numba
    from ._search import Board

# Temperatures: a swap that costs 1 is made 1 time in 4, in 55, and in 786. Measured:
# small evenings are solved at WARM, large ones get into order between MILD and COLD.
WARM, MILD, COLD = 0.7, 0.25, 0.15
STEPS = 8  # temperatures of a short annealing


@dataclass(eq=False)
class Draft:
    """Rounds that keep all rules.

    `score` counts the pairs that meet in them for the first time, less FORBIDDEN for
    each time that two meet who must not; `bound` is more than which it cannot be.
    """

    board: Board
    score: int
    bound: int

    @property
    def opponents(self) -> Ints:
        """How many different people each player meets, these rounds included."""
        return self.board.opponents

    @property
    def rows(self) -> Ints:
        """The table of each player in each round, -1 on the bench."""
        home = self.board.home
        table = np.where(home == len(self.board.first) - 2, BENCH, home)
        rows: Ints = table[self.board.place]
        return rows

    @property
    def is_best(self) -> bool:
        """Whether it is known that no other rounds let more pairs meet."""
        return self.score == self.bound

    def anneal(self, rng: np.random.Generator, tries: int, temperature: float) -> int:
        """Propose swaps at one temperature; return how many, fewer at the bound."""
        from . import _search

        words = rng.integers(1 << _search.WORD, size=tries)
        self.score, tried = _search.anneal(
            words, _chances(temperature), self.board, self.score, self.bound
        )
        return int(tried)

    def cool(self, rng: np.random.Generator, proposals: int) -> None:
        """Anneal from mild to cold, then swap downhill."""
        tries = -(-proposals // STEPS)
        for share in np.linspace(0, 1, STEPS).tolist():
            if self.is_best:
                break
            self.anneal(rng, tries, between(MILD, COLD, share))
        self.descend()

    def descend(self, is_over: Callable[[], bool] = bool) -> None:
        """Swap until no swap helps, or until it is over."""
        from . import _search

        helped = True
        while helped:
            helped = False
            for r in range(len(self.board.seat)):
                if is_over():
                    return
                self.score, better = _search.descend(self.board, self.score, r)
                helped |= better

    def even(self, rng: np.random.Generator, tries: int) -> None:
        """Share the people to meet more evenly."""
        from . import _search

        words = rng.integers(1 << _search.WORD, size=tries)
        self.score = _search.even(words, self.board, self.score)


@lru_cache(maxsize=64)
def _chances(temperature: float) -> Ints:
    """Return how many of 2**PLACE swaps are made, by what they cost."""
    from . import _search

    costs = np.arange(_search.CHANCES)
    chances: Ints = (np.exp(-costs / temperature) * 2**_search.PLACE).astype(np.int64)
    return chances


def between(hot: float, cold: float, share: float) -> float:
    """Return how hot it is after a share of an annealing, from 0 to 1."""
    return float(hot * (cold / hot) ** share)


def draft(
    sizes: Ints,
    rounds: int,
    met: Ints,
    sat_out: Ints,
    rng: np.random.Generator,
    *,
    forbidden: Bools | None = None,
    fixed: Ints | None = None,
) -> Draft:
    """Draw rounds by lot that keep the rules.

    Parameters
    ----------
    sizes : ndarray of int64, shape (tables,)
        Players at each table.
    rounds : int
    met : ndarray of int64, shape (players, players)
        How often any two met before.
    sat_out : ndarray of int64, shape (players,)
        How often each sat out before.
    rng : numpy.random.Generator
    forbidden : ndarray of bool, shape (players, players), optional
        The pairs that must not meet.
    fixed : ndarray of int64, shape (players,), optional
        The table at which a player must sit in the first of these rounds, -1: any.
    """
    from . import _search

    players, tables, seated = len(sat_out), len(sizes), int(sizes.sum())
    first = np.concatenate([[0], np.cumsum(sizes), [players]])
    home = np.repeat(np.arange(tables + 1), np.diff(first))
    seat, turn, rests = _by_lot(seated, rounds, sat_out, fixed, rng)
    locked = np.zeros(players, dtype=np.bool_)
    if fixed is not None:
        locked = _fix(seat[0], fixed, first)
    place = np.argsort(seat, axis=1)
    before = met.astype(np.int32)
    if forbidden is not None:
        before[forbidden] += _search.FORBIDDEN
    dear = before.copy()
    _search.count(seat, first, dear)
    opponents = ((dear > 0) & (dear < _search.FORBIDDEN)).sum(axis=1)
    slots = rounds * sum(comb(size, 2) for size in sizes.tolist())
    unmet = (int((before == 0).sum()) - players) // 2
    return Draft(
        _search.Board(seat, place, dear, opponents, home, first, locked, turn, rests),
        _score(before, dear),
        min(slots, unmet),
    )


def _by_lot(
    seated: int,
    rounds: int,
    sat_out: Ints,
    fixed: Ints | None,
    rng: np.random.Generator,
) -> tuple[Ints, Ints, Ints]:
    """Draw the place of each player in each round; who sat out least is on the bench.

    Returns
    -------
    seat, turn, rests
        As in `_search`.
    """
    from . import _search

    players, times = len(sat_out), sat_out - sat_out.min()
    seat = np.array([rng.permutation(players) for _ in range(rounds)])
    turn = np.empty((rounds, players - seated), dtype=np.int64)
    if seated == players:
        return seat, turn, np.empty((0, players), dtype=np.int64)
    turns = np.arange(int(times.max()) + rounds + 1)[:, None]
    rests = np.where(times > turns, _search.LONG_AGO, _search.NOT_YET)
    for r, lot in enumerate(seat):
        stays = np.zeros(players) if fixed is None or r else fixed[lot] >= 0
        queue = lot[np.lexsort((stays, times[lot]))]
        bench = queue[: players - seated]
        turn[r] = times[bench]
        rests[turn[r], bench] = r
        times[bench] += 1
        rng.shuffle(queue[players - seated :])
        seat[r] = np.roll(queue, seated - players)
    return seat, turn, rests


def _fix(seat: Ints, fixed: Ints, first: Ints) -> Bools:
    """Move the fixed players to their tables; return which places are theirs."""
    locked = np.zeros(len(seat), dtype=np.bool_)
    tables = fixed[seat]
    mine = np.argsort(tables, kind="stable")[(tables < 0).sum() :]
    order = tables[mine]
    # The k-th player of a table takes its k-th place.
    places = first[order] + np.arange(len(order)) - np.searchsorted(order, order)
    locked[places] = True
    seat[places], seat[~locked] = seat[mine], seat[tables < 0]
    return locked


def _score(before: NDArray[np.int32], after: NDArray[np.int32]) -> int:
    """Return the pairs that met now, less FORBIDDEN for each time they must not."""
    from . import _search

    new = int(((before == 0) & (after > 0)).sum()) // 2
    barred = before >= _search.FORBIDDEN
    wrong = int((after - before)[barred].sum()) // 2 if barred.any() else 0
    return new - wrong * _search.FORBIDDEN


def rotate(rows: Ints, table: Ints, free: Bools) -> Ints:
    """Give the tables of a round other numbers, so that people see different tables.

    Parameters
    ----------
    rows : ndarray of int64, shape (rounds, players)
        The rounds before.
    table : ndarray of int64, shape (players,)
        The round.
    free : ndarray of bool, shape (tables,)
        Which tables may change their number, among those of one size.

    Returns
    -------
    ndarray of int64, shape (players,)
        The same groups; how often people sat at the table where they sit now is, in
        total, the least.
    """
    from scipy.optimize import linear_sum_assignment

    numbers = np.arange(len(free))
    group = (table[:, None] == numbers).astype(np.int64)
    visits = (rows[:, :, None] == numbers).sum(axis=0)
    cost = group.T @ visits
    size = group.sum(axis=0)
    barred = (size[:, None] != size) | ~(free[:, None] & free)
    np.fill_diagonal(barred, False)
    cost[barred] = rows.size + 1
    _, number = linear_sum_assignment(cost)
    answer: Ints = np.append(number, BENCH)[table]
    return answer
