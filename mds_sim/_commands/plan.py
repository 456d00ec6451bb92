"""The command ``plan``: how many workers, which window, which buckets."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mds_sim import files, stream
from mds_sim._tables import text_table
from mds_sim.analysis import Interval, Plan, plan_buckets, plan_window, plan_workers
from mds_sim.distributions import Exponential
from mds_sim.stream.fitting import LAWS, fit_arrivals
from mds_sim.units import HOUR, MB, MINUTE, counted, format_bytes

from . import options as words
from .common import (
    bar,
    check_plot,
    draw_seed,
    is_given,
    match,
    option,
    parameters,
    save_plot,
    say,
    tell,
    told_service,
)
from .files import service as bucket_service
from .reading import read_folder, read_list, read_trace
from .stream import service as batch_service

QUESTIONS = ("workers", "window", "buckets")
FRESH = 1000  # replications of --check
OF_NIGHTS = ("folder", "sizes", "count", "mean")  # any of them is a night
ONLY_NIGHTS = ("bucket", "strategy", "per_mb", "follow_links", "skip_unreadable")
ONLY_STREAMS = ("trace", "rate", "hours", "law", *words.STAMPS, "window", "per_item",
                "quantile", "cost_per_job", "cost_per_second")  # fmt: skip
# How arrivals that were fitted to a trace are simulated.
SIMULATED = {
    "replay": "the trace as it was",
    "poisson": "a Poisson stream of its rate",
    "varying": "a Poisson stream with its rate in each hour of the day",
    "renewal": "independent gaps, drawn from those of the trace",
}

WORD = " [workers | window | buckets]"
SUMMARY = "how many workers, which window, which buckets?"
EXAMPLES = """\
The answer keeps a promise with the confidence that is asked for, as exact
statistics of simulated days or nights say; --check tries it on fresh ones.

examples:
  the smallest pool with which 99 % of the flights of a week are handled within
  20 minutes, if a batch takes 2 minutes and 20 s a flight:
    python -m mds_sim plan --target 1200 --per-job 120 --per-item 20 --scv 0.1 \\
      --trace mds_sim/data/nyc_flights_2013w28.csv \\
      --column actual_departure --zone America/New_York
  the longest window that keeps a target, and the cheapest one:
    python -m mds_sim plan window --rate 10 --target 600
    python -m mds_sim plan window --cost-per-job 1 --cost-per-second 0.001
  buckets for nights of 100 files like those of a list, done within two minutes:
    python -m mds_sim plan buckets --column bytes --count 100 --deadline 120 \\
      --per-job 10 --per-mb 0.1 --sizes mds_sim/data/debian_deb_sizes_sample.csv
  workers for the files of a folder, checked and with a figure:
    python -m mds_sim plan --folder inbox --deadline 60 --check --plot plan.png
