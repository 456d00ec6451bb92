"""MSER-5: by hand, by definition, and bit for bit beside plain sums."""

import math
import re
from fractions import Fraction
from statistics import median
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.analysis import Warmup, mser5

WHOLE = st.lists(st.integers(-1000, 1000), min_size=50, max_size=200)


def plain(series: list[float]) -> list[float]:
    """Return the curve in O(n^2): for each point, sum up the rest from its end."""
    full = range(0, len(series) - 4, 5)
    means = [(((a + b) + c + d) + e) / 5 for a, b, c, d, e in
             (series[i : i + 5] for i in full)]  # fmt: skip
    middle = median(means[len(means) // 2 :])
    curve = []
    for d in range(len(means) - 4):
        total = squares = 0.0
        for y in reversed(means[d:]):
            total += y - middle
            squares += (y - middle) * (y - middle)
        count = len(means) - d
        curve.append(max(squares - total * total / count, 0.0) / (count * count))
    return curve


def exact(series: list[int]) -> list[Fraction]:
    """Return the curve by its definition, in fractions."""
    full = range(0, len(series) - 4, 5)
    means = [Fraction(sum(series[i : i + 5]), 5) for i in full]
    curve = []
    for d in range(len(means) - 4):
        rest = means[d:]
        mean = sum(rest, Fraction()) / len(rest)
        squares = sum(((y - mean) ** 2 for y in rest), Fraction())
        curve.append(squares / len(rest) ** 2)
    return curve


class TestReferences:
    @pytest.mark.parametrize("n", [50, 53, 54, 55, 499, 1000])
    @pytest.mark.parametrize("offset", [0.0, 1e6])
    def test_bit_for_bit_beside_plain_sums(self, n: int, offset: float) -> None:
        rng = np.random.default_rng(n)
        series = offset + rng.gamma(2.0, size=n) + 5 * np.exp(-np.arange(n) / 20)
        curve = plain(series.tolist())
        warmup = mser5(series)
        assert warmup.curve.tolist() == curve
        assert warmup.truncation == 5 * curve.index(min(curve))

    @given(WHOLE)
    def test_the_definition(self, series: list[int]) -> None:
        # Times five, so that the means are whole and all sums are exact.
        series = [5 * value for value in series]
        warmup, curve = mser5(series), exact(series)
        assert np.allclose(warmup.curve, [float(y) for y in curve], rtol=1e-9)
        least = curve[warmup.truncation // 5]
        assert float(least) == pytest.approx(float(min(curve)), rel=1e-9)
        if all(y == least or y > least * Fraction(1000001, 1000000) for y in curve):
            assert warmup.truncation == 5 * curve.index(least)  # the first of equals


class TestByHand:
    def test_a_step(self) -> None:
        warmup = mser5([9.0] * 20 + [1.0, 2.0] * 100)
        assert (warmup.truncation, warmup.n, warmup.reliable) == (20, 220, True)
        assert warmup.curve.size == 44 - 4

    def test_the_curve(self) -> None:
        # Nine batches of 0 after one of 10: 81 + 9 * 1 = 90, over 10^2; then nothing.
        warmup = mser5([10.0] * 5 + [0.0] * 45)
        assert warmup.curve.tolist() == [0.9, 0.0, 0.0, 0.0, 0.0, 0.0]
        assert warmup.truncation == 5

    @pytest.mark.parametrize("value", [0.0, 0.1, 1e300, -7.3])
    def test_no_warm_up(self, value: float) -> None:
        warmup = mser5([value] * 60)
        assert warmup.truncation == 0
        assert not warmup.curve.any()

    @pytest.mark.parametrize(("step", "reliable"), [(50, True), (55, False)])
    def test_a_point_in_the_second_half_is_not_reliable(
        self, step: int, reliable: bool
    ) -> None:
        warmup = mser5([5.0] * step + [0.0] * (100 - step))
        assert (warmup.truncation, warmup.reliable) == (step, reliable)

    def test_a_drift_is_not_reliable(self) -> None:
        assert not mser5(np.arange(1000.0)).reliable

    def test_values_after_the_last_full_batch_do_not_count(self) -> None:
        series = [9.0] * 20 + [1.0, 2.0] * 100
        long, short = mser5([*series, 1e9]), mser5(series)
        assert np.array_equal(long.curve, short.curve)
        assert (long.truncation, long.n) == (short.truncation, 221)

    def test_text(self) -> None:
        curve = np.zeros(1)
        good, bad = Warmup(1500, curve, 3000), Warmup(1505, curve, 3000)
        text = "leave out the first 1,500 of 3,000 values"
        assert str(good) == text
        assert str(bad) == text.replace("500 ", "505 ") + " (not reliable: run longer)"


def test_a_huge_start_does_not_hide_the_rest() -> None:
    # Squares about the mean of all values would lose the noise of the rest.
    noise = np.random.default_rng(3).normal(size=900)
    warmup = mser5(np.concatenate([np.full(100, 1e9), noise]))
    assert 100 <= warmup.truncation <= 300
    rest = noise[: noise.size // 5 * 5].reshape(-1, 5).mean(axis=1)
    assert math.isclose(warmup.curve[20], rest.var() / rest.size, rel_tol=1e-9)


@given(WHOLE, st.sampled_from([0.25, 2.0, 1024.0]))
def test_units_change_nothing(series: list[int], unit: float) -> None:
    one, other = mser5(series), mser5(unit * np.array(series))
    assert one.truncation == other.truncation
    assert np.array_equal(unit * unit * one.curve, other.curve)


def test_the_curve_is_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        mser5([0.0] * 50).curve[0] = 1.0


@pytest.mark.parametrize(
    ("series", "kind", "message"),
    [
        ([0.0] * 49, ValueError, "series must hold at least 50 values, got 49"),
        ([0.0] * 50 + [math.inf], ValueError,
         "series must be finite, but series[50] = inf"),
        (np.zeros((10, 10)), ValueError,
         "series must have one dimension, got shape (10, 10)"),
        ("warm", TypeError, "series must be an array of numbers, got str"),
    ],
)  # fmt: skip
def test_bad_input(series: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        mser5(series)
