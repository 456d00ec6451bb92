"""Figures of a tournament: who met whom, and how fast people meet new faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from mds_sim import _validate
from mds_sim.analysis.formats import FormatComparison
from mds_sim.theory.tournament import expected_opponents, pairs_bound
from mds_sim.tournament.constructions import Schedule
from mds_sim.tournament.history import Ints
from mds_sim.tournament.result import TournamentResult
from mds_sim.units import counted

from .style import COLOURS, GREY, MARKERS, SEATINGS, Look, as_text, axes, looks
from .who_met_whom import (
    AGAIN,
    CROSSES,
    NEW,
    Crosses,
    colours,
    draw_diagonal,
    draw_rules,
    explained,
    states,
)

NAMED = 24  # players whose names fit beside the heat map
Results = TournamentResult | Sequence[TournamentResult]


def plot_meetings(
    source: TournamentResult | Schedule,
    *,
    most: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw who met whom, and how often, as a square with a cell for each pair.

    Parameters
    ----------
    source : TournamentResult or Schedule
    most : int, optional
        Highest count of the colour bar, not below the highest that is drawn; that one
        by default. A count has the same colour in all figures; with the same `most`
        two of them have the same bar too.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Pale grey: never met; blue: once; orange, with a cross: more often, darker
        with each time. The diagonal has a line, for nobody meets themselves. Players of
        a schedule count from 1.

    Raises
    ------
    ValueError
        If a pair meets more than `most` times.

    Examples
    --------
    >>> from mds_sim.tournament import round_robin
    >>> plot_meetings(round_robin(8)).get_title()
    '28 of at most 28 pairs meet, none more than once'
    """
    ax = axes(ax)
    meetings = source.meetings
    players, highest = len(meetings), int(meetings.max())
    least = max(highest, 1)  # below that a bar has no two whole numbers
    top = least if most is None else _validate.count("most", most, least=least)
    masked = np.ma.masked_array(meetings, np.eye(players, dtype=np.bool_))
    image = ax.imshow(masked, interpolation="nearest", **colours(0, top))
    draw_diagonal(ax, players)
    Crosses(ax, players).mark(meetings)
    _draw_scale(ax, image, top)
    if isinstance(source, TournamentResult):
        names = [as_text(player.name) for player in source.players]
    else:
        names = [str(p) for p in range(1, players + 1)]
    step = -(-players // NAMED)
    ax.set_xticks(range(0, players, step), names[::step], rotation=90)
    ax.set_yticks(range(0, players, step), names[::step])
    ax.set(xlabel="player", ylabel="player")
    ax.grid(visible=False)
    draw_rules(ax, players)
    pairs = _pairs(source)
    often = "once" if highest == 1 else f"{highest} times"
    ax.set_title(pairs + f", none more than {often}" * (highest > 0))
    return ax


def plot_meetings_by_round(
    source: TournamentResult | Schedule,
    *,
    columns: int = 7,
    ax: Axes | None = None,
) -> Axes:
    """Draw who met whom filling up, one small picture a round.

    Parameters
    ----------
    source : TournamentResult or Schedule
    columns : int, default 7
        Pictures side by side, >= 1.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        A cell of a picture is a pair: it meets for the first time in this round, or
        again, or it has met before, once or more often, or not yet. Players stand in
        the order of their tables in round 1, then in round 2, and so on, so that the
        first picture is blocks along the diagonal. Over each, the pairs of its round.

    Examples
    --------
    >>> from mds_sim.tournament import round_robin
    >>> plot_meetings_by_round(round_robin(8)).get_title()
    '28 of at most 28 pairs meet in 7 rounds; repeated meetings: none'
    """
    columns = _validate.count("columns", columns)
    table = source.table if isinstance(source, Schedule) else source.history.table
    cells = _cells_by_round(table[:, np.lexsort(table[::-1])])
    ax, (rounds, players) = axes(ax), table.shape
    step = players + max(2, round(0.3 * players))  # room for a line over each picture
    lines, columns = -(-rounds // columns), min(columns, rounds)
    empty = np.zeros((lines * step, columns * step), dtype=np.int64)
    sheet = np.ma.masked_array(empty, mask=True)
    for r, cell in enumerate(cells):
        bottom, left = r // columns * step + step, r % columns * step
        sheet[bottom - players : bottom, left : left + players] = cell
        new, again = (int((cell == kind).sum()) // 2 for kind in (NEW, AGAIN))
        words = f"{r + 1}: {new} new" + f", {again} again" * bool(again)
        ax.text(left, bottom - players - 1, words, va="bottom", fontsize="small")
    most = max(int(source.meetings.max()), 1)
    ax.imshow(sheet, interpolation="nearest", **colours(AGAIN, most))
    Crosses(ax, columns * step).mark(sheet.filled(0))
    ax.set_axis_off()
    ax.legend(*explained(), loc="upper left", bbox_to_anchor=(0.0, 0.0), ncols=5)
    repeated = sum(int((cell == AGAIN).sum()) // 2 for cell in cells)
    many = counted(rounds, "round", spec="")
    ax.set_title(f"{_pairs(source)} in {many}; repeated meetings: {repeated or 'none'}")
    return ax


def plot_new_faces(results: Mapping[str, Results], *, ax: Axes | None = None) -> Axes:
    """Draw how many different people a player has met after each round.

    Parameters
    ----------
    results : mapping of str to TournamentResult or sequence of them
        For each label one tournament, or independent repetitions of one: then the
        markers have 95 % intervals for the mean. All with the same N, T and G.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Markers: simulation. Line: the expectation under random seating. Grey dashes:
        the bound.

    Raises
    ------
    ValueError
        If there is no result, or if players, tables or seats differ.

    Examples
    --------
    >>> from mds_sim.tournament import Tournament
    >>> runs = [Tournament(16, 4, 4, rounds=5, rng=i).play() for i in range(9)]
    >>> plot_new_faces({"random": runs}).get_ylabel()
    'different people met [mean over players]'
    """
    runs = {label: _as_runs(label, result) for label, result in results.items()}
    plan, rounds = _common_plan(runs)
    ax = axes(ax)
    for label, look in looks(runs, SEATINGS).items():
        faces = np.array([result.new_faces for result in runs[label]])
        _draw_runs(ax, label, faces, look)
    after = range(1, rounds + 1)
    expected = [expected_opponents(*plan, r) for r in after]
    bound = [2 * pairs_bound(*plan, r) / plan[0] for r in after]
    ax.plot(after, expected, color=COLOURS["theory"], label="random seating, theory")
    ax.plot(after, bound, color=GREY, linestyle="--", label="bound")
    ax.set(xlabel="round", ylabel="different people met [mean over players]")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(_finding(runs))
    ax.legend()
    return ax


def plot_formats(comparison: FormatComparison, *, ax: Axes | None = None) -> Axes:
    """Draw how often the best player wins against how many people the others meet.

    Parameters
    ----------
    comparison : FormatComparison
        At most 8 formats.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Markers: formats, with 95 % intervals, filled if on the Pareto front, which is
        the thin line. Grey dashes: the bound of people met, and the winner by lot.

    Raises
    ------
    ValueError
        If there are more formats than colours.

    Examples
    --------
    >>> from mds_sim.analysis import Format, compare_formats
    >>> study = compare_formats({"random": Format()}, 8, 2, 4, 2, replications=9, rng=1)
    >>> plot_formats(study).get_xlabel()
    'different people met by those who do not win [mean]'
    """
    names = comparison.names
    if len(names) > len(MARKERS):
        raise ValueError(
            f"comparison must hold at most {len(MARKERS)} formats to tell them apart, "
            f"got {len(names)}"
        )
    ax = axes(ax)
    points = {}
    for name, look in looks(names, SEATINGS).items():
        met, wins = comparison.mean_people_met(name), comparison.win_probability(name)
        points[name] = met.mean, wins.mean
        ax.errorbar(
            met.mean,
            wins.mean,
            xerr=[[met.mean - met.low], [met.high - met.mean]],
            yerr=[[wins.mean - wins.low], [wins.high - wins.mean]],
            color=look.colour,
            marker=look.marker,
            markerfacecolor=None if name in comparison.front else "white",
            markersize=9,
            linestyle="none",
            capsize=3,
            label=name,
        )
    front = sorted(points[name] for name in comparison.front)
    ax.plot(*zip(*front, strict=True), color="black", linewidth=0.8, zorder=0)
    ax.axvline(comparison.bound, color=GREY, linestyle="--", label="bound")
    ax.axhline(comparison.chance, color=GREY, linestyle=":", label="by lot")
    ax.set_ylim(bottom=0)
    ax.set(xlabel="different people met by those who do not win [mean]")
    ax.set_ylabel("best player wins [share]")
    ax.set_title(f"On the front: {', '.join(comparison.front)}")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def _pairs(source: TournamentResult | Schedule) -> str:
    """Say how many pairs meet, of how many that can."""
    bound = counted(source.bound, "pair meets", "pairs meet", spec="")
    return f"{source.pairs_met} of at most {bound}"


def _draw_scale(ax: Axes, image: AxesImage, top: int) -> None:
    """Draw the colour bar: whole numbers, with a cross from 2 on, as in the cells."""
    whole = MaxNLocator(integer=True)
    bar = ax.figure.colorbar(image, ax=ax, label="meetings", ticks=whole)
    often = [count for count in bar.get_ticks() if 2 <= count <= top]
    bar.ax.plot([0.5] * len(often), often, "x", color=CROSSES[2], markersize=7)
    bar.ax.grid(visible=False)


def _cells_by_round(table: Ints) -> list[Any]:
    """Return for each round what the cells of the pairs hold, the diagonal masked."""
    diagonal = np.eye(table.shape[1], dtype=np.bool_)
    before = np.zeros(diagonal.shape, dtype=np.int64)
    cells = []
    for row in table:
        now = ((row[:, None] == row) & (row >= 0)).astype(np.int64)
        cells.append(np.ma.masked_array(states(before, now), diagonal))
        before += now
    return cells


def _draw_runs(ax: Axes, label: str, faces: np.ndarray, look: Look) -> None:
    """Draw the mean of repetitions, with an interval if there are several."""
    n, rounds = faces.shape
    half = 1.96 * faces.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else None
    ax.errorbar(
        np.arange(1, rounds + 1),
        faces.mean(axis=0),
        yerr=half,
        color=look.colour,
        marker=look.marker,
        linestyle="none",
        capsize=3,
        label=label,
    )


def _as_runs(label: str, results: Results) -> list[TournamentResult]:
    """Return the repetitions as a list, each with as many rounds."""
    runs = [results] if isinstance(results, TournamentResult) else list(results)
    lengths = {result.history.round for result in runs}
    if len(lengths) != 1:
        raise ValueError(
            "results of one label must be of one length, "
            f"got {sorted(lengths)} rounds for {label!r}"
        )
    return runs


def _common_plan(
    runs: Mapping[str, list[TournamentResult]],
) -> tuple[tuple[int, int, int], int]:
    """Return players, tables and seats of all results, and the most rounds."""
    plans = [result.history for repeated in runs.values() for result in repeated]
    shapes = sorted({(plan.players, plan.tables, plan.seats) for plan in plans})
    if len(shapes) != 1:
        raise ValueError(
            "results must have the same players, tables and seats, "
            f"got {shapes or 'none'}"
        )
    return shapes[0], max(plan.round for plan in plans)


def _finding(runs: Mapping[str, list[TournamentResult]]) -> str:
    """Say which label met most people in the end."""
    met = {
        label: float(np.mean([result.new_faces[-1] for result in repeated]))
        for label, repeated in runs.items()
    }
    best = max(met, key=met.__getitem__)
    others = next(iter(runs.values()))[0].history.players - 1
    return f"With {best}, a player meets {met[best]:.1f} of {others} others"
