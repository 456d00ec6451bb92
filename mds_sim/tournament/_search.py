"""The compiled steps of the local search; importing this module loads Numba.

All kernels are in one file because Numba's cache does not notice that a kernel in
another one changed. Without Numba they run as they are: the same answers, slower.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mds_sim.sim._kernels import HAS_NUMBA as HAS_NUMBA
from mds_sim.sim._kernels import _compiled

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Costs = NDArray[np.int32]

FORBIDDEN = 1 << 20  # more than all other meetings of one swap can cost
NOT_YET, LONG_AGO = -1, -2
CHANCES = 64  # a swap that costs this much or more is never made
# How the 62 random bits of a proposal are shared out: round, two places, acceptance.
ROUND, PLACE = 14, 16
WORD = ROUND + 3 * PLACE


class Board(NamedTuple):
    """Rounds as the search sees them; the kernels change them in place.

    The places of a table follow each other, and the last "table" is the bench.
    Sit-outs stay fair since only equal turns to sit out are exchanged: the turn of a
    player on the bench is how often that player has sat out before.
    """

    seat: Ints  # (rounds, places): the player at a place
    place: Ints  # (rounds, players): the way back
    # (players, players): what it costs to let two meet once more, which is how often
    # they meet by now, plus FORBIDDEN if they must not.
    dear: Costs
    opponents: Ints  # (players,): how many different people each one meets
    home: Ints  # (places,): the table of a place
    first: Ints  # (tables + 2,): where tables and bench begin, and the end
    locked: Bools  # (places,): which places of round 0 are not free
    turn: Ints  # (rounds, bench): the turns taken in a round
    rests: Ints  # (turns, players): the round of a turn, NOT_YET, or LONG_AGO


@_compiled
def extra(board: Board, r: int, i: int, new: int) -> int:
    """Tell what it costs to let a new player take place i at a table."""
    old, home = board.seat[r, i], board.home[i]
    cost = 0
    for k in range(board.first[home], board.first[home + 1]):
        if k != i:
            other = board.seat[r, k]
            cost += board.dear[new, other] - board.dear[old, other] + 1
    return cost


@_compiled
def put(board: Board, r: int, i: int, new: int) -> int:
    """Let a new player take place i at a table; tell how many more pairs meet.

    A forbidden pair that meets counts as -FORBIDDEN.
    """
    dear, opponents = board.dear, board.opponents
    old, home = board.seat[r, i], board.home[i]
    gained = 0
    for k in range(board.first[home], board.first[home + 1]):
        if k == i:
            continue
        other = board.seat[r, k]
        times = dear[new, other]
        dear[new, other] = dear[other, new] = times + 1
        if times == 0:
            gained += 1
            opponents[new] += 1
            opponents[other] += 1
        elif times >= FORBIDDEN:
            gained -= FORBIDDEN
        times = dear[old, other] - 1
        dear[old, other] = dear[other, old] = times
        if times == 0:
            gained -= 1
            opponents[old] -= 1
            opponents[other] -= 1
        elif times >= FORBIDDEN:
            gained += FORBIDDEN
    board.seat[r, i] = new
    board.place[r, new] = i
    return gained


@_compiled
def swap(board: Board, r: int, i: int, j: int) -> int:
    """Let the players of two tables change places; tell what `put` tells."""
    p, q = board.seat[r, i], board.seat[r, j]
    return put(board, r, i, q) + put(board, r, j, p)


@_compiled
def rest(board: Board, r: int, i: int, j: int, luck: int, chance: Ints) -> int:
    """Let the player at place i take the turn of the one on the bench at place j.

    Who gives a turn away takes that of the other one, in another round or, if it has
    not come yet, in none. Tell what `put` tells, 0 if nothing was changed.
    """
    q, p = board.seat[r, i], board.seat[r, j]
    bench = board.first.size - 2
    turn = board.turn[r, j - board.first[bench]]
    s = board.rests[turn, q]
    if s == LONG_AGO:
        return 0
    moves = s != NOT_YET
    k = there = 0
    if moves:
        k, there = board.place[s, p], board.place[s, q]
        if board.home[k] == bench or (s == 0 and board.locked[k]):
            return 0
    cost = extra(board, r, i, p)
    gained = put(board, r, i, p)
    if moves:
        cost += extra(board, s, k, q)
        gained += put(board, s, k, q)
    if cost > 0 and luck >= chance[min(cost, CHANCES - 1)]:
        if moves:
            put(board, s, k, p)
            board.place[s, q] = there
        put(board, r, i, q)
        board.place[r, p] = j
        return 0
    if moves:
        board.seat[s, there] = p
        board.place[s, p] = there
    board.seat[r, j] = q
    board.place[r, q] = j
    board.rests[turn, p], board.rests[turn, q] = s, r
    return gained


@_compiled
def anneal(
    words: Ints, chance: Ints, board: Board, score: int, bound: int
) -> tuple[int, int]:
    """Try one swap a word, at one temperature; stop at the bound.

    Returns
    -------
    score, tried : int
        The pairs that meet, less FORBIDDEN for each that must not.
    """
    rounds, players = board.seat.shape
    home, first, locked = board.home, board.first, board.locked
    bench = first.size - 2
    seats = first[bench]
    digit = (1 << PLACE) - 1
    tried = 0
    for word in words:
        if score == bound:
            break
        tried += 1
        r = ((word & ((1 << ROUND) - 1)) * rounds) >> ROUND
        word >>= ROUND
        i = ((word & digit) * seats) >> PLACE
        word >>= PLACE
        low, high = first[home[i]], first[home[i] + 1]
        # Any place at another table, the bench included.
        j = high + (((word & digit) * (players - high + low)) >> PLACE)
        if j >= players:
            j -= players
        luck = word >> PLACE
        if home[j] == home[i] or (r == 0 and (locked[i] or locked[j])):
            continue
        if home[j] == bench:
            score += rest(board, r, i, j, luck, chance)
            continue
        cost = extra(board, r, i, board.seat[r, j])
        cost += extra(board, r, j, board.seat[r, i])
        if cost <= 0 or luck < chance[min(cost, CHANCES - 1)]:
            score += swap(board, r, i, j)
    return score, tried


@_compiled
def descend(board: Board, score: int, r: int) -> tuple[int, bool]:
    """Make each swap between tables of a round that lowers the cost, in their order.

    Tell the score, and whether a swap helped. O(N^2 G).
    """
    home, first, locked = board.home, board.first, board.locked
    seats = first[first.size - 2]
    better = False
    for i in range(seats):
        for j in range(first[home[i] + 1], seats):
            if r == 0 and (locked[i] or locked[j]):
                continue
            cost = extra(board, r, i, board.seat[r, j])
            cost += extra(board, r, j, board.seat[r, i])
            if cost < 0:
                score += swap(board, r, i, j)
                better = True
    return score, better


@_compiled
def squares(board: Board, r: int, home: int) -> int:
    """Sum the squares of how many people those at a table meet."""
    total = 0
    for k in range(board.first[home], board.first[home + 1]):
        total += board.opponents[board.seat[r, k]] ** 2
    return total


@_compiled
def even(words: Ints, board: Board, score: int) -> int:
    """Keep swaps that let more pairs meet, or as many and share them more evenly.

    Evenly shared: the sum of squares of the opponents, which for a given sum is least
    when they differ least. It may stay equal, so that the search can drift.
    """
    rounds = board.seat.shape[0]
    seats = board.first[board.first.size - 2]
    digit = (1 << PLACE) - 1
    for word in words:
        r = ((word & ((1 << ROUND) - 1)) * rounds) >> ROUND
        word >>= ROUND
        i = ((word & digit) * seats) >> PLACE
        j = (((word >> PLACE) & digit) * seats) >> PLACE
        a, b = board.home[i], board.home[j]
        if a == b or (r == 0 and (board.locked[i] or board.locked[j])):
            continue
        before = squares(board, r, a) + squares(board, r, b)
        gained = swap(board, r, i, j)
        after = squares(board, r, a) + squares(board, r, b)
        if gained < 0 or (gained == 0 and after > before):
            swap(board, r, i, j)
        else:
            score += gained
    return score


@_compiled
def count(seat: Ints, first: Ints, dear: Costs) -> None:
    """Add the meetings of all rounds."""
    for r in range(seat.shape[0]):
        for t in range(first.size - 2):
            for i in range(first[t], first[t + 1]):
                for j in range(first[t], i):
                    p, q = seat[r, i], seat[r, j]
                    dear[p, q] += 1
                    dear[q, p] += 1
