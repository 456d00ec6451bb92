"""Read when things arrived from a file that somebody already has."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._reading.forms import FIRST, LAST, MICRO
from mds_sim._reading.report import (
    ArrivalsReport,
    Count,
    Extremes,
    far_from_the_rest,
    iso,
)
from mds_sim._reading.stamps import BAD, MISSING, OK, StampReader
from mds_sim._reading.tables import Chunk, Column, open_column
from mds_sim.units import counted

from .arrivals import TraceArrivals

Ints = NDArray[np.int64]

_CUT = 4  # stamps of one length, before a shorter last one counts as cut off
_SHOWN = 80  # signs of a word in a message
_EPOCH_DIGITS = 9  # digits of a number of seconds in our time


def read_arrivals(
    path: str | PathLike[str],
    column: str | None = None,
    *,
    format: str | None = None,
    zone: str | None = None,
    unit: str | None = None,
    between: tuple[str | None, str | None] | None = None,
    encoding: str = "utf-8",
    invalid: str = "raise",
) -> TraceArrivals:
    """Read arrival times from a file: CSV, JSON lines, a log, Parquet, or a list.

    Parameters
    ----------
    path : path-like
        Text, packed with gzip or not, or a Parquet file.
    column : str, optional
        Name of the column in the first line of a CSV file, key in JSON lines (a path
        such as ``event.time`` will do), column of a Parquet file. Without it the file
        has one column (the first line may be its name, told in the report; what
        begins as a number does is never taken for a name), or is the log of a web
        server, common or combined.
    format : {"csv", "jsonl", "log", "parquet"}, optional
        Found out by the name and the first line.
    zone : str, optional
        Where clocks show the stamps that name no zone: ``"Europe/Berlin"``, or a
        distance from UTC such as ``"+02:00"``; UTC by default.
    unit : {"s", "ms", "us", "ns"}, optional
        What numbers count since 1970. Found out by their size: seconds below 1e11,
        milliseconds below 1e14, microseconds below 1e17.
    between : tuple of (str or None, str or None), optional
        The first stamp to take, and the first to leave out again.
    encoding : str, optional
        Of the text.
    invalid : {"raise", "skip"}, optional
        What to do with a stamp that cannot be read. Missing ones (empty, -, NA, NaN,
        null) are always left out; both are counted in the report.

    Returns
    -------
    TraceArrivals
        Seconds since the earliest stamp, ascending, exact to the microsecond;
        ``.origin`` is that stamp and ``.report`` says what was read, left out,
        assumed and put in order, and which stamps are far from the rest.

    Raises
    ------
    ValueError
        If a column is not there (the message names those that are) or two have its
        name, a stamp cannot be read (it names the line), the last line is half a line,
        there is no stamp at all, or the file is no text in its encoding, or has a line
        of more than 16 MiB.
    OSError
        If the file is not there, a folder, or cannot be read.
    ModuleNotFoundError
        If it is a Parquet file and pyarrow is not installed.

    Notes
    -----
    A stamp is ISO 8601 with or without a zone, RFC 2822, as web servers write it, or
    a number. Eight digits such as 20130708 could be a day or seconds, and are refused
    unless `unit` is given. A local time that a clock shows twice is taken as the
    earlier one. Letters for a zone that RFC 2822 does not define, such as CEST, name
    none. Stamps that are written alike are read 65,536 at a time.

    Examples
    --------
    >>> from mds_sim.data import EARTHQUAKES
    >>> quakes = read_arrivals(EARTHQUAKES, column="time")
    >>> quakes
    TraceArrivals(1707 arrivals in 603374 s from 2018-01-31T01:49:59.650000+00:00)
    >>> print(quakes.report)
    usgs_earthquakes_2018w05.csv: 1707 rows, 0 without a stamp and 0 unreadable left
    out, 0 out of order put in order

    One day of them:

    >>> monday = ("2018-02-05", "2018-02-06")
    >>> len(read_arrivals(EARTHQUAKES, column="time", between=monday))
    249
    """
    path = Path(path)
    _validate.choice("invalid", invalid, ("raise", "skip"))
    stamps = StampReader(zone, unit)
    low, high = _ends(between, zone)
    with open_column(
        path,
        column,
        lambda text: _is_stamp(text, unit),
        format=format,
        encoding=encoding,
        what="a stamp",
    ) as source:
        reading = _Reading(path.name, stamps, low, high, invalid == "skip")
        for chunk in source.chunks:
            reading.take(chunk)
    return reading.arrivals(source)


class _Reading:
    """What was read so far."""

    def __init__(
        self, name: str, stamps: StampReader, low: int, high: int, skips: bool
    ) -> None:
        self.name, self.stamps, self.skips = name, stamps, skips
        self.low, self.high = low, high
        self.parts: list[Ints] = []
        self.missing, self.bad, self.extremes = Count(), Count(), Extremes()
        self.rows = self.outside = self.half = 0
        self.lengths: set[int] = set()  # of the words so far that are stamps

    def take(self, chunk: Chunk) -> None:
        """Read some cells."""
        micros, state = self.stamps.read(chunk.cells)
        is_half = chunk.is_cut and self._is_half(chunk.cells[0].strip(), int(state[0]))
        if is_half:
            self.half, state[0] = chunk.lines[0], BAD
        self.rows += len(chunk.lines)
        bad = np.flatnonzero(state == BAD)
        if bad.size and not self.skips:
            i = int(bad[0])
            self._refuse(chunk.lines[i], chunk.cells[i], is_half)
        self.bad.add([chunk.lines[i] for i in bad.tolist()])
        missing = np.flatnonzero(state == MISSING).tolist()
        self.missing.add([chunk.lines[i] for i in missing])
        kept = np.flatnonzero((state == OK) & (micros >= self.low))
        kept = kept[micros[kept] < self.high]
        self.outside += int(np.count_nonzero(state == OK)) - kept.size
        self.extremes.add(micros, kept, chunk.lines)
        self.parts.append(micros if kept.size == micros.size else micros[kept])
        self._measure(chunk.cells, state)

    def _measure(self, cells: list[str], state: NDArray[np.uint8]) -> None:
        """Remember how long stamps are, as long as all are equally long."""
        if len(self.lengths) <= 1:
            is_stamp = state == OK
            if not is_stamp.all():
                cells = [cells[i] for i in np.flatnonzero(is_stamp).tolist()]
            self.lengths.update(map(len, cells))

    def _is_half(self, text: str, state: int) -> bool:
        """Tell whether a last word without an end of line is half of one.

        One that can be read may be so too: where all others have the same length, and
        are no small numbers, a shorter one has lost its end.
        """
        stamps = self.rows - self.missing.total - self.bad.total
        if state != OK or len(self.lengths) != 1 or stamps < _CUT:
            return state == BAD
        longest = max(self.lengths)
        return len(text) < longest and longest > _EPOCH_DIGITS

    def _refuse(self, line: int, text: str, is_half: bool) -> None:
        """Say which stamp cannot be read, where, and what to do."""
        if is_half:
            raise ValueError(
                f"every line must have an end, but line {line} of {self.name}, the "
                f"last, has {_short(text)} and seems to be half written; "
                'invalid="skip" leaves it out'
            )
        raise ValueError(
            "every stamp must be a date and time (ISO 8601, RFC 2822, or as web "
            "servers write it) or a number since 1970, but line "
            f"{line} of {self.name} has {_short(text)}; {self.stamps.explain(text)}"
            'invalid="skip" leaves such lines out'
        )

    def arrivals(self, source: Column) -> TraceArrivals:
        """Put all in order, and say what was done."""
        stamps = np.concatenate([np.empty(0, np.int64), *self.parts])
        self.parts.clear()
        if not stamps.size:
            raise ValueError(self._nothing())
        disorder = int(np.count_nonzero(stamps[1:] < stamps[:-1]))
        if disorder:
            stamps.sort()
        report = self._report(source, stamps, disorder)
        origin = int(stamps[0])
        stamps -= origin
        times = stamps / MICRO
        del stamps
        when = np.datetime64(origin, "us").item().isoformat()
        return TraceArrivals(times, f"{when}+00:00", report)

    def _nothing(self) -> str:
        """Say why there is no stamp."""
        if self.outside:
            n = self.outside
            all_ = "the only one is" if n == 1 else f"all {n:,} are"
            return (
                f"{self.name} must hold a stamp in `between`, but {all_} outside of it"
            )
        left_out = ""
        if self.rows:
            left_out = (
                f" in {counted(self.rows, 'row', spec='')}: "
                f"{self.missing.total} without one, {self.bad.total} unreadable"
            )
        return f"{self.name} must hold a stamp, got none{left_out}"

    def _report(self, source: Column, stamps: Ints, disorder: int) -> ArrivalsReport:
        """Return what was done."""
        low, high = far_from_the_rest(stamps)
        reader = self.stamps
        return ArrivalsReport(
            name=self.name,
            format=source.format,
            rows=self.rows,
            missing=self.missing.total,
            unreadable=self.bad.total,
            missing_lines=self.missing.first,
            unreadable_lines=self.bad.first,
            header=source.header,
            half_line=self.half,
            disorder=disorder,
            equal=int(np.count_nonzero(stamps[1:] == stamps[:-1])),
            zone=str(reader.zone) if reader.local else "",
            assumed=reader.local,
            unit=f"{reader.unit_words} since 1970" if reader.numbers else "",
            first=iso(int(stamps[0])),
            last=iso(int(stamps[-1])),
            span=float(stamps[-1] - stamps[0]) / MICRO,
            outside=self.outside,
            far=int(np.count_nonzero((stamps < low) | (stamps > high))),
            far_stamps=self.extremes.outside(low, high),
            remarks=tuple(_remarks(reader)),
        )


def _remarks(reader: StampReader) -> list[str]:
    """Say what was assumed about zones and numbers."""
    remarks = []
    if reader.local:
        all_ = "all stamps" if not reader.zoned else f"{reader.local:,} stamps"
        remarks.append(f"no zone in {all_}: {reader.zone} assumed")
    if reader.doubled:
        remarks.append(
            f"{reader.doubled:,} at an hour that clocks show twice: the earlier taken"
        )
    if reader.skipped:
        remarks.append(f"{reader.skipped:,} at an hour that clocks never show")
    if reader.numbers and reader.guessed and reader.unit != "s":
        remarks.append(
            f"numbers taken for {reader.unit_words} since 1970, by their size"
        )
    return remarks


def _ends(
    between: tuple[str | None, str | None] | None, zone: str | None
) -> tuple[int, int]:
    """Return the first stamp to take and the first to leave out [µs]."""
    if between is None:
        return FIRST, LAST + 1
    if isinstance(between, str) or len(between) != 2:
        raise ValueError(
            "between must be two stamps, such as "
            f"('2018-02-05', '2018-02-06'), got {between!r}"
        )
    low, high = (_end(text, zone) for text in between)
    low, high = FIRST if low is None else low, LAST + 1 if high is None else high
    if low >= high:
        raise ValueError(f"between must be two stamps in order, got {between!r}")
    return low, high


def _end(text: str | None, zone: str | None) -> int | None:
    """Return a stamp [µs]; one without a zone is in that of the file."""
    if text is None:
        return None
    reader = StampReader(zone, None)
    micros, state = reader.read([str(text)])
    if state[0] != OK:
        raise ValueError(f"between must be stamps such as '2018-02-05', got {text!r}")
    return int(micros[0])


def _short(text: str) -> str:
    """Show a word, or the beginning of a long one."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:60]!r} and so on"


def _is_stamp(text: str, unit: str | None) -> bool:
    """Tell whether a first line is a stamp already rather than a name."""
    return bool(StampReader(None, unit).read([text])[1][0] == OK)
