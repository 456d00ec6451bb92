"""Laws of chance: against theory, draw by draw, and every refusal in full."""

import dataclasses
import math
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from mds_sim.distributions import (
    Constant,
    Empirical,
    Exponential,
    Gamma,
    Law,
    LogNormal,
    Uniform,
    as_law,
    draw,
    draw_sizes,
)

MEASURED = [1.0, 2.0, 2.0, 40.0]
# Each with its excess kurtosis, of which the error of a measured variance is made.
MOMENTS = {
    Exponential(6.0): 6.0,
    Gamma(2.0, scv=0.25): 6 * 0.25,
    Gamma(0.5, scv=2.0): 6 * 2.0,
    LogNormal(3.0, scv=0.2): 1.2**4 + 2 * 1.2**3 + 3 * 1.2**2 - 6,
    Uniform(10.0, 20.0): -1.2,
    Uniform(0.0, 1.0): -1.2,
    Empirical(MEASURED): float(stats.kurtosis(MEASURED)),
}
LAWS = [*MOMENTS, Constant(3.0)]
every_law = pytest.mark.parametrize("law", LAWS, ids=repr)


@dataclass(frozen=True)
class Answers:
    """A user's law that draws what it was told to."""

    answer: Any
    mean: float = 1.0

    def sample(self, size: int, rng: np.random.Generator) -> Any:
        return self.answer


@pytest.mark.parametrize("law", MOMENTS, ids=repr)
class TestTheory:
    """n = 1e5 draws. |z| < 4.71 fails with probability 2.5e-6 if all is well; for
    scv 1 a bias of the mean of 2.1 % is found with probability 0.97."""

    N = 100_000

    def test_the_mean_is_that_of_the_law(self, law: Any) -> None:
        x = law.sample(self.N, np.random.default_rng(20240501))
        error = law.mean * math.sqrt(law.scv / self.N)
        assert abs(x.mean() - law.mean) / error < 4.71

    def test_the_scv_is_that_of_the_law(self, law: Any) -> None:
        x = law.sample(self.N, np.random.default_rng(20240502))
        variance = law.scv * law.mean**2
        measured = np.mean((x - law.mean) ** 2)
        error = variance * math.sqrt((MOMENTS[law] + 2) / self.N)
        assert abs(measured - variance) / error < 4.71


@pytest.mark.parametrize(
    ("law", "reference"),
    [
        (Exponential(6.0), stats.expon(scale=6)),
        (Gamma(2.0, scv=0.25), stats.gamma(4, scale=0.5)),
        (
            LogNormal(3.0, scv=0.2),
            stats.lognorm(math.sqrt(math.log(1.2)), scale=3 / math.sqrt(1.2)),
        ),
        (Uniform(10.0, 20.0), stats.uniform(10, 10)),
    ],
    ids=["Exponential", "Gamma", "LogNormal", "Uniform"],
)
def test_the_law_is_the_whole_law_not_two_moments_of_it(
    law: Law, reference: Any
) -> None:
    # Kolmogorov-Smirnov, n = 1e5: p < 2.5e-6 is a false alarm once in 400 000 runs; two
    # distribution functions that differ by 1.2 % are told apart with probability 0.99.
    x = law.sample(100_000, np.random.default_rng(20240503))
    assert stats.kstest(x, reference.cdf).pvalue > 2.5e-6


