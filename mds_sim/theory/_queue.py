"""What all queues share: their load, Little's law, and a table of figures."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import html_table, text_table
from mds_sim.units import counted, format_seconds

Floats = NDArray[np.float64]


def littles_law(rate: float, sojourn: float) -> float:
    r"""Return how many are present on average: :math:`L = \lambda W`.

    Parameters
    ----------
    rate : float
        How many come per second, >= 0.
    sojourn : float
        How long each stays on average [s], >= 0.

    Returns
    -------
    float
        The mean number present over time.

    Notes
    -----
    It holds for any part of a system, whatever the laws, the order of service and
    the dependences, as long as both means exist: for the queue with the waiting
    time, for the workers with the service time, for both with the sojourn time.

    References
    ----------
    .. [1] J. D. C. Little (1961), A proof for the queuing formula L = λW,
       Operations Research 9, 383-387.

    Examples
    --------
    A batch every 306 s, each 1,530 s with a worker: five workers are busy.

    >>> littles_law(1 / 306, 1530)
    5.0
    """
    rate = _validate.non_negative("rate", rate, "per second")
    return rate * _validate.non_negative("sojourn", sojourn, "s")


def steady_load(arrival_rate: float, mean_service: float, workers: int) -> float:
    """Return the utilisation of a queue, or refuse what has no steady state."""
    utilisation = arrival_rate * mean_service / workers
    if utilisation >= 1.0:
        raise ValueError(
            f"utilisation must be < 1 for a steady state, got {utilisation:.6g} "
            f"(arrival_rate {arrival_rate:.6g} * mean service {mean_service:.6g} s "
            f"/ {counted(workers, 'worker', spec='')})"
        )
    return utilisation


class Queue(ABC):
    """A queue in its steady state; first come, first served.

    Times are in seconds, rates per second. What a subclass is made of are its
    fields; here is what follows from its mean waiting time.
    """

    _name: ClassVar[str]

    # Fields of most subclasses, so no property must be inherited: a dataclass would
    # take it for the field's default.
    if TYPE_CHECKING:

        @property
        def arrival_rate(self) -> float:
            """Jobs per second."""

        @property
        def mean_service(self) -> float:
            """Mean service time [s]."""

        @property
        def workers(self) -> int:
            """How many jobs can be done at a time."""

    @property
    @abstractmethod
    def waiting_probability(self) -> float:
        """Probability that a job finds all workers busy."""

    @property
    @abstractmethod
    def mean_waiting(self) -> float:
        """Mean time from ready to start, over all jobs [s]."""

    @property
    def offered_load(self) -> float:
        """Mean number of busy workers: arrival rate * mean service [erlang]."""
        return littles_law(self.arrival_rate, self.mean_service)

    @property
    def utilisation(self) -> float:
        """Share of the workers' time that is work, in [0, 1)."""
        return self.offered_load / self.workers

    @property
    def mean_sojourn(self) -> float:
        """Mean time from ready to finish: mean waiting + mean service [s]."""
        return self.mean_waiting + self.mean_service

    @property
    def mean_queue_length(self) -> float:
        """Mean number of jobs that wait, by Little's law."""
        return littles_law(self.arrival_rate, self.mean_waiting)

    @property
    def mean_jobs(self) -> float:
        """Mean number of jobs that wait or are being done, by Little's law."""
        return littles_law(self.arrival_rate, self.mean_sojourn)

    def _title(self) -> str:
        """Return the queue's name in Kendall's notation, and its workers."""
        return f"{self._name}: {counted(self.workers, 'worker', spec='')}"

    def _rows(self) -> list[tuple[str, str]]:
        """Return the figures that people ask for first, as words."""
        return [
            ("utilisation", f"{self.utilisation:.4g}"),
            ("offered load [erlang]", f"{self.offered_load:.4g}"),
            ("probability of waiting", f"{self.waiting_probability:.4g}"),
            ("mean waiting", format_seconds(self.mean_waiting)),
            ("mean sojourn", format_seconds(self.mean_sojourn)),
            ("mean queue length", f"{self.mean_queue_length:.4g}"),
        ]

    def __str__(self) -> str:
        return text_table(self._title(), self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._title(), self._rows())


class ExponentialWaits(Queue):
    r"""A queue in which whoever waits, waits an exponential time.

    :math:`P(W > t) = p\,e^{-\theta t}`, with p the probability of waiting and
    :math:`\theta` the rate at which waits decay. It is so with exponential service
    times, whatever the law of the gaps between arrivals.
    """

    @property
    @abstractmethod
    def waiting_decay(self) -> float:
        """Decay of the waiting time of those who wait, theta [per second]."""

    @property
    def mean_waiting(self) -> float:
        """Mean time from ready to start, over all jobs: p / theta [s]."""
        return self.waiting_probability / self.waiting_decay

    @property
    def waiting_second_moment(self) -> float:
        """Mean square of the time from ready to start: 2 p / theta^2 [s^2]."""
        return 2.0 * self.mean_waiting / self.waiting_decay

    def waiting_cdf(self, t: ArrayLike) -> Floats:
        """Return the probability to wait t or less: 1 - p exp(-theta t).

        Parameters
        ----------
        t : array_like of float
            Times [s]; 0 for those below 0.

        Returns
        -------
        ndarray of float64
            In the shape of `t`.
        """
        time = instants("t", t)
        late = np.exp(-self.waiting_decay * np.maximum(time, 0.0))
        return np.where(time < 0, 0.0, 1.0 - self.waiting_probability * late)

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
        late = 1.0 - share("p", p)
        if late >= self.waiting_probability:
            return 0.0
        return math.log(self.waiting_probability / late) / self.waiting_decay


def instants(name: str, values: ArrayLike) -> Floats:
    """Return times [s] of any shape as float64; none may be NaN."""
    array = np.asarray(values, np.float64)
    if np.isnan(array).any():
        raise ValueError(f"{name} must be times [s], got nan")
    return array


def share(name: str, value: float) -> float:
    """Return `value` as a float of at least 0 and below 1."""
    number = _validate.finite(name, value)
    if not 0.0 <= number < 1.0:
        raise ValueError(f"{name} must be >= 0 and < 1, got {value!r}")
    return number
