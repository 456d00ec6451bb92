"""The checks at the public door: what they take, and every message in full."""

import math
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim import _validate

NUMBERS = [3, 3.0, np.float32(3), np.int8(3), Fraction(3), Decimal(3), np.array(3.0)]


def refusal(
    kind: type[Exception], message: str
) -> AbstractContextManager[pytest.ExceptionInfo[Exception]]:
    """Expect an error with exactly this message."""
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


class TestNumbersAlone:
    @pytest.mark.parametrize("value", NUMBERS, ids=lambda v: type(v).__name__)
    @pytest.mark.parametrize(
        "check", [_validate.finite, _validate.positive, _validate.non_negative]
    )
    def test_whatever_is_a_number_becomes_a_float(
        self, check: Callable[[str, Any], float], value: Any
    ) -> None:
        assert check("x", value) == 3.0
        assert type(check("x", value)) is float

    @pytest.mark.parametrize("value", ["3", b"3", None, [3], 1j, np.ones(2)])
    @pytest.mark.parametrize(
        "check", [_validate.finite, _validate.positive, _validate.non_negative]
    )
    def test_what_only_looks_like_a_number_is_refused(
        self, check: Callable[[str, Any], float], value: Any
    ) -> None:
        with refusal(TypeError, f"x must be a number, got {value!r}"):
            check("x", value)

    @pytest.mark.parametrize(
        ("check", "value", "rule"),
        [
            (_validate.finite, math.inf, "finite"),
            (_validate.finite, math.nan, "finite"),
            (_validate.positive, 0, "> 0 and finite"),
            (_validate.positive, -1.0, "> 0 and finite"),
            (_validate.positive, math.inf, "> 0 and finite"),
            (_validate.positive, math.nan, "> 0 and finite"),
            (_validate.non_negative, -1e-300, ">= 0 and finite"),
            (_validate.non_negative, math.inf, ">= 0 and finite"),
            (_validate.non_negative, math.nan, ">= 0 and finite"),
            (_validate.positive, 10**400, "> 0 and finite"),  # beyond all floats
        ],
    )
    def test_a_number_that_breaks_the_rule_is_named(
        self, check: Callable[..., float], value: float, rule: str
    ) -> None:
        with refusal(ValueError, f"rate must be {rule}, got {value!r}"):
            check("rate", value)
        with refusal(ValueError, f"rate must be {rule} per second, got {value!r}"):
            check("rate", value, "per second")

    @pytest.mark.parametrize(
        ("check", "value"),
        [
            (_validate.finite, -1e308),
            (_validate.positive, 5e-324),
            (_validate.non_negative, 0.0),
        ],
    )
    def test_the_extremes_of_a_rule_are_allowed(
        self, check: Callable[..., float], value: float
    ) -> None:
        assert check("x", value) == value


class TestCount:
    @pytest.mark.parametrize("value", [5, np.int64(5), np.uint8(5)])
    def test_a_whole_number_is_a_count(self, value: int) -> None:
        assert _validate.count("n", value, least=5) == 5
        assert type(_validate.count("n", value)) is int

    @pytest.mark.parametrize("value", [1.0, "1", None, np.float64(1), Fraction(1)])
    def test_another_kind_of_number_is_not(self, value: Any) -> None:
        with refusal(TypeError, f"n must be a whole number, got {value!r}"):
            _validate.count("n", value)

    @pytest.mark.parametrize(("value", "least"), [(0, 1), (-1, 0), (1, 2)])
    def test_there_must_be_enough(self, value: int, least: int) -> None:
        with refusal(ValueError, f"n must be >= {least}, got {value}"):
            _validate.count("n", value, least)


