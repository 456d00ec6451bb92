"""Figures of the stream: what is drawn is what the record says."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.patches import Rectangle, StepPatch

from mds_sim.distributions import Constant
from mds_sim.plots import (
    OKABE_ITO,
    plot_batch_sizes,
    plot_busy,
    plot_gantt,
    plot_latency,
    plot_throughput,
    plot_windows,
)
from mds_sim.plots.style import time_unit
from mds_sim.records import RunRecord
from mds_sim.stream import CountWindow, StreamPipeline, TraceArrivals
from mds_sim.theory import FirstMessageLaw

PLOTS = [
    plot_windows, plot_throughput, plot_batch_sizes, plot_latency, plot_gantt, plot_busy
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_figure_is_left() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def ax() -> Axes:
    return plt.figure().add_subplot()


# Two messages, one, two: windows of 300 s, one worker busy 400 s with each batch.
RECORD = StreamPipeline(
    TraceArrivals([0, 60, 300, 900, 1000]), service=Constant(400.0), workers=1
).simulate()
DAY = StreamPipeline(service=Constant(60.0)).simulate(until=86_400, rng=1)
EMPTY = StreamPipeline(service=Constant(1.0)).simulate(n=0)
INSTANT = StreamPipeline(
    TraceArrivals([0, 0]), CountWindow(1), Constant(0.0)
).simulate()  # no time passes at all


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.__name__)
class TestAllFigures:
    @pytest.mark.parametrize(
        "record", [RECORD, DAY, EMPTY, INSTANT], ids=["some", "day", "empty", "instant"]
    )
    def test_a_figure_draws_where_it_is_told_and_nowhere_else(
        self, ax: Axes, plot: Callable[..., Axes], record: RunRecord
    ) -> None:
        settings = dict(plt.rcParams)
        assert plot(record, ax=ax) is ax
        assert plt.get_fignums() == [ax.figure.number]  # type: ignore[union-attr]
        assert dict(plt.rcParams) == settings
        assert ax.get_title() != ""
        assert ax.get_ylabel() != ""
        assert ax.get_xlabel() != ""
        ax.figure.canvas.draw()  # whatever is wrong with an artist shows here

    def test_a_time_axis_names_its_unit(
        self, ax: Axes, plot: Callable[..., Axes]
    ) -> None:
        label = plot(RECORD, ax=ax).get_xlabel()
        assert label == "messages in a batch" or re.search(r"\[(s|min|h|d)\]$", label)

    def test_without_axes_it_opens_one_figure(self, plot: Callable[..., Axes]) -> None:
        axes = plot(RECORD)
        assert plt.get_fignums() == [axes.figure.number]  # type: ignore[union-attr]


def bars(ax: Axes) -> dict[str, list[tuple[float, float, float]]]:
    """Return (left, width, middle) of each bar, by the label of its kind."""
    found = {}
    for container in ax.containers:
        assert isinstance(container, BarContainer)
        found[str(container.get_label())] = [
            (bar.get_x(), bar.get_width(), bar.get_y() + bar.get_height() / 2)
            for bar in container.patches
        ]
    return found


class TestWindows:
    def test_bars_are_windows_waits_and_work_and_dots_are_messages(
        self, ax: Axes
    ) -> None:
        plot_windows(RECORD, ax=ax)
        found = {
            label: [(round(x, 9), round(width, 9), y) for x, width, y in each]
            for label, each in bars(ax).items()
        }
        assert found == {
            "window open": [(0, 5, 0), (5, 5, 1), (15, 5, 2)],
            "waits for a worker": [(5, 0, 0), (10, round(5 / 3, 9), 1), (20, 0, 2)],
            "worked on": [
                (5, round(20 / 3, 9), 0),
                (round(35 / 3, 9), round(20 / 3, 9), 1),
                (20, round(20 / 3, 9), 2),
            ],
        }
        (dots,) = ax.lines
        assert np.array_equal(dots.get_xdata(), np.array([0, 60, 300, 900, 1000]) / 60)
        assert np.asarray(dots.get_ydata()).tolist() == [0, 0, 1, 2, 2]
        assert ax.get_xlabel() == "time [min]"
        assert ax.get_title() == (
            "3 batches: windows follow each other, work fits between them"
        )

    def test_the_first_batch_is_on_top(self, ax: Axes) -> None:
        bottom, top = plot_windows(RECORD, ax=ax).get_ylim()
        assert bottom > 2 > 0 > top

    def test_it_says_whether_work_overlaps(self, ax: Axes) -> None:
        record = StreamPipeline(
            TraceArrivals([0, 300]), service=Constant(301.0)
        ).simulate()
        assert plot_windows(record, ax=ax).get_title().endswith("work overlaps")

    def test_no_more_than_the_most_are_shown(self, ax: Axes) -> None:
        plot_windows(DAY, most=3, ax=ax)
        assert {label: len(each) for label, each in bars(ax).items()} == {
            "window open": 3, "waits for a worker": 3, "worked on": 3,
        }  # fmt: skip
        shown = DAY.jobs.n_items[:3].sum()
        assert np.size(ax.lines[0].get_xdata()) == shown

    def test_to_show_none_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^most must be >= 1, got 0$"):
            plot_windows(DAY, most=0)
        assert plt.get_fignums() == []


class TestThroughput:
    def test_steps_count_what_comes_and_goes(self, ax: Axes) -> None:
        plot_throughput(RECORD, width=120.0, ax=ax)
        arrive, finished = (p for p in ax.patches if isinstance(p, StepPatch))
        counted = RECORD.throughput(120.0)
        for steps, counts, label in (
            (arrive, counted.arrived, "arrive"),
            (finished, counted.finished, "are finished"),
        ):
            assert np.array_equal(steps.get_data().values, counts / 2.0)
            assert np.array_equal(steps.get_data().edges, counted.time / 60.0)
            assert steps.get_label() == label
        assert arrive.get_linestyle() != finished.get_linestyle()

    def test_the_mean_is_dashed(self, ax: Axes) -> None:
        plot_throughput(RECORD, ax=ax)
        (mean,) = ax.lines
        assert np.asarray(mean.get_ydata()).tolist() == [60 * 5 / RECORD.span] * 2
        assert mean.get_linestyle() == "--"
        assert (
            ax.get_title() == f"{60 * 5 / RECORD.span:.3g} items a minute come and go"
        )

    def test_too_much_work_does_not_go_as_it_comes(self, ax: Axes) -> None:
        # One a minute comes for 59 minutes, one in two minutes is done.
        flood = StreamPipeline(
            TraceArrivals(np.arange(60) * 60.0), CountWindow(1), Constant(120.0), 1
        ).simulate()
        assert plot_throughput(flood, ax=ax).get_title() == (
            "1 item a minute comes, but 0.5 go"
        )


class TestBatchSizes:
    def test_markers_are_shares_with_their_intervals(self, ax: Axes) -> None:
        plot_batch_sizes(RECORD, ax=ax)
        (container,) = ax.containers
        assert isinstance(container, ErrorbarContainer)
        markers, _, (intervals,) = container.lines
        assert markers.get_xydata().tolist() == [[1, 1 / 3], [2, 2 / 3]]
        error = 1.96 * np.sqrt(2 / 9 / 3)
        ends = [segment[:, 1].tolist() for segment in intervals.get_segments()]
        assert ends[0] == pytest.approx([0, 1 / 3 + error])  # no share is below 0
        assert ends[1] == pytest.approx([2 / 3 - error, 2 / 3 + error])
        assert ax.get_title() == "A batch holds 1.67 messages on average"

    def test_the_line_is_the_law(self, ax: Axes) -> None:
        law = FirstMessageLaw(rate=10 / 60, length=300.0)
        plot_batch_sizes(DAY, law, ax=ax)
        line = ax.lines[-1]
        sizes = np.asarray(line.get_xdata())
        assert np.array_equal(line.get_ydata(), law.size_pmf(sizes))
        assert sizes[0] <= DAY.jobs.n_items.min()
        assert sizes[-1] >= DAY.jobs.n_items.max()
        assert line.get_label() == "1 + Poisson(m)"
        assert ax.get_title() == ("A batch holds 50.8 messages on average (theory: 51)")

    def test_a_limit_is_named(self, ax: Axes) -> None:
        law = FirstMessageLaw(rate=10 / 60, length=300.0, max_messages=50)
        plot_batch_sizes(DAY, law, ax=ax)
        assert ax.lines[-1].get_label() == "1 + Poisson(m), at most 50"

    def test_without_batches_there_is_nothing_to_compare(self, ax: Axes) -> None:
        plot_batch_sizes(EMPTY, FirstMessageLaw(1.0, 1.0), ax=ax)
        assert ax.get_title() == "A batch holds 0 messages on average"


class TestLatency:
    def test_bars_count_every_item(self, ax: Axes) -> None:
        plot_latency(DAY, ax=ax)
        heights = [p.get_height() for p in ax.patches if isinstance(p, Rectangle)]
        assert len(heights) == 40
        assert sum(heights) == len(DAY.items)
        assert ax.get_xlabel() == "latency [min]"
        assert ax.get_ylabel() == "items"

    def test_lines_are_the_median_and_the_99th_percentile(self, ax: Axes) -> None:
        plot_latency(RECORD, ax=ax)
        median, late = np.quantile(RECORD.latency, [0.5, 0.99]) / 60
        assert [line.get_xdata()[0] for line in ax.lines] == [median, late]  # type: ignore[index]
        assert [line.get_label() for line in ax.lines] == [
            f"median: {median:.3g} min", f"99 %: {late:.3g} min",
        ]  # fmt: skip
        assert ax.get_title() == f"Half of all items are done within {median:.3g} min"

    def test_without_items_there_is_none(self, ax: Axes) -> None:
        assert plot_latency(EMPTY, ax=ax).get_title() == "No item, no latency"


@pytest.mark.parametrize(
    ("span", "unit"),
    [
        (0, "s"), (180, "s"), (181, "min"), (3 * 3600, "min"), (3 * 3600 + 1, "h"),
        (3 * 86_400, "h"), (3 * 86_400 + 1, "d"),
    ],
)  # fmt: skip
def test_a_span_has_the_unit_that_a_person_would_choose(span: float, unit: str) -> None:
    seconds = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
    assert time_unit(span) == (unit, seconds[unit])


def test_colours_differ_for_everyone() -> None:
    assert len(set(OKABE_ITO)) == 8
    assert all(to_hex(colour).upper() == colour for colour in OKABE_ITO)
