"""Knockouts inside a tournament: contenders sit with contenders, one of them is left.

The knockout is read off the history, so that any seating can be scored:
whoever beats a contender is one, and a contender who loses is none any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

from ._settle import NEVER, costs, settle
from .contention import PointsLeader
from .history import AWAY, BENCH, Bools, History, Ints, who_plays

STARTS = 8  # lots drawn for who sits with whom; the one with fewest repeats is kept


@dataclass(frozen=True)
class FunnelFirst:
    r"""A knockout from the first round on; when it is over, all later rounds mix.

    Contenders sit with contenders: k of them fill :math:`\lceil k / G \rceil` tables,
    spread evenly, and the best losers by points take the seats that are left. The
    winners of these tables are the next contenders, a loser who wins there too. With
    full tables :math:`\lceil \log_G N \rceil` rounds leave one: the champion.

    Notes
    -----
    Whoever must sit out stays in contention. Which contenders share a table is chosen
    so that few of them meet again (swaps from a few random starts). Two who must never
    meet sit at tables of their own, one more than needed if it must be. If all
    contenders leave, those who came furthest take their place. If the rounds end before
    one contender is left, wins, then opponents' wins, then a playoff decide among them.

    Examples
    --------
    >>> from mds_sim.tournament import GreedySeating, Tournament
    >>> evening = Tournament(
    ...     16, 4, 4, rounds=5, seating=GreedySeating(), contention=FunnelFirst(), rng=1
    ... )
    >>> result = evening.play()
    >>> result.decided_by
    'knockout'
    >>> [line.scores[0] for line in result.standings[:5]]  # knockout rounds won
    [2, 1, 1, 1, 0]
    """

    criteria: ClassVar[tuple[str, ...]] = ("knockout", *PointsLeader.criteria)

    def scores(self, history: History) -> Ints:
        """Return integer scores, shape (players, criteria); more is better."""
        _, won = _knockout(history, 0, _first(history))
        return np.column_stack([won, PointsLeader().scores(history)])

    def funnel(self, history: History, rng: np.random.Generator) -> Ints | None:
        """Return the tables of the contenders in the next round, -1 for the others."""
        return _funnel(history, _knockout(history, 0, _first(history))[0], rng)


@dataclass(frozen=True)
class FinalLast:
    r"""Mixing rounds for points, then a knockout of the best in the last rounds.

    The first R - L rounds mix. Then the top :math:`G^L` by wins and opponents' wins
    (fewer if the tables are smaller) play L knockout rounds as in `FunnelFirst`,
    while the others go on mixing.

    Parameters
    ----------
    levels : int, default 1
        Knockout rounds (L), >= 1. With L >= R all rounds are knockout rounds.

    Notes
    -----
    Where points leave open who is the last to get in, lots decide that are drawn from
    the results so far, so that anyone can draw them again. Finalists who must
    sit out stay in contention, and points decide if more than one is left.

    Examples
    --------
    >>> from mds_sim.tournament import GreedySeating, Tournament
    >>> evening = Tournament(
    ...     16,
    ...     4,
    ...     4,
    ...     rounds=5,
    ...     seating=GreedySeating(),
    ...     contention=FinalLast(levels=1),
    ...     rng=1,
    ... )
    >>> result = evening.play()
    >>> result.rounds[-1].tables[0].winner == result.winner
    True
    """

    levels: int = 1
    criteria: ClassVar[tuple[str, ...]] = ("final", *PointsLeader.criteria)

    def __post_init__(self) -> None:
        _validate.count("levels", self.levels)

    def scores(self, history: History) -> Ints:
        """Return integer scores, shape (players, criteria); more is better."""
        won = self._knockout(history)[1]
        return np.column_stack([won, PointsLeader().scores(history)])

    def funnel(self, history: History, rng: np.random.Generator) -> Ints | None:
        """Return the tables of the finalists in the next round, -1 for the others."""
        if history.round < self._start(history):
            return None
        return _funnel(history, self._knockout(history)[0], rng)

    def _start(self, history: History) -> int:
        """Return the number of mixing rounds."""
        return max(0, history.rounds - self.levels)

    def _knockout(self, history: History) -> tuple[Bools, Ints]:
        """Return who is in the final, and the final rounds won plus 1 for being in."""
        start = self._start(history)
        if history.round < start:
            return history.is_here, np.zeros(history.players, dtype=np.int64)
        entrants = _first(history) if not start else self._finalists(history, start)
        contends, won = _knockout(history, start, entrants)
        return contends, won + (entrants | (won > 0))

    def _finalists(self, history: History, start: int) -> Bools:
        """Return the best by points before the knockout."""
        before = replace(
            history, table=history.table[:start], winner=history.winner[:start]
        )
        # Only those there then: who comes later must not change the lots.
        there = np.flatnonzero(_there(history, start))
        points = PointsLeader().scores(before)[there].T[::-1]
        rows, winners = before.table[:, there] - AWAY, before.winner
        results = np.concatenate([rows.ravel(), winners.ravel()]).tolist()
        lots = np.random.default_rng(results).permutation(len(there))
        best = there[np.lexsort((lots, *points))[::-1]]
        finalists = np.zeros(history.players, dtype=np.bool_)
        finalists[best[: self._places(history, len(there))]] = True
        return finalists

    def _places(self, history: History, players: int) -> int:
        """Return how many can be in the knockout so that it leaves one."""
        seated = min(players, history.tables * history.seats)
        sizes = [(seated + t) // history.tables for t in range(history.tables)][::-1]
        places = 1
        for _ in range(self.levels):
            places = sum(sizes[:places])
        return places


def _first(history: History) -> Bools:
    """Return who is there at the first round."""
    return _there(history, 0)


def _there(history: History, round: int) -> Bools:
    """Return who is there in a round, played or next."""
    played = history.round > round
    return history.table[round] != AWAY if played else history.is_here


def _knockout(history: History, start: int, entrants: Bools) -> tuple[Bools, Ints]:
    """Return who is in contention now, and how many knockout rounds each one won."""
    won = np.zeros(history.players, dtype=np.int64)
    contends, level = entrants, 0
    for r in range(start, history.round):
        row = history.table[r]
        contends = _who_is_left(contends, row != AWAY, won)
        if (contends & (row >= 0)).sum() > 1:  # else there is nothing to decide
            tables = np.unique(row[contends & (row >= 0)])
            contends = contends & (row == BENCH)
            contends[history.winner[r][tables]] = True
            level += 1
        won[contends] = level
    contends = _who_is_left(contends, history.is_here, won)
    won[contends] = level
    return contends, won


def _who_is_left(contends: Bools, there: Bools, won: Ints) -> Bools:
    """Return the contenders who are there, or, if none is, who came furthest."""
    left = contends & there
    if left.any() or not there.any():
        return left
    furthest: Bools = there & (won == won[there].max())
    return furthest


def _funnel(history: History, contends: Bools, rng: np.random.Generator) -> Ints | None:
    """Seat the contenders together; None if that leaves all tables free."""
    if contends.sum() <= 1:
        return None
    plays = who_plays(history, rng, keep=contends)
    inside, others = plays[contends[plays]], plays[~contends[plays]]
    if len(inside) <= 1 or not len(others):
        return None
    least = int(np.searchsorted(np.cumsum(history.sizes), len(inside))) + 1
    most = min(history.tables, len(inside)) if history.forbidden is not None else least
    for tables in range(least, most + 1):
        funnel = _seat(history, inside, others, tables, rng)
        if _keeps_apart(history, funnel, plays):
            break
    if history.forbidden is not None and tables == history.tables - 1:
        return funnel  # who shares the last table is a matter of who sits out
    return np.where(funnel < tables, funnel, -1)


def _seat(
    history: History, inside: Ints, others: Ints, tables: int, rng: np.random.Generator
) -> Ints:
    """Seat contenders at the first tables, the best losers with them, then the rest."""
    spread = np.arange(len(inside)) % tables
    table = np.full(history.players, -1)
    table[inside] = _fewest_repeats(costs(history, inside), spread, rng)
    _add_losers(history, table, others, rng)
    contends = np.zeros(history.players, dtype=np.int64)
    contends[inside] = 1
    seated = np.flatnonzero(table >= 0)
    table[seated] = settle(costs(history, seated), table[seated], contends[seated])
    if history.forbidden is not None:
        rest = np.flatnonzero(table[others] < 0)
        table[others[rest]] = np.repeat(
            np.arange(tables, history.tables), history.sizes[tables:]
        )
        plays = np.flatnonzero(table >= 0)
        apart = history.forbidden[np.ix_(plays, plays)].astype(np.float64)
        table[plays] = settle(apart, table[plays], contends[plays])
    return table


def _keeps_apart(history: History, table: Ints, plays: Ints) -> bool:
    """Tell whether no forbidden pair shares a table."""
    if history.forbidden is None:
        return True
    same = table[plays][:, None] == table[plays]
    return not (same & history.forbidden[np.ix_(plays, plays)]).any()


def _fewest_repeats(
    cost: NDArray[np.float64], table: Ints, rng: np.random.Generator
) -> Ints:
    """Return the seating at these tables, of a few, in which fewest meet again."""
    same = np.zeros(len(table), dtype=np.int64)
    tries = [settle(cost, rng.permutation(table), same) for _ in range(STARTS)]
    return min(tries, key=lambda seated: cost[seated[:, None] == seated].sum())


def _add_losers(
    history: History, funnel: Ints, others: Ints, rng: np.random.Generator
) -> None:
    """Give the seats that are left to the best losers, where they meet new people."""
    cost = costs(history, np.arange(history.players))
    points = PointsLeader().scores(history)[others].T[::-1]
    met = cost[np.ix_(others, funnel >= 0)].sum(axis=1)
    queue = others[np.lexsort((rng.permutation(len(others)), -met, *points))[::-1]]
    numbers = np.arange(int(funnel.max()) + 1)
    waiting = queue.tolist()
    for limit in (NEVER, np.inf):  # who must not meet, only if there is nobody else
        for p in list(waiting):
            taken = (funnel == numbers[:, None]).sum(axis=1)
            price = np.array([cost[p, funnel == t].sum() for t in numbers])
            price[taken >= history.sizes[: len(numbers)]] = np.inf
            if price.min() < limit:
                funnel[p] = int(price.argmin())
                waiting.remove(p)
