"""What all commands share: how they refuse, what they say, how they end."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mds_sim.distributions import Exponential, Gamma, Law
from mds_sim.records import RunRecord

NAMED = 5  # failures that are printed; --json lists all
WIDTH = 79  # columns of a terminal, less one
PICTURES = (".png", ".pdf", ".svg")


def match(
    options: argparse.Namespace,
    other: str,
    needed_by: tuple[str, ...] = (),
    barred_by: tuple[str, ...] = (),
) -> None:
    """Refuse options that would be ignored with, or without, the other one."""
    given = is_given(options, other)
    word, names = ("without", barred_by) if given else ("with", needed_by)
    for name in names:
        if is_given(options, name):
            raise ValueError(f"{option(name)} goes {word} {option(other)}")


def is_given(options: argparse.Namespace, name: str) -> bool:
    """Tell whether somebody has typed an option."""
    value = getattr(options, name)
    return value is not None and value is not False


def option(name: str) -> str:
    """Return the word that is typed for an option."""
    return f"--{name.replace('_', '-')}"


def draw_seed(options: argparse.Namespace) -> None:
    """Draw the seed that was not given, and say which, so that it can be."""
    if options.seed is None:
        options.seed = secrets.randbelow(2**32)
        tell(options, f"seed {options.seed} (--seed {options.seed} repeats this run)")


def tell(options: argparse.Namespace, text: str) -> None:
    """Print something for people."""
    if text and not options.json:
        say(text)


def say(text: str) -> None:
    """Print lines, and break those that are too long for a terminal."""
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        parts = textwrap.wrap(
            line,
            WIDTH,
            subsequent_indent=f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        print(line if len(line) <= WIDTH else "\n".join(parts))


def parameters(options: argparse.Namespace) -> dict[str, Any]:
    """Return what a run was asked for, for JSON."""
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(options).items()
        if name not in {"command", "json", "quiet", "jupyter"}
    }


def bar(options: argparse.Namespace) -> bool:
    """Tell whether to show a progress bar: to people, not to a log file."""
    return not options.quiet and sys.stderr.isatty()


def noise(scv: float) -> Law | None:
    """Return what the time of a job is multiplied by: mean 1, so much variation."""
    if not scv:
        return None
    return Exponential(1.0) if scv == 1 else Gamma(1.0, scv)


def told_service(options: argparse.Namespace) -> str:
    """Say how long jobs are taken to be: nobody may have given it a thought."""
    times = [f"{options.per_job:g} s a job"]
    for name, noun in (("per_item", "message"), ("per_mb", "MB")):
        if getattr(options, name, None) is not None:
            times.append(f"{getattr(options, name):g} s a {noun}")
    varied = {0: "always", 1: "on average, exponential"}
    how = varied.get(options.scv, f"on average, with an scv of {options.scv:g}")
    return f"service: {' and '.join(times)}, {how}"


def check_plot(path: Path | None) -> None:
    """Refuse a figure that could not be saved, before anything is done."""
    if path is None:
        return
    if path.suffix.lower() not in PICTURES or not path.parent.is_dir():
        raise ValueError(
            f"--plot must be a file {', '.join(PICTURES[:-1])} or {PICTURES[-1]} in a "
            f"folder that exists, got {str(path)!r}"
        )


def save_plot(options: argparse.Namespace, *draws: Callable[..., Any]) -> None:
    """Save a figure if one is asked for: each function draws on axes of its own."""
    if options.plot is None:
        return
    from mds_sim.plots.saving import save_figure  # brings Matplotlib

    save_figure(options.plot, *draws)
    tell(options, f"figure: {options.plot}")


def report(options: argparse.Namespace, record: RunRecord, **more: Any) -> int:
    """Print what happened; 1 if anything failed."""
    summary = record.check().summary()
    failures = [str(failure) for failure in record.failures]
    if options.json:
        found = {**summary.to_dict(), **more, "failed": failures}
        print(json.dumps({**found, "parameters": parameters(options)}))
    else:
        say(str(summary))
        lines = failures[:NAMED]
        if len(failures) > NAMED:
            lines.append(f"and {len(failures) - NAMED:,} more (--json lists all)")
        for line in lines:
            print(f"  {line}", file=sys.stderr)
    return int(bool(failures))
