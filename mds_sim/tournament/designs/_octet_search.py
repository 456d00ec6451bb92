"""The search for the rounds in `_octets`: four of the six base rounds, given two.

Tables under the eight moves are of three kinds. A *row* has one place of each octet;
all eight images of it differ. A *square* has two places of each of two octets, the same
difference h apart; a round with it must stay the same under h. A *plane* is a coset
of a subgroup of order 4 in one octet. What may come up once only are the 48 differences
between two octets, and the 7 within each: 76 bits.

Here one base round is a row and its images, one is a plane in each octet and what is
left of it, and the others stay the same under a subgroup of order 4. Each of these is
one row and two squares, or two rows, without images. Which planes, is drawn by lot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np

from mds_sim.tournament.history import Ints

from ._octets import Base, Place

Used = tuple[int, list[list[Place]]]  # the differences that a round uses, its tables
OCTETS = range(4)
PAIRS = {pair: k for k, pair in enumerate(combinations(OCTETS, 2))}
SUBGROUPS = sorted(
    {tuple(sorted((0, a, b, a ^ b))) for a, b in combinations(range(1, 8), 2)}
)
SPLITS = (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))


def find_octets(rng: np.random.Generator, *, tries: int = 1000) -> list[Base] | None:
    """Find base rounds for 32 players as `_octets` stores them.

    Parameters
    ----------
    rng : numpy.random.Generator
    tries : int
        Choices of the four planes, after which it gives up.

    Returns
    -------
    list of (vectors, tables), or None
        For `develop_octets`. It takes 1 to 30 s of CPU time.
    """
    rounds = {
        mask: (group, tables) for group in SUBGROUPS for mask, tables in _rounds(group)
    }
    masks = np.array([[mask & (1 << 48) - 1, mask >> 48] for mask in rounds])
    bases = list(rounds.values())
    row = [(i, 0) for i in OCTETS]
    for _ in range(tries):
        planes = [SUBGROUPS[k] for k in rng.integers(len(SUBGROUPS), size=4)]
        taken = sum(_within(i, h) for i in OCTETS for h in planes[i] if h)
        used = np.array([_row_mask(row), taken >> 48])
        left = np.flatnonzero(~(masks & used).any(axis=1))
        chosen = _disjoint(masks, left, 4, (1 << 48) - 1 & ~int(used[0]))
        if chosen is not None:
            whole = tuple(range(8))
            rest = [[(i, x) for x in planes[i]] for i in OCTETS]
            return [
                *(bases[k] for k in chosen),
                (whole, [row]),
                (whole, rest),
            ]
    return None


def _rounds(group: tuple[int, ...]) -> Iterator[Used]:
    """Yield rounds that stay the same under a subgroup of order 4."""
    other = next(x for x in range(8) if x not in group)
    half = group, tuple(x ^ other for x in group)
    for side in product((0, 1), repeat=4):
        squares = list(_two_squares(half, [1 - s for s in side], group))
        second = list(_rows(half, [1 - s for s in side])) if not side[0] else []
        for mask, row in _rows(half, side):
            for more, tables in (*second, *squares):
                if not mask & more:
                    yield mask | more, row + tables


def _rows(half: tuple[tuple[int, ...], ...], side: Sequence[int]) -> Iterator[Used]:
    """Yield rows with places in the given halves of the octets, up to images."""
    for places in product(*(half[s] for s in side[1:])):
        row = list(enumerate((half[side[0]][0], *places)))
        yield _row_mask(row), [row]


def _two_squares(
    half: tuple[tuple[int, ...], ...], side: Sequence[int], group: tuple[int, ...]
) -> Iterator[Used]:
    """Yield two squares that fill the given halves of the octets with their images."""
    for (i, j), (k, m) in SPLITS:
        ones = list(_squares(i, half[side[i]], j, half[side[j]], group))
        twos = list(_squares(k, half[side[k]], m, half[side[m]], group))
        for (mask, one), (more, two) in product(ones, twos):
            yield mask | more, one + two


def _squares(
    i: int, xs: tuple[int, ...], j: int, ys: tuple[int, ...], group: tuple[int, ...]
) -> Iterator[Used]:
    """Yield squares on two halves, up to images."""
    x = xs[0]
    for h in group[1:]:
        for y in ys:
            if y < y ^ h:
                mask = _between(i, x, j, y) | _between(i, x, j, y ^ h)
                square = [(i, x), (i, x ^ h), (j, y), (j, y ^ h)]
                yield mask | _within(i, h) | _within(j, h), [square]


def _row_mask(row: list[Place]) -> int:
    """Return the differences that a row uses."""
    return sum(_between(i, x, j, y) for (i, x), (j, y) in combinations(row, 2))


def _between(i: int, x: int, j: int, y: int) -> int:
    """Return the bit of a difference between octets i < j."""
    return 1 << 8 * PAIRS[i, j] + (x ^ y)


def _within(i: int, h: int) -> int:
    """Return the bit of a difference within an octet."""
    return 1 << 48 + 7 * i + h - 1


def _disjoint(
    masks: Ints, left: Ints, count: int, unused: int, spare: int = 2
) -> list[int] | None:
    """Choose rounds that share no difference, depth first.

    `unused` are the differences between octets that are left, of which `spare` may stay
    so. The rarest one comes next: one of the rounds that use it is chosen, or none.
    """
    if count == 0:
        return []
    bits = np.array([b for b in range(48) if unused >> b & 1])
    uses = (masks[left, :1] >> bits & 1).astype(np.bool_)
    rarest = int(uses.sum(axis=0).argmin())
    for k in left[uses[:, rarest]]:
        rest = left[~(masks[left] & masks[k]).any(axis=1)]
        after = unused & ~int(masks[k, 0])
        chosen = _disjoint(masks, rest, count - 1, after, spare)
        if chosen is not None:
            return [int(k), *chosen]
    if spare == 0:
        return None
    without = left[~uses[:, rarest]]
    return _disjoint(
        masks, without, count, unused & ~(1 << int(bits[rarest])), spare - 1
    )
