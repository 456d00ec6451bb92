"""The three real data sets are whole, and say what their README says."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mds_sim.data import (
    DEB_SIZES,
    EARTHQUAKES,
    FLIGHTS,
    deb_sizes,
    earthquakes,
    flights,
)
from mds_sim.files import FirstFit, FirstFitDecreasing, NextFit, pack
from mds_sim.units import MiB

LOADERS = [(earthquakes, 1707), (flights, 6759), (deb_sizes, 5000)]


@pytest.mark.parametrize(("load", "rows"), LOADERS)
def test_the_table_is_whole_and_sealed(load: Any, rows: int) -> None:
    table = load()
    assert len(table) == rows
    assert repr(table) == f"{type(table).__name__}({rows} rows)"
    for field in fields(table):
        column = getattr(table, field.name)
        assert column.shape == (rows,)
        assert not column.flags.writeable
        with pytest.raises(FrozenInstanceError):
            setattr(table, field.name, column)


def test_earthquakes() -> None:
    table = earthquakes()
    assert table.time.dtype == "datetime64[ms]"
    assert (np.diff(table.time) >= np.timedelta64(0)).all()
    assert str(table.time[0]) == "2018-01-31T01:49:59.650"
    assert str(table.time[-1]) == "2018-02-07T01:26:13.840"
    for name in ("magnitude", "longitude", "latitude", "depth_km"):
        column = getattr(table, name)
        assert column.dtype == np.float64
        assert np.isfinite(column).all()
    assert (table.magnitude[0], table.latitude[0]) == (0.31, 46.2035)
    assert table.type[0] == "earthquake"
    per_minute = len(table) / (
        (table.time[-1] - table.time[0]) / np.timedelta64(1, "m")
    )
    assert round(per_minute, 2) == 0.17


def test_flights() -> None:
    table = flights()
    assert table.scheduled_departure.dtype == "datetime64[ms]"
    assert not np.isnat(table.scheduled_departure).any()
    assert np.isnat(table.actual_departure).sum() == 298
    assert str(table.scheduled_departure[0]) == "2013-07-08T09:00:00.000"
    assert str(table.actual_departure[0]) == "2013-07-08T08:59:00.000"
    assert str(table.scheduled_departure[-1]) == "2013-07-15T03:59:00.000"
    assert (np.diff(table.scheduled_departure) >= np.timedelta64(0)).all()
    assert table.air_time_min.dtype == np.float64
    assert table.air_time_min[0] == 81
    # No flight that never left was in the air.
    assert np.isnan(table.air_time_min[np.isnat(table.actual_departure)]).all()
    assert set(table.origin) == {"EWR", "JFK", "LGA"}
    assert (table.dest[0], table.carrier[0]) == ("CLT", "US")


def test_deb_sizes() -> None:
    table = deb_sizes()
    assert table.sizes.dtype == np.int64
    assert table.sizes.min() > 0
    assert (table.sizes > 10 * MiB).sum() == 103
    assert (table.names[0], table.sizes[0]) == ("libodbc1_2.3.11-2+deb12u1", 5008)
    assert len(set(table.names)) == 5000


@pytest.mark.parametrize(
    ("strategy", "at_once", "in_nights"),
    [(FirstFitDecreasing(), 311, 335), (FirstFit(), 311, 335), (NextFit(), 355, 376)],
)
def test_the_buckets_that_the_readme_promises(
    strategy: Any, at_once: int, in_nights: int
) -> None:
    sizes = deb_sizes().sizes
    packing = pack(sizes, 10 * MiB, strategy)
    assert packing.n_buckets == at_once
    assert packing.lower_bound == 311
    assert packing.n_oversize == 103
    nights = [pack(night, 10 * MiB, strategy) for night in sizes.reshape(50, 100)]
    assert sum(night.n_buckets for night in nights) == in_nights


@pytest.mark.parametrize("path", [EARTHQUAKES, FLIGHTS, DEB_SIZES])
def test_the_readme_names_each_file_with_source_and_licence(path: Path) -> None:
    assert path.is_file()
    text = path.with_name("README.md").read_text(encoding="utf-8")
    (section,) = [part for part in text.split("\n## ") if part.startswith(path.name)]
    for word in ("**Facts.**", "**Source.**", "**Licence.**", "**How made.**"):
        assert word in section
    rows = len(path.read_text(encoding="utf-8").splitlines()) - 1
    assert f"{rows:,}" in section
