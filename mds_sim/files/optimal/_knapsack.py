"""The knapsack: the files that fit in one bucket and are worth most together.

Sizes are distinct; up to ``copies[j]`` files of size j may be taken. Three ways: a
table over the bytes of a bucket, a table over the worth, and a search of the tree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mds_sim.sim._kernels import _compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@_compiled
def _parts(copies: Ints, kind: Ints, times: Ints) -> int:
    """Split each number of copies into 1, 2, 4, ... and a rest; return how many."""
    n_parts = 0
    for j in range(copies.size):
        left, take = copies[j], 1
        while left > 0:
            take = min(take, left)
            kind[n_parts] = j
            times[n_parts] = take
            n_parts += 1
            left -= take
            take *= 2
    return n_parts


@_compiled
def by_room(
    sizes: Ints, copies: Ints, worth: Floats, capacity: int, chosen: Ints
) -> float:
    """Fill a table over the room; return the most worth, and write down the set.

    Exact up to the rounding of floats. Cost O(parts * capacity).
    """
    kind = np.empty(64 * copies.size, np.int64)
    times = np.empty(64 * copies.size, np.int64)
    n_parts = _parts(np.where(worth > 0, copies, 0), kind, times)
    old = np.zeros(capacity + 1)
    new = np.zeros(capacity + 1)
    taken = np.zeros((n_parts, capacity + 1), np.bool_)
    for part in range(n_parts):
        size = times[part] * sizes[kind[part]]
        gain = times[part] * worth[kind[part]]
        new[:size] = old[:size]
        for room in range(size, capacity + 1):
            without, with_it = old[room], old[room - size] + gain
            taken[part, room] = with_it > without
            new[room] = max(without, with_it)
        old, new = new, old
    chosen[:] = 0
    room = capacity
    for part in range(n_parts - 1, -1, -1):
        if taken[part, room]:
            chosen[kind[part]] += times[part]
            room -= times[part] * sizes[kind[part]]
    return float(old[capacity])


@_compiled
def most_by_room(sizes: Ints, copies: Ints, worth: Ints, capacity: int) -> int:
    """Return the most worth that fits, in whole numbers. Cost O(parts * capacity)."""
    kind = np.empty(64 * copies.size, np.int64)
    times = np.empty(64 * copies.size, np.int64)
    n_parts = _parts(copies, kind, times)
    best = np.zeros(capacity + 1, np.int64)
    for part in range(n_parts):
        size = times[part] * sizes[kind[part]]
        gain = times[part] * worth[kind[part]]
        for room in range(capacity, size - 1, -1):
            best[room] = max(best[room], best[room - size] + gain)
    return int(best[capacity])


@_compiled
def most_by_worth(
    sizes: Ints, copies: Ints, worth: Ints, capacity: int, limit: int
) -> int:
    """Return the most worth that fits, or `limit` if there is as much as that.

    The table has the least bytes for each worth: O(parts * limit), however large the
    sizes are.
    """
    kind = np.empty(64 * copies.size, np.int64)
    times = np.empty(64 * copies.size, np.int64)
    n_parts = _parts(np.where(worth > 0, copies, 0), kind, times)
    room = np.full(limit + 1, -1, np.int64)  # bytes left at this worth or more
    room[0] = capacity
    top = 0
    for part in range(n_parts):
        size = times[part] * sizes[kind[part]]
        gain = times[part] * worth[kind[part]]
        for now in range(min(limit, top + gain), 0, -1):
            room[now] = max(room[now], room[max(0, now - gain)] - size)
        while top < limit and room[top + 1] >= 0:
            top += 1
    return top


@_compiled
def by_worth(
    sizes: Ints, copies: Ints, worth: Ints, capacity: int, limit: int, chosen: Ints
) -> int:
    """Return what `most_by_worth` does, and write down the set."""
    kind = np.empty(64 * copies.size, np.int64)
    times = np.empty(64 * copies.size, np.int64)
    n_parts = _parts(np.where(worth > 0, copies, 0), kind, times)
    room = np.full(limit + 1, -1, np.int64)
    room[0] = capacity
    taken = np.zeros((n_parts, limit + 1), np.bool_)
    top = 0
    for part in range(n_parts):
        size = times[part] * sizes[kind[part]]
        gain = times[part] * worth[kind[part]]
        for now in range(min(limit, top + gain), 0, -1):
            left = room[max(0, now - gain)] - size
            if left > room[now]:
                room[now] = left
                taken[part, now] = True
        while top < limit and room[top + 1] >= 0:
            top += 1
    chosen[:] = 0
    now = top
    for part in range(n_parts - 1, -1, -1):
        if taken[part, now]:
            chosen[kind[part]] += times[part]
            now = max(0, now - times[part] * worth[kind[part]])
    return top


@_compiled
def by_search(
    sizes: Ints,
    copies: Ints,
    worth: Floats,
    capacity: int,
    floor: float,
    nodes: int,
    chosen: Ints,
) -> tuple[float, bool]:
    """Search the tree of sets, the best worth a byte first.

    Sizes must be in that order. Returns the most worth found (`floor` if none has
    more) and whether that is sure, which it is not when the nodes were used up.
    """
    m = sizes.size
    taken = np.zeros(m, np.int64)
    stack = np.empty(m + 1, np.int64)
    depth, room, gain, j = 0, capacity, 0.0, 0
    best = floor
    for _ in range(nodes):
        while j < m:
            if gain + room * (worth[j] / sizes[j]) <= best:
                break
            times = min(copies[j], room // sizes[j])
            if times > 0:
                taken[j] = times
                room -= times * sizes[j]
                gain += times * worth[j]
                stack[depth] = j
                depth += 1
            j += 1
        if gain > best:
            best = gain
            chosen[:] = taken
        if depth == 0:
            return best, True
        j = stack[depth - 1]
        taken[j] -= 1
        room += sizes[j]
        gain -= worth[j]
        if taken[j] == 0:
            depth -= 1
        j += 1
    return best, False
