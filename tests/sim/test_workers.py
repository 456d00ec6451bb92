"""Workers on arrays: equal to a reference that can be read, and to queueing theory."""

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.sim.workers import serve, serve_reference, start_times

Case = tuple[list[float], list[float], int]


def reference(
    ready: list[float], service_time: list[float], workers: int
) -> tuple[list[float], list[float], list[int]]:
    """Ask every worker before each job: who has been free longest? O(n c)."""
    free = [-math.inf] * workers
    start, finish, worker = [], [], []
    for moment, duration in zip(ready, service_time, strict=True):
        who = free.index(min(free))  # the lowest number, if it is a tie
        start.append(max(moment, free[who]))
        free[who] = start[-1] + duration
        finish.append(free[who])
        worker.append(who)
    return start, finish, worker


@st.composite
def cases(draw: st.DrawFn, grid: bool) -> Case:
    """Return ready times, service times and workers; on a grid they often tie."""
    time = st.integers(0, 5) if grid else st.floats(0, 1e6)
    jobs = draw(st.lists(st.tuples(time, time), max_size=30))
    ready = sorted(moment for moment, _ in jobs)
    return ready, [duration for _, duration in jobs], draw(st.integers(1, 6))


some_case = given(case=cases(grid=True) | cases(grid=False))


class TestReference:
    @some_case
    def test_the_fast_path_equals_the_reference_bit_for_bit(self, case: Case) -> None:
        done = serve(*case)
        start, finish, worker = reference(*case)
        assert np.array_equal(done.start, start)
        assert np.array_equal(done.finish, finish)
        assert np.array_equal(done.worker, worker)

    @some_case
    def test_who_starts_first_was_ready_first(self, case: Case) -> None:
        done = serve(*case)
        assert (np.diff(done.start) >= 0).all()
        assert (done.start >= case[0]).all()

    @some_case
    def test_no_job_waits_while_a_worker_is_idle(self, case: Case) -> None:
        ready, _, workers = case
        done = serve(*case)
        for moment, begin in zip(ready, done.start, strict=True):
            if begin > moment:
                busy = (done.start <= moment) & (moment < done.finish)
                assert busy.sum() == workers

    @some_case
    def test_more_workers_make_nobody_later(self, case: Case) -> None:
        ready, service_time, workers = case
        few, many = (serve(ready, service_time, workers + k) for k in (0, 1))
        assert (many.start <= few.start).all()


class TestTies:
    def test_of_idle_workers_the_one_that_was_free_longest_works(self) -> None:
        done = serve(ready=[0, 0, 5, 6], service_time=[4, 3, 1, 1], workers=2)
        assert done.worker.tolist() == [0, 1, 1, 0]

    def test_of_workers_that_became_free_at_once_the_lowest_number_works(self) -> None:
        done = serve(ready=[0, 0, 0, 2, 2], service_time=[2] * 5, workers=3)
        assert done.worker.tolist() == [0, 1, 2, 0, 1]

    def test_work_of_no_length_makes_a_worker_free_at_the_same_instant(self) -> None:
        # Worker 0 is free since 1, the others for ever: each of them comes first.
        done = serve(ready=[1, 1, 1, 1], service_time=[0, 0, 0, 0], workers=3)
        assert done.worker.tolist() == [0, 1, 2, 0]
        assert done.finish.tolist() == [1.0] * 4

    def test_a_job_that_is_ready_when_another_ends_does_not_wait(self) -> None:
        done = serve(ready=[0, 5], service_time=[5, 5], workers=1)
        assert done.start.tolist() == [0.0, 5.0]


