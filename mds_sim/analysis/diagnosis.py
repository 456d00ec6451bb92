"""What is this data like? A stream's rate and chance, and the law of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_table, text_table
from mds_sim.files import File, FileSource
from mds_sim.records import RunRecord
from mds_sim.stream import ArrivalsFit, TraceArrivals, fit_arrivals
from mds_sim.theory.size_laws import FEWEST, LawFit, differ, fit_laws
from mds_sim.units import DAY, HOUR, format_bytes, format_seconds

Ints = NDArray[np.int64]
Rows = list[tuple[str, str]]

NEAR = 0.1  # largest distance of a law that is said to be near
_LEVEL = 0.01  # at which the exponential law is refused
_NAMES = {
    "replay": "replay it as it is",
    "poisson": "a Poisson stream of this rate",
    "varying": "a Poisson stream whose rate follows the hour of the day",
}


@dataclass(frozen=True, eq=False)
class ArrivalsDiagnosis:
    """What a stream is like.

    Attributes
    ----------
    trace : TraceArrivals
    fit : ArrivalsFit
        The rates by the hour of the day, the tests, and the arrivals that they
        suggest.
    zone : str
        Where the hours of the day are those of the clock.

    Examples
    --------
    >>> from mds_sim.data import earthquakes
    >>> quakes = earthquakes().time
    >>> times = np.sort((quakes - quakes.min()) / np.timedelta64(1, "s"))
    >>> diagnose(TraceArrivals(times)).arrivals.verdict
    'passes for a Poisson stream'
    """

    trace: TraceArrivals
    fit: ArrivalsFit
    zone: str = "UTC"

    @property
    def rates(self) -> tuple[float, ...]:
        """Arrivals per second by the hour of the day, 24 of them."""
        return self.fit.daily.rates

    @property
    def verdict(self) -> str:
        """Whether it is Poisson, in words."""
        return self.fit.verdict

    @property
    def busiest(self) -> int:
        """The hour of the day with the highest rate, 0 to 23."""
        return int(np.argmax(self.rates))

    @property
    def quietest(self) -> int:
        """The hour of the day with the lowest rate, 0 to 23."""
        return int(np.argmin(self.rates))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name; times in s, rates per second."""
        tests = self.fit.spread or self.fit.tests
        return {
            "arrivals": len(self.trace),
            "span": self.trace.span,
            "rate": self.trace.rate,
            "rates_by_hour": list(self.rates),
            "verdict": self.verdict,
            "dispersion": None if tests is None else tests.dispersion,
            "gap_scv": None if tests is None else tests.gap_scv,
            "suggested_law": self.fit.law,
        }

    def __str__(self) -> str:
        return text_table(self._title(), self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._title(), self._rows())

    def _title(self) -> str:
        return f"arrivals: {self.verdict}"

    def _rows(self) -> Rows:
        rows = [
            ("arrivals", f"{len(self.trace):,}"),
            ("span", format_seconds(self.trace.span)),
            ("rate", _an_hour(self.trace.rate)),
        ]
        if self.trace.span >= DAY:
            rows += [
                (f"busiest hour ({self.zone})", self._hour(self.busiest)),
                (f"quietest hour ({self.zone})", self._hour(self.quietest)),
            ]
        tests = self.fit.spread or self.fit.tests
        if tests is not None:
            rows += [
                ("dispersion (Poisson: 1)", f"{tests.dispersion:.3g}"),
                ("scv of gaps (Poisson: 1)", f"{tests.gap_scv:.3g}"),
            ]
            ties = self.fit.tests.tie_share if self.fit.tests else 0.0
            rows.append(("equal stamps", f"{ties:.1%}"))
        return [*rows, ("to simulate it", _NAMES[self.fit.law])]

    def _hour(self, hour: int) -> str:
        """Say the rate in an hour of the day."""
        return f"{hour} to {hour + 1} o'clock, {_an_hour(self.rates[hour])}"


