"""The simulation without a record: the same numbers, in constant memory."""

import math
import re
import tracemalloc
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mds_sim.distributions import Constant, Exponential, Gamma, LogNormal
from mds_sim.sim import LinearService
from mds_sim.stream import (
    Arrivals,
    CountWindow,
    FirstMessageWindow,
    PoissonArrivals,
    RenewalArrivals,
    SessionWindow,
    StreamPipeline,
    TraceArrivals,
    TumblingWindow,
    WindowRule,
)
from mds_sim.stream import statistics as statistics_module


@dataclass(frozen=True)
class AtTheHour(WindowRule):
    """A user's own, of a deadline only."""

    least: float = 600.0

    def deadline(self, opened: float, latest: float) -> float:
        return math.ceil((opened + self.least) / 3600) * 3600.0


@dataclass(frozen=True)
class InPairs(CountWindow):
    """A user's own that numbers batches itself, and knows of no sizes."""

    n: int = 2

    def assign(self, arrivals: Any) -> Any:  # type: ignore[override]
        return np.arange(np.size(arrivals)) // 2


WINDOWS: list[WindowRule] = [
    AtTheHour(),
    InPairs(),
    FirstMessageWindow(300.0),
    FirstMessageWindow(300.0, max_messages=20),
    FirstMessageWindow(300.0, max_bytes=30_000),
    TumblingWindow(60.0),
    SessionWindow(9.0),
    CountWindow(7),
]
ARRIVALS: list[Arrivals] = [
    PoissonArrivals(10 / 60),
    RenewalArrivals(Gamma(6.0, 3.0)),
    TraceArrivals(np.cumsum(np.random.default_rng(5).integers(0, 3, 5000) * 30.0)),
]


