"""Files that trickle in, from end to end: simulated, on a virtual clock, for real."""

import hashlib
import math
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.core import VirtualClock, WallClock
from mds_sim.distributions import Constant, Exponential
from mds_sim.files import (
    Bucket,
    CopyFiles,
    File,
    FileSource,
    FirstFit,
    LookbackFit,
    TricklePipeline,
    TrickleRule,
    lateness,
    write_files,
)
from mds_sim.records import Failure, RunRecord
from mds_sim.sim import LinearService
from mds_sim.units import HOUR, MB

INSTANT = LinearService()


def run(night: TricklePipeline, handler: Any = None, **options: Any) -> RunRecord:
    """Run a night on threads, without a progress bar."""
    options.setdefault("clock", VirtualClock())
    return night.run(handler, progress=False, **options).check()


@st.composite
def nights(draw: st.DrawFn) -> TricklePipeline:
    """Return a night: ties of arrivals, deadlines, work and end are common in it."""
    sizes = draw(st.lists(st.integers(0, 25), max_size=25))  # some are too large
    gaps = [draw(st.sampled_from([0.0, 1.0, 2.5, 30.0])) for _ in sizes]
    arrivals = np.cumsum(gaps)
    last = float(arrivals[-1]) if sizes else 0.0
    rule = TrickleRule(
        capacity=20,
        close_at=draw(st.sampled_from([0.3, 0.9, 1.0])),
        timeout=draw(st.sampled_from([1.0, 2.5, 5.0, 30.0, math.inf])),
        most_open=draw(st.integers(1, 4)),
    )
    return TricklePipeline(
        arrivals,
        sizes,
        rule,
        draw(
            st.sampled_from(
                [
                    Constant(0.0),
                    Constant(2.5),  # work ends exactly when something else happens
                    Exponential(10.0),
                    LinearService(1.0, 0.5, 0.1, noise=Exponential(1.0)),
                ]
            )
        ),
        draw(st.integers(1, 3)),
        draw(st.sampled_from([None, last, last + 1.0, last + 2.5, last + 100.0])),
    )


@given(night=nights(), seed=st.integers(0, 9))
def test_a_run_on_a_virtual_clock_equals_the_simulation_bit_for_bit(
    night: TricklePipeline, seed: int
) -> None:
    assert run(night, rng=seed).same_as(night.simulate(rng=seed))


@given(night=nights())
def test_each_file_is_in_one_bucket_in_time(night: TricklePipeline) -> None:
    record = night.simulate(rng=1).check()
    jobs, rule = record.jobs, night.rule
    assert np.all((jobs.load <= rule.capacity) | (jobs.n_items == 1))
    assert np.all(jobs.ready - jobs.open <= rule.timeout)
    assert np.all(np.diff(jobs.ready) >= 0)
    waited = record.items.arrival - jobs.open[record.items.job]
    assert np.all((waited < rule.timeout) & (waited >= 0))


class TestSimulate:
    @given(
        sizes=st.lists(st.integers(1, 20), min_size=1, max_size=30),
        most_open=st.integers(1, 4),
    )
    def test_without_a_time_it_packs_as_looking_back_does(
        self, sizes: list[int], most_open: int
    ) -> None:
        rule = TrickleRule(capacity=20, close_at=1.0, most_open=most_open)
        record = TricklePipeline(range(len(sizes)), sizes, rule, INSTANT).simulate()
        # There a full bucket stays open, but is the first that has to go.
        plain = LookbackFit(most_open, "fullest").assign(np.array(sizes), 20)
        assert same_groups(record.items.job, plain)

    def test_with_enough_open_it_is_first_fit(self) -> None:
        sizes = np.minimum(FileSource(300).sample(rng=5)[0], 10 * MB)
        rule = TrickleRule(close_at=1.0, most_open=300)
        record = TricklePipeline(np.arange(300.0), sizes, rule, INSTANT).simulate()
        assert same_groups(record.items.job, FirstFit().assign(sizes, 10 * MB))

    def test_more_buckets_buy_earliness(self) -> None:
        # 100 files of 1 MB come through eight hours, for workers at 10 kB a second
        # that need a minute to start: means of 100 nights.
        rng = np.random.default_rng(6)
        service = LinearService(60.0, per_byte=1 / (10_000))
        late: dict[float, list[float]] = {}
        buckets: dict[float, list[int]] = {}
        for _ in range(100):
            arrivals = np.sort(rng.uniform(0, 8 * HOUR, 100))
            sizes = FileSource(100).sample(rng=rng)[0]
            for timeout in (HOUR / 4, HOUR, math.inf):
                rule = TrickleRule(timeout=timeout)
                night = TricklePipeline(arrivals, sizes, rule, service, end=8 * HOUR)
                record = night.simulate()
                late.setdefault(timeout, []).append(lateness(record, 8 * HOUR).max())
                buckets.setdefault(timeout, []).append(len(record.jobs))
        patient, hour, quarter = (
            (np.mean(late[t]), np.mean(buckets[t])) for t in (math.inf, HOUR, HOUR / 4)
        )
        assert patient[0] > hour[0] > quarter[0]
        assert patient[1] < hour[1] < quarter[1]

    def test_the_end_closes_what_is_open(self) -> None:
        rule = TrickleRule(capacity=10, close_at=1.0)
        night = TricklePipeline([0, 5], [6, 6], rule, Constant(2.0), end=9.0)
        for record in (night.simulate(), run(night)):
            assert record.jobs.ready.tolist() == [9.0, 9.0]
            assert lateness(record, 10.0).tolist() == [1.0, 1.0]
            assert lateness(record, 11.0).tolist() == [0.0, 0.0]

    def test_a_night_without_files(self) -> None:
        night = TricklePipeline([], [], service=INSTANT, end=5.0)
        assert len(night.simulate().check().jobs) == 0
        assert run(night).same_as(night.simulate())


