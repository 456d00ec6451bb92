"""The ledger of a run: what was planned, what is done, and what is still to do."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from mds_sim.records import Failure, Items, Jobs, RunRecord

from ._ledger_file import (
    APPLICATION,
    VERSION,
    Held,
    LedgerError,
    hold,
    put,
    transaction,
)

_SCHEMA = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE job (
    number INTEGER PRIMARY KEY, night INTEGER NOT NULL, opened REAL NOT NULL,
    service_time REAL,
    ready REAL, start REAL, finish REAL, worker INTEGER, seal TEXT
);
CREATE TABLE item (
    row INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES job,
    name TEXT NOT NULL, size INTEGER NOT NULL, path TEXT, mtime_ns INTEGER,
    sha256 TEXT,
    outcome TEXT, digest TEXT
);
CREATE INDEX item_job ON item (job);
CREATE TABLE failure (
    job INTEGER NOT NULL REFERENCES job, item INTEGER REFERENCES item,
    error TEXT NOT NULL
);
CREATE INDEX failure_job ON failure (job);
"""
_PLAN = (
    "SELECT name, value FROM fact WHERE name != 'seal' ORDER BY name",
    "SELECT number, night, opened, service_time FROM job ORDER BY number",
    "SELECT row, job, name, size, path, mtime_ns, sha256 FROM item ORDER BY row",
)
_DONE = (
    "SELECT number, ready, start, finish, worker FROM job WHERE number = ?",
    "SELECT row, outcome, digest FROM item WHERE job = ? ORDER BY row",
    "SELECT item, error FROM failure WHERE job = ? ORDER BY rowid",
)
_PENDING = "finish IS NULL OR number IN (SELECT job FROM failure)"


class PlannedJob(NamedTuple):
    """A job of a plan, such as a bucket.

    Examples
    --------
    >>> PlannedJob(night=0, opened=0.0)
    PlannedJob(night=0, opened=0.0, service_time=None)
    """

    night: int
    opened: float  # when its items arrived [s]
    service_time: float | None = None  # least time that it takes [s]


class PlannedItem(NamedTuple):
    """An item of a plan, such as a file.

    Examples
    --------
    >>> PlannedItem(job=0, name="a.bin", size=5).size
    5
    """

    job: int
    name: str
    size: int  # [bytes]
    path: str | None = None
    mtime_ns: int | None = None
    sha256: str | None = None


