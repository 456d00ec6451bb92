"""Counts that change at moments: workers at work, jobs that wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mds_sim._tables import html_columns
from mds_sim.units import counted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StepFunction:
    """A count that changes at moments and stays between them.

    Attributes
    ----------
    time : ndarray of float64, shape (n,)
        When it changes [s], strictly ascending.
    value : ndarray of int64, shape (n,)
        Its value from that moment on; it is 0 before the first.

    Examples
    --------
    >>> steps = StepFunction(np.array([0.0, 10.0, 30.0]), np.array([1, 2, 0]))
    >>> steps.mean()  # (10 * 1 + 20 * 2) / 30
    1.6666666666666667
    >>> steps.at([-1.0, 10.0, 29.0])
    array([0, 2, 2])
    """

    time: Floats
    value: Ints

    def at(self, moments: NDArray[np.float64] | list[float]) -> Ints:
        """Return the value at some moments, int64."""
        index = np.searchsorted(self.time, np.asarray(moments), side="right")
        return np.concatenate([[0], self.value])[index].astype(np.int64)

    def mean(self) -> float:
        """Return the mean over time, between the first and the last change."""
        if self.time.size < 2:
            return 0.0
        held = np.diff(self.time)
        return float((self.value[:-1] * held).sum() / held.sum())

    def _repr_html_(self) -> str:
        most = int(self.value.max(initial=0))
        changes = counted(self.time.size, "change")
        title = f"{changes}, at most {most:,}, mean {self.mean():.4g}"
        return html_columns(title, {"time [s]": self.time, "from then on": self.value})


def count_between(begin: Floats, end: Floats) -> StepFunction:
    """Count the intervals [begin, end) that hold each moment.

    Parameters
    ----------
    begin, end : ndarray of float64, shape (n,)
        Each interval's limits [s], ``begin <= end``, in any order.

    Examples
    --------
    >>> count_between(np.array([0.0, 5.0]), np.array([10.0, 7.0])).value
    array([1, 2, 1, 0])
    """
    moments = np.concatenate([begin, end])
    change = np.repeat([1, -1], [begin.size, end.size])
    time, index = np.unique(moments, return_inverse=True)
    total = np.zeros(time.size, np.int64)
    np.add.at(total, index, change)
    # Moments at which as many begin as end change nothing.
    changed = total != 0
    return StepFunction(time[changed], np.cumsum(total[changed]))
