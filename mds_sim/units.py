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

MINUTE: float = 60.0
HOUR: float = 60.0 * MINUTE
DAY: float = 24.0 * HOUR

KB: int = 10**3
MB: int = 10**6
GB: int = 10**9
MiB: int = 2**20


def format_seconds(seconds: float) -> str:
    """Write a time in the unit a person would choose.

    Examples
    --------
    >>> format_seconds(0.0042), format_seconds(95.0), format_seconds(5 * HOUR)
    ('4.2 ms', '1.58 min', '5 h')

    What nobody knows is a dash:

    >>> format_seconds(math.nan)
    '-'
    """
    if math.isnan(seconds):
        return "-"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1.0, "s")):
        if abs(seconds) >= unit:
            return f"{_three_digits(seconds / unit)} {name}"
    return f"{_three_digits(seconds * 1e3)} ms" if seconds else "0 s"


def format_bytes(size: float) -> str:
    """Write a size in the unit a person would choose.

    Examples
    --------
    >>> format_bytes(12), format_bytes(2_500_000), format_bytes(7.12 * GB)
    ('12 B', '2.5 MB', '7.12 GB')
    """
    for unit, name in ((GB, "GB"), (MB, "MB"), (KB, "kB")):
        if abs(size) >= unit:
            return f"{_three_digits(size / unit)} {name}"
    return f"{_three_digits(size)} B"


def _three_digits(number: float) -> str:
    """Write a number with three digits, or all of them if it has more."""
    return f"{number:.3g}" if abs(number) < 999.5 else f"{number:,.0f}"