@pytest.mark.parametrize("message_size", [LogNormal(1000.0, 2.0), None])
@pytest.mark.parametrize("arrivals", ARRIVALS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("window", WINDOWS, ids=repr)
def test_it_tells_what_the_record_tells(
    arrivals: Arrivals,
    window: WindowRule,
    message_size: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mds_sim.stream.statistics.CHUNK", 700)  # many small steps
    service = LinearService(30.0, 2.0, 1e-4, noise=Exponential(1.0))
    pipeline = StreamPipeline(arrivals, window, service, 3, message_size)
    record = pipeline.simulate(n=5000, rng=8)
    told = pipeline.statistics(n=5000, rng=8, progress=False)
    jobs = record.jobs
    for values, part in (
        (record.latency, told.latency),
        (jobs.n_items, told.size),
        (record.waiting, told.waiting),
        (record.service_time, told.service_time),
    ):
        assert part.count == values.size == part.counts.sum()
        assert (part.minimum, part.maximum) == (values.min(), values.max())
        assert part.mean == pytest.approx(values.mean(), rel=1e-12)
        assert part.variance == pytest.approx(values.var(), rel=1e-9, abs=1e-12)
        for p in (0.1, 0.5, 0.9, 0.99):
            slack = 2 / values.size  # between two values any number is a quantile
            low, high = np.quantile(values, [max(p - slack, 0), min(p + slack, 1)])
            assert (
                low * (1 - 1 / 64) - 1e-8
                <= part.quantile(p)
                <= high * (1 + 1 / 64) + 1e-8
            )
    assert told.utilisation == pytest.approx(record.utilisation, rel=1e-12)
    assert (told.messages, told.batches) == (len(record.items), len(jobs))
    assert told.offered_load == pytest.approx(record.offered_load, rel=1e-12)


def test_steps_of_any_size_give_the_same_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipeline = StreamPipeline(service=LinearService(30, 2))
    told = []
    for chunk in (1, 100, statistics_module.CHUNK, 10**6):
        monkeypatch.setattr("mds_sim.stream.statistics.CHUNK", chunk)
        told.append(pipeline.statistics(n=40_000, rng=1, progress=False))
    for other in told[1:]:
        assert other.span == told[0].span
        assert np.array_equal(other.latency.counts, told[0].latency.counts)
        assert np.array_equal(other.size.edges, told[0].size.edges)


def test_memory_does_not_grow_with_the_number_of_messages() -> None:
    pipeline = StreamPipeline(service=LinearService(30, 2))
    pipeline.statistics(n=100_000, rng=1, progress=False)  # compiles
    tracemalloc.start()
    try:
        pipeline.statistics(n=2_000_000, rng=1, progress=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10**6  # arrays of all messages would be 16 MB each


def test_nothing_at_all_has_no_mean() -> None:
    told = StreamPipeline(service=LinearService(1)).statistics(n=0, progress=False)
    assert (told.messages, told.batches, told.utilisation) == (0, 0, 0.0)
    assert math.isnan(told.latency.mean)
    assert math.isnan(told.latency.quantile(0.5))
    assert "0 messages" in str(told)
    assert "nan" not in str(told) + told._repr_html_()
    assert [line.split()[-4:] for line in str(told).splitlines()[2:]] == [["-"] * 4] * 4


def test_too_much_work_is_called_unstable() -> None:
    pipeline = StreamPipeline(service=LinearService(per_job=600), workers=1)
    told = pipeline.statistics(n=5_000, rng=1, progress=False)
    assert told.is_unstable
    assert "UNSTABLE" in str(told)


@pytest.mark.parametrize(("n", "is_unstable"), [(29, False), (30, True)])
def test_few_batches_are_not_judged_as_in_a_summary(n: int, is_unstable: bool) -> None:
    pipeline = StreamPipeline(
        TraceArrivals(np.arange(n) * 300.0), service=Constant(3000.0), workers=9
    )
    told = pipeline.statistics(progress=False)
    assert told.offered_load == 10.0
    assert told.is_unstable is is_unstable
    assert pipeline.simulate().summary().is_unstable is is_unstable
    assert ("UNSTABLE" in str(told)) is is_unstable


def test_a_load_of_all_workers_is_too_much() -> None:
    pipeline = StreamPipeline(
        TraceArrivals(np.arange(50) * 300.0), service=Constant(3000.0), workers=10
    )
    told = pipeline.statistics(progress=False)
    assert told.offered_load == told.workers == 10
    assert told.is_unstable
    assert pipeline.simulate().summary().is_unstable


def test_waits_of_nothing_are_nothing() -> None:
    # Four of five batches do not wait.
    stream = TraceArrivals([0, 100, 200, 201, 300])
    window = FirstMessageWindow(0.5)
    told = StreamPipeline(stream, window, Constant(10.0), 1).statistics(progress=False)
    waiting = told.waiting
    assert waiting.maximum == 9.0
    assert [waiting.quantile(p) for p in (0.0, 0.5, 0.8)] == [0.0, 0.0, 0.0]
    assert waiting.quantile(0.9) == pytest.approx(9.0, rel=1 / 64)
    assert waiting.edges[0] == 0.0
    row = next(line for line in str(told).splitlines() if "waiting" in line)
    assert row.split()[-6:-4] == ["0", "s"]


def test_sizes_that_do_not_add_up_are_refused() -> None:
    pipeline = StreamPipeline(
        TraceArrivals([0, 1, 2]), service=Constant(1.0), message_size=Constant(5e18)
    )
    message = (
        "sizes of messages must add up to at most 2**63 - 1 bytes, "
        "got 15000000000000000000"
    )
    for use in (pipeline.simulate, lambda: pipeline.statistics(progress=False)):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            use()


def test_the_summary_is_text_and_html() -> None:
    told = StreamPipeline(service=LinearService(30, 2)).statistics(
        n=1000, rng=1, progress=False
    )
    assert "1,000 messages in" in str(told)
    assert told._repr_html_().startswith("<table ")


@pytest.mark.parametrize(
    ("pipeline", "arguments", "message"),
    [
        (
            StreamPipeline(),
            {"n": 5},
            "service must be given to simulate, such as LinearService(per_job=30)",
        ),
        (
            StreamPipeline(service=Exponential(1.0)),
            {},
            "n or until must be given: these arrivals never end by themselves",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    pipeline: StreamPipeline, arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        pipeline.statistics(**arguments)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_a_quantile_is_a_share(p: float) -> None:
    told = StreamPipeline(service=LinearService(1)).statistics(n=10, progress=False)
    with pytest.raises(ValueError, match=r"^p must be "):
        told.latency.quantile(p)
