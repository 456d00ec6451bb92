"""The bound of the linear programme over buckets alone, proved in whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mds_sim import _validate
from mds_sim.files.strategies import FirstFitDecreasing

from ._clock import Clock
from ._master import Master, generate
from ._pricing import whole_worth
from ._problem import Problem, patterns_of
from ._search import _MOST_SIZES, Proof
from .certificate import Certificate
from .strategy import _certificate


def linear_bound(
    sizes: ArrayLike, capacity: int, time_limit: float = 10.0
) -> Certificate | None:
    """Prove the bound of the linear programme by column generation.

    Parameters
    ----------
    sizes : array_like of int, shape (n_files,)
        File sizes [bytes], each >= 0; one larger than a bucket counts as one.
    capacity : int
        Room of a bucket [bytes], >= 1.
    time_limit : float
        CPU seconds, > 0, without compiling.

    Returns
    -------
    Certificate or None
        A "dual", whose `bound` is that of the programme rounded up, or a little less
        where the table that proves it in whole numbers would be too large. None if
        the time was over before the programme was solved, or if there are more than
        1,500 different sizes.

    Raises
    ------
    ValueError
        As `Optimal.solve`.

    Notes
    -----
    Each possible bucket is a column, and how often it is used any number >= 0 [1]_.
    With fractions allowed, no function of the sizes that is dual feasible can show
    more. The search ends as soon as first fit decreasing is shown to be the best.

    References
    ----------
    .. [1] P. C. Gilmore, R. E. Gomory (1961), "A linear programming approach to the
       cutting-stock problem", Operations Research 9, 849-859.

    Examples
    --------
    >>> proof = linear_bound([7, 7, 7, 5, 5, 2], capacity=10)
    >>> proof.bound
    4
    >>> proof.check([7, 7, 7, 5, 5, 2], capacity=10)
    """
    array = _validate.addable("sizes", _validate.sizes("sizes", sizes))
    capacity = _validate.size("capacity", capacity)
    clock = Clock(_validate.positive("time_limit", time_limit, "seconds"))
    files = np.flatnonzero((array > 0) & (array <= capacity))
    files = files[np.argsort(-array[files], kind="stable")]
    if not files.size:
        return _certificate(None, files, array, capacity)
    problem = Problem.of(array[files], capacity)
    if problem.sizes.size > _MOST_SIZES:
        return None
    bucket = FirstFitDecreasing().assign(array[files], capacity)
    row = np.repeat(np.arange(problem.sizes.size), problem.demand)
    master, enough = Master(problem, clock), int(bucket.max()) + 1
    for pattern in patterns_of(row, bucket):
        master.add(pattern)
    bound = generate(master, problem.demand, enough - 1, clock)
    found = whole_worth(problem, bound.worth, enough, clock) if bound.is_final else None
    if found is None:
        return None
    value, scale = found
    needed = -(-int(value @ problem.demand) // scale)
    proof = Proof("dual", needed, value[row], scale)
    return _certificate(proof, files, array, capacity)
