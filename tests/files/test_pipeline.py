"""The nightly files from end to end: simulated, on a virtual clock, for real."""

import hashlib
import re
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.core import VirtualClock, WallClock
from mds_sim.data import deb_sizes
from mds_sim.distributions import Constant, Exponential, LogNormal
from mds_sim.files import (
    BestFitDecreasing,
    Bucket,
    CopyFiles,
    File,
    FileSource,
    FirstFit,
    FirstFitDecreasing,
    NextFit,
    NightlyPipeline,
    scan_files,
    write_files,
)
from mds_sim.records import Failure, RunRecord
from mds_sim.sim import LinearService
from mds_sim.units import DAY, MB


def run(pipeline: NightlyPipeline, handler: Any = None, **options: Any) -> RunRecord:
    """Run a pipeline on threads, without a progress bar."""
    options.setdefault("clock", VirtualClock())
    return pipeline.run(handler, progress=False, **options)


FILES: dict[str, Any] = {
    "a source": FileSource(30),
    "heavy tails": FileSource(30, LogNormal(2 * MB, scv=20.0)),  # some oversize
    "sizes": [6 * MB, 0, 5 * MB, 25 * MB, 4 * MB, 0],
    "three nights": np.array([[6 * MB, 0, 4 * MB], [0, 0, 0], [11 * MB] * 3]),
    "only zeros": [0, 0, 0],
    "File objects": (File(6 * MB, "a"), File(12 * MB, "b"), File(0, "c")),
    "none": [],
}
SERVICES: list[Any] = [
    Constant(0.0),
    Constant(DAY),  # work ends exactly when the next night begins
    Exponential(0.4 * DAY),
    LinearService(5.0, 1.0, 1 / MB, noise=Exponential(1.0)),
]


@pytest.mark.parametrize(
    "strategy", [FirstFitDecreasing(), NextFit(), BestFitDecreasing()], ids=repr
)
@pytest.mark.parametrize("kind", FILES)
def test_a_run_on_a_virtual_clock_equals_the_simulation_bit_for_bit(
    kind: str, strategy: Any
) -> None:
    nights = 3 if isinstance(FILES[kind], FileSource) else None
    for service, workers in product(SERVICES, (1, 2, 10)):
        pipeline = NightlyPipeline(
            FILES[kind], strategy, service=service, workers=workers
        )
        simulated = pipeline.simulate(nights, rng=7).check()
        real = run(pipeline, nights=nights, rng=7)
        assert real.same_as(simulated), (service, workers)


@given(
    nights=st.lists(
        st.lists(st.integers(0, 25), min_size=4, max_size=4), min_size=1, max_size=4
    ),
    capacity=st.integers(1, 20),
)
def test_every_file_of_every_night_is_handled_once_and_no_bucket_is_too_full(
    nights: list[list[int]], capacity: int
) -> None:
    handled: Counter[str] = Counter()
    pipeline = NightlyPipeline(nights, capacity=capacity)
    record = run(pipeline, lambda bucket: handled.update(f.name for f in bucket))
    names = (
        f"night-{night:03}-file-{i:03}.bin"
        for night in range(len(nights))
        for i in range(4)
    )
    assert handled == Counter(names)
    assert record.check().items.size.tolist() == [
        size for row in nights for size in row
    ]
    assert (record.jobs.load[record.jobs.n_items > 1] <= capacity).all()


def test_each_night_is_packed_when_it_comes() -> None:
    pipeline = NightlyPipeline([[6, 4], [1, 1]], capacity=10, service=Constant(1.0))
    record = pipeline.simulate()
    assert record.jobs.ready.tolist() == [0.0, DAY]
    assert record.items.arrival.tolist() == [0.0, 0.0, DAY, DAY]


def test_fewer_nights_may_be_run_than_are_given() -> None:
    pipeline = NightlyPipeline([[1, 2], [3, 4]], service=Constant(1.0))
    assert pipeline.simulate(1).items.size.tolist() == [1, 2]
    assert run(pipeline, nights=1).same_as(pipeline.simulate(1))


def test_the_same_seed_is_the_same_night_for_every_strategy() -> None:
    sizes = [
        NightlyPipeline(strategy=strategy, service=Exponential(3.0)).simulate(rng=4)
        for strategy in (NextFit(), FirstFitDecreasing())
    ]
    assert np.array_equal(sizes[0].items.size, sizes[1].items.size)


def test_a_month_of_real_sizes() -> None:
    sizes = deb_sizes().sizes.reshape(50, 100)[:30]
    pipeline = NightlyPipeline(sizes, service=LinearService(5.0, per_byte=1 / MB))
    record = pipeline.simulate().check()
    assert (len(record.items), record.jobs.load.sum()) == (3000, sizes.sum())
    assert run(pipeline).same_as(record)


class TestOversize:
    def test_a_file_that_fits_in_no_bucket_gets_one_of_its_own(self) -> None:
        pipeline = NightlyPipeline([4, 25, 4], capacity=10, service=Constant(1.0))
        for record in (pipeline.simulate(), run(pipeline)):
            assert record.items.job.tolist() == [0, 1, 0]
            assert record.fill.tolist() == [0.8, 2.5]

    def test_it_is_refused_before_the_first_night(self) -> None:
        handled: list[Bucket] = []
        pipeline = NightlyPipeline([[4, 4], [25, 4]], capacity=10, oversize="raise")
        with pytest.raises(ValueError, match=r"^every file must fit in one bucket"):
            run(pipeline, handled.append)
        assert handled == []

    def test_or_it_is_refused(self) -> None:
        pipeline = NightlyPipeline(
            [4, 25], capacity=10, service=Constant(1.0), oversize="raise"
        )
        message = (
            'every file must fit in one bucket of 10 bytes (oversize="raise"), '
            "but sizes[1] = 25"
        )
        for attempt in (pipeline.simulate, lambda: run(pipeline)):
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                attempt()


