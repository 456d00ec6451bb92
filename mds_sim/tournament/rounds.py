"""From arrays to people and back: rounds as tables of players, winners as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .history import AWAY, BENCH, Bools, History, Ints
from .players import Player, Round, Table, one_or_many


def as_round(
    players: Sequence[Player], number: int, table: Ints, winner: Ints | None = None
) -> Round:
    """Return one round as tables of players.

    Parameters
    ----------
    players : sequence of Player
    number : int
        Counted from 1.
    table : ndarray of int64, shape (players,)
    winner : ndarray of int64, shape (tables,), optional
        None before the games are over.

    Examples
    --------
    >>> as_round([Player("Ann"), Player("Bob")], 1, np.array([0, 0]))
    round 1
      table 1: Ann, Bob
    """
    tables = tuple(
        Table(
            t + 1,
            _at(players, table, t),
            None if winner is None else players[winner[t]],
        )
        for t in range(int(table.max()) + 1)
    )
    return Round(number, tables, bench=_at(players, table, -1))


def rounds_of(players: Sequence[Player], history: History) -> tuple[Round, ...]:
    """Return all rounds played, as tables of players.

    Parameters
    ----------
    players : sequence of Player
    history : History

    Examples
    --------
    >>> history = History.start(("Ann", "Bob"), tables=1, seats=2, rounds=1)
    >>> rounds_of([Player("Ann"), Player("Bob")], history.after([0, 0], [1]))
    (round 1
      table 1: Ann, Bob (won by Bob),)
    """
    games = zip(history.table, history.winner, strict=True)
    return tuple(as_round(players, r, *game) for r, game in enumerate(games, start=1))


def as_row(
    players: Sequence[Player],
    here: Bools,
    tables: Iterable[Table | Iterable[str | Player]],
    number: int,
) -> Ints:
    """Return a round that is given by names as the table of each player.

    Parameters
    ----------
    players : sequence of Player
    here : ndarray of bool, shape (players,)
    tables : iterable of iterables of str or Player
        The players of each table; who is not named sits out.
    number : int
        Of the round, from 1, for the messages.

    Returns
    -------
    ndarray of int64, shape (players,)
        -1 for who sits out, -2 for who is not here.

    Raises
    ------
    TypeError
        If a table is a bare name.
    ValueError
        If a name is unknown, comes twice, or somebody has left.

    Examples
    --------
    >>> trio = [Player("Ann"), Player("Bob"), Player("Cid")]
    >>> as_row(trio, np.ones(3, dtype=bool), [["Bob", "Ann"]], 1)
    array([ 0,  0, -1])
    """
    index = {player.name: p for p, player in enumerate(players)}
    row = np.where(here, BENCH, AWAY)
    for t, table in enumerate(tables):
        if isinstance(table, str | Player):
            raise TypeError(f"a table must be a list of names, got {table!r}")
        for name in map(str, table.players if isinstance(table, Table) else table):
            p = index.get(name)
            if p is None or not here[p]:
                reason = "is none" if p is None else "has left"
                raise ValueError(
                    f"round {number} must seat players of this tournament, but "
                    f"{name!r} {reason}"
                )
            if row[p] >= 0:
                raise ValueError(
                    f"a player must sit at one table, but {name!r} sits at table "
                    f"{row[p] + 1} and table {t + 1} of round {number}"
                )
            row[p] = t
    return row


def winners_by_table(
    players: Sequence[Player],
    table: Ints,
    winners: str | Player | Iterable[str | Player],
) -> Ints:
    """Return the winner of each table, from names in any order.

    Parameters
    ----------
    players : sequence of Player
    table : ndarray of int64, shape (players,)
        The round that was played.
    winners : iterable of str or Player
        One from each table; a bare name if there is one table.

    Returns
    -------
    ndarray of int64, shape (tables,)

    Raises
    ------
    ValueError
        If a name is unknown or on the bench, or a table has no winner or two.

    Examples
    --------
    >>> pair = Player("Ann"), Player("Bob")
    >>> winners_by_table(pair, np.array([0, 0]), "Bob")
    array([1])
    """
    number = {player.name: p for p, player in enumerate(players)}
    winner = np.full(int(table.max()) + 1, -1)
    for i, name in enumerate(map(str, one_or_many(winners))):
        if name not in number:
            raise ValueError(
                "winners must be players of this tournament, "
                f"but winners[{i}] = {name!r} is none"
            )
        t = int(table[number[name]])
        if t < 0:
            raise ValueError(f"winners must play in this round, but {name!r} sits out")
        if winner[t] >= 0:
            first = players[winner[t]].name
            raise ValueError(
                f"table {t + 1} must have one winner, got {first!r} and {name!r}"
            )
        winner[t] = number[name]
    if winner.min() < 0:
        t = int(winner.argmin())
        names = ", ".join(repr(p.name) for p in _at(players, table, t))
        raise ValueError(
            f"table {t + 1} must have one winner, got none; name one of {names}"
        )
    return winner


def _at(players: Sequence[Player], table: Ints, t: int) -> tuple[Player, ...]:
    """Return the players at table t (-1: on the bench)."""
    return tuple(players[p] for p in np.flatnonzero(table == t).tolist())
