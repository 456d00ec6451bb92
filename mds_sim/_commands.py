"""The commands of the command line: what each does, says and refuses."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import shutil
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from . import files, stream, tournament
from .core import Clock, Ledger, VirtualClock, WallClock, WorkerPool
from .distributions import Exponential
from .files._copies import LostCopies, lost_copies, reopen
from .records import RunRecord
from .sim import LinearService
from .units import HOUR, MB, MINUTE, format_bytes

NOTEBOOK = "notebooks/00_start.ipynb"
NAMED = 5  # failures that are printed; --json lists all
BLOCK = 4096  # bytes that even the smallest file takes on a disk
FILLED = 0.9  # share of the free space that may be filled

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


def run_stream(options: argparse.Namespace) -> int:
    """Group messages into mini-batches and let real threads handle them."""
    _match(
        options,
        "trace",
        needed_by=("column", "skip_invalid"),
        barred_by=("rate", "hours"),
    )
    if options.trace is None:
        options.rate, options.hours = options.rate or 10.0, options.hours or 24.0
        arrivals: stream.Arrivals = stream.PoissonArrivals(options.rate / MINUTE)
        until = options.hours * HOUR
    else:
        arrivals, until = _replay(options), None
    _draw_seed(options)
    pipeline = stream.StreamPipeline(
        arrivals,
        stream.FirstMessageWindow(options.window * MINUTE),
        LinearService(options.per_job, options.per_item, noise=Exponential(1.0)),
        options.workers,
    )
    record = pipeline.run(
        until=until, clock=_clock(options), rng=options.seed, progress=_bar(options)
    )
    return _report(options, record)


def run_files(options: argparse.Namespace) -> int:
    """Pack real files into buckets and let real threads read or copy them."""
    if options.resume is not None:
        return _resume(options)
    _match(options, "resume", needed_by=("verify",))
    _match(options, "folder", needed_by=("ledger",),
           barred_by=("count", "mean", "seed"))  # fmt: skip
    options.bucket, options.workers = options.bucket or 10.0, options.workers or 10
    options.strategy = options.strategy or "first-fit-decreasing"
    if options.copy_to is not None:
        _check_destination(options.copy_to, options.folder)
    if options.ledger is not None:
        _check_ledger(options)
    skipped: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="mds_sim-") as scratch:
        if options.folder is not None:
            night: list[files.File] = files.scan_files(options.folder)
            skipped = _skipped(options.folder)
            where = f"{options.folder}{_told(skipped)}"
        else:
            _draw_seed(options)
            night = _make_files(scratch, options)
            where = "a temporary folder"
        if not night and not options.json and options.ledger is None:
            print(f"0 real files in {where}: nothing to do")
            return 0
        _tell(options, f"{_number(len(night), 'real file')} in {where}")
        capacity = round(options.bucket * MB)
        _tell(options, _oversize(sum(file.size_bytes > capacity for file in night)))
        pipeline = files.NightlyPipeline(
            night, STRATEGIES[options.strategy](), capacity, workers=options.workers
        )
        handler = None if options.copy_to is None else files.CopyFiles(options.copy_to)
        if options.ledger is None:
            record = pipeline.run(handler, progress=_bar(options))
            return _report(options, record, skipped=skipped)
        with _ledger(options.ledger) as ledger:
            lost = lost_copies(ledger) if ledger.is_planned else {}
            done = _done(ledger) - set(lost)
            record = pipeline.run(handler, ledger=ledger, progress=_bar(options))
            more = _progress(options, ledger, done, lost)
            return _report(options, record, skipped=skipped, ledger=more)


def _resume(options: argparse.Namespace) -> int:
    """Go on with the night that a ledger is of."""
    barred = ("folder", "copy_to", "ledger", "count", "mean", "seed", "bucket")
    _match(options, "resume", barred_by=(*barred, "strategy"))
    if not os.path.lexists(options.resume):
        raise FileNotFoundError(
            f"--resume must name the ledger of a night, but there is no "
            f"{str(options.resume)!r}; begin one with --folder and --ledger"
        )
    with _ledger(options.resume) as ledger:
        facts = ledger.facts
        options.workers = options.workers or facts["workers"]
        options.copy_to, options.strategy = facts.get("copy_to"), facts.get("strategy")
        options.bucket = facts["capacity"] and facts["capacity"] / MB
        lost = lost_copies(ledger, verify=options.verify)
        done = _done(ledger) - set(lost)
        reopen(ledger, lost)
        record = files.resume(ledger, workers=options.workers, progress=_bar(options))
        more = _progress(options, ledger, done, lost)
        return _report(options, record, ledger=more)


@contextmanager
def _ledger(path: Path) -> Iterator[Ledger]:
    """Open a ledger for a block; whoever interrupts the block is told how to go on."""
    with Ledger(path) as ledger:
        try:
            yield ledger
        except KeyboardInterrupt:
            if ledger.is_planned:
                words = shlex.join(["--resume", str(path)])
                print(f"go on: python -m mds_sim files {words}", file=sys.stderr)
            raise


def _done(ledger: Ledger) -> set[int]:
    """Return the buckets that are done."""
    if not ledger.is_planned:
        return set()
    return set(range(len(ledger.jobs))) - set(ledger.pending())


def _progress(
    options: argparse.Namespace, ledger: Ledger, done: set[int], lost: LostCopies
) -> dict[str, Any]:
    """Say how many files were done before, and what was done with the others."""
    found = ledger.outcomes(set(range(len(ledger.jobs))) - done)
    before, now = sum(ledger.outcomes(done).values()), dict(sorted(found.items()))
    kinds = Counter(copy.kind for copies in lost.values() for copy in copies)
    told = [f"{before:,} done before"]
    told += [f"{count:,} {kind} since" for kind, count in sorted(kinds.items())]
    told += [f"{count:,} {word} now" for word, count in now.items()]
    total = _number(len(ledger.items), "file")
    _tell(options, f"{ledger.path.name}: {total}, {', '.join(told)}")
    lost_now = {kind: kinds[kind] for kind in ("missing", "altered")}
    return {"path": str(ledger.path), "before": before, **lost_now, "now": now}


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
    # In a container or on a fresh machine root may be all there is; Jupyter refuses it
    # unless asked. It listens on this machine only, behind a token.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    LabApp.launch_instance(
        [
            str(root),
            f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
            *(["--allow-root"] if is_root else []),
            *options.jupyter,
        ]
    )
    return 0


def _match(
    options: argparse.Namespace,
    other: str,
    needed_by: tuple[str, ...] = (),
    barred_by: tuple[str, ...] = (),
) -> None:
    """Refuse options that would be ignored with, or without, the other one."""
    given = getattr(options, other) is not None
    word, names = ("without", barred_by) if given else ("with", needed_by)
    for name in names:
        value = getattr(options, name)
        if value is not None and value is not False:
            raise ValueError(f"--{name.replace('_', '-')} goes {word} --{other}")


def _draw_seed(options: argparse.Namespace) -> None:
    """Draw the seed that was not given, and say which, so that it can be."""
    if options.seed is None:
        options.seed = secrets.randbelow(2**32)
        _tell(options, f"seed {options.seed} (--seed {options.seed} repeats this run)")


def _replay(options: argparse.Namespace) -> stream.Arrivals:
    """Read the trace, and say what was read."""
    invalid = "skip" if options.skip_invalid else "raise"
    try:
        trace = stream.read_arrivals(options.trace, options.column, invalid=invalid)
    except ValueError as error:
        text = str(error).replace('invalid="skip"', "--skip-invalid")
        raise ValueError(text) from None
    _tell(options, str(trace.report))
    return trace


def _clock(options: argparse.Namespace) -> Clock:
    """Return the clock that the options ask for."""
    return VirtualClock() if options.speed is None else WallClock(options.speed)


def _bar(options: argparse.Namespace) -> bool:
    """Tell whether to show a progress bar: to people, not to a log file."""
    return not options.quiet and sys.stderr.isatty()


def _check_destination(destination: Path, folder: Path | None) -> None:
    """Refuse a place for copies that is no folder, or whose copies were scanned."""
    real = Path(os.path.realpath(destination))
    above = [path for path in (real, *real.parents) if os.path.lexists(path)]
    if not above[0].is_dir():
        raise NotADirectoryError(
            f"--copy-to must be a folder, but {str(above[0])!r} is a file"
        )
    if (
        folder is not None
        and folder.is_dir()
        and any(path.samefile(folder) for path in above)
    ):
        raise ValueError(
            f"--copy-to must be outside --folder {str(folder)!r}, "
            f"got {str(destination)!r}; the next run would copy the copies: "
            "name a folder beside it"
        )


def _check_ledger(options: argparse.Namespace) -> None:
    """Refuse to keep the ledger among the files that it is about, or their copies."""
    real = Path(os.path.realpath(options.ledger))
    for name, reason in (
        ("folder", "it would be a file of the next night"),
        ("copy_to", "a copy could want its name"),
    ):
        folder = getattr(options, name)
        if folder is not None and real.is_relative_to(os.path.realpath(folder)):
            raise ValueError(
                f"--ledger must be outside --{name.replace('_', '-')} {str(folder)!r}, "
                f"got {str(options.ledger)!r}; {reason}: keep it beside it"
            )


def _make_files(scratch: str, options: argparse.Namespace) -> list[files.File]:
    """Write files of random sizes, if the disk has room for them."""
    options.count, options.mean = options.count or 100, options.mean or 1.0
    _check_room(scratch, options.count * max(options.mean * MB, BLOCK))
    source = files.FileSource(options.count, Exponential(options.mean * MB))
    sizes = source.sample(rng=options.seed)[0]
    _check_room(scratch, sum(max(size, BLOCK) for size in sizes.tolist()))
    return files.write_files(scratch, sizes, rng=options.seed)


def _check_room(folder: str, total: float) -> None:
    """Refuse to fill the disk."""
    free = shutil.disk_usage(folder).free
    if total > FILLED * free:
        raise ValueError(
            f"the files must leave {1 - FILLED:.0%} of the free space, but they need "
            f"{format_bytes(total)} and {tempfile.gettempdir()} has "
            f"{format_bytes(free)} free; lower --count or --mean, or let TMPDIR name "
            "a folder on a larger disk"
        )


def _skipped(folder: Path) -> dict[str, int]:
    """Count what a scan leaves out."""
    count = {"link": 0, "other": 0}
    for where, folders, names in os.walk(folder):
        for name in (*folders, *names):
            with suppress(OSError):  # it has vanished
                mode = Path(where, name).lstat().st_mode
                if stat.S_ISLNK(mode):
                    count["link"] += 1
                elif not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                    count["other"] += 1
    return count


def _told(skipped: dict[str, int]) -> str:
    """Say what was skipped, if anything was."""
    total = sum(skipped.values())
    if not total:
        return ""
    kinds = [_number(count, kind) for kind, count in skipped.items() if count]
    return f" ({_number(total, 'other')} skipped: {', '.join(kinds)})"


def _oversize(count: int) -> str:
    """Say how many files are larger than a bucket, if any are."""
    if count == 0:
        return ""
    if count == 1:
        return "1 file is larger than a bucket and gets one of its own"
    return f"{count:,} files are larger than a bucket and get one of their own"


def _number(count: int, noun: str) -> str:
    """Write a count and its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _tell(options: argparse.Namespace, line: str) -> None:
    """Print a line for people."""
    if line and not options.json:
        print(line)


def _parameters(options: argparse.Namespace) -> dict[str, Any]:
    """Return what a run was asked for, for JSON."""
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(options).items()
        if name not in {"command", "json", "quiet", "jupyter"}
    }


def _report(options: argparse.Namespace, record: RunRecord, **more: Any) -> int:
    """Print what happened; 1 if anything failed."""
    summary = record.check().summary()
    failures = [str(failure) for failure in record.failures]
    if options.json:
        found = {**summary.to_dict(), **more, "failed": failures}
        print(json.dumps({**found, "parameters": _parameters(options)}))
    else:
        print(summary)
        lines = failures[:NAMED]
        if len(failures) > NAMED:
            lines.append(f"and {len(failures) - NAMED:,} more (--json lists all)")
        for line in lines:
            print(f"  {line}", file=sys.stderr)
    return int(bool(failures))
