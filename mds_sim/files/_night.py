"""A night with a ledger: planned once, then done as far as it is not done yet."""

from __future__ import annotations

import math
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from copy import copy
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim.core._ledger_file import LedgerError
from mds_sim.core.clock import Clock, WallClock, start_of_run
from mds_sim.core.jobs import describe
from mds_sim.core.ledger import Ledger, PlannedItem, PlannedJob
from mds_sim.core.progress import progress_bar
from mds_sim.core.worker_pool import TaskFuture, WorkerPool
from mds_sim.records import RunRecord
from mds_sim.units import DAY

from ._copies import lost_copies, reopen
from ._disk import remove_leftovers
from ._work import Handler, LedgerWork, Outcome, PlannedFile
from .bucket_task import BucketTask, default_handler
from .copying import CopyFiles, ReadFiles
from .file import Bucket, File, inside
from .packing import Packing


def ledger_of(
    given: Ledger | str | os.PathLike[str],
) -> AbstractContextManager[Ledger]:
    """Return the ledger for a block; one that the caller has opened stays open."""
    return nullcontext(given) if isinstance(given, Ledger) else Ledger(given)


def keep_plan(
    ledger: Ledger,
    nights: Sequence[Sequence[File]],
    packings: Sequence[Packing],
    turns: Sequence[NDArray[np.int64]],
    services: Sequence[Sequence[float | None]],
    *,
    handler: Handler | None,
    workers: int,
    begin: float,
    **facts: Any,
) -> None:
    """Write the plan into a new ledger; an old one must be of the same night.

    Parameters
    ----------
    ledger : Ledger
    nights : sequence of sequence of File
        The files of each night.
    packings : sequence of Packing
        Their buckets.
    turns : sequence of ndarray of int64
        The buckets of each night in the order of submission: so the plan counts them.
    services : sequence of sequence of float or None
        Least time that each bucket of each night takes [s].
    begin : float
        When the first night is [s].
    **facts
        What else makes it this night, such as the strategy.

    Raises
    ------
    LedgerError
        If the ledger is of another night: it names what is different.
    ValueError
        If a new ledger would be among the files or the copies.
    """
    facts |= {"handler": _kind(handler), "copy_to": _copies_to(handler)}
    jobs: list[PlannedJob] = []
    items: list[PlannedItem] = []
    for number, files in enumerate(nights):
        first, opened, times = len(jobs), begin + number * DAY, services[number]
        turn = turns[number].tolist()
        jobs += [PlannedJob(number, opened, times[bucket]) for bucket in turn]
        job_of = {bucket: first + i for i, bucket in enumerate(turn)}
        items += [
            _planned(file, job_of[bucket])
            for file, bucket in zip(
                files, packings[number].bucket.tolist(), strict=True
            )
        ]
    if ledger.is_planned:
        _check_same(ledger, facts, items)
        return
    _check_apart(ledger.path, facts["copy_to"], items)
    facts["mark"] = secrets.token_hex(4)  # its temporary files begin with it
    facts |= {"begin": begin, "began": time.time()}
    capacity = facts.pop("capacity")
    ledger.plan(jobs, items, workers=workers, capacity=capacity, facts=facts)


def run_night(
    ledger: Ledger,
    handler: Handler | None,
    *,
    is_new: bool = False,
    workers: int | None = None,
    clock: Clock | None = None,
    executor: Any = "threads",
    progress: bool = True,
    verify: bool = False,
) -> RunRecord:
    """Do what is still to do of a night, and return the record of all of it.

    Parameters
    ----------
    ledger : Ledger
        With a plan.
    handler : callable or None
        As in `NightlyPipeline.run`.
    is_new : bool
        Whether the plan has just been made: then its time is the clock's.
    workers : int, optional
        As planned by default.
    clock, executor, progress
        As in `NightlyPipeline.run`.
    verify : bool
        As in `resume`.
    """
    facts = {**_PLAIN, **ledger.facts}
    reopen(ledger, lost_copies(ledger, verify=verify))
    handler = _anchored(handler, facts["copy_to"])
    tasks = _tasks(ledger, facts, handler)
    if not tasks:
        return ledger.record()
    clock = WallClock() if clock is None else clock
    _clean(handler, tasks, facts["mark"])
    total = sum(len(task.bucket) for _, task in tasks)
    size = facts["workers"] if workers is None else workers
    with (
        WorkerPool(size, clock=clock, executor=executor) as pool,
        progress_bar(progress, total, "files") as move_on,
    ):
        begin = start_of_run(clock)
        # What was done before lies on an axis of time; this run goes on with it.
        shift = 0.0 if is_new else _goes_on_at(ledger, facts, clock) - begin
        keeper = _Keeper(ledger, shift, move_on)
        for night, mine in groupby(tasks, key=lambda pair: pair[0]):
            clock.sleep_until(facts["begin"] + night * DAY - shift)
            for _, task in mine:
                keeper.watch(task, pool.submit(task))
        pool.drain()
    keeper.check()
    return ledger.record()


