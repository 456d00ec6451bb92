"""The work on one bucket of a night that has a ledger, wherever it is done.

It may be done in another process: what is here can be pickled, and knows no ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .copying import CopyFiles, FileError, ReadFiles, check_unchanged, copied
from .copying import read_verified as read
from .file import Bucket, File

Handler = Callable[[Bucket], Any]


@dataclass(frozen=True)
class PlannedFile(File):
    """A file as a ledger planned it, with the time at which it was last written.

    Parameters
    ----------
    mtime_ns : int, optional
        If it is another one when the file is read, the file has changed.

    Examples
    --------
    >>> PlannedFile(5, "a.bin", mtime_ns=10**9).mtime_ns
    1000000000
    """

    mtime_ns: int | None = None


class Outcome(NamedTuple):
    """What came of a file: copied, verified, read, handled or failed."""

    state: str
    sha256: str | None = None
    error: FileError | None = None


@dataclass(frozen=True)
class LedgerWork:
    """A handler for a ledger: it does the work, and tells what came of each file.

    Parameters
    ----------
    handler : callable
    mark : str
        What the temporary files of this night begin with.

    Examples
    --------
    >>> bucket = Bucket(0, (File(6, "a"), File(4, "b")), capacity=10)
    >>> [outcome.state for outcome in LedgerWork(len)(bucket)]
    ['handled', 'handled']
    """

    handler: Handler
    mark: str = ""

    def __call__(self, bucket: Bucket) -> list[Outcome]:
        """Return an outcome for each file of the bucket.

        Raises
        ------
        Exception
            What a handler raises that does not tell of each file: then it is not
            known what came of the others.
        """
        if type(self.handler) is CopyFiles:
            # Its destination is absolute: a worker may be in another folder.
            safe: set[Any] = set()  # folders whose names are on the disk
            to = self.handler.destination
            return [_outcome(file, copied, to, self.mark, safe) for file in bucket]
        if type(self.handler) is ReadFiles:
            return [_outcome(file, _read) for file in bucket]
        return self._whole(bucket)

    def _whole(self, bucket: Bucket) -> list[Outcome]:
        """Give the handler what is as it was planned; the rest has failed."""
        found = [_outcome(file, _unchanged) for file in bucket]
        errors = [outcome.error for outcome in found if outcome.error]
        good = [
            f for f, outcome in zip(bucket, found, strict=True) if not outcome.error
        ]
        try:
            if good:
                self.handler(Bucket(bucket.index, tuple(good), bucket.capacity))
        except Exception as error:
            if not errors:
                raise
            raise ExceptionGroup(f"bucket {bucket.index}", [*errors, error]) from error
        return found


def _outcome(
    file: File, work: Callable[..., tuple[str, str | None]], *args: Any
) -> Outcome:
    """Return what came of a file, whatever it was."""
    try:
        return Outcome(*work(file, *args))
    except FileError as error:
        return Outcome("failed", None, error)


def _read(file: File) -> tuple[str, str]:
    """Read a file."""
    return "read", read(file)


def _unchanged(file: File) -> tuple[str, None]:
    """Look whether a file is as it was planned."""
    check_unchanged(file)
    return "handled", None
