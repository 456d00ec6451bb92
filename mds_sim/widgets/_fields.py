"""The fields and buttons of the seating plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as ui

from mds_sim import _validate
from mds_sim.rng import RNG
from mds_sim.tournament import (
    Contention,
    FinalLast,
    FunnelFirst,
    GreedySeating,
    HorizonSeating,
    Player,
    PointsLeader,
    RandomSeating,
    Seating,
    SwissSeating,
    Table,
    Tournament,
)
from mds_sim.tournament.players import as_players

from ._looks import table_head

SEATINGS: dict[str, Seating] = {
    "new faces, planned ahead": HorizonSeating(),
    "new faces, round by round": GreedySeating(),
    "equals against equals (Swiss)": SwissSeating(),
    "by lot": RandomSeating(),
}
CONTENTIONS: dict[str, Contention] = {
    "most wins": PointsLeader(),
    "knock-out first, then mixing": FunnelFirst(),
    "mixing first, then a final": FinalLast(),
}


class Form:
    """The fields that describe an evening."""

    def __init__(
        self,
        players: int | Iterable[str | Player],
        tables: int,
        seats: int,
        rounds: int,
    ) -> None:
        self._given = {player.name: player for player in as_players(players)}
        self.names = _area(
            "Players", "one name a line", "\n".join(self._given), "230px"
        )
        self.apart = _area("Apart", "Ann, Bob: never share a table", "", "56px")
        self.tables = _number("Tables", tables, 1)
        self.seats = _number("Seats", seats, 2)
        self.rounds = _number("Rounds", rounds, 1)
        self.seating = ui.Dropdown(options=SEATINGS, description="Seating")
        self.contention = ui.Dropdown(options=CONTENTIONS, description="Winner")
        plan = [self.tables, self.seats, self.rounds, self.seating, self.contention]
        fields = ui.VBox([*plan, self.apart])
        self.view = ui.HBox([self.names, fields], layout=wrapped())

    def tournament(self, rng: RNG) -> Tournament:
        """Return the evening that the fields describe, with its first round seated."""
        tournament = Tournament(
            [self._given.get(name, name) for name in _names(self.names.value)],
            self.tables.value,
            self.seats.value,
            self.rounds.value,
            seating=self.seating.value,
            contention=self.contention.value,
            forbidden=[_pair(line) for line in lines(self.apart.value)],
            rng=rng,
        )
        tournament.next_round()
        return tournament


class Card:
    """A table: its players as buttons, one of whom wins."""

    def __init__(self, table: Table, changed: Callable[[], None]) -> None:
        self.number = table.number
        names = [player.name for player in table.players]
        self.seats = ui.ToggleButtons(
            options=names,
            value=None,
            tooltips=[f"{name} wins table {table.number}" for name in names],
        )
        self._head = ui.HTML(table_head(table.number, None))
        self.view = ui.VBox([self._head, self.seats])
        self.view.add_class("mds-card")
        self._changed = changed
        self.seats.observe(self._show, "value")

    @property
    def winner(self) -> str | None:
        """Who was clicked."""
        name: str | None = self.seats.value
        return name

    def _show(self, _: Any) -> None:
        self._head.value = table_head(self.number, self.winner)
        self._changed()


class Desk:
    """The fields for who comes and goes, and for the file of the evening."""

    def __init__(
        self,
        add: Callable[[], None],
        remove: Callable[[], None],
        save: Callable[[], None],
        load: Callable[[], None],
        choose: Callable[[], None],
    ) -> None:
        self.comer = ui.Text(description="Late arrival", placeholder="name")
        self.leaver = ui.Dropdown(options=[""], description="Left early")
        self.file = ui.Text("game_night.json", description="File")
        _on_enter(self.comer, add)
        _on_enter(self.file, choose)
        rows = [
            _beside(self.comer, button("Add", add)),
            _beside(self.leaver, button("Remove", remove)),
            _beside(self.file, button("Save", save), button("Load", load)),
        ]
        self.view = ui.VBox(rows)

    def show(self, tournament: Tournament) -> None:
        """Offer those to leave who are here; nobody by a slip of the mouse."""
        self.leaver.options = ["", *(player.name for player in tournament.present)]
        self.leaver.value = ""


class Fold:
    """Fields that a button shows and hides; unlike an accordion, by keyboard too."""

    def __init__(self, title: str, content: ui.Box, *, is_open: bool) -> None:
        self.content = content
        self.switch = ui.ToggleButton(
            is_open,
            description=title,
            tooltip=f"{title}: show or hide",
            layout=ui.Layout(width="auto"),
        )
        self.switch.observe(lambda _: self._show(), "value")
        self._show()

    def _show(self) -> None:
        is_open = self.switch.value
        self.content.layout.display = None if is_open else "none"
        self.switch.icon = "caret-down" if is_open else "caret-right"


def lines(text: str) -> list[str]:
    """Return the lines that hold something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _names(text: str) -> list[str]:
    """Read the names, one a line, each of them once."""
    names = lines(text)
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"{name!r} is there twice; add a surname")
    return names


def _pair(line: str) -> tuple[str, str]:
    """Read two names with a comma between them."""
    names = [name.strip() for name in line.split(",")]
    if len(names) != 2 or not all(names):
        raise ValueError(f"Apart must hold two names a line, Ann, Bob, got {line!r}")
    return names[0], names[1]


def _area(name: str, hint: str, text: str, height: str) -> ui.Textarea:
    """Return a field of several lines."""
    layout = ui.Layout(width="300px", height=height)
    return ui.Textarea(
        text, description=name, placeholder=hint, tooltip=hint, layout=layout
    )


def _number(name: str, value: int, least: int) -> ui.BoundedIntText:
    """Return a field for a whole number."""
    value = _validate.count(name.lower(), value, least=least)
    return ui.BoundedIntText(value=value, min=least, max=1000, description=name)


def button(label: str, act: Callable[[], None], style: str = "") -> ui.Button:
    """Return a button that does something."""
    made = ui.Button(description=label, button_style=style)
    made.on_click(lambda _: act())
    return made


def _on_enter(field: ui.Text, act: Callable[[], None]) -> None:
    """Let *Enter* in a field do something.

    Not by its value: with `continuous_update=False` that changes too when somebody
    leaves the field, and so the click on the button beside it would come second.
    """

    def heard(_: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") == "submit":
            act()

    field.on_msg(heard)


def _beside(field: ui.Widget, *buttons: ui.Button) -> ui.HBox:
    """Return a field with its buttons."""
    for made in buttons:
        made.layout.width = "80px"
    return ui.HBox([field, *buttons])


def wrapped() -> ui.Layout:
    """Return a layout that goes on in the next row where the page is narrow."""
    return ui.Layout(flex_flow="row wrap")
