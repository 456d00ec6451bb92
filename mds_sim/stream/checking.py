"""Judge a window rule: yours or one of ours."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim.core.jobs import describe

from .decisions import one_by_one
from .windows import WindowRule, as_rule, batch_bounds

Floats = NDArray[np.float64]


def check_window_rule(rule: WindowRule, cases: int = 200) -> None:
    """Run a rule over many streams full of ties and verify what it must keep.

    Parameters
    ----------
    rule : WindowRule
    cases : int, optional
        How many streams, drawn from a fixed seed, >= 0; two more are always tried.

    Raises
    ------
    AssertionError
        It names the rule that is broken and the stream that shows it.

    Notes
    -----
    Batches are numbered 0, 1, ... in order of time, none is empty, every message is
    before the end of its window, and the answers on arrays (`assign`, `closes`) are
    those of one message after the other. The rule must also survive pickling, give
    the same answer twice, leave its input alone, and not fail.

    Examples
    --------
    >>> from mds_sim.stream import FirstMessageWindow
    >>> check_window_rule(FirstMessageWindow(300.0))
    """
    as_rule(rule)
    for times in _streams(_validate.count("cases", cases, least=0)):
        shown = f"{rule!r} on {times[:20].tolist()}"
        try:
            _check_stream(rule, times, shown)
        except AssertionError:
            raise
        except Exception as error:
            text = f"a rule must not fail, but {describe(error)}: {shown}"
            raise AssertionError(text) from error
    try:
        copy = pickle.loads(pickle.dumps(rule))
    except Exception as error:
        text = f"a rule must be picklable, but {describe(error)}: {rule!r}"
        raise AssertionError(text) from error
    _hold(np.array_equal(rule.assign(times), copy.assign(times)),
          f"a copy must agree: {shown}")  # fmt: skip


def _check_stream(rule: WindowRule, times: Floats, shown: str) -> None:
    """Verify what holds for each stream."""
    before = times.copy()
    batch = rule.assign(times)
    _hold(np.array_equal(times, before), f"arrivals must not change: {shown}")
    _check_numbers(batch, times, shown)
    _hold(np.array_equal(batch, rule.assign(times)),
          f"assign must give the same answer twice: {shown}")  # fmt: skip
    slow, ends = one_by_one(rule, times, np.zeros(times.size, np.int64))
    _hold(np.array_equal(batch, slow),
          f"assign must agree with one message at a time: {shown}")  # fmt: skip
    _check_windows(rule, batch, times, shown)
    _hold(np.array_equal(rule.closes(times), ends),
          f"closes must agree with the deadlines: {shown}")  # fmt: skip
    if rule.max_bytes is not None:
        sizes = np.arange(times.size) * 7 % 5 * rule.max_bytes // 3
        slow, ends = one_by_one(rule, times, sizes)
        batch, closes = rule.group(times, sizes)
        _hold(np.array_equal(batch, slow) and np.array_equal(closes, ends),
              f"sizes must count as one message at a time: {shown}")  # fmt: skip


def _streams(cases: int) -> Iterator[Floats]:
    """Yield the empty stream, one message, and random ones with many ties."""
    rng = np.random.default_rng(20240229)
    yield np.empty(0)
    yield np.array([17.0])
    for scale in np.resize([0.1, 1.0, 30.0, 60.0, 300.0], cases):
        gaps = rng.integers(0, 4, size=rng.integers(1, 60)) * scale
        yield np.cumsum(gaps)


def _check_numbers(batch: NDArray[np.int64], times: Floats, shown: str) -> None:
    """Verify shape, kind and order of the numbers."""
    _hold(np.shape(batch) == times.shape and getattr(batch, "dtype", 0) == np.int64,
          f"assign must return int64 of shape {times.shape}: {shown}")  # fmt: skip
    if batch.size:
        steps = np.diff(batch)
        ordered = batch[0] == 0 and np.isin(steps, [0, 1]).all()
        _hold(bool(ordered), f"batches must be numbered 0, 1, ... in order: {shown}")


def _check_windows(
    rule: WindowRule, batch: NDArray[np.int64], times: Floats, shown: str
) -> None:
    """Verify that windows hold their messages and end before the next opens."""
    closes = rule.closes(times)
    first, last, _ = batch_bounds(batch)
    _hold(
        np.shape(closes) == first.shape, f"closes must give one time a batch: {shown}"
    )
    _hold(bool((closes >= times[last]).all()),
          f"a batch must close after its messages: {shown}")  # fmt: skip
    _hold(bool((closes[:-1] <= times[first[1:]]).all()),
          f"a batch must close before the next one opens: {shown}")  # fmt: skip


def _hold(holds: bool, rule: str) -> None:
    """Say which rule is broken."""
    if not holds:
        raise AssertionError(rule)
