r"""Which law fits some sizes? Four laws by likelihood, and how far each is off.

- **Likelihood.** Each law is fitted by maximum likelihood; Akaike's criterion [1]_,
  2 (number of parameters) - 2 log-likelihood, ranks them: the smaller the better.
- **Distance.** The largest between the distribution function of the law and that of
  the sizes (Kolmogorov and Smirnov). It says whether the best law is a good one.

The exponential law has one parameter, the gamma, lognormal and Pareto laws have two.
The shape of the gamma law solves :math:`\log k - \psi(k) = \log \bar x -
\overline{\log x}` by Newton's method from a good first guess [2]_.

References
----------
.. [1] H. Akaike (1974), A new look at the statistical model identification, IEEE
   Transactions on Automatic Control 19, 716-723.
.. [2] T. P. Minka (2002), Estimating a Gamma distribution, Microsoft Research.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import html_table
from mds_sim.distributions import Exponential, Gamma, LogNormal

Floats = NDArray[np.float64]

FEWEST = 10  # sizes; fewer say nothing about a law


@dataclass(frozen=True)
class LawFit:
    """A law, fitted to some sizes.

    Attributes
    ----------
    name : {"exponential", "gamma", "lognormal", "Pareto"}
    parameters : tuple of float
        Mean; shape and scale; mean and standard deviation of the logarithm; exponent
        and least size.
    log_likelihood : float
    distance : float
        The largest distance from the distribution function of the sizes, in [0, 1].

    Examples
    --------
    >>> fit = LawFit("exponential", (6.0,), -20.0, 0.1)
    >>> fit.law, fit.aic
    (Exponential(mean=6.0), 42.0)
    """

    name: str
    parameters: tuple[float, ...]
    log_likelihood: float
    distance: float

    @property
    def aic(self) -> float:
        """Akaike's criterion: the smaller the better."""
        return 2.0 * len(self.parameters) - 2.0 * self.log_likelihood

    def _repr_html_(self) -> str:
        rows = [
            ("parameters", ", ".join(f"{one:.6g}" for one in self.parameters)),
            ("log likelihood", f"{self.log_likelihood:.6g}"),
            ("Akaike's criterion", f"{self.aic:.6g}"),
            ("largest distance", f"{self.distance:.3g}"),
        ]
        return html_table(f"{self.name} law", rows)

    @property
    def law(self) -> Any:
        """The law itself, to draw from; a Pareto law is one of SciPy's."""
        if self.name == "exponential":
            return Exponential(*self.parameters)
        first, second = self.parameters
        if self.name == "gamma":
            return Gamma(first * second, 1.0 / first)
        if self.name == "lognormal":
            variance = second**2
            return LogNormal(math.exp(first + variance / 2), math.expm1(variance))
        from scipy.stats import pareto

        return pareto(first, scale=second)

    def cdf(self, sizes: ArrayLike) -> Floats:
        """Return the distribution function: how likely a size is no larger.

        Examples
        --------
        >>> LawFit("Pareto", (1.0, 10.0), 0.0, 0.0).cdf([10.0, 20.0])
        array([0. , 0.5])
        """
        x = np.maximum(np.asarray(sizes, np.float64), np.finfo(np.float64).tiny)
        return np.asarray(_CDF[self.name](x, *self.parameters), np.float64)


def fit_laws(sizes: ArrayLike) -> tuple[LawFit, ...]:
    """Fit four laws to some sizes, the best one first.

    Parameters
    ----------
    sizes : array_like of float, shape (n,)
        Each >= 0; those of 0 are left out, since three of the laws have none.

    Returns
    -------
    tuple of LawFit
        By Akaike's criterion.

    Raises
    ------
    ValueError
        If fewer than ten are above 0, or all of those are equal, but for less than a
        logarithm can tell.

    Examples
    --------
    Sizes of software packages are far from exponential:

    >>> from mds_sim.data import deb_sizes
    >>> for fit in fit_laws(deb_sizes().sizes):
    ...     print(f"{fit.name:11} {fit.distance:.3f}")
    lognormal   0.066
    Pareto      0.280
    gamma       0.238
    exponential 0.590
    """
    array = _validate.durations("sizes", sizes)
    x = np.sort(array[array > 0])
    if x.size < FEWEST:
        raise ValueError(
            f"sizes must hold at least {FEWEST} above 0 to fit a law, got {x.size}"
        )
    if not differ(x):
        raise ValueError(
            f"sizes must differ to fit a law, but all are {x[0]:.15g}; Constant is one"
        )
    fits = [_fit(name, x, parameters) for name, parameters in _estimates(x)]
    return tuple(sorted(fits, key=lambda fit: fit.aic))


