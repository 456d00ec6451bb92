"""Where messages are: in one place at any moment, the one that the record says."""

from collections import Counter
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim.distributions import Constant
from mds_sim.files import NightlyPipeline
from mds_sim.plots.stream_scene import Box, Places, Scene, Stage
from mds_sim.records import Failure, Items, Jobs, RunRecord
from mds_sim.stream import (
    CountWindow,
    FirstMessageWindow,
    SessionWindow,
    StreamPipeline,
    TraceArrivals,
    TumblingWindow,
)

PLACES = Places(9.0, 4.0)
RULES = [
    FirstMessageWindow(300.0),
    TumblingWindow(200.0),
    SessionWindow(50.0),
    CountWindow(3),
    CountWindow(1),  # its windows have no length
]
# Two messages, one, two: windows of 300 s, one worker busy 400 s with each batch.
RECORD = StreamPipeline(
    TraceArrivals([0, 60, 300, 900, 1000]), service=Constant(400.0), workers=1
).simulate()


# A share of the time, or one of the moments at which something changes.
MOMENTS = st.one_of(st.floats(0.0, 1.1), st.integers(2, 10**6))


def at(moment: float, scene: Scene) -> float:
    """Return a moment of a scene [s]."""
    changes = np.concatenate([scene.falls, scene.closed, scene.start, scene.finish])
    if moment < 2:
        return moment * scene.end
    return float(changes[int(moment) % changes.size])


@st.composite
def records(draw: st.DrawFn) -> RunRecord:
    """Return records of small streams, with messages and batches that fail."""
    gaps = draw(st.lists(st.sampled_from([0.0, 1.0, 40.0, 300.0]), min_size=1))
    pipeline = StreamPipeline(
        TraceArrivals(np.cumsum(gaps)),
        draw(st.sampled_from(RULES)),
        Constant(draw(st.sampled_from([0.0, 20.0, 900.0]))),
        workers=draw(st.integers(1, 3)),
    )
    record = pipeline.simulate()
    jobs = draw(st.sets(st.integers(0, len(record.jobs) - 1), max_size=2))
    rows = draw(st.sets(st.integers(0, len(record.items) - 1), max_size=2))
    failures = [Failure(job, None, "no") for job in jobs]
    failures += [Failure(int(record.items.job[row]), row, "no") for row in rows]
    record = replace(record, failures=tuple(failures))
    return cancel(record, min(jobs)) if jobs and draw(st.booleans()) else record


def cancel(record: RunRecord, job: int) -> RunRecord:
    """Return the record of a run in which no worker took one of the batches."""
    jobs = record.jobs.to_dict()
    jobs["worker"][job] = -1
    jobs["finish"][job] = jobs["start"][job]
    return replace(record, jobs=Jobs(**jobs))  # type: ignore[arg-type]


def stage_of(record: RunRecord, row: int, time: float, lead: float) -> Stage:
    """Say where a message is, in plain words: the reference."""
    items, jobs, job = record.items, record.jobs, int(record.items.job[row])
    follower = jobs.open[job + 1] if job + 1 < len(jobs) else inf
    if time >= jobs.finish[job]:
        return Stage.FAILED if record.failed[row] else Stage.DONE
    if time >= jobs.start[job] and jobs.worker[job] >= 0:
        return Stage.WORK
    if time >= min(jobs.ready[job], follower):
        return Stage.WAITING
    if time >= items.arrival[row]:
        return Stage.WINDOW
    return Stage.FALLING if time >= items.arrival[row] - lead else Stage.UNSEEN


def holds(box: Box, xy: np.ndarray) -> bool:
    """Whether all points are in a box."""
    low, high = (box.left, box.bottom), (box.right, box.top)
    return bool(((xy > low) & (xy < high)).all())


@settings(max_examples=100)
@given(records(), MOMENTS)
def test_every_message_is_in_one_place_and_it_is_the_right_one(
    record: RunRecord, moment: float
) -> None:
    record.check()
    scene = Scene(record, float(record.jobs.finish.max()) + 1.0, PLACES)
    time = at(moment, scene)
    stage = scene.stage(time)
    assert stage.size == len(record.items)
    assert Counter(stage.tolist()) == Counter(
        stage_of(record, row, time, scene.lead) for row in range(len(record.items))
    )
    assert scene.dots(time).shape == (stage.size, 2)
    # Batches that wait or are at work hold the messages that wait or are at work.
    for batches, one in (
        (scene.waits(time), Stage.WAITING),
        (scene.works(time), Stage.WORK),
    ):
        assert record.jobs.n_items[batches].sum() == (stage == one).sum()
    assert (scene.window(time) is not None) == bool((stage == Stage.WINDOW).any())


