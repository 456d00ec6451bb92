"""What the scripts of this folder share: figures, versions, a part of README.md."""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from mds_sim.files.instances import Instance, read_instance

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


def instances_in(folder: Path) -> list[tuple[str, Instance]]:
    """Read all files of a folder and below; say which ones are left out, and why.

    Names are paths from the folder. Files and folders that begin with a dot are no
    instances, and not counted.
    """
    found, left_out = [], 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in name.parts):
            continue
        try:
            found.append((name.as_posix(), read_instance(path)))
        except (ValueError, OSError) as error:
            left_out += 1
            print(f"{name.as_posix()} is left out: {error}", file=sys.stderr)
    print(f"{len(found)} instances, {left_out} files left out", file=sys.stderr)
    return found


def existing_folder(text: str) -> Path:
    """Return the path of a folder that is there, for `argparse`."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"must be a folder, got {text!r}")
    return path


def positive_seconds(text: str) -> float:
    """Return a positive number of seconds, for `argparse`."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be > 0 seconds, got {text!r}")
    return number
