"""Bounds on the number of buckets, beside all there is to compare with: the truth."""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim.theory.bounds import (
    DUAL_FEASIBLE,
    ccm1,
    dual_feasible,
    f0,
    fs1,
    l2,
    l3,
    lower_bound,
)

sys.path.insert(0, str(Path(__file__).parents[1]))
fewest = import_module("brute_force").fewest

LARGEST = 2**63 - 1
SIZES = st.lists(st.integers(0, 24), max_size=8)


@settings(max_examples=300)
@given(sizes=SIZES, capacity=st.integers(1, 24))
def test_no_bound_is_above_the_truth_and_each_is_above_the_one_before(
    sizes: list[int], capacity: int
) -> None:
    truth = fewest(sizes, capacity)
    chain = [lower_bound(sizes, capacity), l2(sizes, capacity), l3(sizes, capacity)]
    assert chain == sorted(chain)
    # Files of no size need a bucket, and no bound says so.
    assert chain[-1] <= truth
    fitting = [size for size in sizes if size <= capacity]
    best = dual_feasible(fitting, capacity)
    assert l2(fitting, capacity) <= best.bound <= fewest(fitting, capacity)


def most_worth(value: list[int], capacity: int) -> int:
    """Return the most that sizes 1, 2, ... in one bucket are worth, each at will."""
    best = [0] * (capacity + 1)
    for room in range(1, capacity + 1):
        best[room] = max(best[room - s] + value[s - 1] for s in range(1, room + 1))
    return best[capacity]


@pytest.mark.parametrize("kind", DUAL_FEASIBLE)
def test_each_family_is_dual_feasible(kind: str) -> None:
    """All members up to a capacity of 40: no bucket is worth more than the scale."""
    for capacity in range(1, 41):
        sizes = np.arange(1, capacity + 1)
        parameters = {
            "L2": range(-(-capacity // 2) + 1),
            "FS1": range(1, 51),
            "CCM1": range(1, capacity // 2 + 1),
        }
        for parameter in parameters[kind]:
            value, scale = DUAL_FEASIBLE[kind](sizes, capacity, parameter)
            assert most_worth(value.tolist(), capacity) <= scale
            assert value.min() >= 0


def test_the_judge_of_families_finds_one_that_is_not() -> None:
    value, scale = f0(np.arange(1, 11), 10, 6)  # a threshold beyond the half
    assert most_worth([*value.tolist()[:4], 10, *value.tolist()[5:]], 10) > scale


@pytest.mark.parametrize(
    ("sizes", "capacity", "bounds"),
    [
        ([], 10, (0, 0, 0)),
        ([10, 10, 1], 10, (3, 3, 3)),
        ([6, 6, 6, 1], 10, (2, 3, 3)),
        ([5, 5, 5], 10, (2, 2, 2)),
        ([5, 5, 5], 9, (2, 3, 3)),  # the half of an odd capacity
        ([16, 12, 7, 3, 2], 20, (2, 2, 3)),
        ([25, 6, 6, 6], 10, (3, 4, 4)),
    ],
)
def test_by_hand(sizes: list[int], capacity: int, bounds: tuple[int, ...]) -> None:
    found = (lower_bound(sizes, capacity), l2(sizes, capacity), l3(sizes, capacity))
    assert found == bounds


@pytest.mark.parametrize(
    ("sizes", "capacity", "kind"),
    [
        ([5, 5], 10, "L1"),
        ([6, 6, 6], 10, "L2"),
        ([6, 6, 3, 3, 2], 10, "FS1"),
        ([18, 12, 12, 7, 6, 5], 21, "CCM1"),
    ],
)
def test_the_best_member_is_named_and_shows_its_bound(
    sizes: list[int], capacity: int, kind: str
) -> None:
    best = dual_feasible(sizes, capacity)
    assert best.kind == kind
    assert best.bound == -(-int(best.value.sum()) // best.scale)
    if kind != "L1":
        array = np.array(sizes)
        value, scale = DUAL_FEASIBLE[kind](array, capacity, best.parameter)
        assert (value.tolist(), scale) == (best.value.tolist(), best.scale)


def test_families_by_hand() -> None:
    sizes = np.array([8, 5, 3, 2])
    assert f0(sizes, 10, 3)[0].tolist() == [10, 5, 3, 0]
    assert fs1(sizes, 10, 4)[0].tolist() == [32, 20, 10, 8]
    assert ccm1(sizes, 10, 2)[0].tolist() == [8, 5, 2, 2]


def test_the_largest_numbers_do_not_overflow() -> None:
    assert l2([LARGEST], LARGEST) == 1
    assert l2([2**61] * 3, 2**61) == 3
    assert l3([2**61 + 1, 2**61, 2**61], 2**62) == 2
    assert dual_feasible([2**61] * 3, 2**62).bound == 2
    assert dual_feasible([LARGEST - 1, 1], LARGEST).bound == 1


@pytest.mark.parametrize("rule", [l2, l3, dual_feasible])
@pytest.mark.parametrize(
    ("sizes", "capacity", "message"),
    [
        ([-1], 10, "sizes must be whole bytes >= 0, but sizes[0] = -1"),
        ([1.5], 10, "sizes must be whole bytes >= 0, but sizes[0] = 1.5"),
        ([1, np.nan], 10, "sizes must be whole bytes >= 0, but sizes[1] = nan"),
        ([1], 0, "capacity must be whole bytes >= 1, got 0"),
        (
            [LARGEST, 1],
            10,
            f"sizes must add up to at most 2**63 - 1 bytes, got {2**63}",
        ),
    ],
)
def test_bad_input(rule: Any, sizes: Any, capacity: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        rule(sizes, capacity)


def test_the_functions_are_for_files_that_fit() -> None:
    message = (
        "sizes must be at most one bucket of 10 bytes, but 2 are larger: set them apart"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dual_feasible([11, 12, 3], 10)
