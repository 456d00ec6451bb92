"""A moment of the stream as artists: what stays, what moves, and what counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mds_sim.units import counted, format_seconds

from .stream_scene import Box, Scene, Stage
from .style import COLOURS, FILLS, OKABE_ITO, QUIET

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import EllipseCollection
    from matplotlib.text import Text

DONE = OKABE_ITO[2]
SLOT = "#f2f2f2"  # a place where nothing is
PALE = "#fbe8bf"  # work that is not done yet
HEAD, TEXT = 12, 10  # points
LEAST_ROW = 0.17  # inches that a number needs
HEADS = (0.22, 0.47)  # inches from the upper edge: names, and what is below them
TIMES = (0.56, 0.22)  # inches from the lower edge: the window's, and the clock


def clock_face(time: float, span: float) -> str:
    """Write a moment as a clock does; short spans have tenths of a second.

    Examples
    --------
    >>> clock_face(3725.0, span=7200.0), clock_face(3.14, span=9.0)
    ('1:02:05', '3.1 s')
    """
    if span < 100.0:
        return f"{time:.1f} s"
    minutes, seconds = divmod(round(time), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


class Picture:
    """A scene as artists on axes.

    Parameters
    ----------
    ax : Axes
    scene : Scene
    animated : bool
        Whether a movie draws what moves, rather than the axes.
    """

    def __init__(self, ax: Axes, scene: Scene, animated: bool) -> None:
        self.ax, self.scene = ax, scene
        self.span = scene.end - scene.begin
        ax.set_axis_off()
        ax.set_xlim(0.0, scene.places.width)
        ax.set_ylim(0.0, scene.places.height)
        ax.set_aspect("equal")
        self._draw_names()
        self._draw_slots()
        self._make_window()
        self._make_blocks()
        self._make_dots()
        self._make_words()
        self.artists: list[Any] = [
            self.tray, self.timer_ground, self.timer, self.waits, self.works,
            self.progress, *self.dots.values(), self.failed, *self.below, self.clock,
            self.length, self.hint, *self.sizes,
        ]  # fmt: skip
        for i, artist in enumerate(self.artists):
            artist.set_zorder(1.0 + i / 100)
            artist.set_animated(animated)

    # What stays as it is.

    def _draw_names(self) -> None:
        """Draw the names of the places, and arrows from one to the next."""
        places, workers = self.scene.places, self.scene.record.workers
        y = places.height - HEADS[0]
        names = {
            "Messages arrive": places.tray,
            "Batches wait": places.queue,
            counted(workers, "worker"): places.pool,
            "Done": places.pile,
        }
        arrow = {"arrowstyle": "-|>", "color": QUIET, "lw": 1.2}
        for name, box in names.items():
            self._write(box.left, y, name, fontsize=HEAD, weight="bold", color="black")
            if box is not places.tray:
                tip, tail = (box.left - 0.1, y), (box.left - 0.5, y)
                self.ax.annotate("", tip, tail, arrowprops=arrow)

    def _draw_slots(self) -> None:
        """Draw the rows of the workers and of the queue, and the ground of the pile."""
        from matplotlib.collections import PolyCollection

        scene, places = self.scene, self.scene.places
        workers = scene.record.workers
        slots = _slots(places.pool, scene.row, workers)
        queue = _slots(places.queue, scene.queue_row, max(scene.longest_queue, 1))
        shapes = _corners(np.array([*slots, *queue, places.pile]))
        self.ax.add_collection(
            PolyCollection(shapes, facecolor=SLOT, edgecolor="none", zorder=0)
        )
        step = int(np.ceil(LEAST_ROW / scene.row))
        for number in range(0, workers, step):
            slot = slots[number]
            middle = slot.bottom + slot.height / 2
            self._write(slot.left - 0.08, middle, str(number), ha="right")

    def _write(self, x: float, y: float, words: str = "", **look: Any) -> Text:
        """Write words; most are grey and of one size."""
        look = {"fontsize": TEXT, "va": "center", "color": QUIET, **look}
        return self.ax.text(x, y, words, **look)

    # What moves.

    def _make_window(self) -> None:
        """Make the tray and the clock of its window."""
        from matplotlib.patches import Rectangle, Wedge

        tray, blue = self.scene.places.tray, FILLS["windows"]
        self.tray = Rectangle((tray.left, tray.bottom), tray.width, tray.height, lw=1.5)
        centre = (tray.left + 0.15, TIMES[0])
        self.timer_ground = Wedge(centre, 0.14, 0, 360, color=SLOT)
        self.timer = Wedge(centre, 0.14, 0, 360, color=blue)
        for patch in (self.tray, self.timer_ground, self.timer):
            self.ax.add_patch(patch)

    def _make_blocks(self) -> None:
        """Make the batches that wait, those at work, and how far these are."""
        from matplotlib.collections import PolyCollection

        edge, work = COLOURS["waiting"], FILLS["work"]
        self.waits = PolyCollection([], facecolor="white", edgecolor=edge, lw=1.2)
        self.works = PolyCollection([], facecolor=PALE, edgecolor=work, lw=1.2)
        self.progress = PolyCollection([], facecolor=work, edgecolor="none")
        for shape in (self.waits, self.works, self.progress):
            self.ax.add_collection(shape, autolim=False)

    def _make_dots(self) -> None:
        """Make the messages: dots, and crosses for those that failed."""
        scene, blue = self.scene, FILLS["messages"]
        self.dots = {
            Stage.WINDOW: self._dots(0.6 * scene.tray_grid.step, blue),
            Stage.WAITING: self._dots(0.78 * scene.queue_grid.step, blue),
            Stage.WORK: self._dots(0.78 * scene.work_grid.step, blue),
            Stage.DONE: self._dots(0.78 * scene.pile_grid.step, DONE),
        }
        (self.failed,) = self.ax.plot([], [], "x", color=FILLS["bad"], mew=1.5)
        self.failed.set_markersize(72 * 0.7 * scene.pile_grid.step)

    def _dots(self, size: float, colour: str) -> EllipseCollection:
        """Make dots of a size [inches]."""
        from matplotlib.collections import EllipseCollection

        dots = EllipseCollection(
            [size], [size], [0.0], units="xy", offsets=np.empty((0, 2)),
            offset_transform=self.ax.transData, facecolor=colour, edgecolor="none",
        )  # fmt: skip
        self.ax.add_collection(dots, autolim=False)
        return dots

    def _make_words(self) -> None:
        """Make the words that change: below each name, and beside what they count."""
        places, tray = self.scene.places, self.scene.places.tray
        self.below = [
            self._write(box.left, places.height - HEADS[1])
            for box in (places.tray, places.queue, places.pool, places.pile)
        ]
        self.clock = self._write(
            tray.left, TIMES[1], fontsize=HEAD, weight="bold", color="black"
        )
        self.length = self._write(tray.left + 0.38, TIMES[0])
        x, y = tray.left + tray.width / 2, tray.bottom + tray.height / 2
        self.hint = self._write(x, y, ha="center", linespacing=1.4)
        self.sizes = [
            self._write(0.0, 0.0, str(n), color="black") for n in self.scene.n_items
        ]

    def update(self, time: float) -> list[Artist]:
        """Show a moment; return all that moves, in the order in which it lies."""
        stage, dots = self.scene.stage(time), self.scene.dots(time)
        for one, artist in self.dots.items():
            # What falls looks like what has fallen.
            falls = (stage == Stage.FALLING) & (one == Stage.WINDOW)
            artist.set_offsets(dots[(stage == one) | falls])
        self.failed.set_data(*dots[stage == Stage.FAILED].T)
        self._update_words(time, np.bincount(stage, minlength=len(Stage)).tolist())
        self._update_window(time)
        self._update_blocks(time)
        return [artist for artist in self.artists if artist.get_visible()]

    def _update_words(self, time: float, messages: list[int]) -> None:
        """Count, so that all that has come adds up."""
        waits, works = self.scene.waits(time).size, self.scene.works(time).size
        done, failed = messages[Stage.DONE], messages[Stage.FAILED]
        words = [
            f"{messages[Stage.WINDOW]} in the open window",
            counted(waits, "batch", "batches") if waits else "none",
            f"{works} at work",
            f"{done} and {failed} failed" if failed else counted(done, "message"),
        ]
        for text, word in zip(self.below, words, strict=True):
            text.set_text(word)
        start = self.scene.start_of_clock
        told = clock_face(max(time - start, 0.0), self.span)
        self.clock.set_text(f"{told} since the start" if start else f"Time {told}")

    def _update_window(self, time: float) -> None:
        """Show the open window and how long it will be open, or that none is."""
        scene, batch = self.scene, self.scene.window(time)
        for artist in (self.timer, self.timer_ground, self.length):
            artist.set_visible(batch is not None)
        self.hint.set_visible(batch is None)
        if batch is None:
            self.tray.set(fc="none", ec="silver", alpha=1.0, linestyle="--")
            more = bool((scene.falls > time).any())
            self.hint.set_text("the next message\nopens a window" if more else "")
            return
        blue = FILLS["windows"]
        self.tray.set(fc=blue, ec=blue, alpha=0.35, linestyle="-")
        closed = float(scene.closed[batch])
        length = closed - float(scene.record.jobs.open[batch])
        self.timer.set_theta1(90.0)
        self.timer.set_theta2(90.0 + 360.0 * (closed - time) / length)
        self.length.set_text(f"window of {format_seconds(length)}")

    def _update_blocks(self, time: float) -> None:
        """Show the batches that wait, and those at work with how far they are."""
        scene = self.scene
        waits, works, boxes = scene.waits(time), scene.works(time), scene.blocks(time)
        self.waits.set_verts(_corners(boxes[waits]))
        self.works.set_verts(_corners(boxes[works]))
        filled = boxes[works].copy()
        filled[:, 2] *= scene.progress(time)[works]
        self.progress.set_verts(_corners(filled))
        for text in self.sizes:
            text.set_visible(False)
        named = [*(waits if scene.queue_row >= LEAST_ROW else [])]
        named += [*(works if scene.row >= LEAST_ROW else [])]
        for job in named:
            left, bottom, width, height = boxes[job]
            self.sizes[job].set_position((left + width + 0.06, bottom + height / 2))
            self.sizes[job].set_visible(True)


def _slots(box: Box, row: float, n: int) -> list[Box]:
    """Return rows of a height in a box, from the top, with gaps between them."""
    gap = 0.12 * row
    tops = box.top - np.arange(n) * row
    return [Box(box.left, top - row + gap, box.width, row - 2 * gap) for top in tops]


def _corners(boxes: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the corners of boxes (left, bottom, width, height), shape (4, 2) each."""
    left, bottom, width, height = np.reshape(boxes, (-1, 4)).T
    right, top = left + width, bottom + height
    x = np.stack([left, right, right, left], axis=-1)
    y = np.stack([bottom, bottom, top, top], axis=-1)
    return list(np.stack([x, y], axis=-1))
