"""The command ``demo``: all of it, in under a minute."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from mds_sim import files, stream, tournament
from mds_sim.core import WallClock, WorkerPool
from mds_sim.sim import LinearService
from mds_sim.units import HOUR

from . import options as words

WORD = ""
SUMMARY = "all of it, in under a minute"
EXAMPLES = ""


def add_options(parser: Any) -> None:
    """Describe the options."""
    parser.add_argument(
        "--seed", type=words.seed, default=1, help="equal seeds, equal input"
    )
    parser.add_argument("--speed", type=words.positive, default=600.0, help=words.SPEED)


def run(options: argparse.Namespace) -> int:
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
