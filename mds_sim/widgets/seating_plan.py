"""A game night to click through: enter names, see the tables, click the winners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import ipywidgets as ui

from mds_sim.rng import RNG
from mds_sim.tournament import (
    GreedySeating,
    HorizonSeating,
    Player,
    Seating,
    Tournament,
)

from . import _looks
from ._fields import Card, Desk, Fold, Form, button, wrapped

AGAIN = "an evening is under way; click Start anew once more to give it up"
LOST = "not all of this evening is saved; click Load once more to give it up"
LAST = "nobody can come or go while the last round is played"
SAME = "found no other tables, so these stay; press again to try once more"
WHICH = "File has two buttons; choose Save or Load"


class SeatingPlan:
    """A panel for a real game night, in a notebook.

    Enter the names and how many tables and seats there are, and start. Each round shows
    a card for each table; click who has won there, then *Next round*. *Undo* takes
    back the last round, with its winners clicked: click the right one where one was
    wrong. *Seat again* seats this round another way, if there is one. Below are
    the standings, and who has met whom. All of it can be done by keyboard: *Tab*,
    *Enter*; what was pressed keeps the focus. *Start anew* gives an evening up that is
    under way, but only when pressed twice; so does *Load*, if not all of it is saved.

    Somebody who comes or goes before a winner is clicked does so at once, and the round
    is seated anew; else it counts from the next round on. Once the evening is saved to
    a file, the file is written after each step. It holds the rounds that are finished
    and the tables of the next one, but neither its clicks nor who waits to come or go.

    Parameters
    ----------
    players : int or iterable of str or Player, optional
        Names to begin with; they can be changed in the panel.
    tables, seats, rounds : int, optional
        To begin with.
    rng : numpy.random.Generator, int or None
        For the seating; equal seeds, equal evenings.

    Attributes
    ----------
    view : ipywidgets.VBox
        The panel; Jupyter shows it for the plan itself.
    tournament : Tournament or None
        What the panel shows; None before the start.
    message : str
        What the panel says is wrong, or nothing.
    note : str
        What else it says: how many winners are clicked, who comes, what was saved.

    Examples
    --------
    >>> plan = SeatingPlan(["Ann", "Bob", "Cid", "Dan"], tables=2, seats=2, rounds=1)
    >>> plan.start()
    >>> plan.choose(table=1, winner=plan.tournament.waiting.tables[0].players[0].name)
    >>> plan.note
    '1 of 2 winners clicked'
    >>> plan.next_round()
    >>> plan.message
    'table 2 must have a winner: click one'
    """

    def __init__(
        self,
        players: int | Iterable[str | Player] = 16,
        tables: int = 4,
        seats: int = 4,
        rounds: int = 5,
        *,
        rng: RNG = None,
    ) -> None:
        self.tournament: Tournament | None = None
        self.message = self.note = ""
        self._rng = rng
        self._cards: list[Card] = []
        self._to_come: list[tuple[str, str]] = []  # changes for the next round
        self._path: str | None = None
        self._warned = ""  # of what, right before
        self._form = Form(players, tables, seats, rounds)
        self._build()
        self._show()

    @property
    def options(self) -> tuple[tuple[str, ...], ...]:
        """The names at each table that can be clicked."""
        return tuple(tuple(card.seats.options) for card in self._cards)

    def start(self) -> None:
        """Begin the evening that the form describes.

        If one is under way and has a winner, clicked or recorded, only the second time.
        """
        self._try(self._start)

    def choose(self, table: int, winner: str) -> None:
        """Click the winner of a table, counted from 1."""
        self._cards[table - 1].seats.value = winner

    def next_round(self) -> None:
        """Record the winners that were clicked, and seat the next round."""
        self._try(self._go_on)

    def undo(self) -> None:
        """Take back the last round that was recorded."""
        self._try(self._take_back)

    def seat_again(self) -> None:
        """Seat the round that waits anew; winners clicked there are forgotten."""
        self._try(self._seat_again)

    def add_player(self, name: str) -> None:
        """Let somebody play who has come, or has come back."""
        self._try(lambda: self._change("add_player", name.strip()))

    def remove_player(self, name: str) -> None:
        """Let somebody go."""
        self._try(lambda: self._change("remove_player", name.strip()))

    def save(self, path: str) -> None:
        """Write the evening to a file, from now on after each step."""
        self._try(lambda: self._keep_in(path.strip()))

    def load(self, path: str) -> None:
        """Go on with an evening that was saved.

        If not all of the one under way is saved, only the second time.
        """
        self._try(lambda: self._load(path.strip()))

    def _start(self) -> None:
        if self._would_lose():
            self._form.tournament(deepcopy(self._rng))  # what is wrong is said first
            self._warn(AGAIN)
        self._begin(self._form.tournament(self._rng), None)

    def _warn(self, of: str) -> None:
        """Refuse a step, but not if the same was refused right before."""
        if self._warned != of:
            self._warned = of
            raise ValueError(of)

    def _begin(self, tournament: Tournament, path: str | None) -> None:
        """Show another evening."""
        self.tournament, self._path = tournament, path
        self._to_come, self._cards = [], []
        self._who.switch.value = False

    def _would_lose(self) -> bool:
        """Tell whether somebody has won in an evening that is not over."""
        running = self.tournament
        if running is None or running.finished:
            return False
        return running.history.round > 0 or self._is_touched()

    def _is_touched(self) -> bool:
        """Tell whether this round has a winner clicked: it is in no file then."""
        return any(card.winner for card in self._cards)

    def _go_on(self) -> None:
        tournament = self._under_way()
        if tournament.finished:
            raise ValueError("the evening is over; Undo, or Start anew")
        for card in self._cards:
            if card.winner is None:
                raise ValueError(f"table {card.number} must have a winner: click one")
        if tournament.waiting is not None:
            tournament.record([str(card.winner) for card in self._cards])
            self._cards = []
        changes, self._to_come = self._to_come, []
        _apply(tournament, changes)
        if not tournament.finished:
            tournament.next_round()

    def _take_back(self) -> None:
        tournament = self._under_way()
        played = tournament.rounds[-1:]
        waiting = tournament.undo()
        self._cards = []
        self._lay(tournament)
        if waiting.number != played[0].number:  # a playoff was taken back
            return
        for card, table in zip(self._cards, played[0].tables, strict=True):
            card.seats.value = str(table.winner)

    def _seat_again(self) -> None:
        tournament = self._under_way()
        if tournament.waiting is None:
            raise ValueError("no round waits for its winners")
        if tournament.history.round == tournament.history.rounds:
            raise ValueError("a playoff has one table: all who are tied")
        before = _company(tournament)
        self._anew(self._to_come)
        self._to_come = []
        if _company(tournament) == before and tournament.seating == HorizonSeating():
            self._anew([], GreedySeating())  # else the same plan would be found again
        if _company(tournament) == before:
            raise ValueError(SAME)

    def _change(self, step: str, name: str) -> None:
        """Let somebody come or go: now, or once the games in progress are over."""
        tournament = self._under_way()
        if not name:
            raise ValueError("a name must be given of who comes or goes")
        if not self._is_touched():
            self._anew([(step, name)])
            return
        changes = [*self._to_come, (step, name)]
        trial = deepcopy(tournament)
        trial.unseat()
        _apply(trial, changes)  # refuses what cannot be
        if tournament.history.round + 1 == tournament.history.rounds:
            raise ValueError(LAST)
        self._to_come = changes

    def _anew(
        self, changes: list[tuple[str, str]], seating: Seating | None = None
    ) -> None:
        """Make changes and seat the round again, all or nothing: first on a copy.

        With a seating, this one round is seated by it.
        """
        tournament = self._under_way()
        for evening in (deepcopy(tournament), tournament):
            evening.unseat()
            _apply(evening, changes)
            evening.next_round(seating)
        self._cards = []

    def _add(self) -> None:
        """Add who is in the field, and empty it."""
        self.add_player(self._desk.comer.value)
        if not self.message:
            self._desk.comer.value = ""

    def _keep_in(self, path: str) -> None:
        if not path:
            raise ValueError("a file must be named to save in")
        if not Path(path).absolute().parent.is_dir():
            raise ValueError(f"the file must be in a folder that exists, got {path!r}")
        self._under_way().save(path)
        self._path = path

    def _which(self) -> None:
        """Say what Enter in the field of the file cannot know."""
        raise ValueError(WHICH)

    def _load(self, path: str) -> None:
        if not path:
            raise ValueError("a file must be named to load")
        tournament = Tournament.load(path)
        if tournament.waiting is None and not tournament.finished:
            tournament.next_round()
        is_saved = self._path is not None and not self._is_touched()
        if self._would_lose() and not is_saved:
            self._warn(LOST)
        self._begin(tournament, path)

    def _under_way(self) -> Tournament:
        if self.tournament is None:
            raise ValueError("an evening must be started first: click Start")
        return self.tournament

    def _try(self, step: Callable[[], None]) -> None:
        """Take a step and show what came of it, or say why it cannot be."""
        warned, self.message = self._warned, ""
        try:
            step()
            if self._path is not None:
                self._under_way().save(self._path)
        except (ValueError, TypeError, RuntimeError, OSError) as error:
            self.message = str(error)
        if self._warned == warned:
            self._warned = ""  # the warning was for the very next step
        self._show()

    def _show(self) -> None:
        """Show where the evening stands."""
        tournament = self.tournament
        # Never again once the evening has begun: a button that is switched off under
        # the reader's finger loses the focus. What cannot be is said in words.
        for step in (self._next, self._undo, self._again):
            step.disabled = tournament is None
        if tournament is not None:
            self._first.description, self._first.button_style = "Start anew", ""
            self._lay(tournament)
            self._title.value = _looks.heading(tournament)
            self._standings.value = _looks.standings(tournament)
            self._grid.value = _looks.meetings(tournament)
            self._desk.show(tournament)
        self._tell()

    def _lay(self, tournament: Tournament) -> None:
        """Lay the tables; what was clicked at those that stay is kept."""
        seated = tournament.waiting
        tables = () if seated is None else seated.tables
        names = tuple(tuple(map(str, table.players)) for table in tables)
        if names != self.options or not names:
            self._cards = [Card(table, self._clicked) for table in tables]
        self._tables.children = tuple(card.view for card in self._cards)

    def _clicked(self) -> None:
        """Say how many winners are clicked; what was wrong may be right now."""
        self.message, self._warned = "", ""  # nobody sees the warning any more
        self._tell()

    def _tell(self) -> None:
        """Say what is wrong, or what is to be known."""
        winners = [card.winner for card in self._cards]
        self.note = _looks.note(winners, self._to_come, self._path)
        self._notice.value = _looks.notice(self.message, self.note)

    def _build(self) -> None:
        """Put the panel together."""
        self._title, self._notice, self._standings, self._grid = (
            ui.HTML() for _ in range(4)
        )
        self._grid.add_class("mds-grid")
        self._tables = ui.Box()
        self._tables.add_class("mds-tables")
        # Not among the fields: these fold when it is pressed, and it keeps the focus.
        self._first = button("Start", self.start, "success")
        self._next = button("Next round", self.next_round, "primary")
        self._undo = button("Undo", self.undo)
        self._again = button("Seat again", self.seat_again)
        self._who = Fold("Who plays, and how", self._form.view, is_open=True)
        self._desk = Desk(
            self._add,
            lambda: self.remove_player(self._desk.leaver.value),
            lambda: self.save(self._desk.file.value),
            lambda: self.load(self._desk.file.value),
            lambda: self._try(self._which),
        )
        more = Fold("Come, go, save, load", self._desk.view, is_open=False)
        parts = [
            ui.HTML(_looks.STYLE),
            ui.HBox([self._who.switch, more.switch]),
            self._form.view,
            more.content,
            self._first,
            self._title,
            self._tables,
            self._notice,
            ui.HBox([self._next, self._undo, self._again]),
            ui.HBox([self._standings, self._grid], layout=wrapped()),
        ]
        self.view = ui.VBox(parts)
        self.view.add_class("mds-plan")

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)


def _apply(tournament: Tournament, changes: Iterable[tuple[str, str]]) -> None:
    """Let people come and go."""
    for step, name in changes:
        getattr(tournament, step)(name)


def _company(tournament: Tournament) -> set[frozenset[Player]]:
    """Tell who sits with whom, and who sits out, in the round that waits."""
    seated = tournament.waiting
    if seated is None:
        return set()
    groups = (*(table.players for table in seated), seated.bench)
    return {frozenset(players) for players in groups}
