"""Schedules from Latin squares: resolvable transversal designs and their parts.

N = s g players are s groups of g, and a table seats one of each group. So no two of a
group meet, and with g = T tables a round is a set of s one-to-one maps of g things:
``seat[r, k, x]`` is the table of member x of group k in round r. Two rounds share no
pair if any two groups k, l agree at most once; g rounds, s - 1 orthogonal Latin
squares of order g and a resolvable transversal design RTD(s, g) are one thing.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mds_sim.tournament.history import Ints

from ._fields import field, prime_power
from ._matrices import DIFFERENCES, difference_matrix, orthogonal_array


def net(tables: int, seats: int, rounds: int | None = None) -> tuple[Ints, str]:
    """Return rounds in which s groups of g players mix at g tables without a repeat.

    Parameters
    ----------
    tables, seats : int
        g and s.
    rounds : int, optional
        As many rounds do, if there are more.

    Returns
    -------
    seat : ndarray of int64, shape (rounds, seats, tables)
        Where each member of each group sits.
    method : str
        What it is, in a few words.

    Notes
    -----
    The longest of these: g rounds over the field GF(g) if g is a prime power and
    g >= s (Bose), member x of group k at table x + k r; a stored difference
    matrix or orthogonal array; the Kronecker product of two such nets (MacNeish),
    where rounds multiply; and x + k r modulo g for any g, as long as k r does not wrap
    around or nothing divides g that is less than s.

    References
    ----------
    .. [1] R. C. Bose (1938), *Sankhya* 3, 323-338; H. F. MacNeish (1922), *Annals of
       Mathematics* 23, 221-227. C. J. Colbourn, J. H. Dinitz (eds., 2007), *Handbook
       of Combinatorial Designs*, III.3.

    Examples
    --------
    >>> seat, method = net(20, 5)
    >>> seat.shape, method
    ((20, 5, 20), 'Latin squares of order 20 (Handbook)')
    """
    count, kind = _longest(tables, seats)
    wanted = count if rounds is None else min(count, rounds)
    order = f"of order {tables}"
    if kind == "field":
        plane = field(tables)
        shift = plane.mul[:wanted, :seats, None]
        return plane.add[np.arange(tables), shift], f"Latin squares over GF({tables})"
    if kind == "slant":
        step = np.arange(seats)[:, None]
        where = np.arange(wanted)[:, None, None] * step + np.arange(tables)
        return where % tables, f"cyclic Latin squares {order}"
    if kind == "product":
        return _product(tables, seats, wanted)
    if kind == "array":
        name = {14: "Todorov, Wanless", 18: "Abel", 20: "Handbook"}[tables]
        return _from_array(tables, seats)[:wanted], f"Latin squares {order} ({name})"
    rows, add = difference_matrix(tables, _columns(tables, seats, count))
    seat: Ints = add[np.arange(tables), rows[:wanted, :seats, None]]
    return seat, f"difference matrix {order}"


@lru_cache(maxsize=256)
def _longest(tables: int, seats: int) -> tuple[int, str]:
    """Return how many rounds the longest net has, and its kind."""
    if prime_power(tables) and tables >= seats:
        return tables, "field"
    found = [(_slanted(tables, seats), "slant")]
    if seats < {14: 6, 18: 7, 20: 6}.get(tables, 0):
        found.append((tables, "array"))
    for (order, columns), (_, rows) in DIFFERENCES.items():
        if order == tables and seats <= columns:
            found.append((len(rows.split()), "matrix"))
    for a in range(2, int(tables**0.5) + 1):
        if tables % a == 0:
            parts = _longest(a, seats)[0], _longest(tables // a, seats)[0]
            found.append((parts[0] * parts[1], "product"))
    return max(found)


def _slanted(tables: int, seats: int) -> int:
    """Return for how many rounds k r modulo g tells all groups apart."""
    factor = next((d for d in range(2, tables + 1) if tables % d == 0), 1)
    if factor >= seats:
        return tables
    return max(1, (tables - 1) // (seats - 1) + 1) if tables >= seats else 1


def _columns(tables: int, seats: int, rounds: int) -> int:
    """Return the columns of the stored difference matrix with so many rows."""
    return min(
        columns
        for (order, columns), (_, rows) in DIFFERENCES.items()
        if order == tables and columns >= seats and len(rows.split()) == rounds
    )


def _product(tables: int, seats: int, rounds: int) -> tuple[Ints, str]:
    """Return the best product of two nets: a round for each pair of rounds."""
    factors = [a for a in range(2, int(tables**0.5) + 1) if tables % a == 0]
    a = max(
        factors, key=lambda a: _longest(a, seats)[0] * _longest(tables // a, seats)[0]
    )
    (one, _), (two, _) = net(a, seats), net(tables // a, seats)
    r = np.arange(rounds)
    left, right = one[r // len(two)], two[r % len(two)]
    seat = left[:, :, :, None] * (tables // a) + right[:, :, None, :]
    return seat.reshape(rounds, seats, tables), f"product of nets {a} x {tables // a}"


def _from_array(tables: int, seats: int) -> Ints:
    """Return the net of an orthogonal array: its last column is the round."""
    array = orthogonal_array(tables)
    seat = np.empty((tables, seats, tables), dtype=np.int64)
    for r in range(tables):
        for table, row in enumerate(array[array[:, -1] == r]):
            seat[r, np.arange(seats), row[:seats]] = table
    return seat
