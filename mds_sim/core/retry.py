"""When to try again, and how long to wait before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mds_sim import _validate


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with full jitter.

    Parameters
    ----------
    attempts : int, optional
        How often a task is tried in all, >= 1.
    first, most : float, optional
        Before attempt k + 1 the task waits a time that is uniform between 0 and
        ``min(most, first * 2**(k - 1))`` [s on the pool's clock], both >= 0.
    on : type or tuple of types, optional
        Errors after which to try again. A task that ends its worker three times is
        not tried again, whatever is said here.

    Notes
    -----
    Tasks that failed together do not come back together: the whole of the wait is
    random ("full jitter", [1]_).

    References
    ----------
    .. [1] M. Brooker (2015), Exponential backoff and jitter, AWS Architecture Blog.

    Examples
    --------
    >>> retry = Retry(attempts=3, first=1.0, on=OSError)
    >>> retry.wants(OSError("busy"), attempt=2), retry.wants(OSError("busy"), attempt=3)
    (True, False)
    >>> 0 <= retry.delay(attempt=2, rng=np.random.default_rng(1)) <= 2
    True
    """

    attempts: int = 3
    first: float = 0.1
    most: float = 30.0
    on: type[BaseException] | tuple[type[BaseException], ...] = Exception

    def __post_init__(self) -> None:
        _validate.count("attempts", self.attempts)
        _validate.non_negative("first", self.first, "s")
        _validate.non_negative("most", self.most, "s")
        kinds = self.on if isinstance(self.on, tuple) else (self.on,)
        for kind in kinds:
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise TypeError(
                    f"on must be a class of errors or a tuple of them, got {kind!r}"
                )

    def wants(self, error: BaseException, attempt: int) -> bool:
        """Tell whether to try again after attempt number `attempt`, from 1."""
        return attempt < self.attempts and isinstance(error, self.on)

    def delay(self, attempt: int, rng: np.random.Generator) -> float:
        """Draw how long to wait after attempt number `attempt`, from 1 [s]."""
        # ldexp would overflow, and so would 2.0**k, after a thousand attempts.
        longest = self.first * 2.0 ** min(attempt - 1, 64)
        return float(rng.uniform(0.0, min(self.most, longest)))


def as_retry(retry: Retry | int | None) -> Retry:
    """Return `retry` itself; a number is so many attempts more; None is none."""
    if isinstance(retry, Retry):
        return retry
    if retry is None:
        return Retry(attempts=1)
    return Retry(attempts=_validate.count("retry", retry, least=0) + 1)
