"""Time is an argument: a clock that follows the wall, and one that jumps.

Everything that waits in this package waits on a `Clock`. On a `WallClock` it
really waits (``speed=600`` squeezes five minutes into half a second); on a
`VirtualClock` time jumps to the next thing that happens, so that a day of real
work takes a second and every run gives the same record.

Both clocks keep one agenda of callbacks in the order of (time, order of call).
A message at 299.9 s is therefore delivered before a window that ends at 300 s is
closed, however late the computer is: a fast clock distorts times, never groups.
"""

from __future__ import annotations

import heapq
import itertools
import math
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from queue import SimpleQueue
from time import perf_counter
from time import sleep as real_sleep
from typing import Any, Protocol

from mds_sim import _validate
from mds_sim.units import DAY

Callback = Callable[[], object]


class ClockThread(Protocol):
    """A thread that a clock knows: it can be parked and be woken."""

    done: Future[None]

    def park(self) -> None:
        """Stop until somebody calls `unpark` (only the thread itself may)."""

    def unpark(self) -> None:
        """Let the thread go on, or not stop the next time it parks."""


class Clock(Protocol):
    """What the object layer asks of time; `WallClock` and `VirtualClock` do it.

    Times are in seconds since the clock started.

    Examples
    --------
    >>> clock = VirtualClock()
    >>> clock.call_at(5.0, lambda: print("five"))
    >>> clock.sleep(6.0)
    five
    """

    def time(self) -> float:
        """Return the time now [s]."""

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for `seconds`."""

    def sleep_until(self, time: float) -> None:
        """Block the calling thread until `time`; return at once if it is past."""

    def call_at(self, time: float, callback: Callback) -> None:
        """Call `callback` at `time`, in the order of (time, order of call)."""

    def call_soon(self, callback: Callback) -> None:
        """Call `callback` when all else that happens at this instant is done."""

    def spawn(self, target: Callback, name: str) -> ClockThread:
        """Start a thread that may sleep, park and wait on this clock."""

    def wait(self, future: Future[Any], timeout: float | None = None) -> None:
        """Let time pass until `future` is done or `timeout` is over."""


class ClockFuture(Future[Any]):
    """A ``concurrent.futures.Future`` whose waiting passes the time of a clock.

    Parameters
    ----------
    clock : Clock
        Time-outs are in seconds of this clock; a `VirtualClock` lets its time
        pass while somebody waits for the result.

    Notes
    -----
    ``concurrent.futures.wait`` and ``as_completed`` know no clock: on a `VirtualClock`
    they let no time pass, and wait for ever for what is not done.

    Examples
    --------
    >>> clock = VirtualClock()
    >>> future = ClockFuture(clock)
    >>> clock.call_at(60.0, lambda: future.set_result("a minute later"))
    >>> future.result(), clock.time()
    ('a minute later', 60.0)
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def result(self, timeout: float | None = None) -> Any:
        """Wait until it is done; return the result or raise the error."""
        if not self.done():
            self._clock.wait(self, timeout)
        return super().result(None if timeout is None else 0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait until it is done; return the error or None."""
        if not self.done():
            self._clock.wait(self, timeout)
        return super().exception(None if timeout is None else 0)


def start_of_run(clock: Clock) -> float:
    """Return when a run that is started now begins, in whole seconds.

    Zero on a fresh clock. On a clock that was used before, the next whole
    second: sums of whole seconds are exact, so that a message exactly at the end
    of a window stays exactly there.
    """
    return float(math.ceil(clock.time()))


class WallClock:
    """Time of the real world, from when the clock is first waited on.

    Parameters
    ----------
    speed : float, optional
        Seconds of the clock in a second of the real world, > 0. At 600 five
        minutes last half a second and a millisecond of delay looks like 0.6 s.

    Notes
    -----
    Callbacks run one after the other in a thread of the clock, which ends when
    nothing is left to call. The clock stands at zero until the first `call_at`,
    `sleep` or `spawn`.

    Examples
    --------
    >>> clock = WallClock(speed=1000)
    >>> clock.time()
    0.0
    >>> clock.sleep(2)
    >>> clock.time() >= 2
    True
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = _validate.positive("speed", speed)
        self._origin: float | None = None
        self._agenda: list[tuple[float, int, Callback]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._timer: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"WallClock(speed={self.speed:g})"

    def time(self) -> float:
        """Return the time now [s]."""
        if self._origin is None:
            return 0.0
        return (perf_counter() - self._origin) * self.speed

    def _start(self) -> None:
        """Let time begin, unless it has begun."""
        with self._changed:
            if self._origin is None:
                self._origin = perf_counter()

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for `seconds` of this clock."""
        self._start()
        self.sleep_until(self.time() + _validate.non_negative("seconds", seconds, "s"))

    def sleep_until(self, time: float) -> None:
        """Block the calling thread until the clock shows `time`."""
        time = _validate.finite("time", time)
        self._start()
        while (delay := (time - self.time()) / self.speed) > 0:
            real_sleep(min(delay, DAY))  # the system refuses some thousand years

    def call_at(self, time: float, callback: Callback) -> None:
        """Call `callback` at `time` in the clock's own thread."""
        time = _validate.finite("time", time)
        self._start()
        with self._changed:
            if self._timer is None:
                timer = threading.Thread(target=self._tick, name="clock", daemon=True)
                timer.start()  # the system may refuse: then nothing has changed
                self._timer = timer
            heapq.heappush(self._agenda, (time, next(self._order), callback))
            self._changed.notify()

    def call_soon(self, callback: Callback) -> None:
        """Call `callback` now: no two events of the real world share an instant."""
        callback()

    def spawn(self, target: Callback, name: str) -> ClockThread:
        """Start an ordinary thread."""
        self._start()
        return _WallThread(target, name)

    def wait(self, future: Future[Any], timeout: float | None = None) -> None:
        """Block until `future` is done or `timeout` seconds of the clock are over."""
        real = None
        if timeout is not None:
            real = min(timeout / self.speed, threading.TIMEOUT_MAX)
        with suppress(CancelledError, TimeoutError):
            Future.exception(future, real)  # that of `ClockFuture` would come back here

    def _tick(self) -> None:
        """Call what is due, one after the other, until nothing is left."""
        while (callback := self._next()) is not None:
            try:
                callback()
            except BaseException:
                # A callback that fails must not stop the time of all others.
                threading.excepthook(
                    threading.ExceptHookArgs(
                        (*sys.exc_info(), threading.current_thread())
                    )
                )

    def _next(self) -> Callback | None:
        """Wait for the next callback to be due; None when there is none left."""
        with self._changed:
            while self._agenda:
                delay = (self._agenda[0][0] - self.time()) / self.speed
                if delay <= 0:
                    return heapq.heappop(self._agenda)[-1]
                self._changed.wait(min(delay, threading.TIMEOUT_MAX))
            self._timer = None
            return None


class _WallThread:
    """A daemon thread of the real world; a token in the queue lets it go on."""

    def __init__(self, target: Callback, name: str) -> None:
        self.done: Future[None] = Future()
        self._tokens: SimpleQueue[None] = SimpleQueue()
        self._target = target
        threading.Thread(target=self._body, name=name, daemon=True).start()

    def park(self) -> None:
        self._tokens.get()

    def unpark(self) -> None:
        self._tokens.put(None)

    def _body(self) -> None:
        try:
            self._target()
        finally:
            self.done.set_result(None)


class VirtualClock:
    """Time that jumps to the next event: deterministic, as fast as the work.

    Time passes only while a thread waits for it: in `run`, in `sleep`, or in
    whatever waits on this clock (a pool's ``drain``, a future's ``result``). That
    thread works through the agenda; the threads started by `spawn` are real ones,
    but only one runs at a time, and time stands still while it does. So each run
    gives the same record, whatever the computer does meanwhile.

    Notes
    -----
    A thread hands over only where it sleeps, parks or waits on the clock: one
    that blocks elsewhere (``time.sleep``, a lock) stops the time of all. Events
    of one instant happen in the order in which they were planned; what was asked
    for by `call_soon` comes after all of them.

    Examples
    --------
    >>> clock = VirtualClock()
    >>> clock.sleep(24 * 3600)  # a day, at once
    >>> clock.time()
    86400.0
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._agenda: list[tuple[float, int, int, Callback]] = []
        self._order = itertools.count()
        self._adding = threading.Lock()
        self._driving = threading.RLock()
        self._baton: SimpleQueue[None] = SimpleQueue()
        self._running = False
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"VirtualClock(time={self._now:g})"

    def time(self) -> float:
        """Return the time now [s]."""
        return self._now

    def call_at(self, time: float, callback: Callback) -> None:
        """Call `callback` at `time` (now, if `time` is past)."""
        self._add(_validate.finite("time", time), 0, callback)

    def call_soon(self, callback: Callback) -> None:
        """Call `callback` at this instant, after all else that happens at it."""
        self._add(self._now, 1, callback)

    def spawn(self, target: Callback, name: str) -> ClockThread:
        """Start a real thread that takes turns with all others of this clock."""
        thread = _VirtualThread(self, target, name)
        thread.unpark()
        return thread

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass for the calling thread."""
        self.sleep_until(self._now + _validate.non_negative("seconds", seconds, "s"))

    def sleep_until(self, time: float) -> None:
        """Let time pass for the calling thread until `time`."""
        time = _validate.finite("time", time)
        thread: _VirtualThread | None = getattr(self._local, "thread", None)
        if thread is None:
            self._drive(lambda: False, until=time)
        elif time > self._now:
            self.call_at(time, thread)
            while self._now < time:
                thread.park()

    def wait(self, future: Future[Any], timeout: float | None = None) -> None:
        """Let time pass until `future` is done or `timeout` is over.

        Raises
        ------
        RuntimeError
            If nothing is left on the agenda that could still complete `future`.
        """
        if future.done():
            return
        until = math.inf if timeout is None else self._now + timeout
        thread: _VirtualThread | None = getattr(self._local, "thread", None)
        if thread is None:
            # Asking the future itself at each event takes its lock, which is written
            # in Python: a Ctrl-C in there would leave it locked for ever.
            done: list[bool] = []
            future.add_done_callback(lambda _: done.append(True))
            self._drive(lambda: bool(done), until)
            if not future.done() and timeout is None:
                raise RuntimeError(
                    f"waited for at {self._now:g} s on a VirtualClock, but nothing is "
                    "left on its agenda that could complete it"
                )
            return
        if until < math.inf:
            self._add(until, 1, thread)  # what is done at `until` is in time
        future.add_done_callback(lambda _: thread.unpark())
        while not future.done() and self._now < until:
            thread.park()

    def run(self) -> None:
        """Let time pass until nothing is left to happen."""
        self._drive(lambda: False, math.inf)

    def _add(self, time: float, priority: int, callback: Callback) -> None:
        """Write a callback into the agenda."""
        with self._adding:
            entry = (max(time, self._now), priority, next(self._order), callback)
            heapq.heappush(self._agenda, entry)

    def _drive(self, finished: Callable[[], bool], until: float) -> None:
        """Work through the agenda until `finished`, empty, or past `until`."""
        if not self._driving.acquire(blocking=False):
            raise RuntimeError(
                "one thread at a time may drive a VirtualClock; "
                "start the others by clock.spawn(target, name)"
            )
        try:
            self._await_baton()
            while not finished() and self._agenda and self._agenda[0][0] <= until:
                self._call_next()
            if not finished() and until < math.inf:
                self._now = max(self._now, until)
        finally:
            self._driving.release()

    def _call_next(self) -> None:
        """Take the next event off the agenda and call it; a Ctrl-C loses none."""
        event, is_called = None, False
        try:
            with self._adding:
                event = self._agenda[0]
                heapq.heappop(self._agenda)
                self._now = max(self._now, event[0])
            is_called = True
            event[-1]()
        except BaseException:
            # Who is woken twice parks again; who is not woken would sleep for ever.
            if event and (not is_called or isinstance(event[-1], _VirtualThread)):
                with self._adding:
                    heapq.heappush(self._agenda, event)
            raise

    def _hand_over(self, thread: _VirtualThread) -> None:
        """Let `thread` run until it parks or ends."""
        self._running = True
        thread.go.put(None)
        self._baton.get()
        self._await_baton()

    def _await_baton(self) -> None:
        """Wait for the running thread, also for one left behind by a Ctrl-C."""
        while self._running:  # a Ctrl-C may have left a baton behind as well
            self._baton.get()

    def _hand_back(self) -> None:
        """Let the driver go on (called by the running thread)."""
        self._running = False
        self._baton.put(None)


class _VirtualThread:
    """A real thread that runs only while the clock's driver waits for it.

    As a callback of the clock it runs until it parks or ends.
    """

    def __init__(self, clock: VirtualClock, target: Callback, name: str) -> None:
        self.done: Future[None] = Future()
        self.go: SimpleQueue[None] = SimpleQueue()
        self._clock = clock
        self._target = target
        self._is_over = False
        threading.Thread(target=self._body, name=name, daemon=True).start()

    def __call__(self) -> None:
        if not self._is_over:
            self._clock._hand_over(self)

    def unpark(self) -> None:
        self._clock.call_at(self._clock.time(), self)

    def park(self) -> None:
        self._clock._hand_back()
        self.go.get()

    def _body(self) -> None:
        self._clock._local.thread = self
        self.go.get()
        try:
            self._target()
        finally:
            self._is_over = True
            self.done.set_result(None)
            self._clock._hand_back()
