"""Look several times, and still be wrong no oftener than was said.

All differences of all alternatives are judged at once, and at several looks. The errors
that are allowed in all are shared out: among the looks, and among the pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mds_sim.units import counted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_LOOK = 100  # replications: with fewer, intervals of skewed values miss too often
ROUNDING = 1e-12  # relative: sums of the same numbers in another order differ by less


@dataclass(frozen=True, eq=False)
class Pairs:
    """Intervals for the mean differences of all pairs, at once.

    Attributes
    ----------
    first, second : ndarray of int64, shape (n_pairs,)
        Rows of the two alternatives.
    mean, low, high : ndarray of float64, shape (n_pairs,)
        The mean of ``first - second``, and both ends of its interval.
    """

    first: Ints
    second: Ints
    mean: Floats
    low: Floats
    high: Floats

    @property
    def is_clear(self) -> NDArray[np.bool_]:
        """Whether 0 is outside of the interval: then the two differ."""
        return (self.low > 0) | (self.high < 0)

    @property
    def half_width(self) -> Floats:
        """Half the length of each interval."""
        return (self.high - self.low) / 2


def judge(values: Floats, error: float) -> Pairs:
    """Return intervals of which all hold their truth but for a share `error`.

    `values` has shape (A, n), n >= 2. Each of the P pairs may err with `error` / P.
    """
    pairs = np.array(list(combinations(range(len(values)), 2)), dtype=np.int64)
    first, second = pairs.T
    difference = differences(values[first], values[second])
    return Pairs(first, second, *mean_ends(difference, error / len(pairs)))


def differences(first: Floats, second: Floats) -> Floats:
    """Subtract; what differs by rounding only is equal, and so are differences."""
    away = first - second
    fuzz = ROUNDING * np.maximum(np.abs(first), np.abs(second))
    away = np.where(np.abs(away) <= fuzz, 0.0, away)
    half = away.shape[-1] // 2
    middle = np.partition(away, half, axis=-1)[..., half, None]
    is_steady = (np.abs(away - middle) <= fuzz).all(axis=-1, keepdims=True)
    return np.where(is_steady, middle, away)


def mean_ends(values: Floats, error: float) -> tuple[Floats, Floats, Floats]:
    r"""Return the mean of each row and both ends of an interval for its truth.

    The interval holds that of Student and the one that Willink [1]_ corrects for the
    skewness :math:`\hat\gamma`: with :math:`a = \hat\gamma / (6 \sqrt n)` and
    :math:`G(t) = (\sqrt[3]{1 + 6 a (t - a)} - 1) / 2a` it ends at
    :math:`\bar x - G(\pm t) s / \sqrt n`. Student alone is far too sure at the small
    error shares that many pairs and looks leave. Measured, 20,000 samples of 125
    log-normal values (sigma 1), two-sided, error 0.005: Student's misses 4.5 times as
    often as it says, the corrected one 1.5 times, both together 1.3 times.

    .. [1] R. Willink (2005), "A confidence interval and test for the mean of an
       asymmetric distribution", *Communications in Statistics: Theory and Methods*
       34(4), 753-766.
    """
    from scipy.special import stdtrit  # scipy.stats loads far slower

    n = values.shape[1]
    # From the first value on: equal ones then differ by nothing, not by rounding.
    away = values - values[:, :1]
    mean = away.mean(axis=1)
    centred = away - mean[:, None]
    deviation = np.sqrt((centred**2).sum(axis=1) / (n - 1))
    t, off = float(stdtrit(n - 1, 1.0 - error / 2.0)), deviation / np.sqrt(n)
    a = _skewness(centred, deviation) / (6.0 * np.sqrt(n))
    mean = values[:, 0] + mean
    low = mean - np.maximum(_willink(t, a), t) * off
    high = mean - np.minimum(_willink(-t, a), -t) * off
    return mean, low, high


def _skewness(centred: Floats, deviation: Floats) -> Floats:
    """Return the skewness of each row: 0 where nothing varies, or for two values."""
    n = centred.shape[1]
    if n < 3:
        return np.zeros(len(centred))
    # Divided before the third power, which could overflow.
    scaled = centred / np.where(deviation > 0, deviation, 1.0)[:, None]
    skewness: Floats = (scaled**3).sum(axis=1) * n / ((n - 1) * (n - 2))
    return skewness


def _willink(t: float, a: Floats) -> Floats:
    """Return G(t), which is t where nothing is skewed."""
    flat = np.abs(a) < 1e-7
    safe = np.where(flat, 1.0, a)
    bent = (np.cbrt(1.0 + 6.0 * safe * (t - safe)) - 1.0) / (2.0 * safe)
    return np.where(flat, t, bent)


def looks(most: int, first: int = FIRST_LOOK) -> list[int]:
    """Return after how many replications to look: `most`, and halves of that.

    No look comes before the `first` replications, but for that after `most`.
    """
    times = [most]
    while times[-1] // 2 >= first:
        times.append(times[-1] // 2)
    return times[::-1]


def error_shares(times: list[int]) -> list[float]:
    """Return the share of all errors that each look may make: its share of the time.

    This spends in proportion to time, the power family of Kim and DeMets [1]_ with
    exponent 1. As the shares add up to 1, no assumption on how looks depend on each
    other is needed.

    .. [1] K. Kim, D. L. DeMets (1987), "Design and analysis of group sequential tests
       based on the type I error spending rate function", *Biometrika* 74(1), 149-154.
    """
    steps = np.diff([0, *times])
    return [float(step) / times[-1] for step in steps]


@dataclass(frozen=True, eq=False)
class Followed:
    """What `follow` saw: figures, shape (A, n), the errors of that look, and why."""

    values: Floats
    share: float
    reason: str


def follow(
    more: Callable[[int], Floats],
    most: int,
    *,
    error: float = 0.05,
    stop_early: bool = True,
    precision: float | None = None,
) -> Followed:
    """Ask for replications until the answer is clear, or precise, or `most` are done.

    ``more(k)`` returns the figures of the next k replications, shape (A, k).
    """
    times = looks(most) if stop_early else [most]
    values: Floats | None = None
    for time, share in zip(times, error_shares(times), strict=True):
        new = more(time if values is None else time - values.shape[1])
        values = new if values is None else np.hstack([values, new])
        pairs = judge(values, error * share)
        if precision is not None:
            is_done = bool((pairs.half_width <= precision).all())
        else:
            is_done = bool(pairs.is_clear.all())
        if is_done:
            break
    assert values is not None  # there is at least one look
    return Followed(values, share, _reason(pairs, time, most, is_done, precision))


def _reason(
    pairs: Pairs, n: int, most: int, is_done: bool, precision: float | None
) -> str:
    """Say why it ended."""
    done, half = f"after {n:,} replications", float(pairs.half_width.max())
    if precision is None:
        open_ = int((~pairs.is_clear).sum())
        of_all = f"{open_} of {counted(len(pairs.mean), 'difference')} not clear"
        return f"{of_all if open_ else 'clear'} {done}"
    if is_done:
        return f"precise to {half:.3g} {done}"
    return f"not precise enough {done}: {half:.3g}, asked for {precision:.6g}"
