"""The judge is judged: fair seatings pass, each cheat is found by its rule."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from mds_sim.tournament import (
    GreedySeating,
    History,
    RandomSeating,
    check_seating,
    who_plays,
)

Bend = Callable[[History, np.ndarray], object]


@dataclass(frozen=True)
class Cheat:
    """A fair seating, bent."""

    bend: Bend

    def seat(self, history: History, rng: np.random.Generator) -> object:
        return self.bend(history, RandomSeating().seat(history, rng).copy())

    def __repr__(self) -> str:
        return "Cheat()"


def leave_a_table_empty(history: History, table: np.ndarray) -> np.ndarray:
    return np.minimum(table, max(history.tables - 2, 0))


def seat_too_many(history: History, table: np.ndarray) -> np.ndarray:
    return np.maximum(table, 0)


def crowd_one_table(history: History, table: np.ndarray) -> np.ndarray:
    sizes = np.bincount(table[table >= 0])
    if sizes.max() < history.seats and len(sizes) > 1:
        few = int(sizes.argmin())
        table[np.flatnonzero(table == few)[0]] = (few + 1) % len(sizes)
    return table


def send_one_home(history: History, table: np.ndarray) -> np.ndarray:
    sizes = np.bincount(table[table >= 0])
    if sizes.max() > sizes.min():
        table[np.flatnonzero(table == sizes.argmax())[0]] = -1
    return table


def bench_the_same(history: History, table: np.ndarray) -> np.ndarray:
    return np.sort(table)


def invent_a_table(history: History, table: np.ndarray) -> np.ndarray:
    return table + 1


def forget_a_player(history: History, table: np.ndarray) -> np.ndarray:
    return table[1:]


def return_floats(history: History, table: np.ndarray) -> np.ndarray:
    return table.astype(float)


CASE_1 = "players=2, tables=1, seats=2, rounds=2, rng=0"


@pytest.mark.parametrize(
    ("bend", "rule"),
    [
        (
            leave_a_table_empty,
            r"every table must be used, but table 1 is not in round 1",
        ),
        (seat_too_many, r"a table must hold at most \d players, but table 0 holds .*"),
        (crowd_one_table, r"table sizes must differ by at most 1, but table .*"),
        (send_one_home, r"\d+ players must have a seat, but \d+ do in round \d; .*"),
        (
            bench_the_same,
            r"sit-outs must differ by at most 1, but 'P1' would .*",
        ),
        (
            invent_a_table,
            r"table must be -1 \(sits out\) or 0 to 0, but table\[0\] = .*",
        ),
        (
            forget_a_player,
            r"table must have shape \(2,\), one entry for each .*",
        ),
        (return_floats, r"table must hold integers, got float64 in round 1"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_cheat_is_found_by_its_rule(bend: Bend, rule: str) -> None:
    case = (
        r"Cheat\(\) fails with players=\d+, tables=\d, seats=\d, rounds=\d+, rng=\d: "
    )
    with pytest.raises(AssertionError, match=f"^{case}{rule}$"):
        check_seating(Cheat(bend))  # type: ignore[arg-type]  # that is the test


def test_chance_from_elsewhere_is_found() -> None:
    elsewhere = np.random.default_rng(1)

    class Own:
        def seat(self, history: History, rng: np.random.Generator) -> np.ndarray:
            return RandomSeating().seat(history, elsewhere)

        def __repr__(self) -> str:
            return "Own()"

    message = (
        r"^Own\(\) fails with players=4, tables=2, seats=2, rounds=4, rng=0: "
        r"equal seeds must give equal rounds, but round \d differs; "
        r"draw from the rng that seat\(\) is given$"
    )
    with pytest.raises(AssertionError, match=message):
        check_seating(Own())


def test_a_seating_that_writes_into_its_history_is_found() -> None:
    def scribble(history: History, table: np.ndarray) -> np.ndarray:
        history.sat_out[:] = 0
        return table

    message = re.escape(f"Cheat() fails with {CASE_1}: assignment destination is read")
    with pytest.raises(AssertionError, match=f"^{message}"):
        check_seating(Cheat(scribble))  # type: ignore[arg-type]  # that is the test


def test_a_crash_is_left_as_it_is() -> None:
    def crash(history: History, table: np.ndarray) -> np.ndarray:
        raise KeyError("no such player")

    with pytest.raises(KeyError, match="no such player"):
        check_seating(Cheat(crash))  # type: ignore[arg-type]  # that is the test


def test_cases_and_seeds_can_be_chosen() -> None:
    check_seating(Cheat(bench_the_same), cases=[(4, 2, 2, 9)], seeds=[7])  # type: ignore[arg-type]
    check_seating(
        GreedySeating(starts=1), cases=iter([(5, 2, 2, 6)]), seeds=iter([1, 2])
    )


def test_a_seating_of_ones_own_passes() -> None:
    class WinnersTogether:
        def seat(self, history: History, rng: np.random.Generator) -> np.ndarray:
            players = who_plays(history, rng)
            players = players[np.argsort(-history.wins[players], kind="stable")]
            table = np.full(history.players, -1)
            table[players] = np.repeat(np.arange(history.tables), history.sizes)
            return table

    check_seating(WinnersTogether())
