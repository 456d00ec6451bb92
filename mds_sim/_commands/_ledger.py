"""A night with a ledger at the command line: kept, told, and gone on with."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mds_sim import files
from mds_sim.core import Ledger
from mds_sim.files._copies import LostCopies, lost_copies, reopen
from mds_sim.records import RunRecord
from mds_sim.units import MB, counted

from .common import bar, match, report, save_plot, tell

# What a ledger knows already.
KNOWN = ("folder", "sizes", "copy_to", "ledger", "count", "mean", "seed", "bucket",
         "strategy")  # fmt: skip


def resume(options: argparse.Namespace) -> int:
    """Go on with the night that a ledger is of."""
    match(options, "resume", barred_by=KNOWN)
    if not os.path.lexists(options.resume):
        raise FileNotFoundError(
            f"--resume must name the ledger of a night, but there is no "
            f"{str(options.resume)!r}; begin one with --folder and --ledger"
        )
    with _opened(options.resume) as ledger:
        facts = ledger.facts
        options.workers = options.workers or facts["workers"]
        options.copy_to, options.strategy = facts.get("copy_to"), facts.get("strategy")
        options.bucket = facts["capacity"] and facts["capacity"] / MB
        lost = lost_copies(ledger, verify=options.verify)
        done = _done(ledger) - set(lost)
        reopen(ledger, lost)
        record = files.resume(ledger, workers=options.workers, progress=bar(options))
        more = _progress(options, ledger, done, lost)
        code = report(options, record, ledger=more)
    if options.plot is not None:
        from mds_sim import plots

        save_plot(options, partial(plots.plot_gantt, record))
    return code


def keep_ledger(
    options: argparse.Namespace, pipeline: files.NightlyPipeline, handler: Any
) -> tuple[RunRecord, dict[str, Any]]:
    """Run a night with a ledger; return what happened, and how much of it now."""
    with _opened(options.ledger) as ledger:
        lost = lost_copies(ledger) if ledger.is_planned else {}
        done = _done(ledger) - set(lost)
        record = pipeline.run(handler, ledger=ledger, progress=bar(options))
        return record, _progress(options, ledger, done, lost)


def check_ledger(options: argparse.Namespace) -> None:
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


@contextmanager
def _opened(path: Path) -> Iterator[Ledger]:
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
    total = counted(len(ledger.items), "file")
    tell(options, f"{ledger.path.name}: {total}, {', '.join(told)}")
    lost_now = {kind: kinds[kind] for kind in ("missing", "altered")}
    return {"path": str(ledger.path), "before": before, **lost_now, "now": now}
