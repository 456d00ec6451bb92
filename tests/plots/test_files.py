"""Figures of buckets: read from the artists, not from pixels."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import StepPatch

from mds_sim.distributions import Exponential
from mds_sim.files import FirstFitDecreasing, NextFit, bucket_sizes, pack
from mds_sim.plots.files import (
    plot_bucket_sizes,
    plot_fill,
    plot_packing,
    plot_strategies,
)
from mds_sim.sim import LinearService
from mds_sim.units import MB

SIZES = [6, 25, 5, 4, 11]


@pytest.fixture
def ax() -> Iterator[Axes]:
    yield plt.subplots()[1]
    plt.close("all")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def dashes(ax: Axes) -> Any:
    """Return the one line of the axes, which must be grey and dashed."""
    (line,) = ax.lines
    assert (line.get_color(), line.get_linestyle()) == ("grey", "--")
    return line


def boxes(ax: Axes) -> list[tuple[float, float, float, float]]:
    """Return the left, right, bottom and top of each file that is drawn."""
    (stacks,) = ax.collections
    corners = [path.vertices for path in stacks.get_paths()]
    return [(x.min(), x.max(), y.min(), y.max()) for x, y in (c.T for c in corners)]


@pytest.mark.parametrize("draw", [plot_fill, plot_packing])
class TestBoth:
    def test_it_draws_where_it_is_told(self, draw: Any, ax: Axes) -> None:
        assert draw(pack(SIZES, 10), ax=ax) is ax

    def test_it_makes_axes_and_shows_and_saves_nothing(self, draw: Any) -> None:
        before = plt.get_fignums()
        made = draw(pack(SIZES, 10))
        assert len(plt.get_fignums()) == len(before) + 1
        assert made.get_xlabel()
        assert re.search(r"\[.+\]$", made.get_ylabel())
        assert made.get_title()

    def test_no_files(self, draw: Any, ax: Axes) -> None:
        draw(pack([]), ax=ax).figure.canvas.draw()
        assert dashes(ax).get_ydata()[0] > 0

    def test_a_far_too_tall_bucket_is_cut(self, draw: Any, ax: Axes) -> None:
        draw(pack(SIZES, 10), ax=ax)
        assert ax.get_ylim() == (0.0, 1.5 * dashes(ax).get_ydata()[0])


class TestFill:
    def test_bars_are_the_fill_sorted(self, ax: Axes) -> None:
        plot_fill(pack(SIZES, 10), ax=ax)
        heights = [bar.get_height() for bar in ax.patches]
        assert heights == [2.5, 1.1, 1.0, 0.5]
        assert dashes(ax).get_ydata() == [1.0, 1.0]
        assert ax.get_title() == "4 buckets, 88% full on average, 2 oversize"
        assert ax.get_ylabel() == "fill [capacities]"

    def test_many_buckets_are_one_shape(self, ax: Axes) -> None:
        plot_fill(pack(np.arange(5001, 6001), 10_000), ax=ax)
        (shape,) = ax.patches
        assert isinstance(shape, StepPatch)
        values = shape.get_data().values
        assert values.tolist() == (np.arange(6000, 5000, -1) / 10_000).tolist()
        assert ax.get_title() == "1,000 buckets, 55% full on average"


class TestPacking:
    def test_each_bucket_is_a_stack_of_its_files(self, ax: Axes) -> None:
        plot_packing(pack([2, 6, 5, 4], 10), ax=ax)
        # Bucket 0 holds 2 and 5 (the larger one below), bucket 1 holds 6 and 4.
        expected = [
            (-0.4, 0.4, 0, 5),
            (-0.4, 0.4, 5, 7),
            (0.6, 1.4, 0, 6),
            (0.6, 1.4, 6, 10),
        ]
        assert boxes(ax) == pytest.approx(np.array(expected))
        assert ax.collections[0].get_array().tolist() == [5, 2, 6, 4]
        assert dashes(ax).get_ydata() == [10, 10]
        assert ax.get_title() == "4 files in 2 buckets, lower bound 2"
        assert ax.get_xlabel() == "bucket"

    def test_sizes_are_written_on_their_files(self, ax: Axes) -> None:
        plot_packing(pack([2 * MB, 6_250_000, 5 * MB, 4 * MB]), sizes=True, ax=ax)
        written = [
            (text.get_text(), text.get_color(), *text.get_position())
            for text in ax.texts
            if text.get_text() != "capacity"
        ]
        # Largest below; black on what is bright, white on what is dark.
        assert written == [
            ("6.25", "black", 0.0, 3.125),
            ("2", "white", 0.0, 7.25),
            ("5", "black", 1.0, 2.5),
            ("4", "black", 1.0, 7.0),
        ]

    def test_sizes_are_not_written_unasked(self, ax: Axes) -> None:
        plot_packing(pack([2 * MB, 5 * MB]), ax=ax)
        assert [text.get_text() for text in ax.texts] == ["capacity"]

    @pytest.mark.parametrize(
        ("unit", "name"), [(1, "B"), (1000, "kB"), (MB, "MB"), (1000 * MB, "MB")]
    )
    def test_the_unit_suits_the_capacity(self, ax: Axes, unit: int, name: str) -> None:
        plot_packing(pack([6 * unit], 10 * unit), ax=ax)
        assert ax.get_ylabel() == f"load [{name}]"
        top = boxes(ax)[0][3]
        assert top == (6000 if unit == 1000 * MB else 6)

    def test_the_size_of_what_is_cut_is_written(self, ax: Axes) -> None:
        plot_packing(pack(SIZES, 10), ax=ax)
        texts = [text.get_text().strip() for text in ax.texts]
        assert texts == ["capacity", "25 B"]  # 11 is over the capacity, but not cut
        assert ax.texts[1].get_position()[0] == 1

    def test_sixty_buckets_at_most(self, ax: Axes) -> None:
        plot_packing(pack([7] * 61, 10), ax=ax)
        assert len(boxes(ax)) == 60
        assert ax.get_title() == (
            "61 files in 61 buckets, lower bound 43 (first 60 shown)"
        )
        assert ax.get_xlim() == (-0.6, 59.6)

    def test_all_of_sixty(self, ax: Axes) -> None:
        plot_packing(pack([7] * 60, 10), ax=ax)
        assert ax.get_title() == "60 files in 60 buckets, lower bound 42"


class TestStrategies:
    @pytest.fixture
    def packings(self) -> dict[str, Any]:
        sizes = [6, 5, 4, 5, 4, 6]
        return {
            "NextFit": pack(sizes, 10, NextFit()),
            "FirstFitDecreasing": pack(sizes, 10, FirstFitDecreasing()),
        }

    def test_bars_are_buckets_beside_the_bound(
        self, ax: Axes, packings: dict[str, Any]
    ) -> None:
        assert plot_strategies(packings, ax=ax) is ax
        assert [bar.get_width() for bar in ax.patches] == [4, 3]
        names = [label.get_text() for label in ax.get_yticklabels()]
        assert names == ["NextFit", "FirstFitDecreasing"]
        assert dashes(ax).get_xdata() == [3, 3]
        assert [text.get_text().strip() for text in ax.texts] == ["+1", "+0"]
        assert ax.get_title() == "FirstFitDecreasing needs the fewest buckets, 3"
        assert ax.get_xlabel() == "buckets (dashed: lower bound, 3)"

    def test_a_tie_has_no_winner(self, ax: Axes) -> None:
        plot_strategies({"a": pack([6], 10), "b": pack([6], 10)}, ax=ax)
        assert ax.get_title() == "2 strategies need the fewest buckets, 1"

    def test_a_strategy_keeps_its_colour(self, packings: dict[str, Any]) -> None:
        both = plot_strategies(packings).patches
        alone = plot_strategies({"NextFit": packings["NextFit"]}).patches
        assert to_hex(both[0].get_facecolor()) == to_hex(alone[0].get_facecolor())
        assert to_hex(both[0].get_facecolor()) != to_hex(both[1].get_facecolor())

    @pytest.mark.parametrize(
        ("packings", "message"),
        [
            ({}, "packings must hold at least one packing, got none"),
            (
                {"a": pack([6, 5], 10), "b": pack([6, 4], 10)},
                "packings must be of the same files and capacity, "
                "but 'b' differs from 'a'",
            ),
            (
                {"a": pack([6, 5], 10), "b": pack([6, 5], 11)},
                "packings must be of the same files and capacity, "
                "but 'b' differs from 'a'",
            ),
        ],
    )
    def test_bad_input(self, packings: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=f"^{message}$"):
            plot_strategies(packings)
        assert plt.get_fignums() == []


class TestBucketSizes:
    def test_means_errors_bounds_and_waves(self, ax: Axes) -> None:
        nights = [[4 * MB] * 11, [5 * MB] * 11]
        service = LinearService(per_byte=1 / MB)
        curve = bucket_sizes(nights, [4 * MB, 8 * MB, 12 * MB], service, workers=10)
        assert plot_bucket_sizes(curve, ax=ax) is ax
        means, _, _, bound, *waves = ax.lines  # and the ends of the bars
        assert np.array_equal(means.get_xdata(), [4.0, 8.0, 12.0])
        assert np.array_equal(means.get_ydata(), curve.mean)
        assert (bound.get_color(), bound.get_linestyle()) == ("grey", "--")
        assert np.array_equal(bound.get_ydata(), [curve.ideal] * 3)
        (bars,) = ax.containers
        (segments,) = bars.lines[2]
        half = [(high - low) / 2 for (_, low), (_, high) in segments.get_segments()]
        assert np.allclose(half, 2 * curve.error)
        assert ax.get_xlabel() == "room of a bucket [MB]"
        assert ax.get_ylabel() == "makespan [s]"
        assert ax.get_title() == (
            f"Nights are shortest with buckets of {curve.best // MB} MB: "
            f"{curve.mean.min():.3g} s on 10 workers"
        )
        assert curve.waves.tolist() == [2.0, 1.5, 1.0]  # up to two, then one
        assert [(w.get_xdata()[0], w.get_linestyle()) for w in waves] == [(10.0, ":")]

    def test_without_costs_a_byte_the_bound_is_that_of_the_buckets(
        self, ax: Axes
    ) -> None:
        curve = bucket_sizes([[4] * 11], [4, 8], Exponential(2.0), workers=10, rng=1)
        bound = plot_bucket_sizes(curve, ax=ax).lines[3]
        assert bound.get_label() == "bound for these buckets"
        assert np.array_equal(bound.get_ydata(), curve.lower_bound[:, 0])
