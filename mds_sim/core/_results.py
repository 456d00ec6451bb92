"""Results of many tasks: in order as from `map`, or as they come."""

from __future__ import annotations

import itertools
import math
import os
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any

from mds_sim.units import counted

from ._job import TaskFuture
from .clock import Clock, WallClock
from .task import FunctionTask, Task, note

if TYPE_CHECKING:
    from .worker_pool import WorkerPool

WORTHWHILE = 0.05  # seconds that a task should take that leaves this process
WORTHWHILE_HERE = 0.001  # and one that stays
PATIENCE = 10  # times as long, until a task gives back what it has not begun
AHEAD = 4  # tasks a worker that are submitted before results are taken
GROWTH = 8  # times the size of the chunk before
MOST = 2**12  # items a chunk

Arguments = tuple[Any, ...]
Outcome = tuple[bool, Any]  # whether it is good, and the result or the error


class ChunkTask(Task):
    """Calls of one function on some items: each gives its result or its error.

    Items that are slower than was thought are given back after `seconds`, so that
    other workers may have them: the answer may be shorter than `items`.

    Examples
    --------
    >>> ChunkTask(len, [("abc",), ("de",)], first=0, seconds=60.0).execute()
    [(True, 3), (True, 2)]
    """

    max_crashes = 1  # then one by one, to see whose fault it was

    def __init__(
        self,
        function: Callable[..., Any],
        items: list[Arguments],
        first: int,
        seconds: float,
    ) -> None:
        self._function = function
        self._items = items
        self._first = first
        self._seconds = seconds
        self._home = os.getpid()

    @property
    def name(self) -> str:
        """Name of the function, and the numbers of the items."""
        last = self._first + len(self._items) - 1
        return f"{FunctionTask(self._function).name} of items {self._first} to {last}"

    def execute(self) -> list[Outcome]:
        """Call the function for each item, whatever becomes of the others."""
        end = perf_counter() + self._seconds
        outcomes = []
        for item in self._items:
            outcomes.append(self._call(item))
            if perf_counter() > end:
                break
        return outcomes

    def _call(self, item: Arguments) -> Outcome:
        """Return (True, result) or (False, error)."""
        try:
            return True, self._function(*item)
        except Exception as error:
            if os.getpid() != self._home:  # where it came from does not travel with it
                note(error, "".join(traceback.format_exception(error)))
            return False, error


