"""What becomes of 200 tasks when one of them goes wrong: pools side by side.

Two workers; task 50 does what the first column says, all others return their number.
A cell says how many of the 200 results came, and whether the pool could be used after.
A pool whose futures are not done after a minute "hangs".

    python benchmarks/reliability_pool.py
"""

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, wait
from contextlib import AbstractContextManager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from mds_sim.core import WorkerPool

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "core"))
faults = import_module("pool_faults")

TASKS = 200
CULPRIT = 50
PATIENCE = 60.0  # seconds


def loky() -> Executor:
    """Return an executor of loky."""
    from loky import ProcessPoolExecutor

    return ProcessPoolExecutor(max_workers=2)


POOLS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "ProcessPoolExecutor": faults.process_pool,
    "loky": loky,
    'WorkerPool, "processes"': lambda: WorkerPool(2, executor="processes"),
    "WorkerPool on ProcessPoolExecutor": lambda: faults.pool_on("executor"),
    "WorkerPool on Dask": lambda: faults.pool_on("dask"),
}

# What goes wrong, and what to call with what for it.
FAULTS: dict[str, Callable[[str], tuple[Any, ...]]] = {
    "killed once (SIGKILL)": lambda folder: (faults.die_once, f"{folder}/died", 1, 1),
    "killed each time": lambda _: (faults.go_off, "kill"),
    "`os._exit` each time": lambda _: (faults.go_off, "exit"),
    "segmentation fault each time": lambda _: (faults.go_off, "segfault"),
    "dies while arguments are unpickled": lambda _: (
        faults.faulty, "unpickling", "exit", faults.OnUnpickling("exit")
    ),
    "dies while its result is pickled": lambda _: (faults.faulty, "returning", "exit"),
    "arguments fail to be pickled": lambda _: (
        faults.faulty, "pickling", "error", faults.OnPickling("error")
    ),
    "arguments fail to be unpickled": lambda _: (
        faults.faulty, "unpickling", "error", faults.OnUnpickling("error")
    ),
    "raises an error": lambda _: (faults.go_off, "error"),
    "raises SystemExit": lambda _: (faults.go_off, "SystemExit"),
    "result cannot be pickled": lambda _: (faults.faulty, "returning", "lock"),
    "result fails to be unpickled": lambda _: (faults.faulty, "arriving", "error"),
    "error cannot be pickled": lambda _: (
        faults.faulty, "returning", "error with a lock"
    ),
    "error fails to be unpickled": lambda _: (faults.faulty, "returning", "odd error"),
}  # fmt: skip


def outcome(open_pool: Callable[[], Any], task: tuple[Any, ...]) -> str:
    """Return how many results there were, and whether the pool is usable after."""
    with open_pool() as pool:
        futures = []
        with suppress(Exception):  # a broken one takes no more tasks
            for x in range(TASKS):
                call = task if x == CULPRIT else (faults.work, x)
                futures.append(pool.submit(*call))
        wait(futures, PATIENCE)
        results = sum(is_good(future) for future in futures)
        hangs = sum(not future.done() for future in futures)
        usable = is_usable(pool)
        if hangs:
            kill_all(pool)
    return f"{results}, {'yes' if usable else 'no'}" + ", hangs" * bool(hangs)


def is_good(future: Any) -> bool:
    """Tell whether there is a result."""
    return future.done() and not future.cancelled() and future.exception() is None


def is_usable(pool: Any) -> bool:
    """Tell whether the pool does a task now."""
    try:
        return pool.submit(faults.square, 3).result(10) == 9
    except Exception:
        return False


def kill_all(pool: Any) -> None:
    """End what hangs, or its pool would not be closed."""
    for pid in list(getattr(pool, "_processes", None) or {}):
        faults.kill(pid)


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    names = sys.argv[1:] or list(POOLS)
    print("| task 50 of 200 | " + " | ".join(names) + " |", flush=True)
    print("|---|" + "---|" * len(names), flush=True)
    for fault, make in FAULTS.items():
        cells = []
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                cells.append(outcome(POOLS[name], make(folder)))
                took = time.perf_counter() - start
                print(f"{fault}, {name}: {cells[-1]} in {took:.1f} s", file=sys.stderr)
        print(f"| {fault} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