class TestEdges:
    def test_no_jobs_need_no_work(self) -> None:
        done = serve([], [], workers=3)
        assert done.start.shape == done.finish.shape == done.worker.shape == (0,)
        assert done.start.dtype == done.finish.dtype == np.float64
        assert done.worker.dtype == np.int64

    def test_workers_that_nobody_needs_cost_nothing(self) -> None:
        done = serve([0, 0], [1, 1], workers=10**12)
        assert done.worker.tolist() == [0, 1]

    def test_the_arguments_are_left_alone(self) -> None:
        ready, service_time = np.array([0.0, 1.0]), np.array([3.0, 3.0])
        serve(ready, service_time, 1)
        assert ready.tolist() == [0.0, 1.0]
        assert service_time.tolist() == [3.0, 3.0]

    @pytest.mark.parametrize(
        ("arguments", "kind", "message"),
        [
            (
                ([1, 0], [1, 1], 1),
                ValueError,
                "ready must be ascending, but ready[1] = 0.0 comes after 1.0; "
                "sort them first",
            ),
            (
                ([-1], [1], 1),
                ValueError,
                "ready must be >= 0 and finite [s], but ready[0] = -1.0",
            ),
            (
                ([0], [math.nan], 1),
                ValueError,
                "service_time must be >= 0 and finite [s], but service_time[0] = nan",
            ),
            (
                ([0, 1], [1], 1),
                ValueError,
                "service_time must hold one value for each of 2 jobs, got 1",
            ),
            (([0], [1], 0), ValueError, "workers must be >= 1, got 0"),
            (([0], [1], 1.0), TypeError, "workers must be a whole number, got 1.0"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, arguments: tuple[Any, ...], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            serve(*arguments)


class TestOtherDoors:
    @some_case
    def test_the_reference_that_is_shown_is_the_same(self, case: Case) -> None:
        ready, service_time, workers = case
        arrays = np.array(ready), np.array(service_time)
        assert serve_reference(*arrays, workers).same_as(serve(*case))

    @some_case
    def test_start_times_are_the_column_of_that_name(self, case: Case) -> None:
        done = serve(*case)
        start = start_times(*case)
        assert np.array_equal(start, done.start)
        assert np.array_equal(start + case[1], done.finish)

    def test_start_times_can_be_written_where_one_wants_them(self) -> None:
        out = np.empty(2)
        assert start_times([0, 1], [5, 5], 1, out=out) is out
        assert out.tolist() == [0.0, 5.0]

    @pytest.mark.parametrize(
        ("out", "got"),
        [
            (np.empty(3), "float64 of shape (3,)"),
            (np.empty(2, np.float32), "float32 of shape (2,)"),
            (np.empty(4)[::2], "float64 of shape (2,)"),
            ([0.0, 0.0], "list of shape (2,)"),
        ],
    )
    def test_not_everywhere(self, out: Any, got: str) -> None:
        message = re.escape(
            "out must be a contiguous, writable array of float64, shape (2,), "
            f"got {got}"
        )
        with pytest.raises(ValueError, match=f"^{message}$"):
            start_times([0, 1], [5, 5], 1, out=out)

    def test_answers_that_differ_are_not_the_same(self) -> None:
        done = serve([0, 1], [5, 5], 1)
        assert done.same_as(serve([0, 1], [5, 5], 1))
        assert not done.same_as(serve([0, 2], [5, 6], 2))


@pytest.mark.parametrize(("workers", "load"), [(1, 0.5), (3, 1.8)])
def test_the_mean_wait_is_that_of_erlang(workers: int, load: float) -> None:
    """M/M/c, Erlang C: E W = P(wait) / (c - load), in mean service times.

    200 replications of 1 500 jobs after 500 to warm up. |z| < 4.71 fails with
    probability 4.6e-6 if all is well; the standard error is below 1.8 % of the mean,
    so a bias of 13 % is found with probability 0.99.
    """
    terms = [load**k / math.factorial(k) for k in range(workers)]
    last = load**workers / math.factorial(workers) * workers / (workers - load)
    expected = last / (sum(terms) + last) / (workers - load)
    rng = np.random.default_rng(20240504)
    means = []
    for _ in range(200):
        ready = np.cumsum(rng.exponential(1 / load, 2000))
        done = serve(ready, rng.exponential(1.0, 2000), workers)
        means.append((done.start - ready)[500:].mean())
    error = np.std(means, ddof=1) / math.sqrt(len(means))
    assert abs(np.mean(means) - expected) / error < 4.71
