"""Figures of the pool: a bar for each job, a step for each change."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer

from mds_sim.analysis import busy_workers, queue_length
from mds_sim.core import PoolInsights, TaskRecord, WorkerInfo
from mds_sim.core.task import Attempt
from mds_sim.distributions import Constant
from mds_sim.files import NightlyPipeline
from mds_sim.plots import COLOURS, FILLS, plot_busy, plot_gantt, plot_workers
from mds_sim.records import Failure, RunRecord
from mds_sim.stream import StreamPipeline, TraceArrivals


@pytest.fixture(autouse=True)
def _no_figure_is_left() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def ax() -> Axes:
    return plt.figure().add_subplot()


NIGHT = NightlyPipeline([6, 5, 7], capacity=10, service=Constant(600.0), workers=2)
STREAM = StreamPipeline(TraceArrivals([1200, 1500]), service=Constant(60.0), workers=2)
EMPTY = StreamPipeline(service=Constant(1.0), workers=2).simulate(n=0)

# Worker 0 works in [60, 540) and is under way again from 540 until 600; worker 1 starts
# for a minute and a half, tries a task twice, fails, and waits.
INSIGHTS = PoolInsights(
    (
        TaskRecord(0, "a", 0.0, 60.0, 540.0, 0, None),
        TaskRecord(1, "b", 0.0, 240.0, 300.0, 1, OSError("full"),
                   (Attempt(1, 120.0, 180.0, "OSError: busy"),)),
        TaskRecord(2, "c", 0.0, 540.0, math.nan, 0, None),
    ),
    (
        WorkerInfo(0, "worker-0 (pid 47)", 0.0, 60.0),
        WorkerInfo(1, "worker-1 (pid 48)", 0.0, 90.0),
    ),
    until=600.0,
)  # fmt: skip
NO_POOL = PoolInsights((), (), 0.0)


def pool_of(workers: int, name: str = "worker-{}") -> PoolInsights:
    """Return the insights of workers that work half of their time."""
    records = (TaskRecord(i, "a", 0.0, 1.0, 3.0, i, None) for i in range(workers))
    infos = (WorkerInfo(i, name.format(i), 0.0, 1.0) for i in range(workers))
    late = TaskRecord(workers, "b", 0.0, math.nan, math.nan, -1, None)
    return PoolInsights((*records, late), tuple(infos), 4.0)


def containers(ax: Axes) -> list[BarContainer]:
    """Return the bars, record by record."""
    return [each for each in ax.containers if isinstance(each, BarContainer)]


class TestGantt:
    def test_each_job_has_a_bar_in_the_row_of_its_worker(self, ax: Axes) -> None:
        record = NIGHT.simulate()
        plot_gantt(record, ax=ax)
        (bars,) = containers(ax)
        assert [
            (bar.get_y() + bar.get_height() / 2, bar.get_x(), bar.get_width())
            for bar in bars.patches
        ] == [(0, 0, 10), (1, 0, 10), (0, 10, 10)]
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("time [min]", "worker")
        assert ax.get_yticks().tolist() == [0, 1]
        assert ax.get_ylim() == (1.5, -0.5)  # worker 0 on top
        assert ax.get_title() == "At most 2 of 2 workers at work"
        assert ax.get_legend() is None  # one record needs none

    def test_a_job_that_failed_is_crossed_out_in_red(self, ax: Axes) -> None:
        record = replace(NIGHT.simulate(), failures=(Failure(1, None, "no"),))
        (bars,) = containers(plot_gantt(record, ax=ax))
        edges = [to_hex(bar.get_edgecolor()).upper() for bar in bars.patches]
        assert edges == ["#000000", COLOURS["bad"], "#000000"]
        assert [bar.get_hatch() for bar in bars.patches] == ["", "x", ""]
        assert [bar.get_linewidth() for bar in bars.patches] == [0.4, 2.0, 0.4]

    def test_records_of_one_pool_differ_in_colour_and_hatch(self, ax: Axes) -> None:
        records = {"stream": STREAM.simulate(), "files": NIGHT.simulate()}
        plot_gantt(records, ax=ax)
        looks = [
            (to_hex(bar.get_facecolor()).upper(), bar.get_hatch())
            for container in containers(ax)
            for bar in container.patches[:1]
        ]
        assert looks == [(FILLS["work"], ""), (FILLS["buckets"], "///")]
        labels = [text.get_text() for text in ax.get_legend().get_texts()]  # type: ignore[union-attr]
        assert labels == ["stream", "files"]

    def test_workers_of_all_records_are_counted_at_the_same_moment(
        self, ax: Axes
    ) -> None:
        apart = {"stream": STREAM.simulate(), "files": NIGHT.simulate()}
        assert plot_gantt(apart, ax=ax).get_title() == "At most 2 of 2 workers at work"
        twice = {"a": NIGHT.simulate(), "b": NIGHT.simulate()}
        assert plot_gantt(twice, ax=ax).get_title() == "At most 4 of 2 workers at work"

    def test_there_are_colours_for_any_number_of_records(self, ax: Axes) -> None:
        plot_gantt({str(i): NIGHT.simulate() for i in range(20)}, ax=ax)
        bars = [to_hex(each.patches[0].get_facecolor()) for each in containers(ax)]
        assert len(bars) == 20
        assert len(set(bars[:8])) == 8

    def test_each_attempt_of_a_pool_has_a_bar(self, ax: Axes) -> None:
        (bars,) = containers(plot_gantt(INSIGHTS, ax=ax))
        assert [
            (bar.get_y() + bar.get_height() / 2, bar.get_x(), bar.get_width())
            for bar in bars.patches
        ] == [(0, 1, 8), (1, 2, 1), (1, 4, 1), (0, 9, 1)]
        edges = [to_hex(bar.get_edgecolor()).upper() for bar in bars.patches]
        assert edges == ["#000000", COLOURS["bad"], COLOURS["bad"], "#000000"]
        assert [bar.get_linewidth() for bar in bars.patches] == [0.4, 2.0, 2.0, 0.4]
        assert ax.get_title() == "At most 2 of 2 workers at work"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("time [min]", "worker")

    def test_a_pool_and_a_record_share_a_figure(self, ax: Axes) -> None:
        plot_gantt({"files": NIGHT.simulate(), "pool": INSIGHTS}, ax=ax)
        assert [len(each.patches) for each in containers(ax)] == [3, 4]
        assert ax.get_title() == "At most 4 of 2 workers at work"

    @pytest.mark.parametrize(("files", "edge"), [(200, 0.4), (201, 0.1)])
    def test_edges_of_many_bars_are_thin(
        self, ax: Axes, files: int, edge: float
    ) -> None:
        night = NightlyPipeline([6] * files, capacity=10, service=Constant(1.0))
        (bars,) = containers(plot_gantt(night.simulate(), ax=ax))
        assert {bar.get_linewidth() for bar in bars.patches} == {edge}

    def test_buckets_and_mini_batches_keep_their_colours_alone(self, ax: Axes) -> None:
        (batch,) = containers(plot_gantt(STREAM.simulate(), ax=ax))
        bucket = containers(plot_gantt(NIGHT.simulate(), ax=ax))[1]
        colours = [to_hex(one.patches[0].get_facecolor()) for one in (batch, bucket)]
        assert colours == [FILLS["work"].lower(), FILLS["buckets"].lower()]

    @pytest.mark.parametrize(("tasks", "shapes"), [(1000, 0), (1001, 2)])
    def test_of_many_bars_only_those_that_failed_have_an_edge(
        self, ax: Axes, tasks: int, shapes: int
    ) -> None:
        records = [
            TaskRecord(i, "a", 0.0, float(i), i + 1.0, i % 2, None)
            for i in range(tasks)
        ]
        records[5] = replace(records[5], error=OSError("full"))
        infos = (
            WorkerInfo(0, "worker-0", 0.0, 0.0),
            WorkerInfo(1, "worker-1", 0.0, 0.0),
        )
        insights = PoolInsights(tuple(records), infos, float(tasks))
        plot_gantt({"": NIGHT.simulate(), "pool": insights}, ax=ax)
        assert len(ax.collections) == shapes
        assert len(containers(ax)) == (1 if shapes else 2)
        assert ax.get_xlim()[1] > tasks / 60
        if shapes:
            many, failed = ax.collections
            assert len(many.get_paths()) == tasks
            assert np.asarray(many.get_linewidth()).tolist() == [0.0]
            assert to_hex(np.asarray(many.get_facecolor())[0]).upper() == FILLS["work"]
            assert many.get_hatch() == "///"
            (box,) = failed.get_paths()
            corners = [float(x) for x in box.get_extents().extents * [60, 1, 60, 1]]
            assert corners == pytest.approx([5, 0.6, 6, 1.4])
            edge = np.asarray(failed.get_edgecolor())[0]
            assert to_hex(edge).upper() == COLOURS["bad"]
        ax.figure.canvas.draw()

    @pytest.mark.parametrize(
        ("workers", "last"), [(2, "1"), (20, "19"), (21, "20"), (40, "38")]
    )
    def test_of_many_rows_some_are_named(
        self, ax: Axes, workers: int, last: str
    ) -> None:
        plot_gantt(pool_of(workers), ax=ax)
        names = [text.get_text() for text in ax.get_yticklabels()]
        assert len(names) <= 20
        assert (names[0], names[-1]) == ("0", last)
        assert ax.get_yticks().tolist() == [int(name) for name in names]
        assert ax.get_ylim() == (workers - 0.5, -0.5)

    @pytest.mark.parametrize("records", [{}, {"stream": EMPTY}, EMPTY, NO_POOL])
    def test_nothing_is_a_figure_as_well(
        self, ax: Axes, records: RunRecord | PoolInsights | dict[str, RunRecord]
    ) -> None:
        plot_gantt(records, ax=ax)
        assert ax.get_title().startswith("At most 0 of ")
        ax.figure.canvas.draw()


class TestBusy:
    def test_lines_are_who_works_and_what_waits(self, ax: Axes) -> None:
        record = NIGHT.simulate()
        assert plot_busy(record, ax=ax) is ax
        at_work, waiting, workers = ax.lines
        for line, steps, label in (
            (at_work, busy_workers(record), "at work"),
            (waiting, queue_length(record), "waiting"),
        ):
            assert np.array_equal(line.get_xdata(), steps.time / 60.0)
            assert np.array_equal(line.get_ydata(), steps.value)
            assert line.get_drawstyle() == "steps-post"
            assert line.get_label() == label
        assert at_work.get_linestyle() != waiting.get_linestyle()
        assert np.asarray(workers.get_ydata()).tolist() == [2, 2]
        assert workers.get_linestyle() == "--"
        assert ax.get_title() == "Workers are busy 75% of the time"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("time [min]", "jobs")

    def test_a_pool_has_tasks(self, ax: Axes) -> None:
        at_work, waiting, workers = plot_busy(INSIGHTS, ax=ax).lines
        assert np.asarray(at_work.get_xdata()).tolist() == [1, 2, 3, 4, 5, 10]
        assert np.asarray(at_work.get_ydata()).tolist() == [1, 2, 1, 2, 1, 0]
        assert np.asarray(waiting.get_xdata()).tolist() == [0, 1, 2, 9]
        assert np.asarray(waiting.get_ydata()).tolist() == [3, 2, 1, 0]
        assert np.asarray(workers.get_ydata()).tolist() == [2, 2]
        assert ax.get_title() == "Workers are busy 55% of the time"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("time [min]", "tasks")


class TestWorkers:
    def test_each_worker_has_a_bar_of_start_work_and_wait(self, ax: Axes) -> None:
        assert plot_workers(INSIGHTS, ax=ax) is ax
        parts = [
            [(bar.get_x(), bar.get_width()) for bar in container.patches]
            for container in containers(ax)
        ]
        assert parts == [
            [(0, 1), (0, 1.5)],  # start
            [(1, 9), (1.5, 2)],  # work
            [(10, 0), (3.5, 6.5)],  # wait
        ]
        rows = [bar.get_y() + bar.get_height() / 2 for bar in containers(ax)[0]]
        assert rows == [0, 1]
        assert ax.get_ylim() == (1.5, -0.5)  # worker 0 on top

    def test_title_labels_and_legend_say_what_it_is(self, ax: Axes) -> None:
        plot_workers(INSIGHTS, ax=ax)
        assert ax.get_title() == "Workers are busy 55% of the time"
        assert ax.get_xlabel() == "time since the worker was asked for [min]"
        assert ax.get_ylabel() == "worker"
        names = [text.get_text() for text in ax.get_yticklabels()]
        assert names == ["0 (pid 47)", "1 (pid 48)"]
        labels = [text.get_text() for text in ax.get_legend().get_texts()]  # type: ignore[union-attr]
        assert labels == ["start 12%", "work 55%", "wait 32%"]

    def test_parts_differ_in_colour_and_hatch(self, ax: Axes) -> None:
        plot_workers(INSIGHTS, ax=ax)
        first = [container.patches[0] for container in containers(ax)]
        colours = [to_hex(bar.get_facecolor()).upper() for bar in first]
        assert colours == ["#808080", FILLS["work"], FILLS["waiting"]]
        assert len({bar.get_hatch() for bar in first}) == 3

    @pytest.mark.parametrize("workers", [1, 2, 10, 40])
    def test_the_legend_hides_no_bar(self, workers: int) -> None:
        figure, ax = plt.subplots(figsize=(9, 3.6))
        plot_workers(pool_of(workers), ax=ax)
        figure.canvas.draw()
        legend = ax.get_legend()
        assert legend is not None
        right = max(
            bar.get_window_extent().x1 for each in containers(ax) for bar in each
        )
        assert legend.get_window_extent().x0 > right

    def test_long_names_keep_their_ends_and_are_no_formulas(self, ax: Axes) -> None:
        long = "worker-{0}\nfor $x$ and $y$ in the cellar (pid 4{0})"
        plot_workers(pool_of(2, long), ax=ax)
        names = [text.get_text() for text in ax.get_yticklabels()]
        assert names == [
            r"0 for \$x\$ a…lar (pid 40)",
            r"1 for \$x\$ a…lar (pid 41)",
        ]
        ax.figure.canvas.draw()

    def test_no_worker_is_a_figure_as_well(self, ax: Axes) -> None:
        assert plot_workers(NO_POOL, ax=ax).get_title() == "No worker was needed"
        assert ax.get_xlim() == (0, 1)
        ax.figure.canvas.draw()

    def test_no_time_is_a_figure_as_well(self, ax: Axes) -> None:
        at_once = PoolInsights((), (WorkerInfo(0, "worker-0", 3.0, 3.0),), 3.0)
        plot_workers(at_once, ax=ax)
        assert ax.get_title() == "Workers are busy 0% of the time"
        ax.figure.canvas.draw()
