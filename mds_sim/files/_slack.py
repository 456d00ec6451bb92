"""The search of `MinimumBinSlack`: plain code on lists, which `_trees` compiles too."""

from __future__ import annotations

from typing import Any


def least_slack(
    sizes: Any,
    capacity: int,
    tries: int,
    bucket: Any,
    after: Any,
    stack: Any,
    best: Any,
) -> None:
    """Fill one bucket after the other, each with the largest file that is left.

    `sizes` descend. Which other files fill the bucket best is searched depth first,
    the largest that fits first, and given up after so many `tries`. `after` leads
    from a file to the next that is left, itself if it is; its end is `len(sizes)`.
    """
    n = len(sizes)
    number = first = 0
    while True:
        while after[first] != first:
            after[first] = after[after[first]]
            first = after[first]
        if first == n:
            return
        bucket[first] = number
        after[first] = first + 1
        left = least = capacity - sizes[first]
        depth = deepest = tried = 0
        start = first + 1
        while least > 0 and tried < tries:
            low, high = start, n  # the first file from here that fits
            while low < high:
                middle = (low + high) // 2
                if sizes[middle] > left:
                    low = middle + 1
                else:
                    high = middle
            while after[low] != low:
                after[low] = after[after[low]]
                low = after[low]
            if low < n:
                stack[depth] = low
                depth += 1
                left -= sizes[low]
                start = low + 1
                continue
            if left < least:
                least, deepest = left, depth
                for place in range(depth):
                    best[place] = stack[place]
            if depth == 0:
                break
            tried += 1
            depth -= 1
            without = sizes[stack[depth]]
            left += without
            low, high = stack[depth] + 1, n  # an equal one would do no better
            while low < high:
                middle = (low + high) // 2
                if sizes[middle] >= without:
                    low = middle + 1
                else:
                    high = middle
            start = low
        for place in range(deepest):
            bucket[best[place]] = number
            after[best[place]] = best[place] + 1
        number += 1
