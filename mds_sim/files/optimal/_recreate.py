"""Ruin and recreate: empty a few buckets, and fill them again as full as can be.

A packing with one bucket too many is searched for one without it: its files are taken
out, and are to be put into the others. Again and again some buckets are emptied, and
each is filled from their files and the waiting ones by a search for the set that
leaves the least room. What then waits is kept if it is no more bytes than before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mds_sim.sim._kernels import HAS_NUMBA, _compiled

from ._clock import Clock

Ints = NDArray[np.int64]

_NODES = 400  # looked at to fill one bucket
_ROUNDS = 100 if HAS_NUMBA else 2  # between two looks at the clock, at most
_FILES = 2_000_000  # looked at between two looks at the clock


def recreate(
    sizes: Ints,
    capacity: int,
    bucket: Ints,
    target: int,
    clock: Clock,
    rounds: int = 10_000,
    seed: int = 1,
) -> Ints:
    """Return a packing into `target` buckets, or into as few as were found in time.

    Sizes are descending, buckets numbered from 0 without a gap. `rounds` is how many
    are tried to save one bucket.
    """
    best, n_buckets = bucket.copy(), int(bucket.max()) + 1
    state = np.array([88172645463325252 + seed], dtype=np.int64)
    clock.compile(_warm)
    at_once = max(1, min(_ROUNDS, _FILES // sizes.size))
    # Where each bucket is saved at once, the clock is looked at here alone.
    while n_buckets > target and not clock.is_over():
        trial, n_buckets = _without_lightest(sizes, best, n_buckets), n_buckets - 1
        for _ in range(0, rounds, at_once):
            if _rounds(sizes, capacity, trial, n_buckets, state, at_once):
                break
            if clock.is_over():
                return best
        else:
            return best
        best = trial
    return best


def _without_lightest(sizes: Ints, bucket: Ints, n_buckets: int) -> Ints:
    """Return the packing without its lightest bucket: its files wait (-1)."""
    load = np.zeros(n_buckets, np.int64)
    np.add.at(load, bucket, sizes)
    lightest = int(np.argmin(load))
    trial = np.where(bucket > lightest, bucket - 1, bucket)
    trial[bucket == lightest] = -1
    return trial


def _warm() -> None:
    """Compile the kernels."""
    state = np.array([1], dtype=np.int64)
    _rounds(np.array([1, 1]), 1, np.array([0, -1]), 1, state, 1)


@_compiled
def _random(state: Ints, below: int) -> int:
    """Return the next whole number from 0 to below - 1 (xorshift, 63 bits)."""
    x = state[0]
    x ^= (x << 13) & 0x7FFFFFFFFFFFFFFF
    x ^= x >> 7
    x ^= (x << 17) & 0x7FFFFFFFFFFFFFFF
    state[0] = x
    return int((x >> 11) % below)


@_compiled
def _fill(
    sizes: Ints, free: Ints, n_free: int, room: int, enough: int, chosen: Ints
) -> int:
    """Choose some of the free files (descending) that leave the least room.

    The largest that fit are tried first, and the search ends when `enough` is reached
    or its nodes are used up. The chosen places are in `chosen`; returns how many.
    """
    below = np.empty(n_free + 1, np.int64)  # bytes of all free files from here on
    below[n_free] = 0
    for i in range(n_free - 1, -1, -1):
        below[i] = below[i + 1] + sizes[free[i]]
    stack = np.empty(n_free, np.int64)
    depth, load, i = 0, 0, 0
    best, n_best = -1, 0
    for _ in range(_NODES):
        while i < n_free:
            if load + below[i] <= best:
                break
            if sizes[free[i]] <= room - load:
                load += sizes[free[i]]
                stack[depth] = i
                depth += 1
            i += 1
        if load > best:
            best, n_best = load, depth
            chosen[:depth] = stack[:depth]
        if best >= enough or depth == 0:
            break
        depth -= 1
        i = stack[depth]
        same = sizes[free[i]]
        load -= same
        # A file of the same size would lead to the same sets again.
        while i < n_free and sizes[free[i]] == same:
            i += 1
    return n_best


@_compiled
def _open(bucket: Ints, n_buckets: int, state: Ints, opened: Ints) -> int:
    """Empty some buckets, and return how many; their numbers are in `opened`."""
    n_open = min(n_buckets, 2 + _random(state, 4))
    for k in range(n_open):
        while True:
            b = _random(state, n_buckets)
            fresh = True
            for i in range(k):
                fresh &= opened[i] != b
            if fresh:
                break
        opened[k] = b
    for i in range(bucket.size):
        for k in range(n_open):
            if bucket[i] == opened[k]:
                bucket[i] = -1
                break
    return n_open


@_compiled
def _recreate(
    sizes: Ints, capacity: int, bucket: Ints, opened: Ints, spare: int, state: Ints
) -> int:
    """Fill the opened buckets from the files in none; return the bytes that wait."""
    free = np.flatnonzero(bucket < 0)
    chosen = np.empty(free.size, np.int64)
    n_free, left = free.size, sizes[free].sum()
    for b in opened:
        enough = capacity - _random(state, 2 * spare + 1)
        # Now and then a bucket does without the largest files that are free.
        first = 0
        if _random(state, 3) == 0 and n_free > 1:
            first = _random(state, n_free)
        n_chosen = _fill(sizes, free[first:], n_free - first, capacity, enough, chosen)
        for c in range(n_chosen):
            file = free[first + chosen[c]]
            bucket[file] = b
            left -= sizes[file]
            free[first + chosen[c]] = -1
        kept = 0
        for i in range(n_free):
            if free[i] >= 0:
                free[kept] = free[i]
                kept += 1
        n_free = kept
    return int(left)


@_compiled
def _rounds(
    sizes: Ints, capacity: int, bucket: Ints, n_buckets: int, state: Ints, rounds: int
) -> bool:
    """Try some rounds; files with bucket -1 wait. Tell whether none waits any more."""
    waiting = sizes[bucket < 0].sum()
    spare = max(0, capacity - sizes.sum() // n_buckets) // 2
    trial = bucket.copy()
    opened = np.empty(5, np.int64)
    for _ in range(rounds):
        if waiting == 0:
            break
        trial[:] = bucket
        n_open = _open(trial, n_buckets, state, opened)
        left = _recreate(sizes, capacity, trial, opened[:n_open], spare, state)
        if left <= waiting:
            waiting = left
            bucket[:] = trial
    return bool(waiting == 0)