class TestSize:
    @pytest.mark.parametrize("value", [10**7, 1e7, np.float64(1e7), np.int32(10**7)])
    def test_whole_bytes_become_an_int(self, value: float) -> None:
        assert _validate.size("capacity", value) == 10**7
        assert type(_validate.size("capacity", value)) is int

    def test_a_large_size_stays_exact(self) -> None:
        assert _validate.size("capacity", 2**53 + 1) == 2**53 + 1
        assert _validate.size("capacity", 2**63 - 1) == 2**63 - 1

    @pytest.mark.parametrize(
        ("value", "least", "message"),
        [
            (0, 1, "capacity must be whole bytes >= 1, got 0"),
            (2.5, 0, "capacity must be whole bytes >= 0, got 2.5"),
            (-1, 0, "capacity must be >= 0 and finite bytes, got -1"),
            (math.nan, 0, "capacity must be >= 0 and finite bytes, got nan"),
            (math.inf, 0, "capacity must be >= 0 and finite bytes, got inf"),
            (2**63, 0, f"capacity must be at most 2**63 - 1 bytes, got {2**63}"),
            (1e30, 0, "capacity must be at most 2**63 - 1 bytes, got 1e+30"),
        ],
    )
    def test_other_sizes_are_refused(
        self, value: float, least: int, message: str
    ) -> None:
        with refusal(ValueError, message):
            _validate.size("capacity", value, least)


def test_a_choice_is_one_of_the_allowed_words() -> None:
    assert _validate.choice("oversize", "alone", ("alone", "raise")) == "alone"
    with refusal(ValueError, "oversize must be 'alone' or 'raise', got 'split'"):
        _validate.choice("oversize", "split", ("alone", "raise"))


def test_a_function_can_be_called_or_is_none() -> None:
    assert _validate.function("handler", len) is len
    assert _validate.function("handler", None) is None
    with refusal(TypeError, "handler must be callable or None, got 'x'"):
        _validate.function("handler", "x")


ARRAYS = [
    _validate.numbers,
    _validate.integers,
    _validate.times,
    _validate.durations,
    _validate.sizes,
]


@pytest.mark.parametrize("check", ARRAYS, ids=lambda check: check.__name__)
class TestArrays:
    def test_numbers_are_copied(self, check: Callable[..., Any]) -> None:
        whole = check is _validate.integers or check is _validate.sizes
        given = np.array([1, 2, 2], np.int64 if whole else np.float64)
        answer = check("x", given)
        assert answer.dtype == given.dtype
        assert np.array_equal(answer, given)
        assert not np.shares_memory(answer, given)

    @pytest.mark.parametrize("empty", [[], (), np.array([])])
    def test_there_may_be_none(self, check: Callable[..., Any], empty: Any) -> None:
        assert check("x", empty).shape == (0,)

    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            ("12", "str"),
            (["1", "2"], "list"),
            ([[1], [1, 2]], "list"),
            ([1j], "list"),
            (np.array(["1"]), "<U1"),
            (np.array([1j]), "complex128"),
            # Days since 1970 are no seconds since the start.
            (np.array(["2024-01-01"], "M8[D]"), "datetime64[D]"),
            (np.array([3], "m8[h]"), "timedelta64[h]"),
        ],
    )
    def test_what_is_not_made_of_numbers_is_refused(
        self, check: Callable[..., Any], values: Any, kind: str
    ) -> None:
        with refusal(TypeError, f"x must be an array of numbers, got {kind}"):
            check("x", values)

    @pytest.mark.parametrize("values", [3.0, [[1.0, 2.0]], np.zeros((0, 2))])
    def test_another_shape_is_refused(
        self, check: Callable[..., Any], values: Any
    ) -> None:
        shape = np.shape(values)
        with refusal(ValueError, f"x must have one dimension, got shape {shape}"):
            check("x", values)


