"""Do plans keep their promises? Each answer is tried again on 1,000 fresh days.

Each scenario is planned with one seed and checked with another. A promise counts as
kept unless the exact upper bound, at 97.5 %, of the share of fresh days that keep the
target is below the probability that was promised. The table goes to the screen and into
README.md beside this file; ``--quick`` shows a few scenarios only.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from report import versions, write

from mds_sim import (
    HOUR,
    MB,
    MINUTE,
    Constant,
    CountWindow,
    Exponential,
    FileSource,
    FirstMessageWindow,
    Gamma,
    LinearService,
    LogNormal,
    NightlyPipeline,
    PoissonArrivals,
    RenewalArrivals,
    StreamPipeline,
    TumblingWindow,
    VaryingPoissonArrivals,
    plan_buckets,
    plan_window,
    plan_workers,
)
from mds_sim.analysis import Plan

FRESH = 1000
PLAN_SEED, CHECK_SEED = 11, 22
CONFIDENCE = 0.95

Plans = dict[str, Callable[[], Plan]]


def stream(
    service: object, arrivals: object = None, **options: object
) -> StreamPipeline:
    """Return a stream of ten messages a minute, or of others."""
    arrivals = PoissonArrivals(10 / MINUTE) if arrivals is None else arrivals
    return StreamPipeline(arrivals, service=service, **options)  # type: ignore[arg-type]


def by_day(time_of_day: np.ndarray) -> np.ndarray:
    """Return a rate that is low at night and high at noon [per second]."""
    return (10 - 9 * np.cos(2 * np.pi * time_of_day / (24 * HOUR))) / MINUTE


def workers(pipeline: object, target: float, **options: object) -> Callable[[], Plan]:
    """Ask for the smallest pool."""
    return lambda: plan_workers(  # type: ignore[arg-type]
        pipeline, target, rng=PLAN_SEED, progress=False, **options
    )


def window(pipeline: object, target: float, **options: object) -> Callable[[], Plan]:
    """Ask for the longest window."""
    return lambda: plan_window(  # type: ignore[arg-type]
        pipeline, target, rng=PLAN_SEED, progress=False, **options
    )


def buckets(pipeline: object, deadline: float, **options: object) -> Callable[[], Plan]:
    """Ask for buckets."""
    return lambda: plan_buckets(  # type: ignore[arg-type]
        pipeline, deadline, rng=PLAN_SEED, progress=False, **options
    )


def scenarios() -> Plans:
    """Return what is planned, by name."""
    linear = LinearService(per_job=30.0, per_item=2.0)
    noisy = LinearService(60.0, 6.0, noise=Gamma(1.0, 0.5))
    night = LinearService(2.0, per_byte=1 / MB)
    rough = LinearService(2.0, per_byte=1 / MB, noise=LogNormal(1.0, 0.5))
    nine_of_ten = {"quantile": 0.9}
    return {
        "exponential, 40 min, 98 % busy if 8": workers(
            stream(Exponential(2400.0)), 2.6 * HOUR, **nine_of_ten
        ),
        "the same, a shorter target": workers(
            stream(Exponential(2400.0)), 2.0 * HOUR, **nine_of_ten
        ),
        "the same, the median": workers(
            stream(Exponential(2400.0)), 1.0 * HOUR, quantile=0.5
        ),
        "the same, the median, a longer target": workers(
            stream(Exponential(2400.0)), 2.0 * HOUR, quantile=0.5
        ),
        "the same, 80 % of the days": workers(
            stream(Exponential(2400.0)), 2.3 * HOUR, probability=0.8, **nine_of_ten
        ),
        "the same, 99 % of the days": workers(
            stream(Exponential(2400.0)), 2.3 * HOUR, probability=0.99, **nine_of_ten
        ),
        "exponential, 30.3 min, 99 % busy if 6": workers(
            stream(Exponential(1818.0)), 2.0 * HOUR, **nine_of_ten
        ),
        "constant, 25.2 min, 99 % busy if 5": workers(stream(Constant(1515.0)), 2000.0),
        "gamma, scv 0.25, 20 min": workers(stream(Gamma(1200.0, 0.25)), 3700.0),
        "lognormal, scv 2, 10 min": workers(
            stream(LogNormal(600.0, 2.0)), 1.1 * HOUR, quantile=0.95
        ),
        "linear in the messages": workers(stream(linear), 450.0),
        "linear with noise": workers(stream(noisy), 2000.0),
        "rate of the hour": workers(
            stream(noisy, VaryingPoissonArrivals(by_day, 19 / MINUTE)), 3000.0
        ),
        "bursts of messages, scv 4": workers(
            stream(noisy, RenewalArrivals(Gamma(6.0, 4.0))), 2500.0
        ),
        "60 messages or 5 minutes": workers(
            stream(Exponential(600.0), window=FirstMessageWindow(300, max_messages=60)),
            1.0 * HOUR,
            quantile=0.95,
        ),
        "every 20 messages, 97 % busy if 5": workers(
            stream(Exponential(582.0), window=CountWindow(20)), 0.9 * HOUR, quantile=0.9
        ),
        "five-minute grid": workers(
            stream(noisy, window=TumblingWindow(300.0)), 1900.0
        ),
        "window, idle pool": window(stream(linear), 400.0),
        "window, 4 workers, noise": window(stream(noisy, workers=4), 3000.0),
        "window, 3 busy workers": window(
            stream(LinearService(60.0, 14.0), workers=3), 3000.0, quantile=0.9
        ),
        "window, 8 workers, 98 % busy at 5 min": window(
            stream(Exponential(2400.0), workers=8), 1.6 * HOUR, quantile=0.5
        ),
        "night, pool": workers(NightlyPipeline(service=night), 30.0),
        "night, pool, noise": workers(NightlyPipeline(service=rough), 65.0),
        "night, pool, 1,000 files": workers(
            NightlyPipeline(FileSource(1000), service=rough), 90.0, probability=0.9
        ),
        "night, buckets": buckets(NightlyPipeline(service=night), 16.0),
        "night, buckets, noise": buckets(NightlyPipeline(service=rough), 40.0),
    }


def row(name: str, make: Callable[[], Plan]) -> tuple[str, bool]:
    """Plan, check, and return a line of the table."""
    begin = time.process_time()
    plan = make()
    spent = time.process_time() - begin
    share = plan.check(FRESH, rng=CHECK_SEED)
    assert plan.probability is not None
    kept = share.high >= plan.probability
    place = plan.candidates.index(plan.answer)
    below = plan.intervals[place - 1].mean if place else None
    if plan.question != "workers" or below is None:
        smaller = "-"
    else:
        smaller = f"{below:.1%}".replace("%", " %")
    cells = (
        name,
        plan.words(plan.answer),
        f"{plan.probability:.0%}".replace("%", " %"),
        f"{share.mean:.1%} [{share.low:.1%}, {share.high:.1%}]".replace("%", " %"),
        smaller,
        f"{plan.replications:,}",
        f"{spent:.1f}",
        "yes" if kept else "NO",
    )
    return f"| {' | '.join(cells)} |", kept


def main() -> None:
    """Plan all scenarios and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few, only shown")
    quick = parser.parse_args().quick
    chosen = dict(list(scenarios().items())[:: 6 if quick else 1])
    lines = [
        "| scenario | answer | promised | kept by 1,000 fresh | by one worker less | "
        "replications | CPU s | kept |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    held = 0
    for name, make in chosen.items():
        line, kept = row(name, make)
        print(line, flush=True)
        lines.append(line)
        held += kept
    total = f"**{held} of {len(chosen)} promises kept**\n"
    print(total)
    if not quick:
        write("promises.py", [versions("numpy"), total, *lines, ""])


if __name__ == "__main__":
    main()
