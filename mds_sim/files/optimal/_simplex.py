"""The revised simplex method, for a programme that gets its columns as it goes.

Minimise ``cost @ x`` under ``A x >= demand``, ``x >= 0``. Columns are sparse: column p
has `count[t]` in row `row[t]` for t from ``start[p]`` to ``start[p + 1]``. Number
``-1 - i`` stands for the surplus of row i. The inverse of the basis is kept dense, is
updated by pivots, and is made anew from time to time by the caller.

These are floats, and prove nothing: what follows from them is checked in whole numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mds_sim.sim._kernels import _compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TOLERANCE = 1e-9
_PIVOT = 1e-7


@_compiled
def _entering(start: Ints, row: Ints, count: Ints, cost: Floats, y: Floats) -> int:
    """Return the column with the least reduced cost; the number of columns if none."""
    n_columns = cost.size
    least, found = -TOLERANCE, n_columns
    for p in range(n_columns):
        reduced = cost[p]
        for t in range(start[p], start[p + 1]):
            reduced -= y[row[t]] * count[t]
        if reduced < least:
            least, found = reduced, p
    for i in range(y.size):
        if y[i] < least:
            least, found = y[i], -1 - i
    return found


@_compiled
def _direction(
    start: Ints, row: Ints, count: Ints, inverse: Floats, column: int, alpha: Floats
) -> None:
    """Write a column in terms of the basis: ``alpha = inverse @ column``."""
    m = inverse.shape[0]
    if column < 0:
        for i in range(m):
            alpha[i] = -inverse[i, -1 - column]
        return
    for i in range(m):
        total = 0.0
        for t in range(start[column], start[column + 1]):
            total += inverse[i, row[t]] * count[t]
        alpha[i] = total


@_compiled
def _leaving(x: Floats, alpha: Floats) -> int:
    """Return the row that limits the step; of near ties the largest pivot."""
    least, found = np.inf, -1
    for i in range(x.size):
        if alpha[i] > _PIVOT:
            least = min(least, (max(x[i], 0.0) + TOLERANCE) / alpha[i])
    for i in range(x.size):
        if (
            alpha[i] > _PIVOT
            and max(x[i], 0.0) / alpha[i] <= least
            and (found < 0 or alpha[i] > alpha[found])
        ):
            found = i
    return found


@_compiled
def _pivot(
    inverse: Floats, x: Floats, y: Floats, alpha: Floats, r: int, reduced: float
) -> None:
    """Put the column of direction `alpha` into the basis, in the place of row r."""
    m = x.size
    step = x[r] / alpha[r]
    for j in range(m):
        inverse[r, j] /= alpha[r]
        y[j] += reduced * inverse[r, j]
    for i in range(m):
        if i != r and alpha[i] != 0.0:
            factor = alpha[i]
            x[i] -= step * factor
            for j in range(m):
                inverse[i, j] -= factor * inverse[r, j]
    x[r] = step


@_compiled
def invert(start: Ints, row: Ints, count: Ints, basis: Ints, inverse: Floats) -> bool:
    """Put the columns of a basis in one by one; tell whether all could be.

    Columns are sparse, so this is far less work than for any matrix. The basis is put
    in the order of its rows.
    """
    m = basis.size
    inverse[:] = np.eye(m)
    alpha = np.empty(m)
    nothing = np.zeros(m)
    is_free = np.ones(m, np.bool_)
    sizes = np.empty(m, np.int64)
    for j in range(m):
        p = basis[j]
        sizes[j] = 1 if p < 0 else start[p + 1] - start[p]
    order = np.argsort(sizes)
    columns = basis.copy()
    for j in order:
        _direction(start, row, count, inverse, columns[j], alpha)
        r = -1
        for i in range(m):
            if is_free[i] and (r < 0 or abs(alpha[i]) > abs(alpha[r])):
                r = i
        if abs(alpha[r]) < _PIVOT:
            return False
        is_free[r] = False
        basis[r] = columns[j]
        _pivot(inverse, nothing, nothing, alpha, r, 0.0)
    return True


@_compiled
def primal(
    start: Ints,
    row: Ints,
    count: Ints,
    cost: Floats,
    basis: Ints,
    inverse: Floats,
    x: Floats,
    y: Floats,
    most: int,
) -> int:
    """Pivot until no column lowers the cost, `most` times at most; return how often."""
    alpha = np.empty(x.size)
    for done in range(most):
        p = _entering(start, row, count, cost, y)
        if p == cost.size:
            return done
        _direction(start, row, count, inverse, p, alpha)
        r = _leaving(x, alpha)
        if r < 0:
            return done
        reduced = y[-1 - p] if p < 0 else cost[p]
        if p >= 0:
            for t in range(start[p], start[p + 1]):
                reduced -= y[row[t]] * count[t]
        _pivot(inverse, x, y, alpha, r, reduced)
        basis[r] = p
    return most


@_compiled
def dual(
    start: Ints,
    row: Ints,
    count: Ints,
    cost: Floats,
    basis: Ints,
    inverse: Floats,
    x: Floats,
    y: Floats,
    most: int,
) -> int:
    """Pivot until no x is negative, `most` times at most; return how often.

    Reduced costs stay >= 0 if they are to begin with.
    """
    alpha = np.empty(x.size)
    for done in range(most):
        r = int(np.argmin(x))
        if x[r] >= -TOLERANCE:
            return done
        least, found, reduced, pivot = np.inf, cost.size, 0.0, 0.0
        for p in range(-x.size, cost.size):
            weight = 0.0
            price = 0.0
            if p < 0:
                weight, price = -inverse[r, -1 - p], y[-1 - p]
            else:
                price = cost[p]
                for t in range(start[p], start[p + 1]):
                    weight += inverse[r, row[t]] * count[t]
                    price -= y[row[t]] * count[t]
            if weight < -_PIVOT:
                ratio = max(price, 0.0) / -weight
                if ratio < least - TOLERANCE or (ratio <= least and weight < pivot):
                    least, found, reduced, pivot = ratio, p, price, weight
        if found == cost.size:
            return done
        _direction(start, row, count, inverse, found, alpha)
        _pivot(inverse, x, y, alpha, r, reduced)
        basis[r] = found
    return most
