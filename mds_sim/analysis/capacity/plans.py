"""An answer with its evidence: what a plan says, and how it can be checked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mds_sim import _validate
from mds_sim._tables import html_table, html_words, text_table, whisker
from mds_sim.analysis.intervals import Interval
from mds_sim.analysis.replications import replicate
from mds_sim.rng import RNG
from mds_sim.units import counted, format_bytes, short_unit

from ._goals import Figure, Latency, Makespan
from ._judge import Judgement
from ._promise import Promise, exact_interval, percent

WIDTH = 78  # of a promise in plain text


@dataclass(frozen=True)
class BucketChoice:
    """How to pack a night: one candidate of `plan_buckets`.

    Attributes
    ----------
    capacity : int
        Room of a bucket [bytes].
    strategy : BucketingStrategy
    order : str
        In which order the pool gets the buckets: "given", "longest" or "shortest".

    Examples
    --------
    >>> from mds_sim.files import FirstFitDecreasing
    >>> print(BucketChoice(10_000_000, FirstFitDecreasing(), "longest"))
    10 MB, FirstFitDecreasing(), longest first
    """

    capacity: int
    strategy: Any
    order: str

    @property
    def rule(self) -> str:
        """The strategy and the order, in words."""
        order = "as given" if self.order == "given" else f"{self.order} first"
        return f"{self.strategy!r}, {order}"

    def __str__(self) -> str:
        return f"{format_bytes(self.capacity)}, {self.rule}"

    def _repr_html_(self) -> str:
        rows = [
            ("room of a bucket", format_bytes(self.capacity)),
            ("strategy", repr(self.strategy)),
            ("order", self.order),
        ]
        return html_table("How to pack a night", rows)


@dataclass(frozen=True, eq=False)
class Plan:
    """The answer of a planner, what it promises, and the evidence for it.

    `plan_workers`, `plan_window` and `plan_buckets` make it; `print` shows a table,
    Jupyter an HTML one, and `plot` a curve.

    Attributes
    ----------
    question : {"workers", "window", "buckets"}
        What was asked for.
    answer : int, float or BucketChoice
        Workers, the length of a window [s], or how to pack.
    promise : str
        What the answer keeps, in words.
    candidates : tuple
        What could be the answer, in order.
    intervals : tuple of Interval
        For each candidate its share of replications that kept the target; or, if it
        is about costs, its mean cost. Their bounds allow for all that was looked at.
    decided : tuple of str
        For each candidate "yes", "no" or "unclear": whether it keeps the promise.
    target : float or None
        Under which the figure had to be [s]; None if it is about costs.
    probability : float or None
        Share of replications that had to keep it; None likewise.
    confidence : float
        Probability that no "yes" is wrong, and that no "no" is.
    replications : int
        How many there were.
    pipeline : StreamPipeline or NightlyPipeline
        The one with the answer in it, to simulate or to run.
    figure : callable
        Takes a generator and returns the figure of a fresh day or night, with the
        answer: `check` compares it with the target.

    Examples
    --------
    >>> from mds_sim import Exponential, StreamPipeline, plan_workers
    >>> stream = StreamPipeline(service=Exponential(1200.0))
    >>> plan = plan_workers(stream, target=7800, rng=1, progress=False)
    >>> plan
    Plan(workers: 5, 95 % of 200 replications are to keep 130 min)
    >>> plan.pipeline.workers
    5
    """

    question: str
    answer: Any
    promise: str
    candidates: tuple[Any, ...]
    intervals: tuple[Interval, ...]
    decided: tuple[str, ...]
    target: float | None
    probability: float | None
    confidence: float
    replications: int
    pipeline: Any
    figure: Figure

    def check(
        self, replications: int = 1000, rng: RNG = None, *, executor: Any = None
    ) -> Interval:
        """Try the answer again, on fresh days or nights.

        Parameters
        ----------
        replications : int, optional
            How many, >= 2.
        rng : numpy.random.Generator, int or None
            Another seed than the plan's, or they are not fresh.
        executor : WorkerPool, Executor, str or callable, optional
            Where, as in `replicate`.

        Returns
        -------
        Interval
            Of the share of them that kept the target, by Clopper and Pearson: the
            promise is broken if all of it is below `probability`.

        Raises
        ------
        ValueError
            If the plan is about costs, which have no target.

        Examples
        --------
        >>> from mds_sim import NightlyPipeline, plan_workers
        >>> from mds_sim.distributions import Exponential
        >>> nights = NightlyPipeline(service=Exponential(60.0))
        >>> plan = plan_workers(nights, target=600, rng=1, progress=False)
        >>> plan.check(400, rng=2).high > 0.95
        True
        """
        if self.target is None or self.probability is None:
            raise ValueError("check must have a target, got a plan about costs")
        _validate.count("replications", replications, 2)
        runs = replicate(
            self.figure, replications, rng, executor=executor, progress=False
        )
        kept = int((runs.values() <= self.target).sum())
        return exact_interval(kept, replications, (1 - self.confidence) / 2)

    def plot(self, ax: Any = None) -> Any:
        """Show the curve; see `plots.plot_plan`."""
        from importlib import import_module  # plots are on a higher floor

        return import_module("mds_sim.plots").plot_plan(self, ax=ax)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as numbers and words, ready for JSON."""
        figure = "mean_cost" if self.target is None else "share"
        return {
            "question": self.question,
            "answer": self.plain(self.answer),
            "promise": self.promise,
            "target": self.target,
            "probability": self.probability,
            "confidence": self.confidence,
            "replications": self.replications,
            "candidates": [
                {
                    "candidate": self.plain(candidate),
                    figure: one.mean,
                    "low": one.low,
                    "high": one.high,
                    "decided": decided,
                }
                for candidate, one, decided in self._evidence()
            ],
        }

    @staticmethod
    def plain(candidate: Any) -> Any:
        """Return a candidate as numbers and words."""
        if isinstance(candidate, BucketChoice):
            return {
                "capacity": candidate.capacity,
                "strategy": repr(candidate.strategy),
                "order": candidate.order,
            }
        return candidate

    def words(self, candidate: Any) -> str:
        """Write a candidate with its unit."""
        if self.question == "window":
            return written(candidate, self.unit)
        return str(candidate)

    @property
    def unit(self) -> tuple[str, float]:
        """The unit of all times in words and figures, and its length [s]."""
        return unit_of(
            self.target, self.candidates if self.question == "window" else ()
        )

    def _evidence(self) -> list[tuple[Any, Interval, str]]:
        return list(zip(self.candidates, self.intervals, self.decided, strict=True))

    def _header(self) -> tuple[str, str, str]:
        unit = "mean cost" if self.target is None else "kept"
        return self.question, unit, "decided"

    def _rows(self) -> list[tuple[str, str, str]]:
        """Return a row of words for each candidate."""
        return [
            (self.words(candidate), self._share(one), self._verdict(candidate, decided))
            for candidate, one, decided in self._evidence()
        ]

    def _share(self, one: Interval) -> str:
        if self.target is None:
            return f"{one.mean:.5g} [{one.low:.5g}, {one.high:.5g}]"
        text = f"{one.mean:.1%} [{one.low:.1%}, {one.high:.1%}]"
        return text.replace("%", " %")

    def _verdict(self, candidate: Any, decided: str) -> str:
        return f"{decided}, the answer" if candidate == self.answer else decided

    def __repr__(self) -> str:
        if self.target is None or self.probability is None:
            what = counted(self.replications, "replication")
        else:
            n = counted(self.replications, "replication")
            kept = percent(self.probability)
            target = written(self.target, self.unit)
            what = f"{kept} of {n} are to keep {target}"
        return f"Plan({self.question}: {self.words(self.answer)}, {what})"

    def __str__(self) -> str:
        promise = textwrap.fill(self.promise, WIDTH)
        return f"{promise}\n{text_table('', [self._header(), *self._rows()])}"

    def _repr_html_(self) -> str:
        title = f"{self.question}: {self.words(self.answer)}"
        rows, marks = self._rows(), {1: self._marks()}
        table = html_table(title, rows, self._header(), marks=marks)
        return html_words([self.promise]) + table

    def _marks(self) -> list[str]:
        """Draw the interval of each candidate, all on one scale."""
        most = 1.0 if self.target is not None else max(x.high for x in self.intervals)
        return [whisker(x.low, x.mean, x.high, (0.0, most)) for x in self.intervals]