@every_law
class TestEveryLaw:
    @given(seed=st.integers(0, 2**32), parts=st.lists(st.integers(0, 9), max_size=9))
    def test_draws_one_after_the_other_equal_draws_at_once(
        self, law: Law, seed: int, parts: list[int]
    ) -> None:
        one, other = np.random.default_rng(seed), np.random.default_rng(seed)
        pieces = [law.sample(size, one) for size in parts]
        at_once = law.sample(sum(parts), other)
        assert np.array_equal(np.concatenate([[], *pieces]), at_once)
        assert one.random() == other.random()  # neither drew more than it gave

    def test_it_is_a_law_and_stays_itself(self, law: Law) -> None:
        assert isinstance(law, Law)
        assert as_law("law", law) is law

    def test_its_draws_are_floats_of_the_right_shape(self, law: Law) -> None:
        for size in (0, 1, 5):
            x = draw(law, size, rng=1)
            assert x.shape == (size,)
            assert x.dtype == np.float64
            assert (x >= 0).all()

    def test_a_seed_draws_the_same_each_time(self, law: Law) -> None:
        assert np.array_equal(draw(law, 20, rng=5), draw(law, 20, rng=5))

    def test_it_is_a_frozen_value_that_can_be_sent_to_a_process(self, law: Any) -> None:
        other = pickle.loads(pickle.dumps(law))
        assert repr(other) == repr(law)
        assert np.array_equal(draw(other, 9, rng=1), draw(law, 9, rng=1))
        field = dataclasses.fields(law)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(law, field, 1.0)


