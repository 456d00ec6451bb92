"""What was read from a file, what was left out and why, and what looks odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim._tables import html_table, text_table
from mds_sim.units import DAY, counted, format_bytes, format_seconds

from .forms import MICRO

Ints = NDArray[np.int64]

_NAMED = 3  # lines that a report names
_FAR = 10  # times the middle half of all stamps: farther out is odd


@dataclass(frozen=True)
class ReadReport:
    """What was read from a file, and what was left out.

    Attributes
    ----------
    name : str
        Of the file.
    format : str
        In words.
    rows : int
        Rows that are not blank, without the header.
    missing, unreadable : int
        Rows left out: without a value, and with one that cannot be read.
    missing_lines, unreadable_lines : tuple of int
        The first lines of each.
    header : str
        A first line that was taken for a name and skipped; empty if none was.
    half_line : int
        The last line, if it was half written and left out; else 0.

    Examples
    --------
    >>> print(ReadReport("a.csv", "CSV", 5, missing=1, missing_lines=(3,)))
    a.csv: 5 rows, 1 without a value and 0 unreadable left out
    """

    name: str
    format: str
    rows: int
    missing: int = 0
    unreadable: int = 0
    missing_lines: tuple[int, ...] = ()
    unreadable_lines: tuple[int, ...] = ()
    header: str = ""
    half_line: int = 0

    @property
    def line(self) -> str:
        """All of it in a line."""
        header = f"header {self.header!r} skipped, " if self.header else ""
        return (
            f"{self.name}: {header}"
            f"{counted(self.rows, 'row', spec='')}, {self.missing} without a "
            f"{self._what} and {self.unreadable} unreadable left out"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know: assumptions, and what looks odd."""
        notes = []
        if self.unreadable:
            notes.append(
                f"unreadable: {_lines(self.unreadable_lines, self.unreadable)}"
            )
        if self.half_line:
            notes.append(f"line {self.half_line}, the last, is half written: left out")
        return tuple(notes)

    @property
    def details(self) -> str:
        """The whole report as a table; that of Jupyter."""
        return text_table(self.line, self._rows())

    def to_dict(self) -> dict[str, Any]:
        """Return all that is known by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    _what = "value"

    def _rows(self) -> list[tuple[str, str]]:
        """Return the table: what, and its value."""
        return [
            ("format", self.format),
            ("read", f"{self.rows - self.missing - self.unreadable:,}"),
            (f"without a {self._what}", _counted(self.missing, self.missing_lines)),
            ("unreadable", _counted(self.unreadable, self.unreadable_lines)),
        ]

    def __str__(self) -> str:
        return "\n".join([self.line, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        rows = [*self._rows(), *(("note", note) for note in self.notes)]
        return html_table(self.line, rows)


@dataclass(frozen=True)
class ArrivalsReport(ReadReport):
    """What was read from a file of stamps; ``print`` says what matters.

    Attributes
    ----------
    disorder : int
        Stamps that came after a later one, and were put in order.
    equal : int
        Stamps that are equal to another one before them; all are kept.
    zone : str
        Which zone was assumed, if some stamps name none; else empty.
    assumed : int
        Stamps that name no zone.
    unit : str
        What numbers count since 1970, if there are some; else empty.
    first, last : str
        The earliest and the latest stamp, in UTC.
    span : float
        Between them [s].
    outside : int
        Stamps left out because they were not asked for.
    far : int
        Stamps that are far from the rest; they were kept.
    far_stamps : tuple of (int, str)
        The line and the time of the farthest.
    remarks : tuple of str
        What else was assumed.

    Examples
    --------
    >>> from mds_sim.data import FLIGHTS
    >>> from mds_sim.stream import read_arrivals
    >>> report = read_arrivals(FLIGHTS, "actual_departure").report
    >>> report.missing, report.equal, report.zone
    (298, 2194, '')
    >>> print(report)
    nyc_flights_2013w28.csv: 6759 rows, 298 without a stamp and 0 unreadable left
    out, 1675 out of order put in order
    """

    disorder: int = 0
    equal: int = 0
    zone: str = ""
    assumed: int = 0
    unit: str = ""
    first: str = ""
    last: str = ""
    span: float = 0.0
    outside: int = 0
    far: int = 0
    far_stamps: tuple[tuple[int, str], ...] = ()
    remarks: tuple[str, ...] = field(default=())

    _what = "stamp"

    @property
    def line(self) -> str:
        """All of it in a line."""
        return f"{super().line}, {self.disorder} out of order put in order"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know: assumptions, and what looks odd."""
        notes = [*super().notes, *self.remarks]
        if self.outside:
            notes.append(f"{self.outside:,} outside of `between` left out")
        if self.far:
            where = ", ".join(f"line {n} {stamp}" for n, stamp in self.far_stamps)
            more = self.far - len(self.far_stamps)
            stamps = counted(self.far, "stamp is", "stamps are", spec="")
            notes.append(
                f"{stamps} far from the rest: {where}{_others(more)}; kept, "
                "between=(first, last) leaves them out"
            )
        return tuple(notes)

    def _rows(self) -> list[tuple[str, str]]:
        zone = f"{self.zone} for {self.assumed:,}" if self.assumed else "none"
        rows = [
            *super()._rows(),
            ("put in order", f"{self.disorder:,}"),
            ("equal to another", f"{self.equal:,}"),
            ("zone assumed", zone),
            ("first", self.first),
            ("last", self.last),
            ("span", format_seconds(self.span)),
            ("far from the rest", f"{self.far:,}"),
        ]
        return [*rows, ("numbers are", self.unit)] if self.unit else rows