def differ(x: Floats) -> bool:
    """Tell whether some sizes above 0 differ by more than their logarithms' rounding.

    Examples
    --------
    >>> differ(np.array([7.0, 8.0])), differ(np.array([1e15, 1e15 + 1]))
    (True, False)
    """
    return bool(np.log(x.max()) - np.log(x.min()) > 1e-12)


def _estimates(x: Floats) -> list[tuple[str, tuple[float, ...]]]:
    """Return the likeliest parameters of each law."""
    log = np.log(x)
    mean, log_mean = float(x.mean()), float(log.mean())
    shape = _gamma_shape(math.log(mean) - log_mean)
    return [
        ("exponential", (mean,)),
        ("gamma", (shape, mean / shape)),
        ("lognormal", (log_mean, float(log.std()))),
        ("Pareto", (1.0 / (log_mean - float(log[0])), float(x[0]))),
    ]


def _gamma_shape(gap: float) -> float:
    """Solve log k - psi(k) = gap."""
    from scipy.special import digamma, polygamma

    gap = max(gap, 1e-12)  # sizes that hardly differ, and rounding
    k = (3.0 - gap + math.sqrt((gap - 3.0) ** 2 + 24.0 * gap)) / (12.0 * gap)
    for _ in range(20):
        slope = 1.0 / k - float(polygamma(1, k))
        step = (math.log(k) - float(digamma(k)) - gap) / slope
        k = max(k - step, k / 10.0)
        if abs(step) < 1e-10 * k:
            break
    return k


def _fit(name: str, x: Floats, parameters: tuple[float, ...]) -> LawFit:
    """Return how likely the sizes are by a law, and how far it is off."""
    law = np.asarray(_CDF[name](x, *parameters))
    steps = np.arange(x.size + 1) / x.size
    distance = max(float((steps[1:] - law).max()), float((law - steps[:-1]).max()))
    likelihood = float(_log_density(name, x, parameters).sum())
    return LawFit(name, parameters, likelihood, distance)


def _log_density(name: str, x: Floats, parameters: tuple[float, ...]) -> Floats:
    """Return the logarithm of the density of a law."""
    if name == "exponential":
        (mean,) = parameters
        return np.asarray(-x / mean - math.log(mean))
    first, second = parameters
    log = np.log(x)
    if name == "gamma":
        constant = math.lgamma(first) + first * math.log(second)
        return np.asarray((first - 1.0) * log - x / second - constant)
    if name == "lognormal":
        z = (log - first) / second
        return -log - z**2 / 2 - math.log(second * math.sqrt(2.0 * math.pi))
    constant = math.log(first) + first * math.log(second)
    return constant - (first + 1.0) * log


def _gamma_cdf(x: Floats, shape: float, scale: float) -> Any:
    from scipy.special import gammainc

    return gammainc(shape, x / scale)


def _lognormal_cdf(x: Floats, mean: float, deviation: float) -> Any:
    from scipy.special import ndtr

    return ndtr((np.log(x) - mean) / deviation)


_CDF: dict[str, Any] = {
    "exponential": lambda x, mean: -np.expm1(-x / mean),
    "gamma": _gamma_cdf,
    "lognormal": _lognormal_cdf,
    "Pareto": lambda x, alpha, least: np.where(
        x > least, -np.expm1(-alpha * np.log(np.maximum(x, least) / least)), 0.0
    ),
}
