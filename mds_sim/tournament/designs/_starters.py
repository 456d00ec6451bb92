"""Starters: a base round that a group of moves turns into a schedule without repeats.

A group moves the players, say all of Z_n by 1. If each orbit of pairs comes up at most
once among the pairs of a few base rounds, then no pair comes up twice among all images
of these rounds. So what must be found are some tables instead of all of them; a base
round that some moves leave as it is (`still`) needs fewer still. `find` finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mds_sim.tournament.history import Ints

from ._groups import Move, Tables, closure, develop, pair_orbits

if TYPE_CHECKING:
    from ._annealing import Puzzle


@dataclass(frozen=True)
class Starter:
    """A group, and the rounds that it moves.

    Parameters
    ----------
    seats : int
        Players at each table.
    moves : tuple of permutations
        They generate the group.
    still : tuple of permutations
        Those that leave the base rounds as they are; none unless stated.
    fixed : tables
        Tables of the base round that are known, with all their images by `still`.
    unused : tables
        Tables that must not share a pair with others; nobody sits at them.
    rounds : int
        Base rounds, none if there are transversals only.
    transversals : int
        Tables with one player of each orbit, whose images make one round each.
    tables : tables
        The other tables of the base rounds, in turn, without images by `still`; then
        the transversals. Empty if they have to be found.

    Examples
    --------
    >>> from ._groups import turned
    >>> seven = Starter(3, (turned(7, 2, 1),))
    >>> found = find(seven, np.random.default_rng(1), seconds=5)
    >>> develop_starter(found).shape  # a Kirkman triple system of order 15
    (7, 15)
    """

    seats: int
    moves: tuple[Move, ...]
    still: tuple[Move, ...] = ()
    fixed: Tables = ()
    unused: Tables = ()
    rounds: int = 1
    transversals: int = 0
    tables: Tables = field(default=(), repr=False)

    @property
    def players(self) -> int:
        """Number of players."""
        return len(self.moves[0])

    @property
    def stabiliser(self) -> Ints:
        """All moves that leave a base round as it is, one a row."""
        return closure(self.still or [tuple(range(self.players))])


def develop_starter(starter: Starter) -> Ints:
    """Return the schedule of a starter, shape (rounds, players).

    Parameters
    ----------
    starter : Starter
        With its tables.
    """
    group, still = closure(starter.moves), starter.stabiliser
    split = len(starter.tables) - starter.transversals
    per_round = split // max(1, starter.rounds)
    base: list[Tables] = []
    for i in range(starter.rounds):
        tables = starter.tables[i * per_round : (i + 1) * per_round]
        base.append(_distinct(still, [*starter.fixed, *tables]))
    base += [_distinct(group, [table]) for table in starter.tables[split:]]
    return develop(group, base)


def with_tables(starter: Starter, text: str) -> Starter:
    """Return a starter with the tables that a text of numbers holds.

    Examples
    --------
    >>> from ._groups import turned
    >>> three = Starter(2, (turned(3, 1, fixed=1),))
    >>> develop_starter(with_tables(three, "0 3 1 2"))
    array([[0, 1, 1, 0],
           [0, 1, 0, 1],
           [0, 0, 1, 1]])
    """
    numbers = [int(number) for number in text.split()]
    return replace(starter, tables=np.reshape(numbers, (-1, starter.seats)).tolist())


def find(
    starter: Starter,
    rng: np.random.Generator,
    *,
    seconds: float = 10.0,
    temperature: float = 0.2,
) -> Starter | None:
    """Find the tables of a starter by simulated annealing.

    Parameters
    ----------
    starter : Starter
        Its `tables` are not looked at.
    rng : numpy.random.Generator
    seconds : float
        CPU time after which it gives up [s].
    temperature : float
        Low enough that an orbit too many is rare: 0.2 to 0.4.

    Returns
    -------
    Starter or None
        The same with its tables, or None if they were not found.

    Notes
    -----
    A proposal swaps two seats of a base round, or one player for another of the same
    orbit; what is driven to 0 is the number of times that orbits come up too often.
    """
    from time import thread_time

    from . import _annealing

    end = thread_time() + seconds
    while thread_time() < end:
        puzzle = _puzzle(starter, rng)
        excess = int(np.maximum(puzzle.tally - puzzle.room, 0).sum())
        for _ in range(100):
            draws = rng.random((50_000, _annealing.DRAWS))
            excess = _annealing.anneal(puzzle, draws, temperature, excess)
            if excess == 0:
                tables = puzzle.seat.reshape(-1, starter.seats).tolist()
                return replace(starter, tables=tables)
            if thread_time() > end:
                break
    return None


def _puzzle(starter: Starter, rng: np.random.Generator) -> Puzzle:
    """Return the puzzle of a starter with its slots filled at random."""
    from ._annealing import Puzzle

    group, still = closure(starter.moves), starter.stabiliser
    pairs, size = pair_orbits(group)
    room = (size == len(group)).astype(np.int64)
    for table in (*starter.fixed, *starter.unused):
        room[_orbits_of(pairs, table)] = 0
    taken = {p for table in _distinct(still, starter.fixed) for p in table}
    orbits = np.array([o for o in _player_orbits(still) if o[0] not in taken])
    classes = np.zeros((starter.seats, 1), dtype=np.int64)
    holds = [rng.permutation(len(orbits)) for _ in range(starter.rounds)]
    holds_all = np.concatenate([np.empty(0, dtype=np.int64), *holds])
    seat = [orbits[o, rng.integers(orbits.shape[1])] for o in holds_all]
    if starter.transversals:
        classes = np.array(_player_orbits(group))
        seat += [rng.choice(members) for members in classes] * starter.transversals
    puzzle = Puzzle(
        starter.seats, orbits, classes, pairs, np.array(seat), holds_all,
        np.zeros(len(size), dtype=np.int64), room,
    )  # fmt: skip
    for seated in puzzle.seat.reshape(-1, starter.seats):
        np.add.at(puzzle.tally, _orbits_of(pairs, seated), 1)
    return puzzle


def _orbits_of(pairs: Ints, table: Sequence[int] | Ints) -> Ints:
    """Return the orbits of the pairs at a table."""
    i, j = np.triu_indices(len(table), 1)
    players = np.asarray(table)
    found: Ints = pairs[players[i], players[j]]
    return found


def _player_orbits(group: Ints) -> list[list[int]]:
    """Return the orbits of a group on players, each in the order of its elements."""
    seen: set[int] = set()
    orbits = []
    for p in range(group.shape[1]):
        if p not in seen:
            orbits.append(list(dict.fromkeys(group[:, p].tolist())))
            seen.update(orbits[-1])
    return orbits


def _distinct(group: Ints, tables: Tables) -> list[list[int]]:
    """Return all images of some tables, each once."""
    images = {
        frozenset(element[list(t)].tolist()): None for t in tables for element in group
    }
    return [sorted(image) for image in images]
