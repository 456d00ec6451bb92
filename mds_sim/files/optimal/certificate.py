"""What proves that fewer buckets cannot do, and how anyone can check it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import html_table
from mds_sim.theory.bounds import DUAL_FEASIBLE, l3
from mds_sim.units import counted

Ints = NDArray[np.int64]

_LARGEST = int(np.iinfo(np.int64).max)
# The least and the largest parameter of each family, for a capacity.
_PARAMETERS: dict[str, Callable[[int], tuple[int, int]]] = {
    "L2": lambda capacity: (0, -(-capacity // 2)),
    "FS1": lambda capacity: (1, _LARGEST // capacity - 1),
    "CCM1": lambda capacity: (1, capacity // 2),
}
KINDS = ("L1", "L2", "FS1", "CCM1", "L3", "dual", "arc flow")


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """A proof that a night needs at least so many buckets.

    Give each file that fits a worth, so that no bucket can hold more than `scale`: the
    worth of all over `scale`, rounded up, plus the oversize files, is a bound.

    Attributes
    ----------
    kind : {"L1", "L2", "FS1", "CCM1", "L3", "dual", "arc flow"}
        L1, L2, FS1, CCM1: the worth is a function of the size that is known to be
        dual feasible (`mds_sim.theory.bounds`). "dual": any worth, from a linear
        programme. L3: a rule that needs no worth. "arc flow": the worth leaves few
        buckets possible with one bucket less than `bound`, and the solver HiGHS found
        no way to use them; that step rests on HiGHS, which computes with floats.
    bound : int
        Buckets that are needed at least, oversize files among them.
    value : ndarray of int64, shape (n_files,)
        What each file is worth; 0 for an oversize one. Read-only.
    scale : int
        What a bucket can hold at most, >= 1.
    parameter : int
        Which member of the family it is: a threshold, steps or a unit [bytes].
    more : tuple of (value, scale)
        For "arc flow": further worths, each of which leaves fewer buckets possible.

    Examples
    --------
    >>> from mds_sim.files.optimal import Optimal
    >>> proof = Optimal().solve([6, 6, 3, 3, 2], capacity=10).certificate
    >>> proof
    Certificate(FS1: at least 3 buckets)
    >>> proof.kind, proof.value, proof.scale, proof.bound
    ('FS1', array([40, 40, 20, 20, 10]), 60, 3)
    >>> proof.check([6, 6, 3, 3, 2], capacity=10)
    """

    kind: str
    bound: int
    value: Ints
    scale: int
    parameter: int = 0
    more: tuple[tuple[Ints, int], ...] = ()

    def __post_init__(self) -> None:
        _validate.choice("kind", self.kind, KINDS)
        # All in whole numbers: of half a step, say, no theorem tells.
        for name, least in (("bound", 0), ("scale", 1), ("parameter", 0)):
            number = _validate.count(name, getattr(self, name), least)
            object.__setattr__(self, name, number)
        object.__setattr__(self, "value", _whole("value", self.value))
        more = [
            (_whole("value of more", value), _validate.count("scale of more", scale))
            for value, scale in self.more
        ]
        object.__setattr__(self, "more", tuple(more))

    @property
    def rests_on_solver(self) -> bool:
        """Whether the proof has a step of a solver that computes with floats."""
        return self.kind == "arc flow"

    def check(self, sizes: ArrayLike, capacity: int) -> None:
        """Prove the bound again from scratch, in whole numbers.

        Parameters
        ----------
        sizes : array_like of int, shape (n_files,)
            The sizes [bytes] that were solved, in the same order.
        capacity : int
            Room of a bucket [bytes], >= 1.

        Raises
        ------
        ValueError
            If anything does not hold; the message says what.

        Notes
        -----
        A "dual" is checked by a knapsack table in int64, over the bytes of a bucket or
        over the worth, whichever is smaller: at most ``scale + 1`` cells a file.

        Examples
        --------
        >>> proof = Certificate("dual", 3, [1, 1, 1], scale=1)
        >>> proof.check([6, 6, 6], 10)
        >>> proof.check([5, 5, 6], 10)
        Traceback (most recent call last):
        ValueError: scale must be the most that a bucket is worth, 2 or more, got 1
        """
        array = _validate.addable("sizes", _validate.sizes("sizes", sizes))
        capacity = _validate.size("capacity", capacity)
        _check_shape("value", self.value, array)
        for value, _ in self.more:
            _check_shape("value of more", value, array)
        fits = array <= capacity
        n_oversize = array.size - int(fits.sum())
        fitting, value = array[fits], self.value[fits]
        if self.kind == "L3":
            return self._compare(l3(array, capacity))
        if self.kind in ("dual", "arc flow"):
            self._check_worth(fitting, value, capacity, self.scale)
        else:
            self._check_function(fitting, value, capacity)
        needed = n_oversize - (-sum(value.tolist()) // self.scale)
        if self.kind == "arc flow":
            worths = [(value, self.scale)]
            for other, scale in self.more:
                self._check_worth(fitting, other[fits], capacity, scale)
                worths.append((other[fits], scale))
            self._check_flow(fitting, worths, capacity, needed - n_oversize)
            needed += 1
        return self._compare(needed)

    def _compare(self, needed: int) -> None:
        """Refuse a bound that is not what follows."""
        if needed != self.bound:
            raise ValueError(f"bound must be what follows, {needed}, got {self.bound}")

    def _check_function(self, sizes: Ints, value: Ints, capacity: int) -> None:
        """Compute the function again: that it is dual feasible is a theorem."""
        expected, scale = sizes, capacity
        if self.kind != "L1":
            low, high = _PARAMETERS[self.kind](capacity)
            if not low <= self.parameter <= high:
                raise ValueError(
                    f"parameter must be from {low} to {high} for {self.kind}, "
                    f"got {self.parameter}"
                )
            expected, scale = DUAL_FEASIBLE[self.kind](sizes, capacity, self.parameter)
        if scale != self.scale or not np.array_equal(expected, value):
            raise ValueError(
                f"value and scale must be those of {self.kind} for these sizes, "
                "got others"
            )

    def _check_worth(self, sizes: Ints, value: Ints, capacity: int, scale: int) -> None:
        """Fill the knapsack table."""
        from ._pricing import most_in_bucket

        most = most_in_bucket(sizes, value, capacity, scale)
        if most > scale:
            raise ValueError(
                f"scale must be the most that a bucket is worth, {most} or more, "
                f"got {scale}"
            )

    def _check_flow(
        self, sizes: Ints, worths: list[tuple[Ints, int]], capacity: int, target: int
    ) -> None:
        """Ask the solver again whether fewer buckets will do."""
        from ._arcflow import is_refuted

        if not is_refuted(sizes, worths, capacity, target):
            raise ValueError(
                f"no packing into {counted(target, 'bucket', spec='')} must exist, but "
                "the solver found one or gave up"
            )

    def __repr__(self) -> str:
        buckets = counted(self.bound, "bucket", spec="")
        return f"Certificate({self.kind}: at least {buckets})"

    def _repr_html_(self) -> str:
        rows = [
            ("files", f"{self.value.size:,}"),
            ("worth of all", f"{sum(self.value.tolist()):,}"),
            ("a bucket holds at most", f"{self.scale:,}"),
            ("rests on a solver", "yes" if self.rests_on_solver else "no"),
        ]
        return html_table(
            f"At least {counted(self.bound, 'bucket')}, by {self.kind}", rows
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy made by pickle is built again, and so read-only as well.
        return Certificate, (
            self.kind, self.bound, self.value, self.scale, self.parameter, self.more
        )  # fmt: skip


def _whole(name: str, worth: ArrayLike) -> Ints:
    """Return what files are worth in whole numbers, read-only."""
    return _validate.sealed(_validate.integers(name, worth))


def _check_shape(name: str, worth: Ints, sizes: Ints) -> None:
    """Refuse what could not be the worth of so many files."""
    if worth.shape != sizes.shape:
        raise ValueError(
            f"{name} must have a worth for each of "
            f"{counted(sizes.size, 'file', spec='')}, got shape {worth.shape}"
        )
    if worth.size and worth.min() < 0:
        i = int(np.argmin(worth))
        raise ValueError(f"{name} must be >= 0, but {name}[{i}] = {worth[i]}")