@settings(max_examples=40)
@given(records(), MOMENTS)
def test_no_two_messages_lie_on_each_other_once_they_have_come_to_rest(
    record: RunRecord, moment: float
) -> None:
    scene = Scene(record, float(record.jobs.finish.max()) + 1.0, PLACES)
    time = at(moment, scene)
    moved = np.concatenate([scene.falls, scene.closed, scene.start, scene.finish])
    if ((time >= moved) & (time < moved + max(scene.hop, scene.lead))).any():
        return  # something is on its way
    seen = scene.stage(time) > Stage.FALLING
    places = {(round(x, 9), round(y, 9)) for x, y in scene.dots(time)[seen]}
    assert len(places) == seen.sum()


class TestPlaces:
    """At rest, everything is in the box that it belongs to."""

    def test_a_message_falls_until_it_arrives_and_then_is_in_the_tray(self) -> None:
        scene = Scene(RECORD, None, PLACES)
        tray, before = PLACES.tray, 60.0 - scene.lead / 2
        x, y = scene.dots(before)[1]
        assert y == pytest.approx(tray.top + tray.height / 2, abs=0.01)
        assert scene.dots(60.0)[1].tolist() == pytest.approx([x, tray.top], abs=0.01)
        assert holds(tray, scene.dots(61.0)[:2])
        ground = tray.bottom + scene.tray_grid.step / 2
        assert scene.dots(150.0)[:2, 1] == pytest.approx([ground, ground], abs=0.01)

    def test_batches_go_to_the_queue_to_their_worker_and_to_the_pile(self) -> None:
        scene = Scene(RECORD, None, PLACES)
        # The first is ready at 300 and done at 700, the second ready at 600.
        assert holds(PLACES.pool, scene.dots(550.0)[:2])
        assert holds(PLACES.queue, scene.dots(690.0)[2:3])
        assert holds(PLACES.pile, scene.dots(800.0)[:2])
        assert holds(PLACES.pool, scene.dots(800.0)[2:3])

    def test_on_its_way_a_batch_is_between_two_places(self) -> None:
        scene = Scene(RECORD, None, PLACES)
        half = scene.blocks(300.0 + scene.hop / 2)[0]
        begin, end = scene.blocks(299.0)[0], scene.blocks(300.0 + scene.hop)[0]
        assert half == pytest.approx((begin + end) / 2)
        assert begin.tolist() == list(PLACES.tray)

    def test_blocks_are_as_long_as_batches_are_large(self) -> None:
        times = [*range(30), *range(1000, 1060)]
        stream = StreamPipeline(TraceArrivals(times), service=Constant(900.0))
        scene = Scene(stream.simulate(), None, PLACES)
        width, height = scene.blocks(1500.0)[:, 2:].T
        assert width[1] == pytest.approx(2 * width[0])
        assert height[1] == height[0]

    def test_each_block_is_in_the_row_of_its_worker(self) -> None:
        stream = StreamPipeline(service=Constant(1500.0), workers=4)
        scene = Scene(stream.simulate(until=2400, rng=1), None, PLACES)
        for time in np.linspace(0.0, scene.end, 40):
            works = scene.works(time)
            works = works[time > scene.start[works] + scene.hop]
            _, bottom, _, height = scene.blocks(time)[works].T
            row = (PLACES.pool.top - bottom - height / 2) / scene.row - 0.5
            assert row == pytest.approx(scene.record.jobs.worker[works])

    def test_the_first_in_the_queue_is_on_top_and_goes_first(self) -> None:
        stream = StreamPipeline(
            TraceArrivals([0, 400, 800, 1200]), service=Constant(2000.0), workers=1
        )
        scene = Scene(stream.simulate(), None, PLACES)
        for time, queue in ((1300.0, [1, 2]), (2290.0, [1, 2, 3]), (2310.0, [2, 3])):
            assert scene.waits(time).tolist() == queue
            settled = scene.blocks(time + scene.hop if time < 2000 else time)[queue, 1]
            assert (np.diff(settled) < 0).all()
        assert scene.longest_queue == 3

    @pytest.mark.parametrize("workers", [1, 3, 40])
    def test_any_queue_has_room(self, workers: int) -> None:
        stream = StreamPipeline(
            TraceArrivals(np.arange(100) * 300.0),
            service=Constant(1e5),
            workers=workers,
        )
        scene = Scene(stream.simulate(), 4e4, PLACES)
        waits = scene.waits(3.5e4)
        assert waits.size == 100 - workers
        left, bottom, width, height = scene.blocks(3.5e4)[waits].T
        queue = PLACES.queue
        assert (left >= queue.left).all()
        assert (left + width <= queue.right).all()
        assert (bottom > queue.bottom).all()
        assert (np.diff(bottom) <= -height[1:]).all()  # none lies on another
        assert bottom[0] + height[0] < queue.top

    def test_a_batch_that_was_cancelled_goes_from_the_queue_to_the_pile(self) -> None:
        failed = replace(RECORD, failures=(Failure(1, None, "cancelled"),))
        scene = Scene(cancel(failed, 1), None, PLACES)
        left = RECORD.jobs.start[1]
        begin, half, end = (
            scene.dots(left + share * scene.hop)[2] for share in (0.0, 0.5, 1.0)
        )
        assert holds(PLACES.queue, begin[None])
        assert holds(PLACES.pile, end[None])
        assert half == pytest.approx((begin + end) / 2, abs=0.01)
        assert scene.works(left).tolist() == []

    def test_what_is_done_first_lies_below(self) -> None:
        # The second batch is done before the first one.
        jobs = RECORD.jobs.to_dict()
        jobs["start"], jobs["finish"] = jobs["ready"], [5000.0, 700.0, 6000.0]
        record = replace(RECORD, jobs=Jobs(**jobs), workers=3)  # type: ignore[arg-type]
        scene = Scene(record, 9000.0, PLACES)
        y, x = scene.dots(8999.0).T[::-1]
        order = np.lexsort((x, y))
        assert scene.job[order].tolist() == [1, 0, 0, 2, 2]

    def test_work_goes_on_as_time_does(self) -> None:
        scene = Scene(RECORD, None, PLACES)
        assert scene.progress(400.0)[0] == pytest.approx(0.25)
        assert scene.progress(200.0)[0] == 0.0
        assert scene.progress(1e6).tolist() == [1.0, 1.0, 1.0]


