"""One column of a file: CSV, JSON lines, a web server's log or Parquet.

Whatever the format, a column comes as chunks of words with the lines they stand on,
so that a file of any length needs the memory of a chunk.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from mds_sim import _validate

from .source import Text, is_packed, open_text

CHUNK = 2**16  # rows
FORMATS = ("csv", "jsonl", "log", "parquet")
_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_DELIMITERS = ",;\t|"
# No name of a column, but a value, be it a wrong one: it must not be lost as a name.
_COUNTS = re.compile(r"[+-]?[.,]?\d")
# host ident user [10/Oct/2000:13:55:36 -0700] "GET / ..." as web servers write it.
_LOGGED = re.compile(r"\[(\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?)\]")

IsValue = Callable[[str], bool]
Part = tuple[Sequence[int], list[str]]  # lines and cells
_NOTHING = object()


@dataclass(frozen=True)
class Chunk:
    """Some cells of the column.

    Attributes
    ----------
    lines : sequence of int
        The line on which each cell stands, from 1; the row in a Parquet file.
    cells : list of str
        As they are written; empty where a row has none.
    is_cut : bool
        Whether this is the last row and it ends within the cell, with no end of line.
    """

    lines: Sequence[int]
    cells: list[str]
    is_cut: bool = False


@dataclass(frozen=True)
class Column:
    """A column that can be read once, from its first chunk to the last.

    Attributes
    ----------
    format : str
        In words, with what was found out rather than told.
    header : str
        A first line that was taken for a name; empty if none was.
    chunks : iterator of Chunk
    """

    format: str
    header: str
    chunks: Iterator[Chunk]


@contextmanager
def open_column(
    path: Path,
    column: str | None,
    is_value: IsValue,
    *,
    format: str | None,
    encoding: str,
    what: str,
) -> Iterator[Column]:
    """Open a file and find its column.

    Parameters
    ----------
    path : Path
    column : str or None
        Name of the column; None if there is only one.
    is_value : callable
        Tells whether the first line is a value already rather than a name.
    format : str or None
        One of `FORMATS`; None to find out.
    encoding : str
    what : str
        What the file should hold, for messages: "a stamp".
    """
    if format is not None:
        _validate.choice("format", format, FORMATS)
    suffixes = path.suffixes[:-1] if is_packed(path) else path.suffixes
    known = _SUFFIXES.get(suffixes[-1].lower() if suffixes else "")
    if (format or known) == "parquet":
        from .parquet import parquet_column

        yield parquet_column(path, column, CHUNK)
        return
    with open_text(path, encoding) as text:
        blank, first = _first_line(text, what)
        lines = chain(first, text.lines)
        kind = format or known or _kind_of(first[0])
        make = {"csv": _csv_column, "jsonl": _json_column, "log": _log_column}[kind]
        yield make(text, lines, blank, column, is_value)


def _first_line(text: Text, what: str) -> tuple[int, list[str]]:
    """Return how many blank lines there are, and the first that is not."""
    for blank, line in enumerate(text.lines):
        if line.strip():
            return blank, [line]
    raise ValueError(f"{text.name} must hold {what}, but it is empty")


def _kind_of(line: str) -> str:
    """Tell the format by the first line."""
    if line.lstrip().startswith(("{", "[{")) or line.strip() == "[":
        return "jsonl"
    return "log" if _LOGGED.search(line) else "csv"


def _chunks(
    parts: Iterator[Part], text: Text, is_short: Callable[[], bool]
) -> Iterator[Chunk]:
    """Yield the parts as chunks; the very last row alone, if it may be half of one."""
    held: Part | None = None
    for part in parts:
        if held:
            yield Chunk(*held)
        held = part
    if held is None:
        return
    lines, cells = held
    is_cut = text.ends_open and is_short()
    if is_cut and len(cells) > 1:
        yield Chunk(lines[:-1], cells[:-1])
        lines, cells = lines[-1:], cells[-1:]
    yield Chunk(lines, cells, is_cut)


def _parts(lines: Iterable[str], first: int) -> Iterator[Part]:
    """Yield (numbers, lines) without blank ones, some at a time."""
    lines = iter(lines)
    while some := list(islice(lines, CHUNK)):
        numbers: Sequence[int] = range(first, first + len(some))
        first += len(some)
        words = [line.strip() for line in some]
        if "" in words:
            numbers = [
                number for number, word in zip(numbers, words, strict=True) if word
            ]
            words = [word for word in words if word]
        if words:
            yield numbers, words


def _csv_column(
    text: Text,
    lines: Iterator[str],
    blank: int,
    column: str | None,
    is_value: IsValue,
) -> Column:
    """Find a column by the first line of a CSV file."""
    first = next(lines)
    word = _unquoted(first.strip())
    if column is None and is_value(word):
        return _list(text, chain([first], lines), blank + 1, "")
    try:
        delimiter = _delimiter(first, column)
        is_list = column is None and len(_cells(first, delimiter)) < 2
    except csv.Error as error:
        raise _no_csv(text.name, blank + 1, error) from None
    if is_list and _COUNTS.match(word):
        return _list(text, chain([first], lines), blank + 1, "")
    if is_list:
        return _list(text, lines, blank + 2, word)
    table = _Csv(text.name, chain([first], lines), blank, delimiter)
    names = next(table.rows())
    is_data = any(map(is_value, names))
    hint = "; the first line should name the columns, and seems not to" * is_data
    if column is None:
        raise ValueError(f"column must be given for {text.name}, one of {names}{hint}")
    parts = table.parts(_place(names, column, hint), len(names))
    words = f"CSV, column {column!r}"
    if delimiter != ",":
        words += f", separated by {delimiter!r}"
    return Column(words, "", _chunks(parts, text, lambda: table.is_short))


def _place(names: list[str], column: str, hint: str = "") -> int:
    """Return where a column is; spaces around its name do not matter."""
    if column not in names:
        stripped = [name.strip() for name in names]
        if column not in stripped:
            raise ValueError(f"column must be one of {names}, got {column!r}{hint}")
        names = stripped
    if (count := names.count(column)) > 1:
        raise ValueError(
            f"column must be the name of one column, but {count} of {names} are "
            f"{column!r}; rename one"
        )
    return names.index(column)


def _list(text: Text, lines: Iterable[str], first: int, header: str) -> Column:
    """Return the one column of a file that has no other."""
    parts = (
        (numbers, list(map(_unquoted, words)) if '"' in "".join(words) else words)
        for numbers, words in _parts(lines, first)
    )
    return Column("one value a line", header, _chunks(parts, text, lambda: True))


def _unquoted(word: str) -> str:
    """Return a word without the quotes around it."""
    is_quoted = len(word) > 1 and word[0] == word[-1] == '"'
    return word[1:-1].strip() if is_quoted else word


def _cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line."""
    return next(csv.reader([line], delimiter=delimiter), [])


