"""Several looks at several pairs: how often is a difference found that is none?"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mds_sim.analysis._sequential import (
    differences,
    error_shares,
    follow,
    judge,
    looks,
    mean_ends,
)

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]


def skewed(rng: np.random.Generator, n: int) -> Floats:
    """Three laws of mean 1 with skewness 2, 4 and 6.2."""
    return np.array(
        [
            rng.exponential(size=n),
            rng.gamma(0.25, 4.0, n),
            rng.lognormal(-0.5, 1.0, n),
        ]
    )


def against_a_constant(rng: np.random.Generator, n: int) -> Floats:
    """Nothing makes the difference symmetrical: the worst for Student's interval."""
    return np.array([np.ones(n), rng.lognormal(-0.5, 1.0, n)])


def almost_equal(rng: np.random.Generator, n: int) -> Floats:
    """Counts that differ by one in some nights, as buckets do."""
    common = rng.poisson(10.0, n)
    seldom = rng.choice([-1, 0, 1], n, p=[0.05, 0.9, 0.05])
    return np.array([common, common + seldom], dtype=np.float64)


def false_alarms(draw: Draw, comparisons: int, error: float, seed: int) -> int:
    """Count comparisons of alternatives with equal means that find a difference."""
    rng = np.random.default_rng(seed)
    count = 0
    for _ in range(comparisons):
        seen = follow(lambda k: draw(rng, k), 800, error=error)
        count += bool(judge(seen.values, error * seen.share).is_clear.any())
    return count


class TestErrors:
    # Were it wrong in exactly 5 % of all cases, one of the three would fail with
    # probability 1e-4: 142 is 4.2 standard deviations above 100.
    @pytest.mark.slow
    @pytest.mark.parametrize("draw", [skewed, against_a_constant, almost_equal])
    def test_a_difference_that_is_none_is_seldom_found(self, draw: Draw) -> None:
        assert false_alarms(draw, 2000, 0.05, seed=1) <= 142

    def test_uncorrected_looks_at_uncorrected_pairs_would_be_caught(self) -> None:
        # What a reader does who looks at each pair of three now and then.
        rng, found = np.random.default_rng(1), 0
        for _ in range(400):
            values = skewed(rng, 800)
            # Three pairs with 15 % together have 5 % each.
            found += any(judge(values[:, :n], 0.15).is_clear.any() for n in looks(800))
        assert found / 400 > 2 * 142 / 2000

    def test_intervals_at_all_looks_hold(self) -> None:
        # 300 comparisons at 5 %: more than 33 has probability below 1e-4.
        rng, missed = np.random.default_rng(2), 0
        times = looks(800)
        for _ in range(300):
            values = skewed(rng, 800)
            missed += any(
                judge(values[:, :n], 0.05 * share).is_clear.any()
                for n, share in zip(times, error_shares(times), strict=True)
            )
        assert missed <= 33

    def test_a_difference_that_is_real_is_found_soon(self) -> None:
        # 0.5 standard deviations, 100 pairs: z = 5, needed for 1/8 of 5 % is 2.7.
        rng = np.random.default_rng(3)
        found = [
            follow(
                lambda k: rng.normal([[0.0], [0.5 * 2**0.5]], 1.0, (2, k)), 800
            ).values.shape[1]
            for _ in range(50)
        ]
        assert sorted(found)[25] == 100
        assert max(found) <= 400


