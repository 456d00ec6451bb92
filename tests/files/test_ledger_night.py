"""A night with a ledger: what is done is not done again, and nothing is lost."""

import os
import pickle
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mds_sim.core import Ledger, LedgerError, VirtualClock, WallClock
from mds_sim.core.ledger import PlannedItem, PlannedJob
from mds_sim.distributions import Constant, Exponential
from mds_sim.files import (
    Bucket,
    BucketTask,
    CopyFiles,
    EachFile,
    File,
    FileError,
    FirstFit,
    NextFit,
    NightlyPipeline,
    ReadFiles,
    copy_verified,
    read_verified,
    resume,
    scan_files,
    write_files,
)
from mds_sim.files._work import LedgerWork, PlannedFile
from mds_sim.records import Failure, RunRecord
from mds_sim.sim import LinearService
from mds_sim.units import DAY, MB

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs limits of POSIX")
Work = Callable[[Bucket], Any]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "night.db"


@pytest.fixture
def files(tmp_path: Path) -> list[File]:
    """Six files: three buckets of two, with next fit and room for 10 bytes."""
    names = [f"{'deep/' * (i % 2)}{i}.bin" for i in range(6)]
    return write_files(tmp_path / "in", [5] * 6, names, rng=1)


def night_of(files: Any, **options: Any) -> NightlyPipeline:
    options = {"capacity": 10, "strategy": NextFit(), "workers": 2, **options}
    return NightlyPipeline(files, **options)


def run(
    pipeline: NightlyPipeline, handler: Any, ledger: Any, **options: Any
) -> RunRecord:
    options.setdefault("clock", VirtualClock())
    record = pipeline.run(handler, ledger=ledger, progress=False, **options)
    return record.check()


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of all that is in a folder."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
        )
        for path in folder.rglob("*")
    }


class TestTheSameNight:
    @pytest.mark.parametrize(
        ("files", "nights"),
        [
            (None, 3),
            ([6 * MB, 0, 5 * MB, 25 * MB, 4 * MB, 0], None),
            (np.array([[6 * MB, 0, 4 * MB], [11 * MB] * 3]), None),
            ([], None),
        ],
    )
    def test_the_record_is_that_of_the_simulation_bit_for_bit(
        self, ledger: Path, files: Any, nights: int | None
    ) -> None:
        service = LinearService(5.0, 1.0, 1 / MB, noise=Exponential(1.0))
        given = {} if files is None else {"files": files}
        pipeline = NightlyPipeline(**given, service=service)
        record = run(pipeline, None, ledger, nights=nights, rng=7)
        assert record.same_as(pipeline.simulate(nights, rng=7))

    def test_a_clock_that_was_used_gives_the_times_that_it_gives_without_a_ledger(
        self, ledger: Path
    ) -> None:
        records = []
        for book in (ledger, None):
            clock = VirtualClock()
            clock.sleep(99.5)
            pipeline = night_of([[6, 5], [4, 3]], service=Constant(1.0))
            records.append(run(pipeline, len, book, clock=clock))
        assert records[0].same_as(records[1])

    @pytest.mark.parametrize("kind", [WallClock, VirtualClock])
    @pytest.mark.parametrize("handler", [None, ReadFiles(), "copy", len])
    def test_a_finished_night_is_left_alone_and_its_record_is_the_same(
        self, tmp_path: Path, ledger: Path, files: list[File], handler: Any, kind: Any
    ) -> None:
        handler = CopyFiles(tmp_path / "out") if handler == "copy" else handler
        first = run(night_of(files), handler, ledger, clock=kind())
        before, done = state(tmp_path), []
        if handler is len:
            handler = _spy(done)
            assert first.failures == ()
        again = run(night_of(files), handler if handler else None, ledger, clock=kind())
        assert again.same_as(first)
        assert state(tmp_path) == before
        assert done == []

    def test_a_ledger_that_is_open_stays_open(self, ledger: Path) -> None:
        with Ledger(ledger) as book:
            record = run(night_of([5, 5]), len, book)
            assert book.record().same_as(record)


def _spy(calls: list[int]) -> Work:
    """Return a handler that the ledger takes for `len`, and that is never called."""

    def handler(bucket: Bucket) -> None:
        calls.append(bucket.index)

    handler.__qualname__, handler.__module__ = len.__qualname__, len.__module__
    return handler


