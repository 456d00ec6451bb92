"""How many people one can meet at a tournament: bounds and expectations.

N players meet for R rounds at T tables of at most G seats. In each round all tables
are in use, as evenly as possible, and who finds no seat sits out. Two players meet
when they sit at one table; n people hold C(n, 2) = n (n - 1) / 2 pairs.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate


def table_sizes(players: int, tables: int, seats: int) -> NDArray[np.int64]:
    """Share the players among the tables of one round.

    Parameters
    ----------
    players, tables : int
        N and T; a game needs two, so N >= 2 T.
    seats : int
        Seats a table (G), >= 2.

    Returns
    -------
    ndarray of int64, shape (tables,)
        Players at each table: min(N, T G) in total, sizes that differ by at most
        1, the larger ones first.

    Raises
    ------
    ValueError
        If a number is too small, or if the players cannot fill all tables.

    Examples
    --------
    >>> table_sizes(15, tables=4, seats=4)
    array([4, 4, 4, 3])
    """
    tables = _validate.count("tables", tables)
    seats = _validate.count("seats", seats, least=2)
    players = _validate.count("players", players, least=0)
    if players < 2 * tables:
        remedy = f"use tables <= {players // 2}" if players > 1 else "invite more"
        raise ValueError(
            f"players must be >= 2 * tables = {2 * tables} (a game needs two), "
            f"got {players}; {remedy}"
        )
    seated = min(players, tables * seats)
    return np.array([(seated + table) // tables for table in range(tables)])[::-1]


def player_bound(players: int, seats: int, rounds: int) -> int:
    r"""Return the most different people that one player can meet.

    Parameters
    ----------
    players, seats : int
        N and G.
    rounds : int
        Rounds in which the player plays, >= 0.

    Notes
    -----
    A round shows a player at most G - 1 others, and there are N - 1 in all:
    :math:`\min(N - 1, r (G - 1))`.

    Examples
    --------
    >>> player_bound(16, seats=4, rounds=3)
    9
    """
    players = _validate.count("players", players)
    seats = _validate.count("seats", seats, least=2)
    rounds = _validate.count("rounds", rounds, least=0)
    return min(players - 1, rounds * (seats - 1))


def pairs_bound(players: int, tables: int, seats: int, rounds: int) -> int:
    r"""Return the most pairs of players that can have met after some rounds.

    Parameters
    ----------
    players, tables, seats, rounds : int
        N, T, G and R.

    Notes
    -----
    Each round holds one pair for any two people at a table of :math:`s_t`, and
    no pair counts twice: :math:`\min(R \sum_t C(s_t, 2), C(N, 2))`. It is not
    always attained: with T < G and all seated, two people of a table must meet
    again in the next round (pigeonhole principle).

    Examples
    --------
    >>> pairs_bound(16, tables=4, seats=4, rounds=5)  # everyone meets everyone
    120
    """
    rounds = _validate.count("rounds", rounds, least=0)
    a_round = _pairs_a_round(players, tables, seats)
    return min(rounds * a_round, comb(players, 2))


def repeat_free_rounds(players: int, tables: int, seats: int) -> int:
    r"""Return a bound on the rounds in which no two people meet twice.

    Parameters
    ----------
    players, tables, seats : int
        N, T and G.

    Notes
    -----
    The pairs must suffice: :math:`\lfloor C(N, 2) / \sum_t C(s_t, 2) \rfloor`, which
    is :math:`\lfloor (N - 1) / (G - 1) \rfloor` when N = T G. And the people of a
    table must find different tables in the next round: with s of them, b who sit
    out, and s > T + b, two of them meet again, so that one round is all.

    References
    ----------
    .. [1] W. Harvey, "CSPLib Problem 010: Social Golfers Problem",
       https://www.csplib.org/Problems/prob010.

    Examples
    --------
    >>> repeat_free_rounds(32, tables=8, seats=4), repeat_free_rounds(9, 2, 4)
    (10, 1)
    """
    sizes = table_sizes(players, tables, seats)
    sits_out = players - int(sizes.sum())
    if sizes[0] > tables + sits_out:
        return 1
    return comb(players, 2) // _pairs_a_round(players, tables, seats)


def expected_opponents(players: int, tables: int, seats: int, rounds: int) -> float:
    r"""Return how many different people a player meets under random seating.

    Parameters
    ----------
    players, tables, seats, rounds : int
        N, T, G and R. Where N > T G, those who sat out least sit out next, ties
        at random, as at a `Tournament`.

    Returns
    -------
    float
        The mean over players and over the draws of the seating.

    Notes
    -----
    Let n = min(N, T G) be seated. By symmetry every two of them meet with the same
    probability, pairs at tables over pairs in the room:
    :math:`p = \sum_t C(s_t, 2) / C(n, 2)`. Rounds are drawn independently, so that
    two players miss each other in all rounds that both play, K of them, with
    probability :math:`(1 - p)^K`. One has N - 1 others to meet:

    .. math:: (N - 1) \left(1 - \mathrm{E}\,(1 - p)^K\right),

    which is :math:`(N - 1)(1 - (1 - p)^R)` when nobody sits out. Else K is random,
    but it depends only on how many of the two have yet to sit out in the present
    cycle: 0, 1 or 2. The expectation runs along that chain, O(R).

    Examples
    --------
    >>> round(expected_opponents(16, tables=4, seats=4, rounds=5), 4)  # 15 (1 - .8^5)
    10.0848
    """
    rounds = _validate.count("rounds", rounds, least=0)
    sizes = table_sizes(players, tables, seats)
    seated = int(sizes.sum())
    miss = 1 - _pairs_a_round(players, tables, seats) / comb(seated, 2)
    if seated == players:
        return (players - 1) * (1 - miss**rounds)
    missed = _miss_all_rounds(players, players - seated, rounds, miss)
    return (players - 1) * (1 - missed)


def _pairs_a_round(players: int, tables: int, seats: int) -> int:
    """Return how many pairs sit together in one round."""
    return sum(comb(size, 2) for size in table_sizes(players, tables, seats).tolist())


def _miss_all_rounds(players: int, bench: int, rounds: int, miss: float) -> float:
    """Return E miss^K, K the rounds that two players both play.

    `waiting` players have yet to sit out in this cycle; `missed[a]` is the
    probability that the two have not met and a of them are waiting.
    """
    waiting, missed = players, [0.0, 0.0, 1.0]
    for _ in range(rounds):
        # All who wait sit out if the bench has room; the others open a new cycle.
        closing = bench >= waiting
        pool = players - waiting if closing else waiting
        drawn = bench - waiting if closing else bench
        after = [0.0, 0.0, 0.0]
        for a, probability in enumerate(missed):
            drawable, left = (2 - a, 2) if closing else (a, a)
            for out in range(drawable + 1):
                chance = _hypergeometric(out, pool, drawable, drawn)
                both_play = not out and not (closing and a)
                after[left - out] += probability * chance * (miss if both_play else 1)
        waiting = (players if closing else waiting) - drawn
        missed = after
    return sum(missed)


def _hypergeometric(hits: int, total: int, marked: int, drawn: int) -> float:
    """Return the probability of `hits` marked ones among `drawn` of `total`."""
    if hits > drawn or marked > total or drawn - hits > total - marked:
        return 0.0
    ways = comb(marked, hits) * comb(total - marked, drawn - hits)
    return ways / comb(total, drawn)
