"""Bucketing side by side: ``python benchmarks/packing.py``.

prtpy, binpacking and this package get the same sizes. First fit decreasing is one rule,
so all must answer with the same number of buckets before anything is timed (binpacking
packs worst fit decreasing, and is compared with that). Times are CPU times, medians of
interleaved runs, kernels compiled before; ratios are rounded down where more is better
for us, and up where less is. The tables go to the screen and into README.md beside this
file; ``--quick`` shows small ones only. ``--instances FOLDER`` packs instances in the
text format of BPPLIB instead (n, the capacity, then one size a line), of that folder
and all below, and ``--exact SECONDS`` looks for the fewest buckets of each, and proves
them if it can. The table is CSV; what is left out, and why, goes to the error stream.
"""

from __future__ import annotations

import argparse
import csv
import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from report import (
    digits,
    existing_folder,
    instances_in,
    positive_seconds,
    versions,
    write,
)

from mds_sim import files
from mds_sim.files import _placing, pack
from mds_sim.units import MB

CAPACITY = 10 * MB
SEED = 1
MANY_FILES = (
    files.NextFit(),
    files.LookbackFit(20),
    files.FirstFit(),
    files.BestFit(),
    files.WorstFit(),
    files.AlmostWorstFit(),
    files.NextFitDecreasing(),
    files.FirstFitDecreasing(),
    files.BestFitDecreasing(),
    files.WorstFitDecreasing(),
)
NIGHT = (
    *MANY_FILES,
    files.Harmonic(),
    files.ModifiedFirstFitDecreasing(),
    files.MinimumBinSlack(),
    files.SparkPartitions(),
    files.DeltaCompaction(),
    files.IcebergSplits(),
)

Job = Callable[[], object]


def draw(law: str, n: int) -> np.ndarray:
    """Draw sizes [bytes] that fit: exponential, mean 1 MB, or uniform."""
    rng = np.random.default_rng(SEED)
    if law == "uniform":
        return rng.integers(1, CAPACITY + 1, n)
    return np.clip(np.rint(rng.exponential(MB, n)), 1, CAPACITY).astype(np.int64)


