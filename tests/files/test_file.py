"""Files, buckets, and what a scan of a folder finds."""

import os
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from mds_sim.files.file import Bucket, File, inside, scan_files

DIGEST = "0123456789abcdef" * 4
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX file system")


class TestFile:
    def test_it_is_a_value(self) -> None:
        file = File(5, "a.bin", "in/a.bin", DIGEST.upper())  # type: ignore[arg-type]
        assert file == File(5, "a.bin", Path("in", "a.bin"), DIGEST)
        assert hash(file) == hash(File(5, "a.bin", Path("in", "a.bin"), DIGEST))
        with pytest.raises(FrozenInstanceError):
            file.size_bytes = 6  # type: ignore[misc]

    def test_a_whole_float_is_a_size(self) -> None:
        assert type(File(1e6, "a").size_bytes) is int  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("arguments", "kind", "message"),
        [
            ((-1, "a"), ValueError, "size_bytes must be >= 0 and finite bytes, got -1"),
            ((0.5, "a"), ValueError, "size_bytes must be whole bytes >= 0, got 0.5"),
            (
                (2**70, "a"),
                ValueError,
                f"size_bytes must be at most 2**63 - 1 bytes, got {2**70}",
            ),
            ((1, ""), ValueError, "name must hold at least one character, got ''"),
            ((1, 7), TypeError, "name must be a str, got 7"),
            (
                (1, "a", None, "abc"),
                ValueError,
                "sha256 must be 64 hexadecimal digits, got 'abc'",
            ),
            (
                (1, "a", None, "xy" * 32),
                ValueError,
                f"sha256 must be 64 hexadecimal digits, got {'xy' * 32!r}",
            ),
            (
                (1, "a", None, 5),
                ValueError,
                "sha256 must be 64 hexadecimal digits, got 5",
            ),
        ],
    )
    def test_bad_input(
        self, arguments: tuple[Any, ...], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            File(*arguments)


class TestBucket:
    def test_it_knows_its_load(self) -> None:
        bucket = Bucket(3, [File(6, "a"), File(4, "b")], capacity=20)  # type: ignore[arg-type]
        assert (bucket.load, bucket.fill, bucket.is_oversize) == (10, 0.5, False)
        assert len(bucket) == 2
        assert [file.name for file in bucket] == ["a", "b"]
        assert repr(bucket) == "Bucket(3: 2 files, 10 B of 20 B)"
        assert bucket == Bucket(3, (File(6, "a"), File(4, "b")), capacity=20)

    def test_a_lone_file_may_be_larger(self) -> None:
        bucket = Bucket(0, (File(25, "a"),), capacity=10)
        assert bucket.is_oversize
        assert bucket.fill == 2.5

    def test_an_exact_fill_is_not_oversize(self) -> None:
        assert not Bucket(0, (File(10, "a"),), capacity=10).is_oversize

    def test_it_may_be_empty(self) -> None:
        assert Bucket(0, (), capacity=10).load == 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((-1, (), 10), "index must be >= 0, got -1"),
            ((0, (), 0), "capacity must be whole bytes >= 1, got 0"),
            (
                (2, (File(6, "a"), File(5, "b")), 10),
                "files must fit together in 10 bytes, but bucket 2 holds 11 in 2 files",
            ),
        ],
    )
    def test_bad_input(self, arguments: tuple[Any, ...], message: str) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            Bucket(*arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, size in [
        ("b.bin", 2),
        ("a.txt", 1),
        ("sub/c.bin", 3),
        ("sub/z/d.bin", 0),
    ]:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    return tmp_path / "in"


class TestScan:
    def test_all_files_in_order_of_their_paths(self, folder: Path) -> None:
        assert scan_files(folder) == [
            File(1, "a.txt", folder / "a.txt"),
            File(2, "b.bin", folder / "b.bin"),
            File(3, "sub/c.bin", folder / "sub" / "c.bin"),
            File(0, "sub/z/d.bin", folder / "sub" / "z" / "d.bin"),
        ]

    def test_by_pattern(self, folder: Path) -> None:
        names = [file.name for file in scan_files(folder, "[bc].bin")]
        assert names == ["b.bin", "sub/c.bin"]

    def test_this_folder_only(self, folder: Path) -> None:
        names = [file.name for file in scan_files(str(folder), recursive=False)]
        assert names == ["a.txt", "b.bin"]

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        assert scan_files(tmp_path) == []

    @posix_only
    def test_links_and_pipes_are_left_out(self, folder: Path) -> None:
        (folder / "link.bin").symlink_to(folder / "b.bin")
        (folder / "linked").symlink_to(folder / "sub", target_is_directory=True)
        (folder / "dangling").symlink_to(folder / "nowhere")
        os.mkfifo(folder / "pipe")
        assert len(scan_files(folder)) == 4

    @pytest.mark.parametrize(
        "vanish", [os.remove, lambda path: _into_file(path.parent)]
    )
    def test_a_file_that_vanishes_is_left_out(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        vanish: Callable[[Path], Any],
    ) -> None:
        look = Path.lstat

        def lstat(path: Path) -> os.stat_result:
            if path.name == "c.bin":
                vanish(path)
            return look(path)

        monkeypatch.setattr(Path, "lstat", lstat)
        assert "sub/c.bin" not in [file.name for file in scan_files(folder)]

    def test_a_folder_that_vanishes_is_left_out(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _refuse(monkeypatch, folder / "sub", FileNotFoundError(2, "gone"))
        assert [file.name for file in scan_files(folder)] == ["a.txt", "b.bin"]

    def test_a_folder_that_cannot_be_read_is_an_error(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Tests may run as root, whom no permission stops.
        _refuse(monkeypatch, folder / "sub", PermissionError(13, "no"))
        with pytest.raises(PermissionError):
            scan_files(folder)

    def test_a_folder_that_cannot_be_read_may_be_left_out(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = PermissionError(13, "no", str(folder / "sub"))
        _refuse(monkeypatch, folder / "sub", error)
        found = scan_files(folder, unreadable="skip")
        assert [file.name for file in found] == ["a.txt", "b.bin"]
        assert str(found.report) == (
            f"{folder}: 2 files, 3 B; left out: 1 unreadable folder ({folder / 'sub'})"
        )
        message = (
            f"every folder must be readable, but {str(folder / 'sub')!r} is not: no; "
            'unreadable="skip" leaves it out'
        )
        with pytest.raises(PermissionError, match=f"^{re.escape(message)}$"):
            scan_files(folder)

    def test_the_report_of_a_plain_folder(self, folder: Path) -> None:
        assert str(scan_files(folder).report) == f"{folder}: 4 files, 6 B"
        assert str(scan_files(folder, "x").report) == f"{folder}: no files, 0 B"

    @posix_only
    def test_what_was_left_out_is_counted(self, folder: Path) -> None:
        (folder / "link.bin").symlink_to(folder / "b.bin")
        (folder / "linked").symlink_to(folder / "sub", target_is_directory=True)
        os.mkfifo(folder / "pipe")
        (folder / ".0123456789abcdef.part").write_bytes(b"x")
        report = scan_files(folder).report
        assert (report.links, report.others, report.twice) == (2, 2, 0)
        assert str(report) == (
            f"{folder}: 4 files, 6 B; left out: 2 links, 2 of another kind"
        )

    @posix_only
    def test_links_may_be_followed_each_file_once(
        self, folder: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        (other / "deep").mkdir(parents=True)
        (other / "deep" / "e.bin").write_bytes(b"12345")
        (folder / "link.bin").symlink_to(folder / "b.bin")  # there already
        (folder / "out").symlink_to(other, target_is_directory=True)
        (folder / "out2").symlink_to(other / "deep", target_is_directory=True)
        (folder / "e2.bin").symlink_to(other / "deep" / "e.bin")
        (other / "deep" / "loop").symlink_to(folder, target_is_directory=True)
        (folder / "self").symlink_to(folder / "self")
        (folder / "nowhere").symlink_to(folder / "none")
        found = scan_files(folder, follow_links=True)
        assert [file.name for file in found] == [
            "a.txt",
            "b.bin",
            "e2.bin",
            "sub/c.bin",
            "sub/z/d.bin",
        ]
        assert found[2] == File(5, "e2.bin", other / "deep" / "e.bin")
        report = found.report
        # link.bin, the file behind it is there; e.bin again; the loop; and out2.
        assert (report.links, report.twice) == (2, 4)
        (folder / "e2.bin").unlink()
        names = [file.name for file in scan_files(folder, follow_links=True)]
        assert names == ["a.txt", "b.bin", "out/deep/e.bin", "sub/c.bin", "sub/z/d.bin"]

    def test_there_are_two_ways_to_treat_unreadable_folders(self, folder: Path) -> None:
        message = "unreadable must be 'raise' or 'skip', got 'ignore'"
        with pytest.raises(ValueError, match=f"^{message}$"):
            scan_files(folder, unreadable="ignore")

    def test_no_folder(self, folder: Path) -> None:
        missing = folder / "missing"
        message = f"folder must exist, got {str(missing)!r}"
        with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
            scan_files(missing)

    def test_a_file_is_no_folder(self, folder: Path) -> None:
        file = folder / "b.bin"
        message = f"folder must be a folder, got the file {str(file)!r}"
        with pytest.raises(NotADirectoryError, match=f"^{re.escape(message)}$"):
            scan_files(file)


def _refuse(monkeypatch: pytest.MonkeyPatch, folder: Path, error: OSError) -> None:
    """Let the system refuse to list a folder."""
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path) == folder:
            raise error
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


def _into_file(folder: Path) -> None:
    """Put a file in the place of a folder."""
    folder.rename(folder.with_name("moved"))
    folder.write_bytes(b"")


class TestInside:
    @pytest.mark.parametrize("name", ["a", "a/b.bin", "a/./b", "..a", "10:30.log"])
    def test_a_good_name(self, tmp_path: Path, name: str) -> None:
        assert inside(tmp_path, name) == tmp_path / name

    @pytest.mark.parametrize("name", ["../a", "a/../../b", "a/..", ".", "/a", "a\0b"])
    def test_a_name_that_leads_out(self, tmp_path: Path, name: str) -> None:
        message = f"must stay inside the folder, got {name!r}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            inside(tmp_path, name)

    def test_an_absolute_name_leads_out_wherever_it_leads(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"^must stay inside the folder, got "):
            inside(tmp_path, str(tmp_path / "a.bin"))

    @posix_only
    def test_a_link_that_leads_out(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "out").symlink_to(tmp_path)
        (tmp_path / "in" / "loop").symlink_to(tmp_path / "in" / "loop")
        with pytest.raises(ValueError, match=r"^must stay inside the folder, got "):
            inside(tmp_path / "in", "out/a.bin")
        assert inside(tmp_path / "in", "loop/a.bin").name == "a.bin"  # no hang
