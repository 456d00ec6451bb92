"""Threads for the tests of clocks and pools."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest


@pytest.fixture
def start() -> Callable[..., Future[Any]]:
    """Return a function that calls another in a thread and gives the future of it.

    Ask it for its result with a time-out: a deadlock is then a red test, and no more.
    """

    def start(function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(function(*args))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    return start
