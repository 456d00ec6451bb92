"""One record of a run, whoever made it: a simulation or real workers.

A mini-batch and a bucket are both jobs, a message and a file are both items.
Metrics and plots take a `RunRecord` and do not know where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim.units import counted

from . import _validate
from ._summary import Summary
from ._tables import html_columns

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def no_sizes(n: int) -> Ints:
    """Return a size of 0 for each of n items: one number in memory, read-only.

    Examples
    --------
    >>> sizes = no_sizes(10**12)
    >>> sizes.size, sizes[-2:]
    (1000000000000, array([0, 0]))
    """
    return np.ndarray(n, np.int64, bytes(8), strides=(0,))


def _is_sealed(values: Any, kind: type) -> bool:
    """Tell whether it is a column already that nobody can write to."""
    if not (type(values) is np.ndarray and values.dtype == kind and values.ndim == 1):
        return False
    while isinstance(values, np.ndarray):
        if values.flags.writeable:
            return False
        values = values.base
    return values is None or isinstance(values, bytes)


class _Columns:
    """Columns of equal length, converted, checked and read-only.

    They are copies, but for arrays that are read-only with all that they look into.
    """

    _integers: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        length = -1
        for name, values in self._columns():
            whole = name in self._integers
            array: Floats | Ints = values
            if not _is_sealed(values, np.int64 if whole else np.float64):
                read = _validate.integers if whole else _validate.numbers
                array = _validate.sealed(read(name, values))
            if length not in (-1, array.size):
                raise ValueError(
                    f"{name} must have shape ({length},) as the other columns, "
                    f"got {array.shape}"
                )
            length = array.size
            object.__setattr__(self, name, array)

    def _columns(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the values of each column."""
        for field in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            yield field.name, getattr(self, field.name)

    def __len__(self) -> int:
        return len(next(self._columns())[1])

    def to_dict(self) -> dict[str, list[float] | list[int]]:
        """Return the columns as lists, for JSON or a data frame."""
        return {name: values.tolist() for name, values in self._columns()}

    def _repr_html_(self) -> str:
        title = f"{len(self):,} {type(self).__name__.lower()}, times in s"
        return html_columns(title, dict(self._columns()))

    def same_as(self, other: object) -> bool:
        """Tell whether all columns are equal, bit for bit (NaN equals NaN)."""
        return type(other) is type(self) and all(
            np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")
            for (_, mine), (_, theirs) in zip(
                self._columns(), other._columns(), strict=True
            )
        )


@dataclass(frozen=True, eq=False)
class Items(_Columns):
    """One row for each message or file, in order of arrival.

    Attributes
    ----------
    arrival : ndarray of float64, shape (n_items,)
        When it arrived [s].
    size : ndarray of int64, shape (n_items,)
        Its size [bytes].
    job : ndarray of int64, shape (n_items,)
        Row of its job.

    Examples
    --------
    >>> len(Items(arrival=[0.0, 1.5], size=[10, 20], job=[0, 0]))
    2
    """

    arrival: Floats
    size: Ints
    job: Ints

    _integers = frozenset({"size", "job"})


@dataclass(frozen=True, eq=False)
class Jobs(_Columns):
    """One row for each mini-batch or bucket, in order of submission.

    Attributes
    ----------
    open : ndarray of float64, shape (n_jobs,)
        When its first item arrived [s].
    ready : ndarray of float64, shape (n_jobs,)
        When it was given to the pool [s].
    start, finish : ndarray of float64, shape (n_jobs,)
        When a worker took it and was done with it [s].
    worker : ndarray of int64, shape (n_jobs,)
        Number of that worker, from 0; -1 for a job that was cancelled.
    n_items : ndarray of int64, shape (n_jobs,)
        How many items it holds.
    load : ndarray of int64, shape (n_jobs,)
        Sum of their sizes [bytes].

    Examples
    --------
    >>> jobs = Jobs(
    ...     open=[0.0],
    ...     ready=[300.0],
    ...     start=[300.0],
    ...     finish=[310.0],
    ...     worker=[0],
    ...     n_items=[2],
    ...     load=[30],
    ... )
    >>> jobs.finish - jobs.start
    array([10.])
    """

    open: Floats
    ready: Floats
    start: Floats
    finish: Floats
    worker: Ints
    n_items: Ints
    load: Ints

    _integers = frozenset({"worker", "n_items", "load"})


@dataclass(frozen=True)
class Failure:
    """What went wrong with an item or with a whole job.

    Attributes
    ----------
    job : int
        Row of the job.
    item : int or None
        Row of the item; None if it was the job as a whole.
    error : str
        Kind and text of the error.

    Examples
    --------
    >>> str(Failure(job=3, item=17, error="FileNotFoundError: gone"))
    'job 3, item 17: FileNotFoundError: gone'
    """

    job: int
    item: int | None
    error: str

    def __str__(self) -> str:
        item = "" if self.item is None else f", item {self.item}"
        return f"job {self.job}{item}: {self.error}"


