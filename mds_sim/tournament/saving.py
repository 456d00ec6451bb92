"""A tournament as a file: all there is to go on from, as JSON.

The file is made for people too: names and numbers, one entry for each thing that
`Tournament` keeps. Arrays are lists; strategies are the names of their classes and
their fields.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mds_sim import _validate
from mds_sim.units import counted

from ._states import from_state
from .history import AWAY, Bools, History, Ints, check_round
from .players import Player
from .roster import forbid
from .rounds import winners_by_table

if TYPE_CHECKING:
    from ._evening import Evening

FORMAT, VERSION = "mds_sim tournament", 1
STRATEGIES = ("seating", "contention", "outcome")
T = TypeVar("T", bound="Evening")


def save(tournament: Evening, path: str | PathLike[str]) -> None:
    """Write a tournament to a file, in one step or not at all.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from mds_sim.tournament import Tournament
    >>> with TemporaryDirectory() as folder:
    ...     save(Tournament(4, 2, 2, rounds=3), Path(folder, "night.json"))
    ...     json.loads(Path(folder, "night.json").read_text())["rounds"]
    3
    """
    lines = [
        f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in as_dict(tournament).items()
    ]
    write_whole(Path(path), "{\n" + ",\n".join(lines) + "\n}\n")


def load(kind: type[T], path: str | PathLike[str], given: Mapping[str, Any]) -> T:
    """Read a tournament from a file.

    Parameters
    ----------
    kind : type
        The class to make, `Tournament`.
    path : str or path
    given : mapping
        Strategies that take the place of those in the file.

    Raises
    ------
    ValueError
        If the file is broken; it says where.
    """
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or too deep
        raise ValueError(f"{path} must be a saved tournament, but {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"{path} must be a saved tournament, but it is something else")
    if found.get("version") != VERSION:
        raise ValueError(
            f"{path} must be of version {VERSION}, got {found.get('version')!r}; "
            "use the mds_sim that saved it"
        )
    try:
        return _from_dict(kind, found, given)
    except KeyError as error:
        raise ValueError(f"{path} must hold {error.args[0]!r}, but lacks it") from None
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
    ) as error:
        raise ValueError(f"{path} must be a saved tournament, but {error}") from None


def as_dict(tournament: Evening) -> dict[str, Any]:
    """Return all that a tournament keeps as plain values.

    Examples
    --------
    >>> from mds_sim.tournament import Tournament
    >>> as_dict(Tournament(4, 2, 2, rounds=3))["seating"]
    {'class': 'RandomSeating'}
    """
    history = tournament.history
    return {
        "format": FORMAT,
        "version": VERSION,
        "players": [[player.name, player.skill] for player in tournament.players],
        "tables": int(history.tables),
        "seats": int(history.seats),
        "rounds": int(history.rounds),
        **{name: _pack(getattr(tournament, name), name) for name in STRATEGIES},
        "here": _plain(history.here),
        "credit": _plain(history.credit),
        "forbidden": _pairs(history),
        "table": _plain(history.table),
        "winner": _plain(history.winner),
        "seated": _plain(tournament._seated),
        "playoff": _plain(tournament._playoff),
        "random": _plain(tournament._states()),
        "random_before": _plain(tournament._before),
    }


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step: who reads it sees the old text or the new one.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "a.txt"), "all of it")
    ...     [found.name for found in Path(folder).iterdir()]
    ['a.txt']
    """
    path = Path(os.path.realpath(path))  # a link stays one
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            part.chmod(path.stat().st_mode & 0o777)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _from_dict(kind: type[T], found: dict[str, Any], given: Mapping[str, Any]) -> T:
    """Return the tournament that was saved, with every round checked again."""
    players = [Player(name, skill) for name, skill in found["players"]]
    strategies = {
        name: given[name] if name in given else _unpack(found[name], name)
        for name in STRATEGIES
    }
    # All who ever played; the rounds below check who was there.
    plan = found["tables"], found["seats"], found["rounds"]
    tournament = kind(players, *plan, **strategies, rng=0)
    tournament._history = _history(tournament, found)
    tournament._set_states(found["random"])
    tournament._before = _before(found, tournament.history.round)
    if found["seated"] is not None:
        tournament._seated = _waits(tournament.history, found["seated"])
    if found["playoff"] is not None:
        row, winner = found["playoff"]
        table = _waits(tournament.history, row)
        tournament._playoff = table, _winners(tournament, table, winner)
    return tournament


