"""Schedules by local search: annealing over all rounds at once."""

from __future__ import annotations

from time import thread_time

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim.rng import RNG, as_generator
from mds_sim.theory.tournament import table_sizes

from ._draft import COLD, MILD, WARM, Draft, between, draft
from .history import BENCH, Bools, Ints, count_meetings

BLOCK = 20_000  # proposals between two looks at the clock
STEPS = 200  # blocks at least, however few the proposals
# Each annealing: the share of the budget at which it ends, and how hot it begins.
# Short ones for small evenings, a long one for large ones; what is left evens out.
ANNEALINGS = ((0.04, WARM), (0.08, WARM), (0.12, WARM), (0.16, WARM), (0.9, MILD))
PATIENCE = 8  # blocks without progress after which it is even enough


def search(
    players: int,
    tables: int,
    seats: int,
    rounds: int,
    *,
    start: ArrayLike | None = None,
    seconds: float = 1.0,
    proposals: int | None = None,
    rng: RNG = None,
    forbidden: ArrayLike | None = None,
) -> Ints:
    r"""Search for rounds in which as many different pairs as possible meet.

    Parameters
    ----------
    players, tables, seats, rounds : int
        N, T, G and R. N may be smaller than T G, or larger.
    start : array_like of int, shape (up to R, N), optional
        First rounds, which are kept: the table of each player, -1 sits out.
    seconds : float, default 1.0
        CPU time [s], > 0, without what compiling takes. It ends before if it is
        known that nothing better exists.
    proposals : int, optional
        Swaps to try, >= 1, instead of seconds. Equal seeds then give equal answers.
    rng : numpy.random.Generator, int or None
    forbidden : array_like of bool, shape (N, N), optional
        Pairs that must not meet. If they must, as few of them as was found do.

    Returns
    -------
    ndarray of int64, shape (R, N)
        The table of each player, -1 sits out. All tables are in use, their sizes
        differ by at most 1, and after each round so do the sit-outs.

    Raises
    ------
    TypeError, ValueError
        If such rounds cannot be, or `start` or `forbidden` has another shape.

    Notes
    -----
    Simulated annealing [1]_, a few times for a short while and once for a long one. A
    proposal swaps two players of different tables in one
    round, or two equal turns to sit out, perhaps of two rounds: so sit-outs stay fair.
    To meet somebody again costs as many times as you met before, which drives
    the repeated meetings out, and a swap is priced by a matrix of meetings that is kept
    up to date: O(G), and a million of them take 0.05 s. At last, swaps that let as
    many pairs meet even out how many people each player meets.

    References
    ----------
    .. [1] S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi (1983), Optimization by simulated
       annealing, *Science* 220.

    Examples
    --------
    >>> from mds_sim.tournament import Schedule
    >>> table = search(18, tables=4, seats=4, rounds=5, proposals=500_000, rng=1)
    >>> Schedule(table)
    Schedule(18 players, 4 tables of 4, 5 rounds: 120 of at most 120 pairs meet)
    """
    sizes = table_sizes(players, tables, seats)
    rounds = _validate.count("rounds", rounds)
    seconds = _validate.positive("seconds", seconds, "s")
    rng = as_generator(rng)
    first = _first_rounds(start, players, rounds)
    if len(first) == rounds:
        return first
    plan = draft(
        sizes,
        rounds - len(first),
        count_meetings(first),
        (first == BENCH).sum(axis=0),
        rng,
        forbidden=_pairs(forbidden, players),
    )
    if proposals is not None:
        proposals = _validate.count("proposals", proposals)
    return np.vstack([first, improve(plan, rng, seconds, proposals)])


class _Budget:
    """How many of the proposals, or else of the seconds, are used up."""

    def __init__(self, seconds: float, proposals: int | None) -> None:
        self._seconds, self._proposals = seconds, proposals
        self._used, self._begin = 0, thread_time()

    @property
    def share(self) -> float:
        """The share that is used up."""
        if self._proposals is not None:
            return self._used / self._proposals
        return (thread_time() - self._begin) / self._seconds

    def block(self) -> int:
        """Take the proposals of one block."""
        if self._proposals is None:
            return BLOCK
        size = min(BLOCK, -(-self._proposals // STEPS), self._proposals - self._used)
        self._used += size
        return size


def improve(
    plan: Draft, rng: np.random.Generator, seconds: float, proposals: int | None
) -> Ints:
    """Anneal a few times, then even out; return the best rounds.

    Parameters
    ----------
    plan : Draft
        Is changed.
    rng : numpy.random.Generator
    seconds : float
        CPU time [s].
    proposals : int, optional
        Swaps to try instead.
    """
    plan.anneal(rng, 0, WARM)  # compiles, which does not count
    plan.even(rng, 0)
    budget = _Budget(seconds, proposals)
    best, most = plan.rows, plan.score
    for end, hot in ANNEALINGS:
        begin = budget.share
        while not plan.is_best and (now := budget.share) < end:
            share = (now - begin) / (end - begin)
            plan.anneal(rng, budget.block(), between(hot, COLD, share))
            if plan.score > most:
                best, most = plan.rows, plan.score
    plan.descend(lambda: proposals is None and budget.share >= 1)
    _even(plan, rng, budget)
    return plan.rows if plan.score >= most else best


def _even(plan: Draft, rng: np.random.Generator, budget: _Budget) -> None:
    """Even out as long as it helps."""
    waited, before = 0, _unevenness(plan)
    while before[1] and waited < PATIENCE and budget.share < 1:
        plan.even(rng, budget.block())
        now = _unevenness(plan)
        waited = waited + 1 if now >= before else 0
        before = now


def _unevenness(plan: Draft) -> tuple[int, int]:
    """Return how good it is: first the pairs, then how evenly they are shared."""
    above = plan.opponents - plan.opponents.min()
    uneven = int((above * above).sum()) if above.max() > 1 else 0
    return -plan.score, uneven


def _first_rounds(start: ArrayLike | None, players: int, rounds: int) -> Ints:
    """Return the rounds to begin with."""
    if start is None:
        return np.empty((0, players), dtype=np.int64)
    first = np.array(start)
    if first.dtype.kind not in "iu":
        raise TypeError(f"start must hold integers, got {first.dtype}")
    if first.ndim != 2 or first.shape[1] != players or len(first) > rounds:
        rule = f"shape (at most {rounds}, {players})"
        raise ValueError(f"start must have {rule}, got {first.shape}")
    return first.astype(np.int64)


def _pairs(forbidden: ArrayLike | None, players: int) -> Bools | None:
    """Return the pairs that must not meet, symmetric."""
    if forbidden is None:
        return None
    pairs: NDArray[np.bool_] = np.array(forbidden, dtype=np.bool_)
    if pairs.shape != (players, players):
        shape = (players, players)
        raise ValueError(f"forbidden must have shape {shape}, got {pairs.shape}")
    pairs |= pairs.T
    np.fill_diagonal(pairs, False)
    return pairs
