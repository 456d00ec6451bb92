"""Pools of processes: what ends them, what ends with them, and what may travel."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from importlib import import_module
from multiprocessing import forkserver, get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from mds_sim.core import backends
from mds_sim.core.backends import WorkerCrashError
from mds_sim.core.worker_pool import WorkerPool

sys.path.insert(0, str(Path(__file__).parent))
faults = import_module("pool_faults")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(faults.KNOWN),
    pytest.mark.skipif(sys.platform == "win32", reason="no signal kills there"),
]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module", params=["processes", "executor"])
def pool(request: pytest.FixtureRequest) -> Iterator[WorkerPool]:
    with faults.pool_on(request.param) as pool:
        yield pool


# Deaths ------------------------------------------------------------------------------


def test_a_worker_that_is_killed_loses_nothing(
    pool: WorkerPool, tmp_path: Path
) -> None:
    task = partial(faults.die_once, str(tmp_path / "died"), 50)
    futures = [pool.submit(task, x) for x in range(200)]
    assert [future.result(faults.PATIENCE) for future in futures] == list(range(200))
    assert (tmp_path / "died").exists()
    (earlier,) = futures[50].record.earlier
    assert re.fullmatch(
        r"WorkerDiedError: (process \d+ came to its end|\w+ was broken)",
        earlier.error,
    )


def test_a_task_that_always_kills_is_named_and_all_others_are_done(
    pool: WorkerPool,
) -> None:
    results = pool.map(
        partial(faults.die_at, 77), range(200), chunksize=1, errors="group"
    )
    good = []
    with pytest.raises(ExceptionGroup, match=r"^1 of 200 items failed") as group:
        good.extend(results)
    assert good == [x for x in range(200) if x != 77]
    (error,) = group.value.exceptions
    assert type(error) is WorkerCrashError
    assert "item 77 of the map" in error.__notes__
    assert pool.submit(faults.square, 3).result(faults.PATIENCE) == 9


def test_a_chunk_with_a_killer_in_it_is_done_but_for_that(pool: WorkerPool) -> None:
    results = pool.map(
        partial(faults.die_at, 17), range(40), chunksize=10, errors="group"
    )
    good = []
    with pytest.raises(ExceptionGroup, match=r"^1 of 40 items failed") as group:
        good.extend(results)
    assert good == [x for x in range(40) if x != 17]
    assert "item 17 of the map" in group.value.exceptions[0].__notes__


def test_a_process_that_dies_idle_costs_no_task_an_attempt(pool: WorkerPool) -> None:
    for _ in range(3):
        assert pool.submit(faults.square, 2).result(faults.PATIENCE) == 4
        idle = faults.pids(pool)
        for pid in idle:
            faults.kill(pid)
        gone = partial(are_gone, idle)
        assert faults.until(gone, faults.PATIENCE)
    futures = [pool.submit(faults.square, x) for x in range(4)]
    assert [future.result(faults.PATIENCE) for future in futures] == [0, 1, 4, 9]


@pytest.mark.parametrize(("deaths", "starts"), [(1, 2), (2, 3)])
def test_a_process_that_dies_while_it_starts_is_started_again(
    deaths: int, starts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        backends.remote, "begin", partial(faults.begin, tmp_path, deaths)
    )
    with WorkerPool(1, executor="processes") as pool:
        future = pool.submit(faults.square, 3)
        assert future.result(faults.PATIENCE) == 9
    assert len(list(tmp_path.iterdir())) == starts
    assert future.record.attempts == 1  # it was not the fault of the task


def test_processes_that_never_start_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends.remote, "begin", partial(faults.begin, tmp_path, 4))
    with WorkerPool(1, executor="processes") as pool:
        futures = [pool.submit(faults.square, x) for x in (3, 4)]
        error = futures[0].exception(faults.PATIENCE)
        text = "a process for the worker came to its end 3 times before it was ready"
        assert type(error) is WorkerCrashError
        assert str(error) == text
        assert futures[1].result(faults.PATIENCE) == 16  # the fifth start went well


def test_an_executor_that_was_given_is_not_replaced(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        with WorkerPool(1, executor=executor) as pool:
            future = pool.submit(os._exit, 3)
            error = future.exception(faults.PATIENCE)
            again = pool.submit(faults.square, 3).exception(faults.PATIENCE)
        for broken in (error, again):
            assert type(broken) is BrokenProcessPool
            assert broken.__notes__[0] == (
                "the executor was given to the pool, which may not replace it; to have "
                "that done, give it a function that makes one instead"
            )


def test_a_fork_server_that_dies_costs_no_task() -> None:
    # It did when it was asked for a process by an executor that broke meanwhile: the
    # connection ends before all is said. Until it is gone, it refuses the next ones.
    with WorkerPool(2, executor=faults.process_pool) as pool:
        assert pool.submit(faults.square, 2).result(faults.PATIENCE) == 4
    server = forkserver._forkserver  # type: ignore[attr-defined]
    with WorkerPool(2, executor=faults.process_pool) as pool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(server._forkserver_address)
        futures = [pool.submit(faults.square, x) for x in range(8)]
        results = [future.result(faults.PATIENCE) for future in futures]
    assert results == [x * x for x in range(8)]


def test_an_executor_that_takes_nothing_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As where no more processes may be started: else each task would wait for seconds.
    monkeypatch.setattr(backends, "PAUSES", (0.0,) * 5)
    is_full, asked = True, 0

    class Full(ThreadPoolExecutor):
        def submit(self, *args: Any, **kwargs: Any) -> Any:
            nonlocal asked
            asked += 1
            if is_full:
                raise OSError("no more processes")
            return super().submit(*args, **kwargs)

    def tries(pool: WorkerPool) -> tuple[int, BaseException | None]:
        nonlocal asked
        asked = 0
        error = pool.submit(abs, -3).exception(faults.PATIENCE)
        return asked, error

    with WorkerPool(1, executor=partial(Full, 1)) as pool:
        full = [tries(pool) for _ in range(3)]
        is_full = False
        assert [tries(pool) for _ in range(2)] == [(1, None)] * 2
        is_full = True
        assert tries(pool)[0] == 6
    assert [count for count, _ in full] == [6, 2, 2]
    assert [repr(error) for _, error in full] == ["OSError('no more processes')"] * 3


def test_an_executor_that_was_given_is_not_shut_down() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        for _ in range(2):
            with WorkerPool(1, executor=executor) as pool:
                assert list(pool.map(faults.square, range(3))) == [0, 1, 4]
        assert executor.submit(faults.square, 4).result(faults.PATIENCE) == 16


@pytest.mark.parametrize("backend", ["processes", "executor"])
def test_after_the_shutdown_no_task_is_taken_and_no_process_left(
    backend: str, tmp_path: Path
) -> None:
    with faults.pool_on(backend) as pool:
        futures = [pool.submit(faults.meet, tmp_path, k, 2) for k in range(2)]
        pids = [future.result(faults.PATIENCE) for future in futures]
        assert sorted(pids) == sorted(faults.pids(pool))
    with pytest.raises(
        RuntimeError, match=r"^cannot schedule new futures after shutdown$"
    ):
        pool.submit(faults.square, 1)
    assert len(set(pids)) == 2
    assert faults.until(partial(are_gone, pids), faults.PATIENCE)


def test_a_process_that_does_not_end_holds_up_no_shutdown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As one does that waits for a lock which another took with it when it was killed.
    class Stuck(ProcessPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            for pid in list(self._processes or {})[:1]:
                os.kill(pid, signal.SIGSTOP)
            super().shutdown(wait, cancel_futures=cancel_futures)

    monkeypatch.setattr(backends, "GRACE", 0.5)
    make = partial(Stuck, 2, mp_context=get_context("spawn"))
    pool = WorkerPool(2, executor=make)
    futures = [pool.submit(faults.meet, tmp_path, k, 2) for k in range(2)]
    pids = [future.result(faults.PATIENCE) for future in futures]
    closing = threading.Thread(target=pool.shutdown, daemon=True)
    closing.start()
    closing.join(faults.PATIENCE)
    assert not closing.is_alive()
    assert faults.until(partial(are_gone, pids), faults.PATIENCE)


def are_gone(pids: list[int]) -> bool:
    """Tell whether all these processes have ended."""
    return not any(map(faults.is_alive, pids))


@pytest.mark.parametrize("backend", ["threads", "processes", "executor"])
def test_an_endless_input_is_read_only_so_far_ahead(backend: str) -> None:
    read = 0

    def numbers() -> Iterator[int]:
        nonlocal read
        while True:
            yield read
            read += 1

    with faults.pool_on(backend) as pool:
        results = pool.map(faults.square, numbers(), buffersize=8, progress=False)
        for taken in range(50):
            assert next(results) == taken**2
            assert read <= taken + 1 + 8
        results.close()  # type: ignore[attr-defined]


# What may travel ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def spawned() -> Iterator[WorkerPool]:
    make = partial(ProcessPoolExecutor, 1, mp_context=get_context("spawn"))
    with WorkerPool(1, executor=make) as pool:
        yield pool


def test_lambdas_and_closures_travel(pool: WorkerPool, spawned: WorkerPool) -> None:
    step = 7
    for each in (pool, spawned):
        assert list(each.map(lambda x: x + step, range(3))) == [7, 8, 9]
        assert each.submit(lambda: lambda x: x - step).result()(9) == 2


NOTEBOOK = """
import os, sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from mds_sim.core import WorkerPool