class LazyMap:
    """Submits items as results are taken, and gives results in order.

    Parameters
    ----------
    pool : WorkerPool
    function : callable
    iterables : tuple of iterable
        One for each argument of `function`.
    buffersize : int or None
        Items that may be waiting or under way; None: some tasks a worker.
    chunksize : int or None
        Items a task; None: as many as make it worth its way.
    """

    def __init__(
        self,
        pool: WorkerPool,
        function: Callable[..., Any],
        iterables: tuple[Iterable[Any], ...],
        buffersize: int | None,
        chunksize: int | None,
    ) -> None:
        self._pool = pool
        self._function = function
        self._rest = zip(*iterables, strict=False)
        self._buffersize = buffersize
        self._is_adaptive = chunksize is None
        self._worth = WORTHWHILE if pool.is_remote else WORTHWHILE_HERE
        # What a call costs is unknown at first; to send many would be to wait long.
        self._is_unknown = self._is_adaptive and pool.is_remote
        self._size = 1
        self._resize(chunksize or 1)
        self._submitted = 0  # items
        self._stop: Exception | None = None  # why no more of them come
        self._ahead = 0  # of them, those that are waiting or under way
        self._chunks: deque[tuple[TaskFuture, int, list[Arguments]]] = deque()

    def submit(self) -> None:
        """Submit as many items as there is room for."""
        ahead = 1 if self._is_unknown else AHEAD
        most = self._buffersize or ahead * self._pool.max_workers * self._size
        while self._ahead < most and self._stop is None:
            items = self._read(min(self._size, most - self._ahead))
            if not items:
                return
            try:
                future = self._hand_over(items, self._submitted)
            except RuntimeError as error:  # the pool was shut down
                if not self._submitted:
                    raise
                self._stop = error
                return
            self._chunks.append((future, self._submitted, items))
            self._submitted += len(items)
            self._ahead += len(items)

    def _read(self, size: int) -> list[Arguments]:
        """Read some items; an error of the input comes after what it gave before."""
        items: list[Arguments] = []
        try:
            for item in itertools.islice(self._rest, size):
                items.append(item)  # noqa: PERF402  # those before an error count
        except Exception as error:
            self._stop = error
        return items

    def results(self) -> Iterator[Any]:
        """Yield results; raise the first error."""
        for is_good, value in self._outcomes(until_error=True):
            if not is_good:
                try:
                    raise value
                finally:
                    del value  # or error and frame would keep each other alive
            yield value
            del value  # who took it keeps it, or nobody

    def good_results(self) -> Iterator[Any]:
        """Yield the results that there are; raise all errors at the end."""
        errors = []
        for is_good, value in self._outcomes(until_error=False):
            if is_good:
                yield value
            else:
                errors.append(value)
            del value
        if errors:
            share = (
                f"{len(errors)} of {counted(self._submitted, 'item', spec='')} failed"
            )
            raise BaseExceptionGroup(share, errors)

    def _outcomes(self, until_error: bool) -> Iterator[Outcome]:
        """Yield what became of each item, in order; submit more meanwhile."""
        try:
            while self._chunks:
                outcomes = self._next_chunk()
                if not until_error or all(is_good for is_good, _ in outcomes):
                    self.submit()
                outcomes.reverse()
                while outcomes:
                    yield outcomes.pop()
            if self._stop is not None:
                yield False, self._stop
        finally:
            for future, _, _ in self._chunks:
                future.cancel()

    def _hand_over(self, items: list[Arguments], first: int) -> TaskFuture:
        """Submit some items as one task."""
        if len(items) == 1:
            return self._pool.submit(self._function, *items[0])
        seconds = PATIENCE * self._worth if self._is_adaptive else math.inf
        return self._pool.submit(ChunkTask(self._function, items, first, seconds))

    def _next_chunk(self) -> list[Outcome]:
        """Wait for a task; return what became of its items, as far as is known."""
        future, first, items = self._chunks.popleft()
        error = future.exception()
        if len(items) == 1:
            outcomes = [(True, future.result()) if error is None else (False, error)]
        else:
            # The worker's end, or something that cannot travel: whose was it?
            outcomes = future.result() if error is None else []
            self._resubmit(first + len(outcomes), items[len(outcomes) :])
        for number, (is_good, value) in enumerate(outcomes, first):
            if not is_good:
                note(value, f"item {number} of the map")
        self._ahead -= len(outcomes)
        self._adapt(future, len(outcomes))
        return outcomes

    def _resubmit(self, first: int, items: list[Arguments]) -> None:
        """Submit items one by one; their turn is before all others."""
        futures = [self._hand_over([item], first) for item in items]
        chunks = zip(futures, itertools.count(first), ([item] for item in items))
        self._chunks.extendleft(reversed(list(chunks)))

    def _adapt(self, future: TaskFuture, count: int) -> None:
        """Choose how many items make a task worth its way."""
        clock = self._pool.clock
        if self._is_adaptive and count and isinstance(clock, WallClock):
            self._is_unknown = False
            seconds = future.record.duration / clock.speed / count
            wish = MOST if seconds <= 0 else math.ceil(self._worth / seconds)
            self._resize(min(wish, GROWTH * self._size, MOST))

    def _resize(self, size: int) -> None:
        """Set the size of a chunk; each worker should get one."""
        if self._buffersize is not None:
            size = min(size, max(self._buffersize // self._pool.max_workers, 1))
        self._size = max(size, 1)


def as_completed(
    clock: Clock, futures: Iterable[TaskFuture], timeout: float | None
) -> Iterator[TaskFuture]:
    """Yield futures as they are done, while time of a clock passes."""
    waiting = list(dict.fromkeys(futures))
    end = math.inf if timeout is None else clock.time() + timeout
    done: deque[Any] = deque()
    bell: Future[None] = Future()

    def ring(future: Future[Any]) -> None:
        done.append(future)
        with suppress(InvalidStateError):  # it rings already
            bell.set_result(None)

    for future in waiting:
        future.add_done_callback(ring)
    for left in range(len(waiting), 0, -1):
        while not done:
            bell = Future()
            if done:  # it came in between, and rang the bell before
                break
            clock.wait(bell, None if end == math.inf else max(end - clock.time(), 0.0))
            if not done and clock.time() >= end:
                raise TimeoutError(f"{left} (of {len(waiting)}) futures unfinished")
        yield done.popleft()
