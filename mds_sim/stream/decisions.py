"""Batches one message at a time: facts in, batches out, no clock inside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate

if TYPE_CHECKING:
    from .windows import WindowRule

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ClosedBatch(NamedTuple):
    """A batch that was closed: when it opened, when it closed, what is in it."""

    opened: float
    closed: float
    items: tuple[Any, ...]


class OpenWindow:
    """The window that is open now: facts in, batches out, no clock inside.

    Parameters
    ----------
    rule : WindowRule

    Attributes
    ----------
    items : list
        What is in the open batch; empty if none is open.
    load : int
        Its bytes.

    Examples
    --------
    >>> from mds_sim.stream import FirstMessageWindow
    >>> window = OpenWindow(FirstMessageWindow(300))
    >>> window.add(10.0, "a"), window.add(20.0, "b"), window.deadline()
    ([], [], 310.0)
    >>> window.advance(309.9)
    []
    >>> window.add(310.0, "c")
    [ClosedBatch(opened=10.0, closed=310.0, items=('a', 'b'))]
    >>> window.flush(400.0)
    [ClosedBatch(opened=310.0, closed=400.0, items=('c',))]
    """

    def __init__(self, rule: WindowRule) -> None:
        from .windows import as_rule  # which imports this module

        as_rule(rule)
        if rule.max_messages is not None:
            _validate.count("max_messages", rule.max_messages)
        if rule.max_bytes is not None:
            _validate.size("max_bytes", rule.max_bytes)
        self.rule = rule
        self.items: list[Any] = []
        self.load = 0
        self._opened = math.nan
        self._deadline = math.inf
        self._latest = 0.0  # of all times that were told

    def deadline(self) -> float:
        """Return when the open window ends [s]; ``inf`` if none is open."""
        return self._deadline

    def add(self, time: float, item: Any = None, size: int = 0) -> list[ClosedBatch]:
        """Take an item that arrives at `time`; return the batches that this closes.

        Parameters
        ----------
        time : float
            >= 0, and not before any time that was told earlier [s].
        item : object, optional
        size : int, optional
            Its size [bytes], >= 0.

        Returns
        -------
        list of ClosedBatch
            In order: one whose window has ended, or that has no room for the item;
            then the item's own, if it is full.

        Raises
        ------
        ValueError
            If `time` is before an earlier one, NaN or infinite, if `size` is no
            number of bytes, or if the rule's deadline is not later than `time`.
        Exception
            What the rule raises. Whatever is raised, the item is not taken and nothing
            is closed.
        """
        self._check(time)
        if type(size) is not int or size < 0:
            size = _validate.size("size", size, least=0)
        most, limit = self.rule.max_messages, self.rule.max_bytes
        is_over = time >= self._deadline
        is_over |= limit is not None and self.load + size > limit
        opened = self._opened if self.items and not is_over else time
        # Whatever a rule raises comes here, before anything has changed.
        deadline = later(self.rule, self.rule.deadline(opened, time), time)
        closed = self.advance(time) + (self._close(time) if is_over else [])
        self.items.append(item)
        self.load += size
        self._opened, self._deadline = opened, deadline
        if len(self.items) == most or (limit is not None and self.load >= limit):
            closed += self._close(time)
        return closed

    def advance(self, time: float) -> list[ClosedBatch]:
        """Let time pass until `time`; return the batch that this closes, if any.

        Parameters
        ----------
        time : float
            >= 0 [s]; one before those that were told earlier changes nothing.
        """
        if not 0.0 <= time < math.inf:
            _validate.non_negative("time", time, "s")
        self._latest = max(self._latest, float(time))
        return self._close(self._deadline) if time >= self._deadline else []

    def flush(self, time: float) -> list[ClosedBatch]:
        """Close what is open at `time`; return that batch, if any.

        Parameters
        ----------
        time : float
            Not before any time that was told earlier [s].
        """
        self._check(time)
        self._latest = float(time)
        return self._close(time)

    def _check(self, time: float) -> None:
        """Refuse to go back in time."""
        if not self._latest <= time < math.inf:
            _validate.not_before("time", time, self._latest)

    def _close(self, time: float) -> list[ClosedBatch]:
        """Close what is open at `time`; return that batch, if any."""
        if not self.items:
            return []
        closed = ClosedBatch(self._opened, time, tuple(self.items))
        self.items, self.load = [], 0
        self._opened, self._deadline = math.nan, math.inf
        return [closed]


def one_by_one(rule: WindowRule, times: Floats, sizes: Ints) -> tuple[Ints, Floats]:
    """Group a stream one message after the other: the plain reference.

    Parameters
    ----------
    rule : WindowRule
    times : ndarray of float64, shape (n,)
        When the messages arrive [s], ascending.
    sizes : ndarray of int64, shape (n,)
        Their sizes [bytes].

    Returns
    -------
    (ndarray of int64, shape (n,), ndarray of float64, shape (n_batches,))
        The batch of each message, and when each batch is closed.

    Examples
    --------
    >>> from mds_sim.stream import CountWindow
    >>> one_by_one(CountWindow(2), np.array([0.0, 1.0, 5.0]), np.zeros(3, int))
    (array([0, 0, 1]), array([1., 5.]))
    """
    window = OpenWindow(rule)
    closed = []
    for i, (time, size) in enumerate(zip(times.tolist(), sizes.tolist(), strict=True)):
        closed += window.add(time, i, size)
    if window.items:
        end = window.deadline()
        closed += window.flush(end if end < math.inf else float(times[-1]))
    batch = np.empty(times.size, np.int64)
    for number, done in enumerate(closed):
        batch[list(done.items)] = number
    return batch, np.array([done.closed for done in closed], np.float64)


def later(rule: WindowRule, deadline: float, latest: float) -> float:
    """Return a deadline, or say that no message could have come before it."""
    if not isinstance(deadline, int | float | np.integer | np.floating):
        kind = type(deadline).__name__
        raise TypeError(f"the deadline of {rule!r} must be a time [s], got {kind}")
    deadline = float(deadline)  # or float32 would be compared as such
    if not deadline > latest:
        raise ValueError(
            f"the deadline of {rule!r} must be later than the latest message "
            f"at {latest!r} s, got {deadline!r}"
        )
    return deadline
