"""Three simulators side by side: ``python benchmarks/simulation.py``.

SimPy, Ciw and this package get the same arrays and must give the same answer, bit for
bit, before anything is timed. Times are CPU times, medians of interleaved runs. Ratios
are rounded down where more is better for us, and up where less is. The tables go to
the screen and into README.md beside this file; ``--quick`` shows small ones only.
"""

from __future__ import annotations

import argparse
import gc
import math
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence

import ciw
import numpy as np
import simpy
from report import digits, versions, write

import mds_sim as mds
from mds_sim.rng import streams
from mds_sim.sim import _kernels, serve, serve_reference, start_times

SIMPY, CIW = "SimPy, arrays given", "Ciw, arrays given"
SEED = 1
WORKERS = 10
UTILISATION = 0.8
FIRST_USE = "mds_sim.StreamPipeline()"
PIPELINE = mds.StreamPipeline(
    arrivals=mds.PoissonArrivals(10 / mds.MINUTE),
    window=mds.FirstMessageWindow(5 * mds.MINUTE),
    service=mds.LinearService(per_job=5 * mds.MINUTE, per_item=0.5 * mds.MINUTE),
    workers=WORKERS,
)

Times = Sequence[float]
Job = Callable[[], object]


def simpy_queue(gaps: Times, service_times: Times, workers: int) -> list[list[float]]:
    """Return start and finish of each customer, from SimPy."""
    env = simpy.Environment()
    pool = simpy.Resource(env, workers)
    start, finish = [0.0] * len(gaps), [0.0] * len(gaps)

    def customer(number: int, service_time: float):
        with pool.request() as turn:
            yield turn
            start[number] = env.now
            yield env.timeout(service_time)
            finish[number] = env.now

    def source():
        for number, gap in enumerate(gaps):
            yield env.timeout(gap)
            env.process(customer(number, service_times[number]))

    env.process(source())
    env.run()
    return [start, finish]


def ciw_queue(gaps: Times, service_times: Times, workers: int) -> list[tuple]:
    """Return Ciw's records, one for each customer, in the order of leaving."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*gaps, math.inf])],
        service_distributions=[ciw.dists.Sequential(list(service_times))],
        number_of_servers=[workers],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(len(gaps), method="Finish")
    return simulation.get_all_records()


def ciw_times(records: list[tuple]) -> list[list[float]]:
    """Return start and finish of each customer, from Ciw's records."""
    records = sorted(records, key=lambda record: record.arrival_date)
    start = [record.service_start_date for record in records]
    return [start, [record.service_end_date for record in records]]


def simpy_stream(gaps: Times, pipeline: mds.StreamPipeline) -> list[float]:
    """Return the latency of each message, from a SimPy model of the pipeline."""
    env = simpy.Environment()
    pool = simpy.Resource(env, pipeline.workers)
    length, service = pipeline.window.length, pipeline.service
    latency = [0.0] * len(gaps)
    batch: list[tuple[int, float]] = []

    def mini_batch():
        nonlocal batch
        yield env.timeout(length)
        messages, batch = batch, []
        with pool.request() as turn:
            yield turn
            yield env.timeout(service.per_job + service.per_item * len(messages))
        for number, arrival in messages:
            latency[number] = env.now - arrival

    def source():
        for number, gap in enumerate(gaps):
            yield env.timeout(gap)
            if not batch:
                env.process(mini_batch())
            batch.append((number, env.now))

    env.process(source())
    env.run()
    return latency


