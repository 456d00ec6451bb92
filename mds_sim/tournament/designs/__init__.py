"""Designs: schedules in which no two people meet twice, made by algebra.

All tables have the same number of seats and all seats are taken, N = T G. `design`
knows the longest construction of this room for any T and G.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mds_sim.tournament.constructions import round_robin
from mds_sim.tournament.history import Ints

from ._algebra import is_kirkman, is_unital, kirkman, unital
from ._found import FOUND
from ._groups import closure
from ._known import KNOWN
from ._nets import net
from ._octets import octets
from ._spreads import spreads
from ._starters import develop_starter, find, with_tables

__all__ = ["design", "find_starter"]

Made = tuple[Ints, str]


def design(tables: int, seats: int, rounds: int | None = None) -> Made:
    """Return rounds for T G players in which no two meet twice.

    Parameters
    ----------
    tables, seats : int
        T and G.
    rounds : int, optional
        As many rounds do, if there are more.

    Returns
    -------
    table : ndarray of int64, shape (rounds, players)
        The table of each player; at least one round.
    method : str
        The construction, in one line.

    Notes
    -----
    If a construction for just this T and G is known, it is that: a Hermitian curve, a
    Kirkman triple system, spreads of PG(3, 4), a group of order 8, or a starter. Else G
    groups of T players mix in a net; then each group plays a design of its own,
    if G divides T, and so on: for T = G^(L - 1), G a prime power, this is the affine
    geometry AG(L, G), in which everyone meets everyone.

    Examples
    --------
    >>> table, method = design(16, 4)
    >>> table.shape, method
    ((21, 64), 'Latin squares over GF(16), then in groups of 16: Latin squares over
    GF(4), then in groups of 4: one table')
    """
    seat, method = net(tables, seats, rounds)
    special = _special(tables, seats)
    if special is not None and (rounds is None or rounds > len(seat)):
        table, method = special()
    else:
        table, method = _groups_mix(seat, method, rounds)
    return table[:rounds], method


def find_starter(
    tables: int, seats: int, rng: np.random.Generator, *, seconds: float = 10.0
) -> Ints | None:
    """Find a schedule that rests on a starter once more, not in what is stored.

    Parameters
    ----------
    tables, seats : int
        T and G, for which a starter is known.
    rng : numpy.random.Generator
    seconds : float
        CPU time after which it gives up [s].

    Returns
    -------
    ndarray of int64, shape (rounds, T G), or None
        The table of each player.

    Examples
    --------
    >>> find_starter(8, 3, np.random.default_rng(1)).shape
    (11, 24)
    """
    starter = find(KNOWN[tables, seats](), rng, seconds=seconds)
    return None if starter is None else develop_starter(starter)


def _special(tables: int, seats: int) -> Callable[[], Made] | None:
    """Return the construction for just this T and G, if there is one."""
    if seats == 2:
        return lambda: (round_robin(2 * tables).table, "circle method (Berger)")
    if (tables, seats) == (8, 4):
        return lambda: (octets(), "base rounds moved by a group of order 8")
    if (tables, seats) == (17, 5):
        return lambda: (spreads(), "spreads of PG(3, 4)")
    if is_unital(tables, seats):
        q = seats - 1
        return lambda: (unital(q), f"Hermitian curve over GF({q * q})")
    if is_kirkman(tables, seats):
        return lambda: (kirkman(tables), f"Kirkman triple system over GF({tables})")
    if (tables, seats) in KNOWN:
        return lambda: _from_starter(tables, seats)
    return None


def _from_starter(tables: int, seats: int) -> Made:
    """Return the schedule of a stored starter."""
    starter = with_tables(KNOWN[tables, seats](), FOUND[tables, seats])
    group = closure(starter.moves)
    return develop_starter(starter), f"starter moved by a group of order {len(group)}"


def _groups_mix(seat: Ints, method: str, rounds: int | None) -> Made:
    """Let the groups mix, and each one play among itself after that."""
    mixed, seats, tables = seat.shape
    table = seat.reshape(mixed, seats * tables)
    if tables == 1:
        return table, "one table"
    if tables % seats or mixed == rounds:
        return table, method
    left = None if rounds is None else rounds - mixed
    inner, how = design(tables // seats, seats, left)
    first = np.arange(seats)[:, None] * (tables // seats)
    among = (inner[:, None, :] + first).reshape(len(inner), seats * tables)
    return np.vstack([table, among]), f"{method}, then in groups of {tables}: {how}"
