"""Finite fields GF(q) as tables, for designs that are made by arithmetic.

The field of q = p**k elements is made of polynomials over GF(p) of degree < k, modulo
one of degree k whose root x is primitive: all elements but 0 are powers of x. An
element is the number whose digits in base p are its coefficients, so 0 and 1 are 0, 1.
The tables take some lines and a few milliseconds; a package for Galois fields would
cost its own import and compiling.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from mds_sim import _validate
from mds_sim.tournament.history import Ints


@dataclass(frozen=True, eq=False)
class Field:
    """The field of q elements: ``add[a, b]``, ``mul[a, b]`` and ``powers`` of x.

    Examples
    --------
    >>> four = field(4)
    >>> int(four.add[3, 3]), int(four.mul[2, 3])  # x + 1 twice; x (x + 1) = 1
    (0, 1)
    """

    q: int
    add: Ints
    mul: Ints
    powers: Ints


def prime_power(q: int) -> tuple[int, int] | None:
    """Return (p, k) if q = p**k with a prime p, else None.

    Examples
    --------
    >>> prime_power(27), prime_power(12)
    ((3, 3), None)
    """
    if q < 2:
        return None
    p = next((p for p in range(2, int(q**0.5) + 1) if q % p == 0), q)
    k = 0
    while q % p == 0:
        q, k = q // p, k + 1
    return (p, k) if q == 1 else None


@lru_cache(maxsize=32)
def field(q: int) -> Field:
    """Return the field of q elements.

    Parameters
    ----------
    q : int
        A power of a prime.

    Raises
    ------
    ValueError
        If there is no such field.

    Notes
    -----
    Cost O(q^2 k) once; the same field is returned again.

    Examples
    --------
    >>> field(5).mul[2].tolist(), field(5).powers.tolist()
    ([0, 2, 4, 1, 3], [1, 3, 4, 2])
    >>> field(6)
    Traceback (most recent call last):
    ...
    ValueError: q must be a power of a prime, got 6
    """
    factors = prime_power(q)
    if factors is None:
        raise ValueError(f"q must be a power of a prime, got {q}")
    p, k = factors
    weights = p ** np.arange(k)
    digits = np.arange(q)[:, None] // weights % p
    add = (digits[:, None] + digits) % p @ weights
    power = np.array(_powers(p, k)) @ weights
    log = np.empty(q, dtype=np.int64)
    log[power] = np.arange(q - 1)
    mul = power[(log[:, None] + log) % (q - 1)]
    mul[0] = mul[:, 0] = 0
    return Field(q, *map(_validate.sealed, (add, mul, power)))


def _powers(p: int, k: int) -> list[list[int]]:
    """Return the powers of x modulo the first polynomial that makes x primitive."""
    one = [1] + [0] * (k - 1)
    for low in product(range(p), repeat=k):
        powers, power = [one], _times_x(one, low, p)
        while power not in (one, [0] * k) and len(powers) < p**k:
            powers.append(power)
            power = _times_x(power, low, p)
        if power == one and len(powers) == p**k - 1:
            return powers
    raise AssertionError("every finite field has a primitive element")


def _times_x(power: list[int], low: tuple[int, ...], p: int) -> list[int]:
    """Multiply by x, where x**k is minus the polynomial of the coefficients `low`."""
    shifted, top = [0, *power[:-1]], power[-1]
    return [(a - top * b) % p for a, b in zip(shifted, low, strict=True)]