class Flaky:
    """A handler that counts its calls, and fails for the buckets that it is told."""

    def __init__(self, *bad: int) -> None:
        self.bad = bad
        self.calls: Counter[int] = Counter()

    def __call__(self, bucket: Bucket) -> None:
        self.calls[bucket.index] += 1
        if bucket.index in self.bad:
            raise OSError(28, "No space left on device")


NIGHT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
from mds_sim.files import NextFit, NightlyPipeline
def handle(bucket):
    with open(sys.argv[2], "a") as log:
        log.write(f"{bucket.index} ")
    if bucket.index == 5:
        eval(sys.argv[3])
night = NightlyPipeline([5] * 100, NextFit(), 10, workers=1)
print(len(night.run(handle, ledger=sys.argv[1], progress=False).failures))
"""


class TestResume:
    def test_what_failed_is_tried_again_and_what_is_done_is_not(
        self, ledger: Path, files: list[File]
    ) -> None:
        service = {"service": Constant(8.0)}
        first = run(night_of(files, **service), Flaky(1), ledger)
        error = "OSError: [Errno 28] No space left on device"
        assert first.failures == (Failure(1, None, error),)
        assert first.jobs.finish.tolist() == [8, 8, 16]
        again = Flaky()
        record = run(night_of(files, **service), again, ledger)
        assert again.calls == {1: 1}
        assert record.failures == ()
        # One axis of time: the second run goes on where the first one ended.
        assert record.jobs.ready.tolist() == [0, 16, 0]
        assert record.jobs.finish.tolist() == [8, 24, 16]
        assert record.items.same_as(first.items)

    def test_on_a_wall_clock_the_time_between_the_runs_has_passed(
        self, ledger: Path, files: list[File]
    ) -> None:
        first = run(night_of(files), Flaky(1), ledger, clock=WallClock(speed=1e6))
        again = run(night_of(files), Flaky(), ledger, clock=WallClock(speed=1e6))
        # Between them are at least the closing and the opening of the ledger: 10 us.
        assert again.jobs.start[1] > first.jobs.finish.max() + 10
        assert again.items.arrival.tolist() == [0.0] * 6

    def test_later_nights_wait_for_their_time(self, ledger: Path) -> None:
        pipeline = night_of([[5, 5], [5, 5], [5, 5]], service=Constant(1.0))
        run(pipeline, Flaky(0, 2), ledger)
        record = run(pipeline, Flaky(), ledger)
        assert record.jobs.ready.tolist() == [2 * DAY + 1, DAY, 2 * DAY + 1]
        assert record.items.arrival.tolist() == [0, 0, DAY, DAY, 2 * DAY, 2 * DAY]

    @pytest.mark.parametrize("end", ["os._exit(9)", "os.kill(os.getpid(), 2)"])
    def test_a_process_that_ended_or_was_interrupted_is_resumed(
        self, tmp_path: Path, ledger: Path, end: str
    ) -> None:
        log = tmp_path / "log"
        words = [sys.executable, "-c", NIGHT, str(ledger), str(log)]
        ended = subprocess.run([*words, end], check=False, capture_output=True)
        assert ended.returncode == (9 if "exit" in end else -2)
        begun = list(map(int, log.read_text().split()))
        with Ledger(ledger) as book:
            pending = book.pending()
            assert len(book.record().check().failures) == len(pending) > 0
        resumed = subprocess.run([*words, "0"], check=True, capture_output=True)
        assert resumed.stdout == b"0\n"
        counts = Counter(map(int, log.read_text().split()))
        # What was under way is handled again, what was done is not.
        again = {number: 2 for number in begun if number in pending}
        assert counts == {**dict.fromkeys(range(50), 1), **again}
        assert list(again) == ([5] if "exit" in end else [])

    def test_copies_that_are_there_are_verified_and_the_missing_ones_made(
        self, tmp_path: Path, ledger: Path, files: list[File]
    ) -> None:
        out = tmp_path / "out"
        for file in files[::2]:
            copy_verified(file, out)
        before = state(out)
        run(night_of(files), CopyFiles(out), ledger)
        assert {name: state(out)[name] for name in before if name != "deep"} == before
        with Ledger(ledger) as book:
            assert book.outcomes(range(3)) == {"verified": 3, "copied": 3}

    def test_leftovers_of_this_night_are_removed_and_no_others(
        self, tmp_path: Path, ledger: Path, files: list[File]
    ) -> None:
        out = tmp_path / "out"
        (out / "deep").mkdir(parents=True)
        (out / "1.bin").write_bytes(b"other")  # bucket 0 fails, and stays to be done
        (out / "deep" / "1.bin").write_bytes(b"other")
        run(night_of(files), CopyFiles(out), ledger)
        with Ledger(ledger) as book:
            mark = book.facts["mark"]
        ours = out / "deep" / f".{mark}01234567.part"
        others = [f".{mark}.part", f".{mark}0123456789.part", ".0123456789abcdef.part"]
        for name in (*others, ours.name):
            (out / "deep" / name).write_bytes(b"")
        run(night_of(files), CopyFiles(out), ledger)
        left = {path.name for path in (out / "deep").iterdir()}
        assert left == {*others, "1.bin", "3.bin", "5.bin"}

    def test_another_handler_of_the_same_name_goes_on(self, ledger: Path) -> None:
        run(night_of([5] * 4), Flaky(0), ledger)
        again = Flaky()
        run(night_of([5] * 4), again, ledger)
        assert again.calls == {0: 1}


class TestExecutors:
    @pytest.mark.parametrize("kind", ["processes", ThreadPoolExecutor])
    def test_the_work_is_done_elsewhere_and_the_ledger_is_kept_here(
        self, tmp_path: Path, ledger: Path, files: list[File], kind: Any
    ) -> None:
        path_of(files[3]).unlink()
        (tmp_path / "out" / "deep").mkdir(parents=True)
        (tmp_path / "out" / "deep" / "5.bin").write_bytes(b"precious")
        record = run(
            night_of(files), CopyFiles(tmp_path / "out"), ledger,
            clock=WallClock(), executor=kind,
        )  # fmt: skip
        gone, taken = str(files[3].path), str(tmp_path / "out" / "deep" / "5.bin")
        assert record.failures == (
            Failure(1, 3, f"FileError: deep/3.bin has vanished from {gone!r}"),
            Failure(2, 5, f"FileError: deep/5.bin must not overwrite another file, "
                          f"{taken!r}"),
        )  # fmt: skip
        with Ledger(ledger) as book:
            assert book.outcomes(range(3)) == {"copied": 4, "failed": 2}

    def test_without_a_ledger_as_well(self, files: list[File]) -> None:
        path_of(files[3]).unlink()
        record = night_of(files).run(ReadFiles(), executor="processes", progress=False)
        assert [(failure.job, failure.item) for failure in record.failures] == [(1, 3)]

    def test_the_work_can_be_pickled_and_its_errors_find_their_rows(
        self, files: list[File]
    ) -> None:
        bucket = Bucket(0, tuple(files[:2]), 10)
        task = BucketTask(bucket, LedgerWork(ReadFiles()), None, [7, 3], [0.0, 0.0])
        path_of(files[1]).unlink()
        there = pickle.loads(pickle.dumps(task))
        found = pickle.loads(pickle.dumps(there.execute()))
        assert [outcome.state for outcome in found] == ["read", "failed"]
        assert [row for row, _ in task.failed_items(found[1].error)] == [3]


def path_of(file: File) -> Path:
    assert file.path is not None
    return file.path


def longer(path: Path) -> None:
    path.write_bytes(b"longer than it was")


def touched(path: Path) -> None:
    os.utime(path, (1, 1))


def rewritten(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"other")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


SPOILED = {
    Path.unlink: "has vanished from PATH",
    longer: "has changed its size since it was packed, from 5 to 18 bytes",
    touched: "has changed since it was planned: it was written at EARLY, not at LATE; "
    "put it back, or plan a new night for it",
}


def local(seconds: int) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ")


class TestAFileThatChanged:
    """Between the plan and the run; all others are done."""

    @pytest.mark.parametrize("spoil", SPOILED)
    @pytest.mark.parametrize("kind", ["copy", "read", "each", "own"])
    def test_it_has_failed_and_all_others_are_done(
        self, tmp_path: Path, ledger: Path, files: list[File], kind: str, spoil: Any
    ) -> None:
        seen: list[str] = []
        handler: Work = {
            "copy": CopyFiles(tmp_path / "out"),
            "read": ReadFiles(),
            "each": EachFile(lambda file: seen.append(file.name)),
            "own": lambda bucket: seen.extend(file.name for file in bucket),
        }[kind]
        os.utime(path_of(files[2]), ns=(10**18, 10**18))
        files = [File(5, file.name, file.path) for file in files]  # SHA-256 not known
        planned(night_of(files), handler, ledger)
        spoil(path_of(files[2]))
        record = run(night_of(files), handler, ledger)
        reason = SPOILED[spoil].replace("PATH", repr(str(files[2].path)))
        reason = reason.replace("EARLY", local(1)).replace("LATE", local(10**9))
        assert record.failures == (Failure(1, 2, f"FileError: 2.bin {reason}"),)
        others = {file.name for file in files} - {"2.bin"}
        if kind == "copy":
            assert {n for n in state(tmp_path / "out") if n != "deep"} == others
        elif kind != "read":
            assert sorted(seen) == sorted(others)
        with Ledger(ledger) as book:
            assert book.pending() == [1]
            assert book.outcomes(range(3))["failed"] == 1

    @pytest.mark.parametrize("kind", ["copy", "read"])
    def test_its_content_is_compared_if_it_was_known(
        self, tmp_path: Path, ledger: Path, files: list[File], kind: str
    ) -> None:
        handler = CopyFiles(tmp_path / "out") if kind == "copy" else ReadFiles()
        planned(night_of(files), handler, ledger)
        rewritten(path_of(files[2]))
        (failure,) = run(night_of(files), handler, ledger).failures
        assert re.fullmatch(
            r"FileError: 2\.bin has changed its content, SHA-256 "
            r"from [0-9a-f]{12}\.\.\. to [0-9a-f]{12}\.\.\.", failure.error,
        )  # fmt: skip

    def test_a_handler_that_fails_for_the_rest_is_heard_as_well(
        self, files: list[File]
    ) -> None:
        bucket = Bucket(0, tuple(files[:2]), 10)
        path_of(files[0]).unlink()
        with pytest.raises(ExceptionGroup) as caught:
            LedgerWork(Flaky(0))(bucket)
        kinds = [type(error) for error in caught.value.exceptions]
        assert kinds == [FileError, OSError]

    def test_a_bucket_of_which_nothing_is_left_is_not_handled(
        self, files: list[File]
    ) -> None:
        handler = Flaky()
        for file in files[:2]:
            path_of(file).unlink()
        found = LedgerWork(handler)(Bucket(0, tuple(files[:2]), 10))
        assert [outcome.state for outcome in found] == ["failed", "failed"]
        assert handler.calls == {}

    @pytest.mark.parametrize("kind", ["copy", "read", "own"])
    def test_one_that_was_only_touched_is_the_same_if_its_bytes_are_known(
        self, tmp_path: Path, ledger: Path, files: list[File], kind: str
    ) -> None:
        handler: Any = {
            "copy": CopyFiles(tmp_path / "out"), "read": ReadFiles(), "own": Flaky()
        }[kind]  # fmt: skip
        planned(night_of(files), handler, ledger)
        touched(path_of(files[2]))
        assert run(night_of(files), handler, ledger).failures == ()

    def test_one_that_was_written_again_is_read_for_a_handler_of_ones_own(
        self, ledger: Path, files: list[File]
    ) -> None:
        planned(night_of(files), Flaky(), ledger)
        path_of(files[2]).write_bytes(b"other")
        os.utime(path_of(files[2]), (1, 1))
        (failure,) = run(night_of(files), Flaky(), ledger).failures
        assert failure.error.startswith("FileError: 2.bin has changed its content, ")

    def test_a_year_that_no_calendar_has_is_said_in_seconds(
        self, files: list[File]
    ) -> None:
        os.utime(path_of(files[0]), (1, 1))
        late = PlannedFile(5, "0.bin", files[0].path, None, 10**21)
        message = (
            "0.bin has changed since it was planned: it was written at "
            f"{local(1)}, not at 1000000000000 s; put it back, or plan a new night "
            "for it"
        )
        with pytest.raises(FileError, match=f"^{re.escape(message)}$"):
            read_verified(late)

    def test_the_time_is_looked_at_when_the_file_is_open(
        self, tmp_path: Path, files: list[File]
    ) -> None:
        file = PlannedFile(5, "0.bin", files[0].path, None, 10**9)
        for work in (read_verified, lambda file: copy_verified(file, tmp_path / "out")):
            with pytest.raises(FileError, match=r"^0\.bin has changed since it was pl"):
                work(file)


def planned(pipeline: NightlyPipeline, handler: Any, ledger: Path) -> None:
    """Plan a night, and let nothing of it be done."""

    class NoPoolError(Exception):
        pass

    def stop() -> Any:
        raise NoPoolError

    with pytest.raises(NoPoolError):
        pipeline.run(handler, ledger=ledger, executor=stop, progress=False)


class TestAnotherNight:
    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"capacity": 20}, "its capacity is 10, not 20"),
            ({"strategy": FirstFit()}, "its strategy is 'NextFit()', not 'FirstFit()'"),
            ({"oversize": "raise"}, "its oversize is 'alone', not 'raise'"),
            ({"files": [5, 5]}, "its number of files is 3, not 2"),
            ({"files": [5, 5, 4]}, "files[2] has size 5, not 4"),
            (
                {
                    "files": [
                        File(5, "night-000-file-000.bin"),
                        File(5, "x"),
                        File(5, "y"),
                    ]
                },
                "files[1] has name 'night-000-file-001.bin', not 'x'",
            ),
        ],
    )
    def test_it_is_refused_and_the_ledger_left_as_it_is(
        self, ledger: Path, change: dict[str, Any], found: str
    ) -> None:
        run(night_of([5, 5, 5]), len, ledger)
        self.refused(night_of(**{"files": [5, 5, 5], **change}), len, ledger, found)

    def test_another_handler_is_another_night(
        self, tmp_path: Path, ledger: Path, files: list[File]
    ) -> None:
        run(night_of(files), CopyFiles(tmp_path / "out"), ledger)
        here, there = str(tmp_path / "out"), str(tmp_path / "there")
        found = f"its copy_to is {here!r}, not {there!r}"
        self.refused(night_of(files), CopyFiles(there), ledger, found)
        found = "its handler is 'mds_sim.files.copying.CopyFiles', not 'read'"
        self.refused(night_of(files), ReadFiles(), ledger, found)

    def test_a_file_that_was_known_with_other_bytes(
        self, ledger: Path, files: list[File]
    ) -> None:
        run(night_of(files), None, ledger)
        bare = [File(5, file.name, file.path) for file in files]
        run(night_of(bare), None, ledger)  # not known: no other night
        bare[1] = File(5, bare[1].name, bare[1].path, "ab" * 32)
        found = f"files[1] has sha256 {files[1].sha256!r}, not {'ab' * 32!r}"
        self.refused(night_of(bare), None, ledger, found)

    def test_new_chance_is_a_new_night_but_not_of_its_service_times(
        self, ledger: Path
    ) -> None:
        pipeline = night_of([5] * 4, service=Exponential(3.0))
        first = run(pipeline, len, ledger, rng=1)
        assert run(pipeline, len, ledger, rng=2).same_as(first)

    @staticmethod
    def refused(
        pipeline: NightlyPipeline, handler: Any, ledger: Path, found: str
    ) -> None:
        before = ledger.read_bytes()
        message = (
            f"ledger {str(ledger)!r} must be of this night, but {found}; go on with "
            "what it planned by resume(ledger, handler), or --resume on the command "
            "line, or name a new ledger"
        )
        with pytest.raises(LedgerError, match=f"^{re.escape(message)}$"):
            run(pipeline, handler, ledger)
        assert ledger.read_bytes() == before

    def test_a_handler_that_cannot_be_called_makes_no_ledger(
        self, ledger: Path
    ) -> None:
        message = "^handler must be callable or None, got 'x'$"
        with pytest.raises(TypeError, match=message):
            run(night_of([5]), "x", ledger)
        assert not ledger.exists()

    def test_paths_are_kept_whole(
        self, tmp_path: Path, ledger: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_files(tmp_path / "in", [5], ["a"])
        monkeypatch.chdir(tmp_path)
        files = [File(5, "a", Path("in/a"))]
        run(night_of(files), CopyFiles(Path("out")), "night.db")
        with Ledger(ledger) as book:
            (item,) = book.items
            assert book.facts["copy_to"] == str(tmp_path / "out")
        assert item == PlannedItem(
            0, "a", 5, str(tmp_path / "in" / "a"),
            (tmp_path / "in" / "a").stat().st_mtime_ns, None,
        )  # fmt: skip


FULL = """
import resource, sys
from mds_sim.files import NightlyPipeline, NextFit, CopyFiles, scan_files
night = NightlyPipeline(scan_files(sys.argv[1]), NextFit(), 100, workers=2)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
record = night.run(CopyFiles(sys.argv[2]), ledger=sys.argv[3], progress=False)
print(*record.failures, sep="\\n")
"""


@posix_only
class TestTheDiskIsFull:
    def full(self, tmp_path: Path, limit: int) -> Any:
        """Run a night in a process that cannot write files beyond a size."""
        paths = [str(tmp_path / name) for name in ("in", "out", "night.db")]
        words = [sys.executable, "-c", FULL, *paths, str(limit)]
        return subprocess.run(words, capture_output=True, check=False, text=True)

    def test_for_a_file_it_is_that_file_that_failed(
        self, tmp_path: Path, ledger: Path
    ) -> None:
        write_files(tmp_path / "in", [50, 300_000, 50, 50], rng=1)
        run = self.full(tmp_path, 200_000)
        target = str(tmp_path / "out" / "file-001.bin")
        error = f"cannot be written to {target!r}: File too large"
        assert run.stdout == f"job 1, item 1: FileError: file-001.bin {error}\n"
        assert len(state(tmp_path / "out")) == 3
        again = self.full(tmp_path, 400_000)
        assert again.stdout == "\n"
        assert len(state(tmp_path / "out")) == 4

    def test_for_the_ledger_no_other_bucket_is_begun_and_nothing_is_lost(
        self, tmp_path: Path, ledger: Path
    ) -> None:
        write_files(tmp_path / "in", [50] * 200, rng=1)
        stopped = self.full(tmp_path, 150_000)
        assert re.fullmatch(
            r"mds_sim\.core\._ledger_file\.LedgerError: ledger '\S+' must be written, "
            r"but it said (disk I/O error|database or disk is full); nothing is lost: "
            r"make room, and run the same night again",
            stopped.stderr.splitlines()[-1],
        )
        copied = state(tmp_path / "out")
        assert 0 < len(copied) < 200
        with Ledger(ledger) as book:
            assert 0 < len(book.pending()) < 100
        assert self.full(tmp_path, 10**9).stdout == "\n"
        now = state(tmp_path / "out")
        assert len(now) == 200
        assert {name: now[name] for name in copied} == copied


class TestADestination:
    def test_a_relative_one_is_meant_here_wherever_the_workers_are(
        self, tmp_path: Path, files: list[File], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("base", "here"):
            (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / "base")
        with ProcessPoolExecutor(2) as pool:
            assert pool.submit(os.getcwd).result() == str(tmp_path / "base")
            monkeypatch.chdir(tmp_path / "here")
            night = night_of(files)
            run(night, CopyFiles(Path("out")), "n.db", executor=pool, clock=WallClock())
        assert len(list((tmp_path / "here" / "out").rglob("*.bin"))) == 6
        assert list((tmp_path / "base").iterdir()) == []

    def test_threads_do_not_care_where_the_process_goes(
        self, tmp_path: Path, files: list[File], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Copies(CopyFiles):  # one of a user's own
            def __call__(self, bucket: Bucket) -> list[Path]:
                os.chdir(tmp_path / "in")
                return super().__call__(bucket)

        monkeypatch.chdir(tmp_path)
        run(night_of(files), Copies(Path("out")), "n.db")
        assert len(list((tmp_path / "out").rglob("*.bin"))) == 6

    @pytest.mark.parametrize("what", ["file", "loop", "own", "all file", "all loop"])
    @posix_only
    def test_a_bad_one_is_named_by_its_files_and_all_others_are_copied(
        self, tmp_path: Path, ledger: Path, files: list[File], what: str
    ) -> None:
        out = tmp_path / "out"
        planned(night_of(files), CopyFiles(out), ledger)
        with Ledger(ledger) as book:
            mark = book.facts["mark"]
        bad = out if what.startswith("all") else out / "deep"
        bad.parent.mkdir(exist_ok=True)
        if what.endswith("file"):
            bad.touch()
        elif what.endswith("loop"):
            bad.symlink_to(bad.name)
        else:
            for digit in "01234567":  # in whatever order they are found
                (bad / f".{mark}0000000{digit}.part").mkdir(parents=True)
                (bad / f".{mark}1111111{digit}.part").touch()
        record = resume(ledger, progress=False, clock=VirtualClock()).check()
        expected = {"own": [], "file": [1, 3, 5], "loop": [1, 3, 5]}
        assert not list(out.glob("**/.*1111*.part"))
        rows = sorted(failure.item or 0 for failure in record.failures)
        assert rows == expected.get(what, list(range(6)))
        assert all(f"to {str(out)!r}"[:-1] in failure.error or "leads out" in
                   failure.error for failure in record.failures)  # fmt: skip

    def test_a_ledger_is_not_kept_among_the_copies_or_the_files(
        self, tmp_path: Path, files: list[File]
    ) -> None:
        out = str(tmp_path / "out")
        path = tmp_path / "out" / "night.db"
        message = (
            f"ledger must be outside the folder of the copies {out!r}, got "
            f"{str(path)!r}; a copy could want its name: keep it beside it"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            run(night_of(files), CopyFiles(out), path)  # type: ignore[arg-type]
        path = path_of(files[1])
        path.unlink()
        message = (
            f"ledger must be none of the files, but files[1] is {str(path)!r}; name "
            "another ledger"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            run(night_of(files), None, path)
        assert not path.exists()


class TestCopiesThatWereDone:
    @pytest.fixture
    def out(self, tmp_path: Path, ledger: Path, files: list[File]) -> Path:
        run(night_of(files), CopyFiles(tmp_path / "out"), ledger)
        return tmp_path / "out"

    def test_one_that_is_gone_is_made_again_and_no_other_is_touched(
        self, ledger: Path, out: Path, files: list[File]
    ) -> None:
        (out / "2.bin").unlink()
        before = state(out)
        assert run(night_of(files), CopyFiles(out), ledger).failures == ()
        now = state(out)
        del now["2.bin"]
        assert now == before
        with Ledger(ledger) as book:
            assert book.outcomes(range(3)) == {"copied": 5, "verified": 1}

    @pytest.mark.parametrize("change", ["size", "link", "folder"])
    @posix_only
    def test_one_that_has_changed_has_failed_and_is_left_alone(
        self, ledger: Path, out: Path, files: list[File], change: str
    ) -> None:
        target = out / "2.bin"
        if change == "size":
            target.write_bytes(b"longer than it was")
        else:
            target.unlink()
            # A link to five characters has the size of the copy.
            target.symlink_to("0.bin") if change == "link" else target.mkdir()
        before = state(out)
        for _ in range(2):
            (failure,) = resume(ledger, progress=False).failures
            assert (failure.job, failure.item) == (1, 2)
            rule = "have a copy of its own" if change == "link" else "not overwrite"
            assert failure.error.startswith(f"FileError: 2.bin must {rule}")
        assert state(out) == before

    def test_one_of_equal_size_is_noticed_if_all_are_read(
        self, ledger: Path, out: Path
    ) -> None:
        (out / "2.bin").write_bytes(b"other")
        assert resume(ledger, progress=False).failures == ()
        (failure,) = resume(ledger, progress=False, verify=True).failures
        assert failure == Failure(
            1, 2, f"FileError: 2.bin must not overwrite another file, "
                  f"{str(out / '2.bin')!r}")  # fmt: skip
        assert (out / "2.bin").read_bytes() == b"other"

    def test_a_run_that_is_killed_then_says_what_it_found(
        self, ledger: Path, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (out / "2.bin").unlink()
        with pytest.raises(ZeroDivisionError):
            resume(ledger, progress=False, executor=lambda *_: 1 // 0)
        with Ledger(ledger) as book:
            assert book.pending() == [1]
            text = f"was copied, but its copy is gone from {str(out / '2.bin')!r}"
            assert book.record().failures == (
                Failure(1, 2, f"FileError: 2.bin {text}"),
            )
            message = f"job must be done in {str(ledger)!r}, got 1"
            with pytest.raises(LedgerError, match=f"^{re.escape(message)}$"):
                book.reopen({0: [(0, "x")], 1: [(2, "x")]})
            assert book.pending() == [1]


class PlainRule:
    """A strategy without words of its own."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.order = Order()

    def assign(self, sizes: Any, capacity: int) -> Any:
        return np.arange(sizes.size) // self.most


