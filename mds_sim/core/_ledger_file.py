"""The file of a ledger: how it is made, who may hold it, and what is refused.

A ledger is an SQLite database with a number of ours in its header. It comes into
being whole: it is put together in memory, written aside, brought to the disk and then
given its name. So a file with the name of a ledger is a ledger with its plan, or it is
not ours, and then it is left as it is, byte for byte.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

APPLICATION = 0x6D64734C  # "mdsL"
VERSION = 1

_HEADER = 100  # bytes of the header of an SQLite file
_LOCKED = 2**62  # the byte that a process locks: far beyond what SQLite locks
_REMEDY = "name a new ledger: what is there already is verified, not done again"

_held: set[tuple[int, int]] = set()  # the ledgers that this process has open
_holding = threading.Lock()


class LedgerError(ValueError):
    """A ledger cannot be used: by now, or by this run.

    The file is left as it is. The text names it, the rule and what can be done.

    Examples
    --------
    >>> from mds_sim.core import Ledger
    >>> with Ledger("new.db") as ledger:
    ...     try:
    ...         ledger.pending()
    ...     except LedgerError as error:
    ...         print(error)
    ledger 'new.db' must have a plan first
    """


def put(path: Path, image: bytes) -> None:
    """Give a new ledger its name, once all of it is on the disk.

    A process that is killed meanwhile leaves a hidden file, which the next one that
    plans this ledger takes over, and nobody else touches.
    """
    wal = _beside(path, "-wal")
    if os.path.lexists(wal):
        raise LedgerError(
            f"ledger {str(path)!r} must be new, but {str(wal)!r} of an old one is "
            "there; put the old ledger back, or move that file away"
        )
    aside = _aside(path)
    try:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        number = os.open(aside, flags, 0o666)
    except OSError as error:
        raise LedgerError(
            f"ledger {str(path)!r} must be in a folder that can be written to, "
            f"but it said {said(error)}"
        ) from error
    try:
        _lock(number, path)
        if os.path.lexists(path) or not _is_at(aside, number):
            raise _in_use(path)  # another process has just made it
        try:
            _write(number, image)
            _name(aside, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(aside)
        sync_folder(path.parent)
    except FileExistsError:
        raise _in_use(path) from None
    except OSError as error:
        raise no_room(path, error) from error
    finally:
        os.close(number)


def hold(path: Path, check: Callable[[sqlite3.Connection], None]) -> Held:
    """Open a ledger for this process alone, or say why it cannot be used.

    Parameters
    ----------
    path : Path
    check : callable
        Called with a connection to a copy; it raises what is wrong with it. SQLite
        mends what it opens, and a file that is not ours must not be mended.
    """
    status = _regular(path)
    key = status.st_dev, status.st_ino
    with _holding:
        # Asked before the file is opened: to close it again would give up the lock.
        if key in _held:
            raise _in_use(path)
        _held.add(key)
    try:
        return Held(path, key, check)
    except BaseException:
        with _holding:
            _held.discard(key)
        raise


class Held:
    """A ledger that this process has open, and no other can open."""

    def __init__(
        self,
        path: Path,
        key: tuple[int, int],
        check: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._key = key
        try:
            self._number = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        except OSError as error:
            rule = f"ledger {str(path)!r} must be a file that can be written to"
            raise LedgerError(f"{rule}, but it said {said(error)}") from error
        try:
            _lock(self._number, path)
            with open(self._number, "rb", closefd=False) as stream:
                _check_header(path, stream.read(_HEADER))
                stream.seek(0)
                _check_copy(path, stream, check)
            _settle(path)
            self.connection = _connected(path)
        except BaseException:
            os.close(self._number)
            raise

    def close(self) -> None:
        """Let others have it."""
        self.connection.close()
        os.close(self._number)
        with _holding:
            _held.discard(self._key)


def corrupt(path: Path, reason: object) -> LedgerError:
    """Return what to say of a ledger that is damaged."""
    text = f"ledger {str(path)!r} must be whole, but {reason}; "
    return LedgerError(f"{text}put a copy back, or {_REMEDY}")


def no_room(path: Path, error: Exception) -> LedgerError:
    """Return what to say of a ledger that could not be written."""
    return LedgerError(
        f"ledger {str(path)!r} must be written, but it said {said(error)}; nothing is "
        "lost: make room, and run the same night again"
    )


def said(error: Exception) -> str:
    """Return what the system or SQLite said."""
    return getattr(error, "strerror", None) or str(error)


def sync_folder(folder: Path) -> None:
    """Write the folder's new entry to the disk, where the system can."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _aside(path: Path) -> Path:
    """Return where a new ledger is written: always the same place for one name."""
    mark = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    return path.with_name(f".{mark}.part")


