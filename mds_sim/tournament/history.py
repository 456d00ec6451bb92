"""What has happened so far, and the rules that every round keeps.

A round is one integer array: ``table[p]`` is the table of player p, counted from 0,
and -1 if p sits out. So nobody can sit at two tables, and all else is derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim.theory.tournament import table_sizes

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class History:
    """The facts that a seating decides on: the plan, and the rounds played so far.

    Parameters
    ----------
    names : tuple of str
        The players, in their order everywhere.
    tables, seats, rounds : int
        T, G and the number of rounds planned.
    table : ndarray of int64, shape (rounds played, players)
        Who sat where, -1 sat out; read-only, as all arrays here.
    winner : ndarray of int64, shape (rounds played, tables)
        The player who won at each table.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob", "Cid"), tables=1, seats=2, rounds=3)
    >>> history = history.after(table=[0, 0, -1], winner=[1])
    >>> history.round, history.wins, history.sat_out
    (1, array([0, 1, 0]), array([0, 0, 1]))
    """

    names: tuple[str, ...]
    tables: int
    seats: int
    rounds: int
    table: Ints
    winner: Ints

    @classmethod
    def start(
        cls, names: Sequence[str], tables: int, seats: int, rounds: int
    ) -> History:
        """Return the history of a tournament before its first round."""
        none, nobody = np.empty((0, len(names))), np.empty((0, tables))
        return cls(tuple(names), tables, seats, rounds, _frozen(none), _frozen(nobody))

    def after(self, table: Any, winner: Any) -> History:
        """Return the history with one more round (which it does not check)."""
        return History(
            self.names,
            self.tables,
            self.seats,
            self.rounds,
            _frozen(np.vstack([self.table, table])),
            _frozen(np.vstack([self.winner, winner])),
        )

    @property
    def round(self) -> int:
        """Rounds played, so the index of the one to be seated now."""
        return len(self.table)

    @property
    def players(self) -> int:
        """How many players there are (N)."""
        return len(self.names)

    @cached_property
    def sizes(self) -> Ints:
        """Players at each table in every round, the larger ones first, shape (T,)."""
        return _frozen(table_sizes(self.players, self.tables, self.seats))

    @cached_property
    def meetings(self) -> Ints:
        """How often any two players met, shape (N, N), with a diagonal of 0."""
        return count_meetings(self.table)

    @cached_property
    def opponents(self) -> Ints:
        """How many different people each player met, shape (N,)."""
        return _frozen((self.meetings > 0).sum(axis=1))

    @cached_property
    def sat_out(self) -> Ints:
        """How often each player sat out, shape (N,)."""
        return _frozen((self.table < 0).sum(axis=0))

    @cached_property
    def wins(self) -> Ints:
        """How many games each player won, shape (N,)."""
        return _frozen(np.bincount(self.winner.ravel(), minlength=self.players))


def count_meetings(table: Ints) -> Ints:
    """Count how often any two players sat at one table.

    Parameters
    ----------
    table : ndarray of int64, shape (rounds, players)

    Returns
    -------
    ndarray of int64, shape (players, players)
        Symmetric, with a diagonal of 0. Cost O(R N^2).

    Examples
    --------
    >>> count_meetings(np.array([[0, 0, -1], [0, -1, 0]]))
    array([[0, 1, 1],
           [1, 0, 0],
           [1, 0, 0]])
    """
    players = table.shape[1]
    meetings = np.zeros((players, players), dtype=np.int64)
    for row in table:
        meetings += _together(row)
    return _frozen(meetings)


def new_faces(table: Ints) -> NDArray[np.float64]:
    """Return how many different people a player has met after each round, on average.

    Parameters
    ----------
    table : ndarray of int64, shape (rounds, players)

    Returns
    -------
    ndarray of float64, shape (rounds,)

    Examples
    --------
    >>> new_faces(np.array([[0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1]]))
    array([1., 2., 2.])
    """
    met = np.zeros((table.shape[1],) * 2, dtype=np.bool_)
    means = np.empty(len(table))
    for i, row in enumerate(table):
        met |= _together(row)
        means[i] = met.sum() / len(met)
    return means


def who_plays(history: History, rng: np.random.Generator) -> Ints:
    """Decide who plays in the next round: who sat out least sits out, by lot if tied.

    Parameters
    ----------
    history : History
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (min(N, T G),)
        The players who play, ascending. Whoever seats them, sit-outs stay within 1
        of each other after every round.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob", "Cid"), tables=1, seats=2, rounds=3)
    >>> history = history.after(table=[0, 0, -1], winner=[1])
    >>> who_plays(history, np.random.default_rng(1))  # not Cid again
    array([1, 2])
    """
    bench = history.players - int(history.sizes.sum())
    queue = np.lexsort((rng.permutation(history.players), history.sat_out))
    return np.sort(queue[bench:])


def check_round(history: History, answer: Any) -> Ints:
    """Check the seating of the next round against the rules that each one keeps.

    Parameters
    ----------
    history : History
    answer : array_like of int, shape (players,)
        What a seating returned.

    Returns
    -------
    ndarray of int64, shape (players,)
        The same seating, as a read-only copy.

    Raises
    ------
    TypeError
        If it is not an array of integers.
    ValueError
        If a table stays empty or has more players than seats, if table sizes differ
        by more than 1, if somebody sits out though a seat is free, or if sit-outs
        would differ by more than 1. It names rule, round and players.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob", "Cid"), tables=1, seats=2, rounds=3)
    >>> check_round(history, [0, 0, 0])
    Traceback (most recent call last):
    ...
    ValueError: a table must hold at most 2 players, but table 0 holds 3 in round 1:
    'Ann', 'Bob', 'Cid'
    """
    table = _as_row(history, answer)
    size = np.bincount(table[table >= 0], minlength=history.tables)
    _check_tables(history, table, size)
    _check_bench(history, table, size)
    return table


def _as_row(history: History, answer: Any) -> Ints:
    """Return the answer as one table number for each player."""
    where, tables = f"in round {history.round + 1}", history.tables
    row = np.asarray(answer)
    if row.dtype.kind not in "iu":
        raise TypeError(f"table must hold integers, got {row.dtype} {where}")
    if row.shape != (history.players,):
        shape = f"({history.players},), one entry for each player"
        raise ValueError(f"table must have shape {shape}, got {row.shape} {where}")
    wrong = np.flatnonzero((row < -1) | (row >= tables))
    if wrong.size:
        p = int(wrong[0])
        raise ValueError(
            f"table must be -1 (sits out) or 0 to {tables - 1}, "
            f"but table[{p}] = {row[p]} {where}: {history.names[p]!r}"
        )
    return _frozen(row)


def _check_tables(history: History, table: Ints, size: Ints) -> None:
    """Check that every table is in use, none too full, and all alike."""
    where = f"in round {history.round + 1}"
    few, many = int(size.argmin()), int(size.argmax())
    if size[few] == 0:
        raise ValueError(f"every table must be used, but table {few} is not {where}")
    if size[many] > history.seats:
        raise ValueError(
            f"a table must hold at most {history.seats} players, but table {many} "
            f"holds {size[many]} {where}: {_names(history, table == many)}"
        )
    if size[many] - size[few] > 1:
        raise ValueError(
            f"table sizes must differ by at most 1, but table {many} holds "
            f"{size[many]} and table {few} holds {size[few]} {where}: "
            f"{_names(history, table == few)}"
        )


def _check_bench(history: History, table: Ints, size: Ints) -> None:
    """Check that nobody sits out without need, nor more often than others."""
    where, seated = f"in round {history.round + 1}", int(history.sizes.sum())
    if size.sum() < seated:
        raise ValueError(
            f"{seated} players must have a seat, but {size.sum()} do {where}; "
            f"who sits out: {_names(history, table < 0)}"
        )
    sat_out = history.sat_out + (table < 0)
    least, most = int(sat_out.argmin()), int(sat_out.argmax())
    if sat_out[most] - sat_out[least] > 1:
        raise ValueError(
            "sit-outs must differ by at most 1, but "
            f"{history.names[most]!r} would have {sat_out[most]} and "
            f"{history.names[least]!r} {sat_out[least]} {where}"
        )


def _names(history: History, chosen: NDArray[np.bool_]) -> str:
    """Write the names of the chosen players."""
    return ", ".join(repr(history.names[p]) for p in np.flatnonzero(chosen))


def _together(row: Ints) -> NDArray[np.bool_]:
    """Tell for any two players whether they share a table, shape (N, N)."""
    same: NDArray[np.bool_] = (row[:, None] == row) & (row >= 0)
    np.fill_diagonal(same, False)
    return same


def _frozen(array: Any) -> Ints:
    """Return a read-only copy as int64."""
    copy = np.array(array, dtype=np.int64)
    copy.setflags(write=False)
    return copy
