"""When is the night done? The order of the buckets, and how large they should be.

Fewer buckets is not what a night is about: it is when the last worker is done. With ten
workers eleven buckets take as long as twenty, so a little more room for each may halve
the night or double it.

Examples
--------
>>> from mds_sim.files import pack
>>> from mds_sim.sim import LinearService
>>> packing = pack([8, 7, 6, 5, 4, 3], capacity=8)
>>> makespan(packing, LinearService(per_byte=1.0), workers=2).makespan
18.0
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import bar, html_table
from mds_sim._validate import sealed
from mds_sim.distributions import as_law
from mds_sim.records import Items, Jobs, RunRecord
from mds_sim.rng import RNG, as_generator
from mds_sim.sim.service import LinearService, as_service, service_times
from mds_sim.sim.workers import serve
from mds_sim.theory.makespan import makespan_bound
from mds_sim.units import counted, format_bytes, format_seconds

from .packing import Packing, pack
from .strategies import BucketingStrategy, FirstFitDecreasing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ORDERS = ("longest", "given", "shortest")


def submission_order(
    packing: Packing, service: Any = None, order: str = "longest"
) -> Ints:
    """Return the order in which to give buckets to the workers.

    Parameters
    ----------
    packing : Packing
    service : ServiceModel or Law, optional
        What a bucket takes. Only what can be known before counts: of `LinearService`
        all but the noise, of any other model the bytes, of a law nothing. None: the
        bytes.
    order : {"longest", "given", "shortest"}
        The longest first (LPT), by number, or the shortest first (SPT).

    Returns
    -------
    ndarray of int64, shape (n_buckets,)
        Numbers of buckets; of equally long ones the lower number comes first.

    Notes
    -----
    `NightlyPipeline` and `BucketManager` have the same option, with "given" as the
    default: there it is the order in which real workers get the buckets.

    Examples
    --------
    >>> from mds_sim.files import pack
    >>> submission_order(pack([3, 9, 6, 4], capacity=10))
    array([2, 1, 0])
    """
    _checked(packing)
    _validate.choice("order", order, ORDERS)
    if order == "given":
        return np.arange(packing.n_buckets)
    expected = _expected(packing, service)
    key = -expected if order == "longest" else expected
    return np.argsort(key, kind="stable")


@dataclass(frozen=True, eq=False)
class Makespan:
    """When each bucket of a night is done, and how good that is.

    `makespan` makes it. All arrays have a value for each bucket of the packing.

    Attributes
    ----------
    packing : Packing
    order : ndarray of int64
        The buckets in the order in which they were given to the workers.
    service_time, start, finish : ndarray of float64
        How long each took, when it was begun and done [s]; all are ready at 0.
    worker : ndarray of int64
        Who did it.
    workers : int
        How many there are.

    Examples
    --------
    >>> from mds_sim.files import pack
    >>> night = makespan(pack([5] * 11, 5), LinearService(per_job=1.0), workers=10)
    >>> night
    Makespan(11 buckets on 10 workers in 2 waves, done after 2 s, bound 2 s)
    """

    packing: Packing
    order: Ints
    service_time: Floats
    start: Floats
    finish: Floats
    worker: Ints
    workers: int

    @property
    def makespan(self) -> float:
        """When the last worker is done [s]; 0 if there are no buckets."""
        return float(self.finish.max(initial=0.0))

    @property
    def waves(self) -> int:
        """How often every worker would be called, were all buckets equal."""
        return -(-self.packing.n_buckets // self.workers)

    @cached_property
    def lower_bound(self) -> float:
        """A time before which no order lets these buckets be done [s]."""
        # Both are rounded; nobody should find a night that is done before its bound.
        return min(makespan_bound(self.service_time, self.workers), self.makespan)

    @property
    def utilisation(self) -> float:
        """Share of the workers' time until the makespan that is work."""
        span = self.makespan * self.workers
        return float(self.service_time.sum() / span) if span else 0.0

    def record(self) -> RunRecord:
        """Return the night as a record, whose jobs are in the order of submission.

        Examples
        --------
        >>> from mds_sim.files import pack
        >>> makespan(pack([3, 9, 6], 10), LinearService(per_job=1.0)).record().check()
        RunRecord(3 items in 2 jobs, 10 workers, 0 failures)
        """
        row = np.empty_like(self.order)
        row[self.order] = np.arange(self.order.size)
        ready = np.zeros(self.order.size)
        times = (self.start[self.order], self.finish[self.order])
        what = (self.packing.count[self.order], self.packing.load[self.order])
        return RunRecord(
            Items(
                np.zeros(self.packing.sizes.size),
                self.packing.sizes,
                row[self.packing.bucket],
            ),
            Jobs(ready, ready, *times, self.worker[self.order], *what),
            self.workers,
            self.packing.capacity,
        )

    def __repr__(self) -> str:
        waves = counted(self.waves, "wave", spec="")
        return (
            f"Makespan({self._title} in {waves}, done after {self.makespan:.4g} s, "
            f"bound {self.lower_bound:.4g} s)"
        )

    def _repr_html_(self) -> str:
        rows = [
            ("done after", format_seconds(self.makespan)),
            ("not before", format_seconds(self.lower_bound)),
            ("waves", f"{self.waves}"),
            ("workers busy", f"{self.utilisation:.1%}"),
        ]
        return html_table(
            self._title, rows, marks={1: ["", "", "", bar(self.utilisation)]}
        )

    @property
    def _title(self) -> str:
        buckets = counted(self.packing.n_buckets, "bucket")
        return f"{buckets} on {counted(self.workers, 'worker', spec='')}"


