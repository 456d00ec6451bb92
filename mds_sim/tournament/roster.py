"""Who comes, who leaves, who must not meet: the history after such a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .history import AWAY, History, Ints, _flags, _frozen
from .players import Player, one_or_many

Players = tuple[Player, ...]


def add(
    players: Sequence[Player], history: History, newcomer: Player
) -> tuple[Players, History]:
    """Let somebody play from the next round on.

    Parameters
    ----------
    players : sequence of Player
        All who ever played.
    history : History
    newcomer : Player
        Somebody new, or who has left before (with the skill of now).

    Returns
    -------
    players : tuple of Player
    history : History

    Raises
    ------
    ValueError
        If somebody of this name is here.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob", "Cid"), tables=1, seats=2, rounds=3)
    >>> history = history.after(table=[0, 0, -1], winner=[1])
    >>> trio = tuple(map(Player, history.names))
    >>> _, history = add(trio, history, Player("Dan"))
    >>> history.table, history.sat_out
    (array([[ 0,  0, -1, -2]]), array([0, 0, 1, 0]))
    """
    names, here = history.names, history.is_here.copy()
    if newcomer.name not in names:
        players, history = (*players, newcomer), _wider(history, newcomer.name)
        here = np.append(here, False)
    p = history.names.index(newcomer.name)
    if here[p]:
        raise ValueError(
            f"names must be unique, but {newcomer.name!r} is here already; "
            "add a surname"
        )
    # Level with who sat out least: fairness counts the rounds when both are here.
    credit = np.zeros(len(here)) if history.credit is None else history.credit.copy()
    credit[p] += max(0, history.sat_out[here].min() - history.sat_out[p])
    here[p] = True
    arrived = (*players[:p], newcomer, *players[p + 1 :])
    now = replace(history, here=_flags(here), credit=_frozen(credit))
    return arrived, leveled(now)


def leveled(history: History) -> History:
    """Let credits follow the rounds, so that sit-outs differ by at most 1 again.

    They do anyway, but where rounds were taken back: then whoever came late has credit
    for sit-outs that the others lost.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob", "Cid"), tables=1, seats=2, rounds=3)
    >>> history = history.after(table=[0, 0, -2], winner=[1])
    >>> leveled(replace(history, credit=np.array([0, 0, 2]))).sat_out
    array([0, 0, 0])
    """
    here, sat_out = history.is_here, history.sat_out.copy()
    if np.ptp(sat_out[here]) <= 1:
        return history
    credit = np.zeros_like(sat_out) if history.credit is None else history.credit.copy()
    benched = sat_out - credit
    late = here & (history.table == AWAY).any(axis=0)
    if (here & ~late).any():
        low, high = (f(sat_out[here & ~late]) for f in (np.min, np.max))
        sat_out[late] = np.maximum(np.clip(sat_out, low, high), benched)[late]
    # If all came late, or somebody has sat out more than that: the others move up.
    sat_out[here] = np.maximum(sat_out[here], sat_out[here].max() - 1)
    return replace(history, credit=_frozen(sat_out - benched))


def remove(history: History, name: str) -> History:
    """Let somebody go; who is left must suffice for the tables.

    Parameters
    ----------
    history : History
    name : str

    Raises
    ------
    ValueError
        If nobody of this name is here, or too few would be left.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob", "Cid"), tables=1, seats=2, rounds=3)
    >>> remove(history, "Bob").is_here
    array([ True, False,  True])
    """
    here = history.is_here.copy()
    here[_index(history, name, here=True)] = False
    left = int(here.sum())
    if left < 2 * history.tables:
        raise ValueError(
            f"players must be >= 2 * tables = {2 * history.tables} (a game needs two), "
            f"but {left} would be left without {name!r}; add somebody first"
        )
    return replace(history, here=_flags(here))


def forbid(history: History, one: str, other: str, value: bool = True) -> History:
    """Forbid two players to share a table, or allow it again.

    Parameters
    ----------
    history : History
    one, other : str
    value : bool, default True
        False allows it.

    Raises
    ------
    ValueError
        If a name is unknown, or both are the same.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob", "Cid"), tables=1, seats=2, rounds=3)
    >>> forbid(history, "Ann", "Cid").forbidden.astype(int)
    array([[0, 0, 1],
           [0, 0, 0],
           [1, 0, 0]])
    """
    p, q = _index(history, one), _index(history, other)
    if p == q:
        raise ValueError(f"a forbidden pair must be two players, got {one!r} twice")
    none = np.zeros((history.players,) * 2, dtype=np.bool_)
    forbidden = none if history.forbidden is None else history.forbidden.copy()
    forbidden[p, q] = forbidden[q, p] = value
    kept = _flags(forbidden) if forbidden.any() else None
    return replace(history, forbidden=kept)


def as_pair(pair: Any) -> tuple[str, str]:
    """Return a forbidden pair as two names.

    Raises
    ------
    ValueError
        If it is not two.

    Examples
    --------
    >>> as_pair(("Ann", Player("Bob")))
    ('Ann', 'Bob')
    """
    names = tuple(map(str, one_or_many(pair)))
    if len(names) != 2:
        raise ValueError(f"a forbidden pair must be two players, got {pair!r}")
    return names[0], names[1]


def without_last_round(history: History) -> tuple[History, Ints]:
    """Return the history without its last round, and the tables of that round.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob"), tables=1, seats=2, rounds=3)
    >>> before, row = without_last_round(history.after(table=[0, 0], winner=[1]))
    >>> before.round, row
    (0, array([0, 0]))
    """
    before = replace(history, table=history.table[:-1], winner=history.winner[:-1])
    return leveled(before), history.table[-1]


def _wider(history: History, name: str) -> History:
    """Return the history with one more player, who was never there."""
    away = np.full((history.round, 1), AWAY)
    forbidden, credit = history.forbidden, history.credit
    if forbidden is not None:
        forbidden = _flags(np.pad(forbidden, (0, 1)))
    return replace(
        history,
        names=(*history.names, name),
        table=_frozen(np.hstack([history.table, away])),
        forbidden=forbidden,
        here=_flags(np.append(history.is_here, False)),
        credit=None if credit is None else _frozen(np.append(credit, 0)),
    )


def _index(history: History, name: str, here: bool = False) -> int:
    """Return the number of a player by name."""
    known = name in history.names
    if not known or (here and not history.is_here[history.names.index(name)]):
        reason = "has left" if known else "is none"
        raise ValueError(
            f"players must be of this tournament, but {name!r} {reason}; "
            f"{_similar(history, name)}"
        )
    return history.names.index(name)


def _similar(history: History, name: str) -> str:
    """Say whose name is similar, or who is here."""
    from difflib import get_close_matches  # for a typing error only

    names = [history.names[p] for p in np.flatnonzero(history.is_here).tolist()]
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    more = ", ..." if len(names) > 5 else ""
    return "here are " + ", ".join(map(repr, names[:5])) + more
