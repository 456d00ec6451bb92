"""What happened on the pool that a stream and nightly files shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim._tables import html_table, text_table
from mds_sim.analysis.latencies import LatencyOverTime, latency_by
from mds_sim.records import Failure, Items, Jobs, RunRecord
from mds_sim.units import counted, format_seconds

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SystemRecord:
    """What happened to both on the pool that they shared, on one axis of time.

    Attributes
    ----------
    stream, nightly : RunRecord
        Of the messages and of the files; workers have the numbers of the shared pool.

    Examples
    --------
    >>> from mds_sim.files import NightlyPipeline
    >>> from mds_sim.sim import LinearService
    >>> from mds_sim.stream import StreamPipeline
    >>> from mds_sim.system import System
    >>> stream = StreamPipeline(service=LinearService(per_job=30, per_item=2))
    >>> night = NightlyPipeline(service=LinearService(5.0, per_byte=1e-6))
    >>> System(stream, night, night_at=3600).simulate(until=2 * 3600, rng=1).check()
    SystemRecord(
        stream=RunRecord(1192 items in 24 jobs, 10 workers, 0 failures),
        nightly=RunRecord(100 items in 12 jobs, 10 workers, 0 failures),
    )
    """

    stream: RunRecord
    nightly: RunRecord

    @property
    def together(self) -> RunRecord:
        """One record of both, as of a pool that knows no difference.

        Items are in the order of arrival, jobs in that of their ready times; at one
        instant those of the stream come first.
        """
        parts = self.stream, self.nightly
        jobs, job_place = _merged([part.jobs for part in parts], "ready")
        items, item_place = _merged(
            [
                _moved(part.items, place)
                for part, place in zip(parts, job_place, strict=True)
            ],
            "arrival",
        )
        failures = [
            _renumbered(failure, job_place[i], item_place[i])
            for i, part in enumerate(parts)
            for failure in part.failures
        ]
        return RunRecord(
            Items(**items), Jobs(**jobs), self.stream.workers, None, tuple(failures)
        )

    def latency_by(self, minutes: float = 1.0) -> LatencyOverTime:
        """Tell what the stream's latency was, by when its messages arrived.

        Parameters
        ----------
        minutes : float, optional
            Width of a bin of time [min], > 0.
        """
        return latency_by(self.stream, minutes)

    def check(self) -> SystemRecord:
        """Verify that both records can be true on one pool, and return them.

        Raises
        ------
        ValueError
            As `RunRecord.check`; also if a worker does a batch and a bucket at a time.
        """
        self.stream.check()
        self.nightly.check()
        if self.stream.workers != self.nightly.workers:
            raise ValueError(
                "every record must be of one pool, but the stream's has "
                f"{counted(self.stream.workers, 'worker', spec='')}, the files' "
                f"{self.nightly.workers}"
            )
        self.together.check()
        return self

    def same_as(self, other: SystemRecord) -> bool:
        """Tell whether both records are equal, bit for bit."""
        return self.stream.same_as(other.stream) and self.nightly.same_as(other.nightly)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as lists and numbers, for JSON."""
        return {"stream": self.stream.to_dict(), "nightly": self.nightly.to_dict()}

    def _rows(self) -> list[list[str]]:
        """Return the figures that people ask for first."""
        both = [self.stream.summary(), self.nightly.summary()]
        rows = [
            [word, *(f"{getattr(one, word):,}" for one in both)]
            for word in ("items", "jobs", "failures")
        ]
        return rows + [
            [word, *(format_seconds(getattr(one, name)) for one in both)]
            for word, name in _FIGURES.items()
        ]

    def _title(self) -> str:
        together = self.together
        busy = f"busy {together.utilisation:.1%} of the time"
        return f"Both on {counted(together.workers, 'worker', spec='')}, {busy}"

    def __str__(self) -> str:
        return text_table(self._title(), [["", "stream", "files"], *self._rows()])

    def __repr__(self) -> str:
        both = f"    stream={self.stream!r},\n    nightly={self.nightly!r},\n"
        return f"SystemRecord(\n{both})"

    def _repr_html_(self) -> str:
        return html_table(self._title(), self._rows(), ["", "stream", "files"])


_FIGURES = {
    "latency mean": "latency_mean",
    "latency 99 %": "latency_p99",
    "latency max": "latency_max",
    "waiting mean": "waiting_mean",
    "waiting max": "waiting_max",
    "service time mean": "service_mean",
    "first ready to last finish": "makespan",
}


def _merged(
    tables: Sequence[Items] | Sequence[Jobs], by: str
) -> tuple[dict[str, Any], list[Ints]]:
    """Return columns of both, in the order of one of them, and where each row went."""
    key = np.concatenate([getattr(table, by) for table in tables])
    order = np.argsort(key, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    columns = {
        field.name: np.concatenate([getattr(table, field.name) for table in tables])[
            order
        ]
        for field in fields(tables[0])
    }
    return columns, np.split(place, [len(tables[0])])


def _moved(items: Items, place: Ints) -> Items:
    """Return items whose jobs have other rows."""
    return Items(items.arrival, items.size, place[items.job])


def _renumbered(failure: Failure, job: Ints, item: Ints) -> Failure:
    """Return a failure whose job and item have other rows."""
    row = None if failure.item is None else int(item[failure.item])
    return Failure(int(job[failure.job]), row, failure.error)
