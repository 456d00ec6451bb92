"""The checks at the public door: each error names argument, rule and value."""

from __future__ import annotations

import math
import operator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")
Array = TypeVar("Array", bound=NDArray[Any])


def finite(name: str, value: float, unit: str = "") -> float:
    """Return `value` as a finite float, or say what is wrong with it."""
    return _number(name, value, "finite", unit, math.isfinite)


def positive(name: str, value: float, unit: str = "") -> float:
    """Return `value` as a float that is finite and > 0."""
    rule = "> 0 and finite"
    return _number(name, value, rule, unit, lambda x: 0 < x < math.inf)


def non_negative(name: str, value: float, unit: str = "") -> float:
    """Return `value` as a float that is finite and >= 0."""
    rule = ">= 0 and finite"
    return _number(name, value, rule, unit, lambda x: 0 <= x < math.inf)


def _number(name: str, value: float, rule: str, unit: str, accept: Any) -> float:
    """Return `value` as a float that `accept` takes."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError  # `float` would read it
        number = float(value)
    except OverflowError:  # an int beyond all floats
        number = math.inf
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r}") from None
    if not accept(number):
        raise ValueError(f"{name} must be {rule}{_in(unit)}, got {value!r}")
    return number


def count(name: str, value: int, least: int = 1) -> int:
    """Return `value` as an int of at least `least` (1.0 is no count)."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None
    if number < least:
        raise ValueError(f"{name} must be >= {least}, got {value!r}")
    return number


def size(name: str, value: float, least: int = 1) -> int:
    """Return `value` as whole bytes (an integral float such as 1e7 is fine)."""
    number = non_negative(name, value, "bytes")
    if number != int(number) or number < least:
        rule = f"whole bytes >= {least}"
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    if int(value) > np.iinfo(np.int64).max:
        raise ValueError(f"{name} must be at most 2**63 - 1 bytes, got {value!r}")
    return int(value)


def choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """Return `value` if it is one of the `allowed` words."""
    if value not in allowed:
        words = " or ".join(repr(word) for word in allowed)
        raise ValueError(f"{name} must be {words}, got {value!r}")
    return value


def function(name: str, value: T) -> T:
    """Return `value` if it can be called or is None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be callable or None, got {value!r}")
    return value


def numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as a new float64 array with one dimension."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO":
            raise TypeError  # a date would be read as a number of days, say
        array = array.astype(np.float64)
    except (TypeError, ValueError):
        kind = getattr(values, "dtype", type(values).__name__)
        raise TypeError(f"{name} must be an array of numbers, got {kind}") from None
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {array.shape}")
    return array


def integers(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """Return `values` as a new int64 array with one dimension; nothing is rounded."""
    number = numbers(name, values)
    array = np.asarray(values)
    if np.can_cast(array.dtype, np.int64):
        return array.astype(np.int64)
    whole = (number == np.floor(number)) & (np.abs(number) < 2.0**63)
    _each(name, number, whole, "whole numbers")
    return number.astype(np.int64)


def times(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return times [s] as float64, shape (n,): finite, >= 0 and ascending."""
    array = numbers(name, values)
    _each(name, array, np.isfinite(array) & (array >= 0), ">= 0 and finite [s]")
    descents = np.flatnonzero(array[1:] < array[:-1])
    if descents.size:
        i = int(descents[0]) + 1
        raise ValueError(
            f"{name} must be ascending, but {name}[{i}] = {array[i]} "
            f"comes after {array[i - 1]}; sort them first"
        )
    return array


def durations(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return durations [s] as float64, shape (n,): each finite and >= 0."""
    array = numbers(name, values)
    _each(name, array, np.isfinite(array) & (array >= 0), ">= 0 and finite [s]")
    return array


def sizes(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """Return sizes as int64, shape (n,): whole bytes, each >= 0."""
    number = numbers(name, values)
    array = np.asarray(values)
    if array.dtype.kind in "iub":
        _each(name, array, array >= 0, "whole bytes >= 0")
        # An unsigned size beyond int64 would turn negative in silence.
        _each(name, array, array <= np.iinfo(np.int64).max, "at most 2**63 - 1 bytes")
        return array.astype(np.int64)
    # The comparison with 2**63 keeps the cast exact; NaN fails every comparison.
    whole = (number >= 0) & (number < 2.0**63) & (number == np.floor(number))
    _each(name, number, whole, "whole bytes >= 0")
    return number.astype(np.int64)


def addable(name: str, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return sizes >= 0 that add up to no more than int64 can hold."""
    most = np.iinfo(np.int64).max
    if sizes.size and int(sizes.max()) > most // sizes.size:
        total = sum(sizes.tolist())
        if total > most:
            rule = "add up to at most 2**63 - 1 bytes"
            raise ValueError(f"{name} must {rule}, got {total}")
    return sizes


def not_before(name: str, time: float, latest: float) -> None:
    """Refuse a time [s] before the latest one that was told."""
    non_negative(name, time, "s")
    if time < latest:
        raise ValueError(
            f"{name} must be >= {latest!r} s, the latest that was told, got {time!r}"
        )


def instance(name: str, value: Any, kind: type[T], rule: str) -> T:
    """Return `value` if it is of a kind, or say what would be."""
    if isinstance(value, kind):
        return value
    is_class = isinstance(value, type)
    got = f"the class {value.__name__}: call it" if is_class else shortened(value)
    raise TypeError(f"{name} must be {rule}, got {got}")


def shortened(value: Any, most: int = 400) -> str:
    """Return the repr of a value, or its beginning if that would fill a screen."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}... ({type(value).__name__})"


def sealed(array: Array) -> Array:
    """Set an array read-only that nobody else has, and return it."""
    array.setflags(write=False)
    return array


def _each(name: str, array: NDArray[Any], valid: NDArray[np.bool_], rule: str) -> None:
    """Name the first entry of `array` that is not `valid`."""
    if not valid.all():
        i = int(np.argmin(valid))
        raise ValueError(f"{name} must be {rule}, but {name}[{i}] = {array[i]}")


def _in(unit: str) -> str:
    """Return the unit with a space before it, or nothing."""
    return f" {unit}" if unit else ""
