"""Ten rounds for 32 players at 8 tables of 4, by a group of eight moves.

The moves add a vector of Z_2^3, written as a number of three bits, to the place of
every player in one of four octets. They leave each octet as it is, and turn 6 base
rounds into 10: four are moved to 2 rounds each, two stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from mds_sim.tournament.history import Ints

from ._groups import Move, closure, develop, moved

Place = tuple[int, int]  # octet and place
# What leaves a base round as it is, and its tables without images by that.
Base = tuple[tuple[int, ...], list[list[Place]]]

# The vectors, and tables of two digits a player. `find_octets` finds others like it.
ROUNDS: tuple[tuple[tuple[int, ...], str], ...] = (
    ((0, 1, 6, 7), "00 10 23 34  02 05 30 37  12 13 26 27"),
    ((0, 3, 5, 6), "00 14 26 33  01 02 10 13  21 24 32 37"),
    ((0, 1, 2, 3), "00 15 25 37  04 12 23 32"),
    ((0, 2, 4, 6), "00 13 24 30  01 03 21 23  10 14 31 35"),
    (tuple(range(8)), "00 17 21 31"),
    (tuple(range(8)), "00 01 04 05  10 12 15 17  20 23 24 27  30 31 32 33"),
)


@lru_cache(maxsize=1)
def octets() -> Ints:
    """Return the ten rounds, shape (10, 32): the table of each player.

    Examples
    --------
    >>> octets().shape
    (10, 32)
    """
    bases = [(vectors, _read(text)) for vectors, text in ROUNDS]
    return develop_octets(bases)


def develop_octets(bases: Iterable[Base]) -> Ints:
    """Return all images of base rounds, shape (rounds, 32): the table of each player.

    Parameters
    ----------
    bases : iterable of (vectors, tables)
        The vectors that leave a base round as it is, and tables of (octet, place) that
        they complete.
    """
    rounds = []
    for vectors, tables in bases:
        images = {
            frozenset(8 * octet + (place ^ v) for octet, place in table): None
            for table in tables
            for v in vectors
        }
        rounds.append([sorted(image) for image in images])
    moves = tuple(_add(v) for v in (1, 2, 4))
    return develop(closure(moves), rounds)


def _add(v: int) -> Move:
    """Return the move that adds a vector in each octet."""
    return moved(32, lambda p: p - p % 8 + (p % 8 ^ v))


def _read(text: str) -> list[list[Place]]:
    """Return the tables of a text, four players each."""
    places = [(int(player[0]), int(player[1])) for player in text.split()]
    return [places[i : i + 4] for i in range(0, len(places), 4)]
