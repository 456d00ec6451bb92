"""Refined rules: harmonic, modified first fit decreasing, minimum bin slack.

Examples
--------
>>> sizes = np.array([6, 5, 3, 3, 2, 1])
>>> for rule in (Harmonic(), ModifiedFirstFitDecreasing(), MinimumBinSlack()):
...     print(type(rule).__name__, rule.assign(sizes, 10))
Harmonic [0 1 2 2 3 4]
ModifiedFirstFitDecreasing [0 1 0 1 1 0]
MinimumBinSlack [0 1 0 1 1 0]
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from operator import neg

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

from ._placing import descending, fitting, kernels_for, numbered, placed, scattered
from ._slack import least_slack
from .strategies import MANY

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Harmonic:
    r"""Never let files of different classes of size share a bucket.

    Parameters
    ----------
    classes : int
        How many, >= 1; more than a dozen or so gain little.

    Notes
    -----
    Class j < k holds the sizes in :math:`(c / (j + 1), c / j]`: j of them fill a
    bucket. The last class holds all smaller ones, by next fit. A file is placed for
    good as soon as it is seen and one bucket a class is open, and yet the number of
    buckets is at most :math:`1.691\ldots` of the best possible for large k, a constant
    apart [1]_. On average it is a poor rule where files are small against a bucket.
    No ties can occur. Cost O(n log n), the sort by classes.

    References
    ----------
    .. [1] C. C. Lee, D. T. Lee (1985), "A simple on-line bin-packing algorithm",
       Journal of the ACM 32(3), 562-572.

    Examples
    --------
    >>> Harmonic(3).assign(np.array([6, 4, 2, 5, 1, 9]), 10)
    array([0, 1, 2, 1, 2, 3])
    """

    classes: int = 12

    def __post_init__(self) -> None:
        _validate.count("classes", self.classes)

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        array = fitting(sizes, capacity)
        if not array.size:
            return array
        last = min(self.classes, MANY)
        kind = np.minimum(capacity // np.maximum(array, 1), last)
        kind[array == 0] = last
        order = np.argsort(kind, kind="stable")
        kinds, first = np.unique(kind[order], return_index=True)
        bucket, opened = np.empty_like(array), 0
        for group, files in zip(kinds, np.split(order, first[1:]), strict=True):
            if group == last:
                own = placed("next_fit", array[files], capacity)
            else:
                own = np.arange(files.size) // group
            bucket[files] = opened + own
            opened += int(own[-1]) + 1
        return numbered(bucket, opened)


@dataclass(frozen=True)
class ModifiedFirstFitDecreasing:
    """First fit decreasing with a better use of the room beside large files.

    Notes
    -----
    Files larger than half a bucket get one each. In order of size, each bucket takes
    the largest medium file (over 1/3) that fits. From the last bucket back, those
    without one take two small files (over 1/6): the smallest, and the largest that
    fits with it. Then each bucket takes whatever fits, the largest first; the rest is
    packed by first fit decreasing. At most 71/60 of the best possible, plus one
    bucket [1]_ [2]_. Of equal sizes the first is the larger. Cost O(n log n), in plain
    Python.

    References
    ----------
    .. [1] D. S. Johnson, M. R. Garey (1985), "A 71/60 theorem for bin packing",
       Journal of Complexity 1(1), 65-106.
    .. [2] M. Yue, L. Zhang (1995), "A simple proof of the inequality MFFD(L) <= 71/60
       OPT(L) + 1 for all L for the MFFD bin-packing algorithm", Acta Mathematicae
       Applicatae Sinica 11(3), 318-330.

    Examples
    --------
    >>> ModifiedFirstFitDecreasing().assign(np.array([51, 27, 26, 23, 23, 48]), 100)
    array([0, 1, 1, 1, 1, 0])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        order, array = descending(fitting(sizes, capacity))
        bucket = np.array(_beside_large(array.tolist(), capacity), np.int64)
        rest = np.flatnonzero(bucket < 0)
        large = int(bucket.max(initial=-1)) + 1
        bucket[rest] = large + placed("first_fit", array[rest], capacity)
        return scattered(bucket, order)


