"""The package at the command line: ``python -m mds_sim stream | files | ...``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import __version__, _validate
from ._commands import STRATEGIES, run_demo, run_files, run_lab, run_stream
from ._game_night import CONTENTIONS, SEATINGS, run_tournament
from .units import MB


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Returns
    -------
    int
        0 if all is well, 1 if some items of a run failed, 2 for bad input, 130
        after a Ctrl-C, 141 if the reader of the output has gone.

    Examples
    --------
    >>> main(["tournament", "--players", "4", "--tables", "1", "--seed", "1"])
    ... # doctest: +ELLIPSIS
    round 1
    ...
    """
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()  # here, where it can be handled that nobody reads it
    except BrokenPipeError:
        # What is left is flushed at exit: to nowhere, or Python would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except MemoryError as error:
        print(f"mds_sim: too much for the memory: {error}", file=sys.stderr)
        return 2
    except (ValueError, TypeError, OverflowError, OSError) as error:
        print(f"mds_sim: {_said(error)}", file=sys.stderr)
        return 2


def _run(argv: Sequence[str] | None) -> int:
    """Read the command line, and run its command."""
    parser = _parser()
    # JupyterLab has options of its own, which argparse cannot know.
    arguments, rest = parser.parse_known_args(argv)
    arguments.jupyter = rest
    command: Callable[[argparse.Namespace], int] = arguments.command
    if rest and command is not run_lab:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return command(arguments)


def _said(error: Exception) -> str:
    """Return what an error says, without the system's numbers."""
    if not isinstance(error, OSError) or not error.strerror or not error.filename:
        return str(error)
    reason = error.strerror[0].lower() + error.strerror[1:]
    if isinstance(error, FileNotFoundError):
        reason = "no such file"
    return f"{reason}: {error.filename}"


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Show the defaults that say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        says = action.default is not None and action.default is not False
        return super()._get_help_string(action) if says else action.help


def _parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m mds_sim",
        description="Learn, teach and plan the parallel processing of data.",
        epilog="Each command has a --help of its own.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[..., int], summary: str) -> Any:
        sub = commands.add_parser(
            name,
            help=summary,
            description=f"{(command.__doc__ or '').splitlines()[0]}",
            formatter_class=_Help,
        )
        sub.set_defaults(command=command)
        return sub

    sub = add("stream", run_stream, "messages in mini-batches on a worker pool")
    sub.add_argument("--rate", type=_positive, help="messages a minute (default: 10)")
    sub.add_argument(
        "--hours", type=_positive, help="how long messages come (default: 24)"
    )
    sub.add_argument("--trace", type=Path, metavar="FILE", help="replay a CSV file")
    sub.add_argument("--column", help="its column of time stamps")
    sub.add_argument(
        "--skip-invalid",
        action="store_true",
        help="leave out stamps of it that are none",
    )
    sub.add_argument("--window", type=_positive, default=5.0, help="window [min]")
    sub.add_argument(
        "--per-job", type=_non_negative, default=60.0, help="mean time a batch [s]"
    )
    sub.add_argument(
        "--per-item",
        type=_non_negative,
        default=1.0,
        help="mean time that each message of it adds [s]",
    )
    sub.add_argument("--speed", type=_positive, help=f"{SPEED}; default: time jumps")
    sub.epilog = "The time a batch takes is random: its mean times an exponential draw."
    _add_common(sub)

    sub = add("files", run_files, "real files in buckets on a worker pool")
    sub.add_argument(
        "--folder",
        type=Path,
        help="take its files, in its folders too; links and devices are not followed "
        "but counted (default: files are made)",
    )
    sub.add_argument("--count", type=_count, help="files to make (default: 100)")
    sub.add_argument("--mean", type=_positive, help="their mean size [MB] (default: 1)")
    sub.add_argument("--bucket", type=_bucket, help="bucket [MB] (default: 10)")
    sub.add_argument(
        "--strategy",
        choices=STRATEGIES,
        metavar="NAME",
        help=f"one of {', '.join(STRATEGIES)} (default: first-fit-decreasing)",
    )
    sub.add_argument(
        "--copy-to", type=Path, metavar="FOLDER", help="copy the files, verified"
    )
    sub.add_argument(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="write down there what is done: a night that is killed can be resumed",
    )
    sub.add_argument(
        "--resume",
        type=Path,
        nargs="?",
        const=Path("night.db"),
        metavar="LEDGER",
        help="go on with the night of a ledger, by itself night.db: what is done is "
        "not done again, and all else is in the ledger; a copy that is gone is made "
        "again, one of another size has failed and is left alone",
    )
    sub.add_argument(
        "--verify",
        action="store_true",
        help="with --resume: read all copies again, not only look at their sizes",
    )
    _add_common(sub, workers=None)  # a night that is resumed has its own

    sub = add("tournament", run_tournament, "players, tables, rounds, a champion")
    _add_tournament(sub)

    sub = add("demo", run_demo, "all of it, in under a minute")
    sub.add_argument("--seed", type=_seed, default=1, help="equal seeds, equal input")
    sub.add_argument("--speed", type=_positive, default=600.0, help=SPEED)

    sub = add("lab", run_lab, "JupyterLab on the first notebook")
    sub.epilog = "Other options, such as --no-browser or --port 9000, are Jupyter's."
    return parser


