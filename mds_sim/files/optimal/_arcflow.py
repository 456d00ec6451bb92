"""Arc flow: all buckets that are worth enough, as paths in one graph.

Valério de Carvalho (1999): a node is a load, an arc from u to u + size puts a file in,
and a bucket is a path from 0. A packing is a flow in whole numbers, found or refuted by
HiGHS. Alone that is a large programme. But where no bucket is worth more than z, all
files together are worth w, and there are to be t buckets, none can be worth less than
``z - (t z - w)``: an arc that is on no such path is left out, in whole numbers and so
without a doubt. Several worths leave out more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._problem import Pattern, Problem

Ints = NDArray[np.int64]
Worths = Sequence[tuple[Ints, int]]  # value of each size or file, and the scale

_CELLS = 10_000_000  # of the tables that are filled, for each copy of a size
_MOST_ARCS = 60_000
_PATIENCE = 600.0  # seconds
_NEVER = -(2**60)


@dataclass(frozen=True, eq=False)
class Graph:
    """Arcs from `tail` to `head`; `kind` is the number of a size, or -1 at the end."""

    tail: Ints
    head: Ints
    kind: Ints


def graph(problem: Problem, value: Ints, scale: int, target: int) -> Graph | None:
    """Return the arcs that a packing into `target` buckets can use.

    None if the tables would be too large, or if too many arcs are left.
    """
    m, capacity = problem.sizes.size, problem.capacity
    copies = problem.copies(problem.demand)
    if int(copies.sum()) * (capacity + 1) > _CELLS:
        return None
    least = scale - (target * scale - int(value @ problem.demand))
    after = _after(problem, copies, value)
    before = np.full(capacity + 1, _NEVER)
    before[0] = 0
    tails, kinds = [], []
    for j in range(m):
        size, worth = int(problem.sizes[j]), int(value[j])
        keep, reach = _arcs(before, after[j + 1], size, worth, int(copies[j]), least)
        tail = np.flatnonzero(keep)
        tails.append(tail)
        kinds.append(np.full(tail.size, j))
        before = reach
        if sum(part.size for part in tails) > _MOST_ARCS:
            return None
    ends = np.flatnonzero(before >= least)
    tails.append(ends)
    kinds.append(np.full(ends.size, -1))
    tail, kind = np.concatenate(tails), np.concatenate(kinds)
    size_of = np.append(problem.sizes, 0)
    head = np.where(kind >= 0, tail + size_of[kind], capacity + 1)
    return Graph(tail, head, kind)


def intersection(problem: Problem, worths: Worths, target: int) -> Graph | None:
    """Return the arcs that all of some worths leave in; None if they are too many."""
    arcs = None
    for value, scale in worths:
        one = graph(problem, value, scale, target)
        if one is not None:
            arcs = one if arcs is None else _common(arcs, one)
    return arcs


def _common(first: Graph, second: Graph) -> Graph:
    """Return the arcs that are in both."""
    n_nodes = max(first.head.max(initial=0), second.head.max(initial=0)) + 1
    keys = [(arcs.kind + 1) * n_nodes + arcs.tail for arcs in (first, second)]
    both = np.isin(keys[0], keys[1])
    return Graph(first.tail[both], first.head[both], first.kind[both])


def _after(problem: Problem, copies: Ints, value: Ints) -> Ints:
    """Return the most that sizes j, j + 1, ... can add from each load on."""
    m, capacity = problem.sizes.size, problem.capacity
    after = np.zeros((m + 1, capacity + 1), dtype=np.int64)
    for j in range(m - 1, -1, -1):
        size, worth = int(problem.sizes[j]), int(value[j])
        best = after[j + 1].copy()
        for times in range(1, int(copies[j]) + 1):
            room = capacity + 1 - times * size
            moved = after[j + 1, times * size :] + times * worth
            np.maximum(best[:room], moved, out=best[:room])
        after[j] = best
    return after


def _arcs(
    before: Ints, after: Ints, size: int, worth: int, copies: int, least: int
) -> tuple[NDArray[np.bool_], Ints]:
    """Return from which loads a file of one size may go in, and the best reach."""
    n = before.size
    keep = np.zeros(n, dtype=bool)
    reach = before.copy()
    # `rest[r]`: the most after a copy, if r more of this size may follow.
    rest = [after]
    for times in range(1, copies):
        best = rest[-1].copy()
        moved = after[times * size :] + times * worth
        np.maximum(best[: n - times * size], moved, out=best[: n - times * size])
        rest.append(best)
    for times in range(1, copies + 1):
        # This is copy number `times`: those before it are in.
        here = np.full(n, _NEVER)
        here[(times - 1) * size :] = before[: n - (times - 1) * size]
        here[here > _NEVER // 2] += (times - 1) * worth
        total = here[: n - size] + worth + rest[copies - times][size:]
        keep[: n - size] |= total >= least
        gone = here[: n - size] + worth
        np.maximum(reach[size:], gone, out=reach[size:])
    return keep, reach


def flow(
    problem: Problem, arcs: Graph, target: int, seconds: float
) -> tuple[str, list[Pattern]]:
    """Search a flow of `target` paths: "found" with its buckets, "none" or "open"."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    nodes, ends = np.unique(np.append(arcs.tail, arcs.head), return_inverse=True)
    n, m = arcs.tail.size, problem.sizes.size
    if (np.bincount(arcs.kind[arcs.kind >= 0], minlength=m) == 0).any():
        return "none", []
    tail, head = ends[:n], ends[n:]
    file = np.flatnonzero(arcs.kind >= 0)
    row = np.concatenate([tail, head, nodes.size + arcs.kind[file]])
    column = np.concatenate([np.arange(n), np.arange(n), file])
    sign = np.concatenate([np.ones(n), -np.ones(n), np.ones(file.size)])
    matrix = csr_array((sign, (row, column)), shape=(nodes.size + m, n))
    right = np.zeros(nodes.size + m)
    right[0], right[nodes.size - 1] = target, -target
    right[nodes.size :] = problem.demand
    most = np.where(
        arcs.kind >= 0, np.append(problem.demand, target)[arcs.kind], target
    )
    answer = milp(
        np.zeros(n),
        constraints=LinearConstraint(matrix, right, right),
        integrality=np.ones(n, dtype=np.int64),
        bounds=Bounds(0, most),
        options={"time_limit": max(seconds, 0.01)},
    )
    if answer.status == 2:
        return "none", []
    if answer.x is None:
        return "open", []
    return "found", _paths(problem, arcs, np.rint(answer.x).astype(np.int64), target)


