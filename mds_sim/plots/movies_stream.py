"""The stream and the pool in motion: what moves, and one moment of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim.core.insights import PoolInsights
from mds_sim.core.steps import count_between
from mds_sim.records import RunRecord
from mds_sim.units import counted, format_seconds

from .movie import Movie
from .pool import _bars, plot_gantt, span_of
from .saving import figure_of
from .stream_picture import Picture
from .stream_scene import Places, Scene
from .style import STYLE, time_axis

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 9.0, 4.0  # inches
GANTT_HEIGHT = 3.6
# Of the time between two batches: a shorter wait cannot be seen, and where a clock
# runs a hundred times faster, threads that wake up late make some.
DELAY = 0.05
# Time has this share of the pictures; the others go to where things happen.
CALM = 0.5


def movie_stream(
    record: RunRecord,
    *,
    until: float | None = None,
    pictures: int = 50,
    seconds: float = 10.0,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Movie:
    """Show messages falling into windows, and batches travelling through workers.

    Parameters
    ----------
    record : RunRecord
        Of a stream, run or simulated.
    until : float, optional
        When the movie ends [s]; by default, once the first eight batches are done.
    pictures : int, optional
        How many, >= 2.
    seconds : float, optional
        How long it takes.
    width, height : float, optional
        Size [inches].

    Returns
    -------
    Movie
        In each picture all messages that have come are to be seen, one dot each: in
        the open window, in a batch that waits or is worked on, or among what is done.
        The clock of a run with times since 1970 counts from its start, and says so.

    Raises
    ------
    ValueError
        If the record has no message, is one of buckets, or its windows overlap.

    Notes
    -----
    Everything is where the record says at that moment, but for the way from one place
    to the next: a batch takes none, and is shown on its way for an eighth of the time
    from one batch to the next. Where little happens, time passes faster.

    With the default options and ten messages a minute for forty minutes, the GIF has
    about 240 kB.

    The cost is O(messages × pictures).

    Examples
    --------
    >>> from mds_sim.distributions import Constant
    >>> from mds_sim.stream import StreamPipeline
    >>> stream = StreamPipeline(service=Constant(900.0))
    >>> movie_stream(stream.simulate(until=2400, rng=1), pictures=3)
    <Movie of 3 pictures: 8 mini-batches of 40 to 62 messages travel through 10
    workers: at most 3 at work at once, none waits.>
    """
    pictures = _validate.count("pictures", pictures, least=2)
    seconds = _validate.positive("seconds", seconds, "s")
    scene = _scene(record, until, width, height)
    figure = _figure(width, height)
    picture = Picture(figure.add_axes((0, 0, 1, 1)), scene, animated=True)
    return Movie(
        figure, picture.update, _moments(scene, pictures), _alt(scene), seconds
    )


def plot_stream_at(
    record: RunRecord,
    time: float,
    *,
    until: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Show where each message and each batch is at a moment.

    Parameters
    ----------
    record : RunRecord
        Of a stream, run or simulated.
    time : float
        The moment, as in the record [s].
    until : float, optional
        There is room for all that comes before it [s]; as in `movie_stream` by
        default, or `time`, if that is later. With the same one, the same message is
        at the same place in all figures.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        From left to right: the open window, batches that wait, workers, what is done.

    Raises
    ------
    ValueError
        As in `movie_stream`.

    Examples
    --------
    >>> from mds_sim.distributions import Constant
    >>> from mds_sim.stream import StreamPipeline
    >>> stream = StreamPipeline(service=Constant(900.0))
    >>> ax = plot_stream_at(stream.simulate(until=2400, rng=1), 1000.0)
    >>> "Time 0:16:40" in [text.get_text() for text in ax.texts]
    True
    """
    time = _validate.non_negative("time", time, "s")
    scene = _scene(record, until, WIDTH, HEIGHT)
    if until is None and time > scene.end:
        scene = _scene(record, time, WIDTH, HEIGHT)
    if ax is None:
        from matplotlib import pyplot as plt

        figure = plt.figure(figsize=(WIDTH, HEIGHT))
        figure.set_layout_engine("none")
        ax = figure.add_axes((0, 0, 1, 1))
    Picture(ax, scene, animated=False).update(time)
    return ax


