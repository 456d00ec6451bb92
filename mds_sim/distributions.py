"""Laws of chance with a mean and a squared coefficient of variation.

Wherever a law is taken, a frozen ``scipy.stats`` distribution will do as well.
Draws are sequential: n draws of one value equal one draw of n values, so a run
that draws as it goes and a simulation that draws at once see the same numbers.
Those of SciPy are therefore drawn by their inverse, ``ppf``, one uniform number
each; one that has none draws by ``rvs``, which need not be sequential.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim.units import counted

from . import _validate
from .rng import RNG, as_generator

Array = NDArray[np.float64]


@runtime_checkable
class Law(Protocol):
    """A law: a mean, and a way to draw from it.

    Your own law needs these two names only; a frozen dataclass makes a good one.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Coin:
    ...     mean: float = 0.5
    ...
    ...     def sample(self, size, rng):
    ...         return (rng.random(size) < 0.5).astype(float)
    >>> draw(Coin(), 4, rng=1)
    array([0., 0., 1., 0.])
    """

    @property
    def mean(self) -> float:
        """The expected value."""

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw `size` values, float64, shape (size,)."""


@dataclass(frozen=True)
class Exponential:
    """The exponential law, the gap between the events of a Poisson process.

    Parameters
    ----------
    mean : float
        Mean, > 0. The squared coefficient of variation (scv) is 1.

    Examples
    --------
    >>> draw(Exponential(6.0), 2, rng=1).round(3)
    array([6.438, 1.851])
    """

    mean: float

    def __post_init__(self) -> None:
        _validate.positive("mean", self.mean)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation, Var X / (E X)^2."""
        return 1.0

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw `size` values, float64, shape (size,)."""
        # The same numbers as rng.exponential(mean, size), in half the time.
        return rng.standard_exponential(size) * self.mean


@dataclass(frozen=True)
class Gamma:
    """The gamma law by its mean and squared coefficient of variation.

    Parameters
    ----------
    mean : float
        Mean, > 0.
    scv : float
        Var X / (E X)^2, > 0: the shape is 1 / scv, the scale mean * scv.

    Examples
    --------
    >>> draw(Gamma(2.0, scv=0.25), 2, rng=1).round(3)
    array([2.185, 2.168])
    """

    mean: float
    scv: float

    def __post_init__(self) -> None:
        _validate.positive("mean", self.mean)
        _validate.positive("scv", self.scv)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw `size` values, float64, shape (size,)."""
        return rng.gamma(1.0 / self.scv, self.mean * self.scv, size)


@dataclass(frozen=True)
class LogNormal:
    """The lognormal law by its mean and squared coefficient of variation.

    Parameters
    ----------
    mean : float
        Mean of the values (not of their logarithms), > 0.
    scv : float
        Var X / (E X)^2, > 0: sigma^2 = log(1 + scv), mu = log(mean) - sigma^2/2.

    Examples
    --------
    >>> draw(LogNormal(1.0, scv=0.1), 2, rng=1).round(3)
    array([1.061, 1.229])
    """

    mean: float
    scv: float

    def __post_init__(self) -> None:
        _validate.positive("mean", self.mean)
        _validate.positive("scv", self.scv)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw `size` values, float64, shape (size,)."""
        variance = math.log1p(self.scv)
        return rng.lognormal(
            math.log(self.mean) - variance / 2, math.sqrt(variance), size
        )


@dataclass(frozen=True)
class Constant:
    """Always the same value.

    Parameters
    ----------
    value : float
        The value, >= 0.

    Examples
    --------
    >>> draw(Constant(3.0), 2)
    array([3., 3.])
    """

    value: float

    def __post_init__(self) -> None:
        _validate.non_negative("value", self.value)

    @property
    def mean(self) -> float:
        """The expected value."""
        return float(self.value)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation, Var X / (E X)^2."""
        return 0.0

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw `size` values, float64, shape (size,)."""
        return np.full(size, float(self.value))


@dataclass(frozen=True)
class Uniform:
    """The uniform law on [low, high).

    Parameters
    ----------
    low, high : float
        Ends of the interval, 0 <= low < high.

    Examples
    --------
    >>> draw(Uniform(10, 20), 2, rng=1).round(3)
    array([15.118, 19.505])
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        low = _validate.non_negative("low", self.low)
        high = _validate.positive("high", self.high)
        if low >= high:
            raise ValueError(f"high must be > low = {self.low!r}, got {self.high!r}")

    @property
    def mean(self) -> float:
        """The expected value."""
        return (self.low + self.high) / 2

    @property
    def scv(self) -> float:
        """Squared coefficient of variation, Var X / (E X)^2."""
        return (self.high - self.low) ** 2 / 12 / self.mean**2

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw `size` values, float64, shape (size,)."""
        return rng.uniform(self.low, self.high, size)


