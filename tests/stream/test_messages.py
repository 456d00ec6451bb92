"""Messages, and the source that lets them arrive on a clock."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from mds_sim.core import Clock, VirtualClock, WallClock
from mds_sim.stream import (
    Arrivals,
    Message,
    MessageSource,
    PoissonArrivals,
    TraceArrivals,
    VaryingPoissonArrivals,
)

POISSON = PoissonArrivals(10 / 60)
TRACE = TraceArrivals([0.0, 1.5, 1.5, 400.0])


class TestMessage:
    def test_it_says_what_it_is(self) -> None:
        message = Message("hello", 12.5, 3, 7)
        assert message == Message("hello", arrival=12.5, size_bytes=3, number=7)
        assert Message() == Message(None, None, 0, -1)
        with pytest.raises(FrozenInstanceError):
            message.payload = "bye"  # type: ignore[misc]

    @pytest.mark.parametrize(
        ("fields", "error", "message"),
        [
            ({"arrival": -1}, ValueError, "arrival must be >= 0 and finite s, got -1"),
            ({"arrival": "5"}, TypeError, "arrival must be a number, got '5'"),
            (
                {"size_bytes": -1},
                ValueError,
                "size_bytes must be >= 0 and finite bytes, got -1",
            ),
            (
                {"size_bytes": 0.5},
                ValueError,
                "size_bytes must be whole bytes >= 0, got 0.5",
            ),
        ],
    )
    def test_a_wrong_field_is_refused(
        self, fields: dict[str, Any], error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            Message(**fields)


def delivered(
    source: MessageSource, n: int | None = None, until: float | None = None
) -> list[Message]:
    """Run a source and return all of its messages."""
    seen: list[Message] = []
    source.subscribe(seen.append)
    assert source.run(n, until) == len(seen)
    return seen


@pytest.mark.parametrize("arrivals", [POISSON, TRACE], ids=["Poisson", "trace"])
@pytest.mark.parametrize(
    "limits", [{"n": 3}, {"n": 0}, {"until": 400.0}, {"n": 2, "until": 1.5}], ids=str
)
def test_messages_arrive_at_the_times_of_a_sample(
    arrivals: Arrivals, limits: dict[str, Any]
) -> None:
    clock = VirtualClock()
    now: list[float] = []
    source = MessageSource(arrivals, clock, rng=5)
    source.subscribe(lambda message: now.append(clock.time()))
    messages = delivered(source, **limits)
    times = arrivals.sample(**limits, rng=5).tolist()
    assert [message.arrival for message in messages] == now == times
    assert [message.number for message in messages] == list(range(len(times)))


def test_a_trace_needs_no_end() -> None:
    assert len(delivered(MessageSource(TRACE, VirtualClock()))) == 4


def test_a_source_is_ten_a_minute_on_a_wall_clock_unless_told_otherwise() -> None:
    source = MessageSource()
    assert source.arrivals == POISSON
    assert isinstance(source.clock, WallClock)


def test_payloads_and_sizes_may_end_early() -> None:
    source = MessageSource(TRACE, VirtualClock(), payloads="ab", sizes=iter([7]))
    assert [(m.payload, m.size_bytes) for m in delivered(source)] == [
        ("a", 7), ("b", 0), (None, 0), (None, 0),
    ]  # fmt: skip


def test_every_subscriber_gets_every_message_in_the_order_of_subscription() -> None:
    calls: list[str] = []
    source = MessageSource(TRACE, VirtualClock())
    for name in "abc":
        source.subscribe(lambda message, name=name: calls.append(name))
    source.run(n=2)
    assert calls == list("abcabc")


def test_a_subscriber_may_subscribe_another() -> None:
    late: list[Message] = []
    source = MessageSource(TRACE, VirtualClock())
    source.subscribe(lambda message: late or source.subscribe(late.append))
    source.run()
    assert [message.number for message in late][:2] == [1, 2]


def test_a_second_run_begins_when_it_is_started() -> None:
    clock = VirtualClock()
    source = MessageSource(TRACE, clock)
    clock.sleep(99.25)
    times = [message.arrival for message in delivered(source)]
    assert times == [100.0, 101.5, 101.5, 500.0]  # whole seconds keep sums exact


def test_two_runs_at_once_are_told_apart() -> None:
    clock = VirtualClock()
    source = MessageSource(TRACE, clock)
    seen: list[Message] = []
    source.subscribe(seen.append)
    futures = [source.start(n=2), source.start()]
    assert [future.result() for future in futures] == [2, 4]
    assert sorted(message.number for message in seen) == [0, 0, 1, 1, 2, 3]


class TestErrors:
    def test_one_subscriber_keeps_no_message_from_the_others(self) -> None:
        seen: list[Message] = []

        def sensitive(message: Message) -> None:
            if message.number != 2:
                raise ValueError(f"no {message.number}")

        source = MessageSource(TRACE, VirtualClock())
        source.subscribe(sensitive)
        source.subscribe(seen.append)
        source.subscribe(sensitive)
        with pytest.raises(ExceptionGroup) as caught:
            source.run()
        assert caught.value.message == "6 errors among 4 messages"
        assert len(seen) == 4
        texts = [str(error) for error in caught.value.exceptions]
        assert texts == ["no 0", "no 0", "no 1", "no 1", "no 3", "no 3"]
        notes = [error.__notes__ for error in caught.value.exceptions]
        assert notes[0] == notes[1] == ["while message 0 was delivered"]

    def test_what_a_subscriber_raises_after_another_stopped_the_stream_is_kept(
        self,
    ) -> None:
        def fail(message: Message) -> None:
            raise KeyError(message.number)

        source = MessageSource(POISSON, VirtualClock())
        source.subscribe(lambda message: source.stop())
        source.subscribe(fail)
        with pytest.raises(ExceptionGroup) as caught:
            source.start().result()
        assert caught.value.message == "1 error among 1 message"

    def test_a_subscriber_that_exits_ends_no_stream(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def leave(_: Message) -> None:
            raise SystemExit

        monkeypatch.setattr(threading, "excepthook", lambda info: None)
        source = MessageSource(TRACE, WallClock(1e6))
        source.subscribe(leave)
        assert source.start().result(timeout=30e6) == 4

    def test_arrivals_or_payloads_that_fail_end_the_stream(self) -> None:
        def payloads() -> Iterator[str]:
            yield "fine"
            raise OSError("the tape is torn")

        seen: list[Message] = []
        source = MessageSource(TRACE, VirtualClock(), payloads=payloads())
        source.subscribe(seen.append)
        with pytest.raises(ExceptionGroup) as caught:
            source.run()
        assert caught.value.message == "1 error among 1 message"
        assert [message.payload for message in seen] == ["fine"]
        assert repr(caught.value.exceptions[0]) == "OSError('the tape is torn')"

    def test_a_wrong_rate_ends_the_stream(self) -> None:
        arrivals = VaryingPoissonArrivals(lambda t: -1.0, 0.5)
        source = MessageSource(arrivals, VirtualClock(), rng=1)
        with pytest.raises(ExceptionGroup) as caught:
            source.run(n=1)
        assert caught.value.message == "1 error among 0 messages"
        assert str(caught.value.exceptions[0]).startswith("rate_of_time must be in")

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (
                lambda source: source.run(),
                ValueError,
                "n or until must be given to run an endless source; "
                "use start() and stop() to let it run freely",
            ),
            (lambda source: source.run(n=-1), ValueError, "n must be >= 0, got -1"),
            (
                lambda source: source.start(until=-1),
                ValueError,
                "until must be >= 0 and finite s, got -1",
            ),
            (
                lambda source: source.subscribe("print"),
                TypeError,
                "subscriber must be callable, got str",
            ),
            (
                lambda source: MessageSource([0, 1], source.clock),
                TypeError,
                "arrivals must be Arrivals such as PoissonArrivals(rate), got [0, 1]",
            ),
            (
                lambda source: MessageSource(PoissonArrivals),
                TypeError,
                "arrivals must be Arrivals such as PoissonArrivals(rate), "
                "got the class PoissonArrivals: call it",
            ),
        ],
    )
    def test_a_wrong_argument_is_refused_at_once(
        self,
        call: Callable[[MessageSource], object],
        error: type[Exception],
        message: str,
    ) -> None:
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            call(MessageSource(POISSON, VirtualClock()))


class TestStop:
    def test_an_endless_source_goes_on_until_it_is_stopped(self) -> None:
        clock = VirtualClock()
        seen: list[Message] = []
        source = MessageSource(POISSON, clock, rng=1)
        source.subscribe(seen.append)
        running = source.start()
        clock.sleep(3600.0)
        assert not running.done()
        source.stop()
        assert running.result() == len(seen) == POISSON.sample(until=3600, rng=1).size
        clock.run()  # comes to an end: nothing more is planned
        assert len(seen) == running.result()

    def test_a_subscriber_may_stop_it(self) -> None:
        def enough(message: Message) -> None:
            if message.number == 9:
                source.stop()

        source = MessageSource(POISSON, VirtualClock(), rng=1)
        source.subscribe(enough)
        assert source.start().result() == 10

    def test_whoever_waits_for_the_end_may_stop_it_again(self) -> None:
        source = MessageSource(TRACE, VirtualClock())
        running = source.start()
        running.add_done_callback(lambda _: source.stop())
        assert running.result() == 4

    def test_to_stop_what_has_not_begun_or_has_ended_does_nothing(self) -> None:
        source = MessageSource(TRACE, VirtualClock())
        source.stop()
        assert source.run() == 4
        source.stop()
        assert source.run(n=1) == 1

    def test_a_ctrl_c_stops_it(self) -> None:
        class Interrupted(VirtualClock):
            """A clock on which somebody loses patience after a minute."""

            def wait(self, future: Any, timeout: float | None = None) -> None:
                if self.time() < 60.0:
                    self.sleep_until(60.0)
                    raise KeyboardInterrupt
                super().wait(future, timeout)

        clock = Interrupted()
        seen: list[Message] = []
        source = MessageSource(POISSON, clock, rng=1)
        source.subscribe(seen.append)
        with pytest.raises(KeyboardInterrupt):
            source.run(n=1000)
        clock.sleep(3600.0)
        assert len(seen) == POISSON.sample(until=60.0, rng=1).size


@pytest.mark.parametrize("clock", [WallClock(600.0), WallClock(1e5)], ids=repr)
def test_a_wall_clock_delivers_the_same_messages_in_its_own_thread(
    clock: Clock,
) -> None:
    threads = set()
    source = MessageSource(POISSON, clock, rng=2)
    source.subscribe(lambda message: threads.add(threading.current_thread()))
    messages = delivered(source, n=20)
    assert np.array_equal([m.arrival for m in messages], POISSON.sample(n=20, rng=2))
    assert threading.current_thread() not in threads


def test_a_wall_clock_can_be_stopped_from_another_thread() -> None:
    source = MessageSource(PoissonArrivals(1e-9), WallClock())
    running = source.start()
    source.stop()  # the first message is years away
    assert running.result(timeout=10.0) == 0
