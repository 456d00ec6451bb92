"""The insights of a pool in words: tables as plain text and as HTML."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mds_sim._tables import Rows, bar, html_table, text_table
from mds_sim.units import counted, format_seconds

from .task import TaskRecord, describe

if TYPE_CHECKING:
    from .insights import PoolInsights, WorkerInsight

MOST_ROWS = 16  # of workers in a table; the others share a row
MOST_LETTERS = 32  # of a name or an error in a table


class _Table(NamedTuple):
    title: str
    header: tuple[str, ...]
    rows: Rows
    marks: dict[int, list[str]] | None = None


def as_text(insights: PoolInsights) -> str:
    """Return all tables as plain text."""
    tables = [text_table(title(insights), _figures(insights))]
    tables += [
        text_table(each.title, [each.header, *each.rows])
        for each in (_workers(insights), _slowest(insights))
        if each.rows
    ]
    return "\n".join(tables)


def as_html(insights: PoolInsights) -> str:
    """Return all tables as HTML, each with a caption and scopes; words are escaped."""
    tables = [html_table(title(insights), _figures(insights))]
    tables += [
        html_table(each.title, each.rows, each.header, marks=each.marks)
        for each in (_workers(insights), _slowest(insights))
        if each.rows
    ]
    return "".join(tables)


def title(insights: PoolInsights) -> str:
    """Say in one line how much was done by how many, and how busy they were."""
    tasks = counted(len(insights.records), "task")
    workers = counted(len(insights.workers), "worker")
    span = format_seconds(insights.span)
    return f"{tasks} on {workers} in {span}: busy {insights.busy:.0%} of the time"


def shorten(text: str, most: int = MOST_LETTERS) -> str:
    r"""Return a text in one line, cut in its middle to at most `most` letters.

    Examples
    --------
    >>> shorten("one\ntwo"), shorten("worker-3 in the basement (pid 4711)", most=20)
    ('one two', 'worker-3 …(pid 4711)')
    """
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    half = most // 2  # the end of a name is often what tells it from others
    return text[: most - half - 1] + "…" + text[-half:]


def _figures(insights: PoolInsights) -> Rows:
    """Return the figures of the pool as a whole; what is zero and rare is left out."""
    done, *others = insights.counts.items()
    failed = ("FAILED", len(insights.failures))
    rows = [done, *(row for row in (failed, *others) if row[1])]
    rows.append(("retries", insights.retries))
    rows.append(("most waiting at once", insights.most_waiting))
    return [(name, f"{count:,}") for name, count in rows]


def _workers(insights: PoolInsights) -> _Table:
    """Return a row for each worker, and one for all."""
    from .insights import add_up

    shown = insights.per_worker
    if len(shown) > MOST_ROWS:
        rest = shown[MOST_ROWS - 1 :]
        shown = (*shown[: MOST_ROWS - 1], add_up(f"{len(rest)} others", rest))
    if len(shown) > 1:
        shown = (*shown, insights.all_workers)
    header = ("worker", "tasks", "start", "work", "wait", "busy")
    marks = {len(header) - 1: [bar(one.busy) for one in shown]}
    return _Table("Workers", header, [_worker(one) for one in shown], marks)


def _worker(one: WorkerInsight) -> tuple[str, ...]:
    times = map(format_seconds, (one.start, one.work, one.wait))
    return (shorten(one.name), f"{one.tasks:,}", *times, f"{one.busy:.0%}")


def _slowest(insights: PoolInsights) -> _Table:
    """Return a row for each of the slowest tasks."""
    header = ("task", "took", "waited", "attempts", "worker", "outcome")
    rows = [_task(insights, record) for record in insights.slowest]
    return _Table("Slowest tasks", header, rows)


def _task(insights: PoolInsights, record: TaskRecord) -> tuple[str, ...]:
    outcome = "good" if record.error is None else describe(record.error)
    if math.isnan(record.finished):
        outcome = "under way"
    names = {info.number: info.name for info in insights.workers}
    return (
        shorten(f"task {record.index}, {record.name}"),
        format_seconds(insights.took(record)),
        format_seconds(record.waiting),
        f"{record.attempts:,}",
        shorten(names[record.worker]),
        shorten(outcome),
    )
