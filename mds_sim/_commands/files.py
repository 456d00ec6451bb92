"""The command ``files``: real files in buckets on a worker pool."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mds_sim import files
from mds_sim.distributions import Exponential
from mds_sim.records import RunRecord
from mds_sim.sim import LinearService
from mds_sim.units import MB, counted, format_bytes

from . import options as words
from ._ledger import check_ledger, keep_ledger, resume
from .common import (
    bar,
    check_plot,
    draw_seed,
    match,
    noise,
    report,
    save_plot,
    tell,
    told_service,
)
from .reading import read_folder, read_list

BLOCK = 4096  # bytes that even the smallest file takes on a disk
FILLED = 0.9  # share of the free space that may be filled

WORD = ""
SUMMARY = "real files in buckets on a worker pool"
EXAMPLES = """\
examples:
  a hundred files of a megabyte or so, made, packed and read:
    python -m mds_sim files --seed 1
  copy a folder, proved by SHA-256; go on after a crash:
    python -m mds_sim files --folder inbox --copy-to done --ledger night.db
    python -m mds_sim files --resume night.db
  only sizes, of software packages: simulated, with a figure of the buckets:
    python -m mds_sim files --column bytes --bucket 100 --plot night.png \\
      --sizes mds_sim/data/debian_deb_sizes_sample.csv
"""


def add_options(parser: Any) -> None:
    """Describe the options."""
    source = parser.add_argument_group("files: made, of a folder, or sizes in a list")
    source.add_argument(
        "--count", type=words.count, help="files to make (default: 100)"
    )
    source.add_argument(
        "--mean", type=words.positive, help="their mean size [MB] (default: 1)"
    )
    words.add_folder(source)
    source.add_argument(
        "--sizes",
        type=Path,
        metavar="FILE",
        help="a list of sizes: CSV, JSON lines, Parquet or one a line; the night is "
        "simulated",
    )
    words.add_reading(source, "sizes")
    packing = parser.add_argument_group("buckets, and work that is simulated")
    words.add_packing(packing)
    words.add_times(packing, "5", per_item=False, per_mb=True)
    real = parser.add_argument_group("work on real files")
    real.add_argument(
        "--copy-to", type=Path, metavar="FOLDER", help="copy the files, verified"
    )
    real.add_argument(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="write down there what is done: a night that is killed can be resumed",
    )
    real.add_argument(
        "--resume",
        type=Path,
        nargs="?",
        const=Path("night.db"),
        metavar="LEDGER",
        help="go on with the night of a ledger, by itself night.db: what is done is "
        "not done again, and all else is in the ledger; a copy that is gone is made "
        "again, one of another size has failed and is left alone",
    )
    real.add_argument(
        "--verify",
        action="store_true",
        help="with --resume: read all copies again, not only look at their sizes",
    )
    words.add_common(parser, workers=None)  # a night that is resumed has its own


def run(options: argparse.Namespace) -> int:
    """Pack real files into buckets and let real threads read or copy them."""
    check_plot(options.plot)
    if options.resume is not None:
        return resume(options)
    _check(options)
    options.bucket, options.workers = options.bucket or 10.0, options.workers or 10
    options.strategy = options.strategy or "first-fit-decreasing"
    if options.sizes is not None:
        return _simulate(options)
    if options.copy_to is not None:
        _check_destination(options.copy_to, options.folder)
    if options.ledger is not None:
        check_ledger(options)
    with tempfile.TemporaryDirectory(prefix="mds_sim-") as scratch:
        if options.folder is None:
            draw_seed(options)
            night = _make_files(scratch, options)
            tell(options, f"{counted(len(night), 'real file')} in a temporary folder")
            return _run(options, night)
        found = read_folder(options)
        if not found and not options.json and options.ledger is None:
            print("nothing to do")
            return 0
        return _run(options, found, scan=asdict(found.report))


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    folder = ("follow_links", "skip_unreadable", "ledger")
    match(options, "resume", needed_by=("verify",))
    match(options, "folder", needed_by=folder, barred_by=("count", "mean", "seed"))
    real = ("folder", "count", "mean", "copy_to", "ledger")
    simulated = (*words.READING, "per_job", "per_mb", "scv")
    match(options, "sizes", needed_by=simulated, barred_by=real)


def _pipeline(
    options: argparse.Namespace, night: Any, service: Any = None
) -> files.NightlyPipeline:
    """Return the night with its buckets; say which files are larger than those."""
    capacity = round(options.bucket * MB)
    tell(options, _oversize(int((_sizes(night) > capacity).sum())))
    strategy = words.STRATEGIES[options.strategy]()
    return files.NightlyPipeline(night, strategy, capacity, service, options.workers)


def _run(options: argparse.Namespace, night: Any, **more: Any) -> int:
    """Let real threads handle real files."""
    pipeline = _pipeline(options, night)
    handler = None if options.copy_to is None else files.CopyFiles(options.copy_to)
    if options.ledger is not None:
        record, more["ledger"] = keep_ledger(options, pipeline, handler)
    else:
        record = pipeline.run(handler, progress=bar(options))
    code = report(options, record, **more)
    _plot(options, pipeline, record)
    return code


def _simulate(options: argparse.Namespace) -> int:
    """Compute what would happen to files of which only the sizes are known."""
    sizes = read_list(options)
    draw_seed(options)
    pipeline = _pipeline(options, sizes, service(options))
    record = pipeline.simulate(rng=options.seed)
    tell(options, told_service(options))
    report(options, record, data=sizes.report and sizes.report.to_dict())
    _plot(options, pipeline, record)
    return 0


def _plot(
    options: argparse.Namespace, pipeline: files.NightlyPipeline, record: RunRecord
) -> None:
    """Save a figure of how full the buckets are, and who did what when."""
    if options.plot is None:
        return
    from mds_sim import plots

    sizes = _sizes(pipeline.files)
    packing = files.pack(sizes, pipeline.capacity, pipeline.strategy)
    draws = partial(plots.plot_fill, packing), partial(plots.plot_gantt, record)
    save_plot(options, *draws)


def service(options: argparse.Namespace) -> LinearService:
    """Return how long a bucket takes; what was not given is filled in."""
    for name, value in (("per_job", 5.0), ("per_mb", 1.0), ("scv", 1.0)):
        if getattr(options, name) is None:
            setattr(options, name, value)
    per_byte = options.per_mb / MB
    return LinearService(options.per_job, per_byte=per_byte, noise=noise(options.scv))


def _sizes(night: Any) -> Any:
    """Return the sizes of files, or sizes as they are [bytes]."""
    if isinstance(night, list):
        return np.array([file.size_bytes for file in night], np.int64)
    return np.asarray(night)


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


def _oversize(count: int) -> str:
    """Say how many files are larger than a bucket, if any are."""
    if count == 0:
        return ""
    if count == 1:
        return "1 file is larger than a bucket and gets one of its own"
    return f"{count:,} files are larger than a bucket and get one of their own"
