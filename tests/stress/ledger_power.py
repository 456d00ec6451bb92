"""A power cut for the ledger: what was not brought to the disk is lost at random.

`Disk` stands between the program and the system. It lets every operation through and
writes it down: what is written to a file, which names are made and removed, and what
is brought to the disk. From that, `Disk.cut` tells what could be found if the power
failed after so many operations (after SQLite's test6.c, and ALICE, OSDI 2014):

- the bytes of a file are safe once ``fsync`` of it has returned; until then any part of
  what was written may be there: all, nothing, the beginning, or zeros;
- a name is safe once ``fsync`` of its folder has returned; until then each change of a
  name is there or not, each by itself (a rename as a whole). A folder without a name is
  lost with all that is in it;
- a commit of the ledger is safe when it returns (``synchronous=FULL``); one under way
  may be torn anywhere.

A kill is less: the process is gone, and the system keeps all that it was told.
"""

import builtins
import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mds_sim.core.ledger import Ledger
from mds_sim.files import copying

FOLDER = -1
CALLS = (
    "open", "fsync", "link", "unlink", "rename", "replace", "mkdir", "write",
    "ftruncate",
)  # fmt: skip


class Killed(BaseException):
    """The process is no more: nothing that it does has an effect."""


class Disk:
    """What a program does to a folder, in order."""

    def __init__(self, folder: Path, half_safe: Path | None = None) -> None:
        self.folder = folder
        self._half_safe = half_safe  # there already, but not on the disk
        self.ledger = folder / "night.db"
        self.log: list[tuple[Any, ...]] = []
        self.kill_at: int | None = None  # so many operations, then no more
        self.kill_after: tuple[str, int] | None = None  # so many of a kind
        self._is_dead = False
        self._left: list[bytes | None] = []  # the ledger, as the killed one left it
        self._lock = threading.RLock()
        self._files: dict[str, int] = {}  # by path, as the program sees them
        self._numbers: dict[int, int] = {}  # by inode
        self._count = 0
        for path in sorted(folder.rglob("*")):
            if folder / "in" not in (path, *path.parents):
                self._found(path)

    def _found(self, path: Path) -> None:
        """Take over what is there already: it is safe."""
        if path.is_dir():
            self.log.append(("mkdir", str(path)))
        elif path.name == "night.db-wal":
            self.log.append(("commit", self.ledger.read_bytes(), path.read_bytes()))
            return
        else:
            number = self._new(path)
            self.log.append(("create", str(path), number))
            self.log.append(("write", number, path.read_bytes()))
            if path == self._half_safe:
                return
            self.log.append(("sync", number))
        self.log.append(("sync folder", str(path.parent)))

    def _new(self, path: str | Path) -> int:
        """Give a new file a number."""
        self._count += 1
        self._files[str(path)] = self._count
        self._numbers[os.stat(path).st_ino] = self._count
        return self._count

    def _is_mine(self, path: Any) -> bool:
        """Tell whether a path is one that the power cut is about."""
        path = Path(os.fspath(path))
        return self.folder in path.parents and self.folder / "in" not in path.parents

    def _step(self, *entry: Any) -> None:
        """Write down an operation that was done."""
        self.log.append(entry)
        if self.kill_after is not None and entry[0] == self.kill_after[0]:
            self.kill_after = entry[0], self.kill_after[1] - 1
            if not self.kill_after[1]:
                self.kill_at = len(self.log)

    def _alive(self) -> None:
        """End here if the process is to be killed at this operation."""
        if self.kill_at is not None and len(self.log) >= self.kill_at:
            if not self._is_dead:
                self._is_dead = True
                self._left = self._ledger_bytes()
            raise Killed

    def _ledger_bytes(self) -> list[bytes | None]:
        """Return the ledger and its log as they are."""
        paths = (self.ledger, Path(f"{self.ledger}-wal"))
        return [path.read_bytes() if path.exists() else None for path in paths]

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Stand between the program and the system for the block."""
        real = {name: getattr(os, name) for name in CALLS}
        done, close = Ledger.done, Ledger.close
        try:
            for name in CALLS:
                setattr(os, name, self._watched(name, real[name]))
            copying.open = self._open  # type: ignore[attr-defined]
            Ledger.done = self._done(done)  # type: ignore[method-assign]
            Ledger.close = self._close(close)  # type: ignore[method-assign]
            yield
        finally:
            for name, function in real.items():
                setattr(os, name, function)
            del copying.open  # type: ignore[attr-defined]
            Ledger.done, Ledger.close = done, close  # type: ignore[method-assign]

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the system that is written down."""
        note = getattr(self, f"_note_{name}")

        def watched(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                is_mine = self._concerns(name, args)
                is_new = is_mine and name == "open" and not os.path.exists(args[0])
                if is_mine and (name != "open" or args[1] & os.O_CREAT):
                    self._alive()
                result = real(*args, **kwargs)
                if is_mine:
                    note(result, is_new, *args)
                return result

        return watched

    def _concerns(self, name: str, args: tuple[Any, ...]) -> bool:
        """Tell whether a call is about this folder."""
        if name in ("fsync", "write", "ftruncate"):
            status = os.fstat(args[0])
            if name == "fsync" and _is_folder(status):
                return True
            return status.st_ino in self._numbers
        return self._is_mine(args[0])

    def _note_open(self, result: int, is_new: bool, path: Any, *_: Any) -> None:
        if is_new:
            self._step("create", str(path), self._new(path))

    def _note_fsync(self, result: None, is_new: bool, number: int) -> None:
        status = os.fstat(number)
        if _is_folder(status):
            self._step("sync folder", os.readlink(f"/proc/self/fd/{number}"))
        else:
            self._step("sync", self._numbers[status.st_ino])

    def _note_write(self, result: int, is_new: bool, number: int, data: Any) -> None:
        self._wrote(number, bytes(data[:result]))

    def _wrote(self, number: int, data: bytes) -> None:
        self._step("write", self._numbers[os.fstat(number).st_ino], data)

    def _note_ftruncate(
        self, result: None, is_new: bool, number: int, size: int
    ) -> None:
        self._step("truncate", self._numbers[os.fstat(number).st_ino], size)

    def _note_link(self, result: None, is_new: bool, old: Any, new: Any) -> None:
        self._files[str(new)] = self._files[str(old)]
        self._step("name", {str(new): self._files[str(new)]})

    def _note_unlink(self, result: None, is_new: bool, path: Any) -> None:
        self._files.pop(str(path), None)
        self._step("name", {str(path): None})

    def _note_rename(self, result: None, is_new: bool, old: Any, new: Any) -> None:
        self._files[str(new)] = self._files.pop(str(old))
        self._step("name", {str(old): None, str(new): self._files[str(new)]})

    _note_replace = _note_rename

    def _note_mkdir(self, result: None, is_new: bool, path: Any, *_: Any) -> None:
        self._step("mkdir", str(path))

    def _open(self, path: Any, mode: str, **kwargs: Any) -> Any:
        """Open a file to write a copy, and watch what is written."""
        return _Stream(builtins.open(path, mode, **kwargs), self)

    def _done(self, real: Callable[..., None]) -> Callable[..., None]:
        def watched(ledger: Ledger, *args: Any, **kwargs: Any) -> None:
            with self._lock:
                self._alive()
                self._step("begin")
                self._alive()
                real(ledger, *args, **kwargs)
                self._step("commit", *self._ledger_bytes())

        return watched

    def _close(self, real: Callable[..., None]) -> Callable[..., None]:
        def watched(ledger: Ledger) -> None:
            with self._lock:
                if not self._is_dead:
                    real(ledger)
                    self._step("commit", *self._ledger_bytes())
                    return
                real(ledger)  # this tidies up; a process that is killed does not
                paths = (self.ledger, Path(f"{self.ledger}-wal"))
                for path, content in zip(paths, self._left, strict=True):
                    if content is not None:
                        path.write_bytes(content)

        return watched

    def revive(self) -> None:
        """Let the next process begin."""
        self.kill_at = self.kill_after = None
        self._is_dead = False

    def cut(self, count: int, rng: random.Random) -> None:
        """Leave in the folder what may be found if the power fails at this point."""
        state = _State(str(self.ledger))
        for entry in self.log[:count]:
            state.apply(entry)
        torn = self.log[count - 1][0] == "begin" and count < len(self.log)
        tree, contents = state.found(rng, self.log[count] if torn else None)
        for path in self.folder.iterdir():
            if path.name != "in":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name in sorted(tree):
            if tree[name] == FOLDER:
                os.mkdir(name)
            elif name not in contents and (twin := _twin(tree, name)):
                os.link(twin, name)
            else:
                Path(name).write_bytes(contents.get(name, b""))


class _Stream:
    """An open file that tells what is written to it."""

    def __init__(self, stream: Any, disk: Disk) -> None:
        self._stream = stream
        self._disk = disk

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, data: bytes) -> None:
        with self._disk._lock:
            self._disk._alive()
            self._stream.write(data)
            self._stream.flush()
            self._disk._wrote(self._stream.fileno(), data)


