"""Ledgers and copies that are broken on purpose: the stress tests must catch each."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mds_sim.core import _ledger_file
from mds_sim.files import _disk, _night, copying

Patch = pytest.MonkeyPatch


def commit_first(patch: Patch) -> None:
    """Call a bucket done before its work is."""

    def watch(keeper: Any, task: Any, future: Any) -> None:
        outcomes = [(row, "copied", None) for row in task.rows]
        keeper._ledger.done(task.bucket.index, ready=0, start=0, finish=0, worker=0,
                            outcomes=outcomes)  # fmt: skip

    patch.setattr(_night._Keeper, "watch", watch)


def no_sync_of_files(patch: Patch) -> None:
    """Leave the bytes in memory."""
    patch.setattr(copying, "sync", lambda stream: None)
    patch.setattr(_disk, "sync", lambda stream: None)


def no_sync_of_folders(patch: Patch) -> None:
    """Leave the names in memory."""
    patch.setattr(_disk, "sync_folder", lambda folder: None)


def no_sync_of_folders_above(patch: Patch) -> None:
    """Forget that a new folder has a name as well."""
    patch.setattr(copying, "sync_names", lambda folder, *_: _disk.sync_folder(folder))


def direct_write(patch: Patch) -> None:
    """Write under the name that the copy is to have."""

    @contextmanager
    def aside(target: Path, mark: str = "") -> Iterator[Path]:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield target

    patch.setattr(copying, "aside", aside)
    patch.setattr(copying, "placed", lambda temporary, target: True)


def trust_existence(patch: Patch) -> None:
    """Believe that what is there is the copy."""
    patch.setattr(copying, "_check_same", lambda *_: None)


def direct_write_and_trust(patch: Patch) -> None:
    """Believe in half a copy that has the name of a whole one."""
    direct_write(patch)
    trust_existence(patch)


def resume_without_sync(patch: Patch) -> None:
    """Find a good copy, and do not ask whether it is on the disk."""
    real = copying.copied

    def copied(file: Any, destination: Path, *args: Any) -> tuple[str, str]:
        if os.path.lexists(target := copying._target(file, destination)):
            copying._check_same(target, file, digest := copying.read_verified(file))
            return "verified", digest
        return real(file, destination, *args)

    patch.setattr("mds_sim.files._work.copied", copied)


def resume_without_sync_of_files(patch: Patch) -> None:
    """Find a good copy, and bring its name to the disk only."""
    patch.setattr(copying, "sync_file", lambda path: None)


def replace_without_check(patch: Patch) -> None:
    """Put the copy where another file is."""

    def copied(
        file: Any, destination: Path, mark: str, safe: set[Path]
    ) -> tuple[str, str]:
        target = copying._target(file, destination)
        digest = copying._place_copy(file, target, mark)
        copying.sync_names(target.parent, destination, safe)
        return "copied", digest

    def placed(temporary: Path, target: Path) -> bool:
        os.replace(temporary, target)
        return True

    patch.setattr(copying, "placed", placed)
    patch.setattr("mds_sim.files._work.copied", copied)


def leave_leftovers(patch: Patch) -> None:
    """Do not tidy up after a run that was killed."""
    patch.setattr(_night, "remove_leftovers", lambda folders, mark: None)


def remove_all_that_is_hidden(patch: Patch) -> None:
    """Tidy up what is not ours."""
    real = _disk.remove_leftovers
    patch.setattr(_night, "remove_leftovers", lambda folders, mark: real(folders, ""))


def unlink_after_sync(patch: Patch) -> None:
    """Remove the temporary name when the folder is on the disk already."""
    real = _disk.aside

    @contextmanager
    def aside(target: Path, mark: str = "") -> Iterator[Path]:
        with real(target, mark) as temporary:
            yield temporary
            _disk.sync_folder(target.parent)

    patch.setattr(copying, "aside", aside)
    patch.setattr(copying, "sync_names", lambda *_: None)


def ledger_named_before_it_is_on_the_disk(patch: Patch) -> None:
    """Give a new ledger its name, and leave its bytes in memory."""

    def write(number: int, image: bytes) -> None:
        os.write(number, image)

    patch.setattr(_ledger_file, "_write", write)


MUTANTS: list[Callable[[Patch], None]] = [
    commit_first,
    no_sync_of_files,
    no_sync_of_folders,
    no_sync_of_folders_above,
    direct_write,
    trust_existence,
    direct_write_and_trust,
    resume_without_sync,
    resume_without_sync_of_files,
    replace_without_check,
    leave_leftovers,
    remove_all_that_is_hidden,
    unlink_after_sync,
    ledger_named_before_it_is_on_the_disk,
]
