"""The figures show what they say: their artists are read, not their pixels."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from mds_sim.analysis import FormatComparison
from mds_sim.plots.style import COLOURS, look
from mds_sim.plots.tournament import (
    plot_formats,
    plot_meetings,
    plot_meetings_by_round,
    plot_new_faces,
)
from mds_sim.plots.who_met_whom import (
    AGAIN,
    CROSSES,
    KINDS,
    MOST_RULED,
    NEW,
    colour_of,
)
from mds_sim.theory.tournament import expected_opponents
from mds_sim.tournament import (
    GreedySeating,
    RandomSeating,
    Schedule,
    Seating,
    Tournament,
    TournamentResult,
    round_robin,
)


def play(seating: Seating, count: int, rounds: int = 5) -> list[TournamentResult]:
    plan = (16, 4, 4, rounds)
    return [Tournament(*plan, seating=seating, rng=s).play() for s in range(count)]


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def labels(ticks: list[object]) -> list[str]:
    return [tick.get_text() for tick in ticks]  # type: ignore[attr-defined]


Pairs = set[tuple[int, int]]


def pairs(where: np.ndarray) -> Pairs:
    return {(y, x) for y, x in np.argwhere(where).tolist()}


def crosses(ax: Axes) -> dict[int, Pairs]:
    """Return the cells in the middle of whose crosses two arms meet."""
    shapes = [each for each in ax.collections if isinstance(each, PathCollection)]
    found: dict[int, Pairs] = {}
    for (kind, colour), shape in zip(CROSSES.items(), shapes, strict=True):
        assert to_hex(shape.get_edgecolor()[0]) == to_hex(colour)
        ends = [path.vertices for path in shape.get_paths()]
        arms = np.array(ends).reshape(-1, 2, 2, 2)  # cross, arm, end, x and y
        middles = arms.mean(axis=2)
        assert np.allclose(middles[:, 0], middles[:, 1])
        assert np.allclose(abs(arms[:, :, 0] - middles), 0.23)
        found[kind] = {(y, x) for x, y in middles[:, 0].round().astype(int).tolist()}
    return found


def test_meetings_of_a_tournament() -> None:
    (result,) = play(RandomSeating(), 1)
    ax = plot_meetings(result)
    (image,) = ax.get_images()
    shown = image.get_array()
    assert shown is not None
    assert shown.mask.tolist() == np.eye(16, dtype=bool).tolist()
    assert np.array_equal(shown.filled(0), result.meetings)
    by_count = [to_hex(image.to_rgba(n)) for n in range(result.meetings.max() + 1)]
    assert by_count == [colour_of(n).lower() for n in range(len(by_count))]
    assert crosses(ax) == {AGAIN: set(), 2: pairs(result.meetings > 1)}
    assert labels(ax.get_yticklabels()) == [f"P{p}" for p in range(1, 17)]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("player", "player")
    most = result.meetings.max()
    assert ax.get_title() == (
        f"{result.pairs_met} of at most 120 pairs meet, none more than {most} times"
    )


def test_meetings_of_two_figures_share_a_colour_scale() -> None:
    ax = plot_meetings(round_robin(8), most=4)
    (image,) = ax.get_images()
    assert image.get_clim() == (-0.5, 4.5)
    assert image.get_cmap().N == 5
    assert ax.get_title() == "28 of at most 28 pairs meet, none more than once"
    (own,) = plot_meetings(round_robin(8)).get_images()
    assert own.get_clim() == (-0.5, 1.5)


def test_the_bar_has_whole_numbers_and_crosses_from_two_on() -> None:
    ax = plot_meetings(round_robin(8), most=4)
    (bar,) = (each for each in ax.figure.axes if each is not ax)
    shown = [tick for tick in bar.get_yticks() if -0.5 < tick < 4.5]
    assert shown == [0, 1, 2, 3, 4]
    assert bar.get_ylabel() == "meetings"
    (marks,) = (line for line in bar.lines if line.get_marker() == "x")
    assert (list(marks.get_ydata()), marks.get_color()) == ([2, 3, 4], CROSSES[2])
    once = plot_meetings(round_robin(8)).figure.axes[1]
    assert not len(once.lines[-1].get_ydata())


def test_where_nobody_meets_the_bar_is_whole_too() -> None:
    ax = plot_meetings(Schedule([[0, 1, 2]]))
    assert ax.get_title() == "0 of at most 0 pairs meet"
    shown = [tick for tick in ax.figure.axes[1].get_yticks() if -0.5 < tick < 1.5]
    assert shown == [0, 1]


def test_one_pair_is_one() -> None:
    pair = Schedule([[0, 0]])
    assert plot_meetings(pair).get_title() == (
        "1 of at most 1 pair meets, none more than once"
    )
    assert plot_meetings_by_round(pair).get_title() == (
        "1 of at most 1 pair meets in 1 round; repeated meetings: none"
    )


def test_a_name_is_no_formula() -> None:
    names = ["$x$", r"$\frac$", "5 $", "Ann"]
    ax = plot_meetings(Tournament(names, 2, 2, rounds=1, rng=1).play())
    ax.figure.canvas.draw()  # Matplotlib cannot read the second as a formula
    assert labels(ax.get_yticklabels()) == [n.replace("$", r"\$") for n in names]


def test_nobody_meets_themselves() -> None:
    ax = plot_meetings(round_robin(8))
    (line,) = ax.lines
    assert line.get_xydata()[:2].tolist() == [[-0.5, -0.5], [7.5, 7.5]]
    (image,) = ax.get_images()
    shown = image.get_array()
    assert shown is not None
    assert np.array_equal(shown.mask, np.eye(8, dtype=bool))


def test_cells_are_parted_where_there_is_room() -> None:
    few, many = (plot_meetings(round_robin(MOST_RULED + n)) for n in (0, 2))
    rules = [g for g in few.xaxis.get_minorticklocs() if g % 1 == 0.5]
    assert len(rules) == MOST_RULED - 1
    assert len(many.xaxis.get_minorticklocs()) == 0


def test_meetings_refuse_a_scale_that_hides_counts() -> None:
    with pytest.raises(ValueError, match=r"^most must be >= 1, got 0$"):
        plot_meetings(round_robin(8), most=0)


def test_meetings_of_a_large_schedule_name_some_players() -> None:
    ax = plot_meetings(round_robin(60))
    assert labels(ax.get_xticklabels())[:3] == ["1", "4", "7"]
    assert len(ax.get_yticks()) == 20
    assert ax.get_title() == "1770 of at most 1770 pairs meet, none more than once"


def tiles(ax: Axes, players: int, rounds: int, columns: int) -> list[np.ndarray]:
    """Cut the sheet into its pictures; all that is left over must be empty."""
    sheet = ax.get_images()[0].get_array()
    assert sheet is not None
    high, wide = sheet.shape
    lines, columns = -(-rounds // columns), min(columns, rounds)
    step = high // lines
    assert (high, wide) == (lines * step, columns * step)
    found = []
    for r in range(rounds):
        bottom, left = (r // columns + 1) * step, r % columns * step
        found.append(sheet[bottom - players : bottom, left : left + players].copy())
        sheet[bottom - players : bottom, left : left + players] = np.ma.masked
    assert sheet.mask.all()
    return found


def test_meetings_by_round_tell_new_from_repeated() -> None:
    schedule = Schedule([[0, 1, 0, 1, -1], [0, -1, 0, 1, 1], [1, 1, 0, 0, -1]])
    ax = plot_meetings_by_round(schedule)
    # In the order of their tables: 4 (who sits out), 2, 0, 1, 3.
    first, second, third = (t.filled(9).tolist() for t in tiles(ax, 5, 3, 7))
    assert first == [
        [9, 0, 0, 0, 0],
        [0, 9, NEW, 0, 0],
        [0, NEW, 9, 0, 0],
        [0, 0, 0, 9, NEW],
        [0, 0, 0, NEW, 9],
    ]
    assert second == [
        [9, 0, 0, 0, NEW],
        [0, 9, AGAIN, 0, 0],
        [0, AGAIN, 9, 0, 0],
        [0, 0, 0, 9, 1],
        [NEW, 0, 0, 1, 9],
    ]
    assert third == [
        [9, 0, 0, 0, 1],
        [0, 9, 2, 0, NEW],
        [0, 2, 9, NEW, 0],
        [0, 0, NEW, 9, 1],
        [1, NEW, 0, 1, 9],
    ]
    words = ["1: 2 new", "2: 1 new, 1 again", "3: 2 new"]
    assert labels(ax.texts) == words
    assert ax.get_title() == (
        "5 of at most 6 pairs meet in 3 rounds; repeated meetings: 1"
    )
    assert labels(ax.get_legend().get_texts()) == list(KINDS)
    (image,) = ax.get_images()
    drawn = {state: to_hex(image.to_rgba(state)).upper() for state in KINDS.values()}
    assert drawn == {state: colour_of(state) for state in KINDS.values()}
    # Pictures are 7 cells apart; the second and the third have two crosses each.
    assert crosses(ax) == {AGAIN: {(3, 9), (4, 8)}, 2: {(3, 16), (4, 15)}}


def test_meetings_by_round_agree_with_the_matrix() -> None:
    (result,) = play(RandomSeating(), 1)
    pictures = tiles(plot_meetings_by_round(result, columns=2), 16, 5, 2)
    meets = [(t.filled(0) < 0).astype(int) for t in pictures]
    order = np.lexsort(result.history.table[::-1])
    assert np.array_equal(sum(meets), result.meetings[np.ix_(order, order)])
    assert (pictures[0].filled(0)[:4, :4] == NEW * (1 - np.eye(4))).all()
    new = [int((t == NEW).sum()) // 2 for t in pictures]
    assert sum(new) == result.pairs_met


def test_those_who_sit_out_together_do_not_meet() -> None:
    bench = [[0, 0, -1, -1, 0], [-1, -1, 0, 0, 0]]
    ax = plot_meetings_by_round(Schedule(bench))
    assert labels(ax.texts) == ["1: 3 new", "2: 3 new"]
    last = tiles(ax, 5, 2, 7)[-1].filled(0)
    assert [int((last == kind).sum()) // 2 for kind in (1, NEW, AGAIN)] == [3, 3, 0]


def test_meetings_of_one_round_and_of_no_columns() -> None:
    ax = plot_meetings_by_round(Schedule([[0, 0, 1, 1]]))
    assert ax.get_title() == (
        "2 of at most 2 pairs meet in 1 round; repeated meetings: none"
    )
    with pytest.raises(ValueError, match=r"^columns must be >= 1, got 0$"):
        plot_meetings_by_round(round_robin(4), columns=0)


def test_new_faces_has_markers_line_and_bound() -> None:
    results = {"random": play(RandomSeating(), 6), "greedy": play(GreedySeating(), 6)}
    ax = plot_new_faces(results)
    random, greedy = ax.containers
    for container, runs, colour, marker in (
        (random, results["random"], look(0).colour, "o"),
        (greedy, results["greedy"], look(1).colour, "s"),
    ):
        points, caps, bars = container.lines
        mean = np.mean([run.new_faces for run in runs], axis=0)
        assert points.get_xdata().tolist() == [1, 2, 3, 4, 5]
        assert np.array_equal(points.get_ydata(), mean)
        assert to_hex(points.get_color()).upper() == colour
        assert (points.get_marker(), points.get_linestyle()) == (marker, "None")
        assert (len(caps), len(bars)) == (2, 1)
    theory, bound = ax.lines[-2:]
    assert (theory.get_linestyle(), theory.get_color()) == ("-", COLOURS["theory"])
    expected = [expected_opponents(16, 4, 4, r) for r in range(1, 6)]
    assert theory.get_ydata().tolist() == expected
    assert (bound.get_linestyle(), bound.get_color()) == ("--", "grey")
    assert bound.get_ydata().tolist() == [3, 6, 9, 12, 15]
    assert ax.get_xlabel() == "round"
    assert ax.get_ylabel() == "different people met [mean over players]"
    assert labels(ax.get_legend().get_texts()) == [
        "random seating, theory",
        "bound",
        "random",
        "greedy",
    ]
    best = np.mean([run.new_faces[-1] for run in results["greedy"]])
    assert ax.get_title() == f"With greedy, a player meets {best:.1f} of 15 others"


def test_one_tournament_has_no_interval() -> None:
    (result,) = play(RandomSeating(), 1)
    (container,) = plot_new_faces({"one night": result}).containers
    assert container.lines[1] == ()


def test_figures_draw_where_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("show() was called"))
    _, (left, right) = plt.subplots(1, 2)
    (result,) = play(RandomSeating(), 1)
    assert plot_meetings(result, ax=left) is left
    assert plot_meetings_by_round(result, ax=left) is left
    assert plot_new_faces({"one": result}, ax=right) is right
    assert len(plt.get_fignums()) == 1
    assert isinstance(plot_meetings(result), Axes)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({}, "results must have the same players, tables and seats, got none"),
        (
            {"a": [], "b": []},
            "results of one label must be of one length, got [] rounds for 'a'",
        ),
        (
            {"a": [*play(RandomSeating(), 1), *play(RandomSeating(), 1, rounds=2)]},
            "results of one label must be of one length, got [2, 5] rounds for 'a'",
        ),
        (
            {
                "a": play(RandomSeating(), 1),
                "b": Tournament(6, 2, 3, 2, rng=1).play(),
            },
            "results must have the same players, tables and seats, "
            "got [(6, 2, 3), (16, 4, 4)]",
        ),
    ],
)
def test_results_that_do_not_compare(results: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plot_new_faces(results)  # type: ignore[arg-type]  # that is the test
    assert plt.get_fignums() == []


def study(names: str) -> FormatComparison:
    """Return a comparison in which later formats meet more and win less."""
    n = len(names)
    won = [[1.0] * (n - i) + [0.0] * i for i in range(n)]
    met = [[i + 1.0, i + 1.5] * (n // 2) + [1.0] * (n % 2) for i in range(n)]
    return FormatComparison(tuple(names), np.array(won), np.array(met), 0.25, 12.0)


def test_formats_are_markers_with_intervals_and_the_front_is_a_line() -> None:
    ax = plot_formats(study("abcd"))
    assert [bar.get_label() for bar in ax.containers] == list("abcd")
    (front,) = (line for line in ax.lines if line.get_linewidth() == 0.8)
    assert np.array_equal(front.get_ydata(), [1.0, 0.75, 0.5, 0.25])
    assert ax.get_title() == "On the front: a, b, c, d"
    (bound,) = (line for line in ax.lines if line.get_label() == "bound")
    assert np.array_equal(bound.get_xdata(), [12.0, 12.0])


def test_more_formats_than_colours_are_refused() -> None:
    words = "comparison must hold at most 8 formats to tell them apart, got 9"
    with pytest.raises(ValueError, match=f"^{words}$"):
        plot_formats(study("abcdefghi"))
    assert plt.get_fignums() == []