def _beside(path: Path, end: str) -> Path:
    """Return a file that SQLite keeps beside its database."""
    return path.with_name(path.name + end)


def _write(number: int, image: bytes) -> None:
    """Write all of it to the disk."""
    os.ftruncate(number, 0)
    rest = memoryview(image)
    while rest:
        rest = rest[os.write(number, rest) :]
    os.fsync(number)


def _is_at(path: Path, number: int) -> bool:
    """Tell whether an open file still has this name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(number))
    except FileNotFoundError:
        return False


def _name(aside: Path, path: Path) -> None:
    """Give the file its name, unless the name is taken."""
    try:
        os.link(aside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(str(path)) from None
        os.rename(aside, path)


def _settle(path: Path) -> None:
    """Finish what a process that was killed while it made the ledger did not."""
    aside = _aside(path)
    try:
        if os.path.lexists(aside) and os.path.samefile(aside, path):
            os.unlink(aside)
        sync_folder(path.parent)
    except OSError as error:
        raise no_room(path, error) from error


def _regular(path: Path) -> os.stat_result:
    """Return the status of what must be a regular file."""
    with suppress(OSError):  # a link that leads nowhere
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            return status
    raise LedgerError(f"ledger must be a file, but {str(path)!r} is none")


def _lock(number: int, path: Path) -> None:
    """Lock the file for this process until it ends, however it ends."""
    if os.name != "posix":
        return  # there SQLite's own lock must do
    import fcntl

    try:
        fcntl.lockf(number, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _LOCKED)
    except (BlockingIOError, PermissionError):
        raise _in_use(path) from None


def _in_use(path: Path) -> LedgerError:
    """Return what to say if somebody else was first."""
    return LedgerError(
        f"ledger {str(path)!r} must be used by one run at a time, but another one has "
        "it open; wait until that one is over"
    )


def _check_header(path: Path, header: bytes) -> None:
    """Refuse what is no ledger, and what a later version of the package wrote."""
    application = int.from_bytes(header[68:72], "big")
    if header[:16] != b"SQLite format 3\0" or application != APPLICATION:
        raise LedgerError(
            f"ledger must be a file that a ledger was kept in, but {str(path)!r} is "
            "something else; name another file"
        )
    version = int.from_bytes(header[60:64], "big")
    if version != VERSION:
        raise LedgerError(
            f"ledger {str(path)!r} must have version {VERSION}, but it has version "
            f"{version}; use the mds_sim that wrote it"
        )


def _check_copy(
    path: Path, stream: BinaryIO, check: Callable[[sqlite3.Connection], None]
) -> None:
    """Check a copy of the ledger, as SQLite would find it."""
    with tempfile.TemporaryDirectory(prefix="mds_sim-") as folder:
        copy = Path(folder, "ledger.db")
        with copy.open("xb") as twin:
            shutil.copyfileobj(stream, twin)
        for end in ("-wal", "-journal"):  # what SQLite would mend it with
            with suppress(FileNotFoundError):
                shutil.copyfile(_beside(path, end), _beside(copy, end))
        connection = sqlite3.connect(copy, isolation_level=None)
        try:
            check(connection)
        except (sqlite3.DatabaseError, TypeError, ValueError) as error:
            raise corrupt(path, f"it is damaged ({error})") from error
        finally:
            connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    """Open the database: every commit on the disk before the next thing is done."""
    connection = sqlite3.connect(
        path, timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # on a Mac, fsync is less
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("SELECT count(*) FROM fact").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        is_busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
        raise (_in_use(path) if is_busy else no_room(path, error)) from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Do all of the block or nothing of it."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException as error:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError):
            raise no_room(path, error) from error
        raise
