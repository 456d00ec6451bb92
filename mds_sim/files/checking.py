"""A judge for bucketing strategies, ours and yours."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .packing import pack
from .strategies import BucketingStrategy

Ints = NDArray[np.int64]

_ROUNDS = 60


def check_bucketing_strategy(strategy: BucketingStrategy) -> None:
    r"""Try a strategy on many nights, and say which rule it breaks on which one.

    Parameters
    ----------
    strategy : BucketingStrategy
        Yours, an object with ``assign(sizes, capacity)``.

    Raises
    ------
    AssertionError
        If the strategy fails, leaves a file out, overfills or skips a bucket, answers
        differently when asked twice, changes the sizes it is given, or cannot be
        pickled. The message names the rule, the file, the bucket and the night.

    Notes
    -----
    Some hundred nights, always the same: one file, equal ones, files of zero bytes,
    exact fills, oversize files, the largest numbers of int64, random ones.

    Examples
    --------
    >>> from mds_sim.files import FirstFit
    >>> check_bucketing_strategy(FirstFit())
    >>> class Greedy:
    ...     def assign(self, sizes, capacity):
    ...         return np.zeros(sizes.size, dtype=int)
    >>> try:
    ...     check_bucketing_strategy(Greedy())
    ... except AssertionError as error:
    ...     print(*str(error).split(": "), sep="\n")
    Greedy must put at most 10 bytes into a bucket, but bucket 0 holds 11
    file 1 is the first too many; sizes=[6, 5], capacity=10
    """
    pack([], strategy=strategy)  # refuses what is no strategy at all
    for sizes, capacity in _nights():
        try:
            _check_night(strategy, sizes, capacity)
        except AssertionError as error:
            night = f"sizes={_shown(sizes)}, capacity={capacity}"
            raise AssertionError(f"{error}; {night}") from error.__cause__
    _check_picklable(strategy)


def _nights() -> Iterator[tuple[Ints, int]]:
    """Yield sizes and a capacity, the simplest first."""
    largest = int(np.iinfo(np.int64).max)
    corners: list[tuple[list[int], int]] = [
        ([10], 10),
        ([0], 10),
        ([11, 12], 10),
        ([6, 5], 10),
        ([5, 5, 5, 5], 10),
        ([0, 10, 0, 10, 0], 10),
        ([3, 3, 4, 7, 3, 1, 9], 10),
        ([11, 1, 12, 2], 10),
        ([1] * 25, 1),
        ([0] * 5, 1),
        ([largest], largest),
        ([largest - 1, 1], largest),
        (list(range(40)), 40),
        (list(range(40, 0, -1)), 40),
    ]
    for sizes, capacity in corners:
        yield np.array(sizes, dtype=np.int64), capacity
    rng = np.random.default_rng(2024)
    for _ in range(_ROUNDS):
        capacity = int(rng.integers(1, 30))
        n_files = int(rng.integers(1, 40))
        yield rng.integers(0, capacity + 2, n_files), capacity
        yield rng.exponential(capacity / 5, n_files).astype(np.int64), capacity
    yield np.rint(rng.exponential(1e6, 1000)).astype(np.int64), 10**7


def _check_night(strategy: BucketingStrategy, sizes: Ints, capacity: int) -> None:
    """Ask, check the answer, and ask again: both answers must be equal."""
    fitting = sizes[sizes <= capacity]
    if not fitting.size:
        return
    # Twice in a row: one that changes its mind each time is asked three times a night.
    first, second = (_asked(strategy, fitting, capacity) for _ in range(2))
    try:
        pack(sizes, capacity, strategy)
    except (TypeError, ValueError) as error:
        raise AssertionError(str(error)) from error
    rule = f"{type(strategy).__name__} must answer the same when asked twice, but"
    if first.shape != second.shape:
        raise AssertionError(f"{rule} gave shape {first.shape}, then {second.shape}")
    if not np.array_equal(first, second):
        i = int(np.argmax(first != second))
        raise AssertionError(
            f"{rule} file {i} went to bucket {first[i]}, then to bucket {second[i]}"
        )


def _asked(
    strategy: BucketingStrategy, sizes: Ints, capacity: int
) -> NDArray[np.generic]:
    """Return the answer as it is, or say why there is none."""
    sealed = sizes.copy()
    sealed.setflags(write=False)
    try:
        given = strategy.assign(sealed, capacity)
    except Exception as error:
        is_written = "read-only" in str(error)
        rule = "change the sizes it is given" if is_written else "fail"
        raise AssertionError(
            f"{type(strategy).__name__} must not {rule}, "
            f"but {type(error).__name__}: {error}"
        ) from error
    try:
        return np.array(given)
    except ValueError:  # rows of unequal length, which `pack` refuses
        return np.array(None)


def _check_picklable(strategy: BucketingStrategy) -> None:
    """Send the strategy to a worker process and back, so to say."""
    try:
        pickle.loads(pickle.dumps(strategy))
    except Exception as error:
        name = type(strategy).__name__
        raise AssertionError(
            f"{name} must be picklable, to travel to a worker process: {error}"
        ) from error


def _shown(sizes: Ints) -> str:
    """Write sizes down, to be pasted into `pack`; long lists are cut."""
    shown = ", ".join(map(str, sizes[:40].tolist()))
    more = f", ... {sizes.size - 40} more" if sizes.size > 40 else ""
    return f"[{shown}{more}]"
