"""How few buckets could do: the bounds of one night side by side.

Examples
--------
>>> from mds_sim.files import pack
>>> pack([6, 6, 3, 3, 2], capacity=10).bounds()
PackingBounds(l1=2, l2=2, dual=3, l3=3, lp=3)
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_table, text_table
from mds_sim.theory.bounds import best_l2, dual_feasible, l3
from mds_sim.theory.packing import lower_bound
from mds_sim.units import counted

Ints = NDArray[np.int64]

MOST_FOR_DUAL = 10_000  # files for which the functions take a tenth of a second
MOST_FOR_L3 = 200  # files for which L3 takes a third of a second, and ten at 600
_NAMES = {"l1": "L1", "l2": "L2", "dual": "dual feasible", "l3": "L3", "lp": "LP"}


@dataclass(frozen=True)
class PackingBounds:
    """Buckets that any packing of some files needs at least, by several proofs.

    `Packing.bounds` makes it. Each of them counts every oversize file as one bucket.
    ``print`` shows them as a table, Jupyter as HTML, `to_dict` as numbers.

    Attributes
    ----------
    l1 : int
        The bytes over the capacity, rounded up.
    l2 : int
        L2 of Martello and Toth; never less than L1.
    dual : int
        The best of L2 and, up to 10,000 files that fit, of two families of dual
        feasible functions. Where all files that fit are of no bytes, they need one
        bucket.
    l3 : int or None
        L3 of Martello and Toth, never less than L2; None beyond 200 files that fit,
        for which its cost of O(n**3) is too high.
    lp : int or None
        What column generation proves, in whole numbers; None if it was not asked for,
        not solved in time, or if there are more than 1,500 different sizes.

    Notes
    -----
    On paper the linear programme shows at least what L2 and dual feasible functions
    do. Here its worths are rounded to six digits so that the proof is exact, and that
    may cost a bucket in rare cases. L3 can show more than the programme.

    Examples
    --------
    >>> from mds_sim.files import pack
    >>> bounds = pack([6, 6, 3, 3, 2], capacity=10).bounds(lp=False)
    >>> bounds.best, bounds.kind
    (3, 'dual feasible')
    >>> print(bounds)
    at least 3 buckets, by the dual feasible bound
      L1             2
      L2             2
      dual feasible  3
      L3             3
      LP             -
    """

    l1: int
    l2: int
    dual: int
    l3: int | None = None
    lp: int | None = None

    @property
    def best(self) -> int:
        """The largest of them."""
        return max(value for value in self.to_dict().values() if value is not None)

    @property
    def kind(self) -> str:
        """The name of the largest; of equal ones the first in the order shown."""
        found = self.to_dict().items()
        return next(_NAMES[name] for name, value in found if value == self.best)

    def to_dict(self) -> dict[str, int | None]:
        """Return the bounds by name; None is what was not found."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _title(self) -> str:
        return f"at least {counted(self.best, 'bucket')}, by the {self.kind} bound"

    def _rows(self) -> list[tuple[str, str]]:
        found = self.to_dict().items()
        return [(_NAMES[k], "-" if v is None else f"{v:,}") for k, v in found]

    def __str__(self) -> str:
        return text_table(self._title(), self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._title(), self._rows())


def bounds_of(sizes: Ints, capacity: int, lp: bool, time_limit: float) -> PackingBounds:
    """Compute all bounds; `time_limit` [CPU seconds] is for the linear programme."""
    limit = _validate.positive("time_limit", time_limit, "seconds")
    fitting = sizes[sizes <= capacity]
    alone = sizes.size - fitting.size
    return PackingBounds(
        lower_bound(sizes, capacity),
        alone + best_l2(fitting, capacity).bound,
        alone + _dual(fitting, capacity),
        alone + l3(fitting, capacity) if fitting.size <= MOST_FOR_L3 else None,
        _linear(sizes, capacity, limit) if lp else None,
    )


def quick_bound(sizes: Ints, capacity: int, enough: int) -> tuple[int, str]:
    """Return the best of the bounds that take no time, and its name.

    It stops at `enough`, the buckets that are known to do: no bound can be higher.
    """
    first = lower_bound(sizes, capacity)
    if first >= enough:
        return first, "L1"
    fitting = sizes[sizes <= capacity]
    alone = sizes.size - fitting.size
    second = alone + best_l2(fitting, capacity).bound
    third = second if second >= enough else alone + _dual(fitting, capacity)
    found = ((first, "L1"), (second, "L2"), (third, _NAMES["dual"]))
    return max(found, key=lambda pair: pair[0])


def _dual(fitting: Ints, capacity: int) -> int:
    """Return the best bound of the functions; a file of no bytes needs a bucket too."""
    few = fitting.size <= MOST_FOR_DUAL
    best = dual_feasible(fitting, capacity) if few else best_l2(fitting, capacity)
    return max(best.bound, min(1, fitting.size))


def _linear(sizes: Ints, capacity: int, time_limit: float) -> int | None:
    """Return the bound of the linear programme, if it is found."""
    from .optimal.linear import linear_bound  # it loads Numba

    proof = linear_bound(sizes, capacity, time_limit)
    return None if proof is None else proof.bound
