"""The command ``tournament``: a game night at the command line, real or by chance."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import tournament
from ._commands import _draw_seed, _match, _parameters, _tell
from .tournament import Tournament
from .tournament.result import write_csv
from .tournament.rounds import as_round
from .tournament.schedules import schedule

MAX_PLAYERS = 5_000  # who met whom is a table of their number squared
SEATINGS: dict[str, type] = {
    "random": tournament.RandomSeating,
    "greedy": tournament.GreedySeating,
    "horizon": tournament.HorizonSeating,
    "swiss": tournament.SwissSeating,
    "knockout": tournament.AffineKnockout,
    "schedule": tournament.ScheduledSeating,
}
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
HELP = """\
  NAME, NAME, ...      who won, in any order; one table a line will do
  standings, tables    show who leads, or the round again
  undo                 forget winners just typed; then take back the round before
  swap NAME, NAME      let two people change places in this round
  reseat               seat this round anew
  add NAME             somebody has come
  remove NAME          somebody has left
  forbid NAME, NAME    never at one table from now on; allow takes it back
  save FILE            write all there is to go on from
  quit                 stop here; --load FILE goes on"""


def run_tournament(options: argparse.Namespace) -> int:
    """Play a tournament: a game night with winners typed in, or one by chance."""
    for name in ("export", "save"):
        _check_folder(name, getattr(options, name))
    asks = _asks(options)
    evening = _new(options) if options.load is None else _loaded(options)
    if not asks:
        return _simulate(evening, options)
    desk = Desk(evening, save=options.save, export=options.export)
    try:
        return desk.run()
    except KeyboardInterrupt:
        print(f"\n{desk.how_to_go_on()}", file=sys.stderr)
        raise


class Desk:
    """The desk of a game night: says who sits where, and takes the winners.

    Parameters
    ----------
    evening : Tournament
    save : Path or None
        Written after each change, so that a night is never lost.
    export : Path or None
        The rounds as CSV, written after each change.
    """

    def __init__(
        self, evening: Tournament, *, save: Path | None, export: Path | None
    ) -> None:
        self.evening, self.save, self.export = evening, save, export
        self.winners: dict[int, str] = {}  # of the round that waits, by table
        self.warned = self.is_over = False

    def run(self) -> int:
        """Take the night to its end, or to `quit`; 1 if it ends nowhere saved."""
        print("who won? Type names; `help` tells what else")
        if self.evening.waiting is not None:
            self._tables()
        while not self.evening.finished and not self.is_over:
            if self.evening.waiting is None:
                self._seat()
            self._answer(self._ask())
        if not self.evening.finished:
            if self.winners:
                print(f"not kept, type again: {', '.join(self.winners.values())}")
            print(self.how_to_go_on())
            return int(self.save is None)
        print(self.evening.play())
        return 0

    def how_to_go_on(self) -> str:
        """Return the command that takes the night up again, if there is one."""
        if self.save is None:
            return "the night is not saved"
        words = shlex.join(["--load", str(self.save)])
        return f"go on: python -m mds_sim tournament {words}"

    def _seat(self) -> None:
        """Seat the next round, and show it; or say why it cannot be."""
        try:
            self.evening.next_round()
        except ValueError as error:
            print(f"  {error}")
            return
        self.winners.clear()
        self._keep()
        self._tables()

    def _ask(self) -> str | None:
        """Return what is typed next, or None at the end of the input."""
        waiting = self.evening.waiting
        if waiting is None:
            prompt = "no round is seated: "
        else:
            open_ = [t.number for t in waiting if t.number not in self.winners]
            word = "table" if len(open_) == 1 else "tables"
            prompt = f"won at {word} {', '.join(map(str, open_))}: "
        print(prompt, end="", flush=True)
        line = sys.stdin.readline()
        if not line or not sys.stdin.isatty():
            print(line.strip())  # so that a log shows what a screen does
        return line.strip() if line else None

    def _answer(self, line: str | None) -> None:
        """Do what a line says, or say why not."""
        if line is None:
            self.is_over = True
            return
        word, _, rest = line.partition(" ")
        command = COMMANDS.get(word.lower())
        try:
            if line in self.evening.history.names or command is None:
                self._take(line)
            else:
                command(self, rest.strip())
        except (ValueError, RuntimeError, OSError) as error:
            print(f"  {error}")

    def _take(self, line: str) -> None:
        """Take winners; each one that cannot be is named with the reason."""
        if self.evening.waiting is None:
            self._seat()
            return
        known = line in self.evening.history.names  # a comma may be part of a name
        for name in [line] if known else line.split(","):
            if name.strip():
                self._take_one(name.strip())
        if len(self.winners) == len(self.evening.waiting):
            self.evening.record(self.winners.values())
            self.winners.clear()
            self._keep()

    def _take_one(self, typed: str) -> None:
        """Take one winner, or say why not."""
        waiting: Any = self.evening.waiting
        name = self._name(typed)
        at = [t.number for t in waiting if name in map(str, t.players)]
        if name not in self.evening.history.names:
            print(f"  {typed!r} is no player; `tables` shows the names")
        elif not at:
            print(f"  {name!r} does not play in this round")
        elif self.winners.get(at[0], name) != name:
            first = self.winners[at[0]]
            print(
                f"  table {at[0]} must have one winner, got {first!r} and {name!r}; "
                "`undo` forgets those just typed"
            )
        else:
            self.winners[at[0]] = name

    def _name(self, typed: str) -> str:
        """Return the name of a player as the list has it; case does not matter."""
        names = self.evening.history.names
        if typed in names:
            return typed
        alike = [name for name in names if name.casefold() == typed.casefold()]
        return alike[0] if len(alike) == 1 else typed

    def _keep(self) -> None:
        """Write the files that the night is kept in."""
        self.warned = False
        if self.save is not None:
            self.evening.save(self.save)
        if self.export is not None:
            _export(self.evening, self.export)

    def _tables(self, rest: str = "") -> None:
        """Show the round that waits."""
        waiting = self.evening.waiting
        history = self.evening.history
        if waiting is not None and history.round == history.rounds:
            print("playoff", *waiting, sep="\n  ")
        else:
            print("no round is seated" if waiting is None else waiting)

    def _standings(self, rest: str = "") -> None:
        """Show who leads."""
        for line in self.evening.standings:
            scores = zip(self.evening.contention.criteria, line.scores, strict=True)
            told = ", ".join(f"{name} {score}" for name, score in scores)
            print(f"  {line.rank}. {line.player}: {told}; met {line.met}")

    def _undo(self, rest: str = "") -> None:
        """Forget the winners just typed, else take back the round before."""
        if self.winners:
            self.winners.clear()
            return
        self.evening.undo()
        self._keep()
        self._tables()

    def _swap(self, rest: str) -> None:
        """Let two people change places in the round that waits."""
        one, other = self._two(rest)
        if self.evening.waiting is None:
            raise ValueError("no round is seated")
        change = {one: other, other: one}
        tables = [
            [change.get(str(p), str(p)) for p in table.players]
            for table in self.evening.waiting
        ]
        self.evening.override(tables)
        self._anew()

    def _anew(self) -> None:
        """Show a round that was seated otherwise."""
        self.winners.clear()
        self._keep()
        self._tables()

    def _reseat(self, rest: str = "") -> None:
        """Seat the round that waits anew."""
        self.evening.unseat()
        self._seat()

    def _add(self, rest: str) -> None:
        """Let somebody play who has come."""
        self._change(lambda: self.evening.add_player(rest))

    def _remove(self, rest: str) -> None:
        """Let somebody go."""
        self._change(lambda: self.evening.remove_player(self._name(rest)))

    def _forbid(self, rest: str) -> None:
        """Keep two people apart."""
        self._change(lambda: self.evening.forbid(*self._two(rest)))

    def _allow(self, rest: str) -> None:
        """Let two people meet again."""
        self._change(lambda: self.evening.allow(*self._two(rest)))

    def _change(self, change: Callable[[], object]) -> None:
        """Do what is done between rounds: the round that waits is seated anew."""
        waiting, history = self.evening.waiting, self.evening.history
        if history.round == history.rounds:
            raise RuntimeError("all rounds are over; `undo` takes the last one back")
        self.evening.unseat()
        try:
            change()
        except (ValueError, RuntimeError):
            if waiting is not None:
                self.evening.override(waiting)
            raise
        self._seat()

    def _two(self, rest: str) -> tuple[str, str]:
        """Return two names."""
        names = [self._name(name.strip()) for name in rest.split(",") if name.strip()]
        if len(names) != 2:
            raise ValueError(f"two names must be given, with a comma, got {rest!r}")
        return names[0], names[1]

    def _save(self, rest: str) -> None:
        """Write the night to a file, from now on after each change."""
        path = Path(rest) if rest else self.save
        if path is None:
            raise ValueError("a file must be named: save FILE")
        self.evening.save(path)
        self.save = path
        print(f"  saved in {path}")

    def _quit(self, rest: str = "") -> None:
        """Stop, unless that would lose the night."""
        if self.save is None and not self.warned:
            self.warned = True
            raise ValueError(
                "the night is not saved: save FILE keeps it, quit again ends it"
            )
        self.is_over = True

    def _help(self, rest: str = "") -> None:
        """Tell what can be typed."""
        print(HELP)


COMMANDS: dict[str, Callable[[Desk, str], None]] = {
    "standings": Desk._standings, "tables": Desk._tables, "undo": Desk._undo,
    "swap": Desk._swap, "reseat": Desk._reseat, "add": Desk._add,
    "remove": Desk._remove, "forbid": Desk._forbid, "allow": Desk._allow,
    "save": Desk._save, "quit": Desk._quit, "help": Desk._help,
}  # fmt: skip


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
    if options.save is not None and os.path.lexists(options.save):
        raise FileExistsError(
            f"--save must be a new file, but {str(options.save)!r} is there; "
            "--load goes on with it"
        )
    _draw_seed(options)
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
    met = f"{made.pairs_met:,} of at most {made.bound:,} pairs meet"
    _tell(options, f"schedule: {met} ({made.method})")
    # A design has a first player; by lot, so that the list of names decides nothing.
    table = made.table[:, rng.permutation(number)]
    return tournament.ScheduledSeating(tournament.Schedule(table, method=made.method))


def _loaded(options: argparse.Namespace) -> Tournament:
    """Return the tournament that was saved, to go on with."""
    barred = (*DEFAULTS, "contention", "forbid", "seed")
    _match(options, "load", barred_by=barred)
    evening = Tournament.load(options.load)
    options.save = options.save or options.load
    return evening


def _simulate(evening: Tournament, options: argparse.Namespace) -> int:
    """Play what is left by chance, and print it."""
    result = evening.play()
    if options.save is not None:
        evening.save(options.save)
    if options.export is not None:
        _export(evening, options.export)
    if options.json:
        print(json.dumps({**_evening(result), "parameters": _parameters(options)}))
        return 0
    for played in result.rounds:
        print(played)
    if result.playoff is not None:
        print("playoff", *result.playoff, sep="\n  ")
    print(result)
    return 0


def _export(evening: Tournament, path: Path) -> None:
    """Write the rounds so far, and those that a schedule knows in advance."""
    schedule = getattr(evening.seating, "schedule", None)
    seen = evening.history.round + (evening.waiting is not None)
    if schedule is None or seen >= evening.history.rounds:
        evening.to_csv(path)
        return
    planned = schedule.table[seen : evening.history.rounds]
    coming = [
        as_round(evening.players, seen + i, row) for i, row in enumerate(planned, 1)
    ]
    waiting = [] if evening.waiting is None else [evening.waiting]
    write_csv(path, [(r, 0) for r in (*evening.rounds, *waiting, *coming)])


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
