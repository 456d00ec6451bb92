r"""How many buckets are needed at least: closed forms, each with its proof.

All of them are dual bounds. Give file i a value :math:`y_i \ge 0` so that no set of
files that fits in one bucket is worth more than z: then every packing has at least
:math:`\lceil \sum y_i / z \rceil` buckets. A function that turns sizes into such values
whatever the files are is called dual feasible; `DUAL_FEASIBLE` holds three families.

References
----------
.. [1] S. Martello, P. Toth (1990), *Knapsack Problems*, ch. 8.
.. [2] S. P. Fekete, J. Schepers (2001), "New classes of fast lower bounds for bin
   packing problems", Mathematical Programming 91, 11-31.
.. [3] J. Carlier, F. Clautiaux, A. Moukrim (2007), "New reduction procedures and lower
   bounds for the two-dimensional bin packing problem with fixed orientation",
   Computers & Operations Research 34, 2223-2250.

Examples
--------
>>> sizes = [7, 7, 7, 5, 5, 2]
>>> lower_bound(sizes, 10), l2(sizes, 10), l3(sizes, 10)
(4, 4, 4)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import html_table
from mds_sim.units import counted

from .packing import lower_bound

Ints = NDArray[np.int64]
Family = Callable[[Ints, int, int], tuple[Ints, int]]

_LARGEST = int(np.iinfo(np.int64).max)
_MOST_PARAMETERS = 400  # the families are searched on a sample beyond this
_MOST_STEPS = 50


@dataclass(frozen=True, eq=False)
class DualBound:
    """Values of files of which no bucket can hold more than `scale`.

    Attributes
    ----------
    kind : {"L1", "L2", "FS1", "CCM1"}
        The family in `DUAL_FEASIBLE`; L1 is the sizes themselves.
    parameter : int
        Which member of the family it is (0 for L1).
    value : ndarray of int64, shape (n_files,)
        What each file is worth.
    scale : int
        What a bucket can hold at most, >= 1.

    Examples
    --------
    >>> best = dual_feasible([7, 7, 7, 5, 5, 2], capacity=10)
    >>> best.kind, best.value, best.scale, best.bound
    ('L1', array([7, 7, 7, 5, 5, 2]), 10, 4)
    """

    kind: str
    parameter: int
    value: Ints
    scale: int

    @property
    def bound(self) -> int:
        """Buckets that any packing needs at least: the total over `scale`, up."""
        return int(-(-sum(self.value.tolist()) // self.scale))

    def _repr_html_(self) -> str:
        rows = [
            ("files", f"{self.value.size:,}"),
            ("worth of all", f"{sum(self.value.tolist()):,}"),
            ("a bucket holds at most", f"{self.scale:,}"),
        ]
        return html_table(
            f"At least {counted(self.bound, 'bucket')}, by {self.kind}", rows
        )


def f0(sizes: Ints, capacity: int, threshold: int) -> tuple[Ints, int]:
    """Forget files below a threshold, and count those beside which no other fits.

    Parameters
    ----------
    sizes : ndarray of int64, shape (n_files,)
        Sizes [bytes], each in ``0..capacity``.
    capacity : int
        Room of a bucket [bytes].
    threshold : int
        From 0 to half the capacity, rounded up.

    Returns
    -------
    value : ndarray of int64, shape (n_files,)
        `capacity` where a file is above ``capacity - threshold``, 0 where it is below
        `threshold`, and else the size: of the first two kinds at most one counts.
    scale : int
        `capacity`.

    Examples
    --------
    >>> f0(np.array([8, 5, 2, 1]), 10, 2)
    (array([8, 5, 2, 0]), 10)
    >>> f0(np.array([8, 5, 2, 1]), 10, 3)
    (array([10,  5,  0,  0]), 10)
    """
    value = np.where(sizes > capacity - threshold, capacity, sizes)
    return np.where(sizes < threshold, 0, value), capacity


def fs1(sizes: Ints, capacity: int, steps: int) -> tuple[Ints, int]:
    """Round sizes down to whole steps, of which a bucket has one more than it counts.

    Parameters
    ----------
    sizes : ndarray of int64, shape (n_files,)
        Sizes [bytes], each in ``0..capacity``.
    capacity : int
        Room of a bucket [bytes]; times ``steps + 1`` it must be an int64.
    steps : int
        Number of steps k, >= 1.

    Returns
    -------
    value : ndarray of int64, shape (n_files,)
        ``k * size`` where (k + 1) size is a multiple of the capacity, and else the
        capacity times the whole part of (k + 1) size / capacity.
    scale : int
        ``k * capacity``.

    Examples
    --------
    Beside a file above a half, two thirds of a bucket count as a whole one:

    >>> fs1(np.array([6, 5, 4]), 10, 1)
    (array([10,  5,  0]), 10)
    """
    whole, rest = np.divmod(sizes * (steps + 1), capacity)
    return np.where(rest == 0, sizes * steps, whole * capacity), steps * capacity


def ccm1(sizes: Ints, capacity: int, unit: int) -> tuple[Ints, int]:
    """Count sizes in whole units: a large file by what it leaves to the others.

    Parameters
    ----------
    sizes : ndarray of int64, shape (n_files,)
        Sizes [bytes], each in ``0..capacity``.
    capacity : int
        Room of a bucket [bytes].
    unit : int
        From 1 to half the capacity.

    Returns
    -------
    value : ndarray of int64, shape (n_files,)
        Twice the whole units in a file below half a bucket; above it, twice the units
        of a bucket less those of the room left; at the half the units of a bucket.
    scale : int
        Twice the whole units in a bucket.

    Examples
    --------
    >>> ccm1(np.array([7, 5, 3, 2]), 10, 3)
    (array([4, 3, 2, 0]), 6)
    """
    units = capacity // unit
    room = capacity - sizes
    value = np.where(sizes > room, 2 * (units - room // unit), 2 * (sizes // unit))
    return np.where(sizes == room, units, value), 2 * units


DUAL_FEASIBLE: Mapping[str, Family] = MappingProxyType(
    {"L2": f0, "FS1": fs1, "CCM1": ccm1}
)


def l2(sizes: ArrayLike, capacity: int) -> int:
    r"""Return the bound L2 of Martello and Toth.

    Parameters
    ----------
    sizes : array_like of int, shape (n_files,)
        File sizes [bytes], each >= 0; a larger one than a bucket counts as one.
    capacity : int
        Room of a bucket [bytes], >= 1.

    Returns
    -------
    int
        Buckets that any packing needs at least; never less than L1.

    Notes
    -----
    The best of `f0` over all thresholds: files above capacity - K are alone, once
    those below K are forgotten. Only the sizes up to half a bucket, and the half
    itself, can be the best K. Cost O(n log n), the sort.

    Examples
    --------
    >>> lower_bound([6, 6, 6, 1], 10), l2([6, 6, 6, 1], 10)
    (2, 3)
    """
    fitting, capacity, n_oversize = _fitting(sizes, capacity)
    return n_oversize + best_l2(fitting, capacity).bound


def dual_feasible(sizes: ArrayLike, capacity: int) -> DualBound:
    """Return the best bound of L1, L2 and two families of dual feasible functions.

    Parameters
    ----------
    sizes : array_like of int, shape (n_files,)
        File sizes [bytes], each in ``0..capacity``.
    capacity : int
        Room of a bucket [bytes], >= 1.

    Returns
    -------
    DualBound
        With the values that prove it. Of equal bounds the first of L1, L2, FS1 (up to
        50 steps) and CCM1 (up to 400 units) is kept.

    Raises
    ------
    ValueError
        If a file is larger than a bucket.

    Examples
    --------
    >>> sizes = [6, 6, 3, 3, 2]
    >>> l2(sizes, 10), dual_feasible(sizes, 10).bound
    (2, 3)
    """
    fitting, capacity, n_oversize = _fitting(sizes, capacity)
    if n_oversize:
        raise ValueError(
            "sizes must be at most one bucket of "
            f"{counted(capacity, 'byte', spec='')}, "
            f"but {counted(n_oversize, 'is', 'are', '')} larger: "
            f"set {'it' if n_oversize == 1 else 'them'} apart"
        )
    best = best_l2(fitting, capacity)
    for candidate in (best_fs1(fitting, capacity), best_ccm1(fitting, capacity)):
        if candidate is not None and candidate.bound > best.bound:
            best = candidate
    return best


def best_l2(sizes: Ints, capacity: int) -> DualBound:
    """Return L1, or the best of `f0` if it is better. Sizes must fit."""
    first = DualBound("L1", 0, sizes, capacity)
    ascending = np.sort(sizes)
    total = np.concatenate([[0], np.cumsum(ascending)])
    half = -(-capacity // 2)
    thresholds = np.append(np.unique(ascending[ascending <= half]), half)
    low = np.searchsorted(ascending, thresholds)
    high = np.searchsorted(ascending, capacity - thresholds, side="right")
    high = np.maximum(low, high)
    # A remainder is rounded up in two steps: a sum near 2**63 must not overflow.
    whole, rest = np.divmod(total[high] - total[low], capacity)
    bound = sizes.size - high + whole + (rest > 0)
    best = int(np.argmax(bound))
    if bound[best] <= first.bound:
        return first
    return _member("L2", sizes, capacity, int(thresholds[best]))


def best_fs1(sizes: Ints, capacity: int) -> DualBound | None:
    """Return the best of `fs1`, or None if numbers would be too large."""
    most = min(_MOST_STEPS, _LARGEST // max(1, capacity * max(1, sizes.size)) - 1)
    found = [_member("FS1", sizes, capacity, k) for k in range(1, most + 1)]
    return max(found, key=_bound_of, default=None)


def best_ccm1(sizes: Ints, capacity: int) -> DualBound | None:
    """Return the best of `ccm1`, or None if no unit is possible."""
    ends = np.concatenate([sizes, capacity - sizes, sizes // 2, sizes // 3])
    units = np.unique(ends[(ends >= 1) & (ends <= capacity // 2)])
    units = units[capacity // np.maximum(units, 1) < _LARGEST // 4 // (sizes.size + 1)]
    if units.size > _MOST_PARAMETERS:
        units = units[np.linspace(0, units.size - 1, _MOST_PARAMETERS).astype(int)]
    found = [_member("CCM1", sizes, capacity, unit) for unit in units.tolist()]
    return max(found, key=_bound_of, default=None)


def _member(kind: str, sizes: Ints, capacity: int, parameter: int) -> DualBound:
    """Return one member of a family."""
    value, scale = DUAL_FEASIBLE[kind](sizes, capacity, parameter)
    return DualBound(kind, parameter, value, scale)


def _bound_of(candidate: DualBound) -> int:
    """Return the bound, where the sum is known to be an int64."""
    return -(-int(candidate.value.sum()) // int(candidate.scale))


def l3(sizes: ArrayLike, capacity: int) -> int:
    """Return the bound L3 of Martello and Toth: reduce, relax, and take L2.

    Parameters
    ----------
    sizes : array_like of int, shape (n_files,)
        File sizes [bytes], each >= 0; a larger one than a bucket counts as one.
    capacity : int
        Room of a bucket [bytes], >= 1.

    Returns
    -------
    int
        Buckets that any packing needs at least; never less than L2.

    Notes
    -----
    Some files can be put together without loss, for whatever else could be with the
    first one could take the place of the second one: the pair fills the bucket, or
    nothing but one file fits beside the first and the second is the largest that
    does, or two that fit beside it are never larger than the second. When no such
    pair is left, the smallest file is forgotten, and it goes on. The best of buckets
    closed so far plus L2 of the rest is L3. Cost O(n^2) a file forgotten.

    Examples
    --------
    >>> sizes = [16, 12, 7, 3, 2]
    >>> l2(sizes, 20), l3(sizes, 20)
    (2, 3)
    """
    fitting, capacity, n_oversize = _fitting(sizes, capacity)
    # Files of no size go anywhere, and a pair with one is no larger than the other.
    left = np.sort(fitting[fitting > 0])[::-1].tolist()
    closed = best = 0
    while left:
        closed += _reduce(left, capacity)
        rest = np.array(left, dtype=np.int64)
        best = max(best, closed + best_l2(rest, capacity).bound)
        del left[-1:]
    return n_oversize + best


def _reduce(left: list[int], capacity: int) -> int:
    """Take out of a descending list all files with a partner; count the buckets."""
    closed, first = 0, 0
    while first < len(left):
        partner = _partner(left, first, capacity)
        if partner is None:
            first += 1
            continue
        for i in sorted({first, partner}, reverse=True):
            del left[i]
        closed, first = closed + 1, 0
    return closed


def _partner(left: list[int], first: int, capacity: int) -> int | None:
    """Return who can go with `first` without loss: itself if nothing fits."""
    room = capacity - left[first]
    others = [i for i in range(len(left)) if i != first and left[i] <= room]
    if not others:
        return first
    second = others[0]
    if left[second] == room or len(others) == 1:
        return second
    small = [left[i] for i in others[-3:]]
    if sum(small[-2:]) > room:
        return second
    if len(small) == 3 and sum(small) <= room:
        return None
    pairs = _largest_pair([left[i] for i in others], room)
    return second if pairs <= left[second] else None


def _largest_pair(sizes: list[int], room: int) -> int:
    """Return the largest sum up to `room` of two of some descending sizes."""
    best, low, high = 0, len(sizes) - 1, 0
    while high < low:
        total = sizes[high] + sizes[low]
        if total <= room:
            best, low = max(best, total), low - 1
        else:
            high += 1
    return best


def _fitting(sizes: ArrayLike, capacity: int) -> tuple[Ints, int, int]:
    """Check the arguments; return the sizes that fit, and how many do not."""
    array = _validate.addable("sizes", _validate.sizes("sizes", sizes))
    capacity = _validate.size("capacity", capacity)
    fits = array <= capacity
    return array[fits], capacity, array.size - int(fits.sum())


__all__ = [
    "DUAL_FEASIBLE",
    "DualBound",
    "ccm1",
    "dual_feasible",
    "f0",
    "fs1",
    "l2",
    "l3",
    "lower_bound",
]
