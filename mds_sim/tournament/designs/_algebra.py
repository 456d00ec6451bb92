"""Schedules that arithmetic writes down: Kirkman's schoolgirls and Hermitian curves."""

from __future__ import annotations

import numpy as np

from mds_sim.tournament.history import Ints

from ._fields import field, prime_power


def kirkman(q: int) -> Ints:
    r"""Return a Kirkman triple system: everyone meets everyone at tables of 3.

    Parameters
    ----------
    q : int
        A power of a prime, 1 more than a multiple of 6; there are 3 q players.

    Returns
    -------
    ndarray of int64, shape ((3 q - 1) / 2, 3 q)
        The table of each player.

    Notes
    -----
    Players are (j, x), x in GF(q). Let q = 6 t + 1 and w be primitive. The base round
    is (0, 0) (1, 0) (2, 0), the triples :math:`(j, w^i \{1, w^{2t}, w^{4t}\})` with
    i < t, and :math:`(0, w^i) (1, w^{i + 2t}) (2, w^{i + 4t})` for those i whose
    remainder by 2 t is at least t. Adding GF(q) to it gives q rounds, and adding it to
    one of the other triples of the last kind a round each.

    References
    ----------
    .. [1] D. K. Ray-Chaudhuri, R. M. Wilson (1971), Solution of Kirkman's schoolgirl
       problem, *Proc. Symp. Pure Math.* 19, 187-203.

    Examples
    --------
    >>> kirkman(7).shape
    (10, 21)
    """
    plane, t = field(q), (q - 1) // 6
    w = plane.powers

    def mixed(i: int) -> list[tuple[int, int]]:
        return [(j, int(w[(i + 2 * t * j) % (6 * t)])) for j in range(3)]

    base = [[(j, 0) for j in range(3)]]
    base += [
        [(j, int(w[i + 2 * t * k])) for k in range(3)]
        for i in range(t)
        for j in range(3)
    ]
    base += [mixed(i) for i in range(6 * t) if i % (2 * t) >= t]
    table = np.empty(((3 * q - 1) // 2, 3, q), dtype=np.int64)
    for number, triple in enumerate(base):
        for j, x in triple:
            table[np.arange(q), j, plane.add[x]] = number
    others = (mixed(i) for i in range(6 * t) if i % (2 * t) < t)
    for r, triple in enumerate(others, start=q):
        for j, x in triple:
            table[r, j, plane.add[x]] = np.arange(q)
    return table.reshape(len(table), 3 * q)


def unital(q: int) -> Ints:
    r"""Return a schedule for q**3 + 1 players at tables of q + 1: everyone meets.

    Parameters
    ----------
    q : int
        A power of a prime.

    Returns
    -------
    ndarray of int64, shape (q**2, q**3 + 1)
        The table of each player.

    Notes
    -----
    Players are the points of the Hermitian curve :math:`y^q + y = x^{q + 1}` over
    GF(q^2) and its point at infinity, whose tangent is the line at infinity. A line
    meets the curve in 1 or q + 1 points, so any two players share one line: the lines
    are the tables. Each point m of that tangent makes a round: the lines of slope m
    with q + 1 points, and the table of all who are left. The slopes of their tangents
    are m; they lie on one line, the polar of m, which goes through infinity.

    References
    ----------
    .. [1] S. Barwick, G. Ebert (2008), *Unitals in Projective Planes*, Springer, ch. 2.

    Examples
    --------
    >>> unital(3).shape
    (9, 28)
    """
    plane = field(q * q)
    conjugate = np.zeros(q * q, dtype=np.int64)
    conjugate[plane.powers] = plane.powers[np.arange(q * q - 1) * q % (q * q - 1)]
    trace = plane.add[np.arange(q * q), conjugate]
    norm = plane.mul[np.arange(q * q), conjugate]
    x, y = np.nonzero(norm[:, None] == trace)
    minus = np.argmin(plane.add, axis=1)  # a + minus[a] = 0
    table = np.zeros((q * q, len(x) + 1), dtype=np.int64)
    for m in range(q * q):
        line = plane.add[y, minus[plane.mul[m, x]]]
        secant = np.flatnonzero(np.bincount(line, minlength=q * q) > 1)
        number = np.zeros(q * q, dtype=np.int64)  # table 0: the polar of m
        number[secant] = np.arange(1, len(secant) + 1)
        table[m, :-1] = number[line]
    return table


def is_kirkman(tables: int, seats: int) -> bool:
    """Tell whether `kirkman` seats so many."""
    return seats == 3 and tables % 6 == 1 and prime_power(tables) is not None


def is_unital(tables: int, seats: int) -> bool:
    """Tell whether `unital` seats so many."""
    q = seats - 1
    return prime_power(q) is not None and tables == q * q - q + 1
