"""Intervals: by hand, by definition, and by how often they hold the truth."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from mds_sim.analysis import (
    Interval,
    batch_means,
    mean_interval,
    naive_interval,
    paired_interval,
    proportion_interval,
    quantile_interval,
)
from mds_sim.sim import serve

Floats = NDArray[Any]


class TestInterval:
    def test_ends(self) -> None:
        interval = Interval(10.0, 2.0, 0.95, 8, "replications")
        assert (interval.low, interval.high) == (8.0, 12.0)
        assert [interval.contains(x) for x in (7.9, 8.0, 12.0, 12.1)] == [
            False, True, True, False,
        ]  # fmt: skip

    def test_ends_that_are_given(self) -> None:
        interval = Interval(10.0, 2.0, 0.95, 8, "values", ends=(9.5, 13.5))
        assert (interval.low, interval.high) == (9.5, 13.5)
        assert not interval.contains(9.0)
        assert interval.contains(13.0)

    @pytest.mark.parametrize(
        ("mean", "half_width", "text"),
        [
            (12.3456, 0.4123, "12.35 +/- 0.41"),
            (12345.6, 678.9, "12350 +/- 680"),
            (0.0012345, 0.00012, "0.00123 +/- 0.00012"),
            (5.0, 1.0, "5.0 +/- 1.0"),
            (-3.0, 25.4, "-3 +/- 25"),
            (12.5, 0.0, "12.5 +/- 0"),
        ],
    )
    def test_two_figures_of_the_half_width(
        self, mean: float, half_width: float, text: str
    ) -> None:
        interval = Interval(mean, half_width, 0.95, 10, "replications")
        assert str(interval) == f"{text} (95 %, 10 replications)"

    def test_other_texts(self) -> None:
        noted = Interval(1.0, 0.5, 0.999, 1000, "batch means", note="too narrow")
        assert str(noted) == "1.00 +/- 0.50 (99.9 %, 1,000 batch means; too narrow)"
        skew = Interval(1.0, 0.5, 0.9, 10, "values", ends=(0.8, 1.8))
        assert str(skew) == "1.00 in [0.80, 1.80] (90 %, 10 values)"

    def test_it_is_a_value(self) -> None:
        assert mean_interval([1, 2, 3]) == mean_interval([1.0, 2.0, 3.0])


class TestMean:
    def test_by_hand(self) -> None:
        # s^2 = 2/3, t = 3.182446 (3 degrees of freedom)
        interval = mean_interval([11, 12, 13, 12])
        assert interval.mean == 12.0
        assert math.isclose(interval.half_width, 3.182446 * 6**-0.5, rel_tol=1e-6)
        assert (interval.n, interval.confidence, interval.method) == (
            4, 0.95, "replications",
        )  # fmt: skip

    @pytest.mark.parametrize("n", [2, 3, 10, 1000])
    @pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
    def test_it_is_that_of_scipy(self, n: int, confidence: float) -> None:
        values = np.random.default_rng(n).normal(5.0, 2.0, n)
        low, high = stats.ttest_1samp(values, 0.0).confidence_interval(confidence)
        interval = mean_interval(values, confidence=confidence)
        assert interval.low == pytest.approx(low, rel=1e-12)
        assert interval.high == pytest.approx(high, rel=1e-12)

    def test_equal_values(self) -> None:
        assert mean_interval([2.5] * 4).half_width == 0.0

    def test_a_large_offset_costs_no_figures(self) -> None:
        near, far = mean_interval([0, 1, 2]), mean_interval([1e9, 1e9 + 1, 1e9 + 2])
        assert near.half_width == far.half_width


class TestPaired:
    def test_it_is_that_of_the_differences(self) -> None:
        pairs = paired_interval([10, 25, 17], [9, 23, 17])
        alone = mean_interval([1, 2, 0])
        assert (pairs.mean, pairs.half_width) == (alone.mean, alone.half_width)
        assert pairs.method == "pairs"


class TestBatchMeans:
    def test_by_hand(self) -> None:
        # Batches 0 0 0 0 0 and 2 2 2 2 2: mean 1, s = sqrt(2), t = 12.7062.
        interval = batch_means([0] * 5 + [2] * 5, batches=2)
        assert interval.mean == 1.0
        assert math.isclose(interval.half_width, 12.706205, rel_tol=1e-6)
        assert (interval.n, interval.method) == (2, "batch means")

    def test_the_first_values_are_left_out(self) -> None:
        series = [1e6, *([0] * 5), *([2] * 5)]
        assert batch_means(series, batches=2) == batch_means(series[1:], batches=2)

    def test_twenty_batches(self) -> None:
        assert batch_means(np.arange(100) % 5).n == 20

    def test_the_warning_by_hand(self) -> None:
        # von Neumann: 1 - (sum of squared steps) / (2 sum of squares) = 1 - 9 / 165
        note = "too narrow: correlated, lag 1: 0.95"
        interval = batch_means(range(10), batches=2)
        assert interval.note == note
        assert str(interval).endswith(f" (95 %, 2 batch means; {note})")

    @pytest.mark.parametrize("series", [[0, 1] * 5, [3.0] * 10])
    def test_no_warning(self, series: list[float]) -> None:
        assert batch_means(series, batches=2).note == ""

    @pytest.mark.parametrize("value", [0.1, 3.0, -7.3, 1e-300])
    def test_equal_values_differ_by_no_rounding_error(self, value: float) -> None:
        interval = batch_means(np.full(1000, value))
        assert (interval.mean, interval.half_width, interval.note) == (value, 0.0, "")

    @pytest.mark.parametrize(
        ("rho", "note"), [(0.28, ""), (0.32, "too narrow: correlated, lag 1: 0.32")]
    )
    def test_the_warning_begins_above_0_3(self, rho: float, note: str) -> None:
        # A hundred values, each of them a batch that is checked: noise, and of the
        # noise before it a share that makes the lag-1 correlation rho.
        noise = np.random.default_rng(5).normal(size=101)

        def lag_one(share: float) -> float:
            series = noise[1:] + share * noise[:-1]
            around = series - series.mean()
            return float(1 - (np.diff(series) ** 2).sum() / (2 * (around @ around)))

        share = float(brentq(lambda x: lag_one(x) - rho, 0.0, 1.0))
        assert batch_means(noise[1:] + share * noise[:-1]).note == note

    def test_independent_values_are_rarely_warned_about(self) -> None:
        # The rate measured is 0.0016. Of 2,000 series more than 20 are
        # warned about with probability 4e-11.
        series = np.random.default_rng(4).normal(size=(2000, 200))
        assert sum(bool(batch_means(one).note) for one in series) <= 20


class TestNaive:
    def test_it_is_what_it_says(self) -> None:
        naive, proper = naive_interval([1, 2, 4]), mean_interval([1, 2, 4])
        assert (naive.mean, naive.half_width) == (proper.mean, proper.half_width)
        assert str(naive).endswith("(95 %, 3 values taken as independent)")


class TestQuantile:
    def test_by_hand(self) -> None:
        # Of 10 values k are below the median: 1, 11, 56 of 1,024 cases for k = 0, up
        # to 1 and up to 2. 11/1024 <= 0.025 < 56/1024: the second and the ninth.
        interval = quantile_interval([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], 0.5)
        assert interval.ends == (2.0, 9.0)
        assert (interval.mean, interval.half_width, interval.n) == (5.5, 3.5, 10)

    @given(
        n=st.integers(1, 400),
        probability=st.floats(0.01, 0.99),
        confidence=st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]),
    )
    def test_by_definition(self, n: int, probability: float, confidence: float) -> None:
        # Reference: all ranks, from the sums of binomial probabilities.
        below = stats.binom.cdf(np.arange(-1, n + 1), n, probability)  # F(k - 1)
        tail = (1 - confidence) / 2
        low = [rank for rank in range(1, n + 1) if below[rank] <= tail]
        high = [rank for rank in range(1, n + 1) if below[rank] >= 1 - tail]
        if not low or not high:
            with pytest.raises(ValueError, match=r"^values must hold at least "):
                quantile_interval(range(1, n + 1), probability, confidence=confidence)
            return
        interval = quantile_interval(
            range(1, n + 1), probability, confidence=confidence
        )
        assert interval.ends == (low[-1], high[0])

    def test_the_fewest_values(self) -> None:
        assert quantile_interval(range(368), 0.99).ends[1] == 367  # type: ignore[index]
        assert quantile_interval(range(368), 0.01).ends[0] == 0  # type: ignore[index]

    @pytest.mark.parametrize("probability", [0.5, 0.9])
    def test_coverage(self, probability: float) -> None:
        # At least 0.95 for any law; with 0.95, fewer than 1,850 of 2,000 hold the
        # truth with probability 1e-6.
        truth = -math.log1p(-probability)
        samples = np.random.default_rng(8).exponential(size=(2000, 60))
        held = [quantile_interval(s, probability).contains(truth) for s in samples]
        assert sum(held) >= 1850


GOOD = [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: mean_interval([1.0]), ValueError,
         "values must hold at least 2 values, got 1"),
        (lambda: mean_interval([]), ValueError,
         "values must hold at least 2 values, got 0"),
        (lambda: mean_interval([1, math.nan, 3]), ValueError,
         "values must be finite, but values[1] = nan"),
        (lambda: mean_interval([GOOD]), ValueError,
         "values must have one dimension, got shape (1, 3)"),
        (lambda: mean_interval(["a", "b"]), TypeError,
         "values must be an array of numbers, got list"),
        (lambda: mean_interval(GOOD, confidence=95), ValueError,
         "confidence must be > 0 and < 1, got 95"),
        (lambda: mean_interval(GOOD, confidence=1.0), ValueError,
         "confidence must be > 0 and < 1, got 1.0"),
        (lambda: mean_interval(GOOD, confidence="95 %"), TypeError,  # type: ignore[arg-type]
         "confidence must be a number, got '95 %'"),
        (lambda: naive_interval([1.0]), ValueError,
         "series must hold at least 2 values, got 1"),
        (lambda: paired_interval(GOOD, [1.0, 2.0]), ValueError,
         "second must hold one value for each of 3 in first, got 2"),
        (lambda: paired_interval(GOOD, [1.0, 2.0, math.inf]), ValueError,
         "second must be finite, but second[2] = inf"),
        (lambda: batch_means(range(99)), ValueError,
         "series must hold at least 100 values, got 99"),
        (lambda: batch_means(range(99), batches=1), ValueError,
         "batches must be >= 2, got 1"),
        (lambda: batch_means(range(99), batches=2.0), TypeError,  # type: ignore[arg-type]
         "batches must be a whole number, got 2.0"),
        (lambda: quantile_interval(range(367), 0.99), ValueError,
         "values must hold at least 368 for the 0.99 quantile at 95 % confidence, "
         "got 367"),
        (lambda: quantile_interval([], 0.5), ValueError,
         "values must hold at least 1 value, got 0"),
        (lambda: quantile_interval(GOOD, 1.0), ValueError,
         "probability must be > 0 and < 1, got 1.0"),
        (lambda: quantile_interval(GOOD, 0.5, confidence=0), ValueError,
         "confidence must be > 0 and < 1, got 0"),
    ],
)  # fmt: skip
def test_bad_input(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()


WORKERS, LOAD = 10, 8.0  # M/M/10, mean service time 1, at load 0.8


def waiting_times(free: Floats, service: Any, gap: Any, n: int) -> Any:
    """Yield what the next customer waits in each of many queues (Kiefer-Wolfowitz).

    `free` holds one row a worker: when each is free, from now on, ascending.
    """
    for _ in range(n):
        yield free[0]
        later = free[0] + service()
        for row in range(1, len(free)):  # insert it
            np.minimum(later, free[row], out=free[row - 1])
            np.maximum(later, free[row], out=later)
        free[-1] = later
        np.maximum(free - gap(), 0, out=free)


def stationary(queues: int, rng: np.random.Generator) -> Floats:
    """Draw what an arrival finds in the long run (PASTA): no warm-up, no bias."""
    weight = np.cumprod([1.0, *(LOAD / k for k in range(1, WORKERS))])
    full = weight[-1] * LOAD / (WORKERS - LOAD)  # all at work
    weight = np.append(weight, full) / (weight.sum() + full)
    found = rng.choice(WORKERS + 1, queues, p=weight)
    queue = rng.geometric(1 - LOAD / WORKERS, queues) - 1
    found += np.where(found == WORKERS, queue, 0)
    busy = np.arange(WORKERS)[:, np.newaxis] < found
    free = np.sort(np.where(busy, rng.exponential(size=busy.shape), 0.0), axis=0)
    for place in range(WORKERS, found.max(initial=0)):
        free[0] += np.where(place < found, rng.exponential(size=queues), 0.0)
        free.sort(axis=0)
    return free.astype(np.float32)


def mean_waiting_time() -> float:
    """Return that of M/M/10: Erlang's C, by the recursion for B."""
    blocked = 1.0
    for k in range(1, WORKERS + 1):
        blocked = LOAD * blocked / (k + LOAD * blocked)
    waits = blocked / (1 - LOAD / WORKERS * (1 - blocked))
    return waits / (WORKERS - LOAD)


