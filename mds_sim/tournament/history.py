"""What has happened so far, and the rules that every round keeps.

A round is one integer array: ``table[p]`` is the table of player p, counted from 0,
-1 if p sits out, and -2 if p is not there, having come later or left before. So nobody
can sit at two tables, and all else is derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import html_columns
from mds_sim.theory.tournament import table_sizes
from mds_sim.units import counted

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
BENCH, AWAY = -1, -2  # in a row of tables: sits out; is not there


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
        Who sat where, -1 sat out, -2 was not there; read-only, as all arrays here.
    winner : ndarray of int64, shape (rounds played, tables)
        The player who won at each table; -1 if that player is not in this history.
    forbidden : ndarray of bool, shape (players, players), optional
        The pairs that must never share a table; None if there are none.
    funnel : ndarray of int64, shape (players,), optional
        Of the next round: player p must sit at table ``funnel[p]``, -1 anywhere.
        None if the contention rule leaves all tables free.
    here : ndarray of bool, shape (players,), optional
        Who plays on; None if all do. A seating never sees those who do not.
    credit : ndarray of int64, shape (players,), optional
        Sit-outs that count for the rounds in which a player was not there.

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
    forbidden: Bools | None = None
    funnel: Ints | None = None
    here: Bools | None = None
    credit: Ints | None = None

    @classmethod
    def start(
        cls, names: Sequence[str], tables: int, seats: int, rounds: int
    ) -> History:
        """Return the history of a tournament before its first round."""
        none, nobody = np.empty((0, len(names))), np.empty((0, tables))
        return cls(tuple(names), tables, seats, rounds, _frozen(none), _frozen(nobody))

    def after(self, table: Any, winner: Any) -> History:
        """Return the history with one more round (which it does not check)."""
        return replace(
            self,
            table=_frozen(np.vstack([self.table, table])),
            winner=_frozen(np.vstack([self.winner, winner])),
            funnel=None,
        )

    def of(self, chosen: Bools) -> History:
        """Return the history of some of the players, as if no others were known.

        Parameters
        ----------
        chosen : ndarray of bool, shape (players,)
            All who are here, for example: that is the history a seating decides on.
        """
        if chosen.all():
            return self
        number = np.where(chosen, np.cumsum(chosen) - 1, -1)
        forbidden, here = self.forbidden, self.here
        return History(
            tuple(self.names[p] for p in np.flatnonzero(chosen).tolist()),
            self.tables,
            self.seats,
            self.rounds,
            _frozen(self.table[:, chosen]),
            # An index of -1 takes the last entry, which is then set right.
            _frozen(np.where(self.winner < 0, -1, number[self.winner])),
            None if forbidden is None else _flags(forbidden[chosen][:, chosen]),
            None if self.funnel is None else _frozen(self.funnel[chosen]),
            None if here is None or here[chosen].all() else _flags(here[chosen]),
            None if self.credit is None else _frozen(self.credit[chosen]),
        )

    def _repr_html_(self) -> str:
        title = (
            f"{counted(self.players, 'player')}, "
            f"{counted(self.tables, 'table', spec='')} of {self.seats}, "
            f"{self.round} of {counted(self.rounds, 'round', spec='')} played"
        )
        wins, met = self.wins, self.opponents
        return html_columns(title, {"player": self.names, "wins": wins, "met": met})

    @property
    def round(self) -> int:
        """Rounds played, so the index of the one to be seated now."""
        return len(self.table)

    @property
    def players(self) -> int:
        """How many players there are (N)."""
        return len(self.names)

    @cached_property
    def is_here(self) -> Bools:
        """Whether each player is here for the next round, shape (N,)."""
        everyone = np.ones(self.players)
        return _flags(everyone if self.here is None else self.here)

    @cached_property
    def sizes(self) -> Ints:
        """Players at each table in the next round, the larger ones first, shape (T,).

        All rounds have the same sizes unless somebody comes late or leaves.
        """
        return _frozen(table_sizes(int(self.is_here.sum()), self.tables, self.seats))

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
        """How often each player sat out, shape (N,), which is what fairness counts.

        Who was not there does not sit out: a player who comes late, or comes back,
        starts level with the one who sat out least (by `credit`).
        """
        credit = 0 if self.credit is None else self.credit
        return _frozen((self.table == BENCH).sum(axis=0) + credit)

    @cached_property
    def wins(self) -> Ints:
        """How many games each player won, shape (N,)."""
        winner = self.winner[self.winner >= 0]
        return _frozen(np.bincount(winner, minlength=self.players))


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


def who_plays(
    history: History, rng: np.random.Generator, keep: ArrayLike | None = None
) -> Ints:
    """Decide who plays in the next round: who sat out least sits out, by lot if tied.

    Parameters
    ----------
    history : History
        Who has a table in its funnel, plays. At a single table, one of a forbidden
        pair sits out if somebody whose turn it could be takes the place.
    rng : numpy.random.Generator
    keep : array_like of int, shape (players,), optional
        Of those who sat out equally often, who has more here rather plays.

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
    lot = rng.permutation(history.players)
    bench = history.players - int(history.sizes.sum())
    if not bench:
        return np.arange(history.players)
    keep = np.zeros(history.players) if keep is None else np.asarray(keep)
    contends = np.zeros(history.players) if history.funnel is None else history.funnel
    away = ~history.is_here  # before all others: they are the first to sit out
    queue = np.lexsort((lot, keep, contends >= 0, history.sat_out, ~away))
    if history.forbidden is not None and history.tables == 1:
        _part_by_bench(history, queue, bench)
    return np.sort(queue[bench:])


