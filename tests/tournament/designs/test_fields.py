"""Finite fields obey the laws of fields."""

import numpy as np
import pytest

from mds_sim.tournament.designs._fields import field, prime_power


@pytest.mark.parametrize("q", [2, 3, 4, 5, 7, 8, 9, 16, 25, 27, 49, 64])
def test_a_field_obeys_the_laws(q: int) -> None:
    plane = field(q)
    add, mul = plane.add, plane.mul
    assert np.array_equal(np.sort(add, axis=1), np.tile(np.arange(q), (q, 1)))
    assert np.array_equal(np.sort(mul[1:], axis=1), np.tile(np.arange(q), (q - 1, 1)))
    for table, neutral in ((add, 0), (mul, 1)):
        assert np.array_equal(table, table.T)
        assert np.array_equal(table[neutral], np.arange(q))
        x, y, z = np.random.default_rng(1).integers(q, size=(3, 200))
        assert np.array_equal(table[table[x, y], z], table[x, table[y, z]])
    assert np.array_equal(mul[x, add[y, z]], add[mul[x, y], mul[x, z]])
    assert sorted(plane.powers.tolist()) == list(range(1, q))


@pytest.mark.parametrize("q", [6, 1, 0, 12])
def test_other_orders_have_no_field(q: int) -> None:
    assert prime_power(q) is None
    with pytest.raises(ValueError, match=f"^q must be a power of a prime, got {q}$"):
        field(q)
