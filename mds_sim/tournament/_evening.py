"""The state of a tournament: what it keeps, what can be read from it, who leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mds_sim import _validate
from mds_sim.rng import RNG, as_generator
from mds_sim.theory.tournament import table_sizes
from mds_sim.units import counted

from ._states import from_state, get_state
from .contention import Contention, PointsLeader, leaders
from .history import AWAY, BENCH, History, Ints, check_round
from .outcomes import Outcome, PlackettLuce
from .players import Player, Round, as_players
from .result import Standing, rank, standings_html
from .rounds import as_round, rounds_of
from .seating import RandomSeating, Seating

State = dict[str, Any]


class Evening:
    """What a `Tournament` knows; what it does is there."""

    def __init__(
        self,
        players: int | Iterable[Player | str],
        tables: int,
        seats: int,
        rounds: int,
        seating: Seating,
        contention: Contention,
        outcome: Outcome,
        rng: RNG,
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
        self._before: list[Any] = []  # the random states before each record

    @property
    def history(self) -> History:
        """The rounds recorded so far, as arrays; with those who have left since."""
        return self._history

    @property
    def present(self) -> tuple[Player, ...]:
        """Who is here for the next round."""
        here = self._history.is_here
        return tuple(p for p, h in zip(self.players, here, strict=True) if h)

    @property
    def meetings(self) -> Ints:
        """How often any two players met so far, shape (N, N), with a diagonal of 0."""
        return self._history.meetings

    @property
    def opponents(self) -> Ints:
        """How many different people each player met so far, shape (N,)."""
        return self._history.opponents

    @property
    def rounds(self) -> tuple[Round, ...]:
        """The rounds recorded so far, as tables of players."""
        return rounds_of(self.players, self._history)

    @property
    def waiting(self) -> Round | None:
        """The round that is seated and waits for its winners."""
        if self._seated is None:
            return None
        return as_round(self.players, self._history.round + 1, self._seated)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The standings so far, best first; who is tied shares the rank."""
        return rank(self.players, self._history, self._scores(), self._champion())

    @property
    def finished(self) -> bool:
        """Whether the champion is known, after all rounds and, if tied, a playoff."""
        return self._champion() is not None

    def _checked(self, view: History, answer: Any) -> Ints:
        """Return a round of those who are here, once checked, as one of all players."""
        row = np.full(len(self.players), AWAY)
        row[self._history.is_here] = check_round(view, answer)
        return _validate.sealed(row)

    def _states(self) -> list[dict[str, Any]]:
        """Return the states of the two random streams."""
        return [get_state(self._seating_rng), get_state(self._outcome_rng)]

    def _set_states(self, states: list[dict[str, Any]]) -> None:
        """Set the two random streams back."""
        self._seating_rng, self._outcome_rng = map(from_state, states)

    @contextmanager
    def _or_as_it_was(self) -> Iterator[None]:
        """Let a block draw at random; if it fails, nothing was drawn."""
        before = self._states()
        try:
            yield
        except BaseException:
            self._set_states(before)
            raise

    def _refuse_waiting(self) -> None:
        """Refuse what must not happen while a round is played."""
        if self._seated is not None:
            number = self._history.round + 1
            raise RuntimeError(
                f"round {number} must be recorded before the next one is seated; "
                "call record(winners)"
            )

    def _refuse_over(self) -> None:
        """Refuse what makes no sense after the last round."""
        if self._rounds_over():
            n = self._history.rounds
            all_ = "the only one is" if n == 1 else f"all {n} are"
            raise RuntimeError(
                f"players must come and go before the rounds are over, but {all_} "
                "recorded; undo() takes the last one back"
            )

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

    def _leaders(self) -> tuple[Ints, int]:
        """Return who leads, of those who are here, and how many criteria it took."""
        here = np.flatnonzero(self._history.is_here)
        leading, used = leaders(self._scores()[here])
        return here[leading], used

    def _tied(self) -> Ints:
        """Return the playoff as a round: the tied at table 0, all others sit out."""
        table = np.where(self._history.is_here, BENCH, AWAY)
        table[self._leaders()[0]] = 0
        return table

    def _champion(self) -> int | None:
        """Return who has won the tournament, if anybody has."""
        if self._playoff is not None:
            return int(self._playoff[1][0])
        if not self._rounds_over():
            return None
        leading, _ = self._leaders()
        return int(leading[0]) if len(leading) == 1 else None

    def _decided_by(self) -> str:
        """Return the criterion that told the champion from the others."""
        if self._playoff is not None:
            return "playoff"
        return str(self.contention.criteria[self._leaders()[1] - 1])

    def _playoff_round(self) -> Round | None:
        """Return the playoff as a round, if there was one."""
        if self._playoff is None:
            return None
        return as_round(self.players, self._history.round + 1, *self._playoff)

    def __repr__(self) -> str:
        plan = self._history
        return (
            f"Tournament({counted(len(self.present), 'player', spec='')}, "
            f"{counted(plan.tables, 'table', spec='')} of {plan.seats}, "
            f"{plan.round} of {counted(plan.rounds, 'round', spec='')} played)"
        )

    def _repr_html_(self) -> str:
        title = repr(self).removeprefix("Tournament(").removesuffix(")")
        page = standings_html(f"{title}: standings", self.standings, self.contention)
        return page + (self.waiting._repr_html_() if self.waiting else "")


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
