"""Mini-batches: built as messages arrive, handed to a worker pool when they close."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mds_sim.core.clock import Clock
from mds_sim.core.jobs import JobTask, run_record
from mds_sim.core.worker_pool import TaskFuture, WorkerPool
from mds_sim.records import RunRecord
from mds_sim.rng import RNG, as_generator
from mds_sim.sim.service import as_service, service_times

from .decisions import ClosedBatch, OpenWindow
from .messages import Message
from .windows import FirstMessageWindow, WindowRule, as_rule


@dataclass(frozen=True)
class MiniBatch:
    """Messages that are handled together.

    Attributes
    ----------
    index : int
        Its number, from 0.
    opened, closed : float
        When it opened and closed [s]: its window is [opened, closed).
    messages : tuple of Message
        In the order in which they came.

    Examples
    --------
    >>> batch = MiniBatch(0, 10.0, 310.0, (Message("a"), Message("b")))
    >>> len(batch), [message.payload for message in batch]
    (2, ['a', 'b'])
    """

    index: int
    opened: float
    closed: float
    messages: tuple[Message, ...]

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    @property
    def load(self) -> int:
        """Sum of the messages' sizes [bytes]."""
        return sum(message.size_bytes for message in self.messages)


class MiniBatchTask(JobTask):
    """The work on one mini-batch.

    Parameters
    ----------
    batch : MiniBatch
    handler : callable, optional
        Called with the batch by a worker. Without one the messages are counted.
    service_time : float, optional
        Least time that it takes [s on the pool's clock].
    first_row : int, optional
        Row of its first message in the record of the run.

    Examples
    --------
    >>> batch = MiniBatch(0, 10.0, 310.0, (Message("a"), Message("b")))
    >>> MiniBatchTask(batch).execute()
    2
    """

    def __init__(
        self,
        batch: MiniBatch,
        handler: Callable[[MiniBatch], Any] | None = None,
        service_time: float | None = None,
        first_row: int = 0,
    ) -> None:
        self.batch = batch
        self.handler = len if handler is None else handler
        self.service_time = service_time
        self.opened = batch.opened
        self.rows = range(first_row, first_row + len(batch))
        self.arrivals = [_arrival(message) for message in batch]
        self.sizes = [message.size_bytes for message in batch]

    @property
    def name(self) -> str:
        """Name of the task in records and errors."""
        return f"mini-batch {self.batch.index}"

    def execute(self) -> Any:
        """Call the handler with the batch."""
        return self.handler(self.batch)


