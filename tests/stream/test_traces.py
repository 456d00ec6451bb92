"""Traces: what people keep in files, however odd, is read or refused with a reason."""

import csv
import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim import data
from mds_sim.stream import read_arrivals

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write bytes or text into a new file."""

    def new_file(content: bytes | str, name: str = "log.csv") -> Path:
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return new_file


def seconds(path: Path, column: str | None = None, **options: Any) -> list[float]:
    """Read a trace and return its times."""
    return np.asarray(read_arrivals(path, column, **options).times).tolist()


@pytest.mark.parametrize(
    ("content", "column"),
    [
        ("t,x\n100,a\n101.5,b\n", "t"),
        ("x,t\na,100\nb,101.5\n", "t"),
        ("t\n100\n101.5\n", "t"),
        ("t\n100\n101.5\n", None),
        ("100\n101.5\n", None),
        ("100\n101.5", None),  # no end of line at the end
        ("t,x\r\n100,a\r\n101.5,b\r\n", "t"),  # Windows
        ("t\r100\r101.5\r", None),  # an old Mac
        ("\ufefft,x\n100,a\n101.5,b\n", "t"),  # with a byte order mark
        ("\ufeff100\n101.5\n", None),
        ('"t","x"\n"100","a"\n"101.5","b, c\nd"\n', "t"),
        ("\n\nt,x\n\n100,a\n\n\n101.5,b\n\n", "t"),  # blank lines
        ("\n100\n\n101.5\n", None),
        ("x,t\na,100\nb\nc,101.5\nd,\n", "t"),  # rows that end early
        ("t\n 100 \n\t101.5\n", "t"),  # spaces
        ("été;x,t\na,100\nb,101.5\n", "t"),
        ("t\n1970-01-01T00:01:40Z\n1970-01-01T00:01:41.5Z\n", "t"),
        ("t\n1970-01-01T00:01:40\n1970-01-01 00:01:41.500\n", "t"),  # UTC assumed
        ("t\n1970-01-01T02:01:40+02:00\n101.5\n", "t"),
        ("t\n1970-01-01\n1970-01-01T00:00:01.500000Z\n", "t"),
        ("t\n-1\n0.5\n", "t"),  # before 1970
    ],
)
@pytest.mark.parametrize("name", ["log.csv", "log.txt.gz"])
def test_odd_files_are_read(
    write: Write, name: str, content: str, column: str | None
) -> None:
    assert seconds(write(content, name), column) == [0.0, 1.5]


def test_missing_stamps_are_left_out_and_counted(write: Write) -> None:
    path = write("t,x\n1,\n,\nNA,\nNaN,\nnull,\nNone,\nnat,\n5,\n")
    trace = read_arrivals(path, "t")
    assert np.asarray(trace.times).tolist() == [0.0, 4.0]
    assert str(trace.report) == (
        "log.csv: 8 rows, 6 without a stamp and 0 unreadable left out, "
        "0 out of order put in order"
    )


def test_what_is_out_of_order_is_put_in_order_and_counted(write: Write) -> None:
    trace = read_arrivals(write("t\n5\n3\n4\n4\n1\n"))
    assert np.asarray(trace.times).tolist() == [0.0, 2.0, 3.0, 3.0, 4.0]
    assert trace.origin == "1970-01-01T00:00:01+00:00"
    assert str(trace.report).endswith(" 2 out of order put in order")


BAD = [
    "yesterday",
    "2018-13-01",
    "2018-01-01T00:00:60Z",  # a leap second: `datetime` has none
    "inf",
    "1517363399650",  # milliseconds
    "1e20",
    "0001-01-01T00:00:00+05:00",  # before year 1
    "12:30",
    "0x10",
    "1\x00",
    "1_000",
]


@pytest.mark.parametrize("stamp", BAD)
def test_a_stamp_that_cannot_be_read_is_named_with_its_line(
    write: Write, stamp: str
) -> None:
    path = write(f't,x\n1,"a\nb"\n\n{stamp},\n')
    is_number = stamp in ("1517363399650", "1e20")
    remedy = "as seconds it is beyond the years 1 to 9999; unit= decides; " * is_number
    message = (
        "every stamp must be a date and time (ISO 8601, RFC 2822, or as web servers "
        "write it) or a number since 1970, but line 5 of log.csv has "
        f'{stamp!r}; {remedy}invalid="skip" leaves such lines out'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_arrivals(path, "t")


def test_eight_digits_may_be_a_day_or_seconds_and_are_refused(write: Write) -> None:
    message = (
        "every stamp must be a date and time (ISO 8601, RFC 2822, or as web servers "
        "write it) or a number since 1970, but line 2 of log.csv has "
        "'20130708'; write 2013-07-08 for the day, 20130708.0 for seconds; "
        'invalid="skip" leaves such lines out'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_arrivals(write("t\n20130708\n20130709\n"))
    assert seconds(write("20130708.0\n20130709.0\n")) == [0.0, 1.0]
    assert seconds(write("20139908\n20139909\n")) == [0.0, 1.0]  # no such month


@pytest.mark.parametrize(
    ("content", "column", "begin"),
    [
        ("_7.7.\n1\n2\n", None, "log.csv: header '_7.7.' skipped, 2 rows, "),
        ("t\n1\n2\n", "t", "log.csv: 2 rows, "),
        ("1\n2\n", None, "log.csv: 2 rows, "),
    ],
)
def test_a_first_line_that_is_taken_for_a_header_is_named(
    write: Write, content: str, column: str | None, begin: str
) -> None:
    assert str(read_arrivals(write(content), column).report).startswith(begin)


def test_stamps_that_cannot_be_read_may_be_skipped_and_are_counted(
    write: Write,
) -> None:
    path = write("\n".join(["t", "7", *BAD]))
    trace = read_arrivals(path, invalid="skip", unit="s")
    assert np.asarray(trace.times).tolist() == [0.0]
    assert str(trace.report) == (
        "log.csv: header 't' skipped, 12 rows, 0 without a stamp and 11 unreadable "
        "left out, 0 out of order put in order\n"
        "  unreadable: lines 3, 4, 5 and 8 others\n"
        "  line 13, the last, is half written: left out"
    )


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("", None, "log.csv must hold a stamp, but it is empty"),
        ("", "t", "log.csv must hold a stamp, but it is empty"),
        ("\n\r\n", None, "log.csv must hold a stamp, but it is empty"),
        ("\ufeff", None, "log.csv must hold a stamp, but it is empty"),
        ("t\n", None, "log.csv must hold a stamp, got none"),
        ("t,x\n", "t", "log.csv must hold a stamp, got none"),
        (
            "t\n\nNA\n",
            "t",
            "log.csv must hold a stamp, got none in 1 row: 1 without one, 0 unreadable",
        ),
        ("t,x\n1,2\n", None, "column must be given for log.csv, one of ['t', 'x']"),
        ("t,x\n1,2\n", "y", "column must be one of ['t', 'x'], got 'y'"),
        (
            "5,a\n6,b\n",
            None,
            "column must be given for log.csv, one of ['5', 'a']; the first line "
            "should name the columns, and seems not to",
        ),
        (
            "2024-01-01,a\n2024-01-02,b\n",
            "time",
            "column must be one of ['2024-01-01', 'a'], got 'time'; the first line "
            "should name the columns, and seems not to",
        ),
        (
            "t\n31.12.2024 10:00\n",
            None,
            "every stamp must be a date and time (ISO 8601, RFC 2822, or as web "
            "servers write it) or a number since 1970, but line 2 of log.csv has "
            "'31.12.2024 10:00'; nobody can tell its day from its month: write "
            '2024-12-31; invalid="skip" leaves such lines out',
        ),
        (
            b"t\n1\n\xe9t\xe9\n",
            "t",
            "log.csv must be text in UTF-8, but line 3 has the byte 0xe9; pass "
            'encoding="latin-1" if it is from western Europe, or save it as UTF-8',
        ),
        (
            "t,x\n" + "1" * 140_000,
            "t",
            "log.csv must be a CSV file, but in the row from line 2: "
            "field larger than field limit (131072)",
        ),
        (
            't,x\n1,a\n\n2,"b\n3,c\n4,d\n',
            "t",
            "log.csv must be a CSV file, but in the row from line 4: "
            "a quote is never closed",
        ),
        (
            't,x\n1,a\n2,"b"c\n3,d\n',
            "t",
            "log.csv must be a CSV file, but in the row from line 3: "
            "',' expected after '\"'",
        ),
    ],
)
def test_a_file_without_what_is_wanted_is_refused(
    write: Write, content: bytes | str, column: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_arrivals(write(content), column)


def test_there_are_two_ways_to_treat_what_is_invalid(write: Write) -> None:
    message = "invalid must be 'raise' or 'skip', got 'ignore'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_arrivals(write("1\n"), invalid="ignore")


def test_a_file_that_is_not_there_or_a_folder_is_an_error_of_the_system(
    tmp_path: Path,
) -> None:
    path = tmp_path / "none.csv"
    message = f"path must exist, got {str(path)!r}"
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        read_arrivals(path)
    message = (
        f"path must be a file, got the folder {str(tmp_path)!r}; "
        "scan_files lists the files of a folder"
    )
    with pytest.raises(IsADirectoryError, match=f"^{re.escape(message)}$"):
        read_arrivals(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda packed: packed[:-6], "Compressed file ended before"),
        (lambda packed: b"t\n1\n", "Not a gzipped file"),
        (lambda packed: packed[:10] + b"\xff" + packed[11:], "Error -3 while"),
    ],
    ids=["torn", "not packed", "damaged"],
)
def test_a_packed_file_that_cannot_be_unpacked_is_an_error_of_the_system(
    tmp_path: Path, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(spoil(gzip.compress(b"t\n1\n2\n" * 99)))
    with pytest.raises(OSError, match=rf"^log\.gz cannot be unpacked: {reason}"):
        read_arrivals(path, "t", invalid="skip")


@given(
    start=st.integers(0, 4 * 10**9),
    micros=st.lists(st.integers(0, 10**13), min_size=1, max_size=20),
)
def test_times_are_the_floats_nearest_to_the_exact_differences(
    tmp_path_factory: pytest.TempPathFactory, start: int, micros: list[int]
) -> None:
    path = tmp_path_factory.mktemp("trace") / "log.txt"
    exact = sorted({0, *micros})
    lines = [f"{start + us // 10**6}.{us % 10**6:06}" for us in exact]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert seconds(path) == [us / 10**6 for us in exact]


def test_whole_seconds_stay_exact(write: Write) -> None:
    path = write("2013-07-08T08:59Z\n2013-07-08T09:04Z\n2013-07-08T09:04:00Z\n")
    assert seconds(path) == [0.0, 300.0, 300.0]


def test_the_earthquakes_are_those_of_the_table() -> None:
    quakes = data.earthquakes().time
    since = (quakes - quakes.min()) / np.timedelta64(1, "s")
    trace = read_arrivals(str(data.EARTHQUAKES), "time")
    assert np.array_equal(trace.times, np.sort(since))
    assert trace.origin == "2018-01-31T01:49:59.650000+00:00"


def test_the_flights_are_those_of_the_table() -> None:
    departure = data.flights().actual_departure
    left = np.sort(departure[~np.isnat(departure)])
    trace = read_arrivals(data.FLIGHTS, "actual_departure")
    assert np.array_equal(trace.times, (left - left[0]) / np.timedelta64(1, "s"))
    with data.FLIGHTS.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    missing = sum(not row["actual_departure"] for row in rows)
    assert (missing, len(rows)) == (298, len(trace) + 298)