class _Keeper:
    """Writes each bucket into the ledger as soon as it is done."""

    def __init__(
        self, ledger: Ledger, shift: float, move_on: Callable[[int], object]
    ) -> None:
        self._ledger = ledger
        self._shift = shift
        self._move_on = move_on
        self._futures: list[TaskFuture] = []
        self._error: BaseException | None = None

    def watch(self, task: BucketTask, future: TaskFuture) -> None:
        """Wait for a bucket, unless the ledger has already failed."""
        self._futures.append(future)
        future.add_done_callback(partial(self._keep, task))
        if self._error is not None:
            future.cancel()

    def check(self) -> None:
        """Raise what went wrong with the ledger, if anything did."""
        if self._error is not None:
            raise self._error

    def _keep(self, task: BucketTask, future: TaskFuture) -> None:
        """Write what came of a bucket; if the ledger fails, start no other one."""
        if future.cancelled():
            return  # it stays to be done
        try:
            self._write(task, future)
        except BaseException as error:
            self._error = self._error or error
            for other in list(self._futures):
                other.cancel()
        self._move_on(len(task.bucket))

    def _write(self, task: BucketTask, future: TaskFuture) -> None:
        """Write what came of a bucket."""
        record, error = future.record, future.exception()
        found: list[Outcome] = [] if error else future.result()
        errors = [outcome.error for outcome in found if outcome.error]
        if errors:
            error = ExceptionGroup(task.name, errors)
        failed = [] if error is None else task.failed_items(error)
        self._ledger.done(
            task.bucket.index,
            ready=record.submitted + self._shift,
            start=record.started + self._shift,
            finish=record.finished + self._shift,
            worker=record.worker,
            outcomes=[
                (row, outcome.state, outcome.sha256)
                for row, outcome in zip(task.rows, found, strict=False)
            ],
            failures=[(row, describe(reason)) for row, reason in failed],
        )


def suitable_handler(ledger: Ledger, handler: Handler | None) -> Handler | None:
    """Return the handler that a night goes on with, or refuse the one given.

    A handler of one's own may have another name now: that of a script that has become
    a module, for example.
    """
    facts = {**_PLAIN, **ledger.facts}
    planned, folder = facts["handler"], facts["copy_to"]
    if handler is None and planned == _kind(ready := CopyFiles(Path(folder or "."))):
        return ready
    if handler is None and planned not in (None, *_BUILT_IN):
        raise ValueError(
            f"handler must be given to go on with {str(ledger.path)!r}: it is of a "
            f"night that calls {planned}; call mds_sim.files.resume(ledger, handler)"
        )
    if handler is None:
        return ReadFiles() if planned == "read" else None
    given = _copies_to(handler)
    if planned is not None and given != folder:
        raise _other_night(ledger, f"its copy_to is {folder!r}", given)
    if planned in _BUILT_IN and planned != _kind(handler):
        raise _other_night(ledger, f"its handler is {planned!r}", _kind(handler))
    return handler


_BUILT_IN = ("default", "read")
# What a plan says that was made by `Ledger.plan` alone, or before there was an order.
_PLAIN = {"handler": None, "copy_to": None, "mark": "", "begin": 0.0, "began": None,
          "order": "given"}  # fmt: skip


def in_words(value: Any) -> str:
    """Return kind and parameters of a strategy: the same words in every process."""
    if getattr(type(value), "__repr__", None) is object.__repr__:
        fields = sorted(getattr(value, "__dict__", {}).items())
        inside = ", ".join(f"{name}={in_words(field)}" for name, field in fields)
        return f"{type(value).__qualname__}({inside})"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _anchored(handler: Handler | None, folder: str | None) -> Handler | None:
    """Return a handler that copies to where it was planned, wherever a worker is."""
    if isinstance(handler, CopyFiles):
        folder = os.path.abspath(handler.destination) if folder is None else folder
        handler = copy(handler)
        object.__setattr__(handler, "destination", Path(folder))
    return handler


def _kind(handler: Handler | None) -> str:
    """Return what a handler is, in words that are the same in the next run."""
    if handler is None or type(handler) is ReadFiles:
        return "read" if handler else "default"
    name = getattr(handler, "__qualname__", None) or type(handler).__qualname__
    return f"{getattr(handler, '__module__', None)}.{name}"


