"""Figures of many nights: read from the artists, not from pixels."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer

from mds_sim.analysis import mean_interval
from mds_sim.files import FirstFit, FirstFitDecreasing, NextFit, Packing, pack
from mds_sim.plots import plot_fills, plot_over_bound, strategy_colour
from mds_sim.plots.style import INK

NIGHTS = [[6, 5, 4, 5, 4, 6], [7, 6, 3, 4, 5, 5], [9, 9, 1, 1], [25, 5]]


def packed(strategy: Any, nights: list[list[int]] = NIGHTS) -> list[Packing]:
    return [pack(night, 10, strategy) for night in nights]


@pytest.fixture
def both() -> dict[str, list[Packing]]:
    return {
        "FirstFitDecreasing": packed(FirstFitDecreasing()),
        "NextFit": packed(NextFit()),
    }


@pytest.fixture
def ax() -> Iterator[Axes]:
    yield plt.subplots()[1]
    plt.close("all")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def bars(ax: Axes) -> list[tuple[float, float, float, float, str]]:
    """Return mean, row, both ends and colour of each interval."""
    found = []
    for container in ax.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, (bar,) = container.lines
        (ends,) = bar.get_segments()
        low, high = ends[:, 0]
        (x,), (y,) = map(np.asarray, line.get_data())
        found.append((float(x), float(y), low, high, to_hex(line.get_color()).upper()))
    return found


@pytest.mark.parametrize("draw", [plot_over_bound, plot_fills])
class TestBoth:
    def test_it_draws_where_it_is_told(
        self, draw: Any, both: dict[str, list[Packing]], ax: Axes
    ) -> None:
        assert draw(both, ax=ax) is ax
        assert plt.get_fignums() == [ax.figure.number]

    def test_it_makes_axes_with_labels(
        self, draw: Any, both: dict[str, list[Packing]]
    ) -> None:
        made = draw(both)
        assert re.search(r"\[.+\]$", made.get_xlabel())
        assert made.get_ylabel()
        assert made.get_title()

    def test_the_bound_is_dashed(
        self, draw: Any, both: dict[str, list[Packing]], ax: Axes
    ) -> None:
        draw(both, ax=ax)
        grey = [line for line in ax.lines if line.get_color() == "grey"]
        assert [
            (np.asarray(one.get_xdata()).tolist(), one.get_linestyle()) for one in grey
        ] == [([1.0, 1.0], "--")]

    def test_nothing_to_compare(self, draw: Any) -> None:
        with pytest.raises(
            ValueError, match=r"^packings must hold at least one strategy, got none$"
        ):
            draw({})


class TestOverBound:
    def test_markers_are_means_with_intervals(
        self, both: dict[str, list[Packing]], ax: Axes
    ) -> None:
        plot_over_bound(both, ax=ax)
        for row, (name, found) in enumerate(both.items()):
            mean = mean_interval([p.n_buckets / p.lower_bound for p in found])
            *place, colour = bars(ax)[row]
            assert place == pytest.approx([mean.mean, row, mean.low, mean.high])
            assert colour == strategy_colour(name)

    def test_the_first_strategy_is_at_the_top(
        self, both: dict[str, list[Packing]], ax: Axes
    ) -> None:
        plot_over_bound(both, ax=ax)
        assert [text.get_text() for text in ax.get_yticklabels()] == list(both)
        assert ax.get_ylim() == (1.5, -0.5)

    def test_another_bound_may_be_given(
        self, both: dict[str, list[Packing]], ax: Axes
    ) -> None:
        plot_over_bound(both, bound=[3, 3, 2, 2], ax=ax)
        needed = [packing.n_buckets for packing in both["NextFit"]]
        assert bars(ax)[1][0] == pytest.approx(np.mean(np.divide(needed, [3, 3, 2, 2])))

    def test_a_stranger_gets_a_colour_that_is_free(
        self, both: dict[str, list[Packing]], ax: Axes
    ) -> None:
        plot_over_bound({"Mine": both["NextFit"], **both}, ax=ax)
        colours = [bar[-1] for bar in bars(ax)]
        assert len(set(colours)) == 3
        assert set(colours) <= set(INK)

    def test_more_strategies_than_colours(self, ax: Axes) -> None:
        found = packed(FirstFit())
        plot_over_bound({f"Rule {i}": found for i in range(12)}, ax=ax)
        colours = [bar[-1] for bar in bars(ax)]
        assert colours[:8] == list(INK)
        assert colours[8:] == 4 * ["#696969"]

    def test_other_nights(self, both: dict[str, list[Packing]]) -> None:
        both["NextFit"] = packed(NextFit(), NIGHTS[::-1])
        with pytest.raises(
            ValueError,
            match=r"^packings must be of the same nights, "
            r"but those of 'NextFit' differ from those of 'FirstFitDecreasing'$",
        ):
            plot_over_bound(both)

    def test_fewer_nights(self, both: dict[str, list[Packing]]) -> None:
        both["NextFit"] = both["NextFit"][:3]
        with pytest.raises(
            ValueError,
            match=r"^packings must be of the same nights, "
            r"but those of 'NextFit' differ from those of 'FirstFitDecreasing'$",
        ):
            plot_over_bound(both)

    def test_another_capacity(self) -> None:
        wide = [pack(night, 30) for night in NIGHTS]
        with pytest.raises(
            ValueError,
            match=r"^packings must be of the same nights, "
            r"but those of 'wide' differ from those of 'narrow'$",
        ):
            plot_over_bound({"narrow": packed(FirstFit()), "wide": wide})

    def test_a_single_night(self) -> None:
        with pytest.raises(
            ValueError,
            match=r"^packings must hold 2 nights or more for an interval, got 1$",
        ):
            plot_over_bound({"NextFit": packed(NextFit(), NIGHTS[:1])})

    def test_a_bound_of_another_length(self, both: dict[str, list[Packing]]) -> None:
        with pytest.raises(
            ValueError,
            match=r"^bound must hold one number for each of 4 nights, got 2$",
        ):
            plot_over_bound(both, bound=[3, 3])

    def test_a_bound_of_zero(self, both: dict[str, list[Packing]]) -> None:
        with pytest.raises(
            ValueError, match=r"^bound must be >= 1 bucket, but bound\[2\] = 0$"
        ):
            plot_over_bound(both, bound=[3, 3, 0, 2])


class TestFills:
    def test_curves_count_all_buckets(
        self, both: dict[str, list[Packing]], ax: Axes
    ) -> None:
        plot_fills(both, ax=ax)
        curve = next(one for one in ax.lines if one.get_label() == "NextFit")
        fills = np.concatenate([1 - packing.waste for packing in both["NextFit"]])
        x, y = np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())
        assert curve.get_color() == strategy_colour("NextFit")
        assert x[1:] == pytest.approx(np.sort(fills))  # the oversize one counts as 1
        assert y[1:] == pytest.approx(np.arange(1, fills.size + 1) / fills.size)

    def test_curves_have_different_dashes(
        self, both: dict[str, list[Packing]], ax: Axes
    ) -> None:
        plot_fills(both, ax=ax)
        assert len({one.get_linestyle() for one in ax.lines[:2]}) == 2

    def test_a_strategy_without_buckets(self, both: dict[str, list[Packing]]) -> None:
        with pytest.raises(
            ValueError, match=r"^packings\['none'\] must have a bucket, got none$"
        ):
            plot_fills({**both, "none": [pack([])]})
