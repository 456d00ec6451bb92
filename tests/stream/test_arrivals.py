"""Arrivals: what is drawn, where it ends, and that it does not depend on how."""

import math
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from mds_sim.core import VirtualClock
from mds_sim.distributions import Constant, Empirical, Exponential, Gamma
from mds_sim.stream import (
    Arrivals,
    PoissonArrivals,
    RenewalArrivals,
    StreamPipeline,
    TraceArrivals,
    VaryingPoissonArrivals,
)
from mds_sim.stream.arrivals import COMPILED_FROM
from mds_sim.units import DAY, HOUR

Floats = NDArray[np.float64]

# False alarms: 1e-4 for the whole suite, 40 checks, two-sided.
LIMIT = 4.71


def half_day(times: Floats) -> Floats:
    """Return one a second in the first half of each day, a quarter in the second."""
    return np.where(times % DAY < DAY / 2, 1.0, 0.25)


ENDLESS: list[Arrivals] = [
    PoissonArrivals(10 / 60),
    RenewalArrivals(Gamma(6.0, scv=0.5)),
    RenewalArrivals(stats.weibull_min(2.0, scale=5.0)),
    RenewalArrivals(Empirical([0.0, 0.0, 4.0])),
    VaryingPoissonArrivals(half_day, 1.0),
]
ALL = [*ENDLESS, TraceArrivals(np.arange(5000) // 2 * 1.5)]
NAMES = ["Poisson", "Gamma gaps", "SciPy gaps", "gaps of 0", "varying", "trace"]


@pytest.mark.parametrize("arrivals", ALL, ids=NAMES)
class TestAllArrivals:
    def test_times_are_ascending_float64_from_0(self, arrivals: Arrivals) -> None:
        times = arrivals.sample(n=1000, rng=1)
        assert times.dtype == np.float64
        assert times.shape == (1000,)
        assert times[0] >= 0
        assert (np.diff(times) >= 0).all()

    def test_fewer_are_the_first_of_more(self, arrivals: Arrivals) -> None:
        times = arrivals.sample(n=4500, rng=2)
        for n in (0, 1, 17, 4096, 4097):
            assert np.array_equal(arrivals.sample(n=n, rng=2), times[:n])

    def test_until_takes_what_is_before_it(self, arrivals: Arrivals) -> None:
        times = arrivals.sample(n=4500, rng=2)
        for until in (0.0, 1.0, 500.0, float(times[4400])):
            within = times[times < until]
            assert np.array_equal(arrivals.sample(until=until, rng=2), within)
            assert np.array_equal(arrivals.sample(100, until, rng=2), within[:100])

    def test_one_by_one_they_are_the_same(self, arrivals: Arrivals) -> None:
        times = arrivals.sample(n=300, until=900.0, rng=3)
        assert list(arrivals.iterate(300, 900.0, rng=3)) == times.tolist()

    def test_a_sample_can_be_written_to(self, arrivals: Arrivals) -> None:
        arrivals.sample(n=3, rng=1)[0] = 99.0
        assert arrivals.sample(n=3, rng=1)[0] != 99.0

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"n": -1}, ValueError, "n must be >= 0, got -1"),
            ({"n": 1.0}, TypeError, "n must be a whole number, got 1.0"),
            ({"until": -1}, ValueError, "until must be >= 0 and finite s, got -1"),
            (
                {"until": math.inf},
                ValueError,
                "until must be >= 0 and finite s, got inf",
            ),
            ({"n": 1, "rng": "1"}, TypeError, None),
        ],
    )
    @pytest.mark.parametrize("method", ["sample", "iterate"])
    def test_a_wrong_argument_is_refused_at_once(
        self,
        arrivals: Arrivals,
        method: str,
        arguments: dict[str, Any],
        error: type[Exception],
        message: str | None,
    ) -> None:
        pattern = f"^{re.escape(message)}$" if message else r"^rng must be"
        with pytest.raises(error, match=pattern):
            getattr(arrivals, method)(**arguments)


