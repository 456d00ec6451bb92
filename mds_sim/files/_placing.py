"""Which code does the work: plain Python for short lists, compiled for long ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _rules

Ints = NDArray[np.int64]

COMPILED_FROM = 2_000  # files: below, plain Python needs about a millisecond


def placed(
    rule: str, sizes: Ints, capacity: int, most: int | None = None, *how: Any
) -> Ints:
    """Return the bucket of each file by a rule, for files in the order given."""
    return _placed(rule, fitting(sizes, capacity), capacity, most, *how)


def placed_descending(
    rule: str, sizes: Ints, capacity: int, most: int | None = None, *how: Any
) -> Ints:
    """Return the bucket of each file by a rule, for files from large to small."""
    order, sorted_sizes = descending(fitting(sizes, capacity))
    return scattered(_placed(rule, sorted_sizes, capacity, most, *how), order)


def placed_ascending(rule: str, sizes: Ints, capacity: int) -> Ints:
    """Return the bucket of each file by a rule, for files from small to large."""
    array = fitting(sizes, capacity)
    order = np.argsort(array, kind="stable")
    return scattered(_placed(rule, array[order], capacity, None), order)


def _placed(rule: str, sizes: Ints, capacity: int, most: int | None, *how: Any) -> Ints:
    """Apply a rule to sizes that fit, in the order given."""
    most = sizes.size if most is None else most
    if rule == "first_fit":
        how = (_most_buckets(sizes, capacity, most),)
    return run(rule, sizes, capacity, most, *how)


def fitting(sizes: Ints | Sequence[int], capacity: int) -> Ints:
    """Return the sizes as a contiguous array, or name the first that cannot fit."""
    array = np.ascontiguousarray(sizes, dtype=np.int64)
    if array.size and (array.max() > capacity or array.min() < 0):
        i = int(np.argmax((array > capacity) | (array < 0)))
        raise ValueError(
            f"sizes must be in 0..{capacity}, the room of a bucket [bytes], "
            f"but sizes[{i}] = {array[i]}; `pack` sets oversize files apart"
        )
    return array


def run(rule: str, sizes: Ints, *how: Any) -> Ints:
    """Let Python or a kernel do it: both are called ``rule(sizes, *how)``."""
    kernels = kernels_for(sizes.size)
    if kernels is None:
        return np.array(getattr(_rules, rule)(sizes.tolist(), *how), dtype=np.int64)
    bucket = np.empty(sizes.size, np.int64)
    getattr(kernels, rule)(_read_only(sizes), *how, bucket)
    return bucket


def descending(sizes: Ints | Sequence[int]) -> tuple[Ints, Ints]:
    """Return the order from large to small, ties as given, and the sizes so sorted."""
    array = np.ascontiguousarray(sizes, dtype=np.int64)
    kernels = kernels_for(array.size)
    if kernels is not None and array.size:
        largest = int(array.max())
        if largest.bit_length() + (array.size - 1).bit_length() <= 63:
            order, sorted_sizes = np.empty_like(array), np.empty_like(array)
            kernels.descending(_read_only(array), largest, order, sorted_sizes)
            return order, sorted_sizes
    order = np.argsort(-array, kind="stable")
    return order, array[order]


def scattered(values: Ints, order: Ints) -> Ints:
    """Give each value of a sorted list back to the file that it belongs to."""
    back = np.empty_like(values)
    back[order] = values
    return back


def numbered(bucket: Ints, n_buckets: int) -> Ints:
    """Give buckets 0..k-1, none of them empty, new numbers by their first files."""
    first = np.empty(n_buckets, np.int64)
    last_to_first = np.arange(bucket.size)[::-1]
    first[bucket[::-1]] = last_to_first  # of equal indices NumPy keeps the last
    is_first = np.zeros(bucket.size, np.int64)
    is_first[first] = 1
    rank = np.cumsum(is_first) - 1
    return np.asarray(rank[first][bucket], dtype=np.int64)


def _most_buckets(sizes: Ints, capacity: int, most: int) -> int:
    """Return how many buckets first fit can open at most, or a few more."""
    # Two buckets that are not full by their number of files hold more than one
    # capacity together, or the later one would not have been opened. So there are
    # fewer than 2 * total / capacity + 1 of them. The sum is rounded, the factor up.
    bound = 2.0 * float(sizes.sum(dtype=np.float64)) / capacity * (1 + 1e-9) + 2.0
    return min(sizes.size, int(bound) + sizes.size // max(1, most))


def kernels_for(n_files: int) -> ModuleType | None:
    """Return the compiled code if so many files are worth it and Numba is there."""
    return _kernels() if n_files >= COMPILED_FROM else None


@cache
def _kernels() -> ModuleType | None:
    """Import the kernels, and Numba with them, on first use."""
    from . import _trees

    return _trees if _trees.HAS_NUMBA else None


def _read_only(array: Ints) -> Ints:
    """Return a view of the one kind that kernels are compiled for."""
    view = array.view()
    view.setflags(write=False)
    return view
