"""Both clocks keep one order; the virtual one also keeps one run like the next."""

import heapq
import math
import re
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.core import clock as clock_module
from mds_sim.core.clock import (
    Clock,
    ClockFuture,
    VirtualClock,
    WallClock,
    start_of_run,
)

Start = Callable[..., Future[Any]]
PATIENCE = 30.0  # seconds after which a test that hangs is red
FAST = 1e6


@pytest.fixture(
    params=[partial(WallClock, FAST), VirtualClock], ids=["wall", "virtual"]
)
def clock(request: pytest.FixtureRequest) -> Any:
    """Return a new clock of each kind."""
    return request.param()


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | None]:
    """Collect what threads report as errors that nobody caught."""
    errors: list[BaseException | None] = []
    monkeypatch.setattr(
        threading, "excepthook", lambda info: errors.append(info.exc_value)
    )
    return errors


class TestBothClocks:
    def test_time_stands_at_zero_until_it_is_asked_to_pass(self, clock: Clock) -> None:
        assert clock.time() == 0.0
        assert start_of_run(clock) == 0.0

    def test_sleeping_lets_time_pass(self, clock: Clock) -> None:
        clock.sleep(5.0)
        before = clock.time()
        assert before >= 5.0
        clock.sleep_until(before + 3.0)
        assert clock.time() >= before + 3.0

    def test_a_time_that_is_past_is_not_waited_for(self, clock: Clock) -> None:
        clock.sleep(9.0)
        clock.sleep_until(1.0)
        clock.sleep_until(-1.0)
        clock.sleep(0.0)
        assert clock.time() >= 9.0

    def test_a_run_starts_in_whole_seconds_that_are_not_past(
        self, clock: Clock
    ) -> None:
        clock.sleep(2.5)
        begin = start_of_run(clock)
        assert begin == int(begin)
        assert begin >= 3.0

    def test_callbacks_come_in_the_order_of_time_and_then_of_call(
        self, clock: Clock, start: Start
    ) -> None:
        log: list[tuple[float, int]] = []
        everything = [(float(i * 7 % 5), i) for i in range(40)]
        last = ClockFuture(clock)
        gate = threading.Event()
        # On a wall clock all others are late: nothing is called before all is planned.
        clock.call_at(0.0, lambda: gate.wait(PATIENCE))
        for time, number in everything:
            clock.call_at(time, partial(log.append, (time, number)))
        clock.call_at(5.0, partial(last.set_result, None))
        gate.set()
        start(last.result).result(PATIENCE)
        assert log == sorted(everything)

    def test_a_callback_for_the_past_is_called_all_the_same(
        self, clock: Clock, start: Start
    ) -> None:
        clock.sleep(7.0)
        future = ClockFuture(clock)
        clock.call_at(1.0, lambda: future.set_result(clock.time()))
        assert start(future.result).result(PATIENCE) >= 7.0

    def test_callbacks_may_plan_callbacks(self, clock: Clock, start: Start) -> None:
        times: list[float] = []
        future = ClockFuture(clock)

        def step() -> None:
            times.append(clock.time())
            if len(times) < 50:
                clock.call_at(len(times), step)
            else:
                future.set_result(None)

        clock.call_at(0.0, step)
        start(future.result).result(PATIENCE)
        assert times == sorted(times)
        assert all(time >= i for i, time in enumerate(times))

    def test_a_clock_that_has_rested_goes_on(self, clock: Clock, start: Start) -> None:
        for _ in range(20):
            future = ClockFuture(clock)
            clock.call_at(clock.time() + 1.0, partial(future.set_result, None))
            start(future.result).result(PATIENCE)

    def test_a_future_gives_its_result_or_its_error(
        self, clock: Clock, start: Start
    ) -> None:
        good, bad = ClockFuture(clock), ClockFuture(clock)
        error = LookupError("gone")
        clock.call_at(1.0, lambda: good.set_result(42))
        clock.call_at(2.0, lambda: bad.set_exception(error))
        assert start(good.result, 1e9).result(PATIENCE) == 42
        assert start(bad.exception, 1e9).result(PATIENCE) is error
        with pytest.raises(LookupError, match=r"^gone$"):
            bad.result()
        assert good.exception() is None

    def test_waiting_ends_when_the_future_is_cancelled(
        self, clock: Clock, start: Start
    ) -> None:
        future = ClockFuture(clock)
        clock.call_at(1.0, future.cancel)
        waiting = start(future.result)
        with pytest.raises(CancelledError):
            waiting.result(PATIENCE)

    @pytest.mark.parametrize("timeout", [5.0, 0.0, -1.0])
    def test_waiting_ends_when_the_time_out_is_over(
        self, clock: Clock, start: Start, timeout: float
    ) -> None:
        future = ClockFuture(clock)
        for wait in (future.result, future.exception):
            before = clock.time()
            clock.call_at(before, lambda: None)
            with pytest.raises(TimeoutError):
                start(wait, timeout).result(PATIENCE)
            assert clock.time() >= before + timeout
        assert not future.done()

    def test_a_future_that_is_done_is_not_waited_for(self, clock: Clock) -> None:
        future = ClockFuture(clock)
        future.set_result(1)
        clock.wait(future)
        clock.wait(future, timeout=0.0)
        assert future.result(timeout=0.0) == 1
        assert clock.time() == 0.0

    def test_threads_of_the_clock_sleep_park_and_wake_each_other(
        self, clock: Clock, start: Start
    ) -> None:
        log: list[str] = []

        def sleeper() -> None:
            while not log:
                sleeping.park()
            log.append("woken")
            clock.sleep(3.0)
            log.append("slept")

        def waker() -> None:
            clock.sleep(1.0)
            log.append("waking")
            sleeping.unpark()
            clock.wait(sleeping.done)
            log.append("over")

        known = threading.Event()
        sleeping = clock.spawn(lambda: (known.wait(PATIENCE), sleeper()), "sleeper")
        known.set()
        waking = clock.spawn(waker, "waker")
        start(clock.wait, waking.done).result(PATIENCE)
        assert log == ["waking", "woken", "slept", "over"]

    def test_who_is_woken_before_it_parks_does_not_stop(
        self, clock: Clock, start: Start
    ) -> None:
        known = threading.Event()

        def body() -> None:
            known.wait(PATIENCE)
            thread.unpark()
            thread.park()

        thread = clock.spawn(body, "thread")
        known.set()
        start(clock.wait, thread.done).result(PATIENCE)
        assert thread.done.done()

    def test_a_thread_that_fails_is_reported_and_done(
        self, clock: Clock, start: Start, reported: list[BaseException]
    ) -> None:
        thread = clock.spawn(lambda: 1 / 0, "unlucky")
        start(clock.wait, thread.done).result(PATIENCE)
        clock.sleep(1.0)  # time goes on
        for other in threading.enumerate():
            if other.name == "unlucky":
                other.join(PATIENCE)
        assert [type(error) for error in reported] == [ZeroDivisionError]

    @pytest.mark.parametrize("time", [math.nan, math.inf, -math.inf])
    def test_a_time_must_be_finite(self, clock: Clock, time: float) -> None:
        message = f"time must be finite, got {time}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            clock.call_at(time, lambda: None)
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            clock.sleep_until(time)

    @pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
    def test_nobody_sleeps_backwards_or_for_ever(
        self, clock: Clock, seconds: float
    ) -> None:
        message = f"seconds must be >= 0 and finite s, got {seconds}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            clock.sleep(seconds)


