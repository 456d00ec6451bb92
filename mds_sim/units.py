"""The units of the house: seconds and bytes, said once.

Inside ``mds_sim`` every time is in seconds (float64) and every size in whole
bytes (int64). Multiply by these names on the way in, divide on the way out.

Examples
--------
>>> 5 * MINUTE
300.0
>>> 10 * MB
10000000
"""

from __future__ import annotations

import math
from collections.abc import Iterable

MINUTE: float = 60.0
HOUR: float = 60.0 * MINUTE
DAY: float = 24.0 * HOUR

KB: int = 10**3
MB: int = 10**6
GB: int = 10**9
MiB: int = 2**20

_TIMES = (("d", DAY), ("h", HOUR), ("min", MINUTE))
_SIZES = (("GB", GB), ("MB", MB), ("kB", KB))


def format_seconds(seconds: float, like: float | None = None) -> str:
    """Write a time in the unit a person would choose, or would for another time.

    Examples
    --------
    >>> format_seconds(0.0042), format_seconds(95.0), format_seconds(5 * HOUR)
    ('4.2 ms', '1.58 min', '5 h')
    >>> format_seconds(45 * MINUTE, like=5 * HOUR)
    '0.75 h'

    What nobody knows is a dash:

    >>> format_seconds(math.nan)
    '-'
    """
    if math.isnan(seconds):
        return "-"
    name, unit = written_unit(seconds if like is None else like)
    return f"{_three_digits(seconds / unit)} {name}"


def written_unit(seconds: float) -> tuple[str, float]:
    """Return the unit in which `format_seconds` writes a time, and its length [s].

    Examples
    --------
    >>> written_unit(95.0)
    ('min', 60.0)
    """
    for name, unit in (*_TIMES, ("s", 1.0)):
        if abs(seconds) >= unit:
            return name, unit
    return ("ms", 1e-3) if seconds else ("s", 1.0)


def short_unit(times: Iterable[float]) -> tuple[str, float]:
    """Return the unit in which all of some times are short, and its length [s].

    It is the largest one in which each has at most three digits and is not below 1;
    seconds, if there is none.

    Examples
    --------
    >>> short_unit([8280.0]), short_unit([60.0, 90.0]), short_unit([60.0, 250.0])
    (('h', 3600.0), ('min', 60.0), ('s', 1.0))
    """
    times = list(times)
    for name, unit in _TIMES if times else ():
        if all(1.0 <= time / unit < 1e3 and _is_short(time / unit) for time in times):
            return name, unit
    return "s", 1.0


def format_bytes(size: float) -> str:
    """Write a size in the unit a person would choose.

    Examples
    --------
    >>> format_bytes(12), format_bytes(2_500_000), format_bytes(7.12 * GB)
    ('12 B', '2.5 MB', '7.12 GB')
    """
    name, unit = size_unit(size)
    return f"{_three_digits(size / unit)} {name}"


def size_unit(size: float) -> tuple[str, int]:
    """Return the unit in which `format_bytes` writes a size, and its bytes.

    Examples
    --------
    >>> size_unit(2_500_000), size_unit(12)
    (('MB', 1000000), ('B', 1))
    """
    for name, unit in _SIZES:
        if abs(size) >= unit:
            return name, unit
    return "B", 1


def counted(number: float, one: str, more: str = "", spec: str = ",") -> str:
    """Write a number with its noun, or with words that agree with it.

    Parameters
    ----------
    number : float
    one : str
        What follows a 1.
    more : str, optional
        What follows any other number; by default `one` with an s.
    spec : str, optional
        How the number is written; a 1 is what is written as one.

    Examples
    --------
    >>> counted(1, "file"), counted(0, "file"), counted(14_400, "file")
    ('1 file', '0 files', '14,400 files')
    >>> counted(2, "batch", "batches"), counted(1.004, "message", spec=".2f")
    ('2 batches', '1.00 messages')
    """
    text = format(number, spec)
    return f"{text} {one if text == '1' else more or f'{one}s'}"


def _three_digits(number: float) -> str:
    """Write a number with three digits, or all of them if it has more."""
    return f"{number:.3g}" if abs(number) < 999.5 else f"{number:,.0f}"


def _is_short(number: float) -> bool:
    """Whether three digits say all of a number."""
    return math.isclose(float(f"{number:.3g}"), number, rel_tol=1e-9)
