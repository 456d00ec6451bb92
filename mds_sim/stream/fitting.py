"""Arrivals like those of a trace: replayed, or drawn from a process that fits it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._reading.stamps import as_zone
from mds_sim._tables import html_table
from mds_sim.distributions import Empirical
from mds_sim.theory.stream_tests import PoissonTests, poisson_tests
from mds_sim.units import DAY, HOUR

from .arrivals import (
    Arrivals,
    PoissonArrivals,
    RenewalArrivals,
    TraceArrivals,
    VaryingPoissonArrivals,
)

Floats = NDArray[np.float64]

LAWS = ("auto", "replay", "poisson", "varying", "renewal")
_HOURS = 24
_SEED = 2014  # spreads coarse stamps; always the same, as a verdict should be
_COARSE = 0.01  # share of equal stamps from which on they are spread
_ENOUGH = 52  # arrivals that the tests need


@dataclass(frozen=True)
class DailyRate:
    """A rate that depends on the hour of the day, the same each day.

    Parameters
    ----------
    rates : tuple of float, 24 of them
        Arrivals per second from 0 to 1 o'clock, from 1 to 2, and so on.
    begin : float, optional
        How long after midnight time 0 is [s].

    Examples
    --------
    >>> office = DailyRate((0.0,) * 9 + (0.1,) * 8 + (0.0,) * 7, begin=8.5 * HOUR)
    >>> office(np.array([0.0, 1800.0, DAY]))
    array([0. , 0.1, 0. ])
    """

    rates: tuple[float, ...]
    begin: float = 0.0

    def __post_init__(self) -> None:
        rates = _validate.durations("rates", self.rates)
        if rates.size != _HOURS:
            raise ValueError(f"rates must be {_HOURS}, one an hour, got {rates.size}")
        object.__setattr__(self, "rates", tuple(rates.tolist()))

    def __call__(self, times: Floats) -> Floats:
        """Return the rates [per second] at some times [s]."""
        hour = ((np.asarray(times) + self.begin) % DAY / HOUR).astype(np.int64)
        return np.asarray(self.rates)[np.minimum(hour, _HOURS - 1)]


@dataclass(frozen=True)
class ArrivalsFit:
    """Arrivals like those of a trace, and why they were chosen.

    Attributes
    ----------
    law : {"replay", "poisson", "varying", "renewal"}
    arrivals : Arrivals
    tests : PoissonTests or None
        Of the stamps as they are; None for a trace too short for them.
    spread : PoissonTests or None
        Of stamps that are spread over their resolution, if many are equal.
    daily : DailyRate
        Arrivals per second by the hour of the day.
    """

    law: str
    arrivals: Arrivals
    tests: PoissonTests | None
    spread: PoissonTests | None
    daily: DailyRate

    @property
    def verdict(self) -> str:
        """What the tests say, in words."""
        best = self.spread or self.tests
        if best is None:
            return "too few arrivals to tell whether they are Poisson"
        if self.spread is None:
            return best.verdict
        return f"{best.verdict}, once equal stamps are spread over their resolution"

    def _repr_html_(self) -> str:
        rates = self.daily.rates
        rows = [
            ("law", self.law),
            ("arrivals an hour, least", f"{min(rates) * HOUR:.4g}"),
            ("arrivals an hour, most", f"{max(rates) * HOUR:.4g}"),
        ]
        best = self.spread or self.tests
        return html_table(self.verdict, rows) + (best._repr_html_() if best else "")


def fit_arrivals(
    trace: TraceArrivals, law: str = "auto", *, zone: str | None = None
) -> ArrivalsFit:
    """Find arrivals like those of a trace.

    Parameters
    ----------
    trace : TraceArrivals
    law : {"auto", "replay", "poisson", "varying", "renewal"}, optional
        The trace as it was; a Poisson stream of its rate; one whose rate depends on
        the hour of the day; or independent gaps, drawn from those of the trace. By
        default the simplest that the tests of `theory.poisson_tests` let pass: a
        Poisson stream, then one that varies, if the trace covers a day; or else the
        trace itself.
    zone : str, optional
        Whose hours of the day; that of the stamps by default, or UTC.

    Returns
    -------
    ArrivalsFit

    Raises
    ------
    ValueError
        If the trace has no span, and a law other than ``"replay"`` is wanted.

    Notes
    -----
    The difference from UTC is that of second 0 throughout: an hour that clocks are
    put forward moves the profile by an hour.

    Examples
    --------
    >>> from mds_sim.data import EARTHQUAKES, FLIGHTS
    >>> from .traces import read_arrivals
    >>> fit_arrivals(read_arrivals(EARTHQUAKES, "time")).arrivals
    PoissonArrivals(rate=0.00282743...)
    >>> flights = read_arrivals(FLIGHTS, "actual_departure")
    >>> fit_arrivals(flights, zone="America/New_York").law
    'varying'
    """
    _validate.instance("trace", trace, TraceArrivals, "a TraceArrivals")
    _validate.choice("law", law, LAWS)
    times = np.asarray(trace.times, np.float64)
    if law != "replay" and not trace.span:
        if law != "auto":
            raise ValueError(
                f"trace must span some time to fit law={law!r}, got {trace!r}; "
                "law='replay' replays it"
            )
        law = "replay"
    tests = poisson_tests(times) if _is_enough(times) else None
    spread = _spread(times, tests)
    daily = daily_rate(trace, zone=zone)
    if law == "auto":
        law = _choose(trace, spread or tests)
    arrivals = _arrivals(trace, law, daily)
    return ArrivalsFit(law, arrivals, tests, spread, daily)


def daily_rate(trace: TraceArrivals, *, zone: str | None = None) -> DailyRate:
    """Return the arrivals per second by the hour of the day.

    Parameters
    ----------
    trace : TraceArrivals
    zone : str, optional
        As in `fit_arrivals`.

    Returns
    -------
    DailyRate
        An hour of the day that the trace does not cover has its mean rate.

    Examples
    --------
    >>> trace = TraceArrivals([0, 60, 120, 7200], origin="2024-01-01T08:00:00+00:00")
    >>> [round(rate * HOUR, 2) for rate in daily_rate(trace).rates[8:10]]
    [3.0, 0.0]
    """
    times = np.asarray(trace.times, np.float64)
    origin = _since_midnight(trace, zone)
    if not trace.span:
        return DailyRate((0.0,) * _HOURS, origin)
    begin = origin + float(times[0])
    # As many as there are gaps: the last one ends the trace.
    hour = ((times[:-1] + origin) % DAY / HOUR).astype(np.int64)
    count = np.bincount(np.minimum(hour, _HOURS - 1), minlength=_HOURS)
    seen = _covered(begin + trace.span) - _covered(begin)
    rate = np.full(_HOURS, trace.rate)
    np.divide(count, seen, out=rate, where=seen > 0)
    return DailyRate(tuple(rate.tolist()), origin)


def _covered(until: float) -> Floats:
    """Return how much of each hour of the day there is from midnight on [s]."""
    days, rest = divmod(until, DAY)
    hours: Floats = days * HOUR + np.clip(rest - np.arange(_HOURS) * HOUR, 0.0, HOUR)
    return hours


def _since_midnight(trace: TraceArrivals, zone: str | None) -> float:
    """Return how long after midnight second 0 is [s]; 0 if nobody knows."""
    if not trace.origin:
        return 0.0
    if zone is None and trace.report is not None:
        zone = trace.report.zone or None
    first = datetime.fromisoformat(trace.origin)
    with suppress(OverflowError):  # hours before year 1, or after 9999
        first = first.astimezone(as_zone(zone))
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    # On the clock: both in the zone, whose changes do not count.
    return (first.replace(tzinfo=None) - midnight.replace(tzinfo=None)).total_seconds()


def _is_enough(times: Floats) -> bool:
    """Tell whether there are arrivals enough for the tests."""
    if times.size < _ENOUGH:
        return False
    inner = np.count_nonzero((times > times[0]) & (times < times[-1]))
    return bool(inner >= _ENOUGH - 2)


def _spread(times: Floats, tests: PoissonTests | None) -> PoissonTests | None:
    """Test once more, with equal stamps spread over their resolution."""
    if tests is None or tests.tie_share <= _COARSE:
        return None
    rng = np.random.default_rng(_SEED)
    return poisson_tests(
        np.sort(times + rng.uniform(0.0, tests.resolution, times.size))
    )


def _choose(trace: TraceArrivals, tests: PoissonTests | None) -> str:
    """Return the simplest law that passes."""
    if tests is None or not tests.verdict.startswith("passes"):
        return "replay"
    if "varies" not in tests.verdict:
        return "poisson"
    return "varying" if trace.span >= DAY else "replay"


def _arrivals(trace: TraceArrivals, law: str, daily: DailyRate) -> Arrivals:
    """Return arrivals by a law."""
    if law == "replay":
        return trace
    if law == "poisson":
        return PoissonArrivals(trace.rate)
    if law == "varying":
        return VaryingPoissonArrivals(daily, max(daily.rates))
    gaps: Any = np.diff(np.asarray(trace.times, np.float64))
    return RenewalArrivals(Empirical(gaps))