def medians(jobs: dict[str, Job], rounds: int) -> dict[str, float]:
    """Return the median CPU time of each job [s], runs interleaved."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            gc.collect()
            begin, runs = time.process_time(), 0
            while runs == 0 or time.process_time() - begin < 0.05:
                job()
                runs += 1
            times[name].append((time.process_time() - begin) / runs)
    return {name: statistics.median(values) for name, values in times.items()}


def python_only(strategy: files.BucketingStrategy, sizes: np.ndarray) -> Job:
    """Return a job that does not use Numba."""

    def job() -> object:
        before, _placing.COMPILED_FROM = _placing.COMPILED_FROM, sizes.size + 1
        try:
            return strategy.assign(sizes, CAPACITY)
        finally:
            _placing.COMPILED_FROM = before

    return job


def others(n: int, rounds: int) -> str:
    """Compare with the public packages."""
    import binpacking
    import prtpy

    lines = [
        f"**First fit decreasing and worst fit decreasing, {n:,} files, {rounds} "
        "rounds**\n",
        "| | exponential: CPU ms | / this | uniform: CPU ms | / this |",
        "|---|---:|---:|---:|---:|",
    ]
    columns = []
    ffd, wfd = files.FirstFitDecreasing(), files.WorstFitDecreasing()
    for law in ("exponential", "uniform"):
        sizes = draw(law, n)
        listed = sizes.tolist()

        def by_prtpy(listed: list[int] = listed) -> int:
            return prtpy.pack(
                algorithm=prtpy.packing.first_fit_decreasing,
                binsize=CAPACITY,
                items=listed,
                outputtype=prtpy.out.BinCount,
            )

        def by_binpacking(listed: list[int] = listed) -> list[list[int]]:
            return binpacking.to_constant_volume(listed, CAPACITY)

        ours = pack(sizes, CAPACITY, ffd).n_buckets
        assert by_prtpy() == ours
        spread = len(by_binpacking())
        assert abs(spread - pack(sizes, CAPACITY, wfd).n_buckets) <= 0.01 * spread
        jobs: dict[str, Job] = {
            "this, `FirstFitDecreasing().assign`": lambda s=sizes: ffd.assign(
                s, CAPACITY
            ),
            "this, `pack(sizes)` with its checks": lambda s=sizes: pack(s, CAPACITY),
            "this, `WorstFitDecreasing().assign`": lambda s=sizes: wfd.assign(
                s, CAPACITY
            ),
            "this, first fit decreasing without Numba": python_only(ffd, sizes),
            "prtpy, first fit decreasing": by_prtpy,
            "binpacking, `to_constant_volume`": by_binpacking,
        }
        columns.append(medians(jobs, rounds))
    base = next(iter(columns[0]))
    for name in columns[0]:
        cells = []
        for column in columns:
            ratio = column[name] / column[base]
            ours_row = name.startswith("this")
            cells += [digits(column[name] * 1e3, up=ours_row), digits(ratio, ours_row)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def many(n: int, rounds: int) -> str:
    """Compare with the time that it takes to sort the same sizes."""
    lines = [
        f"**{n:,} files in buckets of 10 MB, {rounds} rounds**\n",
        "| | exponential, mean 1 MB: / np.sort | buckets / bound "
        "| uniform: / np.sort | buckets / bound |",
        "|---|---:|---:|---:|---:|",
    ]
    rows: dict[str, list[str]] = {}
    for law in ("exponential", "uniform"):
        sizes = draw(law, n)
        jobs: dict[str, Job] = {"np.sort": lambda s=sizes: np.sort(s)}
        for strategy in MANY_FILES:
            jobs[repr(strategy)] = lambda s=sizes, rule=strategy: rule.assign(
                s, CAPACITY
            )
        jobs["`pack(sizes)`, all checks, FFD"] = lambda s=sizes: pack(s, CAPACITY)
        times = medians(jobs, rounds)
        for name, seconds in times.items():
            cells = rows.setdefault(name, [])
            cells.append(digits(seconds / times["np.sort"], up=True))
            rule = next((s for s in MANY_FILES if repr(s) == name), None)
            if rule is None:
                cells.append("")
                continue
            packing = pack(sizes, CAPACITY, rule)
            cells.append(f"{packing.n_buckets / packing.lower_bound:.5f}")
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return "\n".join(lines) + "\n"


def night(nights: int, rounds: int) -> str:
    """Time a night of 100 files, and count how often the bound is reached."""
    source = files.FileSource(100)
    table = np.minimum(source.sample(nights, rng=SEED), CAPACITY)
    lines = [
        f"**A night: 100 exponential files of 1 MB, {nights:,} nights**\n",
        "| | CPU us a night | mean buckets | nights at the bound |",
        "|---|---:|---:|---:|",
    ]
    packings = [pack(row, CAPACITY) for row in table]
    bounds = np.array([packing.lower_bound for packing in packings])
    for strategy in NIGHT:
        seconds = medians(
            {"": lambda rule=strategy: [rule.assign(s, CAPACITY) for s in table[:200]]},
            rounds,
        )[""] / len(table[:200])
        found = np.array([pack(s, CAPACITY, strategy).n_buckets for s in table])
        share = (found == bounds).mean()
        lines.append(
            f"| `{strategy!r}` | {digits(seconds * 1e6, up=True)} "
            f"| {found.mean():.3f} | {share:.1%} |"
        )
    lines.append(f"| lower bound | | {bounds.mean():.3f} | |")
    return "\n".join(lines) + "\n"


def instances(folder: Path, exact: float | None) -> None:
    """Pack each instance of a folder by each strategy, and print the buckets as CSV.

    With `exact` [CPU seconds a case], look for the fewest, too.
    """
    table = csv.writer(sys.stdout, lineterminator="\n")
    solved = [] if exact is None else ["at_least", "fewest_found", "status"]
    names = [type(strategy).__name__ for strategy in NIGHT]
    table.writerow(["instance", "files", "bound", *names, *solved])
    proved = cases = 0
    for name, instance in instances_in(folder):
        sizes, capacity = instance.sizes, instance.capacity
        packings = [pack(sizes, capacity, strategy) for strategy in NIGHT]
        needed = [packing.n_buckets for packing in packings]
        row: list[object] = [name, sizes.size, packings[0].lower_bound, *needed]
        if exact is not None:
            solution = files.Optimal(exact).solve(sizes, capacity)
            status = "open" if solution.gap else "proved"
            row += [solution.bound, solution.n_buckets, status]
            proved, cases = proved + (status == "proved"), cases + 1
        table.writerow(row)
    if exact is not None:
        print(f"{proved} of {cases} proved, {exact:g} s each", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="small, and no README")
    parser.add_argument("--instances", type=existing_folder, help="pack what is there")
    parser.add_argument("--exact", type=positive_seconds, help="to prove each of these")
    arguments = parser.parse_args()
    if arguments.exact is not None and arguments.instances is None:
        parser.error("--exact must go with --instances; exact.py has the classes")
    if arguments.instances is not None:
        instances(arguments.instances, arguments.exact)
        return
    quick = arguments.quick
    for strategy in MANY_FILES:
        strategy.assign(draw("uniform", 3000), CAPACITY)  # compiles
    jobs = (
        lambda: others(1_000 if quick else 10_000, 1 if quick else 5),
        lambda: many(100_000 if quick else 1_000_000, 1 if quick else 5),
        lambda: night(100 if quick else 1_000, 1 if quick else 5),
    )
    parts = [versions("numpy", "numba", "prtpy", "binpacking")]
    print(parts[0])
    for job in jobs:
        parts.append(job())
        print(parts[-1], flush=True)
    if not quick:
        write("packing.py", parts)


if __name__ == "__main__":
    main()
