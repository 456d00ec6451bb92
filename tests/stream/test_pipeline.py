"""The stream from end to end: simulated, run on a virtual clock, run for real."""

import math
import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mds_sim.core import VirtualClock, WallClock
from mds_sim.distributions import Constant, Empirical, Exponential, LogNormal
from mds_sim.records import Failure, RunRecord
from mds_sim.sim import LinearService
from mds_sim.stream import (
    Arrivals,
    CountWindow,
    FirstMessageWindow,
    Message,
    MiniBatch,
    PoissonArrivals,
    RenewalArrivals,
    SessionWindow,
    StreamPipeline,
    TraceArrivals,
    TumblingWindow,
    WindowRule,
)
from mds_sim.theory.poisson import FirstMessageLaw
from mds_sim.units import DAY, MINUTE


@dataclass(frozen=True)
class Impatient(WindowRule):
    """A user's own: a window may bring its end forward."""

    max_messages: int | None = 5

    def deadline(self, opened: float, latest: float) -> float:
        return latest + max(120.0 - 2 * (latest - opened), 1.0)


class Bursts(Arrivals):
    """A user's own: many messages at one instant, a minute apart."""

    def chunks(self, rng: np.random.Generator, hint: int = 1) -> Iterator[Any]:
        for minute in range(8):
            yield np.full(rng.integers(0, 9), 60.0 * minute)


@pytest.mark.parametrize(
    ("message_size", "kept", "most"), [(None, 17, 18), (Constant(9), 26, 36)]
)
def test_a_record_is_all_that_a_simulation_needs(
    message_size: Any, kept: int, most: int
) -> None:
    # Beside arrivals and jobs, sizes that are all 0 take nothing; what is needed on
    # the way is given back.
    pipeline = StreamPipeline(service=LinearService(30, 2), message_size=message_size)
    n = 500_000
    pipeline.simulate(n=n, rng=1)  # compiles
    tracemalloc.start()
    try:
        record = pipeline.simulate(n=n, rng=1)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(record.check().items) == n
    assert now <= kept * n
    assert peak <= most * n


@dataclass(frozen=True)
class RootService:
    """A user's own model of service times."""

    def sample(self, n_items: Any, load: Any, rng: np.random.Generator) -> Any:
        return np.sqrt(n_items) * rng.exponential(100.0, n_items.size)


ARRIVALS: list[Arrivals] = [
    PoissonArrivals(10 / MINUTE),
    RenewalArrivals(Constant(60.0)),  # messages and windows meet exactly
    RenewalArrivals(Empirical([0.0, 0.0, 20.0, 300.0])),
    TraceArrivals([0, 0, 0, 299.9, 300, 300, 600, 900, 900]),
    Bursts(),
    TraceArrivals([]),
]
WINDOWS: list[WindowRule] = [
    FirstMessageWindow(300),
    FirstMessageWindow(60, max_messages=3),
    FirstMessageWindow(300, max_bytes=1500),
    TumblingWindow(60),
    SessionWindow(20),
    CountWindow(4),
    CountWindow(1),
    Impatient(),
]
SERVICES: list[Any] = [
    Constant(0.0),
    Constant(300.0),  # work ends exactly when the next batch is ready
    LogNormal(200.0, scv=4.0),
    LinearService(20.0, 2.0, 1e-3, noise=Exponential(1.0)),
    RootService(),
]


def run(pipeline: StreamPipeline, handler: Any = None, **options: Any) -> RunRecord:
    """Run a pipeline on threads, without a progress bar."""
    options.setdefault("clock", VirtualClock())
    return pipeline.run(handler, progress=False, **options)


@pytest.mark.parametrize("window", WINDOWS, ids=repr)
@pytest.mark.parametrize("arrivals", ARRIVALS, ids=lambda value: type(value).__name__)
def test_a_run_on_a_virtual_clock_equals_the_simulation_bit_for_bit(
    arrivals: Arrivals, window: WindowRule
) -> None:
    limits = {} if arrivals.is_finite else {"n": 30, "until": 1200.0}
    for service, workers, size in product(SERVICES, (1, 3), (None, Exponential(500.0))):
        pipeline = StreamPipeline(arrivals, window, service, workers, size)
        simulated = pipeline.simulate(**limits, rng=7).check()
        real = run(pipeline, **limits, rng=7)
        assert real.same_as(simulated), (service, workers, size)


@pytest.mark.parametrize("window", WINDOWS, ids=repr)
def test_the_groups_do_not_depend_on_the_work(window: WindowRule) -> None:
    simulated = StreamPipeline(window=window, service=Constant(9.0)).simulate(99, rng=1)
    real = run(StreamPipeline(window=window), n=99, rng=1)
    assert real.items.same_as(simulated.items)


def test_a_whole_day_is_the_same_too() -> None:
    pipeline = StreamPipeline(
        service=LinearService(60.0, 10.0, noise=Exponential(1.0)),
        message_size=Exponential(2000.0),
        workers=3,
    )
    simulated = pipeline.simulate(until=DAY, rng=1).check()
    assert simulated.waiting.max() > 0
    assert run(pipeline, until=DAY, rng=1).same_as(simulated)