class Order:
    """A part of a strategy without words of its own."""


@dataclass(frozen=True)
class ByKey:
    """A strategy with words, in which there is an address."""

    key: Callable[[int], int]

    def assign(self, sizes: Any, capacity: int) -> Any:
        return np.arange(sizes.size)


class TestGoOn:
    def test_with_what_was_planned_when_files_come_and_go_and_grow(
        self, tmp_path: Path, ledger: Path, files: list[File]
    ) -> None:
        planned(night_of(files), CopyFiles(tmp_path / "out"), ledger)
        write_files(tmp_path / "in", [5], ["new.bin"], rng=2)
        path_of(files[0]).unlink()
        longer(path_of(files[3]))
        now = scan_files(tmp_path / "in")
        with pytest.raises(
            LedgerError, match=r"; go on with what it planned by resume"
        ):
            run(night_of(now), CopyFiles(tmp_path / "out"), ledger)
        record = resume(ledger, clock=VirtualClock(), progress=False).check()
        assert [(f.job, f.item) for f in record.failures] == [(0, 0), (1, 3)]
        copied = {path.name for path in (tmp_path / "out").rglob("*.bin")}
        assert copied == {"1.bin", "2.bin", "4.bin", "5.bin"}

    def test_with_a_handler_of_ones_own_and_a_night_of_chance(
        self, ledger: Path
    ) -> None:
        NightlyPipeline().run(Flaky(0), ledger=ledger, progress=False)
        with pytest.raises(
            LedgerError, match=r"; go on with what it planned by resume"
        ):
            NightlyPipeline().run(Flaky(), ledger=ledger, progress=False)
        calls: list[int] = []
        record = resume(
            ledger, lambda bucket: calls.append(bucket.index), workers=3, progress=False
        )
        assert calls == [0]
        assert record.check().failures == ()

    def test_without_the_handler_that_it_needs(self, ledger: Path) -> None:
        run(night_of([5]), len, ledger)
        message = (
            f"handler must be given to go on with {str(ledger)!r}: it is of a night "
            "that calls builtins.len; call mds_sim.files.resume(ledger, handler)"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            resume(ledger, progress=False)

    def test_with_another_handler_than_to_copy_or_to_read(
        self, tmp_path: Path, ledger: Path, files: list[File]
    ) -> None:
        run(night_of(files), CopyFiles(tmp_path / "out"), ledger)
        for handler in (len, ReadFiles(), CopyFiles(tmp_path / "there")):
            with pytest.raises(LedgerError, match=r" its copy_to is '\S+out', not "):
                resume(ledger, handler, progress=False)
        run(night_of(files), ReadFiles(), tmp_path / "other.db")
        with pytest.raises(LedgerError, match=r" its handler is 'read', not 'builtins"):
            resume(tmp_path / "other.db", len, progress=False)
        assert resume(tmp_path / "other.db", progress=False).failures == ()

    def test_with_a_plan_that_was_made_by_hand(
        self, tmp_path: Path, ledger: Path
    ) -> None:
        for handler, state in ((None, "handled"), (CopyFiles(tmp_path / "out"), "fai")):
            path = tmp_path / f"{state}.db"
            with Ledger(path) as book:
                jobs, items = [PlannedJob(0, 0.0)], [PlannedItem(0, "a", 6)]
                book.plan(jobs, items, workers=1)
                resume(book, handler, progress=False)
                (found,) = book.outcomes([0])
                assert found.startswith(state)

    def test_without_a_plan(self, ledger: Path) -> None:
        message = f"^ledger {re.escape(repr(str(ledger)))} must have a plan first$"
        with pytest.raises(LedgerError, match=message):
            resume(ledger, progress=False)

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: PlainRule(2), "PlainRule(most=2, order=Order())"),
            (lambda: ByKey(lambda size: -size),
             "ByKey(key=<function TestGoOn.<lambda>.<locals>.<lambda>>)"),
        ],
    )  # fmt: skip
    def test_a_strategy_is_known_by_kind_and_parameters_not_by_an_address(
        self, ledger: Path, make: Any, words: str
    ) -> None:
        run(night_of([5] * 4, strategy=make()), len, ledger)
        with Ledger(ledger) as book:
            assert book.facts["strategy"] == words
        run(night_of([5] * 4, strategy=make()), len, ledger)
        with pytest.raises(LedgerError, match=r"its strategy is "):
            run(night_of([5] * 4, strategy=PlainRule(1)), len, ledger)

    def test_an_error_without_a_text_is_kept(self, ledger: Path) -> None:
        class MuteError(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        def mute(bucket: Bucket) -> None:
            raise MuteError

        (failure,) = run(night_of([5]), mute, ledger).failures
        assert failure.error == "MuteError: (its text cannot be read)"
