"""The tournament: seats round after round, records winners, finds the champion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np

from mds_sim.rng import RNG

from . import roster
from ._evening import Evening, _strategy
from .contention import Contention, PointsLeader
from .history import Ints
from .outcomes import Outcome, PlackettLuce
from .players import Player, Round, Table, as_players
from .result import TournamentResult, write_csv
from .rounds import as_round, as_row, winners_by_table
from .seating import RandomSeating, Seating

Pair = tuple[str | Player, str | Player]
Seats = Iterable[Table | Iterable[str | Player]]


class Tournament(Evening):
    """N players, T tables of G seats, R rounds in lockstep, one champion.

    Seat a round with `next_round`, play it, `record` the winners, and so on; or let
    the outcome model `play` what is left. In every round all tables are in use, their
    sizes differ by at most 1, nobody sits out while a seat is free, and sit-outs
    differ by at most 1 between players. Each answer of the seating is checked. What
    is refused leaves the tournament as it was.

    Parameters
    ----------
    players : int or iterable of Player or str
        Who plays; a number N makes players P1 to PN. At least two for each table.
    tables : int
        Tables (T), >= 1.
    seats : int
        Seats a table (G), >= 2. N may be smaller than T G (tables are not full) or
        larger (some sit out).
    rounds : int
        Rounds (R), >= 1.
    seating : Seating, default RandomSeating()
        Who sits where.
    contention : Contention, default PointsLeader()
        What makes the winner. If it leaves players tied after the last round, one game
        among all of them decides: the playoff. It counts for nothing else, and
        forbidden pairs may meet in it.
    outcome : Outcome, default PlackettLuce()
        Who wins a game that is not recorded by hand.
    forbidden : iterable of (name, name), optional
        Pairs who never share a table; more by `forbid`, fewer by `allow`.
    rng : numpy.random.Generator, int or None
        Equal seeds, equal tournaments. Seating and outcome draw from two streams, so
        that a second seating sees the same performances.

    Raises
    ------
    TypeError, ValueError
        If such a tournament cannot work; the message says why.

    Examples
    --------
    By hand:

    >>> tournament = Tournament(["Ann", "Bob", "Cid", "Dan"], 2, 2, rounds=3, rng=1)
    >>> tournament.next_round()
    round 1
      table 1: Bob, Cid
      table 2: Ann, Dan
    >>> tournament.record(["Dan", "Cid"])
    >>> tournament
    Tournament(4 players, 2 tables of 2, 1 of 3 rounds played)

    Between rounds people come and go:

    >>> tournament.add_player("Eve")
    Player(name='Eve', skill=0.0)
    >>> tournament.remove_player("Bob")

    The rest by chance:

    >>> result = tournament.play()
    >>> result.winner, result.decided_by
    (Player(name='Cid', skill=0.0), 'wins')
    """

    def __init__(
        self,
        players: int | Iterable[Player | str],
        tables: int,
        seats: int,
        rounds: int,
        *,
        seating: Seating = RandomSeating(),
        contention: Contention = PointsLeader(),
        outcome: Outcome = PlackettLuce(),
        forbidden: Iterable[Pair] = (),
        rng: RNG = None,
    ) -> None:
        super().__init__(
            players, tables, seats, rounds, seating, contention, outcome, rng
        )
        for pair in forbidden:
            self.forbid(*roster.as_pair(pair))

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        *,
        seating: Seating | None = None,
        contention: Contention | None = None,
        outcome: Outcome | None = None,
    ) -> Tournament:
        """Load a tournament that `save` wrote; it goes on exactly as that one would.

        Parameters
        ----------
        path : str or path
        seating, contention, outcome : optional
            Take the place of what was saved. A class of your own must be given again.

        Raises
        ------
        ValueError
            If the file is broken, or holds a class that is none of this package.
            It says where.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> evening = Tournament(8, 2, 4, rounds=3, rng=1)
        >>> _ = evening.next_round()
        >>> with TemporaryDirectory() as folder:
        ...     evening.save(Path(folder, "night.json"))
        ...     copy = Tournament.load(Path(folder, "night.json"))
        >>> copy.play().same_as(evening.play())
        True
        """
        from .saving import load  # it makes tournaments

        given = {"seating": seating, "contention": contention, "outcome": outcome}
        return load(cls, path, {name: v for name, v in given.items() if v is not None})

    def save(self, path: str | PathLike[str]) -> None:
        """Write all there is to go on from: a JSON file, in one step or not at all.

        Parameters
        ----------
        path : str or path
            An existing file is replaced, and stays whole if that fails.

        Raises
        ------
        TypeError
            If a seating, contention or outcome of your own is no dataclass of numbers
            and words.
        """
        from .saving import save  # it knows tournaments

        save(self, path)

    def next_round(self, seating: Seating | None = None) -> Round:
        """Seat the next round; after the last one, if need be, the playoff.

        Parameters
        ----------
        seating : Seating, optional
            Who sits where in this one round; the tournament's own by default.

        Returns
        -------
        Round
            Its tables and who sits out.

        Raises
        ------
        RuntimeError
            If the present round waits for its winners, or all rounds are over.
        ValueError
            If the seating breaks a rule, or cannot keep a forbidden pair apart.
        """
        self._refuse_waiting()
        if self.finished:
            raise RuntimeError(
                f"the tournament must have rounds left, but {self.standings[0].player} "
                f"has won it; play() returns the result"
            )
        with self._or_as_it_was():
            self._seated = self._tied() if self._rounds_over() else self._seat(seating)
        return as_round(self.players, self._history.round + 1, self._seated)

    def override(self, round: Seats) -> Round:
        """Seat the next round by hand, or another way than `next_round` did.

        Parameters
        ----------
        round : iterable of iterables of str or Player
            The tables in their order, each with its players; a `Round` will do, or
            its tables. Who is not named sits out. A knockout may be seated otherwise
            than the contention rule asks: whoever beats a contender is one.

        Returns
        -------
        Round

        Raises
        ------
        RuntimeError
            If all rounds are over.
        ValueError
            If a name is unknown or comes twice, or the round breaks one of the rules
            that each round keeps.

        Examples
        --------
        >>> tournament = Tournament(["Ann", "Bob", "Cid", "Dan"], 2, 2, 3, rng=1)
        >>> tournament.override([["Ann", "Bob"], ["Cid", "Dan"]])
        round 1
          table 1: Ann, Bob
          table 2: Cid, Dan
        """
        if self._rounds_over():
            raise RuntimeError("a playoff must be played as it is, by all who are tied")
        history, here = self._history, self._history.is_here
        row = as_row(self.players, here, round, history.round + 1)
        self._seated = self._checked(history.of(here), row[here])
        return as_round(self.players, history.round + 1, self._seated)

    def unseat(self) -> None:
        """Take back the seating of the round that waits for its winners, if any."""
        self._seated = None

    def record(self, winners: str | Player | Iterable[str | Player]) -> None:
        """Record who won at the tables of the round that `next_round` seated.

        Parameters
        ----------
        winners : iterable of str or Player
            One from each table, in any order; a bare name if there is one table.

        Raises
        ------
        RuntimeError
            If no round waits for its winners.
        ValueError
            If a name is unknown or on the bench, or a table has no winner or two.
            The tournament stays as it was.
        """
        self._record(winners, self._states())

    def undo(self) -> Round:
        """Take back the winners recorded last: their round waits for winners again.

        A round that was seated since is dropped. Who came or left since stays so.

        Returns
        -------
        Round
            The round that waits for its winners.

        Raises
        ------
        RuntimeError
            If nothing has been recorded.

        Examples
        --------
        >>> tournament = Tournament(["Ann", "Bob"], 1, 2, rounds=1, rng=1)
        >>> _ = tournament.next_round()
        >>> tournament.record("Bob")
        >>> tournament.undo()
        round 1
          table 1: Ann, Bob
        >>> tournament.record("Ann")
        >>> tournament.play().winner
        Player(name='Ann', skill=0.0)
        """
        if not self._before:
            raise RuntimeError("a round must be recorded before it can be undone")
        if self._playoff is not None:
            self._seated, self._playoff = self._playoff[0], None
        else:
            self._history, self._seated = roster.without_last_round(self._history)
        self._set_states(self._before.pop())
        return as_round(self.players, self._history.round + 1, self._seated)

    def forbid(self, one: str | Player, other: str | Player) -> None:
        """Never let two players share a table from now on.

        Raises
        ------
        RuntimeError
            If a round waits for its winners.
        ValueError
            If a name is unknown, or both are the same.

        Examples
        --------
        >>> tournament = Tournament(["Ann", "Bob"], 1, 2, rounds=1)
        >>> tournament.forbid("Ann", "Bob")
        >>> tournament.next_round()
        Traceback (most recent call last):
        ...
        ValueError: 'Ann' and 'Bob' must not share a table, but both sit at table 1 in
        round 1; allow() lets them meet
        """
        self._set_forbidden(one, other, True)

    def allow(self, one: str | Player, other: str | Player) -> None:
        """Let two players share a table again; the opposite of `forbid`."""
        self._set_forbidden(one, other, False)

    def add_player(self, player: str | Player) -> Player:
        """Let somebody play from the next round on: a late arrival, or one comes back.

        Parameters
        ----------
        player : str or Player
            Somebody new, or who has left before, whose results then still count; the
            skill, too, unless a `Player` brings another one.

        Returns
        -------
        Player

        Raises
        ------
        RuntimeError
            If a round waits for its winners, or all rounds are over.
        ValueError
            If somebody of this name is here.

        Notes
        -----
        Sit-outs stay fair: whoever comes starts level with the player who sat out
        least, neither due first for all the rounds missed nor spared.
        """
        self._refuse_waiting()
        self._refuse_over()
        known = [p for p in self.players if p.name == player]  # by name: as before
        newcomer = as_players(known or [player])[0]
        self.players, self._history = roster.add(self.players, self._history, newcomer)
        return self.players[self._history.names.index(newcomer.name)]

    def remove_player(self, player: str | Player) -> None:
        """Let somebody go: not seated any more, while results and meetings count.

        Who has left stands last in the standings and cannot win.

        Parameters
        ----------
        player : str or Player

        Raises
        ------
        RuntimeError
            If a round waits for its winners, or all rounds are over.
        ValueError
            If nobody of this name is here, or too few would be left for the tables.
        """
        self._refuse_waiting()
        self._refuse_over()
        self._history = roster.remove(self._history, str(player))

    def play(self) -> TournamentResult:
        """Play what is left, with winners from the outcome model.

        Returns
        -------
        TournamentResult
        """
        while not self.finished:
            if self._seated is None:
                self.next_round()
            with self._or_as_it_was():
                self._play_round()
        return TournamentResult(
            players=self.players,
            history=self._history,
            standings=self.standings,
            criteria=tuple(self.contention.criteria),
            decided_by=self._decided_by(),
            playoff=self._playoff_round(),
        )

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write one line for each player in each round, the one that waits included.

        Parameters
        ----------
        path : str or path
            An existing file is replaced. UTF-8, with the columns round, table (empty
            for who sits out), player, won (0 or 1, empty while the round waits) and
            playoff (0 or 1). A name that a spreadsheet would take for a formula has an
            apostrophe before it, as in `TournamentResult.to_csv`.
        """
        last = [r for r in (self.waiting, self._playoff_round()) if r is not None]
        playoff = int(self._rounds_over())
        write_csv(path, [*((r, 0) for r in self.rounds), *((r, playoff) for r in last)])

    def _play_round(self) -> None:
        """Let the outcome model decide the round that is seated."""
        before = self._states()
        skill = np.array([player.skill for player in self.players])
        seated: Any = self._seated
        won = self.outcome.play(self._history, seated, skill, self._outcome_rng)
        known = range(len(self.players))
        if not all(p in known for p in won):
            raise ValueError(f"outcome must return players 0 to {known[-1]}, got {won}")
        self._record([self.players[p] for p in won], before)

    def _record(self, winners: Any, before: Any) -> None:
        """Record the winners, and how the random streams stood before."""
        if self._seated is None:
            raise RuntimeError("a round must be seated first; call next_round()")
        winner = winners_by_table(self.players, self._seated, winners)
        if self._rounds_over():
            self._playoff = self._seated, winner
        else:
            self._history = roster.leveled(self._history.after(self._seated, winner))
        self._seated = None
        self._before.append(before)

    def _seat(self, seating: Seating | None) -> Ints:
        """Return the next round as a seating wants it, checked."""
        if seating is None:
            seating = self.seating
        seating = _strategy("seating", seating, "seat", RandomSeating())
        history, here = self._history, self._history.is_here
        funnel = getattr(self.contention, "funnel", None)
        if funnel is not None and not getattr(seating, "knocks_out", False):
            history = replace(history, funnel=funnel(history, self._seating_rng))
        view = history.of(here)
        return self._checked(view, seating.seat(view, self._seating_rng))

    def _set_forbidden(self, one: Any, other: Any, value: bool) -> None:
        """Forbid or allow a pair."""
        self._refuse_waiting()
        self._history = roster.forbid(self._history, str(one), str(other), value)