@dataclass(frozen=True, eq=False)
class SizesDiagnosis:
    """What sizes are like.

    Attributes
    ----------
    sizes : ndarray of int64, shape (n,)
        Sizes [bytes].
    fits : tuple of LawFit
        Four laws, the likeliest first; none if there are fewer than ten sizes.
    exponential_p : float
        How likely so large a distance from the exponential law is for exponential
        sizes (Lilliefors' test).

    Examples
    --------
    >>> from mds_sim.data import deb_sizes
    >>> diagnose(deb_sizes().sizes).sizes.verdict
    'lognormal is nearest of four laws, off by 6.6% at most; not exponential (off by
    59%, p < 0.001)'
    """

    sizes: Ints
    fits: tuple[LawFit, ...] = ()
    exponential_p: float = field(default=float("nan"))

    @property
    def best(self) -> LawFit | None:
        """The likeliest law; None if there are too few sizes."""
        return self.fits[0] if self.fits else None

    @property
    def is_exponential(self) -> bool:
        """Whether the exponential law is not refused, at a level of 1 %."""
        return self.exponential_p >= _LEVEL

    @property
    def top_share(self) -> float:
        """Share of all bytes that is in the largest 1 % of the files."""
        ranked = np.sort(self.sizes.astype(np.float64))[::-1]
        return float(ranked[: max(1, ranked.size // 100)].sum() / max(ranked.sum(), 1))

    @property
    def verdict(self) -> str:
        """Which law fits, in words."""
        if self.best is None:
            return "too few sizes, or too much alike, to tell their law"
        off = f"off by {_percent(self.best.distance)} at most"
        words = f"{self.best.name} is nearest of four laws, {off}"
        if self.best.distance > NEAR:
            words = f"none of four laws is near ({self.best.name}: {off})"
        if self.is_exponential:
            is_best = self.best.name == "exponential"
            return words if is_best else f"{words}; exponential is not refused"
        return f"{words}; not exponential ({self._exponential()})"

    def _exponential(self) -> str:
        """Say how far the exponential law is off."""
        fit = next(fit for fit in self.fits if fit.name == "exponential")
        p = f"{self.exponential_p:.3f}" if self.exponential_p >= 0.001 else "< 0.001"
        p = p if p.startswith("<") else f"= {p}"
        return f"off by {_percent(fit.distance)}, p {p}"

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name; sizes in bytes."""
        sizes = self.sizes.astype(np.float64)
        return {
            "files": self.sizes.size,
            "bytes": float(sizes.sum()),
            "mean": float(sizes.mean()),
            "median": float(np.median(sizes)),
            "max": float(sizes.max()),
            "scv": _scv(sizes),
            "top_share": self.top_share,
            "verdict": self.verdict,
            "distances": {fit.name: fit.distance for fit in self.fits},
        }

    def __str__(self) -> str:
        return text_table(self._title(), self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._title(), self._rows())

    def _title(self) -> str:
        return f"sizes: {self.verdict}"

    def _rows(self) -> Rows:
        figures = self.to_dict()
        rows = [
            ("files", f"{self.sizes.size:,}"),
            ("in all", format_bytes(figures["bytes"])),
            ("mean", format_bytes(figures["mean"])),
            ("median", format_bytes(figures["median"])),
            ("largest", format_bytes(figures["max"])),
            ("scv (exponential: 1)", f"{figures['scv']:.3g}"),
            ("bytes in the largest 1%", f"{self.top_share:.0%}"),
        ]
        return rows + [
            (f"{fit.name} law off by", _percent(fit.distance)) for fit in self.fits
        ]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What data are like: arrivals, sizes or both.

    ``print`` shows tables, Jupyter shows them as HTML; `plots.plot_daily_rate` and
    `plots.plot_size_laws` draw them.

    Attributes
    ----------
    arrivals : ArrivalsDiagnosis or None
    sizes : SizesDiagnosis or None

    Examples
    --------
    >>> few = diagnose([5_000, 25_000, 18_000])
    >>> print(few.sizes.verdict)
    too few sizes, or too much alike, to tell their law
    """

    arrivals: ArrivalsDiagnosis | None = None
    sizes: SizesDiagnosis | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures of each part by name."""
        return {
            name: part.to_dict()
            for name, part in (("arrivals", self.arrivals), ("sizes", self.sizes))
            if part is not None
        }

    @property
    def _parts(self) -> list[ArrivalsDiagnosis | SizesDiagnosis]:
        """The parts that there are."""
        return [part for part in (self.arrivals, self.sizes) if part is not None]

    def __str__(self) -> str:
        return "\n".join(map(str, self._parts))

    def _repr_html_(self) -> str:
        return "".join(part._repr_html_() for part in self._parts)


def diagnose(data: Any, *, zone: str | None = None) -> Diagnosis:
    """Tell what data are like, before they are simulated.

    Parameters
    ----------
    data : TraceArrivals, RunRecord, list of File, or array_like of int
        A trace is diagnosed as a stream; files, or an array of numbers, as sizes
        [bytes]; a record as both, if its items have sizes.
    zone : str, optional
        Whose hours of the day, such as ``"America/New_York"``; by default that of
        the stamps that named none, or UTC.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        If there is nothing in it.
    TypeError
        If it is something else.

    Examples
    --------
    >>> from mds_sim.data import FLIGHTS
    >>> from mds_sim.stream import read_arrivals
    >>> flights = read_arrivals(FLIGHTS, column="actual_departure")
    >>> print(diagnose(flights, zone="America/New_York"))
    arrivals: passes for a Poisson stream whose rate varies, once equal stamps are
    spread over their resolution
      arrivals                                                          6,461
      span                                                             6.84 d
      rate                                                      39.34 an hour
      busiest hour (America/New_York)           7 to 8 o'clock, 67.71 an hour
      ...
    """
    if isinstance(data, TraceArrivals):
        return Diagnosis(arrivals=_arrivals(data, zone))
    if isinstance(data, RunRecord):
        sizes = data.items.size
        times = data.items.arrival - min(0.0, float(data.items.arrival.min(initial=0)))
        return Diagnosis(
            _arrivals(TraceArrivals(np.sort(times)), zone),
            _sizes(sizes) if sizes.any() else None,
        )
    return Diagnosis(sizes=_sizes(_as_sizes(data)))


def _as_sizes(data: Any) -> Any:
    """Return the sizes of files, or numbers as they are."""
    if isinstance(data, FileSource):
        raise TypeError(
            "data must be measured, got a FileSource, which is a law; "
            "source.sample(nights) draws sizes from it"
        )
    if isinstance(data, Sequence) and data and isinstance(data[0], File):
        return np.array([file.size_bytes for file in data], np.int64)
    array = np.asarray(data)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            "data must be a TraceArrivals, a RunRecord, files or sizes [bytes], "
            f"got {type(data).__name__}"
        )
    return array.ravel()


def _arrivals(trace: TraceArrivals, zone: str | None) -> ArrivalsDiagnosis:
    """Diagnose a stream."""
    if not len(trace):
        raise ValueError("data must hold an arrival, got none")
    clock = zone or ("UTC" if trace.origin else "from the start")
    return ArrivalsDiagnosis(trace, fit_arrivals(trace, zone=zone), clock)


def _sizes(sizes: Any) -> SizesDiagnosis:
    """Diagnose sizes."""
    from mds_sim.theory._arrival_statistics import lilliefors

    array = _validate.sealed(_validate.sizes("sizes", sizes))
    if not array.size:
        raise ValueError("sizes must hold at least one, got none")
    above = array[array > 0].astype(np.float64)
    if above.size < FEWEST or not differ(above):
        return SizesDiagnosis(array)
    return SizesDiagnosis(array, fit_laws(above), lilliefors(above)[1])


def _scv(values: NDArray[np.float64]) -> float:
    """Return Var X / (E X)^2."""
    mean = float(values.mean())
    return float(values.var()) / mean**2 if mean else 0.0


def _an_hour(rate: float) -> str:
    """Write a rate [per second] for a person."""
    if np.isnan(rate):
        return "-"
    return f"{rate:,.4g} a second" if rate >= 1.0 else f"{rate * HOUR:,.4g} an hour"


def _percent(share: float) -> str:
    """Write a share with two digits."""
    return f"{share * 100:.0f}%" if share >= 0.0995 else f"{share * 100:.2g}%"
