"""The movie of a tournament: at each moment it shows who has met whom by then."""

import re
from itertools import pairwise

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.collections import (
    EllipseCollection,
    LineCollection,
    PathCollection,
    QuadMesh,
)
from matplotlib.colors import to_hex
from matplotlib.text import Text

from mds_sim.plots import Movie, movie_meetings, plot_meetings
from mds_sim.plots.who_met_whom import AGAIN, KINDS, NEW, NOW
from mds_sim.tournament import (
    GreedySeating,
    HorizonSeating,
    RandomSeating,
    Schedule,
    Tournament,
    round_robin,
)
from mds_sim.tournament.history import count_meetings

SEATINGS = {
    "random": RandomSeating(),
    "greedy": GreedySeating(),
    "horizon": HorizonSeating(),
}
RESULTS = {
    name: Tournament(16, 4, 4, rounds=5, seating=seating, rng=1).play()
    for name, seating in SEATINGS.items()
}


@pytest.fixture(scope="module")
def movie() -> Movie:
    return movie_meetings(RESULTS)


def matrices(movie: Movie) -> list[Axes]:
    """Return the axes of the matrices."""
    return [ax for ax in movie.figure.axes if ax.lines]


def rooms(movie: Movie) -> list[Axes]:
    """Return the axes of the tables."""
    return [ax for ax in movie.figure.axes if not ax.lines]


def mesh(ax: Axes) -> QuadMesh:
    """Return the cells of a matrix, as they are drawn."""
    (found,) = (each for each in ax.collections if isinstance(each, QuadMesh))
    return found


def cells(ax: Axes) -> np.ndarray:
    """Return what is drawn for each pair, and check its crosses."""
    kinds = mesh(ax).get_array()
    assert kinds is not None
    assert np.array_equal(np.ma.getmaskarray(kinds), np.eye(len(kinds), dtype=bool))
    held = np.asarray(kinds.filled(0))
    crosses = [each for each in ax.collections if isinstance(each, PathCollection)]
    for shape, crossed in zip(crosses, (held == AGAIN, held > 1), strict=True):
        ends = [p.vertices.reshape(-1, 4, 2).mean(axis=1) for p in shape.get_paths()]
        middles = np.rint(np.concatenate([*ends, np.zeros((0, 2))])).astype(int)
        assert sorted(middles[:, ::-1].tolist()) == np.argwhere(crossed).tolist()
    return held


def order(table: np.ndarray) -> np.ndarray:
    """Return the players in the order of their tables, round by round."""
    players = range(table.shape[1])
    return np.array(sorted(players, key=lambda p: (*table[:, p].tolist(), p)))


def words(movie: Movie) -> list[str]:
    """Return what is written over the panels."""
    tops = [ax for ax in movie.figure.axes if ax.get_title("left")]
    return [t.get_text() for ax in tops for t in ax.texts if t.get_animated()]


def ends(movie: Movie) -> list[tuple[int, float]]:
    """Return the last moment of each round."""
    return [moment for moment in movie.moments if moment[1] == 1.0]


def test_after_each_round_the_matrix_has_its_meetings(movie: Movie) -> None:
    assert [r for r, _ in ends(movie)] == list(range(5))
    for r, share in ends(movie):
        movie.update((r, share))
        for ax, result in zip(matrices(movie), RESULTS.values(), strict=True):
            table = result.history.table
            by_place = np.ix_(order(table), order(table))
            before = count_meetings(table[:r])[by_place]
            after = count_meetings(table[: r + 1])[by_place]
            kinds = cells(ax)
            assert np.array_equal(kinds == NEW, (after > 0) & (before == 0))
            assert np.array_equal(kinds == AGAIN, (after > before) & (before > 0))
            assert np.array_equal(kinds[kinds >= 0], after[after == before])


def test_the_end_is_the_heat_map(movie: Movie) -> None:
    movie.update(movie.moments[-1])
    for ax, result in zip(matrices(movie), RESULTS.values(), strict=True):
        (image,) = plot_meetings(result).get_images()
        counts = image.get_array()
        assert counts is not None
        players = order(result.history.table)
        met = counts.filled(0)[np.ix_(players, players)]
        assert np.array_equal(cells(ax), met)
        mesh(ax).update_scalarmappable()
        drawn = np.asarray(mesh(ax).get_facecolor()).reshape(16, 16, 4)
        apart = ~np.eye(16, dtype=bool)
        assert np.array_equal(drawn[apart], image.to_rgba(met)[apart])
        rows = [t.get_text() for t in ax.get_yticklabels()]
        assert rows == [str(p + 1) for p in players]
    plt.close("all")


