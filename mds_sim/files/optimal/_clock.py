"""How long the solver may go on: CPU seconds of its thread, without compiling."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time

_compiled_already: set[Callable[[], None]] = set()


class Clock:
    """Counts the CPU seconds of this thread since it was made.

    Not the time of day: so a busy machine changes no answer, as far as can be. Numba
    compiles a function when it is first called; that is not counted, or else the first
    night would have less time than the second.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._start = thread_time()
        self._end = limit

    @property
    def seconds(self) -> float:
        """CPU seconds so far."""
        return thread_time() - self._start

    @property
    def left(self) -> float:
        """CPU seconds until the limit of all, or of the present stage."""
        return self._end - self.seconds

    def is_over(self) -> bool:
        """Tell whether the time of all, or of the present stage, is used up."""
        return self.left <= 0

    def stage(self, share: float) -> None:
        """Give the next stage a share of the time that is left of all."""
        now = self.seconds
        self._end = now + share * (self.limit - now)

    def compile(self, warm: Callable[[], None]) -> None:
        """Call, once in a process, what compiles a stage; that time does not count."""
        if warm in _compiled_already:
            return
        begin = thread_time()
        warm()
        _compiled_already.add(warm)
        self._start += thread_time() - begin
