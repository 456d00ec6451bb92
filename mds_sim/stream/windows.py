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
from mds_sim.records import no_sizes
from mds_sim.units import MINUTE, counted

from .decisions import later, one_by_one

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COMPILED_FROM = 2**14  # messages: below, compiled code does not pay for its loading


class WindowRule(ABC):
    """A rule that groups messages into mini-batches.

    Windows are half open: a message at exactly the end of a window belongs to
    the next one. There are no empty batches.

    Attributes
    ----------
    max_messages : int or None
        A batch of so many closes at once, before its window ends.
    max_bytes : int or None
        A batch of so many bytes closes at once. A message that would make it larger
        closes it as well, and opens the next one; alone it may be larger.

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
    max_bytes: int | None = None

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

    def assign(self, arrivals: ArrayLike, sizes: ArrayLike | None = None) -> Ints:
        """Tell the number of each message's batch.

        Your rule may do this in a faster way of its own. Then it must say what
        `deadline` says, which alone decides when a stream is run for real:
        `check_window_rule` judges that.

        Parameters
        ----------
        arrivals : array_like of float, shape (n,)
            When the messages arrive [s], ascending.
        sizes : array_like of int, shape (n,), optional
            Their sizes [bytes], for rules that limit the bytes of a batch; 0 each by
            default.

        Returns
        -------
        ndarray of int64, shape (n,)
            Batches are numbered 0, 1, ... in the order in which they open.

        Raises
        ------
        ValueError
            If arrivals are not ascending, finite and >= 0, or sizes not whole and
            >= 0, of another number, or more in sum than int64 holds.
        """
        times, whole = _facts(arrivals, sizes)
        return batch_numbers(self._firsts(times, whole), times.size)

    def closes(self, arrivals: ArrayLike, sizes: ArrayLike | None = None) -> Floats:
        """Tell when each batch is closed.

        Parameters
        ----------
        arrivals, sizes : array_like
            As in `assign`.

        Returns
        -------
        ndarray of float64, shape (n_batches,)
            The end of its window; or the arrival of the message that filled it, or
            that did not fit; or, where nothing of this comes, the last arrival of
            all (the stream ends and is flushed).
        """
        return self.group(arrivals, sizes)[1]

    def group(
        self, arrivals: ArrayLike, sizes: ArrayLike | None = None
    ) -> tuple[Ints, Floats]:
        """Return what `assign` and `closes` return, at the price of one.

        Parameters
        ----------
        arrivals, sizes : array_like
            As in `assign`.

        Raises
        ------
        ValueError, TypeError
            If a rule's own `assign` returns what cannot be numbers of batches.
        """
        times, whole = _facts(arrivals, sizes)
        first, closes = self.bounds(times, whole)
        return batch_numbers(first, times.size), closes

    def bounds(self, times: Floats, sizes: Ints) -> tuple[Ints, Floats]:
        """Return the first message of each batch, and when each is closed.

        Parameters
        ----------
        times : ndarray of float64, shape (n,)
        sizes : ndarray of int64, shape (n,)
            As in `assign`, but not checked: for code that has made them itself.
        """
        own = type(self).assign is not WindowRule.assign
        if own:
            first = batch_bounds(self._own(times, sizes))[0]
        else:
            first = self._firsts(times, sizes)
        return first, self._closes(times, sizes, first)

    def _own(self, times: Floats, sizes: Ints) -> Ints:
        """Call `assign`, which a user's rule may have written without sizes."""
        facts = (times,) if self.max_bytes is None else (times, sizes)
        return _checked_numbers(self, self.assign(*facts), times.size)

    def _firsts(self, times: Floats, sizes: Ints) -> Ints:
        """Find the first message of each batch; faster where a rule knows how."""
        return batch_bounds(one_by_one(self, times, sizes)[0])[0]

    def _closes(self, times: Floats, sizes: Ints, first: Ints) -> Floats:
        """Tell when each batch is closed, given its first message."""
        if not first.size:
            return np.empty(0)
        after = np.empty_like(first)
        after[:-1], after[-1] = first[1:], times.size
        opened, latest = times[first], times[after - 1]
        closes = self._deadlines(opened, latest)
        # What did not fit closes a batch before its window ends.
        np.minimum(closes[:-1], opened[1:], out=closes[:-1])
        if self.max_messages is not None:
            full = after - first == self.max_messages
            closes[full] = latest[full]
        if self.max_bytes is not None:
            full = np.add.reduceat(sizes, first) >= self.max_bytes
            closes[full] = latest[full]
        if closes[-1] == np.inf:
            closes[-1] = times[-1]
        return closes

    def _deadlines(self, opened: Floats, latest: Floats) -> Floats:
        """Return `deadline` for arrays."""
        pairs = zip(opened.tolist(), latest.tolist(), strict=True)
        return np.array([self.deadline(first, last) for first, last in pairs], float)

    def _jump(self, times: Floats, sizes: Ints) -> Ints:
        """Go from window to window, for a deadline that is fixed at the opening."""
        firsts = []
        most = self.max_messages or times.size
        total = None if self.max_bytes is None else np.cumsum(sizes)
        find = times.searchsorted
        first = 0
        while first < times.size:
            firsts.append(first)
            opened = float(times[first])
            end = later(self, self.deadline(opened, opened), opened)
            after = min(int(find(end)), first + most)
            if total is not None:
                after = min(after, self._byte_limit(sizes, total, first))
            first = after
        return np.array(firsts, np.int64)

    def _byte_limit(self, sizes: Ints, total: Ints, first: int) -> int:
        """Return the message after a batch that is limited by its bytes only."""
        limit = int(total[first]) - int(sizes[first]) + (self.max_bytes or 0)
        if limit > int(total[-1]):
            return total.size
        reached = int(total.searchsorted(limit))
        return reached + int(reached == first or total[reached] == limit)


