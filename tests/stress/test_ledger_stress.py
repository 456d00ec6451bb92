"""A night that is killed, or loses power, whenever: nothing lost, nothing twice.

``MDS_SIM_STRESS`` is how many times longer the tests are than in CI: 34 makes it 510
kills and 10,200 power cuts.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
night = import_module("ledger_night")
power = import_module("ledger_power")
mutants = import_module("ledger_mutants")

FACTOR = float(os.environ.get("MDS_SIM_STRESS", "1"))
KILLS = round(15 * FACTOR)
CUTS = round(300 * FACTOR)
CUTS_A_NIGHT = 6  # from one night that was written down

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kills and looks as Linux does"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=night.scratch_folder()) as name:
        yield Path(name, "night").resolve()


def power_cuts(folder: Path, seed: int) -> Iterator[list[str]]:
    """Yield what is wrong, in words, after each power cut of a night.

    The night is killed, resumed, perhaps killed again and resumed; the power fails at a
    random moment of all this. What is found is resumed, with another power cut perhaps,
    and to the end at last.
    """
    rng = random.Random(seed)
    is_fresh = rng.random() < 0.5
    shutil.rmtree(folder, ignore_errors=True)
    night.make(folder, is_fresh)
    disk = power.Disk(folder, night.out_of(folder) / night.HALF_SAFE)
    first = len(disk.log) + 1
    if rng.random() < 0.5:
        lived(disk, rng, after="name")  # named, and its folder not on the disk
    if rng.random() < 0.5:
        lived(disk, rng)
    lived(disk, None)
    commits = [i + 1 for i, (kind, *_) in enumerate(disk.log) if kind == "commit"]
    for _ in range(CUTS_A_NIGHT):
        anywhere = rng.randint(first, len(disk.log))
        disk.cut(rng.choice([anywhere, rng.choice(commits)]), rng)
        wrong = night.broken_promises(folder)
        if rng.random() < 0.3:
            again = power.Disk(folder)
            begin = len(again.log)
            wrong += lived(again, rng)
            if len(again.log) > begin:
                again.cut(rng.randint(begin + 1, len(again.log)), rng)
                wrong += night.broken_promises(folder)
        before = {name: night.seen(folder)[name] for name in night.done(folder)
                  if name in night.seen(folder)}  # fmt: skip
        wrong += resumed(folder)
        yield wrong + night.verdict(folder, before, is_fresh)


def lived(disk: Any, rng: random.Random | None, after: str | None = None) -> list[str]:
    """Run the night, watched; with chance, until it is killed.

    It is killed after some operations, or after some of one kind.
    """
    disk.revive()
    if after is not None:
        disk.kill_after = after, rng.randint(1, 2 * len(night.NAMES))
    elif rng is not None:
        disk.kill_at = len(disk.log) + rng.randrange(120)
    with disk.watch(), suppress(power.Killed):
        return resumed(disk.folder)
    return []


def resumed(folder: Path) -> list[str]:
    """Run the night, and return what is wrong if it cannot be run."""
    try:
        night.run(folder)
    except ValueError as error:
        return [f"the night cannot be resumed: {error}"]
    return []


def nights_of_a_child(*words: str) -> list[dict[str, Any]]:
    """Let another process start nights and end them, and return what it says."""
    child = Path(__file__).with_name("ledger_child.py")
    run = subprocess.run(
        [sys.executable, str(child), *words],
        stdout=subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        check=True,
    )
    lines = run.stdout.decode().splitlines()
    return [json.loads(line) for line in lines if '"number"' in line]


def judged(
    top: Path, nights: list[dict[str, Any]], is_fresh: bool | None = None
) -> list[tuple[int, list[str]]]:
    """Return the nights with which something is wrong.

    If nobody says, every second one is fresh.
    """
    bad = []
    for told in nights:
        number = told["number"]
        fresh = bool(number % 2) if is_fresh is None else is_fresh
        wrong = told["wrong"]
        wrong += night.verdict(top / str(number), told["before"], fresh)
        bad += [(number, wrong)] if wrong else []
    return bad


class TestKill:
    @pytest.mark.parametrize("is_fresh", [True, False])
    def test_exit_before_each_step_of_a_night(
        self, folder: Path, is_fresh: bool
    ) -> None:
        folder.mkdir()
        halves = [("exit", str(folder), str(int(is_fresh)), k, "2") for k in "01"]
        with ThreadPoolExecutor() as pool:  # two children at a time
            told = pool.map(lambda words: nights_of_a_child(*words), halves)
            nights = sorted(chain(*told), key=itemgetter("number"))
        assert judged(folder, nights, is_fresh) == []
        assert [told["number"] for told in nights] == list(range(len(nights)))
        codes = [told["code"] for told in nights]
        assert codes == [77] * (len(codes) - 2) + [0, 0]  # each half came to its end
        assert len(codes) > 100
        # Some were stopped before any bucket was done, and some after all were.
        done = {told["done"] for told in nights}
        assert min(done) == 0
        assert max(done) == len(night.NAMES) if is_fresh else len(done) >= 3

    def test_kill_at_random_moments(self, folder: Path) -> None:
        nights = nights_of_a_child("kill", str(folder), str(KILLS), "1")
        assert judged(folder, nights) == []
        assert sum(told["code"].count(-9) for told in nights) >= KILLS


PROCESSES = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import ledger_night as night
from mds_sim.core import Ledger, WallClock
done = Ledger.done
def told(*args, **kwargs):
    done(*args, **kwargs)
    os.write(1, b".")
Ledger.done = told
night.run(Path(sys.argv[1]), executor="processes", workers=2, clock=WallClock())
"""


class TestKillOfProcesses:
    @pytest.mark.parametrize("number", range(max(1, KILLS // 10)))
    def test_their_parent_is_killed_and_they_outlive_it(
        self, folder: Path, number: int
    ) -> None:
        is_fresh = bool(number % 2)
        night.make(folder, is_fresh)
        here = str(Path(__file__).parent)
        with subprocess.Popen(
            [sys.executable, "-c", PROCESSES, str(folder), here],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what the library says of its locks
        ) as parent:
            assert parent.stdout is not None
            parent.stdout.read(1 + number % 3)  # so many buckets are done
            parent.kill()
            parent.wait()
            wrong = night.broken_promises(folder)
            before = night.seen(folder)
            night.run(folder, workers=2)  # while they may still be copying
            parent.stdout.read()  # until they are gone
        assert wrong + night.verdict(folder, before, is_fresh) == []


class TestPowerCut:
    def test_nothing_is_lost_and_nothing_overwritten(self, folder: Path) -> None:
        bad, count = [], 0
        for seed in range(max(1, CUTS // CUTS_A_NIGHT)):
            for wrong in power_cuts(folder, seed):
                count += 1
                bad += [(seed, wrong)] if wrong else []
        assert bad == []
        assert count >= CUTS - CUTS_A_NIGHT

    @pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda f: f.__name__)
    def test_a_broken_ledger_is_caught(
        self, folder: Path, mutant: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mutant(monkeypatch)
        assert any(any(power_cuts(folder, seed)) for seed in range(60))