def test_a_run_on_a_clock_that_was_used_begins_with_its_next_second() -> None:
    clock = VirtualClock()
    clock.sleep(99.5)
    pipeline = NightlyPipeline([[6, 5], [4, 3]], capacity=10, service=Constant(1.0))
    later, fresh = run(pipeline, clock=clock), pipeline.simulate()
    assert np.array_equal(later.items.arrival, fresh.items.arrival + 100)
    assert np.array_equal(later.jobs.finish, fresh.jobs.finish + 100)


def test_a_progress_bar_is_there_unless_it_is_not_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipeline = NightlyPipeline([1, 2, 3])
    pipeline.run(clock=VirtualClock())
    assert "/3 [" in capsys.readouterr().err
    pipeline.run(clock=VirtualClock(), progress=False)
    assert capsys.readouterr().err == ""


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a folder, by its path inside."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


class TestRealFiles:
    def test_a_real_night_copies_every_file_with_equal_sha_256(
        self, tmp_path: Path
    ) -> None:
        sizes = FileSource(60, Exponential(20_000)).sample(rng=1)[0]
        names = [f"{'deep/er/' * (i % 2)}{i}.bin" for i in range(61)]
        write_files(tmp_path / "in", [*sizes, 0], names, rng=2)
        files = scan_files(tmp_path / "in")
        pipeline = NightlyPipeline(files, capacity=50_000)
        handler = CopyFiles(tmp_path / "out")
        record = run(pipeline, handler, clock=WallClock()).check()
        assert record.failures == ()
        assert record.items.size.tolist() == [file.size_bytes for file in files]
        copies = digests(tmp_path / "out")
        assert len(copies) == 61
        assert copies == digests(tmp_path / "in")

    def test_without_a_handler_they_are_read_and_verified(self, tmp_path: Path) -> None:
        files = write_files(tmp_path, [100, 200, 300], rng=1)
        (tmp_path / files[1].name).unlink()
        record = run(NightlyPipeline(files, FirstFit(), 400)).check()
        path = str(tmp_path / files[1].name)
        error = f"FileError: file-001.bin has vanished from {path!r}"
        assert record.failures == (Failure(0, 1, error),)

    def test_a_folder_without_files_is_a_quiet_night(self, tmp_path: Path) -> None:
        record = run(NightlyPipeline(scan_files(tmp_path)), CopyFiles(tmp_path / "out"))
        assert len(record.check().items) == 0


def test_a_handler_that_raises_is_a_failure_in_the_record_and_all_others_are_done() -> (
    None
):
    done: list[int] = []

    def handle(bucket: Bucket) -> None:
        if bucket.index == 1:
            raise OSError("disk full")
        done.append(bucket.index)

    pipeline = NightlyPipeline([6, 6, 6], capacity=10, service=Constant(9.0))
    record = run(pipeline, handle).check()
    assert sorted(done) == [0, 2]
    assert record.failures == (Failure(1, None, "OSError: disk full"),)
    assert record.jobs.same_as(pipeline.simulate().jobs)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"capacity": 0}, ValueError, "capacity must be whole bytes >= 1, got 0"),
        ({"workers": 0}, ValueError, "workers must be >= 1, got 0"),
        (
            {"oversize": "split"},
            ValueError,
            "oversize must be 'alone' or 'raise', got 'split'",
        ),
        (
            {"service": 30},
            TypeError,
            "service must be a law such as Exponential(mean) or a frozen "
            "scipy.stats distribution, got 30",
        ),
        (
            {"files": Path("inbox")},
            TypeError,
            "files must be files or their sizes, got 'inbox'; "
            "scan_files(folder) finds those in a folder",
        ),
    ],
)
def test_a_wrong_field_is_refused_at_once(
    fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        NightlyPipeline(**fields)


@pytest.mark.parametrize(
    ("files", "nights", "error", "message"),
    [
        (FileSource(), 0, ValueError, "nights must be >= 1, got 0"),
        ([5], 0, ValueError, "nights must be >= 1, got 0"),
        ([5], 2, ValueError, "nights must be <= 1, as given, got 2"),
        (
            [5, -1],
            None,
            ValueError,
            "files must be whole bytes >= 0, but files[1] = -1",
        ),
        (
            [[1, 2], [3]],
            None,
            ValueError,
            "files must be as many every night, shape (nights, count), "
            "got nights of different lengths",
        ),
        ([0.5], None, ValueError, "files must be whole bytes >= 0, but files[0] = 0.5"),
    ],
)
def test_wrong_files_or_nights_are_refused(
    files: Any, nights: int | None, error: type[Exception], message: str
) -> None:
    pipeline = NightlyPipeline(files, service=Constant(1.0))
    for attempt in (pipeline.simulate, lambda nights: run(pipeline, nights=nights)):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            attempt(nights)


def test_a_handler_can_be_called() -> None:
    with pytest.raises(TypeError, match=r"^handler must be callable or None, got 'x'$"):
        run(NightlyPipeline([1]), "x")


def test_a_simulation_needs_a_model_of_its_service_times() -> None:
    message = "service must be given to simulate, such as LinearService(per_job=5)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        NightlyPipeline().simulate()