@pytest.mark.parametrize("arrivals", ENDLESS, ids=NAMES[:-1])
class TestEndlessArrivals:
    def test_a_sample_needs_an_end(self, arrivals: Arrivals) -> None:
        message = "n or until must be given: these arrivals never end by themselves"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            arrivals.sample()

    def test_one_by_one_they_need_none(self, arrivals: Arrivals) -> None:
        endless = arrivals.iterate(rng=4)
        assert [next(endless) for _ in range(9000)] == arrivals.sample(
            n=9000, rng=4
        ).tolist()

    @given(hints=st.lists(st.integers(1, 3000), min_size=2, max_size=2))
    def test_what_is_drawn_does_not_depend_on_the_hint(
        self, arrivals: Arrivals, hints: list[int]
    ) -> None:
        some, others = (first(arrivals, hint, 400) for hint in hints)
        assert np.array_equal(some, others)

    def test_a_great_n_costs_no_memory_if_until_ends_it(
        self, arrivals: Arrivals
    ) -> None:
        times = arrivals.sample(n=10**15, until=60.0, rng=5)
        assert np.array_equal(times, arrivals.sample(until=60.0, rng=5))


def first(arrivals: Arrivals, hint: int, n: int) -> Floats:
    """Return the first times that come with a hint."""
    times = np.empty(0)
    for chunk in arrivals.chunks(np.random.default_rng(7), hint):
        times = np.concatenate([times, chunk])
        if times.size >= n:
            break
    return times[:n]


def test_the_number_of_poisson_arrivals_has_mean_and_variance_alike() -> None:
    # 2000 stretches with 100 expected each: a mean off by 1 % (z = 4.5) is found with
    # probability 0.41, by 1.5 % with 0.98; a variance off by 25 % (z = 7.9) always.
    rng = np.random.default_rng(11)
    arrivals = PoissonArrivals(10 / 60)
    counts = np.array([arrivals.sample(until=600.0, rng=rng).size for _ in range(2000)])
    assert abs(counts.mean() - 100) / math.sqrt(100 / counts.size) < LIMIT
    error = math.sqrt(2 * 100**2 / counts.size)
    assert abs(counts.var(ddof=1) - 100) / error < LIMIT


def test_the_gaps_of_poisson_arrivals_are_exponential() -> None:
    # 1e5 gaps: a bias of 2.1 % is found with probability 0.98.
    gaps = np.diff(PoissonArrivals(10 / 60).sample(n=100_001, rng=12))
    assert abs(gaps.mean() - 6.0) / (6.0 / math.sqrt(gaps.size)) < LIMIT
    # P(gap > 6 s) = 1/e: a share off by 0.01 (z = 6.6) is found with 0.97.
    share, expected = (gaps > 6.0).mean(), math.exp(-1)
    error = math.sqrt(expected * (1 - expected) / gaps.size)
    assert abs(share - expected) / error < LIMIT


@pytest.mark.parametrize("rate", [0, -1.0, math.nan, math.inf])
def test_a_rate_must_be_positive(rate: float) -> None:
    message = f"rate must be > 0 and finite per second, got {rate!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        PoissonArrivals(rate)


class TestRenewalArrivals:
    def test_constant_gaps_give_a_beat(self) -> None:
        beat = RenewalArrivals(Constant(2.5)).sample(until=10.0)
        assert beat.tolist() == [2.5, 5.0, 7.5]

    def test_a_gap_may_be_0(self) -> None:
        times = RenewalArrivals(Empirical([0.0, 1.0])).sample(n=50, rng=1)
        assert np.unique(times).size < times.size

    def test_gaps_that_are_all_0_get_nowhere(self) -> None:
        message = "mean of the law of the gaps must be > 0 and finite s, got 0.0"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            RenewalArrivals(Constant(0.0))

    def test_a_gap_must_not_be_negative(self) -> None:
        arrivals = RenewalArrivals(stats.norm(loc=1.0, scale=5.0))
        with pytest.raises(ValueError, match=r"^draws of law of the gaps must be >= 0"):
            arrivals.sample(n=100, rng=1)

    def test_a_number_is_no_law(self) -> None:
        with pytest.raises(TypeError, match=r"^law of the gaps must be a law such as"):
            RenewalArrivals(6.0)  # type: ignore[arg-type]


