"""The search for starters, compiled; importing this module loads Numba.

All kernels are in one file because Numba's cache does not notice that a kernel in
another one changed. Without Numba they run as they are: the same answers, slower.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mds_sim.sim._kernels import _compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
DRAWS = 5  # random numbers that a proposal takes


class Puzzle(NamedTuple):
    """Tables to be filled, so that few orbits of pairs come up too often.

    Slots ``0 .. base`` are seats of base rounds, ``size`` a table: those of a round
    hold one player of each orbit of the stabiliser. The other slots are seats of
    transversals: a table with one player of each class.
    """

    size: int  # seats a table
    orbits: Ints  # (orbits, elements): the players that stand for each other in a round
    classes: Ints  # (size, members): who may take each seat of a transversal
    pairs: Ints  # (players, players): the orbit of a pair
    seat: Ints  # (slots,): the player; changed in place
    holds: Ints  # (base,): the orbit that a slot of a base round holds; changed too
    tally: Ints  # (pair orbits,): how often each comes up; changed too
    room: Ints  # (pair orbits,): how often it may


@_compiled
def reseat(puzzle: Puzzle, slot: int, new: int) -> int:
    """Give a slot to another player, and return by how much the excess grows."""
    seat, tally, room = puzzle.seat, puzzle.tally, puzzle.room
    first = slot - slot % puzzle.size
    change = 0
    for other in range(first, first + puzzle.size):
        if other != slot:
            before = puzzle.pairs[seat[slot], seat[other]]
            tally[before] -= 1
            if tally[before] >= room[before]:
                change -= 1
            after = puzzle.pairs[new, seat[other]]
            if tally[after] >= room[after]:
                change += 1
            tally[after] += 1
    seat[slot] = new
    return change


@_compiled
def propose(puzzle: Puzzle, draws: Floats, temperature: float) -> int:
    """Try one random change, keep it if it is good or by chance; return the change."""
    seat, holds, orbits = puzzle.seat, puzzle.holds, puzzle.orbits
    a = int(draws[0] * len(seat))
    if a >= len(holds):  # a transversal: another member of the same class
        members = puzzle.classes[(a - len(holds)) % puzzle.size]
        old = seat[a]
        change = reseat(puzzle, a, members[int(draws[1] * len(members))])
        if change > 0 and draws[4] >= np.exp(-change / temperature):
            change += reseat(puzzle, a, old)
        return change
    block = len(orbits)
    b = a - a % block + int(draws[1] * block)  # a slot of the same round
    if a != b and a // puzzle.size == b // puzzle.size:
        return 0
    old_a, old_b = seat[a], seat[b]
    elements = orbits.shape[1]
    change = reseat(puzzle, a, orbits[holds[b], int(draws[2] * elements)])
    if a != b:
        change += reseat(puzzle, b, orbits[holds[a], int(draws[3] * elements)])
    if change > 0 and draws[4] >= np.exp(-change / temperature):
        if a != b:
            change += reseat(puzzle, b, old_b)
        return change + reseat(puzzle, a, old_a)
    holds[a], holds[b] = holds[b], holds[a]
    return change


@_compiled
def anneal(puzzle: Puzzle, draws: Floats, temperature: float, excess: int) -> int:
    """Propose changes until none is needed or the random numbers are used up."""
    for i in range(len(draws)):
        if excess == 0:
            break
        excess += propose(puzzle, draws[i], temperature)
    return excess