class TestLooks:
    def test_they_are_halves_of_the_last(self) -> None:
        assert looks(1000) == [125, 250, 500, 1000]
        assert looks(200) == [100, 200]
        assert looks(199) == [199]
        assert looks(2) == [2]

    def test_all_errors_are_spent_in_proportion_to_time(self) -> None:
        assert error_shares([125, 250, 500, 1000]) == [0.125, 0.125, 0.25, 0.5]
        assert error_shares([7]) == [1.0]

    def test_it_draws_no_more_than_it_needs(self) -> None:
        asked: list[int] = []

        def draw(k: int) -> Floats:
            asked.append(k)
            return np.array([np.arange(k), np.arange(k) + 3.0])

        seen = follow(draw, 1000)
        assert (asked, seen.share) == ([125], 0.125)
        assert seen.reason == "clear after 125 replications"
        asked.clear()
        assert follow(draw, 1000, stop_early=False).share == 1.0
        assert asked == [1000]

    def test_equal_ones_are_never_clear(self) -> None:
        asked: list[int] = []

        def draw(k: int) -> Floats:
            asked.append(k)
            return np.ones((3, k))

        seen = follow(draw, 1000)
        assert asked == [125, 125, 250, 500]
        assert seen.reason == "3 of 3 differences not clear after 1,000 replications"

    def test_it_goes_on_until_it_is_precise(self) -> None:
        rng = np.random.default_rng(1)

        def draw(k: int) -> Floats:
            return rng.normal([[0.0], [100.0]], 1.0, (2, k))

        # Half a width of 2.7 * 1.41 / sqrt(n), though it is clear after the first look
        seen = follow(draw, 6400, precision=0.2)
        assert seen.values.shape[1] == 800
        half = judge(seen.values, 0.05 * seen.share).half_width.max()
        assert half <= 0.2
        assert seen.reason == f"precise to {half:.3g} after 800 replications"
        seen = follow(draw, 200, precision=0.1)
        half = judge(seen.values, 0.05 * seen.share).half_width.max()
        assert seen.reason == (
            f"not precise enough after 200 replications: {half:.3g}, asked for 0.1"
        )


class TestEnds:
    def test_symmetrical_values_have_students_interval(self) -> None:
        values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]]) + 7.0
        mean, low, high = (x.item() for x in mean_ends(values, 0.05))
        student = stats.t.interval(0.95, 4, 7.0, values.std(ddof=1) / 5**0.5)
        assert (low, mean, high) == pytest.approx((student[0], 7.0, student[1]))

    def test_skewed_ones_reach_further_to_the_long_side(self) -> None:
        values = np.array([[0.0] * 20 + [9.0]])
        mean, low, high = (x.item() for x in mean_ends(values, 0.05))
        t, off = stats.t.ppf(0.975, 20), values.std(ddof=1) / 21**0.5
        assert low == pytest.approx(mean - t * off)  # Student's is the wider here
        # Willink's: a from the third central moment, unbiased, over s cubed.
        away = values[0] - mean
        third = 21 * (away**3).sum() / (20 * 19)
        a = third / values.std(ddof=1) ** 3 / (6 * 21**0.5)
        bent = (np.cbrt(1 + 6 * a * (-t - a)) - 1) / (2 * a)
        assert high == pytest.approx(mean - bent * off)
        assert high - mean > 1.2 * (mean - low)

    def test_turned_round_it_is_turned_round(self) -> None:
        values = np.random.default_rng(1).lognormal(size=(3, 50))
        mean, low, high = mean_ends(values, 0.01)
        turned = mean_ends(-values, 0.01)
        assert np.allclose((-mean, -high, -low), turned)

    def test_what_never_varies_has_no_width(self) -> None:
        mean, low, high = mean_ends(np.full((1, 9), 0.1), 0.05)
        assert mean == low == high == 0.1

    def test_two_values_have_no_skewness(self) -> None:
        _, low, high = mean_ends(np.array([[1.0, 3.0]]), 0.05)
        assert high[0] == pytest.approx(2 + stats.t.ppf(0.975, 1))
        assert low[0] == pytest.approx(2 - stats.t.ppf(0.975, 1))

    def test_rounding_is_no_difference(self) -> None:
        one = np.array([0.1 + 0.2, 1e9, 5.0, 0.0])
        other = np.array([0.3, 1e9 + 1e-7, 5.001, 1e-300])
        assert np.allclose(differences(one, other), [0, 0, -0.001, -1e-300], atol=0)

    def test_large_numbers_do_not_overflow(self) -> None:
        with np.errstate(all="raise"):
            ends = mean_ends(np.array([[1e150, 2e150, 9e150]]), 0.05)
        assert np.isfinite(ends).all()


def test_pairs_share_the_errors() -> None:
    values = np.random.default_rng(1).normal(size=(3, 40))
    pairs = judge(values, 0.06)
    assert pairs.first.tolist() == [0, 0, 1]
    assert pairs.second.tolist() == [1, 2, 2]
    for k, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        one = mean_ends((values[i] - values[j])[None], 0.02)
        assert (pairs.mean[k], pairs.low[k], pairs.high[k]) == pytest.approx(
            tuple(x.item() for x in one)
        )