# No `if __name__ == "__main__"`: a notebook has none either.
STEP = 7

class Point:
    def __init__(self, x): self.x = x

def shifted(x):
    return Point(x + STEP)

make = partial(ProcessPoolExecutor, 1, mp_context=get_context("spawn"))
for executor in ("processes", make):
    with WorkerPool(1, executor=executor) as pool:
        points = list(pool.map(shifted, range(3), progress=False))
    assert all(type(point) is Point for point in points)
    print(*[point.x for point in points])
"""


def test_so_do_functions_and_classes_of_a_notebook() -> None:
    # As in a notebook there is no file that a child could import.
    run = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], capture_output=True, text=True
    )
    assert (run.stdout, run.stderr, run.returncode) == ("7 8 9\n7 8 9\n", "", 0)


def test_what_cannot_travel_is_an_error_that_says_so(
    pool: WorkerPool, tmp_path: Path
) -> None:
    with (tmp_path / "file").open("wb") as file:
        stuck: list[Any] = [file, (x for x in "ab"), threading.Lock(), pool]
        errors = [pool.submit(len, it).exception(faults.PATIENCE) for it in stuck]
    texts = [str(error) for error in errors]
    assert [type(error).__name__ for error in errors[1:3]] == ["TypeError"] * 2
    assert texts[1:3] == [
        "cannot pickle 'generator' object",
        "cannot pickle '_thread.lock' object",
    ]
    for error in errors:
        note = "len and its arguments must be picklable to leave this process"
        assert note in error.__notes__  # type: ignore[union-attr]


# Interrupts --------------------------------------------------------------------------

CHILD = """
import os, signal, sys, threading
from mds_sim.core import WorkerPool