@dataclass
class Runs:
    """Many independent runs of M/M/10: the mean of each, the beginning of some."""

    means: Floats
    series: Floats


@pytest.fixture(scope="module")
def runs() -> Runs:
    queues, customers, some, first = 20_000, 20_000, 2000, 2000
    rng = np.random.default_rng(2024)
    total, series = np.zeros(queues), np.empty((first, some), np.float32)

    def service() -> Floats:
        return rng.standard_exponential(queues, dtype=np.float32)

    def gap() -> Floats:
        return service() / np.float32(LOAD)

    waits = waiting_times(stationary(queues, rng), service, gap, customers)
    for i, wait in enumerate(waits):
        total += wait
        if i < first:
            series[i] = wait[:some]
    return Runs(total / customers, series.T)


def test_the_queues_of_the_coverage_test_are_right() -> None:
    rng = np.random.default_rng(6)
    gap, service = rng.exponential(1 / LOAD, 300), rng.exponential(size=300)
    gaps, services = iter(gap), iter(service)
    free = np.zeros((WORKERS, 1))
    waits = waiting_times(free, lambda: next(services), lambda: next(gaps), 300)
    arrival = np.concatenate([[0.0], np.cumsum(gap)[:-1]])
    expected = serve(arrival, service, WORKERS).start - arrival
    assert np.allclose([float(wait[0]) for wait in waits], expected, atol=1e-9)


