"""Files that nobody means well with, or that broke on the way."""

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from mds_sim._reading import forms, tables
from mds_sim.files import read_sizes, scan_files
from mds_sim.stream import read_arrivals

DAYS = "".join(f"2024-01-{day:02}\n" for day in range(1, 21))
RULE = (
    "every stamp must be a date and time (ISO 8601, RFC 2822, or as web servers write "
    "it) or a number since 1970, but line "
)
SIZE = (
    "every size must be a number of bytes >= 0, or with a unit such as 1.5 MB or 10 "
    "MiB, but line "
)
SKIP = 'invalid="skip" leaves such lines out'
BROKEN = "f.csv must be a CSV file, but in the row from line "


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes | str], Path]:
    """Write bytes or text into a file."""

    def write(content: bytes | str) -> Path:
        path = tmp_path / "f.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


File = Callable[[bytes | str], Path]


def refuses(call: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("1" * 200_000, None, f"{BROKEN}1: field larger than field limit (131072)"),
        (
            "x" * 200_000 + ",t\n1,2\n",
            "t",
            f"{BROKEN}1: field larger than field limit (131072)",
        ),
        (
            "t,t\n1,2\n",
            "t",
            "column must be the name of one column, but 2 of ['t', 't'] are 't'; "
            "rename one",
        ),
        # What counts is no name of a column: it was lost as one.
        ("1_000\n2\n", None, f"{RULE}1 of f.csv has '1_000'; {SKIP}"),
        (
            "7.7.2013\n1\n",
            None,
            f"{RULE}1 of f.csv has '7.7.2013'; nobody can tell its day from its "
            f"month: write 2024-12-31; {SKIP}",
        ),
        (
            "0001-01-01T00:00+05:00\n",
            None,
            f"{RULE}1 of f.csv has '0001-01-01T00:00+05:00'; {SKIP}",
        ),
        (
            '{"t": 1}\n' + "[" * 100_000 + "\n",
            "t",
            f"{RULE}2 of f.csv has {'[' * 60!r} and so on; {SKIP}",
        ),
        (
            '{"t":' * 100_000 + "\n",
            "t",
            f"{RULE}1 of f.csv has " + repr('{"t":' * 12) + f" and so on; {SKIP}",
        ),
        (
            '{\n  "t": 1\n}\n',
            "t",
            "f.csv must be JSON lines, an object a line, but line 1 only begins one; "
            "`jq -c .` writes each on a line",
        ),
        (
            '[\n{"t": 1}\n]\n',
            "t",
            "f.csv must be JSON lines, an object a line, but it is one array; "
            "`jq -c '.[]'` writes its objects line by line",
        ),
        (
            DAYS + "1" * 100_000,
            None,
            "every line must have an end, but line 21 of f.csv, the last, has "
            f"{'1' * 60!r} and so on and seems to be half written; "
            'invalid="skip" leaves it out',
        ),
    ],
)
def test_what_is_refused(
    file: File, content: str, column: str | None, message: str
) -> None:
    refuses(lambda: read_arrivals(file(content), column), ValueError, message)


@pytest.mark.parametrize("first", ["-5", "5K", "0.5", "1" * 5000, "0." + "1" * 5000])
def test_a_first_size_that_is_wrong_is_not_lost_as_a_name(
    file: File, first: str
) -> None:
    message = f"{SIZE}1 of f.csv has {first[:60]!r}; {SKIP}"
    refuses(lambda: read_sizes(file(f"{first}\n7\n")), ValueError, message)


def test_a_first_size_may_be_part_of_a_unit(file: File) -> None:
    sizes = read_sizes(file("1.5\n2\n"), unit="MiB")
    assert list(sizes) == [3 * 2**19, 2**21]


def test_a_line_without_end_needs_no_memory(file: File) -> None:
    path = file(gzip.compress(b"t\n" + b"1" * (2**24 + 2**14), 1))
    message = (
        "f.csv must be text in lines, but line 2 has more than 16 MiB; "
        "is it another kind of file?"
    )
    refuses(lambda: read_arrivals(path), ValueError, message)


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf_8", "U8"])
def test_a_byte_order_mark_is_no_part_of_a_name(file: File, encoding: str) -> None:
    path = file(b"\xef\xbb\xbft,x\n5,1\n")
    assert len(read_arrivals(path, "t", encoding=encoding)) == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("lines", [20, 12_000])  # in the first piece, or in the third
def test_a_wrong_byte_is_named_with_its_line(file: File, end: str, lines: int) -> None:
    text = f"2024-01-01{end}" * lines
    message = (
        f"f.csv must be text in UTF-8, but line {lines + 1} has the byte 0xe9; pass "
        'encoding="latin-1" if it is from western Europe, or save it as UTF-8'
    )
    path = file(text.encode() + b"\xe9" + end.encode())
    refuses(lambda: read_arrivals(path), ValueError, message)
    path = file(text.encode("utf-16") + b"1")
    message = (
        f"f.csv must be text in UTF-16, but line {lines + 1} has the byte 0x31; "
        "pass another encoding"
    )
    refuses(lambda: read_arrivals(path, encoding="utf-16"), ValueError, message)


def test_an_encoding_that_never_works_is_refused(file: File) -> None:
    message = (
        "encoding must be one that Python knows, such as 'utf-8' or 'latin-1', "
        "got 'undefined'"
    )
    path = file(DAYS)
    refuses(lambda: read_arrivals(path, encoding="undefined"), ValueError, message)


