"""A strategy's answer, and the checks that it has to pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim._validate import sealed
from mds_sim.units import counted

from .strategies import BucketingStrategy

Ints = NDArray[np.int64]


def check_strategy(strategy: Any) -> None:
    """Refuse what cannot assign, and a class that was not called."""
    name = "a bucketing strategy such as FirstFitDecreasing()"
    if isinstance(strategy, type):
        raise TypeError(
            f"strategy must be {name}, got the class {strategy.__name__}: call it"
        )
    if not callable(getattr(strategy, "assign", None)):
        raise TypeError(f"strategy must be {name}, got {strategy!r}")


def answer(
    strategy: BucketingStrategy, sizes: Ints, files: Ints, capacity: int
) -> Ints:
    """Return the strategy's bucket for each of some `files`, once it is checked."""
    if not files.size:
        return files
    name = type(strategy).__name__
    fitting = sealed(sizes[files])
    given = strategy.assign(fitting, capacity)
    bucket = _array(name, given, files)
    if bucket.dtype.kind not in "iu" and bucket.size:
        what = "None" if given is None else bucket.dtype
        raise TypeError(f"{name} must answer in whole numbers, got {what}")
    if bucket.shape != files.shape:
        raise ValueError(
            f"{name} must put each of "
            f"{counted(files.size, 'file', spec='')} into one bucket, "
            f"got an answer of shape {bucket.shape}"
        )
    _check_numbers(name, bucket, files)
    bucket = bucket.astype(np.int64)
    _check_loads(name, bucket, sizes, files, capacity)
    return bucket


def _array(name: str, given: Any, files: Ints) -> NDArray[Any]:
    """Return what a strategy gave as an array, or say what it gave instead."""
    try:
        return np.asarray(given)
    except ValueError:  # rows of unequal length
        raise ValueError(
            f"{name} must put each of {counted(files.size, 'file', spec='')} into "
            "one bucket, got rows of unequal length"
        ) from None


def _check_numbers(name: str, bucket: NDArray[Any], files: Ints) -> None:
    """Name the file with a negative number, or the first number left out."""
    if bucket.min() < 0:
        i = int(np.argmax(bucket < 0))
        raise ValueError(
            f"{name} must number its buckets from 0, "
            f"but file {files[i]} is in bucket {bucket[i]}"
        )
    # So many files cannot fill more buckets: where one is beyond, one before is empty.
    small = bucket[bucket < bucket.size].astype(np.int64)
    missing = np.flatnonzero(np.bincount(small, minlength=1) == 0)
    if missing.size or small.size < bucket.size:
        gap = int(missing[0]) if missing.size else int(small.max()) + 1
        i = int(np.argmax(bucket > gap))
        raise ValueError(
            f"{name} must leave no bucket empty, but bucket {gap} is, "
            f"and file {files[i]} is in bucket {bucket[i]}"
        )


def _check_loads(
    name: str, bucket: Ints, sizes: Ints, files: Ints, capacity: int
) -> None:
    """Name the bucket that holds too much, and the file that made it so."""
    load = np.zeros(int(bucket.max()) + 1, dtype=np.int64)
    np.add.at(load, bucket, sizes[files])
    if load.max() > capacity:
        worst = int(np.argmax(load > capacity))
        inside = files[bucket == worst]
        last = int(np.argmax(np.cumsum(sizes[inside]) > capacity))
        raise ValueError(
            f"{name} must put at most {counted(capacity, 'byte', spec='')} into a "
            f"bucket, but bucket {worst} holds {load[worst]}: file {inside[last]} is "
            "the first too many"
        )