def test_the_counter_counts_what_is_drawn_at_each_moment(movie: Movie) -> None:
    last = [0] * 3
    for r, share in movie.moments[:-1]:
        movie.update((r, share))
        for i, (text, ax) in enumerate(zip(words(movie), matrices(movie), strict=True)):
            found = re.fullmatch(
                r"round (\d): (\d+) of 120 pairs(?:, (\d+) again)?", text
            )
            assert found
            kinds = cells(ax)
            assert int(found[1]) == r + 1
            assert int(found[2]) == (kinds != 0).sum() // 2 >= last[i]
            assert bool(found[3]) == bool(((kinds == AGAIN) | (kinds > 1)).any())
            last[i] = int(found[2])
    assert last == [result.pairs_met for result in RESULTS.values()]


def test_the_end_says_pairs_and_bound(movie: Movie) -> None:
    movie.update(movie.moments[-1])
    assert words(movie) == [
        "81 pairs, bound 120, 39 again",
        "112 pairs, bound 120, 8 again",
        "120 pairs, bound 120",
    ]
    for result in RESULTS.values():  # 5 rounds, 4 tables, 6 pairs each
        assert result.meetings.sum() // 2 == 120


def test_tables_meet_one_after_the_other(movie: Movie) -> None:
    (ax, *_), table = matrices(movie), RESULTS["random"].history.table
    players = order(table)
    shown = []
    for moment in movie.moments[:8]:  # the first round
        movie.update(moment)
        meet = np.argwhere(cells(ax) == NEW)
        tables = {int(table[0, players[y]]) for y, _ in meet}
        assert len(meet) == len(tables) * 4 * 3
        assert tables == set(range(len(tables)))
        shown.append(len(tables))
    assert shown == [0, 0, 1, 2, 3, 4, 4, 4]


def parts(ax: Axes) -> tuple[np.ndarray, np.ndarray, list[LineCollection]]:
    """Return the places of the players, how wide they are, and the lines."""
    people = [c for c in ax.collections if isinstance(c, EllipseCollection)][-1]
    lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    return np.asarray(people.get_offsets()), people.get_widths(), lines


def numbers(ax: Axes) -> PathCollection:
    """Return the numbers of the players."""
    (found,) = (c for c in ax.collections if isinstance(c, PathCollection))
    return found


def test_everybody_sits_at_the_right_table(movie: Movie) -> None:
    for r, share in ends(movie):
        movie.update((r, share))
        for ax, result in zip(rooms(movie), RESULTS.values(), strict=True):
            places, widths, _ = parts(ax)
            assert np.floor(places[:, 0]).tolist() == result.history.table[r].tolist()
            gaps = np.linalg.norm(places[:, None] - places, axis=-1)
            assert (gaps + np.eye(16) > widths[0]).all()
            assert np.array_equal(numbers(ax).get_offsets(), places)
            assert numbers(ax).get_visible()
            assert len(numbers(ax).get_paths()) == 16


def test_lines_join_those_who_meet(movie: Movie) -> None:
    solid_and_dashed = set()
    for r, share in ends(movie):
        movie.update((r, share))
        for ax, result in zip(rooms(movie), RESULTS.values(), strict=True):
            table = result.history.table
            places, _, lines = parts(ax)
            old = count_meetings(table[:r]) > 0
            now = np.triu(count_meetings(table[r : r + 1])) > 0
            for line, pairs in zip(lines, (now & ~old, now & old), strict=True):
                wanted = {tuple(places[[p, q]].ravel()) for p, q in np.argwhere(pairs)}
                drawn = {tuple(np.ravel(segment)) for segment in line.get_segments()}
                assert drawn == wanted
                solid_and_dashed.add((to_hex(line.get_color()[0]), len(drawn) > 0))
            assert lines[0].get_linestyle()[0][1] is None
            assert lines[1].get_linestyle()[0][1] is not None
    blue, red = NOW[NEW].lower(), NOW[AGAIN].lower()
    assert {(blue, True), (red, True)} <= solid_and_dashed


