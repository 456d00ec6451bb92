"""Bucketing on paper: a bound, the mean fill of next fit, the worst cases.

Examples
--------
>>> lower_bound([6, 5, 4, 25], capacity=10)
3
>>> f"{next_fit_fill(10):.2%}"
'90.03%'
>>> WORST_CASES["FirstFitDecreasing"].most_buckets(9)
11
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from numpy.typing import ArrayLike

from mds_sim import _validate


def lower_bound(sizes: ArrayLike, capacity: int) -> int:
    r"""Count the buckets that any packing needs at least.

    Parameters
    ----------
    sizes : array_like of int, shape (n_files,)
        File sizes [bytes], each >= 0.
    capacity : int
        Room of a bucket [bytes], >= 1.

    Returns
    -------
    int
        The oversize files, plus the bytes of the others over `capacity`, rounded up.

    Notes
    -----
    A file larger than a bucket has one of its own, and nothing else can go there.
    The other :math:`k` buckets hold at most :math:`k c` bytes, so
    :math:`k \ge \lceil s / c \rceil` for the :math:`s` bytes of all files that fit.
    This is L1 of [1]_ with oversize files apart. ``ceil(total / capacity)`` of all
    files would be no bound: a file of 25 over 10 counts three there, and is one.

    References
    ----------
    .. [1] S. Martello, P. Toth (1990), *Knapsack Problems*, ch. 8.

    Examples
    --------
    >>> lower_bound([6, 5, 4, 25], capacity=10)
    3
    """
    array = _validate.sizes("sizes", sizes)
    capacity = _validate.size("capacity", capacity)
    fits = array <= capacity
    rest = sum(array[fits].tolist())  # Python's whole numbers cannot overflow
    n_oversize = array.size - int(fits.sum())
    return n_oversize + math.ceil(Fraction(rest, capacity))


def next_fit_fill(k: float) -> float:
    r"""Return the mean fill of next fit for exponential sizes.

    Parameters
    ----------
    k : float
        Room of a bucket in mean file sizes, >= 2. Larger files are cut to it.

    Returns
    -------
    float
        Mean load of a closed bucket over its capacity, in [0, 1].

    Notes
    -----
    Derived here, and checked by simulation in the tests. Count sizes in means.
    Let A be the room left when a bucket closes. The file that did not fit is larger
    than A, by an Exp(1) excess E, for the exponential law has no memory. It opens
    the next bucket with a load of A + E, cut to k. The files after it end at the
    points of a Poisson process, and the last one before k lies an Exp(1) distance
    E' before k, unless the first file is nearer:

    .. math:: A' = \min(E', (k - A - E)^+), \quad
        P(A' > x) = \mathrm{E}\,(e^{-x} - e^{A - k})^+ .

    In the long run A and A' have one law. Its distribution function u satisfies
    :math:`u'(x) = e^{-x} u(k - x)` and so

    .. math:: u'' + u' + e^{-k} u = 0, \quad u'(0) = 1, \quad u(k) = 1,

    which two exponentials solve, with the roots of :math:`r^2 + r + e^{-k} = 0`;
    they are real from k = log 4 on. The mean load is
    :math:`k - \mathrm{E} A = \int_0^k u(x)\,dx`. For large k it is close to
    :math:`k - 1 + e^{-k} (k^2 / 2 + k + 1)`: next fit wastes the room of one mean
    file in each bucket.

    Examples
    --------
    >>> [round(next_fit_fill(k), 4) for k in (2, 5, 10, 100)]
    [0.7748, 0.8216, 0.9003, 0.99]
    """
    k = _validate.finite("k", k)
    if k < 2:
        raise ValueError(f"k must be >= 2 mean file sizes, got {k!r}")
    q = math.exp(-k)
    r2 = -(1 + math.sqrt(1 - 4 * q)) / 2
    r1 = q / r2  # the product of the roots is q: nothing cancels
    c1 = (1 - math.exp(r2 * k) / r2) / (math.exp(r1 * k) - math.exp(r2 * k) * r1 / r2)
    c2 = (1 - c1 * r1) / r2
    load = c1 * _integral(r1, k) + c2 * _integral(r2, k)
    return load / k


def _integral(r: float, k: float) -> float:
    """Integrate exp(r x) from 0 to k."""
    return math.expm1(r * k) / r if r else k


@dataclass(frozen=True)
class WorstCase:
    """How many buckets a rule may need when the best possible is known.

    Parameters
    ----------
    ratio, constant : Fraction
        It never needs more than ``ratio * optimum + constant`` buckets.
    source : str
        Where this is proved.

    Examples
    --------
    >>> WorstCase(Fraction(17, 10), Fraction(0), "Dósa, Sgall 2013").most_buckets(3)
    5
    """

    ratio: Fraction
    constant: Fraction
    source: str

    def most_buckets(self, optimum: int) -> int:
        """Return the most buckets the rule may need, given the fewest possible.

        Examples
        --------
        >>> WORST_CASES["NextFit"].most_buckets(9)
        17
        """
        optimum = _validate.count("optimum", optimum)
        return math.floor(self.ratio * optimum + self.constant)


_PAIRS = (
    "a bucket is opened by a file that did not fit in the one before, so two "
    "neighbours hold more than one capacity together: k // 2 < optimum"
)

WORST_CASES: Mapping[str, WorstCase] = MappingProxyType(
    {
        "NextFit": WorstCase(Fraction(2), Fraction(-1), _PAIRS),
        "WorstFit": WorstCase(Fraction(2), Fraction(-1), _PAIRS),
        "FirstFit": WorstCase(
            Fraction(17, 10),
            Fraction(0),
            "G. Dósa, J. Sgall (2013), First Fit bin packing: a tight analysis, STACS",
        ),
        "BestFit": WorstCase(
            Fraction(17, 10),
            Fraction(0),
            "G. Dósa, J. Sgall (2014), Optimal analysis of Best Fit bin packing, ICALP",
        ),
        "FirstFitDecreasing": WorstCase(
            Fraction(11, 9),
            Fraction(6, 9),
            "G. Dósa, R. Li, X. Han, Z. Tuza (2013), Tight absolute bound for First "
            "Fit Decreasing bin-packing, Theoretical Computer Science 510, 13-61",
        ),
    }
)
