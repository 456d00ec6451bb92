"""What all figures share: axes of time."""

from dataclasses import replace

import pytest
from matplotlib import pyplot as plt

from mds_sim import plots
from mds_sim.distributions import Constant
from mds_sim.plots.style import time_axis
from mds_sim.stream import StreamPipeline

EPOCH = 1.7e9  # a morning of 2023, in seconds since 1970


@pytest.mark.parametrize(
    ("first", "last", "start", "label"),
    [
        (0.0, 0.0, 0.0, "time [s]"),
        (5.0, 120.0, 0.0, "time [s]"),
        (3600.0, 7200.0, 0.0, "time [min]"),  # the second hour of a day
        (86_400.0, 90_000.0, 0.0, "time [h]"),  # the first of the second day
        (EPOCH, EPOCH + 3600.0, EPOCH, "time since the start [min]"),
        (EPOCH, EPOCH, EPOCH, "time since the start [s]"),
        (-5.0, 5.0, 0.0, "time [s]"),
        (-7200.0, 5.0, 0.0, "time [min]"),
        (-EPOCH, 3600.0 - EPOCH, -EPOCH, "time since the start [min]"),
    ],
)
def test_time_counts_from_zero_or_from_a_start_far_away(
    first: float, last: float, start: float, label: str
) -> None:
    axis = time_axis(first, last)
    assert (axis.start, axis.label) == (start, label)
    assert axis.place(start) == 0.0
    assert axis.place(last) * axis.scale + start == pytest.approx(last)


def test_figures_of_a_run_with_times_since_1970() -> None:
    """They are those of the same run at 0, less a few microseconds."""
    run = StreamPipeline(service=Constant(900.0)).simulate(until=2400, rng=1)
    times = ("open", "ready", "start", "finish")
    moved = {name: getattr(run.jobs, name) + EPOCH for name in times}
    late = replace(
        run,
        items=replace(run.items, arrival=run.items.arrival + EPOCH),
        jobs=replace(run.jobs, **moved),
    )
    for plot in (plots.plot_gantt, plots.plot_windows):
        ax, other = plot(late), plot(run)
        assert ax.get_xlabel() == "time since the start [min]"
        start = run.jobs.start[0] if plot is plots.plot_gantt else run.jobs.open[0]
        for bar, same in zip(ax.patches, other.patches, strict=True):
            assert bar.get_x() == pytest.approx(same.get_x() - start / 60, abs=1e-6)
            assert bar.get_width() == pytest.approx(same.get_width(), abs=1e-6)
    for plot in (plots.plot_busy, plots.plot_throughput):
        ax = plot(late)
        assert ax.get_xlabel() == "time since the start [min]"
        assert -5.0 < ax.get_xlim()[0] <= 0.0
    plt.close("all")
