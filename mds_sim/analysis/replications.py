"""Run something random many times: alone, beside an alternative, on many cores."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim.core.progress import progress_bar
from mds_sim.rng import RNG, as_generator

from .intervals import Interval, finite_values, mean_interval, paired_interval, share

Floats = NDArray[np.float64]
Key: TypeAlias = str | Callable[[Any], float] | None
T = TypeVar("T")

CHUNKS = 64  # tasks for an executor: enough for many cores, few to hand over


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


def replicate(
    function: Callable[[np.random.Generator], T],
    n: int,
    rng: RNG = None,
    *,
    executor: Executor | None = None,
    progress: bool = True,
) -> Replications[T]:
    """Call a random function n times, each time with a generator of its own.

    Parameters
    ----------
    function : callable
        Takes a `numpy.random.Generator`. For processes it must be importable: a
        function of a module, or ``functools.partial`` of one.
    n : int
        How many replications, >= 1.
    rng : numpy.random.Generator, int or None
        With one seed, the first 10 of 20 replications are those of 10.
    executor : concurrent.futures.Executor, optional
        Threads, processes, a cluster: results are the same. It is not shut down.
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
    anything runs. An executor gets them in at most 64 chunks. Cost O(n) calls.

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
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(
            f"executor must be a concurrent.futures.Executor or None, got {executor!r}"
        )
    generators = as_generator(rng).spawn(n)
    size = 1 if executor is None else -(-n // CHUNKS)
    chunks = [(start, generators[start : start + size]) for start in range(0, n, size)]
    results: list[T] = []
    with progress_bar(progress, n, "replications") as move_on:
        for part in _in_order(partial(_run, function), chunks, executor):
            results += part
            move_on(len(part))
    return Replications(tuple(results))


def compare_pair(
    first: Callable[[np.random.Generator], Any],
    second: Callable[[np.random.Generator], Any],
    n: int,
    rng: RNG = None,
    *,
    key: Key = None,
    confidence: float = 0.95,
    executor: Executor | None = None,
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


def _run(function: Any, chunk: tuple[int, Sequence[np.random.Generator]]) -> list[Any]:
    """Call a function with each generator of a chunk."""
    results = []
    for i, generator in enumerate(chunk[1], start=chunk[0]):
        try:
            results.append(function(generator))
        except Exception as error:
            error.add_note(f"in replication {i}, counted from 0")
            raise
    return results


def _in_order(
    run: Callable[[Any], list[T]], chunks: Sequence[Any], executor: Executor | None
) -> Iterator[list[T]]:
    """Yield the results of each chunk in order, cancel the rest if one fails."""
    if executor is None:
        yield from map(run, chunks)
        return
    futures = [executor.submit(run, chunk) for chunk in chunks]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


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
