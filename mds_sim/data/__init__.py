"""Three small real data sets; README.md beside this file has source and licence.

Examples
--------
>>> earthquakes()
Earthquakes(1707 rows)
>>> EARTHQUAKES.name
'usgs_earthquakes_2018w05.csv'
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mds_sim._tables import html_columns
from mds_sim._validate import sealed
from mds_sim.units import counted

__all__ = [
    "DEB_SIZES",
    "EARTHQUAKES",
    "FLIGHTS",
    "DebSizes",
    "Earthquakes",
    "Flights",
    "deb_sizes",
    "earthquakes",
    "flights",
]

EARTHQUAKES: Path = Path(__file__).with_name("usgs_earthquakes_2018w05.csv")
FLIGHTS: Path = Path(__file__).with_name("nyc_flights_2013w28.csv")
DEB_SIZES: Path = Path(__file__).with_name("debian_deb_sizes_sample.csv")

Times = NDArray[np.datetime64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Texts = NDArray[np.str_]


class _Table:
    """Read-only columns of equal length."""

    def __len__(self) -> int:
        columns = fields(self)  # type: ignore[arg-type]  # subclasses are dataclasses
        return len(getattr(self, columns[0].name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({counted(len(self), 'row', spec='')})"

    def _repr_html_(self) -> str:
        columns = fields(self)  # type: ignore[arg-type]  # as above
        shown = {column.name: getattr(self, column.name) for column in columns}
        return html_columns(
            f"{type(self).__name__}: {counted(len(self), 'row')}", shown
        )


@dataclass(frozen=True, eq=False, repr=False)
class Earthquakes(_Table):
    """Earthquakes of one week, in order of time.

    Attributes
    ----------
    time : ndarray of datetime64[ms], shape (1707,)
        When it happened (UTC).
    magnitude, longitude, latitude : ndarray of float64
    depth_km : ndarray of float64
        Depth [km]; NaN if missing, as in the other columns of numbers.
    type : ndarray of str
        Kind of event: "earthquake", "quarry blast" and so on.

    Examples
    --------
    >>> len(earthquakes())
    1707
    """

    time: Times
    magnitude: Floats
    longitude: Floats
    latitude: Floats
    depth_km: Floats
    type: Texts


@dataclass(frozen=True, eq=False, repr=False)
class Flights(_Table):
    """Flights that left New York in one week, in order of the schedule.

    Attributes
    ----------
    scheduled_departure, actual_departure : ndarray of datetime64[ms], shape (6759,)
        To the minute (UTC); NaT if it never left.
    air_time_min : ndarray of float64
        Time in the air [min]; NaN if missing.
    origin, dest, carrier : ndarray of str

    Examples
    --------
    >>> int(np.isnat(flights().actual_departure).sum())
    298
    """

    scheduled_departure: Times
    actual_departure: Times
    air_time_min: Floats
    origin: Texts
    dest: Texts
    carrier: Texts


@dataclass(frozen=True, eq=False, repr=False)
class DebSizes(_Table):
    """Names and sizes of software packages: 50 nights of 100 files.

    Attributes
    ----------
    names : ndarray of str, shape (5000,)
    sizes : ndarray of int64, shape (5000,)
        Sizes [bytes].

    Examples
    --------
    >>> deb_sizes().sizes.reshape(50, 100)[0, :3]
    array([ 5008, 25148, 17776])
    """

    names: Texts
    sizes: Ints


def earthquakes() -> Earthquakes:
    """Load the earthquakes.

    Examples
    --------
    >>> str(earthquakes().time[0])
    '2018-01-31T01:49:59.650'
    """
    columns = _read(EARTHQUAKES)
    return Earthquakes(
        time=_times(columns["time"]),
        magnitude=_floats(columns["magnitude"]),
        longitude=_floats(columns["longitude"]),
        latitude=_floats(columns["latitude"]),
        depth_km=_floats(columns["depth_km"]),
        type=sealed(np.array(columns["type"])),
    )


def flights() -> Flights:
    """Load the flights.

    Examples
    --------
    >>> str(flights().scheduled_departure[0])
    '2013-07-08T09:00:00.000'
    """
    columns = _read(FLIGHTS)
    return Flights(
        scheduled_departure=_times(columns["scheduled_departure"]),
        actual_departure=_times(columns["actual_departure"]),
        air_time_min=_floats(columns["air_time_min"]),
        origin=sealed(np.array(columns["origin"])),
        dest=sealed(np.array(columns["dest"])),
        carrier=sealed(np.array(columns["carrier"])),
    )


def deb_sizes() -> DebSizes:
    """Load the names and sizes of the software packages.

    Examples
    --------
    >>> int((deb_sizes().sizes > 10 * 2**20).sum())
    103
    """
    columns = _read(DEB_SIZES)
    return DebSizes(
        names=sealed(np.array(columns["file"])),
        sizes=sealed(np.array(columns["bytes"], dtype=np.int64)),
    )


def _read(path: Path) -> dict[str, list[str]]:
    """Return the columns of a CSV file, as they are written."""
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    columns = map(list, zip(*rows, strict=True))
    return dict(zip(header, columns, strict=True))


def _times(texts: list[str]) -> Times:
    """Return ISO stamps in UTC as times, NaT where there is none."""
    stamps = [text.removesuffix("Z") or "NaT" for text in texts]
    return sealed(np.array(stamps, dtype="datetime64[ms]"))


def _floats(texts: list[str]) -> Floats:
    """Return numbers, NaN where there is none."""
    return sealed(np.array([text or "nan" for text in texts], dtype=np.float64))
