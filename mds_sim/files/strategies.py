"""Rules that put files into buckets: next, first, best and worst fit.

Each rule is written here to be fast; `mds_sim.files.reference` says the same in
plain loops, and the tests hold both equal. `n` is the number of files, `k` the
number of buckets.

References
----------
.. [1] D. S. Johnson, A. Demers, J. D. Ullman, M. R. Garey, R. L. Graham (1974),
   "Worst-case performance bounds for simple one-dimensional packing algorithms",
   SIAM Journal on Computing 3(4), 299-325: first and best fit, and decreasing.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappush, heapreplace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Rule = Callable[[list[int], int], list[int]]


class BucketingStrategy(Protocol):
    """A rule that puts files into buckets: one method, arrays in, array out.

    Your own strategy needs this method only; a frozen dataclass makes a good one.
    `pack` sets oversize files apart, asks the strategy about the others, checks
    the answer and counts the loads. `mds_sim.testing` can judge a strategy.

    Examples
    --------
    Next fit, with at most so many files in a bucket, is ten lines:

    >>> from mds_sim.files import pack
    >>> @dataclass(frozen=True)
    ... class FewFiles:
    ...     most: int
    ...
    ...     def assign(self, sizes, capacity):
    ...         bucket, number, load, count = [], 0, 0, 0
    ...         for size in sizes.tolist():
    ...             if load + size > capacity or count == self.most:
    ...                 number, load, count = number + 1, 0, 0
    ...             bucket.append(number)
    ...             load, count = load + size, count + 1
    ...         return np.array(bucket)
    >>> pack([3, 1, 1, 2, 9, 1], capacity=10, strategy=FewFiles(most=3)).bucket
    array([0, 0, 0, 1, 2, 2])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket.

        Parameters
        ----------
        sizes : ndarray of int64, shape (n_files,)
            Sizes [bytes] in order of arrival, each in ``0..capacity``; at least
            one. Read-only: sort a copy.
        capacity : int
            Room of a bucket [bytes], >= 1.

        Returns
        -------
        ndarray of int64, shape (n_files,)
            ``bucket[i]`` holds file i; the numbers are 0..k-1, in order of opening.
        """


@dataclass(frozen=True)
class NextFit:
    """Put each file into the newest bucket, or open a new one.

    No ties can occur, and only one bucket is ever open. Cost O(n).

    Examples
    --------
    >>> NextFit().assign(np.array([6, 5, 4, 3]), 10)
    array([0, 1, 1, 2])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return _as_given(_next_fit, sizes, capacity)


@dataclass(frozen=True)
class FirstFit:
    """Put each file into the first bucket that has room, or open a new one.

    Ties cannot occur: the lowest number wins. Cost O(n log k) by a max tree.

    Examples
    --------
    >>> FirstFit().assign(np.array([6, 5, 4, 3]), 10)
    array([0, 1, 0, 1])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return _as_given(_first_fit, sizes, capacity)


@dataclass(frozen=True)
class BestFit:
    """Put each file into the fullest bucket that has room, or open a new one.

    Of equally full buckets the lowest number wins. Cost O(n log k) comparisons by
    a sorted list (and up to k moves of a pointer a file, of little weight).

    Examples
    --------
    >>> BestFit().assign(np.array([5, 6, 4, 3]), 10)
    array([0, 1, 1, 0])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return _as_given(_best_fit, sizes, capacity)


@dataclass(frozen=True)
class WorstFit:
    """Put each file into the emptiest bucket if it has room, or open a new one.

    Of equally empty buckets the lowest number wins. Cost O(n log k) by a heap.

    Examples
    --------
    >>> WorstFit().assign(np.array([6, 5, 4, 3]), 10)
    array([0, 1, 1, 0])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return _as_given(_worst_fit, sizes, capacity)


@dataclass(frozen=True)
class NextFitDecreasing:
    """Next fit of the files from large to small.

    Files of equal size keep their order. Cost O(n log n), the sort.

    Examples
    --------
    >>> NextFitDecreasing().assign(np.array([3, 4, 5, 6]), 10)
    array([2, 1, 1, 0])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return _decreasing(_next_fit, sizes, capacity)