@pytest.mark.slow
class TestCoverage:
    """How often 95 % intervals hold the mean waiting time of M/M/10 at load 0.8.

    Seeds are fixed. The probabilities are those of a failure with a new seed.
    """

    def test_the_mean_is_that_of_erlang(self, runs: Runs) -> None:
        z = (runs.means.mean() - mean_waiting_time()) / stats.sem(runs.means)
        assert abs(z) < 4.71  # 2.5e-6

    def test_replications(self, runs: Runs) -> None:
        # Measured over 40,000 intervals: 0.9455, so below 0.93 with probability 1.4e-3.
        intervals = map(mean_interval, runs.means.reshape(-1, 10))
        held = [interval.contains(mean_waiting_time()) for interval in intervals]
        assert len(held) == 2000
        assert np.mean(held) >= 0.93

    def test_naive(self, runs: Runs) -> None:
        # Measured: 0.159, standard error 0.0082, so out of the range 1e-11.
        held = [naive_interval(s).contains(mean_waiting_time()) for s in runs.series]
        assert 0.1 < np.mean(held) < 0.22

    def test_batch_means_of_too_short_runs_warn(self, runs: Runs) -> None:
        # Measured: 0.79 hold the truth, 0.98 warn (standard errors 0.009 and 0.003).
        intervals = [batch_means(series) for series in runs.series]
        held = [interval.contains(mean_waiting_time()) for interval in intervals]
        assert 0.73 < np.mean(held) < 0.85
        assert np.mean([bool(interval.note) for interval in intervals]) > 0.95


