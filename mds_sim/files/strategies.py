"""Rules that put files into buckets: next, first, best, worst and almost worst fit.

Each rule is run by plain Python for short lists and compiled for long ones;
`mds_sim.files.reference` says the same in plain loops, and the tests hold all three
equal. `n` is the number of files, `k` the number of buckets.

References
----------
.. [1] D. S. Johnson, A. Demers, J. D. Ullman, M. R. Garey, R. L. Graham (1974),
   "Worst-case performance bounds for simple one-dimensional packing algorithms",
   SIAM Journal on Computing 3(4), 299-325: first and best fit, and decreasing.
.. [2] D. S. Johnson (1974), "Fast algorithms for bin packing", Journal of Computer
   and System Sciences 8(3), 272-314: next, worst and almost worst fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

from ._placing import placed, placed_descending

Ints = NDArray[np.int64]

MANY = 2**62  # more than files can be, and a number that compiled code can take


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
class FitRule:
    """What all these rules have in common: their name, their order, and `assign`."""

    _rule: ClassVar[str]
    _decreasing: ClassVar[bool] = False

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,).

        Raises
        ------
        ValueError
            If a size is negative or larger than `capacity`.
        """
        return self.assign_limited(sizes, capacity, None)

    def assign_limited(self, sizes: Ints, capacity: int, most: int | None) -> Ints:
        """Do the same where a bucket is full with `most` files, too."""
        place = placed_descending if self._decreasing else placed
        return place(self._rule, sizes, capacity, most, *self._how())

    def _how(self) -> tuple[Any, ...]:
        """Return what else the rule has to be told."""
        return ()


@dataclass(frozen=True)
class NextFit(FitRule):
    """Put each file into the newest bucket, or open a new one.

    No ties can occur, and only one bucket is ever open. Cost O(n).

    Examples
    --------
    >>> NextFit().assign(np.array([6, 5, 4, 3]), 10)
    array([0, 1, 1, 2])
    """

    _rule: ClassVar[str] = "next_fit"


@dataclass(frozen=True)
class FirstFit(FitRule):
    """Put each file into the first bucket that has room, or open a new one.

    Ties cannot occur: the lowest number wins. Cost O(n log k), by a tree whose nodes
    know the most room below them and that grows with the buckets.

    Examples
    --------
    >>> FirstFit().assign(np.array([6, 5, 4, 3]), 10)
    array([0, 1, 0, 1])
    """

    _rule: ClassVar[str] = "first_fit"


@dataclass(frozen=True)
class BestFit(FitRule):
    """Put each file into the fullest bucket that has room, or open a new one.

    Of equally full buckets the lowest number wins. Cost O(n log k) expected,
    by a search tree of random shape (a treap).

    Examples
    --------
    >>> BestFit().assign(np.array([5, 6, 4, 3]), 10)
    array([0, 1, 1, 0])
    """

    _rule: ClassVar[str] = "best_fit"


@dataclass(frozen=True)
class WorstFit(FitRule):
    """Put each file into the emptiest bucket if it has room, or open a new one.

    Of equally empty buckets the lowest number wins. Cost O(n log k) by a heap.

    Examples
    --------
    >>> WorstFit().assign(np.array([6, 5, 4, 3]), 10)
    array([0, 1, 1, 0])
    """

    _rule: ClassVar[str] = "worst_fit"

    def _how(self) -> tuple[Any, ...]:
        return (False,)


@dataclass(frozen=True)
class AlmostWorstFit(FitRule):
    """Put each file into the second emptiest bucket, or the emptiest, or a new one.

    It is worst fit with the worst choice left out, and all but as good as first fit
    then: the emptiest bucket is kept for a file that needs it. Of equally empty
    buckets the lowest number is the emptier. Cost O(n log k) by a heap.

    Examples
    --------
    >>> AlmostWorstFit().assign(np.array([7, 5, 3, 2]), 10)
    array([0, 1, 0, 1])
    """

    _rule: ClassVar[str] = "worst_fit"

    def _how(self) -> tuple[Any, ...]:
        return (True,)


