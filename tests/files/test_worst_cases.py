"""The worst nights: as bad as the table says, and no worse than is proved."""

import re
from fractions import Fraction

import numpy as np
import pytest

from mds_sim.files._bad_rows import MOST_BLOCKS, MOST_LOOKBACK
from mds_sim.files.engines import DeltaCompaction
from mds_sim.files.refined import (
    Harmonic,
    MinimumBinSlack,
    ModifiedFirstFitDecreasing,
)
from mds_sim.files.strategies import (
    AlmostWorstFit,
    AlmostWorstFitDecreasing,
    BestFit,
    BestFitDecreasing,
    BucketingStrategy,
    FirstFit,
    FirstFitDecreasing,
    FitRule,
    LookbackFit,
    NextFit,
    NextFitDecreasing,
    WorstFit,
    WorstFitDecreasing,
)
from mds_sim.files.worst_cases import worst_case
from mds_sim.theory.packing import HARMONIC_LIMIT, WORST_CASES

SCALES = (1, 2, 3, 12)


@pytest.mark.parametrize("s", SCALES)
@pytest.mark.parametrize(
    ("strategy", "needed", "would_do"),
    [
        (NextFit(), (2, 1), (1, 1)),  # 2 s + 1 buckets, where s + 1 would do
        (WorstFit(), (2, 0), (1, 1)),
        (FirstFit(), (17, 0), (10, 1)),
        (BestFit(), (17, 0), (10, 1)),
        (AlmostWorstFit(), (17, 0), (10, 1)),
        (FirstFitDecreasing(), (11, -3), (9, -3)),
        (BestFitDecreasing(), (11, -3), (9, -3)),
        (AlmostWorstFitDecreasing(), (11, -3), (9, -3)),
        (WorstFitDecreasing(), (5, -1), (4, -1)),
        (ModifiedFirstFitDecreasing(), (7, -4), (6, -4)),
        (LookbackFit(1), (2, 1), (1, 1)),
        (LookbackFit(1, "fullest"), (17, 0), (10, 1)),
        (LookbackFit(2), (2, 2), (1, 2)),
        (LookbackFit(2, "fullest"), (17, 0), (10, 1)),
        (LookbackFit(10, "fullest"), (17, 0), (10, 1)),
        (NextFitDecreasing(), (71, 0), (42, 0)),
        (DeltaCompaction(), (71, 0), (42, 0)),
        (Harmonic(), (71, 0), (42, 0)),
        (Harmonic(7), (71, 0), (42, 0)),
    ],
    ids=repr,
)
def test_it_is_as_bad_as_the_table_says(
    strategy: BucketingStrategy,
    needed: tuple[int, int],
    would_do: tuple[int, int],
    s: int,
) -> None:
    night = worst_case(strategy, s)
    is_the_ten = s == 1 and would_do == (10, 1)
    assert night.packing.n_buckets == needed[0] * s + needed[1]
    assert night.best.n_buckets == (10 if is_the_ten else would_do[0] * s + would_do[1])
    # As few as the bytes allow: nobody could do better.
    assert night.best.n_buckets == night.best.lower_bound
    assert night.best.load.max() <= night.capacity
    assert night.ratio == Fraction(night.packing.n_buckets, night.best.n_buckets)


@pytest.mark.parametrize("s", [1, 2, 5, MOST_LOOKBACK])
@pytest.mark.parametrize("lookback", [3, 4, 5, 10, 60])
def test_a_lookback_of_three_or_more(lookback: int, s: int) -> None:
    night = worst_case(LookbackFit(lookback), s)
    cycles = (10 * s - 2) // (lookback - 2)
    if cycles < 2:
        first_fit = worst_case(FirstFit(), s)
        assert np.array_equal(night.sizes, first_fit.sizes)
        assert night.packing.n_buckets == first_fit.packing.n_buckets
        return
    assert night.packing.n_buckets == 17 * s - 2 + 2 * cycles
    assert night.best.n_buckets == night.best.lower_bound == 10 * s + cycles
    assert night.best.load.max() <= night.capacity
    assert night.ratio < Fraction(17, 10) + Fraction(3, 10 * (lookback - 1))


