"""Figures of the pool: a bar for each job, a step for each change."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer

from mds_sim.analysis import busy_workers, queue_length
from mds_sim.distributions import Constant
from mds_sim.files import NightlyPipeline
from mds_sim.plots import OKABE_ITO, plot_busy, plot_gantt
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

    def test_a_job_that_failed_has_a_red_edge(self, ax: Axes) -> None:
        record = replace(NIGHT.simulate(), failures=(Failure(1, None, "no"),))
        (bars,) = containers(plot_gantt(record, ax=ax))
        edges = [to_hex(bar.get_edgecolor()).upper() for bar in bars.patches]
        assert edges == ["#FFFFFF", OKABE_ITO[3], "#FFFFFF"]
        assert [bar.get_linewidth() for bar in bars.patches] == [0.4, 2.0, 0.4]

    def test_records_of_one_pool_differ_in_colour_and_hatch(self, ax: Axes) -> None:
        records = {"stream": STREAM.simulate(), "files": NIGHT.simulate()}
        plot_gantt(records, ax=ax)
        looks = [
            (to_hex(bar.get_facecolor()).upper(), bar.get_hatch())
            for container in containers(ax)
            for bar in container.patches[:1]
        ]
        assert looks == [(OKABE_ITO[0], ""), (OKABE_ITO[1], "///")]
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
        assert len(containers(ax)) == 20

    @pytest.mark.parametrize("records", [{}, {"stream": EMPTY}, EMPTY], ids=str)
    def test_nothing_is_a_figure_as_well(
        self, ax: Axes, records: RunRecord | dict[str, RunRecord]
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
