"""Who has a ledger: one run at a time, until its process ends, however it ends.

On Linux the lock (``flock``) belongs to the open file, and what else this process does
to the file does not matter. Elsewhere it belongs to the process (``lockf``), as the
lock of SQLite does everywhere: that one goes as soon as the process opens the file once
more and closes it, to copy it for example.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

_LOCKED = 2**62  # the byte that a process locks: far beyond what SQLite locks

_claimed: set[object] = set()  # what this process makes or has open
_open: set[int] = set()  # the files by which it is locked
_guard = threading.Lock()


def claim(key: object) -> bool:
    """Take something for one thread of this process, unless another one has it."""
    with _guard:
        is_free = key not in _claimed
        _claimed.add(key)
        return is_free


def give_up(key: object) -> None:
    """Let another thread have it."""
    with _guard:
        _claimed.discard(key)


def opened(path: Path, flags: int) -> int:
    """Open a file that is to be locked."""
    with _guard:
        number = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
        _open.add(number)
        return number


def locked(number: int) -> bool:
    """Lock an open file, or tell that another run has; `close` or death unlocks it."""
    if sys.platform == "win32":
        return True  # there SQLite's own lock must do
    import fcntl

    now = fcntl.LOCK_EX | fcntl.LOCK_NB
    try:
        if sys.platform == "linux":
            fcntl.flock(number, now)
        else:  # there a lock of the whole file would be in the way of SQLite's
            fcntl.lockf(number, now, 1, _LOCKED)
    except (BlockingIOError, PermissionError):
        return False
    return True


def close(number: int) -> None:
    """Close a file, and unlock it."""
    with _guard:
        _open.discard(number)
        os.close(number)


def _leave_to_the_parent() -> None:
    """Close what a fork has inherited: a child that lives on must lock nothing."""
    for number in _open:
        os.close(number)
    _open.clear()
    _claimed.clear()
    _guard.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_guard.acquire,
        after_in_parent=_guard.release,
        after_in_child=_leave_to_the_parent,
    )
