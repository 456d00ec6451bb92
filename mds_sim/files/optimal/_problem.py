"""Files by size: what is left of a night once equal files are counted together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Problem:
    """How many files of each size are to be packed.

    Attributes
    ----------
    sizes : ndarray of int64, shape (n_sizes,)
        Distinct sizes, descending, each in ``1..capacity``.
    demand : ndarray of int64, shape (n_sizes,)
        Files of each size.
    capacity : int
        Room of a bucket. All is divided by what sizes and capacity have in common.
    """

    sizes: Ints
    demand: Ints
    capacity: int

    @staticmethod
    def of(sizes: Ints, capacity: int) -> Problem:
        """Count the files of each size."""
        distinct, demand = np.unique(sizes, return_counts=True)
        # What a size leaves of the last whole step is of no use to anyone.
        step = int(np.gcd.reduce(distinct))
        return Problem(
            np.ascontiguousarray(distinct[::-1]) // step,
            np.ascontiguousarray(demand[::-1].astype(np.int64)),
            capacity // step,
        )

    def copies(self, demand: Ints) -> Ints:
        """Return how many files of each size one bucket can have."""
        return np.minimum(demand, self.capacity // self.sizes)

    def files(self, demand: Ints) -> Ints:
        """Return the sizes of all files, descending."""
        return np.repeat(self.sizes, demand)


@dataclass(frozen=True, eq=False)
class Pattern:
    """The files of one bucket: `count` of each of the sizes number `row`."""

    row: Ints
    count: Ints

    @staticmethod
    def of(chosen: Ints) -> Pattern:
        """Leave out the sizes of which none is chosen."""
        row = np.flatnonzero(chosen)
        return Pattern(row, chosen[row])


def patterns_of(row: Ints, bucket: Ints) -> list[Pattern]:
    """Return what each bucket holds; `row` has the number of each file's size."""
    order = np.argsort(bucket, kind="stable")
    ends = np.cumsum(np.bincount(bucket))[:-1]
    found = []
    for inside in np.split(row[order], ends):
        rows, count = np.unique(inside, return_counts=True)
        found.append(Pattern(rows, count.astype(np.int64)))
    return found
