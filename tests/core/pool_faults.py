"""What may go wrong with a task, and when; and executors on which it does.

The functions run in other processes too, which find them by the name of this module.
"""

import ctypes
import faulthandler
import itertools
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from mds_sim.core.backends import WorkerCrashError
from mds_sim.core.remote import RemoteError
from mds_sim.core.remote import begin as remote_begin
from mds_sim.core.task import FunctionTask
from mds_sim.core.worker_pool import TaskFuture, WorkerPool

PATIENCE = 60  # seconds until a deadlock is a red test
# Executors of Python 3.11 look through their processes while one is being added, if
# they break at that moment (once in 839 kills): their thread ends with this error,
# and its tasks are done by another one. Those are what the tests look at.
KNOWN = (
    "ignore:(?s)Exception in thread .*dictionary changed size during iteration"
    ":pytest.PytestUnhandledThreadExceptionWarning"
)
TEXT = "a fault"
DEATHS = ("exit", "kill", "segfault")
RAISES = {"error": ValueError, "SystemExit": SystemExit, "Ctrl-C": KeyboardInterrupt}
RAISE_ANYWHERE = ("unpickling", "pickling", "running", "returning", "arriving")
ODD = (
    "lock",
    "odd error",
    "error with a lock",
    "error that is none",
    "error sans text",
)

Case = tuple[str, str, str]


def cases(backend: str, deaths: tuple[str, ...] = DEATHS) -> list[Case]:
    """Return (backend, when, what): all that can happen on a backend."""
    if backend == "threads":  # nothing is pickled, and a death is the end of all
        return [(backend, "running", what) for what in (*RAISES, "error sans text")]
    dying = itertools.product(("unpickling", "running", "returning"), deaths)
    raising = itertools.product(RAISE_ANYWHERE, RAISES)
    odd = (("returning", what) for what in ODD)
    return [(backend, when, what) for when, what in (*dying, *raising, *odd)]


def go_off(what: str) -> None:
    """Do what must not be done."""
    if what == "exit":
        os._exit(3)
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "segfault":
        segfault()
    raise RAISES[what](TEXT)


def segfault() -> None:
    """Read where nothing is; leave neither a core nor a trace on the terminal."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    ctypes.string_at(0)


class OnPickling:
    """Goes off when it is pickled."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __reduce__(self) -> Any:
        go_off(self.what)


class OnUnpickling:
    """Goes off when it is unpickled."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __reduce__(self) -> Any:
        return go_off, (self.what,)


class OddError(Exception):
    """Cannot be unpickled: it wants two arguments, and keeps one."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


class WrongError(Exception):
    """Comes back as a text."""

    def __reduce__(self) -> Any:
        return str, (TEXT,)


class MuteError(Exception):
    """Has no text to give."""

    def __str__(self) -> str:
        raise ValueError("mute")


def square(x: int) -> int:
    """Do some good work."""
    return x * x


def faulty(when: str, what: str, argument: object = None) -> object:
    """Work that goes wrong, at some stage."""
    if what == "lock":
        return threading.Lock()
    if what in ODD:
        raise {
            "odd error": partial(OddError, TEXT, TEXT),
            "error with a lock": partial(ValueError, TEXT, threading.Lock()),
            "error that is none": partial(WrongError, TEXT),
            "error sans text": MuteError,
        }[what]()
    if when == "running":
        go_off(what)
    if when == "returning":
        return OnPickling(what)
    if when == "arriving":
        return OnUnpickling(what)
    return argument


def wait(seconds: float) -> float:
    """Take some time."""
    threading.Event().wait(seconds)
    return seconds


class Unhurried(FunctionTask):
    """A call that is not late before a deadlock is, however busy the machine may be."""

    timeout = PATIENCE


def meet(folder: Path, number: int, count: int) -> int:
    """Wait until so many tasks are at work at the same time; return who does this."""
    (folder / str(number)).touch()
    until(lambda: len(list(folder.iterdir())) == count, PATIENCE)
    return os.getpid()


def wait_for(path: Path) -> None:
    """Take as long as it takes until a file is there."""
    until(path.exists, PATIENCE)


def work(x: int) -> int:
    """Take a few milliseconds."""
    wait(0.003)
    return x


def die_once(marker: str, at: int, x: int) -> int:
    """Die, but only once."""
    if x == at:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return x
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def die_at(at: int, x: int) -> int:
    """Die each time."""
    if x == at:
        os._exit(3)
    return x


def begin_late(seconds: float, parent: int) -> None:
    """Stand in for `remote.begin`: a process takes so long to start."""
    wait(seconds)
    remote_begin(parent)


def begin(folder: Path, deaths: int, parent: int) -> None:
    """Stand in for `remote.begin`: so many processes die in it."""
    (folder / str(os.getpid())).touch()
    if len(list(folder.iterdir())) <= deaths:
        os._exit(4)


def argument(when: str, what: str) -> object:
    """Return what to give to a task beside."""
    kinds = {"pickling": OnPickling, "unpickling": OnUnpickling}
    return kinds[when](what) if when in kinds else None


