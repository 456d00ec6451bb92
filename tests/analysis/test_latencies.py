"""Latency minute by minute: each message in its bin, and no bin left out."""

import re

import numpy as np
import pytest

from mds_sim.analysis import latency_by
from mds_sim.records import Failure, Items, Jobs, RunRecord
from mds_sim.sim import LinearService
from mds_sim.stream import StreamPipeline

RECORD = RunRecord(
    Items([59.5, 60.0, 61.0, 300.0], [0, 0, 0, 0], [0, 1, 1, 2]),
    Jobs(
        open=[59.5, 60.0, 300.0],
        ready=[70.0, 80.0, 310.0],
        start=[70.0, 80.0, 310.0],
        finish=[79.5, 90.0, 330.0],
        worker=[0, 1, 0],
        n_items=[1, 2, 1],
        load=[0, 0, 0],
    ),
    workers=2,
)


def test_a_message_at_an_edge_is_in_the_bin_that_begins_there() -> None:
    bins = latency_by(RECORD)
    assert bins.time.tolist() == [0.0, 60.0, 120.0, 180.0, 240.0, 300.0, 360.0]
    assert bins.count.tolist() == [1, 2, 0, 0, 0, 1]
    np.testing.assert_array_equal(bins.mean, [20.0, 29.5, *[np.nan] * 3, 30.0])
    np.testing.assert_array_equal(bins.largest, [20.0, 30.0, *[np.nan] * 3, 30.0])
    assert bins.middle[:2].tolist() == [30.0, 90.0]


def test_time_begins_with_the_first_message() -> None:
    assert latency_by(RECORD, minutes=0.5).time[:3].tolist() == [30.0, 60.0, 90.0]


def test_the_mean_of_all_bins_is_that_of_the_record() -> None:
    record = StreamPipeline(service=LinearService(30, 2)).simulate(n=2000, rng=1)
    bins = latency_by(record, minutes=7)
    assert bins.count.sum() == 2000
    mean = np.average(bins.mean, weights=bins.count)
    assert mean == pytest.approx(record.latency.mean(), rel=1e-12)
    assert bins.largest.max() == record.latency.max()


def test_what_was_cancelled_has_no_latency() -> None:
    jobs = RECORD.jobs.to_dict() | {"worker": [0, -1, 0], "finish": [79.5, 80, 330]}
    failures = (Failure(1, None, "CancelledError"),)
    record = RunRecord(RECORD.items, Jobs(**jobs), 2, None, failures).check()
    assert latency_by(record).count.tolist() == [1, 0, 0, 0, 0, 1]


def test_of_nothing_there_is_nothing() -> None:
    record = StreamPipeline(service=LinearService(30, 2)).simulate(n=0)
    bins = latency_by(record)
    assert (bins.count.size, bins.mean.size, bins.time.tolist()) == (0, 0, [0.0])


def test_it_can_be_written_as_json() -> None:
    assert latency_by(RECORD, minutes=10).to_dict() == {
        "time": [0.0, 600.0],
        "count": [4],
        "mean": [27.25],
        "largest": [30.0],
    }


def test_a_bin_has_a_width() -> None:
    text = "minutes must be > 0 and finite min, got 0"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        latency_by(RECORD, minutes=0)
