"""Movies of the stream and the pool: each picture is what the record says then."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from mds_sim.analysis import busy_workers
from mds_sim.core import PoolInsights, TaskRecord, VirtualClock, WorkerInfo
from mds_sim.distributions import Constant
from mds_sim.files import FileSource, NightlyPipeline
from mds_sim.plots import Movie, movie_gantt, movie_stream, plot_gantt, plot_stream_at
from mds_sim.plots.saving import figure_of
from mds_sim.plots.stream_picture import Picture
from mds_sim.plots.stream_scene import Stage
from mds_sim.records import RunRecord
from mds_sim.sim import LinearService
from mds_sim.stream import MiniBatch, StreamPipeline, TraceArrivals

MOST_BYTES = 250_000  # of a movie with the default options
STREAM = StreamPipeline(service=LinearService(per_job=60, per_item=15))
RECORD = STREAM.simulate(until=2400, rng=1)
NIGHT = NightlyPipeline(
    FileSource(count=100),
    capacity=1_000_000,
    service=LinearService(per_job=20, per_byte=5e-5),
).simulate(rng=1)
EMPTY = StreamPipeline(service=Constant(1.0), workers=2).simulate(n=0)
# Worker 0 fails after 60 s, worker 1 is under way at the end.
INSIGHTS = PoolInsights(
    (
        TaskRecord(0, "a", 0.0, 0.0, 60.0, 0, OSError("full")),
        TaskRecord(1, "b", 0.0, 10.0, 80.0, 1, None),
    ),
    (WorkerInfo(0, "worker-0", 0.0, 0.0), WorkerInfo(1, "worker-1", 0.0, 0.0)),
    until=90.0,
)


EPOCH = 1.7e9  # a morning of 2023, in seconds since 1970


def since_1970(record: RunRecord) -> RunRecord:
    """Return what a clock that counts from 1970 would have recorded."""
    items, jobs = record.items, record.jobs
    times = ("open", "ready", "start", "finish")
    return replace(
        record,
        items=replace(items, arrival=items.arrival + EPOCH),
        jobs=replace(jobs, **{name: getattr(jobs, name) + EPOCH for name in times}),
    )


@pytest.fixture(autouse=True)
def _no_figure_is_left() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def movie() -> Movie:
    return movie_stream(RECORD)


def picture_of(movie: Movie) -> Picture:
    """Return what draws a movie of the stream."""
    picture = movie.update.__self__  # type: ignore[attr-defined]
    assert isinstance(picture, Picture)
    return picture


def words(ax: Axes) -> list[str]:
    """Return what can be read."""
    return [text.get_text() for text in ax.texts if text.get_visible()]


def dots(ax: Axes) -> int:
    """Count all messages that are drawn, dots and crosses."""
    round_ones = [c for c in ax.collections if isinstance(c, EllipseCollection)]
    crosses = sum(len(np.asarray(line.get_xdata())) for line in ax.lines)
    return sum(len(c.get_offsets()) for c in round_ones) + crosses


def pixels(figure: Figure, sharpness: float = 1.5) -> np.ndarray:
    """Return a figure as a movie would draw it, if nothing in it moved."""
    figure.set_dpi(figure.dpi * sharpness)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def bad(batch: MiniBatch) -> None:
    """Fail at the second batch."""
    if batch.index == 1:
        raise OSError("disk full")


class TestStream:
    @pytest.mark.parametrize("time", [0.0, 100.0, 299.0, 310.0, 1500.0, 2390.0, 5000.0])
    def test_all_that_has_come_is_drawn_once_and_counted(self, time: float) -> None:
        ax = plot_stream_at(RECORD, time)
        jobs, arrival = RECORD.jobs, RECORD.items.arrival
        of_window = (jobs.open <= time) & (time < jobs.ready)
        in_window = (of_window[RECORD.items.job] & (arrival <= time)).sum()
        done = jobs.n_items[jobs.finish <= time].sum()
        works = (jobs.start <= time) & (time < jobs.finish)
        read = words(ax)
        assert f"{in_window} in the open window" in read
        assert f"{works.sum()} at work" in read
        assert f"{done} messages" in read
        lead = 0.12 * np.diff(jobs.open).mean()  # the next ones fall
        assert dots(ax) == (arrival <= time + lead).sum()
        assert all(str(n) in read for n in jobs.n_items[works])

    @pytest.mark.parametrize("time", [100.0, 310.0, 1500.0])
    def test_what_falls_looks_like_what_has_fallen(
        self, movie: Movie, time: float
    ) -> None:
        picture = picture_of(movie)
        picture.update(time)
        stage = picture.scene.stage(time)
        for one, artist in picture.dots.items():
            shown = np.isin(stage, [one, Stage.FALLING] if one == Stage.WINDOW else one)
            assert len(artist.get_offsets()) == shown.sum()
        assert (stage == Stage.FALLING).any()

    def test_the_window_says_how_long_it_is_and_what_is_left(
        self, movie: Movie
    ) -> None:
        picture = picture_of(movie)
        opened = float(RECORD.jobs.open[2])
        picture.update(opened + 75.0)
        turn = picture.timer.theta2 - picture.timer.theta1
        assert turn == pytest.approx(0.75 * 360)
        assert "window of 5 min" in words(picture.ax)

    def test_between_two_windows_none_is_open(self) -> None:
        stream = StreamPipeline(TraceArrivals([0, 900]), service=Constant(60.0))
        record = stream.simulate()
        hint = "the next message\nopens a window"
        assert hint in words(plot_stream_at(record, 400.0))
        assert hint not in words(plot_stream_at(record, 100.0))
        over = plot_stream_at(record, 1210.0)
        assert hint not in words(over)  # there is no next one
        assert not any("window of" in word for word in words(over))

    def test_batches_that_wait_are_counted(self) -> None:
        stream = StreamPipeline(
            TraceArrivals([0, 300, 600]), service=Constant(5000.0), workers=1
        )
        record = stream.simulate()
        assert "none" in words(plot_stream_at(record, 599.0))
        assert "1 batch" in words(plot_stream_at(record, 601.0))
        assert "2 batches" in words(plot_stream_at(record, 901.0))

    def test_what_failed_is_a_cross(self) -> None:
        record = STREAM.run(
            bad, until=1500, rng=1, clock=VirtualClock(), progress=False
        )
        ax = plot_stream_at(record, 1e5)
        (crosses,) = ax.lines
        failed = int(record.jobs.n_items[1])
        assert len(np.asarray(crosses.get_xdata())) == failed
        assert crosses.get_marker() == "x"
        assert f"{len(record.items) - failed} and {failed} failed" in words(ax)
        assert dots(ax) == len(record.items)
        assert movie_stream(record).alt.endswith(f", {failed} messages fail.")

    def test_a_picture_is_the_figure_of_its_moment(self) -> None:
        few = movie_stream(RECORD, pictures=6)
        for moment, picture in zip(few.moments, few.pictures, strict=True):
            figure = plot_stream_at(RECORD, moment).figure
            assert isinstance(figure, Figure)
            figure.set_dpi(80)
            assert np.array_equal(pixels(figure), np.asarray(picture))

    def test_run_and_simulated_it_is_the_same_movie(self) -> None:
        run = STREAM.run(until=2400, rng=1, clock=VirtualClock(), progress=False)
        mine, theirs = (movie_stream(each, pictures=4) for each in (RECORD, run))
        assert mine.moments == theirs.moments
        assert mine.alt == theirs.alt

    def test_the_words_say_what_there_is_to_see(self) -> None:
        jobs = RECORD.jobs
        assert movie_stream(RECORD).alt == (
            f"8 mini-batches of {jobs.n_items.min()} to {jobs.n_items.max()} messages "
            f"travel through 10 workers: at most {busy_workers(RECORD).value.max()} at "
            "work at once, none waits."
        )
        one = StreamPipeline(TraceArrivals([0, 1]), service=Constant(9.0), workers=1)
        assert movie_stream(one.simulate()).alt == (
            "1 mini-batch of 2 messages travels through 1 worker: at most 1 at work at "
            "once, none waits."
        )
        slow = StreamPipeline(
            TraceArrivals([0, 300, 600]), service=Constant(600.0), workers=1
        )
        assert movie_stream(slow.simulate()).alt == (
            "3 mini-batches of 1 message travel through 1 worker: at most 1 at work "
            "at once, 2 wait, up to 10 min."
        )

    def test_a_delay_of_threads_is_no_waiting(self) -> None:
        jobs = RECORD.jobs.to_dict()
        jobs["start"] = [ready + 4.0 for ready in jobs["ready"]]
        late = replace(RECORD, jobs=type(RECORD.jobs)(**jobs))
        assert movie_stream(late).alt == movie_stream(RECORD).alt
        jobs["start"][2] += 20.0
        later = replace(RECORD, jobs=type(RECORD.jobs)(**jobs))
        assert movie_stream(later).alt.endswith("at once, 1 waits, up to 24 s.")

    def test_moments_ascend_and_every_batch_is_seen_on_its_way(
        self, movie: Movie
    ) -> None:
        moments, scene = np.array(movie.moments), picture_of(movie).scene
        assert moments.size == 50
        assert (np.diff(moments) > 0).all()
        assert (moments[0], moments[-1]) == (scene.begin, scene.end)
        for closed in RECORD.jobs.ready:
            assert ((moments > closed) & (moments < closed + scene.hop)).any()

    def test_where_little_happens_there_are_fewer_pictures(self) -> None:
        stream = StreamPipeline(
            TraceArrivals([*range(0, 300, 5), 3000]), service=Constant(10.0)
        )
        moments = np.array(movie_stream(stream.simulate(), pictures=40).moments)
        first, last = (moments <= 310).sum(), (moments > 310).sum()
        assert first >= 20  # a tenth of the time
        assert last > 10  # but time does not jump

    def test_the_end_can_be_chosen(self) -> None:
        movie = movie_stream(RECORD, until=1000.0, pictures=5, seconds=3.0)
        assert (movie.moments[-1], movie.seconds, len(movie.moments)) == (
            1000.0,
            3.0,
            5,
        )
        # With the same end a message lies where it lay, in all figures.
        offsets = [
            np.asarray(c.get_offsets())
            for c in plot_stream_at(RECORD, 500.0, until=1000.0).collections
            if isinstance(c, EllipseCollection)
        ]
        picture = picture_of(movie)
        picture.update(500.0)
        for drawn, artist in zip(offsets, picture.dots.values(), strict=True):
            assert np.array_equal(drawn, np.asarray(artist.get_offsets()))

    def test_the_file_is_small(self, movie: Movie) -> None:
        assert movie.pictures[0].size == (1080, 480)
        assert len(movie.gif) <= MOST_BYTES

    @pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.0])
    @pytest.mark.parametrize("workers", [2, 10])
    def test_all_words_can_be_read(self, workers: int, share: float) -> None:
        record = replace(STREAM, workers=workers).simulate(until=2400, rng=1)
        movie = movie_stream(record)
        renderer = FigureCanvasAgg(movie.figure).get_renderer()
        picture_of(movie).update(share * movie.moments[-1])
        texts: list[Text] = [
            text for text in movie.figure.axes[0].texts if text.get_text()
        ]
        boxes = [t.get_window_extent(renderer) for t in texts if t.get_visible()]
        assert min(text.get_fontsize() for text in texts) >= 9
        width, height = movie.figure.bbox.size
        for box in boxes:
            assert 0 <= box.x0 <= box.x1 <= width
            assert 0 <= box.y0 <= box.y1 <= height
        assert not [1 for a, b in combinations(boxes, 2) if a.overlaps(b)]

    def test_it_is_drawn_where_it_is_told(self) -> None:
        settings = dict(plt.rcParams)
        figure, (left, right) = plt.subplots(1, 2)
        assert plot_stream_at(RECORD, 100.0, ax=left) is left
        assert plt.get_fignums() == [figure.number]  # type: ignore[attr-defined]
        assert dict(plt.rcParams) == settings
        assert not right.texts
        figure.canvas.draw()


class TestGantt:
    def test_the_last_picture_is_the_chart(self) -> None:
        records = {"stream": RECORD, "files": NIGHT}
        for record in (NIGHT, records, INSIGHTS):
            movie = movie_gantt(record, pictures=3)
            chart = figure_of(lambda ax, record=record: plot_gantt(record, ax=ax))
            assert np.array_equal(pixels(chart), np.asarray(movie.pictures[-1]))

    def test_nothing_is_to_be_seen_of_what_is_still_to_come(self) -> None:
        movie = movie_gantt(NIGHT, pictures=5)
        (ax,) = movie.figure.axes
        chart, whole = (np.asarray(movie.pictures[i], dtype=int) for i in (2, -1))
        now = movie.moments[2] / 60.0
        x = int(ax.transData.transform((now, 0))[0] * 1.5)
        top, bottom = (int(y * 1.5) for y in 288 - ax.bbox.extents[[3, 1]])
        right = int(ax.bbox.x1 * 1.5)
        inside = slice(top + 3, bottom - 3)
        begun = int(ax.bbox.x0 * 1.5) + 3
        assert (chart[inside, x + 3 : right - 3] == 255).all()
        assert np.array_equal(
            chart[inside, begun : x - 3], whole[inside, begun : x - 3]
        )
        assert (whole[inside, x + 3 : right - 3] != 255).any()

    def test_the_title_counts_who_is_busy(self) -> None:
        movie = movie_gantt(NIGHT)
        (ax,) = movie.figure.axes
        for moment in movie.moments[:-1:7]:
            movie.update(moment)
            busy = busy_workers(NIGHT).at([moment])[0]
            assert ax.get_title("left") == f"{busy} of 10 workers at work"
        movie.update(movie.moments[-1])
        assert ax.get_title("left") == "At most 10 of 10 workers at work"

    def test_the_words_say_what_there_is_to_see(self) -> None:
        assert movie_gantt({"stream": RECORD, "files": NIGHT}).alt == (
            "A Gantt chart draws itself: 8 jobs (stream) and 66 jobs (files) on 10 "
            "workers, at most 11 at once, the last one ends after 51.6 min."
        )
        assert movie_gantt(INSIGHTS).alt == (
            "A Gantt chart draws itself: 2 attempts on 2 workers, at most 2 at once, "
            "the last one ends after 1.33 min; 1 failed."
        )

    def test_times_since_1970_count_from_the_start(self) -> None:
        """The chart is that of the same night at 0, but for the label of its axis."""
        late, soon = movie_gantt(since_1970(NIGHT)), movie_gantt(NIGHT)
        assert late.figure.axes[0].get_xlabel() == "time since the start [min]"
        assert soon.figure.axes[0].get_xlabel() == "time [min]"
        assert late.figure.axes[0].get_xlim() == pytest.approx(
            soon.figure.axes[0].get_xlim(), abs=1e-6
        )
        assert np.subtract(late.moments, EPOCH) == pytest.approx(soon.moments, abs=1e-5)
        assert "the last one ends after 11.9 min." in soon.alt
        said = "the last one ends 11.9 min after the start."
        assert late.alt == soon.alt.replace("the last one ends after 11.9 min.", said)
        middle = late.moments[40]
        late.update(middle)
        busy = busy_workers(since_1970(NIGHT)).at([middle])[0]
        title = late.figure.axes[0].get_title("left")
        assert title == f"{busy} of 10 workers at work"

    def test_a_single_worker(self) -> None:
        night = NightlyPipeline([6], capacity=10, service=Constant(60.0), workers=1)
        movie = movie_gantt(night.simulate(), pictures=3)
        movie.update(movie.moments[1])
        assert movie.figure.axes[0].get_title("left") == "1 of 1 worker at work"
        assert movie.alt == (
            "A Gantt chart draws itself: 1 job on 1 worker, at most 1 at once, the "
            "last one ends after 1 min."
        )

    def test_the_file_is_small(self) -> None:
        movie = movie_gantt(NIGHT)
        assert (len(movie.pictures), movie.pictures[0].size) == (80, (1080, 432))
        assert len(movie.gif) <= MOST_BYTES

    def test_size_and_length_can_be_chosen(self) -> None:
        movie = movie_gantt(NIGHT, pictures=2, seconds=1.0, width=4.0, height=2.0)
        assert movie.pictures[0].size == (480, 240)
        assert (len(movie.moments), movie.seconds) == (2, 1.0)

    def test_a_chart_of_no_time_is_one_as_well(self) -> None:
        night = NightlyPipeline([6, 4], capacity=10, service=Constant(0.0))
        assert len(movie_gantt(night.simulate(), pictures=2).pictures) == 2


@pytest.mark.parametrize("make", [movie_stream, movie_gantt])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"pictures": 1}, ValueError, "pictures must be >= 2, got 1"),
        ({"seconds": 0}, ValueError, "seconds must be > 0 and finite s, got 0"),
        ({"width": -1}, ValueError, "width must be > 0 and finite inches, got -1"),
        ({"height": 0}, ValueError, "height must be > 0 and finite inches, got 0"),
    ],
)
def test_arguments_are_checked(make, change, error, message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        make(RECORD, **change)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: movie_gantt(EMPTY), ValueError, "record must hold a job, got none"),
        (lambda: movie_gantt({}), ValueError, "record must hold a job, got none"),
        (
            lambda: movie_gantt({"a": 3}),  # type: ignore[dict-item]
            TypeError,
            "record must be a RunRecord or PoolInsights, got 3",
        ),
        (
            lambda: movie_stream(3),  # type: ignore[arg-type]
            TypeError,
            "record must be a RunRecord, got 3",
        ),
        (
            lambda: movie_stream(RECORD, until=-1.0),
            ValueError,
            "until must be > 0 and finite s, got -1.0",
        ),
        (
            lambda: plot_stream_at(RECORD, -1.0),
            ValueError,
            "time must be >= 0 and finite s, got -1.0",
        ),
        (
            lambda: plot_stream_at(EMPTY, 0.0),
            ValueError,
            "record must hold a message, got none; let the pipeline run for longer",
        ),
    ],
)
def test_what_cannot_be_a_movie_is_refused(call, error, message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()


def test_a_record_of_a_day_is_shown_up_to_its_eighth_batch() -> None:
    day: RunRecord = STREAM.simulate(until=86_400, rng=1)
    movie = movie_stream(day, pictures=2)
    assert movie.moments[-1] == pytest.approx(3600.0, abs=900.0)
    # A later moment can be looked at: then there is room for all before it.
    ax = plot_stream_at(day, 20_000.0)
    assert dots(ax) == pytest.approx((day.items.arrival < 20_000).sum(), abs=20)


def test_a_single_message_is_one_in_words() -> None:
    one = StreamPipeline(TraceArrivals([0]), service=Constant(1.0)).simulate()
    assert movie_stream(one, pictures=2).alt == (
        "1 mini-batch of 1 message travels through 10 workers: at most 1 at work at "
        "once, none waits."
    )


def test_the_clock_of_a_stream_with_times_since_1970_counts_from_its_start() -> None:
    """All is where it is in the same stream at 0; only the clock says another time."""
    first = float(RECORD.jobs.open[0])
    soon = plot_stream_at(RECORD, first + 1000.0)
    late = plot_stream_at(since_1970(RECORD), EPOCH + first + 1000.0)
    told = {ax: [text.get_text() for text in ax.texts] for ax in (soon, late)}
    assert "0:16:40 since the start" in told[late]
    assert [word for word in told[late] if word not in told[soon]] == [
        "0:16:40 since the start"
    ]
    movie = movie_stream(since_1970(RECORD), pictures=3)
    assert movie.alt == movie_stream(RECORD, pictures=3).alt
    movie.update(movie.moments[0])  # before the first message falls
    words = [text.get_text() for text in movie.figure.axes[0].texts]
    assert "0:00:00 since the start" in words
