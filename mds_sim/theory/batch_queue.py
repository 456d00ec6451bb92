r"""The queue of mini-batches: gaps of any law and exponential service, GI/M/c.

First-message windows make batches ready one by one, each a window of W and an
exponential gap after the one before. That is far more even than a Poisson stream, so
formulas for Poisson arrivals say far too much waiting. With exponential service
times there is an exact answer for gaps A of any law, through its transform
:math:`\varphi(s) = \mathrm{E}\,e^{-sA}` [1]_. Whoever waits, waits an exponential
time with the rate :math:`\mu x`, where x in (0, c) is the root of

.. math:: c\,(1 - \varphi(\mu x)) = x

and the probability of waiting is, with :math:`\varphi_j = \varphi(j \mu)`,

.. math:: p = \Bigl(1 + \frac{x}{c} \sum_{j=1}^{c} \binom{c}{j} \frac{1}{1 -
    \varphi_j} \prod_{i=1}^{j} \frac{1 - \varphi_i}{\varphi_i} \cdot
    \frac{c (1 - \varphi_j) - j}{x - j} \Bigr)^{-1}.

Every term is positive, so nothing cancels: :math:`c (1 - \varphi(\mu y)) - y` is
concave in y with zeros at 0 and x.

References
----------
.. [1] L. Takács (1962), *Introduction to the Theory of Queues*, ch. 2 (many servers):
   there :math:`\omega = 1 - x / c`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from mds_sim import _validate

from ._queue import ExponentialWaits, Floats, instants, share, steady_load
from .poisson import FirstMessageLaw

Transform = Callable[[float], float]

_STEP = 1e-5  # nearer to x than this, a difference quotient is taken as a derivative


def no_wait_limit(length: float, workers: int) -> float:
    """Return the longest service time with which no batch ever waits.

    Parameters
    ----------
    length : float
        Length of a window [s], > 0, closed by time only.
    workers : int
        How many workers there are, c >= 1.

    Returns
    -------
    float
        c * length [s]. If every service takes that or less, nobody waits, whatever
        the stream, the law of the service times and what they depend on.

    Notes
    -----
    Each window ends at least its length after the one before, so batch n + c is
    ready at least c * length after batch n. If no batch up to n + c - 1 waited, then
    those up to n are done by now, and the other c - 1 leave a worker free.
    A limit on the messages of a batch breaks this: full batches come faster.

    Examples
    --------
    Ten workers and windows of five minutes: anything up to 50 minutes.

    >>> no_wait_limit(length=300, workers=10)
    3000.0
    """
    length = _validate.positive("length", length, "s")
    return _validate.count("workers", workers) * length


class TakacsQueue(ExponentialWaits):
    """GI/M/c by the transform of the gaps; the module says how."""

    _least_idle: ClassVar[float]  # 1 - utilisation, below which rounding errors rule

    def _check_load(self) -> None:
        """Refuse a load that has no steady state, or none that can be computed."""
        load = steady_load(self.arrival_rate, self.mean_service, self.workers)
        if load > 1.0 - self._least_idle:
            raise ValueError(
                f"utilisation must be <= 1 - {self._least_idle:g}, or rounding errors "
                f"would count, got {load!r}"
            )

    @abstractmethod
    def _transform(self, s: float) -> float:
        """Return E exp(-s A) for a gap A between two arrivals; s [per second]."""

    @property
    def waiting_decay(self) -> float:
        """Decay of the waiting time of those who wait: mu x [per second]."""
        return self._root / self.mean_service

    @cached_property
    def waiting_probability(self) -> float:
        """Probability that a job finds all workers busy (not the share of time)."""
        c, x = self.workers, self._root
        j = np.arange(1, c + 1)
        rest = np.array([self._rest(k / self.mean_service) for k in j.tolist()])
        # Where that is infinite, a wait is rarer than the smallest float.
        with np.errstate(divide="ignore", over="ignore"):
            terms = np.cumprod((c - j + 1) / j * rest / (1.0 - rest)) / rest
            terms *= [self._quotient(float(k)) for k in j]
        return float(1.0 / (1.0 + x / c * terms.sum()))

    def _rest(self, s: float) -> float:
        """Return 1 minus the transform; a subclass may know how without rounding."""
        return 1.0 - self._transform(s)

    def _above(self, y: float) -> float:
        """Return c (1 - phi(mu y)) - y: positive between its zeros 0 and x."""
        return self.workers * self._rest(y / self.mean_service) - y

    @cached_property
    def _root(self) -> float:
        """The positive zero x, in (0, c)."""
        from scipy.optimize import brentq

        low = high = float(self.workers)
        while self._above(low) <= 0.0:
            low, high = low / 2.0, low
            if low < 1e-12:
                raise ValueError(
                    "transform must be that of gaps, exact to rounding: it leaves no "
                    f"root at a utilisation of {self.utilisation!r}"
                )
        return float(brentq(self._above, low, high, xtol=1e-300, rtol=1e-15))

    def _quotient(self, j: float) -> float:
        """Return (c (1 - phi_j) - j) / (x - j), also where that is 0 / 0."""
        x = self._root
        if abs(j - x) > _STEP:
            return self._above(j) / (x - j)
        middle = (j + x) / 2.0
        rise = self._above(middle + _STEP) - self._above(middle - _STEP)
        return -rise / (2.0 * _STEP)


@dataclass(frozen=True)
class GIMc(TakacsQueue):
    r"""Independent gaps of any law, exponential service times, c workers.

    Parameters
    ----------
    transform : callable
        Takes s >= 0 [per second] and returns :math:`\mathrm{E}\,e^{-sA}` for the gap
        A between two arrivals.
    arrival_rate : float
        Jobs per second, > 0: one over the mean gap.
    mean_service : float
        Mean service time [s], > 0.
    workers : int
        How many workers there are, >= 1.

    Raises
    ------
    ValueError
        If the workers cannot keep up (utilisation >= 1) or hardly (above 1 - 1e-6),
        or if the transform is not that of gaps with this rate.

    Notes
    -----
    Exact [1]_; the module says how. Cost O(c) calls of the transform. Rounding
    errors are about 1e-9 of a figure, or 1e-16 / (1 - utilisation)^2 if that is more:
    so near to 1 a transform is hardly less than 1.

    References
    ----------
    .. [1] L. Takács (1962), *Introduction to the Theory of Queues*, ch. 2.

    Examples
    --------
    Arrivals by the clock, one a second:

    >>> queue = GIMc(lambda s: math.exp(-s), 1.0, mean_service=8.0, workers=10)
    >>> round(queue.waiting_probability, 4), round(queue.mean_waiting, 4)
    (0.2249, 0.4844)

    Batches of first-message windows that also close when they hold 60 messages:

    >>> law = FirstMessageLaw(rate=10 / 60, length=300, max_messages=60)
    >>> queue = GIMc(law.cycle_transform, law.batch_rate, 2400.0, workers=10)
    >>> round(queue.mean_waiting, 1)
    126.6
    """

    transform: Transform
    arrival_rate: float
    mean_service: float
    workers: int

    _name = "GI/M/c"
    _least_idle = 1e-6

    def __post_init__(self) -> None:
        rate = _validate.positive("arrival_rate", self.arrival_rate, "per second")
        _validate.positive("mean_service", self.mean_service, "s")
        _validate.count("workers", self.workers)
        # The less s, the nearer is the slope to the mean, however large the variance
        # of the gaps; but the more it suffers from a transform that is not exact.
        slopes = [self._rest(s) / s for s in (1e-6 * rate, 1e-8 * rate, 1e-10 * rate)]
        if not any(math.isclose(rate * slope, 1.0, rel_tol=1e-3) for slope in slopes):
            raise ValueError(
                f"transform must be 1 - s / arrival_rate for small s, so that mean "
                f"gaps are {1.0 / rate:.6g} s, got mean gaps of {slopes[-1]:.4g} s"
            )
        self._check_load()

    def _transform(self, s: float) -> float:
        """Return E exp(-s A) for a gap A between two arrivals."""
        return self.transform(s)


@dataclass(frozen=True)
class BatchQueue(TakacsQueue):
    r"""First-message windows on a Poisson stream, exponential service, c workers.

    Parameters
    ----------
    rate : float
        Messages per second, > 0.
    length : float
        Length of a window [s], > 0.
    mean_service : float
        Mean service time of a batch [s], > 0, whatever its size.
    workers : int
        How many workers there are, >= 1.

    Raises
    ------
    ValueError
        If the workers cannot keep up (utilisation >= 1), or hardly (above 1 - 1e-9).

    Notes
    -----
    Batches are ready at gaps of W + Exp(:math:`\lambda`), independent of their sizes
    (`FirstMessageLaw`), so this is exactly GI/M/c with

    .. math:: \mathrm{E}\,e^{-sA} = e^{-sW} \frac{\lambda}{\lambda + s}.

    Here a job is a batch: waiting and sojourn are those of a batch from the end of
    its window on. `mean_latency` is that of a message. Rounding errors are about 1e-9
    of a figure, or 1e-15 / (1 - utilisation) if that is more.

    References
    ----------
    .. [1] L. Takács (1962), *Introduction to the Theory of Queues*, ch. 2.

    Examples
    --------
    Ten messages a minute, windows of five minutes, 2,448 s of work a batch for ten
    workers: a batch waits two and a half minutes, not the eight of M/M/c.

    >>> queue = BatchQueue(rate=10 / 60, length=300, mean_service=2448, workers=10)
    >>> print(queue)
    Mini-batches, GI/M/c: 10 workers
      utilisation                  0.8
      offered load [erlang]          8
      probability of waiting     0.225
      mean waiting            2.47 min
      mean sojourn            43.3 min
      mean queue length         0.4848
    >>> round(queue.mean_latency / 60, 1)  # of a message [min]
    45.8
    """

    rate: float
    length: float
    mean_service: float
    workers: int

    _name = "Mini-batches, GI/M/c"
    _least_idle = 1e-9

    def __post_init__(self) -> None:
        _ = self.law  # checks both of its arguments
        _validate.positive("mean_service", self.mean_service, "s")
        _validate.count("workers", self.workers)
        self._check_load()

    @property
    def law(self) -> FirstMessageLaw:
        """The law of the batches, their sizes and their gaps."""
        return FirstMessageLaw(self.rate, self.length)

    @property
    def arrival_rate(self) -> float:
        """Batches per second: rate / (1 + rate * length)."""
        return self.law.batch_rate

    @property
    def mean_latency(self) -> float:
        """Mean time from a message's arrival to the finish of its batch [s].

        Mean delay to the end of its window + mean waiting + mean service: a batch's
        waiting depends on the gaps before it, not on its size, so that messages see
        the same mean as batches.
        """
        return self.law.mean_delay + self.mean_sojourn

    def latency_cdf(self, t: ArrayLike) -> Floats:
        r"""Return the probability that a message is done within t of its arrival.

        Parameters
        ----------
        t : array_like of float
            Times [s]; 0 for those below 0.

        Returns
        -------
        ndarray of float64
            In the shape of `t`.

        Notes
        -----
        Exact: the delay to the end of the window (W for first messages, uniform for
        the others), the waiting of the batch (0, or exponential) and its service
        (exponential) are independent. Cost O(1) each.

        Examples
        --------
        >>> queue = BatchQueue(rate=10 / 60, length=300, mean_service=60, workers=10)
        >>> queue.latency_cdf([60.0, 300.0, 600.0]).round(4)
        array([0.0721, 0.7856, 0.9986])
        """
        time = instants("t", t)
        d = np.maximum(time, 0.0)
        after = np.maximum(d - self.length, 0.0)
        first = np.where(d < self.length, 1.0, self._late(after))
        others = np.maximum(self.length - d, 0.0)
        others = (others + self._late_for(after) - self._late_for(d)) / self.length
        late = others + (first - others) / self.law.mean_size
        return np.where(time < 0, 0.0, np.clip(1.0 - late, 0.0, 1.0))

    def latency_quantile(self, p: float) -> float:
        """Return the time within which a share p of the messages is done.

        Parameters
        ----------
        p : float
            At least 0 and below 1.

        Returns
        -------
        float
            [s], from a message's arrival to the finish of its batch.

        Examples
        --------
        Nearly all of it is the window and the service, not waiting:

        >>> queue = BatchQueue(rate=10 / 60, length=300, mean_service=60, workers=10)
        >>> round(queue.latency_quantile(0.99), 1)
        483.9
        """
        from scipy.optimize import brentq

        p = share("p", p)
        high = self.length + self.mean_service
        while float(self.latency_cdf(high)) <= p:
            high *= 2.0
        return float(brentq(lambda t: float(self.latency_cdf(t)) - p, 0.0, high))

    def _late(self, t: Floats) -> Floats:
        """Return the probability that waiting and service take more than t."""
        from scipy.special import exprel

        slow, fast = sorted((self.waiting_decay, 1.0 / self.mean_service))
        both = np.exp(-slow * t) * (1.0 + slow * t * exprel((slow - fast) * t))
        one, p = np.exp(-t / self.mean_service), self.waiting_probability
        return np.asarray(one + p * (both - one))

    def _late_for(self, t: Floats) -> Floats:
        """Return the integral of that probability from t on [s]."""
        from scipy.special import exprel

        slow, fast = sorted((self.waiting_decay, 1.0 / self.mean_service))
        rest = slow / fast * t * exprel((slow - fast) * t)
        both = np.exp(-slow * t) * (1.0 / slow + 1.0 / fast + rest)
        one = self.mean_service * np.exp(-t / self.mean_service)
        return np.asarray(one + self.waiting_probability * (both - one))

    def _transform(self, s: float) -> float:
        """Return E exp(-s A) for the gap A between two batches."""
        return self.law.cycle_transform(s)

    def _rest(self, s: float) -> float:
        """Return 1 minus the transform, to the last digits for small s too."""
        return -math.expm1(-s * self.length - math.log1p(s / self.rate))
