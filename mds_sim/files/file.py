"""A file, a bucket of files, and how a folder is scanned for them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from mds_sim import _validate
from mds_sim._tables import html_table
from mds_sim.units import counted, format_bytes

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.part")  # as `copy_verified` names them


_FIRST = 10  # files that a page shows


@dataclass(frozen=True)
class File:
    """A file of the night: how large it is, and where it can be found.

    Parameters
    ----------
    size_bytes : int
        Its size [bytes], >= 0.
    name : str
        Its name, for people and for copies: ``day/a.bin`` is copied into ``day``.
    path : path-like, optional
        Where to read it; a simulated file has none.
    sha256 : str, optional
        The SHA-256 of its bytes in 64 hexadecimal digits, if it is known.

    Examples
    --------
    >>> File(2_500_000, "night-000-file-017.bin").name
    'night-000-file-017.bin'
    """

    size_bytes: int
    name: str
    path: Path | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        size = _validate.size("size_bytes", self.size_bytes, least=0)
        object.__setattr__(self, "size_bytes", size)
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a str, got {self.name!r}")
        if not self.name:
            raise ValueError("name must hold at least one character, got ''")
        if self.path is not None:
            object.__setattr__(self, "path", Path(self.path))
        if self.sha256 is not None:
            object.__setattr__(self, "sha256", _digest(self.sha256))


def _digest(sha256: str) -> str:
    """Return a SHA-256 in lower case, or say that it is none."""
    try:
        is_digest = len(bytes.fromhex(sha256)) == 32 and len(sha256) == 64
    except (TypeError, ValueError):
        is_digest = False
    if not is_digest:
        raise ValueError(f"sha256 must be 64 hexadecimal digits, got {sha256!r}")
    return sha256.lower()


@dataclass(frozen=True)
class Bucket:
    """Files that are processed together, as one job.

    Parameters
    ----------
    index : int
        Number of the bucket, >= 0.
    files : sequence of File
    capacity : int
        Room of the bucket [bytes]; only a lone file may be larger.

    Examples
    --------
    >>> bucket = Bucket(0, (File(6, "a"), File(4, "b")), capacity=20)
    >>> bucket.load, bucket.fill, len(bucket)
    (10, 0.5, 2)
    >>> [file.name for file in bucket]
    ['a', 'b']
    """

    index: int
    files: tuple[File, ...]
    capacity: int

    def __post_init__(self) -> None:
        _validate.count("index", self.index, least=0)
        object.__setattr__(self, "files", tuple(self.files))
        capacity = _validate.size("capacity", self.capacity)
        object.__setattr__(self, "capacity", capacity)
        if self.is_oversize and len(self) > 1:
            raise ValueError(
                f"files must fit together in {counted(capacity, 'byte', spec='')}, "
                f"but bucket {self.index} holds {self.load} in "
                f"{counted(len(self), 'file', spec='')}"
            )

    @property
    def load(self) -> int:
        """Bytes in the bucket."""
        return sum(file.size_bytes for file in self.files)

    @property
    def fill(self) -> float:
        """Load over capacity; above 1 for a lone oversize file."""
        return self.load / self.capacity

    @property
    def is_oversize(self) -> bool:
        """Whether it holds more than its capacity: a lone file, too large."""
        return self.load > self.capacity

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[File]:
        return iter(self.files)

    def __repr__(self) -> str:
        load, room = format_bytes(self.load), format_bytes(self.capacity)
        files = counted(len(self), "file", spec="")
        return f"Bucket({self.index}: {files}, {load} of {room})"


@dataclass(frozen=True)
class ScanReport:
    """What a scan found in a folder, and what it left out.

    Attributes
    ----------
    folder : str
    files, bytes : int
        What is in the list.
    links : int
        Symbolic links that were not followed, or lead nowhere.
    twice : int
        Links to a file or a folder that is there already, as in a loop.
    vanished : int
        Files and folders that were gone when the scan looked at them.
    others : int
        Pipes, devices, and the temporary files of `copy_verified`.
    unreadable : tuple of str
        Folders that could not be read, and left out as asked.

    Examples
    --------
    >>> print(ScanReport("inbox", files=2, bytes=3_000_000, links=1))
    inbox: 2 files, 3 MB; left out: 1 link
    """

    folder: str
    files: int = 0
    bytes: int = 0
    links: int = 0
    twice: int = 0
    vanished: int = 0
    others: int = 0
    unreadable: tuple[str, ...] = ()

    def __str__(self) -> str:
        left_out = [
            _counted(self.links, "link"),
            _counted(self.twice, "to what is there already", ""),
            _counted(self.vanished, "that vanished", ""),
            _counted(self.others, "of another kind", ""),
            _counted(len(self.unreadable), "unreadable folder"),
        ]
        words = ", ".join(filter(None, left_out))
        found = f"{self.folder}: {_counted(self.files, 'file') or 'no files'}"
        found = f"{found}, {format_bytes(self.bytes)}"
        named = f" ({', '.join(self.unreadable[:3])})" if self.unreadable else ""
        return f"{found}; left out: {words}{named}" if words else found

    def _repr_html_(self) -> str:
        left_out = {
            "links": self.links,
            "links to what is there": self.twice,
            "vanished": self.vanished,
            "of another kind": self.others,
            "unreadable folders": len(self.unreadable),
        }
        rows = [("files", f"{self.files:,}"), ("bytes", format_bytes(self.bytes))]
        rows += [(f"left out: {what}", f"{n:,}") for what, n in left_out.items()]
        return html_table(self.folder, rows)


def _counted(count: int, what: str, plural: str = "s") -> str:
    """Return how many there are; nothing if there are none."""
    return f"{count:,} {what}{plural * (count != 1)}" if count else ""


class FileList(list[File]):
    """The files of a folder: a list, with a report on the scan.

    Attributes
    ----------
    report : ScanReport

    Examples
    --------
    >>> FileList([File(3, "a")], ScanReport("inbox", 1, 3)).report.files
    1
    """

    def __init__(self, files: Iterable[File], report: ScanReport) -> None:
        super().__init__(files)
        self.report = report

    def _repr_html_(self) -> str:
        rows = [(file.name, format_bytes(file.size_bytes)) for file in self[:_FIRST]]
        hidden = len(self) - len(rows)
        return html_table(str(self.report), rows, ("file", "size"), hidden=hidden)


def scan_files(
    folder: str | os.PathLike[str],
    pattern: str = "*",
    recursive: bool = True,
    *,
    follow_links: bool = False,
    unreadable: str = "raise",
) -> FileList:
    """List the files of a folder with their sizes.

    Parameters
    ----------
    folder : path-like
        An existing folder.
    pattern : str
        Which file names to take, with the wildcards ``*``, ``?`` and ``[...]``.
    recursive : bool
        Look into folders inside the folder as well.
    follow_links : bool, optional
        Take what symbolic links lead to, each file once: a loop ends where it began.
    unreadable : {"raise", "skip"}, optional
        What to do with a folder inside that cannot be read.

    Returns
    -------
    FileList
        A list of `File` in order of their names; ``.report`` says what was left out.
        A file's name is its path inside `folder`, with ``/``; that of a link is the
        link's, and its path leads to the file itself. Devices, pipes, the temporary
        files of `copy_verified` and a file that vanishes during the scan are left
        out.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `folder` does not exist, or is a file.
    OSError
        If a folder inside cannot be read and `unreadable` is not ``"skip"``: none is
        left out in silence.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.bin").write_bytes(b"12345")
    ...     found = scan_files(folder)
    >>> [(file.name, file.size_bytes) for file in found]
    [('a.bin', 5)]
    >>> found.report.files, found.report.links
    (1, 0)
    """
    _validate.choice("unreadable", unreadable, ("raise", "skip"))
    top = Path(folder)
    if not _is_there(top):
        raise FileNotFoundError(f"folder must exist, got {str(top)!r}")
    if not top.is_dir():
        raise NotADirectoryError(f"folder must be a folder, got the file {str(top)!r}")
    scan = _Scan(top, pattern, recursive, follow_links, unreadable == "skip")
    scan.walk(top)
    files = sorted(scan.files, key=lambda file: file.name)
    total = sum(file.size_bytes for file in files)
    names = tuple(sorted(scan.unreadable))
    return FileList(
        files,
        ScanReport(str(top), len(files), total, **scan.left_out, unreadable=names),
    )


def _is_there(folder: Path) -> bool:
    """Tell whether there is such a folder, as far as this user may know."""
    try:
        return folder.exists()
    except PermissionError as error:
        raise PermissionError(
            f"folder must be readable, got {str(folder)!r}: {error.strerror}; "
            "ask its owner, or look at its rights"
        ) from None


class _Scan:
    """What was found in a folder so far."""

    def __init__(
        self, top: Path, pattern: str, recursive: bool, follows: bool, skips: bool
    ) -> None:
        self.top, self.pattern, self.recursive = top, pattern, recursive
        self.follows, self.skips = follows, skips
        self.files: list[File] = []
        self.unreadable: list[str] = []
        self.left_out = {"links": 0, "twice": 0, "vanished": 0, "others": 0}
        self.seen: set[Path] = set()  # without links; kept only to follow them

    def walk(self, folder: Path) -> None:
        """Look into a folder, and then where its links lead."""
        links: list[Path] = []
        for where, folders, names in os.walk(folder, onerror=self._cannot_read):
            here = Path(where)
            if self.follows:
                self.seen.add(_real(here))
            inner = [here / name for name in folders]
            links += [path for path in inner if path.is_symlink()]
            if not self.recursive:
                folders.clear()
                links.clear()
            wanted = [name for name in names if fnmatchcase(name, self.pattern)]
            for name in wanted:
                self._look_at(here / name, links)
        for link in sorted(links):
            self._follow(link)

    def _look_at(self, path: Path, links: list[Path]) -> None:
        """Take a file, if it still is one."""
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            self.left_out["vanished"] += 1
            return
        if stat.S_ISLNK(status.st_mode):
            links.append(path)
        elif not stat.S_ISREG(status.st_mode) or _TEMPORARY.fullmatch(path.name):
            self.left_out["others"] += 1
        else:
            self._take(path, path, status.st_size)

    def _take(self, path: Path, real: Path, size: int) -> None:
        """Put a file on the list."""
        if self.follows:
            if (target := _real(real)) in self.seen:
                self.left_out["twice"] += 1
                return
            self.seen.add(target)
        self.files.append(File(size, path.relative_to(self.top).as_posix(), real))

    def _follow(self, link: Path) -> None:
        """Take what a link leads to, unless it is there already."""
        try:
            real = link.resolve(strict=True) if self.follows else None
        except (OSError, RuntimeError):  # it leads nowhere, or to itself
            real = None
        if real is None:
            self.left_out["links"] += 1
        elif real in self.seen:
            self.left_out["twice"] += 1
        elif real.is_dir():
            self.walk(link)
        else:
            self._take_target(link, real)

    def _take_target(self, link: Path, real: Path) -> None:
        """Take the file that a link leads to, if it still is one."""
        try:
            status = real.stat()
        except (FileNotFoundError, NotADirectoryError):
            self.left_out["vanished"] += 1
            return
        if stat.S_ISREG(status.st_mode):
            self._take(link, real, status.st_size)
        else:
            self.left_out["others"] += 1

    def _cannot_read(self, error: OSError) -> None:
        """Let a folder vanish during the scan; refuse what cannot be read."""
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            self.left_out["vanished"] += 1
        elif self.skips:
            self.unreadable.append(str(error.filename))
        else:
            raise type(error)(
                f"every folder must be readable, but {str(error.filename)!r} is not: "
                f'{error.strerror}; unreadable="skip" leaves it out'
            ) from None


def inside(folder: Path, name: str) -> Path:
    """Return the path of `name` in `folder`, or refuse a name that leads out."""
    path = PurePath(name)
    leads_out = path.anchor or ".." in path.parts or not path.parts or "\0" in name
    target = folder / path
    if leads_out or not _real(target.parent).is_relative_to(_real(folder)):
        raise ValueError(f"must stay inside the folder, got {name!r}")
    return target


def _real(path: Path) -> Path:
    """Follow all symbolic links, as far as the path exists."""
    return Path(os.path.realpath(path))
