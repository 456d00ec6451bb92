"""The movie of packing: at each moment it shows what has been packed by then."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.text import Text

from mds_sim.distributions import Exponential
from mds_sim.files import (
    Balanced,
    BestFit,
    BestFitDecreasing,
    BucketingStrategy,
    FileSource,
    FirstFit,
    FirstFitDecreasing,
    NextFit,
    Optimal,
    Packing,
    WorstFit,
    pack,
)
from mds_sim.plots import OKABE_ITO, Movie, movie_packing
from mds_sim.units import MB

# A night in which no two files are of one size, so that a size tells the file.
NIGHT = FileSource(100).sample(rng=2024)[0]
STRATEGIES: dict[str, BucketingStrategy] = {
    "NextFit": NextFit(),
    "BestFit": BestFit(),
    "WorstFit": WorstFit(),
    "FirstFitDecreasing": FirstFitDecreasing(),
}
PACKINGS = {name: pack(NIGHT, strategy=one) for name, one in STRATEGIES.items()}


@pytest.fixture(scope="module")
def movie() -> Movie:
    return movie_packing(PACKINGS)


def panels(movie: Movie) -> list[Axes]:
    """Return the panels, without empty places."""
    return [ax for ax in movie.figure.axes if ax.collections]


def boxes(ax: Axes) -> list[tuple[int, int, int]]:
    """Return column, bottom [bytes] and top of each file drawn; placed, then new."""
    found = []
    for part in ax.collections:
        for path in part.get_paths():
            (left, bottom), (right, top) = (path.vertices[i].tolist() for i in (0, 2))
            assert right - left == pytest.approx(0.8)
            column = round((left + right) / 2)
            found.append((column, round(bottom * 10 * MB), round(top * 10 * MB)))
    return found


def new(ax: Axes) -> list[int]:
    """Return the sizes of the files that are drawn as new."""
    placed = len(ax.collections[0].get_paths())
    return [top - bottom for _, bottom, top in boxes(ax)[placed:]]


def words(ax: Axes) -> str:
    """Return what is written over a panel and changes."""
    (text,) = (t for t in ax.texts if t.get_animated() and not t.get_rotation())
    return text.get_text()


def shown(movie: Movie) -> int:
    """Return how many files have come, as the movie says."""
    found = re.fullmatch(r"(\d+) of 100 files", movie.figure.get_suptitle())
    assert found
    return int(found[1])


def test_sizes_tell_the_files() -> None:
    assert len(set(NIGHT.tolist())) == 100


def test_at_each_moment_as_many_files_and_buckets_are_drawn_as_it_says(
    movie: Movie,
) -> None:
    counts = []
    for moment in movie.moments:
        movie.update(moment)
        counts.append(shown(movie))
        for ax in panels(movie):
            drawn = boxes(ax)
            assert len(drawn) == shown(movie)
            buckets = len({column for column, _, _ in drawn})
            assert words(ax).startswith(f"{buckets} bucket")
    assert counts == [*range(2, 101, 2), 100]


def test_in_the_end_each_file_is_in_its_bucket(movie: Movie) -> None:
    movie.update(movie.moments[-1])
    for ax, packing in zip(panels(movie), PACKINGS.values(), strict=True):
        drawn = boxes(ax)
        assert sorted(top - bottom for _, bottom, top in drawn) == sorted(NIGHT)
        column = {top - bottom: column for column, bottom, top in drawn}
        together = [{column[size] for size in NIGHT[g].tolist()}
                    for g in packing.groups()]  # fmt: skip
        assert all(len(columns) == 1 for columns in together)
        columns = [columns.pop() for columns in together]
        assert sorted(columns) == list(range(1, packing.n_buckets + 1))
        loads = [max(top for c, _, top in drawn if c == place) for place in columns]
        assert loads == packing.load.tolist()


def test_a_stack_has_no_gaps_at_any_moment(movie: Movie) -> None:
    for moment in movie.moments[::7]:
        movie.update(moment)
        for ax in panels(movie):
            ends: dict[int, int] = {}
            for column, bottom, top in sorted(boxes(ax)):
                assert bottom == ends.get(column, 0)
                ends[column] = top


def test_each_file_is_new_once_in_the_order_of_the_strategy(movie: Movie) -> None:
    came: list[list[int]] = [[] for _ in PACKINGS]
    for moment in movie.moments:
        movie.update(moment)
        for ax, files in zip(panels(movie), came, strict=True):
            files += new(ax)
    arrived, sorted_files = NIGHT.tolist(), sorted(NIGHT.tolist(), reverse=True)
    assert came == [arrived, arrived, arrived, sorted_files]


def test_buckets_stand_in_the_order_in_which_they_are_begun(movie: Movie) -> None:
    for ax in panels(movie):
        most = 0
        for moment in movie.moments[::3]:
            movie.update(moment)
            columns = {column for column, _, _ in boxes(ax)}
            assert columns == set(range(1, len(columns) + 1))
            assert len(columns) >= most
            most = len(columns)


def test_the_end_says_buckets_and_bound(movie: Movie) -> None:
    movie.update(movie.moments[-2])
    assert [words(ax) for ax in panels(movie)] == [
        "10 buckets", "9 buckets", "9 buckets", "9 buckets"
    ]  # fmt: skip
    assert all(new(ax) for ax in panels(movie))
    movie.update(movie.moments[-1])
    assert [words(ax) for ax in panels(movie)] == [
        f"{packing.n_buckets} buckets, bound 9" for packing in PACKINGS.values()
    ]
    assert not any(new(ax) for ax in panels(movie))
    orders = ["in order of arrival"] * 3 + ["largest first"]
    assert [ax.get_title("right") for ax in panels(movie)] == orders
    assert [ax.get_title("left") for ax in panels(movie)] == list(PACKINGS)


def test_capacity_and_bound_are_grey_dashes(movie: Movie) -> None:
    for ax in panels(movie):
        capacity, bound = ax.lines
        for line in (capacity, bound):
            assert (line.get_color(), line.get_linestyle()) == ("grey", "--")
        assert list(capacity.get_ydata()) == [1.0, 1.0]
        assert list(bound.get_xdata()) == [9.5, 9.5]
        assert [t.get_text() for t in ax.texts if not t.get_animated()] == [
            "lower bound 9"
        ]
    for ax in panels(movie)[::2]:  # those on the left
        assert [t.get_text() for t in ax.get_yticklabels()] == ["0", "10 MB"]


def test_strategies_have_their_colours_and_new_files_an_edge(movie: Movie) -> None:
    fills = [to_hex(ax.collections[1].get_facecolor()[0]) for ax in panels(movie)]
    assert fills == [OKABE_ITO[i].lower() for i in (1, 3, 4, 0)]
    for ax in panels(movie):
        placed, fresh = ax.collections
        assert to_hex(fresh.get_edgecolor()[0]) == "#000000"
        assert to_hex(placed.get_edgecolor()[0]) == "#ffffff"
        lighter = placed.get_facecolor()[0][:3] > fresh.get_facecolor()[0][:3]
        assert lighter.any()


def test_all_words_can_be_read(movie: Movie) -> None:
    written = [t for t in movie.figure.findobj(Text) if t.get_text().strip()]
    assert len(written) > 20
    assert min(t.get_fontsize() for t in written) >= 9


def test_it_is_small(movie: Movie) -> None:
    assert len(movie.moments) == 51
    assert len(movie.gif) <= 250_000
    assert movie.pictures[0].size == (1080, 648)  # 720 pixels of a page wide


def test_the_alternative_text_has_the_figures(movie: Movie) -> None:
    assert movie.alt == (
        "100 files are packed into buckets of 10 MB, one by one. NextFit, in order of "
        "arrival: 10 buckets; BestFit, in order of arrival: 9 buckets; WorstFit, in "
        "order of arrival: 9 buckets; FirstFitDecreasing, largest first: 9 buckets. "
        "Any packing needs at least 9."
    )
    one = movie_packing(pack([5], capacity=10), pictures=1)
    assert one.alt == (
        "1 file is packed into buckets of 10 B, one by one. In order of arrival: "
        "1 bucket. Any packing needs at least 1."
    )


def test_few_files_are_seen_to_fall() -> None:
    packing = pack([6, 5, 4], capacity=10)
    movie = movie_packing(packing, pictures=12)
    (ax,) = panels(movie)
    heights: list[list[float]] = [[], [], []]
    for moment in movie.moments[:-1]:
        movie.update(moment)
        landed = int(moment[0])
        assert movie.figure.get_suptitle() == f"{landed} of 3 files"
        placed, fresh = (part.get_paths() for part in ax.collections)
        i = len(placed)
        assert len(fresh) == 1
        assert i in (landed, landed - 1)
        heights[i].append(float(fresh[0].vertices[0, 1]))
    for path, bottom in zip(heights, [0.0, 0.0, 0.6], strict=True):
        assert len(path) == 4
        assert path[-1] == pytest.approx(bottom)
        steps = [high - low for high, low in pairwise(path)]
        assert all(step > 0 for step in steps)
        assert steps == sorted(steps)  # ever faster
        assert path[0] < ax.get_ylim()[1]


def test_many_files_come_several_at_a_time() -> None:
    sizes = FileSource(1000, sizes=Exponential(0.4 * MB)).sample(rng=1)[0]
    movie = movie_packing(pack(sizes), pictures=20)
    drawn = []
    for moment in movie.moments:
        movie.update(moment)
        drawn.append(
            sum(len(part.get_paths()) for part in panels(movie)[0].collections)
        )
    assert drawn == [*range(50, 1001, 50), 1000]


def test_a_much_too_tall_file_is_cut_and_its_size_written_when_it_comes() -> None:
    movie = movie_packing(pack([6, 25, 5, 4, 11], capacity=10), pictures=5)
    (ax,) = panels(movie)
    assert ax.get_ylim() == (0.0, 1.5)
    written = []
    for moment in movie.moments:
        texts = [t for t in movie.update(moment) if isinstance(t, Text)]
        written.append([t.get_text() for t in texts if t.get_rotation() == 90])
    assert written == [[], *[["25 B "]] * 4, ["25 B "]]


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        (NextFit(), "in order of arrival"),
        (FirstFit(), "in order of arrival"),
        (BestFit(), "in order of arrival"),
        (WorstFit(), "in order of arrival"),
        (FirstFitDecreasing(), "largest first"),
        (BestFitDecreasing(), "largest first"),
        (Balanced(10), "largest first"),
        (Optimal(), "largest first"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_packing_shows_its_order_even_without_a_name(
    strategy: BucketingStrategy, order: str
) -> None:
    sizes = FileSource(60).sample(rng=1)[0]
    packing = pack(sizes, strategy=strategy)
    named = {"mine": packing, type(strategy).__name__: packing}
    for ax in panels(movie_packing(named, pictures=1)):
        assert ax.get_title("right") == order


def test_the_name_decides_where_the_packing_could_be_either() -> None:
    packing = pack([6, 5, 4], capacity=10)
    names = ("mine", "FirstFit", "FirstFitDecreasing", "Optimal")
    movie = movie_packing(dict.fromkeys(names, packing), pictures=1)
    assert [ax.get_title("right") for ax in panels(movie)] == [
        "in order of arrival", "in order of arrival", "largest first", "largest first"
    ]  # fmt: skip


def test_oversize_files_say_nothing_about_the_order() -> None:
    movie = movie_packing(pack([6, 25, 5, 4], capacity=10, strategy=NextFit()))
    assert panels(movie)[0].get_title("right") == "in order of arrival"


@pytest.mark.parametrize(
    ("size", "order"), [(6, "largest first"), (7, "in order of arrival")]
)
def test_a_bucket_begun_with_what_would_have_fitted_was_not_packed_on_arrival(
    size: int, order: str
) -> None:
    packing = Packing(np.array([4, size]), 10, np.array([0, 1]))
    assert panels(movie_packing(packing))[0].get_title("right") == order


def test_an_order_can_be_told() -> None:
    sizes = [3, 9, 5, 1]
    packing = pack(sizes, capacity=10)
    both = {"one": packing, "two": packing}

    def came(movie: Movie) -> list[list[int]]:
        files: list[list[int]] = [[], []]
        for moment in movie.moments:
            movie.update(moment)
            for ax, found in zip(panels(movie), files, strict=True):
                paths = ax.collections[1].get_paths()
                found += [round(10 * np.ptp(p.vertices[:, 1])) for p in paths]
        return files

    assert came(movie_packing(both, order="arrival", pictures=4)) == [sizes, sizes]
    orders = {"one": "largest", "two": "arrival"}
    assert came(movie_packing(both, order=orders, pictures=4)) == [[9, 5, 3, 1], sizes]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_panels_share_their_scale_and_name_their_axes(count: int) -> None:
    movie = movie_packing(dict(list(PACKINGS.items())[:count]), pictures=2)
    used = panels(movie)
    assert len(used) == count
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in used}) == 1
    named = [ax.get_xlabel() for ax in used]
    assert Counter(named)["buckets, as they are begun"] == min(count, 2)
    assert named[-1] == "buckets, as they are begun"


def test_matplotlib_stays_as_it_was() -> None:
    before = dict(rcParams)
    movie_packing(pack([6, 5, 4], capacity=10))
    assert dict(rcParams) == before
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("packings", "options", "error", "message"),
    [
        ({}, {}, ValueError, "packings must hold 1 to 4 packings, got none"),
        (
            dict.fromkeys("abcde", pack([1])),
            {},
            ValueError,
            "packings must hold 1 to 4 packings, got 5",
        ),
        (
            {"a": [1, 2]},
            {},
            TypeError,
            "packings['a'] must be a Packing, as pack() makes it, got [1, 2]",
        ),
        (
            [1, 2],
            {},
            TypeError,
            "packings must be a Packing, as pack() makes it, got [1, 2]",
        ),
        (pack([]), {}, ValueError, "packings must hold files, got none"),
        (
            {"a": pack([10] * 61, 10)},
            {},
            ValueError,
            "packings['a'] must have at most 60 buckets to tell them apart, got 61; "
            "show fewer files",
        ),
        (
            {"a": pack([1, 2]), "b": pack([2, 1])},
            {},
            ValueError,
            "packings must be of the same files and capacity, but 'b' differs from 'a'",
        ),
        (
            {"a": pack([1, 2]), "b": pack([1, 2], 5)},
            {},
            ValueError,
            "packings must be of the same files and capacity, but 'b' differs from 'a'",
        ),
        (
            pack([1]),
            {"order": "random"},
            ValueError,
            "order must be 'arrival' or 'largest', got 'random'",
        ),
        (
            {"a": pack([1]), "b": pack([1])},
            {"order": {"c": "largest"}},
            ValueError,
            "order must name one of 'a', 'b', got 'c'",
        ),
        (pack([1]), {"pictures": 0}, ValueError, "pictures must be >= 1, got 0"),
        (
            pack([1]),
            {"pictures": 2.5},
            TypeError,
            "pictures must be a whole number, got 2.5",
        ),
        (
            pack([1]),
            {"seconds": 0},
            ValueError,
            "seconds must be > 0 and finite s, got 0",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(
    packings: Packing, options: dict[str, object], error: type, message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        movie_packing(packings, **options)  # type: ignore[arg-type]  # that is the test


def test_names_of_any_length_and_kind_fit_above_a_panel() -> None:
    packing = pack([6, 5, 4], capacity=10)
    movie = movie_packing({"x" * 300: packing, 2: packing}, pictures=2)
    assert len(movie.pictures) == 3  # and one more at the end
    assert "; 2, in order of arrival: 2 buckets" in movie.alt


def test_an_order_is_a_word() -> None:
    message = r"^order must be a word, or a word for each name, got 3$"
    with pytest.raises(TypeError, match=message):
        movie_packing(pack([6, 5, 4], capacity=10), order=3)