class TestParameters:
    @pytest.mark.parametrize(
        ("make", "kind", "message"),
        [
            (lambda: Exponential(0), ValueError, "mean must be > 0 and finite, got 0"),
            (lambda: Exponential("6"), TypeError, "mean must be a number, got '6'"),
            (lambda: Gamma(1, 0), ValueError, "scv must be > 0 and finite, got 0"),
            (lambda: Gamma(-1, 1), ValueError, "mean must be > 0 and finite, got -1"),
            (
                lambda: LogNormal(1, math.nan),
                ValueError,
                "scv must be > 0 and finite, got nan",
            ),
            (
                lambda: LogNormal(math.inf, 1),
                ValueError,
                "mean must be > 0 and finite, got inf",
            ),
            (
                lambda: Constant(-2),
                ValueError,
                "value must be >= 0 and finite, got -2",
            ),
            (lambda: Uniform(-1, 2), ValueError, "low must be >= 0 and finite, got -1"),
            (lambda: Uniform(2, 2), ValueError, "high must be > low = 2, got 2"),
            (lambda: Uniform(3, 2), ValueError, "high must be > low = 3, got 2"),
            (
                lambda: Empirical([]),
                ValueError,
                "values must hold at least one value, got none",
            ),
            (
                lambda: Empirical([1, -3]),
                ValueError,
                "values must be >= 0 and finite [s], but values[1] = -3.0",
            ),
            (
                lambda: Empirical(5.0),
                ValueError,
                "values must have one dimension, got shape ()",
            ),
        ],
    )
    def test_bad_ones_are_refused(
        self, make: Callable[[], Law], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            make()

    def test_measured_values_are_kept_as_they_were(self) -> None:
        values = np.array(MEASURED)
        law = Empirical(values)
        values[:] = 0
        assert np.array_equal(law.values, MEASURED)
        assert repr(law) == "Empirical(4 values, mean=11.25)"
        with pytest.raises(ValueError, match=r"^assignment destination is read-only$"):
            law.values[0] = 1.0  # type: ignore[index]

    def test_all_measured_values_are_drawn_and_no_others(self) -> None:
        assert set(draw(Empirical(MEASURED), 200, rng=1)) == set(MEASURED)

    def test_values_that_are_all_zero_have_no_spread(self) -> None:
        assert Empirical([0.0, 0.0]).scv == 0.0

    def test_a_constant_has_its_value_as_mean_and_no_spread(self) -> None:
        law = Constant(3)
        assert (law.mean, law.scv) == (3.0, 0.0)
        assert type(law.mean) is float


class TestForeignLaws:
    @pytest.mark.parametrize(
        ("frozen", "mean"),
        [
            (stats.expon(scale=4), 4.0),
            (stats.gamma(2, scale=3), 6.0),
            (stats.poisson(5), 5.0),
            (stats.expon, 1.0),
        ],
        ids=["expon", "gamma", "poisson", "not frozen"],
    )
    def test_a_scipy_law_is_a_law(self, frozen: Any, mean: float) -> None:
        law = as_law("law", frozen)
        assert law.mean == mean
        x = draw(frozen, 7, rng=1)
        assert x.dtype == np.float64
        assert np.array_equal(x, frozen.ppf(np.random.default_rng(1).random(7)))

    @pytest.mark.parametrize(
        "frozen",
        [stats.exponnorm(1.5, loc=9), stats.invgauss(0.5), stats.poisson(5)],
        ids=["exponnorm", "invgauss", "poisson"],
    )
    def test_its_draws_are_sequential(self, frozen: Any) -> None:
        rng = np.random.default_rng(1)
        parts = [draw(frozen, size, rng) for size in (1, 4, 2)]
        assert np.array_equal(np.concatenate(parts), draw(frozen, 7, rng=1))

    def test_one_without_an_inverse_draws_as_it_can(self) -> None:
        class Ones:
            def mean(self) -> float:
                return 1.0

            def rvs(self, size: int, random_state: Any) -> Any:
                return np.ones(size)

        class NoInverse(Ones):
            def ppf(self, q: Any) -> Any:
                return np.full(len(q), np.nan)

        assert draw(Ones(), 2).tolist() == draw(NoInverse(), 2).tolist() == [1.0, 1.0]

    @pytest.mark.skipif(not hasattr(stats, "Uniform"), reason="new in SciPy 1.15")
    def test_so_is_one_of_the_newer_kind(self) -> None:
        law = stats.Uniform(a=2.0, b=4.0)
        assert as_law("law", law).mean == pytest.approx(3.0)
        x = draw(law, 7, rng=1)
        assert np.array_equal(x, law.sample(7, rng=np.random.default_rng(1)))

    def test_a_user_needs_two_names_only(self) -> None:
        x: NDArray[np.float64] = draw(Answers([1, 2]), 2)
        assert x.dtype == np.float64
        assert x.tolist() == [1.0, 2.0]

    def test_the_class_instead_of_a_value_is_refused(self) -> None:
        message = "service must be a law, got the class Exponential: call it"
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            as_law("service", Exponential)

    @pytest.mark.parametrize("thing", [3.0, None, "Exponential", np.ones(2), [1.0]])
    def test_what_is_no_law_is_refused(self, thing: object) -> None:
        message = (
            "service must be a law such as Exponential(mean) or a frozen "
            f"scipy.stats distribution, got {thing!r}"
        )
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            as_law("service", thing)

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ([1.0], "gap must draw 2 values, got 1"),
            (
                [1.0, -0.5],
                "draws of gap must be >= 0 and finite [s], but draws of gap[1] = -0.5",
            ),
            (
                [math.nan, 1.0],
                "draws of gap must be >= 0 and finite [s], but draws of gap[0] = nan",
            ),
            (
                [math.inf, 1.0],
                "draws of gap must be >= 0 and finite [s], but draws of gap[0] = inf",
            ),
            (1.0, "draws of gap must have one dimension, got shape ()"),
            ([[1.0, 2.0]], "draws of gap must have one dimension, got shape (1, 2)"),
        ],
    )
    def test_a_law_that_draws_what_cannot_be_is_refused(
        self, answer: Any, message: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            draw(Answers(answer), 2, name="gap")

    @pytest.mark.parametrize(
        ("size", "kind", "message"),
        [
            (-1, ValueError, "size must be >= 0, got -1"),
            (2.0, TypeError, "size must be a whole number, got 2.0"),
        ],
    )
    def test_the_number_of_draws_must_be_a_count(
        self, size: Any, kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            draw(Constant(1), size)


class TestSizes:
    @given(values=st.lists(st.floats(0, 1e15), max_size=20))
    def test_a_size_is_rounded_to_whole_bytes_and_at_least_one(
        self, values: list[float]
    ) -> None:
        sizes = draw_sizes(Answers(values), len(values))
        assert sizes.dtype == np.int64
        assert sizes.tolist() == [max(round(value), 1) for value in values]

    def test_a_size_beyond_all_integers_is_refused(self) -> None:
        message = "sizes must be whole bytes >= 0, but sizes[0] = 1e+20"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            draw_sizes(Constant(1e20), 1)
