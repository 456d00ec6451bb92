"""Serve with some workers that are kept for urgent jobs."""

from __future__ import annotations

import heapq
import math

import numpy as np
from numpy.typing import ArrayLike

from mds_sim import _validate

from .workers import Floats, Ints, Service, checked_jobs, empty_service, same_length


def serve_reserved(
    ready: ArrayLike,
    service_time: ArrayLike,
    priority: ArrayLike,
    workers: int,
    reserved: int,
) -> Service:
    """Let `workers` do jobs, `reserved` of them only those that are urgent.

    Parameters
    ----------
    ready, service_time, workers
        As in `serve`.
    priority : array_like of int, shape (n_jobs,)
        Class of each job: urgent are those of class 0 or below.
    reserved : int
        How many workers do urgent jobs only, >= 0 and < `workers`: those numbered
        0, ..., reserved - 1.

    Returns
    -------
    Service

    Raises
    ------
    ValueError
        As `serve_priority`, or if no worker is left for the other jobs.

    Notes
    -----
    Nobody is interrupted. A job starts as soon as a worker who may do it is free and no
    job that comes before it in the arrays could start there. An urgent job goes to a
    reserved worker if one is free, and else to one of the others; of those that it may
    go to, to the one that has been free longest, and if equal to the lowest number.
    With none reserved that is `serve`. Cost O(n log c).

    Examples
    --------
    Three long jobs come, then an urgent one: it alone may have worker 0.

    >>> done = serve_reserved([0, 0, 0, 1], [9, 9, 9, 2], [1, 1, 1, 0], 3, reserved=1)
    >>> done.start, done.worker
    (array([0., 0., 9., 1.]), array([1, 2, 1, 0]))
    """
    ready, service_time = checked_jobs(ready, service_time)
    priority = _validate.integers("priority", priority)
    same_length("priority", priority, ready)
    workers = _validate.count("workers", workers)
    if _validate.count("reserved", reserved, least=0) >= workers:
        raise ValueError(f"reserved must be < {workers}, the workers, got {reserved}")
    return reserved_reference(ready, service_time, priority, workers, reserved)


def reserved_reference(
    ready: Floats, service_time: Floats, priority: Ints, workers: int, reserved: int
) -> Service:
    """Do what `serve_reserved` does, in lines to be read. It takes checked arrays."""
    done = empty_service(ready.size)
    kept = [(-math.inf, number) for number in range(reserved)]
    shared = [(-math.inf, number) for number in range(reserved, workers)]
    urgent = iter(np.flatnonzero(priority <= 0).tolist())
    others = iter(np.flatnonzero(priority > 0).tolist())
    heads = [next(urgent, None), next(others, None)]  # the first that has not started

    def soonest(job: int | None, free_since: float) -> tuple[float, int]:
        if job is None:
            return math.inf, ready.size
        return max(float(ready[job]), free_since), job

    for _ in range(ready.size):
        first = min(kept, default=(math.inf, 0))[0]
        mine = soonest(heads[0], min(first, shared[0][0]))
        theirs = soonest(heads[1], shared[0][0])
        now, job = min(mine, theirs)  # of two at one instant, the first in the arrays
        free = kept if job == heads[0] and first <= now else shared
        number = free[0][1]
        end = now + float(service_time[job])
        heapq.heapreplace(free, (end, number))
        done.start[job], done.finish[job], done.worker[job] = now, end, number
        if job == heads[0]:
            heads[0] = next(urgent, None)
        else:
            heads[1] = next(others, None)
    return done
