"""Laws of sizes: each is found among the others, with the right parameters."""

import re

import numpy as np
import pytest
from scipy import stats

from mds_sim.theory import LawFit, fit_laws

N = 4000
DRAWN = {
    "exponential": (lambda rng: rng.exponential(5e6, N), stats.expon, (0, 5e6)),
    "gamma": (lambda rng: rng.gamma(0.4, 1e6, N), stats.gamma, (0.4, 0, 1e6)),
    "lognormal": (lambda rng: rng.lognormal(11, 2, N), None, None),
    "Pareto": (lambda rng: 1000 * (1 + rng.pareto(1.3, N)), None, None),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_law_that_was_drawn_from_is_found(name: str) -> None:
    # The gamma law holds the exponential one: by Akaike it wins against it in 16 % of
    # all seeds, and not in this one. The others are told apart in any.
    sizes = DRAWN[name][0](np.random.default_rng(4))
    fits = fit_laws(sizes)
    assert fits[0].name == name
    assert fits[0].distance < 0.03
    assert [fit.aic for fit in fits] == sorted(fit.aic for fit in fits)


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_those_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.lognormal(3, 1 + seed, 500)
    theirs = {
        "exponential": stats.expon(*stats.expon.fit(x, floc=0)),
        "gamma": stats.gamma(*stats.gamma.fit(x, floc=0)),
        "lognormal": stats.lognorm(*stats.lognorm.fit(x, floc=0)),
        "Pareto": stats.pareto(1 / (np.log(x).mean() - np.log(x.min())), scale=x.min()),
    }
    for fit in fit_laws(x):
        law = theirs[fit.name]
        expected = float(law.logpdf(x).sum())
        assert fit.log_likelihood == pytest.approx(expected, rel=1e-6)
        distance = stats.kstest(x, law.cdf).statistic
        assert fit.distance == pytest.approx(distance, abs=2e-3)
        grid = np.geomspace(x.min() / 2, x.max(), 50)
        assert fit.cdf(grid) == pytest.approx(law.cdf(grid), abs=2e-3)


def test_no_other_parameters_are_likelier() -> None:
    x = np.random.default_rng(1).gamma(2.5, 3.0, 300)
    fits = {fit.name: fit for fit in fit_laws(x)}
    k, scale = fits["gamma"].parameters
    best = fits["gamma"].log_likelihood
    for dk, ds in ((1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99)):
        assert stats.gamma(k * dk, scale=scale * ds).logpdf(x).sum() < best


@pytest.mark.parametrize("name", DRAWN)
def test_the_law_draws_what_was_fitted(name: str) -> None:
    x = DRAWN[name][0](np.random.default_rng(4))
    fit = next(fit for fit in fit_laws(x) if fit.name == name)
    drawn = np.sort(np.asarray(_draw(fit)))
    steps = np.arange(1, drawn.size + 1) / drawn.size
    # Kolmogorov's 2.23 / sqrt(n) is passed once in 10,000 seeds.
    assert np.abs(fit.cdf(drawn) - steps).max() < 2.23 / np.sqrt(drawn.size)


def _draw(fit: LawFit) -> np.ndarray:
    from mds_sim.distributions import draw

    return draw(fit.law, 10_000, rng=7)


def test_sizes_of_nothing_are_left_out() -> None:
    x = np.random.default_rng(1).exponential(5.0, 50)
    assert fit_laws(np.concatenate([x, np.zeros(20)])) == fit_laws(x)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([1.0] * 9, "sizes must hold at least 10 above 0 to fit a law, got 9"),
        (
            [0.0] * 20 + [2.0] * 3,
            "sizes must hold at least 10 above 0 to fit a law, got 3",
        ),
        (
            [2.0] * 12,
            "sizes must differ to fit a law, but all are 2; Constant is one",
        ),
    ],
)
def test_too_little_to_fit(sizes: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fit_laws(sizes)


def test_sizes_that_hardly_differ_are_fitted_too() -> None:
    x = 1e6 + np.arange(20.0) * 1e-3
    assert all(np.isfinite(fit.aic) for fit in fit_laws(x))
