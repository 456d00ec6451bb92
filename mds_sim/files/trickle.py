"""Files that come one by one through the night: which buckets are open, and until when.

`OpenBuckets` decides, one file at a time, with no clock inside. `TricklePipeline` asks
it about a whole night, and `TrickleManager` about files as they come; workers do what
it closes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim.records import RunRecord
from mds_sim.units import MB

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrickleRule:
    """When a bucket that is open for files to come is closed.

    Parameters
    ----------
    capacity : int
        Room of a bucket [bytes], >= 1.
    close_at : float
        It is closed once it is so full, in (0, 1].
    timeout : float
        It is closed so long after it was opened [s], > 0; ``inf``: never.
    most_open : int
        Most buckets that are open at a time, >= 1.

    Examples
    --------
    >>> TrickleRule(timeout=900.0)
    TrickleRule(capacity=10000000, close_at=0.95, timeout=900.0, most_open=20)
    """

    capacity: int = 10 * MB
    close_at: float = 0.95
    timeout: float = math.inf
    most_open: int = 20

    def __post_init__(self) -> None:
        _validate.size("capacity", self.capacity)
        if not 0 < _validate.finite("close_at", self.close_at) <= 1:
            raise ValueError(f"close_at must be in (0, 1], got {self.close_at!r}")
        if self.timeout != math.inf:
            _validate.positive("timeout", self.timeout, "s")
        _validate.count("most_open", self.most_open)


class ClosedBucket(NamedTuple):
    """A bucket that was closed: when it opened, when it closed, what is in it."""

    opened: float
    closed: float
    load: int
    items: tuple[Any, ...]


@dataclass
class _Open:
    """A bucket that takes files."""

    opened: float
    load: int
    items: list[Any]


class OpenBuckets:
    """The buckets that are open now: facts in, buckets out, no clock inside.

    A file goes into the first open bucket that has room, or opens a new one. If that
    is one too many, the fullest is closed, of equal ones the oldest. A file larger than
    a bucket is one of its own, closed at once.

    Parameters
    ----------
    rule : TrickleRule

    Examples
    --------
    >>> buckets = OpenBuckets(TrickleRule(capacity=10, close_at=0.9, timeout=60.0))
    >>> buckets.add(0.0, "a", size=6), buckets.add(10.0, "b", size=7)
    ([], [])
    >>> buckets.add(20.0, "c", size=3)
    [ClosedBucket(opened=0.0, closed=20.0, load=9, items=('a', 'c'))]
    >>> buckets.deadline()
    70.0
    >>> buckets.advance(70.0)
    [ClosedBucket(opened=10.0, closed=70.0, load=7, items=('b',))]
    """

    def __init__(self, rule: TrickleRule) -> None:
        what = "a rule such as TrickleRule(timeout=900)"
        self.rule = _validate.instance("rule", rule, TrickleRule, what)
        self._open: list[_Open] = []  # the oldest first
        self._latest = 0.0

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def deadline(self) -> float:
        """Return when the next bucket has to be closed [s]; ``inf`` if none has."""
        return self._open[0].opened + self.rule.timeout if self._open else math.inf

    def add(self, time: float, item: Any = None, size: int = 0) -> list[ClosedBucket]:
        """Take a file that arrives at `time`; return the buckets that this closes.

        Parameters
        ----------
        time : float
            >= 0, and not before any time that was told earlier [s].
        item : object, optional
        size : int, optional
            Its size [bytes], >= 0.

        Returns
        -------
        list of ClosedBucket
            In order: those whose time was over before the file came, and then at most
            one because of it.

        Raises
        ------
        ValueError
            If `time` is before an earlier one, NaN or infinite, or `size` is no number
            of bytes; then nothing has changed.
        """
        _validate.not_before("time", time, self._latest)
        size = _validate.size("size", size, least=0)
        closed = self.advance(time)
        if size > self.rule.capacity:
            return [*closed, ClosedBucket(time, time, size, (item,))]
        bucket = self._with_room(size)
        if bucket is None:
            bucket = _Open(time, 0, [])
            self._open.append(bucket)
        bucket.items.append(item)
        bucket.load += size
        if bucket.load >= self.rule.close_at * self.rule.capacity:
            return [*closed, self._close(bucket, time)]
        if len(self._open) > self.rule.most_open:
            fullest = max(self._open, key=lambda bucket: bucket.load)
            return [*closed, self._close(fullest, time)]
        return closed

    def advance(self, time: float) -> list[ClosedBucket]:
        """Let time pass until `time`; return the buckets that this closes.

        Parameters
        ----------
        time : float
            >= 0 [s]; one before those that were told earlier changes nothing.
        """
        _validate.non_negative("time", time, "s")
        self._latest = max(self._latest, float(time))
        closed = []
        while self.deadline() <= time:
            closed.append(self._close(self._open[0], self.deadline()))
        return closed

    def flush(self, time: float) -> list[ClosedBucket]:
        """Close all that are open at `time`, the oldest first, and return them.

        Parameters
        ----------
        time : float
            Not before any time that was told earlier [s].
        """
        _validate.not_before("time", time, self._latest)
        closed = self.advance(time)
        return closed + [self._close(bucket, time) for bucket in list(self._open)]

    def _with_room(self, size: int) -> _Open | None:
        """Return the first open bucket that has room."""
        limit = self.rule.capacity - size
        return next((bucket for bucket in self._open if bucket.load <= limit), None)

    def _close(self, bucket: _Open, time: float) -> ClosedBucket:
        """Close one at a time."""
        self._open = [other for other in self._open if other is not bucket]
        return ClosedBucket(bucket.opened, time, bucket.load, tuple(bucket.items))


def lateness(record: RunRecord, deadline: float) -> Floats:
    """Return how long after a deadline each file was done.

    Parameters
    ----------
    record : RunRecord
    deadline : float
        When all should be done [s], >= 0.

    Returns
    -------
    ndarray of float64, shape (n_items,)
        0 for a file that was done in time [s].

    Examples
    --------
    >>> from mds_sim.files import TricklePipeline, TrickleRule
    >>> from mds_sim.sim import LinearService
    >>> rule, service = TrickleRule(capacity=10), LinearService(per_job=2.0)
    >>> night = TricklePipeline([0, 5], [6, 6], rule, service)
    >>> lateness(night.simulate(), deadline=6.5)
    array([0.5, 0.5])
    """
    what = "a record, such as TricklePipeline.simulate returns"
    record = _validate.instance("record", record, RunRecord, what)
    _validate.non_negative("deadline", deadline, "s")
    finish = record.jobs.finish[record.items.job]
    return np.asarray(np.maximum(0.0, finish - deadline))
