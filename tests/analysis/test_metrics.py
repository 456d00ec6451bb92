"""Metrics: counts over time are what a look at each moment finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.analysis import StepFunction, busy_workers, queue_length, size_counts
from mds_sim.core import VirtualClock
from mds_sim.distributions import Constant, Exponential
from mds_sim.records import Items, Jobs, RunRecord
from mds_sim.stream import CountWindow, PoissonArrivals, StreamPipeline, TraceArrivals


def record_of(
    ready: list[float], start: list[float], finish: list[float], workers: int = 9
) -> RunRecord:
    """Return a record of jobs of one item each."""
    n = len(ready)
    return RunRecord(
        Items(ready, [0] * n, range(n)),  # type: ignore[arg-type]
        Jobs(ready, ready, start, finish, range(n), [1] * n, [0] * n),  # type: ignore[arg-type]
        workers,
    )


class TestStepFunction:
    steps = StepFunction(np.array([0.0, 10.0, 30.0]), np.array([1, 2, 0]))

    def test_it_has_a_value_from_each_change_on(self) -> None:
        moments = [-1.0, 0.0, 9.9, 10.0, 29.9, 30.0, 1e9]
        values = self.steps.at(moments)
        assert values.tolist() == [0, 1, 1, 2, 2, 0, 0]
        assert values.dtype == np.int64

    def test_its_mean_weighs_values_with_time(self) -> None:
        assert self.steps.mean() == (10 * 1 + 20 * 2) / 30

    @pytest.mark.parametrize("changes", [0, 1])
    def test_without_two_changes_there_is_no_time_between(self, changes: int) -> None:
        steps = StepFunction(np.arange(changes, dtype=float), np.ones(changes, int))
        assert steps.mean() == 0.0
        assert steps.at([-1.0, 0.0]).tolist() == [0, changes]


@given(
    st.lists(st.tuples(*[st.integers(0, 9).map(float)] * 3).map(sorted), max_size=20)
)
def test_counts_agree_with_a_look_at_each_moment(jobs: list[list[float]]) -> None:
    ready, start, finish = ([job[i] for job in jobs] for i in range(3))
    record = record_of(ready, start, finish)
    moments = np.arange(-0.5, 10.0, 0.5)
    busy = [sum(s <= t < f for _, s, f in jobs) for t in moments]
    queue = [sum(r <= t < s for r, s, _ in jobs) for t in moments]
    for found, expected in (
        (busy_workers(record), busy),
        (queue_length(record), queue),
    ):
        assert found.at(moments).tolist() == expected
        assert (np.diff(found.time) > 0).all()
        assert (np.diff(found.value) != 0).all()
        assert found.value.dtype == np.int64
        assert found.value[-1:].sum() == 0  # in the end nobody is left


def test_work_that_takes_no_time_keeps_nobody_busy() -> None:
    record = record_of([0.0, 5.0], [0.0, 5.0], [0.0, 7.0])
    assert busy_workers(record).time.tolist() == [5.0, 7.0]
    assert queue_length(record).time.size == 0


def test_a_worker_that_goes_on_at_once_changes_no_count() -> None:
    record = record_of([0.0, 0.0], [0.0, 5.0], [5.0, 7.0])
    assert busy_workers(record).time.tolist() == [0.0, 7.0]
    assert busy_workers(record).value.tolist() == [1, 0]
    assert queue_length(record).value.tolist() == [1, 0]


def test_mean_counts_are_those_of_little() -> None:
    # Exact up to rounding, whatever the process: mean number = rate x mean time.
    pipeline = StreamPipeline(
        PoissonArrivals(1.0), CountWindow(1), Exponential(1.8), workers=2
    )
    record = pipeline.simulate(n=5000, rng=1).check()
    for steps, time in (
        (busy_workers(record), record.service_time),
        (queue_length(record), record.waiting),
    ):
        span = steps.time[-1] - steps.time[0]
        assert steps.mean() == pytest.approx(time.sum() / span, rel=1e-9)
    assert busy_workers(record).value.max() == 2


def test_a_run_has_the_counts_of_its_simulation() -> None:
    pipeline = StreamPipeline(
        TraceArrivals([0, 0, 1, 5]), CountWindow(1), Constant(2.0), workers=1
    )
    real = pipeline.run(clock=VirtualClock(), progress=False)
    for record in (real, pipeline.simulate()):
        assert busy_workers(record).time.tolist() == [0.0, 8.0]
        assert queue_length(record).time.tolist() == [0.0, 1.0, 2.0, 4.0, 5.0, 6.0]
        assert queue_length(record).value.tolist() == [1, 2, 1, 0, 1, 0]


def test_sizes_are_counted() -> None:
    pipeline = StreamPipeline(TraceArrivals([0, 0, 1, 400, 800]), service=Constant(1.0))
    sizes, counts = size_counts(pipeline.simulate())
    assert (sizes.tolist(), counts.tolist()) == ([1, 3], [2, 1])


def test_nothing_has_no_counts() -> None:
    record = record_of([], [], [])
    assert [part.size for part in size_counts(record)] == [0, 0]
    for steps in (busy_workers(record), queue_length(record)):
        assert steps.at([0.0]).tolist() == [0]
        assert steps.mean() == 0.0
