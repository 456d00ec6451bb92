"""A small night of real files for the stress tests of the ledger, and its judge.

The judge looks from outside: at the bytes of the files, at the numbers of their inodes,
and at the ledger through SQLite alone.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from mds_sim.core import VirtualClock
from mds_sim.files import CopyFiles, NightlyPipeline, scan_files, write_files
from mds_sim.records import RunRecord

SIZES = [3000, 10, 5000, 0, 4000, 2500, 700, 1200]
NAMES = [
    "a.bin", "x/b.bin", "x/c.bin", "y/deep/d.bin",
    "e.bin", "x/f.bin", "y/deep/g.bin", "z/h.bin",
]  # fmt: skip
CAPACITY = 6000
IN_THE_WAY = "x/f.bin"  # the user has another file there
LIKE_OURS = "x/.0123456789abcdef.part"  # and one that looks like ours, but is not
PRECIOUS = b"precious"
HALF_SAFE = "z/h.bin"  # the user has just copied it: not all of it is on the disk


def make(folder: Path, is_fresh: bool) -> None:
    """Write the files of the night; unless it is fresh, the user has some files."""
    write_files(folder / "in", SIZES, NAMES, rng=1)
    if not is_fresh:
        for name in (IN_THE_WAY, LIKE_OURS):
            path = out_of(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PRECIOUS)
        copy = out_of(folder) / HALF_SAFE
        copy.parent.mkdir(parents=True)
        shutil.copyfile(folder / "in" / HALF_SAFE, copy)


def out_of(folder: Path) -> Path:
    """Return where the copies go: two folders that may not exist."""
    return folder / "copies" / "of the night"


def run(folder: Path, **options: Any) -> RunRecord:
    """Run the night, or go on with it."""
    options = {"clock": VirtualClock(), "progress": False, **options}
    pipeline = NightlyPipeline(
        scan_files(folder / "in"), capacity=CAPACITY, workers=options.pop("workers", 1)
    )
    handler = CopyFiles(out_of(folder))
    return pipeline.run(handler, ledger=folder / "night.db", **options)


def seen(folder: Path) -> dict[str, list[int]]:
    """Return inode and time of each output that has its name."""
    out = out_of(folder)
    found = {}
    for path in out.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            status = path.stat()
            name = path.relative_to(out).as_posix()
            found[name] = [status.st_ino, status.st_mtime_ns]
    return found


def broken_promises(folder: Path) -> list[str]:
    """Return the files that the ledger calls done, and that are not there, whole."""
    return [
        f"{name} is done in the ledger, but not there"
        for name, digest in done(folder).items()
        if _digest(out_of(folder) / name) != digest
        or digest != _digest(folder / "in" / name)
    ]


def done(folder: Path) -> dict[str, str]:
    """Return the files of the buckets that are done, and their SHA-256."""
    ledger = folder / "night.db"
    if not ledger.exists():
        return {}
    with tempfile.TemporaryDirectory() as scratch:  # SQLite mends what it opens
        for end in ("", "-wal"):
            if Path(f"{ledger}{end}").exists():
                shutil.copyfile(f"{ledger}{end}", f"{scratch}/copy{end}")
        connection = sqlite3.connect(f"{scratch}/copy")
        try:
            return dict(connection.execute(
                "SELECT name, digest FROM item JOIN job ON job = number WHERE finish "
                "IS NOT NULL AND number NOT IN (SELECT job FROM failure)"))  # fmt: skip
        except sqlite3.DatabaseError:
            return {}  # then it cannot be resumed either
        finally:
            connection.close()


def verdict(folder: Path, before: dict[str, list[int]], is_fresh: bool) -> list[str]:
    """Return what is wrong with a night that was finished, in words."""
    out, wrong = out_of(folder), broken_promises(folder)
    now = seen(folder)
    for name in NAMES:
        copy, original = out / name, folder / "in" / name
        if name == IN_THE_WAY and not is_fresh:
            if not copy.exists() or copy.read_bytes() != PRECIOUS:
                wrong.append(f"{name} of the user was overwritten")
        elif _digest(copy) != _digest(original):
            # Half a copy of the user is another file: not ours to overwrite, nor done.
            if is_fresh or name != HALF_SAFE or name in done(folder):
                wrong.append(f"{name} is lost")
        elif name in before and before[name] != now[name]:
            wrong.append(f"{name} was done twice")
    hidden = {p.relative_to(out).as_posix() for p in out.rglob(".*") if p.is_file()}
    expected = set() if is_fresh else {LIKE_OURS}
    wrong += [f"{name} is left" for name in hidden - expected]
    wrong += [f"{name} of the user is gone" for name in expected - hidden]
    wrong += [f"{name} is nobody's" for name in set(now) - set(NAMES)]
    left = {path.name for path in folder.iterdir()} - {"in", "copies", "night.db"}
    wrong += [f"{name} is left" for name in left]
    missing = set(NAMES) - set(done(folder))
    if is_fresh or not missing & {IN_THE_WAY, HALF_SAFE}:
        wrong += [f"{name} is not done" for name in missing]
    return wrong


def report(**found: Any) -> None:
    """Say what happened, on a line of its own."""
    print(json.dumps(found), flush=True)  # noqa: T201


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of a file, if it is there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def scratch_folder() -> Path | None:
    """Return where many small files cost little, if there is such a place."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else None
