r"""The law of mini-batches that the first of their Poisson messages opens.

Messages come at rate :math:`\lambda`; a window lasts W after its first message.
While it is open it counts without being restarted, like a detector with a dead time
that is not extended (a type I counter [1]_). With :math:`m = \lambda W`:

- a batch holds its first message and those of the next W: 1 + Poisson(m);
- the next batch opens an exponential gap after the window ends, because a Poisson
  process has no memory: cycles of W + Exp(:math:`\lambda`), independent of sizes;
- the first message of a batch waits W for the end of its window, each of the others
  a uniform time between 0 and W.

A batch that also closes when it holds K messages is open for
:math:`T = \min(W, S_{K-1})`, where :math:`S_k` is the time to the k-th further
message, a gamma law. All means follow from the moments of :math:`\min(W, S_k)`:

- the messages that come while a batch is open are Poisson up to a stopping time, so
  :math:`\mathrm{E} N = 1 + \lambda\,\mathrm{E}\,T`, which equals
  :math:`1 + \sum_{j=1}^{K-1} P(\mathrm{Poisson}(m) \ge j)`;
- the gap to the next batch is again exponential: a cycle lasts
  :math:`\mathrm{E} N / \lambda`;
- a message that comes u after the first is in the batch, and the batch then stays
  open for more than d, if u + d < W and at most K - 3 others come within u + d.
  With the first message, and summed over u in [0, W - d),

  .. math:: \mathrm{E} N\,P(D > d) = P(S_{K-1} > d) + \lambda\,
      \mathrm{E} (\min(W, S_{K-2}) - \min(d, S_{K-2})), \quad 0 \le d < W.

References
----------
.. [1] W. Feller (1968), *An Introduction to Probability Theory and Its
   Applications*, vol. 1, 3rd ed., XIII.11 (counters).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate

from ._queue import instants

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FirstMessageLaw:
    """What is to be expected of first-message windows on a Poisson stream.

    Parameters
    ----------
    rate : float
        Messages per second, > 0.
    length : float
        Length of a window [s], > 0.
    max_messages : int, optional
        A batch of so many closes at once, K >= 1.

    References
    ----------
    .. [1] W. Feller (1968), *An Introduction to Probability Theory and Its
       Applications*, vol. 1, 3rd ed., XIII.11 (counters). The module says how all
       figures follow from it.

    Examples
    --------
    Ten a minute, five minutes:

    >>> law = FirstMessageLaw(rate=10 / 60, length=300)
    >>> law.mean_size, law.size_variance
    (51.0, 50.0)
    >>> round(law.mean_delay, 1), round(law.mean_cycle, 1)
    (152.9, 306.0)

    And not more than 50 messages a batch:

    >>> law = FirstMessageLaw(rate=10 / 60, length=300, max_messages=50)
    >>> round(law.mean_size, 2), round(law.share_full, 3)
    (47.66, 0.575)
    """

    rate: float
    length: float
    max_messages: int | None = None

    def __post_init__(self) -> None:
        _validate.positive("rate", self.rate, "per second")
        _validate.positive("length", self.length, "s")
        if self.max_messages is not None:
            _validate.count("max_messages", self.max_messages)

    @property
    def size_variance(self) -> float:
        """Variance of a batch's size: m, that of the Poisson part; less with K."""
        if self.max_messages is None:
            return self.rate * self.length
        # Beyond 12 standard deviations and 40 lies a probability of 1e-30.
        m = self.rate * self.length
        far = 12.0 * math.sqrt(m) + 40.0
        low, high = int(max(1.0, m - far)), min(self.max_messages, int(m + far))
        sizes = np.append(np.arange(low, high), self.max_messages)
        return float(((sizes - self.mean_size) ** 2 * self.size_pmf(sizes)).sum())

    @property
    def mean_size(self) -> float:
        """Mean messages a batch: 1 + m; with K, 1 + sum of P(Poisson(m) >= j < K)."""
        return 1.0 + self.rate * self._open(1, 1)

    @property
    def mean_cycle(self) -> float:
        """Mean time between the openings of two batches: mean size / rate [s]."""
        return self._open(1, 1) + 1.0 / self.rate

    @property
    def batch_rate(self) -> float:
        """Batches per second: rate / mean size."""
        return 1.0 / self.mean_cycle

    @property
    def cycle_scv(self) -> float:
        """Squared coefficient of variation of a cycle; 1 / (1 + m)^2 without K."""
        variance = self._open(1, 2) - self._open(1, 1) ** 2 + 1.0 / self.rate**2
        return variance / self.mean_cycle**2

    @property
    def share_full(self) -> float:
        """Probability that K messages close a batch before its window ends."""
        if self.max_messages is None:
            return 0.0
        return float(_at_least(self.max_messages - 1, self.rate * self.length))

    @property
    def mean_delay(self) -> float:
        """Mean time from a message to the end of its window [s].

        (W + m W/2) / (1 + m): one message waits W, m on average wait W/2 each.
        With K as well, it is E N (N - 1) / (2 rate E N).
        """
        total = self._open(1, 1) + self.rate / 2.0 * self._open(2, 2)
        return total / self.mean_size

    @property
    def delay_second_moment(self) -> float:
        """Mean square of the time from a message to the end of its window [s^2].

        W^2 (1 + m/3) / (1 + m) without K.
        """
        total = self._open(1, 2) + self.rate / 3.0 * self._open(2, 3)
        return total / self.mean_size

    @property
    def mean_seen_size(self) -> float:
        """Mean size of the batch that a message finds itself in.

        E N^2 / E N = 1 + m + m / (1 + m) without K: large batches have more messages
        to see them.
        """
        return 1.0 + 2.0 * self.rate * self.mean_delay

    @property
    def mean_delay_times_size(self) -> float:
        """Mean product of a message's time to the end of its window and its batch [s].

        W (1 + 2 m + m^2/2) / (1 + m) without K. Less `mean_delay` * `mean_seen_size`
        it is their covariance, below 0 without K: who sees a large batch is less
        often its first message, which waits longest.
        """
        m, w = self.rate * self.length, self.length
        if self.max_messages is None:
            return w * (1.0 + 2.0 * m + m * m / 2.0) / self.mean_size
        k = self.max_messages
        # Closed by time, 1 + p messages with W (1 + p/2) in all; or full after T, k
        # messages with k T/2 in all, where E (T; T < W) is (k - 1) P(Poisson >= k).
        one, two, three = (1.0 - float(_at_least(k - j, m)) for j in (1, 2, 3))
        by_time = w * (one + 2.0 * m * two + m * m / 2.0 * three)
        full = k * k * (k - 1) / (2.0 * self.rate) * float(_at_least(k, m))
        return (by_time + full) / self.mean_size

    def size_pmf(self, size: ArrayLike) -> Floats:
        """Return the probability that a batch has a given size.

        Parameters
        ----------
        size : array_like of int
            Messages in a batch.

        Returns
        -------
        ndarray of float64
            In the shape of `size`; 0 for sizes that are not whole, below 1 or above K.

        Examples
        --------
        >>> FirstMessageLaw(rate=0.5, length=4.0).size_pmf([0, 1, 2]).round(4)
        array([0.    , 0.1353, 0.2707])
        """
        from scipy.special import gammaln, xlogy

        more = np.asarray(size, dtype=np.float64) - 1.0
        m = self.rate * self.length
        with np.errstate(invalid="ignore"):
            pmf = np.exp(xlogy(more, m) - m - gammaln(more + 1.0))
        if self.max_messages is not None:
            room = self.max_messages - 1
            pmf = np.where(more == room, self.share_full, np.where(more > room, 0, pmf))
        return np.where((more >= 0) & (more == np.floor(more)), pmf, 0.0)

    def delay_cdf(self, t: ArrayLike) -> Floats:
        """Return the probability that a message's window ends within t.

        Parameters
        ----------
        t : array_like of float
            Times [s]; 0 for those below 0, 1 from the length of a window on.

        Returns
        -------
        ndarray of float64
            In the shape of `t`.

        Notes
        -----
        Without K it is uniform on [0, W) with a share m / (1 + m), and W with the
        rest, the share of first messages. With K there is an atom at 0 too: those
        who fill a batch.

        Examples
        --------
        >>> FirstMessageLaw(rate=0.5, length=4.0).delay_cdf([0.0, 2.0, 3.9, 4.0])
        array([0.        , 0.33333333, 0.65      , 1.        ])
        """
        time = instants("t", t)
        d = np.clip(time, 0.0, self.length)
        room = math.inf if self.max_messages is None else self.max_messages - 1
        first = 1.0 - _at_least(room, self.rate * d)
        others = self.rate * (self._open(2, 1) - self._stopped(2, 1, d))
        cdf = 1.0 - (first + others) / self.mean_size
        cdf = np.where(time >= self.length, 1.0, np.minimum(cdf, 1.0))
        return np.where(time < 0, 0.0, cdf)

    def cycle_transform(self, s: float) -> float:
        r"""Return E exp(-s C) for the time C between two batches [per second].

        Parameters
        ----------
        s : float
            At least 0 [per second].

        Returns
        -------
        float
            In (0, 1].

        Notes
        -----
        :math:`e^{-sW} \lambda / (\lambda + s)` without K. It is the transform that
        `GIMc` takes, for batches are ready at the same gaps as they open.

        Examples
        --------
        >>> law = FirstMessageLaw(rate=0.5, length=4.0)
        >>> round(law.cycle_transform(0.25), 6), round(math.exp(-1) * 2 / 3, 6)
        (0.245253, 0.245253)
        """
        s = _validate.non_negative("s", s, "per second")
        gap = self.rate / (self.rate + s)
        by_time = math.exp(-s * self.length)
        if self.max_messages is None:
            return gap * by_time
        room = self.max_messages - 1
        full = gap**room * _at_least(room, (self.rate + s) * self.length)
        return float(gap * (full + by_time * (1.0 - self.share_full)))

    def _open(self, short: int, power: int) -> float:
        """Return a moment of how long there is room for `short` - 1 more messages."""
        return float(self._stopped(short, power, self.length))

    def _stopped(self, short: int, power: int, length: ArrayLike) -> Floats:
        """Return E min(length, S)^power, S the time until K - `short` more came."""
        end = np.asarray(length, dtype=np.float64)
        if self.max_messages is None:
            return end**power
        k = self.max_messages - short
        if k <= 0:
            return np.zeros_like(end)
        m = self.rate * end
        rising = math.prod(range(k, k + power)) / self.rate**power
        # S is a gamma law: S <= length if Poisson(m) >= k, and S^power shifts k.
        early, late = rising * _at_least(k + power, m), 1.0 - _at_least(k, m)
        return early + end**power * late


def _at_least(k: float, m: float | Floats) -> Floats:
    """Return the probability that a Poisson number with mean m is k or more."""
    from scipy.special import gammainc

    return np.asarray(gammainc(k, m) if k > 0 else np.ones_like(m))
