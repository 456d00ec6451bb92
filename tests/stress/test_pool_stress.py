"""Worker processes are killed at random, as often as is asked: nothing lost, nor twice.

``MDS_SIM_STRESS`` is how many times longer the tests are than in CI: 25 makes it 1,000
kills, half of them on processes of the pool, half on those of an executor.

The gaps between kills are exponential (a Poisson process). A task is given up after it
ended three workers, so no kill is aimed at a moment when a task under way has lost two:
what happens then is tested in tests/core/test_processes.py. So the probability that a
task is given up here is that of a kill in the microseconds between look and kill, and
below 1e-6 for each kill.
"""

import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mds_sim.core.retry import Retry
from mds_sim.core.worker_pool import TaskFuture, WorkerPool

sys.path.insert(0, str(Path(__file__).parent.parent / "core"))
faults = import_module("pool_faults")

FACTOR = float(os.environ.get("MDS_SIM_STRESS", "1"))
RUNS = round(FACTOR)
KILLS = 10  # a run
GAP = 0.1  # seconds between kills, on average
WORKERS = 3
SHORT_POOLS = round(200 * FACTOR)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(faults.KNOWN),
    pytest.mark.skipif(sys.platform != "linux", reason="kills as Linux does"),
]


class Killer:
    """Kills random processes of a pool, until it has done so often enough."""

    def __init__(self, pool: WorkerPool, seed: int) -> None:
        self.kills = 0
        self.done = threading.Event()
        self.futures: set[TaskFuture] = set()  # those that are not done
        self._pool = pool
        self._rng = np.random.default_rng(seed)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while self.kills < KILLS and not self.done.wait(self._rng.exponential(GAP)):
            pids = faults.pids(self._pool)
            if pids and not self._is_any_at_stake():
                faults.kill(int(self._rng.choice(pids)))
                self.kills += 1
        self.done.set()

    def _is_any_at_stake(self) -> bool:
        """Tell whether a task has lost two workers: a third one would be the last."""
        return any(len(future.record.earlier) >= 2 for future in self.futures.copy())


@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize("backend", ["processes", "executor"])
def test_each_result_comes_once_however_many_workers_are_killed(
    backend: str, seed: int
) -> None:
    with faults.pool_on(backend, WORKERS) as pool:
        killer = Killer(pool, seed)
        futures = [submit(pool, killer, x) for x in range(2 * WORKERS)]
        order = []
        while not killer.done.is_set():  # one is submitted for each that is done
            order.append(first_of(pool, killer))
            futures.append(submit(pool, killer, len(futures)))
        order += [future.record.index for future in pool.as_completed(killer.futures)]
    assert killer.kills == KILLS
    assert sorted(order) == list(range(len(futures)))  # each was done, and once
    assert [future.result() for future in futures] == list(range(len(futures)))
    assert [record.index for record in pool.records] == list(range(len(futures)))
    assert all(record.error is None for record in pool.records)


def submit(pool: WorkerPool, killer: Killer, x: int) -> TaskFuture:
    """Submit a short task, and tell the killer of it."""
    future = pool.submit(faults.work, x)
    killer.futures.add(future)
    return future


def first_of(pool: WorkerPool, killer: Killer) -> int:
    """Wait for some task; return its number."""
    future = next(pool.as_completed(killer.futures, faults.PATIENCE))
    killer.futures.remove(future)
    return future.record.index


@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize("backend", ["processes", "executor"])
def test_a_map_is_complete_and_in_order_however_many_workers_are_killed(
    backend: str, seed: int
) -> None:
    with faults.pool_on(backend, WORKERS) as pool:
        killer = Killer(pool, 1_000 + seed)
        numbers = itertools.takewhile(
            lambda _: not killer.done.is_set(), itertools.count()
        )
        submitted = spy(pool, killer.futures)
        results = list(pool.map(faults.work, numbers, progress=False))
    assert killer.kills == KILLS
    assert results == list(range(len(results)))
    assert len(submitted) == len(pool.records)


def spy(pool: WorkerPool, futures: set[TaskFuture]) -> list[TaskFuture]:
    """Have the futures of a pool put into a set while they are not done."""
    submit, all_of_them = pool.submit, []

    def watched(*args: Any) -> TaskFuture:
        future = submit(*args)
        futures.add(future)
        future.add_done_callback(lambda _: futures.discard(future))
        all_of_them.append(future)
        return future

    pool.submit = watched  # type: ignore[method-assign]
    return all_of_them


@pytest.mark.skipif(FACTOR <= 1, reason="the table of tests/core is enough in CI")
@pytest.mark.parametrize("backend", ["processes", "dask"])
def test_the_whole_crash_table(backend: str) -> None:
    with faults.pool_on(backend) as pool:
        for case in faults.cases(backend):
            faults.check_fault(pool, *case)


@pytest.fixture
def hasty() -> Iterator[None]:
    """Have threads take turns a hundred times as often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_short_pools_with_all_that_threads_may_do_never_hang() -> None:
    for seed in range(SHORT_POOLS):
        outcome = run_short_pool(np.random.default_rng(seed))
        assert outcome == [], f"seed {seed}: {outcome}"


def run_short_pool(rng: np.random.Generator) -> list[str]:
    """Let a small pool do short tasks of all kinds; return what was wrong."""
    release = threading.Event()
    flaky = Flaky()
    kinds: dict[str, Callable[[int], Any]] = {
        "good": lambda x: x,
        "bad": raise_it,
        "late": lambda _: release.wait(faults.PATIENCE),
        "flaky": flaky,
    }
    names = rng.choice(list(kinds), 30, p=[0.6, 0.1, 0.1, 0.2])
    retry = Retry(3, first=0.001, most=0.002, on=KeyError)
    pool = WorkerPool(4, timeout=0.01, retry=retry, rng=rng)
    futures = [pool.submit(kinds[name], x) for x, name in enumerate(names)]
    cancelled = {int(x) for x in rng.choice(30, 5) if futures[x].cancel()}
    pool.shutdown(
        cancel_futures=bool(rng.random() < 0.2), wait=bool(rng.random() < 0.5)
    )
    pool.drain()
    wrong = []
    for name, future, record in zip(names, futures, pool.records, strict=True):
        x = record.index
        told = "cancelled" if future.cancelled() else repr(future.exception())
        limit = "its timeout of 0.01 s"
        late = TimeoutError(f"task {x}, {record.name}, took longer than {limit}")
        allowed = {
            "good": ["None"],
            "bad": [f"ZeroDivisionError({x})"],
            "late": [],
            "flaky": ["None", f"KeyError({x})"],
        }[name]
        # A thread that gets no turn may be late, whatever it does.
        allowed += ["cancelled", repr(late)]
        is_good = future.done() and future.record == record and told in allowed
        if not is_good or (x in cancelled) > future.cancelled():
            wrong.append(f"task {x}, {name}: {told}, {record}")
    release.set()
    return wrong


def raise_it(x: int) -> None:
    raise ZeroDivisionError(x)


class Flaky:
    """Fails at the first time for each number."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def __call__(self, x: int) -> int:
        if x not in self._known:
            self._known.add(x)
            raise KeyError(x)
        return x