@dataclass(frozen=True)
class SizesReport(ReadReport):
    """What was read from a file of sizes; ``print`` says what matters.

    Attributes
    ----------
    total : int
        All sizes [bytes].
    empty : int
        Files of 0 bytes; they are kept.

    Examples
    --------
    >>> print(SizesReport("du.txt", "one value a line", 2, total=3_000_000, empty=1))
    du.txt: 2 rows, 0 without a size and 0 unreadable left out, 3 MB in all
      1 of 0 bytes kept
    """

    total: int = 0
    empty: int = 0

    _what = "size"

    @property
    def line(self) -> str:
        """All of it in a line."""
        return f"{super().line}, {format_bytes(self.total)} in all"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know."""
        empty = [f"{self.empty:,} of 0 bytes kept"] if self.empty else []
        return (*super().notes, *empty)

    def _rows(self) -> list[tuple[str, str]]:
        return [*super()._rows(), ("in all", format_bytes(self.total))]


class Count:
    """Counts rows that were left out, and remembers the first lines.

    Examples
    --------
    >>> count = Count()
    >>> count.add([4, 9])
    >>> count.total, count.first
    (2, (4, 9))
    """

    def __init__(self) -> None:
        self.total, self.first = 0, ()  # type: tuple[int, tuple[int, ...]]

    def add(self, lines: Sequence[int]) -> None:
        """Count some lines, in order."""
        self.total += len(lines)
        self.first = (*self.first, *lines[: _NAMED - len(self.first)])


class Extremes:
    """The earliest and the latest stamps so far, and where they stand.

    Where all others stand nobody asks, so nobody keeps it.
    """

    def __init__(self) -> None:
        self._stamps = np.empty(0, np.int64)
        self._lines = np.empty(0, np.int64)

    def add(self, stamps: Ints, kept: Ints, lines: Sequence[int]) -> None:
        """Look at some stamps [µs], those that are kept."""
        ends = kept[_ends(stamps[kept])]
        at = np.array([lines[i] for i in ends.tolist()], np.int64)
        stamps = np.concatenate([self._stamps, stamps[ends]])
        order = _ends(stamps)
        self._stamps = stamps[order]
        self._lines = np.concatenate([self._lines, at])[order]

    def outside(self, low: int, high: int) -> tuple[tuple[int, str], ...]:
        """Return lines and times of those beyond [low, high], the farthest first."""
        far = np.flatnonzero((self._stamps < low) | (self._stamps > high))
        beyond = np.maximum(low - self._stamps[far], self._stamps[far] - high)
        order = far[np.argsort(-beyond, kind="stable")][:_NAMED]
        return tuple((int(self._lines[i]), iso(int(self._stamps[i]))) for i in order)


def _ends(stamps: Ints) -> Ints:
    """Return where the smallest and the largest stand."""
    if stamps.size <= 2 * _NAMED:
        return np.arange(stamps.size)
    order = np.argpartition(stamps, (_NAMED, stamps.size - _NAMED))
    return np.unique(np.concatenate([order[:_NAMED], order[-_NAMED:]]))


def far_from_the_rest(stamps: Ints) -> tuple[int, int]:
    """Return between which stamps [µs] all others are expected.

    They lie within ten times the width of the middle half, and within a day; only
    where hardly any are farther out, one in a hundred at most (or a single one), can
    they be called odd.

    Parameters
    ----------
    stamps : ndarray of int64, shape (n,)
        Ascending.

    Examples
    --------
    >>> hour = 3600 * MICRO
    >>> low, high = far_from_the_rest(np.arange(10**4, 10**4 + 100) * hour)
    >>> low // hour, high // hour
    (9535, 10564)
    """
    if stamps.size < 4:
        return int(stamps[0]), int(stamps[-1])
    lower, upper = stamps[stamps.size // 4], stamps[-1 - stamps.size // 4]
    room = max(_FAR * int(upper - lower), int(DAY) * MICRO)
    low, high = int(lower) - room, int(upper) + room
    count = np.searchsorted(stamps, low) + stamps.size
    count -= np.searchsorted(stamps, high, side="right")
    if count > max(1, stamps.size // 100):
        return int(stamps[0]), int(stamps[-1])
    return low, high


def iso(micros: int) -> str:
    """Write microseconds since 1970 as a stamp in UTC.

    Examples
    --------
    >>> iso(1_500_000)
    '1970-01-01T00:00:01.500000+00:00'
    """
    stamp = str(np.datetime64(micros, "us"))
    return f"{stamp.removesuffix('.000000')}+00:00"


def _lines(lines: tuple[int, ...], total: int) -> str:
    """Name some lines, and how many others there are."""
    word = "line" if total == 1 else "lines"
    return f"{word} {', '.join(map(str, lines))}{_others(total - len(lines))}"


def _others(count: int) -> str:
    """Say how many others there are, if any."""
    return f" and {count:,} other{'s' * (count > 1)}" if count > 0 else ""


def _counted(total: int, lines: tuple[int, ...]) -> str:
    """Return how many there are, and where."""
    return f"{total:,} ({_lines(lines, total)})" if lines else f"{total:,}"
