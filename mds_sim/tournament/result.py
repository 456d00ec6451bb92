"""What came out of a tournament."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim._tables import html_table, text_table
from mds_sim.theory.tournament import pairs_bound
from mds_sim.units import counted

from .history import AWAY, BENCH, History, Ints, new_faces
from .players import Player, Round
from .rounds import rounds_of
from .saving import write_whole

SHOWN = 24  # rows of a printed table
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # it begins with one of these


@dataclass(frozen=True)
class Standing:
    """One line of the standings.

    Attributes
    ----------
    rank : int
        From 1; players whom the criteria leave tied share it.
    player : Player
    scores : tuple of int
        One for each criterion of the contention rule.
    met : int
        Different people met.
    sat_out : int
        Rounds sat out.

    Examples
    --------
    >>> Standing(1, Player("Ann"), scores=(3, 8), met=6, sat_out=0).rank
    1
    """

    rank: int
    player: Player
    scores: tuple[int, ...]
    met: int
    sat_out: int


@dataclass(frozen=True, eq=False, repr=False)
class TournamentResult:
    """A tournament that is over: the winner, the standings, who met whom.

    Attributes
    ----------
    players : tuple of Player
    history : History
        The rounds as arrays: ``history.table[r, p]``, ``history.winner[r, t]``.
    standings : tuple of Standing
        Best first; the winner is alone at rank 1.
    criteria : tuple of str
        What each of the scores is.
    decided_by : str
        What told the winner from the others: a criterion, or ``"playoff"``.
    playoff : Round or None
        The game among all whom the criteria left tied. It counts for nothing else.

    Examples
    --------
    >>> from mds_sim.tournament import Tournament
    >>> result = Tournament(["Ann", "Bob", "Cid"], 1, 2, rounds=3, rng=3).play()
    >>> print(result)
    Cid won: 3 players, 1 table of 2, 3 rounds
      player  wins  opponents' wins  met  sat out
      1. Cid     2                1    2        1
      2. Ann     1                2    2        1
      3. Bob     0                3    2        1
      3 of at most 3 pairs met; decided by wins
    """

    players: tuple[Player, ...]
    history: History
    standings: tuple[Standing, ...]
    criteria: tuple[str, ...]
    decided_by: str
    playoff: Round | None = None

    @property
    def winner(self) -> Player:
        """The one winner of the tournament."""
        return self.standings[0].player

    @property
    def rounds(self) -> tuple[Round, ...]:
        """The rounds, with players, winners and bench; without the playoff."""
        return rounds_of(self.players, self.history)

    @property
    def meetings(self) -> Ints:
        """How often any two players met, shape (N, N), with a diagonal of 0."""
        return self.history.meetings

    @property
    def opponents(self) -> Ints:
        """How many different people each player met, shape (N,)."""
        return self.history.opponents

    @property
    def new_faces(self) -> NDArray[np.float64]:
        """Different people met after each round, mean over players, shape (R,)."""
        return new_faces(self.history.table)

    @property
    def pairs_met(self) -> int:
        """How many different pairs met."""
        return int(self.opponents.sum()) // 2

    @property
    def bound(self) -> int:
        """The most different pairs that could have met, with those who were there."""
        plan = self.history
        there = plan.table != AWAY
        if there.all():
            return pairs_bound(plan.players, plan.tables, plan.seats, plan.round)
        rounds = [
            pairs_bound(players, plan.tables, plan.seats, 1)
            for players in there.sum(axis=1).tolist()
        ]
        together = there.T.astype(np.int64) @ there > 0
        return min(sum(rounds), int(np.triu(together, 1).sum()))

    def same_as(self, other: object) -> bool:
        """Tell whether the other is a result with the same rounds and winner."""
        return (
            isinstance(other, TournamentResult)
            and self.players == other.players
            and self.standings == other.standings
            and np.array_equal(self.history.table, other.history.table)
            and np.array_equal(self.history.winner, other.history.winner)
        )

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write one line for each player in each round.

        Parameters
        ----------
        path : str or path
            An existing file is replaced. UTF-8, with the columns round, table (empty
            for who sat out), player, won (0 or 1) and playoff (0 or 1).

        Notes
        -----
        The file is for people and their spreadsheets, which run what begins with one of
        ``= + - @``: such a name has an apostrophe before it. Nothing in this package
        reads the file again.
        """
        playoff = [] if self.playoff is None else [(self.playoff, 1)]
        write_csv(path, [*((played, 0) for played in self.rounds), *playoff])

    def _rows(self) -> list[list[str]]:
        """Return the standings as words, cut where a screen ends."""
        shown = self.standings[:SHOWN]
        width = len(str(shown[-1].rank))
        rows = [
            [
                f"{line.rank:>{width}}. {_clip(line.player.name)}",
                *map(str, (*line.scores, line.met, line.sat_out)),
            ]
            for line in shown
        ]
        hidden = len(self.standings) - SHOWN
        if hidden > 0:
            rows.append([f"and {hidden} more", *[""] * (len(rows[0]) - 1)])
        return rows

    @property
    def _header(self) -> list[str]:
        return ["player", *self.criteria, "met", "sat out"]

    @property
    def _title(self) -> str:
        plan = self.history
        return (
            f"{_clip(self.winner.name)} won: {plan.players} players, "
            f"{counted(plan.tables, 'table', spec='')} of {plan.seats}, "
            f"{counted(plan.round, 'round', spec='')}"
        )

    @property
    def _finding(self) -> str:
        met = f"{self.pairs_met} of at most {counted(self.bound, 'pair', spec='')} met"
        return f"{met}; decided by {self.decided_by}"

    def __str__(self) -> str:
        table = text_table(self._title, [self._header, *self._rows()])
        return f"{table}\n  {self._finding}"

    def __repr__(self) -> str:
        return f"TournamentResult({self._title}; {self._finding})"

    def _repr_html_(self) -> str:
        """Show the standings in Jupyter; without colours, so for any theme."""
        title = f"{self._title}. {self._finding}."
        return html_table(title, self._rows(), header=self._header)


