"""What the scripts of this folder share: figures, versions, a part of README.md."""

from __future__ import annotations

import math
import os
import platform
from importlib.metadata import version
from pathlib import Path

README = Path(__file__).with_name("README.md")
END = "<!-- to here -->"


def digits(value: float, up: bool) -> str:
    """Round to three digits, in the direction that flatters us least."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    exact = value / unit + (-1e-9 if up else 1e-9)  # one is one
    rounded = (math.ceil if up else math.floor)(exact) * unit
    return f"{rounded:,.0f}" if unit >= 1 else f"{rounded:.{-math.log10(unit):.0f}f}"


def versions(*packages: str) -> str:
    """Say what was measured, and on what."""
    names = ", ".join(f"{package} {version(package)}" for package in packages)
    return (
        f"Python {platform.python_version()}, {names}; {platform.system()} on "
        f"{platform.machine()}, {os.cpu_count()} shared cores.\n"
    )


def write(script: str, parts: list[str]) -> None:
    """Replace what README.md says between the marks of a script."""
    begin = f"<!-- {script} writes from here -->"
    before, mark, rest = README.read_text(encoding="utf-8").partition(begin)
    if not mark:
        raise ValueError(f"{README} must have a line {begin!r}")
    after = rest.partition(END)[2]
    body = "\n".join(["", "", *parts, ""])
    README.write_text(f"{before}{begin}{body}{END}{after}", encoding="utf-8")
