"""The package at the command line: ``python -m mds_sim stream | files | ...``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from . import __version__
from ._commands import demo, files, lab, plan, stream, tournament

COMMANDS = {
    "stream": stream,
    "files": files,
    "tournament": tournament,
    "plan": plan,
    "demo": demo,
    "lab": lab,
}
ABOUT = """\
Each command has a --help of its own, with examples.

exit codes: 0 all is well, 1 some items failed, 2 bad input or a target that
cannot be kept, 130 Ctrl-C, 141 the reader of the output has gone
"""


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
    except (ValueError, TypeError, OverflowError, OSError, ImportError) as error:
        print(f"mds_sim: {_said(error)}", file=sys.stderr)
        return 2


def _run(argv: Sequence[str] | None) -> int:
    """Read the command line, and run its command."""
    parser = _parser()
    # JupyterLab has options of its own, which argparse cannot know.
    arguments, rest = parser.parse_known_args(argv)
    arguments.jupyter = rest
    command: Callable[[argparse.Namespace], int] = arguments.command
    if rest and command is not lab.run:
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


class _Help(
    argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter
):
    """Show the defaults that say something, and examples as they are written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        says = action.default is not None and action.default is not False
        return super()._get_help_string(action) if says else action.help


def _parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m mds_sim",
        description="Learn, teach and plan the parallel processing of data.",
        epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=command.SUMMARY,
            usage=f"{parser.prog} {name}{command.WORD} [OPTION ...]",
            description=f"{(command.run.__doc__ or '').splitlines()[0]}",
            epilog=command.EXAMPLES,
            formatter_class=_Help,
        )
        sub.set_defaults(command=command.run)
        command.add_options(sub)
    return parser


if __name__ == "__main__":
    sys.exit(main())
