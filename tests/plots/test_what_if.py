"""The figures of the what-if panel, and how figures are saved: artists, not pixels."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib import rcParams

from mds_sim.analysis import StreamAnswer, what_if
from mds_sim.plots import plot_done_within, plot_pool_sizes
from mds_sim.plots.saving import figure_html, figure_of, save_figure


@pytest.fixture(scope="module")
def answer() -> StreamAnswer:
    return what_if(10 / 60, 300, 2400, 10, days=4, rng=1)


@pytest.fixture(scope="module")
def too_much() -> StreamAnswer:
    return what_if(10 / 60, 300, 2400, 3, days=4, rng=1)


def test_done_within_shows_simulation_and_theory(answer: StreamAnswer) -> None:
    ax = figure_of(lambda ax: plot_done_within(answer, ax=ax)).axes[0]
    (container,) = ax.containers
    markers = container.lines[0]
    assert markers.get_xdata() == pytest.approx(answer.times / 3600)
    assert markers.get_ydata() == pytest.approx([one.mean for one in answer.done])
    low, high = np.array([b[:, 1] for b in container.lines[2][0].get_segments()]).T
    assert (low >= -1e-12).all()
    assert (high <= 1 + 1e-12).all()
    theory = next(line for line in ax.lines if line.get_label() == "theory")
    x, y = theory.get_data()
    assert answer.theory is not None
    assert y == pytest.approx(answer.theory.latency_cdf(np.asarray(x) * 3600))
    assert ax.get_xlabel() == "latency [h]"
    assert ax.get_ylabel() == "share of messages done"


def test_pool_sizes_shows_the_pools_that_keep_up(answer: StreamAnswer) -> None:
    ax = figure_of(lambda ax: plot_pool_sizes(answer, ax=ax)).axes[0]
    theory = next(line for line in ax.lines if line.get_label() == "theory")
    pools, late = np.asarray(theory.get_data())
    assert pools.tolist() == list(range(8, 16))
    assert (np.diff(late) <= 0).all()
    assert answer.theory is not None
    here = answer.theory.latency_quantile(0.99)
    assert late[2] * 3600 == pytest.approx(here)
    assert ax.get_title("left") == "10 workers, and 78 % of them busy"
    assert ax.get_xlabel() == "workers"
    assert ax.get_ylabel() == "99 % of latency [h]"


def test_too_much_work_has_no_theory(too_much: StreamAnswer) -> None:
    figure = figure_of(
        lambda ax: plot_done_within(too_much, ax=ax),
        lambda ax: plot_pool_sizes(too_much, ax=ax),
        beside=True,
    )
    left, right = figure.axes
    assert left.get_title("left") == "More work than the pool can do: latency grows"
    assert "theory" not in [line.get_label() for line in left.lines]
    assert right.get_title("left") == "3 workers, and 100 % of them busy"
    assert right.get_xlim()[0] < 3
    assert left.get_xlabel() == "latency [d]"
    assert right.get_ylim()[1] * 86400 > too_much.quantiles[-1].mean


@pytest.mark.parametrize(
    ("mean_service", "unit"), [(0.5, "min"), (60.0, "min"), (1100.0, "h")]
)
def test_both_figures_and_the_verdict_have_one_unit(
    mean_service: float, unit: str
) -> None:
    """That in which one would write the time within which 99 % are done."""
    answer = what_if(10 / 60, 300, mean_service, 10, days=2, rng=1)
    figure = figure_of(
        lambda ax: plot_done_within(answer, ax=ax),
        lambda ax: plot_pool_sizes(answer, ax=ax),
    )
    above, below = figure.axes
    assert above.get_xlabel() == f"latency [{unit}]"
    assert below.get_ylabel() == f"99 % of latency [{unit}]"
    told = above.get_title("left").removeprefix("In the long run 99 % are done within ")
    assert told.endswith(f" {unit}")
    assert f"are done within {told}" in answer.verdict


def test_the_pool_that_is_asked_about_is_shown() -> None:
    """One that keeps up only just is far later than all others."""
    answer = what_if(10 / 60, 300, 2400, 8, days=2, rng=1)
    assert answer.theory is not None
    late = answer.theory.latency_quantile(0.99)
    assert late > 3 * answer.theory.latency_quantile(0.5)
    assert plot_pool_sizes(answer).get_ylim()[1] * 3600 > late
    plt.close("all")


def test_just_below_a_unit_the_title_says_what_the_verdict_says() -> None:
    answer = what_if(10.0, 0.9975, 0.001, 1, days=2, rng=1)
    title = plot_done_within(answer).get_title()
    assert title == "In the long run 99 % are done within 1,000 ms"
    assert title.removeprefix("In the long run 99 % ") in answer.verdict
    plt.close("all")


def test_one_worker(too_much: StreamAnswer) -> None:
    one = what_if(1 / 60, 300, 60, 1, days=2, rng=1)
    ax = figure_of(lambda ax: plot_pool_sizes(one, ax=ax)).axes[0]
    assert ax.get_title("left") == "1 worker, and 17 % of it busy"


def test_another_object_is_refused() -> None:
    message = "answer must be what what_if\\(...\\) returns, got 3"
    with pytest.raises(TypeError, match=f"^{message}$"):
        plot_done_within(3)  # type: ignore[arg-type]


def test_figures_leave_matplotlib_as_it_is(tmp_path: Path) -> None:
    before, open_ = dict(rcParams), plt.get_fignums()
    for name in ("a.png", "a.pdf", "a.svg"):
        save_figure(tmp_path / name, lambda ax: ax.plot([1, 2]), lambda ax: ax)
        assert (tmp_path / name).stat().st_size > 1000
    assert dict(rcParams) == before
    assert plt.get_fignums() == open_


def test_axes_are_below_each_other_or_beside() -> None:
    draws = [lambda ax: None] * 2
    for beside, shape in ((False, (2, 1)), (True, (1, 2))):
        grid = figure_of(*draws, beside=beside).axes[0].get_subplotspec()
        assert grid is not None
        assert grid.get_gridspec().get_geometry() == shape


def test_nothing_is_no_figure() -> None:
    with pytest.raises(
        ValueError, match=r"^draws must hold at least one function, got"
    ):
        figure_of()


def test_words_for_a_figure_are_no_markup() -> None:
    page = figure_html(figure_of(lambda ax: None), 'a "<b>" & c')
    assert page.startswith(
        '<img alt="a &quot;&lt;b&gt;&quot; &amp; c" src="data:image/'
    )
