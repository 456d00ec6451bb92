"""What a task costs: ``python benchmarks/pool.py``.

Twenty thousand calls of a function that does nothing, on threads, by this package's
`WorkerPool` (with its record of every task) and by ``ThreadPoolExecutor``, from the
making of the pool to its end. Wall-clock times: medians of interleaved rounds, after
one that does not count. ``--quick`` shows fewer of them, and leaves README.md alone.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from report import digits, versions, write

import mds_sim as mds

TASKS = 20_000
BARE = "`ThreadPoolExecutor`, submit and result"
Job = Callable[[int], object]


def nothing(x: int) -> int:
    return x


def bare(workers: int) -> list[int]:
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(nothing, i) for i in range(TASKS)]
        return [future.result() for future in futures]


def bare_map(workers: int) -> list[int]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(nothing, range(TASKS)))


def ours(workers: int) -> list[int]:
    with mds.WorkerPool(workers) as pool:
        futures = [pool.submit(nothing, i) for i in range(TASKS)]
        return [future.result() for future in futures]


def our_map(workers: int) -> list[int]:
    with mds.WorkerPool(workers) as pool:
        return list(pool.map(nothing, range(TASKS), progress=False))


def our_map_one_by_one(workers: int) -> list[int]:
    with mds.WorkerPool(workers) as pool:
        tasks = pool.map(nothing, range(TASKS), chunksize=1, progress=False)
        return list(tasks)


JOBS: dict[str, Job] = {
    BARE: bare,
    "`ThreadPoolExecutor.map`": bare_map,
    "`WorkerPool`, submit and result": ours,
    "`WorkerPool.map(chunksize=1)`": our_map_one_by_one,
    "`WorkerPool.map`": our_map,
}


def medians(workers: int, rounds: int) -> dict[str, float]:
    """Return the median wall-clock time of each job [s]."""
    times: dict[str, list[float]] = {name: [] for name in JOBS}
    for number in range(rounds + 1):
        for name, job in JOBS.items():
            gc.collect()
            start = time.perf_counter()
            answer = job(workers)
            if number:
                times[name].append(time.perf_counter() - start)
            if answer != list(range(TASKS)):
                raise AssertionError("pools must agree before they are timed")
    return {name: statistics.median(values) for name, values in times.items()}


def table(workers: int, rounds: int) -> str:
    """Lay out medians and their ratios as Markdown."""
    times = medians(workers, rounds)
    lines = [
        f"**{TASKS:,} tiny tasks on {workers} threads, {rounds} rounds**\n",
        "| | µs a task | / submit and result |",
        "|---|---:|---:|",
    ]
    for name, seconds in times.items():
        cost = digits(seconds / TASKS * 1e6, up=True)
        ratio = digits(seconds / times[BARE], up=True)
        lines.append(f"| {name} | {cost} | {ratio} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="small, and no README")
    quick = parser.parse_args().quick
    parts = [versions("numpy")]
    parts += [table(workers, 3 if quick else 21) for workers in (2, 10)]
    print(*parts, sep="\n")
    if not quick:
        write("pool.py", parts)


if __name__ == "__main__":
    main()