def makespan(
    packing: Packing,
    service: Any,
    workers: int = 10,
    *,
    order: str = "longest",
    rng: RNG = None,
) -> Makespan:
    """Let workers do the buckets of a night: a free one takes the next.

    Parameters
    ----------
    packing : Packing
    service : ServiceModel or Law
        How long a bucket takes [s], such as ``LinearService(per_job, per_item,
        per_byte, noise)``. Drawn bucket by bucket in the order of their numbers, so
        that another order sees the same times.
    workers : int, optional
        How many there are, >= 1.
    order : {"longest", "given", "shortest"}
        As in `submission_order`.
    rng : numpy.random.Generator, int or None

    Returns
    -------
    Makespan

    Notes
    -----
    Without noise the longest first is done within 4/3 - 1/(3 m) of the best possible,
    any other order within 2 - 1/m (`theory.graham_ratio`). Cost O(n log n).

    Examples
    --------
    >>> from mds_sim.files import pack
    >>> packing, service = pack([5, 5, 5, 5, 9], 9), LinearService(per_byte=1.0)
    >>> makespan(packing, service, 2, order="given").makespan
    19.0
    >>> makespan(packing, service, 2).makespan
    15.0
    """
    packing = _checked(packing)
    workers = _validate.count("workers", workers)
    service = as_service(service)
    turn = submission_order(packing, service, order)
    taken = service_times(service, packing.count, packing.load, as_generator(rng))
    done = serve(np.zeros(turn.size), taken[turn], workers)
    start, finish, worker = np.empty_like(taken), np.empty_like(taken), turn.copy()
    start[turn], finish[turn], worker[turn] = done.start, done.finish, done.worker
    for column in (turn, taken, start, finish, worker):
        sealed(column)
    return Makespan(packing, turn, taken, start, finish, worker, workers)


@dataclass(frozen=True, eq=False)
class BucketSizes:
    """How long nights take with larger and larger buckets.

    `bucket_sizes` makes it; `plots.plot_bucket_sizes` shows it.

    Attributes
    ----------
    capacity : ndarray of int64, shape (n_capacities,)
        Room of a bucket [bytes].
    makespan, lower_bound : ndarray of float64, shape (n_capacities, nights)
        When the last worker was done, and before when nobody could be [s].
    buckets : ndarray of int64, shape (n_capacities, nights)
        How many there were.
    ideal : float
        Mean over the nights of the work that depends on no bucket, all of it spread
        evenly over the workers [s].
    workers : int

    Examples
    --------
    >>> service = LinearService(per_byte=1.0)
    >>> curve = bucket_sizes([[4] * 11], [4, 8, 12], service, workers=10)
    >>> curve.mean, curve.waves, curve.best
    (array([ 8.,  8., 12.]), array([2., 1., 1.]), 4)
    >>> curve
    BucketSizes(4 B to 12 B, 1 night on 10 workers, best 4 B with 8 s)
    """

    capacity: Ints
    makespan: Floats
    lower_bound: Floats
    buckets: Ints
    ideal: float
    workers: int

    @property
    def mean(self) -> Floats:
        """Mean makespan for each capacity [s]."""
        return np.asarray(self.makespan.mean(axis=1))

    @property
    def error(self) -> Floats:
        """Standard error of each mean [s]; 0 for a single night."""
        nights = self.makespan.shape[1]
        if nights == 1:
            return np.zeros(self.capacity.size)
        return np.asarray(self.makespan.std(axis=1, ddof=1) / np.sqrt(nights))

    @property
    def waves(self) -> Floats:
        """Mean number of waves, buckets over workers rounded up."""
        return np.asarray(np.ceil(self.buckets / self.workers).mean(axis=1))

    @property
    def best(self) -> int:
        """The capacity with the least mean, the smallest such [bytes]."""
        return int(self.capacity[np.argmin(self.mean)])

    def __repr__(self) -> str:
        ends = sorted({int(self.capacity.min()), int(self.capacity.max())})
        return (
            f"BucketSizes({' to '.join(map(format_bytes, ends))}, "
            f"{counted(self.makespan.shape[1], 'night')} on "
            f"{counted(self.workers, 'worker')}, best {format_bytes(self.best)} "
            f"with {self.mean.min():.4g} s)"
        )

    def _repr_html_(self) -> str:
        best, least = self.best, float(self.mean.max()) or 1.0
        rows = [
            (
                format_bytes(int(room)),
                f"{buckets:.4g}",
                f"{mean:.4g} ± {2 * error:.2g}",
                "best" if room == best else "",
            )
            for room, buckets, mean, error in zip(
                self.capacity, self.buckets.mean(axis=1), self.mean, self.error,
                strict=True,
            )
        ]  # fmt: skip
        header = ("room", "buckets", "makespan [s]", "")
        title = repr(self).removeprefix("BucketSizes(").removesuffix(")")
        marks = {2: [bar(mean / least) for mean in self.mean.tolist()]}
        return html_table(title, rows, header, marks=marks)


