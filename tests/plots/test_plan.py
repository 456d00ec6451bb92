"""Figures of plans: read from the artists, not from pixels."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from mds_sim import (
    Constant,
    Exponential,
    LinearService,
    NightlyPipeline,
    StreamPipeline,
)
from mds_sim.analysis import Plan, plan_buckets, plan_window, plan_workers
from mds_sim.plots import plot_plan

QUICK: dict[str, Any] = {"rng": 1, "progress": False}


@pytest.fixture(autouse=True)
def _plain() -> Iterator[None]:
    with plt.style.context("default"):
        yield
    plt.close("all")


def marked(ax: Axes) -> dict[str, list[tuple[float, float]]]:
    """Return the points that each word of the legend is about."""
    found: dict[str, list[tuple[float, float]]] = {}
    for container in ax.containers:
        line: Any = container[0]
        points = zip(line.get_xdata(), line.get_ydata(), strict=True)
        found.setdefault(str(container.get_label()), []).extend(points)
    return found


def words(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def ring(ax: Axes) -> tuple[float, float]:
    lines: list[Any] = [one for one in ax.lines if one.get_label() == "the answer"]
    (line,) = lines
    return float(line.get_xdata()[0]), float(line.get_ydata()[0])


def shares(plan: Plan, word: str, unit: float = 1.0) -> list[tuple[float, float]]:
    return [
        (float(candidate) / unit, one.mean)
        for candidate, one, w in zip(
            plan.candidates, plan.intervals, plan.decided, strict=True
        )
        if w == word
    ]


def test_a_pool() -> None:
    stream = StreamPipeline(service=Exponential(1200.0))
    plan = plan_workers(stream, 7800, **QUICK)
    ax = plan.plot()
    found = marked(ax)
    for word in ("yes", "no"):
        assert found[f"decided: {word}"] == shares(plan, word)
    assert ring(ax) == (plan.answer, plan.intervals[1].mean)
    dashes = [one for one in ax.lines if one.get_linestyle() == "--"]
    assert [list(one.get_ydata()) for one in dashes] == [[0.95, 0.95]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("workers", "share that keeps 130 min")
    assert ax.get_title() == "The smallest pool that keeps the promise: 5 workers"
    assert words(ax) == ["decided: yes", "decided: no", "the answer"]


def test_a_window() -> None:
    stream = StreamPipeline(service=Constant(60.0), workers=50)
    options: dict[str, Any] = {"windows": [200, 300, 400, 500], "until": 3600.0}
    plan = plan_window(stream, 400, **options, **QUICK)
    ax = plot_plan(plan)
    assert marked(ax)["decided: no"] == shares(plan, "no")
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "window [s]",
        "share that keeps 400 s",
    )
    assert ax.get_title() == "The longest window that keeps the promise: 300 s"


def test_windows_and_their_target_have_one_unit_in_figure_and_words() -> None:
    """Minutes if all of them are short in minutes, else seconds: never both."""
    stream = StreamPipeline(service=Constant(60.0), workers=50)
    options: dict[str, Any] = {"windows": [180, 300, 540], "until": 3600.0}
    plan = plan_window(stream, 450, **options, **QUICK)
    ax = plot_plan(plan)
    assert marked(ax)["decided: yes"] == shares(plan, "yes", unit=60.0)
    assert ring(ax)[0] == 5.0
    assert ax.get_xlabel() == "window [min]"
    assert ax.get_ylabel() == "share that keeps 7.5 min"
    assert ax.get_title() == "The longest window that keeps the promise: 5 min"
    assert plan.promise.startswith("Windows of 5 min: in 1 h like this one, 99 % of ")
    assert "are done within 7.5 min of their arrival" in plan.promise
    assert repr(plan).endswith("replications are to keep 7.5 min)")
    assert [plan.words(one) for one in plan.candidates] == ["3 min", "5 min", "9 min"]
    assert plan.unit == ("min", 60.0)


def test_costs() -> None:
    stream = StreamPipeline(service=Constant(60.0), workers=50)
    costs: dict[str, Any] = {"cost_per_job": 1.0, "cost_per_second": 0.001}
    plan = plan_window(stream, windows=[100, 150], until=3600.0, **costs, **QUICK)
    given = plt.subplots()[1]
    ax = plot_plan(plan, ax=given)
    assert ax is given
    assert ax.get_ylabel() == "mean cost"
    assert ax.get_title() == f"The window with the least mean cost: {plan.answer:g} s"
    assert not [one for one in ax.lines if one.get_linestyle() == "--"]


def test_buckets_have_a_line_for_each_rule() -> None:
    night = NightlyPipeline(
        [9, 5, 5, 5, 5, 1], capacity=10, service=LinearService(1.0, per_byte=1.0)
    )
    options: dict[str, Any] = {"capacities": [5, 10], "orders": ["given", "longest"]}
    plan = plan_buckets(night, 20.0, probability=0.5, **options, **QUICK)
    ax = plot_plan(plan)
    assert ax.get_title() == f"8 of 8 keep the promise; best: {plan.answer}"
    assert str(plan.answer).startswith(f"{plan.answer.capacity} B, ")
    assert [word for word in words(ax) if "first" in word or "given" in word] == [
        "FirstFitDecreasing(), as given",
        "FirstFitDecreasing(), longest first",
        "Balanced(buckets=10, method='lpt'), as given",
        "Balanced(buckets=10, method='lpt'), longest first",
    ]
    assert ax.get_xlabel() == "capacity [B]"
    assert ring(ax)[0] == pytest.approx(plan.answer.capacity, abs=0.1)


def test_it_takes_a_plan() -> None:
    message = "plan must be a plan, such as plan_workers(...) returns, got 7"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        plot_plan(7)  # type: ignore[arg-type]
