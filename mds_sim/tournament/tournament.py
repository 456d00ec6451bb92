"""The tournament: seats round after round, records winners, finds the champion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mds_sim import _validate
from mds_sim.rng import RNG, as_generator
from mds_sim.theory.tournament import table_sizes

from .contention import Contention, PointsLeader, leaders
from .history import History, Ints, check_round
from .outcomes import Outcome, PlackettLuce
from .players import Player, Round, as_players
from .result import Standing, TournamentResult, rank
from .rounds import as_round, winners_by_table
from .seating import RandomSeating, Seating


class Tournament:
    """N players, T tables of G seats, R rounds in lockstep, one champion.

    Seat a round with `next_round`, play it, `record` the winners, and so on; or let
    the outcome model `play` what is left. In every round all tables are in use, their
    sizes differ by at most 1, nobody sits out while a seat is free, and sit-outs
    differ by at most 1 between players. Each answer of the seating is checked.

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
        among all of them decides: the playoff. It counts for nothing else.
    outcome : Outcome, default PlackettLuce()
        Who wins a game that is not recorded by hand.
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

    The rest by chance:

    >>> result = tournament.play()
    >>> result.winner, result.decided_by
    (Player(name='Dan', skill=0.0), 'playoff')
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
        rng: RNG = None,
    ) -> None:
        self.players = as_players(players)
        table_sizes(len(self.players), tables, seats)  # refuses what cannot work
        _validate.count("rounds", rounds)
        self.seating = _strategy("seating", seating, "seat", RandomSeating())
        self.contention = _strategy("contention", contention, "scores", PointsLeader())
        self.outcome = _strategy("outcome", outcome, "play", PlackettLuce())
        self._seating_rng, self._outcome_rng = as_generator(rng).spawn(2)
        names = [player.name for player in self.players]
        self._history = History.start(names, tables, seats, rounds)
        self._seated: Ints | None = None  # a round that waits for its winners
        self._playoff: tuple[Ints, Ints] | None = None  # its table and winner

    @property
    def history(self) -> History:
        """The rounds recorded so far, as arrays."""
        return self._history

    @property
    def meetings(self) -> Ints:
        """How often any two players met so far, shape (N, N), with a diagonal of 0."""
        return self._history.meetings

    @property
    def opponents(self) -> Ints:
        """How many different people each player met so far, shape (N,)."""
        return self._history.opponents

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The standings so far, best first; who is tied shares the rank."""
        return rank(self.players, self._history, self._scores(), self._champion())

    @property
    def finished(self) -> bool:
        """Whether the champion is known, after all rounds and, if tied, a playoff."""
        return self._champion() is not None

    def next_round(self) -> Round:
        """Seat the next round; after the last one, if need be, the playoff.

        Returns
        -------
        Round
            Its tables and who sits out.

        Raises
        ------
        RuntimeError
            If the present round waits for its winners, or all rounds are over.
        ValueError
            If the seating breaks a rule.
        """
        number = self._history.round + 1
        if self._seated is not None:
            raise RuntimeError(
                f"round {number} must be recorded before the next one is seated; "
                "call record(winners)"
            )
        if self.finished:
            raise RuntimeError(
                f"the tournament must have rounds left, but {self.standings[0].player} "
                f"has won it; play() returns the result"
            )
        if self._rounds_over():
            self._seated = self._tied()
        else:
            answer = self.seating.seat(self._history, self._seating_rng)
            self._seated = check_round(self._history, answer)
        return as_round(self.players, number, self._seated)

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
        if self._seated is None:
            raise RuntimeError("a round must be seated first; call next_round()")
        winner = winners_by_table(self.players, self._seated, winners)
        if self._rounds_over():
            self._playoff = self._seated, winner
        else:
            self._history = self._history.after(self._seated, winner)
        self._seated = None

    def play(self) -> TournamentResult:
        """Play what is left, with winners from the outcome model.

        Returns
        -------
        TournamentResult
        """
        while not self.finished:
            if self._seated is None:
                self.next_round()
            self._play_round()
        return TournamentResult(
            players=self.players,
            history=self._history,
            standings=self.standings,
            criteria=tuple(self.contention.criteria),
            decided_by=self._decided_by(),
            playoff=self._playoff_round(),
        )

    def _play_round(self) -> None:
        """Let the outcome model decide the round that is seated."""
        skill = np.array([player.skill for player in self.players])
        seated: Any = self._seated
        won = self.outcome.play(self._history, seated, skill, self._outcome_rng)
        known = range(len(self.players))
        if not all(p in known for p in won):
            raise ValueError(f"outcome must return players 0 to {known[-1]}, got {won}")
        self.record([self.players[p] for p in won])

    def _rounds_over(self) -> bool:
        """Tell whether all rounds have been recorded."""
        return self._history.round == self._history.rounds

    def _scores(self) -> Ints:
        """Return the scores by the contention rule, one column for each criterion."""
        scores = np.asarray(self.contention.scores(self._history))
        shape = (len(self.players), len(self.contention.criteria))
        if scores.shape != shape or scores.dtype.kind not in "iu":
            raise ValueError(
                f"scores must be integers of shape {shape}, "
                f"got {scores.dtype} of shape {scores.shape}"
            )
        return scores

    def _tied(self) -> Ints:
        """Return the playoff as a round: the tied at table 0, all others sit out."""
        table = np.full(len(self.players), -1)
        table[leaders(self._scores())[0]] = 0
        return table

    def _champion(self) -> int | None:
        """Return who has won the tournament, if anybody has."""
        if self._playoff is not None:
            return int(self._playoff[1][0])
        if not self._rounds_over():
            return None
        leading, _ = leaders(self._scores())
        return int(leading[0]) if len(leading) == 1 else None

    def _decided_by(self) -> str:
        """Return the criterion that told the champion from the others."""
        if self._playoff is not None:
            return "playoff"
        _, used = leaders(self._scores())
        return str(self.contention.criteria[used - 1])

    def _playoff_round(self) -> Round | None:
        """Return the playoff as a round, if there was one."""
        if self._playoff is None:
            return None
        return as_round(self.players, self._history.round + 1, *self._playoff)

    def __repr__(self) -> str:
        plan = self._history
        return (
            f"Tournament({plan.players} players, {plan.tables} tables of {plan.seats}, "
            f"{plan.round} of {plan.rounds} rounds played)"
        )


def _strategy(name: str, value: Any, method: str, example: object) -> Any:
    """Return `value` if it has the method of its kind (a class is not a value)."""
    if isinstance(value, type):
        raise TypeError(
            f"{name} must be a value, got the class {value.__name__}: call it"
        )
    if not callable(getattr(value, method, None)):
        raise TypeError(
            f"{name} must be a value with a method {method}(...), such as {example!r}, "
            f"got {value!r}"
        )
    return value