def _part_by_bench(history: History, queue: Ints, bench: int) -> None:
    """Let one of a forbidden pair sit out at a single table, in place of an equal."""
    funnel = history.funnel
    for i in range(bench, len(queue)):
        for j in range(bench):
            one, other = queue[i], queue[j]
            equal = history.sat_out[one] == history.sat_out[other]
            if not equal or (funnel is not None and funnel[one] >= 0):
                continue
            enemies: Bools = np.asarray(history.forbidden)[:, queue[bench:]]
            if enemies[other].sum() - enemies[other, i - bench] < enemies[one].sum():
                queue[i], queue[j] = other, one


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
        by more than 1, if somebody sits out though a seat is free, if sit-outs would
        differ by more than 1, if a forbidden pair shares a table, or if somebody in
        contention does not sit at the table that the rule asks for. It names rule,
        round and players.

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
    _check_forbidden(history, table)
    _check_funnel(history, table)
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
            f"{seated} players must have a seat, but "
            f"{counted(size.sum(), 'does', 'do', '')} {where}; "
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


def _check_forbidden(history: History, table: Ints) -> None:
    """Check that no pair meets that must not."""
    if history.forbidden is None:
        return
    pairs = np.argwhere(np.triu(_together(table) & history.forbidden))
    if pairs.size:
        one, other = (history.names[p] for p in pairs[0].tolist())
        raise ValueError(
            f"{one!r} and {other!r} must not share a table, but both sit at table "
            f"{table[pairs[0, 0]] + 1} in round {history.round + 1}; "
            "allow() lets them meet"
        )


def _check_funnel(history: History, table: Ints) -> None:
    """Check that those in contention sit where the contention rule asks."""
    if history.funnel is None:
        return
    wrong = np.flatnonzero((history.funnel >= 0) & (history.funnel != table))
    if wrong.size:
        p = int(wrong[0])
        raise ValueError(
            f"{history.names[p]!r} must sit at table {history.funnel[p]}, as the "
            f"contention rule asks, but table[{p}] = {table[p]} in round "
            f"{history.round + 1}; let the seating follow history.funnel"
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
    return _validate.sealed(np.array(array, dtype=np.int64))


def _flags(array: Any) -> Bools:
    """Return a read-only copy as bool."""
    return _validate.sealed(np.array(array, dtype=np.bool_))
