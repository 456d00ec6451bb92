"""Jobs: what ran becomes one record, whatever went wrong on the way."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mds_sim.core.clock import VirtualClock
from mds_sim.core.jobs import JobTask, describe, run_record
from mds_sim.core.worker_pool import TaskFuture, WorkerPool
from mds_sim.records import Failure, RunRecord


class Job(JobTask):
    """Handles items that are given by their rows; each arrived at its row."""

    def __init__(
        self,
        rows: Sequence[int],
        service_time: float = 0.0,
        handler: Callable[[], Any] = int,
    ) -> None:
        self.rows = rows
        self.arrivals = [float(row) for row in rows]
        self.sizes = [10 * row for row in rows]
        self.opened = min(self.arrivals)
        self.service_time = service_time
        self._handler = handler

    def execute(self) -> Any:
        return self._handler()


def fail() -> None:
    raise OSError("disc full")


def run(
    *jobs: Job,
    workers: int = 1,
    prepare: Callable[[WorkerPool, list[TaskFuture]], object] = lambda *_: None,
) -> RunRecord:
    """Submit jobs at 10 s on a virtual clock and return their record, checked."""
    clock = VirtualClock()
    clock.sleep(10.0)
    with WorkerPool(workers, clock=clock) as pool:
        futures = [pool.submit(job) for job in jobs]
        prepare(pool, futures)
        record = run_record(list(zip(jobs, futures, strict=True)), workers, 1000)
    return record.check()


def test_jobs_and_their_items_become_one_record() -> None:
    record = run(Job([2, 0], 5.0), Job([1], 1.0), Job([3, 4], 2.0), workers=2)
    assert record.items.to_dict() == {
        "arrival": [0.0, 1.0, 2.0, 3.0, 4.0],  # in the order of rows
        "size": [0, 10, 20, 30, 40],
        "job": [0, 1, 0, 2, 2],
    }
    assert record.jobs.to_dict() == {
        "open": [0.0, 1.0, 3.0],
        "ready": [10.0, 10.0, 10.0],
        "start": [10.0, 10.0, 11.0],
        "finish": [15.0, 11.0, 13.0],
        "worker": [0, 1, 1],
        "n_items": [2, 1, 2],
        "load": [20, 10, 70],
    }
    assert (record.workers, record.capacity, record.failures) == (2, 1000, ())


def test_no_jobs_make_an_empty_record() -> None:
    record = run()
    assert (len(record.items), len(record.jobs)) == (0, 0)


def test_a_job_that_fails_is_a_failure_and_keeps_its_row() -> None:
    record = run(Job([0], 3.0), Job([1], 3.0, fail), Job([2], 3.0))
    assert record.failures == (Failure(1, None, "OSError: disc full"),)
    assert record.jobs.finish.tolist() == [13.0, 16.0, 19.0]


def test_a_job_may_say_which_of_its_items_failed() -> None:
    class Picky(Job):
        def failed_items(self, error: BaseException) -> Any:
            for row in self.rows[1:]:
                yield row, ValueError(f"row {row}")

    record = run(Job([0]), Picky([1, 2, 3], handler=fail))
    assert record.failures == (
        Failure(1, 2, "ValueError: row 2"),
        Failure(1, 3, "ValueError: row 3"),
    )


def cancel_last_at_once(_: WorkerPool, futures: list[TaskFuture]) -> None:
    assert futures[-1].cancel()


def cancel_last_while_it_is_waited_for(
    pool: WorkerPool, futures: list[TaskFuture]
) -> None:
    pool.clock.call_at(12.0, futures[-1].cancel)


def cancel_last_at_shutdown(pool: WorkerPool, futures: list[TaskFuture]) -> None:
    pool.clock.sleep(1.0)
    pool.shutdown(wait=False, cancel_futures=True)


@pytest.mark.parametrize(
    "prepare",
    [cancel_last_at_once, cancel_last_while_it_is_waited_for, cancel_last_at_shutdown],
)
def test_a_job_that_was_cancelled_is_a_failure_and_takes_no_time(
    prepare: Callable[..., object],
) -> None:
    record = run(Job([0], 5.0), Job([1, 2], 5.0), prepare=prepare)
    assert record.failures == (Failure(1, None, "CancelledError"),)
    assert record.jobs.worker.tolist() == [0, -1]
    assert record.jobs.start.tolist() == record.jobs.ready.tolist() == [10.0, 10.0]
    assert record.jobs.finish.tolist() == [15.0, 10.0]
    assert record.jobs.n_items.tolist() == [1, 2]


def test_the_record_waits_for_the_jobs() -> None:
    clock = VirtualClock()
    clock.sleep(10.0)
    pool = WorkerPool(3, clock=clock)
    jobs = [Job([i], float(i)) for i in range(5)]
    futures = [pool.submit(job) for job in jobs]
    record = run_record(list(zip(jobs, futures, strict=True)), workers=3)
    assert record.check().jobs.finish.max() == clock.time() == 15.0
    pool.shutdown()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("too large"), "ValueError: too large"),
        (ValueError(), "ValueError"),
        (KeyError("name"), "KeyError: 'name'"),
    ],
)
def test_an_error_is_described_by_its_kind_and_its_text(
    error: BaseException, text: str
) -> None:
    assert describe(error) == text


def test_a_task_without_an_execute_is_no_task() -> None:
    class Idle(JobTask):
        pass

    with pytest.raises(TypeError, match=r"^Can't instantiate abstract class Idle .*$"):
        Idle()
