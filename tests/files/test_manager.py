"""The manager of a night: nothing lost, nothing twice, every failure in its row."""

import hashlib
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mds_sim.core import VirtualClock, WorkerPool
from mds_sim.distributions import Constant
from mds_sim.files import (
    Bucket,
    BucketManager,
    BucketTask,
    CopyFiles,
    File,
    FileError,
    FirstFit,
    NextFit,
    ReadFiles,
    write_files,
)
from mds_sim.records import Failure

A, B, C, D = File(6, "a"), File(5, "b"), File(4, "c"), File(25, "d")


class TestBucketTask:
    def test_the_handler_gets_the_bucket(self) -> None:
        bucket = Bucket(3, (A, C), capacity=10)
        task = BucketTask(bucket, lambda bucket: [file.name for file in bucket])
        assert (task.name, task.execute()) == ("bucket 3", ["a", "c"])

    def test_it_knows_rows_arrivals_and_sizes(self) -> None:
        bucket = Bucket(0, (A, C), capacity=10)
        task = BucketTask(bucket, None, 2.5, rows=[7, 3], arrivals=[60.0, 30.0])
        assert (task.rows, task.sizes, task.opened) == ([7, 3], [6, 4], 30.0)
        assert task.service_time == 2.5
        task = BucketTask(bucket)
        assert (list(task.rows), task.arrivals, task.opened) == ([0, 1], [0, 0], 0.0)

    def test_simulated_files_are_counted(self) -> None:
        assert BucketTask(Bucket(0, (A, C), capacity=10)).execute() == 2

    def test_real_files_are_read(self, tmp_path: Path) -> None:
        files = tuple(write_files(tmp_path, [6, 4], rng=1))
        task = BucketTask(Bucket(0, files, capacity=10))
        assert task.handler == ReadFiles()
        assert task.execute() == [file.sha256 for file in files]

    def test_a_simulated_file_among_real_ones_fails_and_the_others_are_read(
        self, tmp_path: Path
    ) -> None:
        (real,) = write_files(tmp_path, [6], rng=1)
        task = BucketTask(Bucket(0, (C, real), capacity=10))
        with pytest.raises(ExceptionGroup) as caught:
            task.execute()
        (error,) = caught.value.exceptions
        assert str(error) == "c has no path to read it from"

    def test_an_empty_bucket_is_no_work(self) -> None:
        task = BucketTask(Bucket(0, (), capacity=10))
        assert (task.opened, list(task.rows)) == (0.0, [])

    def test_errors_are_told_apart_file_by_file(self) -> None:
        task = BucketTask(Bucket(0, (A, B), capacity=20), rows=[7, 3])
        mine, other = FileError(B, "is gone"), FileError(D, "is not ours")
        whole = OSError("disk full")
        nested = ExceptionGroup("all", [mine, ExceptionGroup("more", [whole, other])])
        expected = [(3, mine), (None, whole), (None, other)]
        assert list(task.failed_items(nested)) == expected
        assert list(task.failed_items(mine)) == [(3, mine)]

    def test_a_file_that_is_there_twice_fails_in_both_rows(self) -> None:
        task = BucketTask(Bucket(0, (A, B, A), capacity=20), rows=[7, 3, 5])
        errors = [FileError(A, reason) for reason in ("is odd", "is odder", "is gone")]
        rows = [row for row, _ in task.failed_items(ExceptionGroup("all", errors))]
        assert rows == [7, 5, 5]

    def test_a_handler_can_be_called(self) -> None:
        message = "^handler must be callable or None, got 'x'$"
        with pytest.raises(TypeError, match=message):
            BucketTask(Bucket(0, (A,), capacity=10), "x")  # type: ignore[arg-type]


