"""The order in which real workers get the buckets of a night."""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim.core import Ledger, LedgerError, VirtualClock, WorkerPool
from mds_sim.distributions import Exponential
from mds_sim.files import (
    Bucket,
    BucketManager,
    File,
    FileSource,
    NextFit,
    NightlyPipeline,
    makespan,
    pack,
    resume,
    submission_order,
)
from mds_sim.records import Failure, RunRecord
from mds_sim.rng import streams
from mds_sim.sim import LinearService
from mds_sim.units import DAY, MB

ORDERS = ("given", "longest", "shortest")
BYTES = LinearService(per_byte=1.0)
# In buckets of 10 bytes, one file a bucket: 6, 9, 7, 9 bytes.
SIZES = [6, 9, 7, 9]
LOADS = {"given": [6, 9, 7, 9], "longest": [9, 9, 7, 6], "shortest": [6, 7, 9, 9]}
JOBS = {"given": [0, 1, 2, 3], "longest": [3, 0, 2, 1], "shortest": [0, 2, 1, 3]}


def night_of(files: Any, order: str, **options: Any) -> NightlyPipeline:
    options = {"capacity": 10, "strategy": NextFit(), "workers": 2, **options}
    return NightlyPipeline(files, order=order, **options)


def run(pipeline: NightlyPipeline, handler: Any = None, **options: Any) -> RunRecord:
    options.setdefault("clock", VirtualClock())
    return pipeline.run(handler, progress=False, **options).check()


SERVICES: list[Any] = [
    Exponential(0.4 * DAY),  # nothing is known before
    LinearService(5.0, 1.0, 1.0, noise=Exponential(1.0)),
    LinearService(per_item=1.0, noise=Exponential(1.0)),
]


class TestNightlyPipeline:
    @pytest.mark.parametrize("order", ORDERS)
    @settings(max_examples=40)
    @given(
        nights=st.lists(
            st.lists(st.integers(0, 25), min_size=6, max_size=6), min_size=1, max_size=3
        ),
        service=st.sampled_from(SERVICES),
        workers=st.integers(1, 3),
        seed=st.integers(0, 9),
    )
    def test_a_run_on_a_virtual_clock_equals_the_simulation_bit_for_bit(
        self, order: str, nights: Any, service: Any, workers: int, seed: int
    ) -> None:
        night = night_of(nights, order, capacity=20, service=service, workers=workers)
        simulated = night.simulate(rng=seed).check()
        assert run(night, rng=seed).same_as(simulated)

    @pytest.mark.parametrize("order", ORDERS)
    def test_with_a_ledger_as_well(self, tmp_path: Path, order: str) -> None:
        night = NightlyPipeline(
            FileSource(30), service=LinearService(5.0, 1.0, 1 / MB, Exponential(1.0)),
            workers=2, order=order,
        )  # fmt: skip
        real = run(night, nights=3, rng=7, ledger=tmp_path / "night.db")
        assert real.same_as(night.simulate(3, rng=7))

    @pytest.mark.parametrize("order", ORDERS)
    def test_the_jobs_are_in_the_order_of_submission(self, order: str) -> None:
        seen: list[Bucket] = []
        night = night_of(SIZES, order, service=BYTES, workers=1)
        for record in (night.simulate(), run(night, seen.append)):
            assert record.jobs.load.tolist() == LOADS[order]
            assert record.items.job.tolist() == JOBS[order]
            assert np.all(np.diff(record.jobs.start) > 0)
        assert [(b.index, b.load) for b in seen] == list(enumerate(LOADS[order]))

    @pytest.mark.parametrize("order", ORDERS)
    def test_one_night_is_that_of_makespan(self, order: str) -> None:
        service = LinearService(5.0, per_byte=1 / MB, noise=Exponential(1.0))
        sizes = FileSource(200).sample(rng=3)[0]
        night = NightlyPipeline(sizes, service=service, workers=3, order=order)
        plain = makespan(pack(sizes), service, 3, order=order, rng=streams(4).service)
        assert night.simulate(rng=4).same_as(plain.record())

    def test_without_a_model_the_bytes_tell(self) -> None:
        for order in ORDERS:
            record = run(night_of(SIZES, order))
            assert record.jobs.load.tolist() == LOADS[order]

    def test_what_fails_is_found_in_its_rows(self) -> None:
        def handle(bucket: Bucket) -> None:
            if bucket.load == 7:
                raise OSError("disk full")

        record = run(night_of(SIZES, "longest", service=BYTES), handle)
        assert record.failures == (Failure(2, None, "OSError: disk full"),)

    def test_the_longest_first_is_done_earlier(self) -> None:
        # 200 nights of 60 files of 10 s, one a bucket, on 3 workers: the longest first
        # is done at least 6 s before the shortest first, and 18 s in the mean.
        nights = FileSource(60).sample(200, rng=5)
        service = LinearService(per_byte=10 / MB)
        ends = {
            order: np.array([
                NightlyPipeline(night, capacity=1, service=service, workers=3,
                                order=order).simulate().makespan
                for night in nights
            ])
            for order in ORDERS
        }  # fmt: skip
        assert np.all(ends["longest"] < ends["shortest"])
        assert ends["longest"].mean() < ends["given"].mean() < ends["shortest"].mean()

    def test_an_order_that_is_none_is_refused(self) -> None:
        message = "order must be 'longest' or 'given' or 'shortest', got 'random'"
        for make in (lambda: night_of([1], "random"), lambda: manager_of("random")):
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                make()


def manager_of(order: str, **options: Any) -> BucketManager:
    """Return a manager with a pool of one worker, which is shut down in the end."""
    pool = WorkerPool(1, clock=VirtualClock())
    return BucketManager(pool, NextFit(), 10, order=order, **options)


