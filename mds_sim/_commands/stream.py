"""The command ``stream``: messages in mini-batches on a worker pool."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from mds_sim import stream
from mds_sim.core import VirtualClock, WallClock
from mds_sim.sim import LinearService
from mds_sim.units import HOUR, MINUTE

from . import options as words
from .common import (
    bar,
    check_plot,
    draw_seed,
    match,
    noise,
    report,
    save_plot,
)
from .reading import read_trace

WORD = ""
SUMMARY = "messages in mini-batches on a worker pool"
EXAMPLES = """\
examples:
  a day of ten messages a minute, in a fraction of a second:
    python -m mds_sim stream --seed 1
  a week of earthquakes, replayed:
    python -m mds_sim stream --column time \\
      --trace mds_sim/data/usgs_earthquakes_2018w05.csv
  your own log, one morning of it, with a figure:
    python -m mds_sim stream --trace access.log --zone Europe/Berlin \\
      --between 2024-03-01T08:00 2024-03-01T12:00 --plot morning.png
"""


def add_options(parser: Any) -> None:
    """Describe the options."""
    source = parser.add_argument_group("messages: made, or as in a file of yours")
    source.add_argument(
        "--rate", type=words.positive, help="messages a minute (default: 10)"
    )
    source.add_argument(
        "--hours", type=words.positive, help="how long they come (default: 24)"
    )
    source.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="replay it: CSV, JSON lines, a web server's log, Parquet, or a stamp a "
        "line, packed with gzip or not",
    )
    words.add_reading(source, "time stamps")
    words.add_stamps(source)
    work = parser.add_argument_group("work")
    work.add_argument(
        "--window", type=words.positive, default=5.0, help="of a mini-batch [min]"
    )
    words.add_times(work, "60", per_item=True, per_mb=False)
    work.add_argument(
        "--speed", type=words.positive, help=f"{words.SPEED}; default: time jumps"
    )
    words.add_common(parser)


def run(options: argparse.Namespace) -> int:
    """Group messages into mini-batches and let real threads handle them."""
    reading = (*words.READING, *words.STAMPS)
    match(options, "trace", needed_by=reading, barred_by=("rate", "hours"))
    check_plot(options.plot)
    more: dict[str, Any] = {}
    if options.trace is None:
        options.rate, options.hours = options.rate or 10.0, options.hours or 24.0
        arrivals: stream.Arrivals = stream.PoissonArrivals(options.rate / MINUTE)
        until = options.hours * HOUR
    else:
        trace = read_trace(options)
        arrivals, until, more = (
            trace,
            None,
            {"data": trace.report and trace.report.to_dict()},
        )
    draw_seed(options)
    pipeline = stream.StreamPipeline(
        arrivals,
        stream.FirstMessageWindow(options.window * MINUTE),
        service(options),
        options.workers,
    )
    clock = VirtualClock() if options.speed is None else WallClock(options.speed)
    record = pipeline.run(
        until=until, clock=clock, rng=options.seed, progress=bar(options)
    )
    code = report(options, record, **more)
    if options.plot is not None:
        from mds_sim import plots

        draws = plots.plot_throughput, plots.plot_latency
        save_plot(options, *(partial(draw, record) for draw in draws))
    return code


def service(options: argparse.Namespace) -> LinearService:
    """Return how long a batch takes; what was not given is filled in."""
    for name, value in (("per_job", 60.0), ("per_item", 1.0), ("scv", 1.0)):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return LinearService(options.per_job, options.per_item, noise=noise(options.scv))