class TestBucketManager:
    def test_a_night_is_packed_and_handed_over(self) -> None:
        seen: list[Bucket] = []
        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = BucketManager(pool, FirstFit(), capacity=10, handler=seen.append)
            manager.add(A, B)
            manager.add(C, D)
            packing = manager.submit_night()
            record = manager.record().check()
        assert packing.bucket.tolist() == [0, 1, 0, 2]
        assert [bucket.files for bucket in seen] == [(A, C), (B,), (D,)]
        assert tuple(seen) == manager.buckets
        assert record.items.size.tolist() == [6, 5, 4, 25]
        assert record.items.job.tolist() == [0, 1, 0, 2]
        assert (record.jobs.load.tolist(), record.capacity) == ([10, 5, 25], 10)

    def test_the_nights_follow_each_other_in_one_record(self) -> None:
        clock = VirtualClock()
        with WorkerPool(1, clock=clock) as pool:
            manager = BucketManager(pool, NextFit(), capacity=10)
            manager.add(A)
            clock.sleep(50.0)
            manager.add(B)
            manager.submit_night()
            clock.sleep(50.0)
            manager.add(C, A)
            manager.submit_night()
            record = manager.record().check()
        assert record.items.arrival.tolist() == [0.0, 50.0, 100.0, 100.0]
        assert record.items.job.tolist() == [0, 1, 2, 2]
        assert record.jobs.open.tolist() == [0.0, 50.0, 100.0]
        assert record.jobs.ready.tolist() == [50.0, 50.0, 100.0]

    def test_a_night_without_files_is_no_night(self) -> None:
        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = BucketManager(pool)
            assert manager.submit_night().n_buckets == 0
            assert len(manager.record().check().jobs) == 0

    def test_files_of_zero_bytes_are_handled_too(self) -> None:
        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = BucketManager(pool, capacity=10)
            manager.add(*(File(0, name) for name in "xyz"), A)
            manager.submit_night()
            assert manager.record().check().jobs.n_items.tolist() == [4]

    def test_a_file_that_is_refused_leaves_the_others_collected(self) -> None:
        message = (
            'every file must fit in one bucket of 10 bytes (oversize="raise"), '
            "but 'd' has 25"
        )
        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = BucketManager(pool, FirstFit(), capacity=10, oversize="raise")
            manager.add(A)
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                manager.add(B, D)
            manager.add(C)
            assert manager.submit_night().bucket.tolist() == [0, 0]
            assert manager.submit_night().n_buckets == 0
            assert manager.record().check().items.size.tolist() == [6, 4]

    def test_files_stay_collected_after_a_night_that_was_packed_wrongly(self) -> None:
        class Moody:
            is_kind = False

            def assign(self, sizes: Any, capacity: int) -> Any:
                return np.zeros(sizes.size, int) if self.is_kind else np.full(1, 9)

        strategy = Moody()
        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = BucketManager(pool, strategy, capacity=10)
            manager.add(A, C)
            for _ in range(2):
                with pytest.raises(ValueError, match=r"^Moody must put each of 2"):
                    manager.submit_night()
            assert manager.buckets == ()
            strategy.is_kind = True
            manager.submit_night()
            assert manager.record().check().items.size.tolist() == [6, 4]

    def test_a_night_that_is_interrupted_goes_on_with_the_files_that_are_left(
        self,
    ) -> None:
        class Interrupted(WorkerPool):
            is_spent = False

            def submit(self, task: Any, *args: Any, **kwargs: Any) -> Any:
                if task.name == "bucket 1" and not self.is_spent:
                    self.is_spent = True
                    raise KeyboardInterrupt
                return super().submit(task, *args, **kwargs)

        def handle(bucket: Bucket) -> None:
            seen.append(bucket.files)
            raise FileError(bucket.files[-1], "is odd")

        seen: list[tuple[File, ...]] = []
        heard: list[int] = []
        with Interrupted(1, clock=VirtualClock()) as pool:
            manager = BucketManager(pool, FirstFit(), capacity=10, handler=handle)
            manager.on_bucket_done(lambda bucket: heard.append(bucket.index))
            manager.add(A, B, C, D)
            with pytest.raises(KeyboardInterrupt):
                manager.submit_night()
            record = manager.record().check()
            assert record.items.size.tolist() == [6, 4]
            assert [failure.item for failure in record.failures] == [1]
            assert manager.submit_night().sizes.tolist() == [5, 25]
            record = manager.record().check()
        assert seen == [(A, C), (B,), (D,)]
        assert heard == [0, 1, 2]
        assert record.items.size.tolist() == [6, 5, 4, 25]
        assert record.items.job.tolist() == [0, 1, 0, 2]
        assert [failure.item for failure in record.failures] == [2, 1, 3]

    def test_two_threads_that_submit_a_night_at_once_hand_each_file_over_once(
        self,
    ) -> None:
        second_is_there = threading.Event()

        class Announced:
            """A lock that says when somebody comes."""

            def __init__(self) -> None:
                self.lock = threading.Lock()

            def __enter__(self) -> None:
                if self.lock.locked():
                    second_is_there.set()
                self.lock.acquire()

            def __exit__(self, *_: object) -> None:
                self.lock.release()

        class Meeting:
            """A strategy that answers once a second thread wants the night too."""

            def __init__(self) -> None:
                self.asked = 0

            def assign(self, sizes: Any, capacity: int) -> Any:
                self.asked += 1
                if self.asked == 2:  # nothing has kept the second thread out
                    second_is_there.set()
                assert second_is_there.wait(60)
                return np.arange(sizes.size)

        seen: list[str] = []
        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = BucketManager(
                pool, Meeting(), 10, handler=lambda b: seen.extend(f.name for f in b)
            )
            manager._lock = Announced()  # type: ignore[assignment]
            manager.add(A, B, C)
            with ThreadPoolExecutor(2) as threads:
                nights = [threads.submit(manager.submit_night) for _ in range(2)]
            counts = sorted(night.result().n_buckets for night in nights)
            assert len(manager.record().check().items) == 3
        assert counts == [0, 3]
        assert sorted(seen) == ["a", "b", "c"]

    def test_no_bucket_is_handed_over_twice_if_a_later_one_has_no_service_time(
        self,
    ) -> None:
        class Moody:
            is_kind = False

            def sample(self, n_items: Any, load: Any, rng: Any) -> Any:
                return np.where((load < 10) & (not self.is_kind), -1.0, 1.0)

        seen: list[Bucket] = []
        service = Moody()
        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = BucketManager(
                pool, FirstFit(), 10, handler=seen.append, service=service
            )
            manager.add(A, B, C)
            with pytest.raises(ValueError, match=r"^service times must be >= 0"):
                manager.submit_night()
            service.is_kind = True
            manager.submit_night()
            manager.record().check()
        assert [bucket.files for bucket in seen] == [(A, C), (B,)]

    def test_a_pool_that_was_shut_down_leaves_the_files_collected(self) -> None:
        with WorkerPool(1, clock=VirtualClock()) as pool:
            manager = BucketManager(pool, capacity=10)
            manager.add(A, B)
        message = "cannot schedule new futures after shutdown"
        with pytest.raises(RuntimeError, match=f"^{message}$"):
            manager.submit_night()
        with WorkerPool(1, clock=VirtualClock()) as manager.pool:
            assert manager.submit_night().n_buckets == 2

    def test_a_handler_that_raises_fails_its_own_bucket_only(self) -> None:
        def handle(bucket: Bucket) -> None:
            if bucket.index == 1:
                raise RuntimeError("no")
            done.append(bucket.index)

        done: list[int] = []
        with WorkerPool(2, clock=VirtualClock()) as pool:
            manager = BucketManager(pool, capacity=10, handler=handle)
            manager.add(A, B, C, D)
            manager.submit_night()
            record = manager.record().check()
        assert sorted(done) == [0, 2]
        assert record.failures == (Failure(1, None, "RuntimeError: no"),)

    def test_watchers_hear_of_each_bucket_and_may_add_files(self) -> None:
        class Hasty(WorkerPool):
            """A pool that is done before it returns, as threads may well be."""

            def submit(self, *args: Any, **kwargs: Any) -> Any:
                future = super().submit(*args, **kwargs)
                future.result()
                return future

        heard: list[int] = []
        with Hasty(1, clock=VirtualClock()) as pool:
            manager = BucketManager(pool, capacity=10, service=Constant(5.0))
            manager.on_bucket_done(lambda bucket: heard.append(bucket.index))
            manager.on_bucket_done(lambda bucket: bucket.index < 3 and manager.add(A))
            manager.add(A, B)
            manager.submit_night()
            manager.submit_night()
            assert len(manager.record().check().items) == 4
        assert heard == [0, 1, 2, 3]

    def test_many_threads_may_add(self) -> None:
        def collect(thread: int) -> None:
            barrier.wait()
            for i in range(200):
                manager.add(File(i, f"{thread}-{i}"))

        barrier = threading.Barrier(8)
        with WorkerPool(4) as pool:
            manager = BucketManager(pool, capacity=1000)
            threads = [threading.Thread(target=collect, args=(k,)) for k in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            manager.submit_night()
            assert len(manager.record().check().items) == 1600
        names = [file.name for bucket in manager.buckets for file in bucket]
        assert sorted(names) == sorted(f"{k}-{i}" for k in range(8) for i in range(200))

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (
                lambda pool: BucketManager(pool, capacity=0),
                ValueError,
                "capacity must be whole bytes >= 1, got 0",
            ),
            (
                lambda pool: BucketManager(pool, oversize="split"),
                ValueError,
                "oversize must be 'alone' or 'raise', got 'split'",
            ),
            (
                lambda pool: BucketManager(pool, handler="x"),  # type: ignore[arg-type]
                TypeError,
                "handler must be callable or None, got 'x'",
            ),
            (
                lambda pool: BucketManager(pool).add(A, 5),
                TypeError,
                "a file must be a File, got int",
            ),
        ],
    )
    def test_a_wrong_argument_is_refused(
        self,
        call: Callable[[WorkerPool], object],
        error: type[Exception],
        message: str,
    ) -> None:
        with (
            WorkerPool(1, clock=VirtualClock()) as pool,
            pytest.raises(error, match=f"^{re.escape(message)}$"),
        ):
            call(pool)


