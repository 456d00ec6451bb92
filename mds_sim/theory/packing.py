"""Bucketing on paper: a bound, the mean fill of next fit, worst and average cases.

Examples
--------
>>> lower_bound([6, 5, 4, 25], capacity=10)
3
>>> f"{next_fit_fill(10):.2%}"
'90.03%'
>>> WORST_CASES["FirstFitDecreasing"].most_buckets(9)
11
>>> f"{AVERAGE_CASES['NextFit'].ratio:.4f}"
'1.3333'
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import html_table


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
    rest = _total(array[fits])
    n_oversize = array.size - int(fits.sum())
    return n_oversize + math.ceil(Fraction(rest, capacity))


def _total(sizes: NDArray[np.int64]) -> int:
    """Add sizes up, in Python's whole numbers if those of NumPy could overflow."""
    if sizes.size and int(sizes.max()) > np.iinfo(np.int64).max // sizes.size:
        return sum(sizes.tolist())
    return int(sizes.sum())


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


def next_fit_uniform_fill(largest: float = 1.0) -> float:
    r"""Return the mean fill of next fit for sizes that are uniform.

    Parameters
    ----------
    largest : float
        Sizes are uniform from 0 to so many capacities, in [1/2, 1].

    Returns
    -------
    float
        Mean load of a closed bucket over its capacity, in [0, 1].

    Notes
    -----
    For a largest size a the number of buckets per file tends to

    .. math:: \frac{15 a^3 - 9 a^2 + 3 a - 1}{12 a^3} + \sqrt 2
        \left(\frac{1 - a}{2 a}\right)^2 \tanh \frac{1 - a}{\sqrt 2\, a}

    [1]_, and the mean fill is a / 2, the mean size, over it: 3/4 for a = 1 [2]_.

    References
    ----------
    .. [1] N. Karmarkar (1982), "Probabilistic analysis of some bin-packing problems",
       23rd Symposium on Foundations of Computer Science, 107-111.
    .. [2] E. G. Coffman, K. So, M. Hofri, A. C. Yao (1980), "A stochastic model of
       bin-packing", Information and Control 44(2), 105-115.

    Examples
    --------
    >>> [round(next_fit_uniform_fill(a), 4) for a in (0.5, 0.75, 1.0)]
    [0.8372, 0.7411, 0.75]
    """
    a = _validate.finite("largest", largest)
    if not 0.5 <= a <= 1.0:
        raise ValueError(f"largest must be in [0.5, 1] capacities, got {largest!r}")
    buckets = (15 * a**3 - 9 * a**2 + 3 * a - 1) / (12 * a**3)
    gap = (1 - a) / a
    buckets += math.sqrt(2) * (gap / 2) ** 2 * math.tanh(gap / math.sqrt(2))
    return a / 2 / buckets


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

    def _repr_html_(self) -> str:
        extra = f" {self.constant:+}" if self.constant else ""
        rows = [
            ("buckets at most", f"{self.ratio} of the optimum{extra}"),
            ("where the optimum is 10", f"{self.most_buckets(10)}"),
            ("proved in", self.source),
        ]
        return html_table(f"Never more than {self.ratio} of the optimum{extra}", rows)


_PAIRS = (
    "a bucket is opened by a file that did not fit in the one before, so two "
    "neighbours hold more than one capacity together: k // 2 < optimum"
)

WORST_CASES: Mapping[str, WorstCase] = MappingProxyType(
    {
        "NextFit": WorstCase(Fraction(2), Fraction(-1), _PAIRS),
        "NextFitDecreasing": WorstCase(Fraction(2), Fraction(-1), _PAIRS),
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
        "BestFitDecreasing": WorstCase(
            Fraction(11, 9),
            Fraction(4),
            "D. S. Johnson, A. Demers, J. D. Ullman, M. R. Garey, R. L. Graham (1974), "
            "Worst-case performance bounds for simple one-dimensional packing "
            "algorithms, SIAM Journal on Computing 3(4), 299-325",
        ),
        "ModifiedFirstFitDecreasing": WorstCase(
            Fraction(71, 60),
            Fraction(1),
            "M. Yue, L. Zhang (1995), A simple proof of the inequality MFFD(L) <= "
            "71/60 OPT(L) + 1, Acta Mathematicae Applicatae Sinica 11(3), 318-330",
        ),
    }
)


def _harmonic_limit() -> float:
    """Return 1 + 1/2 + 1/6 + 1/42 + 1/1806 + ..., of Sylvester's numbers less one."""
    total, number = 0.0, 2
    while number < 2**60:
        total += 1 / (number - 1)
        number = number * (number - 1) + 1
    return total


HARMONIC_LIMIT = _harmonic_limit()
"""What next fit decreasing and harmonic rules need of the optimum at worst: 1.69103.

In the long run, that is, a constant apart [1]_ [2]_.

References
----------
.. [1] B. S. Baker, E. G. Coffman (1981), "A tight asymptotic bound for
   next-fit-decreasing bin-packing", SIAM Journal on Algebraic and Discrete Methods
   2(2), 147-152.
.. [2] C. C. Lee, D. T. Lee (1985), "A simple on-line bin-packing algorithm", Journal
   of the ACM 32(3), 562-572.
"""


@dataclass(frozen=True)
class AverageCase:
    """What a rule needs on average, for sizes uniform between 0 and a whole bucket.

    Parameters
    ----------
    ratio : float
        Buckets over the bytes in buckets, in the long run; 1 is all that is possible.
    growth : float
        The waste, buckets less the bytes in buckets, grows with so high a power of
        the number of files.
    source : str
        Where this is proved.

    Examples
    --------
    >>> AVERAGE_CASES["BestFit"].growth
    0.5
    """

    ratio: float
    growth: float
    source: str

    def _repr_html_(self) -> str:
        rows = [
            ("buckets over bytes", f"{self.ratio:g}"),
            ("waste grows as", f"files to the {self.growth:.4g}"),
            ("proved in", self.source),
        ]
        return html_table("On average, sizes uniform up to a bucket", rows)


_NFD = (
    "J. Csirik, J. B. G. Frenk, A. Frieze, G. Galambos, A. H. G. Rinnooy Kan (1986), A "
    "probabilistic analysis of the next fit decreasing bin packing heuristic, "
    "Operations Research Letters 5(5), 233-236"
)
_SHOR = (
    "P. W. Shor (1986), The average-case analysis of some on-line algorithms for bin "
    "packing, Combinatorica 6(2), 179-200"
)

AVERAGE_CASES: Mapping[str, AverageCase] = MappingProxyType(
    {
        "NextFit": AverageCase(
            4 / 3,
            1.0,
            "E. G. Coffman, K. So, M. Hofri, A. C. Yao (1980), A stochastic model of "
            "bin-packing, Information and Control 44(2), 105-115",
        ),
        "NextFitDecreasing": AverageCase(2 * (math.pi**2 / 6 - 1), 1.0, _NFD),
        "FirstFit": AverageCase(
            1.0,
            2 / 3,
            "E. G. Coffman, D. S. Johnson, P. W. Shor, R. R. Weber (1997), Bin packing "
            "with discrete item sizes II: tight bounds on First Fit, Random Structures "
            "and Algorithms 10, 69-101",
        ),
        "BestFit": AverageCase(1.0, 1 / 2, f"{_SHOR}; times log(n)**(3/4)"),
        "FirstFitDecreasing": AverageCase(
            1.0,
            1 / 2,
            "G. S. Lueker (1982), An average-case analysis of bin packing with "
            "uniformly distributed item sizes, report 181, University of California "
            "at Irvine",
        ),
    }
)
