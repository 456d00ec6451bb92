"""What data engines do to small files, and the two wishes that their users have.

`OpenCost` and `MaxFiles` are put around any strategy, ours or yours.

References
----------
.. [1] Apache Spark, sql/core/.../execution/datasources/FilePartition.scala.
.. [2] Delta Lake, spark/.../sql/delta/util/BinPackingUtils.scala.
.. [3] Apache Iceberg, core/.../util/BinPacking.java and util/TableScanUtil.java.

Examples
--------
>>> from mds_sim.files import FirstFitDecreasing
>>> MaxFiles(FirstFitDecreasing(), 2).assign(np.array([1, 1, 1, 7]), 10)
array([0, 1, 1, 0])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim.units import MiB

from ._answers import answer, check_strategy
from ._placing import (
    descending,
    fitting,
    numbered,
    placed_ascending,
    run,
    scattered,
)
from .strategies import BucketingStrategy, FitRule, LookbackFit

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class OpenCost:
    """Let each file cost some bytes more, as it takes time to be opened.

    Parameters
    ----------
    strategy : BucketingStrategy
        Any; it sees sizes with the cost.
    cost : int
        Bytes a file, >= 0: the time to open one times the bytes a second.
    how : {"add", "least"}
        ``size + cost``, as Spark counts; or at least the cost, ``max(size, cost)``,
        as Iceberg does.

    Notes
    -----
    A size with its cost is cut to the room of a bucket, so every file still fits. No
    bucket holds more bytes than it would without. Ties and cost: the strategy's.

    Examples
    --------
    >>> from mds_sim.files import FirstFitDecreasing
    >>> sizes = np.array([1, 1, 1, 1, 1, 1])
    >>> OpenCost(FirstFitDecreasing(), cost=4).assign(sizes, 10)
    array([0, 0, 1, 1, 2, 2])
    """

    strategy: BucketingStrategy
    cost: int
    how: str = "add"

    def __post_init__(self) -> None:
        check_strategy(self.strategy)
        _validate.size("cost", self.cost, least=0)
        _validate.choice("how", self.how, ("add", "least"))

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        array, cost = fitting(sizes, capacity), min(int(self.cost), capacity)
        if self.how == "least":
            costly = np.maximum(array, cost)
        else:
            costly = np.minimum(array, capacity - cost) + cost
        return np.asarray(self.strategy.assign(costly, capacity))


@dataclass(frozen=True)
class MaxFiles:
    """Let no bucket hold more than some number of files.

    Parameters
    ----------
    strategy : BucketingStrategy
        Any.
    most : int
        Most files in a bucket, >= 1.

    Notes
    -----
    For next, first, best and worst fit and their kind a bucket is full with `most`
    files, as it is full with `capacity` bytes. Any other strategy is asked as it is:
    a bucket with too many files is cut, from large to small, into buckets of `most`,
    and the strategy is asked again about what is left of all of them. That is less
    than half of the files that were in such buckets, so it is asked at most log2 n
    times. To count the cost of opening files as well, put `OpenCost` around this.

    Examples
    --------
    >>> from mds_sim.files import FirstFitDecreasing
    >>> MaxFiles(FirstFitDecreasing(), 2).assign(np.array([1, 1, 1, 7]), 10)
    array([0, 1, 1, 0])
    """

    strategy: BucketingStrategy
    most: int

    def __post_init__(self) -> None:
        check_strategy(self.strategy)
        _validate.count("most", self.most)

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        array = fitting(sizes, capacity)
        most = min(self.most, max(1, array.size))  # more are none, and fit in int64
        if _is_rule_of_ours(self.strategy):
            return self.strategy.assign_limited(array, capacity, most)
        bucket = np.empty(array.size, np.int64)
        files, opened = np.arange(array.size), 0
        while files.size:
            number = answer(self.strategy, array, files, capacity)
            rank = _ranked(array[files], number)
            kept = np.bincount(number)[number] // most * most
            kept[kept == 0] = most  # a bucket that holds fewer stays whole
            stays = rank < kept
            pieces = number[stays] * array.size + rank[stays] // most
            _, piece = np.unique(pieces, return_inverse=True)
            bucket[files[stays]] = opened + piece
            opened += int(piece.max()) + 1
            files = files[~stays]
        return numbered(bucket, opened)


@dataclass(frozen=True)
class SparkPartitions:
    """Pack as Spark packs files into the partitions of a scan.

    Parameters
    ----------
    open_cost : int
        ``spark.sql.files.openCostInBytes`` [bytes], >= 0.
    cores : int, optional
        ``spark.sql.files.minPartitionNum``: so many partitions are wanted, and the
        target shrinks to ``max(open_cost, (bytes + open_cost * files) / cores)``.

    Notes
    -----
    Next fit from large to small; each file that is in a bucket costs `open_cost` bytes
    more there, but not the one that asks to come in. `capacity` is
    ``spark.sql.files.maxPartitionBytes``, 128 MiB there by default. Spark cuts a file
    that is larger than the target; here no file is cut, and it gets a bucket of its
    own. Files of equal size keep their order. Cost O(n log n). Source: [1]_.

    References
    ----------
    .. [1] Apache Spark, sql/core/src/main/scala/org/apache/spark/sql/execution/
       datasources/FilePartition.scala, ``getFilePartitions`` and ``maxSplitBytes``.

    Examples
    --------
    >>> SparkPartitions(open_cost=4).assign(np.array([1, 1, 1, 1, 1, 6]), 10)
    array([1, 1, 2, 2, 3, 0])
    """

    open_cost: int = 4 * MiB
    cores: int | None = None

    def __post_init__(self) -> None:
        _validate.size("open_cost", self.open_cost, least=0)
        if self.cores is not None:
            _validate.count("cores", self.cores)

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        order, sorted_sizes = descending(fitting(sizes, capacity))
        target, cost = self._target(sorted_sizes, capacity), int(self.open_cost)
        return scattered(run("next_fit_opened", sorted_sizes, target, cost), order)

    def _target(self, sizes: Ints, capacity: int) -> int:
        """Return how many bytes, with their cost, a partition should have."""
        if self.cores is None:
            return capacity
        cost = int(self.open_cost)
        total = int(sum(sizes.tolist())) + cost * sizes.size
        return min(capacity, max(cost, total // self.cores))


@dataclass(frozen=True)
class DeltaCompaction:
    """Pack as Delta Lake groups small files that OPTIMIZE is to merge.

    Notes
    -----
    Next fit from small to large: it needs exactly as many buckets as next fit
    decreasing. `capacity` is the target size of a file. Files of equal size keep
    their order. Cost O(n log n). Source: [1]_.

    References
    ----------
    .. [1] Delta Lake, spark/src/main/scala/org/apache/spark/sql/delta/util/
       BinPackingUtils.scala, ``binPackBySize``.

    Examples
    --------
    >>> DeltaCompaction().assign(np.array([5, 4, 3, 2, 1]), 5)
    array([3, 2, 1, 0, 0])
    """

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return placed_ascending("next_fit", sizes, capacity)


@dataclass(frozen=True)
class IcebergSplits:
    """Pack as Iceberg packs files into the tasks of a scan.

    Parameters
    ----------
    lookback : int
        ``read.split.planning-lookback``, >= 1: most bins that are open at a time.
    open_cost : int
        ``read.split.open-file-cost`` [bytes], >= 0: a file counts at least so much.

    Notes
    -----
    First fit in the order given among the open bins; when there would be more than
    `lookback`, the fullest is closed. `capacity` is ``read.split.target-size``, 128
    MiB there by default. It is ``OpenCost(LookbackFit(lookback, "fullest"),
    open_cost, "least")``. Cost O(n lookback). Source: [1]_.

    References
    ----------
    .. [1] Apache Iceberg, core/src/main/java/org/apache/iceberg/util/BinPacking.java,
       ``PackingIterator``, and TableScanUtil.java, ``planTasks``.

    Examples
    --------
    >>> IcebergSplits(lookback=1, open_cost=4).assign(np.array([1, 1, 1, 7, 3]), 10)
    array([0, 0, 1, 2, 1])
    """

    lookback: int = 10
    open_cost: int = 4 * MiB

    def __post_init__(self) -> None:
        _validate.count("lookback", self.lookback)
        _validate.size("open_cost", self.open_cost, least=0)

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        rule = LookbackFit(self.lookback, close="fullest")
        return OpenCost(rule, self.open_cost, how="least").assign(sizes, capacity)


def _is_rule_of_ours(strategy: BucketingStrategy) -> TypeGuard[FitRule]:
    """Tell whether a rule can count files, and answers as it was written here."""
    return isinstance(strategy, FitRule) and type(strategy).assign is FitRule.assign


def _ranked(sizes: Ints, number: Ints) -> Ints:
    """Return the place of each file in its bucket, from large to small."""
    order = np.lexsort((-sizes, number))
    first = np.flatnonzero(np.diff(number[order], prepend=-1))
    rank = np.empty(sizes.size, np.int64)
    rank[order] = np.arange(sizes.size) - first[number[order]]
    return rank