class TestTimes:
    """From when to when there is something to see."""

    def test_eight_batches_are_shown_unless_more_are_asked_for(self) -> None:
        stream = StreamPipeline(service=Constant(100.0))
        day = stream.simulate(until=86_400, rng=1)
        scene = Scene(day, None, PLACES)
        assert scene.end == pytest.approx(day.jobs.finish[7] + scene.hop)
        assert 8 <= scene.n_jobs <= 10
        assert Scene(day, 43_200.0, PLACES).n_jobs == pytest.approx(141, abs=5)

    def test_it_begins_when_the_first_message_begins_to_fall(self) -> None:
        stream = StreamPipeline(TraceArrivals([5000, 5100]), service=Constant(1.0))
        scene = Scene(stream.simulate(), None, PLACES)
        assert scene.begin == 5000.0 - scene.lead
        assert Scene(RECORD, None, PLACES).begin == 0.0

    def test_a_thread_may_hand_a_batch_over_late(self) -> None:
        # Ready 2 s after its window ended, 1 s after the next one opened.
        jobs = Jobs(
            open=[0.0, 301.0], ready=[302.0, 601.0], start=[302.5, 601.0],
            finish=[310.0, 610.0], worker=[0, 0], n_items=[1, 1], load=[0, 0],
        )  # fmt: skip
        record = RunRecord(Items([0.0, 301.0], [0, 0], [0, 1]), jobs, workers=1)
        scene = Scene(record.check(), None, PLACES)
        assert scene.closed.tolist() == [301.0, 601.0]
        assert scene.stage(301.5).tolist() == [Stage.WAITING, Stage.WINDOW]

    def test_a_late_message_falls_into_the_window_that_is_open(self) -> None:
        # It was stamped at 100, before the batch opened that it joined.
        jobs = Jobs(
            open=[0.0, 400.0], ready=[300.0, 700.0], start=[300.0, 700.0],
            finish=[310.0, 710.0], worker=[0, 0], n_items=[1, 2], load=[0, 0],
        )  # fmt: skip
        record = RunRecord(Items([0.0, 400.0, 100.0], [0] * 3, [0, 1, 1]), jobs, 1)
        scene = Scene(record, None, PLACES)
        assert scene.stage(350.0).tolist() == [Stage.DONE, Stage.UNSEEN, Stage.UNSEEN]
        assert scene.stage(400.0).tolist() == [Stage.DONE, Stage.WINDOW, Stage.WINDOW]


@pytest.mark.parametrize(
    ("record", "until", "message"),
    [
        (
            StreamPipeline(service=Constant(1.0)).simulate(n=0),
            None,
            "record must hold a message, got none; let the pipeline run for longer",
        ),
        (
            NightlyPipeline([6, 4], capacity=10, service=Constant(1.0)).simulate(),
            None,
            "record must be of a stream, got one of buckets; movie_gantt shows any "
            "record",
        ),
        (
            RunRecord(
                Items([0.0, 100.0, 250.0], [0] * 3, [0, 1, 0]),
                Jobs([0.0, 100.0], [300.0, 200.0], [300.0, 200.0], [310.0, 210.0],
                     [0, 1], [2, 1], [0, 0]),
                workers=2,
            ),
            None,
            "record must have windows that follow each other, but some overlap; "
            "movie_gantt shows any record",
        ),
        (
            StreamPipeline(TraceArrivals([50]), service=Constant(1.0)).simulate(),
            50.0,
            "until must be > 50.0 s, when the first message comes, got 50.0",
        ),
    ],
    ids=["empty", "buckets", "overlap", "too early"],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(
    record: RunRecord, until: float | None, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Scene(record, until, PLACES)
