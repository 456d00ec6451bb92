"""Find the bucket that is worth most, and prove what a bucket is worth at most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mds_sim.sim._kernels import HAS_NUMBA

from . import _knapsack
from ._clock import Clock
from ._problem import Problem

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SPEED = 1 if HAS_NUMBA else 100
_TABLE = 3_000_000 // _SPEED  # cells of a table that is filled again and again
_PROOF = 200_000_000 // _SPEED  # cells of one that is filled once
_NODES = 5_000 // _SPEED
_SCALE = 10_000  # to which worth is rounded where tables over bytes are too large
_FINE = 60_000_000 // _SPEED  # cells of a table over finer worth
_SCALES = (10**3, 10**4, 10**5, 10**6)


@dataclass(frozen=True, eq=False)
class Priced:
    """A bucket of much worth; no bucket is worth more than `most`, if that is known.

    The worth may have been rounded down for that: then `worth` is the rounded one.
    """

    chosen: Ints
    worth: Floats
    most: float


class Pricer:
    """Answers, for the files that are left, which bucket is worth most."""

    def __init__(self, problem: Problem, demand: Ints) -> None:
        self.problem = problem
        self.copies = problem.copies(demand)
        self._parts = n_parts(self.copies)
        self._is_small = self._parts * (problem.capacity + 1) <= _TABLE
        self._scale = _SCALE

    def refine(self) -> bool:
        """Round worth less from now on; tell whether that is possible."""
        if self._is_small or self._parts * 15 * self._scale > _FINE:
            return False
        self._scale *= 10
        return True

    def best(self, worth: Floats, *, at_once: bool = True) -> Priced:
        """Return the best bucket: by a table, or by a search that may be cut short.

        Where the search finds nothing worth more than 1, or not `at_once`, a table
        over the rounded worth decides.
        """
        if self._is_small:
            return self._by_room(worth)
        found = self._by_search(worth)
        if found.most < np.inf or (at_once and worth @ found.chosen > 1 + 1e-6):
            return found
        return self._by_worth(worth)

    def _by_room(self, worth: Floats) -> Priced:
        problem = self.problem
        chosen = np.zeros(problem.sizes.size, dtype=np.int64)
        most = _knapsack.by_room(
            problem.sizes, self.copies, worth, problem.capacity, chosen
        )
        return Priced(chosen, worth, most)

    def _by_search(self, worth: Floats) -> Priced:
        problem = self.problem
        chosen = np.zeros(problem.sizes.size, dtype=np.int64)
        use = np.flatnonzero((worth > 0) & (self.copies > 0))
        use = use[np.argsort(-worth[use] / problem.sizes[use], kind="stable")]
        part = np.zeros(use.size, dtype=np.int64)
        most, is_sure = _knapsack.by_search(
            problem.sizes[use],
            self.copies[use],
            worth[use],
            problem.capacity,
            0.0,
            _NODES,
            part,
        )
        chosen[use] = part
        return Priced(chosen, worth, most if is_sure else np.inf)

    def _by_worth(self, worth: Floats) -> Priced:
        problem, limit = self.problem, self._scale + self._scale // 2
        chosen = np.zeros(problem.sizes.size, dtype=np.int64)
        scaled = np.floor(np.maximum(worth, 0) * self._scale).astype(np.int64)
        most = _knapsack.by_worth(
            problem.sizes, self.copies, scaled, problem.capacity, limit, chosen
        )
        known = most / self._scale if most < limit else np.inf
        return Priced(chosen, scaled / self._scale, known)


def n_parts(copies: Ints) -> int:
    """Return how many parts the tables split the copies into."""
    return sum(int(most).bit_length() for most in copies.tolist())


def whole_worth(
    problem: Problem, worth: Floats, enough: int, clock: Clock
) -> tuple[Ints, int] | None:
    """Round the worth to whole numbers, and count exactly what a bucket has at most.

    Several scales are tried, until the bound is `enough`. Returns the best values and
    scale; None if no table is small enough, or there is no time.
    """
    copies = problem.copies(problem.demand)
    best, best_bound = None, 0.0
    for scale in _SCALES:
        value = np.floor(np.maximum(worth, 0) * scale + 1e-6).astype(np.int64)
        limit = 2 * scale
        most = most_worth(problem.sizes, copies, value, problem.capacity, limit)
        if most is None or most >= limit:
            break
        total = int(value @ problem.demand)
        if most and total / most > best_bound:
            best, best_bound = (value, most), total / most
        if (most and -(-total // most) >= enough) or clock.is_over():
            break
    return best


def most_worth(
    sizes: Ints, copies: Ints, value: Ints, capacity: int, limit: int
) -> int | None:
    """Return the most worth that fits, exact below `limit`; None if too much work.

    From `limit` on it may be more than what is returned.
    """
    parts = n_parts(copies)
    if capacity <= 4 * limit and parts * (capacity + 1) <= _PROOF:
        return _knapsack.most_by_room(sizes, copies, value, capacity)
    if parts * (limit + 1) <= _PROOF:
        return _knapsack.most_by_worth(sizes, copies, value, capacity, limit)
    return None


def most_in_bucket(sizes: Ints, value: Ints, capacity: int, scale: int) -> int:
    """Return the most that files in one bucket are worth, exact up to `scale`.

    Beyond `scale` it may be more than what is returned. Files of equal size may differ
    in worth, and files of no size are in every bucket.
    """
    if sum(value.tolist()) > np.iinfo(np.int64).max:
        raise ValueError("value must add up to at most 2**63 - 1, got more")
    empty = sizes == 0
    base = int(value[empty].sum())
    if empty.all() or base > scale:
        return base
    kinds, copies = np.unique(
        np.stack([sizes[~empty], value[~empty]]), axis=1, return_counts=True
    )
    step = int(np.gcd.reduce(kinds[0]))
    each, worth = np.ascontiguousarray(kinds[0]) // step, np.ascontiguousarray(kinds[1])
    room = capacity // step
    copies = np.minimum(copies.astype(np.int64), room // each)
    most = most_worth(each, copies, worth, room, scale - base + 1)
    if most is None:
        raise ValueError(
            "a table over bytes or worth must have at most "
            f"{_PROOF:,} cells to be checked, got more"
        )
    return base + most


def warm() -> None:
    """Compile the kernels of tables and search."""
    one = np.array([1], dtype=np.int64)
    worth = np.array([1.0])
    chosen = np.zeros(1, dtype=np.int64)
    _knapsack.by_room(one, one, worth, 1, chosen)
    _knapsack.by_search(one, one, worth, 1, 0.0, 2, chosen)
    _knapsack.by_worth(one, one, one, 1, 2, chosen)
    _knapsack.most_by_room(one, one, one, 1)
    _knapsack.most_by_worth(one, one, one, 1, 2)