class MiniBatchBuilder:
    """Groups messages as they arrive and hands each batch to a pool.

    Parameters
    ----------
    pool : WorkerPool
        What works on the batches.
    window : WindowRule, optional
        When a batch closes; five minutes after its first message by default.
    clock : Clock, optional
        The clock of the pool; another one is refused.
    handler : callable, optional
        Called with each `MiniBatch` by a worker.
    service : ServiceModel or Law, optional
        Least time that each batch takes, for modelled work [s].
    rng : numpy.random.Generator, int or None, optional
        Chance of the service times.

    Notes
    -----
    Any number of threads may call `add` at the same time. New batches never wait
    for earlier ones: the pool's queue is not bounded. A message that is late
    (its arrival is before what the builder has already seen) joins the batch that
    is open now and keeps its own arrival time; no message is dropped, except one at
    which the rule raises: so does `add`. What goes wrong when a batch is handed to the
    pool (a service time that is negative, a pool that was shut down) is no concern of
    the message that closed it: the builder keeps the batch, `flush` and `finish` try
    again, and they and `record` raise what is still wrong.

    Examples
    --------
    >>> from mds_sim.core import VirtualClock
    >>> from mds_sim.stream import MessageSource, TraceArrivals
    >>> clock = VirtualClock()
    >>> source = MessageSource(TraceArrivals([0.0, 20.0, 299.0, 300.0]), clock)
    >>> with WorkerPool(10, clock=clock) as pool:
    ...     builder = MiniBatchBuilder(pool, FirstMessageWindow(300))
    ...     source.subscribe(builder.add)
    ...     n_messages = source.run()
    ...     builder.finish()
    >>> [len(batch) for batch in builder.batches]
    [3, 1]
    """

    def __init__(
        self,
        pool: WorkerPool,
        window: WindowRule | None = None,
        clock: Clock | None = None,
        *,
        handler: Callable[[MiniBatch], Any] | None = None,
        service: Any = None,
        rng: RNG = None,
    ) -> None:
        if clock not in (None, pool.clock):
            raise ValueError(f"clock must be the pool's {pool.clock!r}, got {clock!r}")
        self.pool = pool
        self.clock = pool.clock
        self.rule = FirstMessageWindow() if window is None else as_rule(window)
        self._handler = handler
        self._service = None if service is None else as_service(service)
        self._rng = as_generator(rng)
        # A pool may let time pass in `submit`, and the clock call `_wake` meanwhile.
        self._lock = threading.RLock()
        self._window = OpenWindow(self.rule)
        self._latest = 0.0
        self._alarm = float("inf")
        self._n_batches = self._n_messages = 0  # closed so far
        self._closed: deque[MiniBatchTask] = deque()  # not handed over yet
        self._refused: list[MiniBatchTask] = []  # could not be, so far
        self._error: Exception | None = None
        self._tasks: list[tuple[MiniBatchTask, TaskFuture]] = []
        self._watchers: list[Callable[[MiniBatch], object]] = []

    def add(self, message: Message) -> None:
        """Take a message; it is stamped with the time now if it has no arrival.

        Raises
        ------
        ValueError
            If its arrival is in the future of the clock.
        """
        with self._lock:
            now = self.clock.time()
            if message.arrival is None:
                message = replace(message, arrival=now)
            arrival = _arrival(message)
            if arrival > now:
                raise ValueError(
                    f"arrival must be <= the time now, {now!r} s on {self.clock!r}, "
                    f"got {arrival!r}"
                )
            time = self._latest = max(arrival, self._latest)
            self._close(self._window.add(time, message, message.size_bytes))
        self._hand_over()

    def flush(self) -> None:
        """Close the batch that is open, if any, without waiting for its window."""
        with self._lock:
            now = self._latest = max(self.clock.time(), self._latest)
            self._close(self._window.advance(now))
            self._close(self._window.flush(now))
            self._closed.extendleft(reversed(self._refused))
            self._refused, self._error = [], None
        self._hand_over()
        self._raise()

    def finish(self) -> None:
        """Wait until the open window has ended, then flush: the end of a stream."""
        with self._lock:
            deadline = self._window.deadline()
        if deadline < float("inf"):
            self.clock.sleep_until(deadline)
        self.flush()

    def on_batch_done(self, watcher: Callable[[MiniBatch], object]) -> None:
        """Call `watcher` with each batch when its work is done."""
        self._watchers.append(watcher)

    @property
    def batches(self) -> Sequence[MiniBatch]:
        """The batches that were handed over so far, in this order."""
        with self._lock:
            return tuple(task.batch for task, _ in self._tasks)

    def record(self) -> RunRecord:
        """Wait for the batches that have closed and return what happened."""
        self._raise()
        with self._lock:
            tasks = list(self._tasks)
        return run_record(tasks, self.pool.max_workers)

    def _set_alarm(self) -> None:
        """Ask the clock to wake the builder when the open window ends."""
        deadline = self._window.deadline()
        if deadline < self._alarm:
            self.clock.call_at(deadline, partial(self._wake, deadline))
            self._alarm = deadline

    def _wake(self, time: float) -> None:
        """Close what is due; a window may have moved its end since."""
        with self._lock:
            if time != self._alarm:
                return  # an earlier end was asked for since, and is looked after
            self._alarm = float("inf")
            self._latest = max(time, self._latest)
            self._close(self._window.advance(time))
        self._hand_over()

    def _raise(self) -> None:
        """Raise what went wrong when batches were handed over."""
        if self._error is not None:
            raise self._error

    def _close(self, closed: list[ClosedBatch]) -> None:
        """Give what was closed its numbers and put it on the list to hand over."""
        for done in closed:
            batch = MiniBatch(self._n_batches, *done)
            task = MiniBatchTask(batch, self._handler, first_row=self._n_messages)
            self._closed.append(task)
            self._n_batches += 1
            self._n_messages += len(batch)

    def _hand_over(self) -> None:
        """Hand what was closed to the pool and set the alarm; keep what goes wrong."""
        handed: list[tuple[MiniBatch, TaskFuture]] = []
        with self._lock:
            while self._closed:
                # Off the list first: whoever comes here meanwhile must not see it.
                task = self._closed.popleft()
                try:
                    handed.append((task.batch, self._submit(task)))
                except Exception as error:
                    self._refused.append(task)
                    self._error = self._error or error
            try:
                self._set_alarm()
            except Exception as error:
                self._error = self._error or error
        # Not under the lock: a watcher may wait for another thread that calls `add`.
        for batch, future in handed:
            future.add_done_callback(partial(self._tell, batch))

    def _submit(self, task: MiniBatchTask) -> TaskFuture:
        """Hand a batch to the pool; its service time is drawn once."""
        if self._service is not None and task.service_time is None:
            n_items, load = [len(task.batch)], [task.batch.load]
            times = service_times(self._service, n_items, load, self._rng)
            task.service_time = float(times[0])
        future = self.pool.submit(task)
        self._tasks.append((task, future))
        return future

    def _tell(self, batch: MiniBatch, _: object) -> None:
        """Tell whoever wants to know that a batch is done."""
        for watcher in self._watchers:
            watcher(batch)


def _arrival(message: Message) -> float:
    """Return when a message arrived; an unstamped one arrived at 0."""
    return 0.0 if message.arrival is None else message.arrival
