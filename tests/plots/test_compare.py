"""Figures of comparisons: read from the artists, not from pixels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from mds_sim.analysis import Comparison
from mds_sim.plots import OKABE_ITO, plot_comparison

NOISE = np.random.default_rng(1).normal(size=(4, 200))
VALUES = np.array([[3.0], [0.0], [0.1], [1.0]]) + NOISE


@pytest.fixture(autouse=True)
def _plain() -> Iterator[None]:
    with plt.style.context("default"):  # whatever an example has set
        yield
    plt.close("all")


def bars(ax: Axes) -> list[tuple[list[list[float]], str]]:
    """Return both ends of each bar, and its colour."""
    drawn: list[Any] = list(ax.collections)
    return [
        (segment.tolist(), to_hex(bar.get_color()[0]).upper())
        for bar in drawn
        for segment in bar.get_segments()
    ]


def xs(line: Any) -> list[float]:
    return list(line.get_xdata())


def ys(line: Any) -> list[float]:
    return list(line.get_ydata())


def test_differences_to_the_best_with_intervals() -> None:
    found = Comparison(("d", "a", "b", "c"), VALUES, "latency_p99")
    best, near, third, last = found.ranking
    assert (third, last) == ("c", "d")
    ax = plt.subplots()[1]
    assert plot_comparison(found, ax=ax) is ax
    zero, top, unclear, worse = ax.lines
    assert xs(zero) == [0.0, 0.0]
    assert (zero.get_color(), zero.get_linestyle()) == ("grey", "--")
    assert (xs(top), ys(top)) == ([0.0], [0])
    gaps = [found.difference(name, best) for name in (near, "c", "d")]
    assert xs(unclear) == [gaps[0].mean]
    assert xs(worse) == [gap.mean for gap in gaps[1:]]
    assert (ys(unclear), ys(worse)) == ([1], [2, 3])
    assert (unclear.get_marker(), worse.get_marker()) == ("o", "X")
    assert bars(ax) == [
        ([[gap.low, row], [gap.high, row]], colour)
        for row, (gap, colour) in enumerate(
            zip(gaps, (OKABE_ITO[0], OKABE_ITO[3], OKABE_ITO[3]), strict=True), 1
        )
    ]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == list(found.ranking)
    assert ax.get_ylim() == (3.5, -0.5)
    assert ax.get_xlabel() == "latency_p99: difference to the best [s], 95 % at once"
    assert ax.get_ylabel() == "alternative"
    assert ax.get_title() == f"{best} has the best mean, 1 cannot be told from it"
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "best mean", "cannot be told from it", "worse"
    ]  # fmt: skip


def test_a_clear_winner_where_more_is_better() -> None:
    found = Comparison(("d", "a", "b", "c"), VALUES, direction="max")
    ax = plot_comparison(found)
    ax.figure.canvas.draw()
    assert ax.get_title() == "d is best, clear of all others"
    assert ax.get_xlabel() == "value: difference to the best, 95 % at once"
    assert max(end[1][0] for end, _ in bars(ax)) < 0
    assert len(ax.lines) == 3  # zero, the best, the worse


def test_equal_alternatives() -> None:
    ax = plot_comparison(Comparison(("a", "b"), np.ones((2, 5))))
    assert bars(ax) == [([[0.0, 1], [0.0, 1]], OKABE_ITO[0])]
    assert ax.get_title() == "a has the best mean, 1 cannot be told from it"