def movie_gantt(
    record: RunRecord | PoolInsights | Mapping[str, RunRecord | PoolInsights],
    *,
    pictures: int = 80,
    seconds: float = 8.0,
    width: float = WIDTH,
    height: float = GANTT_HEIGHT,
) -> Movie:
    """Show a Gantt chart that draws itself as time passes.

    Parameters
    ----------
    record : RunRecord, PoolInsights, or mapping of str to either
        As in `plot_gantt`.
    pictures : int, optional
        How many, >= 2.
    seconds : float, optional
        How long it takes.
    width, height : float, optional
        Size [inches].

    Returns
    -------
    Movie
        A line is the present, the title counts the workers that are busy; the last
        picture is `plot_gantt`. Where little happens, time passes faster.
        As there, a run with times since 1970 counts from its start.

    Raises
    ------
    ValueError
        If there is no job in it.

    Examples
    --------
    >>> from mds_sim.files import NightlyPipeline
    >>> from mds_sim.distributions import Constant
    >>> night = NightlyPipeline([6, 4, 7], capacity=10, service=Constant(60.0))
    >>> movie_gantt(night.simulate(), pictures=3)
    <Movie of 3 pictures: A Gantt chart draws itself: 2 jobs on 10 workers, at most 2
    at once, the last one ends after 1 min.>
    """
    pictures = _validate.count("pictures", pictures, least=2)
    seconds = _validate.positive("seconds", seconds, "s")
    width = _validate.positive("width", width, "inches")
    height = _validate.positive("height", height, "inches")
    records = dict(record) if isinstance(record, Mapping) else {"": record}
    for one in records.values():
        if not isinstance(one, PoolInsights):
            _validate.instance("record", one, RunRecord, "a RunRecord or PoolInsights")
    if not sum(_bars(one).start.size for one in records.values()):
        raise ValueError("record must hold a job, got none")
    figure = figure_of(partial(plot_gantt, record))
    figure.set_size_inches(width, height)
    chart = _Chart(figure.axes[0], records)
    return Movie(figure, chart.update, chart.moments(pictures), chart.alt, seconds)


def _scene(
    record: RunRecord, until: float | None, width: float, height: float
) -> Scene:
    """Return the scene of a picture, once all arguments are what they must be."""
    record = _validate.instance("record", record, RunRecord, "a RunRecord")
    until = None if until is None else _validate.positive("until", until, "s")
    width = _validate.positive("width", width, "inches")
    height = _validate.positive("height", height, "inches")
    return Scene(record, until, Places(width, height))