@dataclass(frozen=True)
class FirstMessageWindow(WindowRule):
    """A window that the first message opens and that lasts a fixed time.

    Parameters
    ----------
    length : float, optional
        The batch opened at t holds the messages of [t, t + length) [s], > 0.
    max_messages : int, optional
        A batch of so many closes at once, >= 1; the next message opens a new one.
    max_bytes : int, optional
        A batch of so many bytes closes at once, >= 1; so does one that has no room
        for the next message.

    Examples
    --------
    >>> FirstMessageWindow(5 * MINUTE).assign([0, 120, 299.9, 300, 301])
    array([0, 0, 0, 1, 1])
    >>> FirstMessageWindow(5 * MINUTE, max_messages=2).assign([0, 120, 299.9, 300])
    array([0, 0, 1, 1])
    >>> FirstMessageWindow(max_bytes=10).assign([0, 1, 2, 3], sizes=[6, 4, 3, 99])
    array([0, 0, 1, 2])
    """

    length: float = 5 * MINUTE
    max_messages: int | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        _validate.positive("length", self.length, "s")
        if self.max_messages is not None:
            _validate.count("max_messages", self.max_messages)
        if self.max_bytes is not None:
            _validate.size("max_bytes", self.max_bytes)

    def deadline(self, opened: float, latest: float) -> float:
        """Return opened + length."""
        return opened + self.length

    def _firsts(self, times: Floats, sizes: Ints) -> Ints:
        if self.max_bytes is not None or times.size < COMPILED_FROM:
            return self._jump(times, sizes)
        from mds_sim.sim._streaming import first_message_starts

        if times[-1] + self.length == times[-1]:
            return self._jump(times, sizes)  # it says what is wrong
        # Read-only, so that it is compiled for one kind of array and not for two.
        view = _validate.sealed(times.view())
        most = self.max_messages or times.size
        return first_message_starts(view, float(self.length), most)

    def _deadlines(self, opened: Floats, latest: Floats) -> Floats:
        return opened + self.length


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

    def _firsts(self, times: Floats, sizes: Ints) -> Ints:
        return self._jump(times, sizes)


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

    def _firsts(self, times: Floats, sizes: Ints) -> Ints:
        """Find the pauses."""
        ends = times + self.gap
        for i in np.flatnonzero(ends <= times)[:1]:
            later(self, float(ends[i]), float(times[i]))
        pauses = times[1:] >= ends[:-1]
        return np.flatnonzero(np.concatenate([[True], pauses])[: times.size])

    def _deadlines(self, opened: Floats, latest: Floats) -> Floats:
        return latest + self.gap


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

    def _firsts(self, times: Floats, sizes: Ints) -> Ints:
        """Take every n-th message."""
        return np.arange(0, times.size, self.n, dtype=np.int64)

    def _deadlines(self, opened: Floats, latest: Floats) -> Floats:
        return np.full(opened.size, math.inf)


def as_rule(window: Any) -> WindowRule:
    """Return `window` if it is a rule, or say what would be."""
    rule = "a WindowRule such as FirstMessageWindow(300)"
    return _validate.instance("window", window, WindowRule, rule)  # type: ignore[type-abstract]


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


def batch_numbers(first: Ints, size: int) -> Ints:
    """Return the number of each message's batch, given the first message of each.

    Parameters
    ----------
    first : ndarray of int64, shape (n_batches,)
        Ascending, from 0 on.
    size : int
        How many messages there are.

    Examples
    --------
    >>> batch_numbers(np.array([0, 2]), 3)
    array([0, 0, 1])
    """
    starts = np.zeros(size, np.int64)
    starts[first[1:]] = 1
    return np.cumsum(starts, out=starts)


def _checked_numbers(rule: WindowRule, answer: Any, size: int) -> Ints:
    """Return what a rule's own `assign` answered as int64, or say what is wrong."""
    batch = np.asarray(answer)
    if batch.shape != (size,) or (size and batch.dtype.kind not in "iu"):
        raise TypeError(
            f"assign of {rule!r} must return int64 of shape ({size},), "
            f"got {batch.dtype} of shape {batch.shape}"
        )
    batch = batch.astype(np.int64)
    steps = np.diff(batch, prepend=0)
    right = (steps == 0) | ((steps == 1) & (np.arange(size) > 0))
    if not right.all():
        i = int(np.argmin(right))
        after = f"after {batch[i - 1]}" if i else "at first"
        raise ValueError(
            f"assign of {rule!r} must number batches 0, 1, ... in order and without "
            f"gaps, but message {i} got {batch[i]} {after}; check_window_rule tells "
            "more"
        )
    return batch


def _facts(arrivals: ArrayLike, sizes: ArrayLike | None) -> tuple[Floats, Ints]:
    """Return arrivals and sizes, checked; sizes of 0 if there are none."""
    times = _validate.times("arrivals", arrivals)
    if sizes is None:
        return times, no_sizes(times.size)
    whole = _validate.addable("sizes", _validate.sizes("sizes", sizes))
    if whole.size != times.size:
        raise ValueError(
            "sizes must hold one value for each of "
            f"{counted(times.size, 'message', spec='')}, "
            f"got {whole.size}"
        )
    return times, whole
