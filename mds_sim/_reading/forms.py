"""Stamps that are written alike, read at once: columns of digits, not words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

MICRO = 10**6
# The years 1 to 9999, as `datetime` has them [µs].
FIRST, LAST = -62_135_596_800 * MICRO, 253_402_300_800 * MICRO - 1
MONTHS = [
    "jan", "feb", "mar", "apr", "may", "jun",
    "jul", "aug", "sep", "oct", "nov", "dec",
]  # fmt: skip

_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d)"
ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[T ]" + _CLOCK +
    r"(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<zone> ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?",
    re.ASCII,
)  # fmt: skip
LOG = re.compile(
    r"(?P<day>\d\d)/(?P<name>" + "|".join(MONTHS) + r")/(?P<year>\d{4}):" + _CLOCK +
    r":(?P<second>\d\d)(?P<zone> [+-]\d{4})?",
    re.ASCII | re.IGNORECASE,
)  # fmt: skip
MAIL = re.compile(
    r"(?:(?P<week>mon|tue|wed|thu|fri|sat|sun), )?(?P<day>\d\d?) "
    r"(?P<name>" + "|".join(MONTHS) + r") (?P<year>\d{4}) " + _CLOCK +
    r"(?::(?P<second>\d\d))?(?P<zone> (?:[+-]\d{4}|[A-Z]{1,5}))?",
    re.ASCII | re.IGNORECASE,
)  # fmt: skip
_FORMS = (ISO, LOG, MAIL)

_FEWEST = 16  # words alike; fewer are read one by one
_MOST_FORMS = 8  # of one length in one chunk
_LONGEST = 48  # signs; what is longer is no stamp
_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_UTC_WORDS = {"z", "gmt", "utc", "ut"}

Alike = tuple[Ints, Ints, bool]


def read_alike(texts: list[str], left: Ints) -> Iterator[Alike]:
    """Read words that are written alike.

    Parameters
    ----------
    texts : list of str
    left : ndarray of int
        Which of them to read.

    Yields
    ------
    where : ndarray of int
        Which ones were read.
    micros : ndarray of int64
        Microseconds since 1970, in the zone that they say.
    has_zone : bool
        Whether they say one.

    Examples
    --------
    >>> texts = [f"1970-01-01T00:00:{s:02}Z" for s in range(16)]
    >>> [(where, micros, has_zone)] = read_alike(texts, np.arange(16))
    >>> micros[:3].tolist(), has_zone
    ([0, 1000000, 2000000], True)
    """
    if left.size < _FEWEST:
        return
    words = texts if left.size == len(texts) else [texts[i] for i in left.tolist()]
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    # What is longer would only take memory.
    counts = np.bincount(np.minimum(lengths, _LONGEST + 1))
    for length in np.flatnonzero(counts[: _LONGEST + 1] >= _FEWEST).tolist():
        of_length = np.flatnonzero(lengths == length)
        if length and (block := _block(words, of_length, length)) is not None:
            for where, micros, has_zone in _by_form(words, of_length, block):
                yield left[where], micros, has_zone


def _block(words: list[str], where: Ints, length: int) -> Bytes | None:
    """Return words of one length as a table of their signs; None if not ASCII."""
    whole = where.size == len(words)
    joined = "".join(words if whole else [words[i] for i in where.tolist()])
    if not joined.isascii():
        return None
    return np.frombuffer(joined.encode(), np.uint8).reshape(-1, length)


def _by_form(words: list[str], where: Ints, block: Bytes) -> Iterator[Alike]:
    """Read words of one length, form after form, by the first word of each."""
    for _ in range(_MOST_FORMS):
        if where.size < _FEWEST:
            return
        first = words[int(where[0])]
        found = next(filter(None, (form.fullmatch(first) for form in _FORMS)), None)
        if found is None:
            where, block = where[1:], block[1:]
            continue
        micros, valid, has_zone = _read(found, block)
        if not valid[0]:  # no such day, say: the others may be of this form
            valid[0] = True
            where, block = where[1:], block[1:]
            micros, valid = micros[1:], valid[1:]
        if valid.any():
            yield where[valid], micros[valid], has_zone
        where, block = where[~valid], block[~valid]


def _read(found: re.Match[str], block: Bytes) -> tuple[Ints, Flags, bool]:
    """Read the words that have digits where one of them has digits."""
    spans = {name: found.span(name) for name in found.re.groupindex}
    spans = {name: span for name, span in spans.items() if span[0] >= 0}
    zone, has_zone = spans.pop("zone", None), False
    shift, valid = np.zeros(len(block), np.int64), np.ones(len(block), np.bool_)
    if zone:
        shift, valid, has_zone = _zone(found["zone"], block[:, zone[0] : zone[1]])
        spans["zone"] = zone
    valid = valid & _same_elsewhere(block, list(spans.values()))
    field: dict[str, Ints] = {}
    for name, (begin, end) in spans.items():
        if name == "name":
            field["month"], fine = _months(block[:, begin:end])
        elif name in ("zone", "week"):
            continue
        else:
            field[name], fine = _number(block[:, begin : min(end, begin + 6)])
            if name == "fraction":  # beyond microseconds it is cut, as ISO readers do
                fine = _number(block[:, begin:end])[1]
                field[name] = field[name] * 10 ** max(0, 6 - (end - begin))
        valid = valid & fine
    if "week" in spans:
        valid = valid & _same(block[:, slice(*spans["week"])], "week")
    valid &= _in_range(field)
    return _micros(field) - shift, valid, has_zone


def _same(block: Bytes, what: str) -> Flags:
    """Tell where the letters of a day of the week are."""
    letters = block | np.uint8(32)  # in lower case
    known = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return np.isin(_code(letters), [_code_of(word) for word in known])


def _months(block: Bytes) -> tuple[Ints, Flags]:
    """Return the numbers of months by their names."""
    code = _code(block | np.uint8(32))
    known = np.array([_code_of(word) for word in MONTHS])
    order = np.argsort(known)
    place = np.minimum(np.searchsorted(known[order], code), 11)
    return order[place] + 1, known[order][place] == code


def _code(letters: Bytes) -> Ints:
    """Return three letters as one number."""
    wide = letters.astype(np.int64)
    return (wide[:, 0] << 16) | (wide[:, 1] << 8) | wide[:, 2]


def _code_of(word: str) -> int:
    """Return three letters as one number."""
    return int.from_bytes(word.encode(), "big")


def _number(block: Bytes) -> tuple[Ints, Flags]:
    """Return what some columns of digits count, and where they are digits."""
    digits = block - np.uint8(48)  # what is no digit wraps around to a large number
    value = np.zeros(len(block), np.int64)
    for column in digits.T:
        value = value * 10 + column
    are_digits: Flags = np.logical_and.reduce(digits <= 9, axis=1)
    return value, are_digits


def _same_elsewhere(block: Bytes, spans: list[tuple[int, int]]) -> Flags:
    """Tell which rows have the signs of the first row outside of the fields."""
    fixed = np.ones(block.shape[1], np.bool_)
    for begin, end in spans:
        fixed[begin:end] = False
    valid: Flags = (block[:, fixed] == block[0, fixed]).all(axis=1)
    return valid


def _zone(word: str, block: Bytes) -> tuple[Ints, Flags, bool]:
    """Return how far the zones are ahead of UTC [µs], where they are of one form."""
    begin = len(word) - len(word.lstrip())
    word, block = word[begin:], block[:, begin:]
    if word[0] not in "+-":
        is_same = (block == block[0]).all(axis=1)
        known: Flags = np.full(len(block), word.lower() in _UTC_WORDS)
        known[~is_same] = False
        return np.zeros(len(block), np.int64), known, True
    sign = block[:, 0]
    hours, are_hours = _number(block[:, 1:3])
    minutes, are_minutes = _number(block[:, -2:])
    is_sign = np.isin(sign, np.frombuffer(b"+-", np.uint8))
    is_time = are_hours & are_minutes & (hours < 24) & (minutes < 60)
    is_alike = (block[:, 3:-2] == block[0, 3:-2]).all(axis=1)
    valid: Flags = np.logical_and.reduce([is_sign, is_time, is_alike])
    shift = (hours * 60 + minutes) * 60 * MICRO
    if begin:
        # "-0000" says that the zone is not known: that is for `read_stamp`.
        valid &= (shift != 0) | (sign == ord("+"))
    return np.where(sign == ord("-"), -shift, shift), valid, True


def _in_range(field: dict[str, Ints]) -> Flags:
    """Tell where such a day and such a time are."""
    year, month, day = field["year"], field["month"], field["day"]
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _DAYS[np.where((month >= 1) & (month <= 12), month, 0)]
    longest = longest - ((month == 2) & ~is_leap)
    valid: Flags = (year >= 1) & (day >= 1) & (day <= longest)
    valid &= (field["hour"] < 24) & (field["minute"] < 60)
    return valid & (field["second"] < 60) if "second" in field else valid


def _micros(field: dict[str, Ints]) -> Ints:
    """Return microseconds since 1970 of a day of the Gregorian calendar and a time.

    Years begin in March, so that the day which may be missing is the last [1]_.

    References
    ----------
    .. [1] H. Hinnant, chrono-compatible low-level date algorithms, days_from_civil.
    """
    year = field["year"] - (field["month"] <= 2)
    era, of_era = np.divmod(year, 400)
    of_year = (153 * ((field["month"] + 9) % 12) + 2) // 5 + field["day"] - 1
    days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year
    seconds = (days - 719_468) * 86_400 + field["hour"] * 3600 + field["minute"] * 60
    seconds = seconds + field.get("second", 0)
    micros: Ints = seconds * MICRO + field.get("fraction", 0)
    return micros