def _figure(width: float, height: float) -> Figure:
    """Return an empty figure as sharp as those of the house."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=STYLE["figure.dpi"])
    figure.set_layout_engine("none")
    return figure


def _moments(scene: Scene, pictures: int) -> list[float]:
    """Return moments from begin to end, more of them where things happen."""
    begin, end = scene.begin, scene.end
    events = np.concatenate([scene.falls, scene.closed, scene.start, scene.finish])
    moments = np.array(_spread(events, begin, end, pictures))
    ways = scene.closed + scene.hop / 2
    ways = ways[(ways > begin) & (ways < end)]
    if ways.size <= pictures / 4:  # each batch is seen on its way
        for way in ways:
            moments[1:-1][np.argmin(np.abs(moments[1:-1] - way))] = way
    return [float(moment) for moment in np.sort(moments)]


def _spread(
    events: NDArray[np.float64], begin: float, end: float, pictures: int
) -> list[float]:
    """Divide a time span so that events are far apart, but no part is passed over."""
    inside = np.sort(events[(events > begin) & (events < end)])
    times = np.concatenate([[begin], inside, [end]])
    share = np.arange(times.size) / (times.size - 1)
    passed = (times - begin) / (end - begin or 1.0)
    progress = CALM * passed + (1 - CALM) * share
    moments = np.interp(np.linspace(0.0, 1.0, pictures), progress, times)
    return [float(moment) for moment in moments]


def _alt(scene: Scene) -> str:
    """Say in words what the movie shows."""
    n, waiting = scene.n_items, (scene.start - scene.closed)[scene.worker >= 0]
    sizes = f"{n.min()} to {n.max()}" if n.min() < n.max() else f"{n.max()}"
    busy = count_between(scene.start, scene.finish).value.max(initial=0)
    # A thread that wakes up late has not made anybody wait.
    waited = waiting[waiting > DELAY * scene.pace]
    wait = "none waits"
    if waited.size:
        verb = "waits" if waited.size == 1 else "wait"
        wait = f"{waited.size} {verb}, up to {format_seconds(float(waited.max()))}"
    failed = f", {counted(int(scene.failed.sum()), 'message fails', 'messages fail')}"
    return (
        f"{counted(n.size, 'mini-batch', 'mini-batches')} of {sizes} "
        f"{'message' if n.max() == 1 else 'messages'} "
        f"{'travels' if n.size == 1 else 'travel'} through "
        f"{counted(scene.record.workers, 'worker', 'workers')}: at most {busy} "
        f"at work at once, {wait}{failed if scene.failed.any() else ''}."
    )


class _Chart:
    """A Gantt chart of which only what has happened is to be seen."""

    def __init__(
        self, ax: Axes, records: Mapping[str, RunRecord | PoolInsights]
    ) -> None:
        self.ax, self.records = ax, records
        self.bars = [_bars(one) for one in records.values()]
        self.start = np.concatenate([bars.start for bars in self.bars])
        self.finish = np.concatenate([bars.finish for bars in self.bars])
        self.busy = count_between(self.start, self.finish)
        self.workers = max(bars.workers for bars in self.bars)
        self.begin, self.end = span_of(self.bars)
        self.times = time_axis(self.begin, self.end)
        self.verdict = ax.get_title("left")
        self._cover()

    def _cover(self) -> None:
        """Make a curtain before all that is still to come, and the line of the present.

        To draw all bars anew for each picture would take ten times as long.
        """
        from matplotlib.patches import Rectangle

        ax = self.ax
        self.left, self.right = ax.get_xlim()
        bottom, top = ax.get_ylim()
        self.curtain = Rectangle((0.0, bottom), 0.0, top - bottom, color="white", lw=0)
        ax.add_patch(self.curtain)
        self.now = ax.axvline(self.left, color="black", linewidth=1.2)
        ax.set_xlim(self.left, self.right)
        self.heading = ax.set_title(self.verdict, loc="left")
        legend = ax.get_legend()
        # What the curtain must not hide is drawn once more, before it.
        above = [*ax.spines.values(), self.now, *([legend] if legend else [])]
        self.artists = [self.curtain, *above, self.heading]
        for artist in self.artists:
            artist.set_animated(True)

    def moments(self, pictures: int) -> list[float]:
        """Return moments up to the end, more of them where things happen."""
        left = max(self.left, 0.0) * self.times.scale + self.times.start
        begin = min(left, self.begin)
        events = np.concatenate([self.start, self.finish])
        return _spread(events, begin, self.end, pictures)

    def update(self, time: float) -> list[Artist]:
        """Show what has happened up to a moment; at the end, all of it."""
        is_over = time >= self.end
        now = self.times.place(time)
        self.curtain.set_x(now)
        self.curtain.set_width(self.right - now)
        self.curtain.set_visible(not is_over)
        self.now.set_xdata([now, now])
        self.now.set_visible(not is_over)
        busy = int(self.busy.at([time])[0])
        words = f"{busy} of {counted(self.workers, 'worker', spec='')} at work"
        self.heading.set_text(self.verdict if is_over else words)
        return [artist for artist in self.artists if artist.get_visible()]

    @property
    def alt(self) -> str:
        """What the movie shows, in words."""
        parts = [
            f"{counted(bars.start.size, *_noun(one))}{f' ({name})' if name else ''}"
            for (name, one), bars in zip(self.records.items(), self.bars, strict=True)
        ]
        most = int(self.busy.value.max(initial=0))
        failed = sum(int(bars.failed.sum()) for bars in self.bars)
        start = self.times.start
        passed = format_seconds(self.end - start)
        after = f"{passed} after the start" if start else f"after {passed}"
        return (
            f"A Gantt chart draws itself: {' and '.join(parts)} on "
            f"{counted(self.workers, 'worker', 'workers')}, at most {most} at once, "
            f"the last one ends {after}"
            f"{f'; {failed} failed' if failed else ''}."
        )


def _noun(record: RunRecord | PoolInsights) -> tuple[str, str]:
    """Return what a bar is, in singular and plural."""
    return ("job", "jobs") if isinstance(record, RunRecord) else ("attempt", "attempts")