def _no_csv(name: str, line: int, reason: object) -> ValueError:
    """Say where a file is none of comma-separated values."""
    return ValueError(
        f"{name} must be a CSV file, but in the row from line {line}: {reason}"
    )


def _delimiter(line: str, column: str | None) -> str:
    """Return the sign that separates the names of the first line."""
    for sign in _DELIMITERS:
        names = [name.strip() for name in _cells(line, sign)]
        if (column or "").strip() in names or (column is None and len(names) > 1):
            return sign
    return ","


class _Csv:
    """The rows of a CSV file, with errors that say where."""

    def __init__(
        self, name: str, lines: Iterable[str], blank: int, delimiter: str
    ) -> None:
        self.name = name
        self.reader = csv.reader(lines, strict=True, delimiter=delimiter)
        self.blank = blank  # lines that came before
        self.line = blank  # where the row ended that came last
        self.is_short = False  # whether the row that came last ends within its cell

    def rows(self) -> Iterator[list[str]]:
        """Yield each row that is not blank."""
        reader, blank = self.reader, self.blank
        try:
            for row in reader:
                self.line = reader.line_num + blank
                if row:
                    yield row
        except csv.Error as error:
            is_open = str(error) == "unexpected end of data"
            reason = "a quote is never closed" if is_open else error
            raise _no_csv(self.name, self.line + 1, reason) from None

    def parts(self, index: int, width: int) -> Iterator[Part]:
        """Yield (lines, cells); a row that ends early has an empty cell."""
        lines: list[int] = []
        cells: list[str] = []
        row: list[str] = []
        for row in self.rows():
            if width == 1 and len(row) > 1:
                row = [",".join(row)]  # a stamp may have a comma
            cells.append(row[index].strip() if index < len(row) else "")
            lines.append(self.line)
            if len(cells) == CHUNK:
                yield lines, cells
                lines, cells = [], []
        # A cell that another one follows is whole.
        self.is_short = len(row) <= index + 1
        if cells:
            yield lines, cells


