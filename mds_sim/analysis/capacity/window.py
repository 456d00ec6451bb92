"""Which window? The longest that keeps a target, or the cheapest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mds_sim import _validate
from mds_sim.analysis.intervals import mean_interval, share
from mds_sim.rng import RNG, as_generator
from mds_sim.stream import StreamPipeline
from mds_sim.units import counted

from ._goals import Cost, Figure, Latency, stream_goal
from ._judge import judge, judge_costs, longest_yes, nearest
from ._load import offered_load
from ._promise import NO, UNCLEAR, YES, Promise, percent
from ._spread import (
    cost_grid,
    given_windows,
    length_of,
    rounded_up,
    target_grid,
    with_length,
)
from .plans import Plan, plan_of, probability_words, unit_of, what, written


def plan_window(
    pipeline: StreamPipeline,
    target: float | None = None,
    *,
    cost_per_job: float | None = None,
    cost_per_second: float | None = None,
    windows: Sequence[float] | None = None,
    quantile: float | None = None,
    probability: float | None = None,
    confidence: float = 0.95,
    tolerance: float = 0.01,
    until: float | None = None,
    warmup: float = 0.0,
    replications: int = 1600,
    rng: RNG = None,
    executor: Any = None,
    progress: bool = True,
) -> Plan:
    r"""Find the longest window that keeps a target, or the cheapest one.

    Parameters
    ----------
    pipeline : StreamPipeline
        Its window must have a length, which is what is planned.
    target : float, optional
        Latency of messages [s], as in `plan_workers`. Either this, or both costs.
    cost_per_job, cost_per_second : float, optional
        What a batch costs, and what a second of delay of one message costs, > 0, in
        whatever money.
    windows : sequence of float, optional
        Lengths to try [s]. By default about 20, up to the target, or from a fifth to
        five times of what would be cheapest on paper.
    quantile, probability : float, optional
        As in `plan_workers`: 0.99 and 0.95 by default. Not with costs.
    confidence : float, optional
        Probability that the answer keeps what it promises, in (0, 1).
    tolerance : float, optional
        With costs: stop once no other window can be cheaper by more than this share.
    until, warmup, replications, rng, executor, progress
        As in `plan_workers`.

    Returns
    -------
    Plan
        With a target the answer is the longest window that is known to keep the
        promise. With costs the one with the least mean cost; those marked "no" are
        dearer, those marked "unclear" cannot be told from the answer.

    Raises
    ------
    ValueError
        If no window keeps the target: the message has the least that could be promised.
        If the pool cannot keep up with any of them. If both a target and costs are
        given, or neither, or only one of the costs.
    TypeError
        If the pipeline is none of a stream, or its window has no length.

    Notes
    -----
    Longer windows mean fewer jobs, but a message waits longer for its batch. Shorter
    ones may keep the pool so busy that latency grows again; those with which it cannot
    keep up are left out. So the windows that keep a target need not begin at zero, and
    each is judged on its own: ten days tell which eight to judge, on other days, and
    the allowed error is shared out over these.

    All windows meet the same messages. Costs are compared by paired differences to the
    answer with Student's bounds, shared out over windows and looks; for the promise
    only those with the truly cheapest window matter [1]_. The windows that are tried
    surround :math:`W = \sqrt{2 c_j / (c_s \lambda)}`, which is cheapest if nobody waits
    for a worker and service does not depend on the batch.

    References
    ----------
    .. [1] B. L. Nelson, F. J. Matejcik (1995), "Using common random numbers for
       indifference-zone selection and multiple comparisons in simulation",
       *Management Science* 41(12), 1935-1945.

    Examples
    --------
    >>> from mds_sim.sim import LinearService
    >>> stream = StreamPipeline(service=LinearService(per_job=30, per_item=2))
    >>> options = {"rng": 1, "progress": False}
    >>> plan_window(stream, target=400, windows=[250, 260, 270], **options).answer
    260.0
    >>> costs = {"cost_per_job": 1.0, "cost_per_second": 0.001}
    >>> plan_window(stream, windows=[60, 90, 120], **costs, **options).answer
    90.0
    """
    _validate.instance("pipeline", pipeline, StreamPipeline, "a StreamPipeline")
    length_of(pipeline)
    costs = _costs(target, cost_per_job, cost_per_second)
    if costs is not None and (quantile is not None or probability is not None):
        raise ValueError(
            "quantile and probability must be left out with costs, which are means"
        )
    probability = 0.95 if probability is None else probability
    goal = stream_goal(pipeline, 0.99 if quantile is None else quantile, until, warmup)
    pilot, chance = as_generator(rng).spawn(2)
    if windows is not None:
        lengths = given_windows(windows)
    elif costs is not None:
        lengths = cost_grid(pipeline, goal, costs, pilot)
    else:
        target = _validate.positive("target", target, "s")  # type: ignore[arg-type]
        lengths = target_grid(target)
    pipelines = _that_keep_up(pipeline, lengths, goal, pilot)
    where = {"executor": executor, "progress": progress}
    if costs is None:
        target = _validate.positive("target", target, "s")  # type: ignore[arg-type]
        Promise(probability, confidence, replications)  # is checked before a day is run
        near = nearest(pipelines, goal, target, probability, pilot)
        promise = Promise(probability, confidence, replications, len(near))
        return _window_for(near, goal, target, promise, chance, where)
    tolerance = _validate.positive("tolerance", tolerance)
    return _cheapest_window(
        pipelines,
        Cost(*costs, goal),
        share("confidence", confidence),
        tolerance,
        _validate.count("replications", replications, 2),
        chance,
        where,
    )


def _window_for(
    pipelines: list[StreamPipeline],
    goal: Latency,
    target: float,
    promise: Promise,
    rng: Any,
    where: dict[str, Any],
) -> Plan:
    """Find the longest window that keeps a target."""
    found = judge(pipelines, goal, target, promise, rng, longest_yes, where)
    lengths = [length_of(pipeline) for pipeline in pipelines]
    if YES not in found.decided:
        promised = found.promised(promise)
        best = int(np.argmin(promised))
        raise ValueError(
            f"target must be >= {rounded_up(float(promised[best])):g} s, the least "
            f"that any of {counted(len(lengths), 'window')} can promise (that of "
            f"{lengths[best]:g} s), got {target:g}; more workers or a faster service "
            "may allow less"
        )
    best = max(i for i, word in enumerate(found.decided) if word == YES)
    n = int(found.figures[best].size)
    length = written(lengths[best], unit_of(target, lengths))
    words = f"Windows of {length}: {what(goal, target, lengths)}"
    return plan_of(
        "window",
        lengths,
        best,
        f"{words}, {probability_words(promise, n)}.",
        found,
        target,
        promise,
        pipelines,
        goal,
    )


def _cheapest_window(
    pipelines: list[StreamPipeline],
    goal: Cost,
    confidence: float,
    tolerance: float,
    replications: int,
    rng: Any,
    where: dict[str, Any],
) -> Plan:
    """Find the window with the least mean cost."""
    costs, regret = judge_costs(
        pipelines, goal, confidence, tolerance, replications, rng, where
    )
    mean = costs.mean(axis=0)
    best = int(np.argmin(mean))
    if not mean[best]:
        raise ValueError(
            "until and warmup must leave time for messages, which cost something, got "
            f"none in {counted(costs.shape[0], 'replication')}"
        )
    lengths = [length_of(pipeline) for pipeline in pipelines]
    n, others = costs.shape[0], len(lengths) - 1
    length = written(lengths[best], unit_of(None, lengths))
    gain = percent(round(max(regret.max(), 0.0) / mean[best], 4))
    words = (
        f"Windows of {length} cost {mean[best]:.4g} {goal.latency.words} on average: "
        f"of {counted(others, 'other', spec='')} none is cheaper"
        f"{'' if gain == '0 %' else f' by more than {gain}'} "
        f"({percent(confidence)} confidence, {n:,} replications)."
    )
    decided = [NO if most < 0 else UNCLEAR for most in regret]
    decided[best] = YES
    return Plan(
        "window",
        lengths[best],
        words,
        tuple(lengths),
        tuple(mean_interval(column, confidence=confidence) for column in costs.T),
        tuple(decided),
        None,
        None,
        confidence,
        n,
        pipelines[best],
        Figure(pipelines[best], goal),
    )


def _costs(
    target: float | None, per_job: float | None, per_second: float | None
) -> tuple[float, float] | None:
    """Return both costs, or None if there is a target."""
    given = {"cost_per_job": per_job, "cost_per_second": per_second}
    named = [name for name, value in given.items() if value is not None]
    if target is not None and named:
        raise ValueError(
            f"target and {named[0]} must not both be given: a longest window keeps a "
            "target, a cheapest one has costs"
        )
    if target is not None:
        return None
    if per_job is None or per_second is None:
        got = f"only {named[0]}" if named else "neither"
        raise ValueError(
            f"target must be given, or both cost_per_job and cost_per_second, got {got}"
        )
    return (
        _validate.positive("cost_per_job", per_job),
        _validate.positive("cost_per_second", per_second),
    )


def _that_keep_up(
    pipeline: StreamPipeline, lengths: list[float], goal: Latency, pilot: Any
) -> list[StreamPipeline]:
    """Return a pipeline for each window with which the pool can keep up."""
    pipelines = [with_length(pipeline, length) for length in lengths]
    loads = [offered_load(one, goal, pilot) for one in pipelines]
    stable = [
        one for one, load in zip(pipelines, loads, strict=True) if load < one.workers
    ]
    if not stable:
        raise ValueError(
            f"workers must be > {min(loads):.4g}, the least offered load with any of "
            f"{counted(len(lengths), 'window')}, got {pipeline.workers}; more workers, "
            "longer windows or a faster service can keep up"
        )
    return stable
