"""Workers in a simulation: first come, first served, on arrays."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Service:
    """When and by whom each job was done.

    Attributes
    ----------
    start, finish : ndarray of float64, shape (n_jobs,)
        Times [s].
    worker : ndarray of int64, shape (n_jobs,)
        Number of the worker, from 0.
    """

    start: Floats
    finish: Floats
    worker: NDArray[np.int64]


def serve(ready: ArrayLike, service_time: ArrayLike, workers: int) -> Service:
    """Let `workers` do jobs in the order of their ready times.

    Parameters
    ----------
    ready : array_like of float, shape (n_jobs,)
        When each job is ready [s], ascending.
    service_time : array_like of float, shape (n_jobs,)
        How long each takes [s], >= 0.
    workers : int
        How many workers there are, >= 1.

    Returns
    -------
    Service
        ``start = max(ready, free)`` and ``finish = start + service_time``, where
        `free` is when the job's worker was done with its last one.

    Raises
    ------
    ValueError
        If times are negative, not finite or not ascending, or lengths differ.

    Notes
    -----
    A job goes to the worker that has been free longest; of those that became
    free at the same instant, to the one with the lowest number. Cost O(n log c).

    Examples
    --------
    >>> done = serve(ready=[0, 1, 2], service_time=[10, 5, 1], workers=2)
    >>> done.start, done.worker
    (array([0., 1., 6.]), array([0, 1, 1]))
    """
    ready = _validate.times("ready", ready)
    service_time = _validate.durations("service_time", service_time)
    workers = _validate.count("workers", workers)
    if ready.size != service_time.size:
        raise ValueError(
            f"service_time must hold one value for each of {ready.size} jobs, "
            f"got {service_time.size}"
        )
    start = np.empty(ready.size)
    finish = np.empty(ready.size)
    worker = np.empty(ready.size, np.int64)
    # Before the first job everybody has been free for ever: lowest number first.
    free = [(-np.inf, number) for number in range(workers)]
    for job, (moment, duration) in enumerate(zip(ready, service_time, strict=True)):
        free_since, number = free[0]
        start[job] = max(moment, free_since)
        finish[job] = start[job] + duration
        worker[job] = number
        heapq.heapreplace(free, (finish[job], number))
    return Service(start, finish, worker)
