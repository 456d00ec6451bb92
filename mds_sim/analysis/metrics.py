"""What a record says beyond its own figures: how things changed over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mds_sim.core.steps import StepFunction as StepFunction
from mds_sim.core.steps import count_between
from mds_sim.records import RunRecord

Ints = NDArray[np.int64]


def busy_workers(record: RunRecord) -> StepFunction:
    """Count the workers at work over time.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    StepFunction
        Workers at work, from each instant on.

    Examples
    --------
    >>> from mds_sim.files import NightlyPipeline
    >>> from mds_sim.distributions import Constant
    >>> night = NightlyPipeline([6, 4, 7], capacity=10, service=Constant(60.0))
    >>> busy_workers(night.simulate()).value
    array([2, 0])
    """
    return count_between(record.jobs.start, record.jobs.finish)


def queue_length(record: RunRecord) -> StepFunction:
    """Count the jobs that are ready and have no worker yet, over time.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    StepFunction
        Jobs that wait, from each instant on.

    Examples
    --------
    >>> from mds_sim.files import NightlyPipeline
    >>> from mds_sim.distributions import Constant
    >>> night = NightlyPipeline(
    ...     [6, 4, 7], capacity=10, service=Constant(60.0), workers=1
    ... )
    >>> queue_length(night.simulate()).value
    array([1, 0])
    """
    return count_between(record.jobs.ready, record.jobs.start)


def size_counts(record: RunRecord) -> tuple[Ints, Ints]:
    """Count the jobs of each size.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    (ndarray of int64, ndarray of int64)
        The numbers of items that occur, ascending, and how many jobs have each.

    Examples
    --------
    >>> from mds_sim.stream import StreamPipeline, TraceArrivals
    >>> from mds_sim.distributions import Constant
    >>> stream = StreamPipeline(TraceArrivals([0, 1, 400, 800]), service=Constant(1.0))
    >>> size_counts(stream.simulate())
    (array([1, 2]), array([2, 1]))
    """
    sizes, counts = np.unique(record.jobs.n_items, return_counts=True)
    return sizes, counts