@pytest.mark.parametrize(
    ("strategy", "scales"),
    [
        (NextFit(), SCALES),
        (FirstFit(), [1]),
        (BestFit(), [1]),
        (FirstFitDecreasing(), SCALES),
    ],
    ids=repr,
)
def test_the_proved_bound_is_attained(
    strategy: BucketingStrategy, scales: list[int]
) -> None:
    bound = WORST_CASES[type(strategy).__name__]
    for s in scales:
        night = worst_case(strategy, s)
        assert bound.most_buckets(night.best.n_buckets) == night.packing.n_buckets


@pytest.mark.parametrize(
    "kind",
    [
        NextFit,
        WorstFit,
        FirstFit,
        BestFit,
        FirstFitDecreasing,
        BestFitDecreasing,
        NextFitDecreasing,
        ModifiedFirstFitDecreasing,
    ],
)
def test_the_proved_bound_is_not_exceeded(kind: type[FitRule]) -> None:
    for s in SCALES:
        night = worst_case(kind(), s)
        most = WORST_CASES[kind.__name__].most_buckets(night.best.n_buckets)
        assert night.packing.n_buckets <= most


def test_the_ratios_in_the_long_run() -> None:
    assert worst_case(FirstFit(), 12).ratio == Fraction(204, 121)  # 1.686 of 1.7
    assert worst_case(NextFit(), 99).ratio == Fraction(199, 100)
    assert worst_case(FirstFitDecreasing(), 99).ratio < Fraction(1226, 1000)
    assert 0 < worst_case(WorstFitDecreasing(), 99).ratio - Fraction(5, 4) < 1e-3
    assert (
        0 < worst_case(ModifiedFirstFitDecreasing(), 99).ratio - Fraction(7, 6) < 2e-3
    )
    assert worst_case(LookbackFit(2), 99).ratio == Fraction(200, 101)
    assert worst_case(LookbackFit(3), MOST_LOOKBACK).ratio > Fraction(183, 100)
    almost = worst_case(Harmonic()).ratio
    assert HARMONIC_LIMIT - 1 / 1805 < almost < HARMONIC_LIMIT


KNOWN = (
    "NextFit, WorstFit, FirstFit, BestFit, AlmostWorstFit, FirstFitDecreasing, "
    "BestFitDecreasing, AlmostWorstFitDecreasing, WorstFitDecreasing, "
    "ModifiedFirstFitDecreasing, LookbackFit, NextFitDecreasing, DeltaCompaction, "
    "Harmonic (with 7 classes or more)"
)


@pytest.mark.parametrize(
    ("strategy", "scale", "message"),
    [
        (
            MinimumBinSlack(),
            1,
            "strategy must be one whose worst night is known, got "
            f"MinimumBinSlack(tries=100); known are {KNOWN}",
        ),
        (
            Harmonic(6),
            1,
            "strategy must be one whose worst night is known, got "
            f"Harmonic(classes=6); known are {KNOWN}",
        ),
        (NextFit(), 0, "scale must be >= 1, got 0"),
        (
            WorstFit(),
            10**9,
            "scale must be <= 10000, for the night to fit in the memory, "
            "got 1000000000",
        ),
        (
            FirstFit(),
            MOST_BLOCKS + 1,
            "scale must be <= 12 for first, best and almost worst fit, got 13",
        ),
        (
            LookbackFit(3),
            MOST_LOOKBACK + 1,
            "scale must be <= 10 for a lookback of 3, got 11",
        ),
    ],
)
def test_bad_input(strategy: BucketingStrategy, scale: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        worst_case(strategy, scale)
