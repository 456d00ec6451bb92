"""Real work on real files: read and copy them, and believe nothing unchecked."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from mds_sim.core.jobs import describe

from .file import Bucket, File, inside

CHUNK = 2**20  # bytes read at a time

_renaming = threading.Lock()

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
        it is left alone.

    Raises
    ------
    FileError
        As `read_verified`; or if the name leads out of `destination`, a different
        file has its place already, the copy cannot be written, or reads back
        differently. Whatever is raised, no half copy is left.

    Notes
    -----
    A copy that two threads or two programs make at once never replaces another file;
    where the file system has no hard links, this holds for the threads of one
    program. A program that is killed leaves a hidden ``.<16 hex digits>.part``, never
    half a file under its name; `scan_files` leaves those out.

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
    try:
        target = inside(Path(destination), file.name)
    except UnicodeEncodeError as error:
        raise FileError(file, f"has a name that no file can have: {error}") from error
    except ValueError:
        raise FileError(file, "has a name that leads out of the destination") from None
    if os.path.lexists(target):
        _check_same(target, file, read_verified(file))
        return target
    with _writing(file, target) as temporary:
        found = _checked(file, _write(file, temporary))
        if not _is_equal(temporary, file, found):
            raise FileError(
                file, f"was written to {str(target)!r}, but reads otherwise"
            )
        shutil.copystat(_path(file), temporary)
        if not _placed(temporary, target):
            _check_same(target, file, found)
        _sync_folder(target.parent)
    return target


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
        return _each(bucket, lambda file: copy_verified(file, self.destination))


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
        share = f"{len(failures)} of {len(bucket)} files"
        raise ExceptionGroup(f"bucket {bucket.index}: {share} failed", failures)
    return results


def _chunks(file: File) -> Iterator[bytes]:
    """Yield the bytes of a file, and fail unless exactly its size comes."""
    path = _path(file)
    with _reading(file, path):
        # Looked at before it is opened: to open a pipe would wait for ever.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise FileError(file, f"is {kind} at {str(path)!r}")
        _check_size(file, status.st_size)
        stream = path.open("rb")
    with stream:
        before, size = _state(stream), 0
        # A file that grows for ever must not be read for ever.
        while size <= file.size_bytes and (chunk := _read(file, path, stream)):
            size += len(chunk)
            yield chunk
        after = _state(stream)
    _check_size(file, size)
    if before != after:
        raise FileError(file, "has changed while it was read")


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
def _writing(file: File, target: Path) -> Iterator[Path]:
    """Make room for a temporary file beside `target`, gone when all is done."""
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
    except (OSError, UnicodeEncodeError) as error:
        reason = f"cannot be written to {str(target)!r}: {_said(error)}"
        raise FileError(file, reason) from error
    finally:
        with suppress(OSError):  # gone if renamed, never there if nothing was opened
            temporary.unlink()


def _said(error: OSError | ValueError) -> str:
    """Return what the system said."""
    return getattr(error, "strerror", None) or str(error)


def _write(file: File, temporary: Path) -> str:
    """Write the bytes of a file to the disk, and return their SHA-256."""
    digest = hashlib.sha256()
    # Nobody else may read a copy before it has the permissions of its original.
    with open(temporary, "xb", opener=lambda p, f: os.open(p, f, 0o600)) as stream:
        for chunk in _chunks(file):
            digest.update(chunk)
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest()


def _placed(temporary: Path, target: Path) -> bool:
    """Give the copy its name in one step, or tell that the name is taken."""
    try:
        # Both fail if the name is taken; on Unix, only a link does.
        (os.rename if os.name == "nt" else os.link)(temporary, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without links; what is worse fails again
        with _renaming:
            if os.path.lexists(target):
                return False
            temporary.replace(target)
    return True


def _sync_folder(folder: Path) -> None:
    """Write the folder's new entry to the disk, where the system can."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _check_size(file: File, size: int) -> None:
    """Compare the size that was found with the one that was packed."""
    if size != file.size_bytes:
        change = f"from {file.size_bytes} to {size} bytes"
        raise FileError(file, f"has changed its size since it was packed, {change}")


def _checked(file: File, digest: str) -> str:
    """Return the SHA-256 that was found, unless another one was known."""
    if file.sha256 not in (None, digest):
        change = f"from {str(file.sha256)[:12]}... to {digest[:12]}..."
        raise FileError(file, f"has changed its content, SHA-256 {change}")
    return digest


def _check_same(target: Path, file: File, digest: str) -> None:
    """Refuse to write to where another file is."""
    if not _is_equal(target, file, digest):
        raise FileError(file, f"must not overwrite another file, {str(target)!r}")


def _is_equal(path: Path, file: File, digest: str) -> bool:
    """Read what is at `path`, and tell whether it is the file."""
    try:
        read_verified(File(file.size_bytes, file.name, path, digest))
    except FileError:
        return False
    return True
