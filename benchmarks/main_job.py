"""What the main jobs cost in CPU time: ``python benchmarks/main_job.py``.

Each line is the median of some runs in one process. Times belong to the machine that
ran them; the ratios to NumPy and to the standard library travel better.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import mds_sim as mds

DAY = mds.StreamPipeline(service=mds.LinearService(per_job=30, per_item=2))
REPEAT = 7


def cpu_seconds(work: Callable[[], object], repeat: int = REPEAT) -> float:
    """Return the median CPU time of some runs, all threads together [s]."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def real_day() -> int:
    """Run a day on ten real threads at full clock speed; count what was handled."""
    handled: list[int] = []
    DAY.run(
        lambda batch: handled.extend(message.number for message in batch),
        until=mds.DAY,
        rng=1,
        clock=mds.VirtualClock(),
        progress=False,
    )
    if sorted(handled) != list(range(len(handled))):
        raise AssertionError("every message must be handled once")
    return len(handled)


def stream() -> None:
    """Time a day of messages, run and simulated."""
    messages = real_day()
    run = cpu_seconds(real_day)
    simulated = cpu_seconds(lambda: DAY.simulate(until=mds.DAY, rng=1))
    print(f"a day of {messages:,} messages on ten threads, each handled once:")
    print(f"  {run:.3f} s, {run / messages * 1e6:.1f} us a message")
    print(f"the same day simulated on arrays: {simulated * 1e3:.2f} ms")


def packing(n_files: int = 100_000) -> None:
    """Time each strategy on many files of exponential sizes."""
    sizes = mds.FileSource(n_files).sample(rng=1)[0]
    sort = cpu_seconds(lambda: np.sort(sizes))
    print(f"{n_files:,} files of 1 MB on average in 10 MB buckets:")
    for strategy in (
        mds.NextFit(),
        mds.FirstFit(),
        mds.BestFit(),
        mds.WorstFit(),
        mds.FirstFitDecreasing(),
        mds.BestFitDecreasing(),
    ):
        packing = mds.pack(sizes, strategy=strategy)
        seconds = cpu_seconds(lambda rule=strategy: mds.pack(sizes, strategy=rule))
        print(
            f"  {type(strategy).__name__:20} {seconds:.3f} s, {seconds / sort:5.0f} x "
            f"np.sort, {packing.n_buckets / packing.lower_bound:.4f} of the bound"
        )


def pool(n_tasks: int = 20_000) -> None:
    """Time tiny tasks, beside the standard library's pool."""

    def bare() -> None:
        with ThreadPoolExecutor(10) as executor:
            futures = [executor.submit(pow, 2, 3) for _ in range(n_tasks)]
            for future in futures:
                future.result()

    def ours() -> None:
        with mds.WorkerPool(10) as pool:
            futures = [pool.submit(pow, 2, 3) for _ in range(n_tasks)]
            for future in futures:
                future.result()

    theirs, mine = cpu_seconds(bare), cpu_seconds(ours)
    print(f"{n_tasks:,} tiny tasks: {mine / n_tasks * 1e6:.0f} us a task with a record")
    print(f"  {mine / theirs:.2f} x ThreadPoolExecutor, which keeps none")


if __name__ == "__main__":
    stream()
    packing()
    pool()
