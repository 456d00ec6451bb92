"""Reading and copying for real: whole, proved, and honest about each failure."""

import errno
import hashlib
import os
import pickle
import re
import shutil
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mds_sim.files import _disk, copying
from mds_sim.files.copying import (
    CopyFiles,
    EachFile,
    FileError,
    ReadFiles,
    copy_verified,
    read_verified,
)
from mds_sim.files.file import Bucket, File, scan_files
from mds_sim.files.source import write_files

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX file system")
Spoil = Callable[[Path], object]
Work = Callable[[File, Path], object]


@pytest.fixture
def file(tmp_path: Path) -> File:
    """Return a file of three chunks, in a folder of its own."""
    size = 2 * copying.CHUNK + 5
    return write_files(tmp_path / "in", [size], names=["day/a.bin"], rng=1)[0]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def path_of(file: File) -> Path:
    assert file.path is not None
    return file.path


def left_in(folder: Path) -> list[str]:
    """Return the names of all files, temporary ones too."""
    return sorted(path.name for path in folder.rglob("*") if not path.is_dir())


def read(file: File, out: Path) -> object:
    return read_verified(file)


BOTH = pytest.mark.parametrize("work", [read, copy_verified])


class TestAllIsWell:
    def test_the_digest_is_that_of_the_bytes(self, file: File) -> None:
        digest = hashlib.sha256(path_of(file).read_bytes()).hexdigest()
        assert read_verified(file) == digest == file.sha256

    def test_the_copy_is_equal_and_keeps_its_folders(
        self, file: File, out: Path
    ) -> None:
        copy = copy_verified(file, str(out))
        assert copy == out / "day" / "a.bin"
        assert copy.read_bytes() == path_of(file).read_bytes()
        assert [found.name for found in scan_files(out)] == ["day/a.bin"]

    @BOTH
    def test_the_digest_need_not_be_known(
        self, file: File, out: Path, work: Work
    ) -> None:
        work(File(file.size_bytes, file.name, file.path), out)

    @BOTH
    def test_a_file_of_zero_bytes(self, tmp_path: Path, out: Path, work: Work) -> None:
        work(write_files(tmp_path / "zero", [0])[0], out)

    def test_an_equal_copy_that_is_there_already_is_left_alone(
        self, file: File, out: Path
    ) -> None:
        copy = copy_verified(file, out)
        copy.chmod(0o640)
        os.utime(copy, (1, 1))
        before = copy.stat()
        assert copy_verified(file, out) == copy
        after = copy.stat()
        assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, 10**9)
        assert after.st_ino == before.st_ino

    def test_a_folder_that_is_copied_onto_itself_is_no_copy_and_stays_as_it_is(
        self, file: File
    ) -> None:
        folder = path_of(file).parent
        os.utime(path_of(file), (1, 1))
        os.utime(folder, (1, 1))
        message = (
            f"day/a.bin must have a copy of its own, but {str(file.path)!r} is the "
            "same file; name another destination"
        )
        with pytest.raises(FileError, match=f"^{re.escape(message)}$"):
            copy_verified(file, folder.parent)
        assert path_of(file).stat().st_mtime_ns == 10**9
        assert folder.stat().st_mtime_ns == 10**9  # no temporary file was in it

    @posix_only
    def test_the_copy_is_on_the_disk_before_its_name_and_all_names_above_after(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        events = watch_syncs(monkeypatch, out)
        copy_verified(file, out)
        assert events[:5] == ["file", "name", "day", "out", out.parent.name]

    @posix_only
    def test_an_equal_copy_that_is_there_is_brought_to_the_disk_with_its_names(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy_verified(file, out)  # and perhaps the power failed half way
        events = watch_syncs(monkeypatch, out)
        copy_verified(file, out)
        assert events[:4] == ["file", "day", "out", out.parent.name]

    @posix_only
    def test_a_folder_above_that_cannot_be_read_is_not_ours_to_bring_to_the_disk(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced = []

        def sync(folder: Path) -> None:
            if folder == out.parent:
                raise PermissionError(errno.EACCES, "Permission denied")
            synced.append(folder)

        monkeypatch.setattr(_disk, "sync_folder", sync)
        assert copy_verified(file, out).exists()
        assert synced[:2] == [out / "day", out]

    @posix_only
    def test_what_else_is_wrong_with_a_folder_above_is_said(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def sync(folder: Path) -> None:
            if folder == out.parent:
                raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(_disk, "sync_folder", sync)
        with pytest.raises(FileError, match=r": Input/output error$"):
            copy_verified(file, out)

    def test_a_bucket_brings_each_folder_to_the_disk_once_and_no_new_one_is_forgotten(
        self, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = ["a/1", "a/2", "b/3"]
        bucket = Bucket(0, tuple(write_files(tmp_path / "in", [1] * 3, names)), 9)
        synced: list[Path] = []
        monkeypatch.setattr(_disk, "sync_folder", synced.append)
        CopyFiles(out)(bucket)
        above = list(out.parents)
        assert synced == [out / "a", out, *above, out / "a", out / "b", out]


def watch_syncs(monkeypatch: pytest.MonkeyPatch, out: Path) -> list[str]:
    """Return a list that tells what is written to the disk and named, in order."""
    events: list[str] = []
    fsync, placed, sync_folder = os.fsync, copying.placed, _disk.sync_folder

    def sync(number: int) -> None:
        if stat.S_ISREG(os.fstat(number).st_mode):
            events.append("file")
        fsync(number)

    def place(temporary: Path, target: Path) -> bool:
        events.append("name")
        return placed(temporary, target)

    def folder(path: Path) -> None:
        events.append(path.name)
        sync_folder(path)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(copying, "placed", place)
    monkeypatch.setattr(_disk, "sync_folder", folder)
    return events


def _into_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _into_file(path: Path) -> None:
    """Put a file in the place of the folder that holds `path`."""
    path.unlink()
    path.parent.rmdir()
    path.parent.write_bytes(b"")


def _into_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _append(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"more")


def _append_much(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(bytes(3 * copying.CHUNK))


def _truncate(path: Path) -> None:
    path.write_bytes(b"less")


def _flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


SIZE = 2 * copying.CHUNK + 5
SPOILS = [
    pytest.param(Path.unlink, "has vanished from 'PATH'", id="vanished"),
    pytest.param(_into_folder, "is a folder at 'PATH'", id="folder"),
    pytest.param(
        _into_file,
        "cannot be read from 'PATH': Not a directory",
        id="unreadable",
        marks=posix_only,
    ),
    pytest.param(
        _into_pipe, "is no regular file at 'PATH'", id="pipe", marks=posix_only
    ),
    pytest.param(
        _append,
        f"has changed its size since it was packed, from {SIZE} to {SIZE + 4} bytes",
        id="grown",
    ),
    pytest.param(
        _append_much,
        "has changed its size since it was packed, "
        f"from {SIZE} to {SIZE + 3 * copying.CHUNK} bytes",
        id="grown by chunks",
    ),
    pytest.param(
        _truncate,
        f"has changed its size since it was packed, from {SIZE} to 4 bytes",
        id="shrunk",
    ),
    pytest.param(
        _flip,
        "has changed its content, SHA-256 from OLD... to NEW...",
        id="changed",
    ),
]


@BOTH
class TestSomethingIsWrong:
    @pytest.mark.parametrize(("spoil", "reason"), SPOILS)
    def test_the_error_names_the_file_and_what_is_wrong(
        self, file: File, out: Path, work: Work, spoil: Spoil, reason: str
    ) -> None:
        path = path_of(file)
        spoil(path)
        if path.is_file():
            new = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            reason = reason.replace("NEW", new)
        reason = reason.replace("OLD", str(file.sha256)[:12])
        reason = reason.replace("'PATH'", repr(str(path)))
        self.fails(work, file, out, reason)

    def test_no_permission(
        self, file: File, out: Path, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Tests may run as root, whom no permission stops.
        look = Path.open

        def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:
            if path == file.path:
                raise PermissionError(errno.EACCES, "Permission denied")
            return look(path, *args, **kwargs)

        monkeypatch.setattr(Path, "open", refuse)
        where = repr(str(file.path))
        self.fails(work, file, out, f"cannot be read from {where}: Permission denied")

    def test_the_disk_fails_half_way(
        self, file: File, out: Path, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class BadDisk:
            def __init__(self, stream: Any) -> None:
                self.stream = stream

            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                self.stream.close()

            def fileno(self) -> Any:
                return self.stream.fileno()

            def read(self, size: int) -> Any:
                if self.stream.tell():
                    raise OSError(errno.EIO, "Input/output error")
                return self.stream.read(size)

        look = Path.open

        def spoiled(path: Path, mode: str) -> Any:
            stream = look(path, mode)
            return BadDisk(stream) if path == file.path else stream

        monkeypatch.setattr(Path, "open", spoiled)
        where = repr(str(file.path))
        self.fails(work, file, out, f"cannot be read from {where}: Input/output error")

    def test_a_file_that_grows_while_it_is_read(
        self, file: File, out: Path, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reading = copying._read

        def growing(file: File, path: Path, stream: Any) -> bytes:
            _append(path)  # for ever, if nobody stops
            return reading(file, path, stream)

        monkeypatch.setattr(copying, "_read", growing)
        reason = (
            "has changed its size since it was packed, "
            f"from {SIZE} to {SIZE + 12} bytes"
        )
        self.fails(work, file, out, reason)

    @pytest.mark.parametrize("is_known", [True, False])
    def test_a_file_that_is_rewritten_while_it_is_read(
        self,
        file: File,
        out: Path,
        work: Work,
        monkeypatch: pytest.MonkeyPatch,
        is_known: bool,
    ) -> None:
        os.utime(path_of(file), (1, 1))
        reading = copying._read

        def rewriting(file: File, path: Path, stream: Any) -> bytes:
            chunk = reading(file, path, stream)
            path.write_bytes(bytes(file.size_bytes))
            return chunk

        monkeypatch.setattr(copying, "_read", rewriting)
        sha256 = file.sha256 if is_known else None
        file = File(file.size_bytes, file.name, file.path, sha256)
        self.fails(work, file, out, "has changed while it was read")

    def test_a_path_that_no_file_can_have(self, out: Path, work: Work) -> None:
        reason = "cannot be read from 'a\\x00b': "
        with pytest.raises(FileError, match=re.escape(reason)):
            work(File(5, "a.bin", Path("a\0b")), out)
        assert left_in(out) == []

    def test_no_path(self, out: Path, work: Work) -> None:
        self.fails(work, File(5, "a.bin"), out, "has no path to read it from")

    @staticmethod
    def fails(work: Work, file: File, out: Path, reason: str) -> None:
        """Expect the error, and nothing left behind."""
        with pytest.raises(FileError) as caught:
            work(file, out)
        assert str(caught.value) == f"{file.name} {reason}"
        assert caught.value.file is file
        assert caught.value.reason == reason
        assert left_in(out) == []


class TestTheCopyIsWrong:
    @pytest.mark.parametrize("name", ["../a.bin", "/a.bin", "a/../../b.bin"])
    def test_a_name_that_leads_out(self, file: File, out: Path, name: str) -> None:
        stray = File(file.size_bytes, name, file.path)
        self.fails(stray, out, "has a name that leads out of the destination")
        assert not out.exists()

    def test_a_copy_that_reads_otherwise(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "fsync", lambda number: os.truncate(number, 5))
        where = repr(str(out / "day" / "a.bin"))
        self.fails(file, out, f"was written to {where}, but reads otherwise")
        assert left_in(out) == []

    @posix_only
    @pytest.mark.parametrize("is_hard", [True, False])
    def test_a_link_to_the_original_is_no_copy(
        self, file: File, out: Path, is_hard: bool
    ) -> None:
        target = out / "day" / "a.bin"
        target.parent.mkdir(parents=True)
        (target.hardlink_to if is_hard else target.symlink_to)(path_of(file))
        reason = (
            "the same file; name another destination"
            if is_hard
            else "a link; move the link away"
        )
        where = repr(str(target))
        self.fails(file, out, f"must have a copy of its own, but {where} is {reason}")
        assert target.is_symlink() != is_hard

    @posix_only
    def test_a_link_to_an_equal_file_elsewhere_is_no_copy(
        self, file: File, out: Path, tmp_path: Path
    ) -> None:
        elsewhere = copy_verified(file, tmp_path / "elsewhere")
        target = out / "day" / "a.bin"
        target.parent.mkdir(parents=True)
        target.symlink_to(elsewhere)
        reason = "is a link; move the link away"
        where = repr(str(target))
        self.fails(file, out, f"must have a copy of its own, but {where} {reason}")

    def test_another_file_is_not_overwritten(self, file: File, out: Path) -> None:
        (out / "day").mkdir(parents=True)
        (out / "day" / "a.bin").write_bytes(b"precious")
        where = repr(str(out / "day" / "a.bin"))
        self.fails(file, out, f"must not overwrite another file, {where}")
        assert (out / "day" / "a.bin").read_bytes() == b"precious"
        assert left_in(out) == ["a.bin"]

    @pytest.mark.parametrize("has_links", [True, False])
    @pytest.mark.parametrize("is_equal", [True, False])
    def test_another_file_that_comes_at_the_last_moment_is_not_overwritten(
        self,
        file: File,
        out: Path,
        monkeypatch: pytest.MonkeyPatch,
        has_links: bool,
        is_equal: bool,
    ) -> None:
        target = out / "day" / "a.bin"
        content = path_of(file).read_bytes() if is_equal else b"precious"

        def rival(*_: object) -> None:
            target.write_bytes(content)
            os.utime(target, (1, 1))

        monkeypatch.setattr(shutil, "copystat", rival)
        if not has_links:
            refuse_links(monkeypatch)
        if is_equal:
            assert copy_verified(file, out) == target
        else:
            where = repr(str(target))
            self.fails(file, out, f"must not overwrite another file, {where}")
        assert target.read_bytes() == content
        assert target.stat().st_mtime_ns == 10**9
        assert left_in(out) == ["a.bin"]

    def test_threads_take_turns_where_there_are_no_links(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        turns = []
        replace = Path.replace

        def watched(path: Path, target: Path) -> Path:
            turns.append(_disk._renaming.locked())
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", watched)
        refuse_links(monkeypatch)
        assert copy_verified(file, out).read_bytes() == path_of(file).read_bytes()
        assert turns == [True]
        assert left_in(out) == ["a.bin"]

    def test_two_threads_that_copy_to_one_name_lose_no_file(
        self, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = [
            write_files(tmp_path / folder, [9], names=["x"], rng=seed)[0]
            for seed, folder in enumerate("ab")
        ]
        both = threading.Barrier(2)
        copystat = shutil.copystat

        def together(source: Path, copy: Path) -> None:
            copystat(source, copy)
            both.wait(60)  # neither has its name yet, and both want it

        monkeypatch.setattr(shutil, "copystat", together)
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(copy_verified, file, out) for file in files]
        errors = [future.exception() for future in futures]
        (winner,) = (f for f, error in zip(files, errors, strict=True) if not error)
        (error,) = filter(None, errors)
        assert "must not overwrite another file" in str(error)
        assert (out / "x").read_bytes() == path_of(winner).read_bytes()
        assert left_in(out) == ["x"]

    @posix_only
    @pytest.mark.parametrize("name", ["\ud800", "\ud800/a.bin"])
    def test_a_name_that_no_file_can_have(
        self, file: File, out: Path, name: str
    ) -> None:
        with pytest.raises(FileError, match=r"surrogates not allowed$"):
            copy_verified(File(file.size_bytes, name, file.path), out)
        assert left_in(out) == []

    def test_the_destination_is_a_file(self, file: File, out: Path) -> None:
        out.write_bytes(b"")
        with pytest.raises(FileError, match=r"^day/a\.bin cannot be written to "):
            copy_verified(file, out)

    def test_the_disk_is_full(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(number: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        where = repr(str(out / "day" / "a.bin"))
        self.fails(file, out, f"cannot be written to {where}: No space left on device")
        assert left_in(out) == []

    def test_an_interrupt_leaves_nothing_behind(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object) -> bytes:
            raise KeyboardInterrupt

        monkeypatch.setattr(copying, "_read", interrupt)
        with pytest.raises(KeyboardInterrupt):
            copy_verified(file, out)
        assert left_in(out) == []

    @staticmethod
    def fails(file: File, out: Path, reason: str) -> None:
        with pytest.raises(FileError) as caught:
            copy_verified(file, out)
        assert str(caught.value) == f"{file.name} {reason}"
        assert caught.value.file is file


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file system have no hard links."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "rename" if os.name == "nt" else "link", refuse)


class TestHandlers:
    @pytest.fixture
    def bucket(self, tmp_path: Path) -> Bucket:
        files = write_files(tmp_path / "in", [5, 6, 7, 8, 0], rng=1)
        return Bucket(4, tuple(files), capacity=100)

    def test_copy_all(self, bucket: Bucket, out: Path) -> None:
        copies = CopyFiles(out)(bucket)
        assert copies == [out / file.name for file in bucket]
        for file, copy in zip(bucket, copies, strict=True):
            assert copy.read_bytes() == path_of(file).read_bytes()

    def test_read_all(self, bucket: Bucket) -> None:
        assert ReadFiles()(bucket) == [file.sha256 for file in bucket]

    def test_no_files(self, out: Path) -> None:
        empty = Bucket(0, (), capacity=10)
        assert CopyFiles(out)(empty) == ReadFiles()(empty) == []

    @pytest.mark.parametrize("handler", [CopyFiles, lambda out: ReadFiles()])
    def test_the_others_are_done_before_the_failures_are_reported(
        self, bucket: Bucket, out: Path, handler: Any
    ) -> None:
        path_of(bucket.files[0]).unlink()
        _append(path_of(bucket.files[2]))
        with pytest.raises(ExceptionGroup) as caught:
            handler(out)(bucket)
        group = caught.value
        assert group.message == "bucket 4: 2 of 5 files failed"
        assert [error.file for error in group.exceptions] == [  # type: ignore[union-attr]
            bucket.files[0],
            bucket.files[2],
        ]
        if out.exists():
            done = [file.name for file in scan_files(out)]
            assert done == ["file-001.bin", "file-003.bin", "file-004.bin"]

    @pytest.mark.parametrize("kind", [ZeroDivisionError, ValueError])
    @pytest.mark.parametrize("handler", [CopyFiles, lambda out: ReadFiles()])
    def test_a_bug_is_not_taken_for_a_bad_file(
        self,
        bucket: Bucket,
        out: Path,
        monkeypatch: pytest.MonkeyPatch,
        handler: Any,
        kind: type[Exception],
    ) -> None:
        def bug(*_: object) -> str:
            raise kind

        monkeypatch.setattr(copying, "_checked", bug)
        with pytest.raises(kind):
            handler(out)(bucket)

    @posix_only
    def test_one_odd_name_stops_no_other_file(self, bucket: Bucket, out: Path) -> None:
        first, *others = bucket.files
        odd = File(first.size_bytes, "\ud800", first.path)
        with pytest.raises(ExceptionGroup) as caught:
            CopyFiles(out)(Bucket(0, (odd, *others), capacity=100))
        (error,) = caught.value.exceptions
        assert isinstance(error, FileError)
        assert error.file is odd
        assert left_in(out) == [file.name for file in others]

    def test_they_are_small_values(self, tmp_path: Path) -> None:
        handler = CopyFiles(str(tmp_path))  # type: ignore[arg-type]
        assert handler == CopyFiles(tmp_path)
        assert pickle.loads(pickle.dumps(handler)) == handler
        assert ReadFiles() == pickle.loads(pickle.dumps(ReadFiles()))

    def test_an_error_travels_between_processes(self) -> None:
        error = pickle.loads(pickle.dumps(FileError(File(5, "a"), "is odd")))
        assert (str(error), error.file) == ("a is odd", File(5, "a"))
        assert re.match("FileError", repr(error))


class TestEachFile:
    def test_it_goes_on_after_a_file_that_fails_and_names_it(self) -> None:
        files = [File(size, name) for size, name in ((6, "a"), (0, "b"), (4, "c"))]
        done = []

        def work(file: File) -> None:
            done.append(12 // file.size_bytes)

        with pytest.raises(ExceptionGroup) as caught:
            EachFile(work)(Bucket(0, tuple(files), 10))
        assert done == [2, 3]
        (failure,) = caught.value.exceptions
        assert isinstance(failure, FileError)
        assert failure.file is files[1]
        assert isinstance(failure.__cause__, ZeroDivisionError)
        assert str(failure).startswith("b failed with ZeroDivisionError: ")

    def test_work_must_be_callable(self) -> None:
        with pytest.raises(TypeError, match=r"^work must be callable, got int$"):
            EachFile(3)


def test_a_scan_leaves_out_what_a_copy_that_was_killed_has_left(
    file: File, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda path: None)
        killed.setattr(copying, "placed", lambda temporary, target: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            copy_verified(file, out)
    assert len(left_in(out)) == 1
    (out / "day" / ".0123.part").touch()  # somebody else's
    assert [found.name for found in scan_files(out)] == ["day/.0123.part"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of Unix")
def test_a_copy_keeps_permissions_and_time(tmp_path: Path) -> None:
    (original,) = write_files(tmp_path / "in", [1000], rng=1)
    original.path.chmod(0o600)
    os.utime(original.path, (10**9, 10**9))
    status = copy_verified(original, tmp_path / "out").stat()
    assert status.st_mode & 0o777 == 0o600
    assert status.st_mtime == 10**9


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of Unix")
def test_nobody_else_may_read_a_copy_that_is_not_ready(
    file: File, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    copystat = shutil.copystat

    def watched(source: Path, copy: Path) -> None:
        modes.append(copy.stat().st_mode & 0o777)
        copystat(source, copy)

    monkeypatch.setattr(shutil, "copystat", watched)
    path_of(file).chmod(0o644)
    assert copy_verified(file, out).stat().st_mode & 0o777 == 0o644
    assert modes == [0o600]
