"""Read when things arrived from a file that somebody already has."""

from __future__ import annotations

import csv
import gzip
import math
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

from .arrivals import TraceArrivals

# Years 1 to 9999, as `datetime` has them: milliseconds since 1970 are beyond it.
_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0
_MISSING = {"", "na", "nan", "nat", "null", "none"}
_DAY = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


def read_arrivals(
    path: str | PathLike[str], column: str | None = None, *, invalid: str = "raise"
) -> TraceArrivals:
    """Read arrival times from a CSV file or from a file of one stamp a line.

    Parameters
    ----------
    path : path-like
        Text in UTF-8; a name that ends in ``.gz`` is unpacked on the way.
    column : str, optional
        Name of the column in the first line. Without it the file has one column
        (the first line may be its name: one that is no stamp is named in the report).
    invalid : {"raise", "skip"}, optional
        What to do with a stamp that cannot be read. Missing ones (empty, NA, NaN,
        null) are always left out; both are counted in the report.

    Returns
    -------
    TraceArrivals
        Seconds since the earliest stamp, ascending; ``.origin`` is that stamp and
        ``.report`` says what was read, left out, assumed and put in order.

    Raises
    ------
    ValueError
        If a column is not there (the message names those that are), a stamp cannot
        be read (it names the line), there is no stamp at all, or the file is no CSV
        file in UTF-8.
    OSError
        If the file is not there, a folder, or cannot be read.

    Notes
    -----
    A stamp is ISO 8601 with or without a zone (UTC is assumed without one), or a
    number of seconds since 1970. Eight digits such as 20130708 could be either, and
    are refused.

    Examples
    --------
    >>> from mds_sim.data import EARTHQUAKES
    >>> read_arrivals(EARTHQUAKES, column="time")
    TraceArrivals(1707 arrivals in 603374 s from 2018-01-31T01:49:59.650000+00:00)
    """
    path = Path(path)
    _validate.choice("invalid", invalid, ("raise", "skip"))
    stamps: list[float] = []
    missing = bad = 0
    header, cells = _cells(path, column)
    for line, text in cells:
        try:
            stamp = _seconds(text)
        except ValueError:
            if invalid == "raise":
                raise ValueError(
                    "every stamp must be ISO 8601 or seconds since 1970, but "
                    f"line {line} of {path.name} has {text!r}; {_remedy(text)}"
                    'invalid="skip" leaves such lines out'
                ) from None
            bad += 1
            continue
        if math.isnan(stamp):
            missing += 1
        else:
            stamps.append(stamp)
    if not stamps:
        raise ValueError(f"{path.name} must hold a stamp, got none")
    times = np.array(stamps)
    disorder = int(np.count_nonzero(times[1:] < times[:-1]))
    times.sort(kind="stable")
    report = (
        f"{path.name}: {header}{len(stamps) + missing + bad} rows, "
        f"{missing} without a stamp and {bad} unreadable left out, "
        f"{disorder} out of order put in order"
    )
    origin = datetime.fromtimestamp(float(times[0]), UTC).isoformat()
    return TraceArrivals(_since_first(times), origin, report)


def _since_first(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return times since the first, to the microsecond that stamps can have.

    Seconds since 1970 have 10 digits before the point, so that differences carry
    noise of 1e-7 s; rounded, they are the float64 nearest to the exact difference.
    """
    since: NDArray[np.float64] = np.round(times - times[0], 6)
    return since


def _cells(path: Path, column: str | None) -> tuple[str, Iterator[tuple[int, str]]]:
    """Return a word on a header that was guessed, and (line, text) of the column."""
    rows = _rows(path)
    line, first = next(rows, (0, []))
    if not first:
        raise ValueError(f"{path.name} must hold a stamp, but it is empty")
    if column is None and len(first) > 1:
        raise ValueError(f"column must be given for {path.name}, one of {first}")
    if column is not None and column not in first:
        raise ValueError(f"column must be one of {first}, got {column!r}")
    index, header = 0 if column is None else first.index(column), ""
    if column is None and _is_stamp(first[0]):
        rows = chain([(line, first)], rows)
    elif column is None:
        header = f"header {first[0]!r} skipped, "
    # A row that ends early, as the last of a file that is being written, has no
    # such cell.
    return header, ((n, row[index] if index < len(row) else "") for n, row in rows)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) of each row that is not blank."""
    line = 0  # where the last row ended
    try:
        with _open(path) as file:
            rows = csv.reader(file, strict=True)
            for row in rows:
                line = rows.line_num
                if row:
                    yield line, row
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path.name} must be a CSV file in UTF-8, but {error}"
        ) from None
    except csv.Error as error:
        is_open = str(error) == "unexpected end of data"
        reason = "a quote is never closed" if is_open else error
        raise ValueError(
            f"{path.name} must be a CSV file in UTF-8, "
            f"but in the row from line {line + 1}: {reason}"
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(f"{path.name} cannot be unpacked: {error}") from None


def _open(path: Path) -> TextIO:
    """Open a text file, packed or not; an encoding other than UTF-8 is an error."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _seconds(text: str) -> float:
    """Return seconds since 1970; NaN for a missing stamp."""
    text = text.strip()
    if text.lower() in _MISSING:
        return math.nan
    if "_" in text or _DAY.fullmatch(text):  # `float` would read both
        raise ValueError(text)
    try:
        seconds = float(text)
    except ValueError:
        stamp = datetime.fromisoformat(text)
        if stamp.tzinfo is None:
            stamp = stamp.replace(tzinfo=UTC)
        seconds = stamp.timestamp()
    if not _FIRST <= seconds <= _LAST:
        raise ValueError(text)
    return seconds


def _remedy(text: str) -> str:
    """Say how to write eight digits that could be a day or seconds."""
    day = _DAY.fullmatch(text.strip())
    iso = "-".join(day.groups()) if day else ""
    return f"write {iso} for the day, {text.strip()}.0 for seconds; " if day else ""


def _is_stamp(text: str) -> bool:
    """Tell whether a first line is a stamp already rather than a name."""
    try:
        return not math.isnan(_seconds(text))
    except ValueError:
        return False