@pytest.mark.parametrize("speed", [600.0, 1e5, 1e7])
def test_a_wall_clock_makes_the_same_batches_however_fast_it_is(speed: float) -> None:
    pipeline = StreamPipeline(
        PoissonArrivals(1.0),
        FirstMessageWindow(5.0),
        LinearService(1.0, 0.1),
        message_size=Exponential(100.0),
    )
    simulated = pipeline.simulate(until=60.0, rng=3)
    real = run(pipeline, until=60.0, rng=3, clock=WallClock(speed)).check()
    assert real.items.same_as(simulated.items)
    assert np.array_equal(real.jobs.open, simulated.jobs.open)
    assert (real.jobs.ready >= simulated.jobs.ready).all()
    assert (real.service_time >= simulated.service_time * (1 - 1e-9)).all()


def test_ten_threads_handle_each_message_of_a_day_exactly_once() -> None:
    handled: Counter[int] = Counter()

    def handle(batch: MiniBatch) -> None:
        for message in batch:
            handled[message.number] += 1

    pipeline = StreamPipeline(workers=10)
    record = run(pipeline, handle, n=14_400, rng=5, clock=WallClock(1e7)).check()
    assert handled == Counter(range(14_400))
    batch = pipeline.window.assign(pipeline.arrivals.sample(n=14_400, rng=streams(5)))
    assert np.array_equal(record.items.job, batch)
    assert record.failures == ()


def streams(seed: int) -> np.random.Generator:
    """Return the stream of chance that arrivals have in a pipeline."""
    return np.random.default_rng(seed).spawn(3)[0]


def test_new_batches_never_wait_for_earlier_ones() -> None:
    pipeline = StreamPipeline(
        RenewalArrivals(Constant(300.0)), service=Constant(3000.0), workers=10
    )
    for record in (pipeline.simulate(n=10), run(pipeline, n=10)):
        assert (record.waiting == 0).all()
        assert record.jobs.start.max() < record.jobs.finish.min()


def test_a_handler_that_raises_is_a_failure_in_the_record_and_all_others_are_done() -> (
    None
):
    done: list[int] = []

    def handle(batch: MiniBatch) -> None:
        if batch.index % 3 == 1:
            raise OSError(f"no room for {len(batch)}")
        done.append(batch.index)

    arrivals = TraceArrivals([0, 1, 2, 3, 4, 5, 6, 7])
    pipeline = StreamPipeline(arrivals, CountWindow(2), Constant(5.0))
    record = run(pipeline, handle).check()
    assert sorted(done) == [0, 2, 3]
    assert record.failures == (Failure(1, None, "OSError: no room for 2"),)
    simulated = pipeline.simulate()
    assert record.items.same_as(simulated.items)  # a failed batch keeps its rows
    assert record.jobs.same_as(simulated.jobs)


def test_even_a_handler_that_exits_fails_its_own_batch_only() -> None:
    def handle(batch: MiniBatch) -> None:
        if batch.index == 0:
            raise SystemExit(3)

    pipeline = StreamPipeline(TraceArrivals([0, 400]))
    assert run(pipeline, handle).failures == (Failure(0, None, "SystemExit: 3"),)


def test_the_handler_gets_the_payloads() -> None:
    seen: list[Any] = []
    pipeline = StreamPipeline(TraceArrivals([0, 1, 400]))
    run(pipeline, lambda batch: seen.append([m.payload for m in batch]), payloads="ab")
    assert seen == [["a", "b"], [None]]


def test_the_time_of_a_handler_counts_if_there_is_no_model() -> None:
    clock = VirtualClock()
    pipeline = StreamPipeline(TraceArrivals([0, 1, 400]))
    record = run(pipeline, lambda batch: clock.sleep(7.0 * len(batch)), clock=clock)
    assert record.service_time.tolist() == [14.0, 7.0]


def test_a_run_on_a_clock_that_was_used_begins_with_its_next_second() -> None:
    clock = VirtualClock()
    clock.sleep(99.5)
    pipeline = StreamPipeline(TraceArrivals([0, 299, 300]), service=Constant(1.0))
    later, fresh = run(pipeline, clock=clock), pipeline.simulate()
    assert np.array_equal(later.items.job, fresh.items.job)
    assert np.array_equal(later.items.arrival, fresh.items.arrival + 100)
    assert np.array_equal(later.jobs.finish, fresh.jobs.finish + 100)


@pytest.mark.parametrize("limits", [{"n": 0}, {"until": 0}])
def test_no_message_is_a_record_as_well(limits: dict[str, int]) -> None:
    pipeline = StreamPipeline(service=Constant(1.0))
    record = run(pipeline, **limits)
    assert (len(record.items), len(record.jobs)) == (0, 0)
    assert record.same_as(pipeline.simulate(**limits))
    assert record.check().summary().latency_max == 0.0


