"""A knockout that wastes no meeting: affine geometry seats it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import ClassVar

import numpy as np

from mds_sim.units import counted

from .designs._fields import field, prime_power
from .history import History, Ints


@dataclass(frozen=True)
class AffineKnockout:
    r"""Seat G^L players so that L rounds find the champion and nobody meets twice.

    N = G^L players at T = N / G tables of G, G a prime power. The first L rounds are a
    knockout, in which winners meet winners at full tables; over all
    (N - 1) / (G - 1) rounds every two players meet exactly once. With the contention
    rule `FunnelFirst` the winner of the knockout wins the tournament.

    Notes
    -----
    Players are points :math:`x = (x_1, \dots, x_L)` over the field GF(G). In round r
    the tables are the lines of one direction :math:`d_r`, all :math:`x + t\,d_r`. Two
    points lie on one line, and it has one direction, so that distinct directions
    never let two people meet twice, and all (N - 1)/(G - 1) of them let all meet. The
    first L directions are the unit vectors :math:`e_1, \dots, e_L`.

    *The knockout.* Before round k the contenders are the points with
    :math:`x_1 = \dots = x_{k-1} = 0`. In round k they fill the lines of direction
    :math:`e_k` among them, one for each :math:`(x_{k+1}, \dots, x_L)`. Let the winner
    there have :math:`x_k = f(x_{k+1}, \dots, x_L)`, and relabel all players by the
    shear :math:`x_k \mapsto x_k - f(x_{k+1}, \dots, x_L)`. The winners, the next
    contenders, now have :math:`x_k = 0`. After round L one is left: 0.

    *The shear spoils no earlier round.* It is a bijection. The players of an earlier
    table, of direction :math:`e_j` with :math:`j \le k`, agree in all coordinates but
    :math:`x_j`; so f is the same for all of them, the shear moves them by one
    vector, and they are a line of direction :math:`e_j` again. Hence, in the labels
    of any time, all tables so far are lines of directions used up, and a new
    direction brings new faces only. ∎

    The seating keeps nothing: it reads the labels off the tables of the first two
    rounds. After the last direction they come round again. Cost O(R N L) a round.

    References
    ----------
    .. [1] R. C. Bose (1942), "An affine analogue of Singer's theorem", *J. Indian
       Math. Soc.* 6, 1-15: points and lines of AG(L, q). The use of shears for a
       knockout is of this package.

    Examples
    --------
    >>> from mds_sim.tournament import FunnelFirst, Tournament
    >>> evening = Tournament(
    ...     16,
    ...     tables=4,
    ...     seats=4,
    ...     rounds=5,
    ...     rng=1,
    ...     seating=AffineKnockout(),
    ...     contention=FunnelFirst(),
    ... )
    >>> result = evening.play()
    >>> result.decided_by, result.pairs_met == result.bound == 120
    ('knockout', True)
    """

    # The seating brings contenders together itself, at tables of its own choice.
    knocks_out: ClassVar[bool] = True

    def seat(self, history: History, rng: np.random.Generator) -> Ints:
        """Return the table of each player, from 0."""
        levels = _levels(history)
        geometry = _geometry(history.seats, levels)
        if history.round == 0:
            point = geometry.points(rng.permutation(history.players))
        else:
            point = _labels(history, geometry, rng)
        return geometry.lines(point, history.round)


class _Geometry:
    """The affine space AG(L, q), its points written as rows of coordinates."""

    def __init__(self, q: int, levels: int) -> None:
        self.q, self.levels = q, levels
        self.add, self.mul = field(q).add, field(q).mul
        self.minus = (self.add == 0).argmax(axis=1)
        self.directions = list(_directions(q, levels))

    def points(self, number: Ints) -> Ints:
        """Return the coordinates of points by their number, shape (n, L)."""
        powers = self.q ** np.arange(self.levels)
        return number[:, None] // powers % self.q

    def number(self, coordinates: Ints) -> Ints:
        """Return the number of each row of coordinates, from 0."""
        number: Ints = coordinates @ self.q ** np.arange(coordinates.shape[1])
        return number

    def lines(self, point: Ints, round: int) -> Ints:
        """Return the line of each point, from 0, in the direction of a round."""
        direction = np.array(self.directions[round % len(self.directions)])
        pivot = int(np.flatnonzero(direction)[0])
        steps = self.mul[self.minus[point[:, pivot, None]], direction]
        foot = self.add[point, steps]  # where the line meets x_pivot = 0
        return self.number(np.delete(foot, pivot, axis=1))

    def sheared(self, point: Ints, k: int, winner: Ints) -> Ints:
        """Return the points after the shear that moves the winners to x_k = 0."""
        contends = winner[(point[winner, :k] == 0).all(axis=1)]
        f = np.zeros(self.q ** (self.levels - k - 1), dtype=np.int64)
        f[self.number(point[contends, k + 1 :])] = point[contends, k]
        moved = point.copy()
        shift = self.minus[f[self.number(point[:, k + 1 :])]]
        moved[:, k] = self.add[point[:, k], shift]
        return moved


@lru_cache(maxsize=8)
def _geometry(q: int, levels: int) -> _Geometry:
    """Return AG(L, q); made once."""
    return _Geometry(q, levels)


def _labels(history: History, geometry: _Geometry, rng: np.random.Generator) -> Ints:
    """Return the points of the players now, by the tables that they sat at."""
    point = np.empty((history.players, geometry.levels), dtype=np.int64)
    point[:, 1:] = geometry.points(history.table[0] * geometry.q)[:, 1:]
    if history.round > 1 and geometry.levels > 1:
        point[:, 0] = history.table[1] % geometry.q
    else:
        point[:, 0] = _places(history, rng)
    for k in range(history.round):
        if not np.array_equal(geometry.lines(point, k), history.table[k]):
            _refuse_round(k + 1)
        if k < geometry.levels:
            moved = geometry.sheared(point, k, history.winner[k])
            if k == 0 and not np.array_equal(moved, point):
                _refuse_round(min(2, history.round))
            point = moved
    return point


def _places(history: History, rng: np.random.Generator) -> Ints:
    """Return a number for each player of a table, 0 for the winner, others by lot."""
    wins = np.zeros(history.players, dtype=np.bool_)
    wins[history.winner[0]] = True
    lot = rng.permutation(history.players)
    order = np.lexsort((lot, ~wins, history.table[0]))
    place = np.empty(history.players, dtype=np.int64)
    place[order] = np.arange(history.players) % history.seats
    return place


def _refuse_round(number: int) -> None:
    """Say that a round does not fit."""
    raise ValueError(
        f"AffineKnockout must seat every round itself, but round {number} was seated "
        "otherwise; let tournament.seating be GreedySeating() from now on"
    )


def _levels(history: History) -> int:
    """Return L, or say why there is none."""
    players, tables, seats = history.players, history.tables, history.seats
    levels = 1
    while seats**levels < players:
        levels += 1
    if seats**levels != players or tables * seats != players:
        raise ValueError(
            "AffineKnockout needs seats ** L players at players / seats tables, got "
            f"{players} players at {counted(tables, 'table', spec='')} of {seats}; "
            f"{_remedy(seats)}"
        )
    if prime_power(seats) is None:
        raise ValueError(
            f"AffineKnockout needs a prime power of seats, got {seats}; {_remedy(4)}"
        )
    return levels


def _remedy(seats: int) -> str:
    """Say what would do."""
    return (
        f"{seats**2} at {seats} tables of {seats} would do, or any number with "
        "FunnelFirst() and another seating"
    )


def _directions(q: int, levels: int) -> Iterator[tuple[int, ...]]:
    """Yield every direction once: the unit vectors, then those with first entry 1."""
    units = [tuple(int(i == k) for i in range(levels)) for k in range(levels)]
    yield from units
    for vector in product(range(q), repeat=levels):
        first = next((entry for entry in vector if entry), 0)
        if first == 1 and sum(map(bool, vector)) > 1:
            yield vector
