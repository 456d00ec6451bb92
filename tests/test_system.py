"""Both pipelines on one pool: three rules, and one story however it is told."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.analysis import latency_by
from mds_sim.core import VirtualClock, WallClock
from mds_sim.distributions import Constant, Exponential
from mds_sim.files import (
    Bucket,
    File,
    FileSource,
    NextFit,
    NightlyPipeline,
)
from mds_sim.records import Failure
from mds_sim.rng import as_generator
from mds_sim.sim import (
    LinearService,
    serve,
    serve_priority,
    serve_reserved,
)
from mds_sim.stream import (
    CountWindow,
    FirstMessageWindow,
    MiniBatch,
    PoissonArrivals,
    SessionWindow,
    StreamPipeline,
    TraceArrivals,
    TumblingWindow,
)
from mds_sim.system import System, SystemRecord
from mds_sim.units import DAY, HOUR

STREAM = StreamPipeline(service=LinearService(30, 2, noise=Exponential(1.0)))
NIGHT = NightlyPipeline(
    FileSource(600), service=LinearService(20, per_byte=1e-5, noise=Exponential(1.0))
)
WAYS: list[dict[str, Any]] = [
    {"discipline": "fifo"},
    {"discipline": "stream-first"},
    {"discipline": "reserved", "reserved": 1},
    {"discipline": "reserved", "reserved": 3},
]
all_ways = pytest.mark.parametrize(
    "way", WAYS, ids=lambda way: "-".join(map(str, way.values()))
)


def on_threads(system: System, until: float, rng: Any, **options: Any) -> SystemRecord:
    """Run it on a clock that jumps."""
    return system.run(
        until=until, rng=rng, clock=VirtualClock(), progress=False, **options
    )


@st.composite
def systems(draw: st.DrawFn) -> System:
    """Return small systems, on a grid of time so that much happens at once."""
    arrivals = draw(st.lists(st.integers(0, 12), max_size=12).map(sorted))
    window = draw(
        st.sampled_from(
            [FirstMessageWindow(3), TumblingWindow(4), CountWindow(2), SessionWindow(2)]
        )
    )
    stream = StreamPipeline(
        TraceArrivals([float(time) for time in arrivals]),
        window,
        LinearService(draw(st.integers(0, 3)), draw(st.integers(0, 2))),
    )
    sizes = draw(st.lists(st.integers(0, 6), max_size=10))
    nightly = NightlyPipeline(
        sizes, NextFit(), 6, LinearService(draw(st.integers(0, 4)), 0, 1.0)
    )
    workers = draw(st.integers(1, 3))
    reserved = draw(st.integers(0, workers - 1))
    ways = ["reserved"] if reserved else ["fifo", "stream-first"]
    return System(
        stream,
        nightly,
        workers,
        draw(st.sampled_from(ways)),
        reserved,
        draw(st.integers(0, 14)),
    )


class TestSimulation:
    @all_ways
    def test_it_is_the_rule_on_the_merged_jobs(self, way: dict[str, Any]) -> None:
        system = System(STREAM, NIGHT, 4, night_at=HOUR, **way)
        record = system.simulate(3 * HOUR, rng=7).check()
        generator = as_generator(7)
        stream = STREAM.offer(until=3 * HOUR, rng=generator)
        nightly = NIGHT.offer(1, generator, begin=HOUR)
        # One job after the other, as they come: a mini-batch first if both are ready.
        jobs = sorted(
            (moment, kind, row, offer.service_time[row])
            for kind, offer in enumerate((stream, nightly))
            for row, moment in enumerate(offer.ready)
        )
        ready, kind, row, time = zip(*jobs, strict=True)
        if way["discipline"] == "fifo":
            done = serve(ready, time, 4)
        elif way["discipline"] == "stream-first":
            done = serve_priority(ready, time, kind, 4)
        else:
            done = serve_reserved(ready, time, kind, 4, way["reserved"])
        for i, part in enumerate((record.stream, record.nightly)):
            mine = np.array(kind) == i
            rows = np.array(row)[mine]
            assert np.array_equal(part.jobs.start[rows], done.start[mine])
            assert np.array_equal(part.jobs.finish[rows], done.finish[mine])
            assert np.array_equal(part.jobs.worker[rows], done.worker[mine])

    def test_a_night_by_hand(self) -> None:
        # Two workers; two buckets of 10 s at 1, then a batch of 2 s at 3, two more.
        stream = StreamPipeline(
            TraceArrivals([0, 9]), FirstMessageWindow(3), Constant(2.0)
        )
        night = NightlyPipeline([5, 5, 5], NextFit(), 5, Constant(10.0))
        pair = {"stream": stream, "nightly": night, "workers": 2, "night_at": 1.0}
        starts = {
            way["discipline"]: [
                part.jobs.start.tolist() for part in (record.stream, record.nightly)
            ]
            for way in WAYS[:3]
            for record in [System(**pair, **way).simulate(20).check()]
        }
        assert starts == {
            "fifo": [[11.0, 13.0], [1.0, 1.0, 11.0]],
            "stream-first": [[11.0, 13.0], [1.0, 1.0, 11.0]],
            "reserved": [[3.0, 12.0], [1.0, 11.0, 21.0]],
        }

    @all_ways
    def test_the_stream_is_that_of_the_stream_alone(self, way: dict[str, Any]) -> None:
        record = System(STREAM, NIGHT, **way).simulate(2 * HOUR, rng=3)
        alone = STREAM.simulate(until=2 * HOUR, rng=3)
        assert record.stream.items.same_as(alone.items)
        assert np.array_equal(record.stream.jobs.ready, alone.jobs.ready)
        # Starts differ, and so the rounding of a difference of times.
        assert record.stream.service_time == pytest.approx(alone.service_time, rel=1e-9)

    def test_the_files_are_those_of_a_generator_that_the_stream_has_used(self) -> None:
        record = System(STREAM, NIGHT).simulate(2 * HOUR, rng=3)
        generator = np.random.default_rng(3)
        STREAM.simulate(until=2 * HOUR, rng=generator)
        alone = NIGHT.simulate(rng=generator)
        assert np.array_equal(record.nightly.items.size, alone.items.size)
        assert np.array_equal(record.nightly.items.job, alone.items.job)
        # They are independent of the messages: not those of the same seed.
        assert not np.array_equal(
            record.nightly.items.size, NIGHT.simulate(rng=3).items.size
        )

    @given(system=systems(), seed=st.integers(0, 9))
    def test_the_order_of_service_makes_no_work_and_loses_none(
        self, system: System, seed: int
    ) -> None:
        until = 20.0
        one = system.simulate(until, rng=seed).check()
        # All three rules do the same jobs; two of them keep no worker idle.
        plain = replace(system, discipline="fifo", reserved=0).simulate(until, rng=seed)
        for part, other in ((one.stream, plain.stream), (one.nightly, plain.nightly)):
            assert part.items.same_as(other.items)
            assert np.array_equal(part.service_time, other.service_time)
        if not system.reserved and system.workers == 1:
            times = np.unique(one.together.jobs.finish)[-1:]
            assert np.array_equal(times, np.unique(plain.together.jobs.finish)[-1:])

    @given(system=systems())
    def test_who_comes_first_waits_no_longer(self, system: System) -> None:
        """One worker, equal jobs: no batch starts later if batches come first."""
        stream = replace(system.stream, service=Constant(2.0))
        night = replace(system.nightly, service=Constant(2.0))
        base = System(stream, night, system.workers, night_at=system.night_at)
        fifo = base.simulate(20.0).stream.jobs.start
        first = (
            replace(base, discipline="stream-first").simulate(20.0).stream.jobs.start
        )
        assert (first <= fifo).all()

    def test_every_night_is_there_that_begins_in_time(self) -> None:
        system = System(STREAM, NIGHT, night_at=2 * HOUR)
        record = system.simulate(2 * DAY + 2 * HOUR, rng=1).check()
        assert np.unique(record.nightly.items.arrival).tolist() == [
            2.0 * HOUR,
            2.0 * HOUR + DAY,
        ]
        longer = system.simulate(2 * DAY + 2 * HOUR + 1, rng=1)
        assert np.unique(longer.nightly.jobs.ready).size == 3

    def test_given_files_are_there_in_so_many_nights_as_were_given(self) -> None:
        two = NightlyPipeline([[4, 4], [3, 3]], service=Constant(1.0))
        files = NightlyPipeline([File(4, "a"), File(5, "b")], service=Constant(1.0))
        for night, nights in ((two, 2), (files, 1)):
            record = System(STREAM, night).simulate(5 * DAY, rng=1)
            assert np.unique(record.nightly.jobs.ready).tolist() == [
                DAY * number for number in range(nights)
            ]


class TestRun:
    @all_ways
    def test_on_a_virtual_clock_it_is_the_simulation(self, way: dict[str, Any]) -> None:
        night = replace(NIGHT, order="longest")
        system = System(STREAM, night, 4, night_at=1000.7, **way)
        simulated = system.simulate(DAY + 2 * HOUR, rng=5)
        assert on_threads(system, DAY + 2 * HOUR, rng=5).same_as(simulated)
        assert simulated.together.waiting.max() > 0

    @given(system=systems())
    def test_whatever_ties_it_is_the_simulation(self, system: System) -> None:
        simulated = system.simulate(20.0, rng=1).check()
        assert on_threads(system, 20.0, rng=1).same_as(simulated)

    @all_ways
    def test_for_real_it_is_the_same_batches_and_buckets(
        self, way: dict[str, Any]
    ) -> None:
        # An hour in a tenth of a second, on two workers that are busy all the time.
        system = System(
            replace(STREAM, arrivals=PoissonArrivals(0.05)),
            replace(NIGHT, files=FileSource(60)),
            4,
            night_at=1200.0,
            **way,
        )
        simulated = system.simulate(HOUR, rng=2)
        clock = WallClock(speed=36_000)
        record = system.run(until=HOUR, rng=2, clock=clock, progress=False).check()
        for real, other in (
            (record.stream, simulated.stream),
            (record.nightly, simulated.nightly),
        ):
            assert np.array_equal(real.items.job, other.items.job)
            assert np.array_equal(real.items.size, other.items.size)
            assert np.array_equal(real.jobs.load, other.jobs.load)
        assert np.array_equal(
            record.stream.items.arrival, simulated.stream.items.arrival
        )
        for worker in range(way.get("reserved", 0)):
            assert worker not in record.nightly.jobs.worker

    def test_for_real_every_job_starts_soon_after_the_rule_says(self) -> None:
        """A job has half a second to start, and what the workers overslept.

        By a wrong rule it would start more than a second late: the night lasts two.
        """
        system = System(STREAM, NIGHT, 4, night_at=400.0)
        speed = 900.0
        clock = WallClock(speed=speed)
        record = system.run(until=900.0, rng=3, clock=clock, progress=False).check()
        simulated = system.simulate(900.0, rng=3)
        jobs = record.together.jobs
        served = serve(jobs.ready, jobs.finish - jobs.start, 4)
        late = jobs.start - served.start
        # Who comes first goes first: no delay lets anybody start earlier.
        assert (late >= -1e-6).all()
        overslept = (
            record.together.service_time.sum() - simulated.together.service_time.sum()
        )
        assert simulated.together.makespan > 2 * speed
        assert late.max() < 0.5 * speed + overslept

    def test_both_are_at_work_at_the_same_time(self) -> None:
        """Neither ends before it has met the other one in the pool."""
        meeting = threading.Barrier(2, timeout=30)
        stream = StreamPipeline(TraceArrivals([0.0]), CountWindow(1))
        night = NightlyPipeline([4])
        record = System(stream, night, 2).run(
            lambda batch: meeting.wait(),
            lambda bucket: meeting.wait(),
            clock=WallClock(speed=1e4),
            until=1.0,
            progress=False,
        )
        record.check()
        assert record.together.failures == ()
        assert sorted([*record.stream.jobs.worker, *record.nightly.jobs.worker]) == [
            0,
            1,
        ]

    def test_handlers_see_every_message_and_file_and_failures_stay_where_they_are(
        self,
    ) -> None:
        seen: list[Any] = []

        def take(batch: MiniBatch) -> None:
            seen.extend(message.payload for message in batch)
            if batch.index == 1:
                raise RuntimeError("no")

        def take_files(bucket: Bucket) -> None:
            seen.extend(file.name for file in bucket)
            raise OSError(f"bucket {bucket.index}")

        stream = StreamPipeline(TraceArrivals([0, 1, 400]), service=Constant(1.0))
        night = NightlyPipeline([File(4, "a"), File(5, "b")], service=Constant(1.0))
        record = System(stream, night, night_at=200).run(
            take,
            take_files,
            payloads="xyz",
            clock=VirtualClock(),
            progress=False,
        )
        assert sorted(seen) == ["a", "b", "x", "y", "z"]
        assert record.check().stream.failures == (Failure(1, None, "RuntimeError: no"),)
        assert record.nightly.failures == (Failure(0, None, "OSError: bucket 0"),)
        # The bucket was ready before either batch.
        assert record.together.failures == (
            Failure(2, None, "RuntimeError: no"),
            Failure(0, None, "OSError: bucket 0"),
        )

    def test_any_executor_will_do(self) -> None:
        system = System(STREAM, NIGHT, discipline="stream-first", night_at=600.0)
        with ThreadPoolExecutor(10) as executor:
            record = on_threads(system, HOUR, rng=1, executor=executor)
        assert record.same_as(system.simulate(HOUR, rng=1))

    def test_without_service_times_it_runs_and_takes_no_time(self) -> None:
        system = System(replace(STREAM, service=None), replace(NIGHT, service=None))
        record = on_threads(system, HOUR, rng=1).check()
        assert record.together.makespan == record.stream.jobs.ready[-1]

    def test_on_a_clock_that_was_used_all_is_later(self) -> None:
        system = System(STREAM, NIGHT, night_at=600.0)
        clock = VirtualClock()
        clock.sleep(1000.5)
        record = system.run(until=HOUR, rng=1, clock=clock, progress=False).check()
        simulated = system.simulate(HOUR, rng=1)
        for real, other in (
            (record.stream, simulated.stream),
            (record.nightly, simulated.nightly),
        ):
            assert real.jobs.start - 1001 == pytest.approx(other.jobs.start, abs=1e-9)

    def test_a_file_that_is_refused_is_so_before_the_first_message(self) -> None:
        seen: list[MiniBatch] = []
        night = NightlyPipeline([4, 99], capacity=9, oversize="raise")
        text = (
            'every file must fit in one bucket of 9 bytes (oversize="raise"), '
            "but sizes[1] = 99"
        )
        system = System(STREAM, night, night_at=2 * HOUR)
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            system.run(
                seen.append, until=3 * HOUR, clock=VirtualClock(), progress=False
            )
        assert seen == []

    def test_a_night_that_fails_is_told_and_the_batches_are_done(self) -> None:
        seen: list[MiniBatch] = []
        # The service time of a bucket is not known before it is packed.
        night = NightlyPipeline([4], service=Broken())
        system = System(STREAM, night, night_at=600.0)
        with pytest.raises(ZeroDivisionError, match=r"^no time$"):
            system.run(
                seen.append, until=HOUR, rng=1, clock=VirtualClock(), progress=False
            )
        assert len(seen) == len(STREAM.simulate(until=HOUR, rng=1).jobs)

    def test_after_a_stream_that_fails_no_night_begins(self) -> None:
        seen: list[Bucket] = []
        stream = StreamPipeline(TraceArrivals([0.0, 10.0]), Stubborn(50.0))
        system = System(stream, NIGHT, night_at=HOUR)
        with pytest.raises(ExceptionGroup, match=r"^1 error among 2 messages"):
            system.run(
                None, seen.append, until=2 * HOUR, clock=VirtualClock(), progress=False
            )
        assert seen == []


class Broken:
    """A model of service times that has none."""

    def sample(self, n_items: Any, load: Any, rng: np.random.Generator) -> Any:
        raise ZeroDivisionError("no time")


class Stubborn(FirstMessageWindow):
    """A rule that raises at the second message."""

    def deadline(self, opened: float, latest: float) -> float:
        if latest > opened:
            raise RuntimeError("no")
        return super().deadline(opened, latest)


class TestRecord:
    record = System(STREAM, NIGHT, night_at=HOUR).simulate(2 * HOUR, rng=1)

    def test_together_has_every_item_and_every_job_once(self) -> None:
        both, stream, nightly = (
            self.record.together,
            self.record.stream,
            self.record.nightly,
        )
        assert len(both.items) == len(stream.items) + len(nightly.items)
        assert (np.diff(both.jobs.ready) >= 0).all()
        assert (np.diff(both.items.arrival) >= 0).all()
        assert both.jobs.n_items.sum() == len(both.items)
        total = stream.service_time.sum() + nightly.service_time.sum()
        assert both.service_time.sum() == pytest.approx(total, rel=1e-12)
        assert sorted(both.latency) == pytest.approx(
            sorted([*stream.latency, *nightly.latency]), rel=0
        )

    def test_latency_by_is_of_the_stream(self) -> None:
        mine, plain = self.record.latency_by(5), latency_by(self.record.stream, 5)
        assert mine.to_dict() == plain.to_dict()

    def test_a_worker_that_does_both_at_once_is_found(self) -> None:
        stream = StreamPipeline(TraceArrivals([0.0]), CountWindow(1), Constant(9.0))
        night = NightlyPipeline([4], service=Constant(9.0))
        one = SystemRecord(stream.simulate(), night.simulate())
        text = "every job must start after its worker's last one, but row 1 breaks this"
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            one.check()

    def test_records_of_two_pools_are_none_of_one(self) -> None:
        night = replace(NIGHT, workers=7).simulate(rng=1)
        text = (
            "every record must be of one pool, but the stream's has 10 workers, "
            "the files' 7"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            SystemRecord(self.record.stream, night).check()

    def test_it_differs_if_either_part_does(self) -> None:
        other = System(STREAM, NIGHT, night_at=HOUR).simulate(2 * HOUR, rng=2)
        stream, nightly = self.record.stream, self.record.nightly
        assert self.record.same_as(SystemRecord(stream, nightly))
        assert not self.record.same_as(SystemRecord(other.stream, nightly))
        assert not self.record.same_as(SystemRecord(stream, other.nightly))

    def test_it_can_be_shown_and_written(self) -> None:
        small = System(
            StreamPipeline(TraceArrivals([0, 1]), service=Constant(20.0)),
            NightlyPipeline([4, 7], capacity=9, service=Constant(60.0)),
            workers=2,
        ).simulate()
        assert str(small).splitlines() == [
            "Both on 2 workers, busy 21.9% of the time",
            "                                stream  files",
            "  items                              2      2",
            "  jobs                               1      2",
            "  failures                           0      0",
            "  latency mean                5.33 min  1 min",
            "  latency 99 %                5.33 min  1 min",
            "  latency max                 5.33 min  1 min",
            "  waiting mean                     0 s    0 s",
            "  waiting max                      0 s    0 s",
            "  service time mean               20 s  1 min",
            "  first ready to last finish      20 s  1 min",
        ]
        html = small._repr_html_()
        assert '<th scope="col">stream</th><th scope="col">files</th>' in html
        assert small.to_dict()["nightly"]["capacity"] == 9
        assert repr(small) == (
            "SystemRecord(\n"
            "    stream=RunRecord(2 items in 1 job, 2 workers, 0 failures),\n"
            "    nightly=RunRecord(2 items in 2 jobs, 2 workers, 0 failures),\n)"
        )


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (
            {"stream": replace(STREAM, workers=7)},
            ValueError,
            "stream.workers must be 10, as the pool they share, or left out, got 7; "
            "say System(..., workers=7) for a pool of that size",
        ),
        (
            {"nightly": replace(NIGHT, workers=3), "workers": 4},
            ValueError,
            "nightly.workers must be 4, as the pool they share, or left out, got 3; "
            "say System(..., workers=3) for a pool of that size",
        ),
        (
            {"stream": StreamPipeline},
            TypeError,
            "stream must be a StreamPipeline, got the class StreamPipeline: call it",
        ),
        (
            {"nightly": 100},
            TypeError,
            "nightly must be a NightlyPipeline, got 100",
        ),
        (
            {"discipline": "lifo"},
            ValueError,
            "discipline must be 'fifo' or 'stream-first' or 'reserved', got 'lifo'",
        ),
        (
            {"discipline": "stream-first", "reserved": 2},
            ValueError,
            "reserved must be 0 if the discipline is 'stream-first', got 2; "
            'say discipline="reserved"',
        ),
        (
            {"discipline": "reserved"},
            ValueError,
            "reserved must be in 1..9 for 10 workers, so that others are left, got 0",
        ),
        ({"workers": 0}, ValueError, "workers must be >= 1, got 0"),
        (
            {"night_at": DAY},
            ValueError,
            "night_at must be < 86400 s, a day after the start, got 86400.0",
        ),
        (
            {"night_at": -1},
            ValueError,
            "night_at must be >= 0 and finite s, got -1",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(
    change: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        System(**{"stream": STREAM, "nightly": NIGHT, **change})


def test_a_number_of_workers_that_agrees_may_be_said_twice() -> None:
    system = System(replace(STREAM, workers=4), replace(NIGHT, workers=4), workers=4)
    assert system.simulate(HOUR, rng=1).together.workers == 4
    assert System(STREAM, NIGHT, workers=2).simulate(HOUR, rng=1).stream.workers == 2


def ways(system: System) -> list[Callable[..., Any]]:
    return [system.simulate, lambda until: on_threads(system, until, 1)]


@pytest.mark.parametrize("number", [0, 1])
def test_a_time_in_which_no_night_begins_is_refused(number: int) -> None:
    text = (
        "until must be > 7200.0 s, the first night, got 3600.0; "
        "simulate the stream alone, or let the night begin earlier"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        ways(System(STREAM, NIGHT, night_at=7200.0))[number](HOUR)


def test_to_simulate_both_need_service_times() -> None:
    text = "service must be given to simulate, such as LinearService(per_job=5)"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        System(STREAM, replace(NIGHT, service=None)).simulate(HOUR)
