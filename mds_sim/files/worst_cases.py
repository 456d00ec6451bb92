"""Nights on which a strategy does as badly as it ever can.

Sizes are whole bytes: where a proof says "a half and a bit", the capacity is so large
that a bit is a byte or more. Each night comes with a packing that shows how few buckets
would do, so nothing here has to be believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

from .engines import DeltaCompaction
from .packing import Packing, pack
from .refined import Harmonic
from .strategies import (
    AlmostWorstFit,
    BestFit,
    BestFitDecreasing,
    BucketingStrategy,
    FirstFit,
    FirstFitDecreasing,
    NextFit,
    NextFitDecreasing,
    WorstFit,
)

Ints = NDArray[np.int64]
_Row = list[tuple[int, int]]  # (size, bucket of the best packing) of each file

MOST_BLOCKS = 12  # of a first-fit night: with more its sizes would pass int64


@dataclass(frozen=True, eq=False)
class WorstNight:
    """Sizes in a bad order, what a strategy makes of them, and what is possible.

    `worst_case` makes it.

    Attributes
    ----------
    strategy : BucketingStrategy
    best : Packing
        The same files in as few buckets as can be.

    Examples
    --------
    >>> night = worst_case(FirstFit())
    >>> night.packing.n_buckets, night.best.n_buckets, night.ratio
    (17, 10, Fraction(17, 10))
    """

    strategy: BucketingStrategy
    best: Packing

    @property
    def sizes(self) -> Ints:
        """File sizes [bytes] in order of arrival, int64, shape (n_files,)."""
        return self.best.sizes

    @property
    def capacity(self) -> int:
        """Room of a bucket [bytes]."""
        return self.best.capacity

    @cached_property
    def packing(self) -> Packing:
        """What the strategy makes of the night."""
        return pack(self.sizes, self.capacity, self.strategy)

    @property
    def ratio(self) -> Fraction:
        """Buckets that the strategy needs, over those that would do."""
        return Fraction(self.packing.n_buckets, self.best.n_buckets)


@dataclass(frozen=True)
class _Known:
    """A packing that was thought out, as a strategy: its buckets are known."""

    bucket: tuple[int, ...]

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        return np.array(self.bucket, np.int64)


def worst_case(strategy: BucketingStrategy, scale: int = 1) -> WorstNight:
    r"""Return a night on which a strategy does as badly as it can.

    Parameters
    ----------
    strategy : BucketingStrategy
        One of ours: next, first, best, worst and almost worst fit, first and best fit
        decreasing, next fit decreasing, `DeltaCompaction` or `Harmonic`.
    scale : int
        How large a night, >= 1; the best packing has a number of buckets that grows
        with it.

    Returns
    -------
    WorstNight

    Raises
    ------
    ValueError
        If no such night is known here, or `scale` is too large for whole bytes.

    Notes
    -----
    With s for `scale`, buckets needed and buckets that would do:

    ================================ =========== ============ =========================
    strategy                         needed      would do     known to be
    ================================ =========== ============ =========================
    next fit                         2 s + 1     s + 1        the worst, for every s
    worst fit                        2 s         s + 1        the worst in the long run
    first, best, almost worst fit    17 s        10 or        the worst (s = 1), and in
                                                 10 s + 1     the long run
    first, best fit decreasing       11 s - 3    9 s - 3      the worst, for every s,
                                                              of first fit decreasing
    next fit decreasing, Delta       71 s        42 s         all but the worst: 1.6905
    harmonic, 7 classes or more      71 s        42 s         of 1.6910
    ================================ =========== ============ =========================

    First fit: the ten-bucket night is that of [1]_, the long one stands in [2]_. The
    night of first fit decreasing has s - 1 times nine buckets [1]_ and six more, for
    which it needs eight [3]_. That of next fit decreasing has sizes just over 1/2,
    1/3, 1/7 and 1/43 of a bucket [4]_.

    References
    ----------
    .. [1] D. S. Johnson, A. Demers, J. D. Ullman, M. R. Garey, R. L. Graham (1974),
       "Worst-case performance bounds for simple one-dimensional packing algorithms",
       SIAM Journal on Computing 3(4), 299-325.
    .. [2] J. D. Ullman (1971), "The performance of a memory allocation algorithm",
       report 100, Princeton University.
    .. [3] G. Dósa (2007), "The tight bound of first fit decreasing bin-packing
       algorithm is FFD(I) <= 11/9 OPT(I) + 6/9", ESCAPE 2007, LNCS 4614, 1-11.
    .. [4] B. S. Baker, E. G. Coffman (1981), "A tight asymptotic bound for
       next-fit-decreasing bin-packing", SIAM Journal on Algebraic and Discrete
       Methods 2(2), 147-152.

    Examples
    --------
    >>> for rule in (NextFit(), FirstFit(), FirstFitDecreasing()):
    ...     night = worst_case(rule)
    ...     name = type(rule).__name__
    ...     print(name, night.packing.n_buckets, "for", night.best.n_buckets)
    NextFit 3 for 2
    FirstFit 17 for 10
    FirstFitDecreasing 8 for 6
    """
    scale = _validate.count("scale", scale)
    make = _NIGHTS.get(type(strategy))
    few = isinstance(strategy, Harmonic) and strategy.classes < 7
    if make is None or few:
        known = ", ".join(kind.__name__ for kind in _NIGHTS)
        raise ValueError(
            f"strategy must be one whose worst night is known, got {strategy!r}; "
            f"known are {known} (with 7 classes or more)"
        )
    rows, capacity = make(scale)
    best = pack([size for size, _ in rows], capacity, _Known(tuple(b for _, b in rows)))
    return WorstNight(strategy, best)


def _alternating(scale: int) -> tuple[_Row, int]:
    """Return a byte, a whole bucket, a byte, and so on: no neighbours can share."""
    rows = [(1, scale)]
    for b in range(scale):
        rows += [(scale + 1, b), (1, scale)]
    return rows, scale + 1


def _halves(scale: int) -> tuple[_Row, int]:
    """Return half a bucket, a byte, and so on: the byte keeps the next half out."""
    rows = []
    for i in range(2 * scale):
        rows += [(scale, i // 2), (1, scale)]
    return rows, 2 * scale


def _seventeen(scale: int) -> tuple[_Row, int]:
    """Return sixths, thirds and halves: each kind is packed alone."""
    if scale > 1:
        return _sixths(scale)
    small = [(6, 3 + b) for b in range(7)] + [(10, 3 + b) for b in range(7)]
    small += [(16, b) for b in range(3)]
    return small + [(34, b) for b in range(10)] + [(51, b) for b in range(10)], 101


def _sixths(blocks: int) -> tuple[_Row, int]:
    """Return blocks: ten sixths in two buckets, ten thirds in five, ten halves."""
    # A sixth plus this much times d, which shrinks from block to block. Five of them
    # leave less room than any later sixth needs; so do two of the thirds.
    sixths = (33, -3, -7, -7, -13, 9, -2, -2, -2, -2)
    thirds = (46, -34, 6, 6, 12, -10, 1, 1, 1, 1)
    if blocks > MOST_BLOCKS:
        rules = "first, best and almost worst fit"
        raise ValueError(f"scale must be <= {MOST_BLOCKS} for {rules}, got {blocks}")
    steps = [18 ** (blocks - 1 - j) for j in range(blocks)]
    unit = 40 * steps[0]  # a sixth; half a bucket and one byte is the third kind
    first, second, third = [], [], []
    for j, step in enumerate(steps):
        # A sixth, a third and a half share a bucket, of one block; but the second
        # sixth goes with the first third of the next block, or with none.
        for i in range(10):
            b = 10 * j + i
            first.append((unit + sixths[i] * step, b))
            where = 10 * blocks if i == 0 and j == 0 else 10 * (j - 1) + 1
            partner = {0: where, 1: 10 * j}.get(i, b)
            second.append((2 * unit + thirds[i] * step, partner))
            third.append((3 * unit + 1, b))
    return first + second + third, 6 * unit


def _ninths(scale: int) -> tuple[_Row, int]:
    """Return what is over a half, over a quarter, and under a quarter."""
    two, one = 6 * scale - 2, 3 * scale - 1  # buckets of three files, and of four
    rows = [(51, b) for b in range(two)]
    rows += [(27, two + i // 2) for i in range(2 * one)]
    rows += [(26, b) for b in range(two)]
    rows += [(23, b) for b in range(two)] + [(23, two + i // 2) for i in range(2 * one)]
    return rows, 100


def _sylvester(scale: int) -> tuple[_Row, int]:
    """Return what is just over 1/2, 1/3, 1/7 and 1/43: one of each fill a bucket."""
    quarter = 1806  # 2 * 3 * 7 * 43
    sizes = [4 * quarter // x + 1 for x in (2, 3, 7, 43)]
    return [(s, b) for s in sizes for b in range(42 * scale)], 4 * quarter


_NIGHTS: dict[type, Callable[[int], tuple[_Row, int]]] = {
    NextFit: _alternating,
    WorstFit: _halves,
    FirstFit: _seventeen,
    BestFit: _seventeen,
    AlmostWorstFit: _seventeen,
    FirstFitDecreasing: _ninths,
    BestFitDecreasing: _ninths,
    NextFitDecreasing: _sylvester,
    DeltaCompaction: _sylvester,
    Harmonic: _sylvester,
}
