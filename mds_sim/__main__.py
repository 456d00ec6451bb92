"""The package at the command line: ``python -m mds_sim stream | files | ...``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import __version__, _validate, files, stream, tournament
from .core import Clock, VirtualClock, WallClock, WorkerPool
from .distributions import Exponential
from .records import RunRecord
from .sim import LinearService
from .units import HOUR, MB, MINUTE

STRATEGIES: dict[str, type] = {
    "next-fit": files.NextFit,
    "first-fit": files.FirstFit,
    "best-fit": files.BestFit,
    "worst-fit": files.WorstFit,
    "next-fit-decreasing": files.NextFitDecreasing,
    "first-fit-decreasing": files.FirstFitDecreasing,
    "best-fit-decreasing": files.BestFitDecreasing,
    "worst-fit-decreasing": files.WorstFitDecreasing,
}
SEATINGS: dict[str, type] = {
    "random": tournament.RandomSeating,
    "greedy": tournament.GreedySeating,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Returns
    -------
    int
        0 if all is well, 1 if some items of a run failed, 2 for bad input, 130
        after a Ctrl-C.

    Examples
    --------
    >>> main(["tournament", "--players", "4", "--tables", "1", "--seed", "1"])
    ... # doctest: +ELLIPSIS
    round 1
    ...
    """
    parser = _parser()
    # JupyterLab has options of its own, which argparse cannot know.
    arguments, rest = parser.parse_known_args(argv)
    arguments.jupyter = rest
    command: Callable[[argparse.Namespace], int] = arguments.command
    if rest and command is not run_lab:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return command(arguments)
    except KeyboardInterrupt:
        return 130
    except (ValueError, TypeError, OSError) as error:
        print(f"mds_sim: {error}", file=sys.stderr)
        return 2


def run_stream(options: argparse.Namespace) -> int:
    """Group messages into mini-batches and let real threads handle them."""
    arrivals: stream.Arrivals = stream.PoissonArrivals(options.rate / MINUTE)
    until = options.hours * HOUR
    if options.trace is not None:
        arrivals = trace = stream.read_arrivals(options.trace, options.column)
        until = None
        _tell(options, trace.report)
    pipeline = stream.StreamPipeline(
        arrivals,
        stream.FirstMessageWindow(options.window * MINUTE),
        LinearService(options.per_job, options.per_item, noise=Exponential(1.0)),
        options.workers,
    )
    record = pipeline.run(
        until=until, clock=_clock(options), rng=options.seed, progress=not options.quiet
    )
    return _report(options, record)


def run_files(options: argparse.Namespace) -> int:
    """Pack real files into buckets and let real threads read or copy them."""
    with tempfile.TemporaryDirectory(prefix="mds_sim-") as scratch:
        if options.folder is not None:
            night = files.scan_files(options.folder)
            where = str(options.folder)
        else:
            source = files.FileSource(options.count, Exponential(options.mean * MB))
            sizes = source.sample(rng=options.seed)[0]
            night = files.write_files(scratch, sizes, rng=options.seed)
            where = "a temporary folder"
        handler = files.CopyFiles(options.copy_to) if options.copy_to else None
        pipeline = files.NightlyPipeline(
            night,
            STRATEGIES[options.strategy](),
            round(options.bucket * MB),
            workers=options.workers,
        )
        _tell(options, f"{len(night):,} real files in {where}")
        record = pipeline.run(handler, progress=not options.quiet)
        return _report(options, record)


def run_tournament(options: argparse.Namespace) -> int:
    """Play a tournament and print its rounds and standings."""
    evening = tournament.Tournament(
        _players(options.players),
        options.tables,
        options.seats,
        options.rounds,
        seating=SEATINGS[options.seating](),
        rng=options.seed,
    )
    result = evening.play()
    if options.csv is not None:
        result.to_csv(options.csv)
    for played in [*result.rounds, *filter(None, [result.playoff])]:
        print(played)
    print(result)
    return 0


def run_demo(options: argparse.Namespace) -> int:
    """Run the stream and the nightly files on one pool, then a tournament."""
    print("An hour of messages and a night of files, in parallel on ten threads,")
    print(f"at {options.speed:g} times real speed: a millisecond looks like "
          f"{options.speed / 1000:g} s ...")  # fmt: skip
    with (
        tempfile.TemporaryDirectory(prefix="mds_sim-") as folder,
        WorkerPool(10, clock=WallClock(options.speed)) as pool,
    ):
        service = LinearService(per_job=60.0, per_item=1.0)
        builder = stream.MiniBatchBuilder(pool, service=service)
        source = stream.MessageSource(clock=pool.clock, rng=options.seed)
        source.subscribe(builder.add)
        copies = files.CopyFiles(Path(folder, "processed"))
        manager = files.BucketManager(pool, handler=copies)
        arriving = source.start(until=1 * HOUR)
        sizes = files.FileSource().sample(rng=options.seed)[0]
        manager.add(*files.write_files(Path(folder, "inbox"), sizes, rng=options.seed))
        manager.submit_night()
        arriving.result()
        builder.finish()
        records = {"Stream": builder.record(), "Nightly files": manager.record()}
    for name, record in records.items():
        print(f"\n{name}: {record.check().summary()}")
    print("\nTournament:")
    evening = tournament.Tournament(
        16, 4, 4, 5, seating=tournament.GreedySeating(), rng=options.seed
    )
    print(evening.play())
    return int(any(record.failures for record in records.values()))


