"""What travels to another process and back, and what is called there.

Tasks, results and errors are pickled and unpickled here, not by the executor: one
that cannot be pickled is then the error of its own task, and harms no other one.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .task import Task, describe, note


class RemoteError(Exception):
    """An error of another process that could not travel as it was; its text did.

    Examples
    --------
    >>> str(RemoteError("MyError: no way home"))
    'MyError: no way home'
    """


class RemoteTraceback(Exception):  # noqa: N818  # named as in concurrent.futures
    """Where in another process an error came from: the cause of that error here.

    Examples
    --------
    >>> str(RemoteTraceback("Traceback ..."))
    'Traceback ...'
    """


def packed(task: Task) -> bytes:
    """Return a task as bytes; functions of notebooks and lambdas travel by value.

    Raises
    ------
    TypeError, pickle.PicklingError, ...
        What the task or its arguments raise, with a note that says so.
    """
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(task))
    except Exception as error:
        what = f"{task.name} and its arguments"
        note(error, f"{what} must be picklable to leave this process")
        raise


def call(payload: bytes, token: str = "") -> bytes:
    """Execute a packed task; called in another process or on another machine.

    With a token of its own it is no call that Dask takes for one that it knows.
    """
    try:
        try:
            task = pickle.loads(payload)
        except Exception as error:
            note(error, "while the task and its arguments were unpickled")
            raise
        answer = _answer(True, task.execute())
    except BaseException as error:  # also SystemExit: it must not end the worker
        answer = _answer(False, error)
    return answer


def opened(answer: bytes) -> Any:
    """Return what `call` found, or raise the error that it met."""
    is_good, blob, text, trace = pickle.loads(answer)
    try:
        value = pickle.loads(blob)
    except Exception as error:
        what = "its result" if is_good else f"its error, {text},"
        note(error, f"{what} must be unpicklable in this process")
        if is_good:
            raise
        raise RemoteError(text) from error
    if is_good:
        return value
    if not isinstance(value, BaseException):  # as its `__reduce__` may have it
        raise RemoteError(text)
    if value.__cause__ is None:
        value.__cause__ = RemoteTraceback(f'\n"""\n{trace}"""')
    raise value


def _answer(is_good: bool, value: Any) -> bytes:
    """Pickle a result or an error, or the error of pickling it."""
    import cloudpickle

    text = trace = ""
    if not is_good:
        text = describe(value)
        trace = "".join(traceback.format_exception(value))
    try:
        blob = cloudpickle.dumps(value)
    except BaseException as error:  # also SystemExit, as above
        if is_good:
            kind = type(value).__name__
            note(error, f"its result, of type {kind}, must be picklable to travel")
            return _answer(False, error)
        blob = cloudpickle.dumps(RemoteError(text))
    return pickle.dumps((is_good, blob, text, trace))


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let processes that are started meanwhile hear no Ctrl-C before they `begin`.

    They inherit that it is held back; else one that comes while they start ends them,
    with a trace of each. Other threads of this process, or this one later, do hear it.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # when it starts it lets them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:  # one that came before is raised right in the next line
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin(parent: int) -> None:
    """Prepare a process: a Ctrl-C is for its parent, and it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.name == "posix":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when another one has become its parent: ours is gone."""
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(0.5)
    os._exit(1)
