"""Workers in a simulation, on arrays: always there, or in shifts.

`serve_reference` is the rule in a dozen lines; `serve` gives the same answer, bit for
bit, with compiled code (`_kernels`) where there are enough jobs to pay for loading it.
So do `shifts_reference` and `serve_shifts`, on which `disciplines` stands.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim.units import counted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shifts = Iterator[Floats]  # of a worker: arrays (n, 2) of times, on duty in [on, off)

COMPILED_FROM = 2_000  # jobs: below, the reference needs about a millisecond
MOST = 100_000  # interruptions of one job, before it is called endless


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
    worker: Ints

    def same_as(self, other: Service) -> bool:
        """Tell whether both are equal, bit for bit."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("start", "finish", "worker")
        )


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

    From 2,000 jobs on compiled code does it, with the same result, where Numba is
    installed; loading it costs about a second. Arrays of float64 are not copied.

    Examples
    --------
    >>> done = serve(ready=[0, 1, 2], service_time=[10, 5, 1], workers=2)
    >>> done.start, done.worker
    (array([0., 1., 6.]), array([0, 1, 1]))
    """
    ready, service_time = checked_jobs(ready, service_time)
    workers = _validate.count("workers", workers)
    kernels = kernels_for(ready.size)
    if kernels is None:
        return serve_reference(ready, service_time, workers)
    return filled(kernels.serve, ready, service_time, min(workers, ready.size))


def serve_reference(ready: Floats, service_time: Floats, workers: int) -> Service:
    """Do what `serve` does, in a dozen lines to be read. It takes checked arrays.

    Examples
    --------
    >>> serve_reference(np.array([0.0, 1.0]), np.array([2.0, 2.0]), workers=1).start
    array([0., 2.])
    """
    # Before the first job everybody has been free for ever: lowest number first.
    free = [(-math.inf, number) for number in range(min(workers, ready.size))]
    start, finish, worker = [], [], []
    for moment, duration in zip(ready.tolist(), service_time.tolist(), strict=True):
        free_since, number = free[0]
        begin = max(moment, free_since)
        end = begin + duration
        heapq.heapreplace(free, (end, number))
        start.append(begin)
        finish.append(end)
        worker.append(number)
    return Service(np.array(start), np.array(finish), np.array(worker, np.int64))


def start_times(
    ready: ArrayLike, service_time: ArrayLike, workers: int, *, out: Any = None
) -> Floats:
    """Tell when each job starts, and nothing else: `serve` for many millions.

    Parameters
    ----------
    ready, service_time, workers
        As in `serve`.
    out : ndarray of float64, shape (n_jobs,), optional
        Where to write the times; a new array by default.

    Returns
    -------
    ndarray of float64, shape (n_jobs,)
        The column `start` of `serve` [s]. Adding `service_time` gives `finish`.

    Raises
    ------
    ValueError
        As `serve`, or if `out` is not of that kind and shape.

    Notes
    -----
    Takes 8 bytes a job beyond its arguments if they are arrays of float64, where
    `serve` takes 24; with `out` none.

    Examples
    --------
    >>> start_times(ready=[0, 1, 2], service_time=[10, 5, 1], workers=2)
    array([0., 1., 6.])
    """
    ready, service_time = checked_jobs(ready, service_time)
    workers = _validate.count("workers", workers)
    start: Floats = np.empty(ready.size) if out is None else out
    if not (_is_vector(start) and start.size == ready.size and start.flags.carray):
        kind = f"{getattr(out, 'dtype', type(out).__name__)} of shape {np.shape(out)}"
        rule = f"a contiguous, writable array of float64, shape {ready.shape}"
        raise ValueError(f"out must be {rule}, got {kind}")
    kernels = kernels_for(ready.size)
    if kernels is None:
        start[:] = serve_reference(ready, service_time, workers).start
    else:
        kernels.serve(ready, service_time, min(workers, ready.size), start)
    return start


def serve_shifts(
    ready: Floats, service_time: Floats, shifts: Sequence[Shifts], job_at_end: str
) -> Service:
    """Do what `shifts_reference` does, faster where that pays. It checks nothing."""
    kernels = kernels_for(ready.size)
    if kernels is None:
        return shifts_reference(ready, service_time, shifts, job_at_end)
    done = empty_service(ready.size)
    columns = done.start, done.finish, done.worker
    how = (job_at_end != "finish", job_at_end == "restart", MOST)
    parts = [[next(own)] for own in shifts]
    while True:
        rows = np.concatenate([row for own in parts for row in own])
        first = np.cumsum([0, *(sum(map(len, own)) for own in parts)])
        calendar = rows, first, np.argsort(rows[first[:-1], 0], kind="stable")
        answer = kernels.serve_shifts(ready, service_time, *calendar, *how, *columns)
        if answer == kernels.DONE:
            return done
        if answer != kernels.RAN_OUT:
            raise _endless(answer, service_time)
        for own, more in zip(parts, shifts, strict=True):
            own.extend(islice(more, len(own)))


def shifts_reference(
    ready: Floats, service_time: Floats, shifts: Sequence[Shifts], job_at_end: str
) -> Service:
    """Let workers do jobs in their shifts, each up to the next one if need be.

    At the end of a shift the job at hand is finished all the same ("finish"), goes on
    in the worker's next shift ("resume"), or starts anew there ("restart").
    """
    done = empty_service(ready.size)
    later = [chain.from_iterable(part.tolist() for part in own) for own in shifts]
    shift = [next(own) for own in later]
    free = [(on, number) for number, (on, _) in enumerate(shift)]
    heapq.heapify(free)
    for job, moment in enumerate(ready.tolist()):
        while True:  # until the first in the queue has been on duty since it was free
            free_since, number = free[0]
            now = max(moment, free_since)
            while shift[number][1] <= now < math.inf:
                shift[number] = next(later[number])
            on, off = shift[number]
            if on <= free_since:
                break
            heapq.heapreplace(free, (on, number))
        done.start[job], done.worker[job] = now, number
        left, times = float(service_time[job]), 0
        while job_at_end != "finish" and now + left > off:
            left -= off - now if job_at_end == "resume" else 0.0
            times += 1
            if times == MOST:
                raise _endless(job, service_time)
            shift[number] = now, off = next(later[number])
        done.finish[job] = now + left
        heapq.heapreplace(free, (now + left, number))
    return done


def _endless(job: int, service_time: Floats) -> ValueError:
    """Say that failures come too fast for a job."""
    return ValueError(
        "time_to_failure must let every job end, but one with "
        f"service_time[{job}] = {service_time[job]} was interrupted {MOST} times"
    )


def checked_jobs(ready: ArrayLike, service_time: ArrayLike) -> tuple[Floats, Floats]:
    """Return what `serve` takes as read-only arrays, or say what is wrong with it."""
    if not _are_quickly_valid(ready, service_time):
        ready = _validate.times("ready", ready)
        service_time = _validate.durations("service_time", service_time)
        same_length("service_time", service_time, ready)
    return _read_only(ready), _read_only(service_time)


def same_length(name: str, column: NDArray[Any], ready: Floats) -> None:
    """Refuse a column that has not one value a job."""
    if column.size != ready.size:
        rule = f"hold one value for each of {counted(ready.size, 'job', spec='')}"
        raise ValueError(f"{name} must {rule}, got {column.size}")


def empty_service(n_jobs: int) -> Service:
    """Return columns to be filled in."""
    return Service(np.empty(n_jobs), np.empty(n_jobs), np.empty(n_jobs, np.int64))


def filled(kernel: Any, ready: Floats, service_time: Floats, *how: Any) -> Service:
    """Return the columns that a kernel fills in."""
    done = empty_service(ready.size)
    kernel(ready, service_time, *how, done.start, done.finish, done.worker)
    return done


def kernels_for(n_jobs: int) -> ModuleType | None:
    """Return the compiled code if so many jobs are worth it and Numba is there."""
    return _kernels() if n_jobs >= COMPILED_FROM else None


@cache
def _kernels() -> ModuleType | None:
    """Import the kernels, and Numba with them, on first use."""
    from . import _kernels

    # As they are written they are slower than the references.
    return _kernels if _kernels.HAS_NUMBA else None


def _is_vector(array: Any) -> bool:
    """Tell whether it is an array that need not be converted."""
    return type(array) is np.ndarray and array.dtype == np.float64 and array.ndim == 1


def _are_quickly_valid(ready: Any, service_time: Any) -> bool:
    """Tell whether one pass over both, without a copy, finds nothing wrong."""
    if not (_is_vector(ready) and _is_vector(service_time)):
        return False
    kernels = kernels_for(ready.size) if ready.size == service_time.size else None
    arrays = map(_read_only, (ready, service_time))
    return kernels is not None and bool(kernels.are_valid(*arrays))


def _read_only(values: Any) -> Floats:
    """Return a view of the one kind that kernels are compiled for."""
    view = np.require(values, np.float64, ["C", "A"]).view()
    view.setflags(write=False)
    return view
