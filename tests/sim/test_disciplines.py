"""Priorities, schedules and failures: by hand, by brute force, and as plain `serve`."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mds_sim.distributions import Constant, Exponential, Gamma, Uniform
from mds_sim.sim import (
    Failures,
    WorkerSchedule,
    _kernels,
    serve,
    serve_priority,
    serve_scheduled,
    serve_with_failures,
    workers,
)
from mds_sim.sim.workers import Service

Interval = tuple[float, float]


@st.composite
def job_lists(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    """Return ready and service times; on a grid they often tie."""
    time = draw(st.sampled_from([st.integers(0, 5), st.floats(0, 1e3)]))
    jobs = draw(st.lists(st.tuples(time, time), min_size=1, max_size=25))
    return sorted(moment for moment, _ in jobs), [duration for _, duration in jobs]


@st.composite
def schedules(draw: st.DrawFn) -> WorkerSchedule:
    """Return a schedule of some steps."""
    gaps = draw(st.lists(st.integers(1, 6), max_size=5))
    counts = draw(st.lists(st.integers(0, 4), min_size=len(gaps), max_size=len(gaps)))
    return WorkerSchedule(np.cumsum([0, *gaps]), [*counts, draw(st.integers(1, 4))])


some_jobs = given(jobs=job_lists(), c=st.integers(1, 4))


@contextmanager
def compiled() -> Iterator[None]:
    """Let the kernels do what is too short for them."""
    with mock.patch.object(workers, "COMPILED_FROM", 1):
        yield


@contextmanager
def interpreted() -> Iterator[None]:
    """Let the kernels' own source do it, as Python: what coverage can see."""
    names = ("serve_priority", "serve_shifts")
    plain = {name: getattr(_kernels, name).py_func for name in names}
    with compiled(), mock.patch.multiple(_kernels, **plain):
        yield


both_ways = pytest.mark.parametrize("way", [compiled, interpreted])


def random_jobs(seed: int, grid: bool, n: int = 1500) -> tuple[Any, Any]:
    """Draw jobs for three workers; below the limit, so that the reference runs."""
    rng = np.random.default_rng(seed)
    ready, service_time = rng.exponential(1.0, n), rng.exponential(2.0, n)
    if grid:
        ready, service_time = np.floor(2 * ready), np.floor(2 * service_time)
    return np.cumsum(ready), service_time


def assert_nobody_works_twice(done: Service) -> None:
    order = np.lexsort((done.finish, done.start, done.worker))
    same = done.worker[order][1:] == done.worker[order][:-1]
    assert (done.start[order][1:] >= done.finish[order][:-1])[same].all()