def probability_words(promise: Promise, n: int) -> str:
    """Say how sure a promise is.

    Examples
    --------
    >>> probability_words(Promise(0.95, 0.99, 1600), 200)
    'with probability >= 95 % (99 % confidence, 200 replications)'
    """
    return (
        f"with probability >= {percent(promise.probability)} "
        f"({percent(promise.confidence)} confidence, {counted(n, 'replication')})"
    )


def unit_of(target: float | None, windows: Sequence[float] = ()) -> tuple[str, float]:
    """Return the unit of the target and of windows that are tried for it.

    Examples
    --------
    >>> unit_of(8280.0), unit_of(900.0, [250.0, 300.0])
    (('h', 3600.0), ('s', 1.0))
    """
    return short_unit([*windows, *(() if target is None else (target,))])


def written(time: float, unit: tuple[str, float]) -> str:
    """Write a time in a unit, with up to six digits.

    Examples
    --------
    >>> written(8280.0, ("h", 3600.0))
    '2.3 h'
    """
    return f"{time / unit[1]:g} {unit[0]}"


def what(goal: Latency | Makespan, target: float, windows: Sequence[float] = ()) -> str:
    """Say what a promise is about."""
    within = written(target, unit_of(target, windows))
    if isinstance(goal, Makespan):
        return f"a night like these is done within {within}"
    return (
        f"{goal.words}, {percent(goal.quantile)} of the messages are done within "
        f"{within} of their arrival"
    )


def plan_of(
    question: str,
    candidates: Sequence[Any],
    best: int,
    words: str,
    found: Judgement,
    target: float,
    promise: Promise,
    pipelines: Sequence[Any],
    goal: Any,
) -> Plan:
    """Return the plan with its evidence."""
    return Plan(
        question,
        candidates[best],
        words,
        tuple(candidates),
        found.intervals,
        found.decided,
        target,
        promise.probability,
        promise.confidence,
        found.replications,
        pipelines[best],
        Figure(pipelines[best], goal),
    )
