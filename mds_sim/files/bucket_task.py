"""The work on one bucket of files, as a task of a pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mds_sim import _validate
from mds_sim.core.jobs import JobTask

from .copying import FileError, ReadFiles
from .file import Bucket, File

Handler = Callable[[Bucket], Any]


class BucketTask(JobTask):
    """The work on one bucket.

    Parameters
    ----------
    bucket : Bucket
    handler : callable, optional
        Called with the bucket by a worker. One that raises has failed for the whole
        bucket; wrap what is done to one file in `EachFile`, and all others are done,
        as with `CopyFiles` and `ReadFiles`. Without a handler, real files are read
        and verified, and a simulated one among them fails; simulated ones are counted.
    service_time : float, optional
        Least time that it takes [s on the pool's clock].
    rows : sequence of int, optional
        Row of each of its files in the record of the run.
    arrivals : sequence of float, optional
        When each of its files arrived [s]; 0 by default.

    Examples
    --------
    >>> BucketTask(Bucket(0, (File(6, "a"), File(4, "b")), capacity=10)).execute()
    2
    """

    priority = 1  # in a pool that asks, mini-batches come first: a night is long

    def __init__(
        self,
        bucket: Bucket,
        handler: Handler | None = None,
        service_time: float | None = None,
        rows: Sequence[int] | None = None,
        arrivals: Sequence[float] | None = None,
    ) -> None:
        self.bucket = bucket
        handler = _validate.function("handler", handler)
        self.handler: Handler = default_handler(bucket) if handler is None else handler
        self.service_time = service_time
        self.rows = range(len(bucket)) if rows is None else rows
        self.arrivals = [0.0] * len(bucket) if arrivals is None else arrivals
        self.sizes = [file.size_bytes for file in bucket]
        self.opened = min(self.arrivals, default=0.0)

    @property
    def name(self) -> str:
        """Name of the task in records and errors."""
        return f"bucket {self.bucket.index}"

    def execute(self) -> Any:
        """Call the handler with the bucket."""
        return self.handler(self.bucket)

    def failed_items(
        self, error: BaseException
    ) -> Iterator[tuple[int | None, BaseException]]:
        """Yield (row, error) for each file that failed; row None is the bucket."""
        rows: dict[File, list[int]] = {}
        # By value: an error that comes from another process brings a file of its own.
        for row, file in zip(self.rows, self.bucket, strict=True):
            rows.setdefault(file, []).append(row)
        for part in _parts(error):
            mine = rows.get(part.file) if isinstance(part, FileError) else None
            # A file that is there twice fails in its first row, then in its second.
            if mine:
                yield mine.pop(0) if len(mine) > 1 else mine[0], part
            else:
                yield None, part


def _parts(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors of a group, however deep, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _parts(part)
    else:
        yield error


def default_handler(bucket: Bucket) -> Handler:
    """Return what is done with a bucket if nobody says what."""
    return ReadFiles() if any(file.path for file in bucket) else len