class TestRun:
    def test_files_and_their_sizes_are_the_same_night(self) -> None:
        files = [File(size, f"{size}.bin") for size in (6, 6, 25, 4)]
        sizes = [file.size_bytes for file in files]
        rule = TrickleRule(capacity=10, timeout=3.0)
        arrivals = [0.0, 1.0, 2.0, 2.5]
        seen: list[str] = []
        night = TricklePipeline(arrivals, files, rule, Exponential(2.0))
        record = run(night, lambda b: seen.extend(f.name for f in b), rng=3)
        assert sorted(seen) == sorted(file.name for file in files)
        same = TricklePipeline(np.array(arrivals), np.array(sizes), rule, night.service)
        assert same.simulate(rng=3).same_as(record)

    def test_what_was_given_may_change_later(self) -> None:
        arrivals, sizes = np.array([0.0, 5.0]), np.array([6, 6])
        night = TricklePipeline(arrivals, sizes, TrickleRule(10), Constant(1.0))
        before = night.simulate()
        arrivals[1], sizes[0] = -1.0, 100
        assert night.simulate().same_as(before)

    @pytest.mark.parametrize("speed", [1e4, 1e7])
    def test_a_wall_clock_makes_the_same_buckets_however_fast_it_is(
        self, speed: float
    ) -> None:
        rng = np.random.default_rng(8)
        arrivals = np.sort(rng.uniform(0, HOUR, 300)).round(-1)  # with many ties
        sizes = FileSource(300).sample(rng=rng)[0]
        rule = TrickleRule(timeout=100.0, most_open=3)
        night = TricklePipeline(arrivals, sizes, rule, LinearService(5.0), 10, HOUR)
        simulated = night.simulate()
        real = run(night, clock=WallClock(speed))
        assert real.items.same_as(simulated.items)
        assert np.array_equal(real.jobs.open, simulated.jobs.open)
        assert np.array_equal(real.jobs.load, simulated.jobs.load)
        assert (real.jobs.ready >= simulated.jobs.ready).all()

    def test_on_a_clock_that_was_used_it_begins_with_the_next_second(self) -> None:
        clock = VirtualClock()
        clock.sleep(99.5)
        rule = TrickleRule(capacity=10, timeout=30.0)
        night = TricklePipeline([0, 5, 35], [6, 5, 4], rule, Constant(2.0), end=70.0)
        later, fresh = run(night, clock=clock), night.simulate()
        assert np.array_equal(later.items.arrival, fresh.items.arrival + 100)
        assert np.array_equal(later.items.job, fresh.items.job)
        assert np.array_equal(later.jobs.finish, fresh.jobs.finish + 100)

    @pytest.mark.parametrize("executor", ["threads", lambda: ThreadPoolExecutor(3)])
    def test_real_files_are_copied_with_equal_sha_256(
        self, tmp_path: Path, executor: Any
    ) -> None:
        sizes = FileSource(40, Exponential(2_000)).sample(rng=1)[0]
        files = write_files(tmp_path / "in", sizes, rng=2)
        rule = TrickleRule(capacity=5_000, timeout=60.0)
        night = TricklePipeline(np.arange(40.0) * 10, files, rule, workers=3)
        copies = CopyFiles(tmp_path / "out")
        record = run(night, copies, clock=WallClock(1e4), executor=executor)
        assert record.failures == ()
        assert {f.name: f.sha256 for f in files} == {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (tmp_path / "out").iterdir()
        }

    def test_without_a_handler_they_are_read_and_one_that_is_gone_fails(
        self, tmp_path: Path
    ) -> None:
        files = write_files(tmp_path, [100, 200, 300], rng=1)
        gone = tmp_path / files[1].name
        gone.unlink()
        record = run(TricklePipeline([0, 1, 2], files, TrickleRule(1000)))
        error = f"FileError: file-001.bin has vanished from {str(gone)!r}"
        assert record.failures == (Failure(0, 1, error),)

    def test_a_handler_that_raises_fails_its_own_bucket_and_all_others_are_done(
        self,
    ) -> None:
        done: Counter[int] = Counter()

        def handle(bucket: Bucket) -> None:
            done[bucket.index] += 1
            if bucket.index == 1:
                raise OSError("disk full")

        rule = TrickleRule(capacity=10, timeout=5.0)
        night = TricklePipeline([0, 10, 20], [6, 6, 6], rule, Constant(9.0))
        record = run(night, handle)
        assert done == {0: 1, 1: 1, 2: 1}
        assert record.failures == (Failure(1, None, "OSError: disk full"),)
        assert record.jobs.same_as(night.simulate().jobs)

    @pytest.mark.parametrize("kind", [VirtualClock, lambda: WallClock(1e6)])
    def test_a_service_time_that_is_none_stops_no_other_bucket(self, kind: Any) -> None:
        @dataclass(frozen=True)
        class Broken:
            def sample(self, n_items: Any, load: Any, rng: Any) -> Any:
                return np.where(load == 7, -1.0, 1.0)

        seen: list[int] = []
        rule = TrickleRule(capacity=10, timeout=5.0)
        night = TricklePipeline([0, 10, 20], [6, 7, 8], rule, Broken())
        message = (
            "service times must be >= 0 and finite [s], but service times[0] = -1.0"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            run(night, lambda bucket: seen.append(bucket.load), clock=kind())
        assert seen == [6, 8]

    def test_after_a_ctrl_c_no_other_file_comes(self) -> None:
        class Interrupted(VirtualClock):
            def call_at(self, time: float, callback: Any) -> None:
                super().call_at(time, self.interrupt if time == 9.5 else callback)

            def interrupt(self) -> None:
                raise KeyboardInterrupt

        clock = Interrupted()
        rule = TrickleRule(capacity=10, timeout=9.5)  # the alarm of the first bucket
        with pytest.raises(KeyboardInterrupt):
            run(TricklePipeline([0, 30, 31], [6, 10, 10], rule), clock=clock)
        assert clock.time() == 9.5
        clock.run()
        assert clock.time() == 30.0  # the file that was on its way; none follows it

    def test_a_progress_bar_is_there_unless_it_is_not_wanted(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        night = TricklePipeline([0, 1, 2], [1, 2, 3])
        night.run(clock=VirtualClock())
        assert "/3 [" in capsys.readouterr().err
        night.run(clock=VirtualClock(), progress=False)
        assert capsys.readouterr().err == ""


class TestBadInput:
    @pytest.mark.parametrize(
        ("fields", "error", "message"),
        [
            (
                {"files": [1]},
                ValueError,
                "files must be as many as arrivals, 2, got 1",
            ),
            (
                {"files": [1, -1]},
                ValueError,
                "files must be whole bytes >= 0, but files[1] = -1",
            ),
            (
                {"files": [2**62, 2**62]},
                ValueError,
                f"files must add up to at most 2**63 - 1 bytes, got {2**63}",
            ),
            (
                {"files": [File(1, "a"), "b"]},
                TypeError,
                "files must be an array of numbers, got list",
            ),
            (
                {"files": "inbox"},
                TypeError,
                "files must be files or their sizes, got 'inbox'; "
                "scan_files(folder) finds those in a folder",
            ),
            (
                {"end": 4.0},
                ValueError,
                "end must be >= 5.0 s, the last arrival, got 4.0",
            ),
            (
                {"end": math.inf},
                ValueError,
                "end must be >= 0 and finite s, got inf",
            ),
            (
                {"arrivals": [5, 0]},
                ValueError,
                "arrivals must be ascending, but arrivals[1] = 0.0 comes after 5.0; "
                "sort them first",
            ),
            (
                {"rule": TrickleRule},
                TypeError,
                "rule must be a rule such as TrickleRule(timeout=900), "
                "got the class TrickleRule: call it",
            ),
            ({"workers": 0}, ValueError, "workers must be >= 1, got 0"),
            (
                {"service": 30},
                TypeError,
                "service must be a law such as Exponential(mean) or a frozen "
                "scipy.stats distribution, got 30",
            ),
        ],
    )
    def test_a_wrong_field_is_refused_at_once(
        self, fields: dict[str, Any], error: type[Exception], message: str
    ) -> None:
        right = {"arrivals": [0, 5], "files": [1, 2], "service": INSTANT}
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            TricklePipeline(**(right | fields))

    def test_only_a_record_tells_who_was_late(self) -> None:
        message = (
            "record must be a record, such as TricklePipeline.simulate returns, "
            "got [10.0]"
        )
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            lateness([10.0], 5.0)  # type: ignore[arg-type]

    def test_a_simulation_needs_a_model_of_its_service_times(self) -> None:
        message = "service must be given to simulate, such as LinearService(per_job=5)"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            TricklePipeline([0], [1]).simulate()

    def test_a_handler_can_be_called(self) -> None:
        message = "^handler must be callable or None, got 'x'$"
        with pytest.raises(TypeError, match=message):
            run(TricklePipeline([0], [1]), "x")


def same_groups(one: Any, other: Any) -> bool:
    """Tell whether two numberings put the same files together."""
    pairs = set(zip(np.asarray(one).tolist(), np.asarray(other).tolist(), strict=True))
    return len(pairs) == len(set(one)) == len(set(other))
