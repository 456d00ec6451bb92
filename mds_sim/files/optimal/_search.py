"""The stages of the search, from cheap to dear, each of which may close the night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mds_sim.files._placing import COMPILED_FROM
from mds_sim.files.strategies import BestFitDecreasing, FirstFitDecreasing
from mds_sim.theory.bounds import DualBound, best_ccm1, best_fs1, best_l2, l3

from ._clock import Clock
from ._problem import Pattern, Problem, patterns_of

Ints = NDArray[np.int64]

_ROUNDS = 2000  # of ruin and recreate, to save one bucket
_RESTARTS = 8  # of the first dives
_SHAKES = (1e-2, 1e-2, 1e-1, 1e-1, 1e-3)  # of demands, to find other worths
_FEW = 100  # files for which L3 takes no time to speak of
_MANY = 10_000  # files for which the functions take a tenth of a second
_MOST_SIZES = 1500  # more rows would make the linear programme too slow


@dataclass(frozen=True, eq=False)
class Proof:
    """What shows a bound, for files from large to small."""

    kind: str
    bound: int
    value: Ints
    scale: int
    parameter: int = 0
    more: tuple[tuple[Ints, int], ...] = ()

    @staticmethod
    def of(dual: DualBound) -> Proof:
        """Take over a bound in closed form."""
        return Proof(dual.kind, dual.bound, dual.value, dual.scale, dual.parameter)


class Search:
    """The best packing and the best bound so far, until they meet or time is up.

    Sizes are descending, each in ``1..capacity``, and there is one at least.
    """

    def __init__(self, sizes: Ints, capacity: int, clock: Clock) -> None:
        self.sizes, self.capacity, self.clock = sizes, capacity, clock
        if sizes.size >= COMPILED_FROM:
            clock.compile(_warm)
        self.bucket = FirstFitDecreasing().assign(sizes, capacity)
        self.proof = Proof.of(best_l2(sizes, capacity))
        self.stage = "first fit decreasing"

    @property
    def n_buckets(self) -> int:
        """Buckets of the best packing."""
        return int(self.bucket.max()) + 1

    @property
    def is_open(self) -> bool:
        """Whether the packing could still be better, and there is time to look."""
        return not self.is_closed and not self.clock.is_over()

    @property
    def is_closed(self) -> bool:
        """Whether packing and bound meet."""
        return self.proof.bound >= self.n_buckets

    def run(self) -> None:
        """Go through the stages."""
        for name, stage in (
            ("best fit decreasing", self._best_fit),
            ("dual feasible functions", self._functions),
            ("ruin and recreate", self._recreate),
        ):
            self._enter(name, stage)
        self.problem = Problem.of(self.sizes, self.capacity)
        if self.problem.sizes.size > _MOST_SIZES:
            self._enter("ruin and recreate", self._recreate_on)
        self._enter("column generation", self._columns)
        self._enter("ruin and recreate", self._recreate_more)
        while self.is_open:
            before = self.proof.bound, self.n_buckets
            self._enter("diving", self._dive)
            self._enter("L3", self._l3)
            self._enter("arc flow", self._flow)
            if before == (self.proof.bound, self.n_buckets):
                self._enter("diving", self._dive_on)

    def _enter(self, name: str, stage: Callable[[], None]) -> None:
        """Run one stage, with all the time that is left, if there is a need."""
        if self.is_open:
            self.stage = name
            stage()
            self.clock.stage(1.0)

    def _offer(self, bucket: Ints) -> None:
        """Keep a packing if it is better."""
        if bucket.max() + 1 < self.n_buckets:
            self.bucket = bucket

    def _show(self, proof: Proof) -> None:
        """Keep a proof if it shows more."""
        if proof.bound > self.proof.bound:
            self.proof = proof

    def _best_fit(self) -> None:
        self._offer(BestFitDecreasing().assign(self.sizes, self.capacity))

    def _functions(self) -> None:
        if self.sizes.size > _MANY:
            return
        for rule in (best_fs1, best_ccm1):
            found = rule(self.sizes, self.capacity)
            if found is not None:
                self._show(Proof.of(found))

    def _recreate(self) -> None:
        self.clock.stage(0.3)
        self._recreate_for(_ROUNDS)

    def _recreate_more(self) -> None:
        """Try for longer where buckets hold many files, and can be filled in many ways.

        A dive takes long there, and is better where they hold two or three.
        """
        if self.sizes.size >= 4 * self.proof.bound:
            self.clock.stage(0.2)
            self._recreate_for(20 * _ROUNDS, seed=2)

    def _recreate_on(self) -> None:
        """Go on until time is up."""
        self._recreate_for(10**12, seed=2)

    def _recreate_for(self, rounds: int, seed: int = 1) -> None:
        self.clock.compile(_load)
        from ._recreate import recreate

        target = self.proof.bound
        better = recreate(
            self.sizes, self.capacity, self.bucket, target, self.clock, rounds, seed
        )
        self._offer(better)

    def _columns(self) -> None:
        """Solve the linear programme, and round its worth to whole numbers."""
        from ._master import Master, generate

        self.clock.stage(0.6)
        self.row = np.repeat(np.arange(self.problem.sizes.size), self.problem.demand)
        self.master = Master(self.problem, self.clock)
        for pattern in patterns_of(self.row, self.bucket):
            self.master.add(pattern)
        bound = generate(
            self.master, self.problem.demand, self.n_buckets - 1, self.clock
        )
        self.root = self.master.basis.copy()
        self._round(bound.worth)

    def _round(self, worth: NDArray[np.float64]) -> Proof | None:
        """Prove the bound that a worth in floats shows, in whole numbers."""
        from ._pricing import whole_worth

        found = whole_worth(self.problem, worth, self.n_buckets, self.clock)
        if found is None:
            return None
        value, scale = found
        bound = -(-int(value @ self.problem.demand) // scale)
        proof = Proof("dual", bound, value[self.row], scale)
        self._show(proof)
        return proof

    def _dive(self) -> None:
        """Look for a packing as good as the bound, or for a better one at least."""
        self.clock.stage(0.4)
        self._dive_to(self.proof.bound, _RESTARTS)
        self.clock.stage(0.3)
        while self.is_open and self.n_buckets > self.proof.bound + 1:
            if not self._dive_to(self.n_buckets - 1, _RESTARTS):
                break

    def _dive_on(self) -> None:
        """Go on until time is up."""
        self._dive_to(self.proof.bound, 10**6, seed=2)

    def _dive_to(self, target: int, restarts: int, seed: int = 1) -> bool:
        from ._dive import Dive

        dive = Dive(self.master, self.root, target, self.clock, seed)
        found = dive.run(restarts)
        if found is not None:
            self._offer(self._bucket_of(found))
        return found is not None

    def _l3(self) -> None:
        if self.sizes.size <= _FEW:
            bound = l3(self.sizes, self.capacity)
            self._show(Proof("L3", bound, np.zeros_like(self.sizes), 1))

    def _flow(self) -> None:
        """Find a packing as good as the bound, or prove that there is none."""
        from ._arcflow import flow, intersection

        self.clock.stage(0.6)
        proofs = self._proofs()
        if not proofs or not self.is_open:
            return
        target = self.proof.bound
        worths = [(self._by_size(proof.value), proof.scale) for proof in proofs]
        arcs = intersection(self.problem, worths, target)
        if arcs is None or not self.is_open:
            return
        answer, found = flow(self.problem, arcs, target, self.clock.left)
        if answer == "found":
            self._offer(self._bucket_of(found))
        elif answer == "none":
            more = tuple((proof.value, proof.scale) for proof in proofs[1:])
            first = proofs[0]
            self._show(replace(first, kind="arc flow", bound=target + 1, more=more))

    def _proofs(self) -> list[Proof]:
        """Return several worths that are best, or nearly so, each in its own way."""
        from ._master import NUDGE, generate

        demand, found = self.problem.demand, []
        self.master.restore(demand, self.root)
        for seed, most in enumerate((NUDGE, *_SHAKES), 1):
            if self.clock.is_over():
                break
            self.master.shake(seed, most)
            self.master.use_demand(demand)
            bound = generate(
                self.master,
                demand,
                self.n_buckets,
                self.clock,
                exact=True,
                smooth=seed == 1,
            )
            proof = self._round(bound.worth)
            # The arc flow needs worths that show the bound by themselves.
            if proof is not None and proof.bound == self.proof.bound:
                found.append(proof)
        self.master.shake(1, NUDGE)
        return found

    def _by_size(self, value: Ints) -> Ints:
        """Return the worth of each size."""
        ends = np.cumsum(self.problem.demand) - 1
        return value[ends]

    def _bucket_of(self, patterns: list[Pattern]) -> Ints:
        """Hand out the files to the buckets of some patterns."""
        place = np.cumsum(self.problem.demand) - self.problem.demand
        bucket = np.empty(self.sizes.size, dtype=np.int64)
        for number, pattern in enumerate(patterns):
            for j, count in zip(pattern.row, pattern.count, strict=True):
                bucket[place[j] : place[j] + count] = number
                place[j] += count
        return bucket


def _load() -> None:
    """Import Numba, which takes longer than most nights."""
    from . import _recreate  # noqa: F401  # for what it imports


def _warm() -> None:
    """Compile the rules that begin the search of a long list."""
    sizes = np.ones(COMPILED_FROM, dtype=np.int64)
    for rule in (FirstFitDecreasing(), BestFitDecreasing()):
        rule.assign(sizes, 1)