def _paths(problem: Problem, arcs: Graph, flow: Ints, target: int) -> list[Pattern]:
    """Take the flow apart into paths, each the files of one bucket."""
    leaving: dict[int, list[int]] = {}
    for arc in np.flatnonzero(flow > 0).tolist():
        leaving.setdefault(int(arcs.tail[arc]), []).extend([arc] * int(flow[arc]))
    found = []
    for _ in range(target):
        node, chosen = 0, np.zeros(problem.sizes.size, dtype=np.int64)
        while node <= problem.capacity:
            arc = leaving[node].pop()
            if arcs.kind[arc] >= 0:
                chosen[arcs.kind[arc]] += 1
            node = int(arcs.head[arc])
        found.append(Pattern.of(chosen))
    return [pattern for pattern in found if pattern.row.size]


def is_refuted(sizes: Ints, worths: Worths, capacity: int, target: int) -> bool:
    """Tell whether the solver finds again that `target` buckets are too few."""
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    if not order.size:
        return False  # files of no size fit in any bucket
    problem = Problem.of(sizes[order], capacity)
    last = np.cumsum(problem.demand) - 1
    by_size = [(value[order][last], scale) for value, scale in worths]
    for (value, _), (each, _) in zip(worths, by_size, strict=True):
        if not np.array_equal(np.repeat(each, problem.demand), value[order]):
            return False  # equal files of unequal worth: none of ours
    arcs = intersection(problem, by_size, target)
    return arcs is not None and flow(problem, arcs, target, _PATIENCE)[0] == "none"
