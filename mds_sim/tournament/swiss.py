"""Swiss seating for tables of any size: equals play equals, and rarely again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._settle import costs, settle
from .contention import PointsLeader
from .history import Bools, History, Ints, who_plays


@dataclass(frozen=True)
class SwissSeating:
    """Players with equally many wins sit together, and within that meet new people.

    1. Order the players by wins, then opponents' wins; lots decide among equals.
    2. Fill the tables from the top: the first G sit at the first table, and so on.
    3. As long as fewer people then meet again, swap two players of equally many wins
       between tables. So each table keeps its wins, and only names change places.

    Whoever has fewest wins is the first to sit out, of those whose turn it can be.
    The first round is drawn by lot. Contenders of a knockout sit where it asks. If no
    swap among equals parts a forbidden pair, one of them changes places with the
    player whose wins are nearest.

    Notes
    -----
    A pair that has met m times costs m. The best swap comes first, the first pair of
    players if tied. Cost O(N^2) a swap.

    References
    ----------
    .. [1] FIDE Handbook C.04.1, Basic rules for Swiss Systems: equal scores meet,
       and nobody the same opponent twice. Here for tables of G, where the second
       rule must give way to the first when points groups are small.

    Examples
    --------
    >>> history = History.start(tuple("ABCD"), tables=2, seats=2, rounds=3)
    >>> history = history.after(table=[0, 0, 1, 1], winner=[0, 3])  # A, D won
    >>> SwissSeating().seat(history, np.random.default_rng(1))
    array([0, 1, 1, 0])
    """

    def seat(self, history: History, rng: np.random.Generator) -> Ints:
        """Return the table of each player, from 0, or -1 for who sits out."""
        players = who_plays(history, rng, keep=history.wins)
        table, fixed = _from_the_top(history, players, rng)
        wins = np.where(fixed, -1, history.wins[players])
        table = settle(costs(history, players), table, wins)
        if history.forbidden is not None:
            _part(history.forbidden[np.ix_(players, players)], table, wins)
        answer = np.full(history.players, -1)
        answer[players] = table
        return answer


def _from_the_top(
    history: History, players: Ints, rng: np.random.Generator
) -> tuple[Ints, Bools]:
    """Return the tables filled in order of wins, and whom the funnel has seated."""
    table = np.full(len(players), -1)
    if history.funnel is not None:
        table = history.funnel[players].copy()
    fixed = table >= 0
    places = np.repeat(np.arange(history.tables), _free(history, table[fixed]))
    points = PointsLeader().scores(history)[players].T[::-1]
    order = np.lexsort((rng.permutation(len(players)), *points))[::-1]
    table[order[~fixed[order]]] = places
    return table, fixed


def _free(history: History, taken: Ints) -> Ints:
    """Return the seats that are left at each table."""
    return history.sizes - np.bincount(taken, minlength=history.tables)


def _part(forbidden: Bools, table: Ints, wins: Ints) -> None:
    """Part forbidden pairs, in place, by swaps between players of nearest wins."""
    apart = np.abs(wins[:, None] - wins).astype(np.float64)
    apart[(wins < 0)[:, None] | (wins < 0)] = np.inf  # seated by the knockout
    while True:
        together = forbidden & (table[:, None] == table)
        if not together.any():
            return
        crowd = forbidden.astype(np.int64) @ (
            table[:, None] == np.arange(table.max() + 1)
        )
        here, there = crowd[np.arange(len(table)), table], crowd[:, table]
        change = there + there.T - here[:, None] - here - 2 * forbidden
        worse = (change >= 0) | (table[:, None] == table)
        price = np.where(worse, np.inf, apart)
        p, q = divmod(int(price.argmin()), len(table))
        if np.isinf(price[p, q]):
            return  # it cannot be kept; the tournament says so
        table[p], table[q] = table[q], table[p]
