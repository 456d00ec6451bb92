"""The starters that schedules are made of, for tables of 3, 4 and 5."""

from __future__ import annotations

from collections.abc import Callable

from ._fields import field
from ._groups import Move, moved, turned
from ._starters import Starter


def cyclic(seats: int, n: int, orbits: int, fixed: int = 0, rounds: int = 1) -> Starter:
    """Return the starter over Z_n: some orbits and some fixed points.

    With fixed = 1 or 2 and tables of 3: Kirkman triple systems and nearly ones.
    """
    return Starter(seats, (turned(n, orbits, fixed),), rounds=rounds)


def one_rotational(seats: int, q: int) -> Starter:
    """Return the starter of a resolvable design with a fixed point.

    Players are Z_(s - 1) q and one that stays; the base round holds the table of it and
    the multiples of q, and is the same after x + q.
    """
    n = (seats - 1) * q
    still = moved(n + 1, lambda p: (p + q) % n if p < n else p)
    fixed = ((n, *range(0, n, q)),)
    return Starter(seats, (turned(n, 1, 1),), (still,), fixed)


def layered(n: int) -> Starter:
    """Return the starter of groups of 3: three layers of Z_n and a point that stays.

    The base round is the same after a step to the next layer; who never meet are the
    three points above each other. Its tables, one layer on the other, are those of a
    whist tournament.
    """
    across = n + 1

    def turn(p: int) -> int:
        return p - p % across + ((p % across + 1) % n if p % across < n else n)

    climb = moved(3 * across, lambda p: (p + across) % (3 * across))
    return Starter(4, (moved(3 * across, turn), climb), (climb,))


def spiral(n: int, factor: int, first: int, second: int) -> Starter:
    """Return the starter of groups of 2 on three copies of Z_n and two fixed points.

    The base round is the same after x -> factor x into the next copy, with
    factor**3 = 1; who never meet are x and x + n / 2, and the two fixed points. It
    holds the fixed points with the images of `first` and of `second`.
    """

    def step(p: int) -> int:
        return (p // n + 1) % 3 * n + p % n * factor % n if p < 3 * n else p

    still = moved(3 * n + 2, step)
    fixed = tuple(
        (3 * n + i, x, still[x], still[still[x]]) for i, x in enumerate((first, second))
    )
    return Starter(4, (turned(n, 3, 2), still), (still,), fixed)


def squared(layers: int, seats: int) -> Starter:
    """Return a starter over layers of GF(25) and a fixed point, same after x -> w x.

    w is a cube root of 1. With three layers, the base round is the same after a step
    to the next layer too.
    """
    plane, whole = field(25), 25 * layers
    w = int(plane.powers[8])

    def rule(act: Callable[[int], int]) -> Move:
        return moved(whole + 1, lambda p: p - p % 25 + act(p % 25) if p < whole else p)

    shifts = (
        rule(lambda x: int(plane.add[x, 1])),
        rule(lambda x: int(plane.add[x, 5])),
    )
    scale = rule(lambda x: int(plane.mul[w, x]))
    zeros = (whole, *range(0, whole, 25))
    if layers == 2:
        power = (1, w, int(plane.mul[w, w]))
        return Starter(seats, (*shifts, scale), (scale,), (zeros, power))
    climb = moved(whole + 1, lambda p: (p + 25) % whole if p < whole else p)
    return Starter(seats, (*shifts, climb, scale), (climb, scale), (zeros,))


# (tables, seats): how the starter is made.
KNOWN: dict[tuple[int, int], Callable[[], Starter]] = {
    (5, 3): lambda: cyclic(3, 7, 2, 1),
    (6, 3): lambda: cyclic(3, 4, 4, 2, rounds=2),
    (8, 3): lambda: cyclic(3, 11, 2, 2),
    (10, 3): lambda: cyclic(3, 14, 2, 2),
    (11, 3): lambda: Starter(3, (turned(11, 3),), transversals=5),
    (12, 3): lambda: cyclic(3, 17, 2, 2),
    (14, 3): lambda: cyclic(3, 20, 2, 2),
    (16, 3): lambda: cyclic(3, 23, 2, 2),
    (17, 3): lambda: squared(2, 3),
    (20, 3): lambda: cyclic(3, 29, 2, 2),
    (6, 4): lambda: layered(7),
    (9, 4): lambda: layered(11),
    (10, 4): lambda: one_rotational(4, 13),
    (11, 4): lambda: spiral(14, 9, 2, 1),
    (12, 4): lambda: layered(15),
    (13, 4): lambda: one_rotational(4, 17),
    (14, 4): lambda: spiral(18, 7, 1, 3),
    (15, 4): lambda: layered(19),
    (18, 4): lambda: layered(23),
    (19, 4): lambda: squared(3, 4),
    (20, 4): lambda: spiral(26, 3, 1, 5),
    (6, 5): lambda: cyclic(5, 6, 5),
}
