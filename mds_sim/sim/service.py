"""How long a job takes: a model of its service time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim.distributions import Law, as_law, draw
from mds_sim.rng import RNG, as_generator

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ServiceModel(Protocol):
    """A model of service times; a law alone (`Exponential`) will do as well.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class SquareRoot:
    ...     def sample(self, n_items, load, rng):
    ...         return np.sqrt(n_items)
    >>> service_times(SquareRoot(), n_items=[4, 9], load=[0, 0])
    array([2., 3.])
    """

    def sample(self, n_items: Ints, load: Ints, rng: np.random.Generator) -> Floats:
        """Draw the service time of each job [s], float64, shape (n_jobs,)."""


@dataclass(frozen=True)
class LinearService:
    """A fixed cost a job, a cost an item and a cost a byte, with noise.

    Parameters
    ----------
    per_job, per_item : float, optional
        Time for each job, and for each item in it [s], >= 0.
    per_byte : float, optional
        Time for each byte [s], >= 0: ``1 / (10 * MB)`` is 10 MB a second.
    noise : Law or frozen scipy.stats distribution, optional
        The time is multiplied by a draw from it; a law with mean 1 keeps means.

    Examples
    --------
    >>> service = LinearService(per_job=2.0, per_item=0.5)
    >>> service_times(service, n_items=[1, 10], load=[0, 0])
    array([2.5, 7. ])
    """

    per_job: float = 0.0
    per_item: float = 0.0
    per_byte: float = 0.0
    noise: Law | None = None

    def __post_init__(self) -> None:
        for name in ("per_job", "per_item", "per_byte"):
            _validate.non_negative(name, getattr(self, name), "s")
        if self.noise is not None:
            as_law("noise", self.noise)

    def sample(self, n_items: Ints, load: Ints, rng: np.random.Generator) -> Floats:
        """Draw the service time of each job [s], float64, shape (n_jobs,)."""
        time = self.per_job + self.per_item * n_items + self.per_byte * load
        if self.noise is not None:
            time = time * draw(self.noise, time.size, rng, name="noise")
        return time


def as_service(service: Any) -> ServiceModel | Law:
    """Return `service` if it is a model of service times or a law.

    Raises
    ------
    TypeError
        If it is neither.
    """
    has_sample = callable(getattr(service, "sample", None))
    if has_sample and not hasattr(service, "mean") and not isinstance(service, type):
        return service  # type: ignore[no-any-return]  # duck-typed, checked just above
    return as_law("service", service)


def service_times(
    service: Any, n_items: ArrayLike, load: ArrayLike, rng: RNG = None
) -> Floats:
    """Draw the service time of each job and check each of them.

    Parameters
    ----------
    service : ServiceModel, Law or frozen scipy.stats distribution
        A law gives every job a draw, whatever is in it.
    n_items, load : array_like of int, shape (n_jobs,)
        Items in each job, and their size [bytes].
    rng : numpy.random.Generator, int or None

    Returns
    -------
    ndarray of float64, shape (n_jobs,)
        Each finite and >= 0 [s].

    Raises
    ------
    ValueError
        If a service time is negative, NaN or infinite; it names the first.

    Examples
    --------
    >>> from mds_sim.distributions import Constant
    >>> service_times(Constant(3.0), n_items=[1, 50], load=[0, 0])
    array([3., 3.])
    """
    model = as_service(service)
    n_items, load = np.asarray(n_items, np.int64), np.asarray(load, np.int64)
    if hasattr(model, "mean"):
        return draw(model, n_items.size, rng, name="service")
    times = model.sample(n_items, load, as_generator(rng))
    times = _validate.durations("service times", times)
    if times.size != n_items.size:
        raise ValueError(
            f"service must give one time for each of {n_items.size} jobs, "
            f"got {times.size}"
        )
    return times
