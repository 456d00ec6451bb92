"""Units: the constants, and times and sizes as a person would write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.units import (
    DAY,
    GB,
    HOUR,
    KB,
    MB,
    MINUTE,
    MiB,
    format_bytes,
    format_seconds,
)


def test_times_are_seconds_and_sizes_whole_bytes() -> None:
    assert (MINUTE, HOUR, DAY) == (60.0, 3600.0, 86400.0)
    assert (KB, MB, GB, MiB) == (10**3, 10**6, 10**9, 2**20)
    assert {type(unit) for unit in (MINUTE, HOUR, DAY)} == {float}
    assert {type(unit) for unit in (KB, MB, GB, MiB)} == {int}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (1e-6, "0.001 ms"),
        (0.0042, "4.2 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1,000 ms"),  # not 1e+03 ms
        (1, "1 s"),
        (59.96, "60 s"),
        (60, "1 min"),
        (95, "1.58 min"),
        (3600, "1 h"),
        (86399, "24 h"),
        (86400, "1 d"),
        (1234 * DAY, "1,234 d"),
        (-90, "-1.5 min"),
        (math.inf, "inf d"),
        (math.nan, "-"),
    ],
)
def test_a_time_is_written_in_the_unit_a_person_would_choose(
    seconds: float, text: str
) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (12, "12 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_900, "1,000 kB"),  # not 1e+03 kB
        (2_500_000, "2.5 MB"),
        (7.12 * GB, "7.12 GB"),
        (3500 * GB, "3,500 GB"),
        (-2500, "-2.5 kB"),
    ],
)
def test_a_size_is_written_in_the_unit_a_person_would_choose(
    size: float, text: str
) -> None:
    assert format_bytes(size) == text


@given(st.floats(1e-2, 1e6))
def test_a_written_time_is_right_to_half_a_percent(seconds: float) -> None:
    number, unit = format_seconds(seconds).split()
    scale = {"ms": 1e-3, "s": 1.0, "min": MINUTE, "h": HOUR, "d": DAY}[unit]
    assert float(number.replace(",", "")) * scale == pytest.approx(seconds, rel=5e-3)


@given(st.integers(0, 10**15))
def test_a_written_size_is_right_to_half_a_percent(size: int) -> None:
    number, unit = format_bytes(size).split()
    scale = {"B": 1, "kB": KB, "MB": MB, "GB": GB}[unit]
    assert float(number.replace(",", "")) * scale == pytest.approx(size, rel=5e-3)
