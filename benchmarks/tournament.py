"""Schedules against the best that is known: ``python benchmarks/tournament.py``.

For every number of tables and seats of which a table of records is published, the
rounds that `design` makes without a repeat, counted from scratch, beside the record,
and the CPU time with all that is kept from earlier calls forgotten. Then schedules for
other numbers, and the speed of search and seatings. The tables go to the screen and
into README.md beside this file; ``--quick`` leaves the search out and only shows them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import combinations

import numpy as np
from report import digits, versions, write

from mds_sim import GreedySeating, HorizonSeating, Tournament, schedule
from mds_sim.theory.tournament import pairs_bound
from mds_sim.tournament.designs import _fields, _nets, _octets, _spreads, design
from mds_sim.tournament.search import search

# The most rounds known for 3 tables on, by seats. Up to 10 tables: OEIS A107431 and
# A. Miller, M. Valkov, R. J. R. Abel (2026), Symmetry 18(2) 269; then its Appendix B;
# as GroupMixer's target table quotes them, for 5 and 6 seats not compared with it.
KNOWN = {
    3: (3, "4 4 7 8 10 11 13 14 16 17 19 20 22 23 25 26 28 29"),
    4: (4, "5 5 7 9 10 11 13 14 15 17 18 19 21 22 23 25 26"),
    5: (5, "6 6 7 8 9 9 11 12 16 14 16 16 21 18 19 21"),
    6: (6, "3 7 8 9 7 11 13 13 9 10 16 17 19 19 13"),
}
OTHERS = (
    (15, 4, 4, 5), (17, 4, 4, 5), (18, 4, 4, 9), (20, 4, 4, 5), (22, 5, 4, 6),
    (23, 6, 4, 7), (30, 7, 4, 8), (32, 8, 4, 11), (50, 12, 4, 8), (68, 17, 4, 22),
    (98, 25, 4, 20), (100, 20, 4, 10), (400, 100, 4, 33), (400, 100, 4, 100),
)  # fmt: skip
CACHES = (_fields.field, _nets._longest, _octets.octets, _spreads.spreads)


def repeats(table: np.ndarray) -> int:
    """Count from scratch how often two players meet again."""
    met: set[tuple[int, int]] = set()
    again = 0
    for row in table.tolist():
        people: dict[int, list[int]] = {}
        for player, number in enumerate(row):
            people.setdefault(number, []).append(player)
        people.pop(-1, None)
        for seated in people.values():
            for pair in combinations(seated, 2):
                again += pair in met
                met.add(pair)
    return again


def cold(job: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU time of a job [s], the caches emptied before, and its answer."""
    for cache in CACHES:
        cache.cache_clear()
    begin = time.process_time()
    answer = job()
    return time.process_time() - begin, answer


def cells() -> str:
    """Compare with the table of records."""
    lines = [
        "| tables | seats | rounds | known | CPU ms | method |",
        "|---:|---:|---:|---:|---:|---|",
    ]
    reached, times = {10: 0, 20: 0}, []
    for seats, (first, records) in KNOWN.items():
        for tables, known in enumerate(map(int, records.split()), start=first):
            seconds, answer = cold(lambda t=tables, s=seats: design(t, s))
            table, method = answer
            assert repeats(table) == 0
            taken = [np.bincount(row, minlength=tables) for row in table]
            assert (np.array(taken) == seats).all()
            times.append(seconds)
            rounds = f"**{len(table)}**" if len(table) > known else str(len(table))
            reached[10 if tables <= 10 else 20] += len(table) >= known
            lines.append(
                f"| {tables} | {seats} | {rounds} | {known} | "
                f"{digits(seconds * 1e3, up=True)} | {method} |"
            )
    head = (
        f"**{reached[10]} of 26 cells of up to 10 tables and {reached[20]} of 40 of 11 "
        f"to 20 reach the rounds known (in bold: more than that table has); the "
        f"slowest takes {digits(max(times), up=True)} s, the median "
        f"{digits(statistics.median(times) * 1e3, up=True)} ms**\n"
    )
    return "\n".join([head, *lines]) + "\n"


def others(seconds: float) -> str:
    """Make schedules for numbers that fit no design."""
    lines = [
        f"**Any numbers, `schedule(..., seconds={seconds:g})`**\n",
        "| players | tables | seats | rounds | pairs | bound | CPU s | method |",
        "|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for plan in OTHERS:
        used, made = cold(lambda plan=plan: schedule(*plan, rng=1, seconds=seconds))
        made.check()
        lines.append(
            f"| {' | '.join(map(str, plan))} | {made.pairs_met} | {made.bound} | "
            f"{digits(used, up=True)} | {made.method} |"
        )
    return "\n".join(lines) + "\n"


def speeds() -> str:
    """Measure the search and the seatings that see one round at a time."""
    proposals = 20_000_000
    used, _ = cold(lambda: search(40, 10, 4, 13, proposals=proposals, rng=1))
    lines = [
        "**Search and seatings**\n",
        "| | measured |",
        "|---|---:|",
        f"| `search`, swap proposals a CPU second | "
        f"{digits(proposals / used / 1e6, up=False)} million |",
    ]
    plans = (GreedySeating(), (16, 4, 4, 5)), (GreedySeating(), (32, 8, 4, 9))
    for seating, plan in (*plans, (HorizonSeating(), (64, 16, 4, 7))):
        ratios, rounds = [], []
        for seed in range(20):
            game = Tournament(*plan, seating=seating, rng=seed)
            for _ in range(plan[3]):
                begin = time.process_time()
                tables = game.next_round().tables
                rounds.append(time.process_time() - begin)
                game.record([table.players[0] for table in tables])
            met = np.count_nonzero(np.triu(game.meetings))
            ratios.append(met / pairs_bound(*plan))
        players, tables_, seats, count = plan
        lines.append(
            f"| `{type(seating).__name__}`, {players} players, {tables_} tables of "
            f"{seats}, {count} rounds: pairs over the bound, ms a round (mean) | "
            f"{statistics.median(ratios):.3f}, "
            f"{digits(statistics.fmean(rounds) * 1e3, up=True)} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no search, only shown")
    quick = parser.parse_args().quick
    search(8, 2, 4, 3, proposals=1000, rng=1)  # compiles
    parts = [versions("numpy", "numba"), cells()]
    if not quick:
        parts += [others(5.0), speeds()]
    print("\n".join(parts))
    if not quick:
        write("tournament.py", parts)


if __name__ == "__main__":
    main()
