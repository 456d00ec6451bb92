"""Chance is an argument: one way to read `rng`, one way to split it.

Examples
--------
>>> as_generator(1).integers(100) == as_generator(1).integers(100)
np.True_
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

RNG: TypeAlias = np.random.Generator | int | None


def as_generator(rng: RNG = None) -> np.random.Generator:
    """Return the generator that `rng` stands for.

    Parameters
    ----------
    rng : numpy.random.Generator, int or None
        A generator is returned as it is, a seed makes a new one, None makes
        one from the operating system's entropy.

    Raises
    ------
    TypeError
        If `rng` is none of these (a legacy ``RandomState``, for example).
    ValueError
        If it is a seed below 0.

    Examples
    --------
    >>> generator = as_generator(7)
    >>> as_generator(generator) is generator
    True
    """
    if isinstance(rng, (int, np.integer)) and rng < 0:
        raise ValueError(f"rng must be >= 0 if it is a seed, got {rng!r}")
    if rng is None or isinstance(rng, (int, np.integer, np.random.Generator)):
        return np.random.default_rng(rng)
    raise TypeError(
        "rng must be a numpy.random.Generator, a seed or None, "
        f"got {type(rng).__name__}"
    )


@dataclass(frozen=True)
class Streams:
    """Independent generators, one for each purpose.

    A second strategy or a second window then sees the same night: what one
    purpose draws does not shift what another one draws.
    """

    arrivals: np.random.Generator
    sizes: np.random.Generator
    service: np.random.Generator


def streams(rng: RNG = None) -> Streams:
    """Split `rng` into one generator for each purpose.

    Parameters
    ----------
    rng : numpy.random.Generator, int or None
        A generator is advanced: splitting it twice gives different streams.

    Examples
    --------
    >>> first, second = streams(5), streams(5)
    >>> first.sizes.random() == second.sizes.random()
    True
    """
    return Streams(*as_generator(rng).spawn(3))