def bucket_sizes(
    nights: ArrayLike,
    capacities: Sequence[int] | Ints | int,
    service: Any,
    workers: int = 10,
    *,
    strategy: BucketingStrategy = FirstFitDecreasing(),
    order: str = "longest",
    rng: RNG = None,
) -> BucketSizes:
    """Pack the same nights into larger and larger buckets, and see when all is done.

    Parameters
    ----------
    nights : array_like of int, shape (nights, count) or (count,)
        Sizes of the files of each night [bytes], such as `FileSource.sample` draws;
        or a list of nights, of whatever lengths.
    capacities : sequence of int or int
        Room of a bucket [bytes], each >= 1.
    service : ServiceModel or Law
        How long a bucket takes [s].
    workers : int, optional
        How many there are, >= 1.
    strategy : BucketingStrategy, optional
    order : {"longest", "given", "shortest"}
        As in `submission_order`.
    rng : numpy.random.Generator, int or None
        For the noise of the service. All capacities begin with the same numbers.

    Returns
    -------
    BucketSizes

    Notes
    -----
    The curve is not monotone. Small buckets cost a start each, large ones are too few
    to share out, and in between the night comes in waves of one bucket a worker: it is
    longest where there are a few more buckets than workers, for which all wait.

    Examples
    --------
    A night of 100 MB on 10 workers at 10 MB a second each, with 0.2 s a bucket:

    >>> from mds_sim.files import FileSource
    >>> from mds_sim.units import MB
    >>> sizes = FileSource(100).sample(nights=20, rng=1)
    >>> service = LinearService(per_job=0.2, per_byte=1 / (10 * MB))
    >>> curve = bucket_sizes(sizes, [8 * MB, 10 * MB, 12 * MB], service)
    >>> curve.mean.round(2), curve.best // MB
    (array([1.95, 1.58, 1.4 ]), 12)

    Real nights are not all of one length:

    >>> bucket_sizes([[4, 4, 4], [4]], 8, LinearService(per_job=1.0), workers=1)
    BucketSizes(8 B, 2 nights on 1 worker, best 8 B with 1.5 s)
    """
    sizes = [_validate.sizes("nights", row) for row in _rows(nights)]
    rooms = np.atleast_1d(np.asarray(capacities)).tolist()
    room = np.array([_validate.size("capacities", c) for c in rooms], np.int64)
    if not room.size or not sizes:
        raise ValueError("capacities and nights must hold at least one each, got none")
    seed = int(as_generator(rng).integers(2**63))
    done, bound, buckets = [], [], []
    for capacity in room.tolist():
        chance = np.random.default_rng(seed)
        packings = [pack(night, capacity, strategy) for night in sizes]
        results = [
            makespan(packing, service, workers, order=order, rng=chance)
            for packing in packings
        ]
        done.append([result.makespan for result in results])
        bound.append([result.lower_bound for result in results])
        buckets.append([packing.n_buckets for packing in packings])
    return BucketSizes(
        sealed(room),
        sealed(np.array(done)),
        sealed(np.array(bound)),
        sealed(np.array(buckets, np.int64)),
        _ideal(sizes, service, workers),
        workers,
    )


def _checked(packing: Packing) -> Packing:
    """Refuse sizes and whatever else is no packing."""
    what = "a packing, such as pack(sizes) returns"
    return _validate.instance("packing", packing, Packing, what)


def _rows(nights: Any) -> Iterable[ArrayLike]:
    """Return one night after the other."""
    try:
        table: Iterable[ArrayLike] = np.atleast_2d(np.asarray(nights))
    except ValueError:  # NumPy has no table with rows of different lengths
        return list(nights)
    return table


def _expected(packing: Packing, service: Any) -> Floats:
    """Return what is known before about the time of each bucket."""
    if isinstance(service, LinearService):
        quiet = replace(service, noise=None)
        return service_times(quiet, packing.count, packing.load)
    if service is not None and not _is_model(service):
        return np.zeros(packing.n_buckets)
    return packing.load.astype(np.float64)


def _is_model(service: Any) -> bool:
    """Tell whether it is told what is in a bucket: a law is not."""
    try:
        as_law("service", service)
    except TypeError:
        return True
    return False


def _ideal(sizes: list[Ints], service: Any, workers: int) -> float:
    """Return the mean work of a night that does not depend on buckets, shared out."""
    if not isinstance(service, LinearService):
        return 0.0
    noise = 1.0 if service.noise is None else float(as_law("noise", service.noise).mean)
    work = sum(
        service.per_item * night.size + service.per_byte * float(night.sum())
        for night in sizes
    )
    return float(work * noise / (workers * len(sizes)))
