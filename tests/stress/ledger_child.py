"""A process that starts nights and ends them: by ``os._exit`` or by ``kill -9``.

Each night is a process of its own, a fork of this one, which has loaded all that it
needs. It prints a line of JSON for each night, and leaves its folder for others to
judge. Run as ``python ledger_child.py exit FOLDER FRESH FIRST STRIDE``, where FRESH is
0, or 1 if the destination is new, or as ``python ledger_child.py kill FOLDER COUNT
SEED``.
"""

import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import ledger_night as night

from mds_sim.__main__ import main
from mds_sim.files import copying

CALLS = (
    "open", "fsync", "link", "unlink", "rename", "replace", "mkdir", "write",
    "ftruncate", "utime", "chmod",
)  # fmt: skip
STOPPED = 77


def step_by_step(step: Callable[[], None]) -> None:
    """Call `step` before whatever this process does to a file or to a ledger."""

    def stepping(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            step()
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        setattr(os, name, stepping(getattr(os, name)))
    copying.open = stepping(open)  # type: ignore[attr-defined]
    connect = sqlite3.connect

    def traced(path: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(path, *args, **kwargs)
        if str(path).endswith("night.db"):  # not a copy, which is only looked at
            connection.set_trace_callback(lambda said: _reads(said) or step())
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]


def _reads(statement: str) -> bool:
    """Tell whether a statement changes nothing."""
    return statement.startswith("SELECT")


def forked(target: Callable[[], object]) -> int:
    """Run a function in a process of its own, and return that process."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            target()
            code = 0
        finally:
            os._exit(code)
    return pid


def ended(pid: int) -> int:
    """Wait for a process, and return how it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def exit_at_each_step(top: Path, is_fresh: bool, first: int, stride: int) -> None:
    """Exit before a step of a night, each stride-th, until there is no such step."""
    for number in range(first, 10_000, stride):
        folder = top / str(number)
        night.make(folder, is_fresh)
        code = ended(forked(partial(_run_until, folder, number)))
        _report(folder, number, code)
        if code == 0:
            return


def _run_until(folder: Path, number: int) -> None:
    """Run a night, but exit before this step."""
    count, lock = iter(range(number)), threading.Lock()

    def step() -> None:
        with lock:
            if next(count, None) is None:
                os._exit(STOPPED)

    step_by_step(step)
    night.run(folder)


def kill_at_random(top: Path, count: int, seed: int) -> None:
    """Kill nights at random moments, some of them again and again."""
    rng = random.Random(seed)
    kills = number = 0
    while kills < count:
        folder = top / str(number)
        night.make(folder, is_fresh=bool(number % 2))
        before: dict[str, list[int]] = {}
        codes, wrong = [], []
        for _ in range(rng.randint(1, 3)):
            reading, writing = os.pipe()
            pid = forked(partial(_tell, folder, writing))
            os.close(writing)
            # So many steps are waited for; where the next ones are cut is up to chance.
            for _ in range(rng.randrange(250)):
                if not os.read(reading, 1):
                    break
            os.kill(pid, signal.SIGKILL)
            codes.append(ended(pid))
            os.close(reading)
            wrong += night.broken_promises(folder)
            now = night.seen(folder)
            wrong += [f"{name} was done twice" for name, was in before.items()
                      if now.get(name) != was]  # fmt: skip
            before = now
        kills += codes.count(-signal.SIGKILL)
        _report(folder, number, codes, wrong)
        number += 1


def _tell(folder: Path, pipe: int) -> None:
    """Run a night from the command line, and tell of each step through a pipe."""
    write = os.write
    step_by_step(lambda: write(pipe, b".") and None)  # type: ignore[func-returns-value]
    main(_words(folder))


def _words(folder: Path) -> list[str]:
    """Return the command line of a night."""
    paths = {
        "--folder": folder / "in",
        "--copy-to": night.out_of(folder),
        "--ledger": folder / "night.db",
    }
    words = ["files", "--quiet", "--json", "--workers", "3", "--bucket", "0.006"]
    return words + [str(word) for pair in paths.items() for word in pair]


def _report(folder: Path, number: int, code: Any, wrong: Any = ()) -> None:
    """Note what is there, go on with the night, and say what happened."""
    wrong = [*wrong, *night.broken_promises(folder)]
    before = night.seen(folder)
    done = night.done(folder)
    end = ended(forked(lambda: night.run(folder, workers=3)))
    if end:
        wrong.append(f"the night cannot be resumed: {end}")
    night.report(number=number, code=code, before=before, done=len(done), wrong=wrong)


if __name__ == "__main__":
    kind, where, *numbers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:  # load all that a night needs
        night.make(Path(scratch), is_fresh=True)
        night.run(Path(scratch))
    work = exit_at_each_step if kind == "exit" else kill_at_random
    work(Path(where), *map(int, numbers))
