"""Lines of the projective space PG(3, 4) as tables for 85 players: everyone meets.

Two points share one line of 5 points, so the 357 lines are the tables, and a round is
a spread: 17 lines that hold each point once. What is to be found are 21 spreads that
share no line. A move of order 7 leaves only three to find, which takes no second.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mds_sim.tournament.history import Ints

from ._fields import field
from ._groups import closure, develop, moved

POINTS, ORDER = 85, 63
Line = tuple[int, ...]


@lru_cache(maxsize=1)
def spreads() -> Ints:
    """Return 21 spreads, shape (21, 85): the table of each player.

    Notes
    -----
    Points are the 64 elements of GF(64) and, at infinity, the 21 directions of its
    lines over GF(4). To multiply by the ninth power of a primitive element moves them
    in cycles of 7, and so the lines. A depth-first search covers the points by lines,
    no two of one cycle, the point with the fewest choices first, and starts anew now
    and then; three spreads must use each of the 51 cycles of lines once.

    References
    ----------
    .. [1] R. H. F. Denniston (1972), Some packings of projective spaces, *Atti Accad.
       Naz. Lincei* 52, 36-40: such a set of spreads exists in PG(3, q) for all q.

    Examples
    --------
    >>> spreads().shape
    (21, 85)
    """
    log = {int(power): k for k, power in enumerate(field(ORDER + 1).powers)}
    powers = field(ORDER + 1).powers

    def step(p: int) -> int:
        if p > ORDER:
            return ORDER + 1 + (p - ORDER - 1 + 9) % 21
        return int(powers[(log[p] + 9) % ORDER]) if p else 0

    move = moved(POINTS, step)
    cycles = _cycles(_lines(), move)
    rng = np.random.default_rng(1)
    while True:
        found: list[list[Line]] = []
        free = cycles
        for tries in (200, 200, 2000):
            spread = _Cover(free, rng, tries).spread()
            if spread is None:
                break
            found.append(spread)
            free = [c for c in free if not any(line in c for line in spread)]
        if len(found) == 3:
            return develop(closure([move]), found)


def _lines() -> list[Line]:
    """Return the lines, each with its points in ascending order."""
    plane = field(ORDER + 1)
    scalars = [1, int(plane.powers[21]), int(plane.powers[42])]
    direction = {int(power): ORDER + 1 + k % 21 for k, power in enumerate(plane.powers)}

    def through(a: int, d: int) -> list[int]:
        return [a, *(int(plane.add[a, plane.mul[scalar, d]]) for scalar in scalars)]

    lines = set()
    for k, d in enumerate(map(int, plane.powers[:21])):
        for a in range(ORDER + 1):
            lines.add((*sorted(through(a, d)), ORDER + 1 + k))
        for a in map(int, plane.powers[:k]):
            points = {direction[x] for x in through(a, d)} | {direction[d]}
            lines.add(tuple(sorted(points)))
    return sorted(lines)


def _cycles(lines: list[Line], move: tuple[int, ...]) -> list[list[Line]]:
    """Return the cycles of a move on lines."""
    left = dict.fromkeys(lines)
    cycles = []
    while left:
        cycle = [next(iter(left))]
        while (image := tuple(sorted(move[p] for p in cycle[-1]))) != cycle[0]:
            cycle.append(image)
        for line in cycle:
            del left[line]
        cycles.append(cycle)
    return cycles


class _Cover:
    """One search for a spread with at most one line of each cycle."""

    def __init__(
        self, cycles: list[list[Line]], rng: np.random.Generator, tries: int
    ) -> None:
        self.rng, self.tries = rng, tries
        self.through: list[list[tuple[int, int, Line]]] = [[] for _ in range(POINTS)]
        for number, cycle in enumerate(cycles):
            for line in cycle:
                choice = sum(1 << p for p in line), 1 << number, line
                for p in line:
                    self.through[p].append(choice)

    def spread(self, points: int = 0, used: int = 0) -> list[Line] | None:
        """Return lines that cover the other points, if they are found in time."""
        if points == (1 << POINTS) - 1:
            return []
        self.tries -= 1
        if self.tries < 0:
            return None
        choices = self._fewest(points, used)
        for i in self.rng.permutation(len(choices)):
            mask, cycle, line = choices[i]
            rest = self.spread(points | mask, used | cycle)
            if rest is not None:
                return [line, *rest]
        return None

    def _fewest(self, points: int, used: int) -> list[tuple[int, int, Line]]:
        """Return the choices at the point that has the fewest of them."""
        fewest: list[tuple[int, int, Line]] | None = None
        for p in range(POINTS):
            if not points >> p & 1:
                left = [
                    choice
                    for choice in self.through[p]
                    if not choice[0] & points and not choice[1] & used
                ]
                if fewest is None or len(left) < len(fewest):
                    fewest = left
                if len(left) < 2:
                    break
        return fewest or []