def test_a_progress_bar_counts_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    moves: list[int] = []

    @contextmanager
    def bar(total: int | None, unit: str, leave: bool) -> Iterator[Any]:
        assert (total, unit) == (2, " messages")
        yield SimpleNamespace(update=moves.append)

    monkeypatch.setattr("tqdm.auto.tqdm", bar)
    pipeline = StreamPipeline(TraceArrivals([0, 1, 400]), CountWindow(1))
    pipeline.run(n=2, clock=VirtualClock())
    assert moves == [1, 1]


class TestWhatGoesWrong:
    @dataclass(frozen=True)
    class Negative:
        def sample(self, n_items: Any, load: Any, rng: Any) -> NDArray[np.float64]:
            return np.full(n_items.size, -1.0)

    @pytest.mark.parametrize("clock", [VirtualClock(), WallClock(1e5)], ids=repr)
    def test_a_service_time_that_is_negative_stops_no_clock_and_is_raised(
        self, clock: Any
    ) -> None:
        pipeline = StreamPipeline(TraceArrivals([0, 400]), service=self.Negative())
        message = (
            "service times must be >= 0 and finite [s], but service times[0] = -1.0"
        )
        for attempt in (pipeline.simulate, lambda: run(pipeline, clock=clock)):
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                attempt()

    def test_a_rule_that_fails_is_raised_and_all_other_messages_are_handled(
        self,
    ) -> None:
        class Failing(FirstMessageWindow):
            def deadline(self, opened: float, latest: float) -> float:
                if latest == 2.0:
                    raise LookupError("no idea")
                return super().deadline(opened, latest)

        seen: list[Message] = []
        pipeline = StreamPipeline(TraceArrivals([0, 1, 2, 3, 400]), Failing())
        with pytest.raises(ExceptionGroup) as caught:
            run(pipeline, seen.extend)
        assert caught.value.message == "1 error among 5 messages"
        assert sorted(message.number for message in seen) == [0, 1, 3, 4]

    def test_after_a_ctrl_c_nothing_is_delivered_and_nothing_is_handled(self) -> None:
        class Interrupted(VirtualClock):
            """A clock on which somebody loses patience after ten minutes."""

            def wait(self, future: Any, timeout: float | None = None) -> None:
                if self.time() < 600.0:
                    self.sleep_until(600.0)
                    raise KeyboardInterrupt
                super().wait(future, timeout)

        handled: list[Message] = []
        clock = Interrupted()
        with pytest.raises(KeyboardInterrupt):
            run(StreamPipeline(), handled.extend, n=1000, clock=clock, rng=1)
        before = len(handled)
        clock.sleep(3600.0)
        assert 0 < len(handled) == before

    def test_a_simulation_needs_a_model_of_its_service_times(self) -> None:
        message = "service must be given to simulate, such as LinearService(per_job=30)"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            StreamPipeline().simulate(n=1)

    def test_an_endless_stream_needs_an_end(self) -> None:
        with pytest.raises(ValueError, match=r"^n or until must be given"):
            run(StreamPipeline())
        with pytest.raises(ValueError, match=r"^n or until must be given"):
            StreamPipeline(service=Constant(1.0)).simulate()

    @pytest.mark.parametrize(
        ("fields", "error", "message"),
        [
            (
                {"arrivals": 10 / 60},
                TypeError,
                "arrivals must be Arrivals such as PoissonArrivals(rate), "
                f"got {10 / 60!r}",
            ),
            (
                {"window": 300},
                TypeError,
                "window must be a WindowRule such as FirstMessageWindow(300), got 300",
            ),
            (
                {"window": FirstMessageWindow},
                TypeError,
                "window must be a WindowRule such as FirstMessageWindow(300), "
                "got the class FirstMessageWindow: call it",
            ),
            ({"workers": 0}, ValueError, "workers must be >= 1, got 0"),
            (
                {"service": 30},
                TypeError,
                "service must be a law such as Exponential(mean) or a frozen "
                "scipy.stats distribution, got 30",
            ),
            (
                {"message_size": 100},
                TypeError,
                "message_size must be a law such as Exponential(mean) or a frozen "
                "scipy.stats distribution, got 100",
            ),
        ],
    )
    def test_a_wrong_field_is_refused_at_once(
        self, fields: dict[str, Any], error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            StreamPipeline(**fields)


def test_a_long_simulation_agrees_with_the_law_of_first_message_windows() -> None:
    # 2e4 batches: a mean size off by 0.7 % (z = 7.1) is found with probability 0.99.
    record = StreamPipeline(service=Constant(0.0)).simulate(n=20_000 * 51, rng=8)
    law = FirstMessageLaw(10 / MINUTE, 300.0)
    size = record.jobs.n_items[:-1]
    z = (size.mean() - law.mean_size) / math.sqrt(law.size_variance / size.size)
    assert abs(z) < 4.71