def _json_column(
    text: Text,
    lines: Iterator[str],
    blank: int,
    column: str | None,
    is_value: IsValue,
) -> Column:
    """Find a key in the objects of JSON lines."""
    first = next(lines)
    if first.strip() == "{":
        raise ValueError(
            f"{text.name} must be JSON lines, an object a line, but line {blank + 1} "
            "only begins one; `jq -c .` writes each on a line"
        )
    if first.lstrip().startswith("["):
        raise ValueError(
            f"{text.name} must be JSON lines, an object a line, but it is one array; "
            "`jq -c '.[]'` writes its objects line by line"
        )
    names = _names(first)
    if column is None and len(names) > 1:
        raise ValueError(f"column must be given for {text.name}, one of {names}")
    key = names[0] if column is None and names else column
    parts = _json_parts(_parts(chain([first], lines), blank + 1), key, names)
    words = "JSON lines" if key is None else f"JSON lines, key {key!r}"
    return Column(words, "", _chunks(parts, text, lambda: True))


def _names(line: str) -> list[str]:
    """Return the keys of an object; none if the line is no object."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):  # the latter for a thousand brackets
        return []
    return list(value) if isinstance(value, dict) else []


def _json_parts(
    parts: Iterator[Part], key: str | None, names: list[str]
) -> Iterator[Part]:
    """Yield (lines, cells) of the objects; refuse a key that none of them has."""
    found = key is None
    for numbers, lines in parts:
        cells = [_json_cell(line, key) for line in lines]
        found = found or None not in cells or any(cell is not None for cell in cells)
        yield numbers, [cell or "" for cell in cells]
    if not found:
        raise ValueError(f"column must be one of {names}, got {key!r}")


def _json_cell(line: str, key: str | None) -> str | None:
    """Return what stands under a key; None if it is not there, a line if no JSON."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if isinstance(value, dict) and key is not None:
        value = value[key] if key in value else _inner(value, key)
        if value is _NOTHING:
            return None
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


def _inner(value: Any, path: str) -> Any:
    """Return what stands under a path such as ``event.time``."""
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return _NOTHING
        value = value[part]
    return value


def _log_column(
    text: Text,
    lines: Iterator[str],
    blank: int,
    column: str | None,
    is_value: IsValue,
) -> Column:
    """Find the stamps of a web server's log, common or combined."""
    if column is not None:
        raise ValueError(
            f"column must be left out for a web server's log, got {column!r}; "
            'format="csv" if it is none'
        )
    search = _LOGGED.search
    parts = (
        (numbers, [s[1] if (s := search(line)) else line for line in part])
        for numbers, part in _parts(lines, blank + 1)
    )
    return Column("web server's log", "", _chunks(parts, text, lambda: True))
