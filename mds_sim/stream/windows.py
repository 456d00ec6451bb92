"""When a mini-batch closes: rules as small values, on arrays and one by one.

A rule says one thing: when the window that holds these messages ends. From that
follow the decisions one message at a time (`OpenWindow`, which the object layer
uses) and the grouping of a whole array (`assign`). Both are held equal by tests.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim.units import MINUTE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class WindowRule(ABC):
    """A rule that groups messages into mini-batches.

    Windows are half open: a message at exactly the end of a window belongs to
    the next one. There are no empty batches.

    Attributes
    ----------
    max_messages : int or None
        A batch of so many closes at once, before its window ends.

    Examples
    --------
    Your own rule needs `deadline` only. Here a window lasts until the clock
    shows a whole hour, but at least ten minutes:

    >>> @dataclass(frozen=True)
    ... class AtTheHour(WindowRule):
    ...     least: float = 600.0
    ...
    ...     def deadline(self, opened, latest):
    ...         return math.ceil((opened + self.least) / 3600) * 3600.0
    >>> AtTheHour().assign([0, 3000, 3599, 3600, 7000])
    array([0, 0, 0, 1, 1])
    """

    max_messages: int | None = None

    @abstractmethod
    def deadline(self, opened: float, latest: float) -> float:
        """Return when the window ends that opened with a message at `opened`.

        Parameters
        ----------
        opened, latest : float
            Arrival of its first and of its latest message [s].

        Returns
        -------
        float
            Later than `latest`, or ``inf`` if time does not close it [s].
        """

    def assign(self, arrivals: ArrayLike) -> Ints:
        """Tell the number of each message's batch.

        Parameters
        ----------
        arrivals : array_like of float, shape (n,)
            When the messages arrive [s], ascending.

        Returns
        -------
        ndarray of int64, shape (n,)
            Batches are numbered 0, 1, ... in the order in which they open.

        Notes
        -----
        This is the plain reference, one message after the other. Rules for which
        there is a faster way to the same answer override `_assign`.
        """
        return self._assign(_validate.times("arrivals", arrivals))

    def closes(self, arrivals: ArrayLike) -> Floats:
        """Tell when each batch is closed.

        Parameters
        ----------
        arrivals : array_like of float, shape (n,)
            When the messages arrive [s], ascending.

        Returns
        -------
        ndarray of float64, shape (n_batches,)
            The end of its window; or the arrival of the message that filled it;
            or, where neither comes, the last arrival of all (the stream ends and
            is flushed).
        """
        times = _validate.times("arrivals", arrivals)
        first, last, count = batch_bounds(self._assign(times))
        closes = np.empty(first.size)
        for i, (opened, latest) in enumerate(
            zip(times[first], times[last], strict=True)
        ):
            closes[i] = self.deadline(float(opened), float(latest))
        if self.max_messages is not None:
            closes = np.where(count == self.max_messages, times[last], closes)
        return np.where(np.isinf(closes), times[-1:], closes)

    def _assign(self, times: Floats) -> Ints:
        """Tell the number of each message's batch, one message after the other."""
        batch = np.empty(times.size, np.int64)
        window = OpenWindow(self)
        closed = 0
        for i, time in enumerate(times.tolist()):
            closed += window.advance(time)
            batch[i] = closed
            closed += window.add(time)
        return batch


class OpenWindow:
    """The window that is open now: facts in, decisions out, no clock inside.

    Parameters
    ----------
    rule : WindowRule

    Examples
    --------
    >>> window = OpenWindow(FirstMessageWindow(300))
    >>> window.add(10.0), window.deadline
    (False, 310.0)
    >>> window.advance(309.9), window.advance(310.0), window.deadline
    (False, True, inf)
    """

    def __init__(self, rule: WindowRule) -> None:
        self.rule = rule
        self.count = 0
        self.opened = math.nan
        self.deadline = math.inf

    def add(self, time: float) -> bool:
        """Take a message that arrived at `time`; tell whether that closed the batch.

        The caller has advanced the window to `time` before.
        """
        if self.count == 0:
            self.opened = time
        self.count += 1
        self.deadline = _later(self.rule, self.rule.deadline(self.opened, time), time)
        return self.count == self.rule.max_messages and self.flush()

    def advance(self, time: float) -> bool:
        """Let time pass until `time`; tell whether that closed a batch."""
        return time >= self.deadline and self.flush()

    def flush(self) -> bool:
        """Close what is open; tell whether that was anything."""
        was_open = self.count > 0
        self.count, self.opened, self.deadline = 0, math.nan, math.inf
        return was_open