def run_lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on the first notebook, with the whole repository beside it."""
    root = Path.cwd()
    if not (root / NOTEBOOK).is_file():
        root = Path(__file__).resolve().parent.parent
    if not (root / NOTEBOOK).is_file():
        raise FileNotFoundError(f"{NOTEBOOK} must exist: run this in the repository")
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        raise FileNotFoundError(
            'JupyterLab must be installed: pip install -e ".[lab]"'
        ) from None
    LabApp.launch_instance(
        [
            str(root),
            f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
            *options.jupyter,
        ]
    )
    return 0


NOTEBOOK = "notebooks/00_start.ipynb"


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
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        sub.set_defaults(command=command)
        return sub

    sub = add("stream", run_stream, "messages in mini-batches on a worker pool")
    sub.add_argument("--rate", type=_positive, default=10.0, help="messages a minute")
    sub.add_argument("--hours", type=_positive, default=24.0, help="how long they come")
    sub.add_argument("--trace", type=Path, metavar="FILE", help="replay a CSV file")
    sub.add_argument("--column", help="its column of time stamps")
    sub.add_argument("--window", type=_positive, default=5.0, help="window [min]")
    sub.add_argument("--per-job", type=float, default=60.0, help="time a batch [s]")
    sub.add_argument("--per-item", type=float, default=1.0, help="time a message [s]")
    sub.add_argument(
        "--speed", type=_positive, help="seconds a second; by default the clock jumps"
    )
    _add_common(sub)

    sub = add("files", run_files, "real files in buckets on a worker pool")
    sub.add_argument("--folder", type=Path, help="its files; else files are made")
    sub.add_argument("--count", type=_count, default=100, help="files to make")
    sub.add_argument("--mean", type=_positive, default=1.0, help="their mean size [MB]")
    sub.add_argument("--bucket", type=_positive, default=10.0, help="bucket [MB]")
    sub.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="first-fit-decreasing",
        metavar="NAME",
        help=f"one of {', '.join(STRATEGIES)}",
    )
    sub.add_argument("--copy-to", type=Path, metavar="FOLDER", help="copy, verified")
    _add_common(sub)

    sub = add("tournament", run_tournament, "players, tables, rounds, a champion")
    sub.add_argument("--players", default="16", help="how many, or a file of names")
    sub.add_argument("--tables", type=_count, default=4, help="tables")
    sub.add_argument("--seats", type=_count, default=4, help="seats a table")
    sub.add_argument("--rounds", type=_count, default=5, help="rounds")
    sub.add_argument("--seating", choices=SEATINGS, default="greedy", help="who where")
    sub.add_argument("--csv", type=Path, metavar="FILE", help="write the rounds there")
    sub.add_argument("--seed", type=_seed, help="equal seeds, equal evenings")

    sub = add("demo", run_demo, "all of it, in under a minute")
    sub.add_argument("--seed", type=_seed, default=1, help="equal seeds, equal input")
    sub.add_argument("--speed", type=_positive, default=600.0, help="seconds a second")

    sub = add("lab", run_lab, "JupyterLab on the first notebook")
    sub.epilog = "Other options, such as --no-browser or --port 9000, are Jupyter's."
    return parser


def _add_common(sub: argparse.ArgumentParser) -> None:
    """Add the options that both pipelines have."""
    sub.add_argument("--workers", type=_count, default=10, help="threads in the pool")
    sub.add_argument("--seed", type=_seed, help="equal seeds, equal input")
    sub.add_argument("--json", action="store_true", help="print the summary as JSON")
    sub.add_argument("--quiet", action="store_true", help="no progress bar")


def _positive(text: str) -> float:
    """Read a number > 0."""
    try:
        return _validate.positive("it", float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be > 0, got {text!r}") from None


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


def _clock(options: argparse.Namespace) -> Clock:
    """Return the clock that the options ask for."""
    return VirtualClock() if options.speed is None else WallClock(options.speed)


def _players(text: str) -> int | list[str]:
    """Read a number of players, or a file with a name a line."""
    if text.isdecimal():
        return int(text)
    lines = Path(text).read_text(encoding="utf-8-sig").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _tell(options: argparse.Namespace, line: str) -> None:
    """Print a line for people."""
    if line and not options.json:
        print(line)


def _report(options: argparse.Namespace, record: RunRecord) -> int:
    """Print what happened; 1 if anything failed."""
    summary = record.check().summary()
    if options.json:
        failures = [str(failure) for failure in record.failures]
        print(json.dumps({**summary.to_dict(), "failed": failures}))
    else:
        print(summary)
        for failure in record.failures[:5]:
            print(f"  {failure}", file=sys.stderr)
    return int(bool(record.failures))


if __name__ == "__main__":
    sys.exit(main())