class Ledger:
    """The book of a night: its plan, and what came of each job.

    The plan is written once; a job that is done is one commit, on the disk before
    anything else happens (SQLite, write-ahead log, ``synchronous=FULL``). Whoever is
    killed, and whenever: the next run finds the plan and every job that was done.

    Parameters
    ----------
    path : path-like
        Where it is kept, such as ``"night.db"``. If the file is there it is opened,
        for this process alone; if not, `plan` makes it.

    Raises
    ------
    LedgerError
        If another run has it open, or the file is no ledger, is damaged, or is of a
        later version: the file is left as it is, byte for byte. Or if the folder for
        temporary files (``TMPDIR``) has no room for a copy to look at.
    TypeError
        If `path` is none.

    Notes
    -----
    Give it to ``NightlyPipeline.run(handler, ledger="night.db")``, which does the
    rest. It is an SQLite database (tables ``fact``, ``job``, ``item``, ``failure``)
    that any tool can read when no run has it open; while one has, leave it alone: a
    copy, or a look by another tool, may miss what was done last, and makes SQLite
    lose its own lock. What is said in it is sealed with SHA-256, so that damage is
    noticed. Keep it on a local disk: locks on network file systems are not to be
    trusted. After a kill, what was done last is in ``night.db-wal`` beside it: move
    or copy both together. It is opened to be written to, even to look at it; in a
    folder that cannot be written to, look at a copy.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Ledger(Path(folder.name, "night.db")) as ledger:
    ...     jobs = [PlannedJob(night=0, opened=0.0), PlannedJob(night=0, opened=0.0)]
    ...     items = [PlannedItem(0, "a", 6), PlannedItem(1, "b", 5)]
    ...     ledger.plan(jobs, items, workers=1, capacity=10)
    ...     ledger.done(1, ready=0.0, start=0.0, finish=2.0, worker=0)
    >>> with Ledger(Path(folder.name, "night.db")) as ledger:  # another day
    ...     ledger.pending()
    ...     ledger.record()
    [0]
    RunRecord(2 items in 2 jobs, 1 worker, 1 failure)
    >>> folder.cleanup()
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = _real(path)
        self._told = os.fsdecode(path)
        self._lock = threading.Lock()
        self._held: Held | None = None
        if os.path.lexists(self.path):
            self._held = hold(self.path, _check)

    def __repr__(self) -> str:
        return f"Ledger({self._told!r})"

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and let others open it."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None

    @property
    def is_planned(self) -> bool:
        """Whether it has a plan."""
        return self._held is not None

    def plan(
        self,
        jobs: Iterable[PlannedJob],
        items: Iterable[PlannedItem],
        *,
        workers: int,
        capacity: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the plan: all of it, or nothing.

        Parameters
        ----------
        jobs, items : iterable of PlannedJob, of PlannedItem
            In the order of their rows in the record.
        workers, capacity : int
            As in the record.
        facts : mapping, optional
            What else is to be kept, as JSON can say it.

        Raises
        ------
        LedgerError
            If there is a plan already, or another process has just made one, or the
            ledger cannot be written.
        """
        if self.is_planned:
            raise LedgerError(f"ledger {self._told!r} must be new, but has a plan")
        facts = {**(facts or {}), "workers": workers, "capacity": capacity}
        put(self.path, _image(facts, jobs, items))
        self._held = hold(self.path, _check)

    @property
    def facts(self) -> dict[str, Any]:
        """What the plan says of the run as a whole."""
        rows = self._rows("SELECT name, value FROM fact WHERE name != 'seal'")
        return {name: json.loads(value) for name, value in rows}

    @property
    def jobs(self) -> list[PlannedJob]:
        """The jobs of the plan."""
        rows = self._rows("SELECT night, opened, service_time FROM job ORDER BY number")
        return [PlannedJob(*row) for row in rows]

    @property
    def items(self) -> list[PlannedItem]:
        """The items of the plan."""
        columns = "job, name, size, path, mtime_ns, sha256"
        rows = self._rows(f"SELECT {columns} FROM item ORDER BY row")
        return [PlannedItem(*map(_said, row)) for row in rows]

    def pending(self) -> list[int]:
        """Return the jobs that are still to do, those that failed among them."""
        rows = self._rows(f"SELECT number FROM job WHERE {_PENDING} ORDER BY number")
        return [number for (number,) in rows]

    def done(
        self,
        job: int,
        *,
        ready: float,
        start: float,
        finish: float,
        worker: int,
        outcomes: Sequence[tuple[int, str, str | None]] = (),
        failures: Sequence[tuple[int | None, str]] = (),
    ) -> None:
        """Write what came of a job, in one commit.

        Parameters
        ----------
        job : int
            One that is pending.
        ready, start, finish : float
            When it was given to the pool, started and finished [s].
        worker : int
            Who did it.
        outcomes : sequence of (row, text, SHA-256 or None)
            What was done with its items.
        failures : sequence of (row or None, text)
            What went wrong, with an item or with the job. If anything did, the job
            stays pending.

        Raises
        ------
        LedgerError
            If the job is not pending, or the ledger cannot be written: nothing of it
            is then.
        """
        with self._lock, transaction(self._open(), self.path):
            run = self._open().execute
            sql = f"SELECT count(*) FROM job WHERE number = ? AND ({_PENDING})"
            if run(sql, (job,)).fetchone() != (1,):
                raise LedgerError(f"job must be pending in {self._told!r}, got {job}")
            run("DELETE FROM failure WHERE job = ?", (job,))
            run("UPDATE item SET outcome = NULL, digest = NULL WHERE job = ?", (job,))
            self._open().executemany(
                "UPDATE item SET outcome = ?, digest = ? WHERE row = ? AND job = ?",
                [(text, digest, row, job) for row, text, digest in outcomes],
            )
            self._fail(job, failures)
            run(
                "UPDATE job SET ready = ?, start = ?, finish = ?, worker = ? "
                "WHERE number = ?",
                (float(ready), float(start), float(finish), int(worker), job),
            )
            self._set_seal(job)

    def reopen(self, failures: Mapping[int, Sequence[tuple[int | None, str]]]) -> None:
        """Let jobs that are done be done again, in one commit.

        Parameters
        ----------
        failures : mapping
            The jobs, and for each what was found wrong with it: (row or None, text),
            at least one. If it is killed now, its record says so.

        Raises
        ------
        LedgerError
            If a job is not done, or the ledger cannot be written: nothing of it is
            then.
        """
        if not failures:
            return
        with self._lock, transaction(self._open(), self.path):
            for job, found in failures.items():
                sql = f"SELECT count(*) FROM job WHERE number = ? AND NOT ({_PENDING})"
                if self._open().execute(sql, (job,)).fetchone() != (1,) or not found:
                    raise LedgerError(f"job must be done in {self._told!r}, got {job}")
                self._fail(job, found)
                self._set_seal(job)

    def outcomes(self, jobs: Iterable[int]) -> Counter[str]:
        """Count what was done with the items of these jobs."""
        wanted = set(jobs)
        rows = self._rows("SELECT job, outcome FROM item WHERE outcome IS NOT NULL")
        return Counter(outcome for job, outcome in rows if job in wanted)

    def digests(self) -> dict[int, str | None]:
        """Return the SHA-256 of the items of jobs that are done, by row."""
        sql = f"SELECT number FROM job WHERE NOT ({_PENDING})"
        rows = self._rows(f"SELECT row, digest FROM item WHERE job IN ({sql})")
        return dict(rows)

    def record(self) -> RunRecord:
        """Return what happened so far, over all runs.

        Returns
        -------
        RunRecord
            A job that is not done yet has worker -1, takes no time, and is a failure.
        """
        facts = self.facts
        items = _columns(
            self._rows("SELECT opened, size, job FROM item JOIN job ON job = number "
                       "ORDER BY row"), 3)  # fmt: skip
        jobs = _columns(
            self._rows("SELECT opened, coalesce(ready, opened), coalesce(start, opened)"
                       ", coalesce(finish, opened), coalesce(worker, -1), count(*), "
                       "sum(size) FROM job JOIN item ON job = number GROUP BY number "
                       "ORDER BY number"), 7)  # fmt: skip
        missing = self._rows("SELECT number FROM job WHERE finish IS NULL")
        failed = self._rows("SELECT job, item, error FROM failure ORDER BY job, rowid")
        failures = [Failure(job, item, _said(error)) for job, item, error in failed]
        failures += [Failure(job, None, "not done yet") for (job,) in missing]
        return RunRecord(
            Items(arrival=items[0], size=items[1], job=items[2]),
            Jobs(
                open=jobs[0],
                ready=jobs[1],
                start=jobs[2],
                finish=jobs[3],
                worker=jobs[4],
                n_items=jobs[5],
                load=jobs[6],
            ),
            max(facts["workers"], 1 + max(jobs[4], default=-1)),
            facts["capacity"],
            tuple(sorted(failures, key=lambda failure: failure.job)),
        )

    def _fail(self, job: int, failures: Sequence[tuple[int | None, str]]) -> None:
        """Write what went wrong with a job."""
        self._open().executemany(
            "INSERT INTO failure VALUES (?, ?, ?)",
            [(job, row, _text(error)) for row, error in failures],
        )

    def _set_seal(self, job: int) -> None:
        """Seal what is written of a job."""
        seal = _seal(self._open(), _DONE, job)
        sql = "UPDATE job SET seal = ? WHERE number = ?"
        self._open().execute(sql, (seal, job))

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the answer to a question."""
        with self._lock:
            return self._open().execute(sql).fetchall()

    def _open(self) -> sqlite3.Connection:
        """Return the connection to the database."""
        if self._held is None:
            raise LedgerError(f"ledger {self._told!r} must have a plan first")
        return self._held.connection


def _real(path: Any) -> Path:
    """Return where a ledger is: what SQLite keeps beside it is there, not at a link."""
    try:
        given = os.path.abspath(os.fsdecode(path))
    except TypeError:
        raise TypeError(f"ledger must be a Ledger or a path, got {path!r}") from None
    if os.path.exists(given):
        return Path(os.path.realpath(given))
    folder, name = os.path.split(given)
    return Path(os.path.realpath(folder), name)


def _image(
    facts: Mapping[str, Any], jobs: Iterable[PlannedJob], items: Iterable[PlannedItem]
) -> bytes:
    """Return the bytes of a new ledger, made in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO fact VALUES (?, ?)",
            [(name, json.dumps(value)) for name, value in facts.items()],
        )
        connection.executemany(
            "INSERT INTO job (number, night, opened, service_time) VALUES (?, ?, ?, ?)",
            [(number, *job) for number, job in enumerate(jobs)],
        )
        connection.executemany(
            "INSERT INTO item (row, job, name, size, path, mtime_ns, sha256) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(row, *map(_text, item)) for row, item in enumerate(items)],
        )
        numbers = connection.execute("SELECT number FROM job").fetchall()
        connection.executemany(
            "UPDATE job SET seal = ? WHERE number = ?",
            [(_seal(connection, _DONE, job), job) for (job,) in numbers],
        )
        seal = _seal(connection, _PLAN)
        connection.execute("INSERT INTO fact VALUES ('seal', ?)", (seal,))
        connection.execute("COMMIT")
        image = bytearray(connection.serialize())
    finally:
        connection.close()
    image[18:20] = b"\2\2"  # the header's way to say: with a write-ahead log
    return bytes(image)


