"""Which windows to try: evenly up to a target, or around the cheapest on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mds_sim import _validate
from mds_sim.stream import StreamPipeline

from ._goals import Latency

MOST_WINDOWS = 25
AWAY = np.geomspace(0.2, 5.0, 15)  # times the cheapest on paper


def target_grid(target: float) -> list[float]:
    """Return window lengths up to a target, in steps of a round number.

    Examples
    --------
    >>> target_grid(400.0)[:3], target_grid(400.0)[-1]
    ([20.0, 40.0, 60.0], 400.0)
    """
    unit = 10.0 ** math.floor(math.log10(target / MOST_WINDOWS))
    step = next(k * unit for k in (1, 2, 5, 10) if k * unit * MOST_WINDOWS >= target)
    count = math.floor(target / step * (1 + 1e-9))
    return [float(f"{k * step:.12g}") for k in range(1, count + 1)]


def cost_grid(
    pipeline: StreamPipeline, goal: Latency, costs: tuple[float, float], rng: Any
) -> list[float]:
    r"""Return window lengths around the cheapest on paper.

    A window of W serves about :math:`\lambda W` messages, each delayed by W / 2 on
    average, so that a second costs :math:`c_j / W + c_s \lambda W / 2`: least where
    :math:`W = \sqrt{2 c_j / (c_s \lambda)}`, as in the rule for the size of an order.
    """
    arrival = goal.offer(pipeline, rng.spawn(1)[0]).items.arrival
    span = goal.until or float(arrival[-1] if arrival.size else 0.0) or 1.0
    rate = max(arrival.size, 1) / span
    cheapest = math.sqrt(2 * costs[0] / (costs[1] * rate))
    return sorted({float(f"{length:.2g}") for length in (cheapest * AWAY).tolist()})


def given_windows(windows: Sequence[float]) -> list[float]:
    """Return the lengths that a user wants to try, each once and ascending."""
    lengths = sorted({_validate.positive("windows", w, "s") for w in windows})
    if not lengths:
        raise ValueError("windows must hold at least one length [s], got none")
    return lengths


def length_of(pipeline: StreamPipeline) -> float:
    """Return the length of a pipeline's windows, or say that they have none."""
    length = getattr(pipeline.window, "length", None)
    if length is None:
        raise TypeError(
            "window must have a length to plan it, such as FirstMessageWindow(300), "
            f"got {pipeline.window!r}"
        )
    return float(length)


def with_length(pipeline: StreamPipeline, length: float) -> StreamPipeline:
    """Return the pipeline with windows of another length."""
    window: Any = pipeline.window
    return replace(pipeline, window=replace(window, length=length))


def rounded_up(value: float) -> float:
    """Return a number of three digits that is not less.

    Examples
    --------
    >>> rounded_up(371.2), rounded_up(0.0)
    (372.0, 0.0)
    """
    if not value:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.ceil(value / unit * (1 - 1e-12)) * unit:.12g}")
