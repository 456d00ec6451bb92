"""The ledger: written whole, read by one, never believed when it is damaged."""

import errno
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from mds_sim.core import Ledger, LedgerError
from mds_sim.core import _ledger_file as ledger_file
from mds_sim.core import _ledger_lock as ledger_lock
from mds_sim.core.ledger import PlannedItem, PlannedJob
from mds_sim.records import Failure

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX locks")
JOBS = [PlannedJob(0, 0.0), PlannedJob(0, 0.0, 2.5), PlannedJob(1, 86_400.0)]
ITEMS = [
    PlannedItem(0, "a.bin", 6, "/in/a.bin", 10**18, "ab" * 32),
    PlannedItem(1, "b.bin", 5),
    PlannedItem(0, "c\udcff\n", 4, "/in/c\udcff\n"),  # a name need not be Unicode
    PlannedItem(2, "d.bin", 2**62),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "night.db"


def planned(path: Path) -> Ledger:
    """Return a new ledger with a plan."""
    ledger = Ledger(path)
    facts = {"strategy": "FirstFit()", "copy_to": None}
    ledger.plan(JOBS, ITEMS, workers=2, capacity=10, facts=facts)
    return ledger


def half_done(path: Path) -> Ledger:
    """Return a ledger with a job that is done, one that failed, and one to do."""
    ledger = planned(path)
    outcomes = [(0, "copied", "ab" * 32), (2, "verified", "cd" * 32)]
    ledger.done(0, ready=0, start=1, finish=2.5, worker=1, outcomes=outcomes)
    failures = [(1, "FileError: b.bin is gone"), (None, "OSError: \udcff")]
    ledger.done(1, ready=0, start=1, finish=2, worker=0, failures=failures)
    return ledger


def files_of(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Return all that is in a folder: bytes, inode, time."""
    return {
        path.name: (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.iterdir()
        if path.is_file()
    }


def refused(path: Path, message: str) -> None:
    """Expect that a ledger is refused, and left as it is."""
    before = files_of(path.parent)
    with pytest.raises(LedgerError, match=f"^{re.escape(message)}$"):
        Ledger(path)
    assert files_of(path.parent) == before


class TestTheBook:
    def test_what_was_planned_is_there(self, path: Path) -> None:
        planned(path).close()
        with Ledger(path) as ledger:
            assert ledger.jobs == JOBS
            assert ledger.items == ITEMS
            assert ledger.facts == {
                "strategy": "FirstFit()", "copy_to": None, "workers": 2, "capacity": 10
            }  # fmt: skip
            assert ledger.pending() == [0, 1, 2]

    def test_what_was_done_is_there_and_what_failed_is_still_to_do(
        self, path: Path
    ) -> None:
        half_done(path).close()
        with Ledger(path) as ledger:
            assert ledger.pending() == [1, 2]
            record = ledger.record().check()
            assert ledger.outcomes([0, 1]) == {"copied": 1, "verified": 1}
            assert ledger.outcomes([1, 2]) == {}
        assert record.items.size.tolist() == [6, 5, 4, 2**62]
        assert record.items.arrival.tolist() == [0, 0, 0, 86_400]
        assert record.items.job.tolist() == [0, 1, 0, 2]
        assert record.jobs.start.tolist() == [1, 1, 86_400]
        assert record.jobs.finish.tolist() == [2.5, 2, 86_400]
        assert record.jobs.worker.tolist() == [1, 0, -1]
        assert record.jobs.n_items.tolist() == [2, 1, 1]
        assert record.jobs.load.tolist() == [10, 5, 2**62]
        assert (record.workers, record.capacity) == (2, 10)
        assert record.failures == (
            Failure(1, 1, "FileError: b.bin is gone"),
            Failure(1, None, "OSError: \udcff"),
            Failure(2, None, "not done yet"),
        )

    def test_a_job_that_failed_may_be_done_again_and_then_never(
        self, path: Path
    ) -> None:
        with half_done(path) as ledger:
            ledger.done(1, ready=3, start=3, finish=4, worker=4)
            assert ledger.pending() == [2]
            assert ledger.record().check().workers == 5  # another run had more
            message = f"job must be pending in {str(path)!r}, got 1"
            with pytest.raises(LedgerError, match=f"^{re.escape(message)}$"):
                ledger.done(1, ready=3, start=3, finish=4, worker=0)

    def test_nothing_is_written_of_what_cannot_be_written_whole(
        self, path: Path
    ) -> None:
        with planned(path) as ledger:
            before = ledger.record()
            with pytest.raises(sqlite3.IntegrityError):
                ledger.done(0, ready=0, start=0, finish=1, worker=0,
                            outcomes=[(0, "copied", None)],
                            failures=[(99, "no such item")])  # fmt: skip
            assert ledger.record().same_as(before)
            assert ledger.outcomes([0]) == {}

    def test_an_empty_night(self, path: Path) -> None:
        with Ledger(path) as ledger:
            ledger.plan([], [], workers=2, capacity=10)
            assert ledger.pending() == []
            assert len(ledger.record().check().items) == 0

    def test_it_is_a_database_that_any_tool_can_read(self, path: Path) -> None:
        half_done(path).close()
        assert [found.name for found in path.parent.iterdir()] == ["night.db"]
        connection = sqlite3.connect(path)
        values = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "journal_mode")
        ]
        rows = connection.execute("SELECT name, outcome FROM item").fetchall()
        connection.close()
        assert values == [0x6D64734C, 1, "wal"]
        assert rows[:2] == [("a.bin", "copied"), ("b.bin", None)]

    def test_every_commit_is_on_the_disk(self, path: Path) -> None:
        with planned(path) as ledger:
            run = ledger._open().execute
            settings = [
                run(f"PRAGMA {name}").fetchone()[0]
                for name in ("synchronous", "journal_mode", "foreign_keys")
            ]
        assert settings == [2, "wal", 1]

    def test_to_look_changes_nothing(self, path: Path) -> None:
        half_done(path).close()
        before = files_of(path.parent)
        with Ledger(path) as ledger:
            ledger.record()
        assert files_of(path.parent) == before

    def test_without_a_plan_there_is_nothing_to_say(self, path: Path) -> None:
        message = f"ledger {str(path)!r} must have a plan first"
        with Ledger(path) as ledger:
            assert (ledger.is_planned, repr(ledger)) == (
                False,
                f"Ledger({str(path)!r})",
            )
            with pytest.raises(LedgerError, match=f"^{re.escape(message)}$"):
                ledger.pending()
        assert list(path.parent.iterdir()) == []

    def test_a_plan_is_made_once(self, path: Path) -> None:
        message = f"ledger {str(path)!r} must be new, but has a plan"
        with (
            planned(path) as ledger,
            pytest.raises(LedgerError, match=f"^{re.escape(message)}$"),
        ):
            ledger.plan(JOBS, ITEMS, workers=2)


def remedy(path: Path, reason: str) -> str:
    return (
        f"ledger {str(path)!r} must be whole, but it is damaged ({reason}); put a copy "
        "back, or name a new ledger: what is there already is verified, not done again"
    )


def something_else(path: Path) -> str:
    return (
        f"ledger must be a file that a ledger was kept in, but {str(path)!r} is "
        "something else; name another file"
    )


def in_use(path: Path) -> str:
    return (
        f"ledger {str(path)!r} must be used by one run at a time, but another one has "
        "it open; wait until that one is over"
    )


PLAN_CHANGED = "its plan is not what was planned"


class TestRefused:
    @pytest.mark.parametrize(
        "content", [b"", b"hello", b"SQLite format 3\0", bytes(4096)]
    )
    def test_what_is_no_ledger(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        refused(path, something_else(path))

    def test_the_database_of_another_application_with_all_that_is_beside_it(
        self, tmp_path: Path, path: Path
    ) -> None:
        connection = sqlite3.connect(tmp_path / "open.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE songs (title TEXT)")
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        for end in ("", "-wal", "-shm"):  # as a process that was killed leaves them
            shutil.copyfile(
                f"{tmp_path / 'open.db'}{end}", f"{folder / 'night.db'}{end}"
            )
        connection.close()
        path = folder / "night.db"
        refused(path, something_else(path))

    def test_one_that_a_later_version_wrote(self, path: Path) -> None:
        planned(path).close()
        with path.open("r+b") as stream:
            stream.seek(60)
            stream.write((2).to_bytes(4, "big"))
        said = (
            "must have version 1, but it has version 2; use the mds_sim that wrote it"
        )
        refused(path, f"ledger {str(path)!r} {said}")

    def test_a_folder(self, path: Path) -> None:
        path.mkdir()
        refused(path, f"ledger must be a file, but {str(path)!r} is none")

    @posix_only
    def test_a_link_that_leads_nowhere(self, path: Path) -> None:
        path.symlink_to("nowhere")
        refused(path, f"ledger must be a file, but {str(path)!r} is none")

    @posix_only
    def test_a_new_one_is_for_those_whom_other_new_files_are_for(
        self, path: Path
    ) -> None:
        planned(path).close()
        other = path.with_name("other")
        other.touch()
        assert path.stat().st_mode == other.stat().st_mode

    def test_one_that_has_lost_its_end(self, path: Path) -> None:
        half_done(path).close()
        whole = path.read_bytes()
        for size in {*range(100, len(whole), 997), len(whole) - 1}:
            path.write_bytes(whole[:size])
            before = files_of(path.parent)
            with pytest.raises(LedgerError, match=r"^ledger .* (damaged|some)"):
                Ledger(path)
            assert files_of(path.parent) == before

    def test_any_byte_that_is_wrong_is_noticed_or_says_nothing(
        self, path: Path
    ) -> None:
        with half_done(path) as ledger:
            expected = ledger.record(), ledger.items, ledger.facts, ledger.pending()
        whole = path.read_bytes()
        rng = np.random.default_rng(1)
        noticed = 0
        used = np.flatnonzero(np.frombuffer(whole, np.uint8))
        for position in rng.choice(used, 400, replace=False):
            bad = bytearray(whole)
            bad[position] ^= int(rng.integers(1, 256))
            path.write_bytes(bad)
            try:
                with Ledger(path) as ledger:
                    record, *rest = (ledger.record(), ledger.items, ledger.facts,
                                     ledger.pending())  # fmt: skip
                assert record.same_as(expected[0])
                assert rest == list(expected[1:])
            except LedgerError:
                noticed += 1
                assert path.read_bytes() == bad
                assert [found.name for found in path.parent.iterdir()] == ["night.db"]
        assert noticed > 300

    def test_a_log_that_is_damaged_tells_of_less_but_of_nothing_wrong(
        self, path: Path
    ) -> None:
        wal = path.with_name("night.db-wal")
        with planned(path) as ledger:
            states = [ledger.record()]
            for job in range(3):
                ledger.done(job, ready=10**5, start=10**5, finish=10**5, worker=0)
                states.append(ledger.record())
            left = path.read_bytes(), wal.read_bytes()  # as if it were killed now
        rng = np.random.default_rng(1)
        found = set()
        for position in rng.integers(0, len(left[1]), 200):
            bad = bytearray(left[1])
            bad[position] ^= int(rng.integers(1, 256))
            path.write_bytes(left[0])
            wal.write_bytes(bad)
            with Ledger(path) as ledger:
                record = ledger.record()
            (state,) = (i for i, known in enumerate(states) if record.same_as(known))
            found.add(state)
        assert {0, 1, 2} <= found

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("UPDATE item SET size = 7 WHERE row = 0", PLAN_CHANGED),
            ("DELETE FROM fact WHERE name = 'seal'", PLAN_CHANGED),
            ("UPDATE item SET digest = 'ef' WHERE row = 0",
             "what it says of job 0 is not what was written"),
            ("DELETE FROM failure", "what it says of job 1 is not what was written"),
            ("UPDATE job SET finish = 9 WHERE number = 2",
             "what it says of job 2 is not what was written"),
            ("INSERT INTO failure VALUES (99, NULL, '')",
             "a row names another one that is not there"),
            ("DROP TABLE failure", "no such table: failure"),
        ],
    )  # fmt: skip
    def test_one_that_somebody_has_changed(
        self, path: Path, change: str, reason: str
    ) -> None:
        half_done(path).close()
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(change)
        connection.close()
        refused(path, remedy(path, reason))

    def test_a_new_one_beside_the_log_of_an_old_one(self, path: Path) -> None:
        wal = path.with_name("night.db-wal")
        wal.write_bytes(b"what was done last")
        message = (
            f"ledger {str(path)!r} must be new, but {str(wal)!r} of an old one is "
            "there; put the old ledger back, or move that file away"
        )
        with pytest.raises(LedgerError, match=f"^{re.escape(message)}$"):
            planned(path)
        assert [found.name for found in path.parent.iterdir()] == ["night.db-wal"]

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        path = tmp_path / "none" / "night.db"
        message = (
            f"ledger {str(path)!r} must be in a folder that can be written to, but it "
            "said No such file or directory"
        )
        with pytest.raises(LedgerError, match=f"^{re.escape(message)}$"):
            planned(path)


HOLD = """
import os, sys
from mds_sim.core import Ledger
ledger = Ledger(sys.argv[1])
os.fork()
os.write(1, b"held\\n")
sys.stdin.read()  # both: until the pipe is closed
"""


class TestOneAtATime:
    def test_a_second_run_of_this_process_is_refused(self, path: Path) -> None:
        with half_done(path) as ledger:
            with pytest.raises(LedgerError, match=f"^{re.escape(in_use(path))}$"):
                Ledger(path)
            # The attempt has not taken the lock from the first one.
            assert said_elsewhere(path) == f"LedgerError: {in_use(path)}"
            ledger.done(2, ready=86_400, start=86_400, finish=86_400, worker=0)
        Ledger(path).close()

    def test_a_second_process_is_refused_at_once(self, path: Path) -> None:
        with half_done(path) as ledger:
            assert said_elsewhere(path) == f"LedgerError: {in_use(path)}"
            assert ledger.pending() == [1, 2]
        assert said_elsewhere(path) == "[1, 2]"

    def test_a_tool_that_reads_the_database_meanwhile_is_refused(
        self, path: Path
    ) -> None:
        with half_done(path):
            code = (
                "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0)"
                ".execute('SELECT * FROM job')"
            )
            assert elsewhere(code, path).endswith("database is locked")

    def test_a_tool_that_is_reading_is_left_in_peace(self, path: Path) -> None:
        half_done(path).close()
        tool = sqlite3.connect(path, isolation_level=None)
        tool.execute("BEGIN")
        tool.execute("SELECT * FROM job").fetchone()
        with pytest.raises(LedgerError, match=f"^{re.escape(in_use(path))}$"):
            Ledger(path)
        tool.close()
        Ledger(path).close()

    @posix_only
    def test_the_lock_of_a_process_that_was_killed_is_gone_whatever_its_children_do(
        self, path: Path
    ) -> None:
        half_done(path).close()
        child = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        with child:
            assert child.stdout is not None
            for _ in range(2):
                assert child.stdout.readline() == b"held\n"
            with pytest.raises(LedgerError, match=f"^{re.escape(in_use(path))}$"):
                Ledger(path)
            child.send_signal(signal.SIGKILL)
            child.wait()
            with Ledger(path) as ledger:  # its child lives on, and holds nothing
                assert ledger.pending() == [1, 2]

    @posix_only
    def test_to_copy_it_meanwhile_gives_up_nothing(self, path: Path) -> None:
        with half_done(path) as ledger:
            shutil.copy(path, path.with_name("copy"))
            assert said_elsewhere(path) == f"LedgerError: {in_use(path)}"
            ledger.done(2, ready=86_400, start=86_400, finish=86_400, worker=0)
        assert said_elsewhere(path) == "[1]"

    def test_threads_that_plan_at_once(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One plans, all others are told so, while it writes and when it has."""
        write, others = ledger_file._write, list[Any]()

        def late(number: int, image: bytes) -> None:
            with ThreadPoolExecutor(3) as pool:
                others.extend(pool.submit(planned, path) for _ in range(3))
            if os.name == "posix":
                assert elsewhere(PLAN, path).endswith(f"LedgerError: {in_use(path)}")
            write(number, image)

        monkeypatch.setattr(ledger_file, "_write", late)
        with planned(path) as ledger:
            assert [str(other.exception()) for other in others] == [in_use(path)] * 3
            assert ledger.pending() == [0, 1, 2]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")
    def test_a_child_that_closes_it_leaves_it_to_its_parent(self, path: Path) -> None:
        with half_done(path) as ledger:
            child = os.fork()
            if not child:
                ledger.close()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            assert said_elsewhere(path) == f"LedgerError: {in_use(path)}"
            ledger.done(2, ready=86_400, start=86_400, finish=86_400, worker=0)
        assert said_elsewhere(path) == "[1]"

    def test_two_that_plan_at_once(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = ledger_file._name

        def late(aside: Path, target: Path) -> None:
            with monkeypatch.context() as other:
                other.setattr(ledger_file, "_name", name)
                if os.name == "posix":
                    said = f"LedgerError: {in_use(path)}"
                    assert elsewhere(PLAN, path).endswith(said)
            path.write_bytes(b"somebody else's")
            name(aside, target)

        monkeypatch.setattr(ledger_file, "_name", late)
        with pytest.raises(LedgerError, match=f"^{re.escape(in_use(path))}$"):
            planned(path)
        assert path.read_bytes() == b"somebody else's"
        assert [found.name for found in path.parent.iterdir()] == ["night.db"]


PENDING = (
    "import sys; from mds_sim.core import Ledger; print(Ledger(sys.argv[1]).pending())"
)
PLAN = (
    "import sys; from mds_sim.core import Ledger; "
    "Ledger(sys.argv[1]).plan([], [], workers=1)"
)


def elsewhere(code: str, path: Path) -> str:
    """Run code in another process, and return the last line that it says."""
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return (run.stdout + run.stderr).strip().splitlines()[-1]


def said_elsewhere(path: Path) -> str:
    """Return what another process finds pending, or why it is refused."""
    return elsewhere(PENDING, path).removeprefix("mds_sim.core._ledger_file.")


class TestKilledWhilePlanning:
    def test_half_a_plan_is_taken_over(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as killed:
            killed.setattr(os, "fsync", interrupt)
            killed.setattr(os, "unlink", interrupt)
            with pytest.raises(KeyboardInterrupt):
                planned(path)
        (left,) = path.parent.iterdir()
        assert re.fullmatch(r"\.[0-9a-f]{16}\.part", left.name)
        planned(path).close()
        assert [found.name for found in path.parent.iterdir()] == ["night.db"]

    def test_a_plan_with_two_names_keeps_the_right_one(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as killed:
            killed.setattr(os, "unlink", interrupt)
            with pytest.raises(KeyboardInterrupt):
                planned(path)
        assert len(list(path.parent.iterdir())) == 2
        with Ledger(path) as ledger:
            assert ledger.items == ITEMS
        assert [found.name for found in path.parent.iterdir()] == ["night.db"]

    def test_where_there_are_no_links_it_is_renamed(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        planned(path).close()
        assert [found.name for found in path.parent.iterdir()] == ["night.db"]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


FULL = """
import resource, sys
from mds_sim.core import Ledger
from mds_sim.core.ledger import PlannedItem, PlannedJob
jobs = [PlannedJob(0, 0.0)] * 50
items = [PlannedItem(job, f"{job}.bin", 1) for job in range(50)]
def full(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
with Ledger(sys.argv[1]) as ledger:
    if sys.argv[2] == "plan":
        full(5_000)
    ledger.plan(jobs, items, workers=1)
    full(100_000)
    for job in range(50):
        try:
            ledger.done(job, ready=0, start=0, finish=0, worker=0)
        except ValueError as error:
            print(job, error)
            break
"""


@posix_only
class TestTheDiskIsFull:
    def test_a_plan_that_cannot_be_written_leaves_nothing(self, path: Path) -> None:
        last = run_full(path, "plan").stderr.decode().splitlines()[-1]
        message = (
            f"ledger {str(path)!r} must be written, but it said File too large; "
            "nothing is lost: make room, and run the same night again"
        )
        assert last == f"mds_sim.core._ledger_file.LedgerError: {message}"
        assert list(path.parent.iterdir()) == []

    def test_a_job_that_cannot_be_written_is_still_to_do_and_the_others_are_done(
        self, path: Path
    ) -> None:
        run = run_full(path, "done")
        number, _, said = run.stdout.decode().strip().partition(" ")
        assert re.fullmatch(
            rf"ledger {re.escape(repr(str(path)))} must be written, but it said "
            r"(disk I/O error|database or disk is full); nothing is lost: make room, "
            r"and run the same night again", said,
        )  # fmt: skip
        with Ledger(path) as ledger:
            assert ledger.pending() == list(range(int(number), 50))
            assert 0 < int(number) < 50
            ledger.done(int(number), ready=0, start=0, finish=0, worker=0)


def run_full(path: Path, when: str) -> Any:
    return subprocess.run(
        [sys.executable, "-c", FULL, str(path), when], capture_output=True, check=False
    )


TEMPORARY = """
import resource, shutil, sys
from mds_sim.core import Ledger
def full(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
copyfile = shutil.copyfile
if sys.argv[2] == "now":
    full()
else:
    shutil.copyfile = lambda *paths: full(copyfile(*paths))
try:
    Ledger(sys.argv[1])
except ValueError as error:
    print(error)
"""


@posix_only
class TestTheFolderForTemporaryFilesIsFull:
    @pytest.mark.parametrize(
        ("when", "said"),
        [("now", "File too large"), ("when it is copied", "disk I/O error")],
    )
    def test_that_is_said_and_not_that_the_ledger_is_damaged(
        self, path: Path, when: str, said: str
    ) -> None:
        wal = path.with_name("night.db-wal")
        with half_done(path):
            left = path.read_bytes(), wal.read_bytes()  # as if it were killed now
        path.write_bytes(left[0])
        wal.write_bytes(left[1])
        run = subprocess.run(
            [sys.executable, "-c", TEMPORARY, str(path), when],
            capture_output=True, check=True, text=True,
            env={**os.environ, "TMPDIR": str(path.parent)},
        )  # fmt: skip
        where = repr(str(path.parent))
        assert run.stdout == (
            f"ledger {str(path)!r} must be looked at in a copy in {where}, "
            f"but it said {said}; make room, or let TMPDIR name another folder\n"
        )
        assert (path.read_bytes(), wal.read_bytes()) == left
        with Ledger(path) as ledger:
            assert ledger.pending() == [1, 2]


class TestWhereItIs:
    @posix_only
    def test_a_ledger_that_was_damaged_is_found_out_with_its_log(
        self, path: Path
    ) -> None:
        """Without its log it is whole: what is in the log is not what was written."""
        wal = path.with_name("night.db-wal")
        with half_done(path) as ledger:
            run = ledger._open().execute
            run("UPDATE item SET size = 7 WHERE row = 0")
            left = path.read_bytes(), wal.read_bytes()
        path.write_bytes(left[0])
        Ledger(path).close()
        wal.write_bytes(left[1])
        refused(path, remedy(path, PLAN_CHANGED))

    @posix_only
    def test_behind_a_link_it_is_found_with_its_log(
        self, tmp_path: Path, path: Path
    ) -> None:
        link = tmp_path / "links" / "night.db"
        link.parent.mkdir()
        link.symlink_to(path)
        wal = path.with_name("night.db-wal")
        with half_done(path) as ledger:
            run = ledger._open().execute
            run("UPDATE item SET size = 7 WHERE row = 0")
            left = path.read_bytes(), wal.read_bytes()
        path.write_bytes(left[0])
        wal.write_bytes(left[1])
        with pytest.raises(
            LedgerError, match=f"^{re.escape(remedy(path, PLAN_CHANGED))}$"
        ):
            Ledger(link)
        assert (path.read_bytes(), wal.read_bytes()) == left

    @pytest.mark.parametrize("name", ["n" * 252, "f" * 200 + "/" + "n" * 200])
    @posix_only
    def test_a_name_that_is_too_long_for_what_is_beside_it(
        self, tmp_path: Path, name: str
    ) -> None:
        path = tmp_path / ("g" * 100) / name
        path.parent.mkdir(parents=True)
        message = (
            f"ledger {str(path)!r} must have a shorter path, but it said File name "
        )
        with pytest.raises(LedgerError, match=f"^{re.escape(message)}too long$"):
            planned(path)
        assert list(path.parent.iterdir()) == []

    def test_what_is_no_path(self) -> None:
        message = "^ledger must be a Ledger or a path, got 123$"
        with pytest.raises(TypeError, match=message):
            Ledger(123)  # type: ignore[arg-type]


@posix_only
@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_the_remedy_is_the_right_one(
    path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    remedy = "make room"
    if code != errno.ENOSPC:
        remedy = "let its file and its folder be written to"
    monkeypatch.setattr(os, "fsync", refuse)
    message = (
        f"ledger {str(path)!r} must be written, but it said {os.strerror(code)}; "
        f"nothing is lost: {remedy}, and run the same night again"
    )
    with pytest.raises(LedgerError, match=f"^{re.escape(message)}$"):
        planned(path)


class LedgerMachine(RuleBasedStateMachine):
    """A ledger and a plain dictionary, through whatever may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "night.db")
        self.ledger: Ledger | None = None
        self.done: dict[int, tuple[float, list[str]]] = {}  # job: finish and errors
        self.jobs = 0
        self.time = 0.0

    def teardown(self) -> None:
        if self.ledger is not None:
            self.ledger.close()
        self.folder.cleanup()

    @initialize(jobs=st.integers(0, 5))
    def plan(self, jobs: int) -> None:
        self.jobs = jobs
        self.ledger = Ledger(self.path)
        items = [PlannedItem(job, f"{job}", job) for job in range(jobs)]
        self.ledger.plan([PlannedJob(0, 0.0)] * jobs, items, workers=1)

    def pending(self) -> list[int]:
        """Return what the dictionary says is still to do."""
        is_done = {job for job, (_, errors) in self.done.items() if not errors}
        return [job for job in range(self.jobs) if job not in is_done]

    @precondition(lambda self: self.ledger and self.pending())
    @rule(data=st.data(), errors=st.lists(st.text(max_size=3), max_size=2))
    def do(self, data: st.DataObject, errors: list[str]) -> None:
        assert self.ledger is not None
        job = data.draw(st.sampled_from(self.pending()))
        self.time += 1.0
        self.ledger.done(
            job, ready=self.time, start=self.time, finish=self.time, worker=0,
            outcomes=[(job, "copied", None)],
            failures=[(job, error) for error in errors],
        )  # fmt: skip
        self.done[job] = self.time, errors

    @precondition(lambda self: self.ledger)
    @rule(job=st.integers(0, 7))
    def do_what_is_not_to_do(self, job: int) -> None:
        assert self.ledger is not None
        if job not in self.pending():
            with pytest.raises(LedgerError):
                self.ledger.done(job, ready=0, start=0, finish=0, worker=0)

    @precondition(lambda self: self.ledger and len(self.pending()) < self.jobs)
    @rule(data=st.data())
    def reopen_a_job(self, data: st.DataObject) -> None:
        assert self.ledger is not None
        done = [job for job in range(self.jobs) if job not in self.pending()]
        job = data.draw(st.sampled_from(done))
        self.ledger.reopen({job: [(job, "gone")]})
        self.done[job] = self.done[job][0], ["gone"]

    @precondition(lambda self: self.ledger and self.pending())
    @rule(data=st.data())
    def kill_before_the_commit(self, data: st.DataObject) -> None:
        assert self.ledger is not None
        run = self.ledger._open().execute
        run("BEGIN IMMEDIATE")
        run("UPDATE job SET finish = 1e9")
        run("DELETE FROM failure")
        self.kill(data)

    @precondition(lambda self: self.ledger)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        """Leave the files as they are now: a process that dies closes nothing."""
        assert self.ledger is not None
        paths = [self.path, Path(f"{self.path}-wal")]
        left = [path.read_bytes() if path.exists() else None for path in paths]
        # The lock went with the read: open files lose it. Nobody else is here.
        self.ledger.close()
        for path, content in zip(paths, left, strict=True):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
        self.ledger = None

    @precondition(lambda self: self.ledger)
    @rule()
    def close(self) -> None:
        assert self.ledger is not None
        self.ledger.close()
        self.ledger = None

    @precondition(lambda self: self.ledger is None)
    @rule()
    def reopen(self) -> None:
        self.ledger = Ledger(self.path)

    @precondition(lambda self: self.ledger is None)
    @rule(position=st.integers(0, 10**6), bit=st.integers(0, 7))
    def open_when_damaged(self, position: int, bit: int) -> None:
        paths = [self.path, Path(f"{self.path}-wal")]
        left = {path: path.read_bytes() for path in paths if path.exists()}
        bad = bytearray(left[self.path])
        bad[100 + position % (len(bad) - 100)] ^= 1 << bit
        self.path.write_bytes(bad)
        try:
            Ledger(self.path).close()
        except LedgerError:
            assert self.path.read_bytes() == bad
        for path, content in left.items():
            path.write_bytes(content)

    @precondition(lambda self: self.ledger)
    @rule()
    def open_twice(self) -> None:
        with pytest.raises(LedgerError, match=f"^{re.escape(in_use(self.path))}$"):
            Ledger(self.path)

    @precondition(lambda self: self.ledger)
    @rule()
    def plan_again(self) -> None:
        assert self.ledger is not None
        with pytest.raises(LedgerError, match=r"must be new, but has a plan$"):
            self.ledger.plan([], [], workers=1)

    @invariant()
    def both_say_the_same(self) -> None:
        if self.ledger is None:
            return
        assert self.ledger.pending() == self.pending()
        record = self.ledger.record().check()
        assert record.jobs.finish.tolist() == [
            self.done.get(job, (0.0,))[0] for job in range(self.jobs)
        ]
        assert [(f.job, f.error) for f in record.failures] == [
            (job, error)
            for job in range(self.jobs)
            for error in self.done.get(job, (0.0, ["not done yet"]))[1]
        ]


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=round(30 * float(os.environ.get("MDS_SIM_STRESS", "1"))),
    stateful_step_count=20,
    deadline=None,
)


@pytest.fixture(autouse=True)
def nothing_stays_held() -> Iterator[None]:
    yield
    assert (ledger_lock._claimed, ledger_lock._open) == (set(), set())