def vanish(path: Path) -> None:
    path.unlink()


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def shrink(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def change(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("kind", [CopyFiles, ReadFiles])
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (vanish, "has vanished from {path!r}"),
        (grow, "has changed its size since it was packed, from 300 to 304 bytes"),
        (shrink, "has changed its size since it was packed, from 300 to 299 bytes"),
        (become_a_folder, "is a folder at {path!r}"),
        (change, "has changed its content, SHA-256 from {old}... to {new}..."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_is_spoilt_after_packing_fails_in_its_row_and_all_others_are_done(
    tmp_path: Path, kind: type[Any], spoil: Callable[[Path], None], reason: str
) -> None:
    sizes = [100, 200, 300, 0, 400, 999, 1]
    files = write_files(tmp_path / "in", sizes, rng=1)
    done: list[int] = []
    handler = CopyFiles(tmp_path / "out") if kind is CopyFiles else ReadFiles()

    def spoil_first(bucket: Bucket) -> Any:
        path = files[2].path
        if files[2] in bucket and path:
            spoil(path)
        done.append(bucket.index)
        return handler(bucket)

    with WorkerPool(2) as pool:
        manager = BucketManager(pool, FirstFit(), capacity=650, handler=spoil_first)
        manager.add(*files)
        manager.submit_night()
        record = manager.record().check()
    assert len(done) == len(record.jobs) == 3
    text = reason.format(
        path=str(files[2].path),
        old=str(files[2].sha256)[:12],
        new=hashlib.sha256(bytes(300)).hexdigest()[:12],
    )
    job = int(record.items.job[2])
    error = f"FileError: file-002.bin {text}"
    assert record.failures == (Failure(job, 2, error),)
    if kind is CopyFiles:
        copies = sorted(path.name for path in (tmp_path / "out").iterdir())
        assert copies == [file.name for file in files if file is not files[2]]
