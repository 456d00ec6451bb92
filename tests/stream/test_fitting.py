"""A trace becomes arrivals that can be simulated: the simplest that pass."""

import pickle
import re

import numpy as np
import pytest

from mds_sim import data
from mds_sim.distributions import Constant
from mds_sim.stream import (
    DailyRate,
    PoissonArrivals,
    RenewalArrivals,
    StreamPipeline,
    TraceArrivals,
    VaryingPoissonArrivals,
    daily_rate,
    fit_arrivals,
    read_arrivals,
)
from mds_sim.units import DAY, HOUR

OFFICE = DailyRate((0.002,) * 8 + (0.05,) * 10 + (0.01,) * 6, begin=7 * HOUR)


def trace(times: np.ndarray, origin: str = "") -> TraceArrivals:
    return TraceArrivals(times, origin)


def test_a_poisson_stream_is_taken_for_one() -> None:
    # The tests refuse one Poisson stream in 20; not that of this seed.
    times = PoissonArrivals(0.1).sample(until=DAY, rng=1)
    fit = fit_arrivals(trace(times))
    assert fit.law == "poisson"
    assert isinstance(fit.arrivals, PoissonArrivals)
    assert fit.arrivals.rate == trace(times).rate


def test_a_rate_that_varies_is_followed_through_the_day() -> None:
    # 17,000 arrivals in seven days: by Poisson's law an hour's rate is off by
    # 4.5 standard deviations once in 6,000 for all 24 hours.
    times = VaryingPoissonArrivals(OFFICE, 0.05).sample(until=7 * DAY, rng=1)
    fit = fit_arrivals(trace(times, "2024-03-01T07:00:00+00:00"))
    assert fit.law == "varying"
    counts = np.array(OFFICE.rates) * 7 * HOUR
    found = np.array(fit.daily.rates) * 7 * HOUR
    assert (np.abs(found - counts) < 4.5 * np.sqrt(counts) + 1).all()
    again = fit.arrivals.sample(until=DAY, rng=2)
    # One day of 2,400 messages, within five standard deviations.
    assert abs(again.size - counts.sum() / 7) < 5 * np.sqrt(counts.sum() / 7)


def test_a_schedule_is_replayed() -> None:
    bus = trace(np.arange(500) * 600.0 + np.random.default_rng(1).uniform(0, 60, 500))
    fit = fit_arrivals(bus)
    assert fit.law == "replay"
    assert fit.arrivals is bus
    assert fit.verdict == "no Poisson stream: gaps within blocks are not exponential"


def test_a_rate_that_varies_within_hours_is_replayed() -> None:
    burst = VaryingPoissonArrivals(lambda t: np.where(t % 7200 < 3600, 0.2, 0.02), 0.2)
    fit = fit_arrivals(trace(burst.sample(until=6 * HOUR, rng=1)))
    assert fit.verdict == "passes for a Poisson stream whose rate varies"
    assert fit.law == "replay"  # no day was seen: nobody knows the other hours


def test_stamps_of_whole_minutes_are_spread_first() -> None:
    times = np.floor(PoissonArrivals(0.1).sample(until=DAY, rng=1) / 60.0) * 60.0
    fit = fit_arrivals(trace(times))
    assert fit.tests is not None
    assert fit.tests.verdict.startswith("no Poisson stream")
    assert fit.law == "poisson"
    assert fit.verdict == (
        "passes for a Poisson stream, once equal stamps are spread over their "
        "resolution"
    )


@pytest.mark.parametrize("times", [[], [5.0], [5.0] * 100, [0.0, 1.0, 2.0]])
def test_too_few_arrivals_are_replayed(times: list[float]) -> None:
    fit = fit_arrivals(trace(np.array(times)))
    assert fit.law == "replay"
    assert fit.verdict == "too few arrivals to tell whether they are Poisson"


