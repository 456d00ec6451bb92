"""Mini-batches: built by many threads at once, handed over when they close."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mds_sim.core import VirtualClock, WallClock, WorkerPool
from mds_sim.distributions import Constant, Exponential, draw
from mds_sim.records import Failure
from mds_sim.stream import (
    CountWindow,
    FirstMessageWindow,
    Message,
    MiniBatch,
    MiniBatchBuilder,
    MiniBatchTask,
    SessionWindow,
    TumblingWindow,
    WindowRule,
)

PAIR = MiniBatch(3, 10.0, 310.0, (Message("a", 10.0, size_bytes=4), Message("b", 11.0)))


class TestMiniBatch:
    def test_it_holds_its_messages_in_order(self) -> None:
        assert [message.payload for message in PAIR] == ["a", "b"]
        assert (len(PAIR), PAIR.load) == (2, 4)

    def test_one_without_messages_is_empty(self) -> None:
        empty = MiniBatch(0, 0.0, 0.0, ())
        assert (len(empty), empty.load, list(empty)) == (0, 0, [])


class TestMiniBatchTask:
    def test_the_handler_gets_the_batch(self) -> None:
        task = MiniBatchTask(PAIR, handler=lambda batch: batch.messages[1].payload)
        assert (task.name, task.execute()) == ("mini-batch 3", "b")

    def test_without_a_handler_messages_are_counted(self) -> None:
        assert MiniBatchTask(PAIR).execute() == 2

    def test_it_knows_the_rows_of_its_messages(self) -> None:
        task = MiniBatchTask(PAIR, first_row=7, service_time=2.5)
        assert (list(task.rows), task.opened, task.service_time) == ([7, 8], 10.0, 2.5)
        assert (task.arrivals, task.sizes) == ([10.0, 11.0], [4, 0])


def built(
    arrivals: list[float], window: WindowRule, **options: Any
) -> tuple[list[tuple[float, float, list[float | None]]], Any]:
    """Deliver messages on time and return what came of them."""
    clock = VirtualClock()
    with WorkerPool(10, clock=clock) as pool:
        builder = MiniBatchBuilder(pool, window, **options)
        for arrival in arrivals:
            clock.sleep_until(arrival)
            builder.add(Message(arrival=arrival))
        builder.finish()
        record = builder.record().check()
    batches = [
        (batch.opened, batch.closed, [message.arrival for message in batch])
        for batch in builder.batches
    ]
    return batches, record


@pytest.mark.parametrize(
    ("window", "arrivals", "batches"),
    [
        (FirstMessageWindow(300), [], []),
        (
            FirstMessageWindow(300),
            [0.0, 20.0, 299.0, 300.0],
            [(0.0, 300.0, [0.0, 20.0, 299.0]), (300.0, 600.0, [300.0])],
        ),
        (
            FirstMessageWindow(300, max_messages=2),
            [0.0, 100.0, 200.0, 499.0, 499.5],
            [
                (0.0, 100.0, [0.0, 100.0]),
                (200.0, 499.0, [200.0, 499.0]),
                (499.5, 799.5, [499.5]),
            ],
        ),
        (
            SessionWindow(60),
            [0.0, 50.0, 100.0, 160.0],
            [(0.0, 160.0, [0.0, 50.0, 100.0]), (160.0, 220.0, [160.0])],
        ),
        (
            TumblingWindow(100),
            [250.0, 299.0, 300.0],
            [(250.0, 300.0, [250.0, 299.0]), (300.0, 400.0, [300.0])],
        ),
        (
            CountWindow(2),
            [0.0, 1.0, 7.0],
            [(0.0, 1.0, [0.0, 1.0]), (7.0, 7.0, [7.0])],
        ),
    ],
    ids=str,
)
def test_batches_close_when_the_rule_says(
    window: WindowRule, arrivals: list[float], batches: list[Any]
) -> None:
    found, record = built(arrivals, window)
    assert found == batches
    assert record.jobs.ready.tolist() == [closed for _, closed, _ in batches]


def test_a_batch_is_handed_over_when_its_window_ends_not_at_the_next_message() -> None:
    clock = VirtualClock()
    with WorkerPool(1, clock=clock) as pool:
        builder = MiniBatchBuilder(pool)
        builder.add(Message())
        clock.sleep(299.0)
        assert builder.batches == ()
        clock.sleep(1.0)
        assert [batch.closed for batch in builder.batches] == [300.0]


@dataclass(frozen=True)
class Wavering(WindowRule):
    """Its end is brought forward and put off again, message after message."""

    def deadline(self, opened: float, latest: float) -> float:
        return latest + (15.0 if latest % 20.0 else 95.0)


def test_an_end_that_wavers_costs_no_more_alarms_with_each_message() -> None:
    class Counting(VirtualClock):
        asked = 0

        def call_at(self, time: float, callback: Callable[[], object]) -> None:
            self.asked += 1
            super().call_at(time, callback)

    clock = Counting()
    with WorkerPool(1, clock=clock) as pool:
        builder = MiniBatchBuilder(pool, Wavering())
        for i in range(500):
            clock.sleep_until(10.0 * i)
            builder.add(Message())
        assert clock.asked <= 2 * 500
        builder.finish()
    assert [(len(b), b.closed) for b in builder.batches] == [(500, 4990.0 + 15.0)]


class TestLateMessages:
    def test_one_joins_the_batch_that_is_open_and_keeps_its_arrival(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            builder = MiniBatchBuilder(pool, FirstMessageWindow(300))
            for now, arrival in ((0, 0.0), (300, 300.0), (310, 299.0), (310, 310.0)):
                clock.sleep_until(now)
                builder.add(Message(arrival=arrival))
            builder.finish()
            record = builder.record().check()
        assert [len(batch) for batch in builder.batches] == [1, 3]
        assert record.items.arrival.tolist() == [0.0, 300.0, 299.0, 310.0]
        assert record.jobs.open.tolist() == [0.0, 300.0]

    def test_one_that_opens_a_batch_does_not_open_it_in_the_past(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            builder = MiniBatchBuilder(pool, FirstMessageWindow(300))
            builder.add(Message(arrival=0.0))
            clock.sleep_until(300.0)
            builder.add(Message(arrival=299.0))
            builder.flush()
            builder.add(Message(arrival=5.0))
            builder.finish()
            builder.record().check()
        windows = [(batch.opened, batch.closed) for batch in builder.batches]
        assert windows == [(0.0, 300.0), (300.0, 300.0), (300.0, 600.0)]

    def test_no_window_overlaps_the_one_that_was_flushed(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            builder = MiniBatchBuilder(pool, FirstMessageWindow(300))
            builder.add(Message(arrival=0.0))
            clock.sleep(50.0)
            builder.flush()
            builder.add(Message(arrival=40.0))
            builder.finish()
        windows = [(batch.opened, batch.closed) for batch in builder.batches]
        assert windows == [(0.0, 50.0), (50.0, 350.0)]


class TestFlush:
    def test_it_closes_what_is_open_now(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            builder = MiniBatchBuilder(pool)
            builder.flush()
            builder.add(Message())
            clock.sleep(7.0)
            builder.flush()
            builder.flush()
        assert [(b.opened, b.closed) for b in builder.batches] == [(0.0, 7.0)]

    def test_a_window_that_has_ended_keeps_its_end(self) -> None:
        class Lagging(VirtualClock):
            """A clock whose alarms are late, as those of a busy computer."""

            def call_at(self, time: float, callback: Callable[[], object]) -> None:
                super().call_at(time + 5.0, callback)

        clock = Lagging()
        pool = WorkerPool(1, clock=clock)
        builder = MiniBatchBuilder(pool, FirstMessageWindow(300))
        builder.add(Message(arrival=0.0))
        clock.sleep_until(302.0)
        builder.flush()
        assert [batch.closed for batch in builder.batches] == [300.0]
        pool.shutdown()

    def test_what_never_ends_by_time_is_finished_at_once(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            builder = MiniBatchBuilder(pool, CountWindow(9))
            builder.add(Message())
            builder.finish()
        assert (len(builder.batches), clock.time()) == (1, 0.0)


def test_an_unstamped_message_arrives_when_it_is_handed_over() -> None:
    clock = VirtualClock()
    with WorkerPool(1, clock=clock) as pool:
        builder = MiniBatchBuilder(pool)
        clock.sleep(12.5)
        builder.add(Message("now"))
        builder.finish()
    assert [m.arrival for m in builder.batches[0]] == [12.5]


def test_new_batches_never_wait_for_earlier_ones() -> None:
    # Ten batches of an hour's work, one every five minutes: each starts at once.
    _, record = built(
        [300.0 * k for k in range(10)],
        FirstMessageWindow(300),
        service=Constant(3600.0),
    )
    assert (record.waiting == 0).all()
    assert record.jobs.start.max() < record.jobs.finish.min()
    assert sorted(record.jobs.worker) == list(range(10))


def test_a_handler_that_raises_fails_its_own_batch_only() -> None:
    def handle(batch: MiniBatch) -> None:
        if batch.index in (1, 3):
            raise ValueError(f"batch {batch.index} is odd")

    _, record = built([0.0, 1.0, 2.0, 3.0, 4.0], CountWindow(1), handler=handle)
    assert record.failures == (
        Failure(1, None, "ValueError: batch 1 is odd"),
        Failure(3, None, "ValueError: batch 3 is odd"),
    )
    assert len(record.jobs) == 5


class TestWatchers:
    def test_they_hear_of_each_batch_that_is_done(self) -> None:
        clock = VirtualClock()
        heard: list[tuple[int, float]] = []
        with WorkerPool(10, clock=clock) as pool:
            builder = MiniBatchBuilder(
                pool, CountWindow(2), service=Constant(5.0), handler=lambda b: 1 / 0
            )
            builder.on_batch_done(lambda b: heard.append((b.index, clock.time())))
            for _ in range(4):
                builder.add(Message())
        assert heard == [(0, 5.0), (1, 5.0)]

    def test_one_may_add_a_message_even_if_the_batch_is_done_at_once(self) -> None:
        class Hasty(WorkerPool):
            """A pool that is done before it returns, as threads may well be."""

            def submit(self, *args: Any, **kwargs: Any) -> Any:
                future = super().submit(*args, **kwargs)
                future.result()
                return future

        with Hasty(1, clock=VirtualClock()) as pool:
            builder = MiniBatchBuilder(pool, CountWindow(1))
            builder.on_batch_done(
                lambda batch: batch.index < 3 and builder.add(Message())
            )
            builder.add(Message())
        assert [batch.index for batch in builder.batches] == [0, 1, 2, 3]

    def test_one_may_wait_for_another_producer(self) -> None:
        class Hasty(WorkerPool):
            """A pool that is done before it returns."""

            def submit(self, *args: Any, **kwargs: Any) -> Any:
                future = super().submit(*args, **kwargs)
                future.result()
                return future

        def wait(_: MiniBatch) -> None:
            other = threading.Thread(target=builder.add, args=[Message()], daemon=True)
            other.start()
            other.join(10.0)
            finished.append(not other.is_alive())

        finished: list[bool] = []
        with Hasty(1, clock=VirtualClock()) as pool:
            builder = MiniBatchBuilder(pool, CountWindow(2))
            builder.on_batch_done(wait)
            for _ in range(2):
                builder.add(Message())
        assert finished == [True]


def test_a_message_from_the_future_is_refused() -> None:
    clock = VirtualClock()
    with WorkerPool(1, clock=clock) as pool:
        builder = MiniBatchBuilder(pool)
        clock.sleep(5.0)
        message = (
            "arrival must be <= the time now, 5.0 s on VirtualClock(time=5), got 5.5"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            builder.add(Message(arrival=5.5))
        builder.add(Message(arrival=5.0))
        builder.finish()
        builder.record().check()
    assert [len(batch) for batch in builder.batches] == [1]


class TestWhatGoesWrongOnTheClock:
    @pytest.mark.parametrize("end", ["flush", "finish", "record"])
    def test_a_service_time_that_is_negative_is_raised_at_the_end(
        self, end: str
    ) -> None:
        @dataclass
        class Broken:
            def sample(self, n_items: Any, load: Any, rng: Any) -> Any:
                return np.where(n_items > 1, -1.0, 1.0)

        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            builder = MiniBatchBuilder(pool, FirstMessageWindow(60), service=Broken())
            for now in (0.0, 100.0, 101.0, 200.0):
                clock.sleep_until(now)
                builder.add(Message())
            clock.sleep(100.0)
            message = (
                "service times must be >= 0 and finite [s], but service times[0] = -1.0"
            )
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                getattr(builder, end)()
        assert [batch.opened for batch in builder.batches] == [0.0, 200.0]

    @pytest.mark.parametrize("fails", [1, 2, 3])
    def test_a_batch_that_could_not_be_handed_over_is_not_lost(
        self, fails: int
    ) -> None:
        class Moody(WorkerPool):
            """A pool that refuses its first tasks."""

            asked = 0

            def submit(self, *args: Any, **kwargs: Any) -> Any:
                self.asked += 1
                if self.asked <= fails:
                    raise RuntimeError("can't start new thread")
                return super().submit(*args, **kwargs)

        handled: list[int] = []
        with Moody(1, clock=VirtualClock()) as pool:
            builder = MiniBatchBuilder(
                pool,
                CountWindow(2),
                handler=lambda batch: handled.extend(m.payload for m in batch),
                service=Exponential(1.0),
                rng=1,
            )
            for i in range(5):
                builder.add(Message(i))  # taken, whatever becomes of its batch
            if fails > 2:
                with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
                    builder.finish()
            builder.finish()
            record = builder.record().check()
        assert sorted(handled) == [0, 1, 2, 3, 4]
        assert sorted(batch.index for batch in builder.batches) == [0, 1, 2]
        # Each batch draws once, at its first attempt.
        expected = draw(Exponential(1.0), 3, rng=1)
        assert np.isclose(np.sort(record.service_time), np.sort(expected)).all()

    def test_an_alarm_that_cannot_be_set_loses_no_message(self) -> None:
        class Silent(VirtualClock):
            def call_at(self, time: float, callback: Callable[[], object]) -> None:
                if time == 300.0 > self.time():
                    raise RuntimeError("can't start new thread")
                super().call_at(time, callback)

        clock = Silent()
        with WorkerPool(1, clock=clock) as pool:
            builder = MiniBatchBuilder(pool, FirstMessageWindow(300))
            builder.add(Message())
            builder.finish()
            builder.record().check()
        assert [(len(b), b.closed) for b in builder.batches] == [(1, 300.0)]

    def test_a_pool_that_was_shut_down_too_early_is_not_silence(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            builder = MiniBatchBuilder(pool)
            builder.add(Message())
        clock.run()
        message = "cannot schedule new futures after shutdown"
        with pytest.raises(RuntimeError, match=f"^{message}$"):
            builder.record()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"window": 300},
            TypeError,
            "window must be a WindowRule such as FirstMessageWindow(300), got 300",
        ),
        (
            {"window": CountWindow},
            TypeError,
            "window must be a WindowRule such as FirstMessageWindow(300), "
            "got the class CountWindow: call it",
        ),
        (
            {"clock": WallClock(7)},
            ValueError,
            "clock must be the pool's VirtualClock(time=0), got WallClock(speed=7)",
        ),
        (
            {"service": "fast"},
            TypeError,
            "service must be a law such as Exponential(mean) or a frozen "
            "scipy.stats distribution, got 'fast'",
        ),
    ],
)
def test_a_wrong_argument_is_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with (
        WorkerPool(1, clock=VirtualClock()) as pool,
        pytest.raises(error, match=f"^{re.escape(message)}$"),
    ):
        MiniBatchBuilder(pool, **options)


@pytest.fixture
def _threads_take_turns_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_threads_take_turns_often")
@pytest.mark.parametrize(
    "window", [FirstMessageWindow(60), CountWindow(7), SessionWindow(1)], ids=repr
)
def test_many_threads_lose_no_message_and_handle_none_twice(window: WindowRule) -> None:
    handled: list[tuple[int, int]] = []

    def produce(number: int) -> None:
        barrier.wait()
        for i in range(200):
            builder.add(Message((number, i)))

    barrier = threading.Barrier(16)
    with WorkerPool(10, clock=WallClock(10_000)) as pool:
        builder = MiniBatchBuilder(
            pool, window, handler=lambda batch: handled.extend(m.payload for m in batch)
        )
        threads = [threading.Thread(target=produce, args=(k,)) for k in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        builder.finish()
        record = builder.record().check()
    assert sorted(handled) == [(k, i) for k in range(16) for i in range(200)]
    assert len(record.items) == 3200
    # Each thread's messages stay in its order, over all batches.
    for k in range(16):
        mine = [m.payload[1] for b in builder.batches for m in b if m.payload[0] == k]
        assert mine == list(range(200))


def test_a_window_that_never_ends_sets_no_alarm() -> None:
    clock = VirtualClock()
    with WorkerPool(1, clock=clock) as pool:
        builder = MiniBatchBuilder(pool, CountWindow(2))
        builder.add(Message())
        clock.run()
        assert (clock.time(), builder.batches) == (0.0, ())
        builder.flush()
