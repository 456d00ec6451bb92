"""When the last worker is done, on paper: bounds, and what orders promise.

Examples
--------
>>> makespan_bound([3.0, 3.0, 2.0, 2.0, 2.0], workers=2)
6.0
>>> graham_ratio(10, "longest")
1.3
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mds_sim import _validate


def makespan_bound(times: ArrayLike, workers: int) -> float:
    r"""Return a time before which no order of the jobs lets all workers be done.

    Parameters
    ----------
    times : array_like of float, shape (n_jobs,)
        How long each job takes [s], >= 0.
    workers : int
        How many workers there are, >= 1.

    Returns
    -------
    float
        The largest of three bounds [s]: the area, the longest, the waves.

    Notes
    -----
    - The area: all work, spread evenly over the m workers.
    - The longest job takes its time.
    - The waves: of the longest w m + 1 jobs some worker does w + 1, and no w + 1 of
      them take less than the last w + 1 of them: for each w >= 1.

    Cost O(n log n), the sort. Sums of floats are rounded, and the bound with them.

    Examples
    --------
    Eleven equal jobs on ten workers are two waves:

    >>> makespan_bound([1.0] * 11, workers=10)
    2.0
    """
    array = np.sort(_validate.durations("times", times))[::-1]
    m = _validate.count("workers", workers)
    if not array.size:
        return 0.0
    total = np.concatenate([[0.0], np.cumsum(array)])
    last = np.arange(m, array.size, m)  # of the longest w m + 1, for w = 1, 2, ...
    waves = np.arange(1, last.size + 1)
    in_a_row = total[last + 1] - total[last - waves]
    return float(max(array[0], total[-1] / m, in_a_row.max(initial=0.0)))


def graham_ratio(workers: int, order: str = "longest") -> float:
    r"""Return how far above the best possible the makespan may be at worst.

    Parameters
    ----------
    workers : int
        How many workers there are, m >= 1.
    order : {"longest", "given"}
        The longest job first, or any order. A free worker takes the next job.

    Returns
    -------
    float
        :math:`4/3 - 1/(3 m)` [2]_ or :math:`2 - 1/m` [1]_; both are attained.

    References
    ----------
    .. [1] R. L. Graham (1966), "Bounds for certain multiprocessing anomalies", Bell
       System Technical Journal 45(9), 1563-1581.
    .. [2] R. L. Graham (1969), "Bounds on multiprocessing timing anomalies", SIAM
       Journal on Applied Mathematics 17(2), 416-429.

    Examples
    --------
    >>> graham_ratio(2, "given"), round(graham_ratio(2, "longest"), 4)
    (1.5, 1.1667)
    """
    m = _validate.count("workers", workers)
    _validate.choice("order", order, ("longest", "given"))
    return 2 - 1 / m if order == "given" else (4 * m - 1) / (3 * m)
