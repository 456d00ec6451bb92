"""The file of a ledger: how it is made, who may hold it, and what is refused.

A ledger is an SQLite database with a number of ours in its header. It comes into
being whole: it is put together in memory, written aside, brought to the disk and then
given its name. So a file with the name of a ledger is a ledger with its plan, or it is
not ours, and then it is left as it is, byte for byte.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ._ledger_lock import claim, close, give_up, locked, opened

APPLICATION = 0x6D64734C  # "mdsL"
VERSION = 1

_HEADER = 100  # bytes of the header of an SQLite file
_LONGEST = 512  # bytes of a path that SQLite takes
_REMEDY = "name a new ledger: what is there already is verified, not done again"
_NO_WAY = (errno.EACCES, errno.EPERM, errno.EROFS)  # more room would not help
_NOT_FULL = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)
_DAMAGE = {
    sqlite3.SQLITE_ERROR,  # a table is not there
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_TOOBIG,
}


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
    _check_new(path)
    # A second thread must not even open the hidden file of the first one.
    if not claim(path):
        raise _in_use(path)
    try:
        _put(path, image)
    finally:
        give_up(path)


def _put(path: Path, image: bytes) -> None:
    """Write a ledger aside, and give it its name."""
    aside = _aside(path)
    try:
        number = opened(aside, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise LedgerError(
            f"ledger {str(path)!r} must be in a folder that can be written to, "
            f"but it said {said(error)}"
        ) from error
    try:
        if not locked(number) or os.path.lexists(path) or not _is_at(aside, number):
            raise _in_use(path)  # another process makes it, or has just made it
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
        close(number)


def _check_new(path: Path) -> None:
    """Refuse a path that is too long for SQLite, or that had a ledger before."""
    wal = _beside(path, "-wal")
    try:
        if len(os.fsencode(wal)) > _LONGEST:
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        os.lstat(wal)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            return  # what else is wrong shows when it is written
        rule = f"ledger {str(path)!r} must have a shorter path"
        raise LedgerError(f"{rule}, but it said {said(error)}") from None
    raise LedgerError(
        f"ledger {str(path)!r} must be new, but {str(wal)!r} of an old one is "
        "there; put the old ledger back, or move that file away"
    )


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
    # Asked before the file is opened: to close it again could give up the lock.
    if not claim(key):
        raise _in_use(path)
    try:
        return Held(path, key, check)
    except BaseException:
        give_up(key)
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
            self._number = opened(path, os.O_RDWR)
        except OSError as error:
            rule = f"ledger {str(path)!r} must be a file that can be written to"
            raise LedgerError(f"{rule}, but it said {said(error)}") from error
        try:
            if not locked(self._number):
                raise _in_use(path)
            with open(self._number, "rb", closefd=False) as stream:
                _check_header(path, stream.read(_HEADER))
                stream.seek(0)
                _check_copy(path, stream, check)
            _settle(path)
            self.connection = _connected(path)
        except BaseException:
            close(self._number)
            raise
        self._process = os.getpid()

    def close(self) -> None:
        """Let others have it."""
        if self._process == os.getpid():  # a fork leaves it to its parent
            self.connection.close()
            close(self._number)
            give_up(self._key)


def corrupt(path: Path, reason: object) -> LedgerError:
    """Return what to say of a ledger that is damaged."""
    text = f"ledger {str(path)!r} must be whole, but {reason}; "
    return LedgerError(f"{text}put a copy back, or {_REMEDY}")


def no_room(path: Path, error: Exception) -> LedgerError:
    """Return what to say of a ledger that could not be written."""
    is_full = getattr(error, "errno", None) not in _NO_WAY
    is_full &= getattr(error, "sqlite_errorcode", 0) & 0xFF not in _NOT_FULL
    remedy = "make room" if is_full else "let its file and its folder be written to"
    return LedgerError(
        f"ledger {str(path)!r} must be written, but it said {said(error)}; nothing is "
        f"lost: {remedy}, and run the same night again"
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
    try:
        with tempfile.TemporaryDirectory(prefix="mds_sim-") as folder:
            copy = _copied(path, stream, Path(folder))
            connection = sqlite3.connect(copy, isolation_level=None)
            try:
                check(connection)
            finally:
                connection.close()
    except (OSError, sqlite3.DatabaseError, TypeError, ValueError) as error:
        if not _is_damage(error):
            where = os.environ.get("TMPDIR", tempfile.gettempdir())
            raise LedgerError(
                f"ledger {str(path)!r} must be looked at in a copy in {where!r}, but "
                f"it said {said(error)}; make room, or let TMPDIR name another folder"
            ) from error
        raise corrupt(path, f"it is damaged ({error})") from error


def _copied(path: Path, stream: BinaryIO, folder: Path) -> Path:
    """Copy a ledger, and what SQLite would mend it with."""
    copy = folder / "ledger.db"
    with copy.open("xb") as twin:
        shutil.copyfileobj(stream, twin)
    for end in ("-wal", "-journal"):
        with suppress(FileNotFoundError):
            shutil.copyfile(_beside(path, end), _beside(copy, end))
    return copy


def _is_damage(error: Exception) -> bool:
    """Tell whether an error is about what the ledger says, not about the system."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        return code & 0xFF in _DAMAGE
    return not isinstance(error, OSError)


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
