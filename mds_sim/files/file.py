"""A file, a bucket of files, and how a folder is scanned for them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from mds_sim import _validate
from mds_sim.units import format_bytes

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.part")  # as `copy_verified` names them


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
                f"files must fit together in {capacity} bytes, "
                f"but bucket {self.index} holds {self.load} in {len(self)} files"
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
        return f"Bucket({self.index}: {len(self)} files, {load} of {room})"


def scan_files(
    folder: str | os.PathLike[str], pattern: str = "*", recursive: bool = True
) -> list[File]:
    """List the files of a folder with their sizes.

    Parameters
    ----------
    folder : path-like
        An existing folder.
    pattern : str
        Which file names to take, with the wildcards ``*``, ``?`` and ``[...]``.
    recursive : bool
        Look into folders inside the folder as well.

    Returns
    -------
    list of File
        In order of their paths. A file's name is its path inside `folder`, with
        ``/``. Symbolic links are not followed; devices, pipes, the temporary files
        of `copy_verified` and a file that vanishes during the scan are left out.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `folder` does not exist, or is a file.
    OSError
        If a folder inside cannot be read: none is left out in silence.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.bin").write_bytes(b"12345")
    ...     [(file.name, file.size_bytes) for file in scan_files(folder)]
    [('a.bin', 5)]
    """
    top = Path(folder)
    if not top.exists():
        raise FileNotFoundError(f"folder must exist, got {str(top)!r}")
    if not top.is_dir():
        raise NotADirectoryError(f"folder must be a folder, got the file {str(top)!r}")
    files = []
    for where, folders, names in os.walk(top, onerror=_unless_vanished):
        if not recursive:
            folders.clear()
        wanted = (name for name in names if fnmatchcase(name, pattern))
        paths = (Path(where, name) for name in wanted if not _TEMPORARY.fullmatch(name))
        files += [file for path in paths for file in _scanned(path, top)]
    return sorted(files, key=lambda file: file.name)


def _scanned(path: Path, top: Path) -> Iterator[File]:
    """Yield the file at `path`, if it still is one."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISREG(status.st_mode):
        yield File(status.st_size, path.relative_to(top).as_posix(), path)


def _unless_vanished(error: OSError) -> None:
    """Let a folder vanish during the scan, and nothing else go wrong."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


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
