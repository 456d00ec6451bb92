"""Swaps that let fewer people meet again, among those who may change places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .history import History, Ints

NEVER = (
    1e6  # what a forbidden pair costs: more than all repeated meetings of an evening
)


def costs(history: History, players: Ints) -> NDArray[np.float64]:
    """Return what it costs to let two of the players meet, shape (n, n).

    Examples
    --------
    >>> history = History.start(("Ann", "Bob", "Cid"), tables=1, seats=2, rounds=3)
    >>> costs(history.after(table=[0, 0, -1], winner=[1]), np.array([0, 1]))
    array([[0., 1.],
           [1., 0.]])
    """
    square = np.ix_(players, players)
    cost: NDArray[np.float64] = history.meetings[square].astype(np.float64)
    if history.forbidden is not None:
        cost += NEVER * history.forbidden[square]
    return cost


def settle(cost: NDArray[np.float64], table: Ints, group: Ints) -> Ints:
    """Swap players of one group between tables as long as it lowers the cost.

    Parameters
    ----------
    cost : ndarray of float64, shape (n, n)
        Symmetric, with a diagonal of 0.
    table : ndarray of int64, shape (n,)
        From 0.
    group : ndarray of int64, shape (n,)
        Only equals change places; who has a negative number stays.

    Returns
    -------
    ndarray of int64, shape (n,)
        The best swap comes first, the first pair of players if tied. Cost O(n^2) a
        swap.

    Examples
    --------
    >>> met = np.zeros((4, 4))
    >>> met[0, 1] = met[1, 0] = 1
    >>> settle(met, np.array([0, 0, 1, 1]), group=np.array([5, 7, 7, 5]))
    array([1, 0, 1, 0])
    """
    table, n = table.copy(), len(table)
    barred = (group[:, None] != group) | (group < 0)
    crowd = cost @ (table[:, None] == np.arange(table.max() + 1))
    while n:
        here, there = crowd[np.arange(n), table], crowd[:, table]
        # p and q do not stay at the tables they leave, hence 2 * cost.
        change = there + there.T - here[:, None] - here - 2 * cost
        change[barred | (table[:, None] == table)] = 0
        p, q = divmod(int(change.argmin()), n)
        if change[p, q] >= 0:
            break
        shift = cost[:, q] - cost[:, p]
        crowd[:, table[p]] += shift
        crowd[:, table[q]] -= shift
        table[p], table[q] = table[q], table[p]
    return table