class TestWallClock:
    @pytest.mark.parametrize("speed", [0, -1.0, math.inf, math.nan])
    def test_its_speed_must_be_positive(self, speed: float) -> None:
        message = f"speed must be > 0 and finite, got {speed}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            WallClock(speed)

    def test_it_says_how_fast_it_is(self) -> None:
        assert repr(WallClock(600)) == "WallClock(speed=600)"

    @given(times=st.lists(st.integers(0, 9), max_size=30), seed=st.integers())
    def test_callbacks_keep_their_order_however_late_they_are(
        self, times: list[int], seed: int
    ) -> None:
        clock = WallClock(1e9)
        gate, over = threading.Event(), threading.Event()
        planned = list(enumerate(times))
        log: list[tuple[int, int]] = []
        clock.call_at(0.0, lambda: gate.wait(PATIENCE))
        for number, time in planned:
            clock.call_at(time, partial(log.append, (time, number)))
        clock.call_at(10.0, over.set)
        gate.set()
        assert over.wait(PATIENCE)
        assert log == sorted((time, number) for number, time in planned)

    @pytest.mark.parametrize("error", [ValueError("once"), SystemExit(1)])
    def test_a_callback_that_fails_does_not_stop_the_time_of_others(
        self, reported: list[BaseException], error: BaseException
    ) -> None:
        clock, over = WallClock(FAST), threading.Event()

        def fail() -> None:
            raise error

        clock.call_at(1.0, fail)
        clock.call_at(2.0, over.set)
        assert over.wait(PATIENCE)
        assert reported == [error]

    def test_what_is_asked_for_soon_is_called_now(self) -> None:
        log: list[int] = []
        WallClock().call_soon(partial(log.append, 1))
        assert log == [1]

    def test_its_thread_ends_when_nothing_is_left_to_call(self) -> None:
        clock = WallClock(FAST)
        for _ in range(2):
            timer: Future[threading.Thread] = Future()
            clock.call_at(0.0, lambda t=timer: t.set_result(threading.current_thread()))
            timer.result(PATIENCE).join(PATIENCE)
            assert not timer.result().is_alive()

    def test_it_goes_on_after_the_system_had_no_thread_for_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        clock, log, over = WallClock(FAST), [], threading.Event()
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError, match=r"^can't start new thread$"):
                clock.call_at(0.0, partial(log.append, "refused"))
        clock.call_at(0.0, over.set)
        assert over.wait(PATIENCE)
        assert log == []

    def test_a_later_call_does_not_hold_up_an_earlier_one(self) -> None:
        clock, over = WallClock(), threading.Event()
        clock.call_at(1e12, lambda: None)
        clock.call_at(0.0, over.set)
        assert over.wait(PATIENCE)

    def test_many_threads_may_plan_at_once(self, start: Start) -> None:
        clock, barrier = WallClock(1e9), threading.Barrier(8)
        log: list[tuple[int, int]] = []
        over = ClockFuture(clock)

        def plan(producer: int) -> None:
            barrier.wait(PATIENCE)
            for number in range(100):
                clock.call_at(0.0, partial(log.append, (producer, number)))

        for future in [start(plan, producer) for producer in range(8)]:
            future.result(PATIENCE)
        clock.call_at(0.0, partial(over.set_result, None))
        start(over.result).result(PATIENCE)
        for producer in range(8):
            mine = [number for who, number in log if who == producer]
            assert mine == list(range(100))

    def test_a_century_is_slept_day_by_day(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class AwokenError(Exception):
            pass

        def sleep(seconds: float) -> None:
            assert seconds == 86400.0
            raise AwokenError

        monkeypatch.setattr(clock_module, "real_sleep", sleep)
        with pytest.raises(AwokenError):
            WallClock().sleep(1e300)

    def test_a_time_out_beyond_the_system_is_as_good_as_none(
        self, start: Start
    ) -> None:
        clock = WallClock(1e-12)
        future = ClockFuture(clock)
        clock.call_at(0.0, partial(future.set_result, 1))
        assert start(future.result, 1e300).result(PATIENCE) == 1


class TestVirtualClock:
    def test_it_says_what_time_it_is(self) -> None:
        clock = VirtualClock()
        clock.sleep(90)
        assert repr(clock) == "VirtualClock(time=90)"

    def test_it_jumps_to_the_next_event(self) -> None:
        clock, log = VirtualClock(), []
        for time in (3.0, 0.5, 1e9):
            clock.call_at(time, lambda: log.append(clock.time()))
        clock.run()
        assert log == [0.5, 3.0, 1e9]
        assert clock.time() == 1e9

    def test_it_goes_no_further_than_it_is_asked_to(self) -> None:
        clock, log = VirtualClock(), []
        for time in (1.0, 2.0, 3.0):
            clock.call_at(time, lambda: log.append(clock.time()))
        clock.sleep(2.0)
        assert (log, clock.time()) == ([1.0, 2.0], 2.0)
        clock.sleep(0.5)
        assert (log, clock.time()) == ([1.0, 2.0], 2.5)

    def test_nothing_happens_while_nobody_waits(self) -> None:
        clock, log = VirtualClock(), []
        clock.call_soon(partial(log.append, "soon"))
        thread = clock.spawn(partial(log.append, "thread"), "thread")
        assert (log, thread.done.done()) == ([], False)
        clock.sleep(0.0)
        assert (log, thread.done.done()) == (["thread", "soon"], True)

    def test_soon_is_after_all_else_at_this_instant(self) -> None:
        clock, log = VirtualClock(), []

        def first() -> None:
            clock.call_soon(partial(log.append, "soon"))
            clock.call_at(0.0, partial(log.append, "planned late"))
            clock.spawn(partial(log.append, "thread"), "thread")
            log.append("first")

        clock.call_at(1.0, first)
        clock.call_at(1.0, partial(log.append, "second"))
        clock.call_at(1.5, partial(log.append, "later"))
        clock.run()
        assert log == ["first", "second", "planned late", "thread", "soon", "later"]

    def test_time_never_goes_backwards(self) -> None:
        clock, times = VirtualClock(), []

        def late() -> None:
            clock.sleep(5.0)  # a callback that takes time: the others are late
            times.append(clock.time())

        clock.call_at(1.0, late)
        clock.call_at(2.0, lambda: times.append(clock.time()))
        clock.call_at(3.0, lambda: clock.call_at(0.0, lambda: times.append(-1.0)))
        clock.run()
        assert times == [2.0, -1.0, 6.0]
        assert clock.time() == 6.0

    def test_a_callback_that_fails_is_raised_where_time_is_waited_for(self) -> None:
        clock, log = VirtualClock(), []
        clock.call_at(1.0, lambda: 1 / 0)
        clock.call_at(2.0, partial(log.append, "two"))
        with pytest.raises(ZeroDivisionError):
            clock.sleep(3.0)
        assert (clock.time(), log) == (1.0, [])
        clock.sleep(2.0)
        assert (clock.time(), log) == (3.0, ["two"])

    def test_only_one_thread_runs_at_a_time(self) -> None:
        clock, running, most = VirtualClock(), 0, 0

        def body(pause: float) -> None:
            nonlocal running, most
            for _ in range(20):
                running += 1
                most = max(most, running)
                Random().random()
                running -= 1
                clock.sleep(pause)

        for i in range(10):
            clock.spawn(partial(body, float(i % 3)), f"thread-{i}")
        clock.run()
        assert (running, most) == (0, 1)

    def test_twenty_runs_give_the_same_log(self) -> None:
        def run() -> list[tuple[float, int, str]]:
            clock, chance = VirtualClock(), Random(5)
            log: list[tuple[float, int, str]] = []
            futures = [ClockFuture(clock) for _ in range(12)]

            def body(i: int) -> None:
                for _ in range(5):
                    clock.sleep(chance.randrange(3))
                    log.append((clock.time(), i, "slept"))
                futures[i].set_result(i)
                other = futures[(i + 5) % 12]
                try:
                    other.result(timeout=chance.randrange(4))
                    log.append((clock.time(), i, "met"))
                except TimeoutError:
                    log.append((clock.time(), i, "gave up"))

            for i in range(12):
                clock.spawn(partial(body, i), f"thread-{i}")
            clock.run()
            return log

        first = run()
        assert {what for _, _, what in first} == {"slept", "met", "gave up"}
        for _ in range(20):
            assert run() == first

    def test_waiting_for_what_cannot_come_is_an_error(self) -> None:
        clock = VirtualClock()
        clock.sleep(7)
        message = (
            "waited for at 7 s on a VirtualClock, but nothing is left on its agenda "
            "that could complete it"
        )
        with pytest.raises(RuntimeError, match=f"^{re.escape(message)}$"):
            ClockFuture(clock).result()

    @pytest.mark.parametrize("planned", ["before", "after"])
    @pytest.mark.parametrize("who", ["driver", "thread"])
    def test_what_is_done_exactly_at_the_time_out_is_in_time(
        self, who: str, planned: str
    ) -> None:
        clock, answers = VirtualClock(), []
        future = ClockFuture(clock)

        def finish_at_five() -> None:
            clock.call_at(5.0, partial(future.set_result, "in time"))

        def wait() -> None:
            answers.append(future.result(timeout=5.0))

        if planned == "before":
            finish_at_five()
        if who == "thread":
            clock.spawn(wait, "thread")
        if planned == "after":
            clock.call_at(0.0, finish_at_five)
        if who == "driver":
            wait()
        clock.run()
        assert (answers, clock.time()) == (["in time"], 5.0)

    def test_a_thread_may_wait_without_end_for_what_comes(self) -> None:
        clock, answers = VirtualClock(), []
        future = ClockFuture(clock)
        clock.spawn(lambda: answers.append(future.result(math.inf)), "thread")
        clock.call_at(3.0, partial(future.set_result, 3))
        clock.run()
        assert (answers, clock.time()) == ([3], 3.0)

    def test_a_thread_that_gave_up_is_not_disturbed_when_it_comes_later(self) -> None:
        clock, log = VirtualClock(), []
        future = ClockFuture(clock)

        def body() -> None:
            with pytest.raises(TimeoutError):
                future.result(timeout=1.0)
            log.append(clock.time())
            clock.sleep(9.0)  # the future is done meanwhile: a wake-up for nothing
            log.append(clock.time())

        clock.spawn(body, "thread")
        clock.call_at(4.0, partial(future.set_result, None))
        clock.run()
        assert log == [1.0, 10.0]

    def test_a_callback_may_wait_as_well(self) -> None:
        clock, log = VirtualClock(), []
        future = ClockFuture(clock)
        clock.call_at(1.0, lambda: log.append((future.result(), clock.time())))
        clock.call_at(4.0, partial(future.set_result, "done"))
        clock.sleep(2.0)
        assert log == [("done", 4.0)]

    def test_no_event_takes_the_lock_of_a_future(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Future[Any]] = []
        is_done = Future.done
        clock = VirtualClock()
        future = ClockFuture(clock)

        def body() -> None:
            for _ in range(100):
                clock.sleep(1.0)
            future.set_result("done")

        clock.spawn(body, "thread")
        with monkeypatch.context() as patch:
            patch.setattr(Future, "done", lambda f: asked.append(f) or is_done(f))
            assert future.result() == "done"
        assert len(asked) < 5

    def test_a_ctrl_c_before_an_event_is_called_does_not_lose_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def pop(agenda: list[Any]) -> Any:
            monkeypatch.undo()
            heapq.heappop(agenda)
            raise KeyboardInterrupt

        clock, log = VirtualClock(), []
        for time in (1.0, 2.0):
            clock.call_at(time, partial(log.append, time))
        monkeypatch.setattr(heapq, "heappop", pop)
        with pytest.raises(KeyboardInterrupt):
            clock.run()
        assert log == []
        clock.run()
        assert log == [1.0, 2.0]

    def test_a_ctrl_c_before_a_thread_is_woken_does_not_let_it_sleep_for_ever(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def hand_over(*_: Any) -> None:
            monkeypatch.undo()
            raise KeyboardInterrupt

        clock = VirtualClock()
        thread = clock.spawn(partial(clock.sleep, 5.0), "thread")
        monkeypatch.setattr(VirtualClock, "_hand_over", hand_over)
        with pytest.raises(KeyboardInterrupt):
            clock.run()
        clock.wait(thread.done)
        assert clock.time() == 5.0

    def test_an_event_that_was_called_is_not_called_again(self) -> None:
        def press() -> None:
            log.append(clock.time())
            raise KeyboardInterrupt

        clock, log = VirtualClock(), []
        clock.call_at(1.0, press)
        with pytest.raises(KeyboardInterrupt):
            clock.run()
        clock.run()
        assert log == [1.0]

    def test_one_thread_at_a_time_may_drive(self, start: Start) -> None:
        clock = VirtualClock()
        driving, go_on = threading.Event(), threading.Event()
        clock.call_at(1.0, lambda: (driving.set(), go_on.wait(PATIENCE)))
        driver = start(clock.run)
        assert driving.wait(PATIENCE)
        message = (
            "one thread at a time may drive a VirtualClock; "
            "start the others by clock.spawn(target, name)"
        )
        for drive in (
            clock.run,
            partial(clock.sleep, 1.0),
            ClockFuture(clock).result,
            partial(ClockFuture(clock).result, 1.0),
        ):
            with pytest.raises(RuntimeError, match=f"^{re.escape(message)}$"):
                drive()
        go_on.set()
        driver.result(PATIENCE)
        clock.sleep(1.0)  # now it is free

    def test_what_is_done_may_be_read_while_another_thread_drives(
        self, start: Start
    ) -> None:
        clock = VirtualClock()
        done = ClockFuture(clock)
        done.set_result(1)
        driving, go_on = threading.Event(), threading.Event()
        clock.call_at(1.0, lambda: (driving.set(), go_on.wait(PATIENCE)))
        driver = start(clock.run)
        assert driving.wait(PATIENCE)
        assert (done.result(), done.result(timeout=1.0), done.exception()) == (
            1,
            1,
            None,
        )
        go_on.set()
        driver.result(PATIENCE)

    def test_any_thread_may_plan_while_another_drives(self, start: Start) -> None:
        clock, barrier = VirtualClock(), threading.Barrier(5)
        log: list[tuple[int, int]] = []

        def plan(producer: int) -> None:
            barrier.wait(PATIENCE)
            for number in range(200):
                clock.call_at(number, partial(log.append, (producer, number)))

        def drive() -> None:
            barrier.wait(PATIENCE)
            for _ in range(200):
                clock.sleep(1.0)

        for future in [start(drive), *(start(plan, i) for i in range(4))]:
            future.result(PATIENCE)
        clock.run()
        assert sorted(log) == [(i, number) for i in range(4) for number in range(200)]
