"""Count, moments and a histogram of values that nobody keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_table
from mds_sim.units import counted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Distribution:
    """What a tally knows of its values.

    Attributes
    ----------
    count : int
    mean, variance : float
        Of all values, exact to rounding; NaN if there are none.
    minimum, maximum : float
        Exact; NaN if there are none.
    edges : ndarray of float64, shape (n_bins + 1,)
        Bins that are not empty, and those between them: 64 to a doubling, so that a
        bin is at most a 64th of its values wide. What is below 1e-9 is in one bin,
        from 0 on.
    counts : ndarray of int64, shape (n_bins,)
        How many values are in [edges[i], edges[i + 1]).

    Examples
    --------
    >>> tally = Tally()
    >>> tally.add(np.array([1.0, 2.0, 4.0, 5.0]))
    >>> distribution = tally.distribution()
    >>> distribution.mean, distribution.maximum, int(distribution.counts.sum())
    (3.0, 5.0, 4)
    """

    count: int
    mean: float
    variance: float
    minimum: float
    maximum: float
    edges: Floats
    counts: Ints

    def quantile(self, p: float) -> float:
        """Return the p-quantile, to within a bin: a 64th of its value.

        What is below 1e-9 is all taken for the least value: waits of 0 give 0.

        Parameters
        ----------
        p : float
            In [0, 1].

        Returns
        -------
        float
            NaN if there are no values.
        """
        p = _validate.non_negative("p", p)
        if p > 1:
            raise ValueError(f"p must be in [0, 1], got {p!r}")
        if not self.count:
            return math.nan
        rank = p * self.count
        if self.edges[0] == 0.0 and rank <= self.counts[0]:
            return self.minimum
        below = np.concatenate([[0], np.cumsum(self.counts)])
        value = float(np.interp(rank, below, self.edges))
        return min(max(value, self.minimum), self.maximum)

    def _repr_html_(self) -> str:
        figures = {"mean": self.mean, "least": self.minimum, "largest": self.maximum}
        figures |= {f"{p:.0%}": self.quantile(p) for p in (0.5, 0.9, 0.99)}
        rows = [(name, f"{value:.6g}") for name, value in figures.items()]
        return html_table(counted(self.count, "value"), rows)


class Tally:
    """Takes values in, some at a time, and keeps 45 kB of them, however many.

    Moments are taken about the first value, so that squares do not cancel.
    """

    def __init__(self) -> None:
        from . import _streaming

        self._kernels = _streaming
        # count, pivot, sum about it, sum of squares about it, least, largest
        self.moments = np.array([0.0, 0.0, 0.0, 0.0, np.inf, -np.inf])
        self.counts = np.zeros(_streaming.N_BINS, np.int64)

    def add(self, values: Floats) -> None:
        """Take values in, float64, each finite and >= 0."""
        if values.size:
            self._settle(float(values[0]))
            self._kernels.tally(values, self.moments, self.counts)

    def add_latency(self, times: Floats, starts: Ints, finish: Floats) -> None:
        """Take in ``finish[b] - times[i]`` for i in starts[b]..starts[b + 1] - 1."""
        if finish.size:
            self._settle(float(finish[0] - times[starts[0]]))
            self._kernels.tally_latency(
                times, starts, finish, self.moments, self.counts
            )

    def _settle(self, pivot: float) -> None:
        """Fix the pivot when the first value comes."""
        if not self.moments[0]:
            self.moments[1] = pivot

    def distribution(self) -> Distribution:
        """Return what is known of the values so far."""
        count, pivot, total, squares, least, largest = self.moments.tolist()
        used = np.flatnonzero(self.counts)
        first, after = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 0)
        bits = np.arange(first, after + 1) + self._kernels.LOWEST
        edges = (bits.astype(np.int64) << self._kernels.SHIFT).view(np.float64)
        if first == 0:  # where all that is smaller is, too
            edges[0] = 0.0
        mean = total / count if count else math.nan
        return Distribution(
            count=int(count),
            mean=pivot + mean,
            variance=max(squares / count - mean**2, 0.0) if count else math.nan,
            minimum=least if count else math.nan,
            maximum=largest if count else math.nan,
            edges=edges,
            counts=self.counts[first:after].copy(),
        )
