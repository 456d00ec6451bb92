"""Where messages come from: processes that say when they arrive."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._reading.report import ArrivalsReport
from mds_sim._tables import html_table
from mds_sim.distributions import Law, as_law, draw
from mds_sim.rng import RNG, as_generator
from mds_sim.units import counted, format_seconds

Floats = NDArray[np.float64]

_CHUNK = 4096  # arrivals drawn at a time when nobody says how many are needed
_MOST = 2**15  # and when somebody says a great many: 256 kB
COMPILED_FROM = 2**14  # at a time: below, compiled code does not pay for its loading


class Arrivals(ABC):
    """A process of arrivals; your own needs `chunks` only.

    Attributes
    ----------
    is_finite : bool
        Whether it ends by itself; True, as a trace does, unless your class says
        otherwise. An endless one must say False: then whoever forgets `n` and `until`
        gets an error, and does not wait for ever.

    Examples
    --------
    >>> class Twice(Arrivals):
    ...     def chunks(self, rng, hint=1):
    ...         yield np.array([0.0, 60.0])
    >>> Twice().sample()
    array([ 0., 60.])

    And without end:

    >>> import itertools
    >>> class EachMinute(Arrivals):
    ...     is_finite = False
    ...
    ...     def chunks(self, rng, hint=1):
    ...         for minute in itertools.count():
    ...             yield [60.0 * minute]
    >>> EachMinute().sample(until=150.0)
    array([  0.,  60., 120.])
    >>> EachMinute().sample()
    Traceback (most recent call last):
    ValueError: n or until must be given: these arrivals never end by themselves
    """

    is_finite: bool = True

    @abstractmethod
    def chunks(self, rng: np.random.Generator, hint: int = _CHUNK) -> Iterator[Floats]:
        """Yield ascending times [s] from 0 on, some at a time.

        What is drawn must not depend on `hint`, how many are likely to be needed.
        Whoever takes the times checks each chunk, against the one before as well.
        """

    def sample(
        self, n: int | None = None, until: float | None = None, rng: RNG = None
    ) -> Floats:
        """Draw arrival times.

        Parameters
        ----------
        n : int, optional
            At most so many, >= 0.
        until : float, optional
            Only times in [0, until) [s].
        rng : numpy.random.Generator, int or None

        Returns
        -------
        ndarray of float64, shape (n_arrivals,)
            Ascending, from 0.

        Raises
        ------
        ValueError
            If neither `n` nor `until` ends a process that never ends by itself, or if
            its times are not ascending, not finite or below 0.
        """
        self.check_end(n, until)
        times, size = np.empty(0), 0
        for part in self.parts(n, until, rng):
            after = size + part.size
            if times.size < after:  # a quarter more, so that few steps need to grow
                room = times.size + times.size // 4
                room = room if n is None else min(room, n)
                times.resize(max(room, after), refcheck=False)
            times[size:after] = part
            size = after
        times.resize(size, refcheck=False)
        return times

    def iterate(
        self, n: int | None = None, until: float | None = None, rng: RNG = None
    ) -> Iterator[float]:
        """Yield the times that `sample` returns, one by one, without end if asked."""
        parts = self.parts(n, until, rng)
        return chain.from_iterable(part.tolist() for part in parts)

    def parts(
        self,
        n: int | None = None,
        until: float | None = None,
        rng: RNG = None,
        size: int | None = None,
    ) -> Iterator[Floats]:
        """Yield the times that `sample` returns, about `size` at a time."""
        left = None if n is None else _validate.count("n", n, least=0)
        end = np.inf if until is None else _validate.non_negative("until", until, "s")
        hint = self._hint(left, end) if size is None else size
        return self._cut(left, end, as_generator(rng), hint)

    def _cut(
        self, left: int | None, end: float, rng: np.random.Generator, hint: int
    ) -> Iterator[Floats]:
        """Yield chunks until there are as many as wanted or `end` is reached."""
        # Ours are in order by the way they are made, unless sums exceed all floats.
        is_ours = type(self).chunks in _IN_ORDER
        taken, last = 0, 0.0
        for chunk in self._chunks_until(end, rng, hint):
            part = chunk if is_ours else _validate.numbers("arrivals", chunk)
            part = part[:left]
            if part.size and not (is_ours and part[-1] < np.inf):
                _check(part, taken, last)
            taken, last = taken + part.size, float(part[-1]) if part.size else last
            within = int(np.searchsorted(part, end, side="left"))
            if within:
                yield part[:within]
            if within < part.size:
                return
            if left is not None:
                left -= part.size
                if left == 0:
                    return
            del chunk, part  # or they would be kept while the next ones are drawn

    def _chunks_until(
        self, end: float, rng: np.random.Generator, hint: int
    ) -> Iterator[Floats]:
        """Yield chunks; those that hold nothing before `end` may be left out."""
        return self.chunks(rng, hint)

    def _hint(self, n: int | None, end: float) -> int:
        """Guess how many arrivals to draw at a time: equal parts of all."""
        return _CHUNK if n is None else math.ceil(n / math.ceil(n / _MOST)) if n else 1

    def check_end(self, n: int | None, until: float | None) -> None:
        """Refuse to draw for ever."""
        if not self.is_finite and n is None and until is None:
            raise ValueError(
                "n or until must be given: these arrivals never end by themselves"
            )


@dataclass(frozen=True)
class RenewalArrivals(Arrivals):
    """Arrivals with independent gaps of one law.

    Parameters
    ----------
    law : Law or frozen scipy.stats distribution
        Law of the gap between two arrivals, and before the first [s].

    Examples
    --------
    >>> from mds_sim.distributions import Constant
    >>> RenewalArrivals(Constant(2.0)).sample(n=3)
    array([2., 4., 6.])
    """

    law: Law

    is_finite = False

    def __post_init__(self) -> None:
        # Gaps that are always 0 would never get anywhere.
        mean = as_law("law of the gaps", self.law).mean
        _validate.positive("mean of the law of the gaps", mean, "s")

    def chunks(self, rng: np.random.Generator, hint: int = _CHUNK) -> Iterator[Floats]:
        """Yield running sums of gaps."""
        last = 0.0
        while True:
            gaps = draw(self.law, hint, rng, name="law of the gaps")
            gaps[0] += last
            times = np.cumsum(gaps)
            last = float(times[-1])
            yield times


@dataclass(frozen=True)
class PoissonArrivals(Arrivals):
    """A Poisson process: gaps are exponential, counts are Poisson.

    Parameters
    ----------
    rate : float
        Arrivals per second, > 0: write ``10 / MINUTE`` for ten a minute.

    Examples
    --------
    >>> times = PoissonArrivals(10 / 60).sample(until=3600, rng=1)
    >>> times.size, times[:3].round(2)
    (610, array([ 6.44,  8.29, 40.54]))
    """

    rate: float

    is_finite = False

    def __post_init__(self) -> None:
        _validate.positive("rate", self.rate, "per second")

    def chunks(self, rng: np.random.Generator, hint: int = _CHUNK) -> Iterator[Floats]:
        """Yield running sums of exponential gaps."""
        mean, last = 1.0 / self.rate, 0.0
        while True:
            if hint < COMPILED_FROM:
                times = rng.standard_exponential(hint)
                times *= mean
                times[0] += last
                np.cumsum(times, out=times)
            else:
                from mds_sim.sim._streaming import poisson_times

                times = np.empty(hint)
                poisson_times(rng, mean, last, times)
            last = float(times[-1])
            yield times
            del times  # or it would be kept while the next ones are drawn

    def _hint(self, n: int | None, end: float) -> int:
        if end == np.inf:
            return super()._hint(n, end)
        expected = min(self.rate * end, _MOST)
        enough = int(expected + 4 * expected**0.5) + 16
        return enough if n is None else min(enough, max(n, 1))


@dataclass(frozen=True)
class VaryingPoissonArrivals(Arrivals):
    """A Poisson process whose rate changes with time.

    Parameters
    ----------
    rate_of_time : callable
        Takes times [s], float64 of shape (n,), and returns the rates there [per
        second], each in [0, max_rate].
    max_rate : float
        The highest rate, > 0 [per second].

    Notes
    -----
    Thinning [1]_: candidates come at `max_rate`, and the one at t is kept with
    probability ``rate_of_time(t) / max_rate``. Rates are asked for before `until`
    only; without it a rate that stays 0 leaves `sample` waiting for ever.

    References
    ----------
    .. [1] P. A. W. Lewis, G. S. Shedler (1979), Simulation of nonhomogeneous
       Poisson processes by thinning, Naval Research Logistics Quarterly 26, 403-413.

    Examples
    --------
    >>> noon = VaryingPoissonArrivals(lambda t: np.where(t < 1000, 0.0, 0.1), 0.1)
    >>> noon.sample(until=1100, rng=1).min() > 1000
    np.True_
    """

    rate_of_time: Callable[[Floats], ArrayLike]
    max_rate: float

    is_finite = False

    def __post_init__(self) -> None:
        if not callable(self.rate_of_time):
            raise TypeError(
                "rate_of_time must be a function that takes times [s] and returns "
                f"rates [per second], got {self.rate_of_time!r}; for a constant rate "
                "there is PoissonArrivals"
            )
        _validate.positive("max_rate", self.max_rate, "per second")

    def chunks(self, rng: np.random.Generator, hint: int = _CHUNK) -> Iterator[Floats]:
        """Yield the candidates that are kept."""
        return self._chunks_until(np.inf, rng, hint)

    def _chunks_until(
        self, end: float, rng: np.random.Generator, hint: int
    ) -> Iterator[Floats]:
        # Candidates and coins come from streams of their own, so that what is
        # drawn does not depend on how much is drawn at a time.
        gaps, coins = rng.spawn(2)
        for times in PoissonArrivals(self.max_rate)._cut(None, end, gaps, hint):
            rate = self._rates(times)
            valid = (rate >= 0) & (rate <= self.max_rate)
            if not valid.all():
                i = int(np.argmin(valid))
                raise ValueError(
                    f"rate_of_time must be in [0, {self.max_rate!r}] per second, "
                    f"but it is {rate[i]} at {times[i]} s"
                )
            yield times[coins.random(times.size) * self.max_rate < rate]

    def _rates(self, times: Floats) -> Floats:
        """Ask for the rates; one number stands for all of them."""
        rate = np.asarray(self.rate_of_time(times), np.float64)
        if rate.shape not in ((), (1,), times.shape):
            raise ValueError(
                "rate_of_time must return a rate for each of "
                f"{counted(times.size, 'time', spec='')}, "
                f"got shape {rate.shape}"
            )
        return np.broadcast_to(rate, times.shape)


@dataclass(frozen=True, eq=False)
class TraceArrivals(Arrivals):
    """Arrivals that were recorded, replayed as they were.

    Parameters
    ----------
    times : array_like of float, shape (n,)
        When they came [s], ascending, >= 0.
    origin : str, optional
        What second 0 was, for people (an ISO 8601 stamp, for example).
    report : ArrivalsReport, optional
        How the trace was read: rows, what was left out and why.

    Examples
    --------
    >>> trace = TraceArrivals([0, 1.5, 1.5, 400])
    >>> trace.sample(until=10), len(trace), trace.rate
    (array([0. , 1.5, 1.5]), 4, 0.0075)
    """

    times: ArrayLike
    origin: str = ""
    report: ArrivalsReport | None = None

    def __post_init__(self) -> None:
        times = _validate.sealed(_validate.times("times", self.times))
        object.__setattr__(self, "times", times)

    def __repr__(self) -> str:
        origin = f" from {self.origin}" if self.origin else ""
        n = counted(len(self), "arrival", spec="")
        return f"TraceArrivals({n} in {self.span:.6g} s{origin})"

    def _repr_html_(self) -> str:
        rows = [
            ("arrivals", f"{len(self):,}"),
            ("span", format_seconds(self.span)),
            ("second 0 is", self.origin or "the start"),
        ]
        page = html_table("A trace of arrivals", rows)
        return page + (self.report._repr_html_() if self.report else "")

    def __len__(self) -> int:
        return int(np.size(self.times))

    @property
    def span(self) -> float:
        """Time between the first and the last arrival [s]."""
        times = np.asarray(self.times)
        return float(times[-1] - times[0]) if len(self) else 0.0

    @property
    def rate(self) -> float:
        """Arrivals per second: gaps over span; NaN if there is no span."""
        return (len(self) - 1) / self.span if self.span else float("nan")

    def chunks(self, rng: np.random.Generator, hint: int = _CHUNK) -> Iterator[Floats]:
        """Yield the times as they were recorded."""
        yield np.asarray(self.times, np.float64)


_IN_ORDER = {
    kind.chunks
    for kind in (
        PoissonArrivals,
        RenewalArrivals,
        VaryingPoissonArrivals,
        TraceArrivals,
    )
}


def as_arrivals(arrivals: Any) -> Arrivals:
    """Return `arrivals` if they are, or say what would be."""
    rule = "Arrivals such as PoissonArrivals(rate)"
    return _validate.instance("arrivals", arrivals, Arrivals, rule)  # type: ignore[type-abstract]


def _check(times: Floats, before: int, last: float) -> None:
    """Name the first of some times that cannot be, after `before` up to `last`."""
    earlier = np.concatenate([[last], times[:-1]])
    valid = (times >= earlier) & (times < np.inf)
    if not valid.all():
        i = int(np.argmin(valid))
        here = f"arrivals[{before + i}] = {times[i]}"
        if not 0 <= times[i] < np.inf:
            raise ValueError(f"arrivals must be >= 0 and finite [s], but {here}")
        raise ValueError(
            f"arrivals must be ascending, but {here} comes after {earlier[i]}; "
            "sort them first"
        )