def test_proportion_interval_solves_wilsons_equation() -> None:
    z = 1.959963984540054
    for successes, n in ((0, 10), (3, 10), (10, 10), (1, 1), (250, 1000)):
        found = proportion_interval(successes, n)
        for end in (found.low, found.high):
            away = abs(successes / n - end)
            assert away == pytest.approx(z * np.sqrt(end * (1 - end) / n), abs=1e-9)
        assert 0 <= found.low <= found.mean <= found.high <= 1


def test_proportion_interval_covers_on_average_what_it_says() -> None:
    # Exact, no chance in it: the binomial law of 50 trials, p over a fine grid.
    grid = np.linspace(0.005, 0.995, 199)
    law = stats.binom.pmf(np.arange(51)[:, None], 50, grid)
    ends = [proportion_interval(k, 50) for k in range(51)]
    holds = np.array([[e.contains(p) for p in grid] for e in ends])
    assert 0.945 < (law * holds).sum(axis=0).mean() < 0.960


def test_proportion_interval_refuses_more_successes_than_trials() -> None:
    with pytest.raises(ValueError, match=r"^successes must be <= n = 3, got 4$"):
        proportion_interval(4, 3)
    with pytest.raises(ValueError, match=r"^n must be >= 1, got 0$"):
        proportion_interval(0, 0)
