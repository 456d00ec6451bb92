"""What `Optimal` proves, class by class: ``python benchmarks/exact.py``.

Instances are drawn by the published recipes, with the seeds 1, 2, 3, ... of each kind,
and each is solved once, in one pass. Times are CPU seconds of the solving thread, with
all kernels compiled before. Each packing is added up again and each certificate is
checked from scratch. What is not proved is listed with both bounds. A few small ones go
to CP-SAT of OR-Tools, too, which has no special method for packing: a variable for each
file and bucket. The tables go to the screen and into README.md beside this file.
``--quick`` draws a few of each class, ``--only`` some classes, ``--instances FOLDER``
reads files in the format of BPPLIB instead: these only show their tables.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from itertools import pairwise, product

import numpy as np
from report import existing_folder, instances_in, positive_seconds, versions, write

from mds_sim.files import pack
from mds_sim.files.instances import (
    Instance,
    falkenauer_triplets,
    falkenauer_uniform,
    scholl_1,
    scholl_2,
    scholl_3,
    schwerin,
    waescher,
    wide,
)
from mds_sim.files.optimal import Optimal, Solution

TIME_LIMIT = 20.0
CP_SAT_LIMIT = 25.0  # seconds of the clock, on all processors
Draw = Callable[[int], Instance]


def night(seed: int) -> Instance:
    """Return a night of the exercise: 100 exponential files of 1 MB, in 10 MB."""
    sizes = np.random.default_rng(seed).exponential(1e6, 100)
    return Instance(f"night {seed}", np.rint(sizes), 10**7)


def classes() -> Iterator[tuple[str, list[Draw], Iterable[int]]]:
    """Yield a name, the recipes of a class, and the seeds of each."""
    yield "nights of the exercise", [night], range(1, 1001)
    for n in (120, 250, 500, 1000):
        yield (
            f"uniform {n}",
            [lambda seed, n=n: falkenauer_uniform(n, seed)],
            range(1, 21),
        )
    for n in (60, 120, 249, 501):
        yield (
            f"triplets {n}",
            [lambda seed, n=n: falkenauer_triplets(n, seed)],
            range(1, 21),
        )
    counts = (50, 100, 200, 500)
    first = [
        lambda seed, n=n, c=c, low=low: scholl_1(n, seed, capacity=c, least=low)
        for n, c, low in product(counts, (100, 120, 150), (1, 20, 30))
    ]
    yield "Scholl 1", first, range(1, 21)
    second = [
        lambda seed, n=n, k=k, s=s: scholl_2(n, seed, files=k, spread=s)
        for n, k, s in product(counts, (3, 5, 7, 9), (0.2, 0.5, 0.9))
    ]
    yield "Scholl 2", second, range(1, 11)
    yield "Scholl 3", [lambda seed: scholl_3(200, seed)], range(1, 21)
    both = [lambda seed, n=n: schwerin(n, seed) for n in (100, 120)]
    yield "Schwerin", both, range(1, 101)
    waeschers = [
        lambda seed, n=n, top=top: waescher(n, seed, largest=top)
        for n, top in product((60, 120, 200), (0.25, 0.5, 0.75, 1.0))
    ]
    yield "Waescher-like", waeschers, range(1, 11)
    wides = [lambda seed, n=n: wide(n, seed) for n in (160, 180, 200)]
    yield "wide, 160 to 200", wides, range(1, 51)
    # Of wide(180, seed) for seeds 10,000 to 13,999, those that took over 2 s at first.
    hard = (10249, 10539, 10751, 10841, 11077, 11466, 12439, 12496, 13092)
    yield "wide, hard by search", [lambda seed: wide(180, seed)], hard


def solved(instance: Instance, time_limit: float) -> Solution:
    """Solve, add up the loads, and check the certificate."""
    solution = Optimal(time_limit).solve(instance.sizes, instance.capacity)
    load = np.zeros(solution.n_buckets, dtype=np.int64)
    np.add.at(load, solution.bucket, instance.sizes)
    alone = np.bincount(solution.bucket) == 1
    assert ((load <= instance.capacity) | alone).all()
    assert instance.optimum in (None, solution.n_buckets) or solution.gap
    solution.certificate.check(instance.sizes, instance.capacity)
    return solution


def row(
    name: str, instances: list[tuple[str, Instance]], time_limit: float
) -> tuple[str, list[str]]:
    """Solve a class; return its row, and what is open."""
    solutions = [solved(instance, time_limit) for _, instance in instances]
    seconds = [solution.seconds for solution in solutions]
    proved = sum(solution.gap == 0 for solution in solutions)
    by_solver = sum(solution.certificate.rests_on_solver for solution in solutions)
    stages = Counter(solution.stage for solution in solutions if not solution.gap)
    shown = ", ".join(f"{stage} {count}" for stage, count in stages.most_common())
    line = (
        f"| {name} | {len(solutions):,} | {proved:,} | {by_solver} "
        f"| {statistics.median(seconds):.2g} | {max(seconds):.2g} | {shown} |"
    )
    return line, [
        f"- {instance.name} ({where}): {solution.bound} <= optimum <= "
        f"{solution.n_buckets}, after {solution.seconds:.1f} s"
        for (where, instance), solution in zip(instances, solutions, strict=True)
        if solution.gap
    ]


def drawn(recipes: list[Draw], seeds: Iterable[int]) -> list[tuple[str, Instance]]:
    """Draw a class."""
    return [(f"seed {seed}", recipe(seed)) for recipe in recipes for seed in seeds]


def chosen(options: argparse.Namespace) -> Iterator[tuple[str, list]]:
    """Yield the name and the instances of each class that was asked for."""
    if options.instances:
        named = instances_in(options.instances)
        yield from [(options.instances.name, named)] if named else []
        return
    for name, recipes, seeds in classes():
        if options.only in name:
            yield name, drawn(recipes, list(seeds)[:2] if options.quick else seeds)


def ours(options: argparse.Namespace) -> str:
    """Solve all classes; return the table, and a list of what is open."""
    lines = [
        f"**`Optimal`, {options.time_limit:g} s of CPU a case**\n",
        "| class | cases | proved | of these by HiGHS | CPU s median | worst | by |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    still_open = []
    for name, instances in chosen(options):
        line, left = row(name, instances, options.time_limit)
        lines.append(line)
        still_open += left
        print(line, flush=True)
    lines += ["", "Open:" if still_open else "None is open.", "", *still_open]
    return "\n".join(lines).rstrip() + "\n"


def by_cp_sat(instance: Instance, limit: float) -> tuple[int, int, float]:
    """Return bound, buckets and seconds of CP-SAT, with a variable a file and bucket.

    Buckets look alike, so some are ruled out: the used ones come first, and a file is
    in none that is numbered above its own place from large to small.
    """
    from ortools.sat.python import cp_model

    sizes = np.sort(np.minimum(instance.sizes, instance.capacity))[::-1].tolist()
    start = pack(sizes, instance.capacity)
    model = cp_model.CpModel()
    used = [model.new_bool_var("") for _ in range(start.n_buckets)]
    load: list[list[tuple[object, int]]] = [[] for _ in used]
    for i, size in enumerate(sizes):
        places = [model.new_bool_var("") for _ in used[: i + 1]]
        model.add_exactly_one(places)
        for b, place in enumerate(places):
            load[b].append((place, size))
    for here, inside in zip(used, load, strict=True):
        model.add(sum(p * size for p, size in inside) <= instance.capacity * here)
    for here, after in pairwise(used):
        model.add_implication(after, here)
    model.add(sum(used) >= start.lower_bound)
    model.minimize(sum(used))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit
    solver.parameters.num_workers = os.cpu_count() or 1
    begin = time.perf_counter()
    status = solver.solve(model)
    seconds = time.perf_counter() - begin
    has_one = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    found = round(solver.objective_value) if has_one else start.n_buckets
    return round(solver.best_objective_bound), found, seconds


def beside_cp_sat(quick: bool) -> str:
    """Give a few small instances to both."""
    limit = 2.0 if quick else CP_SAT_LIMIT
    recipes: dict[str, Draw] = {
        "nights of the exercise": night,
        "uniform 120": lambda seed: falkenauer_uniform(120, seed),
        "triplets 60": lambda seed: falkenauer_triplets(60, seed),
    }
    lines = [
        f"**Beside CP-SAT of OR-Tools, {limit:g} s of the clock on all processors**\n",
        "| class | cases | proved by `Optimal` | s | proved by CP-SAT | s |",
        "|---|---:|---:|---|---:|---|",
    ]
    for name, recipe in recipes.items():
        instances = [recipe(seed) for seed in (1, 2, 3)]
        mine = [solved(instance, TIME_LIMIT) for instance in instances]
        theirs = [by_cp_sat(instance, limit) for instance in instances]
        for solution, (bound, found, _) in zip(mine, theirs, strict=True):
            assert bound <= solution.n_buckets
            assert solution.bound <= found
        cells = [
            str(sum(solution.gap == 0 for solution in mine)),
            ", ".join(f"{solution.seconds:.2g}" for solution in mine),
            str(sum(bound == found for bound, found, _ in theirs)),
            ", ".join(f"{seconds:.2g}" for *_, seconds in theirs),
        ]
        lines.append(f"| {name} | {len(instances)} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few of each class")
    parser.add_argument("--instances", type=existing_folder, help="of BPPLIB files")
    parser.add_argument("--time-limit", type=positive_seconds, default=TIME_LIMIT)
    parser.add_argument("--only", default="", help="classes with this in their name")
    options = parser.parse_args()
    with_others = not options.instances and not options.only
    if with_others and find_spec("ortools") is None:
        parser.error('OR-Tools must be there: pip install ".[bench]", or use --only')
    for warm in (falkenauer_triplets(60, 1), scholl_3(60, 1), waescher(60, 1)):
        solved(warm, 5.0)
    packages = ["numpy", "scipy", "numba", *(["ortools"] if with_others else [])]
    parts = [versions(*packages), ours(options)]
    if with_others:
        parts.append(beside_cp_sat(options.quick))
    print("\n" + "\n".join(parts))
    if with_others and not options.quick:
        write("exact.py", parts)


if __name__ == "__main__":
    main()
