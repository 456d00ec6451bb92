"""Messages, and the source that lets them arrive on a clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from mds_sim import _validate
from mds_sim.core.clock import Clock, ClockFuture, WallClock, start_of_run
from mds_sim.rng import RNG
from mds_sim.units import counted

from .arrivals import Arrivals, PoissonArrivals, as_arrivals

TEN_A_MINUTE = PoissonArrivals(10 / 60)


@dataclass(frozen=True, slots=True)
class Message:
    """A message.

    Parameters
    ----------
    payload : object, optional
        What it says.
    arrival : float, optional
        When it arrived [s on the clock]; None: when it is handed over.
    size_bytes : int, optional
        Its size [bytes], >= 0.
    number : int, optional
        Its position in its source, from 0; -1 if it comes from nowhere.

    Examples
    --------
    >>> Message("hello", arrival=12.5)
    Message(payload='hello', arrival=12.5, size_bytes=0, number=-1)
    """

    payload: Any = None
    arrival: float | None = None
    size_bytes: int = 0
    number: int = -1

    def __post_init__(self) -> None:
        if self.arrival is not None:
            _validate.non_negative("arrival", self.arrival, "s")
        _validate.size("size_bytes", self.size_bytes, least=0)


class MessageSource:
    """Lets messages arrive on a clock and hands each to all subscribers.

    Parameters
    ----------
    arrivals : Arrivals, optional
        When they come; a Poisson process of ten a minute by default.
    clock : Clock, optional
        A `WallClock` by default.
    rng : numpy.random.Generator, int or None, optional
        The times are those of ``arrivals.sample(..., rng=rng)``.
    payloads, sizes : iterable, optional
        What the messages say, and their sizes [bytes]; None and 0 beyond its end.

    Notes
    -----
    Subscribers are called one after the other and should be quick: slow work
    belongs into a `WorkerPool`. A subscriber that raises does not keep the message
    from the others, nor later messages from itself: all errors come together in
    one ``ExceptionGroup`` when the stream has ended.

    Examples
    --------
    >>> from mds_sim.core import VirtualClock
    >>> source = MessageSource(PoissonArrivals(10 / 60), VirtualClock(), rng=1)
    >>> source.subscribe(lambda message: print(f"{message.arrival:.1f} s"))
    >>> source.run(n=3)
    6.4 s
    8.3 s
    40.5 s
    3
    """

    def __init__(
        self,
        arrivals: Arrivals = TEN_A_MINUTE,
        clock: Clock | None = None,
        *,
        rng: RNG = None,
        payloads: Iterable[Any] = (),
        sizes: Iterable[int] = (),
    ) -> None:
        self.arrivals = as_arrivals(arrivals)
        self.clock: Clock = WallClock() if clock is None else clock
        self._rng = rng
        self._payloads = payloads
        self._sizes = sizes
        self._subscribers: list[Callable[[Message], object]] = []
        self._runs: list[_Run] = []

    def subscribe(self, subscriber: Callable[[Message], object]) -> None:
        """Hand every message from now on to `subscriber` as well."""
        if not callable(subscriber):
            kind = type(subscriber).__name__
            raise TypeError(f"subscriber must be callable, got {kind}")
        self._subscribers.append(subscriber)

    def start(
        self,
        n: int | None = None,
        until: float | None = None,
        *,
        begin: float | None = None,
    ) -> ClockFuture:
        """Let the stream begin and return at once.

        Parameters
        ----------
        n : int, optional
            At most so many messages.
        until : float, optional
            Only messages that arrive in [0, until) after the start [s]. Without
            `n` and `until` an endless source goes on until `stop`.
        begin : float, optional
            When the stream starts [s on the clock]; at the next whole second by
            default.

        Returns
        -------
        ClockFuture
            Its result is how many messages arrived.
        """
        begin = start_of_run(self.clock) if begin is None else begin
        times = self.arrivals.iterate(n, until, self._rng)
        run = _Run(self.clock, self._messages(begin, times), self._subscribers)
        self._runs = [other for other in self._runs if not other.done.done()]
        self._runs.append(run)
        run.plan_next()
        return run.done

    def run(self, n: int | None = None, until: float | None = None) -> int:
        """Let the stream begin, wait for its end, and return how many arrived.

        Raises
        ------
        ExceptionGroup
            Of all that subscribers raised, after the last message.
        ValueError
            If nothing ends the stream: use `start` and `stop` for an endless one.
        """
        if n is None and until is None and not self.arrivals.is_finite:
            raise ValueError(
                "n or until must be given to run an endless source; "
                "use start() and stop() to let it run freely"
            )
        done = self.start(n, until)
        try:
            return int(done.result())
        except KeyboardInterrupt:
            self.stop()
            raise

    def stop(self) -> None:
        """End the stream now: no further message is delivered."""
        for run in self._runs:
            run.stop()

    def _messages(self, begin: float, times: Iterator[float]) -> Iterator[Message]:
        """Yield the messages of a run."""
        payloads, sizes = iter(self._payloads), iter(self._sizes)
        for number, time in enumerate(times):
            yield Message(next(payloads, None), begin + time, next(sizes, 0), number)


class _Run:
    """A stream under way: one message at a time is in the clock's agenda."""

    def __init__(
        self,
        clock: Clock,
        messages: Iterator[Message],
        subscribers: list[Callable[[Message], object]],
    ) -> None:
        self.done = ClockFuture(clock)
        self._clock = clock
        self._messages = messages
        self._subscribers = subscribers
        self._count = 0
        self._errors: list[Exception] = []
        self._is_stopped = self._is_delivering = False
        # Whoever waits for the end may call `stop` again while he is told of it.
        self._lock = threading.RLock()

    def plan_next(self) -> None:
        """Write the next message into the agenda, or end."""
        try:
            message = None if self._is_stopped else next(self._messages, None)
        except Exception as error:
            self._errors.append(error)
            message = None
        if message is None or message.arrival is None:
            self._end()
        else:
            self._clock.call_at(message.arrival, partial(self._deliver, message))

    def stop(self) -> None:
        """End the stream: now, or when the message that is under way is delivered."""
        with self._lock:
            self._is_stopped = True
            if not self._is_delivering:
                self._end()

    def _deliver(self, message: Message) -> None:
        """Hand a message to all subscribers, whatever they raise."""
        with self._lock:
            if self._is_stopped:
                return
            self._is_delivering = True
        try:
            self._count += 1
            for subscriber in list(self._subscribers):
                self._hand_over(message, subscriber)
        finally:
            with self._lock:
                self._is_delivering = False
            self.plan_next()  # even after a SystemExit: somebody waits for the end

    def _hand_over(
        self, message: Message, subscriber: Callable[[Message], object]
    ) -> None:
        """Call one subscriber and keep what it raises."""
        try:
            subscriber(message)
        except Exception as error:
            error.add_note(f"while message {message.number} was delivered")
            self._errors.append(error)

    def _end(self) -> None:
        """Say that the stream is over, once."""
        with self._lock:
            if self.done.done():
                return
            if self._errors:
                errors = counted(len(self._errors), "error", spec="")
                messages = counted(self._count, "message", spec="")
                text = f"{errors} among {messages}"
                self.done.set_exception(ExceptionGroup(text, self._errors))
            else:
                self.done.set_result(self._count)
