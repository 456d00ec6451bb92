"""The bucketing rules in plain loops, to be read: slow, short, and beyond doubt.

Each function takes a list of sizes, the room of a bucket and, if there is a limit, the
most files that a bucket may hold; it returns a list with the number of each file's
bucket. The tests hold `mds_sim.files.strategies` equal to it, file by file.

Examples
--------
>>> first_fit([6, 5, 4, 3], 10)
[0, 1, 0, 1]
>>> decreasing(first_fit, [3, 4, 5, 6], 10)
[1, 0, 1, 0]
"""

from __future__ import annotations

from collections.abc import Callable

Rule = Callable[..., list[int]]
Choice = Callable[[list[int], list[int]], int]


def next_fit(sizes: list[int], capacity: int, most: int | None = None) -> list[int]:
    """Put each file into the newest bucket, or open a new one."""
    loads: list[int] = []
    counts: list[int] = []
    bucket = []
    for size in sizes:
        if not loads or loads[-1] + size > capacity or counts[-1] == most:
            loads.append(0)
            counts.append(0)
        loads[-1] += size
        counts[-1] += 1
        bucket.append(len(loads) - 1)
    return bucket


def next_fit_opened(sizes: list[int], target: int, cost: int) -> list[int]:
    """Next fit where each file that is in a bucket costs some bytes more."""
    loads: list[int] = []
    bucket = []
    for size in sizes:
        if not loads or loads[-1] + size > target:
            loads.append(0)
        loads[-1] += size + cost
        bucket.append(len(loads) - 1)
    return bucket


def any_fit(
    choose: Choice, sizes: list[int], capacity: int, most: int | None = None
) -> list[int]:
    """Let `choose` pick one of the buckets that have room, or open a new one."""
    loads: list[int] = []
    counts: list[int] = []
    bucket = []
    for size in sizes:
        fits = [
            b
            for b, load in enumerate(loads)
            if load + size <= capacity and counts[b] != most
        ]
        if not fits:
            fits = [len(loads)]
            loads.append(0)
            counts.append(0)
        chosen = choose(fits, loads)
        loads[chosen] += size
        counts[chosen] += 1
        bucket.append(chosen)
    return bucket


def first_fit(sizes: list[int], capacity: int, most: int | None = None) -> list[int]:
    """Put each file into the first bucket that has room, or open a new one."""
    return any_fit(lambda fits, loads: fits[0], sizes, capacity, most)


def best_fit(sizes: list[int], capacity: int, most: int | None = None) -> list[int]:
    """Put each file into the fullest bucket that has room, or open a new one."""

    def fullest(fits: list[int], loads: list[int]) -> int:
        return max(fits, key=lambda b: (loads[b], -b))  # ties: the lowest number

    return any_fit(fullest, sizes, capacity, most)


def worst_fit(sizes: list[int], capacity: int, most: int | None = None) -> list[int]:
    """Put each file into the emptiest bucket that has room, or open a new one."""

    def emptiest(fits: list[int], loads: list[int]) -> int:
        return min(fits, key=lambda b: (loads[b], b))  # ties: the lowest number

    return any_fit(emptiest, sizes, capacity, most)


def almost_worst_fit(
    sizes: list[int], capacity: int, most: int | None = None
) -> list[int]:
    """Put each file into the second emptiest bucket with room, or the only one."""

    def second(fits: list[int], loads: list[int]) -> int:
        return sorted(fits, key=lambda b: (loads[b], b))[:2][-1]

    return any_fit(second, sizes, capacity, most)


def lookback_fit(
    sizes: list[int],
    capacity: int,
    most: int | None = None,
    lookback: int = 10,
    close: str = "oldest",
) -> list[int]:
    """Put each file into the first *open* bucket that has room, or open a new one."""
    loads: list[int] = []
    counts: list[int] = []
    is_open: list[int] = []
    bucket = []
    for size in sizes:
        fits = [b for b in is_open if loads[b] + size <= capacity]
        if not fits:
            fits = [len(loads)]
            is_open.append(len(loads))
            loads.append(0)
            counts.append(0)
        chosen = fits[0]
        loads[chosen] += size
        counts[chosen] += 1
        bucket.append(chosen)
        if counts[chosen] == most:
            is_open.remove(chosen)
        elif len(is_open) > lookback:
            fullest = max(is_open, key=lambda b: (loads[b], -b))
            is_open.remove(is_open[0] if close == "oldest" else fullest)
    return bucket


def decreasing(rule: Rule, sizes: list[int], capacity: int, *how: int) -> list[int]:
    """Apply a rule to the files from large to small, ties in order of arrival."""
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))
    bucket = [0] * len(sizes)
    answer = rule([sizes[i] for i in order], capacity, *how)
    for i, chosen in zip(order, answer, strict=True):
        bucket[i] = chosen
    return bucket


def least_loaded(sizes: list[int], buckets: int) -> list[int]:
    """Put each file into the bucket with the least load; at first one into each."""
    loads = [0] * buckets
    bucket = []
    for i, size in enumerate(sizes):
        chosen = i if i < buckets else loads.index(min(loads))
        loads[chosen] += size
        bucket.append(chosen)
    return bucket
