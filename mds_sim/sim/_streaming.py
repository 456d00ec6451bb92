"""Compiled steps of a simulation that keeps no record: windows, workers, tallies.

As in `_kernels`, nothing here decides anything that a plain reference does not decide
in the same way; importing this module loads Numba.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._kernels import _compiled, _replace_first

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A bin for each 64th of an octave from 2**-30 to 2**60: 46 bits of the mantissa of a
# float64 are cut off, and what is left counts upwards as the number grows.
SHIFT = 46
LOWEST = int(np.float64(2.0**-30).view(np.int64)) >> SHIFT
HIGHEST = int(np.float64(2.0**60).view(np.int64)) >> SHIFT
N_BINS = HIGHEST - LOWEST

# Unsigned, or Numba would ask of every index whether it counts from the end.
U_SHIFT, U_LOWEST, U_LAST = np.uint64(SHIFT), np.uint64(LOWEST), np.uint64(N_BINS - 1)


@_compiled
def poisson_times(
    rng: np.random.Generator, mean: float, last: float, times: Floats
) -> None:
    """Fill in arrivals after `last`: running sums of what NumPy's generator draws."""
    for i in range(times.size):
        last += rng.standard_exponential() * mean
        times[i] = last


@_compiled
def _note_starts(times: Floats, length: float, most: int, starts: Ints) -> int:
    """Note the first message of each batch where there is room; count the batches."""
    n_batches, end, first = 0, -np.inf, 0
    for i in range(times.size):
        if times[i] >= end or i - first >= most:
            if n_batches < starts.size:
                starts[n_batches] = i
            n_batches += 1
            first, end = i, times[i] + length
    return n_batches


@_compiled
def first_message_starts(times: Floats, length: float, most: int) -> Ints:
    """Return the first message of each batch: one step a message."""
    # As many as windows fit into the span, and full batches into the stream. There
    # may be more, for `times[i] + length` may be rounded down: then once more.
    likely = (times[-1] - times[0]) / length + times.size // most + 2.0
    room = int(likely) if 2.0 <= likely < times.size else times.size
    starts = np.empty(room, np.int64)
    n_batches = _note_starts(times, length, most, starts)
    if n_batches > room:
        starts = np.empty(n_batches, np.int64)
        _note_starts(times, length, most, starts)
    return starts[:n_batches].copy()


@_compiled
def serve_on(
    ready: Floats,
    service_time: Floats,
    free: Floats,
    number: Ints,
    start: Floats,
    finish: Floats,
) -> None:
    """Serve with workers who have been at it before: a heap of (free, number)."""
    for job in range(ready.size):
        begin = free[0] if free[0] > ready[job] else ready[job]
        end = begin + service_time[job]
        _replace_first(free, number, end, number[0])
        start[job] = begin
        finish[job] = end


@_compiled
def tally(values: Floats, moments: Floats, counts: Ints) -> None:
    """Add values to (count, pivot, sum, sum of squares, least, largest) and bins."""
    cell = np.empty(1, np.float64)
    bits = cell.view(np.uint64)
    pivot = moments[1]
    for value in values:
        away = value - pivot
        moments[2] += away
        moments[3] += away * away
        moments[4] = min(moments[4], value)
        moments[5] = max(moments[5], value)
        cell[0] = value
        counts[min(max(bits[0] >> U_SHIFT, U_LOWEST) - U_LOWEST, U_LAST)] += 1
    moments[0] += values.size


@_compiled
def tally_latency(
    times: Floats, starts: Ints, finish: Floats, moments: Floats, counts: Ints
) -> None:
    """Add the latency of every message of some batches: finish - arrival."""
    cell = np.empty(1, np.float64)
    bits = cell.view(np.uint64)
    pivot = moments[1]
    for batch in range(finish.size):
        end = finish[batch]
        total = squares = 0.0
        arrivals = times[starts[batch] : starts[batch + 1]]
        for arrival in arrivals:
            cell[0] = end - arrival
            away = cell[0] - pivot
            total += away
            squares += away * away
            counts[min(max(bits[0] >> U_SHIFT, U_LOWEST) - U_LOWEST, U_LAST)] += 1
        moments[0] += arrivals.size
        moments[2] += total
        moments[3] += squares
        moments[4] = min(moments[4], end - arrivals[-1])
        moments[5] = max(moments[5], end - arrivals[0])
