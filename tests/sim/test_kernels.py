"""Compiled code and the references that it stands for: equal, bit for bit."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mds_sim.sim
from mds_sim.sim import _kernels, serve, serve_reference, start_times, workers
from mds_sim.sim.workers import COMPILED_FROM, Service, checked_jobs, empty_service

Kernel = Callable[..., Any]
KERNELS = [_kernels.serve_searched, _kernels.serve_sorted, _kernels.serve_heap]
N = COMPILED_FROM + 500


def fill(kernel: Kernel, ready: Any, service_time: Any, workers: int) -> Service:
    """Let one kernel do what `serve` does."""
    arrays = checked_jobs(ready, service_time)
    done = empty_service(arrays[0].size)
    kernel(*arrays, workers, done.start, done.finish, done.worker)
    return done


def random_jobs(seed: int, grid: bool = False) -> tuple[Any, Any]:
    """Draw ready and service times; on a grid they often tie."""
    rng = np.random.default_rng(seed)
    ready, service_time = rng.exponential(1.0, N), rng.exponential(8.0, N)
    if grid:
        ready, service_time = np.floor(ready), np.floor(service_time)
    return np.cumsum(ready), service_time


@pytest.mark.parametrize("kernel", KERNELS)
class TestKernel:
    @given(
        jobs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40),
        c=st.integers(1, 9),
    )
    def test_ties_are_broken_as_in_the_reference(
        self, kernel: Kernel, jobs: list[tuple[int, int]], c: int
    ) -> None:
        ready = np.array(sorted(moment for moment, _ in jobs), float)
        service_time = np.array([duration for _, duration in jobs], float)
        done = fill(kernel, ready, service_time, c)
        assert done.same_as(serve_reference(ready, service_time, c))

    @pytest.mark.parametrize("c", [1, 2, 10, 40, 150])
    def test_long_runs_are_equal_too(self, kernel: Kernel, c: int) -> None:
        ready, service_time = random_jobs(c)
        done = fill(kernel, ready * 8 / c, service_time, c)
        assert done.same_as(serve_reference(ready * 8 / c, service_time, c))

    def test_columns_that_are_not_wanted_change_nothing(self, kernel: Kernel) -> None:
        jobs = checked_jobs(*random_jobs(3, grid=True))
        start = np.empty(N)
        kernel(*jobs, 7, start, None, None)
        assert np.array_equal(start, serve_reference(*jobs, 7).start)

    def test_uncompiled_it_is_the_same_code(self, kernel: Any) -> None:
        jobs = random_jobs(4, grid=True)
        assert fill(kernel.py_func, *jobs, 7).same_as(serve_reference(*jobs, 7))


class TestServe:
    @pytest.mark.parametrize("grid", [True, False])
    @pytest.mark.parametrize("c", [1, 8, 9, 100, 101, 10**12])
    def test_it_chooses_a_kernel_and_none_changes_the_answer(
        self, c: int, grid: bool
    ) -> None:
        jobs = random_jobs(c % 1000, grid)
        done = serve(*jobs, c)
        assert done.same_as(serve_reference(*jobs, c))
        assert np.array_equal(start_times(*jobs, c), done.start)

    def test_lists_and_other_kinds_of_arrays_give_the_same(self) -> None:
        ready, service_time = random_jobs(5)
        expected = serve(ready, service_time, 4)
        strided = np.column_stack([ready, service_time])
        swapped = ready.astype(">f8"), service_time.astype(">f8")
        lists = ready.tolist(), service_time.tolist()
        for jobs in (strided.T, swapped, lists):
            assert serve(*jobs, 4).same_as(expected)

    def test_arrays_that_cannot_be_written_to_are_not_compiled_for_once_more(
        self,
    ) -> None:
        serve(*random_jobs(6), 4)
        n_kinds = len(_kernels.serve_searched.signatures)  # type: ignore[attr-defined]
        ready, service_time = random_jobs(6)
        ready.setflags(write=False)
        serve(ready, service_time, 4)
        assert len(_kernels.serve_searched.signatures) == n_kinds  # type: ignore[attr-defined]

    def test_memory_is_that_of_the_answer(self) -> None:
        jobs = random_jobs(7)
        out = np.empty(N)
        calls: dict[int, Callable[[], object]] = {
            24: lambda: serve(*jobs, 4),
            8: lambda: start_times(*jobs, 4),
            0: lambda: start_times(*jobs, 4, out=out),
        }
        for per_job, call in calls.items():
            call()  # compile
            tracemalloc.start()
            answer = call()
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            del answer
            assert peak - per_job * N < 4096


class TestAreValid:
    @given(
        ready=st.lists(st.floats(), max_size=4),
        service_time=st.lists(st.floats(), max_size=4),
    )
    def test_it_says_what_the_checks_with_messages_say(
        self, ready: list[float], service_time: list[float]
    ) -> None:
        try:
            jobs = checked_jobs(ready, service_time)
        except ValueError:
            jobs = None
        arrays = (np.array(ready), np.array(service_time))
        if len(ready) == len(service_time):  # `checked_jobs` sees to that
            assert _kernels.are_valid(*arrays) is (jobs is not None)
            assert _kernels.are_valid.py_func(*arrays) is (jobs is not None)  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("column", "row", "value", "message"),
        [
            (0, 0, -1.0, r"ready must be >= 0 and finite \[s\], but ready\[0\] = -1.0"),
            (0, 700, -1.0, r"ready must be >= 0 and finite \[s\], but ready\[700\] = "),
            (0, 9, np.nan, r"ready must be .* finite \[s\], but ready\[9\] = nan"),
            (0, N - 1, np.inf, r"ready must be >= 0 and finite \[s\], .* = inf"),
            (0, 5, 0.0, r"ready must be ascending, but ready\[5\] = 0.0 comes after "),
            (1, 3, -2.0, r"service_time must be .*, but service_time\[3\] = -2.0"),
            (1, N - 1, np.inf, r"service_time must be .* = inf"),
        ],
    )
    def test_long_arrays_are_refused_as_short_ones_are(
        self, column: int, row: int, value: float, message: str
    ) -> None:
        jobs = random_jobs(8)
        jobs[column][row] = value
        with pytest.raises(ValueError, match=f"^{message}"):
            serve(*jobs, 4)


class TestWithoutNumba:
    @pytest.fixture
    def without_numba(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setitem(sys.modules, "numba", None)
        monkeypatch.delitem(sys.modules, "mds_sim.sim._kernels")
        monkeypatch.delattr(mds_sim.sim, "_kernels")
        workers._kernels.cache_clear()
        yield
        workers._kernels.cache_clear()

    @pytest.mark.usefixtures("without_numba")
    def test_long_runs_work_all_the_same(self) -> None:
        jobs = random_jobs(9, grid=True)
        assert workers.kernels_for(N) is None
        assert serve(*jobs, 7).same_as(fill(_kernels.serve_heap, *jobs, 7))
        assert np.array_equal(start_times(*jobs, 7), serve(*jobs, 7).start)

    def test_all_else_gives_the_same_too(self) -> None:
        code = (
            "import sys\n{}import numpy as np\n"
            "from mds_sim import FirstMessageWindow, LinearService, PoissonArrivals\n"
            "from mds_sim import StreamPipeline\n"
            "pipeline = StreamPipeline(service=LinearService(30, 2), workers=1)\n"
            "print(PoissonArrivals(1.0).sample(n=20_000, rng=1)[-1])\n"
            "window = FirstMessageWindow(300.0, max_messages=7)\n"
            "print(window.assign(np.arange(20_000.0)).sum())\n"
            "print(pipeline.simulate(n=20_000, rng=1).latency.sum())\n"
            "told = pipeline.statistics(n=20_000, rng=1, progress=False)\n"
            "print(told, told.latency.counts.tolist(), told.size.variance)\n"
        )
        said = [
            subprocess.run(
                [sys.executable, "-c", code.format(first)],
                capture_output=True, text=True, check=True,
            ).stdout
            for first in ("", "sys.modules['numba'] = None\n")
        ]  # fmt: skip
        assert said[0] == said[1]
        assert "20,000 messages in" in said[0]


def test_few_jobs_do_not_load_numba_and_many_do() -> None:
    code = (
        "import sys, numpy as np; from mds_sim.sim import serve\n"
        f"for n in ({COMPILED_FROM - 1}, {COMPILED_FROM}):\n"
        "    serve(np.arange(n), np.ones(n), 2); print('numba' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "True"]


def test_a_cache_that_has_no_place_is_done_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    njit = numba.njit

    def read_only(**options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", read_only)

    @_kernels._compiled
    def double(number: int) -> int:
        return 2 * number

    assert double(4) == 8
