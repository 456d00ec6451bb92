"""People's own data: read with the options of the command line, and reported."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, TypeVar

from mds_sim import files, stream

from .common import tell

T = TypeVar("T")
# What errors call an argument of a function, and how it is typed here.
_TYPED = (
    ('invalid="skip"', "--skip-invalid"),
    ('unreadable="skip"', "--skip-unreadable"),
    ("`between`", "--between"),
)
_ARGUMENT = re.compile(r'(?:\bpass )?\b(encoding|format|unit|zone)="([^"]+)"')


def read_trace(options: argparse.Namespace) -> stream.TraceArrivals:
    """Read the trace, and say what was read."""
    between = options.between
    trace = _typed(
        stream.read_arrivals,
        options.trace,
        options.column,
        zone=options.zone,
        between=None if between is None else tuple(between),
        **_how(options),
    )
    tell(options, _details(trace.report))
    return trace


def read_list(options: argparse.Namespace) -> files.SizeList:
    """Read a list of sizes, and say what was read."""
    sizes = _typed(files.read_sizes, options.sizes, options.column, **_how(options))
    tell(options, _details(sizes.report))
    return sizes


def read_folder(options: argparse.Namespace) -> files.FileList:
    """Look through a folder, and say what is there."""
    unreadable = "skip" if options.skip_unreadable else "raise"
    found = _typed(
        files.scan_files,
        options.folder,
        follow_links=options.follow_links,
        unreadable=unreadable,
    )
    tell(options, str(found.report))
    return found


def _how(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that say how a file is read, if they were given."""
    given = {name: getattr(options, name) for name in ("format", "unit", "encoding")}
    how = {name: value for name, value in given.items() if value is not None}
    return {**how, "invalid": "skip" if options.skip_invalid else "raise"}


def _details(report: Any) -> str:
    """Return all that a report says: its table, and what is odd."""
    return "\n".join([report.details, *(f"  {typed(note)}" for note in report.notes)])


def _typed(read: Callable[..., T], *args: Any, **options: Any) -> T:
    """Read; an error names options as they are typed."""
    try:
        return read(*args, **options)
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and error.filename:
            raise
        raise type(error)(typed(str(error))) from None


def typed(text: str) -> str:
    """Name options as they are typed, not as arguments.

    Examples
    --------
    >>> typed('pass encoding="latin-1", or invalid="skip" leaves it out')
    '--encoding latin-1, or --skip-invalid leaves it out'
    """
    for argument, words in _TYPED:
        text = text.replace(argument, words)
    text = text.replace("between=(first, last)", "--between FIRST END")
    return _ARGUMENT.sub(r"--\1 \2", text)
