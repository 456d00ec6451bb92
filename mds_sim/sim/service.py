"""How long a job takes: a model of its service time."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim.distributions import Law, as_law, draw
from mds_sim.rng import RNG, as_generator
from mds_sim.units import counted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ServiceModel(Protocol):
    """A model of service times; a law alone (`Exponential`) will do as well.

    Draws must be sequential: job by job they give what they give for all jobs at
    once. A simulation draws for many jobs at a time and a real run for one, and only
    then both tell one story.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class SquareRoot:
    ...     def sample(self, n_items, load, rng):
    ...         return np.sqrt(n_items)
    >>> service_times(SquareRoot(), n_items=[4, 9], load=[0, 0])
    array([2., 3.])

    Of two parts, all that is drawn for a job comes before the next job:

    >>> @dataclass(frozen=True)
    ... class TwoParts:
    ...     mean: tuple[float, float] = (30.0, 10.0)
    ...
    ...     def sample(self, n_items, load, rng):
    ...         # Not rng.exponential(30, n) + rng.exponential(10, n)!
    ...         return rng.exponential(self.mean, (n_items.size, 2)).sum(axis=1)
    >>> at_once = service_times(TwoParts(), [4, 9], [0, 0], rng=1)
    >>> rng = np.random.default_rng(1)
    >>> one_by_one = [service_times(TwoParts(), [n], [0], rng)[0] for n in (4, 9)]
    >>> at_once.tolist() == one_by_one
    True
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

    What `sample` takes tells them apart: (n_items, load, rng) or (size, rng).

    Raises
    ------
    TypeError
        If it is neither.
    """
    if _is_model(service):
        return service  # type: ignore[no-any-return]  # duck-typed, checked just above
    sample = getattr(service, "sample", None)
    mean = getattr(service, "mean", None)
    # Those of SciPy have a method `mean`, and `rvs` or a `sample` of another kind.
    of_scipy = callable(mean) or callable(getattr(service, "rvs", None))
    if isinstance(service, type) or not callable(sample) or of_scipy:
        return as_law("service", service)
    if mean is None or not _takes(sample, 2):
        raise TypeError(
            "service must have sample(n_items, load, rng), or be a law with a mean "
            f"and sample(size, rng), got {service!r}"
        )
    return as_law("service", service)


def _is_model(service: Any) -> bool:
    """Tell whether it can draw for jobs, of which it is told what is in them."""
    sample = getattr(service, "sample", None)
    if not callable(sample) or isinstance(service, type) or not _takes(sample, 3):
        return False
    is_law = hasattr(service, "mean") and _takes(sample, 2)
    return not is_law


def _takes(method: Any, n: int) -> bool:
    """Tell whether it can be called with so many arguments by position."""
    # A method is another one for each value, its function the same: found again.
    function = getattr(method, "__func__", None)
    return _accepts(method, n) if function is None else _accepts(function, n + 1)


@lru_cache(maxsize=64)
def _accepts(function: Any, n: int) -> bool:
    """Tell whether a function can be called with so many arguments by position."""
    try:
        inspect.signature(function).bind(*range(n))
    except TypeError:
        return False
    except ValueError:  # some that are written in C do not tell
        return True
    return True


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
    n_items, load = np.asarray(n_items, np.int64), np.asarray(load, np.int64)
    if not _is_model(service):
        return draw(as_service(service), n_items.size, rng, name="service")
    times = service.sample(n_items, load, as_generator(rng))
    times = _validate.durations("service times", times)
    if times.size != n_items.size:
        raise ValueError(
            "service must give one time for each of "
            f"{counted(n_items.size, 'job', spec='')}, "
            f"got {times.size}"
        )
    return times
