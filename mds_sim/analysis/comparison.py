"""What a comparison found: means, differences, a ranking, and groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_table, html_words, text_table, whisker
from mds_sim._validate import sealed
from mds_sim.units import counted

from ._alternatives import unit_of
from ._sequential import Pairs, differences, judge
from .intervals import Interval, _rounded, mean_interval, share
from .replications import PairComparison

Floats = NDArray[np.float64]

MOST_SENTENCES = 6  # below the table


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Alternatives on the same chance: which is best, and what is not sure.

    `compare` makes it. ``print`` shows a table and what it means, Jupyter the same in
    HTML, `to_dict` numbers.

    Attributes
    ----------
    names : tuple of str
        The A alternatives, as they were given.
    values : ndarray of float64, shape (A, n)
        The figure of each in each of n replications; read-only.
    metric : str
        What the figure is.
    direction : {"min", "max"}
        Whether less or more is better.
    confidence : float
        Probability that all intervals of differences hold, whenever it was stopped.
    share : float
        Share of the errors that this look may make, in (0, 1]; 1 for a single look.
    stopped : str
        Why it ended: ``"clear after 125 replications"``.

    Examples
    --------
    >>> nights = [[12.0, 14, 13, 15, 12], [10.0, 12, 11, 13, 10.5]]
    >>> pair = Comparison(("old", "new"), nights, metric="hours")
    >>> pair.best, pair.ranking
    ('new', ('new', 'old'))
    >>> print(pair.difference("old", "new"))
    1.90 in [1.23, 2.18] (95 %, 5 pairs)
    >>> print(pair)
    hours, less is better: new is best
      alternative  mean  above the best by  group
      new          11.3                         a
      old          13.2  1.90 [1.23, 2.18]      b
    """

    names: tuple[str, ...]
    values: Floats
    metric: str = "value"
    direction: str = "min"
    confidence: float = 0.95
    share: float = 1.0
    stopped: str = ""

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        if values.ndim != 2 or values.shape[0] != len(self.names):
            raise ValueError(
                f"values must have a row for each of "
                f"{counted(len(self.names), 'name', spec='')}, got shape {values.shape}"
            )
        if values.shape[0] < 2 or values.shape[1] < 2:
            raise ValueError(
                "values must have at least 2 rows of 2 replications, "
                f"got shape {values.shape}"
            )
        _validate.choice("direction", self.direction, ("min", "max"))
        share("confidence", self.confidence)
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "values", sealed(values))

    @property
    def replications(self) -> int:
        """How many there were."""
        return int(self.values.shape[1])

    @property
    def unit(self) -> str:
        """Unit of the metric, ``"s"`` or ``"bytes"``; empty if it has or tells none."""
        return unit_of(self.metric)

    def mean(self, name: str) -> Interval:
        """Return the mean of one alternative: a `mean_interval`, of it alone."""
        values = self.values[self._index(name)]
        return mean_interval(values, confidence=self.confidence)

    def difference(self, first: str, second: str) -> Interval:
        """Return how much more the first has: one of all intervals that hold at once.

        If 0 is not in it, the two differ.
        """
        one, other = self._two(first, second)
        low, high = float(self._low[one, other]), float(self._high[one, other])
        mean, pairs = float(self._mean[one, other]), len(self._pairs.mean)
        return Interval(
            mean,
            (high - low) / 2,
            self.confidence,
            self.replications,
            "pairs",
            note=f"all {pairs} at once" if pairs > 1 else "",
            ends=(low, high),
        )

    def is_clear(self, first: str, second: str) -> bool:
        """Tell whether two alternatives differ for sure, as sure as `confidence`."""
        return bool(self._clear[self._two(first, second)])

    def always_equal(self, first: str, second: str) -> bool:
        """Tell whether two alternatives had equal figures in every replication."""
        one, other = self._two(first, second)
        return not differences(self.values[one], self.values[other]).any()

    def variance_reduction(self, first: str, second: str) -> float:
        """(Var A + Var B) / Var(A - B): what common random numbers are worth.

        So many independent replications are as good as one; ``inf`` if the difference
        never varies.
        """
        one, other = self._two(first, second)
        if np.ptp(differences(self.values[one], self.values[other])) == 0.0:
            return float("inf")
        pair = self.values[one], self.values[other]
        return PairComparison(*pair, self.difference(first, second)).variance_reduction

    @property
    def ranking(self) -> tuple[str, ...]:
        """All names, the best mean first; of equal ones that which was given first."""
        return tuple(self.names[i] for i in self._order)

    @property
    def best(self) -> str:
        """The first of the ranking; `leaders` are all that cannot be told from it."""
        return self.ranking[0]

    @property
    def leaders(self) -> tuple[str, ...]:
        """The best, and all whose difference to it is not clear."""
        first = self._order[0]
        return tuple(self.names[i] for i in self._order if not self._clear[first, i])

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Largest sets in which no two can be told apart, in order of the ranking.

        Who is in two of them can be told from neither, though some of the one may
        differ from some of the other.
        """
        cliques = sorted(sorted(clique) for clique in self._cliques())
        return tuple(tuple(self.ranking[k] for k in clique) for clique in cliques)

    def letters(self, name: str) -> str:
        """Return the groups that an alternative is in: ``"a"`` is that of the best.

        Two without a common letter differ [1]_.

        .. [1] H.-P. Piepho (2004), "An algorithm for a letter-based representation of
           all-pairwise comparisons", *Journal of Computational and Graphical
           Statistics* 13(2), 456-466.
        """
        self._index(name)
        marks = [_mark(i) for i, group in enumerate(self.groups) if name in group]
        return ("" if len(self.groups) <= 26 else " ").join(marks)

    @property
    def findings(self) -> tuple[str, ...]:
        """What the table says, in sentences."""
        sentences = [self._finding(group) for group in self.groups if len(group) > 1]
        left = len(sentences) - MOST_SENTENCES
        more = [f"And {counted(left, 'more such group')}."] if left > 0 else []
        stopped = [f"{self.stopped[:1].upper()}{self.stopped[1:]}."]
        return (*sentences[:MOST_SENTENCES], *more, *(stopped if self.stopped else []))

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name, ready for JSON."""
        alternatives = {}
        for name in self.ranking:
            mean = self.mean(name)
            ends = {"low": mean.low, "high": mean.high}
            alternatives[name] = {
                "mean": mean.mean, **ends, "groups": self.letters(name)
            }  # fmt: skip
        return {
            "metric": self.metric,
            "direction": self.direction,
            "confidence": self.confidence,
            "replications": self.replications,
            "stopped": self.stopped,
            "best": self.best,
            "leaders": list(self.leaders),
            "groups": [list(group) for group in self.groups],
            "alternatives": alternatives,
            "differences": [self._facts(i, j) for i, j in self._ranked_pairs()],
        }

    @cached_property
    def _pairs(self) -> Pairs:
        return judge(self.values, (1.0 - self.confidence) * self.share)

    @cached_property
    def _mean(self) -> Floats:
        return self._table(self._pairs.mean, -self._pairs.mean)

    @cached_property
    def _low(self) -> Floats:
        return self._table(self._pairs.low, -self._pairs.high)

    @cached_property
    def _high(self) -> Floats:
        return self._table(self._pairs.high, -self._pairs.low)

    @cached_property
    def _clear(self) -> NDArray[np.bool_]:
        return (self._low > 0) | (self._high < 0)

    def _table(self, above: Floats, below: Floats) -> Floats:
        """Return figures of pairs as a table, shape (A, A)."""
        table = np.zeros((len(self.names), len(self.names)))
        table[self._pairs.first, self._pairs.second] = above
        table[self._pairs.second, self._pairs.first] = below
        # -0.0 would be printed
        return table + 0.0

    @cached_property
    def _order(self) -> list[int]:
        """Rows in order of the ranking."""
        sign = 1.0 if self.direction == "min" else -1.0
        # By differences: those that always are equal then have equal ranks.
        order = np.argsort(sign * self._mean[:, 0], kind="stable")
        return [int(row) for row in order]

    def _cliques(self) -> Iterator[set[int]]:
        """Yield the largest sets of ranks without a clear difference.

        By Bron and Kerbosch, with a pivot.
        """
        clear = self._clear[np.ix_(self._order, self._order)]
        near = [set(np.flatnonzero(~row).tolist()) - {k} for k, row in enumerate(clear)]

        def grow(
            clique: set[int], more: set[int], seen: set[int]
        ) -> Iterator[set[int]]:
            if not more and not seen:
                yield clique
                return
            pivot = max(more | seen, key=lambda k: (len(near[k] & more), -k))
            for k in sorted(more - near[pivot]):
                yield from grow(clique | {k}, more & near[k], seen & near[k])
                more, seen = more - {k}, seen | {k}

        return grow(set(), set(range(len(self.names))), set())

    def _finding(self, group: tuple[str, ...]) -> str:
        """Say what holds for a group of two or more."""
        names = f"{', '.join(group[:-1])} and {group[-1]}"
        if all(self.always_equal(group[0], name) for name in group[1:]):
            return f"{names} are equal in all {self.replications:,} replications."
        return f"{names} cannot be told apart."

    def _ranked_pairs(self) -> Iterator[tuple[str, str]]:
        """Yield all pairs, the one with the better mean first."""
        for rank, first in enumerate(self.ranking):
            for second in self.ranking[rank + 1 :]:
                yield first, second

    def _facts(self, first: str, second: str) -> dict[str, Any]:
        """Return what is known of a pair."""
        gap = self.difference(first, second)
        factor = self.variance_reduction(first, second)
        return {
            "first": first,
            "second": second,
            "mean": gap.mean,
            "low": gap.low,
            "high": gap.high,
            "clear": self.is_clear(first, second),
            "variance_reduction": factor if np.isfinite(factor) else None,
        }

    def _two(self, first: str, second: str) -> tuple[int, int]:
        """Return the rows of two different alternatives."""
        one, other = self._index(first), self._index(second)
        if one == other:
            raise ValueError(f"second must be another than first, got {second!r} twice")
        return one, other

    def _index(self, name: str) -> int:
        """Return where an alternative is."""
        if name not in self.names:
            known = ", ".join(map(repr, self.names))
            raise ValueError(f"name must be one of {known}, got {name!r}")
        return self.names.index(name)

    def _title(self) -> str:
        unit = f" [{self.unit}]" if self.unit else ""
        more = "less" if self.direction == "min" else "more"
        leaders = len(self.leaders)
        verdict = f"{leaders} of {len(self.names)} cannot be told from the best"
        if leaders == 1:
            verdict = f"{self.best} is best"
        return f"{self.metric}{unit}, {more} is better: {verdict}"

    def _header(self) -> tuple[str, ...]:
        side = "above" if self.direction == "min" else "below"
        return "alternative", "mean", f"{side} the best by", "group"

    def _rows(self) -> list[tuple[str, ...]]:
        """Return a row of words for each alternative."""
        rows: list[tuple[str, ...]] = []
        for name in self.ranking:
            mean = self.mean(name)
            words = _rounded(mean.mean, mean.half_width)
            rows.append((name, words, self._distance(name), self.letters(name)))
        return rows

    def _apart(self, name: str) -> Interval:
        """Return how much worse than the best an alternative is."""
        pair = (name, self.best) if self.direction == "min" else (self.best, name)
        return self.difference(*pair)

    def _distance(self, name: str) -> str:
        """Say how far an alternative is from the best."""
        if name == self.best:
            return ""
        if self.always_equal(name, self.best):
            return "always equal"
        gap = self._apart(name)
        mean, low, high = (
            _rounded(value, gap.half_width) for value in (gap.mean, gap.low, gap.high)
        )
        return f"{mean} [{low}, {high}]"

    def __str__(self) -> str:
        table = text_table(self._title(), [self._header(), *self._rows()])
        return "\n".join([table, *self.findings])

    def __repr__(self) -> str:
        n = f"{self.replications:,} replications"
        return f"Comparison({len(self.names)} alternatives, {n}; {self._title()})"

    def _repr_html_(self) -> str:
        marks = {2: self._marks()}
        table = html_table(self._title(), self._rows(), self._header(), marks=marks)
        return table + html_words(self.findings)

    def _marks(self) -> list[str]:
        """Draw how far each alternative is from the best, all on one scale."""
        pairs = [self._apart(name) for name in self.ranking[1:]]
        ends = [gap.low for gap in pairs], [gap.high for gap in pairs]
        scale = min(0.0, *ends[0]), max(0.0, *ends[1])
        return ["", *(whisker(g.low, g.mean, g.high, scale) for g in pairs)]


def _mark(i: int) -> str:
    """Return a letter for a group, or its number where letters run out."""
    return chr(ord("a") + i) if i < 26 else str(i + 1)
