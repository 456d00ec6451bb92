"""Real work on real files: read and copy them, and believe nothing unchecked."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

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
        If the file has vanished, is a folder, cannot be read, or has changed its
        size or its content.

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
        The copy. It appears in one step, whole and written to the disk. If an equal
        file was there already, it is replaced.

    Raises
    ------
    FileError
        As `read_verified`; or if the name leads out of `destination`, a different
        file has its place already, the copy cannot be written, or reads back
        differently. Whatever happens, no half copy is left.

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
    except ValueError:
        raise FileError(file, "has a name that leads out of the destination") from None
    with _writing(file, target) as (temporary, stream):
        digest = hashlib.sha256()
        for chunk in _chunks(file):
            digest.update(chunk)
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
        found = _checked(file, digest.hexdigest())
        if not _is_equal(temporary, file, found):
            raise FileError(
                file, f"was written to {str(target)!r}, but reads otherwise"
            )
        if os.path.lexists(target) and not _is_equal(target, file, found):
            raise FileError(file, f"must not overwrite another file, {str(target)!r}")
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
    if file.path is None:
        raise FileError(file, "has no path to read it from")
    with _reading(file, file.path):
        # Looked at before it is opened: to open a pipe would wait for ever.
        status = file.path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise FileError(file, f"is {kind} at {str(file.path)!r}")
        _check_size(file, status.st_size)
        stream = file.path.open("rb")
    with stream:
        size = 0
        # A file that grows for ever must not be read for ever.
        while size <= file.size_bytes and (chunk := _read(file, file.path, stream)):
            size += len(chunk)
            yield chunk
    _check_size(file, size)


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
    except OSError as error:
        reason = f"cannot be read from {str(path)!r}: {error.strerror}"
        raise FileError(file, reason) from error


@contextmanager
def _writing(file: File, target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a temporary file beside `target`, and rename it once all is well."""
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as stream:
            yield temporary, stream
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        reason = f"cannot be written to {str(target)!r}: {error.strerror}"
        raise FileError(file, reason) from error
    finally:
        with suppress(OSError):  # gone if renamed, never there if nothing was opened
            temporary.unlink()


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


def _is_equal(path: Path, file: File, digest: str) -> bool:
    """Read what is at `path`, and tell whether it is the file."""
    try:
        read_verified(File(file.size_bytes, file.name, path, digest))
    except FileError:
        return False
    return True
