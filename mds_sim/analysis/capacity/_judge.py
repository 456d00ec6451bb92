"""Candidates before the court: replications until it is clear who keeps the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim.analysis.intervals import Interval, student
from mds_sim.analysis.replications import replicate

from ._goals import Figures, SmallestPool
from ._promise import FIRST_LOOK, NO, UNCLEAR, YES, Promise

Floats = NDArray[np.float64]
PILOT = 10  # days for a first look around
BELOW, ABOVE = 3, 4  # how far around to judge then
Where = dict[str, Any]  # executor and progress, as for `replicate`


@dataclass(frozen=True, eq=False)
class Pools:
    """How many workers each replication needs, and what no pool undercuts.

    Attributes
    ----------
    needed : ndarray of float64, shape (n,)
        The smallest pool that keeps the target; inf where none does.
    best : ndarray of float64, shape (n,)
        The figure with a worker for each job [s].
    answer : int or None
        The smallest pool that keeps the promise.
    """

    needed: Floats
    best: Floats
    answer: int | None


def judge_pools(trial: SmallestPool, promise: Promise, rng: Any, where: Where) -> Pools:
    """Look for the smallest pool, until the next smaller one is refused.

    A larger pool keeps the target wherever a smaller one does. So a "yes" for any pool
    that is too small is one for the largest of these, and the allowed error need not
    be shared out over the pools. Where no pool will do, all replications are taken:
    what could be promised instead is told from them.
    """
    rows: list[tuple[float, float]] = []
    answer: int | None = None
    for look in promise.looks:
        rows += replicate(trial, look - len(rows), rng, **where).results
        needed = np.array([row[0] for row in rows])
        answer = _smallest_yes(needed, promise)
        if answer is not None and _is_clear(needed, answer, trial.least, promise):
            break
    return Pools(needed, np.array([row[1] for row in rows]), answer)


def verdict(kept: NDArray[np.bool_], promise: Promise) -> str:
    """Tell whether a promise is kept, given which replications did."""
    return promise.verdict(promise.interval(int(kept.sum()), kept.size))


def _smallest_yes(needed: Floats, promise: Promise) -> int | None:
    """Return the smallest pool that keeps the promise, or None."""
    pool = np.sort(needed)[promise.rank(needed.size) - 1]
    return int(pool) if np.isfinite(pool) else None


def _is_clear(needed: Floats, answer: int, least: int, promise: Promise) -> bool:
    """Tell whether the next smaller pool is refused, or none is to be asked."""
    return answer == least or verdict(needed <= answer - 1, promise) == NO


@dataclass(frozen=True, eq=False)
class Judgement:
    """What became of each candidate.

    Attributes
    ----------
    figures : tuple of ndarray
        The figures of each candidate, of as many replications as it took [s].
    intervals : tuple of Interval
    decided : tuple of str
    """

    figures: tuple[Floats, ...]
    intervals: tuple[Interval, ...]
    decided: tuple[str, ...]

    @property
    def replications(self) -> int:
        """Of the candidate that took most."""
        return max(one.size for one in self.figures)

    def promised(self, promise: Promise) -> Floats:
        """Return for each candidate the least target that it would promise [s]."""
        return np.array(
            [np.sort(one)[promise.rank(one.size) - 1] for one in self.figures]
        )


def judge(
    pipelines: Sequence[Any],
    goal: Any,
    target: float,
    promise: Promise,
    rng: Any,
    pending: Callable[[list[str]], list[int]],
    where: Where,
) -> Judgement:
    """Replicate candidates on the same chance, as long as some are pending.

    If all are refused, the most promising one gets the rest of the replications: few of
    them can promise less than all could.
    """
    figures: list[list[float]] = [[] for _ in pipelines]
    decided = [UNCLEAR] * len(pipelines)
    intervals: list[Any] = [None] * len(pipelines)
    done = 0
    for look in promise.looks:
        asked = pending(decided)
        if not asked:
            break
        trial = Figures(tuple(pipelines[i] for i in asked), goal)
        rows = replicate(trial, look - done, rng, **where).results
        done = look
        for i, column in zip(asked, zip(*rows, strict=True), strict=True):
            figures[i] += column
            kept = sum(value <= target for value in figures[i])
            intervals[i] = promise.interval(kept, look)
            decided[i] = promise.verdict(intervals[i])
    if YES not in decided:
        typical = [np.quantile(one, promise.probability) for one in figures]
        best = int(np.argmin(typical))
        trial = Figures((pipelines[best],), goal)
        rest = promise.looks[-1] - len(figures[best])
        if rest:
            more = replicate(trial, rest, rng, **where).results
            figures[best] += [row[0] for row in more]
    arrays = tuple(np.array(one) for one in figures)
    return Judgement(arrays, tuple(intervals), tuple(decided))


def nearest(
    pipelines: Sequence[Any], goal: Any, target: float, probability: float, rng: Any
) -> list[Any]:
    """Return those around the longest that seems to keep the target, on a few days.

    These days have no part in the verdict.
    """
    trial, days = Figures(tuple(pipelines), goal), rng.spawn(PILOT)
    figures = np.array([trial(day) for day in days])
    keeps = np.flatnonzero((figures <= target).mean(axis=0) >= probability)
    typical = np.quantile(figures, probability, axis=0)
    middle = int(keeps[-1] if keeps.size else np.argmin(typical))
    return list(pipelines[max(middle - BELOW, 0) : middle + ABOVE + 1])


def longest_yes(decided: list[str]) -> list[int]:
    """Return what is unclear and beyond the last candidate with a "yes"."""
    last = max((i for i, word in enumerate(decided) if word == YES), default=-1)
    return [i for i, word in enumerate(decided) if word == UNCLEAR and i > last]


def any_yes(decided: list[str]) -> list[int]:
    """Return what is unclear, as long as there is no "yes"."""
    unclear = [i for i, word in enumerate(decided) if word == UNCLEAR]
    return [] if YES in decided else unclear


def judge_costs(
    pipelines: Sequence[Any],
    goal: Any,
    confidence: float,
    tolerance: float,
    replications: int,
    rng: Any,
    where: Where,
) -> tuple[Floats, Floats]:
    """Replicate until no other candidate can be cheaper by more than the tolerance.

    Returns the costs, shape (n, candidates), and how much dearer than each of them the
    cheapest may be at most; below 0 if that one is dearer for sure.
    """
    looks = [replications]
    while looks[0] // 2 >= FIRST_LOOK:
        looks.insert(0, looks[0] // 2)
    sure = 1.0 - 2.0 * (1.0 - confidence) / (len(looks) * max(len(pipelines) - 1, 1))
    trial = Figures(tuple(pipelines), goal)
    rows: list[list[float]] = []
    for look in looks:
        rows += replicate(trial, look - len(rows), rng, **where).results
        costs = np.array(rows)
        mean = costs.mean(axis=0)
        best = int(np.argmin(mean))
        regret = np.array(
            [student(costs[:, best] - one, sure, "pairs").high for one in costs.T]
        )
        if regret.max() <= tolerance * mean[best]:
            break
    return costs, regret
