"""Who plays, and who sits where: players, tables and rounds.

People count from 1, so `Table.number` and `Round.number` do; arrays count from 0.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mds_sim import _validate
from mds_sim._tables import html_table

_HEADER = ("table", "players", "won by")


@dataclass(frozen=True)
class Player:
    """A player: a name and a skill.

    Parameters
    ----------
    name : str
        Printable, not empty, no space at its ends; unique within a tournament.
    skill : float, default 0.0
        Log strength: at a table of two, a player with 1.0 more wins 73 % of the
        games under `PlackettLuce`. It decides nothing else.

    Examples
    --------
    >>> Player("Ann", skill=1.5)
    Player(name='Ann', skill=1.5)
    """

    name: str
    skill: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a str, got {self.name!r}")
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError(f"name must be printable and not empty, got {self.name!r}")
        if self.name != self.name.strip():
            rule = "name must not begin or end with a space"
            raise ValueError(f"{rule}, got {self.name!r}; strip() it")
        skill = _validate.finite(f"skill of {self.name!r}", self.skill)
        object.__setattr__(self, "skill", skill)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, repr=False)
class Table:
    """A table of one round: a game that one of its players wins.

    Parameters
    ----------
    number : int
        Counted from 1.
    players : tuple of Player
    winner : Player or None
        None until the game is over.

    Examples
    --------
    >>> Table(1, (Player("Ann"), Player("Bob")), winner=Player("Bob"))
    table 1: Ann, Bob (won by Bob)
    """

    number: int
    players: tuple[Player, ...]
    winner: Player | None = None

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.players))
        won = f" (won by {self.winner})" if self.winner else ""
        return f"table {self.number}: {names}{won}"

    def _repr_html_(self) -> str:
        return html_table(f"Table {self.number}", [self._row()], _HEADER)

    def _row(self) -> tuple[str, str, str]:
        """Return the table as words."""
        won = str(self.winner) if self.winner else ""
        return f"table {self.number}", ", ".join(map(str, self.players)), won


@dataclass(frozen=True, repr=False)
class Round:
    """One round: the tables that play at the same time, and the bench.

    Parameters
    ----------
    number : int
        Counted from 1; the playoff, if there is one, follows the last round.
    tables : tuple of Table
        Iterating over the round yields them.
    bench : tuple of Player
        Who sits out.

    Examples
    --------
    >>> ann, bob, cid = Player("Ann"), Player("Bob"), Player("Cid")
    >>> Round(1, (Table(1, (ann, bob)),), bench=(cid,))
    round 1
      table 1: Ann, Bob
      sits out: Cid
    """

    number: int
    tables: tuple[Table, ...]
    bench: tuple[Player, ...] = ()

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __repr__(self) -> str:
        lines = [f"round {self.number}", *(f"  {table}" for table in self.tables)]
        if self.bench:
            lines.append("  sits out: " + ", ".join(map(str, self.bench)))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [table._row() for table in self]
        if self.bench:
            rows.append(("sits out", ", ".join(map(str, self.bench)), ""))
        return html_table(f"Round {self.number}", rows, _HEADER)


def as_players(players: int | Iterable[Player | str]) -> tuple[Player, ...]:
    """Return the players that a number, names or Players stand for.

    Parameters
    ----------
    players : int or iterable of Player or str
        A number N makes players P1 to PN.

    Raises
    ------
    TypeError
        If an entry is neither a Player nor a name.
    ValueError
        If two of them have the same name.

    Examples
    --------
    >>> as_players(["Ann", Player("Bob", skill=1)])
    (Player(name='Ann', skill=0.0), Player(name='Bob', skill=1.0))
    """
    if isinstance(players, Iterable) and not isinstance(players, str):
        found = tuple(p if isinstance(p, Player) else Player(p) for p in players)
        _refuse_twins(found)
        return found
    try:
        number = operator.index(players)  # type: ignore[arg-type]  # that is the test
    except TypeError:
        raise TypeError(
            f"players must be a number, names or Players, got {players!r}"
        ) from None
    number = _validate.count("players", number)
    return tuple(Player(f"P{i}") for i in range(1, number + 1))


def one_or_many(
    names: str | Player | Iterable[str | Player],
) -> tuple[str | Player, ...]:
    """Return names as a tuple; one bare name is a tuple of one.

    Examples
    --------
    >>> one_or_many("Ann"), one_or_many(["Ann", "Bob"])
    (('Ann',), ('Ann', 'Bob'))
    """
    return (names,) if isinstance(names, str | Player) else tuple(names)


def _refuse_twins(players: tuple[Player, ...]) -> None:
    """Name the first two players with the same name."""
    first: dict[str, int] = {}
    for i, player in enumerate(players):
        if player.name in first:
            raise ValueError(
                f"names must be unique, but players[{first[player.name]}] and "
                f"players[{i}] are both {player.name!r}; add a surname"
            )
        first[player.name] = i
