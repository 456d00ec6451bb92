"""Go on with a night as its ledger planned it, whatever has happened since."""

from __future__ import annotations

import os
from typing import Any

from mds_sim import _validate
from mds_sim.core.clock import Clock
from mds_sim.core.ledger import Ledger
from mds_sim.records import RunRecord

from ._night import ledger_of, run_night, suitable_handler
from .bucket_task import Handler


def resume(
    ledger: Ledger | str | os.PathLike[str],
    handler: Handler | None = None,
    *,
    workers: int | None = None,
    executor: Any = "threads",
    clock: Clock | None = None,
    progress: bool = True,
    verify: bool = False,
) -> RunRecord:
    """Go on with a night from the plan in its ledger, and return its whole record.

    Parameters
    ----------
    ledger : Ledger or path-like
        Of a night that was begun by ``NightlyPipeline.run(handler, ledger=...)``, or
        one that `Ledger.plan` has made.
    handler : callable, optional
        As in `NightlyPipeline.run`. A night that copies or reads files needs none: it
        is in the ledger. One that calls a handler of your own needs that handler, by
        whatever name.
    workers : int, optional
        Size of the pool; as planned by default.
    executor, clock, progress
        As in `NightlyPipeline.run`.
    verify : bool
        Read every copy that was made again, in this thread, and compare its SHA-256;
        otherwise its size is looked at.

    Returns
    -------
    RunRecord
        Of the whole night. A file that has vanished or changed since it was planned
        has failed, and all others are done; files that came later are not part of it.

    Raises
    ------
    LedgerError
        As `NightlyPipeline.run`; or if there is no plan, or the night copies or reads
        files and `handler` does something else.
    ValueError
        If the night needs a handler of your own.

    Notes
    -----
    What is done is not done again, but for copies: one that is no longer there is
    made again, and one that has changed has failed; it is never overwritten.

    Examples
    --------
    >>> import tempfile
    >>> from mds_sim.files import NightlyPipeline
    >>> folder = tempfile.TemporaryDirectory()
    >>> book = os.path.join(folder.name, "night.db")
    >>> night = NightlyPipeline([6, 5, 4, 3], capacity=10, workers=3)
    >>> night.run(lambda bucket: 1 // bucket.index, ledger=book, progress=False)
    RunRecord(4 items in 2 jobs, 3 workers, 1 failure)
    >>> resume(book, lambda bucket: print(bucket), progress=False)
    Bucket(0: 2 files, 10 B of 10 B)
    RunRecord(4 items in 2 jobs, 3 workers, 0 failures)
    >>> folder.cleanup()
    """
    _validate.function("handler", handler)
    if workers is not None:
        _validate.count("workers", workers)
    with ledger_of(ledger) as book:
        return run_night(
            book,
            suitable_handler(book, handler),
            workers=workers,
            clock=clock,
            executor=executor,
            progress=progress,
            verify=verify,
        )
