"""Figures of plans: which candidates keep the promise, and which one is the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mds_sim import _validate
from mds_sim.analysis.capacity import BucketChoice, Plan
from mds_sim.analysis.capacity.plans import written
from mds_sim.analysis.intervals import Interval
from mds_sim.units import counted, size_unit

from .style import COLOURS, GREY, INK, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOOKS = {  # colour and marker of what is decided
    "yes": (COLOURS["simulated"], "o"),
    "unclear": (COLOURS["unclear"], "^"),
    "no": (COLOURS["bad"], "X"),
}
_DASHES = ("-", "-.", ":", (0, (3, 1, 1, 1, 1, 1)))  # "--" is for the promise

Point = tuple[Any, Interval, str]


def plot_plan(plan: Plan, *, ax: Axes | None = None) -> Axes:
    """Show the evidence of a plan: a curve over the candidates, with the answer in it.

    Parameters
    ----------
    plan : Plan
        Of `plan_workers`, `plan_window` or `plan_buckets`.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        For each candidate the share of replications that kept the target, with its
        bounds; or its mean cost. Dots keep the promise, crosses do not, triangles are
        unclear; the answer has a ring. The share that is asked for is dashed. Buckets
        have a line for each strategy and order. The length of a window and the target
        have one unit, on the axes, in the title and in the table of the plan.

    Examples
    --------
    >>> from mds_sim import Exponential, StreamPipeline, plan_workers
    >>> stream = StreamPipeline(service=Exponential(1200.0))
    >>> plan = plan_workers(stream, target=7800, rng=1, progress=False)
    >>> plot_plan(plan).get_title()
    'The smallest pool that keeps the promise: 5 workers'
    """
    _validate.instance("plan", plan, Plan, "a plan, such as plan_workers(...) returns")
    ax = axes(ax)
    unit, length = _unit(plan)
    lines = _lines(plan)
    places = [_place(candidate) / length for candidate in plan.candidates]
    apart = 0.02 * (max(places) - min(places))  # or bars would hide each other
    for number, (label, points) in enumerate(lines.items()):
        x = np.array([_place(candidate) for candidate, _, _ in points]) / length
        x += apart * (number - (len(lines) - 1) / 2)
        mean = [one.mean for _, one, _ in points]
        dash = _DASHES[number % len(_DASHES)]
        colour = INK[(2, 5, 4, 7)[number % 4]]
        ax.plot(x, mean, linestyle=dash, color=colour, label=label, zorder=1)
        for word in _LOOKS:
            _draw(ax, x, points, word)
        _mark_answer(ax, x, points, plan.answer)
    if plan.probability is not None:
        ax.axhline(plan.probability, color=GREY, linestyle="--", linewidth=1.5)
    if plan.question == "workers":
        ax.set_xticks(list(plan.candidates))
    ax.set_xlabel(f"{_NAMES[plan.question]}{unit}")
    kept = "" if plan.target is None else written(plan.target, plan.unit)
    ax.set_ylabel(f"share that keeps {kept}" if kept else "mean cost")
    ax.set_title(_title(plan))
    _legend(ax)
    return ax


_NAMES = {"workers": "workers", "window": "window", "buckets": "capacity"}


def _lines(plan: Plan) -> dict[str, list[Point]]:
    """Return the candidates of each line, by its name in the legend."""
    lines: dict[str, list[Point]] = {}
    evidence = zip(plan.candidates, plan.intervals, plan.decided, strict=True)
    for candidate, one, word in evidence:
        name = candidate.rule if isinstance(candidate, BucketChoice) else "_"
        lines.setdefault(name, []).append((candidate, one, word))
    return lines


def _place(candidate: Any) -> float:
    """Return where a candidate is on the axis, in seconds, bytes or workers."""
    if isinstance(candidate, BucketChoice):
        return float(candidate.capacity)
    return float(candidate)


def _unit(plan: Plan) -> tuple[str, float]:
    """Return the unit of the axis and how large it is."""
    if plan.question == "workers":
        return "", 1.0
    name, length = (
        size_unit(max(candidate.capacity for candidate in plan.candidates))
        if plan.question == "buckets"
        else plan.unit
    )
    return f" [{name}]", float(length)


def _draw(ax: Axes, x: Any, points: list[Point], word: str) -> None:
    """Draw the candidates of which the same is known."""
    rows = [row for row, point in enumerate(points) if point[2] == word]
    if not rows:
        return
    found = [points[row][1] for row in rows]
    mean = np.array([one.mean for one in found])
    away = [
        mean - np.array([one.low for one in found]),
        np.array([one.high for one in found]) - mean,
    ]
    colour, marker = _LOOKS[word]
    ax.errorbar(
        x[rows], mean, yerr=np.abs(away), linestyle="", marker=marker, capsize=3,
        color=colour, label=f"decided: {word}", zorder=2,
    )  # fmt: skip


def _mark_answer(ax: Axes, x: Any, points: list[Point], answer: Any) -> None:
    """Put a ring around the answer, if it is on this line."""
    for place, (candidate, one, _) in zip(x, points, strict=True):
        if candidate == answer:
            ax.plot(
                [place], [one.mean], linestyle="", marker="o", markersize=14,
                markerfacecolor="none", color=COLOURS["truth"], label="the answer",
            )  # fmt: skip


def _title(plan: Plan) -> str:
    """Say what was found."""
    if plan.question == "workers":
        pool = counted(plan.answer, "worker", spec="")
        return f"The smallest pool that keeps the promise: {pool}"
    answer = plan.words(plan.answer)
    if plan.target is None:
        return f"The window with the least mean cost: {answer}"
    if plan.question == "window":
        return f"The longest window that keeps the promise: {answer}"
    kept = plan.decided.count("yes")
    verb = "keeps" if kept == 1 else "keep"
    return f"{kept} of {len(plan.candidates)} {verb} the promise; best: {answer}"


def _legend(ax: Axes) -> None:
    """Name each look once: rules, what is decided, the answer."""
    handles, labels = ax.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    for label in (*(f"decided: {word}" for word in _LOOKS), "the answer"):
        if label in named:
            named[label] = named.pop(label)
    ax.legend(list(named.values()), list(named))