def test_people_walk_between_two_rounds_and_lose_their_lines(movie: Movie) -> None:
    walking = [(r, share) for r, share in movie.moments if share < 0.25 and 0 < r < 5]
    assert [r for r, _ in walking] == [1, 2, 3, 4]
    for r, share in walking:
        for ax in rooms(movie):
            movie.update((r, share))
            places, widths, lines = parts(ax)
            assert not numbers(ax).get_visible()
            assert not any(line.get_segments() for line in lines)
            movie.update((r - 1, 1.0))
            came, full, _ = parts(ax)
            movie.update((r, 1.0))
            go, _, _ = parts(ax)
            assert np.allclose(places, (came + go) / 2)  # half the way, half the time
            assert (widths < full).all()


def test_people_walk_from_seat_to_seat() -> None:
    movie = movie_meetings(round_robin(6), pictures=200)
    (ax,) = rooms(movie)
    way = []
    for moment in movie.moments[40:60]:  # from the end of round 1 to round 2
        movie.update(moment)
        way.append(parts(ax)[0].copy())
    steps = [np.linalg.norm(b - a, axis=1) for a, b in pairwise(way)]
    total = np.linalg.norm(way[-1] - way[0], axis=1)
    assert np.allclose(np.sum(steps, axis=0), total)  # straight, and never back
    assert max(step.max() for step in steps) < total.max() / 4


def test_players_keep_the_colour_of_their_first_table(movie: Movie) -> None:
    for ax, result in zip(rooms(movie), RESULTS.values(), strict=True):
        people = [c for c in ax.collections if isinstance(c, EllipseCollection)][-1]
        colours = [to_hex(c) for c in people.get_facecolor()]
        first = result.history.table[0].tolist()
        assert len(set(zip(colours, first, strict=True))) == 4 == len(set(colours))


def test_who_sits_out_is_on_the_bench() -> None:
    bench = Schedule([[0, 0, 1, 1, -1], [-1, 0, 0, 1, 1], [0, -1, 1, 0, 1]])
    movie = movie_meetings(bench, pictures=3)
    (ax,) = rooms(movie)
    assert [t.get_text() for t in ax.texts if not t.get_animated()] == ["sits out"]
    for r, out in enumerate((4, 0, 1)):
        movie.update((r, 1.0))
        below = parts(ax)[0][:, 1] < 0
        assert np.flatnonzero(below).tolist() == [out]
    assert ax.get_ylim()[0] < -0.4


def test_who_comes_late_is_nowhere_before() -> None:
    evening = Tournament(["Ann", "Bob", "Cid", "Dan"], 2, 2, rounds=2, rng=1)
    tables = evening.next_round()
    evening.record([table.players[0] for table in tables])
    evening.add_player("Eve")
    movie = movie_meetings(evening.play(), pictures=20)
    (room,), (matrix,) = rooms(movie), matrices(movie)
    for moment in movie.moments:
        movie.update(moment)
        nowhere = np.isnan(parts(room)[0]).all(axis=1)
        assert nowhere.tolist() == [False] * 4 + [moment[0] == 0]
    assert (cells(matrix) != 0).sum() // 2 <= 4
    assert len(movie.pictures) == 21  # drawn without a warning


def test_tables_can_be_left_out(movie: Movie) -> None:
    bare = movie_meetings(RESULTS, tables=False)
    assert len(bare.figure.axes) == 3 == len(matrices(bare))
    bare.update(bare.moments[-1])
    movie.update(movie.moments[-1])
    assert words(bare) == words(movie)
    assert bare.figure.get_figheight() < movie.figure.get_figheight()


def test_one_picture_a_round_is_the_end_of_the_round() -> None:
    movie = movie_meetings(round_robin(8), pictures=13)
    assert movie.moments == [*((r, 1.0) for r in range(7)), (7, 0.0)]


@pytest.mark.parametrize(("players", "tables", "seats"), [(30, 5, 6), (9, 1, 9)])
def test_other_numbers_of_players_fit(players: int, tables: int, seats: int) -> None:
    result = Tournament(players, tables, seats, rounds=2, rng=1).play()
    movie = movie_meetings(result, pictures=2)
    (room,), (matrix,) = rooms(movie), matrices(movie)
    movie.update((1, 1.0))
    places, widths, _ = parts(room)
    gaps = np.linalg.norm(places[:, None] - places, axis=-1) + np.eye(players)
    assert (gaps > widths[0]).all()
    (left, right), (low, high) = room.get_xlim(), room.get_ylim()
    assert ((places > [left, low]) & (places < [right, high])).all()
    assert len(numbers(room).get_paths()) == 0  # they could not be read
    assert len(matrix.get_yticks()) <= 24
    assert len(movie.pictures) == 3