def test_names_and_cells_may_have_spaces_around_them(file: File) -> None:
    # The last line has no end, and its stamp is as long as all others.
    text = "id, t\n" + "".join(f"1, {day}\n" for day in DAYS.split())
    assert len(read_arrivals(file(text[:-1]), "t")) == 20
    assert len(read_arrivals(file(text[:-1]), " t")) == 20


def test_quotes_may_be_around_some_stamps_only(file: File) -> None:
    trace = read_arrivals(file('t\nNA\n"2024-01-01"\n"2024-01-02"\n'))
    assert trace.span == 86_400.0


@pytest.mark.parametrize("chunk", [1, 2, 3, 19, 20, 21, 2**16])
@pytest.mark.parametrize("lines", [["", "NA"], []])
def test_a_last_stamp_that_is_cut_is_found_wherever_chunks_end(
    file: File, monkeypatch: pytest.MonkeyPatch, chunk: int, lines: list[str]
) -> None:
    monkeypatch.setattr(tables, "CHUNK", chunk)
    text = "\n".join(["2024-01-01T00:00:00"] * 20 + lines + ["2024-01-01T00:00"])
    report = read_arrivals(file(text), invalid="skip").report
    assert report is not None
    assert (report.half_line, report.unreadable) == (21 + len(lines), 1)


WORDS = [
    "2024-03-01T10:00:{:02}", "2024-03-01T10:00:{:02}Z",
    "01/Mar/2024:10:00:{:02} +0200", "2024-03-01 10:00:{:02}+05:30",
    "17000000{:02}", "17000000{:02}.25", "Fri, 01 Mar 2024 10:00:{:02} -0500",
    "NA", "soon", '"2024-03-01T10:00:{:02}"',
]  # fmt: skip


def random_file(rng: Random) -> tuple[str, str | None]:
    """Return text and the name of its column."""
    kinds, rows = rng.choices(WORDS, k=rng.randint(1, 3)), []
    for _ in range(rng.randint(1, 60)):
        rows.append(rng.choice(kinds).format(rng.randint(0, 59)))
        if rng.random() < 0.05:
            rows.append("")
    form = rng.choice(["list", "csv", "json"])
    if form == "csv":
        rows = [f'{i},"{row.strip(chr(34))}"' for i, row in enumerate(rows)]
        rows = ["id,t", *rows]
    if form == "json":
        rows = [json.dumps({"t": row.strip('"')}) for row in rows]
    text = rng.choice(["\n", "\r\n", "\r"]).join(rows) + rng.choice(["", "\n"])
    if rng.random() < 0.3:
        text = text[: -rng.randint(1, 6)]
    return text, None if form == "list" else "t"


def found(path: Path, column: str | None) -> Any:
    """Return all that is read, or how it is refused."""
    try:
        trace = read_arrivals(path, column, invalid="skip", zone="Europe/Berlin")
    except ValueError as error:
        return str(error)
    assert trace.report is not None
    return np.asarray(trace.times).tolist(), trace.origin, trace.report.to_dict()


@pytest.mark.parametrize("seed", range(40))
def test_where_chunks_end_makes_no_difference_nor_does_the_fast_way(
    file: File, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    text, column = random_file(Random(seed))
    path = file(text)
    whole = found(path, column)
    for chunk in (1, 2, 7, 30):
        monkeypatch.setattr(tables, "CHUNK", chunk)
        assert found(path, column) == whole
    monkeypatch.setattr(tables, "CHUNK", 2**16)
    monkeypatch.setattr(forms, "_FEWEST", 10**9)
    assert found(path, column) == whole


class TestParquet:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    def test_a_name_that_two_columns_have(self, tmp_path: Path) -> None:
        path = tmp_path / "f.parquet"
        columns = [self.pa.array([1]), self.pa.array([2])]
        self.pq.write_table(self.pa.table(columns, ["t", "t"]), path)
        message = "column must have a name of its own, one of ['t', 't'], got 't'"
        refuses(lambda: read_arrivals(path, "t"), ValueError, message)

    def test_a_file_that_broke_on_the_way(self, tmp_path: Path) -> None:
        path = tmp_path / "f.parquet"
        self.pq.write_table(self.pa.table({"t": list(range(10**5))}), path)
        data = path.read_bytes()
        path.write_bytes(data[:200] + bytes(1000) + data[1200:])
        begin, end = r"^f\.parquet cannot be read: ", "; fetch or write it again$"
        with pytest.raises(OSError, match=f"{begin}.*{end}"):
            read_arrivals(path, "t")


def no_right(_: Path) -> bool:
    raise PermissionError(13, "Permission denied")


def test_a_file_in_a_folder_that_nobody_may_look_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Whoever runs tests as root may look everywhere.
    monkeypatch.setattr(Path, "exists", no_right)
    end = "Permission denied; ask its owner, or look at its rights"
    message = f"path must be readable, got 'in/f.csv': {end}"
    refuses(lambda: read_arrivals(Path("in/f.csv")), PermissionError, message)
    message = f"folder must be readable, got 'in/side': {end}"
    refuses(lambda: scan_files(Path("in/side")), PermissionError, message)


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_many_links_are_counted_in_words(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"xyz")
    for name in ("b", "c"):
        (tmp_path / name).symlink_to("a")
    report = scan_files(tmp_path, follow_links=True).report
    assert str(report).endswith(": 1 file, 3 B; left out: 2 to what is there already")
