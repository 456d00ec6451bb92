"""The manager of files that trickle in: closed in time, nothing lost, nothing twice."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from mds_sim.core import VirtualClock, WallClock, WorkerPool
from mds_sim.distributions import Constant, Exponential, draw
from mds_sim.files import Bucket, File, FileError, TrickleManager, TrickleRule
from mds_sim.records import Failure

A, B, C, D = File(6, "a"), File(5, "b"), File(4, "c"), File(25, "d")
RULE = TrickleRule(capacity=10, close_at=1.0, timeout=60.0)
SHUT = "^cannot schedule new futures after shutdown$"


class Hasty(WorkerPool):
    """A pool that is done before it returns, as threads may well be."""

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        future = super().submit(*args, **kwargs)
        future.result()
        return future


class Moody(WorkerPool):
    """A pool that refuses its first tasks."""

    asked = fails = 0
    error: type[BaseException] = RuntimeError

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.asked += 1
        if self.asked <= self.fails:
            raise self.error("can't start new thread")
        return super().submit(*args, **kwargs)


def names(manager: TrickleManager) -> list[str]:
    """Return what is in each bucket."""
    return ["".join(file.name for file in bucket) for bucket in manager.buckets]


class TestClosing:
    def test_buckets_close_when_they_are_full_or_their_time_is_over(self) -> None:
        clock, seen = VirtualClock(), []
        with WorkerPool(1, clock=clock) as pool:
            manager = TrickleManager(pool, RULE, handler=seen.append)
            manager.add(A, B)
            clock.sleep(10.0)
            manager.add(D)
            manager.add(C)
            assert names(manager) == ["d", "ac"]
            clock.sleep(49.0)
            assert len(manager.buckets) == 2
            clock.sleep(1.0)
            assert names(manager) == ["d", "ac", "b"]
            record = manager.record().check()
        assert [bucket.index for bucket in seen] == [0, 1, 2]
        assert tuple(seen) == manager.buckets
        assert record.items.arrival.tolist() == [0.0, 0.0, 10.0, 10.0]
        assert record.items.job.tolist() == [1, 2, 0, 1]
        assert record.jobs.open.tolist() == [10.0, 0.0, 0.0]
        assert record.jobs.ready.tolist() == [10.0, 10.0, 60.0]
        assert (record.jobs.load.tolist(), record.capacity) == ([25, 10, 5], 10)

    def test_what_is_still_open_is_no_part_of_the_record(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            manager = TrickleManager(pool, RULE)
            assert len(manager.record().check().jobs) == 0
            manager.add(A, B, C)
            assert manager.record().check().items.size.tolist() == [6, 4]
            manager.flush()
            assert manager.record().check().items.size.tolist() == [6, 5, 4]
            manager.flush()
            assert names(manager) == ["ac", "b"]

    def test_one_alarm_at_a_time_is_asked_for(self) -> None:
        class Counting(VirtualClock):
            alarms = 0

            def call_at(self, time: float, callback: Callable[[], object]) -> None:
                self.alarms += time > self.time()
                super().call_at(time, callback)

        clock = Counting()
        with WorkerPool(1, clock=clock) as pool:
            manager = TrickleManager(pool, RULE)
            for _ in range(1000):
                manager.add(A)
                manager.add(C)  # which closes it before its time is over
            manager.add(B)
            assert clock.alarms == 1
            clock.run()
        assert (len(manager.buckets), clock.time(), clock.alarms) == (1001, 60.0, 1)

    def test_a_bucket_that_opens_before_an_alarm_is_closed_in_time(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            manager = TrickleManager(pool, RULE)
            manager.add(A)
            clock.sleep(10.0)
            manager.add(C)  # closes it, but the alarm is still set
            clock.sleep(45.0)
            manager.add(B)
            clock.run()
            assert manager.record().check().jobs.ready.tolist() == [10.0, 115.0]

    def test_without_a_rule_it_is_the_usual_one(self) -> None:
        with WorkerPool(1, clock=VirtualClock()) as pool:
            assert TrickleManager(pool).rule == TrickleRule()


class TestArrivals:
    def test_a_late_file_joins_what_is_open_and_keeps_its_arrival(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            manager = TrickleManager(pool, RULE)
            manager.add(A)
            clock.sleep(70.0)
            manager.add(B, arrival=70.0)
            manager.add(C, arrival=1.0)  # its time was when a was open
            manager.flush()
            record = manager.record().check()
        assert names(manager) == ["a", "bc"]
        assert record.items.arrival.tolist() == [0.0, 70.0, 1.0]
        assert record.jobs.ready.tolist() == [60.0, 70.0]

    def test_one_of_the_future_is_refused_and_none_of_its_call_is_taken(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            manager = TrickleManager(pool, RULE)
            clock.sleep(5.0)
            message = (
                "arrival must be <= the time now, 5.0 s on VirtualClock(time=5), "
                "got 5.5"
            )
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                manager.add(A, C, arrival=5.5)
            manager.add(B)
            manager.flush()
            assert names(manager) == ["b"]


class TestNothingIsLost:
    def test_what_is_no_file_is_refused_and_none_of_its_call_is_taken(self) -> None:
        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = TrickleManager(pool, RULE)
            manager.add(A)
            with pytest.raises(TypeError, match=r"^a file must be a File, got int$"):
                manager.add(C, 5)  # type: ignore[arg-type]
            manager.add(B)
            manager.flush()
            assert names(manager) == ["a", "b"]
            manager.record().check()

    def test_a_handler_that_raises_fails_its_own_bucket_only(self) -> None:
        def handle(bucket: Bucket) -> None:
            if A in bucket:
                raise RuntimeError("no")
            if D in bucket:
                raise FileError(D, "is odd")

        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = TrickleManager(pool, RULE, handler=handle)
            manager.add(B, A, D, C)
            manager.flush()
            record = manager.record().check()
        assert names(manager) == ["d", "bc", "a"]
        assert record.failures == (
            Failure(0, 2, "FileError: d is odd"),
            Failure(2, None, "RuntimeError: no"),
        )

    def test_after_shutdown_files_stay_until_there_is_a_pool(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            manager = TrickleManager(pool, RULE)
            manager.add(B)
        manager.add(D)  # closes a bucket, for which nobody is there
        clock.run()  # closes the other one
        for attempt in (manager.record, manager.flush, manager.flush):
            with pytest.raises(RuntimeError, match=SHUT):
                attempt()
        assert manager.buckets == ()
        with WorkerPool(1, clock=clock) as manager.pool:
            manager.flush()
            record = manager.record().check()
        assert names(manager) == ["d", "b"]
        assert [bucket.index for bucket in manager.buckets] == [0, 1]
        assert record.items.size.tolist() == [5, 25]

    @pytest.mark.parametrize("fails", [1, 2, 4])
    def test_a_bucket_that_was_refused_is_handed_over_once(self, fails: int) -> None:
        seen: list[str] = []
        with Moody(1, clock=VirtualClock()) as pool:
            pool.fails = fails
            manager = TrickleManager(
                pool,
                RULE,
                handler=lambda bucket: seen.extend(file.name for file in bucket),
                service=Exponential(1.0),
                rng=1,
            )
            manager.add(A, B, D, C)
            if fails > 3:  # two that are full, and three more attempts
                with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
                    manager.flush()
            manager.flush()
            record = manager.record().check()
        assert sorted(seen) == ["a", "b", "c", "d"]
        assert [bucket.index for bucket in manager.buckets] == [0, 1, 2]
        # Each bucket draws once, at its first attempt.
        expected = draw(Exponential(1.0), 3, rng=1)
        assert np.isclose(np.sort(record.service_time), np.sort(expected)).all()

    def test_a_ctrl_c_loses_nothing_and_hands_nothing_over_twice(self) -> None:
        seen: list[str] = []
        heard: list[int] = []
        with Moody(1, clock=VirtualClock()) as pool:
            manager = TrickleManager(
                pool, RULE, handler=lambda b: seen.extend(file.name for file in b)
            )
            manager.on_bucket_done(lambda bucket: heard.append(bucket.index))
            manager.add(D)
            pool.fails, pool.error = 2, KeyboardInterrupt
            with pytest.raises(KeyboardInterrupt):
                manager.add(A, C)
            manager.flush()
            assert len(manager.record().check().items) == 3
        assert (seen, heard) == (["d", "a", "c"], [0, 1])

    def test_an_alarm_that_cannot_be_set_loses_no_file(self) -> None:
        class Silent(VirtualClock):
            def call_at(self, time: float, callback: Callable[[], object]) -> None:
                if time == 60.0 > self.time():
                    raise RuntimeError("can't start new thread")
                super().call_at(time, callback)

        with WorkerPool(1, clock=Silent()) as pool:
            manager = TrickleManager(pool, RULE)
            manager.add(A)
            with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
                manager.record()
            manager.flush()
            assert len(manager.record().check().items) == 1

    def test_a_pool_that_lets_time_pass_gets_each_bucket_once_in_their_order(
        self,
    ) -> None:
        clock = VirtualClock()
        with Hasty(2, clock=clock) as pool:
            manager = TrickleManager(pool, RULE, service=Constant(100.0))
            manager.add(B)
            manager.add(D)  # while it is handled, the time of b is over
            record = manager.record().check()
        assert names(manager) == ["d", "b"]
        assert [bucket.index for bucket in manager.buckets] == [0, 1]
        assert record.jobs.ready.tolist() == [0.0, 100.0]


class TestWatchers:
    def test_one_may_add_a_file_even_if_the_bucket_is_done_at_once(self) -> None:
        with Hasty(1, clock=VirtualClock()) as pool:
            manager = TrickleManager(pool, RULE)
            manager.on_bucket_done(lambda bucket: bucket.index < 3 and manager.add(D))
            manager.add(D)
        assert [bucket.index for bucket in manager.buckets] == [0, 1, 2, 3]

    def test_one_may_wait_for_another_producer(self) -> None:
        def wait(_: Bucket) -> None:
            other = threading.Thread(target=manager.add, args=[A], daemon=True)
            other.start()
            other.join(10.0)
            finished.append(not other.is_alive())

        finished: list[bool] = []
        with Hasty(1, clock=VirtualClock()) as pool:
            manager = TrickleManager(pool, RULE)
            manager.on_bucket_done(wait)
            manager.add(D)
        assert finished == [True]


@pytest.fixture
def _threads_take_turns_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_threads_take_turns_often")
def test_many_threads_lose_no_file_and_hand_none_over_twice() -> None:
    handled: list[str] = []

    def collect(thread: int) -> None:
        barrier.wait()
        for i in range(100):
            manager.add(File(i, f"{thread}-{i}"))

    barrier = threading.Barrier(8)
    with WorkerPool(4, clock=WallClock(10_000)) as pool:
        manager = TrickleManager(
            pool,
            TrickleRule(capacity=150, timeout=5.0, most_open=3),
            handler=lambda bucket: handled.extend(file.name for file in bucket),
        )
        threads = [threading.Thread(target=collect, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        manager.flush()
        record = manager.record().check()
    assert sorted(handled) == sorted(f"{k}-{i}" for k in range(8) for i in range(100))
    assert (len(record.items), record.failures) == (800, ())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"rule": 900},
            "rule must be a rule such as TrickleRule(timeout=900), got 900",
        ),
        ({"handler": "x"}, "handler must be callable or None, got 'x'"),
        (
            {"service": "fast"},
            "service must be a law such as Exponential(mean) or a frozen "
            "scipy.stats distribution, got 'fast'",
        ),
    ],
)
def test_a_wrong_argument_is_refused(options: dict[str, Any], message: str) -> None:
    with (
        WorkerPool(1, clock=VirtualClock()) as pool,
        pytest.raises(TypeError, match=f"^{re.escape(message)}$"),
    ):
        TrickleManager(pool, **options)
