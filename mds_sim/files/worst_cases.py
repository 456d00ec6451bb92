"""Nights on which a strategy does as badly as it ever can.

Sizes are whole bytes: where a proof says "a half and a bit", the capacity is so large
that a bit is a byte or more. Each night comes with a packing that shows how few buckets
would do, so nothing here has to be believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_table
from mds_sim.units import counted

from ._bad_rows import MOST_BLOCKS as MOST_BLOCKS
from ._bad_rows import (
    Rows,
    alternating,
    bounded,
    fifths,
    halves,
    ninths,
    seventeen,
    sylvester,
    three_tenths,
)
from .engines import DeltaCompaction
from .packing import Packing, pack
from .refined import Harmonic, ModifiedFirstFitDecreasing
from .strategies import (
    AlmostWorstFit,
    AlmostWorstFitDecreasing,
    BestFit,
    BestFitDecreasing,
    BucketingStrategy,
    FirstFit,
    FirstFitDecreasing,
    LookbackFit,
    NextFit,
    NextFitDecreasing,
    WorstFit,
    WorstFitDecreasing,
)

Ints = NDArray[np.int64]

MOST_SCALE = 10_000  # nights of millions of files


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

    def __repr__(self) -> str:
        return (
            f"WorstNight({self.strategy!r}: "
            f"{counted(self.packing.n_buckets, 'bucket')} where "
            f"{self.best.n_buckets:,} would do, {counted(self.sizes.size, 'file')})"
        )

    def _repr_html_(self) -> str:
        rows = [
            ("files", f"{self.sizes.size:,}"),
            ("buckets needed", f"{self.packing.n_buckets:,}"),
            ("would do", f"{self.best.n_buckets:,}"),
            ("ratio", f"{self.ratio} = {float(self.ratio):.4f}"),
        ]
        return html_table(f"A bad night for {self.strategy!r}", rows)


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
        One of ours: next, first, best, worst and almost worst fit and their
        decreasing forms, `LookbackFit`, `ModifiedFirstFitDecreasing`,
        `DeltaCompaction` or `Harmonic`.
    scale : int
        How large a night, from 1 to 10,000; the best packing has a number of buckets
        that grows with it.

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
    lookback of 2, closing oldest    2 s + 2     s + 2        the worst in the long run
    lookback of 3 or more, so        17 s - 2    10 s + n     the worst in the long run;
                                     + 2 n                    n below
    lookback, closing fullest        17 s        10 or        the worst we found
                                                 10 s + 1
    first, best, almost worst fit    11 s - 3    9 s - 3      the worst, for every s, of
    decreasing                                                first fit decreasing
    worst fit decreasing             5 s - 1     4 s - 1      the worst in the long run
    modified first fit decreasing    7 s - 4     6 s - 4      the worst we found: 7/6,
                                                              and 71/60 is proved
    next fit decreasing, Delta       71 s        42 s         all but the worst: 1.6905
    harmonic, 7 classes or more      71 s        42 s         of 1.6910
    ================================ =========== ============ =========================

    First fit: the ten-bucket night is that of [1]_, the long one stands in [2]_. The
    night of first fit decreasing has s - 1 times nine buckets [1]_ and six more, for
    which it needs eight [3]_. That of next fit decreasing has sizes just over 1/2,
    1/3, 1/7 and 1/43 of a bucket [4]_. Worst fit decreasing needs 5/4 at most in the
    long run, almost worst fit decreasing 11/9 [5]_.

    Lookback k, closing the oldest, needs 17/10 + 3 / (10 (k - 1)) at most in the long
    run [6]_. The night is the long one of first fit, with halves in n cycles of k, n
    being (10 s - 2) / (k - 2) rounded down; if that is below two, it is the night of
    first fit. A lookback of 1, closing the oldest, is next
    fit.

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
    .. [5] D. S. Johnson (1974), "Fast algorithms for bin packing", Journal of Computer
       and System Sciences 8(3), 272-314.
    .. [6] W. Mao (1993), "Tight worst-case performance bounds for next-k-fit bin
       packing", SIAM Journal on Computing 22(1), 46-56.

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
    if scale > MOST_SCALE:
        raise ValueError(
            f"scale must be <= {MOST_SCALE}, for the night to fit in the memory, "
            f"got {scale}"
        )
    make = _maker(strategy)
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


def _maker(strategy: BucketingStrategy) -> Callable[[int], tuple[Rows, int]] | None:
    """Return what makes the night of a strategy, if that is known."""
    if isinstance(strategy, LookbackFit) and strategy.close == "oldest":
        if strategy.lookback == 1:
            return alternating  # it is next fit
        return partial(bounded, strategy.lookback)
    return _NIGHTS.get(type(strategy))


_NIGHTS: dict[type, Callable[[int], tuple[Rows, int]]] = {
    NextFit: alternating,
    WorstFit: halves,
    FirstFit: seventeen,
    BestFit: seventeen,
    AlmostWorstFit: seventeen,
    FirstFitDecreasing: ninths,
    BestFitDecreasing: ninths,
    AlmostWorstFitDecreasing: ninths,
    WorstFitDecreasing: fifths,
    ModifiedFirstFitDecreasing: three_tenths,
    LookbackFit: seventeen,  # and `_maker` knows better ones
    NextFitDecreasing: sylvester,
    DeltaCompaction: sylvester,
    Harmonic: sylvester,
}