class TestVaryingPoissonArrivals:
    def test_each_half_of_the_day_has_its_rate(self) -> None:
        # 100 days: 432,000 expected by day, 108,000 by night. A rate off by 2 % (z =
        # 6.6 by night) is found with probability 0.97.
        arrivals = VaryingPoissonArrivals(lambda t: half_day(t) / 10, 0.1)
        times = arrivals.sample(until=100 * DAY, rng=21)
        by_day = int((times % DAY < DAY / 2).sum())
        for count, expected in ((by_day, 432_000), (times.size - by_day, 108_000)):
            assert abs(count - expected) / math.sqrt(expected) < LIMIT

    def test_the_highest_rate_always_is_a_poisson_process(self) -> None:
        # Gaps as above: 2e4 of them show a bias of 4.8 % with probability 0.98.
        arrivals = VaryingPoissonArrivals(lambda t: 0.5, 0.5)
        gaps = np.diff(arrivals.sample(n=20_001, rng=22))
        assert abs(gaps.mean() - 2.0) / (2.0 / math.sqrt(gaps.size)) < LIMIT

    def test_a_shop_that_closes_for_good_ends_with_until(self) -> None:
        shop = VaryingPoissonArrivals(lambda t: np.where(t < HOUR, 0.1, 0.0), 0.1)
        times = shop.sample(until=100 * DAY, rng=1)
        assert times[-1] < HOUR
        assert np.array_equal(times, shop.sample(until=HOUR, rng=1))

    def test_rates_are_asked_for_before_until_only(self) -> None:
        by_hour = np.linspace(0.0, 0.2, 24)
        day = VaryingPoissonArrivals(lambda t: by_hour[(t // HOUR).astype(int)], 0.2)
        assert 8000 < day.sample(until=DAY, rng=1).size < 9300

    @pytest.mark.parametrize("rate", [0.3, -0.1, math.nan])
    def test_a_rate_out_of_range_is_named(self, rate: float) -> None:
        arrivals = VaryingPoissonArrivals(lambda t: np.where(t < 50, 0.1, rate), 0.2)
        pattern = rf"rate_of_time must be in \[0, 0\.2\] per second, but it is {rate}"
        with pytest.raises(ValueError, match=rf"^{pattern} at \d+\.\d+ s$"):
            arrivals.sample(n=100, rng=1)

    def test_a_rate_is_no_function(self) -> None:
        message = (
            "rate_of_time must be a function that takes times [s] and returns rates "
            "[per second], got 3.0; for a constant rate there is PoissonArrivals"
        )
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            VaryingPoissonArrivals(3.0, 1.0)  # type: ignore[arg-type]

    @pytest.mark.parametrize("shape", [(2,), (50, 1), (0,)])
    def test_rates_of_another_shape_are_refused(self, shape: tuple[int, ...]) -> None:
        message = (
            f"rate_of_time must return a rate for each of 50 times, got shape {shape}"
        )
        arrivals = VaryingPoissonArrivals(lambda t: np.ones(shape), 1.0)
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            arrivals.sample(n=50, rng=1)

    def test_the_highest_rate_must_be_positive(self) -> None:
        message = "max_rate must be > 0 and finite per second, got 0"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            VaryingPoissonArrivals(lambda t: t, 0)


class TestTraceArrivals:
    def test_it_ends_by_itself(self) -> None:
        assert TraceArrivals([0, 1.5, 1.5]).sample().tolist() == [0.0, 1.5, 1.5]

    def test_a_message_at_until_is_not_before_it(self) -> None:
        assert TraceArrivals([0, 5, 10, 10]).sample(until=10).tolist() == [0.0, 5.0]

    def test_it_keeps_its_own_times(self) -> None:
        given = np.array([1.0, 2.0])
        trace = TraceArrivals(given)
        given[0] = 99.0
        assert np.asarray(trace.times).tolist() == [1.0, 2.0]
        with pytest.raises(ValueError, match="read-only"):
            trace.times[0] = 99.0  # type: ignore[index]

    @pytest.mark.parametrize(
        ("times", "span", "rate", "text"),
        [
            ([], 0.0, math.nan, "TraceArrivals(0 arrivals in 0 s)"),
            ([7.0], 0.0, math.nan, "TraceArrivals(1 arrival in 0 s)"),
            ([7.0, 7.0], 0.0, math.nan, "TraceArrivals(2 arrivals in 0 s)"),
            ([7.0, 8.0, 17.0], 10.0, 0.2, "TraceArrivals(3 arrivals in 10 s)"),
        ],
    )
    def test_what_it_says_of_itself(
        self, times: list[float], span: float, rate: float, text: str
    ) -> None:
        trace = TraceArrivals(times)
        assert (len(trace), trace.span, repr(trace)) == (len(times), span, text)
        assert np.array_equal(trace.rate, rate, equal_nan=True)

    def test_it_says_where_it_comes_from(self) -> None:
        trace = TraceArrivals([0], origin="2024-02-29")
        assert repr(trace) == "TraceArrivals(1 arrival in 0 s from 2024-02-29)"

    @pytest.mark.parametrize(
        ("times", "message"),
        [
            (
                [0, 2, 1],
                "times must be ascending, but times[2] = 1.0 comes after 2.0; "
                "sort them first",
            ),
            ([-1], "times must be >= 0 and finite [s], but times[0] = -1.0"),
            ([0, math.nan], "times must be >= 0 and finite [s], but times[1] = nan"),
            ([[0]], "times must have one dimension, got shape (1, 1)"),
        ],
    )
    def test_wrong_times_are_refused(self, times: Any, message: str) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            TraceArrivals(times)


class Slow(Arrivals):
    """A user's own: lists of any length do as well as arrays."""

    def chunks(self, rng: np.random.Generator, hint: int = 1) -> Iterator[Any]:
        yield []
        yield [1, 2]
        yield np.array([2.0, 30.0])


def test_your_own_arrivals_may_come_in_lists() -> None:
    assert Slow().sample().tolist() == [1.0, 2.0, 2.0, 30.0]
    assert Slow().sample(n=3, until=2.0).tolist() == [1.0]
    assert list(Slow().iterate(n=3)) == [1.0, 2.0, 2.0]


@dataclass(frozen=True)
class Told(Arrivals):
    """A user's own that yields what it was told to."""

    parts_told: tuple[Any, ...]

    def chunks(self, rng: np.random.Generator, hint: int = 1) -> Iterator[Any]:
        yield from self.parts_told


class Backwards(PoissonArrivals):
    """A user's own that inherits from one of ours."""

    def chunks(self, rng: np.random.Generator, hint: int = 1) -> Iterator[Floats]:
        for times in super().chunks(rng, hint):
            yield times[::-1]


LONG = np.concatenate([np.arange(2 * 10**5) * 300.0, [5.0]])
WRONG = [
    (([0.0, 9.0, 5.0],), "ascending, but arrivals[2] = 5.0 comes after 9.0; sort"),
    (([0.0, 9.0], [5.0]), "ascending, but arrivals[2] = 5.0 comes after 9.0; sort"),
    (([9.0], [], [5.0]), "ascending, but arrivals[1] = 5.0 comes after 9.0; sort"),
    ((LONG,), "ascending, but arrivals[200000] = 5.0 comes after 59999700.0; sort"),
    (([-1.0, 2.0],), ">= 0 and finite [s], but arrivals[0] = -1.0"),
    (([1.0], [2.0, math.nan]), ">= 0 and finite [s], but arrivals[2] = nan"),
    (([1.0, math.inf, 2.0],), ">= 0 and finite [s], but arrivals[1] = inf"),
]


@pytest.mark.parametrize(("chunks", "rule"), WRONG)
def test_times_that_cannot_be_are_named(chunks: tuple[Any, ...], rule: str) -> None:
    message = f"arrivals must be {rule}{' them first' if 'sort' in rule else ''}"
    pipeline = StreamPipeline(Told(chunks), service=Constant(1.0))
    for take in (
        Told(chunks).sample,
        lambda: list(Told(chunks).iterate()),
        pipeline.simulate,
        lambda: pipeline.statistics(progress=False),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            take()
    with pytest.raises(ExceptionGroup) as caught:
        pipeline.run(clock=VirtualClock(), progress=False)
    (error,) = caught.value.exceptions
    assert (type(error), str(error)) == (ValueError, message)


def test_what_was_taken_before_is_no_concern() -> None:
    assert Told(([1.0, 2.0, 0.0],)).sample(n=2).tolist() == [1.0, 2.0]


def test_a_subclass_of_ours_is_checked_too() -> None:
    with pytest.raises(ValueError, match=r"^arrivals must be ascending, but "):
        Backwards(1.0).sample(n=10, rng=1)


def test_times_beyond_all_floats_are_named() -> None:
    # Gaps of 1e305 s on average: so many of them, compiled, warn of nothing.
    with pytest.raises(ValueError, match=r"^arrivals must be .*\] = inf$"):
        PoissonArrivals(1e-305).sample(n=COMPILED_FROM, rng=1)


def test_a_chunk_must_have_one_dimension() -> None:
    message = "arrivals must have one dimension, got shape (1, 2)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Told(([[1.0, 2.0]],)).sample()


def test_a_sample_needs_little_more_than_its_memory() -> None:
    arrivals, n = PoissonArrivals(1.0), 2 * 10**6
    arrivals.sample(n=n, rng=1)  # compiles
    tracemalloc.start()
    try:
        times = arrivals.sample(n=n, rng=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert times.nbytes == 8 * n
    assert peak < 8 * n + 10**6


def test_seeds_tell_processes_apart() -> None:
    arrivals = RenewalArrivals(Exponential(1.0))
    assert not np.array_equal(arrivals.sample(n=5, rng=1), arrivals.sample(n=5, rng=2))