@dataclass(frozen=True)
class FirstFitDecreasing:
    """First fit of the files from large to small: the default of `pack`.

    Files of equal size keep their order; the lowest number wins. Cost O(n log n).
    It never needs more than 11/9 of the best possible, plus 6/9 of a bucket.

    Examples
    --------
    >>> FirstFitDecreasing().assign(np.array([3, 4, 5, 6]), 10)
    array([1, 0, 1, 0])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return _decreasing(_first_fit, sizes, capacity)


@dataclass(frozen=True)
class BestFitDecreasing:
    """Best fit of the files from large to small.

    Files of equal size keep their order; of equally full buckets the lowest
    number wins. Cost as `BestFit`, and a sort.

    Examples
    --------
    >>> BestFitDecreasing().assign(np.array([3, 4, 5, 6]), 10)
    array([1, 0, 1, 0])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return _decreasing(_best_fit, sizes, capacity)


@dataclass(frozen=True)
class WorstFitDecreasing:
    """Worst fit of the files from large to small: it spreads the load evenly.

    Files of equal size keep their order; of equally empty buckets the lowest
    number wins. Cost O(n log n).

    Examples
    --------
    >>> WorstFitDecreasing().assign(np.array([3, 4, 5, 6]), 10)
    array([0, 1, 1, 0])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return _decreasing(_worst_fit, sizes, capacity)


def _as_given(rule: Rule, sizes: Ints, capacity: int) -> Ints:
    """Apply a rule to the files in the order in which they came."""
    return np.array(rule(np.asarray(sizes).tolist(), capacity), dtype=np.int64)


def _decreasing(rule: Rule, sizes: Ints, capacity: int) -> Ints:
    """Apply a rule to the files from large to small, ties in order of arrival."""
    order = np.argsort(-np.asarray(sizes, dtype=np.int64), kind="stable")
    bucket = np.empty(order.size, dtype=np.int64)
    bucket[order] = _as_given(rule, np.asarray(sizes)[order], capacity)
    return bucket


def _next_fit(sizes: list[int], capacity: int) -> list[int]:
    """Keep the load of the newest bucket only."""
    bucket, newest, load = [], 0, 0
    for size in sizes:
        load += size
        if load > capacity:
            newest, load = newest + 1, size
        bucket.append(newest)
    return bucket


def _first_fit(sizes: list[int], capacity: int) -> list[int]:
    """Walk down a tree whose nodes know the most room below them."""
    # Two neighbours hold more than one capacity together, or the second would not
    # have been opened. So k // 2 < bound, and a tree of 2 * bound empty buckets is
    # large enough: nothing ever grows, and to open a bucket is to reach it.
    bound = -(-sum(sizes) // capacity)
    leaves = 1 << max(0, min(len(sizes), 2 * bound) - 1).bit_length()
    room = [capacity] * (2 * leaves)  # node i has the children 2 i and 2 i + 1
    bucket = []
    for size in sizes:
        node = 1
        while node < leaves:
            node += node
            if room[node] < size:
                node += 1
        bucket.append(node - leaves)
        most = room[node] = room[node] - size
        while node > 1:
            most = max(most, room[node ^ 1])
            node >>= 1
            if room[node] == most:
                break
            room[node] = most
    return bucket


def _best_fit(sizes: list[int], capacity: int) -> list[int]:
    """Keep (room, number) of all buckets sorted; the first with room is it."""
    rooms: list[tuple[int, int]] = []
    bucket = []
    for size in sizes:
        place = bisect_left(rooms, (size, -1))
        is_new = place == len(rooms)
        room, number = (capacity, len(rooms)) if is_new else rooms.pop(place)
        insort(rooms, (room - size, number))
        bucket.append(number)
    return bucket


def _worst_fit(sizes: list[int], capacity: int) -> list[int]:
    """Keep (load, number) of all buckets in a heap; the top is the emptiest."""
    heap: list[tuple[int, int]] = []
    bucket = []
    for size in sizes:
        if heap and heap[0][0] + size <= capacity:
            load, number = heap[0]
            heapreplace(heap, (load + size, number))
        else:
            number = len(heap)
            heappush(heap, (size, number))
        bucket.append(number)
    return bucket
