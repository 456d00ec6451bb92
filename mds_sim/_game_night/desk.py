"""The desk of a game night: what people type, and what they are told."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

from mds_sim import tournament
from mds_sim.tournament import Seating, Tournament
from mds_sim.tournament.result import write_csv
from mds_sim.tournament.rounds import as_round

SEATINGS: dict[str, type] = {
    "random": tournament.RandomSeating,
    "greedy": tournament.GreedySeating,
    "horizon": tournament.HorizonSeating,
    "swiss": tournament.SwissSeating,
    "knockout": tournament.AffineKnockout,
    "schedule": tournament.ScheduledSeating,
}
HELP = """\
  NAME, NAME, ...      who won, in any order; one table a line will do
  standings, tables    show who leads, or the round again
  undo                 forget winners just typed; then take back the round before
  swap NAME, NAME      let two people change places in this round
  reseat               seat this round anew; so do the four below
  seating WORD         seat otherwise from now on: greedy, horizon, random, swiss
  add NAME             somebody has come
  remove NAME          somebody has left
  forbid NAME, NAME    never at one table from now on; allow takes it back
  save FILE            write all there is to go on from
  quit                 stop here; --load FILE goes on"""


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

    def _seat(self, seating: Seating | None = None) -> None:
        """Seat the next round, and show it; or say why it cannot be."""
        try:
            self.evening.next_round(seating)
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
        for name in self._split(line):
            self._take_one(name)
        if len(self.winners) == len(self.evening.waiting):
            self.evening.record(self.winners.values())
            self.winners.clear()
            self._keep()

    def _take_one(self, name: str) -> None:
        """Take one winner, or say why not."""
        waiting: Any = self.evening.waiting
        at = [t.number for t in waiting if name in map(str, t.players)]
        if name not in self.evening.history.names:
            print(f"  {name!r} is no player; `tables` shows the names")
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
        alike = [name for name in names if _folded(name) == _folded(typed)]
        return alike[0] if len(alike) == 1 else typed

    def _split(self, line: str) -> list[str]:
        """Return the names in a line; a comma may be part of one."""
        parts, found = line.split(","), []
        while parts:
            for n in range(len(parts), 0, -1):
                name = self._name(",".join(parts[:n]).strip())
                if name in self.evening.history.names:
                    break
            found.append(name)
            parts = parts[n:]
        return [name for name in found if name]

    def _keep(self) -> None:
        """Write the files that the night is kept in."""
        self.warned = False
        if self.save is not None:
            self.evening.save(self.save)
        if self.export is not None:
            export(self.evening, self.export)

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
        self._refuse_won()
        if self.evening.waiting is None:
            raise ValueError("no round is seated")
        change = {one: other, other: one}
        tables = [
            [change.get(str(p), str(p)) for p in table.players]
            for table in self.evening.waiting
        ]
        self.evening.override(tables)
        self._keep()
        self._tables()

    def _reseat(self, rest: str = "") -> None:
        """Seat the round that waits another way."""
        self._refuse_won()
        plans = self.evening.seating == tournament.HorizonSeating()
        # It would find the same plan again.
        self._anew(tournament.GreedySeating() if plans else None)

    def _anew(self, seating: Seating | None = None) -> None:
        """Seat the round that waits once more."""
        self.evening.unseat()
        self._seat(seating)

    def _seating(self, rest: str) -> None:
        """Seat otherwise from now on, where a plan does not fit any more."""
        kinds = [word for word in SEATINGS if word not in ("knockout", "schedule")]
        if rest not in kinds:
            raise ValueError(f"seating must be one of {', '.join(kinds)}, got {rest!r}")
        self._refuse_won()
        self.evening.seating = SEATINGS[rest]()
        self._anew()

    def _refuse_won(self) -> None:
        """Refuse to seat a round anew that is being played."""
        if self.winners:
            names = ", ".join(self.winners.values())
            raise RuntimeError(
                f"this round must be finished first, {names} won; `undo` forgets that"
            )

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
        self._refuse_won()
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
        names = self._split(rest)
        if len(names) != 2:
            raise ValueError(f"two names must be given, with a comma, got {rest!r}")
        return names[0], names[1]

    def _save(self, rest: str) -> None:
        """Write the night to a file, from now on after each change."""
        path = Path(rest) if rest else self.save
        if path is None:
            raise ValueError("a file must be named: save FILE")
        if path != self.save:
            refuse_old("save", path)
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
    "swap": Desk._swap, "reseat": Desk._reseat, "seating": Desk._seating,
    "add": Desk._add, "remove": Desk._remove, "forbid": Desk._forbid,
    "allow": Desk._allow, "save": Desk._save, "quit": Desk._quit, "help": Desk._help,
}  # fmt: skip


def export(evening: Tournament, path: Path) -> None:
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


def refuse_old(name: str, path: Path) -> None:
    """Refuse to write over a file that is no part of this night."""
    if os.path.lexists(path):
        raise FileExistsError(
            f"{name} must be a new file, but {str(path)!r} is there; --load goes on "
            "with a night"
        )


def _folded(name: str) -> str:
    """Return a name as it is compared: without case, accents in one way."""
    return normalize("NFC", name).casefold()
