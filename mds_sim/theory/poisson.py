r"""The law of mini-batches that the first of their Poisson messages opens.

Messages come at rate :math:`\lambda`; a window lasts W after its first message.
While it is open it counts without being restarted, like a detector with a dead time
that is not extended (a type I counter [1]_). With :math:`m = \lambda W`:

- a batch holds its first message and those of the next W: 1 + Poisson(m);
- the next batch opens an exponential gap after the window ends, because a Poisson
  process has no memory: cycles of W + Exp(:math:`\lambda`), independent of sizes;
- the first message of a batch waits W for the end of its window, each of the others
  a uniform time between 0 and W.

References
----------
.. [1] W. Feller (1968), *An Introduction to Probability Theory and Its
   Applications*, vol. 1, 3rd ed., XIII.11 (counters).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate


@dataclass(frozen=True)
class FirstMessageLaw:
    """What is to be expected of first-message windows on a Poisson stream.

    Parameters
    ----------
    rate : float
        Messages per second, > 0.
    length : float
        Length of a window [s], > 0.

    Examples
    --------
    Ten a minute, five minutes:

    >>> law = FirstMessageLaw(rate=10 / 60, length=300)
    >>> law.mean_size, law.size_variance
    (51.0, 50.0)
    >>> round(law.mean_delay, 1), round(law.mean_cycle, 1)
    (152.9, 306.0)
    """

    rate: float
    length: float

    def __post_init__(self) -> None:
        _validate.positive("rate", self.rate, "per second")
        _validate.positive("length", self.length, "s")

    @property
    def size_variance(self) -> float:
        """Variance of a batch's size: m, that of the Poisson part."""
        return self.rate * self.length

    @property
    def mean_size(self) -> float:
        """Mean messages a batch: 1 + m."""
        return 1.0 + self.size_variance

    @property
    def mean_cycle(self) -> float:
        """Mean time between the openings of two batches: W + 1/rate [s]."""
        return self.length + 1.0 / self.rate

    @property
    def batch_rate(self) -> float:
        """Batches per second: rate / (1 + m)."""
        return 1.0 / self.mean_cycle

    @property
    def cycle_scv(self) -> float:
        """Squared coefficient of variation of a cycle: 1 / (1 + m)^2."""
        return 1.0 / self.mean_size**2

    @property
    def mean_delay(self) -> float:
        """Mean time from a message to the end of its window [s].

        (W + m W/2) / (1 + m): one message waits W, m on average wait W/2 each.
        """
        m = self.size_variance
        return self.length * (2.0 + m) / (2.0 * (1.0 + m))

    @property
    def mean_seen_size(self) -> float:
        """Mean size of the batch that a message finds itself in.

        E N^2 / E N = 1 + m + m / (1 + m): large batches have more messages to see
        them.
        """
        m = self.size_variance
        return 1.0 + m + m / (1.0 + m)

    def size_pmf(self, size: ArrayLike) -> NDArray[np.float64]:
        """Return the probability that a batch has a given size.

        Parameters
        ----------
        size : array_like of int
            Messages in a batch; 0 for sizes below 1.

        Returns
        -------
        ndarray of float64
            In the shape of `size`.

        Examples
        --------
        >>> FirstMessageLaw(rate=0.5, length=4.0).size_pmf([0, 1, 2]).round(4)
        array([0.    , 0.1353, 0.2707])
        """
        from scipy.special import gammaln, xlogy

        more = np.asarray(size, dtype=np.float64) - 1.0
        m = self.size_variance
        with np.errstate(invalid="ignore"):
            pmf = np.exp(xlogy(more, m) - m - gammaln(more + 1.0))
        return np.where(more >= 0, pmf, 0.0)
