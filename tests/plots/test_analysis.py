"""Figures of analysis: read from the artists, not from pixels."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from mds_sim.analysis import Interval, mser5
from mds_sim.plots import OKABE_ITO, plot_intervals, plot_warmup

SERIES = [9.0] * 20 + [1.0, 2.0] * 100


@pytest.fixture(autouse=True)
def _plain() -> Iterator[None]:
    with plt.style.context("default"):  # whatever an example has set
        yield
    plt.close("all")


def interval(low: float, high: float) -> Interval:
    middle = (low + high) / 2
    return Interval(middle, high - middle, 0.95, 10, "replications")


INTERVALS = {"ten": interval(1, 3), "nine": interval(4, 6), "eight": interval(2, 4)}


def bars(ax: Axes) -> list[tuple[list[list[float]], str]]:
    """Return both ends of each bar, and its colour."""
    drawn: list[Any] = list(ax.collections)
    return [
        (segment.tolist(), to_hex(bar.get_color()[0]).upper())
        for bar in drawn
        for segment in bar.get_segments()
    ]


def points(line: Any) -> tuple[list[float], list[float]]:
    return list(line.get_xdata()), list(line.get_ydata())


def words(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


class TestWarmup:
    def test_the_running_means_and_the_end(self) -> None:
        ax = plt.subplots()[1]
        warmup = mser5(SERIES)
        assert plot_warmup(SERIES, warmup, quantity="waiting time [s]", ax=ax) is ax
        everything, rest, end = ax.lines
        means = [np.mean(SERIES[: i + 1]) for i in range(220)]
        assert np.allclose(everything.get_ydata(), means)
        assert np.array_equal(everything.get_xdata(), np.arange(1, 221))
        means = [np.mean(SERIES[20 : i + 1]) for i in range(20, 220)]
        assert np.allclose(rest.get_ydata(), means)
        assert np.array_equal(rest.get_xdata(), np.arange(21, 221))
        assert points(end)[0] == [20, 20]
        assert (end.get_color(), end.get_linestyle()) == ("grey", "--")
        assert everything.get_color() != rest.get_color()
        assert everything.get_linestyle() != rest.get_linestyle()
        assert ax.get_title() == "Warm-up: the first 20 of 220 values"
        assert ax.get_xlabel() == "values"
        assert ax.get_ylabel() == "running mean of waiting time [s]"
        assert words(ax) == ["of all values", "without the warm-up",
                             "end of the warm-up"]  # fmt: skip

    def test_it_says_that_a_run_is_too_short(self) -> None:
        series = np.arange(1000.0)
        ax = plot_warmup(series, mser5(series))
        assert ax.get_title().endswith(" of 1,000 values (not reliable: run longer)")

    def test_it_makes_axes(self) -> None:
        plot_warmup(SERIES, mser5(SERIES)).figure.canvas.draw()
        assert len(plt.get_fignums()) == 1

    def test_another_series(self) -> None:
        message = "series must hold the 220 values that warmup was found in, got 219"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            plot_warmup(SERIES[1:], mser5(SERIES))


class TestIntervals:
    def test_those_that_miss_have_another_colour_and_marker(self) -> None:
        ax = plt.subplots()[1]
        assert plot_intervals(INTERVALS, 2.5, quantity="latency [s]", ax=ax) is ax
        hold, miss, truth = ax.lines
        assert points(hold) == ([2, 3], [0, 2])
        assert points(miss) == ([5], [1])
        assert (hold.get_color(), miss.get_color()) == (OKABE_ITO[0], OKABE_ITO[3])
        assert (hold.get_marker(), miss.get_marker()) == ("o", "X")
        assert points(truth)[0] == [2.5, 2.5]
        assert bars(ax) == [
            ([[1, 0], [3, 0]], OKABE_ITO[0]),
            ([[2, 2], [4, 2]], OKABE_ITO[0]),
            ([[4, 1], [6, 1]], OKABE_ITO[3]),
        ]
        assert ax.get_title() == "1 of 3 intervals misses the truth"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("latency [s]", "interval")
        assert words(ax) == ["holds the truth", "misses it", "truth"]

    def test_the_first_is_on_top(self) -> None:
        ax = plot_intervals(INTERVALS)
        assert ax.get_ylim() == (2.5, -0.5)
        labels = [label.get_text() for label in ax.get_yticklabels()]
        assert labels == ["ten", "nine", "eight"]

    def test_without_a_truth(self) -> None:
        ax = plot_intervals(INTERVALS)
        (dots,) = ax.lines
        assert points(dots) == ([2, 5, 3], [0, 1, 2])
        assert ax.get_title() == "3 intervals"
        assert words(ax) == []

    def test_one_that_is_not_symmetrical(self) -> None:
        skew = Interval(1.0, 0.5, 0.9, 10, "values", ends=(0.8, 1.8))
        ax = plot_intervals({"median": skew}, truth=1.7)
        assert bars(ax) == [([[0.8, 0], [1.8, 0]], OKABE_ITO[0])]
        assert ax.get_title() == "0 of 1 interval misses the truth"

    def test_many_have_numbers_not_names(self) -> None:
        ax = plot_intervals({f"run {i}": interval(0, 1) for i in range(41)}, 0.5)
        labels = [label.get_text() for label in ax.get_yticklabels()]
        assert not any(label.startswith("run") for label in labels)

    def test_none_at_all(self) -> None:
        ax = plot_intervals({})
        ax.figure.canvas.draw()
        assert ax.get_title() == "0 intervals"
