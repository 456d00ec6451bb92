"""Files that come one by one: what is open, when it is closed, how late it gets."""

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.files.source import FileSource
from mds_sim.files.strategies import FirstFit, LookbackFit
from mds_sim.files.trickle import (
    ClosedBucket,
    OpenBuckets,
    TrickleRule,
    lateness,
    trickle_in,
)
from mds_sim.sim.service import LinearService
from mds_sim.units import HOUR, MB

INSTANT = LinearService()


class TestOpenBuckets:
    def test_a_bucket_takes_files_until_its_time_is_over(self) -> None:
        buckets = OpenBuckets(TrickleRule(capacity=10, timeout=60.0))
        assert buckets.deadline() == math.inf
        assert buckets.add(5.0, "a", 4) == []
        assert buckets.add(64.9, "b", 1) == []
        assert buckets.deadline() == 65.0
        assert buckets.add(65.0, "c", 1) == [ClosedBucket(5.0, 65.0, 5, ("a", "b"))]
        assert len(buckets) == 1
        assert buckets.advance(124.9) == []
        assert buckets.advance(200.0) == [ClosedBucket(65.0, 125.0, 1, ("c",))]
        assert len(buckets) == 0

    def test_it_is_closed_when_it_is_full_enough(self) -> None:
        buckets = OpenBuckets(TrickleRule(capacity=10, close_at=0.8))
        assert buckets.add(0.0, "a", 7) == []
        assert buckets.add(1.0, "b", 1) == [ClosedBucket(0.0, 1.0, 8, ("a", "b"))]

    def test_the_fullest_is_closed_when_too_many_are_open(self) -> None:
        buckets = OpenBuckets(TrickleRule(capacity=10, close_at=1.0, most_open=2))
        assert buckets.add(0.0, "a", 6) == []
        assert buckets.add(1.0, "b", 8) == []
        assert buckets.add(2.0, "c", 8) == [ClosedBucket(1.0, 2.0, 8, ("b",))]
        assert buckets.flush(3.0) == [
            ClosedBucket(0.0, 3.0, 6, ("a",)),
            ClosedBucket(2.0, 3.0, 8, ("c",)),
        ]

    def test_an_oversize_file_is_alone_and_the_others_stay(self) -> None:
        buckets = OpenBuckets(TrickleRule(capacity=10))
        assert buckets.add(0.0, "a", 6) == []
        assert buckets.add(1.0, "b", 11) == [ClosedBucket(1.0, 1.0, 11, ("b",))]
        assert len(buckets) == 1

    def test_time_goes_forward(self) -> None:
        buckets = OpenBuckets(TrickleRule(capacity=10))
        buckets.advance(9.0)
        message = "time must be >= 9.0 s, the latest that was told, got 8.0"
        for late in (lambda: buckets.add(8.0, "a", 1), lambda: buckets.flush(8.0)):
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                late()
        assert buckets.advance(8.0) == []
        assert len(buckets) == 0

    @pytest.mark.parametrize(
        ("time", "size", "message"),
        [
            (math.nan, 1, "time must be >= 0 and finite s, got nan"),
            (-1.0, 1, "time must be >= 0 and finite s, got -1.0"),
            (0.0, -1, "size must be >= 0 and finite bytes, got -1"),
            (0.0, 1.5, "size must be whole bytes >= 0, got 1.5"),
        ],
    )
    def test_a_wrong_file_changes_nothing(
        self, time: float, size: Any, message: str
    ) -> None:
        buckets = OpenBuckets(TrickleRule(capacity=10))
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            buckets.add(time, "a", size)
        assert len(buckets) == 0

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"capacity": 0}, "capacity must be whole bytes >= 1, got 0"),
            ({"close_at": 0.0}, "close_at must be in (0, 1], got 0.0"),
            ({"close_at": 1.5}, "close_at must be in (0, 1], got 1.5"),
            ({"timeout": 0.0}, "timeout must be > 0 and finite s, got 0.0"),
            ({"most_open": 0}, "most_open must be >= 1, got 0"),
        ],
    )
    def test_a_wrong_rule_is_refused(
        self, fields: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            TrickleRule(**fields)

    def test_the_rule_itself_is_needed(self) -> None:
        message = (
            "rule must be a rule such as TrickleRule(timeout=900), "
            "got the class TrickleRule: call it"
        )
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            OpenBuckets(TrickleRule)  # type: ignore[arg-type]


@st.composite
def nights(draw: st.DrawFn) -> tuple[list[float], list[int], TrickleRule]:
    """Return arrivals, sizes (some too large) and a rule."""
    sizes = draw(st.lists(st.integers(0, 25), max_size=25))
    gaps = [draw(st.sampled_from([0.0, 1.0, 2.5, 30.0])) for _ in sizes]
    rule = TrickleRule(
        capacity=20,
        close_at=draw(st.sampled_from([0.3, 0.9, 1.0])),
        timeout=draw(st.sampled_from([1.0, 5.0, math.inf])),
        most_open=draw(st.integers(1, 4)),
    )
    return np.cumsum(gaps).tolist(), sizes, rule


class TestTrickleIn:
    @given(night=nights())
    def test_each_file_is_in_one_bucket_in_time(
        self, night: tuple[list[float], list[int], TrickleRule]
    ) -> None:
        arrivals, sizes, rule = night
        service = LinearService(1.0, per_byte=0.1)
        record = trickle_in(arrivals, sizes, rule, service, workers=2).check()
        jobs = record.jobs
        alone = jobs.n_items == 1
        assert np.all((jobs.load <= rule.capacity) | alone)
        assert np.all(jobs.ready - jobs.open <= rule.timeout)
        assert np.all(np.diff(jobs.ready) >= 0)
        waited = record.items.arrival - jobs.open[record.items.job]
        assert np.all((waited < rule.timeout) & (waited >= 0))

    @given(
        sizes=st.lists(st.integers(1, 20), min_size=1, max_size=30),
        most_open=st.integers(1, 4),
    )
    def test_without_a_time_it_packs_as_looking_back_does(
        self, sizes: list[int], most_open: int
    ) -> None:
        rule = TrickleRule(capacity=20, close_at=1.0, most_open=most_open)
        record = trickle_in(range(len(sizes)), sizes, rule, INSTANT)
        # There a full bucket stays open, but is the first that has to go.
        plain = LookbackFit(most_open, "fullest").assign(np.array(sizes), 20)
        assert same_groups(record.items.job, plain)

    def test_with_enough_open_it_is_first_fit(self) -> None:
        sizes = np.minimum(FileSource(300).sample(rng=5)[0], 10 * MB)
        rule = TrickleRule(close_at=1.0, most_open=300)
        record = trickle_in(np.arange(300.0), sizes, rule, INSTANT)
        assert same_groups(record.items.job, FirstFit().assign(sizes, 10 * MB))

    def test_more_buckets_buy_earliness(self) -> None:
        # 100 files of 1 MB come through eight hours, for workers at 10 kB a second
        # that need a minute to start: means of 100 nights.
        rng = np.random.default_rng(6)
        service = LinearService(60.0, per_byte=1 / (10_000))
        late: dict[float, list[float]] = {}
        buckets: dict[float, list[int]] = {}
        for _ in range(100):
            arrivals = np.sort(rng.uniform(0, 8 * HOUR, 100))
            sizes = FileSource(100).sample(rng=rng)[0]
            for timeout in (HOUR / 4, HOUR, math.inf):
                rule = TrickleRule(timeout=timeout)
                night = trickle_in(arrivals, sizes, rule, service, end=8 * HOUR)
                late.setdefault(timeout, []).append(lateness(night, 8 * HOUR).max())
                buckets.setdefault(timeout, []).append(len(night.jobs))
        patient, hour, quarter = (
            (np.mean(late[t]), np.mean(buckets[t])) for t in (math.inf, HOUR, HOUR / 4)
        )
        assert patient[0] > hour[0] > quarter[0]
        assert patient[1] < hour[1] < quarter[1]

    def test_the_end_closes_what_is_open(self) -> None:
        rule = TrickleRule(capacity=10, close_at=1.0)
        night = trickle_in([0, 5], [6, 6], rule, LinearService(per_job=2.0), end=9.0)
        assert night.jobs.ready.tolist() == [9.0, 9.0]
        assert lateness(night, 10.0).tolist() == [1.0, 1.0]
        assert lateness(night, 11.0).tolist() == [0.0, 0.0]
        assert len(trickle_in([], [], rule, INSTANT).jobs) == 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                {"sizes": [1]},
                "sizes must be as many as arrivals, 2, got 1",
            ),
            (
                {"end": 4.0},
                "end must be >= 5.0 s, the last arrival, got 4.0",
            ),
            (
                {"arrivals": [5, 0]},
                "arrivals must be ascending, but arrivals[1] = 0.0 comes after 5.0; "
                "sort them first",
            ),
            ({"workers": 0}, "workers must be >= 1, got 0"),
        ],
    )
    def test_bad_input(self, arguments: dict[str, Any], message: str) -> None:
        given = {
            "arrivals": [0, 5],
            "sizes": [1, 2],
            "rule": TrickleRule(),
            "service": INSTANT,
        }
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            trickle_in(**(given | arguments))


def same_groups(one: Any, other: Any) -> bool:
    """Tell whether two numberings put the same files together."""
    pairs = set(zip(np.asarray(one).tolist(), np.asarray(other).tolist(), strict=True))
    return len(pairs) == len(set(one)) == len(set(other))
