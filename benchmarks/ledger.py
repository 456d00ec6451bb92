"""What a ledger costs a night: ``python benchmarks/ledger.py``.

The same night with a ledger and without, in turn, by a handler that does nothing and
by one that copies. Wall-clock times: medians, and their difference, a file. ``--quick``
shows fewer rounds, and leaves README.md alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import versions, write

import mds_sim as mds

FILES = 1_000
SIZE = 1_000  # bytes
HANDLERS: dict[str, Callable[[Path], Any]] = {
    "nothing": lambda folder: len,
    "`CopyFiles`": mds.CopyFiles,
}


def night(folder: Path, files: list[mds.File], a_bucket: int, rounds: int) -> list[str]:
    """Return a row for each handler."""
    pipeline = mds.NightlyPipeline(files, mds.NextFit(), a_bucket * SIZE)
    rows = []
    for name, make in HANDLERS.items():
        times: dict[bool, list[float]] = {True: [], False: []}
        for number in range(rounds):
            for has_ledger in times:
                copies = folder / f"out-{a_bucket}-{number}-{has_ledger}"
                ledger = folder / f"{a_bucket}-{name}-{number}.db"
                begin = time.perf_counter()
                pipeline.run(
                    make(copies), ledger=ledger if has_ledger else None, progress=False
                )
                times[has_ledger].append(time.perf_counter() - begin)
        with_it, without = (statistics.median(times[key]) for key in (True, False))
        figures = [with_it, without, with_it - without]
        cells = " | ".join(f"{seconds / FILES * 1e3:.3f}" for seconds in figures)
        rows.append(f"| {a_bucket} | {name} | {cells} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="small, and no README")
    quick = parser.parse_args().quick
    lines = [
        f"**{FILES:,} files of {SIZE:,} bytes, ms a file**\n",
        "| files a bucket | work | with a ledger | without | the ledger |",
        "|---:|---|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = mds.write_files(folder / "in", [SIZE] * FILES, rng=1)
        for a_bucket in (10, 100):
            lines += night(folder, files, a_bucket, 2 if quick else 7)
    parts = [versions("numpy"), "\n".join(lines) + "\n"]
    print(*parts, sep="\n")
    if not quick:
        write("ledger.py", parts)


if __name__ == "__main__":
    main()