def test_a_law_may_be_told() -> None:
    times = trace(np.array([0.0, 10.0, 30.0]))
    assert fit_arrivals(times, "poisson").arrivals == PoissonArrivals(2 / 30)
    assert fit_arrivals(times, "replay").arrivals is times
    gaps = fit_arrivals(times, "renewal").arrivals
    assert isinstance(gaps, RenewalArrivals)
    assert set(np.diff(gaps.sample(n=50, rng=1))) == {10.0, 20.0}
    varying = fit_arrivals(times, "varying").arrivals
    assert pickle.loads(pickle.dumps(varying)) == varying  # for other processes


@pytest.mark.parametrize(
    ("law", "times", "message"),
    [
        (
            "normal",
            [0.0, 1.0],
            "law must be 'auto' or 'replay' or 'poisson' or 'varying' or 'renewal', "
            "got 'normal'",
        ),
        (
            "poisson",
            [1.0, 1.0],
            "trace must span some time to fit law='poisson', got "
            "TraceArrivals(2 arrivals in 0 s); law='replay' replays it",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    law: str, times: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fit_arrivals(trace(np.array(times)), law)


class TestDailyRate:
    def test_each_hour_counts_for_as_long_as_it_was_seen(self) -> None:
        begin, end = 22.5 * HOUR, 22.5 * HOUR + 1.75 * DAY
        times = np.arange(0.0, end - begin + 1, 90.0)
        stamps = trace(times, "2024-03-01T22:30:00+00:00")
        rates = daily_rate(stamps).rates
        assert rates == pytest.approx([1 / 90] * 24)
        # By hand: how often each hour comes, and for how long.
        of_day = (times[:-1] + begin) % DAY // HOUR
        seconds = np.arange(begin, end) % DAY // HOUR
        for hour in range(24):
            seen = np.count_nonzero(seconds == hour)
            expected = np.count_nonzero(of_day == hour) / seen
            assert rates[hour] == pytest.approx(expected)

    def test_an_hour_that_was_not_seen_has_the_mean_rate(self) -> None:
        rates = daily_rate(trace(np.array([0.0, 60.0, 7200.0]))).rates
        assert rates == (2 / 3600, 0.0, *(2 / 7200,) * 22)

    def test_hours_are_those_of_the_zone(self) -> None:
        stamps = trace(np.arange(60) * 60.0, "2024-07-01T12:00:00+00:00")
        for zone, hour in ((None, 12), ("America/New_York", 8), ("+05:30", 17)):
            rates = daily_rate(stamps, zone=zone).rates
            assert rates[hour] == max(rates)
            assert DailyRate(rates, daily_rate(stamps, zone=zone).begin)(
                np.zeros(1)
            ) == [rates[hour]]

    def test_there_are_24_rates(self) -> None:
        with pytest.raises(ValueError, match=r"^rates must be 24, one an hour, got 2$"):
            DailyRate((1.0, 2.0))


def test_a_pipeline_from_a_trace_in_one_call() -> None:
    flights = read_arrivals(data.FLIGHTS, "actual_departure")
    pipeline = StreamPipeline.from_trace(
        flights, zone="America/New_York", service=Constant(60.0), workers=4
    )
    assert isinstance(pipeline.arrivals, VaryingPoissonArrivals)
    assert pipeline.workers == 4
    days = [len(pipeline.simulate(until=DAY, rng=seed).items) for seed in range(20)]
    mean = flights.rate * DAY
    # The mean of 20 Poisson counts, within five standard errors.
    assert abs(np.mean(days) - np.mean(flights_a_day(pipeline))) < 5 * np.sqrt(
        mean / 20
    )
    replay = StreamPipeline.from_trace(flights, "replay", service=Constant(60.0))
    assert len(replay.simulate().items) == len(flights)


def flights_a_day(pipeline: StreamPipeline) -> float:
    arrivals = pipeline.arrivals
    assert isinstance(arrivals, VaryingPoissonArrivals)
    rate = arrivals.rate_of_time
    assert isinstance(rate, DailyRate)
    return sum(rate.rates) * HOUR
