"""Pack files into buckets: ask a strategy, check its answer, keep the result."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import MOST_COLUMNS, bar, columns, html_table, text_table
from mds_sim._validate import sealed
from mds_sim.theory.packing import lower_bound
from mds_sim.units import MB, counted, format_bytes

from ._answers import answer, check_strategy
from ._placing import numbered
from .packing_bounds import PackingBounds, bounds_of, quick_bound
from .strategies import BucketingStrategy, FirstFitDecreasing

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_LARGEST = int(np.iinfo(np.int64).max)


def pack(
    sizes: ArrayLike,
    capacity: int = 10 * MB,
    strategy: BucketingStrategy = FirstFitDecreasing(),
    oversize: str = "alone",
) -> Packing:
    """Pack files into buckets with a given strategy.

    Parameters
    ----------
    sizes : array_like of int, shape (n_files,)
        File sizes [bytes] in order of arrival, each >= 0.
    capacity : int
        Room of a bucket [bytes], >= 1.
    strategy : BucketingStrategy
        The rule; it sees the files that fit in a bucket, if there are any.
    oversize : {"alone", "raise"}
        A file larger than a bucket gets a bucket of its own, or is refused.

    Returns
    -------
    Packing
        Its buckets are numbered by their first file: the bucket of file 0 is bucket
        0, and so on. So the numbers depend on nothing but which files go together,
        and two strategies that group alike give equal arrays.

    Raises
    ------
    ValueError
        If a size is no whole number of bytes or negative, if a file is refused, if
        all sizes together are beyond int64, or if the strategy's answer is wrong: it
        names the strategy, the file and the bucket.
    TypeError
        If `strategy` has no method ``assign(sizes, capacity)``, or if it answers
        with other things than whole numbers.

    Notes
    -----
    Cost O(n log n), and the strategy's own. Loads are exact.

    Examples
    --------
    >>> packing = pack([6, 5, 4, 25], capacity=10)
    >>> packing.bucket
    array([0, 1, 0, 2])
    >>> packing.load
    array([10,  5, 25])
    """
    array = _validate.sizes("sizes", sizes)
    capacity = _validate.size("capacity", capacity)
    _validate.choice("oversize", oversize, ("alone", "raise"))
    check_strategy(strategy)
    _check_total(array)
    fits = array <= capacity
    if oversize == "raise" and not fits.all():
        i = int(np.argmin(fits))
        raise ValueError(
            "every file must fit in one bucket of "
            f"{counted(capacity, 'byte', spec='')} "
            f'(oversize="raise"), but sizes[{i}] = {array[i]}'
        )
    files = np.flatnonzero(fits)
    bucket = np.empty(array.size, dtype=np.int64)
    bucket[files] = answer(strategy, array, files, capacity)
    n_buckets = int(bucket[files].max()) + 1 if files.size else 0
    n_oversize = array.size - files.size
    bucket[~fits] = n_buckets + np.arange(n_oversize)
    return Packing(array, capacity, numbered(bucket, n_buckets + n_oversize))


_FIRST = 10  # buckets that a page shows in a table


@dataclass(frozen=True, eq=False, repr=False)
class Packing:
    """Which file is in which bucket, and all that follows from it.

    `pack` makes it. All arrays are read-only.

    Attributes
    ----------
    sizes : ndarray of int64, shape (n_files,)
        File sizes [bytes].
    capacity : int
        Room of a bucket [bytes].
    bucket : ndarray of int64, shape (n_files,)
        ``bucket[i]`` holds file i; buckets are numbered by their first file.

    Examples
    --------
    >>> pack([6, 5, 4], capacity=10)
    Packing(3 files in 2 buckets of 10 B, 75.0% full, lower bound 2, as few as can be)
    >>> pack([6, 5, 4, 25], capacity=10).fill
    array([1. , 0.5, 2.5])
    """

    sizes: Ints
    capacity: int
    bucket: Ints

    def __post_init__(self) -> None:
        for name in ("sizes", "bucket"):
            array = np.array(getattr(self, name), dtype=np.int64)
            object.__setattr__(self, name, sealed(array))

    @property
    def n_buckets(self) -> int:
        """Number of buckets."""
        return int(self.bucket.max()) + 1 if self.bucket.size else 0

    @property
    def n_oversize(self) -> int:
        """Number of files that are larger than a bucket."""
        return int((self.sizes > self.capacity).sum())

    @cached_property
    def load(self) -> Ints:
        """Bytes in each bucket, int64, shape (n_buckets,); exact."""
        load = np.zeros(self.n_buckets, dtype=np.int64)
        np.add.at(load, self.bucket, self.sizes)
        return sealed(load)

    @cached_property
    def count(self) -> Ints:
        """Files in each bucket, int64, shape (n_buckets,)."""
        count = np.bincount(self.bucket, minlength=self.n_buckets)
        return sealed(count.astype(np.int64))

    @cached_property
    def fill(self) -> Floats:
        """Load over capacity of each bucket; above 1 for a lone oversize file."""
        return sealed(self.load / self.capacity)

    @cached_property
    def waste(self) -> Floats:
        """Share of each bucket that is empty, ``1 - fill``; 0 if oversize."""
        return sealed(np.maximum(0.0, 1.0 - self.fill))

    @cached_property
    def lower_bound(self) -> int:
        """Buckets that any packing of these files needs at least: L1, by the bytes."""
        return lower_bound(self.sizes, self.capacity)

    @property
    def gap(self) -> int:
        """Buckets above the best bound that is found at once; 0 if none is too many.

        The best of L1, L2 and dual feasible functions, as `PackingBounds` has them,
        with the functions up to 10,000 files. `bounds` finds more, and takes longer.

        Examples
        --------
        >>> pack([4, 4, 3, 3, 3, 3], capacity=10).gap  # two buckets would do
        1
        """
        return self.n_buckets - self._quick_bound[0]

    @cached_property
    def _quick_bound(self) -> tuple[int, str]:
        return quick_bound(self.sizes, self.capacity, self.n_buckets)

    def bounds(self, lp: bool = True, time_limit: float = 10.0) -> PackingBounds:
        """Return how few buckets could do at least, by five proofs.

        Parameters
        ----------
        lp : bool
            Whether to solve the linear programme over buckets, too, which can take
            long and is compiled by Numba if that is there.
        time_limit : float
            CPU seconds for that, > 0, without compiling.

        Examples
        --------
        >>> pack([16, 12, 7, 3, 2], capacity=20).bounds()
        PackingBounds(l1=2, l2=2, dual=2, l3=3, lp=3)
        """
        return bounds_of(self.sizes, self.capacity, lp, time_limit)

    def groups(self) -> list[Ints]:
        """Return the files of each bucket, as ascending indices.

        Examples
        --------
        >>> pack([6, 5, 4, 25], capacity=10).groups()
        [array([0, 2]), array([1]), array([3])]
        """
        order = np.argsort(self.bucket, kind="stable")
        return np.split(order, np.cumsum(self.count)[:-1]) if order.size else []

    def same_as(self, other: object) -> bool:
        """Tell whether both pack the same files into the same buckets.

        Examples
        --------
        >>> pack([6, 5, 4], capacity=10).same_as(pack([6, 5, 4], capacity=20))
        False
        """
        return (
            isinstance(other, Packing)
            and self.capacity == other.capacity
            and np.array_equal(self.sizes, other.sizes)
            and np.array_equal(self.bucket, other.bucket)
        )

    def summary(self) -> PackingSummary:
        """Return the figures that people ask for first.

        Examples
        --------
        >>> print(pack([6, 5, 4, 25], capacity=10).summary())
        4 files in 3 buckets of 10 B
          lower bound                    3
          gap              as few as can be
          oversize files                 1
          bytes                       40 B
          files a bucket              1.33
          fill min, mean      50.0%, 83.3%
        """
        return PackingSummary(
            files=self.sizes.size,
            buckets=self.n_buckets,
            lower_bound=self.lower_bound,
            gap=self.gap,
            bound=self._quick_bound[1],
            oversize=self.n_oversize,
            capacity=self.capacity,
            bytes=int(self.sizes.sum()),
            fill_min=float(1.0 - self.waste.max()) if self.n_buckets else 0.0,
            fill_mean=float(1.0 - self.waste.mean()) if self.n_buckets else 0.0,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy made by pickle is built again, and so read-only as well.
        return Packing, (self.sizes, self.capacity, self.bucket)

    def __repr__(self) -> str:
        figures = self.summary()
        oversize = f"{figures.oversize} oversize, " if figures.oversize else ""
        return (
            f"Packing({figures._title()}, {oversize}"
            f"{figures.fill_mean:.1%} full, lower bound {figures.lower_bound}, "
            f"{figures._distance()})"
        )

    def _repr_html_(self) -> str:
        """Show the figures in Jupyter, the fill of the buckets, and the first ten."""
        page = self.summary()._repr_html_()
        if not self.n_buckets:
            return page
        fill, count = self.fill, self.count
        fullest, emptiest = float(fill.max()), float(fill.min())
        some = f"the first {MOST_COLUMNS} of " if fill.size > MOST_COLUMNS else ""
        buckets = counted(fill.size, "bucket")
        words = f"Fill of {some}{buckets}, from {emptiest:.0%} to {fullest:.0%}"
        rows = [
            (f"{b}", f"{count[b]:,}", format_bytes(int(self.load[b])), f"{fill[b]:.1%}")
            for b in range(min(self.n_buckets, _FIRST))
        ]
        marks = {3: [bar(share) for share in fill[:_FIRST].tolist()]}
        header = ("bucket", "files", "load", "fill")
        hidden = self.n_buckets - len(rows)
        table = html_table(words, rows, header, marks=marks, hidden=hidden)
        return page + columns(fill[:MOST_COLUMNS].tolist(), words) + table


@dataclass(frozen=True)
class PackingSummary:
    """The figures that people ask for first; an oversize file counts as full.

    `lower_bound` is L1, by the bytes; `gap` counts the buckets above the best bound
    that is found at once, and `bound` is its name. ``print`` shows them as a table,
    Jupyter as HTML, `to_dict` by name.

    Examples
    --------
    >>> pack([6, 5, 4, 25], capacity=10).summary().to_dict()["buckets"]
    3
    """

    files: int
    buckets: int
    lower_bound: int
    gap: int
    bound: str
    oversize: int
    capacity: int
    bytes: int
    fill_min: float
    fill_mean: float

    def to_dict(self) -> dict[str, float | str]:
        """Return the figures by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _title(self) -> str:
        room = format_bytes(self.capacity)
        files, buckets = counted(self.files, "file"), counted(self.buckets, "bucket")
        return f"{files} in {buckets} of {room}"

    def _distance(self) -> str:
        """Say how far it is from the best that could be."""
        if not self.gap:
            return "as few as can be"
        return f"{self.gap:,} above the {self.bound} bound"

    def _rows(self) -> list[tuple[str, str]]:
        per_bucket = self.files / self.buckets if self.buckets else 0.0
        return [
            ("lower bound", f"{self.lower_bound:,}"),
            ("gap", self._distance()),
            ("oversize files", f"{self.oversize:,}"),
            ("bytes", format_bytes(self.bytes)),
            ("files a bucket", f"{per_bucket:.3g}"),
            ("fill min, mean", f"{self.fill_min:.1%}, {self.fill_mean:.1%}"),
        ]

    def __str__(self) -> str:
        return text_table(self._title(), self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._title(), self._rows())


def _check_total(sizes: Ints) -> None:
    """Refuse sizes that no int64 could add up."""
    if not sizes.size or int(sizes.max()) <= _LARGEST // sizes.size:
        return
    total = sum(sizes.tolist())  # Python's whole numbers cannot overflow
    if total > _LARGEST:
        raise ValueError(f"sizes must sum to at most 2**63 - 1 bytes, got {total}")
