"""Run something random many times: alone, beside an alternative, on many cores."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_columns, html_table
from mds_sim.core.progress import progress_bar
from mds_sim.core.worker_pool import WorkerPool
from mds_sim.rng import RNG, as_generator
from mds_sim.units import counted

from .intervals import Interval, finite_values, mean_interval, paired_interval, share

Floats = NDArray[np.float64]
Key: TypeAlias = str | Callable[[Any], float] | None
T = TypeVar("T")

_FIGURES = ("figure", "mean", "from", "to")
UNDER_WAY = 32  # tasks that an executor has at a time, however large it is


@dataclass(frozen=True, eq=False)
class Replications(Generic[T]):
    """The results of independent replications, in order.

    Attributes
    ----------
    results : tuple
        What the function returned, one for each replication.

    Examples
    --------
    >>> runs = Replications(({"wait": 3.0}, {"wait": 4.0}, {"wait": 5.0}))
    >>> print(runs.interval("wait"))
    4.0 +/- 2.5 (95 %, 3 replications)
    """

    results: tuple[T, ...]

    def values(self, key: Key = None) -> Floats:
        """Return one figure of each result, float64.

        `key` is the name of an entry or attribute (``"latency_p99"`` of a summary) or
        a function of the result; None if results are numbers. ValueError if a result
        has no such figure, or one that is NaN or infinite.
        """
        figures = [_figure(i, result, key) for i, result in enumerate(self.results)]
        return finite_values(key if isinstance(key, str) else "results", figures, 1)

    def interval(self, key: Key = None, *, confidence: float = 0.95) -> Interval:
        """Return the `mean_interval` of one figure; `key` as in `values`."""
        return mean_interval(self.values(key), confidence=confidence)

    def __repr__(self) -> str:
        kind = type(self.results[0]).__name__ if self.results else "nothing"
        return f"Replications({len(self.results):,} of {kind})"

    def _repr_html_(self) -> str:
        """Show the mean of each figure with its interval, where there are figures."""
        title = counted(len(self.results), "replication")
        rows = []
        for key in _keys(self.results[0]) if len(self.results) > 1 else ():
            with suppress(TypeError, ValueError):  # no number, or none in some
                found = self.interval(key)
                ends = f"{found.low:.5g}", f"{found.high:.5g}"
                rows.append((key or "value", f"{found.mean:.5g}", *ends))
        if not rows:
            return html_columns(
                title, {"result": [_brief(one) for one in self.results]}
            )
        return html_table(f"{title}, with 95 % intervals", rows, _FIGURES)


@dataclass(frozen=True, eq=False)
class PairComparison:
    """Two alternatives that met the same chance.

    Attributes
    ----------
    first, second : ndarray of float64, shape (n,)
        The figure of each in each replication.
    difference : Interval
        For the mean of ``first - second``; if 0 is not in it, they differ.

    Examples
    --------
    >>> long, short = np.array([9.0, 14.0, 11.0]), np.array([7.0, 11.0, 8.0])
    >>> pair = PairComparison(long, short, paired_interval(long, short))
    >>> round(pair.variance_reduction, 2)
    32.0
    """

    first: Floats
    second: Floats
    difference: Interval

    @property
    def variance_reduction(self) -> float:
        """(Var A + Var B) / Var(A - B): how many independent pairs one is worth."""
        together = float((self.first - self.second).var())
        apart = float(self.first.var() + self.second.var())
        return apart / together if together else math.inf

    def __str__(self) -> str:
        factor = f"{self.variance_reduction:.3g}"
        return f"{self.difference}, each worth {factor} independent ones"

    def _repr_html_(self) -> str:
        gap = self.difference
        means = float(self.first.mean()), float(self.second.mean())
        rows = [
            ("mean of the first", f"{means[0]:.6g}"),
            ("mean of the second", f"{means[1]:.6g}"),
            ("difference", f"{gap.mean:.5g} [{gap.low:.5g}, {gap.high:.5g}]"),
            ("variance reduction", f"{self.variance_reduction:.3g}"),
        ]
        return html_table(str(self), rows)


def replicate(
    function: Callable[[np.random.Generator], T],
    n: int,
    rng: RNG = None,
    *,
    executor: Any = None,
    progress: bool = True,
) -> Replications[T]:
    """Call a random function n times, each time with a generator of its own.

    Parameters
    ----------
    function : callable
        Takes a `numpy.random.Generator`.
    n : int
        How many replications, >= 1.
    rng : numpy.random.Generator, int or None
        With one seed, the first 10 of 20 replications are those of 10.
    executor : WorkerPool, Executor, "threads", "processes" or callable, optional
        Where to call it, as in `WorkerPool`; that of a Dask cluster, for one. Results
        are the same everywhere. One that is given is not shut down.
    progress : bool, optional
        Show a progress bar.

    Returns
    -------
    Replications
        What the function returned, in order, whoever called it.

    Raises
    ------
    Exception
        What the function raises (the first in order), with a note that names the
        replication; what has not begun is cancelled.

    Notes
    -----
    The generators are spawned (NumPy's ``SeedSequence``), and so independent, before
    anything runs. Short calls travel together. Cost O(n) calls.

    Examples
    --------
    >>> from mds_sim import DAY, Exponential, StreamPipeline
    >>> pipeline = StreamPipeline(service=Exponential(2400.0))
    >>> def day(rng):
    ...     return pipeline.simulate(until=DAY, rng=rng).summary()
    >>> days = replicate(day, 10, rng=1, progress=False)
    >>> print(days.interval("waiting_mean"))
    94 +/- 50 (95 %, 10 replications)
    """
    n = _validate.count("n", n)
    numbered = list(enumerate(as_generator(rng).spawn(n)))
    one = partial(_run, function)
    results: list[T] = []
    with (
        _results(one, numbered, executor) as found,
        progress_bar(progress, n, "replications") as move_on,
    ):
        for result in found:
            results.append(result)
            move_on(1)
    return Replications(tuple(results))


def compare_pair(
    first: Callable[[np.random.Generator], Any],
    second: Callable[[np.random.Generator], Any],
    n: int,
    rng: RNG = None,
    *,
    key: Key = None,
    confidence: float = 0.95,
    executor: Any = None,
    progress: bool = True,
) -> PairComparison:
    """Compare two alternatives on the same chance: common random numbers.

    Parameters
    ----------
    first, second : callable
        The alternatives, as for `replicate`. In each replication both get equal
        generators: equal draws for equal purposes.
    n, rng, executor, progress
        As in `replicate`.
    key, confidence : optional
        Which figure to compare and how surely, as in `Replications.interval`.

    Returns
    -------
    PairComparison
        Both figures of each replication, and an interval for their mean difference.

    Raises
    ------
    ValueError
        If n < 2, or as in `Replications.values`.

    Notes
    -----
    Var(A - B) = Var A + Var B - 2 Cov(A, B): what makes both days busy cancels out
    [1]_. It works as far as the alternatives draw the same numbers for the same
    purpose, as pipelines do: they split `rng` by purpose. Cost 2n calls.

    References
    ----------
    .. [1] A. M. Law (2015), *Simulation Modeling and Analysis*, 5th ed., 11.2.

    Examples
    --------
    >>> from mds_sim import DAY, Exponential, StreamPipeline
    >>> def day(workers, rng):
    ...     pipeline = StreamPipeline(service=Exponential(2400.0), workers=workers)
    ...     return pipeline.simulate(until=DAY, rng=rng).summary()
    >>> days = partial(day, 10), partial(day, 11)
    >>> print(compare_pair(*days, 20, rng=1, key="waiting_mean", progress=False))
    87 +/- 37 (95 %, 20 pairs), each worth 2.05 independent ones
    """
    n, confidence = _validate.count("n", n, 2), share("confidence", confidence)
    both = partial(_both, first, second)
    pairs = replicate(both, n, rng, executor=executor, progress=progress).results
    a = Replications(tuple(pair[0] for pair in pairs)).values(key)
    b = Replications(tuple(pair[1] for pair in pairs)).values(key)
    return PairComparison(a, b, paired_interval(a, b, confidence=confidence))


def _both(first: Any, second: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Call both with equal generators: a copy, as the first one changes its own."""
    twin = deepcopy(rng)
    return first(rng), second(twin)


def _run(function: Any, numbered: tuple[int, np.random.Generator]) -> Any:
    """Call a function with a generator, and say which one if it fails."""
    number, generator = numbered
    try:
        return function(generator)
    except Exception as error:
        error.add_note(f"in replication {number}, counted from 0")
        raise


@contextmanager
def _results(
    one: Callable[[Any], T], numbered: Sequence[Any], executor: Any
) -> Iterator[Iterator[T]]:
    """Give results in order, from here or from the workers of a pool."""
    if executor is None:
        yield map(one, numbered)
    elif isinstance(executor, WorkerPool):
        yield executor.map(one, numbered, progress=False)
    else:
        workers = UNDER_WAY if isinstance(executor, Executor) else os.cpu_count() or 1
        with WorkerPool(workers, executor=executor) as pool:
            yield pool.map(one, numbered, progress=False)


def _keys(result: Any) -> list[str | None]:
    """Return the names of the figures of a result; None if it is one itself."""
    if isinstance(result, Mapping):
        return [key for key in result if isinstance(key, str)]
    if is_dataclass(result):
        return [field.name for field in fields(result)]
    return [None]


def _brief(result: Any) -> str:
    """Return the beginning of what a result shows."""
    text = repr(result)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _figure(i: int, result: Any, key: Key) -> Any:
    """Return a figure of result i."""
    if key is None or callable(key):
        return result if key is None else key(result)
    try:
        return result[key] if isinstance(result, Mapping) else getattr(result, key)
    except (KeyError, AttributeError):
        raise ValueError(
            f"key must name a figure of each result, but results[{i}] has no {key!r}"
        ) from None
