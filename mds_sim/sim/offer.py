"""What comes to a pool of workers, before anybody has served it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mds_sim._validate import sealed
from mds_sim.records import Items, Jobs, RunRecord

from .workers import Service

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Offer:
    """Items, their jobs, and how long each job takes: all but who does it, and when.

    A pipeline makes it; whoever has the workers makes a record of it.

    Attributes
    ----------
    items : Items
    open, ready : ndarray of float64, shape (n_jobs,)
        When the first item of each job arrived, and when it was given to the pool [s].
    service_time : ndarray of float64, shape (n_jobs,)
        How long each job takes [s].
    n_items, load : ndarray of int64, shape (n_jobs,)
        Items in each job, and their size [bytes].

    Examples
    --------
    >>> from mds_sim.sim import serve
    >>> one = np.array([1], np.int64)
    >>> items = Items(arrival=[0.0], size=[7], job=[0])
    >>> ready = np.array([300.0])
    >>> offer = Offer(items, ready - 300, ready, np.array([12.0]), one, 7 * one)
    >>> offer.record(serve(offer.ready, offer.service_time, 1), workers=1).latency
    array([312.])
    """

    items: Items
    open: Floats
    ready: Floats
    service_time: Floats
    n_items: Ints
    load: Ints

    def record(
        self, done: Service, workers: int, capacity: int | None = None
    ) -> RunRecord:
        """Return the record of a run in which the jobs were served so.

        Parameters
        ----------
        done : Service
            One row a job. Its columns are made read-only, and not copied.
        workers : int
            Size of the pool.
        capacity : int, optional
            Room of a bucket [bytes].
        """
        jobs = Jobs(
            open=sealed(self.open),
            ready=sealed(self.ready),
            start=sealed(done.start),
            finish=sealed(done.finish),
            worker=sealed(done.worker),
            n_items=sealed(self.n_items),
            load=sealed(self.load),
        )
        return RunRecord(self.items, jobs, workers, capacity)