def test_all_words_can_be_read(movie: Movie) -> None:
    written = [t for t in movie.figure.findobj(Text) if t.get_text().strip()]
    assert len(written) > 50
    assert min(t.get_fontsize() for t in written) >= 9


def test_it_is_small(movie: Movie) -> None:
    assert len(movie.moments) == 41
    assert len(movie.gif) <= 250_000
    assert movie.pictures[0].width == 990  # 660 pixels of a page


def test_the_legend_names_the_kinds(movie: Movie) -> None:
    (legend,) = movie.figure.legends
    assert [t.get_text() for t in legend.get_texts()] == list(KINDS)


@pytest.mark.parametrize("names", [[""], ["by lot", "again by lot"]])
def test_nothing_is_cut_off(names: list[str]) -> None:
    shown = movie_meetings(dict.fromkeys(names, RESULTS["random"]), pictures=5)
    picture = np.asarray(shown.pictures[-2])
    assert picture.min() == 0
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert (edge == 255).all()


def test_words_beside_large_numbers_have_room() -> None:
    rule, plan = RandomSeating(), (60, 15, 4)
    crowd = Tournament(*plan, rounds=12, seating=rule, rng=1).play()
    shown = movie_meetings({"one": crowd, "other": crowd}, pictures=12)
    shown.figure.draw_without_rendering()
    right = shown.figure.get_size_inches()[0] * shown.figure.dpi
    for moment, said in (
        ((11, 1.0), "round 12: 832 of 1770, 248 again"),
        ((12, 0.0), "832, bound 1080, 248 again"),
    ):
        shown.update(moment)
        assert words(shown) == [said, said]
        drawn = [t for t in shown.figure.findobj(Text) if t.get_text() == said]
        assert all(t.get_window_extent().x1 <= right for t in drawn)


def test_the_alternative_text_has_the_figures(movie: Movie) -> None:
    assert movie.alt == (
        "16 players change tables for 5 rounds, and a matrix of who has met whom fills "
        "up. In the end, random: 81 of at most 120 pairs have met, 39 meetings were "
        "repeated; greedy: 112 of at most 120 pairs have met, 8 meetings were "
        "repeated; horizon: 120 of at most 120 pairs have met, no meeting was repeated."
    )
    again = Schedule([[0, 0, 1], [0, 0, 1]])
    assert movie_meetings(again).alt == (
        "3 players change tables for 2 rounds, and a matrix of who has met whom fills "
        "up. In the end, 1 of at most 2 pairs have met, 1 meeting was repeated."
    )


def test_one_pair_is_one() -> None:
    movie = movie_meetings({r"$\frac$": Schedule([[0, 0]])}, pictures=2)
    assert movie.alt == (
        "2 players change tables for 1 round, and a matrix of who has met whom fills "
        r"up. In the end, $\frac$: 1 of at most 1 pair has met, no meeting was "
        "repeated."
    )
    said = []
    for moment in movie.moments[-2:]:
        movie.update(moment)
        said += words(movie)
    assert said == ["round 1: 1 of 1 pair", "1 pair, bound 1"]
    assert len(movie.pictures) == 3  # its name is no formula


def test_matplotlib_stays_as_it_was() -> None:
    before = dict(rcParams)
    movie_meetings(round_robin(4))
    assert dict(rcParams) == before
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("results", "options", "error", "message"),
    [
        ({}, {}, ValueError, "results must hold 1 to 4 seatings, got none"),
        (
            dict.fromkeys("abcde", round_robin(4)),
            {},
            ValueError,
            "results must hold 1 to 4 seatings, got 5",
        ),
        (
            {"a": 3},
            {},
            TypeError,
            "results['a'] must be a TournamentResult or a Schedule, got 3",
        ),
        (
            None,
            {},
            TypeError,
            "results must be a TournamentResult or a Schedule, got None",
        ),
        (
            round_robin(62),
            {"pictures": 70},
            ValueError,
            "results must have at least one round and at most 60 players, "
            "got 61 and 62",
        ),
        (
            {"a": round_robin(4), "b": round_robin(6)},
            {},
            ValueError,
            "results must have as many players and rounds, got [(4, 3), (6, 5)]",
        ),
        (round_robin(8), {"pictures": 6}, ValueError, "pictures must be >= 7, got 6"),
        (
            round_robin(8),
            {"seconds": -1},
            ValueError,
            "seconds must be > 0 and finite s, got -1",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(
    results: object, options: dict[str, object], error: type, message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        movie_meetings(results, **options)  # type: ignore[arg-type]  # that is the test