class TestBucketManager:
    @pytest.mark.parametrize("order", ORDERS)
    def test_the_pool_gets_the_buckets_of_each_night_in_order(self, order: str) -> None:
        manager = manager_of(order, service=BYTES)
        with manager.pool:
            for _ in range(2):
                manager.add(*(File(size, f"{size}") for size in SIZES))
                packing = manager.submit_night()
            record = manager.record().check()
        # The packing is that of `pack`, whatever the order.
        assert packing.bucket.tolist() == [0, 1, 2, 3]
        turn = submission_order(packing, BYTES, order)
        assert packing.load[turn].tolist() == LOADS[order]
        assert [bucket.load for bucket in manager.buckets] == LOADS[order] * 2
        assert [bucket.index for bucket in manager.buckets] == list(range(8))
        assert record.items.size.tolist() == SIZES * 2
        assert record.items.job.tolist() == [
            *JOBS[order],
            *(j + 4 for j in JOBS[order]),
        ]

    def test_another_order_sees_the_same_times(self) -> None:
        noisy = LinearService(per_byte=1.0, noise=Exponential(1.0))
        times = []
        for order in ORDERS:
            manager = manager_of(order, service=noisy, rng=1)
            with manager.pool:
                manager.add(*(File(size, f"{size}") for size in SIZES))
                manager.submit_night()
                record = manager.record().check()
            times.append(record.service_time[record.items.job])
        assert np.allclose(times, times[0], rtol=1e-12, atol=0)


class Flaky:
    """A handler that notes the buckets that it gets, and fails for some."""

    def __init__(self, *bad: int) -> None:
        self.bad = bad
        self.seen: list[tuple[int, int]] = []

    def __call__(self, bucket: Bucket) -> None:
        self.seen.append((bucket.index, bucket.load))
        if bucket.index in self.bad:
            raise OSError("disk full")


NIGHT = """
import os, sys
from mds_sim.files import NextFit, NightlyPipeline
def handle(bucket):
    with open(sys.argv[2], "a") as log:
        log.write(f"{bucket.load} ")
    if bucket.load == 50 and sys.argv[3] == "kill":
        os._exit(9)
night = NightlyPipeline(range(1, 101), NextFit(), 1, workers=1, order="longest")
print(len(night.run(handle, ledger=sys.argv[1], progress=False).failures))
"""


class TestLedger:
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Path:
        return tmp_path / "night.db"

    @pytest.mark.parametrize("how", ["the same call", "resume"])
    def test_a_night_goes_on_in_its_order(self, ledger: Path, how: str) -> None:
        night = night_of(SIZES, "longest", service=BYTES, workers=1)
        first, again = Flaky(0, 2, 3), Flaky()
        record = run(night, first, ledger=ledger)
        assert first.seen == list(enumerate(LOADS["longest"]))
        assert [failure.job for failure in record.failures] == [0, 2, 3]
        if how == "resume":
            record = resume(ledger, again, clock=VirtualClock(), progress=False).check()
        else:
            record = run(night, again, ledger=ledger)
        assert again.seen == [(0, 9), (2, 7), (3, 6)]
        assert record.jobs.load.tolist() == LOADS["longest"]
        assert record.items.job.tolist() == JOBS["longest"]
        assert record.jobs.start.tolist() == [31, 9, 40, 47]

    def test_a_night_that_was_killed_goes_on_in_its_order(
        self, tmp_path: Path, ledger: Path
    ) -> None:
        log = tmp_path / "log"
        words = [sys.executable, "-c", NIGHT, str(ledger), str(log)]
        killed = subprocess.run([*words, "kill"], check=False, capture_output=True)
        assert killed.returncode == 9
        assert list(map(int, log.read_text().split())) == [*range(100, 49, -1)]
        resumed = subprocess.run([*words, "go on"], check=True, capture_output=True)
        assert resumed.stdout == b"0\n"
        # What was under way is handled again, what is done is not.
        done = [*range(100, 49, -1), *range(50, 0, -1)]
        assert list(map(int, log.read_text().split())) == done

    @pytest.mark.parametrize("change", [("given", "longest"), ("longest", "given")])
    def test_another_order_is_another_night(
        self, ledger: Path, change: tuple[str, str]
    ) -> None:
        was, now = change
        run(night_of(SIZES, was), len, ledger=ledger)
        before = ledger.read_bytes()
        message = (
            f"ledger {str(ledger)!r} must be of this night, but its order is {was!r}, "
            f"not {now!r}; go on with what it planned by resume(ledger, handler), or "
            "--resume on the command line, or name a new ledger"
        )
        with pytest.raises(LedgerError, match=f"^{re.escape(message)}$"):
            run(night_of(SIZES, now), len, ledger=ledger)
        assert ledger.read_bytes() == before

    def test_a_plan_of_old_that_says_nothing_was_in_the_given_order(
        self, ledger: Path
    ) -> None:
        night = night_of(SIZES, "given", service=BYTES)
        with tempfile.TemporaryDirectory() as folder:
            with_order = os.path.join(folder, "night.db")
            run(night, Flaky(1), ledger=with_order)
            with Ledger(with_order) as new, Ledger(ledger) as old:
                facts = {k: v for k, v in new.facts.items() if k != "order"}
                workers, room = facts.pop("workers"), facts.pop("capacity")
                old.plan(new.jobs, new.items, workers=workers, capacity=room,
                         facts=facts)  # fmt: skip
        with pytest.raises(LedgerError, match=r" its order is 'given', not 'longest'"):
            run(night_of(SIZES, "longest", service=BYTES), Flaky(), ledger=ledger)
        again = Flaky()
        assert run(night, again, ledger=ledger).failures == ()
        assert Counter(again.seen) == Counter(enumerate(SIZES))
