"""What makes the winner of the tournament: contention rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .history import History, Ints


@runtime_checkable
class Contention(Protocol):
    """A contention rule: one method that scores the players.

    The first criterion decides, the second among those it leaves tied, and so on;
    a playoff among those whom all leave tied. So there is always one champion.

    A rule may also say who must sit where in the next round, by a second method
    ``funnel(history, rng)``. It returns a table for each player, -1 for who may sit
    anywhere, or None; the seating finds it as ``history.funnel``. A seating that brings
    contenders together in a way of its own says so by ``knocks_out = True``.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class MostFriends:
    ...     criteria: ClassVar = ("people met",)
    ...
    ...     def scores(self, history):
    ...         return history.opponents[:, None]
    >>> isinstance(MostFriends(), Contention)
    True
    """

    @property
    def criteria(self) -> tuple[str, ...]:
        """A name for each column of scores."""

    def scores(self, history: History) -> Ints:
        """Return integer scores, shape (players, criteria); more is better."""


@dataclass(frozen=True)
class PointsLeader:
    """Most wins, then most wins of one's opponents, then a playoff.

    Notes
    -----
    The wins of an opponent count once for every game against that opponent (as in the
    Buchholz score of chess), own games included. Who met stronger people ranks higher.

    References
    ----------
    .. [1] FIDE Handbook C.07, Tie-Break Regulations: Buchholz.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob", "Cid"), tables=1, seats=2, rounds=2)
    >>> history = history.after(table=[0, 0, -1], winner=[0])
    >>> history = history.after(table=[0, -1, 0], winner=[2])
    >>> PointsLeader().scores(history)  # Bob's only opponent won one game
    array([[1, 1],
           [0, 1],
           [1, 1]])
    """

    criteria: ClassVar[tuple[str, ...]] = ("wins", "opponents' wins")

    def scores(self, history: History) -> Ints:
        """Return integer scores, shape (players, criteria); more is better."""
        return np.column_stack([history.wins, history.meetings @ history.wins])


def leaders(scores: NDArray[np.int64]) -> tuple[Ints, int]:
    """Return who leads, and how many criteria it took to tell.

    Parameters
    ----------
    scores : ndarray of int64, shape (players, criteria)

    Returns
    -------
    leading : ndarray of int64
        The players who share the lead, ascending.
    used : int
        The number of criteria looked at.

    Examples
    --------
    >>> leaders(np.array([[2, 5], [2, 7], [1, 9]]))
    (array([1]), 2)
    """
    leading, used = np.arange(len(scores)), 0
    while len(leading) > 1 and used < scores.shape[1]:
        score = scores[leading, used]
        leading, used = leading[score == score.max()], used + 1
    return leading, used
