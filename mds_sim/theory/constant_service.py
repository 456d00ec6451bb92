r"""Poisson arrivals and constant service times: M/D/c, exactly.

Look at the queue every D, the service time: who was being done is then gone, the
next c are being done, and Poisson(a) jobs have come, with :math:`a = \lambda D`:

.. math:: N' = \max(N - c, 0) + \mathrm{Poisson}(a).

Hence the generating function of the queue length L = max(N - c, 0) is

.. math:: \mathrm{E}\,z^L
    = \frac{(c - a)(z - 1)}{z^c - e^{-a(1 - z)}} \prod_{k=1}^{c-1}
    \frac{z - z_k}{1 - z_k}

where 1 and the :math:`z_k` are the zeros of the denominator in the unit disc,

.. math:: z_k = -W(-\rho\,e^{-\rho} \omega^k) / \rho, \quad
    \omega = e^{2 \pi i / c},

with Lambert's W: there the numerator vanishes too. Its value at 0, its derivatives
at 1 and its coefficients give all that is here.

References
----------
.. [1] C. D. Crommelin (1932), Delay probability formulas when the holding times are
   constant, Post Office Electrical Engineers' Journal 25, 41-50.
.. [2] G. J. Franx (2001), A simple solution for the M/D/c waiting time distribution,
   Operations Research Letters 29, 221-229.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate

from ._queue import Queue, instants, share, steady_load

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MDc(Queue):
    r"""Poisson arrivals, one constant service time, c workers.

    Parameters
    ----------
    arrival_rate : float
        Jobs per second, > 0.
    service_time : float
        How long each job takes, D > 0 [s].
    workers : int
        How many workers there are, c >= 1.

    Raises
    ------
    ValueError
        If the workers cannot keep up: utilisation >= 1.

    Notes
    -----
    Exact [1]_, [2]_; the module says how. Each figure costs O(c). The distribution
    costs :math:`O(c / (1 - \rho))` once: up to a utilisation of 0.999, say, less
    than a tenth of a second for ten workers. Rounding errors of all probabilities
    are about 1e-15 a worker, and 1e-14 for few of them: a wait that is rarer is not
    told from an impossible one.

    References
    ----------
    .. [1] C. D. Crommelin (1932), Delay probability formulas when the holding times
       are constant, Post Office Electrical Engineers' Journal 25, 41-50.
    .. [2] G. J. Franx (2001), A simple solution for the M/D/c waiting time
       distribution, Operations Research Letters 29, 221-229.

    Examples
    --------
    >>> queue = MDc(arrival_rate=0.8, service_time=10.0, workers=10)
    >>> round(queue.waiting_probability, 4), round(queue.mean_waiting, 4)
    (0.3847, 1.0983)
    >>> queue.waiting_cdf([-1.0, 0.0, 5.0, 10.0]).round(4)
    array([0.    , 0.6153, 0.9393, 0.993 ])
    >>> round(queue.waiting_quantile(0.95), 3)
    5.438
    """

    arrival_rate: float
    service_time: float
    workers: int

    _name = "M/D/c"

    def __post_init__(self) -> None:
        _validate.positive("arrival_rate", self.arrival_rate, "per second")
        _validate.positive("service_time", self.service_time, "s")
        _validate.count("workers", self.workers)
        steady_load(self.arrival_rate, self.service_time, self.workers)

    @property
    def mean_service(self) -> float:
        """The service time [s]."""
        return self.service_time

    @property
    def waiting_probability(self) -> float:
        r"""Probability to find all busy: :math:`1 - (c - a) / \prod (1 - z_k)`."""
        free = self.workers * (1.0 - self.utilisation) / np.prod(1.0 - self._zeros)
        return max(0.0, 1.0 - float(free.real))

    @property
    def mean_queue_length(self) -> float:
        """Mean number of jobs that wait: first derivative at 1."""
        return self._queue_moments[0]

    @property
    def mean_waiting(self) -> float:
        """Mean time from ready to start, over all jobs, by Little's law [s]."""
        return self.mean_queue_length / self.arrival_rate

    @property
    def waiting_second_moment(self) -> float:
        """Mean square of the time from ready to start [s^2].

        E L (L - 1) / rate^2: a job leaves behind in the queue those that came while
        it waited, and these are Poisson.
        """
        return self._queue_moments[1] / self.arrival_rate**2

    def waiting_cdf(self, t: ArrayLike) -> Floats:
        r"""Return the probability to wait t or less.

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
        With :math:`(k - 1) D \le t < k D` it is the probability that at most
        :math:`k c - 1` jobs wait after :math:`k D - t` more seconds of arrivals [1]_.

        References
        ----------
        .. [1] G. J. Franx (2001), A simple solution for the M/D/c waiting time
           distribution, Operations Research Letters 29, 221-229.
        """
        from scipy.special import gammaln, xlogy

        time = instants("t", t)
        held = np.clip(time, 0.0, self._latest(1e-20))[..., np.newaxis]
        windows = np.floor(held / self.service_time) + 1.0
        more = self.arrival_rate * (windows * self.service_time - held)
        load = self.offered_load
        came = np.arange(int(load + 12.0 * math.sqrt(load)) + 40.0)
        weight = np.exp(xlogy(came, more) - more - gammaln(came + 1.0))
        most = (windows * self.workers - 1.0 - came).astype(np.int64)
        at_most = self._queue_cdf[np.clip(most, 0, self._queue_cdf.size - 1)]
        cdf = np.where(most < 0, 0.0, weight * at_most).sum(axis=-1)
        return np.where(time < 0, 0.0, np.clip(cdf, 0.0, 1.0))

    def waiting_quantile(self, p: float) -> float:
        """Return the waiting time that a share p of the jobs does not exceed.

        Parameters
        ----------
        p : float
            At least 0 and below 1.

        Returns
        -------
        float
            [s]; 0 if a share p does not wait at all.
        """
        from scipy.optimize import brentq

        def excess(t: float) -> float:
            return float(self.waiting_cdf(t)) - p

        latest = self._latest(1.0 - share("p", p))
        if excess(0.0) >= 0.0:
            return 0.0
        if excess(latest) <= 0.0:  # as far as rounding can tell
            return latest
        return float(brentq(excess, 0.0, latest))

    def _latest(self, late: float) -> float:
        """Return a time that waits exceed with probability `late` at most [s].

        Kingman's bound: exp(-rate (z - 1) t), z > 1 the denominator's next zero.
        """
        return -math.log(late) / (self.arrival_rate * (self._next_zero - 1.0))

    @cached_property
    def _zeros(self) -> NDArray[np.complex128]:
        """Zeros of the denominator in the unit disc, without 1."""
        from scipy.special import lambertw

        rho = self.utilisation
        turns = np.arange(1, self.workers) / self.workers
        unity = np.exp(2j * np.pi * turns)
        return np.asarray(-lambertw(-rho * math.exp(-rho) * unity) / rho)

    @property
    def _next_zero(self) -> float:
        """The zero of the denominator that is real and above 1."""
        from scipy.special import lambertw

        rho = self.utilisation
        return float(-lambertw(-rho * math.exp(-rho), -1).real / rho)

    @cached_property
    def _queue_moments(self) -> tuple[float, float]:
        """E L and E L (L - 1), by two derivatives of the logarithm at 1."""
        c, a = self.workers, self.offered_load
        gap = c * (1.0 - self.utilisation)
        first = (c * (c - 1) - a**2) / (2.0 * gap)
        second = (c * (c - 1) * (c - 2) - a**3) / (6.0 * gap)
        near = 1.0 / (1.0 - self._zeros)
        mean = float(near.sum().real) - first
        curve = first**2 - 2.0 * second - float((near**2).sum().real)
        return max(0.0, mean), max(0.0, curve + mean**2)

    @cached_property
    def _queue_cdf(self) -> Floats:
        """P(L <= j), j = 0, 1, ...: the coefficients, by a Fourier transform."""
        # Beyond `reach` lies a probability of 1e-18; a power of two is transformed
        # fast.
        reach = 64.0 + 42.0 / math.log(self._next_zero)
        size = 2 ** math.ceil(math.log2(reach))
        angle = 2.0 * np.pi * np.arange(1, size // 2 + 1) / size
        w = np.exp(1j * angle)  # 1/z, on the unit circle; at z = 1 the value is 1
        a = self.offered_load
        log = np.log((self.workers - a) * (1.0 - w))
        for zero in self._zeros:
            log += np.log((1.0 - zero * w) / (1.0 - zero))
        turn = self.workers * angle - a * np.sin(angle)
        below = -np.expm1(-2.0 * a * np.sin(angle / 2.0) ** 2 + 1j * turn)
        values = np.concatenate([[1.0], np.exp(log) / below])
        return np.cumsum(np.fft.irfft(values, size))