@dataclass(frozen=True)
class MinimumBinSlack:
    """Fill one bucket after the other as well as can be found.

    Parameters
    ----------
    tries : int
        Ways to fill a bucket that are tried at most, >= 1.

    Notes
    -----
    Each bucket takes the largest file that is left, and then those that fill it best
    [1]_ [2]_. They are searched depth first, the largest that fits first; of equally
    good ways the first one stays. The first way alone (``tries=1``) gives what first
    fit decreasing gives. Files of zero bytes go with the largest file. Cost
    O(n tries log n), and often far less.

    References
    ----------
    .. [1] J. N. D. Gupta, J. C. Ho (1999), "A new heuristic algorithm for the
       one-dimensional bin-packing problem", Production Planning & Control 10(6).
    .. [2] K. Fleszar, K. S. Hindi (2002), "New heuristics for one-dimensional
       bin-packing", Computers & Operations Research 29(7): MBS'.

    Examples
    --------
    >>> MinimumBinSlack().assign(np.array([5, 4, 3, 3, 3, 2]), 10)
    array([0, 1, 0, 1, 1, 0])
    """

    tries: int = 100

    def __post_init__(self) -> None:
        _validate.count("tries", self.tries)

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        order, array = descending(fitting(sizes, capacity))
        n, tries = int(np.count_nonzero(array)), min(self.tries, MANY)
        bucket = np.zeros(array.size, np.int64)
        kernels = kernels_for(n)
        if kernels is None:
            work = [[0] * n, list(range(n + 1)), [0] * n, [0] * n]
            least_slack(array[:n].tolist(), capacity, tries, *work)
            bucket[:n] = work[0]
        else:
            spare = [np.arange(n + 1), np.empty(n, np.int64), np.empty(n, np.int64)]
            kernels.least_slack(array[:n], capacity, tries, bucket[:n], *spare)
        return scattered(bucket, order)


class _Left:
    """The files that are left, from large to small, of a list sorted so."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self._after = list(range(len(sizes) + 1))  # a way to the next that is left

    def next(self, i: int) -> int:
        """Return the first file from `i` on that is left, or the end."""
        while self._after[i] != i:
            self._after[i] = self._after[self._after[i]]
            i = self._after[i]
        return i

    def largest(self, room: int, start: int = 0) -> int:
        """Return the largest from `start` on that fits, or the end."""
        return self.next(bisect_left(self.sizes, -room, lo=start, key=neg))

    def take(self, i: int) -> int:
        """Take a file away, and return its size."""
        self._after[i] = i + 1
        return self.sizes[i]

    def is_left(self, i: int) -> bool:
        """Tell whether it is still there."""
        return self._after[i] == i


def _beside_large(sizes: list[int], capacity: int) -> list[int]:
    """Return the bucket of large files and what goes beside them, -1 for the rest."""
    # How many sizes are larger than a half, a third and a sixth of a bucket.
    large, medium, small = (
        bisect_left(sizes, -(capacity // k), key=neg) for k in (2, 3, 6)
    )
    left = _Left(sizes)
    bucket = [-1] * len(sizes)
    room = [capacity] * large

    def put(i: int, b: int) -> None:
        bucket[i] = b
        room[b] -= left.take(i)

    for b in range(large):
        put(b, b)
    alone = []
    for b in range(large):
        i = left.largest(room[b], large)
        if i < medium:
            put(i, b)
        else:
            alone.append(b)
    last = small - 1
    for b in reversed(alone):  # ever less room
        while last >= medium and not left.is_left(last):
            last -= 1
        second = last - 1
        while second >= medium and not left.is_left(second):
            second -= 1
        if second < medium or sizes[last] + sizes[second] > room[b]:
            break
        put(last, b)
        put(left.largest(room[b], medium), b)
    for b in range(large):
        i = left.largest(room[b])
        while i < len(sizes):
            put(i, b)
            i = left.largest(room[b], i)
    return bucket
