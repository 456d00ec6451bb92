"""When is a promise decided? Shares of kept days, looked at several times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from mds_sim import _validate
from mds_sim.analysis.intervals import Interval, share

FIRST_LOOK = 50  # replications, at least
YES, NO, UNCLEAR = "yes", "no", "unclear"


@dataclass(frozen=True)
class Promise:
    r"""What is to hold with a probability, and how surely that is decided.

    Parameters
    ----------
    probability : float
        Share of replications in which it must hold, in (0, 1).
    confidence : float
        Probability that no "yes" is wrong, and that no "no" is, in (0, 1).
    replications : int
        How many there may be.
    candidates : int, optional
        For how many of them, if each may err on its own.

    Notes
    -----
    One looks after 1/16, 1/8, ... and all of the replications, and decides each time by
    the one-sided bounds of Clopper and Pearson [1]_, which are exact. The allowed error
    is shared out evenly over looks and candidates (Bonferroni), so that whoever looks
    often errs no more often. No look is so early that it could not say "yes".

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson (1934), "The use of confidence or fiducial
       limits illustrated in the case of the binomial", *Biometrika* 26(4), 404-413.

    Examples
    --------
    >>> promise = Promise(0.95, 0.95, replications=1600)
    >>> promise.looks
    (100, 200, 400, 800, 1600)
    >>> [promise.verdict(promise.interval(kept, 100)) for kept in (100, 97, 80)]
    ['yes', 'unclear', 'no']
    """

    probability: float
    confidence: float
    replications: int
    candidates: int = 1

    def __post_init__(self) -> None:
        share("probability", self.probability)
        share("confidence", self.confidence)
        _validate.count("replications", self.replications)
        if self.replications < self._fewest(1):
            raise ValueError(
                f"replications must be >= {self._fewest(1)} to promise "
                f"{percent(self.probability)} with {percent(self.confidence)} "
                f"confidence, got {self.replications}"
            )

    @cached_property
    def looks(self) -> tuple[int, ...]:
        """After how many replications to look."""
        looks = [self.replications]
        while looks[0] // 2 >= self._fewest(len(looks) + 1):
            looks.insert(0, looks[0] // 2)
        return tuple(looks)

    @property
    def tail(self) -> float:
        """Probability that one bound of one look is wrong."""
        return self._tail(len(self.looks))

    def interval(self, kept: int, n: int) -> Interval:
        """Return the share of replications that kept it; the bounds are one-sided."""
        return exact_interval(kept, n, self.tail)

    def verdict(self, interval: Interval) -> str:
        """Tell whether the promise is kept: "yes", "no" or "unclear"."""
        if interval.low >= self.probability:
            return YES
        return NO if interval.high < self.probability else UNCLEAR

    def rank(self, n: int) -> int:
        """Return how many of n replications must keep it for a "yes", or n."""
        enough = (k for k in range(n) if self.interval(k, n).low >= self.probability)
        return next(enough, n)

    def _tail(self, looks: int) -> float:
        return (1.0 - self.confidence) / (looks * self.candidates)

    def _fewest(self, looks: int) -> int:
        """Return the fewest replications that can say "yes" if all kept it."""
        fewest = math.log(self._tail(looks)) / math.log(self.probability)
        return max(FIRST_LOOK if looks > 1 else 2, math.ceil(fewest))


def exact_interval(kept: int, n: int, tail: float) -> Interval:
    """Return a share and its exact bounds, each of them wrong at most so often.

    Examples
    --------
    >>> print(exact_interval(100, 100, tail=0.025))
    1.000 in [0.964, 1.000] (95 %, 100 replications)
    """
    from scipy.special import betaincinv

    low = float(betaincinv(kept, n - kept + 1, tail)) if kept else 0.0
    high = float(betaincinv(kept + 1, n - kept, 1 - tail)) if kept < n else 1.0
    half, sure = (high - low) / 2, 1.0 - 2.0 * tail
    return Interval(kept / n, half, sure, n, "replications", ends=(low, high))


def percent(value: float) -> str:
    """Write a share with a space before the sign.

    Examples
    --------
    >>> percent(0.95), percent(0.999)
    ('95 %', '99.9 %')
    """
    return f"{100 * value:.6g} %"
