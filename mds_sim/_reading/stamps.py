"""Stamps: what people write for an instant, as microseconds since 1970.

Each word is read by `read_stamp`, which takes its time. A column of words that are
written alike, as those of a program are, is read by `forms.read_alike` at once; both
say the same.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

from .forms import FIRST, ISO, LAST, LOG, MAIL, MICRO, MONTHS, read_alike

Ints = NDArray[np.int64]
Flags = NDArray[np.uint8]

MISSING_WORDS = {"", "-", "na", "nan", "nat", "null", "none", "n/a", "\\n"}
UNITS = ("s", "ms", "us", "ns")
_PER_UNIT = {"s": MICRO, "ms": 1000, "us": 1}
_UNIT_WORDS = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_TURNED = re.compile(r"\d\d?[/.-]\d\d?[/.-]\d{2,4}(?!\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
_EXACT = 2**53  # from here on a float is no longer every whole number
_MINUTE = 60 * MICRO
OK, MISSING, BAD = 0, 1, 2


class Stamp(NamedTuple):
    """Microseconds since 1970, and whether the word says in which zone."""

    micros: int
    has_zone: bool


def read_stamp(text: str) -> Stamp:
    """Read a date and time.

    Parameters
    ----------
    text : str
        ISO 8601, RFC 2822 (``Mon, 20 Nov 1995 19:12:08 -0500``) or as web servers
        write it (``10/Oct/2000:13:55:36 -0700``).

    Raises
    ------
    ValueError
        If it is none of them, or no such day or time is.

    Examples
    --------
    >>> read_stamp("1970-01-01T00:00:01.5Z")
    Stamp(micros=1500000, has_zone=True)
    """
    when = _moment(text)
    shift = when.utcoffset()
    # Whole microseconds, from which no float takes anything.
    micros = (when.replace(tzinfo=None) - _EPOCH) // timedelta(microseconds=1)
    if shift is not None:
        micros -= shift // timedelta(microseconds=1)
    if not FIRST <= micros <= LAST:
        raise ValueError(text)
    return Stamp(micros, shift is not None)


def _moment(text: str) -> datetime:
    """Return what a word says, with the zone it says, if any."""
    if found := LOG.fullmatch(text):
        month = MONTHS.index(found["name"].lower()) + 1
        zone = found["zone"] or ""
        return datetime.fromisoformat(
            f"{found['year']}-{month:02}-{found['day']}T{found['hour']}:"
            f"{found['minute']}:{found['second']}{zone.strip()}"
        )
    if MAIL.fullmatch(text):
        return parsedate_to_datetime(text)
    if text.isdigit():  # `fromisoformat` would read 20130708
        raise ValueError(text)
    if (found := ISO.fullmatch(text)) and found["zone"]:
        zone = found["zone"].strip()
        text = text[: found.start("zone")] + ("Z" if zone in ("UTC", "GMT") else zone)
    return datetime.fromisoformat(text)


def as_zone(name: str | None) -> tzinfo:
    """Return a zone by its name or its distance from UTC; UTC for None."""
    if name is None or name == "UTC":
        return UTC
    try:
        if found := _OFFSET.fullmatch(name):
            shift = timedelta(hours=int(found[2]), minutes=int(found[3]))
            return timezone(-shift if found[1] == "-" else shift)
        return ZoneInfo(name)
    except (OSError, TypeError, ValueError, KeyError):  # KeyError: there is none
        raise ValueError(
            "zone must be a name such as 'Europe/Berlin' or a distance from UTC such "
            f"as '+02:00', got {name!r}; on Windows names need `pip install tzdata`"
        ) from None


class StampReader:
    """Reads chunks of words, and remembers what it assumed.

    Attributes
    ----------
    unit : str or None
        What numbers count since 1970; found out with the first chunk that has some.
    guessed : bool
        Whether the unit was found out rather than told.
    numbers, zoned, local : int
        How many stamps were numbers, named their zone, or did not.
    doubled, skipped : int
        How many local stamps a clock that is put back shows twice (the earlier one is
        taken), or one that is put forward never shows.

    Examples
    --------
    >>> reader = StampReader(None, None)
    >>> micros, state = reader.read(["1970-01-01T00:00:01Z", "", "2.5", "soon"])
    >>> micros.tolist(), state.tolist(), reader.unit
    ([1000000, 0, 2500000, 0], [0, 1, 0, 2], 's')
    """

    def __init__(self, zone: str | None, unit: str | None) -> None:
        if unit is not None:
            _validate.choice("unit", unit, UNITS)
        self.zone, self.unit, self.guessed = as_zone(zone), unit, False
        self.numbers = self.zoned = self.local = self.doubled = self.skipped = 0
        self._is_told = unit is not None

    def read(self, texts: list[str]) -> tuple[Ints, Flags]:
        """Return microseconds since 1970 and the state of each word.

        Where the state is not `OK`, the number says nothing.
        """
        texts = [text.strip() for text in texts]
        n = len(texts)
        micros, state = np.zeros(n, np.int64), np.full(n, BAD, np.uint8)
        is_local = np.zeros(n, np.bool_)
        left = np.arange(n)
        if not _NUMBER.fullmatch(texts[0]):  # then there may be no number at all
            left = self._read_alike(texts, left, micros, state, is_local)
        left = self._read_numbers(texts, left, micros, state)
        left = self._read_alike(texts, left, micros, state, is_local)
        for i in left.tolist():
            self._read_one(i, texts[i], micros, state, is_local)
        local = np.flatnonzero(is_local & (state == OK))
        micros[local] -= self._offsets(micros[local])
        self.local += local.size
        state[(state == OK) & ((micros < FIRST) | (micros > LAST))] = BAD
        return micros, state

    def explain(self, text: str) -> str:
        """Say what could be done about a word that cannot be read."""
        text = text.strip()
        if self._is_day(text):
            iso = f"{text[:4]}-{text[4:6]}-{text[6:]}"
            return f"write {iso} for the day, {text}.0 for seconds; "
        if _TURNED.match(text):
            return "nobody can tell its day from its month: write 2024-12-31; "
        if _NUMBER.fullmatch(text) and self.unit:
            word = _UNIT_WORDS[self.unit]
            return f"as {word} it is beyond the years 1 to 9999; unit= decides; "
        return ""

    @property
    def unit_words(self) -> str:
        """What numbers count, in words."""
        return _UNIT_WORDS[self.unit or "s"]

    def _is_day(self, text: str) -> bool:
        """Tell whether eight digits may be a day as well as seconds."""
        if self._is_told or len(text) != 8 or text[:2] not in ("19", "20"):
            return False
        is_digits = text.isascii() and text.isdigit()
        return is_digits and 1 <= int(text[4:6]) <= 12 and 1 <= int(text[6:]) <= 31

    def _read_alike(
        self,
        texts: list[str],
        left: Ints,
        micros: Ints,
        state: Flags,
        is_local: NDArray[np.bool_],
    ) -> Ints:
        """Read words that are written alike, and return where the others are."""
        for where, values, has_zone in read_alike(texts, left):
            micros[where], state[where], is_local[where] = values, OK, not has_zone
            self.zoned += where.size * has_zone
        rest: Ints = left[state[left] != OK]
        return rest

    def _read_one(
        self,
        i: int,
        text: str,
        micros: Ints,
        state: Flags,
        is_local: NDArray[np.bool_],
    ) -> None:
        """Read a word that stands alone."""
        if text.lower() in MISSING_WORDS:
            state[i] = MISSING
            return
        try:
            stamp = read_stamp(text)
        except (ValueError, OverflowError):
            return
        micros[i], state[i], is_local[i] = stamp.micros, OK, not stamp.has_zone
        self.zoned += stamp.has_zone

    def _read_numbers(
        self, texts: list[str], left: Ints, micros: Ints, state: Flags
    ) -> Ints:
        """Read the words that are numbers, and return where the others are."""
        words, values = self._number_words(texts, left)
        if not words.size:
            return left
        if self.unit is None:
            self.unit, self.guessed = _guess(values), True
        scaled, fits = self._micros(texts, words, values)
        micros[words[fits]], state[words[fits]] = scaled[fits], OK
        self.numbers += int(fits.sum())
        return np.setdiff1d(left, words, assume_unique=True)

    def _number_words(
        self, texts: list[str], left: Ints
    ) -> tuple[Ints, NDArray[np.float64]]:
        """Return which words are numbers, and their values."""
        whole = left.size == len(texts)
        if whole and _NUMBER.fullmatch(texts[0]) and "_" not in "".join(texts):
            try:  # all of them, most likely
                values = np.array(list(map(float, texts)))
            except ValueError:
                pass
            else:
                if np.isfinite(values).all() and not self._has_days(texts, values):
                    return left, values
        words = [
            i
            for i in left.tolist()
            if _NUMBER.fullmatch(texts[i]) and not self._is_day(texts[i])
        ]
        values = np.array([float(texts[i]) for i in words], np.float64)
        return np.array(words, np.int64), values

    def _has_days(self, texts: list[str], values: NDArray[np.float64]) -> bool:
        """Tell whether some numbers may be days such as 20130708."""
        may_be = np.flatnonzero((values >= 19e6) & (values < 21e6))
        return any(self._is_day(texts[i]) for i in may_be.tolist())

    def _micros(
        self, texts: list[str], words: Ints, values: NDArray[np.float64]
    ) -> tuple[Ints, NDArray[np.bool_]]:
        """Return numbers in microseconds, and whether a stamp can be so large."""
        per_unit = _PER_UNIT.get(self.unit or "s", 0)
        scale = per_unit or 1e-3
        fits = (values * scale >= FIRST) & (values * scale <= LAST)
        values = np.where(fits, values, 0.0)
        if np.abs(values).max(initial=0.0) >= _EXACT:
            fitting = zip(words.tolist(), fits.tolist(), strict=True)
            whole = np.array(
                [_whole(texts[i]) if fit else 0 for i, fit in fitting], np.int64
            )
            part = np.zeros(values.size)
        else:
            floor = np.floor(values)
            whole, part = floor.astype(np.int64), values - floor
        if per_unit:
            return whole * per_unit + np.rint(part * per_unit).astype(np.int64), fits
        return (whole + 500) // 1000, fits

    def _offsets(self, local: Ints) -> Ints:
        """Return how far the zone is ahead of UTC at local times [µs].

        Clocks are put forward and back on whole minutes, so one answer holds for all
        stamps of a minute.
        """
        if self.zone is UTC or not local.size:
            return np.zeros(local.size, np.int64)
        minutes, which = np.unique(local // _MINUTE, return_inverse=True)
        count = np.bincount(which)
        offsets = np.empty(minutes.size, np.int64)
        for i, minute in enumerate(minutes.tolist()):
            when = _EPOCH + timedelta(minutes=minute)
            early, late = (_offset(self.zone, when.replace(fold=f)) for f in (0, 1))
            offsets[i] = early
            self.doubled += int(count[i]) * (early > late)
            self.skipped += int(count[i]) * (early < late)
        return offsets[which]


def _guess(values: NDArray[np.float64]) -> str:
    """Tell by their size what numbers count: years 1973 to 5138 in each unit."""
    middle = np.sort(np.abs(values))[(values.size - 1) // 2]
    for unit, most in (("s", 1e11), ("ms", 1e14), ("us", 1e17)):
        if middle < most:
            return unit
    return "ns"


def _whole(text: str) -> int:
    """Return a large number, exactly if it is written as a whole one."""
    try:
        return int(text)
    except ValueError:
        return math.floor(float(text))


def _offset(zone: tzinfo, when: datetime) -> int:
    """Return how far a zone is ahead of UTC [µs]."""
    shift = zone.utcoffset(when)
    return 0 if shift is None else shift // timedelta(microseconds=1)