def _check(connection: sqlite3.Connection) -> None:
    """Raise what is wrong with a ledger, if anything is."""
    run = connection.execute
    found = [text for (text,) in run("PRAGMA integrity_check")]
    if found != ["ok"]:
        raise ValueError(found[0])
    if run("PRAGMA foreign_key_check").fetchall():
        raise ValueError("a row names another one that is not there")
    if run("SELECT value FROM fact WHERE name = 'seal'").fetchall() != [
        (_seal(connection, _PLAN),)
    ]:
        raise ValueError("its plan is not what was planned")
    for number, seal in run("SELECT number, seal FROM job").fetchall():
        if seal != _seal(connection, _DONE, number):
            raise ValueError(f"what it says of job {number} is not what was written")


def _seal(connection: sqlite3.Connection, queries: Sequence[str], *job: int) -> str:
    """Return the SHA-256 of what the ledger says."""
    digest = hashlib.sha256()
    for query in queries:
        for row in connection.execute(query, job):
            digest.update(repr(row).encode())
    return digest.hexdigest()


def _columns(rows: list[tuple[Any, ...]], count: int) -> list[Any]:
    """Return the columns of a table."""
    return [np.array(column) for column in zip(*rows, strict=True)] or [[]] * count


def _text(value: Any) -> Any:
    """Return a value that SQLite can keep: names need not be Unicode."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
    return value


def _said(value: Any) -> Any:
    """Return a value that SQLite has kept."""
    return value.decode("utf-8", "surrogatepass") if type(value) is bytes else value
