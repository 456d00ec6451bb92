"""Instances: recipes give what they say, and files are read as they were written."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mds_sim.files.instances import (
    CLASSES,
    Instance,
    falkenauer_triplets,
    falkenauer_uniform,
    generate,
    read_instance,
    scholl_1,
    scholl_2,
    scholl_3,
    schwerin,
    waescher,
    wide,
    write_instance,
)

READ_ONLY = r"^assignment destination is read-only$"
# Least and largest size of each recipe; 3,000 draws miss an end of 101 values with a
# probability of 1e-13, and that of the recipes with more values is not asked for.
RANGES: list[tuple[Callable[[], Instance], int, int, int]] = [
    (lambda: falkenauer_uniform(3000, 1), 150, 20, 100),
    (lambda: scholl_1(3000, 1), 100, 1, 100),
    (lambda: scholl_1(3000, 1, capacity=150, least=30), 150, 30, 100),
    (lambda: schwerin(3000, 1), 1000, 150, 200),
    (lambda: scholl_2(9000, 1, files=9, spread=0.2), 1000, 89, 133),
    (lambda: wide(20_000, 1), 1000, 1, 800),
]


@pytest.mark.parametrize(("draw", "capacity", "least", "most"), RANGES)
def test_the_sizes_are_those_of_the_recipe(
    draw: Callable[[], Instance], capacity: int, least: int, most: int
) -> None:
    instance = draw()
    assert instance.capacity == capacity
    assert (instance.sizes.min(), instance.sizes.max()) == (least, most)


def test_the_wide_recipes_stay_in_their_range() -> None:
    third = scholl_3(2000, 1)
    assert third.capacity == 100_000
    assert third.sizes.min() >= 20_000
    assert third.sizes.max() <= 35_000
    assert waescher(2000, 1, largest=0.25).sizes.max() <= 2500
    assert scholl_2(2000, 1, files=3, spread=0.9).sizes.max() <= 633


def test_triplets_fill_their_buckets_to_the_last_byte() -> None:
    instance = falkenauer_triplets(501, rng=1)
    assert instance.optimum == 167
    assert instance.sizes.sum() == 167 * 1000
    # Two files never fill a bucket, so with none of a quarter or less each has three.
    assert instance.sizes.max() < 500
    assert instance.sizes.min() >= 250


@pytest.mark.parametrize("name", CLASSES)
def test_a_seed_gives_the_same_instance_and_another_seed_another(name: str) -> None:
    one, same, other = (generate(name, 60, rng=seed) for seed in (5, 5, 6))
    assert one.sizes.size == 60
    assert np.array_equal(one.sizes, same.sizes)
    assert not np.array_equal(one.sizes, other.sizes)


@pytest.mark.parametrize(("files", "size"), [(7, 143), (2000, 1)])
def test_without_spread_all_sizes_are_the_mean(files: int, size: int) -> None:
    assert set(scholl_2(9, 1, files=files, spread=0.0).sizes.tolist()) == {size}


def test_options_reach_the_recipe() -> None:
    assert generate("scholl_1", 9, rng=1, capacity=120).capacity == 120


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: generate("scholl_4", 50),
            "name must be 'falkenauer_uniform' or 'falkenauer_triplets' or 'scholl_1' "
            "or 'scholl_2' or 'scholl_3' or 'schwerin' or 'waescher' or 'wide', "
            "got 'scholl_4'",
        ),
        (
            lambda: falkenauer_triplets(61),
            "n must be a multiple of 3 files, got 61",
        ),
        (lambda: falkenauer_uniform(0), "n must be >= 1, got 0"),
        (
            lambda: scholl_2(10, files=3, spread=1.0),
            "spread must be >= 0 and below 1, got 1.0",
        ),
        (lambda: scholl_1(10, least=101), "least must be at most 100 bytes, got 101"),
        (
            lambda: waescher(10, largest=0),
            "largest must be above 0 and at most 1, got 0",
        ),
        (
            lambda: Instance("bad", np.array([1, -2]), 10),
            "sizes must be whole bytes >= 0, but sizes[1] = -2",
        ),
        (
            lambda: Instance("bad", np.array([1]), 0),
            "capacity must be whole bytes >= 1, got 0",
        ),
        (
            lambda: Instance("bad", np.array([1]), 10, optimum=-1),
            "optimum must be >= 0, got -1",
        ),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


def test_an_instance_is_sealed_and_so_is_its_copy() -> None:
    instance = schwerin(10, rng=1)
    copy = pickle.loads(pickle.dumps(instance))
    for one in (instance, copy):
        with pytest.raises(ValueError, match=READ_ONLY):
            one.sizes[0] = 1
    assert np.array_equal(copy.sizes, instance.sizes)
    assert (copy.name, copy.capacity) == (instance.name, instance.capacity)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(0, 2**50), max_size=20), capacity=st.integers(1, 2**62)
)
def test_what_was_written_is_read(
    tmp_path: Path, sizes: list[int], capacity: int
) -> None:
    path = tmp_path / "night.bpp"
    write_instance(Instance("night", np.array(sizes, np.int64), capacity), path)
    back = read_instance(path)
    assert (back.name, back.sizes.tolist(), back.capacity) == ("night", sizes, capacity)


def test_blank_lines_spaces_and_windows_ends_are_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "loose.txt"
    path.write_bytes(b"\xef\xbb\xbf2\r\n\r\n 10 \r\n6\r\n5\r\n\r\n")
    assert read_instance(path).sizes.tolist() == [6, 5]


RULE = "must be a whole number >= {} in int64, but line {} of bad.txt has {!r}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bad.txt must go on with the number of files, but it ends"),
        ("3\n", "bad.txt must go on with the capacity, but it ends"),
        ("3\n10\n6\n5\n", "bad.txt must go on with size 3 of 3, but it ends"),
        ("two\n10\n6\n5\n", "the number of files " + RULE.format(0, 1, "two")),
        ("2\n0\n6\n5\n", "the capacity " + RULE.format(1, 2, "0")),
        ("2\n10\n6\n\n5.5\n", "size 2 of 2 " + RULE.format(0, 5, "5.5")),
        ("2\n10\n6\n-5\n", "size 2 of 2 " + RULE.format(0, 4, "-5")),
        ("2\n10\n6\nnan\n", "size 2 of 2 " + RULE.format(0, 4, "nan")),
        ("2\n10\n6\n1_0\n", "size 2 of 2 " + RULE.format(0, 4, "1_0")),
        ("2\n10\n6\n5 4\n", "size 2 of 2 " + RULE.format(0, 4, "5 4")),
        ("2\n10\n6\x0c\nx\n", "size 2 of 2 " + RULE.format(0, 4, "x")),
        ("1\n10\n" + 99 * "9", "size 1 of 1 " + RULE.format(0, 3, 40 * "9") + "..."),
        ("1\n10\n9223372036854775808\n",
         "size 1 of 1 " + RULE.format(0, 3, "9223372036854775808")),
        (
            "2\n10\n6\n5\n4\n",
            "bad.txt must have 2 sizes as its first line says, "
            "but line 5 has one more: '4'",
        ),
        (
            "2\n10\n9223372036854775807\n1\n",
            "sizes of bad.txt must add up to at most 2**63 - 1 bytes, "
            "got 9223372036854775808",
        ),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_by_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_instance(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.bin"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ValueError, match=r"^bad\.bin must be a text file in UTF-8$"):
        read_instance(path)


@pytest.mark.parametrize(
    ("instance", "got"), [(None, "None"), (Instance, "the class Instance: call it")]
)
def test_only_an_instance_can_be_written(
    tmp_path: Path, instance: Any, got: str
) -> None:
    with pytest.raises(TypeError, match=f"^instance must be an Instance, got {got}$"):
        write_instance(instance, tmp_path / "none.txt")
