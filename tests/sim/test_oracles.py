"""The same answers as SimPy and Ciw, bit for bit: their models, the same arrays.

Where a model is in `benchmarks/simulation.py` it is taken from there, so that this
proves as well that what is timed side by side does the same work.
"""

import importlib.util
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import simpy

from mds_sim.distributions import Empirical
from mds_sim.sim import (
    Failures,
    serve,
    serve_priority,
    serve_reference,
    serve_with_failures,
)

N = 5_000


def load(path: Path) -> ModuleType:
    """Import a script that is in no package, and finds its neighbours as scripts do."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


benchmark = load(Path(__file__).parents[2] / "benchmarks" / "simulation.py")


@pytest.fixture
def customers() -> tuple[Any, Any, Any]:
    """Draw gaps, arrivals and service times of M/M/10 at 0.8."""
    rng = np.random.default_rng(20240506)
    gaps = rng.exponential(1 / 8, N)
    return gaps, np.cumsum(gaps), rng.exponential(1.0, N)


@pytest.mark.parametrize("ours", [serve, serve_reference])
class TestFirstComeFirstServed:
    def test_simpy(self, ours: Any, customers: tuple[Any, Any, Any]) -> None:
        gaps, ready, service_time = customers
        start, finish = benchmark.simpy_queue(gaps.tolist(), service_time.tolist(), 10)
        done = ours(ready, service_time, 10)
        assert np.array_equal(done.start, start)
        assert np.array_equal(done.finish, finish)
        assert (done.start > ready).mean() > 0.2  # many did wait

    # Ciw copies an itertools.cycle, which Python 3.12 and later disapprove of.
    @pytest.mark.filterwarnings("ignore:Pickle, copy, and deepcopy:DeprecationWarning")
    def test_ciw(self, ours: Any, customers: tuple[Any, Any, Any]) -> None:
        gaps, ready, service_time = customers
        records = benchmark.ciw_queue(gaps.tolist(), service_time.tolist(), 10)
        start, finish = benchmark.ciw_times(records)
        done = ours(ready, service_time, 10)
        assert np.array_equal(done.start, start)
        assert np.array_equal(done.finish, finish)


def test_mini_batches() -> None:
    record = benchmark.PIPELINE.simulate(n=N, rng=benchmark.SEED).check()
    gaps = benchmark.draw_gaps(N).tolist()
    latency = benchmark.simpy_stream(gaps, benchmark.PIPELINE)
    assert np.array_equal(record.latency, latency)


def test_priorities(customers: tuple[Any, Any, Any]) -> None:
    gaps, ready, service_time = customers
    priority = np.random.default_rng(1).integers(0, 3, N)
    start = np.empty(N)
    env = simpy.Environment()
    pool = simpy.PriorityResource(env, 9)

    def customer(number: int) -> Iterator[simpy.Event]:
        with pool.request(priority=priority[number]) as turn:
            yield turn
            start[number] = env.now
            yield env.timeout(service_time[number])

    def source() -> Iterator[simpy.Event]:
        for number, gap in enumerate(gaps):
            yield env.timeout(gap)
            env.process(customer(number))

    env.process(source())
    env.run()
    done = serve_priority(ready, service_time, priority, 9)
    assert np.array_equal(done.start, start)
    assert (np.diff(done.start) < 0).mean() > 0.1  # many did overtake


def exact(values: Any) -> Any:
    """Round so that sums and differences of some thousands are exact."""
    return np.round(values * 2**20) / 2**20


def test_failures(customers: tuple[Any, Any, Any]) -> None:
    gaps, _, service_time = map(exact, customers)
    ready = np.cumsum(16 * gaps)  # one worker, half of the time at work
    rng = np.random.default_rng(3)
    failures = Failures(
        time_to_failure=Empirical(exact(rng.exponential(5.0, 99))),
        time_to_repair=Empirical(exact(rng.exponential(1.0, 99))),
    )
    shifts = failures._shifts(np.random.default_rng(4).spawn(1)[0])
    start, finish = np.empty(N), np.empty(N)
    env = simpy.Environment()
    repaired = env.event().succeed()
    at_work = False

    def machine() -> Iterator[simpy.Event]:
        nonlocal at_work
        for number in range(N):
            yield env.timeout(max(0.0, ready[number] - env.now))
            yield repaired
            start[number], left = env.now, service_time[number]
            while left:
                begin, at_work = env.now, True
                try:
                    yield env.timeout(left)
                    left = 0.0
                except simpy.Interrupt:
                    left -= env.now - begin
                    at_work = False
                    yield repaired
            finish[number], at_work = env.now, False

    def trouble(worker: simpy.Process) -> Iterator[simpy.Event]:
        nonlocal repaired
        for on, off in chain.from_iterable(shifts):
            if on > 0:
                yield env.timeout(on - env.now)
                repaired.succeed()
            yield env.timeout(off - env.now)
            repaired = env.event()
            if at_work:
                worker.interrupt()

    worker = env.process(machine())
    env.process(trouble(worker))
    env.run(until=worker)
    done = serve_with_failures(ready, service_time, 1, failures, rng=4)
    assert np.array_equal(done.start, start)
    assert np.array_equal(done.finish, finish)
    assert (finish - start > service_time).mean() > 0.1  # many were interrupted


@pytest.mark.parametrize(
    ("value", "up", "text"),
    [(412.9, False, "412"), (1.2911, True, "1.30"), (9_871.0, False, "9,870")],
)
def test_no_measured_ratio_is_flattered(value: float, up: bool, text: str) -> None:
    assert benchmark.digits(value, up=up) == text
