"""Where each message and each batch is at a moment: the stream as a place.

Nothing is drawn here. From left to right there are four places: the open window (a
tray into which messages fall), the queue, the workers (a row each), and a pile of what
is done. A message is in one of them at any moment, and on a short way between two of
them after it has changed: the way is for the eye, stages change at the record's times.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mds_sim.core.steps import count_between
from mds_sim.records import RunRecord

from .style import time_axis

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_BATCHES = 8  # are shown, unless more are asked for
LEAD = 0.12  # of the time from one batch to the next: how long a message falls
HOP = 0.12  # of it: how long a batch is on its way from one place to the next
LARGEST_STEP = 16 / 120  # inches from one dot to the next
LARGEST_ROW = 0.4  # inches from one worker to the next
# Dots are this far apart or a multiple of it [inches]: in a movie, a pixel. Then they
# all look the same, and a file of pictures is a third smaller.
PIXEL = 1 / 120


class Stage(IntEnum):
    """Where a message is, in the order in which it goes through them."""

    UNSEEN = 0  # it comes later
    FALLING = 1  # it comes soon
    WINDOW = 2  # in the open window
    WAITING = 3  # its batch waits for a worker
    WORK = 4
    DONE = 5
    FAILED = 6  # done as well, but badly


class Box(NamedTuple):
    """A rectangle [inches]."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.bottom + self.height

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width


@dataclass(frozen=True)
class Places:
    """Where things are in a picture of a size.

    Parameters
    ----------
    width, height : float
        Size of the picture [inches].

    Examples
    --------
    >>> places = Places(9.0, 4.0)
    >>> places.tray.right < places.queue.left < places.pool.left < places.pile.left
    True
    """

    width: float
    height: float

    def _box(self, left: float, right: float, bottom: float = 0.15) -> Box:
        """Return a box below the heads, in ninths of the width."""
        scale = self.width / 9.0
        top = self.height - 0.65
        return Box(left * scale, bottom, (right - left) * scale, top - bottom)

    @cached_property
    def tray(self) -> Box:
        """The open window; above it, messages fall."""
        whole = self._box(0.2, 2.2, bottom=0.8)
        return whole._replace(height=0.5 * whole.height)

    @cached_property
    def queue(self) -> Box:
        """Batches that wait, the first on top."""
        return self._box(2.62, 4.42)

    @cached_property
    def pool(self) -> Box:
        """The workers, a row each."""
        return self._box(5.08, 6.88)

    @cached_property
    def pile(self) -> Box:
        """What is done."""
        return self._box(7.45, 8.85)


class Grid(NamedTuple):
    """Dots in rows or columns: how many, and how far apart [inches]."""

    lanes: int
    step: float