def _copies_to(handler: Handler | None) -> str | None:
    """Return the folder that a handler copies to, if it does."""
    if isinstance(handler, CopyFiles):
        return os.path.abspath(handler.destination)
    return None


def _planned(file: File, job: int) -> PlannedItem:
    """Return what the ledger keeps of a file."""
    if file.path is None:
        return PlannedItem(job, file.name, file.size_bytes, None, None, file.sha256)
    path, written = os.path.abspath(file.path), None
    with suppress(OSError, ValueError):  # it has vanished: its work will tell
        written = os.stat(path).st_mtime_ns
    return PlannedItem(job, file.name, file.size_bytes, path, written, file.sha256)


def _check_apart(path: Path, folder: str | None, items: Sequence[PlannedItem]) -> None:
    """Refuse to keep a ledger among the files, or where they are copied to."""
    if folder is not None and path.is_relative_to(os.path.realpath(folder)):
        raise ValueError(
            f"ledger must be outside the folder of the copies {folder!r}, got "
            f"{str(path)!r}; a copy could want its name: keep it beside it"
        )
    for row, item in enumerate(items):
        if item.path is not None and os.path.realpath(item.path) == str(path):
            raise ValueError(
                f"ledger must be none of the files, but files[{row}] is {str(path)!r}; "
                "name another ledger"
            )


def _check_same(
    ledger: Ledger, facts: dict[str, Any], items: Sequence[PlannedItem]
) -> None:
    """Refuse a ledger of another night, and say what is different."""
    planned = {**_PLAIN, **ledger.facts}
    for name, value in facts.items():
        if planned.get(name) != value:
            raise _other_night(ledger, f"its {name} is {planned.get(name)!r}", value)
    before = ledger.items
    if len(before) != len(items):
        raise _other_night(ledger, f"its number of files is {len(before)}", len(items))
    for row, (old, new) in enumerate(zip(before, items, strict=True)):
        for name in ("name", "size", "path", "job", "sha256"):
            was, now = getattr(old, name), getattr(new, name)
            is_unknown = name == "sha256" and None in (was, now)
            if was != now and not is_unknown:
                raise _other_night(ledger, f"files[{row}] has {name} {was!r}", now)


def _other_night(ledger: Ledger, found: str, given: Any) -> LedgerError:
    """Return what to say of a ledger of another night."""
    return LedgerError(
        f"ledger {str(ledger.path)!r} must be of this night, but {found}, not "
        f"{given!r}; go on with what it planned by resume(ledger, handler), or "
        "--resume on the command line, or name a new ledger"
    )


def _tasks(
    ledger: Ledger, facts: dict[str, Any], handler: Handler | None
) -> list[tuple[int, BucketTask]]:
    """Return the work that is still to do, with the night of each bucket."""
    jobs, wanted = ledger.jobs, ledger.pending()
    rows: dict[int, list[int]] = {number: [] for number in wanted}
    items = ledger.items
    for row, item in enumerate(items):
        if item.job in rows:
            rows[item.job].append(row)
    tasks = []
    for number, mine in rows.items():
        files = tuple(_file(items[row]) for row in mine)
        room = facts["capacity"] or max(1, sum(file.size_bytes for file in files))
        bucket = Bucket(number, files, room)
        work = default_handler(bucket) if handler is None else handler
        job = jobs[number]
        task = BucketTask(
            bucket,
            LedgerWork(work, facts["mark"]),
            job.service_time,
            mine,
            [job.opened] * len(mine),
        )
        tasks.append((job.night, task))
    return tasks


def _file(item: PlannedItem) -> PlannedFile:
    """Return a file as it was planned."""
    path = None if item.path is None else Path(item.path)
    return PlannedFile(item.size, item.name, path, item.sha256, item.mtime_ns)


def _clean(
    handler: Handler | None, tasks: Iterable[tuple[int, BucketTask]], mark: str
) -> None:
    """Remove what a run that was killed left beside the copies that are missing."""
    if isinstance(handler, CopyFiles) and mark:
        folders = set()
        for _, task in tasks:
            for file in task.bucket:
                with suppress(ValueError):  # a name that leads out is its own error
                    folders.add(inside(handler.destination, file.name).parent)
        remove_leftovers(folders, mark)


def _goes_on_at(ledger: Ledger, facts: dict[str, Any], clock: Clock) -> float:
    """Return where on the axis of time of the night this run goes on [s].

    On a `WallClock` the time without a run has passed as well.
    """
    jobs = ledger.record().jobs
    past = float(jobs.finish[jobs.worker >= 0].max(initial=facts["begin"]))
    if isinstance(clock, WallClock):
        now = time.time()
        elapsed = clock.speed * (now - (facts["began"] or now))
        past = max(past, facts["begin"] + elapsed)
    return float(math.ceil(past))
