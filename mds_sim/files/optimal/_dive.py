"""Diving: use the buckets that the linear programme uses most, and solve again.

Each step fixes the buckets that are used once or more, or else the one nearest to once,
and asks the programme what the other files need. Where that is too much, the next best
bucket is tried instead. What is left near the end is packed by ruin and recreate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mds_sim.files.strategies import BestFitDecreasing

from ._clock import Clock
from ._master import Master, generate
from ._problem import Pattern, patterns_of
from ._recreate import recreate

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_WIDTH = 3  # buckets that are tried in one place
_FAILURES = 20  # dead ends until all begins anew
_FEW = 60  # files that are packed by hand
_ROUNDS = 300
_NOISE = 0.1  # added to the use of a bucket, more in each dive
_EPSILON = 1e-4


@dataclass(eq=False)
class _Place:
    """Where a dive has come to, and which ways on are left."""

    demand: Ints
    fixed: list[Pattern]
    basis: Ints
    ways: list[list[Pattern]]


class Dive:
    """A search for a packing into `target` buckets, from the basis `root` on."""

    def __init__(
        self, master: Master, root: Ints, target: int, clock: Clock, seed: int = 1
    ) -> None:
        self.master, self.root = master, root
        self.target, self.clock = target, clock
        self._seed = seed
        self._rng = np.random.default_rng(seed)

    def run(self, restarts: int) -> list[Pattern] | None:
        """Dive again and again; return the buckets, or None if none were found."""
        found = None
        for restart in range(restarts):
            if found is not None or self.clock.is_over():
                break
            found = self._dive(_NOISE * min(restart + self._seed - 1, 5))
        return found

    def _dive(self, noise: float) -> list[Pattern] | None:
        """Dive once, with some dead ends; noise makes it unlike the dives before."""
        demand, fixed = self.master.problem.demand, list[Pattern]()
        self.master.restore(demand, self.root)
        places: list[_Place] = []
        failures = 0
        while not self.clock.is_over():
            rest = self._rest(demand, self.target - len(fixed))
            if rest is not None:
                return fixed + rest
            ways = self._ways(demand, self.target - len(fixed), noise)
            places.append(_Place(demand, fixed, self.master.basis.copy(), ways))
            failures += not ways
            while places and not places[-1].ways:
                places.pop()
            if not places or failures > _FAILURES:
                return None
            if not ways:
                self.master.restore(places[-1].demand, places[-1].basis)
            demand, fixed = self._go_on(places[-1])
        return None

    def _go_on(self, place: _Place) -> tuple[Ints, list[Pattern]]:
        """Fix the next buckets, and ask the programme about the files that are left."""
        way = place.ways.pop(0)
        demand = place.demand.copy()
        for pattern in way:
            demand[pattern.row] -= pattern.count
        self.master.use_demand(demand)
        return demand, place.fixed + way

    def _ways(self, demand: Ints, buckets: int, noise: float) -> list[list[Pattern]]:
        """Return what could be fixed next, the best first; nothing at a dead end."""
        if buckets < 1:
            return []
        bound = generate(self.master, demand, buckets, self.clock, full=False)
        if bound.value > buckets + 1e-6:
            return []
        level = self.master.levels()
        whole = self._whole(level, demand, noise)
        ways = [whole] if whole else []
        level += noise * self._rng.random(level.size) * (level > 0.02)
        for column in np.argsort(-level, kind="stable")[: 4 * _WIDTH].tolist():
            pattern = self.master.pattern(column)
            if level[column] > 1e-3 and (pattern.count <= demand[pattern.row]).all():
                ways.append([pattern])
        return ways[:_WIDTH]

    def _whole(self, level: Floats, demand: Ints, noise: float) -> list[Pattern]:
        """Return the buckets that are used once or more, as often as that.

        With noise a half of them, by chance: all of them can be too many.
        """
        left, found = demand.copy(), []
        for column in np.flatnonzero(level > 1 - _EPSILON).tolist():
            pattern = self.master.pattern(column)
            room = int((left[pattern.row] // pattern.count).min())
            times = min(int(level[column] + _EPSILON), room)
            left[pattern.row] -= times * pattern.count
            found += [pattern] * times
        if noise and len(found) > 1:
            keep = self._rng.random(len(found)) < 0.5
            return [found[i] for i in np.flatnonzero(keep)]
        return found

    def _rest(self, demand: Ints, buckets: int) -> list[Pattern] | None:
        """Pack the files that are left, if that is easy."""
        problem = self.master.problem
        sizes = problem.files(demand)
        if sizes.size == 0:
            return []
        if int(sizes.sum()) > buckets * problem.capacity:
            return None
        bucket = BestFitDecreasing().assign(sizes, problem.capacity)
        if bucket.max() == buckets and sizes.size <= _FEW:
            bucket = recreate(
                sizes, problem.capacity, bucket, buckets, self.clock, _ROUNDS
            )
        if bucket.max() >= buckets:
            return None
        return patterns_of(np.repeat(np.arange(demand.size), demand), bucket)