class TestPriority:
    def test_the_urgent_overtake_but_do_not_interrupt(self) -> None:
        done = serve_priority([0, 1, 2, 3], [5, 5, 5, 5], [1, 1, 0, -7], workers=1)
        assert done.start.tolist() == [0.0, 15.0, 10.0, 5.0]

    def test_who_is_ready_at_the_instant_of_the_choice_takes_part(self) -> None:
        done = serve_priority([0, 1, 5], [5, 5, 5], [1, 1, 0], workers=1)
        assert done.start.tolist() == [0.0, 10.0, 5.0]

    def test_of_jobs_ready_at_once_the_urgent_take_the_workers(self) -> None:
        done = serve_priority([0, 0, 0], [5, 5, 5], [2, 1, 0], workers=2)
        assert done.start.tolist() == [5.0, 0.0, 0.0]
        assert done.worker.tolist() == [0, 1, 0]

    @some_jobs
    def test_with_one_class_it_is_serve(
        self, jobs: tuple[list[float], list[float]], c: int
    ) -> None:
        priority = [3] * len(jobs[0])
        assert serve_priority(*jobs, priority, c).same_as(serve(*jobs, c))

    @given(jobs=job_lists(), c=st.integers(1, 4), data=st.data())
    def test_it_is_what_the_rule_says(
        self, jobs: tuple[list[float], list[float]], c: int, data: st.DataObject
    ) -> None:
        n = len(jobs[0])
        priority = data.draw(st.lists(st.integers(-2, 2), min_size=n, max_size=n))
        done = serve_priority(*jobs, priority, c)
        assert_nobody_works_twice(done)
        with compiled():
            assert serve_priority(*jobs, priority, c).same_as(done)
        # Choose again at each moment: who is ready, not started, and first of those?
        left, free = set(range(n)), [-math.inf] * c
        now = -math.inf
        while left:
            now = max(now, min(free), min(jobs[0][job] for job in left))
            job = min((priority[j], j) for j in left if jobs[0][j] <= now)[1]
            who = free.index(min(free))
            assert (done.start[job], done.worker[job]) == (now, who)
            assert done.finish[job] == now + jobs[1][job]
            free[who] = done.finish[job]
            left.remove(job)

    @both_ways
    @pytest.mark.parametrize("grid", [True, False])
    def test_compiled_it_is_the_same(self, grid: bool, way: Any) -> None:
        jobs = random_jobs(1, grid)
        priority = np.random.default_rng(2).integers(-(2**62), 2**62, jobs[0].size) % 5
        done = serve_priority(*jobs, priority, 2)
        with way():
            assert serve_priority(*jobs, priority, 2).same_as(done)

    def test_the_work_done_is_conserved(self) -> None:
        """Kleinrock's law, on each path: the sum of S W is that of any other order."""
        ready, service_time = random_jobs(3, grid=True)
        service_time = np.minimum(service_time, 1)
        priority = np.arange(ready.size) % 3
        fifo = serve(ready, service_time, 1)
        done = serve_priority(ready, service_time, priority, 1)
        waits = [service_time @ (one.start - ready) for one in (fifo, done)]
        assert waits[0] == waits[1] > 0
        means = [(done.start - ready)[priority == kind].mean() for kind in range(3)]
        assert means == sorted(means)
        assert means[0] < means[2]

    @pytest.mark.parametrize(
        ("priority", "kind", "message"),
        [
            ([1], ValueError, "priority must hold one value for each of 2 jobs, got 1"),
            (
                [1, 0.5],
                ValueError,
                "priority must be whole numbers, but priority[1] = 0.5",
            ),
            (["a", "b"], TypeError, "priority must be an array of numbers, got list"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, priority: Any, kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            serve_priority([0, 1], [1, 1], priority, 1)


def by_search(jobs: Any, shifts: list[list[Interval]], how: str) -> Service:
    """Ask every worker before each job when they could start it. O(n c shifts)."""
    free = [-math.inf] * len(shifts)
    rows = []
    for moment, duration in zip(*(np.asarray(x).tolist() for x in jobs), strict=True):
        offers = []
        for number, own in enumerate(shifts):
            able = max(moment, free[number])
            on, off = next((x for x in own if able < x[1]), (math.inf, math.inf))
            offers.append((max(able, on), max(free[number], on), number))
        start, _, number = min(offers)
        now, left = start, duration
        for on, off in shifts[number]:
            if off <= start:
                continue
            now = max(start, on)
            if how == "finish" or now + left <= off:
                break
            left -= (off - now) if how == "resume" else 0
        free[number] = now + left
        rows.append((start, now + left, number))
    start_, finish, worker = zip(*rows, strict=True)
    return Service(np.array(start_), np.array(finish), np.array(worker))


def duties(schedule: WorkerSchedule, number: int) -> list[Interval]:
    """List when a worker is on duty, step by step."""
    bounds = [-math.inf, *np.asarray(schedule.times)[1:], math.inf]
    own: list[Interval] = []
    for i, count in enumerate(np.asarray(schedule.workers)):
        if count > number and own and own[-1][1] == bounds[i]:
            own[-1] = (own[-1][0], bounds[i + 1])
        elif count > number:
            own.append((bounds[i], bounds[i + 1]))
    return own


class TestWorkerSchedule:
    def test_on_duty_is_half_open(self) -> None:
        schedule = WorkerSchedule([0, 10, 20], [1, 0, 3])
        times = [0, 9.9, 10, 19.9, 20, 1e9]
        assert schedule.on_duty(times).tolist() == [1, 1, 0, 0, 3, 3]
        assert schedule.on_duty(15.0) == 0

    def test_it_can_be_repeated(self) -> None:
        twice = WorkerSchedule([0, 8], [1, 2]).repeat(24, times=2)
        assert np.asarray(twice.times).tolist() == [0.0, 8.0, 24.0, 32.0]
        assert np.asarray(twice.workers).tolist() == [1, 2, 1, 2]

    def test_it_cannot_be_changed(self) -> None:
        times = np.array([0.0, 5.0])
        schedule = WorkerSchedule(times, [1, 1])
        times[1] = 9.0
        assert np.asarray(schedule.times).tolist() == [0.0, 5.0]
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(schedule.workers)[0] = 0

    @pytest.mark.parametrize(
        ("times", "counts", "message"),
        [
            ([], [], "times must begin with 0 s, got []"),
            ([1], [1], "times must begin with 0 s, got [1.0]"),
            ([0, 1], [1], "workers must hold one value for each of 2 times, got 1"),
            ([0, 2, 2], [1, 1, 1], "times must differ, but times[2] = 2.0 is again"),
            (
                [0, 2, 1],
                [1, 1, 1],
                "times must be ascending, but times[2] = 1.0 comes after 2.0; "
                "sort them first",
            ),
            ([0, 1], [-1, 1], "workers must be >= 0, but workers[0] = -1"),
            ([0, 1], [1, 0], "workers must end with >= 1, or jobs may wait for ever"),
            ([0], [1.5], "workers must be whole numbers, but workers[0] = 1.5"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, times: list[float], counts: list[float], message: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            WorkerSchedule(times, counts)

    def test_a_period_must_hold_the_schedule(self) -> None:
        message = re.escape("period must be > 8.0, the last time, got 8.0")
        with pytest.raises(ValueError, match=f"^{message}$"):
            WorkerSchedule([0, 8], [1, 2]).repeat(8, times=2)

    def test_nothing_else_is_a_schedule(self) -> None:
        with pytest.raises(TypeError, match=r"^schedule must be a WorkerSchedule, got"):
            serve_scheduled([0], [1], 3)  # type: ignore[arg-type]


class TestScheduled:
    def test_a_worker_who_has_started_finishes(self) -> None:
        done = serve_scheduled([9, 9.5], [5, 1], WorkerSchedule([0, 10, 20], [1, 0, 1]))
        assert done.finish.tolist() == [14.0, 21.0]

    def test_nobody_starts_at_the_end_of_duty(self) -> None:
        done = serve_scheduled([10], [1], WorkerSchedule([0, 10, 20], [1, 0, 1]))
        assert done.start.tolist() == [20.0]

    def test_who_comes_on_duty_has_been_free_since_then(self) -> None:
        # Worker 0 is free since 3, worker 1 since they came at 2: 1 has waited longer.
        schedule = WorkerSchedule([0, 2], [1, 2])
        done = serve_scheduled([0, 5, 6], [3, 9, 9], schedule)
        assert done.worker.tolist() == [0, 1, 0]

    def test_who_went_home_meanwhile_has_not_been_free_longest(self) -> None:
        # Worker 1 never worked, but came back at 4 only, when worker 0 was free.
        schedule = WorkerSchedule([0, 2, 4], [2, 1, 2])
        done = serve_scheduled([0, 5], [3, 9], schedule)
        assert done.worker.tolist() == [0, 0]

    @some_jobs
    def test_always_the_same_number_is_serve(
        self, jobs: tuple[list[float], list[float]], c: int
    ) -> None:
        done = serve(*jobs, c)
        assert serve_scheduled(*jobs, WorkerSchedule([0], [c])).same_as(done)
        steps = WorkerSchedule([0, 2, 3.5], [c, c, c])
        assert serve_scheduled(*jobs, steps).same_as(done)

    @given(jobs=job_lists(), schedule=schedules())
    def test_it_is_what_the_rule_says(
        self, jobs: tuple[list[float], list[float]], schedule: WorkerSchedule
    ) -> None:
        done = serve_scheduled(*jobs, schedule)
        with compiled():
            assert serve_scheduled(*jobs, schedule).same_as(done)
        most = int(np.asarray(schedule.workers).max())
        shifts = [duties(schedule, number) for number in range(most)]
        assert done.same_as(by_search(jobs, shifts, "finish"))
        assert_nobody_works_twice(done)
        assert (done.worker < schedule.on_duty(done.start)).all()

    @both_ways
    def test_compiled_it_is_the_same(self, way: Any) -> None:
        jobs = random_jobs(4, grid=True)
        week = WorkerSchedule([0, 8, 18], [0, 6, 2]).repeat(24, times=70)
        done = serve_scheduled(*jobs, week)
        with way():
            assert serve_scheduled(*jobs, week).same_as(done)
        assert set(done.worker) == set(range(6))

    def test_workers_that_nobody_needs_cost_nothing(self) -> None:
        done = serve_scheduled([0, 5], [9, 9], WorkerSchedule([0, 3], [1, 10**12]))
        assert done.worker.tolist() == [0, 1]

    def test_no_jobs_need_no_work(self) -> None:
        assert serve_scheduled([], [], WorkerSchedule([0], [2])).start.shape == (0,)


ALWAYS_UP = Failures(Constant(1e15), Constant(1.0))
CLOCKWORK = Failures(Constant(10.0), Constant(5.0))  # up in [0, 10), [15, 25), ...


class TestFailures:
    @pytest.mark.parametrize(
        ("ready", "service_time", "start", "finish"),
        [
            (6.0, 4.0, 6.0, 10.0),  # ends at the instant of the failure
            (8.0, 4.0, 8.0, 17.0),
            (8.0, 13.0, 8.0, 31.0),  # two repairs
            (10.0, 1.0, 15.0, 16.0),
            (12.0, 0.0, 15.0, 15.0),
        ],
    )
    def test_a_job_goes_on_after_the_repair(
        self, ready: float, service_time: float, start: float, finish: float
    ) -> None:
        done = serve_with_failures([ready], [service_time], 1, CLOCKWORK)
        assert (done.start[0], done.finish[0]) == (start, finish)

    def test_or_it_starts_anew(self) -> None:
        failures = Failures(Constant(10.0), Constant(5.0), restart=True)
        done = serve_with_failures([8, 9], [9, 1], 1, failures)
        assert done.start.tolist() == [8.0, 24.0]
        assert done.finish.tolist() == [24.0, 25.0]

    @some_jobs
    def test_without_failures_it_is_serve(
        self, jobs: tuple[list[float], list[float]], c: int
    ) -> None:
        done = serve_with_failures(*jobs, c, ALWAYS_UP, rng=1)
        assert done.same_as(serve(*jobs, c))

    @given(
        jobs=job_lists(),
        c=st.integers(1, 3),
        restart=st.booleans(),
        seed=st.integers(0, 99),
    )
    def test_it_is_what_the_rule_says(
        self, jobs: tuple[list[float], list[float]], c: int, restart: bool, seed: int
    ) -> None:
        # Grids again, in which failures tie with all else; a job must fit an up time.
        up = stats.randint(1, 9) if max(jobs[1]) <= 5 else stats.randint(999, 1010)
        failures = Failures(up, stats.randint(0, 4), restart)
        done = serve_with_failures(*jobs, c, failures, seed)
        with compiled():
            assert serve_with_failures(*jobs, c, failures, seed).same_as(done)
        own = [failures._shifts(rng) for rng in np.random.default_rng(seed).spawn(c)]
        shifts = [np.concatenate(list(islice(one, 20))).tolist() for one in own]
        how = "restart" if restart else "resume"
        assert done.same_as(by_search(jobs, shifts, how))
        assert_nobody_works_twice(done)
        assert (np.diff(done.start) >= 0).all()

    @both_ways
    @pytest.mark.parametrize("restart", [True, False])
    def test_compiled_it_is_the_same(self, restart: bool, way: Any) -> None:
        failures = Failures(Gamma(20.0, scv=2.0), Exponential(3.0), restart)
        jobs = random_jobs(5, grid=False)
        done = serve_with_failures(*jobs, 3, failures, rng=6)
        with way():
            assert serve_with_failures(*jobs, 3, failures, rng=6).same_as(done)
        assert (done.finish - done.start > 1.001 * jobs[1]).mean() > 0.01

    def test_failures_do_not_depend_on_how_many_are_drawn_at_once(self) -> None:
        failures = Failures(Gamma(20.0, scv=0.5), Uniform(0, 2))

        def shifts(chunk: int) -> Any:
            own = failures._shifts(np.random.default_rng(7), chunk)
            return np.concatenate(list(islice(own, 84 // chunk)))

        few, many = shifts(7), shifts(42)
        assert np.array_equal(few, many)
        assert few[0, 0] == -np.inf
        assert (np.diff(few.ravel()) >= 0).all()

    def test_the_same_seed_gives_the_same_failures(self) -> None:
        failures = Failures(Exponential(5.0), Exponential(5.0))
        jobs = random_jobs(8, grid=False, n=100)
        once, again = (serve_with_failures(*jobs, 3, failures, 9) for _ in range(2))
        assert once.same_as(again)
        assert not serve_with_failures(*jobs, 3, failures, 10).same_as(once)

    @pytest.mark.parametrize("fast", [True, False])
    def test_a_job_that_never_ends_is_named(self, fast: bool) -> None:
        failures = Failures(Constant(2.0), Constant(1.0), restart=True)
        message = (
            "time_to_failure must let every job end, but one with "
            "service_time[1] = 2.5 was interrupted 200 times"
        )
        with (
            mock.patch.object(workers, "MOST", 200),
            mock.patch.object(workers, "COMPILED_FROM", 1 if fast else 9),
            pytest.raises(ValueError, match=f"^{re.escape(message)}$"),
        ):
            serve_with_failures([0, 1], [0.5, 2.5], 1, failures)

    @pytest.mark.parametrize(
        ("laws", "kind", "message"),
        [
            (
                (Constant(0), Constant(1)),
                ValueError,
                "mean of time_to_failure must be > 0 and finite s, got 0.0",
            ),
            (
                (Exponential(1), 3),
                TypeError,
                "time_to_repair must be a law such as Exponential(mean) or a frozen "
                "scipy.stats distribution, got 3",
            ),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, laws: tuple[Any, Any], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            Failures(*laws)

    def test_nothing_else_is_failures(self) -> None:
        with pytest.raises(TypeError, match=r"^failures must be Failures, got 0.1$"):
            serve_with_failures([0], [1], 1, 0.1)  # type: ignore[arg-type]

    def test_the_mean_sojourn_is_that_of_theory(self) -> None:
        """M/G/1 whose server fails at any time and then goes on with the job.

        Let p, q = 1 - p be the shares of time up and down, r = E R^2 / (2 E R) what is
        left of a repair, load = lambda E S, and x the mean work that is found when the
        server is up. Work grows by load, shrinks by 1 when up: d/dt E V^2 = 0 gives x.
        Failures are a Poisson process when up, so a repair begins with x, and whoever
        comes during it finds x + load r. Each second of work takes 1 / p.

        200 replications of 4 000 jobs after 1 000 to warm up. |z| < 4.71 fails with
        probability 2.5e-6; the standard error is 0.6 % of the mean, so a bias of 4.3 %
        is found with probability 0.99.
        """
        load, mean_up, mean_down = 0.5, 8.0, 2.0
        p, q, r = 0.8, 0.2, mean_down
        x = (load + q * load**2 * r) / (p - load)  # E S = 1, E S^2 = 2
        expected = q * r + (x + q * load * r + 1) / p
        failures = Failures(Exponential(mean_up), Exponential(mean_down))
        rng = np.random.default_rng(20240505)
        means = []
        for _ in range(200):
            ready = np.cumsum(rng.exponential(1 / load, 5000))
            done = serve_with_failures(
                ready, rng.exponential(1.0, 5000), 1, failures, rng
            )
            means.append((done.finish - ready)[1000:].mean())
        error = np.std(means, ddof=1) / math.sqrt(len(means))
        assert abs(np.mean(means) - expected) / error < 4.71


@pytest.mark.parametrize(
    "discipline",
    [
        lambda ready, times, c: serve_priority(ready, times, [0] * len(ready), c),
        lambda ready, times, c: serve_with_failures(ready, times, c, ALWAYS_UP, 1),
        lambda ready, times, c: serve_scheduled(ready, times, WorkerSchedule([0], [c])),
    ],
)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 0], [1, 1], 1), "ready must be ascending, but ready[1] = 0.0 comes"),
        (([-1], [1], 1), "ready must be >= 0 and finite [s], but ready[0] = -1.0"),
        (([0], [math.inf], 1), "service_time must be >= 0 and finite [s], but servi"),
        (
            ([0], [1, 1], 1),
            "service_time must hold one value for each of 1 job, got 2",
        ),
        (([0], [1], 0), "workers must "),
    ],
)
def test_what_cannot_be_is_refused_by_all(
    discipline: Any, arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        discipline(*arguments)
