"""How many workers? The smallest pool that keeps a target."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim.files import NightlyPipeline
from mds_sim.rng import RNG, as_generator
from mds_sim.stream import StreamPipeline
from mds_sim.units import counted

from ._goals import Figure, Latency, Makespan, SmallestPool, stream_goal
from ._judge import judge_pools
from ._load import first_guess, offered_load
from ._promise import Promise
from ._spread import rounded_up
from .plans import Plan, probability_words, what

Floats = NDArray[np.float64]
AROUND = 5  # pools below the answer that a plan shows, and not quite so many above


def plan_workers(
    pipeline: StreamPipeline | NightlyPipeline,
    target: float,
    *,
    quantile: float | None = None,
    probability: float = 0.95,
    confidence: float = 0.95,
    until: float | None = None,
    warmup: float = 0.0,
    replications: int = 1600,
    rng: RNG = None,
    executor: Any = None,
    progress: bool = True,
) -> Plan:
    r"""Find the smallest pool that keeps a target.

    Parameters
    ----------
    pipeline : StreamPipeline or NightlyPipeline
        With a model of its service; its own number of workers does not matter.
    target : float
        Of a stream: the latency of messages [s], from arrival to the finish of their
        batch. Of a night: when the last bucket is done [s].
    quantile : float, optional
        Share of a day's messages that must be done within the target, in (0, 1); 0.99
        by default. Not for nights, of which all must be done.
    probability : float, optional
        Share of such days, or nights, that must keep the target, in (0, 1).
    confidence : float, optional
        Probability that the answer does keep this promise, in (0, 1).
    until : float, optional
        How long a day of a stream is [s]; 24 hours by default, and all of a trace.
        The pool is idle when it begins.
    warmup : float, optional
        Messages that come before do not count [s].
    replications : int, optional
        At most so many days. It takes as many as decide, often an eighth.
    rng : numpy.random.Generator, int or None
    executor, progress : optional
        As in `replicate`; the answer is the same everywhere.

    Returns
    -------
    Plan
        The answer is the smallest pool that is known to keep the promise; the next
        smaller one is known not to, or is "unclear" after all replications.

    Raises
    ------
    ValueError
        If no pool keeps the target, for the window and the service alone take longer:
        the message has the least that could be promised. If replications are too few
        to promise anything, or options contradict the pipeline.
    TypeError
        If `pipeline` is neither of the two.

    Notes
    -----
    In each replication all pools meet the same messages, batches and service times.
    Then more workers never let a job start later, so that one number says all: the
    smallest pool that keeps the target on that day. The promise of c workers is about
    the share of days on which this number is at most c: a binomial count with the exact
    bounds of Clopper and Pearson, looked at after 1/16, 1/8, ... of the replications
    with the error shared out over the looks. It need not be shared out over the pools:
    if any pool that is too small were promised, the largest of these would be, too.

    Pools that cannot keep up, with an offered load of c or more, are never asked, even
    if a day ends before that shows. The search begins where the exact queue GI/M/c
    says, or at :math:`a + 2 \sqrt{a}` for a load of a. Cost: a few simulations a day.

    Examples
    --------
    Batches come every 5.1 minutes and take 20 minutes on average:

    >>> from mds_sim.distributions import Exponential
    >>> stream = StreamPipeline(service=Exponential(1200.0))
    >>> print(plan_workers(stream, target=7800, rng=1, progress=False))
    5 workers: in a day like this one, 99 % of the messages are done within 130
    min of their arrival, with probability >= 95 % (95 % confidence, 200
    replications).
      workers                     kept          decided
      4        54.5 % [46.0 %, 62.8 %]               no
      5        99.0 % [95.9 %, 99.9 %]  yes, the answer
      6        99.0 % [95.9 %, 99.9 %]              yes
      7        99.0 % [95.9 %, 99.9 %]              yes
      8        99.0 % [95.9 %, 99.9 %]              yes
      9        99.0 % [95.9 %, 99.9 %]              yes
    """
    target = _validate.positive("target", target, "s")
    promise = Promise(probability, confidence, replications)
    goal = _goal_of(pipeline, quantile, until, warmup)
    pilot, chance = as_generator(rng).spawn(2)
    trial = _pool_trial(pipeline, goal, target, pilot)
    where = {"executor": executor, "progress": progress}
    pools = judge_pools(trial, promise, chance, where)
    if pools.answer is None:
        raise _no_pool(goal, target, pools.best, promise)
    n, most = pools.needed.size, pools.answer + AROUND
    shown = range(max(trial.least, pools.answer - AROUND), most)
    kept = [int((pools.needed <= workers).sum()) for workers in shown]
    intervals = tuple(promise.interval(count, n) for count in kept)
    words = f"{_workers(pools.answer)}: {what(goal, target)}"
    planned = replace(pipeline, workers=pools.answer)
    return Plan(
        "workers",
        pools.answer,
        f"{words}, {probability_words(promise, n)}.",
        tuple(shown),
        intervals,
        tuple(promise.verdict(one) for one in intervals),
        target,
        promise.probability,
        promise.confidence,
        n,
        planned,
        Figure(planned, goal),
    )


def _goal_of(
    pipeline: Any, quantile: float | None, until: float | None, warmup: float
) -> Latency | Makespan:
    """Return what a replication is, and refuse what does not go with it."""
    if isinstance(pipeline, StreamPipeline):
        return stream_goal(
            pipeline, 0.99 if quantile is None else quantile, until, warmup
        )
    rule = "a StreamPipeline or a NightlyPipeline"
    _validate.instance("pipeline", pipeline, NightlyPipeline, rule)
    for name, value in (("quantile", quantile), ("until", until), ("warmup", warmup)):
        if value:
            raise ValueError(
                f"{name} must be left out for nights, of which all files count, "
                f"got {value!r}"
            )
    return Makespan()


def _pool_trial(
    pipeline: Any, goal: Latency | Makespan, target: float, pilot: Any
) -> SmallestPool:
    """Return the replication, and where its search begins."""
    if isinstance(goal, Makespan):
        night = goal.offer(pipeline, pilot)
        work = float(night.service_time.sum()) / target  # may be infinite
        guess = math.ceil(min(work, night.ready.size))
        return SmallestPool(pipeline, goal, target, 1, max(guess, 1))
    load = offered_load(pipeline, goal, pilot)
    least = math.floor(load * (1 + 1e-9)) + 1
    guess = max(first_guess(pipeline, goal, target, load, pilot), least)
    return SmallestPool(pipeline, goal, target, least, guess)


def _no_pool(
    goal: Latency | Makespan, target: float, best: Floats, promise: Promise
) -> ValueError:
    """Say what the least possible target is, and what would lower it."""
    least = rounded_up(float(np.sort(best)[promise.rank(best.size) - 1]))
    is_night = isinstance(goal, Makespan)
    job = "bucket" if is_night else "batch"
    remedy = "smaller buckets" if is_night else "shorter windows"
    return ValueError(
        f"target must be >= {least:g} s, the least that a worker for every {job} can "
        f"promise, got {target:g}; {remedy} or a faster service allow less"
    )


def _workers(count: int) -> str:
    return counted(count, "worker", spec="")
