"""Crews that do not just take the next task: by priority, or with some in reserve."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial
from typing import Any

from mds_sim import _validate

from ._crew import Crew, Member
from ._job import Job
from ._lines import PriorityLine, TwoLines

DISCIPLINES = ("fifo", "priority", "reserved")


def crew_for(discipline: str, reserved: int, size: int) -> Callable[..., Crew]:
    """Return what makes the crew of a pool, or say what is wrong with the options."""
    _validate.choice("discipline", discipline, DISCIPLINES)
    reserved = checked_reserved(discipline, reserved, size)
    if discipline == "reserved":
        return partial(ReservedCrew, reserved)
    return Crew if discipline == "fifo" else PriorityCrew


def checked_reserved(discipline: str, reserved: int, size: int) -> int:
    """Return how many workers are reserved, if that suits the discipline."""
    reserved = _validate.count("reserved", reserved, least=0)
    if discipline != "reserved" and reserved:
        raise ValueError(
            f"reserved must be 0 if the discipline is {discipline!r}, got {reserved}; "
            'say discipline="reserved"'
        )
    if discipline == "reserved" and not 0 < reserved < size:
        raise ValueError(
            f"reserved must be in 1..{size - 1} for {size} workers, so that others are "
            f"left, got {reserved}"
            if size > 1
            else f"reserved needs more than 1 worker, got reserved={reserved}"
        )
    return reserved


class PriorityCrew(Crew):
    """A crew that takes the most urgent task first, without interrupting any."""

    _new_line = PriorityLine


class ReservedCrew(Crew):
    """A crew in which the workers of the lowest numbers take urgent tasks only.

    Parameters
    ----------
    reserved : int
        How many do, > 0 and less than all.
    *args
        As of `Crew`.
    """

    _new_line = TwoLines
    _pending: TwoLines

    def __init__(self, reserved: int, *args: Any) -> None:
        super().__init__(*args)
        self._kept = range(reserved)
        self._shared = range(reserved, self._size)

    def _drop_cancelled(self) -> None:
        for job in self._pending.drop_cancelled():
            job.future.set_running_or_notify_cancel()
            self._settle(job)

    def _take(self, member: Member) -> Job | None:
        line = self._pending
        if member.number in self._kept:
            return line.pop_urgent() if line.is_urgent else None
        return line.popleft() if line else None

    def _next_member(self) -> Member | None:
        """Return who takes a task: an urgent one goes to the reserved first."""
        if not self._pending:
            return super()._next_member()  # for whoever is to go home
        member = self._free(self._kept) if self._pending.is_urgent else None
        return self._free(self._shared) if member is None else member

    def _free(self, numbers: range) -> Member | None:
        """Return a new worker, else the one idle longest, of those with a number."""
        if any(number not in self._staff for number in numbers):
            try:
                return self._engage(numbers)
            except RuntimeError:
                able = range(self._size) if self._pending.is_urgent else self._shared
                if not any(number in self._staff for number in able):
                    raise
        idle = min((who for who in self._idle if who[1] in numbers), default=None)
        if idle is None:
            return None
        self._idle.remove(idle)
        heapq.heapify(self._idle)
        return self._staff[idle[1]]
