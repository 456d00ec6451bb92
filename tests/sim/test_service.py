"""Service times: the linear model, laws, models of users, and what is refused."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mds_sim.distributions import Constant, Exponential, Gamma
from mds_sim.sim.service import LinearService, as_service, service_times
from mds_sim.stream import StreamPipeline

COUNTS = st.lists(
    st.tuples(st.integers(0, 10**4), st.integers(0, 10**9)), min_size=1, max_size=9
)


@dataclass(frozen=True)
class Answers:
    """A user's model that answers what it was told to."""

    answer: Any

    def sample(self, n_items: Any, load: Any, rng: np.random.Generator) -> Any:
        return self.answer


class TestLinearService:
    @given(
        costs=st.tuples(*[st.floats(0, 1e3)] * 3),
        jobs=COUNTS,
    )
    def test_it_adds_up_job_items_and_bytes(
        self, costs: tuple[float, float, float], jobs: list[tuple[int, int]]
    ) -> None:
        n_items, load = np.array(jobs).T
        per_job, per_item, per_byte = costs
        times = service_times(LinearService(*costs), n_items, load)
        expected = [per_job + per_item * n + per_byte * size for n, size in jobs]
        assert np.array_equal(times, expected)

    def test_nothing_costs_nothing(self) -> None:
        assert service_times(LinearService(), [3], [7]).tolist() == [0.0]

    def test_noise_multiplies_by_draws_of_its_law(self) -> None:
        noise = Gamma(1.0, scv=0.1)
        service = LinearService(per_job=2.0, per_item=1.0, noise=noise)
        times = service_times(service, [1, 8], [0, 0], rng=1)
        factors = noise.sample(2, np.random.default_rng(1))
        assert np.array_equal(times, np.array([3.0, 10.0]) * factors)

    def test_noise_may_be_a_scipy_law(self) -> None:
        service = LinearService(per_job=2.0, noise=stats.uniform(0.5, 1.0))
        (time,) = service_times(service, [1], [0], rng=1)
        assert 1.0 <= time < 3.0

    @given(seed=st.integers(0, 2**32), jobs=COUNTS)
    def test_jobs_one_after_the_other_equal_all_at_once(
        self, seed: int, jobs: list[tuple[int, int]]
    ) -> None:
        service = LinearService(1.0, 2.0, 3.0, noise=Exponential(1.0))
        n_items, load = np.array(jobs).T
        rng = np.random.default_rng(seed)
        single = [service_times(service, [n], [size], rng) for n, size in jobs]
        at_once = service_times(service, n_items, load, np.random.default_rng(seed))
        assert np.array_equal(np.concatenate(single), at_once)

    @pytest.mark.parametrize(
        ("options", "kind", "message"),
        [
            (
                {"per_job": -1},
                ValueError,
                "per_job must be >= 0 and finite s, got -1",
            ),
            (
                {"per_item": math.nan},
                ValueError,
                "per_item must be >= 0 and finite s, got nan",
            ),
            ({"per_byte": "1"}, TypeError, "per_byte must be a number, got '1'"),
            (
                {"noise": 1.5},
                TypeError,
                "noise must be a law such as Exponential(mean) or a frozen "
                "scipy.stats distribution, got 1.5",
            ),
            (
                {"noise": Exponential},
                TypeError,
                "noise must be a law, got the class Exponential: call it",
            ),
        ],
    )
    def test_bad_parameters_are_refused(
        self, options: dict[str, Any], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            LinearService(**options)

    def test_noise_that_draws_what_cannot_be_is_refused(self) -> None:
        service = LinearService(per_job=1.0, noise=stats.uniform(-2, 1))
        with pytest.raises(ValueError, match=r"^draws of noise must be >= 0 .*$"):
            service_times(service, [1], [0])


@dataclass(frozen=True)
class MeanService:
    """A user's model with a field that is called as laws call theirs."""

    mean: float = 3.0

    def sample(self, n_items: Any, load: Any, rng: np.random.Generator) -> Any:
        return self.mean * n_items


@dataclass(frozen=True)
class Coin:
    """A user's law."""

    mean: float = 0.5

    def sample(self, size: int, rng: np.random.Generator) -> Any:
        return (rng.random(size) < self.mean).astype(float)


@dataclass(frozen=True)
class Meanless:
    """Nearly a law: it has no mean."""

    def sample(self, size: int, rng: np.random.Generator) -> Any:
        return np.ones(size)


@dataclass(frozen=True)
class Unchancy:
    """Nearly a law, nearly a model: it takes no generator."""

    mean: float = 1.0

    def sample(self, size: int) -> Any:
        return np.ones(size)


@dataclass(frozen=True)
class Anything:
    """A law or a model by what it takes, and a law by its mean."""

    mean: float = 1.0

    def sample(self, *arguments: Any) -> Any:
        size, _ = arguments
        return np.ones(size)


@dataclass(frozen=True)
class Unbound:
    """A model whose function came from elsewhere."""

    sample: Any = lambda n_items, load, rng: 2.0 * n_items


class TestModelsAndLaws:
    def test_a_model_may_have_a_mean(self) -> None:
        assert service_times(MeanService(), [1, 4], [0, 0]).tolist() == [3.0, 12.0]

    def test_a_law_of_a_user_gives_every_job_a_draw(self) -> None:
        times = service_times(Coin(), [1, 4, 9], [0, 0, 0], rng=1)
        assert np.array_equal(times, Coin().sample(3, np.random.default_rng(1)))

    def test_what_could_be_both_is_a_law_if_it_has_a_mean(self) -> None:
        assert service_times(Anything(), [4, 9], [0, 0]).tolist() == [1.0, 1.0]

    def test_a_function_in_a_field_will_do(self) -> None:
        assert service_times(Unbound(), [4, 9], [0, 0]).tolist() == [8.0, 18.0]

    def test_laws_that_scipy_makes_are_laws(self) -> None:
        made = stats.make_distribution(stats.expon)()
        assert service_times(made, [4, 9], [0, 0], rng=1).shape == (2,)

    @pytest.mark.parametrize("service", [Meanless(), Unchancy()])
    def test_what_is_nearly_one_is_refused_at_the_door(self, service: Any) -> None:
        message = (
            "service must have sample(n_items, load, rng), or be a law with a mean "
            f"and sample(size, rng), got {service!r}"
        )
        for door in (as_service, lambda thing: StreamPipeline(service=thing)):
            with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
                door(service)


class TestServiceTimes:
    def test_a_law_gives_every_job_a_draw(self) -> None:
        times = service_times(Exponential(2.0), [1, 1, 9], [0, 0, 0], rng=1)
        assert np.array_equal(times, np.random.default_rng(1).exponential(2.0, 3))

    def test_a_scipy_law_will_do(self) -> None:
        times = service_times(stats.expon(scale=2), [1, 1], [0, 0], rng=1)
        expected = stats.expon(scale=2).ppf(np.random.default_rng(1).random(2))
        assert np.array_equal(times, expected)

    def test_so_will_the_model_of_a_user(self) -> None:
        times = service_times(Answers([1, 2]), [1, 1], [0, 0])
        assert times.dtype == np.float64
        assert times.tolist() == [1.0, 2.0]

    @pytest.mark.parametrize(
        "service", [Constant(1.0), LinearService(), Answers([]), stats.expon()]
    )
    def test_no_jobs_take_no_time(self, service: Any) -> None:
        assert service_times(service, [], []).shape == (0,)

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (
                [1.0, -2.0],
                "service times must be >= 0 and finite [s], "
                "but service times[1] = -2.0",
            ),
            (
                [math.nan, 1.0],
                "service times must be >= 0 and finite [s], but service times[0] = nan",
            ),
            ([1.0], "service must give one time for each of 2 jobs, got 1"),
            (3.0, "service times must have one dimension, got shape ()"),
        ],
    )
    def test_an_answer_that_cannot_be_is_refused(
        self, answer: Any, message: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            service_times(Answers(answer), [1, 1], [0, 0])

    @pytest.mark.parametrize("kind", [LinearService, Exponential, Answers])
    def test_a_class_instead_of_a_value_is_refused(self, kind: type) -> None:
        message = f"service must be a law, got the class {kind.__name__}: call it"
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            as_service(kind)

    @pytest.mark.parametrize("thing", [30.0, None, "slow", lambda n: n])
    def test_what_is_neither_model_nor_law_is_refused(self, thing: object) -> None:
        message = (
            "service must be a law such as Exponential(mean) or a frozen "
            f"scipy.stats distribution, got {thing!r}"
        )
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            as_service(thing)
