"""The bucketing rules in plain loops, to be read: slow, short, and beyond doubt.

Each function takes a list of sizes and the room of a bucket, and returns a list
with the number of each file's bucket. The tests hold `mds_sim.files.strategies`
equal to it, file by file.

Examples
--------
>>> first_fit([6, 5, 4, 3], 10)
[0, 1, 0, 1]
>>> decreasing(first_fit, [3, 4, 5, 6], 10)
[1, 0, 1, 0]
"""

from __future__ import annotations

from collections.abc import Callable

Rule = Callable[[list[int], int], list[int]]


def next_fit(sizes: list[int], capacity: int) -> list[int]:
    """Put each file into the newest bucket, or open a new one."""
    loads: list[int] = []
    bucket = []
    for size in sizes:
        if not loads or loads[-1] + size > capacity:
            loads.append(0)
        loads[-1] += size
        bucket.append(len(loads) - 1)
    return bucket


def first_fit(sizes: list[int], capacity: int) -> list[int]:
    """Put each file into the first bucket that has room, or open a new one."""
    loads: list[int] = []
    bucket = []
    for size in sizes:
        fits = [b for b, load in enumerate(loads) if load + size <= capacity]
        if not fits:
            fits = [len(loads)]
            loads.append(0)
        chosen = fits[0]
        loads[chosen] += size
        bucket.append(chosen)
    return bucket


def best_fit(sizes: list[int], capacity: int) -> list[int]:
    """Put each file into the fullest bucket that has room, or open a new one."""
    loads: list[int] = []
    bucket = []
    for size in sizes:
        fits = [b for b, load in enumerate(loads) if load + size <= capacity]
        if not fits:
            fits = [len(loads)]
            loads.append(0)
        chosen = max(fits, key=lambda b: (loads[b], -b))  # ties: the lowest number
        loads[chosen] += size
        bucket.append(chosen)
    return bucket


def worst_fit(sizes: list[int], capacity: int) -> list[int]:
    """Put each file into the emptiest bucket that has room, or open a new one."""
    loads: list[int] = []
    bucket = []
    for size in sizes:
        fits = [b for b, load in enumerate(loads) if load + size <= capacity]
        if not fits:
            fits = [len(loads)]
            loads.append(0)
        chosen = min(fits, key=lambda b: (loads[b], b))  # ties: the lowest number
        loads[chosen] += size
        bucket.append(chosen)
    return bucket


def decreasing(rule: Rule, sizes: list[int], capacity: int) -> list[int]:
    """Apply a rule to the files from large to small, ties in order of arrival."""
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))
    bucket = [0] * len(sizes)
    answer = rule([sizes[i] for i in order], capacity)
    for i, chosen in zip(order, answer, strict=True):
        bucket[i] = chosen
    return bucket