"""


def add_options(parser: Any) -> None:
    """Describe the options."""
    parser.add_argument(
        "question",
        nargs="?",
        choices=QUESTIONS,
        default="workers",
        help="what to plan",
    )
    _add_stream(parser.add_argument_group("a stream: made, or as in a file of yours"))
    _add_night(
        parser.add_argument_group("or nights of files, if any of these is given")
    )
    _add_promise(parser.add_argument_group("the promise"))
    work = parser.add_argument_group("work")
    words.add_times(work, "60, of a bucket 5", per_item=True, per_mb=True)
    words.add_packing(work)
    work.add_argument(
        "--window",
        type=words.positive,
        metavar="MIN",
        help="of a mini-batch (default: 5)",
    )
    work.add_argument("--workers", type=words.count, help="in the pool (default: 10)")
    parser.add_argument("--seed", type=words.seed, help="equal seeds, equal answers")
    words.add_answer(parser, "the plan")


def _add_stream(group: Any) -> None:
    """Add where messages come from."""
    group.add_argument(
        "--trace", type=Path, metavar="FILE", help="when messages came, as in `stream`"
    )
    words.add_reading(group, "stamps or sizes")
    words.add_stamps(group)
    group.add_argument(
        "--law",
        choices=LAWS,
        help="how messages come, seen from the trace: as it was, by a process that "
        "fits, or the simplest that tests let pass (auto, the default)",
    )
    group.add_argument(
        "--rate", type=words.positive, help="messages a minute (default: 10)"
    )
    group.add_argument(
        "--hours",
        type=words.positive,
        help="how long a day is (default: 24, or all of a trace that is replayed)",
    )


def _add_night(group: Any) -> None:
    """Add where files come from."""
    words.add_folder(group)
    group.add_argument("--sizes", type=Path, metavar="FILE", help="a list of sizes")
    group.add_argument(
        "--count",
        type=words.count,
        help="files a night, drawn from the folder or the list (default: all of them, "
        "the same every night), or of random sizes (default: 100)",
    )
    group.add_argument(
        "--mean", type=words.positive, help="mean of random sizes [MB] (default: 1)"
    )


def _add_promise(group: Any) -> None:
    """Add what is promised."""
    group.add_argument(
        "--target",
        "--deadline",
        type=words.positive,
        metavar="S",
        help="time from a message's arrival to the end of its batch, or from the "
        "beginning of a night to the end of its last bucket [s]",
    )
    group.add_argument(
        "--quantile", type=words.share, help="share of a day's messages (default: 0.99)"
    )
    group.add_argument(
        "--probability",
        type=words.share,
        help="share of days or nights that keep the target (default: 0.95)",
    )
    group.add_argument(
        "--confidence",
        type=words.share,
        default=0.95,
        help="how sure the answer is to keep this promise",
    )
    group.add_argument(
        "--cost-per-job", type=words.positive, help="window: instead of a target"
    )
    group.add_argument(
        "--cost-per-second",
        type=words.positive,
        help="and this for each second of delay of a message",
    )
    group.add_argument(
        "--try",
        type=words.several,
        metavar="X,X",
        help="windows [min] or buckets [MB] to choose from",
    )
    group.add_argument(
        "--replications",
        type=words.count,
        default=1600,
        help="simulated days or nights, at most",
    )
    group.add_argument(
        "--check",
        type=words.two_or_more,
        nargs="?",
        const=FRESH,
        metavar="N",
        help=f"try the answer on N fresh days or nights ({FRESH:,} by itself)",
    )


def run(options: argparse.Namespace) -> int:
    """Find the smallest pool, the longest window or the buckets that keep a target."""
    check_plot(options.plot)
    is_night = options.question == "buckets" or any(
        is_given(options, name) for name in OF_NIGHTS
    )
    _check(options, is_night)
    more: dict[str, Any] = {}
    pipeline = (_night if is_night else _stream)(options, more)
    tell(options, told_service(options))
    draw_seed(options)
    plan = _ask(options, pipeline)
    checked = _fresh(options, plan)
    if options.json:
        found = {**plan.to_dict(), **more, "check": checked and _plain(checked)}
        print(json.dumps({**found, "parameters": parameters(options)}))
    else:
        say(_table(plan))
        if checked is not None:
            say(_told(checked))
    save_plot(options, plan.plot)
    return 0


def _check(options: argparse.Namespace, is_night: bool) -> None:
    """Refuse options that would be ignored, and ask for those that are missing."""
    question = options.question
    if is_night and question == "window":
        named = [option(n) for n in OF_NIGHTS if is_given(options, n)]
        raise ValueError(f"{named[0]} goes without `plan window`: a night has none")
    if is_night:
        _refuse(options, ONLY_STREAMS, "goes with a stream, not with nights of files")
        sized = options.folder is not None or options.sizes is not None
        _refuse(options, ("mean",) * sized, "goes without --folder and --sizes")
        match(options, "folder", barred_by=("sizes",))
        match(options, "folder", needed_by=("follow_links", "skip_unreadable"))
        match(options, "sizes", needed_by=words.READING)
    else:
        where = "goes with nights of files: --folder, --sizes, --count or --mean"
        _refuse(options, ONLY_NIGHTS, where)
        reading = (*words.READING, *words.STAMPS, "law")
        match(options, "trace", needed_by=reading, barred_by=("rate",))
    planned = {"workers": ("workers", "try"), "window": ("window",), "buckets": ()}
    _refuse(options, planned[question], f"goes without `plan {question}`")
    if question != "window":
        costs = ("cost_per_job", "cost_per_second")
        _refuse(options, costs, "goes with `plan window`")
        if options.target is None:
            raise ValueError("--target must be given, in seconds")
    elif options.target is None and options.check is not None:
        raise ValueError("--check goes with --target")


def _refuse(options: argparse.Namespace, names: tuple[str, ...], reason: str) -> None:
    """Refuse options that somebody has typed."""
    for name in names:
        if is_given(options, name):
            raise ValueError(f"{option(name)} {reason}")


def _stream(options: argparse.Namespace, more: dict[str, Any]) -> stream.StreamPipeline:
    """Return the stream that is planned for."""
    if options.trace is None:
        options.rate = options.rate or 10.0
        arrivals: stream.Arrivals = stream.PoissonArrivals(options.rate / MINUTE)
    else:
        options.law = options.law or "auto"
        trace = read_trace(options)
        fit = fit_arrivals(trace, options.law, zone=options.zone)
        arrivals = fit.arrivals
        tell(options, f"  {fit.verdict}; simulated: {SIMULATED[fit.law]}")
        more["data"] = trace.report and trace.report.to_dict()
        more |= {"verdict": fit.verdict, "law": fit.law}
    if options.question != "window":
        options.window = options.window or 5.0
    window = stream.FirstMessageWindow((options.window or 5.0) * MINUTE)
    return stream.StreamPipeline(
        arrivals, window, batch_service(options), _workers(options)
    )


def _night(options: argparse.Namespace, more: dict[str, Any]) -> files.NightlyPipeline:
    """Return the nights that are planned for."""
    options.bucket = options.bucket or 10.0
    options.strategy = options.strategy or "first-fit-decreasing"
    return files.NightlyPipeline(
        _source(options, more),
        words.STRATEGIES[options.strategy](),
        round(options.bucket * MB),
        bucket_service(options),
        _workers(options),
    )


def _source(options: argparse.Namespace, more: dict[str, Any]) -> Any:
    """Return the files of a night, or where they come from."""
    if options.folder is None and options.sizes is None:
        options.count, options.mean = options.count or 100, options.mean or 1.0
        return files.FileSource(options.count, Exponential(options.mean * MB))
    if options.folder is not None:
        found = read_folder(options)
        more["scan"] = asdict(found.report)
        sizes = np.array([file.size_bytes for file in found], np.int64)
    else:
        listed = read_list(options)
        more["data"] = listed.report and listed.report.to_dict()
        sizes = np.asarray(listed)
    if not sizes.size:
        raise ValueError(f"--folder must hold a file, got {str(options.folder)!r}")
    if options.count is None:
        return sizes
    return files.FileSource.from_sizes(sizes, count=options.count)


def _workers(options: argparse.Namespace) -> int:
    """Return how many workers there are; if they are planned, that does not matter."""
    if options.question != "workers":
        options.workers = options.workers or 10
    return options.workers or 10


def _ask(options: argparse.Namespace, pipeline: Any) -> Plan:
    """Ask the planner."""
    how = {
        "confidence": options.confidence,
        "replications": options.replications,
        "rng": np.random.default_rng(options.seed),
        "progress": bar(options),
    }
    for name in ("quantile", "probability", "cost_per_job", "cost_per_second"):
        if is_given(options, name):
            how[name] = getattr(options, name)
    if options.hours is not None:
        how["until"] = options.hours * HOUR
    tried = getattr(options, "try")
    if options.question == "workers":
        return plan_workers(pipeline, options.target, **how)
    if options.question == "window":
        windows = None if tried is None else [MINUTE * length for length in tried]
        return plan_window(pipeline, options.target, windows=windows, **how)
    rooms = None if tried is None else [round(MB * room) for room in tried]
    return plan_buckets(pipeline, options.target, capacities=rooms, **how)


def _table(plan: Plan) -> str:
    """Return what a plan promises, with a table of the evidence."""
    if plan.question != "buckets":
        return str(plan)
    rows = [("bucket", "strategy", "order", "kept [%]", "")]
    for choice, one, decided in zip(
        plan.candidates, plan.intervals, plan.decided, strict=True
    ):
        kept = [f"{100 * share:.1f}" for share in (one.mean, one.low, one.high)]
        rows.append(
            (
                format_bytes(choice.capacity),
                _name(choice.strategy),
                choice.order,
                f"{kept[0]} [{kept[1]}, {kept[2]}]",
                "the answer" if choice == plan.answer else decided,
            )
        )
    return f"{plan.promise}\n{text_table('', rows)}"


def _name(strategy: Any) -> str:
    """Return the name of a strategy as it is typed, if it can be."""
    names = [name for name, kind in words.STRATEGIES.items() if type(strategy) is kind]
    return names[0] if names else type(strategy).__name__.lower()


def _fresh(options: argparse.Namespace, plan: Plan) -> Interval | None:
    """Try the answer on days that the planner has not seen."""
    if options.check is None:
        return None
    return plan.check(options.check, rng=np.random.default_rng([options.seed, 1]))


def _plain(checked: Interval) -> dict[str, float]:
    """Return what a check has found, for JSON."""
    return {
        "replications": checked.n,
        "share": checked.mean,
        "low": checked.low,
        "high": checked.high,
    }


def _told(checked: Interval) -> str:
    """Say what a check has found."""
    return (
        f"tried on {counted(checked.n, 'fresh one')}: {100 * checked.mean:.1f} % kept "
        f"the target [{100 * checked.low:.1f} %, {100 * checked.high:.1f} %]"
    )