def _history(tournament: Evening, found: dict[str, Any]) -> History:
    """Return the rounds that were saved, checked one by one."""
    history = tournament.history
    for row, winner in zip(found["table"], found["winner"], strict=True):
        table = _row(history, row)
        _check_alone(history, table)
        history = history.after(table, _winners(tournament, table, winner))
    if history.round > history.rounds:
        raise ValueError(
            "table must have at most "
            f"{counted(history.rounds, 'round', spec='')}, got {history.round}"
        )
    for one, other in found["forbidden"]:
        history = forbid(history, one, other)
    history = replace(
        history,
        here=_flags(found["here"], history.players),
        credit=None if found["credit"] is None else _row(history, found["credit"], 0),
    )
    sat_out = history.sat_out[history.is_here]
    if history.sizes.sum() and np.ptp(sat_out) > 1:
        raise ValueError(
            f"sit-outs must differ by at most 1, got {sat_out.min()} to {sat_out.max()}"
        )
    return history


def _waits(history: History, values: Any) -> Ints:
    """Return a round that is seated, or the playoff: the tied at one table."""
    row = _row(history, values)
    if history.round < history.rounds:
        _check_alone(history, row)
    elif (row > 0).any() or (row == 0).sum() < 2:
        raise ValueError(f"a playoff must seat two or more at table 0, got {values}")
    return row


def _check_alone(history: History, table: Ints) -> None:
    """Check a round by itself: tables, sizes, and how many sit out."""
    there = table != AWAY
    names = [history.names[p] for p in np.flatnonzero(there).tolist()]
    plan = History.start(names, history.tables, history.seats, history.rounds)
    none = np.empty((history.round, len(names)))
    check_round(replace(plan, table=np.full_like(none, AWAY)), table[there])


def _row(history: History, values: Any, least: int = AWAY) -> Ints:
    """Return one integer for each player, as an array."""
    row = _validate.integers("a row", values)
    if row.shape != (history.players,) or (row < least).any():
        raise ValueError(
            f"a row must hold {history.players} integers >= {least}, got {row.tolist()}"
        )
    return _validate.sealed(row)


def _winners(tournament: Evening, table: Ints, winner: Any) -> Ints:
    """Return the winner of each table, who must sit there."""
    players = tournament.players
    known = range(len(players))
    for p in winner:
        if p not in known:
            raise ValueError(f"winners must be players 0 to {known[-1]}, got {p!r}")
    return winners_by_table(players, table, [players[p] for p in winner])


def _before(found: dict[str, Any], rounds: int) -> list[Any]:
    """Return the random states before each record."""
    states: list[Any] = found["random_before"]
    recorded = rounds + (found["playoff"] is not None)
    if len(states) != recorded:
        raise ValueError(
            f"random_before must have {recorded} entries, one for each round that is "
            f"recorded, got {len(states)}"
        )
    for pair in states:
        list(map(from_state, pair))  # refuses what is none
    return states


def _flags(values: Any, players: int) -> Bools | None:
    """Return who is here."""
    if values is None:
        return None
    flags = np.array(values)
    if flags.dtype != np.bool_ or flags.shape != (players,):
        raise ValueError(f"here must hold {players} times true or false")
    return _validate.sealed(flags)


def _pairs(history: History) -> list[list[str]]:
    """Return the forbidden pairs as names."""
    if history.forbidden is None:
        return []
    pairs = np.argwhere(np.triu(history.forbidden)).tolist()
    return [[history.names[p], history.names[q]] for p, q in pairs]


def _pack(value: Any, name: str) -> Any:
    """Return a strategy, or a field of one, as plain values."""
    if is_dataclass(value) and not isinstance(value, type):
        mine = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        packed = {key: _pack(v, f"{name}.{key}") for key, v in mine.items()}
        return {"class": _word(type(value)), **packed}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_pack(v, f"{name}[{i}]") for i, v in enumerate(value)]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(
        f"{name} must be a dataclass of numbers, words and lists to be saved, "
        f"got {value!r}"
    )


def _unpack(value: Any, name: str) -> Any:
    """Return the strategy, or the field of one, that `_pack` made plain."""
    if not isinstance(value, dict):
        return value
    mine = {key: _unpack(v, name) for key, v in value.items() if key != "class"}
    return _class(value["class"], name)(**mine)


def _word(kind: type) -> str:
    """Return the name of a class; one of your own is told by its module."""
    from mds_sim import tournament

    ours = getattr(tournament, kind.__name__, None) is kind
    return kind.__name__ if ours else f"{kind.__module__}.{kind.__qualname__}"


def _class(word: Any, name: str) -> Any:
    """Return a strategy class of this package by its name."""
    from mds_sim import tournament  # the room itself, whose names these are

    found = getattr(tournament, str(word), None) if word in tournament.__all__ else None
    if not (isinstance(found, type) and is_dataclass(found)):
        raise ValueError(
            f"{name} must be a class of this package, got {word!r}; give a value of "
            f"it to load(path, {name}=...)"
        )
    return found


def _plain(value: Any) -> Any:
    """Return arrays in lists and mappings as lists of numbers."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
