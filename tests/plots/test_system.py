"""Figures of the whole system: each bin where it is, each night where it begins."""

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from mds_sim.analysis import latency_by, mean_interval
from mds_sim.distributions import Constant
from mds_sim.files import FileSource, NightlyPipeline
from mds_sim.plots import plot_latency_by
from mds_sim.stream import StreamPipeline, TraceArrivals
from mds_sim.system import System
from mds_sim.units import DAY, HOUR, MINUTE


@pytest.fixture(autouse=True)
def _no_figure_is_left() -> Iterator[None]:
    yield
    plt.close("all")


STREAM = StreamPipeline(service=Constant(60.0))
NIGHT = NightlyPipeline(FileSource(500), service=Constant(300.0))
SYSTEM = System(STREAM, NIGHT, night_at=1800.0)


def ends(ax: Axes) -> list[np.ndarray]:
    """Return the bars of each series: low and high."""
    return [
        np.array([path.vertices[:, 1] for path in bars.get_paths()])
        for bars in ax.collections
    ]


def test_one_run_has_a_marker_a_bin_and_a_bar_to_the_longest() -> None:
    record = SYSTEM.simulate(HOUR, rng=1)
    ax = plot_latency_by(record, minutes=5)
    bins = latency_by(record.stream, 5)
    series, night = ax.lines
    assert series.get_xdata() == pytest.approx(bins.middle / MINUTE)
    assert series.get_ydata() == pytest.approx(bins.mean / MINUTE)
    assert ends(ax)[0][:, 1] == pytest.approx(bins.largest / MINUTE)
    assert night.get_xdata() == [30.0, 30.0]
    assert (night.get_color(), night.get_linestyle()) == ("grey", "--")
    top = bins.mean.argmax()
    assert ax.get_title() == (
        f"Messages of minute {5 * top} wait longest: {bins.mean[top] / 60:.1f} min"
    )
    assert ax.get_xlabel() == "arrival of the message [min]"
    assert ax.get_ylabel() == "latency [min]"
    assert ax.get_ylim()[0] == 0


def test_bins_without_messages_have_no_marker() -> None:
    record = StreamPipeline(TraceArrivals([0, 30, 200]), service=Constant(60.0))
    ax = plot_latency_by(record.simulate())
    assert ax.lines[0].get_xdata().tolist() == [0.5, 3.5]
    assert ax.get_legend() is None  # one series without a name, and no night


def test_of_several_runs_it_is_the_mean_with_its_interval() -> None:
    records = [SYSTEM.simulate(HOUR, rng=seed) for seed in range(5)]
    ax = plot_latency_by({"fifo": records}, minutes=10)
    tables = [latency_by(record.stream, 10) for record in records]
    for bin_, (low, high) in enumerate(ends(ax)[0]):
        interval = mean_interval([table.mean[bin_] / MINUTE for table in tables])
        assert ax.lines[0].get_ydata()[bin_] == pytest.approx(interval.mean)
        assert (low, high) == pytest.approx((interval.low, interval.high))
    assert bin_ == 5


def test_a_bin_that_a_run_lacks_is_left_out() -> None:
    runs = [
        StreamPipeline(TraceArrivals(times), service=Constant(60.0)).simulate()
        for times in ([0, 100], [10, 200])
    ]
    assert plot_latency_by(runs).lines[0].get_xdata().tolist() == [0.5]


def test_each_series_has_a_name_a_colour_and_a_marker() -> None:
    system = SYSTEM.simulate(HOUR, rng=1)
    alone = STREAM.simulate(until=HOUR, rng=1)
    ax = plot_latency_by({"without": alone, "with": system})
    first, second, _ = ax.lines
    assert first.get_color() != second.get_color()
    assert first.get_marker() != second.get_marker()
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["without", "with", "the night begins"]
    assert ax.get_title().endswith("min (with)")


def test_each_night_is_dashed_once() -> None:
    record = SYSTEM.simulate(2 * DAY, rng=1)
    dashed = plot_latency_by({"a": record, "b": record}, minutes=60).lines[2:]
    assert [line.get_xdata()[0] for line in dashed] == [30.0, 30.0 + 24 * 60]


def test_of_nothing_it_says_so() -> None:
    empty = STREAM.simulate(n=0)
    ax = plt.figure().add_subplot()
    assert plot_latency_by({"": empty, "b": [empty, empty]}, ax=ax) is ax
    assert ax.get_title() == "No message"
