"""Every design, checked from scratch against the best that is known."""

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from mds_sim.tournament import Schedule
from mds_sim.tournament.designs import KNOWN, design, find_starter
from mds_sim.tournament.designs._octet_search import find_octets
from mds_sim.tournament.designs._octets import develop_octets
from mds_sim.tournament.designs._starters import Starter, find

BEST = Path(__file__).with_name("best_known_rounds.csv")
# tables, seats, rounds: see the comment lines of the file for the sources.
CELLS = [
    tuple(map(int, row))
    for row in csv.reader(BEST.read_text(encoding="utf-8").splitlines())
    if row[0].isdigit()
]
MISSING = {(17, 4): 17}  # 22 rounds are known; what is here instead


def most_meetings(table: np.ndarray, seats: int) -> int:
    """Count every pair at every table, one by one, and return the most."""
    met: dict[tuple[int, int], int] = {}
    for row in table.tolist():
        tables: dict[int, list[int]] = {}
        for player, number in enumerate(row):
            tables.setdefault(number, []).append(player)
        for people in tables.values():
            assert len(people) == seats
            for pair in combinations(people, 2):
                met[pair] = met.get(pair, 0) + 1
    return max(met.values())


def test_the_cells_are_all_there() -> None:
    small = [cell for cell in CELLS if cell[0] <= 10]
    assert (len(small), len(CELLS)) == (26, 66)


@pytest.mark.parametrize(("tables", "seats", "known"), CELLS)
def test_the_best_known_rounds_are_reached(tables: int, seats: int, known: int) -> None:
    table, method = design(tables, seats)
    assert table.shape[1] == tables * seats
    assert len(table) >= MISSING.get((tables, seats), known)
    assert most_meetings(table, seats) == 1
    Schedule(table, method=method).check()


def test_some_cells_hold_more_rounds_than_the_table() -> None:
    more = {
        (tables, seats): (len(design(tables, seats)[0]), known)
        for tables, seats, known in CELLS
        if len(design(tables, seats)[0]) > known
    }
    assert more == {
        (10, 5): (10, 9), (10, 6): (8, 7),
        (14, 6): (10, 9), (15, 6): (11, 10), (20, 6): (15, 13),
    }  # fmt: skip


def test_the_count_of_meetings_sees_a_repeat() -> None:
    table = design(4, 4)[0].copy()
    table[1] = table[0]
    assert most_meetings(table, 4) == 2


@pytest.mark.parametrize(("tables", "seats"), [(7, 3), (6, 4), (8, 4), (9, 3)])
def test_fewer_rounds_are_fewer_rounds(tables: int, seats: int) -> None:
    longest = len(design(tables, seats)[0])
    for rounds in range(1, longest + 3):
        table, _ = design(tables, seats, rounds)
        assert len(table) == min(rounds, longest)
        assert most_meetings(table, seats) == 1


@pytest.mark.parametrize(("power", "rounds"), [(2, 5), (3, 21)])
def test_affine_geometries_let_everyone_meet_everyone(power: int, rounds: int) -> None:
    table, _ = design(4 ** (power - 1), 4)
    assert len(table) == rounds
    assert most_meetings(table, 4) == 1  # and 3 new people a round: all of them


@pytest.mark.parametrize(
    "cell", [(5, 3), (6, 3), (8, 3), (11, 3), (17, 3), (6, 4), (9, 4), (10, 4)]
)
def test_starters_are_found_again(cell: tuple[int, int]) -> None:
    table = find_starter(*cell, np.random.default_rng(3))
    assert cell in KNOWN
    assert table is not None
    assert len(table) == len(design(*cell)[0])
    assert most_meetings(table, cell[1]) == 1


def test_a_starter_that_cannot_be_is_not_found() -> None:
    # Two tables of three hold six pairs a round; Z_6 has two and a half orbits.
    impossible = Starter(3, (tuple((p + 1) % 6 for p in range(6)),))
    assert find(impossible, np.random.default_rng(1), seconds=0.05) is None


def test_ten_rounds_for_32_players_are_found_again() -> None:
    bases = find_octets(np.random.default_rng(2), tries=30)  # 1.2 s
    assert bases is not None
    table = develop_octets(bases)
    assert table.shape == (10, 32)
    assert most_meetings(table, 4) == 1
