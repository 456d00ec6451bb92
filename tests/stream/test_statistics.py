"""The simulation without a record: the same numbers, in constant memory."""

import math
import re
import tracemalloc

import numpy as np
import pytest

from mds_sim.distributions import Exponential, Gamma, LogNormal
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

WINDOWS: list[WindowRule] = [
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


@pytest.mark.parametrize("arrivals", ARRIVALS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("window", WINDOWS, ids=repr)
def test_it_tells_what_the_record_tells(
    arrivals: Arrivals, window: WindowRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mds_sim.stream.statistics.CHUNK", 700)  # many small steps
    service = LinearService(30.0, 2.0, 1e-4, noise=Exponential(1.0))
    pipeline = StreamPipeline(arrivals, window, service, 3, LogNormal(1000.0, 2.0))
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
    assert peak < 2 * 2**20  # arrays of all messages would be 16 MB each


def test_nothing_at_all_has_no_mean() -> None:
    told = StreamPipeline(service=LinearService(1)).statistics(n=0, progress=False)
    assert (told.messages, told.batches, told.utilisation) == (0, 0, 0.0)
    assert math.isnan(told.latency.mean)
    assert math.isnan(told.latency.quantile(0.5))
    assert "0 messages" in str(told)


def test_too_much_work_is_called_unstable() -> None:
    pipeline = StreamPipeline(service=LinearService(per_job=600), workers=1)
    told = pipeline.statistics(n=5_000, rng=1, progress=False)
    assert told.is_unstable
    assert "UNSTABLE" in str(told)


def test_the_summary_is_text_and_html() -> None:
    told = StreamPipeline(service=LinearService(30, 2)).statistics(
        n=1000, rng=1, progress=False
    )
    assert "1,000 messages in" in str(told)
    assert told._repr_html_().startswith("<table>")


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
