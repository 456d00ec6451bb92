r"""Is a stream Poisson? Three tests, and a word on coarse stamps.

- **Counts.** In equal bins a Poisson stream has counts with a variance equal to
  their mean. The index of dispersion is their ratio; times (bins - 1) it has the
  chi-square law [1]_. Above 1: bursts, or a rate that varies. Below 1: a schedule.
- **Gaps.** They are exponential. Lilliefors' distance [2]_ is the largest between
  their distribution function and that of the exponential law with their mean.
- **Gaps in blocks.** Given how many messages a block of time has, those of a Poisson
  stream lie in it like uniform random numbers. From their order
  :math:`u_1 \le \dots \le u_n` in [0, 1) one gets

  .. math:: (n + 1 - j)\,\log\frac{1 - u_{j - 1}}{1 - u_j}, \quad j = 1, \dots, n,
      \quad u_0 = 0,

  independent and exponential with mean 1, whatever the rates of the blocks [3]_. So
  a rate that varies slowly is not taken for something else.

References
----------
.. [1] D. R. Cox, P. A. W. Lewis (1966), *The Statistical Analysis of Series of
   Events*, ch. 6.
.. [2] H. W. Lilliefors (1969), On the Kolmogorov-Smirnov test for the exponential
   distribution with mean unknown, J. American Statistical Association 64, 387-389.
.. [3] L. Brown et al. (2005), Statistical analysis of a telephone call center,
   J. American Statistical Association 100, 36-50, sec. 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import html_table, text_table
from mds_sim.units import counted, format_seconds

from ._arrival_statistics import LEAST_P, dispersion_test, lilliefors, within_blocks

Floats = NDArray[np.float64]

_FEWEST = 50  # arrivals: ten bins of five
_A_BIN = 5  # on average, so that the chi-square law holds (Cochran's rule)
_A_BLOCK = 10  # on average


@dataclass(frozen=True)
class PoissonTests:
    """What three tests say about a stream of arrivals.

    Attributes
    ----------
    arrivals : int
        How many there are.
    rate : float
        Gaps per second between the first and the last.
    gap_scv : float
        Squared coefficient of variation of the gaps; 1 for a Poisson stream.
    dispersion, dispersion_p : float
        Variance over mean of the counts in bins, and how likely a value at least as
        far out is for a Poisson stream (two-sided).
    gap_distance, gap_p : float
        Lilliefors' distance from the exponential law, and how likely a larger one is.
    block_distance, block_p : float
        The same within blocks of time, whatever their rates.
    bins, blocks : int
        How many there were.
    tie_share : float
        Share of the gaps that are 0: stamps equal to the one before.
    resolution : float
        The smallest gap above 0 [s]; how coarse the stamps are, if there are ties.
    level : float
        How often `verdict` may be wrong about a Poisson stream.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> tests = poisson_tests(np.cumsum(rng.exponential(6.0, 1000)))
    >>> tests.verdict
    'passes for a Poisson stream'
    """

    arrivals: int
    rate: float
    gap_scv: float
    dispersion: float
    dispersion_p: float
    gap_distance: float
    gap_p: float
    block_distance: float
    block_p: float
    bins: int
    blocks: int
    tie_share: float
    resolution: float
    level: float

    @property
    def verdict(self) -> str:
        """What the tests say, in words; each is done at a third of the level."""
        least = self.level / 3.0
        if self.block_p < least:
            words = "no Poisson stream: gaps within blocks are not exponential"
        elif self.dispersion < 1.0 and self.dispersion_p < least:
            words = "no Poisson stream: counts vary too little"
        elif min(self.dispersion_p, self.gap_p) < least:
            words = "passes for a Poisson stream whose rate varies"
        else:
            words = "passes for a Poisson stream"
        if self.tie_share <= 0.01:
            return words
        return f"{words} ({self.tie_share:.0%} of the stamps equal the one before)"

    def _rows(self) -> list[tuple[str, str, str]]:
        """Return the table: what, its value, its p-value."""
        p = [_words(p) for p in (self.dispersion_p, self.gap_p, self.block_p)]
        return [
            ("arrivals", f"{self.arrivals:,}", ""),
            ("mean gap", format_seconds(1.0 / self.rate), ""),
            ("scv of gaps", f"{self.gap_scv:.3g}", ""),
            ("equal stamps", f"{self.tie_share:.1%}", ""),
            ("smallest gap", format_seconds(self.resolution), ""),
            (
                f"dispersion, {counted(self.bins, 'bin', spec='')}",
                f"{self.dispersion:.3f}",
                p[0],
            ),
            ("gaps, distance", f"{self.gap_distance:.4f}", p[1]),
            (
                f"the same in {counted(self.blocks, 'block', spec='')}",
                f"{self.block_distance:.4f}",
                p[2],
            ),
        ]

    def __str__(self) -> str:
        return text_table(self.verdict, [("", "value", "p-value"), *self._rows()])

    def _repr_html_(self) -> str:
        return html_table(self.verdict, self._rows(), header=("", "value", "p-value"))


def poisson_tests(
    times: ArrayLike,
    *,
    bins: int | None = None,
    blocks: int | None = None,
    level: float = 0.01,
) -> PoissonTests:
    r"""Test whether arrivals are a Poisson stream.

    Parameters
    ----------
    times : array_like of float, shape (n,)
        When the messages arrive [s], ascending; at least 50 between the first and
        the last.
    bins : int, optional
        Into how many equal bins to count them; of five arrivals on average by
        default, and not more (for the chi-square law).
    blocks : int, optional
        Into how many equal blocks to cut the time, in each of which the rate is taken
        for constant; of ten arrivals on average by default.
    level : float, optional
        How often `verdict` may be wrong about a Poisson stream, above 0.0006 and
        below 1: at a smaller one the tests of gaps could reject nothing.

    Returns
    -------
    PoissonTests
        Statistics, p-values, a verdict in words; Jupyter shows a table.

    Raises
    ------
    ValueError
        If there are too few arrivals between the first and the last, or as the
        parameters say.

    Notes
    -----
    Time runs from the first arrival to the last; bins and blocks do not count these.

    The p-value of a distance D among n gaps is its rank among those of 4,999 samples
    of the exponential law, always the same ones. For n > 200, samples of 200 stand
    in, and distances are compared by Stephens' :math:`(D - 0.2/n)(\sqrt n + 0.26 +
    0.5/\sqrt n)` [1]_, whose law hardly depends on n: p is right to 0.03, and to 0.01
    where it is below 0.1. The smallest p is 0.0002. Cost O(n log n), and a tenth of a
    second once for the samples.

    Equal stamps make gaps of 0, which the exponential law has not: a stream that was
    Poisson before its stamps were rounded is rejected. Add uniform random numbers
    between 0 and the resolution to the stamps and sort them, and ask again [2]_.

    References
    ----------
    .. [1] M. A. Stephens (1974), EDF statistics for goodness of fit and some
       comparisons, J. American Statistical Association 69, 730-737.
    .. [2] S.-H. Kim, W. Whitt (2014), Are call center and hospital arrivals well
       modeled by nonhomogeneous Poisson processes?, Manufacturing & Service
       Operations Management 16, 464-480.

    Examples
    --------
    Earthquakes come like a Poisson stream:

    >>> from mds_sim.data import earthquakes, flights
    >>> def seconds(stamps):
    ...     return np.sort((stamps - stamps.min()) / np.timedelta64(1, "s"))
    >>> print(poisson_tests(seconds(earthquakes().time)))
    passes for a Poisson stream
                                 value  p-value
      arrivals                   1,707
      mean gap                5.89 min
      scv of gaps                0.999
      equal stamps                0.0%
      smallest gap               90 ms
      dispersion, 341 bins       1.042    0.569
      gaps, distance            0.0128    0.849
      the same in 170 blocks    0.0151    0.653

    Flights do not, with stamps of whole minutes. Without that rounding they might,
    but not at the same rate by day and by night:

    >>> stamps = flights().actual_departure
    >>> times = seconds(stamps[~np.isnat(stamps)])
    >>> round(poisson_tests(times).tie_share, 2)
    0.34
    >>> spread = times + np.random.default_rng(1).uniform(0.0, 60.0, times.size)
    >>> poisson_tests(np.sort(spread)).verdict
    'passes for a Poisson stream whose rate varies'
    """
    level = _level(level)
    array = _validate.times("times", times)
    inner = _between(array)
    bins, blocks = _bins(bins, inner.size), _blocks(blocks, inner.size)
    gap = np.diff(array)
    dispersion, dispersion_p = dispersion_test(inner, bins)
    gap_distance, gap_p = lilliefors(gap)
    block_distance, block_p = lilliefors(within_blocks(inner, blocks))
    return PoissonTests(
        arrivals=array.size,
        rate=float(1.0 / gap.mean()),
        gap_scv=float(gap.var() / gap.mean() ** 2),
        dispersion=dispersion,
        dispersion_p=dispersion_p,
        gap_distance=gap_distance,
        gap_p=gap_p,
        block_distance=block_distance,
        block_p=block_p,
        bins=bins,
        blocks=blocks,
        tie_share=float((gap == 0).mean()),
        resolution=float(gap[gap > 0].min()),
        level=level,
    )


def _between(times: Floats) -> Floats:
    """Return the arrivals between the first and the last, as shares of that time."""
    first, last = (times[0], times[-1]) if times.size else (0.0, 0.0)
    inner = times[(times > first) & (times < last)]
    if inner.size < _FEWEST:
        raise ValueError(
            f"times must hold at least {_FEWEST} arrivals between the first and the "
            f"last, got {inner.size}"
        )
    moment = (inner - first) / (last - first)
    return np.minimum(moment, np.nextafter(1.0, 0.0))  # rounding may make it 1


def _level(level: float) -> float:
    """Return a level at which each of the three tests can reject."""
    number = _validate.finite("level", level)
    if not 3.0 * LEAST_P < number < 1.0:
        raise ValueError(
            f"level must be > {3.0 * LEAST_P:g} (three tests whose p is {LEAST_P:g} at "
            f"least) and < 1, got {level!r}"
        )
    return number


def _bins(bins: int | None, arrivals: int) -> int:
    """Return into how many bins to count the arrivals."""
    most = arrivals // _A_BIN
    if bins is not None and _validate.count("bins", bins, least=2) > most:
        raise ValueError(
            f"bins must be <= {most}, with {_A_BIN} of {arrivals} arrivals each, "
            f"got {bins!r}"
        )
    return bins or most


def _blocks(blocks: int | None, arrivals: int) -> int:
    """Return into how many blocks to cut the time."""
    if blocks is None:
        return arrivals // _A_BLOCK
    return _validate.count("blocks", blocks)


def _words(p: float) -> str:
    """Write a p-value with three digits, or that it is smaller."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"
