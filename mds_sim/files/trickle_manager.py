"""Files as they trickle in: put into open buckets, handed to a pool as those close."""

from __future__ import annotations

import math
import threading
from collections import deque
from functools import partial
from typing import Any

from mds_sim import _validate
from mds_sim.core.worker_pool import WorkerPool
from mds_sim.records import RunRecord
from mds_sim.rng import RNG
from mds_sim.sim.service import service_times

from .bucket_task import Handler
from .file import File
from .manager import Handed, Manager, check_file
from .trickle import ClosedBucket, OpenBuckets, TrickleRule


class TrickleManager(Manager):
    """Takes files as they come and hands each bucket to a pool when it closes.

    Parameters
    ----------
    pool : WorkerPool
        What works on the buckets.
    rule : TrickleRule, optional
        When a bucket is closed.
    handler : callable, optional
        Called with each `Bucket` by a worker; see `BucketTask`.
    service : ServiceModel or Law, optional
        Least time that each bucket takes, for modelled work [s].
    rng : numpy.random.Generator, int or None, optional
        Chance of the service times.

    Notes
    -----
    Any number of threads may call `add` at the same time. A bucket whose time is over
    is closed by the pool's clock, whether another file comes or not. What goes wrong
    when a bucket is handed to the pool (a service time that is negative, a pool that
    was shut down) is no concern of the file that closed it: the manager keeps the
    bucket, `flush` tries again, and `flush` and `record` raise what is still wrong.

    Examples
    --------
    >>> from mds_sim.core import VirtualClock
    >>> clock = VirtualClock()
    >>> with WorkerPool(2, clock=clock) as pool:
    ...     rule = TrickleRule(capacity=10, close_at=0.9, timeout=60.0)
    ...     manager = TrickleManager(pool, rule, handler=print)
    ...     manager.add(File(6, "a"), File(7, "b"))
    ...     clock.sleep(20.0)
    ...     manager.add(File(3, "c"))  # now there are 9 bytes with a
    ...     clock.sleep(40.0)  # and the time of b is over
    Bucket(0: 2 files, 9 B of 10 B)
    Bucket(1: 1 file, 7 B of 10 B)
    >>> manager.record().jobs.ready
    array([20., 60.])
    """

    def __init__(
        self,
        pool: WorkerPool,
        rule: TrickleRule | None = None,
        *,
        handler: Handler | None = None,
        service: Any = None,
        rng: RNG = None,
    ) -> None:
        self._buckets = OpenBuckets(TrickleRule() if rule is None else rule)
        self.rule = self._buckets.rule
        super().__init__(pool, self.rule.capacity, handler, service, rng)
        # A pool may let time pass in `submit`, and the clock call `_wake` meanwhile.
        self._lock = threading.RLock()
        self._latest = 0.0  # of all times that the open buckets were told
        self._has_alarm = self._is_handing = False
        self._closed: deque[_Closed] = deque()  # not handed over yet
        self._refused: list[_Closed] = []  # could not be, so far
        self._error: Exception | None = None

    def add(self, *files: File, arrival: float | None = None) -> None:
        """Take files; any thread may.

        Parameters
        ----------
        *files : File
        arrival : float, optional
            When they came [s]; now by default. If that is before what the manager has
            seen already, they join what is open now and keep their arrival.

        Raises
        ------
        TypeError
            If one is no `File`. None of this call is taken; all others stay.
        ValueError
            If `arrival` is in the future of the clock; likewise.
        """
        for file in files:
            check_file(file)
        with self._lock:
            now = self.pool.clock.time()
            arrival = now if arrival is None else _past(arrival, now, self.pool)
            time = self._latest = max(arrival, self._latest)
            for file in files:
                row = self._collect(file, arrival)
                self._close(self._buckets.add(time, row, file.size_bytes))
        self._hand_over()

    def flush(self) -> None:
        """Close all buckets that are open now: the end of a night.

        Raises
        ------
        Exception
            What goes wrong when buckets are handed over. No file is lost: those of
            that bucket stay, and the next `flush` tries again.
        """
        with self._lock:
            now = self._latest = max(self.pool.clock.time(), self._latest)
            self._close(self._buckets.flush(now))
            self._closed.extendleft(reversed(self._refused))
            self._refused, self._error = [], None
        self._hand_over()
        self._raise()

    def record(self) -> RunRecord:
        """Wait for all buckets that were handed over and return what happened.

        Raises
        ------
        Exception
            As `flush`, if a bucket could not be handed over.
        """
        self._raise()
        return super().record()

    def _raise(self) -> None:
        """Raise what went wrong when buckets were handed over."""
        if self._error is not None:
            raise self._error

    def _close(self, closed: list[ClosedBucket]) -> None:
        """Put what was closed on the list to hand over."""
        self._closed.extend(_Closed(bucket) for bucket in closed)

    def _set_alarm(self) -> None:
        """Ask the clock to wake the manager when the next bucket has to be closed."""
        deadline = self._buckets.deadline()
        # A bucket that opens later ends later: one alarm at a time is enough.
        if deadline < math.inf and not self._has_alarm:
            self.pool.clock.call_at(deadline, partial(self._wake, deadline))
            self._has_alarm = True

    def _wake(self, time: float) -> None:
        """Close what is due."""
        with self._lock:
            self._has_alarm = False
            self._latest = max(time, self._latest)
            self._close(self._buckets.advance(time))
        self._hand_over()

    def _hand_over(self) -> None:
        """Hand what was closed to the pool and set the alarm."""
        handed: list[Handed] = []
        try:
            with self._lock:
                if not self._is_handing:
                    self._hand_all(handed)
                # Else time has passed in `submit`, and whoever called that goes on.
        finally:
            self._watch(handed)

    def _hand_all(self, handed: list[Handed]) -> None:
        """Hand over until nothing is left; keep what goes wrong."""
        self._is_handing = True
        try:
            while self._closed:
                self._hand(self._closed.popleft(), handed)
            self._set_alarm()
        except Exception as error:
            self._error = self._error or error
        finally:
            self._is_handing = False

    def _hand(self, closed: _Closed, handed: list[Handed]) -> None:
        """Hand a bucket over; its service time is drawn once."""
        rows, load = closed.bucket.items, closed.bucket.load
        try:
            if self._service is not None and closed.time is None:
                times = service_times(self._service, [len(rows)], [load], self._rng)
                closed.time = float(times[0])
            self._submit(self._task(len(self._tasks), rows, closed.time), handed)
        except Exception as error:
            self._refused.append(closed)
            self._error = self._error or error
        except BaseException:  # a Ctrl-C loses nothing and hands nothing over twice
            if rows[0] in self._waiting:
                self._closed.appendleft(closed)
            raise


class _Closed:
    """A bucket that was closed, and the least time that it takes, once it is known."""

    def __init__(self, bucket: ClosedBucket) -> None:
        self.bucket = bucket
        self.time: float | None = None


def _past(arrival: float, now: float, pool: WorkerPool) -> float:
    """Return an arrival, or say that it is still to come."""
    arrival = _validate.non_negative("arrival", arrival, "s")
    if arrival > now:
        raise ValueError(
            f"arrival must be <= the time now, {now!r} s on {pool.clock!r}, "
            f"got {arrival!r}"
        )
    return arrival
