"""Statistics of arrivals, and how likely they are for a Poisson stream.

The law of Lilliefors' distance [1]_ depends on nothing but how many numbers there
are, so samples of the exponential law tell how large it may be by chance.

References
----------
.. [1] H. W. Lilliefors (1969), On the Kolmogorov-Smirnov test for the exponential
   distribution with mean unknown, J. American Statistical Association 64, 387-389.
.. [2] M. A. Stephens (1974), EDF statistics for goodness of fit and some comparisons,
   J. American Statistical Association 69, 730-737: the scaling.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mds_sim._validate import sealed

Floats = NDArray[np.float64]

_REPLICATIONS = 4999
LEAST_P = 1.0 / (1 + _REPLICATIONS)  # that `lilliefors` can give
_LARGEST = 200  # numbers in a sample; beyond, Stephens' scaling is trusted
_SEED = 1969


def dispersion_test(moment: Floats, bins: int) -> tuple[float, float]:
    """Return the index of dispersion of the counts and its two-sided p-value."""
    from scipy.special import chdtr, chdtrc

    count = np.bincount((moment * bins).astype(np.int64), minlength=bins)
    index = float(count.var(ddof=1) / count.mean())
    freedom = bins - 1
    tails = chdtr(freedom, index * freedom), chdtrc(freedom, index * freedom)
    return index, min(1.0, 2.0 * float(min(tails)))


def within_blocks(moment: Floats, blocks: int) -> Floats:
    """Return numbers that are exponential if each block is a Poisson stream."""
    block = (moment * blocks).astype(np.int64)
    u = np.clip(moment * blocks - block, 0.0, np.nextafter(1.0, 0.0))
    count = np.bincount(block, minlength=blocks)
    first = np.cumsum(count) - count
    rank = np.arange(moment.size) - first[block]
    before = np.where(rank == 0, 0.0, np.roll(u, 1))
    spacing: Floats = np.log1p(-before) - np.log1p(-u)
    return (count[block] - rank) * spacing


def lilliefors(values: Floats) -> tuple[float, float]:
    """Return the distance from the exponential law and its p-value."""
    n = values.size
    distance = float(_distances(values))
    null = _null_distances(min(n, _LARGEST))
    above = null.size - np.searchsorted(null, _scaled(distance, n))
    return distance, float((1 + above) / (1 + null.size))


@lru_cache(maxsize=32)
def _null_distances(n: int) -> Floats:
    """Return scaled distances of samples of the exponential law, ascending."""
    rng = np.random.default_rng(_SEED)
    samples = rng.standard_exponential((_REPLICATIONS, n))
    return sealed(np.sort(_scaled(_distances(samples), n)))


def _distances(values: Floats) -> Floats:
    """Return the distance of each row from the exponential law with its mean."""
    ranked = np.sort(values, axis=-1)
    n = ranked.shape[-1]
    mean = ranked.mean(axis=-1, keepdims=True)
    law = -np.expm1(-ranked / np.maximum(mean, np.finfo(float).tiny))
    steps = np.arange(n + 1) / n
    over, under = steps[1:] - law, law - steps[:-1]
    return np.asarray(np.maximum(over.max(axis=-1), under.max(axis=-1)))


def _scaled(distance: float | Floats, n: int) -> Floats:
    """Return Stephens' scaling of a distance: its law hardly depends on n."""
    root = np.sqrt(n)
    return np.asarray((distance - 0.2 / n) * (root + 0.26 + 0.5 / root))
