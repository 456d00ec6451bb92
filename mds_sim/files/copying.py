"""Real work on real files: read and copy them, and believe nothing unchecked."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from mds_sim.core.jobs import describe
from mds_sim.units import counted

from ._disk import aside, placed, sync, sync_file, sync_names
from .file import Bucket, File, inside

CHUNK = 2**20  # bytes read at a time

T = TypeVar("T")


class FileError(Exception):
    """Something is wrong with one file.

    Parameters
    ----------
    file : File
        Which file.
    reason : str
        What is wrong with it.

    Examples
    --------
    >>> str(FileError(File(5, "a.bin"), "has vanished from 'in/a.bin'"))
    "a.bin has vanished from 'in/a.bin'"
    """

    def __init__(self, file: File, reason: str) -> None:
        super().__init__(file, reason)  # both in args: pickle needs them there
        self.file = file
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.file.name} {self.reason}"


def read_verified(file: File) -> str:
    """Read a file to its end, and return the SHA-256 of what was read.

    Parameters
    ----------
    file : File
        With a path. Its size is checked, and its SHA-256 if that is known.

    Returns
    -------
    str
        The SHA-256 in 64 hexadecimal digits.

    Raises
    ------
    FileError
        If the file has vanished, is a folder, cannot be read, has changed its size
        or its content, or changes while it is read, as far as its time tells.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.bin")
    ...     _ = path.write_bytes(b"12345")
    ...     read_verified(File(5, "a.bin", path))[:12]
    '5994471abb01'
    """
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    return _checked(file, digest.hexdigest())


def copy_verified(file: File, destination: str | os.PathLike[str]) -> Path:
    """Copy a file, and return where to once the copy is proved equal.

    Parameters
    ----------
    file : File
        With a path. Its name, folders included, is kept below `destination`.
    destination : path-like
        A folder; it is made if it does not exist.

    Returns
    -------
    Path
        The copy. It appears in one step, whole and written to the disk, with the
        permissions and the time of its original. If an equal file was there already,
        it is left alone, but it is brought to the disk, and its name, too. A link to
        the original, of either kind, is no copy of it.

    Raises
    ------
    FileError
        As `read_verified`; or if the name leads out of `destination`, a different
        file or a link has its place already, the copy cannot be written, or reads back
        differently. Whatever is raised, no half copy is left.

    Notes
    -----
    A copy that two threads or two programs make at once never replaces another file;
    where the file system has no hard links, this holds for the threads of one
    program. A program that is killed leaves a hidden ``.<16 hex digits>.part``, never
    half a file under its name; `scan_files` leaves those out, and a night with a
    ledger removes its own when it is resumed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.bin")
    ...     _ = path.write_bytes(b"12345")
    ...     copy = copy_verified(File(5, "a.bin", path), Path(folder, "out"))
    ...     copy.read_bytes()
    b'12345'
    """
    copied(file, Path(destination))
    return _target(file, Path(destination))


def copied(
    file: File, destination: Path, mark: str = "", safe: set[Path] | None = None
) -> tuple[str, str]:
    """Copy a file; return whether it was "copied" or "verified", and its SHA-256.

    Parameters
    ----------
    mark : str
        What the digits of its temporary name begin with.
    safe : set of Path, optional
        Folders whose names are known to be on the disk; it grows.
    """
    target = _target(file, destination)
    with _writing(file, target):
        if os.path.lexists(target):
            state, found = "verified", read_verified(file)
            _check_same(target, file, found)
            # Whoever wrote it may have been killed before it was on the disk.
            sync_file(target)
        else:
            state, found = "copied", _place_copy(file, target, mark)
        top, folder = destination.absolute(), target.parent.absolute()
        sync_names(folder, top, set() if safe is None else safe)
    return state, found


def _target(file: File, destination: Path) -> Path:
    """Return where the copy goes, or fail if it can go nowhere."""
    try:
        return inside(destination, file.name)
    except UnicodeEncodeError as error:
        raise FileError(file, f"has a name that no file can have: {error}") from error
    except ValueError:
        raise FileError(file, "has a name that leads out of the destination") from None


def _place_copy(file: File, target: Path, mark: str) -> str:
    """Write a copy aside, prove it equal, and give it its name."""
    with aside(target, mark) as temporary:
        found = _write(file, temporary, target)
        if not placed(temporary, target):
            _check_same(target, file, found)
            sync_file(target)
    return found


@dataclass(frozen=True)
class CopyFiles:
    """A handler that copies each file of a bucket with `copy_verified`.

    Parameters
    ----------
    destination : path-like
        A folder; it is made if it does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from mds_sim.files import write_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_files(folder, [6, 4], rng=1)
    ...     handler = CopyFiles(Path(folder, "out"))
    ...     [copy.name for copy in handler(Bucket(0, files, capacity=10))]
    ['file-000.bin', 'file-001.bin']
    """

    destination: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "destination", Path(self.destination))

    def __call__(self, bucket: Bucket) -> list[Path]:
        """Copy all files of the bucket, then report those that failed.

        Returns
        -------
        list of Path
            The copies, in order of the bucket's files.

        Raises
        ------
        ExceptionGroup
            It holds a `FileError` for each file that failed; the others are done.
        """
        safe: set[Path] = set()

        def copy(file: File) -> Path:
            copied(file, self.destination, safe=safe)
            return _target(file, self.destination)

        return _each(bucket, copy)


@dataclass(frozen=True)
class ReadFiles:
    """A handler that reads each file of a bucket with `read_verified`.

    Examples
    --------
    >>> import tempfile
    >>> from mds_sim.files import write_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_files(folder, [6, 4], rng=1)
    ...     digests = ReadFiles()(Bucket(0, files, capacity=10))
    >>> digests == [file.sha256 for file in files]
    True
    """

    def __call__(self, bucket: Bucket) -> list[str]:
        """Read all files of the bucket, then report those that failed.

        Returns
        -------
        list of str
            Their SHA-256, in order of the bucket's files.

        Raises
        ------
        ExceptionGroup
            It holds a `FileError` for each file that failed; the others are done.
        """
        return _each(bucket, read_verified)


@dataclass(frozen=True)
class EachFile:
    """A handler that does your work on each file of a bucket, one after the other.

    A handler is called with a whole bucket, and one that raises has failed for all of
    it. This one goes on after a file that fails, and the record names that file.

    Parameters
    ----------
    work : callable
        Called with each `File`.

    Examples
    --------
    >>> bucket = Bucket(0, (File(6, "a"), File(0, "b"), File(4, "c")), capacity=10)
    >>> EachFile(lambda file: file.size_bytes // 2)(bucket)
    [3, 0, 2]
    >>> EachFile(lambda file: 12 // file.size_bytes)(bucket)
    Traceback (most recent call last):
    ...
    ExceptionGroup: bucket 0: 1 of 3 files failed (1 sub-exception)
    """

    work: Callable[[File], Any]

    def __post_init__(self) -> None:
        if not callable(self.work):
            raise TypeError(f"work must be callable, got {type(self.work).__name__}")

    def __call__(self, bucket: Bucket) -> list[Any]:
        """Do the work on all files of the bucket, then report those that failed.

        Returns
        -------
        list
            What the work returned, in order of the bucket's files.

        Raises
        ------
        ExceptionGroup
            It holds a `FileError` for each file that failed; the others are done.
        """
        return _each(bucket, self._guarded)

    def _guarded(self, file: File) -> Any:
        """Do the work; whatever it raises is the failure of this file."""
        try:
            return self.work(file)
        except FileError:
            raise
        except Exception as error:
            raise FileError(file, f"failed with {describe(error)}") from error


def _each(bucket: Bucket, work: Callable[[File], T]) -> list[T]:
    """Do the work on every file, whatever happens to the others."""
    results, failures = [], []
    for file in bucket:
        try:
            results.append(work(file))
        except FileError as error:
            failures.append(error)
    if failures:
        share = f"{len(failures)} of {counted(len(bucket), 'file', spec='')}"
        raise ExceptionGroup(f"bucket {bucket.index}: {share} failed", failures)
    return results


def _chunks(file: File) -> Iterator[bytes]:
    """Yield the bytes of a file, and fail unless exactly its size comes."""
    path = _path(file)
    with _reading(file, path):
        # Looked at before it is opened: to open a pipe would wait for ever.
        _check_status(file, path.stat())
        stream = path.open("rb")
    with stream:
        if file.sha256 is None:  # else its bytes will tell
            _check_time(file, os.fstat(stream.fileno()))
        before, size = _state(stream), 0
        # A file that grows for ever must not be read for ever.
        while size <= file.size_bytes and (chunk := _read(file, path, stream)):
            size += len(chunk)
            yield chunk
        after = _state(stream)
    _check_size(file, size)
    if before != after:
        raise FileError(file, "has changed while it was read")


def check_unchanged(file: File) -> None:
    """Raise FileError if a file is no longer what was planned.

    It is read only if it was written again and its SHA-256 is known.
    """
    if file.path is not None:
        with _reading(file, file.path):
            status = file.path.stat()
            _check_status(file, status)
        if file.sha256 is None:
            _check_time(file, status)
        elif getattr(file, "mtime_ns", None) not in (None, status.st_mtime_ns):
            read_verified(file)


def _check_status(file: File, status: os.stat_result) -> None:
    """Refuse what is no regular file, or has another size."""
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise FileError(file, f"is {kind} at {str(file.path)!r}")
    _check_size(file, status.st_size)


def _check_time(file: File, status: os.stat_result) -> None:
    """Compare the time of a file with the one that was planned, if one was."""
    planned, found = getattr(file, "mtime_ns", None), status.st_mtime_ns
    if planned not in (None, found):
        change = f"it was written at {_local(found)}, not at {_local(planned)}"
        remedy = "put it back, or plan a new night for it"
        raise FileError(file, f"has changed since it was planned: {change}; {remedy}")


def _local(time_ns: int) -> str:
    """Write a time as people here read it, if they have a name for that year."""
    try:
        return datetime.fromtimestamp(time_ns / 1e9).astimezone().isoformat(" ")
    except (OSError, OverflowError, ValueError):
        return f"{time_ns / 1e9:.0f} s"


def _path(file: File) -> Path:
    """Return where the file is, or fail if it is a simulated one."""
    if file.path is None:
        raise FileError(file, "has no path to read it from")
    return file.path


def _state(stream: BinaryIO) -> tuple[int, int, int]:
    """Return what differs once somebody has written to the open file."""
    status = os.fstat(stream.fileno())
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read(file: File, path: Path, stream: BinaryIO) -> bytes:
    """Read the next chunk."""
    with _reading(file, path):
        return stream.read(CHUNK)


@contextmanager
def _reading(file: File, path: Path) -> Iterator[None]:
    """Turn what the system says on reading into what is wrong with the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileError(file, f"has vanished from {str(path)!r}") from error
    except (OSError, ValueError) as error:  # ValueError: a path that cannot be
        reason = f"cannot be read from {str(path)!r}: {_said(error)}"
        raise FileError(file, reason) from error


@contextmanager
def _writing(file: File, target: Path) -> Iterator[None]:
    """Turn what the system says on writing into what is wrong with the file."""
    try:
        yield
    except (OSError, UnicodeEncodeError) as error:
        reason = f"cannot be written to {str(target)!r}: {_said(error)}"
        raise FileError(file, reason) from error


def _said(error: OSError | ValueError) -> str:
    """Return what the system said."""
    return getattr(error, "strerror", None) or str(error)


def _write(file: File, temporary: Path, target: Path) -> str:
    """Write the bytes of a file to the disk, read them again, return their SHA-256."""
    digest = hashlib.sha256()
    # Nobody else may read a copy before it has the permissions of its original.
    with open(temporary, "x+b", opener=lambda p, f: os.open(p, f, 0o600)) as stream:
        for chunk in _chunks(file):
            digest.update(chunk)
            stream.write(chunk)
        stream.flush()
        found = _checked(file, digest.hexdigest())
        # First its time and permissions: they are to be on the disk as well.
        shutil.copystat(_path(file), temporary)
        sync(stream)
        stream.seek(0)
        if hashlib.file_digest(stream, "sha256").hexdigest() != found:
            reason = f"was written to {str(target)!r}, but reads otherwise"
            raise FileError(file, reason)
    return found


def _check_size(file: File, size: int) -> None:
    """Compare the size that was found with the one that was packed."""
    if size != file.size_bytes:
        change = f"from {file.size_bytes} to {counted(size, 'byte', spec='')}"
        raise FileError(file, f"has changed its size since it was packed, {change}")


def _checked(file: File, digest: str) -> str:
    """Return the SHA-256 that was found, unless another one was known."""
    if file.sha256 not in (None, digest):
        change = f"from {str(file.sha256)[:12]}... to {digest[:12]}..."
        raise FileError(file, f"has changed its content, SHA-256 {change}")
    return digest


def _check_same(target: Path, file: File, digest: str) -> None:
    """Refuse to write to where another file is, and to call a link a copy."""
    there, rule = target.lstat(), "must have a copy of its own, but"
    if stat.S_ISLNK(there.st_mode):
        reason = f"{rule} {str(target)!r} is a link; move the link away"
        raise FileError(file, reason)
    if os.path.samestat(there, _path(file).stat()):
        reason = f"{rule} {str(target)!r} is the same file; name another destination"
        raise FileError(file, reason)
    if not _is_equal(target, file, digest):
        raise FileError(file, f"must not overwrite another file, {str(target)!r}")


def _is_equal(path: Path, file: File, digest: str) -> bool:
    """Read what is at `path`, and tell whether it is the file."""
    try:
        read_verified(File(file.size_bytes, file.name, path, digest))
    except FileError:
        return False
    return True
