"""The options that several commands have, and how words become numbers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mds_sim import _validate, files
from mds_sim._reading import FORMATS
from mds_sim.units import MB

STRATEGIES: dict[str, type] = {
    "next-fit": files.NextFit,
    "first-fit": files.FirstFit,
    "best-fit": files.BestFit,
    "worst-fit": files.WorstFit,
    "next-fit-decreasing": files.NextFitDecreasing,
    "first-fit-decreasing": files.FirstFitDecreasing,
    "best-fit-decreasing": files.BestFitDecreasing,
    "worst-fit-decreasing": files.WorstFitDecreasing,
    "optimal": files.Optimal,
}
SPEED = "speed of the clock: 600 squeezes five minutes into half a second"
# What only says how a file of data is read.
READING = ("column", "format", "unit", "encoding", "skip_invalid")
STAMPS = ("zone", "between")


def add_common(parser: Any, workers: int | None = 10) -> None:
    """Add what a run has: workers, chance, and how the answer is given."""
    said = " (default: 10)" if workers is None else ""
    parser.add_argument(
        "--workers", type=count, default=workers, help=f"threads in the pool{said}"
    )
    parser.add_argument("--seed", type=seed, help="equal seeds, equal input")
    add_answer(parser, "the summary")


def add_answer(parser: Any, what: str) -> None:
    """Add how the answer is given."""
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="save a figure, .png, .pdf or .svg"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def add_reading(parser: Any, what: str) -> None:
    """Add how people's own data are read."""
    parser.add_argument("--column", metavar="NAME", help=f"its column of {what}")
    parser.add_argument(
        "--format", choices=FORMATS, help="found out by name and first line otherwise"
    )
    parser.add_argument("--unit", help="what its numbers count: s, ms; B, MB, MiB")
    parser.add_argument("--encoding", help="of its text (default: utf-8)")
    parser.add_argument(
        "--skip-invalid",
        action="store_true",
        help=f"leave {what} out that cannot be read, and count them",
    )


def add_stamps(parser: Any) -> None:
    """Add how stamps of time are read."""
    parser.add_argument(
        "--zone", help="of stamps without one: Europe/Berlin, +02:00 (default: UTC)"
    )
    parser.add_argument(
        "--between",
        nargs=2,
        metavar=("FIRST", "END"),
        help="take stamps from FIRST on, and before END",
    )


def add_times(parser: Any, per_job: str, per_item: bool, per_mb: bool) -> None:
    """Add how long a job takes."""
    parser.add_argument(
        "--per-job",
        type=non_negative,
        metavar="S",
        help=f"mean time of each job [s] (default: {per_job})",
    )
    if per_item:
        parser.add_argument(
            "--per-item",
            type=non_negative,
            metavar="S",
            help="and of each message in it [s] (default: 1)",
        )
    if per_mb:
        parser.add_argument(
            "--per-mb",
            type=non_negative,
            metavar="S",
            help="and of each megabyte in it [s] (default: 1)",
        )
    parser.add_argument(
        "--scv",
        type=non_negative,
        metavar="X",
        help="how the time varies, (standard deviation / mean) squared: 1 is "
        "exponential (the default), 0 is always the mean",
    )


def add_packing(parser: Any) -> None:
    """Add how files are packed."""
    parser.add_argument(
        "--bucket", type=bucket, metavar="MB", help="room of a bucket (default: 10)"
    )
    parser.add_argument(
        "--strategy",
        choices=STRATEGIES,
        metavar="NAME",
        help=f"one of {', '.join(STRATEGIES)} (default: first-fit-decreasing)",
    )


def add_folder(parser: Any) -> None:
    """Add how a folder is looked through."""
    parser.add_argument(
        "--folder",
        type=Path,
        help="its files, and those of folders in it; links and devices are left out "
        "and counted",
    )
    parser.add_argument(
        "--follow-links",
        action="store_true",
        help="take what links lead to, each file once",
    )
    parser.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave folders out that cannot be read, and name them",
    )


def positive(text: str) -> float:
    """Read a number > 0."""
    return _number(text, _validate.positive, "> 0")


def non_negative(text: str) -> float:
    """Read a number >= 0."""
    return _number(text, _validate.non_negative, ">= 0")


def _number(text: str, check: Callable[[str, float], float], rule: str) -> float:
    """Read a number that keeps a rule."""
    try:
        return check("it", float(text))
    except ValueError:
        message = f"must be a number {rule}, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def share(text: str) -> float:
    """Read a share, such as 0.99."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(
            f"must be a share > 0 and < 1, such as 0.99, got {text!r}"
        )
    return value


def bucket(text: str) -> float:
    """Read megabytes: at least a byte, and no more than an int64 can count."""
    megabytes = positive(text)
    if not 1 <= megabytes * MB < 2**63:
        raise argparse.ArgumentTypeError(
            f"must be from 1e-06 (a byte) to 9.2e+12 MB, got {text!r}"
        )
    return megabytes


def several(text: str) -> list[float]:
    """Read numbers > 0 with commas between them."""
    return [positive(word) for word in text.split(",")]


def count(text: str, least: int = 1) -> int:
    """Read a whole number of at least `least`."""
    try:
        return _validate.count("it", int(text), least)
    except ValueError:
        message = f"must be a whole number >= {least}, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def two_or_more(text: str) -> int:
    """Read a whole number of at least two."""
    return count(text, least=2)


def seed(text: str) -> int:
    """Read a seed: a whole number >= 0."""
    return count(text, least=0)
