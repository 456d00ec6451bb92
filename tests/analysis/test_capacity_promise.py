"""When a promise is decided: exact bounds, and errors no more often than said."""

import re

import numpy as np
import pytest
from scipy.stats import beta

from mds_sim.analysis.capacity._judge import any_yes, longest_yes
from mds_sim.analysis.capacity._promise import Promise, exact_interval


@pytest.mark.parametrize("kept", [0, 1, 37, 99, 100])
def test_bounds_are_those_of_clopper_and_pearson(kept: int) -> None:
    one = exact_interval(kept, 100, tail=0.01)
    low = beta.ppf(0.01, kept, 101 - kept) if kept else 0.0
    high = beta.ppf(0.99, kept + 1, 100 - kept) if kept < 100 else 1.0
    assert (one.low, one.high) == pytest.approx((low, high), abs=1e-12)
    assert one.confidence == pytest.approx(0.98)


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("candidates", [1, 8, 24])
def test_the_first_look_can_say_yes(probability: float, candidates: int) -> None:
    promise = Promise(probability, 0.95, 1600, candidates)
    first = promise.looks[0]
    assert first >= 50 or len(promise.looks) == 1
    assert promise.verdict(promise.interval(first, first)) == "yes"
    assert promise.looks[-1] == 1600
    assert promise.tail * len(promise.looks) * candidates == pytest.approx(0.05)


def test_the_rank_is_the_least_count_that_says_yes() -> None:
    promise = Promise(0.9, 0.95, 800)
    rank = promise.rank(200)
    words = [promise.verdict(promise.interval(k, 200)) for k in (rank - 1, rank)]
    assert words == ["unclear", "yes"]
    assert promise.rank(5) == 5  # too few to say yes


@pytest.mark.parametrize(("truth", "wrong"), [(0.95 - 1e-9, "yes"), (0.95, "no")])
def test_looking_often_errs_no_more_often(truth: float, wrong: str) -> None:
    """A promise that just fails is made in 5 % of all cases at most, and the other way.

    20,000 cases: a share of 5 % is seen above 5.6 % with probability 1e-4. It is about
    3 %, as counts are whole; above 1 %, or the bounds would be far too wide.
    """
    promise = Promise(0.95, 0.95, 1600)
    rng = np.random.default_rng(1)
    steps = np.diff(promise.looks, prepend=0)
    kept = rng.binomial(steps, truth, (20_000, steps.size)).cumsum(axis=1)
    erred = np.zeros(20_000, bool)
    for column, look in zip(kept.T, promise.looks, strict=True):
        words = np.array(
            [promise.verdict(promise.interval(k, look)) for k in range(look + 1)]
        )
        erred |= words[column] == wrong
    assert 0.01 < erred.mean() < 0.056


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.95, 0.95, 58), "replications must be >= 59 to promise 95 % with 95 % "
         "confidence, got 58"),
        ((0.999, 0.95, 1600), "replications must be >= 2995 to promise 99.9 % with 95 "
         "% confidence, got 1600"),
        ((1.0, 0.95, 1600), "probability must be > 0 and < 1, got 1.0"),
        ((0.95, 0.0, 1600), "confidence must be > 0 and < 1, got 0.0"),
        ((0.95, 0.95, 0), "replications must be >= 1, got 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_promised(
    arguments: tuple[float, float, int], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Promise(*arguments)


def test_who_is_asked_again() -> None:
    assert longest_yes(["unclear", "yes", "unclear", "no", "unclear"]) == [2, 4]
    assert longest_yes(["unclear", "no"]) == [0]
    assert any_yes(["unclear", "no", "unclear"]) == [0, 2]
    assert any_yes(["unclear", "yes"]) == []