@dataclass(frozen=True, eq=False)
class Throughput:
    """Work done over time, in bins of equal width.

    Attributes
    ----------
    time : ndarray of float64, shape (n_bins + 1,)
        Edges of the bins [s].
    arrived, finished : ndarray of int64, shape (n_bins,)
        Items that arrived, and items whose job was finished, in each bin.

    Examples
    --------
    >>> Throughput(np.array([0.0, 60.0]), np.array([12]), np.array([9])).rate
    array([0.15])
    """

    time: Floats
    arrived: Ints
    finished: Ints

    @property
    def rate(self) -> Floats:
        """Items finished per second in each bin."""
        return self.finished / np.diff(self.time)

    def _repr_html_(self) -> str:
        begin = {"from [s]": self.time[:-1], "to [s]": self.time[1:]}
        counts = {"arrived": self.arrived, "finished": self.finished}
        title = f"Throughput in {counted(len(self.arrived), 'bin')} of time"
        return html_columns(title, {**begin, **counts})


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What happened: every item, every job, and what went wrong.

    Attributes
    ----------
    items : Items
    jobs : Jobs
    workers : int
        Size of the pool.
    capacity : int or None
        Room of a bucket [bytes]; None for a stream.
    failures : tuple of Failure
        Empty if all went well. An item that failed keeps its row.

    Examples
    --------
    >>> record = RunRecord(
    ...     Items(arrival=[0.0, 100.0], size=[0, 0], job=[0, 0]),
    ...     Jobs(
    ...         open=[0.0],
    ...         ready=[300.0],
    ...         start=[300.0],
    ...         finish=[312.0],
    ...         worker=[0],
    ...         n_items=[2],
    ...         load=[0],
    ...     ),
    ...     workers=10,
    ... )
    >>> record.check().latency
    array([312., 212.])
    """

    items: Items
    jobs: Jobs
    workers: int
    capacity: int | None = None
    failures: tuple[Failure, ...] = ()

    @property
    def latency(self) -> Floats:
        """From arrival to the finish of its job, for each item that was handled [s].

        Those of a job that was cancelled never finished, and are left out.
        """
        handled = self._worked[self.items.job]
        return self.jobs.finish[self.items.job[handled]] - self.items.arrival[handled]

    @property
    def _worked(self) -> NDArray[np.bool_]:
        """Which jobs a worker did: all but those that were cancelled."""
        return self.jobs.worker >= 0

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which items failed, by themselves or with their whole job."""
        failed = np.zeros(len(self.items), np.bool_)
        for failure in self.failures:
            if failure.item is None:
                failed |= self.items.job == failure.job
            else:
                failed[failure.item] = True
        return failed

    @property
    def waiting(self) -> Floats:
        """From ready to start, for each job that was not cancelled [s]."""
        return (self.jobs.start - self.jobs.ready)[self._worked]

    @property
    def service_time(self) -> Floats:
        """From start to finish, for each job that was not cancelled [s]."""
        return (self.jobs.finish - self.jobs.start)[self._worked]

    @property
    def span(self) -> float:
        """From the first arrival to the last finish [s]; 0 if nothing came."""
        if not len(self.items):
            return 0.0
        return float(self.jobs.finish.max() - self.items.arrival.min())

    @property
    def makespan(self) -> float:
        """From the first ready to the last finish [s]; 0 if nothing came."""
        if not len(self.jobs):
            return 0.0
        return float(self.jobs.finish.max() - self.jobs.ready.min())

    @property
    def utilisation(self) -> float:
        """Share of the workers' time that was work, over `span`; in [0, 1]."""
        if not self.span:
            return 0.0
        return float(self.service_time.sum() / (self.workers * self.span))

    @property
    def offered_load(self) -> float:
        """Workers that the jobs would keep busy: rate times service time [erlang].

        NaN if all jobs came at once, as those of one night do: they have no rate.
        """
        ready = self.jobs.ready
        span = float(ready.max() - ready.min()) if self._worked.any() else 0.0
        if not span:
            return float("nan")
        return float(self.service_time.mean() * (len(self.jobs) - 1) / span)

    @property
    def fill(self) -> Floats:
        """Load over capacity, for each bucket (above 1: a lone oversize file).

        Raises
        ------
        ValueError
            If the record is that of a stream.
        """
        if self.capacity is None:
            raise ValueError("fill needs buckets, but this record is of a stream")
        return self.jobs.load / self.capacity

    def throughput(self, width: float | None = None) -> Throughput:
        """Count arrivals and finished items in bins of time.

        Parameters
        ----------
        width : float, optional
            Width of a bin [s]; a sixtieth of the record's span by default.

        Returns
        -------
        Throughput
            All items are counted, but as finished only those of jobs that were not
            cancelled: the last bin may reach beyond the last finish.
        """
        if width is None:
            width = self.span / 60 or 1.0
        width = _validate.positive("width", width, "s")
        first = float(self.items.arrival.min()) if len(self.items) else 0.0
        n_bins = int(self.span / width) + 1
        edges: Floats = first + width * np.arange(n_bins + 1, dtype=np.float64)

        def counts(moments: Floats) -> Ints:
            bins = np.searchsorted(edges, moments, side="right") - 1
            return np.bincount(np.clip(bins, 0, n_bins - 1), minlength=n_bins)

        handled = self._worked[self.items.job]
        finished = counts(self.jobs.finish[self.items.job[handled]])
        return Throughput(edges, counts(self.items.arrival), finished)

    def summary(self) -> Summary:
        """Return the figures that people ask for first."""
        latency, waiting, n_items = self.latency, self.waiting, self.jobs.n_items
        some = len(latency) > 0
        # The buckets of a night come at once: they have no rate, and so no load.
        load = self.offered_load
        is_burst = self.capacity is not None or np.isnan(load)
        return Summary(
            items=len(self.items),
            jobs=len(self.jobs),
            failures=len(self.failures),
            failed_items=int(self.failed.sum()),
            workers=self.workers,
            span=self.span,
            makespan=self.makespan,
            throughput=len(latency) / self.span if self.span else 0.0,
            items_per_job=float(n_items.mean()) if len(n_items) else 0.0,
            latency_mean=float(latency.mean()) if some else 0.0,
            latency_median=float(np.median(latency)) if some else 0.0,
            latency_p99=float(np.quantile(latency, 0.99)) if some else 0.0,
            latency_max=float(latency.max()) if some else 0.0,
            waiting_mean=float(waiting.mean()) if some else 0.0,
            waiting_max=float(waiting.max()) if some else 0.0,
            service_mean=float(self.service_time.mean()) if some else 0.0,
            utilisation=self.utilisation,
            offered_load=None if is_burst else load,
            bytes=int(self.items.size.sum()),
            fill_mean=float(self.fill.mean())
            if n_items.size and self.capacity
            else None,
        )

    def check(self) -> RunRecord:
        """Verify that the record can be true, and return it.

        Every item is in one job and every job has one, times are in order, loads add
        up, no worker does two jobs at a time, and a job that no worker did is among
        the failures.

        Raises
        ------
        ValueError
            It names the first rule that is broken, the row and the values.
        """
        items, jobs = self.items, self.jobs
        n_jobs = len(jobs)
        _all(
            "item's job must be a row of jobs", (items.job >= 0) & (items.job < n_jobs)
        )
        count = np.bincount(items.job, minlength=n_jobs)
        _all("job's n_items must count its items", jobs.n_items == count)
        _all("job must hold an item", count > 0)
        load = np.zeros(n_jobs, np.int64)
        np.add.at(load, items.job, items.size)
        _all("job's load must add up its items' sizes", jobs.load == load)
        _all("item must arrive before its job is ready",
             items.arrival <= jobs.ready[items.job])  # fmt: skip
        _all("job must open before it is ready", jobs.open <= jobs.ready)
        _all("job must be ready before it starts", jobs.ready <= jobs.start)
        _all("job must start before it finishes", jobs.start <= jobs.finish)
        _all("job must finish at a finite time", np.isfinite(jobs.finish))
        known = [self._knows(failure) for failure in self.failures]
        _all("failure must name a job and an item of it", np.array(known, bool))
        on_duty = (jobs.worker >= 0) & (jobs.worker < self.workers)
        failed = np.isin(np.arange(n_jobs), [f.job for f in self.failures])
        cancelled = (jobs.worker == -1) & (jobs.start == jobs.finish) & failed
        _all(f"job's worker must be in 0..{self.workers - 1}, or -1 if it was "
             "cancelled", on_duty | cancelled)  # fmt: skip
        order = np.lexsort((jobs.finish, jobs.start, jobs.worker))
        same = jobs.worker[order][1:] == jobs.worker[order][:-1]
        later = jobs.start[order][1:] >= jobs.finish[order][:-1]
        _all("job must start after its worker's last one", ~same | later, order[1:])
        return self

    def _knows(self, failure: Failure) -> bool:
        """Tell whether the rows that a failure names are in this record."""
        if failure.item is None:
            return 0 <= failure.job < len(self.jobs)
        in_range = 0 <= failure.item < len(self.items)
        return in_range and bool(self.items.job[failure.item] == failure.job)

    def same_as(self, other: RunRecord) -> bool:
        """Tell whether both records are equal, bit for bit."""
        return (
            self.items.same_as(other.items)
            and self.jobs.same_as(other.jobs)
            and self.workers == other.workers
            and self.capacity == other.capacity
            and self.failures == other.failures
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as lists and numbers, for JSON."""
        return {
            "items": self.items.to_dict(),
            "jobs": self.jobs.to_dict(),
            "workers": self.workers,
            "capacity": self.capacity,
            "failures": [str(failure) for failure in self.failures],
        }

    def __repr__(self) -> str:
        return (
            f"RunRecord({counted(len(self.items), 'item', spec='')} in "
            f"{counted(len(self.jobs), 'job', spec='')}, "
            f"{counted(self.workers, 'worker', spec='')}, "
            f"{counted(len(self.failures), 'failure', spec='')})"
        )

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def _all(rule: str, holds: NDArray[np.bool_], rows: Ints | None = None) -> None:
    """Name the first row for which a rule does not hold."""
    if not holds.all():
        row = int(np.argmin(holds))
        row = row if rows is None else int(rows[row])
        raise ValueError(f"every {rule}, but row {row} breaks this")
