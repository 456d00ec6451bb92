"""A diagnosis says what the data are like, in words that the figures bear out."""

import json
import re
from typing import Any

import numpy as np
import pytest

from mds_sim import data
from mds_sim.analysis import diagnose
from mds_sim.distributions import Constant, Exponential
from mds_sim.files import FileSource, NightlyPipeline, read_sizes
from mds_sim.sim import LinearService
from mds_sim.stream import StreamPipeline, TraceArrivals, read_arrivals
from mds_sim.units import HOUR, MB


def test_the_earthquakes_pass_for_poisson() -> None:
    found = diagnose(read_arrivals(data.EARTHQUAKES, "time"))
    assert found.sizes is None
    assert found.arrivals is not None
    assert found.arrivals.verdict == "passes for a Poisson stream"
    assert found.arrivals.fit.law == "poisson"


def test_the_flights_follow_the_hours_of_new_york() -> None:
    stream = diagnose(
        read_arrivals(data.FLIGHTS, "actual_departure"), zone="America/New_York"
    ).arrivals
    assert stream is not None
    departure = data.flights().actual_departure
    local = departure[~np.isnat(departure)] - np.timedelta64(4, "h")
    hour = (local - local.astype("datetime64[D]")) // np.timedelta64(1, "h")
    count = np.bincount(hour.astype(int), minlength=24)
    assert stream.busiest == count.argmax()
    assert stream.quietest == count.argmin()
    # Nearly seven days; the last ends in its first hours.
    assert np.allclose(np.array(stream.rates) * HOUR, count / 7, atol=6)


def test_software_packages_are_not_exponential() -> None:
    sizes = diagnose(read_sizes(data.DEB_SIZES, "bytes")).sizes
    assert sizes is not None
    assert sizes.best is not None
    assert sizes.best.name == "lognormal"
    assert not sizes.is_exponential
    ranked = np.sort(data.deb_sizes().sizes)[::-1]
    assert sizes.top_share == pytest.approx(ranked[:50].sum() / ranked.sum())


def test_exponential_sizes_are_exponential() -> None:
    # Lilliefors' test refuses one in 100 at this level; not this seed.
    sizes = diagnose(FileSource(2000).sample(rng=1)).sizes
    assert sizes is not None
    assert sizes.is_exponential
    assert "not exponential" not in sizes.verdict


def test_sizes_that_no_law_is_near() -> None:
    sizes = diagnose(np.repeat([1_000, 9_000_000], 200)).sizes
    assert sizes is not None
    assert re.fullmatch(
        r"none of four laws is near \(\w+: off by \d+% at most\); "
        r"not exponential \(off by \d+%, p < 0\.001\)",
        sizes.verdict,
    )


def test_a_record_has_both() -> None:
    stream = StreamPipeline(service=Constant(9.0), message_size=Exponential(1 * MB))
    found = diagnose(stream.simulate(until=6 * HOUR, rng=1))
    assert found.arrivals is not None
    assert found.arrivals.verdict == "passes for a Poisson stream"
    assert found.sizes is not None
    assert list(found.to_dict()) == ["arrivals", "sizes"]
    plain = StreamPipeline(service=Constant(9.0)).simulate(until=6 * HOUR, rng=1)
    assert diagnose(plain).sizes is None
    nights = NightlyPipeline(service=LinearService(1.0)).simulate(nights=3, rng=1)
    assert diagnose(nights).sizes is not None


def test_files_are_diagnosed_by_their_sizes() -> None:
    sizes = diagnose(FileSource(50).files(rng=1)).sizes
    assert sizes is not None
    assert sizes.sizes.tolist() == FileSource(50).sample(rng=1)[0].tolist()


def test_it_is_a_table_for_readers_and_a_dict_for_programs() -> None:
    found = diagnose(read_arrivals(data.EARTHQUAKES, "time"))
    text = str(found)
    assert text.startswith("arrivals: passes for a Poisson stream\n")
    assert re.search(r"^  rate +10\.18 an hour$", text, re.MULTILINE)
    assert re.search(r"^  to simulate it +a Poisson stream of this rate$", text, re.M)
    assert ">arrivals: passes" in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict()))["arrivals"]["arrivals"] == 1707


def test_few_data_are_no_error() -> None:
    one = diagnose(TraceArrivals([5.0]))
    assert re.search(r"^  rate +-$", str(one), re.MULTILINE)
    few = diagnose([3, 4]).sizes
    assert few is not None
    assert (few.best, few.is_exponential) == (None, False)
    assert "largest" in str(diagnose([3, 4]))
    assert "files" in str(diagnose([0, 0]))


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ([], ValueError, "sizes must hold at least one, got none"),
        (TraceArrivals([]), ValueError, "data must hold an arrival, got none"),
        ([-5], ValueError, "sizes must be whole bytes >= 0, but sizes[0] = -5"),
        (
            "log.csv",
            TypeError,
            "data must be a TraceArrivals, a RunRecord, files or sizes [bytes], "
            "got str",
        ),
        (
            FileSource(),
            TypeError,
            "data must be measured, got a FileSource, which is a law; "
            "source.sample(nights) draws sizes from it",
        ),
    ],
)
def test_what_cannot_be_diagnosed(
    given: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        diagnose(given)


def test_sizes_that_differ_by_less_than_a_logarithm_can_tell() -> None:
    told = diagnose([10**15] * 30 + [10**15 + 1]).sizes
    assert told is not None
    assert told.verdict == "too few sizes, or too much alike, to tell their law"


def test_shares_are_never_written_with_a_power_of_ten() -> None:
    assert "e+02%" not in str(diagnose([1] * 1000 + [10**12]))


@pytest.mark.parametrize(
    ("origin", "zone"),
    [
        ("0001-01-01T00:00:00+00:00", "America/New_York"),
        ("9999-12-31T23:00:00+00:00", "Asia/Tokyo"),
    ],
)
def test_the_ends_of_all_calendars(origin: str, zone: str) -> None:
    told = diagnose(TraceArrivals([0.0, 600.0, 1800.0], origin=origin), zone=zone)
    assert told.arrivals is not None
    assert told.arrivals.fit.daily.begin == 3600.0 * int(origin[11:13])
