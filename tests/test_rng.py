"""Chance is an argument: what `rng` may be, and how it is split."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.rng import as_generator, streams

PURPOSES = ("arrivals", "sizes", "service")


@pytest.mark.parametrize("seed", [7, np.int32(7), np.uint64(7)])
def test_a_seed_makes_the_generator_that_numpy_makes(seed: int) -> None:
    expected = np.random.default_rng(7).random(5)
    assert np.array_equal(as_generator(seed).random(5), expected)


@pytest.mark.parametrize("seed", [-1, np.int32(-1)])
def test_a_seed_is_not_negative(seed: int) -> None:
    message = f"rng must be >= 0 if it is a seed, got {seed!r}"
    for split in (as_generator, streams):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            split(seed)


def test_a_generator_is_returned_as_it_is() -> None:
    generator = np.random.default_rng(1)
    assert as_generator(generator) is generator


def test_none_makes_a_new_generator_each_time() -> None:
    assert as_generator(None).random() != as_generator(None).random()


@pytest.mark.parametrize(
    ("rng", "kind"),
    [
        (np.random.RandomState(1), "RandomState"),
        (np.random.SeedSequence(1), "SeedSequence"),
        ("1", "str"),
        (1.0, "float"),
        (np.random, "module"),
    ],
)
def test_anything_else_is_refused(rng: object, kind: str) -> None:
    message = f"rng must be a numpy.random.Generator, a seed or None, got {kind}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        as_generator(rng)  # type: ignore[arg-type]


@given(seed=st.integers(0, 2**32), first=st.integers(0, 50))
def test_what_one_purpose_draws_does_not_shift_what_another_draws(
    seed: int, first: int
) -> None:
    quiet, busy = streams(seed), streams(seed)
    busy.arrivals.random(first)
    assert quiet.sizes.random() == busy.sizes.random()
    assert quiet.service.random() == busy.service.random()


def test_the_purposes_draw_different_numbers() -> None:
    split = streams(3)
    assert len({getattr(split, purpose).random() for purpose in PURPOSES}) == 3


def test_a_seed_is_split_in_the_same_way_each_time() -> None:
    for purpose in PURPOSES:
        one, two = (getattr(streams(3), purpose).random(4) for _ in range(2))
        assert np.array_equal(one, two)


def test_a_generator_that_is_split_twice_gives_different_streams() -> None:
    generator = np.random.default_rng(3)
    one, two = streams(generator), streams(generator)
    assert one.arrivals.random() != two.arrivals.random()