# In the background of a shell, programs begin with Ctrl-C switched off.
signal.signal(signal.SIGINT, signal.default_int_handler)

def wait(seconds):
    threading.Event().wait(seconds)

try:
    with WorkerPool(2, executor=sys.argv[1]) as pool:
        futures = [pool.submit(wait, 0.5) for _ in range(1000)]  # for four minutes
        if sys.argv[2] == "up":
            futures[0].result()
        print("ready", flush=True)
        futures[-1].result()
finally:
    print(sum(future.cancelled() for future in futures) > 500, flush=True)
"""
SLOW_START = """
import sys, threading
if "--process-name" in sys.orig_argv:  # of loky, not yet ready
    open({begun!r}, "a").close()
    threading.Event().wait(1.0)
"""


@linux
@pytest.mark.parametrize("to_all", [False, True], ids=["process", "group"])
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_ctrl_c_ends_all_within_a_second_and_the_running_task(
    executor: str, to_all: bool
) -> None:
    # A machine that stands still once in a while does so three times in a row hardly.
    took = [press(start_child(executor), to_all)]
    while took[-1] > (limit := 0.5 + 1.0 + machine_delay()) and len(took) < 3:
        took.append(press(start_child(executor), to_all))
    assert took[-1] <= limit, took


def press(child: "subprocess.Popen[str]", to_all: bool) -> float:
    """Send a Ctrl-C, see that it ends all as it should, and return after how long."""
    start = perf_counter()
    (os.killpg if to_all else os.kill)(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=faults.PATIENCE)
    seconds = perf_counter() - start
    assert out == "True\n"  # it came midway, and most tasks were never begun
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert err.count("Traceback") == 1  # nobody else had anything to complain of
    assert child.returncode in (-signal.SIGINT, 130)
    assert faults.until(lambda: not faults.group(child.pid), faults.PATIENCE)
    return seconds


@linux
def test_a_ctrl_c_while_processes_start_is_for_their_parent_too(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    slow = SLOW_START.format(begun=str(begun))
    (tmp_path / "sitecustomize.py").write_text(slow, encoding="utf-8")
    child = start_child("processes", "at once", tmp_path)
    assert faults.until(begun.exists, faults.PATIENCE)
    press(child, to_all=True)


@linux
def test_no_process_outlives_a_parent_that_is_killed() -> None:
    child = start_child("processes")
    assert len(faults.group(child.pid)) >= 3  # itself and two workers
    child.kill()
    # The processes hold its output open: they are gone when it ends.
    child.communicate(timeout=faults.PATIENCE)
    assert faults.until(lambda: not faults.group(child.pid), faults.PATIENCE)


def start_child(
    executor: str, when: str = "up", folder: Path | None = None
) -> "subprocess.Popen[str]":
    """Start a program with a pool in a process group of its own; wait for it."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, executor, when],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(folder)} if folder else None,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def machine_delay() -> float:
    """Return how much longer things may take on a machine that is busy [s]."""
    return 0.5 * max(os.getloadavg()[0] / (os.cpu_count() or 1) - 1, 0)
