"""The compiled twins of the rules in `_rules`: a tree, a treap, a heap, a radix sort.

Each does what `mds_sim.files.reference` does, file by file, and tests hold it to that.
Importing this module loads Numba. All kernels are in one file because Numba's cache
does not notice that a kernel in another one changed.

`most` is the most files that a bucket may hold. Each kernel fills in ``bucket[i]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mds_sim.sim._kernels import HAS_NUMBA as HAS_NUMBA
from mds_sim.sim._kernels import _compiled

from . import _slack

Ints = NDArray[np.int64]

WAYS = 8  # children of a node: 64 bytes of int64, which processors fetch at once
DIGIT = 8  # bits that the radix sort looks at in one pass
NONE = -1


@_compiled
def descending(sizes: Ints, largest: int, order: Ints, placed: Ints) -> None:
    """Sort from large to small, ties by index; `bits` of both must fit in 64.

    Size and index are packed into one key, whose digits of the size are sorted from
    the lowest to the highest. O(n) for each 8 bits of `largest`.
    """
    n = sizes.size
    low = np.uint64(0)
    while np.uint64(n - 1) >> low:
        low += np.uint64(1)
    high = low
    while np.uint64(largest) >> (high - low):
        high += np.uint64(1)
    key, spare = np.empty(n, np.uint64), np.empty(n, np.uint64)
    for i in range(n):
        key[i] = (np.uint64(largest - sizes[i]) << low) | np.uint64(i)
    count = np.empty(1 << DIGIT, np.int64)
    last = np.uint64((1 << DIGIT) - 1)
    shift = low
    while shift < high:
        count[:] = 0
        for i in range(n):
            count[(key[i] >> shift) & last] += 1
        before = 0
        for digit in range(count.size):
            count[digit], before = before, before + count[digit]
        for i in range(n):
            digit = (key[i] >> shift) & last
            spare[count[digit]] = key[i]
            count[digit] += 1
        key, spare = spare, key
        shift += np.uint64(DIGIT)
    mask = (np.uint64(1) << low) - np.uint64(1)
    for i in range(n):
        order[i] = np.int64(key[i] & mask)
        placed[i] = largest - np.int64(key[i] >> low)


@_compiled
def next_fit(sizes: Ints, capacity: int, most: int, bucket: Ints) -> None:
    """Keep the room of the newest bucket only. O(n)."""
    newest, room, count = 0, capacity, 0
    for i in range(sizes.size):
        if sizes[i] > room or count == most:
            newest, room, count = newest + 1, capacity, 0
        room -= sizes[i]
        count += 1
        bucket[i] = newest


@_compiled
def next_fit_opened(sizes: Ints, target: int, cost: int, bucket: Ints) -> None:
    """Next fit where each file that is in a bucket costs some bytes more. O(n)."""
    newest, room = -1, NONE
    for i in range(sizes.size):
        if sizes[i] > room:
            newest, room = newest + 1, target
        room = room - sizes[i] - cost if sizes[i] <= room - cost else NONE
        bucket[i] = newest


@_compiled
def _levels(buckets: int, start: Ints) -> int:
    """Note where each level of a tree begins in one array; tell where the root is."""
    width, total, levels = buckets, 0, 0
    while width > 1 or levels == 0:
        width = -(-width // WAYS)
        start[levels] = total
        total += width * WAYS
        levels += 1
    start[levels] = total
    return total


@_compiled
def _find(room: Ints, start: Ints, height: int, size: int) -> int:
    """Walk down to the first leaf that has room; the root has."""
    node = 0
    for level in range(height - 1, -1, -1):
        node *= WAYS
        first = start[level] + node
        step = 0
        while step < WAYS - 1 and room[first + step] < size:
            step += 1
        node += step
    return node


@_compiled
def _enter(room: Ints, start: Ints, height: int, node: int, space: int) -> None:
    """Give a leaf its first room, and tell the nodes above that have less."""
    room[node] = space
    for level in range(1, height + 1):
        node //= WAYS
        if room[start[level] + node] >= space:
            break
        room[start[level] + node] = space


@_compiled
def _lower(room: Ints, start: Ints, height: int, node: int, space: int) -> None:
    """Give a leaf less room, and tell the nodes above of which it was the most."""
    before, room[node] = room[node], space
    for level in range(height):
        node //= WAYS
        above = start[level + 1] + node
        if room[above] > before:
            break
        first = start[level] + node * WAYS
        largest = room[first]
        for place in range(first + 1, first + WAYS):
            largest = max(largest, room[place])
        if room[above] == largest:
            break
        room[above] = largest


@_compiled
def first_fit(
    sizes: Ints, capacity: int, most: int, buckets: int, bucket: Ints
) -> None:
    """Walk down a tree whose nodes know the most room below them. O(n log k).

    There is space for so many `buckets`. The newest one is not in the tree: it changes
    most often, and only a file that fits nowhere else may go there. The tree that is
    walked grows by a level when all its leaves are in use; a leaf that is not has less
    than no room.
    """
    start = np.empty(24, np.int64)  # of each level in one array, the leaves first
    room = np.full(_levels(buckets, start) + 1, NONE)
    count = np.zeros(buckets + 1 if most < sizes.size else 0, np.int64)
    height, leaves = 1, WAYS
    newest, space = 0, capacity  # its number, and its room
    for i in range(sizes.size):
        size = sizes[i]
        fits_before = room[start[height]] >= size
        if not fits_before and space < size:
            if newest == leaves:
                room[start[height + 1]] = room[start[height]]
                height, leaves = height + 1, leaves * WAYS
            _enter(room, start, height, newest, space)
            newest, space = newest + 1, capacity
        node = _find(room, start, height, size) if fits_before else newest
        left = (room[node] if fits_before else space) - size
        bucket[i] = node
        if count.size:
            count[node] += 1
            if count[node] == most:
                left = NONE
        if fits_before:
            _lower(room, start, height, node, left)
        else:
            space = left


@_compiled
def _chance(number: int) -> int:
    """Return a number that looks like chance, the same for each bucket every time."""
    mixed = np.uint64(number + 1) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return int(np.int64(mixed >> np.uint64(1)))


@_compiled
def _take_out(tree: Ints, node: int, slot: int) -> None:
    """Take out the node that a slot leads to: its children join in its place."""
    left, right = tree[4 * node + 2], tree[4 * node + 3]
    while left != NONE and right != NONE:
        if tree[4 * left + 1] >= tree[4 * right + 1]:
            tree[slot] = left
            slot = 4 * left + 3
            left = tree[slot]
        else:
            tree[slot] = right
            slot = 4 * right + 2
            right = tree[slot]
    tree[slot] = left if left != NONE else right


@_compiled
def _put_in(tree: Ints, new: int, slot: int) -> None:
    """Put a node in below a slot: what was there is split between its children."""
    room, chance = tree[4 * new], tree[4 * new + 1]
    while tree[slot] != NONE and tree[4 * tree[slot] + 1] >= chance:
        node = tree[slot]
        other = tree[4 * node]
        slot = 4 * node + 2 + (other < room or (other == room and node < new))
    node = tree[slot]
    tree[slot] = new
    low, high = 4 * new + 2, 4 * new + 3
    while node != NONE:
        other = tree[4 * node]
        if other < room or (other == room and node < new):
            tree[low] = node
            low = 4 * node + 3
            node = tree[low]
        else:
            tree[high] = node
            high = 4 * node + 2
            node = tree[high]
    tree[low] = NONE
    tree[high] = NONE


@_compiled
def best_fit(sizes: Ints, capacity: int, most: int, bucket: Ints) -> None:
    """Keep the buckets in a treap by (room, number). O(n log k) expected.

    A treap is a search tree by its keys and a heap by numbers that look like chance,
    so it is about as flat as one built in random order. Node b is bucket b: its room,
    its chance and its children are at 4 b to 4 b + 3, side by side in memory; a slot
    is a place where a child is named, and the last one names the root.
    """
    n = sizes.size
    root = 4 * n
    tree = np.empty(root + 1, np.int64)
    tree[root] = NONE
    count = np.zeros(n if most < n else 0, np.int64)
    least = sizes.min() if n else 0
    opened = 0
    for i in range(n):
        found, where, slot = NONE, root, root
        while tree[slot] != NONE:
            node = tree[slot]
            if tree[4 * node] >= sizes[i]:
                found, where, slot = node, slot, 4 * node + 2
            else:
                slot = 4 * node + 3
        if found == NONE:
            found = opened
            opened += 1
            tree[4 * found], tree[4 * found + 1] = capacity, _chance(found)
        else:
            _take_out(tree, found, where)
        bucket[i] = found
        tree[4 * found] -= sizes[i]
        is_open = tree[4 * found] >= least  # or nothing will ever fit
        if count.size:
            count[found] += 1
            is_open &= count[found] < most
        if is_open:
            _put_in(tree, found, root)


@_compiled
def _sink(room: Ints, number: Ints, size: int, i: int) -> None:
    """Let place i of a heap sink; the most room is on top, ties by the number."""
    space, who = room[i], number[i]
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        other = child + 1
        if other < size and (
            room[other] > room[child]
            or (room[other] == room[child] and number[other] < number[child])
        ):
            child = other
        if room[child] < space or (room[child] == space and number[child] > who):
            break
        room[i], number[i] = room[child], number[child]
        i = child
    room[i], number[i] = space, who


@_compiled
def _rise(room: Ints, number: Ints, i: int) -> None:
    """Let place i of a heap rise; its number is higher than all others."""
    space, who = room[i], number[i]
    while i > 0 and room[(i - 1) // 2] < space:
        above = (i - 1) // 2
        room[i], number[i] = room[above], number[above]
        i = above
    room[i], number[i] = space, who


@_compiled
def worst_fit(
    sizes: Ints, capacity: int, most: int, almost: bool, bucket: Ints
) -> None:
    """Keep the buckets in a heap, the emptiest on top. O(n log k).

    `almost`: try the second emptiest first, which is one of the two below the top.
    """
    n = sizes.size
    room, number = np.empty(n, np.int64), np.empty(n, np.int64)
    count = np.zeros(n, np.int64)
    opened = size = 0
    for i in range(n):
        place = 0
        if almost and size > 1:
            place = 1
            if size > 2 and (
                room[2] > room[1] or (room[2] == room[1] and number[2] < number[1])
            ):
                place = 2
            if room[place] < sizes[i]:
                place = 0
        is_new = size == 0 or room[place] < sizes[i]
        if is_new:
            place = size
            room[place], number[place] = capacity, opened
            opened += 1
            size += 1
        chosen = number[place]
        bucket[i] = chosen
        room[place] -= sizes[i]
        count[chosen] += 1
        if count[chosen] == most:
            size -= 1
            room[place], number[place] = room[size], number[size]
            if place < size:
                _sink(room, number, size, place)
        elif is_new:
            _rise(room, number, place)
        else:
            _sink(room, number, size, place)


@_compiled
def lookback_fit(
    sizes: Ints, capacity: int, most: int, lookback: int, fullest: bool, bucket: Ints
) -> None:
    """Keep the open buckets in a row, the oldest first. O(n lookback)."""
    n = sizes.size
    width = min(lookback, n) + 1
    room, number = np.empty(width, np.int64), np.empty(width, np.int64)
    count = np.empty(width, np.int64)
    opened = size = 0
    for i in range(n):
        place = 0
        while place < size and room[place] < sizes[i]:
            place += 1
        if place == size:
            room[place], number[place], count[place] = capacity, opened, 0
            opened += 1
            size += 1
        bucket[i] = number[place]
        room[place] -= sizes[i]
        count[place] += 1
        closed = NONE
        if count[place] == most:
            closed = place
        elif size > lookback:
            closed = 0
            for other in range(1, size if fullest else 0):
                if room[other] < room[closed]:
                    closed = other
        if closed != NONE:
            size -= 1
            for other in range(closed, size):
                room[other], number[other] = room[other + 1], number[other + 1]
                count[other] = count[other + 1]


@_compiled
def least_loaded(sizes: Ints, buckets: int, bucket: Ints) -> None:
    """Put each file into the bucket with the least load, ties by the number.

    The first files go to one bucket each, be they of zero bytes. O(n log buckets).
    """
    room, number = np.empty(buckets, np.int64), np.arange(buckets)
    for i in range(min(buckets, sizes.size)):
        bucket[i] = i
        room[i] = -sizes[i]
    if sizes.size <= buckets:
        return
    for i in range(buckets // 2 - 1, -1, -1):
        _sink(room, number, buckets, i)
    for i in range(buckets, sizes.size):
        bucket[i] = number[0]
        room[0] -= sizes[i]
        _sink(room, number, buckets, 0)


least_slack = _compiled(_slack.least_slack)
