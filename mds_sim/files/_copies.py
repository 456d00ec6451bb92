"""The copies that a ledger calls done, and whether they are still what they were."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import NamedTuple

from mds_sim.core.ledger import Ledger, PlannedItem

from .copying import FileError, read_verified
from .file import File, inside


class Lost(NamedTuple):
    """A copy that is no longer what it was: "missing" or "altered"."""

    row: int
    kind: str
    error: str


LostCopies = dict[int, list[Lost]]  # by job


def lost_copies(ledger: Ledger, *, verify: bool = False) -> LostCopies:
    """Return the copies of jobs that are done that are missing or altered, by job.

    Parameters
    ----------
    ledger : Ledger
    verify : bool
        Read every copy; otherwise its size is looked at.
    """
    top = ledger.facts.get("copy_to")
    if top is None:
        return {}
    digests = ledger.digests()
    lost: LostCopies = {}
    for row, item in enumerate(ledger.items):
        if row in digests:
            known = digests[row] if verify else None
            kind, reason = _looked_at(item, Path(top), known)
            if kind:
                text = f"FileError: {item.name} {reason}"
                lost.setdefault(item.job, []).append(Lost(row, kind, text))
    return lost


def reopen(ledger: Ledger, lost: LostCopies) -> None:
    """Let the jobs of these copies be done again."""
    ledger.reopen(
        {job: [(copy.row, copy.error) for copy in found] for job, found in lost.items()}
    )


def _looked_at(item: PlannedItem, top: Path, digest: str | None) -> tuple[str, str]:
    """Return what has come of a copy, and what to say of it; nothing if all is well."""
    try:
        target = inside(top, item.name)
        status = target.lstat()
        is_good = stat.S_ISREG(status.st_mode) and status.st_size == item.size
        if is_good and digest is not None:
            read_verified(File(item.size, item.name, target, digest))
    except (FileNotFoundError, NotADirectoryError):
        return "missing", f"was copied, but its copy is gone from {str(target)!r}"
    except (OSError, ValueError, FileError):
        is_good = False
    where = repr(str(top / item.name))
    return ("", "") if is_good else ("altered", f"was copied, but {where} has changed")