@dataclass(frozen=True)
class LookbackFit(FitRule):
    """First fit among the few buckets that are open, as engines that stream do.

    Parameters
    ----------
    lookback : int
        Most buckets that are open at a time, >= 1. One is next fit.
    close : {"oldest", "fullest"}
        Which one is closed when there would be one more.

    Notes
    -----
    The new bucket is opened first, and may itself be the fullest. Of open buckets the
    lowest number with room wins; of equally full ones the lowest number is closed.
    Cost O(n lookback). "oldest" is known as next-k fit.

    Examples
    --------
    >>> LookbackFit(2).assign(np.array([6, 5, 7, 4, 3]), 10)
    array([0, 1, 2, 1, 2])
    """

    lookback: int = 10
    close: str = "oldest"

    _rule: ClassVar[str] = "lookback_fit"

    def __post_init__(self) -> None:
        _validate.count("lookback", self.lookback)
        _validate.choice("close", self.close, ("oldest", "fullest"))

    def _how(self) -> tuple[Any, ...]:
        return min(self.lookback, MANY), self.close == "fullest"


@dataclass(frozen=True)
class NextFitDecreasing(FitRule):
    """Next fit of the files from large to small.

    Files of equal size keep their order. Cost O(n log n), the sort.

    Examples
    --------
    >>> NextFitDecreasing().assign(np.array([3, 4, 5, 6]), 10)
    array([2, 1, 1, 0])
    """

    _rule: ClassVar[str] = "next_fit"
    _decreasing: ClassVar[bool] = True


@dataclass(frozen=True)
class FirstFitDecreasing(FitRule):
    """First fit of the files from large to small: the default of `pack`.

    Files of equal size keep their order; the lowest number wins. Cost O(n log n).
    It never needs more than 11/9 of the best possible, plus 6/9 of a bucket.

    Examples
    --------
    >>> FirstFitDecreasing().assign(np.array([3, 4, 5, 6]), 10)
    array([1, 0, 1, 0])
    """

    _rule: ClassVar[str] = "first_fit"
    _decreasing: ClassVar[bool] = True


@dataclass(frozen=True)
class BestFitDecreasing(FitRule):
    """Best fit of the files from large to small.

    Files of equal size keep their order; of equally full buckets the lowest
    number wins. Cost as `BestFit`, and a sort.

    Examples
    --------
    >>> BestFitDecreasing().assign(np.array([3, 4, 5, 6]), 10)
    array([1, 0, 1, 0])
    """

    _rule: ClassVar[str] = "best_fit"
    _decreasing: ClassVar[bool] = True


@dataclass(frozen=True)
class WorstFitDecreasing(FitRule):
    """Worst fit of the files from large to small: it spreads the load evenly.

    Files of equal size keep their order; of equally empty buckets the lowest
    number wins. Cost O(n log n).

    Examples
    --------
    >>> WorstFitDecreasing().assign(np.array([3, 4, 5, 6]), 10)
    array([0, 1, 1, 0])
    """

    _rule: ClassVar[str] = "worst_fit"
    _decreasing: ClassVar[bool] = True

    def _how(self) -> tuple[Any, ...]:
        return (False,)


@dataclass(frozen=True)
class AlmostWorstFitDecreasing(FitRule):
    """Almost worst fit of the files from large to small.

    Files of equal size keep their order; of equally empty buckets the lowest number
    is the emptier. Cost O(n log n).

    Examples
    --------
    >>> AlmostWorstFitDecreasing().assign(np.array([2, 3, 5, 7]), 10)
    array([1, 0, 1, 0])
    """

    _rule: ClassVar[str] = "worst_fit"
    _decreasing: ClassVar[bool] = True

    def _how(self) -> tuple[Any, ...]:
        return (True,)