def draw_queue(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw M/M/10: gaps, ready times and service times (mean 1 s)."""
    rng = np.random.default_rng(SEED)
    gaps = rng.exponential(1 / (UTILISATION * WORKERS), n)
    return gaps, np.cumsum(gaps), rng.exponential(1.0, n)


def draw_gaps(n: int) -> np.ndarray:
    """Draw the gaps between the messages that the pipeline draws for this seed."""
    return streams(SEED).arrivals.exponential(1 / PIPELINE.arrivals.rate, n)


def medians(jobs: dict[str, Job], rounds: int) -> dict[str, float]:
    """Return the median CPU time of each job [s]; each round runs all of them."""
    # Ours run for a quarter of a second a round, or what SimPy and Ciw leave of memory
    # would count: pages that are touched for the first time can double a single run.
    repeats = dict.fromkeys(jobs, 1)
    for name in jobs.keys() - {SIMPY, CIW}:
        jobs[name]()
        repeats[name] = math.ceil(0.25 / cpu_seconds(jobs[name], 1))
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            times[name].append(cpu_seconds(job, repeats[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def cpu_seconds(job: Job, repeats: int) -> float:
    """Return the mean CPU time of some runs [s]."""
    gc.collect()
    start = time.process_time()
    for _ in range(repeats):
        job()
    return (time.process_time() - start) / repeats


def queue(n: int, rounds: int) -> str:
    """Return the table of M/M/10."""
    gaps, ready, service_time = draw_queue(n)
    lists = gaps.tolist(), service_time.tolist()
    done = serve(ready, service_time, WORKERS)
    expected = [done.start.tolist(), done.finish.tolist()]
    for answer in (simpy_queue(*lists, WORKERS), ciw_times(ciw_queue(*lists, WORKERS))):
        if answer != expected:
            raise AssertionError("simulators must agree before they are timed")
    del answer, expected
    arrays = ready.view(), service_time.view()
    for array in arrays:
        array.setflags(write=False)  # the kind that the kernel is compiled for
    columns = done.start, done.finish, done.worker
    draw = "NumPy draws the variates"
    jobs: dict[str, Job] = {
        draw: lambda: draw_queue(n),
        "kernel, arrays given": lambda: _kernels.serve(*arrays, WORKERS, *columns),
        "`serve`, arrays given": lambda: serve(ready, service_time, WORKERS),
        "`start_times`, arrays given": lambda: start_times(*arrays, WORKERS),
        "`serve` and its variates": lambda: serve(*draw_queue(n)[1:], WORKERS),
        "`serve_reference`, no Numba": lambda: serve_reference(*arrays, WORKERS),
        SIMPY: lambda: simpy_queue(*lists, WORKERS),
        CIW: lambda: ciw_queue(*lists, WORKERS),
    }
    title = f"M/M/10 at {UTILISATION}, {n:,} customers, {rounds} rounds"
    return table(title, "customer", n, medians(jobs, rounds), draw)


def stream(n: int, rounds: int) -> str:
    """Return the table of the mini-batch pipeline."""
    gaps = draw_gaps(n).tolist()
    record = PIPELINE.simulate(n=n, rng=SEED)
    if simpy_stream(gaps, PIPELINE) != record.latency.tolist():
        raise AssertionError("simulators must agree before they are timed")
    draw = "NumPy draws the gaps"
    jobs: dict[str, Job] = {
        draw: lambda: draw_gaps(n),
        "`StreamPipeline.statistics`, variates too": lambda: PIPELINE.statistics(
            n=n, rng=SEED, progress=False
        ),
        "`StreamPipeline.simulate`, variates too": lambda: PIPELINE.simulate(
            n=n, rng=SEED
        ),
        SIMPY: lambda: simpy_stream(gaps, PIPELINE),
    }
    title = (
        f"Mini-batches: 10 messages a minute, window 5 min, service 5 + 0.5 size min, "
        f"10 workers, {n:,} messages, {rounds} rounds"
    )
    return table(title, "message", n, medians(jobs, rounds), draw)


def alone(quick: bool) -> str:
    """Measure what has nobody to compare with: sizes, memory, import."""
    many = 10**6 if quick else 10**8
    PIPELINE.statistics(n=100_000, rng=SEED, progress=False)  # compiles
    tracemalloc.start()
    PIPELINE.statistics(n=min(many, 10**7), rng=SEED, progress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    streamed = cpu(lambda: PIPELINE.statistics(n=many, rng=SEED, progress=False))
    n = 10**6
    record = cpu(lambda: PIPELINE.simulate(n=n, rng=SEED).summary()) / n
    day = min(
        cpu(lambda: PIPELINE.simulate(until=mds.DAY, rng=SEED)) for _ in range(99)
    )
    start, first = (startup(f"import mds_sim\n{then}") for then in ("", FIRST_USE))
    return (
        "**What has nobody to compare with**\n\n| | measured |\n|---|---|\n"
        f"| {many:,} messages by `statistics` | {digits(streamed, up=True)} s CPU |\n"
        f"| memory for that, beyond the import | {digits(peak / 1e6, up=True)} MB |\n"
        "| record and summary of 1,000,000 messages | "
        f"{digits(record * 1e9, up=True)} ns a message |\n"
        f"| one day, best of 99 | {digits(day * 1e3, up=True)} ms |\n"
        f"| start Python and `import mds_sim` | {digits(start, up=True)} s CPU |\n"
        f"| and then `{FIRST_USE}`, which loads NumPy | "
        f"{digits(first, up=True)} s CPU |\n"
    )


def startup(code: str) -> float:
    """Return the CPU time of a new Python that runs some code, median of 7 [s]."""
    code += "\nimport time; print(time.process_time())"
    runs = [subprocess.check_output([sys.executable, "-c", code]) for _ in range(7)]
    return statistics.median(map(float, runs))


def cpu(job: Job) -> float:
    """Return the CPU time of one run [s]."""
    begin = time.process_time()
    job()
    return time.process_time() - begin


def table(title: str, item: str, n: int, times: dict[str, float], draw: str) -> str:
    """Lay out medians and their ratios as Markdown."""
    others = [name for name in (SIMPY, CIW) if name in times]
    heads = [f"{name.split(',')[0]} / this" for name in others]
    lines = [
        f"**{title}**\n",
        f"| | CPU ns a {item} | {' | '.join(heads)} | this / variates |",
        "|---|" + "---:|" * (len(heads) + 2),
    ]
    for name, seconds in times.items():
        cells = [digits(seconds / n * 1e9, up=name not in {*others, draw})]
        cells += [digits(times[other] / seconds, up=False) for other in others]
        cells += [digits(seconds / times[draw], up=True)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="small, and no README")
    quick = parser.parse_args().quick
    sizes = [(10_000, 3)] if quick else [(100_000, 7), (1_000_000, 3)]
    parts = [versions("numpy", "numba", "simpy", "ciw")]
    print(parts[0])
    for make in (queue, stream):
        for n, rounds in sizes:
            parts.append(make(n, rounds))
            print(parts[-1], flush=True)
    parts.append(alone(quick))
    print(parts[-1])
    if not quick:
        write("simulation.py", parts)


if __name__ == "__main__":
    main()
