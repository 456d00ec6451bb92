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
    counted,
    format_bytes,
    format_seconds,
    short_unit,
    size_unit,
    written_unit,
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


@pytest.mark.parametrize("seconds", [0.0, 0.02, 59.0, 61.0, 3601.0, 1e6, -7200.0])
def test_a_unit_is_that_of_the_written_time(seconds: float) -> None:
    name, length = written_unit(seconds)
    assert format_seconds(seconds).endswith(f" {name}")
    assert {"ms": 1e-3, "s": 1.0, "min": MINUTE, "h": HOUR, "d": DAY}[name] == length


@pytest.mark.parametrize(
    ("seconds", "like", "text"),
    [
        (56.1 * MINUTE, 1.37 * HOUR, "0.935 h"),
        (0.0, 90.0, "0 min"),
        (7200.0, 1.0, "7,200 s"),
        (math.nan, 1.0, "-"),
    ],
)
def test_a_time_beside_another_one_has_its_unit(
    seconds: float, like: float, text: str
) -> None:
    assert format_seconds(seconds, like=like) == text


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        ([8280.0], "h"),
        ([7800.0], "min"),  # 2.1666... h
        ([300.0, 600.0], "min"),
        ([200.0, 300.0], "s"),  # 3.333... min
        ([30.0, 60.0], "s"),  # half a minute is below 1
        ([0.25], "s"),
        ([DAY], "d"),
        ([DAY, 2 * HOUR], "h"),
        ([4000 * DAY], "s"),  # four digits of days, and more of all others
        ([735.0], "s"),  # 12.25 min has four digits
        ([], "s"),
    ],
)
def test_a_short_unit_needs_three_digits_for_each_time(
    times: list[float], unit: str
) -> None:
    assert short_unit(times)[0] == unit


@given(st.lists(st.floats(1e-3, 1e7), min_size=1, max_size=3))
def test_what_a_short_unit_says_is_exact(times: list[float]) -> None:
    name, length = short_unit(times)
    for time in times if name != "s" else ():
        assert float(f"{time / length:.3g}") * length == pytest.approx(time, rel=1e-8)


@given(st.integers(0, 10**12))
def test_a_unit_is_that_of_the_written_size(size: int) -> None:
    assert format_bytes(size).endswith(f" {size_unit(size)[0]}")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((1, "file"), "1 file"),
        ((0, "file"), "0 files"),
        ((2, "mini-batch", "mini-batches"), "2 mini-batches"),
        ((14_388, "item"), "14,388 items"),
        ((14_388, "item", "", ""), "14388 items"),
        ((1.0, "item", "", ".3g"), "1 item"),
        ((1.004, "item", "", ".3g"), "1 item"),  # as it is written, not as it is
        ((0.96, "item", "", ".3g"), "0.96 items"),
        ((1, "is", "are"), "1 is"),
    ],
)
def test_a_number_has_a_noun_that_agrees(
    arguments: tuple[float, str], text: str
) -> None:
    assert counted(*arguments) == text
