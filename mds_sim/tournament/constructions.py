"""Schedules known in advance, and how to construct them."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_fold, html_table
from mds_sim.units import counted

from .history import History, Ints, check_round, count_meetings

_ROUNDS = 12  # that a page shows; as many again can be unfolded
_TABLES = 12  # that fit beside each other
_SEATS = 12  # players named at a table, or on the bench


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """Who sits where in every round, known before the first one.

    Parameters
    ----------
    table : array_like of int, shape (rounds, players)
        ``table[r, p]`` is the table of player p in round r, from 0; -1 sits out.
    first : array_like of int, shape (rounds, tables), optional
        The player of each table who is named first: the home team, or white.
    method : str, optional
        How it was made, in one line.

    Attributes
    ----------
    rounds, players, tables, seats : int
        R, N, T, and G: the players at the fullest table.
    meetings : ndarray of int64, shape (players, players)
        How often any two players meet.
    pairs_met, bound : int
        Different pairs that meet, and the most that could at these tables.
    carry_over : int
        Of a schedule of pairs: how unevenly effects go on to the next opponent.
    proven : bool
        Whether as many pairs meet as could, so that no schedule is better.

    Examples
    --------
    >>> schedule = Schedule([[0, 0, 1, 1], [0, 1, 0, 1]])
    >>> schedule
    Schedule(4 players, 2 tables of 2, 2 rounds: 4 of at most 4 pairs meet)
    >>> schedule.games(1)
    [(0, 2), (1, 3)]
    """

    table: Ints
    first: Ints | None = None
    method: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", _grid("table", self.table))
        low, high = int(self.table.min()), int(self.table.max())
        if low < -1 or high < 0:
            rule = "-1 (sits out) or the number of a table, and seat somebody"
            raise ValueError(f"table must be {rule}, got {low} to {high}")
        if self.first is not None:
            object.__setattr__(self, "first", _grid("first", self.first))

    @property
    def rounds(self) -> int:
        """Number of rounds (R)."""
        return len(self.table)

    @property
    def players(self) -> int:
        """Number of players (N)."""
        return int(self.table.shape[1])

    @property
    def tables(self) -> int:
        """Number of tables (T)."""
        return int(self.table.max()) + 1

    @property
    def seats(self) -> int:
        """Players at the fullest table (G)."""
        return int(self._sizes.max())

    @property
    def meetings(self) -> Ints:
        """How often any two players meet, shape (N, N), with a diagonal of 0."""
        return count_meetings(self.table)

    @property
    def pairs_met(self) -> int:
        """How many different pairs meet."""
        return distinct_pairs(self.table)

    @property
    def bound(self) -> int:
        """The most different pairs that could meet at tables of these sizes."""
        seated_together = sum(comb(size, 2) for size in self._sizes.ravel().tolist())
        return min(seated_together, comb(self.players, 2))

    @property
    def proven(self) -> bool:
        """Whether as many pairs meet as could at tables of these sizes."""
        return self.pairs_met == self.bound

    @property
    def carry_over(self) -> int:
        """The carry-over value of a schedule of pairs: how unevenly effects go on.

        Whoever meets j after i has an advantage if i is tiring. The value is the sum,
        over all ordered pairs (i, j), of the square of how many players meet i in one
        round and j in the next, the first round following the last [1]_. With an even
        number N of players it is N (N - 1) at least. A player who sits out meets
        nobody. ValueError if a table seats more than two.

        References
        ----------
        .. [1] K. G. Russell (1980), "Balancing carry-over effects in round robin
           tournaments", *Biometrika* 67(1), 127-131.

        Examples
        --------
        >>> round_robin(8).carry_over
        196
        """
        if self.seats > 2:
            raise ValueError(
                f"tables must seat 2 for a carry-over value, got {self.seats}"
            )
        alone = np.eye(self.players, dtype=bool)
        together = (self.table[:, :, None] == self.table[:, None, :]) & ~alone
        together &= (self.table >= 0)[:, :, None]
        meets = together.astype(np.int64)  # [round, player, opponent]
        effects = np.einsum("rpi,rpj->ij", meets, np.roll(meets, -1, axis=0))
        return int((effects**2).sum())

    def games(self, round: int) -> list[tuple[int, ...]]:
        """Return the players of each table in a round, first-named first.

        Parameters
        ----------
        round : int
            Index of the round, from 0.

        Examples
        --------
        >>> round_robin(4).games(1)  # Berger's second round, 4-3 1-2, counted from 0
        [(3, 2), (0, 1)]
        """
        games = []
        for table in range(self.tables):
            players = np.flatnonzero(self.table[round] == table).tolist()
            if self.first is not None:
                first = self.first[round, table]
                players.sort(key=lambda player: player != first)
            games.append(tuple(players))
        return games

    def check(self) -> None:
        """Check every round from scratch, with the rules that each one keeps.

        Raises
        ------
        ValueError
            If a table is empty or too full, table sizes differ by more than 1,
            somebody sits out without need or more than once oftener than others,
            or the first-named player of a table does not sit there.

        Examples
        --------
        >>> round_robin(7).check()
        >>> Schedule([[0, 0, 1, 1, 1, 1]]).check()
        Traceback (most recent call last):
        ...
        ValueError: table sizes must differ by at most 1, but table 1 holds 4 and
        table 0 holds 2 in round 1: 'P1', 'P2'
        """
        names = [f"P{p}" for p in range(1, self.players + 1)]
        history = History.start(names, self.tables, self.seats, self.rounds)
        for row in self.table:
            check_round(history, row)
            history = history.after(row, winner=np.zeros(self.tables))
        if self.first is not None:
            self._check_first(self.first)

    def same_as(self, other: object) -> bool:
        """Tell whether the other is a schedule with the same tables and first names.

        Examples
        --------
        >>> round_robin(6).same_as(round_robin(6))
        True
        """
        if not isinstance(other, Schedule):
            return False
        if self.first is None or other.first is None:
            return self.first is other.first and np.array_equal(self.table, other.table)
        pairs = (self.table, other.table), (self.first, other.first)
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    @property
    def _sizes(self) -> NDArray[np.int64]:
        """Players at each table in each round, shape (R, T)."""
        numbers = np.arange(self.tables)[:, None]
        return np.array([(row == numbers).sum(axis=1) for row in self.table])

    def _check_first(self, first: Ints) -> None:
        """Check that the first-named player of each table sits there."""
        shape = (self.rounds, self.tables)
        if first.shape != shape:
            raise ValueError(f"first must have shape {shape}, got {first.shape}")
        for r, t in np.ndindex(shape):
            player = int(first[r, t])
            if not 0 <= player < self.players or self.table[r, player] != t:
                raise ValueError(
                    "the first-named player must sit at the table, "
                    f"but first[{r}, {t}] = {player} does not"
                )

    def __repr__(self) -> str:
        return (
            f"Schedule({counted(self.players, 'player', spec='')}, "
            f"{counted(self.tables, 'table', spec='')} of {self.seats}, "
            f"{counted(self.rounds, 'round', spec='')}: {self.pairs_met} of at most "
            f"{counted(self.bound, 'pair meets', 'pairs meet', '')})"
        )

    def _repr_html_(self) -> str:
        """Show a grid of rounds and tables in Jupyter; players count from 1."""
        title = repr(self).removeprefix("Schedule(").removesuffix(")")
        page = self._grid(f"{title}. Players count from 1.", 0)
        if self.rounds <= _ROUNDS:
            return page
        last = min(self.rounds, 2 * _ROUNDS)
        name = f"Rounds {_ROUNDS + 1} to {last}"
        if last < self.rounds:
            name += f", and {self.rounds - last:,} more that are not shown"
        return page + html_fold(name, self._grid(name, _ROUNDS))

    def _grid(self, title: str, first: int) -> str:
        """Return some rounds from the first on as a table."""
        tables = min(self.tables, _TABLES)
        hidden = self.tables - tables
        header = ["round", *(f"table {t}" for t in range(1, tables + 1))]
        header += [f"{hidden:,} more"] if hidden else []
        has_bench = bool((self.table == -1).any())
        rows = []
        for r in range(first, min(first + _ROUNDS, self.rounds)):
            games = [_numbers(game) for game in self.games(r)[:tables]]
            rest = [""] * bool(hidden)
            out = [_numbers(np.flatnonzero(self.table[r] == -1))] * has_bench
            rows.append([str(r + 1), *games, *rest, *out])
        return html_table(title, rows, [*header, *["sits out"] * has_bench])


def _numbers(players: Any) -> str:
    """Write players as people count them, from 1; of many the first."""
    words = " ".join(str(player + 1) for player in players[:_SEATS])
    hidden = len(players) - _SEATS
    return f"{words} and {hidden:,} more" if hidden > 0 else words


def distinct_pairs(table: Ints) -> int:
    """Count the pairs of players who sit at one table in at least one round.

    Parameters
    ----------
    table : ndarray of int64, shape (rounds, players)

    Returns
    -------
    int

    Notes
    -----
    Players in the order of their tables share one with those up to G - 1 places
    behind. Cost O(R N (log N + G)), which is less than a matrix of meetings takes.

    Examples
    --------
    >>> distinct_pairs(np.array([[0, 0, 1, 1, -1], [0, 0, 1, -1, 1]]))
    3
    """
    players = table.shape[1]
    order = np.argsort(table, axis=1, kind="stable")
    home = np.take_along_axis(table, order, axis=1)
    pairs = []
    for behind in range(1, players):
        same = (home[:, behind:] == home[:, :-behind]) & (home[:, behind:] >= 0)
        if not same.any():
            break
        pairs.append((order[:, :-behind] * players + order[:, behind:])[same])
    return len(np.unique(np.concatenate(pairs))) if pairs else 0


def round_robin(players: int) -> Schedule:
    r"""Let everyone meet everyone exactly once, in pairs: the circle method.

    Parameters
    ----------
    players : int
        N >= 2. If N is odd, one player sits out each round, and each of them once.

    Returns
    -------
    Schedule
        N - 1 rounds if N is even, else N, with N // 2 tables. Rounds, tables and
        first-named players are those of FIDE's Berger tables.

    Notes
    -----
    Of an even number n of players, n - 1 stand on a circle and the last beside it.
    In round r the player at :math:`a = r n / 2` (mod n - 1) plays the last one, and
    a + k plays a - k for k = 1, 2, ...: those at equal distance from a. As n/2 is
    prime to n - 1, each a comes up once, so every pair meets once. The first of a
    pair has home right or white; against the last player it alternates. With an
    odd number the last one is a dummy, whose opponent sits out. Cost O(N^2).

    References
    ----------
    .. [1] J. Berger, *Schach-Jahrbuch* 1893; FIDE Handbook C.05, General Regulations
       for Competitions, Annex 1 "Details of Berger Table".

    Examples
    --------
    >>> schedule = round_robin(6)
    >>> [(first + 1, second + 1) for first, second in schedule.games(1)]
    [(6, 4), (5, 3), (1, 2)]
    >>> schedule.pairs_met == schedule.bound == 15
    True
    """
    players = _validate.count("players", players, least=2)
    n = players + players % 2
    table = np.full((n - 1, players), -1, dtype=np.int64)
    first = np.empty((n - 1, players // 2), dtype=np.int64)
    for r in range(n - 1):
        games = [pair for pair in _berger_round(n, r) if max(pair) < players]
        for t, pair in enumerate(games):
            table[r, list(pair)] = t
            first[r, t] = pair[0]
    return Schedule(table, first, method="circle method (Berger)")


def _berger_round(n: int, r: int) -> list[tuple[int, int]]:
    """Return the games of round r among an even number n of players."""
    circle, last = n - 1, n - 1
    a = r * (n // 2) % circle
    lead = (last, a) if r % 2 else (a, last)
    others = [((a + k) % circle, (a - k) % circle) for k in range(1, n // 2)]
    return [lead, *others]


def _grid(name: str, values: Any) -> Ints:
    """Return a read-only int64 copy with two dimensions, none of them empty."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got {array.dtype}")
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} must have two dimensions, got shape {array.shape}")
    copy = array.astype(np.int64)
    copy.setflags(write=False)
    return copy
