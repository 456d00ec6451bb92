"""So many buckets, as equally full as can be: spread, multifit, differencing."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

from ._placing import descending, fitting, numbered, placed, run, scattered

Ints = NDArray[np.int64]
_Group = tuple[int, int, Any]  # minus the load, minus the files, a tree of them

METHODS = ("lpt", "multifit", "kk")


@dataclass(frozen=True)
class Balanced:
    r"""Spread the files over a given number of buckets, as evenly as can be.

    For a pool of m workers, m buckets of equal load are done at one time.

    Parameters
    ----------
    buckets : int
        How many, >= 1.
    method : {"lpt", "multifit", "kk"}
        How: see the notes.

    Notes
    -----
    If a bucket would be over its capacity, 2, 3, ... times as many are tried: whole
    waves of a pool. If there are fewer files than buckets, each file has its own.

    - "lpt": from large to small, each file into the bucket with the least load, of
      equal ones the lowest number. The fullest holds at most
      :math:`4/3 - 1/(3 m)` of the best possible [1]_. O(n log n).
    - "multifit": first fit decreasing into the least room for which it needs no more
      than m buckets, as found by halving, and never worse than "lpt": at most 13/11
      of the best possible [2]_ [3]_. It may leave buckets out. O(n log n log c).
    - "kk": Karmarkar-Karp differencing [4]_. The two groupings whose loads differ
      most become one, the fullest bucket of each with the emptiest of the other; of
      equal ones the one made first. Often the best for few, large files.
      O(n m log m + n log n) at most, in plain Python.

    References
    ----------
    .. [1] R. L. Graham (1969), "Bounds on multiprocessing timing anomalies", SIAM
       Journal on Applied Mathematics 17(2), 416-429.
    .. [2] E. G. Coffman, M. R. Garey, D. S. Johnson (1978), "An application of
       bin-packing to multiprocessor scheduling", SIAM Journal on Computing 7(1).
    .. [3] M. Yue (1990), "On the exact upper bound for the multifit processor
       scheduling algorithm", Annals of Operations Research 24, 233-259.
    .. [4] N. Karmarkar, R. M. Karp (1982), "The differencing method of set
       partitioning", report UCB/CSD 82/113, Berkeley.

    Examples
    --------
    >>> from mds_sim.files import pack
    >>> for method in ("lpt", "multifit", "kk"):
    ...     print(pack([8, 7, 6, 5, 4], 30, Balanced(2, method)).load)
    [17 13]
    [15 15]
    [14 16]
    >>> pack([8, 7, 6, 5, 4], 10, Balanced(2)).load
    array([8, 7, 6, 9])
    """

    buckets: int
    method: str = "lpt"

    def __post_init__(self) -> None:
        _validate.count("buckets", self.buckets)
        _validate.choice("method", self.method, METHODS)

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        order, array = descending(fitting(sizes, capacity))
        spread = {"lpt": _least_loaded, "multifit": _multifit, "kk": _differencing}
        buckets = self.buckets
        # Fewer could not hold all bytes, or all files larger than half a bucket.
        needed = -(-sum(array.tolist()) // capacity)
        needed = max(needed, int(np.count_nonzero(array > capacity // 2)))
        buckets *= max(1, -(-needed // buckets))
        while True:
            bucket = spread[self.method](array, min(buckets, array.size))
            if _fullest(array, bucket) <= capacity:
                break
            buckets += self.buckets
        number = scattered(bucket, order)
        return numbered(number, int(number.max(initial=-1)) + 1)


def _least_loaded(sizes: Ints, buckets: int) -> Ints:
    """Put each file into the bucket with the least load; `sizes` descend."""
    return run("least_loaded", sizes, buckets)


def _multifit(sizes: Ints, buckets: int) -> Ints:
    """Find the least room for which first fit decreasing needs no more buckets."""
    best = _least_loaded(sizes, buckets)
    if not sizes.size:
        return best
    high = _fullest(sizes, best)
    low = max(int(sizes[0]), -(-sum(sizes.tolist()) // buckets))
    while low < high:
        room = (low + high) // 2
        bucket = placed("first_fit", sizes, max(room, 1))
        if bucket.max() < buckets:
            best, high = bucket, min(room, _fullest(sizes, bucket))
        else:
            low = room + 1
    return best


def _differencing(sizes: Ints, buckets: int) -> Ints:
    """Join the two groupings whose loads differ most until there is one left."""
    if not sizes.size:
        return sizes
    heap = [
        (-size if buckets > 1 else 0, i, [(-size, -1, i)])
        for i, size in enumerate(sizes.tolist())
    ]
    heapify(heap)
    for made in range(len(heap), 2 * len(heap) - 1):
        (_, _, one), (_, _, other) = heappop(heap), heappop(heap)
        groups = _matched(one, other, buckets)
        least = groups[-1][0] if len(groups) == buckets else 0
        heappush(heap, (groups[0][0] - least, made, groups))
    bucket = np.empty(sizes.size, np.int64)
    for number, (_, _, tree) in enumerate(heap[0][2]):
        bucket[_files(tree)] = number
    return bucket


def _matched(one: list[_Group], other: list[_Group], buckets: int) -> list[_Group]:
    """Join the fullest bucket of each with the emptiest of the other.

    Buckets without a file are the emptiest, and are not kept: there may be far more
    of them than files. `one` is used up.
    """
    first = buckets - len(other)  # those before it meet an empty one
    meet, turned = one[first:], other[::-1]
    del one[first:]
    changed = [*map(_joined, zip(meet, turned, strict=False)), *turned[len(meet) :]]
    changed.sort(key=_fullest_first)
    if len(one) < 8 * len(changed):
        one += changed
        one.sort(key=_fullest_first)
    else:
        for group in changed:
            insort(one, group, key=_fullest_first)
    return one


def _joined(pair: tuple[_Group, _Group]) -> _Group:
    """Return what is in both: two trees make one in one step, however large."""
    (load, count, tree), (other_load, other_count, other_tree) = pair
    return load + other_load, count + other_count, (tree, other_tree)


def _fullest_first(group: _Group) -> tuple[int, int]:
    """Return what groups are sorted by: files of zero bytes count as well."""
    return group[0], group[1]


def _files(tree: Any) -> list[int]:
    """Return the files of a tree of pairs, as deep as it may be."""
    files, stack = [], [tree]
    while stack:
        tree = stack.pop()
        if isinstance(tree, tuple):
            stack.extend(tree)
        else:
            files.append(tree)
    return files


def _fullest(sizes: Ints, bucket: Ints) -> int:
    """Return the load of the fullest bucket, in Python's whole numbers."""
    if not sizes.size:
        return 0
    load = np.zeros(int(bucket.max()) + 1, np.int64)
    np.add.at(load, bucket, sizes)
    return int(load.max())
