"""The compiled twins of this room's references, and the only door to Numba.

Each kernel does what its reference does: the same operands, in the same order, with
no `fastmath`. So both agree bit for bit, and tests hold them to it. All of them are in
one file because Numba's cache does not notice that a kernel in another one changed.

A worker's state is the pair (free since, number). Numbers differ, so the least pair is
unique, and how the pairs are kept (searched, sorted, in a heap) shows in the time only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

try:
    import numba
except ImportError:  # not there, or too old for this NumPy
    numba = None

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])

HAS_NUMBA = numba is not None
DONE = -1
RAN_OUT = -2


def _compiled(function: Function) -> Function:
    """Compile a function when it is first called, and keep the result on disk.

    Without Numba it stays as it is: the same answers, slower.
    """
    if not HAS_NUMBA:
        return function
    try:
        compiled = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # a read-only installation, and no home to keep a cache in
        compiled = numba.njit(nogil=True)(function)
    return cast("Function", compiled)


@_compiled
def are_valid(ready: Floats, service_time: Floats) -> bool:
    """Tell whether times are ascending, and all finite and >= 0 (NaN is not)."""
    if ready.size == 0:
        return service_time.size == 0
    valid = (ready[0] >= 0.0) & (ready[-1] < np.inf)
    for i in range(1, ready.size):  # no early exit: so the processor does some at once
        valid &= ready[i] >= ready[i - 1]
    for i in range(service_time.size):
        valid &= (service_time[i] >= 0.0) & (service_time[i] < np.inf)
    return bool(valid)


def serve(
    ready: Floats,
    service_time: Floats,
    workers: int,
    start: Floats,
    finish: Floats | None = None,
    worker: Ints | None = None,
) -> None:
    """Fill the columns in; those that are None are left out."""
    # Measured at load 0.8: a search is fastest to 8 workers, a heap from 100 on.
    kernel = serve_searched if workers < 9 else serve_sorted
    kernel = serve_heap if workers > 100 else kernel
    kernel(ready, service_time, workers, start, finish, worker)


@_compiled
def serve_searched(
    ready: Floats,
    service_time: Floats,
    workers: int,
    start: Floats,
    finish: Floats | None,
    worker: Ints | None,
) -> None:
    """Look at every worker before each job. O(n c)."""
    free = np.full(workers, -np.inf)
    for job in range(ready.size):
        who, since = 0, free[0]
        for number in range(1, workers):
            if free[number] < since:
                who, since = number, free[number]
        begin = since if since > ready[job] else ready[job]
        end = begin + service_time[job]
        free[who] = end
        start[job] = begin
        if finish is not None:
            finish[job] = end
        if worker is not None:
            worker[job] = who


@_compiled
def serve_sorted(
    ready: Floats,
    service_time: Floats,
    workers: int,
    start: Floats,
    finish: Floats | None,
    worker: Ints | None,
) -> None:
    """Keep the workers sorted: the first one works and is put back. O(n c)."""
    free = np.full(workers, -np.inf)
    number = np.arange(workers)
    for job in range(ready.size):
        who, since = number[0], free[0]
        begin = since if since > ready[job] else ready[job]
        end = begin + service_time[job]
        i = 0
        while i + 1 < workers and (
            free[i + 1] < end or (free[i + 1] == end and number[i + 1] < who)
        ):
            free[i], number[i] = free[i + 1], number[i + 1]
            i += 1
        free[i], number[i] = end, who
        start[job] = begin
        if finish is not None:
            finish[job] = end
        if worker is not None:
            worker[job] = who


@_compiled
def _replace_first(free: Floats, number: Ints, since: float, who: int) -> None:
    """Put (since, who) in the place of the least pair of a heap. O(log c)."""
    i, child, size = 0, 1, free.size
    while child < size:
        right = child + 1
        if right < size and (
            free[right] < free[child]
            or (free[right] == free[child] and number[right] < number[child])
        ):
            child = right
        if since < free[child] or (since == free[child] and who < number[child]):
            break
        free[i], number[i] = free[child], number[child]
        i, child = child, 2 * child + 1
    free[i], number[i] = since, who


@_compiled
def serve_heap(
    ready: Floats,
    service_time: Floats,
    workers: int,
    start: Floats,
    finish: Floats | None,
    worker: Ints | None,
) -> None:
    """Keep the workers in a heap, as the reference does. O(n log c)."""
    free = np.full(workers, -np.inf)
    number = np.arange(workers)
    for job in range(ready.size):
        who, since = number[0], free[0]
        begin = since if since > ready[job] else ready[job]
        end = begin + service_time[job]
        _replace_first(free, number, end, who)
        start[job] = begin
        if finish is not None:
            finish[job] = end
        if worker is not None:
            worker[job] = who


@_compiled
def serve_priority(
    ready: Floats,
    service_time: Floats,
    order: Ints,
    workers: int,
    start: Floats,
    finish: Floats,
    worker: Ints,
) -> None:
    """Serve, of those that wait, the one that comes first in `order`. O(n log n)."""
    rank = np.empty(order.size, np.int64)
    for i in range(order.size):
        rank[order[i]] = i
    free = np.full(workers, -np.inf)
    number = np.arange(workers)
    waiting = np.empty(ready.size, np.int64)  # a heap of ranks
    size = arrived = 0
    now = -np.inf
    for _ in range(ready.size):
        now = max(now, free[0])
        if size == 0:
            now = max(now, ready[arrived])
        while arrived < ready.size and ready[arrived] <= now:
            i = size
            while i > 0 and rank[arrived] < waiting[(i - 1) // 2]:
                waiting[i] = waiting[(i - 1) // 2]
                i = (i - 1) // 2
            waiting[i] = rank[arrived]
            size += 1
            arrived += 1
        job = order[waiting[0]]
        size -= 1
        i, child, last = 0, 1, waiting[size]
        while child < size:
            if child + 1 < size and waiting[child + 1] < waiting[child]:
                child += 1
            if last < waiting[child]:
                break
            waiting[i] = waiting[child]
            i, child = child, 2 * child + 1
        waiting[i] = last
        start[job] = now
        finish[job] = now + service_time[job]
        worker[job] = number[0]
        _replace_first(free, number, finish[job], number[0])


@_compiled
def serve_shifts(
    ready: Floats,
    service_time: Floats,
    shifts: Floats,
    first: Ints,
    number: Ints,
    interrupt: bool,
    restart: bool,
    most: int,
    start: Floats,
    finish: Floats,
    worker: Ints,
) -> int:
    """Serve with workers that come and go.

    Rows ``first[k]`` to ``first[k + 1]`` of `shifts` are the (on, off) of worker k;
    `number` has the workers in the order of their first `on`, and is used up. The
    answer is DONE, RAN_OUT if a worker needs a shift beyond its last one, or the
    number of a job that was interrupted `most` times.
    """
    row = first[:-1].copy()
    free = np.empty(number.size)
    for i in range(number.size):
        free[i] = shifts[first[number[i]], 0]  # sorted, and so a heap
    for job in range(ready.size):
        while True:
            who, since = number[0], free[0]
            now = since if since > ready[job] else ready[job]
            while shifts[row[who], 1] <= now < np.inf:
                row[who] += 1
                if row[who] == first[who + 1]:
                    return RAN_OUT
            if shifts[row[who], 0] <= since:
                break
            _replace_first(free, number, shifts[row[who], 0], who)
        start[job] = now
        left = service_time[job]
        times = 0
        while interrupt and now + left > shifts[row[who], 1]:
            if not restart:
                left -= shifts[row[who], 1] - now
            times += 1
            if times == most:
                return job
            row[who] += 1
            if row[who] == first[who + 1]:
                return RAN_OUT
            now = shifts[row[who], 0]
        finish[job] = now + left
        worker[job] = who
        _replace_first(free, number, finish[job], who)
    return DONE