def expected(backend: str, when: str, what: str) -> tuple[type[BaseException], str]:
    """Return the kind of the error and the pattern of its text; {task} is the title."""
    if what in DEATHS:
        ended = "{task} ended its worker 3 times: "
        died = {
            "processes": ended + "process [0-9]+ came to its end",
            "executor": ended + "ProcessPoolExecutor was broken",
            "dask": "faulty was given up by ClientExecutor: KilledWorker: .*",
        }
        return WorkerCrashError, died[backend]
    remote = {
        "lock": (TypeError, r"cannot pickle '_thread\.lock' object"),
        "odd error": (RemoteError, "OddError: a fault"),
        "error with a lock": (
            RemoteError, r"ValueError: \('a fault', <unlocked _thread\.lock .*>\)"
        ),
        "error that is none": (RemoteError, "WrongError: a fault"),
        "error sans text": (MuteError, ""),
    }  # fmt: skip
    return remote[what] if what in remote else (RAISES[what], TEXT)


def check_fault(pool: WorkerPool, backend: str, when: str, what: str) -> None:
    """Let one task go wrong, and one from a callback, among others that do not."""
    task = (faulty, when, what, argument(when, what))
    late: Future[TaskFuture] = Future()
    good = [pool.submit(square, x) for x in range(3)]
    good[1].add_done_callback(lambda _: late.set_result(pool.submit(*task)))
    bad = pool.submit(*task)
    good += [pool.submit(square, x) for x in range(3, 6)]
    for culprit in (bad, late.result(PATIENCE)):
        check_error(culprit, *expected(backend, when, what))
    assert [future.result(PATIENCE) for future in good] == [x * x for x in range(6)]
    assert pool.submit(square, 7).result(PATIENCE) == 49  # and all goes on


def check_error(culprit: TaskFuture, kind: type[BaseException], pattern: str) -> None:
    """Make sure that the error of a task is what it should be, and names it."""
    error = culprit.exception(PATIENCE)
    title = f"task {culprit.record.index}, {culprit.record.name},"
    assert type(error) is kind, repr(error)
    if kind is not MuteError:
        text = pattern.replace("{task}", re.escape(title))
        assert re.fullmatch(text, str(error), re.DOTALL), str(error)
    assert any(note.startswith(title) for note in error.__notes__)
    assert culprit.record.error is error


# Executors ---------------------------------------------------------------------------


def process_pool(workers: int = 2) -> ProcessPoolExecutor:
    """Return an executor of the standard library; none of its processes is a fork."""
    # A fork of a process with threads is asking for trouble, and warned of from 3.12.
    if sys.platform == "win32":
        return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    context = get_context("forkserver")  # starts in a few ms what spawn does in 300
    context.set_forkserver_preload(["mds_sim.core.remote", "cloudpickle", __name__])
    return ProcessPoolExecutor(workers, mp_context=context)


@contextmanager
def dask_cluster(**options: Any) -> Iterator[tuple[Any, Executor]]:
    """Yield a cluster of two processes, and its executor."""
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.scheduler.allowed-failures": 0,  # the pool tries again by itself
        # A worker that is gone, again, so long after it went is not started again.
        "distributed.deploy.lost-worker-timeout": "1h",
        "distributed.scheduler.no-workers-timeout": "30s",  # an error, no deadlock
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any port, if others run as well
            silence_logs=logging.CRITICAL,
            **options,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield cluster, client.get_executor(pure=False)


@contextmanager
def pool_on(backend: str, workers: int = 2, **options: Any) -> Iterator[WorkerPool]:
    """Yield a pool on "threads", "processes", "executor" (ours) or "dask"."""
    with ExitStack() as stack:
        executor: Any = backend
        if backend == "executor":
            executor = partial(process_pool, workers)
        elif backend == "dask":
            executor = stack.enter_context(dask_cluster())[1]
        yield stack.enter_context(WorkerPool(workers, executor=executor, **options))


def pids(pool: WorkerPool) -> list[int]:
    """Return the processes that are at work for a pool now."""
    # There is no public name for them: nobody but a test should kill them.
    backend = pool._backend
    if backend.word == "processes":
        crew = list(pool._crew._staff.values())
        executors = [member.worker._executor for member in crew]  # type: ignore[attr-defined]
    else:
        executors = [backend._executor]  # type: ignore[attr-defined]
    found = [getattr(executor, "_processes", None) or {} for executor in executors]
    return [pid for processes in found for pid in list(processes)]


def kill(pid: int) -> None:
    """Kill a process; none that is gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for something that nobody tells; return whether it came true in time."""
    never = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return True
        never.wait(0.01)
    return condition()


def is_alive(pid: int) -> bool:
    """Tell whether there is a process, and no mere zombie."""
    return _stat(pid)[:1] not in ([], ["Z"])


def group(leader: int) -> list[int]:
    """Return the processes of a process group; zombies are none."""
    found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    stats = [(pid, _stat(pid)) for pid in found]
    return [pid for pid, at in stats if at and at[0] != "Z" and int(at[2]) == leader]


def _stat(pid: int) -> list[str]:
    """Return state, parent, process group and so on of a process, if there is one."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
