"""Reading and copying for real: whole, proved, and honest about each failure."""

import errno
import hashlib
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mds_sim.files import copying
from mds_sim.files.copying import (
    CopyFiles,
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

    def test_an_equal_copy_may_be_there_already(self, file: File, out: Path) -> None:
        assert copy_verified(file, out) == copy_verified(file, out)

    def test_the_copy_is_on_the_disk_before_it_gets_its_name(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        events = []
        fsync, replace = os.fsync, Path.replace
        monkeypatch.setattr(os, "fsync", lambda n: (events.append("fsync"), fsync(n)))
        monkeypatch.setattr(
            Path, "replace", lambda a, b: (events.append("rename"), replace(a, b))
        )
        copy_verified(file, out)
        folder = ["fsync"] if os.name == "posix" else []
        assert events == ["fsync", "rename", *folder]


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
        assert not out.exists() or scan_files(out) == []


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
        assert scan_files(out) == []

    def test_another_file_is_not_overwritten(self, file: File, out: Path) -> None:
        (out / "day").mkdir(parents=True)
        (out / "day" / "a.bin").write_bytes(b"precious")
        where = repr(str(out / "day" / "a.bin"))
        self.fails(file, out, f"must not overwrite another file, {where}")
        assert (out / "day" / "a.bin").read_bytes() == b"precious"
        assert len(scan_files(out)) == 1

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
        assert scan_files(out) == []

    def test_an_interrupt_leaves_nothing_behind(
        self, file: File, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object) -> bytes:
            raise KeyboardInterrupt

        monkeypatch.setattr(copying, "_read", interrupt)
        with pytest.raises(KeyboardInterrupt):
            copy_verified(file, out)
        assert scan_files(out) == []

    @staticmethod
    def fails(file: File, out: Path, reason: str) -> None:
        with pytest.raises(FileError) as caught:
            copy_verified(file, out)
        assert str(caught.value) == f"{file.name} {reason}"
        assert caught.value.file is file


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

    def test_a_bug_is_not_taken_for_a_bad_file(
        self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def bug(*_: object) -> str:
            raise ZeroDivisionError

        monkeypatch.setattr(copying, "_checked", bug)
        with pytest.raises(ZeroDivisionError):
            ReadFiles()(bucket)

    def test_they_are_small_values(self, tmp_path: Path) -> None:
        handler = CopyFiles(str(tmp_path))  # type: ignore[arg-type]
        assert handler == CopyFiles(tmp_path)
        assert pickle.loads(pickle.dumps(handler)) == handler
        assert ReadFiles() == pickle.loads(pickle.dumps(ReadFiles()))

    def test_an_error_travels_between_processes(self) -> None:
        error = pickle.loads(pickle.dumps(FileError(File(5, "a"), "is odd")))
        assert (str(error), error.file) == ("a is odd", File(5, "a"))
        assert re.match("FileError", repr(error))