@dataclass(frozen=True, eq=False)
class Empirical:
    """Draw with replacement from values that were measured.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        The measured values, each finite and >= 0; at least one.

    Examples
    --------
    >>> draw(Empirical([1, 2, 40]), 4, rng=1)
    array([ 2., 40.,  1., 40.])
    """

    values: ArrayLike

    def __post_init__(self) -> None:
        values = _validate.durations("values", self.values)
        if not values.size:
            raise ValueError("values must hold at least one value, got none")
        object.__setattr__(self, "values", _validate.sealed(values))

    def __repr__(self) -> str:
        n = counted(len(self._array), "value", spec="")
        return f"Empirical({n}, mean={self.mean:.4g})"

    @property
    def _array(self) -> Array:
        """The values as the array that they are."""
        return np.asarray(self.values, dtype=np.float64)

    @property
    def mean(self) -> float:
        """The expected value."""
        return float(self._array.mean())

    @property
    def scv(self) -> float:
        """Squared coefficient of variation, Var X / (E X)^2."""
        return float(self._array.var() / self.mean**2) if self.mean else 0.0

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw `size` values, float64, shape (size,)."""
        index = (rng.random(size) * self._array.size).astype(np.int64)
        return self._array[index]


@dataclass(frozen=True, eq=False)
class _SciPyLaw:
    """A frozen ``scipy.stats`` distribution in the dress of a `Law`."""

    frozen: Any

    @property
    def mean(self) -> float:
        return float(self.frozen.mean())

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        if not hasattr(self.frozen, "rvs"):  # those that SciPy makes since 1.15
            return np.asarray(self.frozen.sample(size, rng=rng), np.float64)
        if hasattr(self.frozen, "ppf"):
            # One number a draw, so that draws are sequential; those of rvs need not be.
            values = np.asarray(self.frozen.ppf(rng.random(size)), np.float64)
            if np.isfinite(values).all():
                return values
        return np.asarray(self.frozen.rvs(size=size, random_state=rng), np.float64)


def as_law(name: str, law: Any) -> Law:
    """Return `law` as a `Law`, whether it is ours, a user's or SciPy's.

    Parameters
    ----------
    name : str
        Name of the argument, for the error.
    law : Law or frozen scipy.stats distribution

    Raises
    ------
    TypeError
        If `law` can do neither ``sample(size, rng)`` nor ``rvs(size=...)``.

    Examples
    --------
    >>> from scipy import stats
    >>> as_law("service", stats.expon(scale=4)).mean
    4.0
    """
    if isinstance(law, type):
        raise TypeError(f"{name} must be a law, got the class {law.__name__}: call it")
    mean = getattr(law, "mean", None)  # SciPy's is a method, ours is not
    has_sample = callable(getattr(law, "sample", None)) and mean is not None
    if has_sample and not callable(mean):
        return law  # type: ignore[no-any-return]  # duck-typed, checked just above
    if has_sample or callable(getattr(law, "rvs", None)):
        return _SciPyLaw(law)
    raise TypeError(
        f"{name} must be a law such as Exponential(mean) or a frozen "
        f"scipy.stats distribution, got {law!r}"
    )


def draw(law: Any, size: int, rng: RNG = None, *, name: str = "law") -> Array:
    """Draw `size` values from a law and check each of them.

    Parameters
    ----------
    law : Law or frozen scipy.stats distribution
    size : int
        How many values, >= 0.
    rng : numpy.random.Generator, int or None

    Returns
    -------
    ndarray of float64, shape (size,)
        Each finite and >= 0.

    Raises
    ------
    ValueError
        If the law draws a negative, NaN or infinite value; it names the first.

    Examples
    --------
    >>> draw(Constant(2.5), 3)
    array([2.5, 2.5, 2.5])
    """
    size = _validate.count("size", size, least=0)
    values = as_law(name, law).sample(size, as_generator(rng))
    values = _validate.durations(f"draws of {name}", values)
    if values.size != size:
        raise ValueError(
            f"{name} must draw {counted(size, 'value', spec='')}, got {values.size}"
        )
    return values


def draw_sizes(law: Any, size: int, rng: RNG = None) -> NDArray[np.int64]:
    """Draw sizes in whole bytes: rounded, at least 1.

    Parameters
    ----------
    law : Law or frozen scipy.stats distribution
        Law of a size [bytes].
    size : int
        How many, >= 0.
    rng : numpy.random.Generator, int or None

    Returns
    -------
    ndarray of int64, shape (size,)

    Examples
    --------
    >>> draw_sizes(Exponential(1000), 3, rng=1)
    array([1073,  308, 5375])
    """
    values = np.maximum(np.rint(draw(law, size, rng, name="sizes")), 1.0)
    return _validate.sizes("sizes", values)
