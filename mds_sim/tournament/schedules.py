"""Who sits where, for any numbers: algebra where it serves, and search for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from mds_sim import _validate
from mds_sim.rng import RNG, as_generator
from mds_sim.sim._kernels import HAS_NUMBA
from mds_sim.theory.tournament import pairs_bound, table_sizes
from mds_sim.units import counted

from .constructions import Schedule, distinct_pairs, round_robin
from .designs import Made, design
from .history import BENCH, Ints, count_meetings
from .search import search

SEARCH = "local search"
PROPOSALS = 100_000_000  # some four seconds
SLOW_PROPOSALS = 3_000_000  # without Numba
BENCH_STEPS = 2000  # tables that are tried for the bench before it is left to search


def schedule(
    players: int,
    tables: int,
    seats: int,
    rounds: int,
    rng: RNG = None,
    seconds: float | None = None,
) -> Schedule:
    r"""Make a schedule in which as many different pairs as possible meet.

    Parameters
    ----------
    players, tables, seats, rounds : int
        N, T, G and R. N may be smaller than T G: then tables differ by at most one
        player; or larger: then sit-outs do, after each round.
    rng : numpy.random.Generator, int or None
        For the search, if it comes to that.
    seconds : float, optional
        CPU time for the search [s]; algebra takes milliseconds. By default so many
        swaps are tried as take some seconds, and equal seeds give equal schedules.

    Returns
    -------
    Schedule
        ``method`` says what made it, ``bound`` how many pairs could meet at most,
        and ``proven`` whether they do, so that no schedule is better.

    Raises
    ------
    TypeError, ValueError
        If a number is too small, or the players cannot fill all tables.

    Notes
    -----
    The first of these that lets as many pairs meet as possible, else the best:

    1. In pairs, the circle method. With all seats taken, the longest design known for
       T and G: affine geometries and transversal designs from Latin squares, Kirkman
       triple systems, Hermitian curves, spreads, starters. No two people meet twice in
       any of its rounds, so a shorter one is its beginning. When everyone has met
       everyone, the rounds are played again.
    2. With free seats, such a design without some players who never meet in it.
    3. With people on the bench, a design for more tables: in each round, those at
       some of them sit out.
    4. Local search for the rounds that remain, and for all rounds.

    A search that is cut off by the clock, after `seconds`, may answer differently each
    time, even for equal seeds. Without Numba fewer swaps are tried.

    References
    ----------
    .. [1] C. J. Colbourn, J. H. Dinitz (eds., 2007), *Handbook of Combinatorial
       Designs*, 2nd ed., parts II-IV.

    Examples
    --------
    >>> schedule(32, tables=8, seats=4, rounds=10)
    Schedule(32 players, 8 tables of 4, 10 rounds: 480 of at most 480 pairs meet)
    >>> evening = schedule(15, tables=4, seats=4, rounds=5)
    >>> evening.method, evening.proven
    ('Latin squares over GF(4), then in groups of 4: one table; without 1 player', True)
    """
    fullest = int(table_sizes(players, tables, seats)[0])
    rounds = _validate.count("rounds", rounds)
    if seconds is not None:
        seconds = _validate.positive("seconds", seconds, "s")
    rng = as_generator(rng)
    bound = pairs_bound(players, tables, seats, rounds)
    best, method, most = np.empty((0, players), dtype=np.int64), "", -1
    start = by_algebra(players, tables, fullest, rounds)
    for table, how in _attempts(start, tables, seats, rounds, seconds, rng):
        pairs = distinct_pairs(table)
        if pairs > most:
            best, method, most = table, how, pairs
        if most == bound:
            break
    return Schedule(best, method=method)


def _attempts(
    start: Made,
    tables: int,
    seats: int,
    rounds: int,
    seconds: float | None,
    rng: np.random.Generator,
) -> Iterator[Made]:
    """Yield schedules of full length: by algebra, extended by search, by search."""
    table, method = start
    known, players = table.shape
    share = 1.0
    if known == rounds:
        yield start
    elif distinct_pairs(table) == players * (players - 1) // 2:
        yield np.resize(table, (rounds, players)), f"{method}; played again"
    elif known:
        share = 0.5  # for each of two searches
        effort = _effort(seconds, share)
        longer = search(players, tables, seats, rounds, start=table, rng=rng, **effort)
        yield longer, f"{method}; from round {known + 1} on local search"
    effort = _effort(seconds, share)
    yield search(players, tables, seats, rounds, rng=rng, **effort), SEARCH


def _effort(seconds: float | None, share: float) -> dict[str, Any]:
    """Return a share of the time that was given, or else of a number of proposals."""
    if seconds is not None:
        return {"seconds": seconds * share}
    return {"proposals": int(share * (PROPOSALS if HAS_NUMBA else SLOW_PROPOSALS))}


def by_algebra(players: int, tables: int, fullest: int, rounds: int) -> Made:
    """Return up to `rounds` rounds without a repeat, perhaps none, and their name."""
    free = tables * fullest - players
    if fullest == 2 and free == -1:  # an odd number, in pairs
        circle = round_robin(players)
        return circle.table[:rounds], circle.method
    if free == 0:
        return design(tables, fullest, rounds)
    if free > 0:
        return _without(free, tables, fullest, rounds)
    return _with_bench(players, tables, fullest, rounds)


def _without(free: int, tables: int, fullest: int, rounds: int) -> Made:
    """Leave seats free: take players out of a design who never meet in it."""
    table, method = design(tables, fullest, rounds)
    while (gone := _strangers(table, free)) is None:  # one round always has some
        table, method = design(tables, fullest, len(table) - 1)
    table = np.delete(table, gone, axis=1)
    return table, f"{method}; without {free} player{'s'[: free > 1]}"


def _strangers(table: Ints, count: int) -> list[int] | None:
    """Return some players who never meet each other, if a few greedy tries find them.

    In a net, the first of a group find the others of it.
    """
    met = count_meetings(table) > 0
    for first in range(min(len(met), 50)):
        group = [first]
        left = ~met[first]
        left[first] = False
        while len(group) < count and left.any():
            group.append(int(left.argmax()))
            left &= ~met[group[-1]]
            left[group[-1]] = False
        if len(group) == count:
            return group
    return None


def _with_bench(players: int, tables: int, seats: int, rounds: int) -> Made:
    """Let whole tables of a larger design sit out, and with them who is not there."""
    nothing = np.empty((0, players), dtype=np.int64), ""
    total = -(-players // seats)
    table, method = design(total, seats, rounds)
    ghosts = (
        _strangers(table, total * seats - players) if total * seats > players else []
    )
    if ghosts is None or len(ghosts) > total - tables:
        return nothing
    out = _Benches(table, ghosts, total - tables).choose()
    if not out:
        return nothing
    rows = [_renumbered(row, gone) for row, gone in zip(table, out, strict=False)]
    answer = np.delete(np.array(rows), ghosts, axis=1)
    return (
        answer,
        f"{method}; {total - tables} of {counted(total, 'table', spec='')} sit out",
    )


class _Benches:
    """The choice of the tables that sit out in each round of a design, fairly.

    As long as more players than a bench holds have sat out least, only tables of
    such players may; else all of them must.
    """

    def __init__(self, table: Ints, ghosts: list[int], benches: int) -> None:
        self.table, self.ghosts, self.benches = table, ghosts, benches
        self.real = np.ones(table.shape[1], dtype=np.bool_)
        self.real[ghosts] = False
        self.steps = BENCH_STEPS
        self.best: list[tuple[int, ...]] = []

    def choose(self) -> list[tuple[int, ...]]:
        """Return the tables that sit out, for as many rounds as were found."""
        self._extend([], np.zeros(self.table.shape[1], dtype=np.int64))
        return self.best

    def _extend(self, chosen: list[tuple[int, ...]], sat_out: Ints) -> bool:
        """Choose for one more round, depth first; tell whether all are chosen."""
        if len(chosen) > len(self.best):
            self.best = chosen
        if len(chosen) == len(self.table):
            return True
        row = self.table[len(chosen)]
        for out in self._choices(row, sat_out):
            self.steps -= 1
            if self.steps < 0:
                return False
            if self._extend([*chosen, out], sat_out + np.isin(row, out)):
                return True
        return False

    def _choices(self, row: Ints, sat_out: Ints) -> Iterator[tuple[int, ...]]:
        """Yield the tables that may sit out together in one round."""
        least = self.real & (sat_out == sat_out[self.real].min())
        rested = set(row[self.real & ~least].tolist())
        must = set(row[self.ghosts].tolist())
        may = set(range(int(row.max()) + 1)) - must
        bench = self.benches * int((row == 0).sum()) - len(self.ghosts)
        if least.sum() > bench:
            if must & rested:
                return
            may -= rested
        else:
            must |= set(row[least].tolist())
            may -= must
        free = self.benches - len(must)
        if free >= 0:
            for others in combinations(sorted(may), free):
                yield (*sorted(must), *others)


def _renumbered(row: Ints, out: tuple[int, ...]) -> Ints:
    """Send some tables to the bench and number the others from 0."""
    number = np.cumsum(~np.isin(np.arange(row.max() + 1), out)) - 1
    number[list(out)] = BENCH
    renumbered: Ints = number[row]
    return renumbered