SPEED = "speed of the clock: 600 squeezes five minutes into half a second"


def _add_tournament(sub: Any) -> None:
    """Add the options of a game night."""
    sub.epilog = (
        "Names are a real night: each round is printed, and who won is typed in. "
        "A number of players, --simulate and --json play by chance."
    )
    sub.add_argument(
        "--players", help="how many, or a file with a name a line (default: 16)"
    )
    sub.add_argument("--tables", type=_count, help="tables (default: 4)")
    sub.add_argument("--seats", type=_count, help="seats a table (default: 4)")
    sub.add_argument("--rounds", type=_count, help="rounds (default: 5)")
    sub.add_argument(
        "--seating",
        choices=SEATINGS,
        help="who sits where: as many new faces as can be found, a round at a time "
        "(greedy, the default) or with all rounds ahead in view (horizon), by chance, "
        "equals with equals, a knockout in which nobody meets twice, or a schedule "
        "that is known in advance",
    )
    sub.add_argument(
        "--contention",
        choices=CONTENTIONS,
        help="who wins: most wins (points, the default), a knockout first and then "
        "mixing (funnel), or a final last",
    )
    sub.add_argument(
        "--forbid",
        action="append",
        metavar="NAME,NAME",
        help="a pair that never shares a table; can be given again",
    )
    sub.add_argument("--seed", type=_seed, help="equal seeds, equal evenings")
    sub.add_argument(
        "--simulate", action="store_true", help="let chance decide who wins"
    )
    sub.add_argument(
        "--save", type=Path, metavar="FILE", help="keep the night there, as JSON"
    )
    sub.add_argument("--load", type=Path, metavar="FILE", help="go on with that night")
    sub.add_argument(
        "--export",
        "--csv",
        type=Path,
        metavar="FILE",
        help="write the rounds there, as CSV; with a schedule those to come too",
    )
    sub.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_common(sub: argparse.ArgumentParser, workers: int | None = 10) -> None:
    """Add the options that both pipelines have."""
    said = " (default: 10)" if workers is None else ""
    sub.add_argument(
        "--workers", type=_count, default=workers, help=f"threads in the pool{said}"
    )
    sub.add_argument("--seed", type=_seed, help="equal seeds, equal input")
    sub.add_argument("--json", action="store_true", help="print the summary as JSON")
    sub.add_argument("--quiet", action="store_true", help="no progress bar")


def _positive(text: str) -> float:
    """Read a number > 0."""
    try:
        return _validate.positive("it", float(text))
    except ValueError:
        message = f"must be a number > 0, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def _non_negative(text: str) -> float:
    """Read a number >= 0."""
    try:
        return _validate.non_negative("it", float(text))
    except ValueError:
        message = f"must be a number >= 0, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def _bucket(text: str) -> float:
    """Read megabytes: at least a byte, and no more than an int64 can count."""
    megabytes = _positive(text)
    if not 1 <= megabytes * MB < 2**63:
        raise argparse.ArgumentTypeError(
            f"must be from 1e-06 (a byte) to 9.2e+12 MB, got {text!r}"
        )
    return megabytes


def _count(text: str, least: int = 1) -> int:
    """Read a whole number of at least `least`."""
    try:
        return _validate.count("it", int(text), least)
    except ValueError:
        message = f"must be a whole number >= {least}, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def _seed(text: str) -> int:
    """Read a seed: a whole number >= 0."""
    return _count(text, least=0)


if __name__ == "__main__":
    sys.exit(main())
