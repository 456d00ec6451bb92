"""The linear programme over buckets, which gets its columns as it goes.

Gilmore and Gomory (1961): each possible bucket is a column, how often it is used a
number >= 0, and each file has to be in one. The least sum of these numbers is a bound
that is nearly always sharp once it is rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import _simplex
from ._clock import Clock
from ._pricing import Pricer, warm
from ._problem import Pattern, Problem

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_PIVOTS = 200  # between two fresh inverses
_SMOOTHING = 0.7
_EPSILON = 1e-6
NUDGE = 1e-5  # to tell equal ways apart


class Master:
    """The programme, its columns so far, and a basis that is kept between solves.

    With a clock, compiling does not count and no pivot is made when time is up.
    """

    def __init__(self, problem: Problem, clock: Clock | None = None) -> None:
        if clock is not None:
            clock.compile(_warm)
        m = problem.sizes.size
        self.problem, self._clock = problem, clock
        self.n_columns = 0
        self.start = np.zeros(1024, dtype=np.int64)
        self.row = np.zeros(4096, dtype=np.int64)
        self.count = np.zeros(4096, dtype=np.int64)
        self.cost = np.zeros(1024)
        self._known: set[bytes] = set()
        # Right-hand sides that differ a little: else many pivots would go nowhere.
        self._nudge = np.zeros(m)
        self.shake(1, NUDGE)
        self.demand = problem.demand
        for i in range(m):
            self.add(Pattern(np.array([i]), np.array([1])))
        self._inverse = np.eye(m)
        self.use_basis(np.arange(m, dtype=np.int64))

    def add(self, pattern: Pattern) -> bool:
        """Add a column, and tell whether it was new."""
        key = pattern.row.tobytes() + pattern.count.tobytes()
        if key in self._known:
            return False
        self._known.add(key)
        begin = int(self.start[self.n_columns])
        end = begin + pattern.row.size
        if self.n_columns + 2 > self.start.size:
            self.start = np.resize(self.start, 2 * self.start.size)
            self.cost = np.resize(self.cost, 2 * self.cost.size)
        if end > self.row.size:
            self.row = np.resize(self.row, 2 * end)
            self.count = np.resize(self.count, 2 * end)
        self.row[begin:end], self.count[begin:end] = pattern.row, pattern.count
        self.start[self.n_columns + 1] = end
        self.cost[self.n_columns] = 1.0
        self.n_columns += 1
        return True

    def pattern(self, column: int) -> Pattern:
        """Return a column as it was added."""
        inside = slice(int(self.start[column]), int(self.start[column + 1]))
        return Pattern(self.row[inside], self.count[inside])

    def use_basis(self, basis: Ints) -> None:
        """Start from a basis: a column, or -1 - i for the surplus of row i."""
        self.basis = basis.copy()
        self._refactor()

    def shake(self, seed: int, most: float) -> None:
        """Change by how little the right-hand sides differ: another vertex is best."""
        noise = np.random.default_rng(seed).random(self._nudge.size)
        self._nudge = most * (0.5 + 0.5 * noise)

    def restore(self, demand: Ints, basis: Ints) -> None:
        """Go back to files and a basis that went together before."""
        self.demand = demand
        self.basis = basis.copy()
        self.cost[: self.n_columns] = self._dear(demand)
        self._refactor()

    def _dear(self, demand: Ints) -> Floats:
        """Return the cost of each column: it is high where too many files are in."""
        inside = slice(0, int(self.start[self.n_columns]))
        excess = self.count[inside] > demand[self.row[inside]]
        too_many = np.add.reduceat(excess, self.start[: self.n_columns]) > 0
        too_many[: demand.size] = False  # a lone file harms nobody
        return np.where(too_many, 50.0, 1.0)

    def use_demand(self, demand: Ints) -> None:
        """Ask for fewer files; buckets that hold too many become too dear to use."""
        self.demand = demand
        used = self.basis[self.basis >= 0]
        old, dear = self.cost[used], self._dear(demand)
        # First the basis is repaired under the costs for which it is optimal.
        self.cost[: self.n_columns] = dear
        self.cost[used] = old
        self._refactor()
        self._pivot(_simplex.dual, 20 * _PIVOTS)
        self.cost[: self.n_columns] = dear
        self._refactor()

    def solve(self, most: int = 100 * _PIVOTS) -> float:
        """Minimise over the columns so far, by so many pivots; return the value."""
        self._pivot(_simplex.primal, most)
        return float(self.y @ self.demand)

    def levels(self) -> Floats:
        """Return how often each column is used, float64, shape (n_columns,)."""
        x = self._inverse @ self.demand.astype(np.float64)
        level = np.zeros(self.n_columns)
        inside = self.basis >= 0
        level[self.basis[inside]] = x[inside]
        return level

    def _refactor(self) -> None:
        """Make the inverse anew, and x and y from it."""
        _simplex.invert(self.start, self.row, self.count, self.basis, self._inverse)
        self._pivots = 0
        cost = np.where(self.basis < 0, 0.0, self.cost[self.basis])
        self.y = cost @ self._inverse
        nudge = np.where(self.demand > 0, self._nudge, 0.0)
        self._x = self._inverse @ (self.demand + nudge)

    def _pivot(self, rule: Callable[..., int], most: int) -> None:
        """Pivot by a rule of `_simplex` until it stops, or often enough."""
        for _ in range(0, most, _PIVOTS):
            done = rule(
                self.start[: self.n_columns + 1],
                self.row,
                self.count,
                self.cost[: self.n_columns],
                self.basis,
                self._inverse,
                self._x,
                self.y,
                min(most, _PIVOTS),
            )
            self._pivots += done
            if self._pivots >= _PIVOTS:
                self._refactor()
            if done < _PIVOTS or (self._clock is not None and self._clock.is_over()):
                return


@dataclass(frozen=True, eq=False)
class Bound:
    """The bound of a linear programme, the worth that shows it, and its state."""

    value: float
    worth: Floats
    is_final: bool


def generate(
    master: Master,
    demand: Ints,
    allowed: float,
    clock: Clock,
    *,
    full: bool = True,
    exact: bool = False,
    smooth: bool = True,
) -> Bound:
    """Add columns until the bound is known, or beyond `allowed`, or time is up.

    Without `full`, it ends as soon as the columns so far need no more than `allowed`;
    if `exact`, not before the worth is the best possible, and not a mean of several
    ones unless `smooth`.
    """
    problem = master.problem
    clock.compile(_warm)
    pricer = Pricer(problem, demand)
    worth = problem.sizes / problem.capacity * smooth
    best = float(worth @ demand)
    usual = smoothing = _SMOOTHING * smooth
    while True:
        value = master.solve()
        if not full and value <= allowed + _EPSILON:
            return Bound(best, worth, False)
        if clock.is_over():
            return Bound(best, worth, False)
        trial = smoothing * worth + (1 - smoothing) * master.y
        priced = pricer.best(trial, at_once=smoothing > 0)
        bound = float(priced.worth @ demand) / max(priced.most, 1.0)
        if bound > best:
            best, worth = bound, priced.worth / max(priced.most, 1.0)
        gap = value - best if exact else rounded_up(value) - rounded_up(best)
        if best > allowed + _EPSILON or gap <= _EPSILON:
            return Bound(best, worth, True)
        if master.y @ priced.chosen > 1 + _EPSILON:
            master.add(Pattern.of(priced.chosen))
            smoothing = usual
        elif smoothing:
            smoothing = 0.0
        elif not pricer.refine():
            return Bound(best, worth, True)


def rounded_up(value: float) -> int:
    """Return the whole buckets that a bound stands for."""
    return math.ceil(value - 1e-5)


def _warm() -> None:
    """Compile all that column generation needs."""
    warm()
    master = Master(Problem(np.array([2, 1]), np.array([1, 1]), 3))
    master.add(Pattern(np.array([0, 1]), np.array([1, 1])))
    master.solve()
    master.use_demand(np.array([0, 1]))