class _State:
    """What the system holds in memory, and what is on the disk."""

    def __init__(self, ledger: str) -> None:
        self.ledger = ledger
        self.data: dict[int, bytes] = {}
        self.safe: dict[int, bytes] = {}
        self.names: dict[str, int] = {}
        self.changes: list[dict[str, int | None]] = []  # of names, not safe
        self.wal: bytes | None = None

    def apply(self, entry: tuple[Any, ...]) -> None:
        """Do one operation."""
        kind, *rest = entry
        if kind == "create":
            path, number = rest
            self.data[number] = self.safe[number] = b""
            self.changes.append({path: number})
        elif kind == "write":
            self.data[rest[0]] += rest[1]
        elif kind == "truncate":
            self.data[rest[0]] = self.data[rest[0]][: rest[1]]
        elif kind == "sync":
            self.safe[rest[0]] = self.data[rest[0]]
        elif kind == "mkdir":
            self.changes.append({rest[0]: FOLDER})
        elif kind == "name":
            self.changes.append(rest[0])
        elif kind == "sync folder":
            for change in self.changes:
                if any(os.path.dirname(path) == rest[0] for path in change):
                    _change(self.names, change)
            self.changes = [
                change
                for change in self.changes
                if all(os.path.dirname(path) != rest[0] for path in change)
            ]
        elif kind == "commit":
            self._commit(*rest)

    def _commit(self, ledger: bytes | None, wal: bytes | None) -> None:
        number = self._current().get(self.ledger)
        if number is not None and ledger is not None:
            self.data[number] = self.safe[number] = ledger
            self.wal = wal

    def _current(self) -> dict[str, int]:
        """Return the names as the program sees them."""
        names = dict(self.names)
        for change in self.changes:
            _change(names, change)
        return names

    def found(
        self, rng: random.Random, torn: tuple[Any, ...] | None
    ) -> tuple[dict[str, int], dict[str, bytes]]:
        """Return the names and the contents that may be found."""
        names = dict(self.names)
        for change in self.changes:
            if rng.random() < 0.5:
                _change(names, change)
        top = os.path.dirname(self.ledger)
        tree: dict[str, int] = {}
        for path in sorted(names):
            above = os.path.dirname(path)
            if above == top or tree.get(above) == FOLDER:
                tree[path] = names[path]
        contents: dict[str, bytes] = {}
        given: set[int] = set()
        for path, number in tree.items():
            if number != FOLDER and number not in given:
                given.add(number)
                contents[path] = _some(self.data[number], self.safe[number], rng)
        if self.ledger in tree:
            wal = self.wal
            if torn is not None and torn[0] == "commit" and torn[2] is not None:
                least = len(wal or b"")
                most = len(torn[2])
                wal = torn[2][: rng.randint(min(least, most), most)]
            if wal is not None:
                tree[f"{self.ledger}-wal"] = 0
                contents[f"{self.ledger}-wal"] = wal
        return tree, contents


def _change(names: dict[str, int], change: dict[str, int | None]) -> None:
    """Make or remove names."""
    for path, number in change.items():
        if number is None:
            names.pop(path, None)
        else:
            names[path] = number


def _some(data: bytes, safe: bytes, rng: random.Random) -> bytes:
    """Return what may be found of a file of which not all is safe."""
    if data == safe:
        return data
    part = rng.randint(min(len(safe), len(data)), len(data))
    zeros = data[:part] + bytes(len(data) - part)
    return rng.choice([safe, data, data[:part], zeros])


def _twin(tree: dict[str, int], name: str) -> str | None:
    """Return another name of the same file that is there already."""
    for other, number in tree.items():
        if number == tree[name] and other != name and os.path.exists(other):
            return other
    return None


def _is_folder(status: os.stat_result) -> bool:
    return (status.st_mode & 0o170000) == 0o040000