def standings_html(title: str, standings: Sequence[Standing], contention: Any) -> str:
    """Return standings as a table for a page: the first, and how many others.

    Examples
    --------
    >>> from mds_sim.tournament import PointsLeader
    >>> standings_html("Nobody", (), PointsLeader())[-16:]
    '</tbody></table>'
    """
    rows = [
        (
            f"{line.rank}. {_clip(line.player.name)}",
            *map(str, (*line.scores, line.met, line.sat_out)),
        )
        for line in standings
    ]
    header = ("player", *contention.criteria, "met", "sat out")
    return html_table(title, rows, header, most=SHOWN)


def rank(
    players: Sequence[Player],
    history: History,
    scores: Ints,
    champion: int | None = None,
) -> tuple[Standing, ...]:
    """Order the players by their scores, the champion first, who has left last.

    Parameters
    ----------
    players : sequence of Player
    history : History
    scores : ndarray of int64, shape (players, criteria)
    champion : int, optional
        Comes before all who have the same scores, alone at rank 1.

    Returns
    -------
    tuple of Standing
        Who is tied shares the rank, in the order of `players`. Rounds that somebody
        missed are no sit-outs here.

    Examples
    --------
    >>> history = History.start(("Ann", "Bob"), tables=1, seats=2, rounds=1)
    >>> pair = Player("Ann"), Player("Bob")
    >>> [line.rank for line in rank(pair, history, np.array([[0], [0]]))]
    [1, 1]
    """
    gone = (~history.is_here).tolist()
    sat_out = (history.table == BENCH).sum(axis=0).tolist()
    keys = [
        (p != champion, gone[p], *(-score).tolist()) for p, score in enumerate(scores)
    ]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    place = {keys[p]: i for i, p in reversed(list(enumerate(order, start=1)))}
    return tuple(
        Standing(
            place[keys[p]],
            players[p],
            tuple(scores[p].tolist()),
            int(history.opponents[p]),
            sat_out[p],
        )
        for p in order
    )


def write_csv(path: str | PathLike[str], rounds: Iterable[tuple[Round, int]]) -> None:
    """Write rounds, each with 1 if it is the playoff, as lines of players.

    A round that waits for its winners has nothing in the column `won`. An old file
    stays whole if that fails.
    """
    file = StringIO()
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(["round", "table", "player", "won", "playoff"])
    for played, playoff in rounds:
        lines.writerows(_games(played, playoff))
    write_whole(Path(path), file.getvalue())


def _games(round: Round, playoff: int) -> Iterator[list[object]]:
    """Yield one line for each player at the tables, then those who sit out."""
    for table in round:
        for player in table.players:
            won = "" if table.winner is None else int(player == table.winner)
            yield [round.number, table.number, _as_text(player), won, playoff]
    for player in round.bench if not playoff else ():
        yield [round.number, "", _as_text(player), 0, 0]


def _as_text(player: Player) -> str:
    """Keep a spreadsheet from taking a name for a formula, as OWASP advises [1]_.

    .. [1] https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{player}" if player.name.startswith(FORMULA) else str(player)


def _clip(name: str) -> str:
    """Shorten a name that would break the table."""
    return name if len(name) <= 30 else name[:29] + "…"
