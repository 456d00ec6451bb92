"""Nets, and the Latin squares and matrices that they come from."""

from itertools import combinations

import numpy as np
import pytest

from mds_sim.tournament.designs._matrices import (
    DIFFERENCES,
    cyclic_sum,
    difference_matrix,
    orthogonal_array,
)
from mds_sim.tournament.designs._nets import net


def agreements(seat: np.ndarray) -> int:
    """Return how often two players of different groups meet at most, by counting."""
    rounds, groups, tables = seat.shape
    worst = 0
    for k, m in combinations(range(groups), 2):
        met = np.zeros((tables, tables), dtype=int)
        for r in range(rounds):
            met += seat[r, k][:, None] == seat[r, m]
        worst = max(worst, int(met.max()))
    return worst


@pytest.mark.parametrize("tables", range(1, 31))
@pytest.mark.parametrize("seats", [2, 3, 4, 5, 6])
def test_nobody_meets_twice_in_a_net(tables: int, seats: int) -> None:
    seat, _ = net(tables, seats)
    assert np.array_equal(
        np.sort(seat, axis=2), np.broadcast_to(np.arange(tables), seat.shape)
    )
    assert agreements(seat) <= 1
    assert np.array_equal(net(tables, seats, rounds=2)[0], seat[:2])


@pytest.mark.parametrize(
    ("tables", "seats", "rounds"),
    [(12, 6, 12), (14, 5, 14), (15, 5, 15), (18, 6, 18), (20, 5, 20), (100, 4, 100)],
)
def test_the_orders_that_are_no_prime_powers(
    tables: int, seats: int, rounds: int
) -> None:
    assert len(net(tables, seats)[0]) == rounds


@pytest.mark.parametrize("seats", [3, 4, 5])
def test_a_full_net_is_orthogonal_latin_squares(seats: int) -> None:
    seat, _ = net(12, seats)
    # Rows are rounds, columns the tables, symbols the members of each group.
    squares = np.argsort(seat, axis=2).transpose(1, 0, 2)
    based = [np.take_along_axis(squares[k], seat[:, 0], axis=1) for k in range(seats)]
    for one, two in combinations(based[1:], 2):
        assert len(set(zip(one.ravel(), two.ravel(), strict=True))) == 144
    for square in based[1:]:
        assert (np.arange(12) == np.sort(square, axis=0).T).all()
        assert (np.sort(square, axis=1) == np.arange(12)).all()


@pytest.mark.parametrize(("order", "columns"), DIFFERENCES)
def test_differences_of_columns_differ(order: int, columns: int) -> None:
    rows, add = difference_matrix(order, columns)
    minus = np.argmin(add, axis=1)
    assert rows.shape[1] == columns
    for k, m in combinations(range(columns), 2):
        assert len(set(add[rows[:, k], minus[rows[:, m]]].tolist())) == len(rows)


def test_the_check_of_a_matrix_sees_one_wrong_entry() -> None:
    rows, add = difference_matrix(10, 6)
    wrong = rows.copy()
    wrong[3, 2] = (wrong[3, 2] + 1) % 10
    assert agreements(add[np.arange(10), wrong[:, :, None]]) == 2


@pytest.mark.parametrize("order", [14, 18, 20])
def test_an_orthogonal_array_holds_each_pair_once(order: int) -> None:
    array = orthogonal_array(order)
    for k, m in combinations(range(array.shape[1]), 2):
        pairs = set(zip(array[:, k].tolist(), array[:, m].tolist(), strict=True))
        assert len(pairs) == len(array) == order**2


def test_a_product_of_cyclic_groups() -> None:
    add = cyclic_sum(2, 6)
    assert add[0].tolist() == list(range(12))
    assert add[7, 5] == 6  # (1, 1) + (0, 5) = (1, 0)
    assert add[7, 11] == 0  # (1, 1) + (1, 5) = (0, 0)