@dataclass(frozen=True, eq=False)
class Scene:
    """A record, ready to be looked at.

    Parameters
    ----------
    record : RunRecord
        Of a stream: its windows follow each other.
    until : float or None
        There is room for what comes before it [s]; by default, for the first eight
        batches until they are finished.
    places : Places

    Raises
    ------
    ValueError
        If the record is of buckets, or of windows that do not follow each other, or
        nothing comes before `until`.

    Examples
    --------
    >>> from mds_sim.distributions import Constant
    >>> from mds_sim.stream import StreamPipeline, TraceArrivals
    >>> stream = StreamPipeline(TraceArrivals([0, 60, 900]), service=Constant(100.0))
    >>> scene = Scene(stream.simulate(), None, Places(9.0, 4.0))
    >>> [[Stage(i).name for i in scene.stage(time)] for time in (60.0, 300.0, 900.0)]
    [['WINDOW', 'WINDOW', 'UNSEEN'], ['WORK', 'WORK', 'UNSEEN'],
     ['DONE', 'DONE', 'WINDOW']]
    """

    record: RunRecord
    until: float | None
    places: Places

    def __post_init__(self) -> None:
        if not len(self.record.items):
            raise ValueError(
                "record must hold a message, got none; let the pipeline run for longer"
            )
        self._check_windows()
        first = float(self.record.jobs.open.min())
        if self.until is not None and self.until <= first:
            raise ValueError(
                f"until must be > {first!r} s, when the first message comes, "
                f"got {self.until!r}"
            )

    def _check_windows(self) -> None:
        """Refuse buckets, which fill side by side."""
        if self.record.capacity is not None:
            raise ValueError(
                "record must be of a stream, got one of buckets; movie_gantt shows "
                "any record"
            )
        items, jobs = self.record.items, self.record.jobs
        late = items.arrival > self._all_closed[items.job]
        if late.any() or (np.diff(jobs.open) < 0).any():
            raise ValueError(
                "record must have windows that follow each other, but some overlap; "
                "movie_gantt shows any record"
            )

    @cached_property
    def _all_closed(self) -> Floats:
        """When each window ended: a thread may have handed its batch over later."""
        jobs = self.record.jobs
        closed: Floats = np.minimum(jobs.ready, np.append(jobs.open[1:], np.inf))
        return closed

    @cached_property
    def end(self) -> float:
        """When the picture ends [s]."""
        if self.until is not None:
            return self.until
        finish = float(self.record.jobs.finish[:FIRST_BATCHES].max())
        return finish + self.hop

    @cached_property
    def begin(self) -> float:
        """When the first message begins to fall, or 0 [s]."""
        return max(float(self.record.jobs.open[0]) - self.lead, 0.0)

    @cached_property
    def start_of_clock(self) -> float:
        """From when the clock counts: 0, or the first message if that is far away."""
        return time_axis(float(self.record.jobs.open[0]), self.end).start

    @cached_property
    def pace(self) -> float:
        """From one batch to the next on average [s]."""
        jobs = self.record.jobs
        if len(jobs) > 1:
            pace = float(np.ptp(jobs.open)) / (len(jobs) - 1)
        else:
            pace = float(self._all_closed[0] - jobs.open[0])
        return pace or 1.0

    @property
    def lead(self) -> float:
        """How long a message falls before it arrives [s]."""
        return LEAD * self.pace

    @property
    def hop(self) -> float:
        """How long a batch is on its way from one place to the next [s]."""
        return HOP * self.pace

    # What is shown: the batches that open before the end, one column each.

    @cached_property
    def n_jobs(self) -> int:
        """How many batches come before the end, or are about to come."""
        return int(np.searchsorted(self.record.jobs.open, self.end + self.lead))

    @cached_property
    def closed(self) -> Floats:
        """When each window ended [s]."""
        return self._all_closed[: self.n_jobs]

    @cached_property
    def start(self) -> Floats:
        """When each batch left the queue: to a worker, or as it was cancelled [s]."""
        return self.record.jobs.start[: self.n_jobs]

    @cached_property
    def finish(self) -> Floats:
        """When each batch was done [s]."""
        return self.record.jobs.finish[: self.n_jobs]

    @cached_property
    def worker(self) -> Ints:
        """Who did each batch; -1 for one that was cancelled."""
        return self.record.jobs.worker[: self.n_jobs]

    @cached_property
    def _rows(self) -> Ints:
        """Which messages are shown: batch by batch, in order of arrival."""
        items = self.record.items
        rows = np.flatnonzero(items.job < self.n_jobs)
        return rows[np.lexsort((items.arrival[rows], items.job[rows]))]

    @cached_property
    def job(self) -> Ints:
        """Batch of each message."""
        return self.record.items.job[self._rows]

    @cached_property
    def n_items(self) -> Ints:
        """How many messages each batch holds."""
        return np.bincount(self.job, minlength=self.n_jobs)

    @cached_property
    def falls(self) -> Floats:
        """When each message reaches its window; a late one was stamped before [s]."""
        opened = self.record.jobs.open[self.job]
        return np.maximum(self.record.items.arrival[self._rows], opened)

    @cached_property
    def failed(self) -> NDArray[np.bool_]:
        """Which messages fail."""
        return self.record.failed[self._rows]

    @cached_property
    def _rank(self) -> Ints:
        """Number of each message in its batch."""
        first = np.cumsum(self.n_items) - self.n_items
        return np.arange(self.job.size) - first[self.job]

    def stage(self, time: float) -> Ints:
        """Return the stage of each message that is shown."""
        job = self.job
        passed = [
            time >= self.falls - self.lead,
            time >= self.falls,
            time >= self.closed[job],
            time >= self.start[job],  # and done at once, if it was cancelled
            time >= self.finish[job],
            (time >= self.finish[job]) & self.failed,
        ]
        # The last stage that was reached: a window without length is passed at once.
        reached = [np.where(yes, i + 1, 0) for i, yes in enumerate(passed)]
        stage: Ints = np.max(reached, axis=0)
        return stage

    # Where it is.

    @cached_property
    def most(self) -> int:
        """Messages in the largest batch."""
        return int(self.n_items.max())

    @cached_property
    def tray_grid(self) -> Grid:
        """Dots side by side in the tray."""
        tray = self.places.tray
        step = _step(self.most, tray, LARGEST_STEP + 4 * PIXEL)
        return Grid(int(tray.width / step), step)

    @cached_property
    def work_grid(self) -> Grid:
        """Dots above each other in a block at work."""
        return self._block_grid(self.row)

    @cached_property
    def queue_grid(self) -> Grid:
        """Dots above each other in a block that waits."""
        return self._block_grid(self.queue_row)

    def _block_grid(self, row: float) -> Grid:
        """Return dots in the largest block that has room in a row."""
        room, width = 0.76 * row, self.places.pool.width
        lanes = int(np.ceil(np.sqrt(self.most * room / width)))
        columns = -(-self.most // lanes)
        step = min(room / lanes, width / columns, LARGEST_STEP)
        return Grid(lanes, _whole(step))

    @cached_property
    def pile_grid(self) -> Grid:
        """Dots side by side in the pile."""
        pile = self.places.pile
        step = _step(self.job.size, pile, self.work_grid.step)
        return Grid(int(pile.width / step), step)

    @cached_property
    def row(self) -> float:
        """Height of a worker's row [inches]."""
        return min(self.places.pool.height / self.record.workers, LARGEST_ROW)

    @cached_property
    def longest_queue(self) -> int:
        """The most batches that ever wait at one moment."""
        return int(count_between(self.closed, self.start).value.max(initial=0))

    @cached_property
    def queue_row(self) -> float:
        """Height of a row in the queue: all that ever wait have room [inches]."""
        return min(self.row, self.places.queue.height / max(self.longest_queue, 1))

    def waits(self, time: float) -> Ints:
        """Return the batches that wait, the first in the queue first."""
        return np.flatnonzero((self.closed <= time) & (time < self.start))

    def works(self, time: float) -> Ints:
        """Return the batches at work."""
        return np.flatnonzero((self.start <= time) & (time < self.finish))

    def progress(self, time: float) -> Floats:
        """Return how much of the work on each batch is done: 0 to 1."""
        length = self.finish - self.start
        share = (time - self.start) / np.where(length > 0, length, 1.0)
        return np.clip(share, 0.0, 1.0)

    def window(self, time: float) -> int | None:
        """Return the batch whose window is open, if one is."""
        opened = self.record.jobs.open[: self.n_jobs]
        found = np.flatnonzero((opened <= time) & (time < self.closed))
        return int(found[-1]) if found.size else None

    def _queue_y(self, time: float) -> Floats:
        """Return the height of each batch in the queue; the first is on top."""
        place = np.zeros(self.n_jobs)
        waits = self.waits(time)
        place[waits] = np.arange(waits.size)
        return self.places.queue.top - (place + 0.5) * self.queue_row

    def worker_y(self) -> Floats:
        """Return the height of the row of each batch's worker."""
        return self.places.pool.top - (np.maximum(self.worker, 0) + 0.5) * self.row

    def _way(self, moved: Floats, time: float) -> Floats:
        """Return how far each batch has come since it moved: 0 to 1."""
        return np.clip((time - moved) / self.hop, 0.0, 1.0)

    def _ways(self, time: float) -> list[tuple[Floats, Grid, Floats]]:
        """Return where each block goes, and how far it has come: queue, then worker.

        Where: left, bottom, width and height, shape (n_batches, 4), and the grid in it.
        """

        def at(box: Box, grid: Grid, y: Floats) -> Floats:
            width = -(-self.n_items // grid.lanes) * grid.step
            height = np.full(self.n_jobs, grid.lanes * grid.step)
            left = np.full(self.n_jobs, box.left)
            return np.column_stack([left, y - height / 2, width, height])

        waits = np.where(self.start > self.closed, self._way(self.closed, time), 0.0)
        taken = np.where(self.worker >= 0, self._way(self.start, time), 0.0)
        queue = at(self.places.queue, self.queue_grid, self._queue_y(time))
        pool = at(self.places.pool, self.work_grid, self.worker_y())
        return [(queue, self.queue_grid, waits), (pool, self.work_grid, taken)]

    def blocks(self, time: float) -> Floats:
        """Return left, bottom, width and height of each block, shape (n_batches, 4).

        On its way from the tray it shrinks: the window becomes the batch.
        """
        box = np.tile(np.array(self.places.tray), (self.n_jobs, 1))
        for place, _, share in self._ways(time):
            box = _mix(box, place, share)
        return box

    def dots(self, time: float) -> Floats:
        """Return x and y of each message, shape (n_messages, 2)."""
        tray, job = self.places.tray, self.job
        xy = _rows_of(
            _scattered(self._rank, self.tray_grid.lanes), self.tray_grid, tray
        )
        # It passes the rim of the tray when it arrives, and falls on to the ground,
        # faster and faster.
        left = (self.falls - time) / self.lead
        height = tray.top + tray.height * np.where(left > 0, left, 2.5 * left)
        xy[:, 1] = np.maximum(xy[:, 1], np.minimum(height, tray.top + tray.height))
        for place, (lanes, step), share in self._ways(time):
            column, lane = np.divmod(self._rank, lanes)
            inside = np.column_stack([column + 0.5, lanes - lane - 0.5]) * step
            xy = _mix(xy, place[job, :2] + inside, share[job])
        done = _rows_of(self._piled, self.pile_grid, self.places.pile)
        xy = _mix(xy, done, self._way(self.finish, time)[job])
        whole: Floats = np.floor(xy / PIXEL + 0.5 + 1e-6) * PIXEL
        return whole

    @cached_property
    def _piled(self) -> Ints:
        """Number of each message in the pile: what is finished first lies below."""
        order = np.lexsort((self._rank, self.job, self.finish[self.job]))
        piled = np.empty(order.size, np.int64)
        piled[order] = np.arange(order.size)
        return piled


def _step(n: int, box: Box, most: float) -> float:
    """Return how far apart n dots are that have room in a box."""
    step = most
    while int(box.width / step) * int(box.height / step) < n:
        step = _whole(step - PIXEL) if step > 2 * PIXEL else 0.99 * step
    return step


def _whole(step: float) -> float:
    """Return a step in whole pixels, if it is larger than one."""
    return int(step / PIXEL + 1e-9) * PIXEL if step > PIXEL else step


def _scattered(rank: Ints, columns: int) -> Ints:
    """Return numbers whose places in a row of columns are not side by side."""
    stride = next(
        k for k in range(round(0.4 * columns), 2 * columns + 2) if gcd(k, columns) == 1
    )
    row, column = np.divmod(rank, columns)
    scattered: Ints = row * columns + column * stride % columns
    return scattered


def _rows_of(number: Ints, grid: Grid, box: Box) -> Floats:
    """Return x and y of numbered dots that fill a box row by row from the ground."""
    row, column = np.divmod(number, grid.lanes)
    left = box.left + (box.width - grid.lanes * grid.step) / 2
    x, y = left + (column + 0.5) * grid.step, box.bottom + (row + 0.5) * grid.step
    return np.column_stack([x, y])


def _mix(before: Floats, after: Floats, share: Floats) -> Floats:
    """Return what lies between two places: a share of the way."""
    return before + (after - before) * share[:, None]
