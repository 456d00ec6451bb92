"""Whatever a task does, and whenever: it fails alone, and is named; all others go on.

After the table of loky's tests (``test_reusable_executor.py``): to die or to raise,
while arguments are pickled or unpickled, while the task runs, while its result is
pickled, or unpickled at home; and again for a task that a callback submitted.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from mds_sim.core.worker_pool import WorkerPool

sys.path.insert(0, str(Path(__file__).parent))
faults = import_module("pool_faults")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(faults.KNOWN),
    pytest.mark.skipif(sys.platform == "win32", reason="no signal kills there"),
]


@pytest.fixture(scope="module")
def pools() -> Iterator[Callable[[str], WorkerPool]]:
    """Return what opens a pool, the same one for all faults on a backend.

    It is as good as new after each. (Were the pool itself a fixture, with the backend
    as its parameter, each row of the table would have another one.)
    """
    with ExitStack() as stack:
        yield cache(lambda backend: stack.enter_context(faults.pool_on(backend)))


@pytest.mark.parametrize(
    ("backend", "when", "what"),
    [
        *faults.cases("threads"),
        *faults.cases("processes", deaths=("kill",)),
        ("processes", "running", "exit"),
        ("processes", "running", "segfault"),
        *faults.cases("executor"),
        # A death costs some seconds here: all of them are in tests/stress.
        *faults.cases("dask", deaths=()),
        ("dask", "running", "exit"),
    ],
)
def test_a_fault_is_the_error_of_its_task_alone(
    pools: Callable[[str], WorkerPool], backend: str, when: str, what: str
) -> None:
    faults.check_fault(pools(backend), backend, when, what)


@pytest.mark.parametrize(
    ("when", "what", "note"),
    [
        (
            "pickling",
            "error",
            "faulty and its arguments must be picklable to leave this process",
        ),
        ("unpickling", "error", "while the task and its arguments were unpickled"),
        ("returning", "lock", "its result, of type lock, must be picklable to travel"),
        ("arriving", "error", "its result must be unpicklable in this process"),
    ],
)
def test_an_error_says_which_part_could_not_travel(
    pools: Callable[[str], WorkerPool], when: str, what: str, note: str
) -> None:
    future = pools("executor").submit(
        faults.faulty, when, what, faults.argument(when, what)
    )
    error = future.exception(faults.PATIENCE)
    assert error is not None
    assert note in error.__notes__


def test_an_error_that_cannot_travel_leaves_its_trace(
    pools: Callable[[str], WorkerPool],
) -> None:
    pool = pools("executor")
    future = pool.submit(faults.faulty, "returning", "odd error")
    error = future.exception(faults.PATIENCE)
    assert error is not None
    assert type(error.__cause__) is TypeError  # why it could not
    future = pool.submit(faults.faulty, "running", "error")
    error = future.exception(faults.PATIENCE)
    assert error is not None
    assert "raise RAISES[what](TEXT)" in str(error.__cause__)
