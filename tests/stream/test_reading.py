"""Whatever a file is, its arrivals are read, or the reason says what to do."""

import gzip
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mds_sim._reading import tables
from mds_sim.stream import TraceArrivals, read_arrivals

Write = Callable[..., Path]
SECONDS = [0.0, 1.5, 90.0, 90.0, 3600.25]
START = np.datetime64("2024-03-01T06:00:00.000", "us")
ISO = [f"{START + np.timedelta64(round(s * 1e6), 'us')}Z" for s in SECONDS]
LOG = (
    '203.0.113.9 - ann [01/Mar/2024:06:{}:{} +0000] "GET /a[1].html HTTP/1.1" 200 5316'
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write bytes or text into a new file."""

    def new_file(content: bytes | str, name: str = "data.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return new_file


def times(trace: TraceArrivals) -> list[float]:
    return np.asarray(trace.times).tolist()


def refused(
    message: str, path: Path, kind: type[Exception] = ValueError, **options: Any
) -> None:
    """Hold a message to the last sign."""
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        read_arrivals(path, **options)


def lines(rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


class TestFormats:
    @pytest.mark.parametrize(
        ("rows", "column", "words"),
        [
            (ISO, None, "one value a line"),
            (["when", *ISO], None, "one value a line"),
            (
                ["id,when", *(f"{i},{t}" for i, t in enumerate(ISO))],
                "when",
                "CSV, column 'when'",
            ),
            (
                ["id;when", *(f"1,5;{t}" for t in ISO)],
                "when",
                "CSV, column 'when', separated by ';'",
            ),
            (
                ["id\twhen", *(f"1\t{t}" for t in ISO)],
                "when",
                "CSV, column 'when', separated by '\\t'",
            ),
            (
                [json.dumps({"id": 1, "when": t}) for t in ISO],
                "when",
                "JSON lines, key 'when'",
            ),
            ([json.dumps({"when": t}) for t in ISO], None, "JSON lines, key 'when'"),
            (
                [json.dumps({"event": {"when": t}, "id": 1}) for t in ISO],
                "event.when",
                "JSON lines, key 'event.when'",
            ),
        ],
    )
    @pytest.mark.parametrize("packed", [False, True])
    def test_the_same_arrivals_in_any_format(
        self, write: Write, rows: list[str], column: str, words: str, packed: bool
    ) -> None:
        content = lines(rows).encode()
        trace = read_arrivals(
            write(gzip.compress(content) if packed else content), column
        )
        assert times(trace) == SECONDS
        assert trace.origin == "2024-03-01T06:00:00+00:00"
        assert trace.report is not None
        assert (trace.report.format, trace.report.rows) == (words, 5)

    @pytest.mark.parametrize("end", ["", ' "http://example.org/" "Mozilla/5.0 [en]"'])
    def test_a_web_servers_log(self, write: Write, end: str) -> None:
        rows = [LOG.format(f"0{m}", "07") + end for m in (0, 2, 1)]
        trace = read_arrivals(write(lines(rows), "access.log"))
        assert times(trace) == [0.0, 60.0, 120.0]
        assert trace.report is not None
        assert trace.report.format == "web server's log"
        assert trace.report.disorder == 1

    def test_a_web_servers_log_has_no_columns(self, write: Write) -> None:
        message = (
            "column must be left out for a web server's log, got 'time'; "
            'format="csv" if it is none'
        )
        path = write(lines([LOG.format("00", "00")]))
        refused(message, path, column="time")

    def test_stamps_with_commas(self, write: Write) -> None:
        mail = [f"Fri, 01 Mar 2024 06:0{m}:00 +0000" for m in (0, 1)]
        assert times(read_arrivals(write(lines(mail)))) == [0.0, 60.0]
        assert times(read_arrivals(write(lines(["Date", *mail])))) == [0.0, 60.0]
        quoted = ["n,Date", *(f'1,"{stamp}"' for stamp in mail)]
        assert times(read_arrivals(write(lines(quoted)), "Date")) == [0.0, 60.0]

    def test_the_format_may_be_told(self, write: Write) -> None:
        path = write(lines([json.dumps(t) for t in ISO]), "export.dat")
        assert times(read_arrivals(path, format="jsonl")) == SECONDS
        message = "format must be 'csv' or 'jsonl' or 'log' or 'parquet', got 'xml'"
        refused(message, path, format="xml")

    def test_other_encodings(self, write: Write) -> None:
        content = lines(["größe,when", *(f"1,{t}" for t in ISO)])
        for encoding in ("latin-1", "utf-16"):
            path = write(content.encode(encoding))
            assert times(read_arrivals(path, "when", encoding=encoding)) == SECONDS

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
    def test_chunks_do_not_show(
        self, write: Write, monkeypatch: pytest.MonkeyPatch, size: int
    ) -> None:
        monkeypatch.setattr(tables, "CHUNK", size)
        rows = ["", "a,b", "1,7", "", "2,", "3,x", "4,5", "9", "5,7"]
        for content in (lines(rows), lines(rows)[:-1]):
            trace = read_arrivals(write(content), "b", invalid="skip")
            assert times(trace) == [0.0, 2.0, 2.0]
            report = trace.report
            assert report is not None
            assert (report.rows, report.missing_lines) == (6, (5, 8))
            assert (report.unreadable_lines, report.disorder) == ((6,), 1)
        one = read_arrivals(write("\n5\n\n\n7\nx\n6\n"), invalid="skip")
        assert times(one) == [0.0, 1.0, 2.0]
        assert one.report is not None
        assert one.report.unreadable_lines == (6,)


class TestJson:
    def test_keys_that_there_are_are_named(self, write: Write) -> None:
        path = write(lines([json.dumps({"id": 1, "when": t}) for t in ISO]))
        refused("column must be given for data.txt, one of ['id', 'when']", path)
        refused("column must be one of ['id', 'when'], got 'then'", path, column="then")

    def test_a_line_that_is_no_json_is_named(self, write: Write) -> None:
        path = write('{"t": 5}\n{"t": 6\n{"t": 7}\n')
        message = (
            "every stamp must be a date and time (ISO 8601, RFC 2822, or as web "
            "servers write it) or a number since 1970, but line 2 of data.txt has "
            '\'{"t": 6\'; invalid="skip" leaves such lines out'
        )
        refused(message, path)
        assert times(read_arrivals(path, invalid="skip")) == [0.0, 2.0]

    def test_what_is_missing_is_left_out(self, write: Write) -> None:
        path = write('{"t": 5}\n{"u": 6}\n{"t": null}\n{"t": 6.5}\n')
        trace = read_arrivals(path, "t")
        assert times(trace) == [0.0, 1.5]
        assert trace.report is not None
        assert trace.report.missing_lines == (2, 3)

    def test_one_array_is_refused(self, write: Write) -> None:
        message = (
            "a.json must be JSON lines, an object a line, but it is one array; "
            "`jq -c '.[]'` writes its objects line by line"
        )
        refused(message, write('[{"t": 5},\n{"t": 6}]\n', "a.json"))


class TestNoText:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"PAR1\x00\x01", 'it is a Parquet file: pass format="parquet"'),
            (
                b"PK\x03\x04\x14",
                "it is a ZIP archive or a spreadsheet: export it as CSV",
            ),
            (
                b"SQLite format 3\x00\x10",
                "it is a SQLite database: export the table as CSV",
            ),
            (b"BZh91AY", "it is packed with bzip2: unpack it first"),
            (
                bytes(range(32)) * 4,
                "108 of its first 128 bytes are no signs of a text: it is a binary "
                "file; export it as CSV",
            ),
        ],
    )
    def test_what_it_is_and_what_to_do(
        self, write: Write, content: bytes, words: str
    ) -> None:
        refused(f"data.txt must be text, but {words}", write(content))

    def test_two_bytes_a_sign(self, write: Write) -> None:
        message = (
            "data.txt must be text in UTF-8, but it begins as UTF-16 does; "
            'pass encoding="utf-16"'
        )
        refused(message, write("t\n1\n".encode("utf-16")))

    @pytest.mark.parametrize("packed", [False, True])
    def test_a_byte_that_is_no_utf_8_is_found_far_down(
        self, write: Write, packed: bool
    ) -> None:
        content = b"t,name\n" + b"1,a\n" * 70_000 + b"2,M\xfcller\n"
        message = (
            "data.txt must be text in UTF-8, but line 70002 has the byte 0xfc; pass "
            'encoding="latin-1" if it is from western Europe, or save it as UTF-8'
        )
        path = write(gzip.compress(content, 1) if packed else content)
        refused(message, path, column="t")
        assert len(read_arrivals(path, "t", encoding="latin-1")) == 70_001

    def test_an_encoding_that_nobody_knows(self, write: Write) -> None:
        message = (
            "encoding must be one that Python knows, such as 'utf-8' or 'latin-1', "
            "got 'klingon'"
        )
        refused(message, write("1\n"), encoding="klingon")

    def test_a_file_that_may_not_be_read(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write("1\n")

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)  # root may read all there is
        message = (
            f"path must be readable, got {str(path)!r}: Permission denied; "
            "ask its owner, or look at its rights"
        )
        refused(message, path, PermissionError)


class TestHalfALine:
    MESSAGE = (
        "every line must have an end, but line {} of data.txt, the last, has {!r} and "
        'seems to be half written; invalid="skip" leaves it out'
    )

    @pytest.mark.parametrize(
        ("rows", "half", "column"),
        [
            (ISO, "2024-03-01T0", None),
            (ISO, "2024-03-01T07:00", None),  # could be read, but the others are longer
            (["1517363399", "1517363400"] * 3, "15173634", None),
            (["i,when", *(f"1,{t}" for t in ISO)], "1,2024-03-01T07:0", "when"),
            (['{"t": 1}', '{"t": 2}'], '{"t": 3', None),
            ([LOG.format("00", "00")], "203.0.113.9 - ann [01/Mar/2024:0", None),
        ],
    )
    def test_it_is_named_or_left_out(
        self, write: Write, rows: list[str], half: str, column: str | None
    ) -> None:
        path = write(lines(rows) + half)
        word = half.rpartition(",")[2]
        refused(self.MESSAGE.format(len(rows) + 1, word), path, column=column)
        trace = read_arrivals(path, column, invalid="skip")
        assert times(trace) == times(read_arrivals(write(lines(rows)), column))
        assert trace.report is not None
        assert trace.report.half_line == len(rows) + 1
        note = f"line {len(rows) + 1}, the last, is half written: left out"
        assert note in trace.report.notes

    @pytest.mark.parametrize(
        "content",
        [
            "\n".join(ISO),  # whole
            "103\n102\n101\n100\n99",  # small numbers may be shorter
            "when,id\n" + "\n".join(f"{t},1" for t in ISO[:-1]) + f"\n{ISO[-1]},",
        ],
    )
    def test_a_whole_stamp_is_taken(self, write: Write, content: str) -> None:
        column = "when" if "when" in content else None
        trace = read_arrivals(write(content), column)
        assert len(trace) == 5


class TestReport:
    def test_what_was_assumed_is_said(self, write: Write) -> None:
        rows = ["2024-03-01T06:00:00", "2024-03-01T06:00:00", "2024-03-01T07:00:00Z"]
        report = read_arrivals(write(lines(rows)), zone="Europe/Berlin").report
        assert str(report) == (
            "data.txt: 3 rows, 0 without a stamp and 0 unreadable left out, 0 out of "
            "order put in order\n"
            "  no zone in 2 stamps: Europe/Berlin assumed"
        )
        assert report is not None
        assert (report.zone, report.assumed, report.equal) == ("Europe/Berlin", 2, 1)

    def test_the_unit_that_was_found_out_is_said(self, write: Write) -> None:
        path = write("1709272800000\n1709272801500\n")
        trace = read_arrivals(path)
        assert times(trace) == [0.0, 1.5]
        assert trace.report is not None
        assert trace.report.notes == (
            "numbers taken for milliseconds since 1970, by their size",
        )
        told = read_arrivals(path, unit="ms")
        assert told.report is not None
        assert told.report.notes == ()
        assert read_arrivals(path, unit="us").span == 0.0015

    def test_stamps_far_from_the_rest_are_named_and_kept(self, write: Write) -> None:
        rows = [f"2024-03-01T06:{m:02}:00Z" for m in range(60)]
        rows[7], rows[30] = "1970-01-01T00:00:00Z", "2034-03-01T00:00:00Z"
        path = write(lines(rows * 3))
        trace = read_arrivals(path)
        assert len(trace) == 180
        report = trace.report
        assert report is not None
        assert report.far == 0  # six of 180 are no outliers
        path = write(lines([*rows, *(rows[:7] * 20)]))
        report = read_arrivals(path).report
        assert report is not None
        assert report.far == 2
        assert report.notes == (
            "2 stamps are far from the rest: line 8 1970-01-01T00:00:00+00:00, "
            "line 31 2034-03-01T00:00:00+00:00; kept, between=(first, last) leaves "
            "them out",
        )
        cut = read_arrivals(path, between=("2024-03-01", "2024-03-02"))
        assert cut.span == 59 * 60.0
        assert cut.report is not None
        assert (cut.report.far, cut.report.outside) == (0, 2)
        assert cut.report.notes == ("2 outside of `between` left out",)

    def test_a_stream_that_pauses_has_no_outliers(self, write: Write) -> None:
        rng = np.random.default_rng(1)
        work = np.sort(rng.uniform(0, 8 * 3600, 3000))
        days = np.concatenate([work + 86400 * day for day in (0, 1, 4, 5, 30)])
        report = read_arrivals(write(lines([f"{t:.3f}" for t in days]))).report
        assert report is not None
        assert report.far == 0

    def test_it_is_a_table_for_readers_and_a_dict_for_programs(
        self, write: Write
    ) -> None:
        report = read_arrivals(write("<b>\n5\n7\n\n6\n")).report
        assert report is not None
        html = report._repr_html_()
        assert "header &#x27;&lt;b&gt;&#x27; skipped" in html
        assert "<b>" not in html
        assert re.search(r"^  put in order +1$", report.details, re.MULTILINE)
        figures = report.to_dict()
        assert (figures["rows"], figures["span"], figures["header"]) == (3, 2.0, "<b>")
        assert json.loads(json.dumps(figures))["unit"] == "seconds since 1970"


class TestBetween:
    def test_ends_are_in_the_zone_of_the_file(self, write: Write) -> None:
        path = write(lines([f"2024-03-01T{h:02}:00:00Z" for h in range(24)]))
        tokyo = read_arrivals(
            path, between=("2024-03-01T12:00", None), zone="Asia/Tokyo"
        )
        assert tokyo.origin == "2024-03-01T03:00:00+00:00"
        assert len(read_arrivals(path, between=(None, "2024-03-01T12:00Z"))) == 12

    @pytest.mark.parametrize(
        ("between", "message"),
        [
            (
                ("2024", None),
                "data.txt must hold a stamp in `between`, but all 2 are outside of it",
            ),
            (
                ("soon", None),
                "between must be stamps such as '2018-02-05', got 'soon'",
            ),
            (
                ("2024-02-01", "2024-01-01"),
                "between must be two stamps in order, got ('2024-02-01', '2024-01-01')",
            ),
            (
                "2024-02-01",
                "between must be two stamps, such as ('2018-02-05', '2018-02-06'), "
                "got '2024-02-01'",
            ),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, write: Write, between: Any, message: str
    ) -> None:
        refused(message, write("5\n7\n"), between=between)


class TestParquet:
    def test_without_pyarrow_the_remedy_is_named(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        message = (
            "pyarrow must be installed to read a.parquet: `pip install pyarrow`, "
            "or write the column to a CSV file"
        )
        refused(message, write(b"PAR1", "a.parquet"), ModuleNotFoundError)

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    @pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
    def test_stamps_of_any_unit(
        self, tmp_path: Path, unit: str, zone: str | None
    ) -> None:
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        values = [START.astype("datetime64[s]").item(), None]
        kind = pa.timestamp(unit, tz=zone)
        table = pa.table({"id": [1, 2], "when": pa.array(values, kind)})
        parquet.write_table(table, tmp_path / "a.parquet")
        trace = read_arrivals(tmp_path / "a.parquet", "when")
        assert trace.origin == "2024-03-01T06:00:00+00:00"
        assert trace.report is not None
        assert trace.report.missing_lines == (2,)
        assert trace.report.assumed == (zone is None)
        refused(
            "column must be one of ['id', 'when'], got 'x'",
            tmp_path / "a.parquet",
            column="x",
        )
        refused(
            "column must be given for a.parquet, one of ['id', 'when']",
            tmp_path / "a.parquet",
        )

    def test_numbers_and_words(self, tmp_path: Path) -> None:
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        for values in ([1709272800000, 1709272801500], ISO[:2], [1.0, 2.5]):
            parquet.write_table(pa.table({"t": values}), tmp_path / "a.pq")
            assert times(read_arrivals(tmp_path / "a.pq")) == [0.0, 1.5]
