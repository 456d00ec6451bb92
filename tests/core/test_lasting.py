"""What goes wrong around a task leaves the pool at work, and what was done in hand."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from mds_sim.core import Retry, Task, WorkerPool

PATIENCE = 30.0  # seconds

FORGOTTEN = """
import sys
from pathlib import Path
from mds_sim.core import WorkerPool

def write(number):
    Path(sys.argv[2], str(number)).touch()

def go():
    pool = WorkerPool(2, executor=sys.argv[1])
    for number in range(4):
        pool.submit(write, number)
    pool.shutdown(wait=False)
    WorkerPool(2, executor=sys.argv[1]).submit(write, 4)

go()
"""


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_work_of_pools_that_nobody_holds_is_done_before_the_exit(
    executor: str, tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-c", FORGOTTEN, executor, str(tmp_path)],
        timeout=2 * PATIENCE,
        check=True,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3", "4"]


class Failing(Task):
    def __init__(self, retry: object) -> None:
        self.retry = retry  # type: ignore[assignment]  # that is what is tried here

    def execute(self) -> None:
        raise OSError("busy")


def test_a_task_may_have_a_number_of_attempts_as_a_pool_may() -> None:
    with WorkerPool(1) as pool:
        future = pool.submit(Failing(2))
        assert isinstance(future.exception(PATIENCE), OSError)
        assert future.record.attempts == 3


def test_a_retry_that_is_none_is_told_and_the_task_has_an_end() -> None:
    with WorkerPool(1) as pool:
        error = pool.submit(Failing("often")).exception(PATIENCE)
        assert pool.submit(abs, -2).result(PATIENCE) == 2
    assert isinstance(error, OSError)
    assert error.__notes__ == [
        "it cannot be tried again: TypeError: retry must be a whole number, got 'often'"
    ]


def test_a_callback_that_wants_to_exit_ends_no_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda a: told.append(a.exc_type))
    go = threading.Event()
    with WorkerPool(1) as pool:
        pool.submit(go.wait, PATIENCE).add_done_callback(lambda _: sys.exit(3))
        go.set()
        assert pool.submit(abs, -2).result(PATIENCE) == 2
    assert told == [SystemExit]


def test_a_task_between_two_attempts_is_neither_done_nor_late() -> None:
    begun, go = threading.Event(), threading.Event()
    calls = []

    def flaky() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise OSError(1)
        begun.set()
        go.wait(PATIENCE)
        return 1

    with WorkerPool(1, retry=Retry(2, first=0.001)) as pool:
        future = pool.submit(flaky)
        begun.wait(PATIENCE)
        record = future.record
        assert record.error is None
        assert record.finished != record.finished  # not yet
        assert pool.insights().counts["under way"] == 1
        go.set()
    assert future.record.attempts == 2


def fragile(most: int) -> Iterator[int]:
    yield from range(most)
    raise ValueError("no more input")


def test_results_come_before_the_error_of_the_input() -> None:
    with WorkerPool(2) as pool:
        results = pool.map(abs, fragile(20))
        assert [next(results) for _ in range(20)] == list(range(20))
        with pytest.raises(ValueError, match=r"^no more input$"):
            next(results)


def test_an_error_of_the_input_is_one_of_the_group() -> None:
    good: list[float] = []
    with WorkerPool(2) as pool, pytest.raises(ExceptionGroup) as group:
        good.extend(pool.map(lambda x: 1 / (x - 3), fragile(20), errors="group"))
    kinds = [type(error) for error in group.value.exceptions]
    assert kinds == [ZeroDivisionError, ValueError]
    assert len(good) == 19


def test_results_come_before_the_error_of_a_pool_that_was_shut_down() -> None:
    with WorkerPool(1) as pool:
        results = pool.map(abs, range(5))
    assert [next(results) for _ in range(4)] == [0, 1, 2, 3]
    message = r"^cannot schedule new futures after shutdown"
    with pytest.raises(RuntimeError, match=message):
        next(results)


@pytest.mark.parametrize("options", [{"retry": 1}, {"timeout": 1.0}])
def test_chunks_are_refused_where_each_item_has_a_right_of_its_own(
    options: dict[str, float],
) -> None:
    message = (
        r"^chunksize must be 1 where the pool has a retry or a timeout, "
        r"which are for each item, got 2$"
    )
    with (
        WorkerPool(1, **options) as pool,  # type: ignore[arg-type]
        pytest.raises(ValueError, match=message),
    ):
        pool.map(abs, [1], chunksize=2)


def test_a_task_that_says_cancelled_has_failed() -> None:
    def work() -> None:
        raise CancelledError

    with WorkerPool(1) as pool:
        pool.submit(work)
        with pytest.raises(ExceptionGroup, match=r"^1 of 1 task failed"):
            pool.drain(raise_errors=True)


def test_each_task_of_a_broken_executor_has_an_error_of_its_own() -> None:
    with (
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor,
        WorkerPool(2, executor=executor) as pool,
    ):
        futures: list[Future[None]] = [
            pool.submit(os._exit, 3),
            pool.submit(abs, 1),
            pool.submit(abs, 2),
        ]
        errors = [future.exception(PATIENCE) for future in futures]
    errors = [error for error in errors if error is not None]
    assert len(errors) >= 1
    assert len(set(map(id, errors))) == len(errors)
    for error in errors:
        assert sum(note.startswith("task ") for note in error.__notes__) == 1
