"""Stamps: whatever programs write is read, at once as one by one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim._reading.forms import read_alike
from mds_sim._reading.stamps import BAD, MISSING, OK, StampReader, read_stamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
]  # fmt: skip
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def micros(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)


def as_log(when: datetime) -> str:
    return f"{when:%d}/{MONTHS[when.month - 1]}/{when.year:04}:{when:%H:%M:%S %z}"


def as_mail(when: datetime) -> str:
    day, month = DAYS[when.weekday()], MONTHS[when.month - 1]
    return f"{day}, {when:%d} {month} {when.year:04} {when:%H:%M:%S %z}"


WRITE: dict[str, tuple[Callable[[datetime], str], int]] = {
    "ISO": (lambda t: t.isoformat(timespec="microseconds"), 1),
    "ISO in ms": (lambda t: t.isoformat(" ", "milliseconds"), 1000),
    "ISO, whole": (lambda t: t.isoformat(timespec="seconds"), 10**6),
    "ISO to the minute": (lambda t: t.isoformat(timespec="minutes"), 60 * 10**6),
    "comma, space": (lambda t: f"{t:%Y-%m-%d %H:%M:%S},{t:%f} {t:%z}", 1),
    "nanoseconds": (lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.{t:%f}789{t:%z}", 1),
    "log": (as_log, 10**6),
    "mail": (as_mail, 10**6),
}
ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)


@pytest.mark.parametrize("form", WRITE)
@given(
    whens=st.lists(
        st.datetimes(datetime(1000, 1, 3), datetime(9999, 12, 29), timezones=ZONES),
        min_size=20,
        max_size=40,
    )
)
@settings(max_examples=25, deadline=None)
def test_all_at_once_is_one_by_one_is_what_was_written(
    form: str, whens: list[datetime]
) -> None:
    write, step = WRITE[form]
    texts = [write(when) for when in whens]
    # A program cuts what it does not write, in its own zone.
    expected = [
        micros(when) - (micros(when.replace(tzinfo=UTC)) % step) for when in whens
    ]
    assert [read_stamp(text).micros for text in texts] == expected
    at_once, state = StampReader(None, None).read(texts)
    assert state.tolist() == [OK] * len(texts)
    assert at_once.tolist() == expected


@pytest.mark.parametrize("form", WRITE)
def test_stamps_that_are_written_alike_are_read_at_once(form: str) -> None:
    write, _ = WRITE[form]
    start = datetime(2024, 2, 27, 23, 59, 1, tzinfo=UTC)
    texts = [write(start + timedelta(hours=i)) for i in range(100)]
    read = np.concatenate([w for w, _, _ in read_alike(texts, np.arange(100))])
    assert np.sort(read).tolist() == list(range(100))


WRONG = [
    "2023-02-29T00:00:00Z",
    "2024-02-30T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-00-01T00:00:00Z",
    "2024-04-31T00:00:00Z",
    "2024-04-00T00:00:00Z",
    "2024-04-01T24:30:00Z",
    "2024-04-01T00:60:00Z",
    "2024-04-01T00:00:60Z",
    "0000-04-01T00:00:00Z",
    "2024-04-01T00:00:0OZ",
    "2024-04-01T00:00:0/Z",
    "2024-04-01T00:00:0:Z",
    "2024x04-01T00:00:00Z",
    "2024-04-01T00:00:00X",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_one_wrong_stamp_among_many_alike_is_found(wrong: str) -> None:
    texts = [f"2024-04-01T00:00:{s:02}Z" for s in range(40)]
    for place in (0, 17):
        spoilt = [*texts[:place], wrong, *texts[place:]]
        read, state = StampReader(None, None).read(spoilt)
        assert np.flatnonzero(state == BAD).tolist() == [place]
        assert (np.diff(np.delete(read, place)) == 10**6).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon, 20 Nov 1995 19:12:08 -0500", "1995-11-21T00:12:08+00:00"),
        ("20 Nov 1995 19:12:08 GMT", "1995-11-20T19:12:08+00:00"),
        ("Mon, 20 Nov 1995 19:12 EST", "1995-11-21T00:12:00+00:00"),
        ("10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36+00:00"),
        ("10/oct/2000:13:55:36", "2000-10-10T13:55:36+00:00"),
        ("2018-01-01 00:00:00 UTC", "2018-01-01T00:00:00+00:00"),
        ("2018-01-01 00:00:00 +0130", "2017-12-31T22:30:00+00:00"),
        ("2018-01-01 00:00:00,5", "2018-01-01T00:00:00.500000+00:00"),
        ("2018-W01-1", "2018-01-01T00:00:00+00:00"),
        ("20180101T000000Z", "2018-01-01T00:00:00+00:00"),
    ],
)
@pytest.mark.parametrize("times", [1, 20])
def test_other_ways_to_write_a_stamp(text: str, expected: str, times: int) -> None:
    read, state = StampReader(None, None).read([text] * times)
    assert state.tolist() == [OK] * times
    assert read.tolist() == [micros(datetime.fromisoformat(expected))] * times


@pytest.mark.parametrize(
    ("unit", "number", "expected"),
    [
        ("s", "1517363399.650001", 1_517_363_399_650_001),
        ("s", "-1.5", -1_500_000),
        ("ms", "1517363399650", 1_517_363_399_650_000),
        ("us", "1517363399650001", 1_517_363_399_650_001),
        ("ns", "1517363399650001499", 1_517_363_399_650_001),
        ("ns", "1517363399650001500", 1_517_363_399_650_002),
    ],
)
@pytest.mark.parametrize("others", [0, 30])
def test_the_unit_of_numbers_is_found_out_or_told(
    unit: str, number: str, expected: int, others: int
) -> None:
    texts = [number] * (others + 1)
    for told in (None, unit):
        reader = StampReader(None, told)
        read, state = reader.read(texts)
        assert (reader.unit, reader.guessed) == (unit, told is None)
        assert state.tolist() == [OK] * len(texts)
        assert read.tolist() == [expected] * len(texts)


def test_numbers_and_words_may_be_mixed() -> None:
    texts = ["5", "1970-01-01T00:00:06Z", "", "7.5", "soon", "nan", "1_0"] * 9
    reader = StampReader(None, None)
    read, state = reader.read(texts)
    assert state.tolist() == [OK, OK, MISSING, OK, BAD, MISSING, BAD] * 9
    assert read[state == OK].tolist() == [5_000_000, 6_000_000, 7_500_000] * 9
    assert (reader.numbers, reader.zoned, reader.local) == (18, 9, 0)


@pytest.mark.parametrize("times", [1, 20])
def test_local_stamps_are_those_of_the_zone(times: int) -> None:
    reader = StampReader("Europe/Berlin", None)
    texts = [
        "2024-01-01T12:00:00",
        "2024-07-01T12:00:00",
        "2024-07-01T12:00:00Z",
        "2024-10-27T02:30:00",  # shown twice
        "2024-03-31T02:30:00",  # never shown
    ]
    read, _ = reader.read(texts * times)
    hours = ((read - micros(datetime(2024, 1, 1, tzinfo=UTC))) / 3.6e9).tolist()
    # 11 h in winter, 10 h in summer; before the clocks go back, and as if they had
    # not gone forward.
    summer = 24 * (31 + 29 + 31 + 30 + 31 + 30)
    back, forward = 24 * 300 + 0.5, 24 * 90 + 1.5
    assert hours == [11.0, summer + 10.0, summer + 12.0, back, forward] * times
    assert (reader.local, reader.zoned) == (4 * times, times)
    assert (reader.doubled, reader.skipped) == (times, times)


def test_a_zone_may_be_a_distance_from_utc() -> None:
    read, _ = StampReader("-03:30", None).read(["1970-01-01T00:00:00"])
    assert read.tolist() == [int(3.5 * 3.6e9)]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "+25:00", "../etc", ""])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    message = (
        "zone must be a name such as 'Europe/Berlin' or a distance from UTC such as "
        f"'+02:00', got {zone!r}; on Windows names need `pip install tzdata`"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        StampReader(zone, None)


def test_an_unknown_unit_is_refused() -> None:
    message = "unit must be 's' or 'ms' or 'us' or 'ns', got 'min'"
    with pytest.raises(ValueError, match=f"^{message}$"):
        StampReader(None, "min")
