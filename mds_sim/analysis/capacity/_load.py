"""How busy a pool would be, and where the search for its size begins."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import numpy as np

from mds_sim.distributions import as_law
from mds_sim.sim.service import LinearService
from mds_sim.stream import FirstMessageWindow, PoissonArrivals, StreamPipeline
from mds_sim.theory.batch_queue import BatchQueue
from mds_sim.theory.poisson import FirstMessageLaw

from ._goals import Latency

PILOT = 20  # days that tell the load of a pool where no formula does


def offered_load(pipeline: StreamPipeline, goal: Latency, rng: Any) -> float:
    """Return the mean number of busy workers [erlang]: exactly, or from a few days."""
    exact = _exact_load(pipeline)
    if exact is not None:
        return exact
    days = [goal.offer(pipeline, chance) for chance in deepcopy(rng).spawn(PILOT)]
    return float(np.mean([goal.load(day) for day in days]))


def first_guess(
    pipeline: StreamPipeline, goal: Latency, target: float, load: float, rng: Any
) -> int:
    """Return about how many workers it takes: where to begin a search."""
    guess = max(math.ceil(load + 2 * math.sqrt(load)), 1)
    plain = _plain(pipeline)
    offer = goal.offer(pipeline, deepcopy(rng).spawn(1)[0])
    slack = target - goal.figure(offer, offer.ready)
    if plain is None or slack <= 0:
        return guess
    rate, length = plain
    service = load / FirstMessageLaw(rate, length).batch_rate
    for workers in range(math.floor(load * (1 + 1e-6)) + 1, guess):
        queue = BatchQueue(rate, length, service, workers)
        if queue.waiting_quantile(goal.quantile) <= slack:
            return workers
    return guess


def _exact_load(pipeline: StreamPipeline) -> float | None:
    """Return the offered load where a formula knows it [erlang]."""
    plain = _plain(pipeline)
    if plain is None:
        return None
    law = FirstMessageLaw(*plain)
    service = _mean_service(pipeline, law.mean_size)
    return None if service is None else law.batch_rate * service


def _mean_service(pipeline: StreamPipeline, size: float) -> float | None:
    """Return the mean service time of batches with so many messages on average [s]."""
    service = pipeline.service
    if not isinstance(service, LinearService):
        try:
            return _mean("service", service)
        except TypeError:  # a model of its own, which does not say
            return None
    work = service.per_job + service.per_item * size
    if service.per_byte and pipeline.message_size is not None:
        work += service.per_byte * size * _mean("message_size", pipeline.message_size)
    return work * (1.0 if service.noise is None else _mean("noise", service.noise))


def _mean(name: str, law: Any) -> float:
    return float(as_law(name, law).mean)


def _plain(pipeline: StreamPipeline) -> tuple[float, float] | None:
    """Return the rate of messages and the length of windows, closed by time only."""
    arrivals, window = pipeline.arrivals, pipeline.window
    if not isinstance(arrivals, PoissonArrivals):
        return None
    if not isinstance(window, FirstMessageWindow):
        return None
    limited = window.max_messages is not None or window.max_bytes is not None
    return None if limited else (arrivals.rate, window.length)