@dataclass(frozen=True)
class FirstMessageWindow(WindowRule):
    """A window that the first message opens and that lasts a fixed time.

    Parameters
    ----------
    length : float, optional
        The batch opened at t holds the messages of [t, t + length) [s], > 0.
    max_messages : int, optional
        A batch of so many closes at once, >= 1; the next message opens a new one.

    Examples
    --------
    >>> FirstMessageWindow(5 * MINUTE).assign([0, 120, 299.9, 300, 301])
    array([0, 0, 0, 1, 1])
    >>> FirstMessageWindow(5 * MINUTE, max_messages=2).assign([0, 120, 299.9, 300])
    array([0, 0, 1, 1])
    """

    length: float = 5 * MINUTE
    max_messages: int | None = None

    def __post_init__(self) -> None:
        _validate.positive("length", self.length, "s")
        if self.max_messages is not None:
            _validate.count("max_messages", self.max_messages)

    def deadline(self, opened: float, latest: float) -> float:
        """Return opened + length."""
        return opened + self.length

    def _assign(self, times: Floats) -> Ints:
        """Jump from window to window: a binary search each."""
        starts = np.zeros(times.size, np.int64)
        limit = self.max_messages or times.size
        first = 0
        while first < times.size:
            opened = float(times[first])
            end = _later(self, self.deadline(opened, opened), opened)
            first = min(int(np.searchsorted(times, end)), first + limit)
            if first < times.size:
                starts[first] = 1
        return np.cumsum(starts)


@dataclass(frozen=True)
class TumblingWindow(WindowRule):
    """Windows side by side on a fixed grid: [0, length), [length, 2 length), ...

    Parameters
    ----------
    length : float
        Length of each window [s], > 0. Windows without a message make no batch.

    Examples
    --------
    >>> TumblingWindow(300).assign([299, 300, 899, 1200])
    array([0, 1, 2, 3])
    """

    length: float

    def __post_init__(self) -> None:
        _validate.positive("length", self.length, "s")

    def deadline(self, opened: float, latest: float) -> float:
        """Return the first point of the grid after `opened`."""
        ticks = opened // self.length
        tick = (ticks + 1) * self.length
        # Rounding may put the product of a grid of thirds on the message itself.
        return tick if tick > opened else (ticks + 2) * self.length


@dataclass(frozen=True)
class SessionWindow(WindowRule):
    """A window that ends when no message has come for a while.

    Parameters
    ----------
    gap : float
        A message `gap` or more after the latest one opens a new batch [s], > 0.

    Examples
    --------
    >>> SessionWindow(60).assign([0, 59, 118, 178])
    array([0, 0, 0, 1])
    """

    gap: float

    def __post_init__(self) -> None:
        _validate.positive("gap", self.gap, "s")

    def deadline(self, opened: float, latest: float) -> float:
        """Return latest + gap."""
        return latest + self.gap

    def _assign(self, times: Floats) -> Ints:
        """Count the pauses."""
        ends = times + self.gap
        for i in np.flatnonzero(ends <= times)[:1]:
            _later(self, float(ends[i]), float(times[i]))
        pauses = times[1:] >= ends[:-1]
        return np.cumsum(np.concatenate([[0], pauses])[: times.size], dtype=np.int64)


@dataclass(frozen=True)
class CountWindow(WindowRule):
    """Batches of a fixed number of messages, however long that takes.

    Parameters
    ----------
    n : int
        Messages a batch, >= 1. The last batch may hold fewer: it closes when the
        stream is flushed.

    Examples
    --------
    >>> CountWindow(2).assign([0, 1, 1, 7, 9])
    array([0, 0, 1, 1, 2])
    """

    n: int

    def __post_init__(self) -> None:
        _validate.count("n", self.n)

    @property
    def max_messages(self) -> int:  # type: ignore[override]  # read-only here
        """The number that closes a batch."""
        return self.n

    def deadline(self, opened: float, latest: float) -> float:
        """Return infinity: time closes nothing."""
        return math.inf

    def _assign(self, times: Floats) -> Ints:
        """Divide the position by the number."""
        return np.arange(times.size, dtype=np.int64) // self.n


def _later(rule: WindowRule, deadline: float, latest: float) -> float:
    """Return a deadline, or say that no message could have come before it."""
    if not deadline > latest:
        raise ValueError(
            f"the deadline of {rule!r} must be later than the latest message "
            f"at {latest!r} s, got {deadline!r}"
        )
    return deadline


def as_rule(window: Any) -> WindowRule:
    """Return `window` if it is a rule, or say what would be."""
    if isinstance(window, WindowRule):
        return window
    is_class = isinstance(window, type)
    got = f"the class {window.__name__}: call it" if is_class else repr(window)
    raise TypeError(
        f"window must be a WindowRule such as FirstMessageWindow(300), got {got}"
    )


def batch_bounds(batch: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the first message, the last message and the count of each batch.

    Parameters
    ----------
    batch : ndarray of int64, shape (n,)
        Number of each message's batch, ascending without gaps.

    Examples
    --------
    >>> batch_bounds(np.array([0, 0, 1]))
    (array([0, 2]), array([1, 2]), array([2, 1]))
    """
    count = np.bincount(batch)
    end = np.cumsum(count)
    return end - count, end - 1, count
