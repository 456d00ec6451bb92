"""What a plan aims at: one figure a day, or a night, that is to be under a target."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim.analysis.intervals import share
from mds_sim.files import NightlyPipeline
from mds_sim.sim.offer import Offer
from mds_sim.sim.workers import start_times
from mds_sim.stream import StreamPipeline
from mds_sim.units import DAY, format_seconds

Floats = NDArray[np.float64]


class Goal(Protocol):
    """One figure of a replication, in seconds or money: the less the better."""

    def offer(self, pipeline: Any, rng: np.random.Generator) -> Offer:
        """Return what comes to the workers."""

    def figure(self, offer: Offer, start: Floats) -> float:
        """Return the figure if jobs start so."""


@dataclass(frozen=True)
class Latency:
    """A quantile of the latency of a day's messages [s].

    Those that come before `warmup` do not count. A day without messages has 0.
    """

    quantile: float
    until: float | None
    warmup: float = 0.0

    def offer(self, pipeline: Any, rng: np.random.Generator) -> Offer:
        """Return what comes to the workers in a day."""
        offer: Offer = pipeline.offer(until=self.until, rng=rng)
        return offer

    def figure(self, offer: Offer, start: Floats) -> float:
        """Return the least time within which that share of the messages is done."""
        latency = _latency(offer, start, self.warmup)
        if not latency.size:
            return 0.0
        # One of 100 times may be longer; 1e-9 is for 0.99 * 100, which is rounded.
        rank = max(math.ceil(self.quantile * latency.size - 1e-9), 1) - 1
        return float(np.partition(latency, rank)[rank])

    def load(self, offer: Offer) -> float:
        """Return how many workers were busy on average [erlang]."""
        until = self.until
        if until is None:
            until = float(offer.ready.max(initial=0.0))  # as long as work comes
        return float(offer.service_time.sum() / until) if until else 0.0

    @property
    def words(self) -> str:
        """What a replication is."""
        if self.until is None:
            return "in a run of this trace"
        span = "a day" if self.until == DAY else format_seconds(self.until)
        return f"in {span} like this one"


@dataclass(frozen=True)
class Cost:
    """What a day costs: so much a job, and so much a second of each message's delay."""

    per_job: float
    per_second: float
    latency: Latency

    def offer(self, pipeline: Any, rng: np.random.Generator) -> Offer:
        """Return what comes to the workers in a day."""
        return self.latency.offer(pipeline, rng)

    def figure(self, offer: Offer, start: Floats) -> float:
        """Return the cost of the messages after the warm-up, and of their jobs."""
        delay = float(_latency(offer, start, self.latency.warmup).sum())
        jobs = int(np.count_nonzero(offer.open >= self.latency.warmup))
        return self.per_job * jobs + self.per_second * delay


@dataclass(frozen=True)
class Makespan:
    """When the last bucket of a night is done [s]; of several nights, one by lot."""

    def offer(self, pipeline: NightlyPipeline, rng: np.random.Generator) -> Offer:
        """Return the buckets of a night."""
        nights = pipeline.most_nights
        if nights is not None and nights > 1:
            rows = np.asarray(pipeline.files)
            pipeline = replace(pipeline, files=rows[rng.integers(nights)])
        return pipeline.offer(nights=1, rng=rng)

    def figure(self, offer: Offer, start: Floats) -> float:
        """Return when the last worker is done."""
        return float((start + offer.service_time).max(initial=0.0))


@dataclass(frozen=True)
class SmallestPool:
    """A replication: the smallest pool that keeps the target, and the least target.

    More workers never let a job start later (first come, first served, and each job
    with its own service time), so that one number says it for all pools: those of so
    many workers keep the target in this replication, and no smaller one.
    """

    pipeline: Any
    goal: Any
    target: float
    least: int
    guess: int

    def __call__(self, rng: np.random.Generator) -> tuple[float, float]:
        offer = self.goal.offer(self.pipeline, rng)
        best: float = self.goal.figure(offer, offer.ready)
        if best > self.target:
            return math.inf, best

        def keeps(workers: int) -> bool:
            start = start_times(offer.ready, offer.service_time, workers)
            return bool(self.goal.figure(offer, start) <= self.target)

        return smallest(keeps, self.least, self.guess, offer.ready.size), best


@dataclass(frozen=True)
class Figure:
    """A replication: the figure of one pipeline."""

    pipeline: Any
    goal: Any

    def __call__(self, rng: np.random.Generator) -> float:
        offer = self.goal.offer(self.pipeline, rng)
        start = start_times(offer.ready, offer.service_time, self.pipeline.workers)
        figure: float = self.goal.figure(offer, start)
        return figure


@dataclass(frozen=True)
class Figures:
    """A replication: the figure of each of several pipelines, on the same chance."""

    pipelines: tuple[Any, ...]
    goal: Any

    def __call__(self, rng: np.random.Generator) -> list[float]:
        return [
            Figure(pipeline, self.goal)(deepcopy(rng)) for pipeline in self.pipelines
        ]


def smallest(keeps: Any, least: int, guess: int, most: int) -> int:
    """Return the smallest number that keeps; all from `most` on do, as known before.

    Examples
    --------
    >>> smallest(lambda workers: workers >= 7, least=3, guess=5, most=100)
    7
    """
    high, step = max(most, least), 1
    low = least - 1  # never asked
    while low < guess < high:  # from the guess in larger and larger steps
        if keeps(guess):
            high, guess = guess, guess - step
        else:
            low, guess = guess, guess + step
        step *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if keeps(middle) else (middle, high)
    return high


def _latency(offer: Offer, start: Floats, warmup: float) -> Floats:
    """Return the latency of each message that comes after the warm-up [s]."""
    first = int(np.searchsorted(offer.items.arrival, warmup)) if warmup else 0
    finish = start + offer.service_time
    latency: Floats = finish[offer.items.job[first:]] - offer.items.arrival[first:]
    return latency


def stream_goal(
    pipeline: StreamPipeline, quantile: float, until: float | None, warmup: float
) -> Latency:
    """Return what a day of a stream is, and which of its messages count."""
    if until is None:
        until = None if pipeline.arrivals.is_finite else DAY
    else:
        until = _validate.positive("until", until, "s")
    warmup = _validate.non_negative("warmup", warmup, "s")
    if until is not None and warmup >= until:
        raise ValueError(
            f"warmup must be < until = {until:g} s, or no message counts, got {warmup}"
        )
    return Latency(share("quantile", quantile), until, warmup)
