"""The figures of a record, as text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ._tables import html_table, text_table
from .units import counted, format_bytes, format_seconds

FEWEST_JOBS = 30  # from which on a load is judged


@dataclass(frozen=True)
class Summary:
    """The figures that people ask for first; times in s, sizes in bytes.

    ``print`` shows them as a table, Jupyter as HTML, `to_dict` as numbers.
    """

    items: int
    jobs: int
    failures: int
    failed_items: int
    workers: int
    span: float
    makespan: float
    throughput: float
    items_per_job: float
    latency_mean: float
    latency_median: float
    latency_p99: float
    latency_max: float
    waiting_mean: float
    waiting_max: float
    service_mean: float
    utilisation: float
    offered_load: float | None
    bytes: int
    fill_mean: float | None

    def to_dict(self) -> dict[str, float | int | None]:
        """Return the figures by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _title(self) -> str:
        items, jobs = counted(self.items, "item"), counted(self.jobs, "job")
        return f"{items} in {jobs} on {counted(self.workers, 'worker', spec='')}"

    def _rows(self) -> list[tuple[str, str]]:
        latency = (self.latency_mean, self.latency_median, self.latency_p99)
        rows = [
            ("time span", format_seconds(self.span)),
            ("throughput", _rate(self.throughput)),
            ("items a job", f"{self.items_per_job:.4g}"),
            ("latency mean, median, 99 %", ", ".join(map(format_seconds, latency))),
            ("latency max", format_seconds(self.latency_max)),
            ("waiting mean, max", ", ".join(
                map(format_seconds, (self.waiting_mean, self.waiting_max)))),
            ("service time mean", format_seconds(self.service_mean)),
            ("utilisation", f"{self.utilisation:.1%}"),
            *self._load_row(),
        ]  # fmt: skip
        if self.bytes:
            rows.append(("bytes", format_bytes(self.bytes)))
        if self.fill_mean is not None:
            rows.append(("bucket fill mean", f"{self.fill_mean:.1%}"))
        if self.failures:
            rows.append(("FAILED", counted(self.failed_items, "item")))
        return rows

    @property
    def is_unstable(self) -> bool:
        """Whether more work came than the workers can do, in a stream of jobs.

        Then there is no steady state: the longer the run, the longer the waits. It is
        judged from 30 jobs on; buckets come in bursts and are not judged.
        """
        load = self.offered_load
        if load is None or self.jobs < FEWEST_JOBS:
            return False
        return load >= self.workers

    def _load_row(self) -> list[tuple[str, str]]:
        if self.offered_load is None:
            return []
        load = f"{self.offered_load:.4g} erlang"
        return [("offered load", f"{load}: UNSTABLE" if self.is_unstable else load)]

    def __str__(self) -> str:
        return text_table(self._title(), self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._title(), self._rows())


def _rate(per_second: float) -> str:
    """Write a rate in the unit a person would choose."""
    if per_second < 10:
        return f"{per_second * 60:.4g} a minute"
    return f"{per_second:,.4g} a second"
