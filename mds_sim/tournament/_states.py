"""States of a random generator as plain values, so that a file can keep them."""

from __future__ import annotations

from typing import Any

import numpy as np


def get_state(rng: np.random.Generator) -> dict[str, Any]:
    """Return the state of a generator, with that of the seeds it spawns.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> copy = from_state(get_state(rng))
    >>> copy.random() == rng.random()
    True
    """
    seed: Any = rng.bit_generator.seed_seq
    return {
        "generator": rng.bit_generator.state,
        "seed": {
            "entropy": seed.entropy,
            "spawn_key": list(seed.spawn_key),
            "pool_size": seed.pool_size,
            "n_children_spawned": seed.n_children_spawned,
        },
    }


def from_state(state: dict[str, Any]) -> np.random.Generator:
    """Return a generator in a state; it draws and spawns as the first one would.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If it is no state. A file may hold any word: only bit generators are called.
    """
    word = state["generator"]["bit_generator"]
    kind: Any = getattr(np.random, str(word), None)
    if not (isinstance(kind, type) and issubclass(kind, np.random.BitGenerator)):
        raise ValueError(f"bit_generator must be one of numpy.random, got {word!r}")
    bits = kind(np.random.SeedSequence(**state["seed"]))
    bits.state = state["generator"]
    return np.random.Generator(bits)
