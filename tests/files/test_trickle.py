"""Files that come one by one: what is open, when it is closed, how late it gets."""

import math
import re
from typing import Any

import pytest

from mds_sim.files.trickle import ClosedBucket, OpenBuckets, TrickleRule


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
