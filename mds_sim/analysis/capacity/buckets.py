"""Which buckets? A capacity and a strategy that finish before a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mds_sim import _validate
from mds_sim.files import Balanced, NightlyPipeline
from mds_sim.files.makespans import ORDERS
from mds_sim.rng import RNG, as_generator
from mds_sim.units import counted

from ._goals import Makespan
from ._judge import any_yes, judge
from ._promise import YES, Promise
from ._spread import rounded_up
from .plans import BucketChoice, Plan, plan_of, probability_words, what

SHARES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # of a pipeline's capacity


def plan_buckets(
    pipeline: NightlyPipeline,
    deadline: float,
    *,
    probability: float = 0.95,
    confidence: float = 0.95,
    capacities: Sequence[int] | None = None,
    strategies: Sequence[Any] | None = None,
    orders: Sequence[str] | None = None,
    replications: int = 1600,
    rng: RNG = None,
    executor: Any = None,
    progress: bool = True,
) -> Plan:
    """Find buckets with which a night is done before a deadline.

    Parameters
    ----------
    pipeline : NightlyPipeline
        With a model of its service.
    deadline : float
        When the last bucket must be done [s], after the files are there.
    probability, confidence : float, optional
        As in `plan_workers`.
    capacities : sequence of int, optional
        Room of a bucket [bytes]; a quarter to twice of the pipeline's by default;
        none below it if its `oversize` is "raise".
    strategies : sequence of BucketingStrategy, optional
        The pipeline's own and `Balanced`, for its workers, by default.
    orders : sequence of {"given", "longest", "shortest"}, optional
        The pipeline's own and "longest" by default.
    replications, rng, executor, progress
        As in `plan_workers`; each is a night. If several nights of files were given,
        each replication takes one of them by lot.

    Returns
    -------
    Plan
        The answer is a `BucketChoice`: of those that are known to keep the promise, the
        one that could promise the earliest deadline; of equal ones the largest
        buckets, then the first as given.

    Raises
    ------
    ValueError
        If nothing keeps the deadline: the message has the earliest that could be
        promised. If there is nothing to try.

    Notes
    -----
    All candidates meet the same nights. The allowed error is shared out over them all,
    as any may be the answer. It stops at the first look that finds one that keeps the
    promise; others may be "unclear" then. That the answer keeps the promise is certain
    to that degree; that no other one is earlier is not: so few nights do not tell near
    ones apart. `compare` does, with ``metric="makespan"``.

    Examples
    --------
    >>> from mds_sim.sim import LinearService
    >>> from mds_sim.units import MB
    >>> nights = NightlyPipeline(service=LinearService(2.0, per_byte=1 / MB))
    >>> rooms = [5 * MB, 10 * MB, 20 * MB]
    >>> plan = plan_buckets(nights, 20, capacities=rooms, rng=1, progress=False)
    >>> print(plan.answer)
    20 MB, Balanced(buckets=10, method='lpt'), as given
    """
    _validate.instance("pipeline", pipeline, NightlyPipeline, "a NightlyPipeline")
    deadline = _validate.positive("deadline", deadline, "s")
    choices = _choices(pipeline, capacities, strategies, orders)
    promise = Promise(probability, confidence, replications, len(choices))
    pipelines = [
        replace(pipeline, capacity=one.capacity, strategy=one.strategy, order=one.order)
        for one in choices
    ]
    goal, chance = Makespan(), as_generator(rng)
    where = {"executor": executor, "progress": progress}
    found = judge(pipelines, goal, deadline, promise, chance, any_yes, where)
    earliest = found.promised(promise)
    if YES not in found.decided:
        raise ValueError(
            f"deadline must be >= {rounded_up(float(earliest.min())):g} s, the "
            f"earliest that any of {counted(len(choices), 'choice')} can promise, got "
            f"{deadline:g}; more workers, a faster service or other buckets may be "
            "earlier"
        )
    best = min(
        (i for i, word in enumerate(found.decided) if word == YES),
        key=lambda i: (earliest[i], -choices[i].capacity),
    )
    n = int(found.figures[best].size)
    return plan_of(
        "buckets",
        choices,
        best,
        f"{choices[best]}: {what(goal, deadline)}, {probability_words(promise, n)}.",
        found,
        deadline,
        promise,
        pipelines,
        goal,
    )


def _choices(
    pipeline: NightlyPipeline,
    capacities: Sequence[int] | None,
    strategies: Sequence[Any] | None,
    orders: Sequence[str] | None,
) -> list[BucketChoice]:
    """Return every capacity with every strategy and order, each once."""
    if capacities is None:
        # Less room than the pipeline's own may be too little for a file.
        least = 1.0 if pipeline.oversize == "raise" else 0.0
        shares = [share for share in SHARES if share >= least]
        capacities = [max(1, round(share * pipeline.capacity)) for share in shares]
    if strategies is None:
        strategies = [pipeline.strategy, Balanced(pipeline.workers)]
    if orders is None:
        orders = [pipeline.order, "longest"]
    for order in orders:
        _validate.choice("orders", order, ORDERS)
    rooms = sorted({_validate.size("capacities", room) for room in capacities})
    choices = [
        BucketChoice(room, strategy, order)
        for strategy in strategies
        for order in dict.fromkeys(orders)
        for room in rooms
    ]
    if not choices:
        raise ValueError(
            "capacities, strategies and orders must hold at least one each, got none"
        )
    return choices
