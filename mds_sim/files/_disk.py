"""How a file comes to stay: written aside, brought to the disk, named in one step."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from mds_sim.core._ledger_file import sync_folder

from .file import _TEMPORARY

_renaming = threading.Lock()


@contextmanager
def aside(target: Path, mark: str = "") -> Iterator[Path]:
    """Make room for a temporary file beside `target`, gone when all is done.

    Parameters
    ----------
    target : Path
        Its folder is made if it does not exist.
    mark : str
        What the hexadecimal digits of the temporary name begin with: the mark of a
        ledger, by which `remove_leftovers` knows what a run that was killed left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{(mark + secrets.token_hex(8))[:16]}.part")
    try:
        yield temporary
    finally:
        with suppress(OSError):  # gone if renamed, never there if nothing was opened
            temporary.unlink()


def placed(temporary: Path, target: Path) -> bool:
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


def sync(stream: BinaryIO) -> None:
    """Write an open file to the disk."""
    os.fsync(stream.fileno())


def sync_file(path: Path) -> None:
    """Write to the disk a file that is there already."""
    # Windows writes nothing to it through a file that is open for reading.
    with path.open("rb" if os.name == "posix" else "r+b") as stream:
        sync(stream)


def sync_names(folder: Path, destination: Path, safe: set[Path]) -> None:
    """Write to the disk what is new in a folder, and its own name and those above.

    Parameters
    ----------
    folder : Path
        In `destination`, or the same.
    destination : Path
        Above it a folder need not be ours to read: then it is not ours to write to.
    safe : set of Path
        Folders whose names are known to be on the disk; it grows.
    """
    sync_folder(folder)
    for inner, outer in pairwise((folder, *folder.parents)):
        if inner in safe:
            return  # and so are all above it
        not_ours = () if destination in inner.parents else (PermissionError,)
        with suppress(*not_ours):
            sync_folder(outer)
        safe.add(inner)


def remove_leftovers(folders: Iterable[Path], mark: str) -> None:
    """Remove the temporary files of runs that were killed, known by their mark.

    A folder that cannot be looked into, or a name that cannot be removed, is left: if
    it is in the way of a copy, that copy fails, and says so.
    """
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                is_ours = entry.name.startswith(f".{mark}")
                if is_ours and _TEMPORARY.fullmatch(entry.name):
                    with suppress(OSError):
                        os.unlink(entry.path)
