"""Other ways to serve: classes of priority, duty schedules, workers that fail.

`priority_reference` and `workers.shifts_reference` are the rules, to be read; from
2,000 jobs on compiled code gives the same answers bit for bit, as it does in `serve`.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mds_sim import _validate
from mds_sim.distributions import as_law, draw
from mds_sim.rng import RNG, as_generator
from mds_sim.units import counted

from .workers import (
    Floats,
    Ints,
    Service,
    Shifts,
    checked_jobs,
    empty_service,
    filled,
    kernels_for,
    same_length,
    serve_shifts,
)


def serve_priority(
    ready: ArrayLike, service_time: ArrayLike, priority: ArrayLike, workers: int
) -> Service:
    """Let `workers` do the most urgent job first, without interrupting any.

    Parameters
    ----------
    ready, service_time, workers
        As in `serve`.
    priority : array_like of int, shape (n_jobs,)
        Class of each job: those of the lowest number are served first.

    Returns
    -------
    Service

    Raises
    ------
    ValueError
        As `serve`, or if `priority` has another length or is not whole.

    Notes
    -----
    A worker that is free takes, of all jobs that are ready by then (at that very
    instant too), the one of the lowest class, and within it the one that comes first
    in the arrays. The worker is chosen as in `serve`, which this is with one class.
    Cost O(n log n).

    Examples
    --------
    The third job overtakes the second, but does not interrupt the first:

    >>> serve_priority([0, 1, 2], [5, 5, 5], priority=[1, 1, 0], workers=1).start
    array([ 0., 10.,  5.])
    """
    ready, service_time = checked_jobs(ready, service_time)
    priority = _validate.integers("priority", priority)
    same_length("priority", priority, ready)
    workers = min(_validate.count("workers", workers), ready.size)
    kernels = kernels_for(ready.size)
    if kernels is None:
        return priority_reference(ready, service_time, priority, workers)
    order = np.argsort(priority, kind="stable")
    return filled(kernels.serve_priority, ready, service_time, order, workers)


def priority_reference(
    ready: Floats, service_time: Floats, priority: Ints, workers: int
) -> Service:
    """Do what `serve_priority` does: at each start, look who is ready by then."""
    done = empty_service(ready.size)
    free = [(-math.inf, number) for number in range(workers)]
    waiting: list[tuple[int, int]] = []  # a heap of (class, job)
    arrived, now = 0, -math.inf
    for _ in range(ready.size):
        free_since, number = free[0]
        now = max(now, free_since)
        if not waiting:
            now = max(now, float(ready[arrived]))
        while arrived < ready.size and ready[arrived] <= now:
            heapq.heappush(waiting, (int(priority[arrived]), arrived))
            arrived += 1
        _, job = heapq.heappop(waiting)
        end = now + float(service_time[job])
        heapq.heapreplace(free, (end, number))
        done.start[job], done.finish[job], done.worker[job] = now, end, number
    return done


@dataclass(frozen=True, eq=False)
class WorkerSchedule:
    """How many workers are on duty when.

    Parameters
    ----------
    times : array_like of float, shape (n_steps,)
        When the number changes [s]; from 0, each later than the one before.
    workers : array_like of int, shape (n_steps,)
        How many are on duty from then on, >= 0: those numbered 0, ..., workers - 1.
        The last number holds for ever, so it is >= 1.

    Examples
    --------
    >>> day = WorkerSchedule([0, 8 * 3600, 18 * 3600], [2, 10, 2])
    >>> week = day.repeat(period=24 * 3600, times=5)
    >>> week.on_duty([0, 8 * 3600, 3 * 24 * 3600 + 12 * 3600])
    array([ 2, 10, 10])
    """

    times: ArrayLike
    workers: ArrayLike

    def __post_init__(self) -> None:
        times = _validate.times("times", self.times)
        workers = _validate.integers("workers", self.workers)
        if times[:1].tolist() != [0.0]:
            raise ValueError(f"times must begin with 0 s, got {times[:1].tolist()}")
        if times.size != workers.size:
            rule = f"hold one value for each of {counted(times.size, 'time', spec='')}"
            raise ValueError(f"workers must {rule}, got {workers.size}")
        for i in np.flatnonzero(times[1:] == times[:-1]) + 1:
            raise ValueError(f"times must differ, but times[{i}] = {times[i]} is again")
        for i in np.flatnonzero(workers < 0):
            raise ValueError(f"workers must be >= 0, but workers[{i}] = {workers[i]}")
        if workers[-1] == 0:
            raise ValueError("workers must end with >= 1, or jobs may wait for ever")
        for name, array in (("times", times), ("workers", workers)):
            object.__setattr__(self, name, _validate.sealed(array))

    def on_duty(self, time: ArrayLike) -> Ints:
        """Tell how many are on duty at each time, int64."""
        step = np.searchsorted(np.asarray(self.times), time, side="right") - 1
        return np.asarray(self.workers)[np.maximum(step, 0)]

    def repeat(self, period: float, times: int) -> WorkerSchedule:
        """Return this schedule `times` times in a row, each `period` [s] long."""
        period = _validate.positive("period", period, "s")
        starts = period * np.arange(_validate.count("times", times))
        own = np.asarray(self.times)
        if period <= own[-1]:
            raise ValueError(f"period must be > {own[-1]}, the last time, got {period}")
        steps = np.add.outer(starts, own).ravel()
        return WorkerSchedule(steps, np.tile(np.asarray(self.workers), starts.size))

    def _shifts(self, n_jobs: int) -> list[Shifts]:
        """List the shifts of each worker that `n_jobs` jobs may need."""
        counts = np.asarray(self.workers)
        # Who is there from the beginning has been free for ever, as in `serve`.
        edges = np.concatenate([[-np.inf], np.asarray(self.times)[1:], [np.inf]])
        shifts = []
        for number in range(min(int(counts.max()), n_jobs)):
            change = np.diff(counts > number, prepend=False, append=False)
            own = edges[np.flatnonzero(change)].reshape(-1, 2)
            shifts.append(iter([np.append(own, [[np.inf, np.inf]], axis=0)]))
        return shifts


def serve_scheduled(
    ready: ArrayLike, service_time: ArrayLike, schedule: WorkerSchedule
) -> Service:
    """Let workers do jobs while they are on duty, in the order of ready times.

    Parameters
    ----------
    ready, service_time
        As in `serve`.
    schedule : WorkerSchedule
        How many are on duty when. Whoever has started a job finishes it.

    Returns
    -------
    Service

    Notes
    -----
    On duty from `on` to `off` means in [on, off): nobody starts a job at `off`. A job
    goes to the worker on duty who has been free longest, that is since the later of
    coming on duty and finishing a job; if equal, to the lowest number.

    Examples
    --------
    The second worker comes at 10 and leaves at 20, but not in the middle of a job:

    >>> schedule = WorkerSchedule([0, 10, 20], [1, 2, 1])
    >>> done = serve_scheduled([0, 1, 2, 3], [12, 15, 9, 9], schedule)
    >>> done.start, done.worker
    (array([ 0., 10., 12., 21.]), array([0, 1, 0, 0]))
    """
    ready, service_time = checked_jobs(ready, service_time)
    if not isinstance(schedule, WorkerSchedule):
        raise TypeError(f"schedule must be a WorkerSchedule, got {schedule!r}")
    return serve_shifts(ready, service_time, schedule._shifts(ready.size), "finish")


@dataclass(frozen=True)
class Failures:
    """Workers that fail at random and are repaired.

    Parameters
    ----------
    time_to_failure, time_to_repair : Law or frozen scipy.stats distribution
        How long a worker is up, from 0 on, and then down [s]; the first mean is > 0.
        Time runs for idle workers too. A job that ends at a failure has ended.
    restart : bool, optional
        A job that is interrupted stays with its worker. After the repair it goes on
        where it was (preempt-resume), or starts anew (True).

    Examples
    --------
    >>> from mds_sim.distributions import Constant
    >>> failures = Failures(Constant(10.0), Constant(5.0))
    >>> serve_with_failures([0, 8], [4, 4], 1, failures).finish
    array([ 4., 17.])
    """

    time_to_failure: Any
    time_to_repair: Any
    restart: bool = False

    def __post_init__(self) -> None:
        up = as_law("time_to_failure", self.time_to_failure).mean
        _validate.positive("mean of time_to_failure", up, "s")
        as_law("time_to_repair", self.time_to_repair)

    def _shifts(self, rng: np.random.Generator, chunk: int = 64) -> Shifts:
        """Yield when one worker is up, without end."""
        chance = rng.spawn(2)
        on, begin = -np.inf, 0.0
        while True:
            up = draw(self.time_to_failure, chunk, chance[0], name="time_to_failure")
            down = draw(self.time_to_repair, chunk, chance[1], name="time_to_repair")
            edges = np.column_stack([up, down]).ravel()
            edges[0] += begin
            edges = np.cumsum(edges)  # down, up, down, up, ...
            yield np.column_stack([np.append(on, edges[1:-1:2]), edges[::2]])
            on = begin = float(edges[-1])


def serve_with_failures(
    ready: ArrayLike,
    service_time: ArrayLike,
    workers: int,
    failures: Failures,
    rng: RNG = None,
) -> Service:
    """Let workers that fail and are repaired do jobs in the order of ready times.

    Parameters
    ----------
    ready, service_time, workers
        As in `serve`.
    failures : Failures
        When workers fail, and what becomes of the job at hand.
    rng : numpy.random.Generator, int or None
        Each worker has a stream of its own: the same failures, whatever the jobs are.

    Returns
    -------
    Service
        From `start` to `finish` is the service time and all repairs within it.

    Raises
    ------
    ValueError
        As `serve`, or if a job is interrupted 100,000 times.

    Notes
    -----
    A job goes to the worker that has been up and free longest, that is since the
    later of its last repair and its last job; if equal, to the lowest number.

    Examples
    --------
    >>> from mds_sim.distributions import Exponential
    >>> failures = Failures(Exponential(50.0), Exponential(5.0), restart=True)
    >>> serve_with_failures([0, 8], [4, 4], 2, failures, rng=1).finish.round(1)
    array([ 4. , 19.2])
    """
    ready, service_time = checked_jobs(ready, service_time)
    workers = _validate.count("workers", workers)
    if not isinstance(failures, Failures):
        raise TypeError(f"failures must be Failures, got {failures!r}")
    shifts = [failures._shifts(own) for own in as_generator(rng).spawn(workers)]
    how = "restart" if failures.restart else "resume"
    return serve_shifts(ready, service_time, shifts, how)
