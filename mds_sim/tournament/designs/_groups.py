"""Groups that move players, and schedules made from a few base rounds by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from mds_sim.tournament.history import Ints

Move = tuple[int, ...]  # the player that each one is moved to
Tables = Sequence[Sequence[int]]


def moved(players: int, rule: Callable[[int], int]) -> Move:
    """Return a rule as a permutation.

    Examples
    --------
    >>> moved(4, lambda p: (p + 1) % 4)
    (1, 2, 3, 0)
    """
    return tuple(rule(p) for p in range(players))


def turned(n: int, orbits: int, fixed: int = 0) -> Move:
    """Return x -> x + 1 modulo n, on some copies of Z_n and some fixed points.

    Examples
    --------
    >>> turned(3, orbits=2, fixed=1)
    (1, 2, 0, 4, 5, 3, 6)
    """
    whole = n * orbits
    return moved(
        whole + fixed, lambda p: p - p % n + (p % n + 1) % n if p < whole else p
    )


def closure(moves: Iterable[Move]) -> Ints:
    """Return all elements of the group that some moves generate, one a row.

    Examples
    --------
    >>> closure([(1, 2, 0)]).tolist()
    [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    """
    moves = tuple(moves)
    identity = tuple(range(len(moves[0])))
    elements = {identity: None}  # a set that keeps its order
    todo = [identity]
    for element in todo:
        for move in moves:
            image = tuple(move[p] for p in element)
            if image not in elements:
                elements[image] = None
                todo.append(image)
    return np.array(todo)


def pair_orbits(group: Ints) -> tuple[Ints, Ints]:
    """Find the orbits of a group on pairs of players, and number them.

    Returns
    -------
    orbit : ndarray of int64, shape (players, players)
        Symmetric, -1 on the diagonal.
    size : ndarray of int64, shape (orbits,)
        How many pairs are in each.

    Examples
    --------
    >>> orbit, size = pair_orbits(closure([turned(4, 1)]))
    >>> size  # neighbours and opposites on a circle of four
    array([4, 2])
    """
    players = group.shape[1]
    orbit = np.full((players, players), -1)
    count = 0
    for p, q in np.ndindex(orbit.shape):
        if p < q and orbit[p, q] < 0:
            images, others = group[:, p], group[:, q]
            orbit[images, others] = orbit[others, images] = count
            count += 1
    size = np.bincount(orbit[np.triu_indices(players, 1)], minlength=count)
    return orbit, size


def develop(group: Ints, base: Iterable[Tables]) -> Ints:
    """Return all images of some base rounds, each of them once.

    Parameters
    ----------
    group : ndarray of int64, shape (elements, players)
    base : iterable of rounds
        A round is a list of tables, a table a list of players; together all of them.

    Returns
    -------
    ndarray of int64, shape (rounds, players)
        The table of each player.

    Examples
    --------
    >>> develop(closure([turned(3, 1, fixed=1)]), [[[0, 3], [1, 2]]])
    array([[0, 1, 1, 0],
           [0, 1, 0, 1],
           [0, 0, 1, 1]])
    """
    rows: dict[tuple[int, ...], None] = {}
    for tables in base:
        where = np.empty(group.shape[1], dtype=np.int64)
        for number, table in enumerate(tables):
            where[list(table)] = number
        for element in group:
            image = np.empty_like(where)
            image[element] = where
            rows[tuple(_renumbered(image.tolist()))] = None
    return np.array(list(rows))


def _renumbered(where: list[int]) -> list[int]:
    """Give the tables new numbers, in the order of their first players."""
    number: dict[int, int] = {}
    return [number.setdefault(table, len(number)) for table in where]
