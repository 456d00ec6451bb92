"""The command ``tournament``: a game night at the command line, real or by chance."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np

from mds_sim import tournament
from mds_sim._commands.common import (
    check_plot,
    draw_seed,
    match,
    parameters,
    save_plot,
    tell,
)
from mds_sim.tournament import Tournament, TournamentResult
from mds_sim.tournament.schedules import schedule
from mds_sim.units import counted

from .desk import COMMANDS, HELP, SEATINGS, Desk, export, refuse_old

__all__ = ["COMMANDS", "CONTENTIONS", "HELP", "SEATINGS", "run_tournament"]

MAX_PLAYERS = 5_000  # who met whom is a table of their number squared
CONTENTIONS: dict[str, type] = {
    "points": tournament.PointsLeader,
    "funnel": tournament.FunnelFirst,
    "final": tournament.FinalLast,
}
DEFAULTS: dict[str, Any] = {
    "players": "16",
    "tables": 4,
    "seats": 4,
    "rounds": 5,
    "seating": "greedy",
}


def run_tournament(options: argparse.Namespace) -> int:
    """Play a tournament: a game night with winners typed in, or one by chance."""
    if isinstance(sys.stdout, TextIOWrapper):  # a name must not end the night
        sys.stdout.reconfigure(errors="backslashreplace")
    for name in ("export", "save"):
        _check_folder(name, getattr(options, name))
    check_plot(options.plot)
    asks = _asks(options)
    evening = _new(options) if options.load is None else _loaded(options)
    if not asks:
        return _simulate(evening, options)
    desk = Desk(evening, save=options.save, export=options.export)
    try:
        code = desk.run()
    except KeyboardInterrupt:
        print(f"\n{desk.how_to_go_on()}", file=sys.stderr)
        raise
    if evening.finished:
        _plot(options, evening.play())
    return code


def _asks(options: argparse.Namespace) -> bool:
    """Tell whether people play, who have names, and not chance."""
    by_number = (options.players or DEFAULTS["players"]).isdecimal()
    by_name = options.load is not None or not by_number
    return by_name and not options.simulate and not options.json


def _new(options: argparse.Namespace) -> Tournament:
    """Return the tournament that the options describe."""
    for name, value in DEFAULTS.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.contention is None:
        options.contention = "funnel" if options.seating == "knockout" else "points"
    players = _players(options.players)
    if options.save is not None:
        refuse_old("--save", options.save)
    draw_seed(options)
    return Tournament(
        players,
        options.tables,
        options.seats,
        options.rounds,
        seating=_seating(options, players),
        contention=CONTENTIONS[options.contention](),
        forbidden=[_pair(text) for text in options.forbid or ()],
        rng=options.seed,
    )


def _seating(options: argparse.Namespace, players: int | list[str]) -> Any:
    """Return the seating that the options ask for."""
    if options.seating != "schedule":
        return SEATINGS[options.seating]()
    number = players if isinstance(players, int) else len(players)
    plan = options.tables, options.seats, options.rounds
    rng = np.random.default_rng(options.seed)
    made = schedule(number, *plan, rng=rng)
    bound = counted(made.bound, "pair meets", "pairs meet")
    met = f"{made.pairs_met:,} of at most {bound}"
    tell(options, f"schedule: {met} ({made.method})")
    # A design has a first player; by lot, so that the list of names decides nothing.
    table = made.table[:, rng.permutation(number)]
    return tournament.ScheduledSeating(tournament.Schedule(table, method=made.method))


def _loaded(options: argparse.Namespace) -> Tournament:
    """Return the tournament that was saved, to go on with."""
    barred = (*DEFAULTS, "contention", "forbid", "seed")
    match(options, "load", barred_by=barred)
    evening = Tournament.load(options.load)
    if options.save not in (None, options.load):
        refuse_old("--save", options.save)
        evening.save(options.save)
    options.save = options.save or options.load
    return evening


def _simulate(evening: Tournament, options: argparse.Namespace) -> int:
    """Play what is left by chance, and print it."""
    result = evening.play()
    if options.save is not None:
        evening.save(options.save)
    if options.export is not None:
        export(evening, options.export)
    _plot(options, result)
    if options.json:
        print(json.dumps({**_evening(result), "parameters": parameters(options)}))
        return 0
    for played in result.rounds:
        print(played)
    if result.playoff is not None:
        print("playoff", *result.playoff, sep="\n  ")
    print(result)
    return 0


def _plot(options: argparse.Namespace, result: TournamentResult) -> None:
    """Save who met whom, and how fast, if that is asked for."""
    if options.plot is None:
        return
    from mds_sim import plots

    def meetings(ax: Any) -> None:
        plots.plot_meetings(result, ax=ax).set_anchor("W")  # or its title is cut

    faces = partial(plots.plot_new_faces, {options.seating or "this evening": result})
    save_plot(options, meetings, faces)


def _check_folder(name: str, path: Path | None) -> None:
    """Refuse a file in a folder that does not exist."""
    if path is not None and not path.parent.is_dir():
        raise ValueError(
            f"--{name} must be a file in a folder that exists, got {str(path)!r}"
        )


def _pair(text: str) -> tuple[str, str]:
    """Read two names with a comma between them."""
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or not all(names):
        raise ValueError(f"--forbid must be two names, NAME,NAME, got {text!r}")
    return names[0], names[1]


def _players(text: str) -> int | list[str]:
    """Read a number of players, or a file with a name a line."""
    players: int | list[str]
    if text.isdecimal() and int(text) >= 2:
        players = number = int(text)
    elif not text.isdecimal() and Path(text).exists() and not Path(text).is_dir():
        players = _names(Path(text))
        number = len(players)
    else:
        raise ValueError(
            "--players must be a number of players >= 2 or a file of names, "
            f"got {text!r}"
        )
    if number > MAX_PLAYERS:
        raise ValueError(f"--players must be at most {MAX_PLAYERS:,}, got {number:,}")
    return players


def _names(path: Path) -> list[str]:
    """Read a file with a name a line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be a text file in UTF-8, but {error}") from None
    return [line.strip() for line in lines if line.strip()]


def _evening(result: tournament.TournamentResult) -> dict[str, Any]:
    """Return a tournament as names and numbers, for JSON."""
    return {
        "winner": result.winner.name,
        "decided_by": result.decided_by,
        "rounds": [_round(played) for played in result.rounds],
        "playoff": None if result.playoff is None else _round(result.playoff),
        "standings": [
            {
                "rank": line.rank,
                "player": line.player.name,
                **dict(zip(result.criteria, line.scores, strict=True)),
                "met": line.met,
                "sat_out": line.sat_out,
            }
            for line in result.standings
        ],
        "pairs_met": result.pairs_met,
        "pairs_bound": result.bound,
    }


def _round(played: tournament.Round) -> dict[str, Any]:
    """Return a round as names, for JSON."""
    return {
        "tables": [[player.name for player in table.players] for table in played],
        "winners": [str(table.winner) for table in played],
        "bench": [player.name for player in played.bench],
    }
