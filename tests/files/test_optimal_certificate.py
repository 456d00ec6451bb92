"""Certificates: those of the solver hold, and no other does."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.files.instances import schwerin
from mds_sim.files.optimal import Certificate, Optimal

# One night for each kind: sizes and capacity.
NIGHTS: dict[str, tuple[list[int], int]] = {
    "L1": ([5, 5, 5], 10),
    "L2": ([6, 6, 6], 10),
    "FS1": ([6, 6, 3, 3, 2], 10),
    "CCM1": ([18, 12, 12, 7, 6, 5], 21),
    "dual": ([44, 44, 33, 33, 33, *[12] * 6], 132),
}

TOO_SMALL = r"^scale must be the most that a bucket is worth, \d+ or more, got \d+$"


def proof_of(kind: str) -> Certificate:
    sizes, capacity = NIGHTS[kind]
    return Optimal().solve(sizes, capacity).certificate


@pytest.mark.parametrize("kind", NIGHTS)
def test_each_kind_is_found_and_holds(kind: str) -> None:
    sizes, capacity = NIGHTS[kind]
    proof = proof_of(kind)
    assert proof.kind == kind
    assert not proof.rests_on_solver
    proof.check(sizes, capacity)


@pytest.mark.parametrize("kind", NIGHTS)
def test_a_higher_bound_is_refused(kind: str) -> None:
    sizes, capacity = NIGHTS[kind]
    proof = proof_of(kind)
    forged = replace(proof, bound=proof.bound + 1)
    message = f"bound must be what follows, {proof.bound}, got {proof.bound + 1}"
    with pytest.raises(ValueError, match=f"^{message}$"):
        forged.check(sizes, capacity)


@pytest.mark.parametrize("kind", ["L1", "L2", "FS1", "CCM1"])
def test_other_values_or_scales_than_those_of_the_family_are_refused(kind: str) -> None:
    sizes, capacity = NIGHTS[kind]
    proof = proof_of(kind)
    more = proof.value.copy()
    more[0] += 1
    message = f"value and scale must be those of {kind} for these sizes, got others"
    for forged in (replace(proof, value=more), replace(proof, scale=proof.scale - 1)):
        with pytest.raises(ValueError, match=f"^{message}$"):
            forged.check(sizes, capacity)


@pytest.mark.parametrize(
    ("kind", "parameter", "rule"),
    [
        ("L2", 6, "from 0 to 5 for L2"),
        ("FS1", 0, "from 1 to 922337203685477579 for FS1"),
        ("CCM1", 11, "from 1 to 10 for CCM1"),
    ],
)
def test_a_parameter_out_of_the_family_is_refused(
    kind: str, parameter: int, rule: str
) -> None:
    sizes, capacity = NIGHTS[kind]
    forged = replace(proof_of(kind), parameter=parameter)
    message = f"parameter must be {rule}, got {parameter}"
    with pytest.raises(ValueError, match=f"^{message}$"):
        forged.check(sizes, capacity)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # With one step and a half this would show two buckets where one is enough.
        ({"scale": 15.0, "parameter": 1.5}, "scale must be a whole number, got 15.0"),
        ({"parameter": 1.5}, "parameter must be a whole number, got 1.5"),
        ({"bound": 2.0}, "bound must be a whole number, got 2.0"),
    ],
)
def test_parts_of_a_step_prove_nothing(changes: dict[str, Any], message: str) -> None:
    fields: dict[str, Any] = {
        "kind": "FS1", "bound": 2, "value": [10, 10], "scale": 15, "parameter": 1
    }  # fmt: skip
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Certificate(**(fields | changes)).check([5, 5], 10)


def test_a_dual_with_too_small_a_scale_is_refused() -> None:
    sizes, capacity = NIGHTS["dual"]
    proof = proof_of("dual")
    forged = replace(proof, scale=proof.scale - 1)
    message = (
        f"scale must be the most that a bucket is worth, {proof.scale} or more, "
        f"got {proof.scale - 1}"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        forged.check(sizes, capacity)


def test_a_dual_with_a_file_worth_more_is_refused() -> None:
    sizes, capacity = NIGHTS["dual"]
    proof = proof_of("dual")
    more = proof.value.copy()
    more[0] += proof.scale
    with pytest.raises(ValueError, match=TOO_SMALL):
        replace(proof, value=more).check(sizes, capacity)


def test_a_certificate_is_of_its_night_only() -> None:
    sizes, capacity = NIGHTS["dual"]
    proof = proof_of("dual")
    with pytest.raises(ValueError, match=TOO_SMALL):
        proof.check([size // 2 for size in sizes], capacity)
    with pytest.raises(ValueError, match=TOO_SMALL):
        proof.check(sizes, 2 * capacity)
    message = "value must have a worth for each of 10 files, got shape (11,)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        proof.check(sizes[1:], capacity)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 0}, "scale must be >= 1, got 0"),
        ({"parameter": -1}, "parameter must be >= 0, got -1"),
        ({"bound": -1}, "bound must be >= 0, got -1"),
        ({"value": [1.9] * 3}, "value must be whole numbers, but value[0] = 1.9"),
        ({"more": (([1, 1], 1),)}, "value of more must have a worth for each of 3 "
                                   "files, got shape (2,)"),
        ({"more": (([1, 1, -1], 1),)}, "value of more must be >= 0, "
                                       "but value of more[2] = -1"),
        ({"more": (([1, 1, 1], 0),)}, "scale of more must be >= 1, got 0"),
        ({"value": [1, -1, 1]}, "value must be >= 0, but value[1] = -1"),
        (
            {"value": [2**62] * 3, "kind": "dual"},
            "value must add up to at most 2**63 - 1, got more",
        ),
        ({"value": [1, 1]}, "value must have a worth for each of 3 files, "
                            "got shape (2,)"),
    ],
)  # fmt: skip
def test_what_is_no_worth_is_refused(changes: dict[str, Any], message: str) -> None:
    fields: dict[str, Any] = {"kind": "L1", "bound": 2, "value": [5] * 3, "scale": 10}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Certificate(**(fields | changes)).check([5, 5, 5], 10)


def test_an_unknown_kind_is_refused() -> None:
    message = (
        "kind must be 'L1' or 'L2' or 'FS1' or 'CCM1' or 'L3' or 'dual' or 'arc flow', "
        "got 'faith'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Certificate("faith", 1, np.array([1]), 1)


def test_oversize_and_empty_files_count_as_they_should() -> None:
    sizes = [25, 0, 6, 6, 0, 12]
    proof = Optimal().solve(sizes, 10).certificate
    assert proof.bound == 4
    proof.check(sizes, 10)
    assert proof.value[[0, 5]].tolist() == [0, 0]
    # A file of no size that is worth something makes every bucket worth more.
    forged = Certificate("dual", 2, np.array([1, 1, 1]), 1)
    message = "scale must be the most that a bucket is worth, 2 or more, got 1"
    with pytest.raises(ValueError, match=f"^{message}$"):
        forged.check([0, 6, 6], 10)


def test_l3_is_computed_again() -> None:
    sizes = [16, 12, 7, 3, 2]
    nothing = np.zeros(5, dtype=np.int64)
    Certificate("L3", 3, nothing, 1).check(sizes, 20)
    with pytest.raises(ValueError, match=r"^bound must be what follows, 3, got 4$"):
        Certificate("L3", 4, nothing, 1).check(sizes, 20)


class TestArcFlow:
    """Three files of 6 for buckets of 10: their bytes would go into two."""

    def test_the_solver_refutes_one_bucket_less(self) -> None:
        proof = Certificate("arc flow", 3, np.array([6, 6, 6]), 10)
        assert proof.rests_on_solver
        proof.check([6, 6, 6], 10)
        with_oversize = Certificate("arc flow", 4, np.array([6, 0, 6, 6]), 10)
        with_oversize.check([6, 11, 6, 6], 10)

    def test_it_does_not_where_there_is_a_packing(self) -> None:
        proof = Certificate("arc flow", 3, np.array([5, 5, 5]), 10)
        message = (
            "no packing into 2 buckets must exist, but the solver found one or gave up"
        )
        with pytest.raises(ValueError, match=f"^{message}$"):
            proof.check([5, 5, 5], 10)

    def test_further_worths_are_checked_too(self) -> None:
        more = ((np.array([1, 1, 1]), 1),)
        Certificate("arc flow", 3, np.array([6, 6, 6]), 10, more=more).check(
            [6, 6, 6], 10
        )
        more = ((np.array([2, 2, 2]), 1),)
        message = "scale must be the most that a bucket is worth, 2 or more, got 1"
        with pytest.raises(ValueError, match=f"^{message}$"):
            Certificate("arc flow", 3, np.array([6, 6, 6]), 10, more=more).check(
                [6, 6, 6], 10
            )


@pytest.mark.parametrize("sizes", [[], [0, 0], [11], [0, 11]])
def test_no_solver_is_needed_for_files_that_fit_anywhere(sizes: list[int]) -> None:
    n_oversize = sum(size > 10 for size in sizes)
    proof = Certificate("arc flow", n_oversize + 1, np.zeros(len(sizes), int), 1)
    message = (
        "no packing into 0 buckets must exist, but the solver found one or gave up"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        proof.check(sizes, 10)


def test_further_worths_are_sealed_too() -> None:
    proof = Certificate("arc flow", 3, [6, 6, 6], 10, more=(([1, 1, 1], 1),))
    with pytest.raises(ValueError, match=r"^assignment destination is read-only$"):
        proof.more[0][0][0] = 2


@given(
    night=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 9)), max_size=7),
    capacity=st.integers(20, 30),
    scale=st.integers(1, 30),
)
def test_a_dual_holds_exactly_where_no_set_of_files_is_worth_more(
    night: list[tuple[int, int]], capacity: int, scale: int
) -> None:
    sizes = [size for size, _ in night]
    value = [worth for _, worth in night]
    most = max(
        sum(value[i] for i in range(len(night)) if chosen >> i & 1)
        for chosen in range(1 << len(night))
        if sum(sizes[i] for i in range(len(night)) if chosen >> i & 1) <= capacity
    )
    bound = -(-sum(value) // scale)
    proof = Certificate("dual", bound, np.array(value, dtype=np.int64), scale)
    if most <= scale:
        proof.check(sizes, capacity)
    else:
        with pytest.raises(ValueError, match=TOO_SMALL):
            proof.check(sizes, capacity)


def test_a_certificate_of_a_large_night_is_checked_by_worth() -> None:
    """Capacity 10**15 and a scale of 10**3: the table is over the worth."""
    instance = schwerin(100, rng=1)
    proof = Optimal().solve(instance.sizes, 1000).certificate
    large = instance.sizes * 10**12 + np.arange(100)
    worth = Certificate("dual", proof.bound, instance.sizes, 1000)
    worth.check(large, 10**15 + 99)
    with pytest.raises(ValueError, match=TOO_SMALL):
        replace(worth, scale=990).check(large, 10**15 + 99)
