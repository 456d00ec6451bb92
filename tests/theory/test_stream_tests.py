"""Tests whether a stream is Poisson: right when it is, and when it is not."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mds_sim import data
from mds_sim.theory import poisson_tests
from mds_sim.theory._arrival_statistics import (
    _scaled,
    dispersion_test,
    lilliefors,
    within_blocks,
)

Floats = NDArray[np.float64]

POISSON = "passes for a Poisson stream"
VARIES = "passes for a Poisson stream whose rate varies"
GAPS = "no Poisson stream: gaps within blocks are not exponential"
COUNTS = "no Poisson stream: counts vary too little"


def seconds(stamps: NDArray[np.datetime64]) -> Floats:
    """Return stamps as seconds since the first, ascending."""
    known = stamps[~np.isnat(stamps)]
    return np.sort((known - known.min()) / np.timedelta64(1, "s"))


class TestStatisticsByHand:
    def test_dispersion(self) -> None:
        # Counts 1, 3, 2 have mean 2 and variance 1; P(chi-square_2 <= 1) is
        # 1 - exp(-1/2), and that is the smaller tail.
        index, p = dispersion_test(np.array([0.1, 0.4, 0.5, 0.6, 0.7, 0.9]), bins=3)
        assert index == pytest.approx(0.5)
        assert p == pytest.approx(2 * (1 - math.exp(-0.5)))

    def test_an_even_dispersion_has_a_p_of_at_most_1(self) -> None:
        moment = (np.arange(1000) + 0.5) / 1000
        index, p = dispersion_test(moment, bins=100)
        assert index == 0.0
        assert p == pytest.approx(0.0, abs=1e-12)

    def test_lilliefors(self) -> None:
        # Mean 2: the law is 1 - exp(-1/2) at 1 and 1 - exp(-3/2) at 3; the empirical
        # one jumps from 0 to 1/2 to 1. The largest distance is below the first jump.
        distance, p = lilliefors(np.array([3.0, 1.0]))
        assert distance == pytest.approx(1 - math.exp(-0.5))
        assert 0.3 < p <= 1.0

    def test_numbers_that_are_all_0_are_as_far_as_can_be(self) -> None:
        assert lilliefors(np.zeros(50)) == (1.0, 1 / 5000)

    def test_within_blocks(self) -> None:
        # Two blocks of 1/2: u = 0.2, 0.6 in the first, u = 0.5 in the second.
        values = within_blocks(np.array([0.1, 0.3, 0.75]), blocks=2)
        expected = [2 * math.log(1 / 0.8), math.log(0.8 / 0.4), math.log(1 / 0.5)]
        assert values == pytest.approx(np.array(expected))

    def test_blocks_may_be_empty(self) -> None:
        values = within_blocks(np.array([0.05, 0.95]), blocks=10)
        assert values == pytest.approx(np.log([2.0, 2.0]))

    @pytest.mark.parametrize(
        ("p", "scaled"),
        [(0.15, 0.926), (0.10, 0.995), (0.05, 1.094), (0.025, 1.184), (0.01, 1.298)],
    )
    @pytest.mark.parametrize("n", [100, 5000])
    def test_the_table_of_stephens(self, p: float, scaled: float, n: int) -> None:
        # D'Agostino, Stephens (1986), Goodness-of-Fit Techniques, table 4.14: points
        # of (D - 0.2/n) (sqrt n + 0.26 + 0.5/sqrt n). Here numbers with that D.
        root = math.sqrt(n)
        distance = scaled / (root + 0.26 + 0.5 / root) + 0.2 / n
        found, measured = lilliefors(with_distance(distance, n))
        assert found == pytest.approx(distance, abs=2e-4)
        assert measured == pytest.approx(p, abs=0.012)


def with_distance(distance: float, n: int) -> Floats:
    """Return numbers of mean 1 at a given distance from the exponential law."""

    def numbers(shift: float) -> Floats:
        share = np.maximum((np.arange(n) + 0.5) / n - shift, 1e-9)
        return -np.log1p(-share)

    low, high = 0.0, 0.3
    for _ in range(60):
        middle = (low + high) / 2
        below = lilliefors(numbers(middle))[0] < distance
        low, high = (middle, high) if below else (low, middle)
    return numbers(low)


@pytest.fixture(scope="module")
def p_values() -> Floats:
    """Return the three p-values of each of many Poisson streams."""
    rng = np.random.default_rng(20)
    streams = np.cumsum(rng.exponential(1.0, (1000, 200)), axis=1)
    tests = [poisson_tests(times) for times in streams]
    return np.array([(t.dispersion_p, t.gap_p, t.block_p) for t in tests])


class TestPValues:
    # 1,000 Poisson streams of 200 arrivals. The p-values are then uniform: so many
    # below p are binomial, |z| < 4.71 fails for 2.5e-6 of all seeds, in 12 checks for
    # 3e-5. A test that rejects 10 % at p = 0.05 is seen with probability 0.98.
    @pytest.mark.parametrize("p", [0.01, 0.05, 0.25, 0.5])
    def test_they_are_uniform(self, p_values: Floats, p: float) -> None:
        below = (p_values <= p).mean(axis=0)
        z = (below - p) / math.sqrt(p * (1 - p) / len(p_values))
        assert np.abs(z).max() < 4.71, z

    def test_the_verdict_keeps_its_level(self) -> None:
        # 1,000 streams, a level of 0.1: more than 150 wrong verdicts have probability
        # 3e-7 at most.
        rng = np.random.default_rng(21)
        streams = np.cumsum(rng.exponential(1.0, (1000, 200)), axis=1)
        wrong = sum(poisson_tests(t, level=0.1).verdict != POISSON for t in streams)
        assert 20 < wrong <= 150


def poisson(rng: np.random.Generator) -> Floats:
    """Return a Poisson stream."""
    return rng.exponential(1.0, 1000).cumsum()


def day_and_night(rng: np.random.Generator) -> Floats:
    """Return a Poisson stream whose rate goes up and down seven times."""
    times = np.sort(rng.uniform(0.0, 7.0, 8000))
    rate = (1 + 0.8 * np.sin(2 * np.pi * times)) / 1.8
    return times[rng.random(8000) < rate]


def regular(rng: np.random.Generator) -> Floats:
    """Return arrivals with gaps that vary too little."""
    return rng.gamma(4.0, 0.25, 1000).cumsum()


def bursts(rng: np.random.Generator) -> Floats:
    """Return arrivals with gaps that vary too much."""
    return rng.gamma(0.4, 2.5, 1000).cumsum()


def quota(rng: np.random.Generator) -> Floats:
    """Return ten arrivals in each minute, at random moments."""
    return np.sort(60.0 * (np.arange(1000) // 10 + rng.random(1000)))


class TestVerdicts:
    # Ten streams of each kind. A Poisson one is misjudged with probability 0.01 at
    # most, so two of ten are misjudged in 4e-3 of all seeds: seeds are fixed.
    @pytest.mark.parametrize(
        ("stream", "verdict"),
        [
            (poisson, POISSON),
            (day_and_night, VARIES),
            (regular, GAPS),
            (bursts, GAPS),
            (quota, COUNTS),
        ],
    )
    def test_of_streams_that_are_known(
        self, stream: Callable[[np.random.Generator], Floats], verdict: str
    ) -> None:
        spawned = np.random.default_rng(22).spawn(10)
        verdicts = [poisson_tests(stream(rng)).verdict for rng in spawned]
        assert verdicts.count(verdict) >= 9, verdicts

    def test_a_varying_rate_shows_in_whole_blocks_only(self) -> None:
        times = day_and_night(np.random.default_rng(23))
        assert poisson_tests(times, blocks=400).verdict == VARIES
        assert poisson_tests(times, blocks=1).verdict == GAPS

    def test_neither_units_nor_the_start_matter(self) -> None:
        times = poisson(np.random.default_rng(24))
        one, other = poisson_tests(times), poisson_tests(1e6 + 3600.0 * times)
        for figure in ("dispersion", "gap_scv", "gap_distance", "block_distance"):
            assert getattr(other, figure) == pytest.approx(getattr(one, figure))
        assert other.rate == pytest.approx(one.rate / 3600.0)

    def test_the_answer_is_always_the_same(self) -> None:
        times = poisson(np.random.default_rng(25))
        assert poisson_tests(times) == poisson_tests(times)


class TestRealStreams:
    def test_earthquakes_pass(self) -> None:
        tests = poisson_tests(seconds(data.earthquakes().time), bins=336)
        assert tests.verdict == POISSON
        assert tests.arrivals == 1707
        assert tests.dispersion == pytest.approx(1.0, abs=0.02)  # half hours
        assert tests.gap_scv == pytest.approx(1.0, abs=0.01)
        assert min(tests.dispersion_p, tests.gap_p, tests.block_p) > 0.3
        assert tests.tie_share == 0.0
        assert tests.resolution == pytest.approx(0.09)

    def test_earthquakes_pass_by_default(self) -> None:
        tests = poisson_tests(seconds(data.earthquakes().time))
        assert (tests.bins, tests.blocks) == (341, 170)
        assert tests.dispersion == pytest.approx(1.04, abs=0.01)
        assert tests.verdict == POISSON

    def test_scheduled_flights_do_not(self) -> None:
        tests = poisson_tests(seconds(data.flights().scheduled_departure))
        assert tests.verdict == f"{GAPS} (62% of the stamps equal the one before)"
        assert tests.dispersion > 5
        assert tests.dispersion_p < 1e-100
        assert tests.gap_p == tests.block_p == 1 / 5000
        assert tests.resolution == 60.0

    def test_flights_that_left_may_when_stamps_are_spread(self) -> None:
        # A stamp is a whole minute: put it back to anywhere in that minute.
        times = seconds(data.flights().actual_departure)
        assert poisson_tests(times).verdict.startswith(GAPS)
        spread = times + np.random.default_rng(26).uniform(0.0, 60.0, times.size)
        assert poisson_tests(np.sort(spread)).verdict == VARIES

    def test_rounding_is_named(self) -> None:
        times = np.floor(seconds(data.earthquakes().time) / 60) * 60
        verdict = poisson_tests(times).verdict
        assert verdict == f"{GAPS} (8% of the stamps equal the one before)"


class TestTable:
    @pytest.fixture
    def table(self) -> str:
        return str(poisson_tests(seconds(data.earthquakes().time)))

    def test_as_text(self, table: str) -> None:
        lines = table.splitlines()
        assert lines[0] == POISSON
        assert lines[1].split() == ["value", "p-value"]
        assert lines[2].split() == ["arrivals", "1,707"]
        assert lines[7].split() == ["dispersion,", "341", "bins", "1.042", "0.569"]
        assert len(lines) == 10

    def test_a_tiny_p_value_is_a_bound(self) -> None:
        table = str(poisson_tests(seconds(data.flights().scheduled_departure)))
        assert table.count("< 0.001") == 3

    def test_as_html(self) -> None:
        tests = poisson_tests(seconds(data.flights().scheduled_departure))
        html = tests._repr_html_()
        assert f">{tests.verdict}</caption>" in html
        assert ">equal stamps</th><td>62.2%</td><td></td>" in html
        assert "&lt; 0.001" in html


RANDOM = np.sort(np.random.default_rng(27).uniform(0.0, 1000.0, 102))


@pytest.mark.parametrize(
    ("times", "options", "kind", "message"),
    [
        (
            [],
            {},
            ValueError,
            "times must hold at least 50 arrivals between the first and the last, "
            "got 0",
        ),
        (
            np.arange(51.0),
            {},
            ValueError,
            "times must hold at least 50 arrivals between the first and the last, "
            "got 49",
        ),
        (
            np.ones(1000),
            {},
            ValueError,
            "times must hold at least 50 arrivals between the first and the last, "
            "got 0",
        ),
        (
            [2.0, 1.0],
            {},
            ValueError,
            "times must be ascending, but times[1] = 1.0 comes after 2.0; sort them "
            "first",
        ),
        (
            np.array(["2024-01-01"], dtype="datetime64[s]"),
            {},
            TypeError,
            "times must be an array of numbers, got datetime64[s]",
        ),
        (RANDOM, {"bins": 1}, ValueError, "bins must be >= 2, got 1"),
        (
            RANDOM,
            {"bins": 21},
            ValueError,
            "bins must be <= 20, with 5 of 100 arrivals each, got 21",
        ),
        (RANDOM, {"blocks": 0}, ValueError, "blocks must be >= 1, got 0"),
        (
            RANDOM,
            {"blocks": 2.5},
            TypeError,
            "blocks must be a whole number, got 2.5",
        ),
        *(
            (
                RANDOM,
                {"level": level},
                ValueError,
                "level must be > 0.0006 (three tests whose p is 0.0002 at least) and "
                f"< 1, got {level}",
            )
            for level in (1.0, 0.0, 0.0005, 0.0006, -0.1)
        ),
    ],
)
def test_bad_input(
    times: Any, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        poisson_tests(times, **options)


def test_the_least_level_can_still_reject() -> None:
    times = seconds(data.flights().scheduled_departure)
    assert poisson_tests(times, level=0.00061).verdict.startswith(GAPS)


@pytest.mark.parametrize(
    ("p", "verdict"), [(0.0033, "rejected"), (0.0034, POISSON), (0.0049, POISSON)]
)
def test_each_test_is_done_at_a_third_of_the_level(p: float, verdict: str) -> None:
    passing = replace(
        poisson_tests(RANDOM, level=0.01),
        dispersion=0.9, dispersion_p=0.5, gap_p=0.5, block_p=0.5,
    )  # fmt: skip
    assert passing.verdict == POISSON
    for name, words in (("block_p", GAPS), ("dispersion_p", COUNTS), ("gap_p", VARIES)):
        tests = replace(passing, **{name: p})
        assert tests.verdict == (words if verdict == "rejected" else POISSON)


def test_the_scaling_of_stephens_by_hand() -> None:
    # (D - 0.2/n) (sqrt(n) + 0.26 + 0.5/sqrt(n)) with n = 4: 0.5 * 2.51.
    assert _scaled(0.55, 4) == pytest.approx(1.255, rel=1e-12)


def test_the_fewest_arrivals_will_do() -> None:
    tests = poisson_tests(RANDOM[:52])
    assert (tests.bins, tests.blocks) == (10, 5)