class TestTimes:
    @pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
    @pytest.mark.parametrize("check", [_validate.times, _validate.durations])
    def test_the_first_bad_one_is_named(
        self, check: Callable[..., Any], bad: float
    ) -> None:
        message = f"x must be >= 0 and finite [s], but x[1] = {bad}"
        with refusal(ValueError, message):
            check("x", [0.0, bad, bad])

    def test_times_must_ascend(self) -> None:
        message = "x must be ascending, but x[3] = 1.0 comes after 2.0; sort them first"
        with refusal(ValueError, message):
            _validate.times("x", [0, 2, 2, 1, 0])

    @given(st.lists(st.floats(0, 1e9)))
    def test_sorted_times_pass_unchanged(self, values: list[float]) -> None:
        values.sort()
        assert _validate.times("x", values).tolist() == values


class TestWholeNumbers:
    @given(st.lists(st.integers(-(2**63), 2**63 - 1)))
    def test_whole_numbers_stay_exact(self, values: list[int]) -> None:
        assert _validate.integers("x", values).tolist() == values

    @pytest.mark.parametrize("bad", [1.5, math.nan, math.inf, 2.0**63])
    def test_nothing_is_rounded(self, bad: float) -> None:
        message = f"x must be whole numbers, but x[1] = {bad}"
        with refusal(ValueError, message):
            _validate.integers("x", [1.0, bad])

    @given(st.lists(st.integers(0, 2**63 - 1)))
    def test_whole_sizes_stay_exact(self, values: list[int]) -> None:
        assert _validate.sizes("x", np.array(values, np.int64)).tolist() == values

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ([3, -1], "x must be whole bytes >= 0, but x[1] = -1"),
            ([0.5], "x must be whole bytes >= 0, but x[0] = 0.5"),
            ([math.nan], "x must be whole bytes >= 0, but x[0] = nan"),
            ([math.inf], "x must be whole bytes >= 0, but x[0] = inf"),
            ([2.0**63], f"x must be whole bytes >= 0, but x[0] = {2.0**63}"),
            (
                np.array([2**63], np.uint64),
                f"x must be at most 2**63 - 1 bytes, but x[0] = {2**63}",
            ),
        ],
    )
    def test_other_sizes_are_refused(self, values: Any, message: str) -> None:
        with refusal(ValueError, message):
            _validate.sizes("x", values)

    def test_whole_floats_are_fine(self) -> None:
        answer = _validate.sizes("x", [1e6, 0.0])
        assert answer.dtype == np.int64
        assert answer.tolist() == [10**6, 0]


class TestSums:
    @pytest.mark.parametrize(
        "sizes", [[], [0], [2**63 - 1, 0], [2**62, 2**62 - 1], [2**61] * 3]
    )
    def test_what_int64_can_hold_is_fine(self, sizes: list[int]) -> None:
        array = np.array(sizes, np.int64)
        assert _validate.addable("x", array) is array

    @pytest.mark.parametrize("sizes", [[2**62, 2**62], [2**63 - 1, 1], [2**61] * 4])
    def test_more_is_refused(self, sizes: list[int]) -> None:
        message = f"x must add up to at most 2**63 - 1 bytes, got {sum(sizes)}"
        with refusal(ValueError, message):
            _validate.addable("x", np.array(sizes))


class TestInstances:
    def test_a_value_of_the_kind_is_returned(self) -> None:
        value = Fraction(1, 3)
        assert _validate.instance("x", value, Fraction, "a Fraction") is value

    @pytest.mark.parametrize(
        ("value", "got"), [(0.5, "0.5"), (Fraction, "the class Fraction: call it")]
    )
    def test_anything_else_is_refused(self, value: Any, got: str) -> None:
        with refusal(TypeError, f"x must be a Fraction, got {got}"):
            _validate.instance("x", value, Fraction, "a Fraction")


def test_a_sealed_array_cannot_be_written_to() -> None:
    array = np.zeros(2)
    assert _validate.sealed(array) is array
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1.0


def test_a_value_that_would_fill_a_screen_is_shortened() -> None:
    with pytest.raises(TypeError) as caught:
        _validate.instance("pool", list(range(10_000)), str, "a word")
    message = str(caught.value)
    assert message.startswith("pool must be a word, got [0, 1, 2, ")
    assert message.endswith("... (list)")
    assert len(message) < 450
