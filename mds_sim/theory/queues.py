"""Queues with Poisson arrivals: Erlang's formulas, M/M/c and M/G/1.

Erlang's are computed by a recursion in which nothing cancels or overflows.

Examples
--------
Ten workers, a job every six minutes, 48 minutes each:

>>> queue = MMc(arrival_rate=1 / 360, service_rate=1 / 2880, workers=10)
>>> print(queue)
M/M/c: 10 workers
  utilisation                  0.8
  offered load [erlang]          8
  probability of waiting    0.4092
  mean waiting              9.82 min
  mean sojourn              57.8 min
  mean queue length          1.637
"""

from __future__ import annotations

from dataclasses import dataclass

from mds_sim import _validate
from mds_sim.units import counted

from ._queue import ExponentialWaits, Queue, littles_law, steady_load

__all__ = ["MG1", "MMc", "erlang_b", "erlang_c", "littles_law"]


def erlang_b(workers: int, offered_load: float) -> float:
    r"""Return the share of jobs that find all workers busy when nobody waits.

    Parameters
    ----------
    workers : int
        How many workers there are, c >= 0.
    offered_load : float
        Arrival rate * mean service time, a >= 0 [erlang].

    Returns
    -------
    float
        The share of jobs that are lost.

    Notes
    -----
    Poisson arrivals, any law of service times. With :math:`B(0) = 1`,

    .. math:: B(k) = \frac{a\,B(k - 1)}{k + a\,B(k - 1)},

    which is :math:`(a^c / c!) / \sum_{k \le c} a^k / k!` at k = c. Cost O(c).

    References
    ----------
    .. [1] A. K. Erlang (1917), Solution of some problems in the theory of
       probabilities of significance in automatic telephone exchanges.
    .. [2] R. B. Cooper (1981), *Introduction to Queueing Theory*, 2nd ed., sec. 3.3.

    Examples
    --------
    >>> round(erlang_b(10, 5.0), 6)
    0.018385
    """
    workers = _validate.count("workers", workers, least=0)
    load = _validate.non_negative("offered_load", offered_load, "erlang")
    blocked = 1.0
    for k in range(1, workers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


def erlang_c(workers: int, offered_load: float) -> float:
    r"""Return the probability that a job has to wait in an M/M/c queue.

    Parameters
    ----------
    workers : int
        How many workers there are, c >= 1.
    offered_load : float
        Arrival rate * mean service time, 0 <= a < c [erlang].

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the load is not below the number of workers.

    Notes
    -----
    Poisson arrivals, exponential service times. With Erlang B,

    .. math:: C = \frac{B(c)}{1 - (a / c) (1 - B(c))}.

    References
    ----------
    .. [1] R. B. Cooper (1981), *Introduction to Queueing Theory*, 2nd ed., sec. 3.4.

    Examples
    --------
    >>> round(erlang_c(10, 8.0), 6)
    0.40918
    """
    workers = _validate.count("workers", workers)
    load = _validate.non_negative("offered_load", offered_load, "erlang")
    if load >= workers:
        raise ValueError(
            f"offered_load must be < {workers} erlang for "
            f"{counted(workers, 'worker', spec='')} to keep up, got {offered_load!r}"
        )
    blocked = erlang_b(workers, load)
    return blocked / (1.0 - load / workers * (1.0 - blocked))


@dataclass(frozen=True)
class MMc(ExponentialWaits):
    r"""Poisson arrivals, exponential service times, c workers.

    Parameters
    ----------
    arrival_rate : float
        Jobs per second, > 0.
    service_rate : float
        Jobs that one worker does per second of work, > 0.
    workers : int
        How many workers there are, >= 1.

    Raises
    ------
    ValueError
        If the workers cannot keep up: utilisation >= 1.

    Notes
    -----
    A job waits with the probability C of `erlang_c`, and then an exponential time:

    .. math:: P(W > t) = C\,e^{-(c \mu - \lambda) t}, \quad
        \mathrm{E}\,W = \frac{C}{c \mu - \lambda}.

    References
    ----------
    .. [1] R. B. Cooper (1981), *Introduction to Queueing Theory*, 2nd ed., sec. 3.4.

    Examples
    --------
    >>> queue = MMc(arrival_rate=0.8, service_rate=0.1, workers=10)
    >>> round(queue.waiting_probability, 4), round(queue.mean_waiting, 4)
    (0.4092, 2.0459)
    >>> round(queue.waiting_quantile(0.95), 2)
    10.51
    """

    arrival_rate: float
    service_rate: float
    workers: int

    _name = "M/M/c"

    def __post_init__(self) -> None:
        _validate.positive("arrival_rate", self.arrival_rate, "per second")
        _validate.positive("service_rate", self.service_rate, "per second")
        _validate.count("workers", self.workers)
        steady_load(self.arrival_rate, self.mean_service, self.workers)

    @property
    def mean_service(self) -> float:
        """Mean service time: 1 / service rate [s]."""
        return 1.0 / self.service_rate

    @property
    def waiting_probability(self) -> float:
        """Probability that a job finds all workers busy: Erlang C."""
        return erlang_c(self.workers, self.offered_load)

    @property
    def waiting_decay(self) -> float:
        """Decay of the waiting time of those who wait: c mu - lambda [per second]."""
        return self.workers * self.service_rate * (1.0 - self.utilisation)  # > 0


@dataclass(frozen=True)
class MG1(Queue):
    r"""Poisson arrivals, any law of service times, one worker.

    Parameters
    ----------
    arrival_rate : float
        Jobs per second, > 0.
    mean_service : float
        Mean service time [s], > 0.
    scv : float, optional
        Squared coefficient of variation of the service time, >= 0: 1 for the
        exponential law (M/M/1), 0 for a constant (M/D/1).

    Raises
    ------
    ValueError
        If the worker cannot keep up: utilisation >= 1.

    Notes
    -----
    The formula of Pollaczek and Khinchine, with the utilisation :math:`\rho`:

    .. math:: \mathrm{E}\,W = \frac{\lambda\,\mathrm{E}\,S^2}{2 (1 - \rho)}
        = \frac{\rho\,\mathrm{E}\,S}{1 - \rho} \cdot \frac{1 + \mathrm{scv}}{2}.

    References
    ----------
    .. [1] L. Kleinrock (1975), *Queueing Systems*, vol. 1, sec. 5.6.

    Examples
    --------
    Constant service times halve the waiting:

    >>> MG1(arrival_rate=0.5, mean_service=1.0, scv=1.0).mean_waiting
    1.0
    >>> MG1(arrival_rate=0.5, mean_service=1.0, scv=0.0).mean_waiting
    0.5
    """

    arrival_rate: float
    mean_service: float
    scv: float = 1.0

    _name = "M/G/1"

    def __post_init__(self) -> None:
        _validate.positive("arrival_rate", self.arrival_rate, "per second")
        _validate.positive("mean_service", self.mean_service, "s")
        _validate.non_negative("scv", self.scv)
        steady_load(self.arrival_rate, self.mean_service, self.workers)

    @property
    def workers(self) -> int:
        """One."""
        return 1

    @property
    def waiting_probability(self) -> float:
        """Probability that a job finds the worker busy: the utilisation."""
        return self.utilisation

    @property
    def mean_waiting(self) -> float:
        """Mean time from ready to start, by Pollaczek and Khinchine [s]."""
        ahead = self.utilisation * self.mean_service * (1.0 + self.scv) / 2.0
        return ahead / (1.0 - self.utilisation)
