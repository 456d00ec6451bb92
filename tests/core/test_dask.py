"""A pool on a cluster of two processes: nothing is lost, and the guest stays open."""

import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mds_sim.core.backends import WorkerCrashError
from mds_sim.core.worker_pool import WorkerPool

sys.path.insert(0, str(Path(__file__).parent))
faults = import_module("pool_faults")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no signal kills there"),
]


@pytest.fixture(scope="module")
def dask() -> Iterator[tuple[Any, Executor]]:
    with faults.dask_cluster() as (cluster, executor):
        yield cluster, executor


def test_results_come_in_order(dask: tuple[Any, Executor]) -> None:
    with WorkerPool(4, executor=dask[1]) as pool:
        assert pool.is_remote
        assert list(pool.map(faults.square, range(100))) == [x * x for x in range(100)]
        assert list(pool.map(lambda x: -x, range(3))) == [0, -1, -2]


@pytest.mark.parametrize("n_tasks", [200])
def test_a_worker_that_is_killed_midway_loses_nothing(
    dask: tuple[Any, Executor], n_tasks: int
) -> None:
    cluster, executor = dask
    with WorkerPool(4, executor=executor) as pool:
        futures = [pool.submit(faults.work, x) for x in range(n_tasks)]
        done = pool.as_completed(futures)
        for _ in range(n_tasks // 4):
            next(done)
        faults.kill(next(iter(cluster.workers.values())).pid)
        order = [future.record.index for future in done]
    assert len(order) == len(set(order)) == n_tasks - n_tasks // 4
    assert [future.result() for future in futures] == list(range(n_tasks))


def test_a_task_in_bad_company_is_not_given_up(dask: tuple[Any, Executor]) -> None:
    # Here the cluster gives up whatever was on a worker when it died, at once. The pool
    # has each done again, alone, and gives up only what is then given up again.
    with WorkerPool(4, executor=dask[1]) as pool:
        bad = pool.submit(faults.die_at, 1, 1)
        good = [pool.submit(faults.die_at, -1, x) for x in range(20)]
        assert [future.result(faults.PATIENCE) for future in good] == list(range(20))
        error = bad.exception(faults.PATIENCE)
    assert type(error) is WorkerCrashError
    assert str(error).startswith(
        "die_at was given up by ClientExecutor: KilledWorker: "
    )
    assert error.__notes__[0].startswith("task 0, die_at, worker-")


def test_a_time_out_leaves_the_cluster_usable(
    dask: tuple[Any, Executor], tmp_path: Path
) -> None:
    with WorkerPool(2, executor=dask[1], timeout=0.2) as pool:
        late = pool.submit(faults.wait_for, tmp_path / "go")
        error = late.exception(faults.PATIENCE)
        text = "task 0, wait_for, took longer than its timeout of 0.2 s"
        assert (type(error), str(error)) == (TimeoutError, text)
    (tmp_path / "go").touch()
    with WorkerPool(2, executor=dask[1]) as pool:  # it was not shut down
        assert pool.submit(faults.square, 3).result(faults.PATIENCE) == 9


def test_the_client_itself_is_no_executor(dask: tuple[Any, Executor]) -> None:
    client = dask[1]._client  # type: ignore[attr-defined]
    with pytest.raises(TypeError) as error:
        WorkerPool(2, executor=client)
    assert str(error.value) == (
        "executor must be 'threads', 'processes', a concurrent.futures.Executor or a "
        f"function that makes one, got {client!r}; did you mean its .get_executor()?"
    )
