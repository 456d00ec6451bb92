"""The rules in plain Python that is fast enough: for short lists, or without Numba.

Each takes a list of sizes, the room of a bucket and the most files that one may hold,
and returns the number of each file's bucket, as `mds_sim.files.reference` does.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from heapq import heapify, heappop, heappush, heapreplace


def next_fit(sizes: list[int], capacity: int, most: int) -> list[int]:
    """Keep the load of the newest bucket only."""
    bucket, newest, load, count = [], 0, 0, 0
    for size in sizes:
        load += size
        count += 1
        if load > capacity or count > most:
            newest, load, count = newest + 1, size, 1
        bucket.append(newest)
    return bucket


def next_fit_opened(sizes: list[int], target: int, cost: int) -> list[int]:
    """Next fit where each file that is in a bucket costs some bytes more."""
    bucket, newest, room = [], -1, -1
    for size in sizes:
        if size > room:
            newest, room = newest + 1, target
        room = max(-1, room - size - cost)
        bucket.append(newest)
    return bucket


def first_fit(sizes: list[int], capacity: int, most: int, buckets: int) -> list[int]:
    """Walk down a tree whose nodes know the most room below them.

    It never needs more than so many `buckets`, so nothing grows: those that are not
    open have all their room, and to open one is to reach it.
    """
    leaves = 1 << (max(1, buckets) - 1).bit_length()
    room = [capacity] * (2 * leaves)  # node i has the children 2 i and 2 i + 1
    left = [most] * leaves if most < len(sizes) else []
    bucket = []
    for size in sizes:
        node = 1
        while node < leaves:
            node += node
            if room[node] < size:
                node += 1
        bucket.append(node - leaves)
        space = room[node] - size
        if left:
            left[node - leaves] -= 1
            if not left[node - leaves]:
                space = -1
        room[node] = space
        while node > 1:
            space = max(space, room[node ^ 1])
            node >>= 1
            if room[node] == space:
                break
            room[node] = space
    return bucket


def best_fit(sizes: list[int], capacity: int, most: int) -> list[int]:
    """Keep (room, number) of all buckets sorted; the first with room is it."""
    rooms: list[tuple[int, int]] = []
    count: list[int] = []
    bucket = []
    for size in sizes:
        place = bisect_left(rooms, (size, -1))
        is_new = place == len(rooms)
        if is_new:
            count.append(0)
        room, number = (capacity, len(count) - 1) if is_new else rooms.pop(place)
        bucket.append(number)
        count[number] += 1
        if count[number] < most:
            insort(rooms, (room - size, number))
    return bucket


def worst_fit(sizes: list[int], capacity: int, most: int, almost: bool) -> list[int]:
    """Keep (load, number) of all buckets sorted; the first is the emptiest.

    `almost`: try the second first.
    """
    if not almost:
        return _worst_fit(sizes, capacity, most)
    loads: list[tuple[int, int]] = []
    count: list[int] = []
    bucket = []
    for size in sizes:
        place = 1 if len(loads) > 1 and loads[1][0] + size <= capacity else 0
        if loads and loads[place][0] + size <= capacity:
            load, number = loads.pop(place)
        else:
            load, number = 0, len(count)
            count.append(0)
        bucket.append(number)
        count[number] += 1
        if count[number] < most:
            insort(loads, (load + size, number))
    return bucket


def _worst_fit(sizes: list[int], capacity: int, most: int) -> list[int]:
    """Keep (load, number) of all buckets in a heap; the top is the emptiest."""
    heap: list[tuple[int, int]] = []
    count: list[int] = []
    bucket = []
    for size in sizes:
        is_new = not heap or heap[0][0] + size > capacity
        if is_new:
            count.append(0)
        load, number = (0, len(count) - 1) if is_new else heap[0]
        bucket.append(number)
        count[number] += 1
        is_open = count[number] < most
        if is_new and is_open:
            heappush(heap, (size, number))
        elif is_open:
            heapreplace(heap, (load + size, number))
        elif not is_new:
            heappop(heap)
    return bucket


def lookback_fit(
    sizes: list[int], capacity: int, most: int, lookback: int, fullest: bool
) -> list[int]:
    """Keep [room, number, count] of the open buckets, the oldest first."""
    rows: list[list[int]] = []
    bucket, opened = [], 0
    for size in sizes:
        row = next((row for row in rows if row[0] >= size), None)
        if row is None:
            row = [capacity, opened, 0]
            rows.append(row)
            opened += 1
        bucket.append(row[1])
        row[0] -= size
        row[2] += 1
        if row[2] == most:
            rows.remove(row)
        elif len(rows) > lookback:
            rows.remove(min(rows) if fullest else rows[0])
    return bucket


def least_loaded(sizes: list[int], buckets: int) -> list[int]:
    """Put each file into the bucket with the least load, ties by the number."""
    heap = [(size, number) for number, size in enumerate(sizes[:buckets])]
    heapify(heap)
    bucket = list(range(len(heap)))
    for size in sizes[buckets:]:
        load, number = heap[0]
        heapreplace(heap, (load + size, number))
        bucket.append(number)
    return bucket
