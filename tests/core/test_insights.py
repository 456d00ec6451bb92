"""Insights of a pool: every second of every worker is start, work or wait."""

import json
import math
import re
from concurrent.futures import CancelledError
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.core import (
    PoolInsights,
    Task,
    TaskRecord,
    VirtualClock,
    WorkerInfo,
    WorkerInsight,
    WorkerPool,
)
from mds_sim.core.task import Attempt

NAN = math.nan


def task(
    index: int,
    submitted: float,
    started: float = NAN,
    finished: float = NAN,
    worker: int = -1,
    error: BaseException | None = None,
    earlier: tuple[Attempt, ...] = (),
    name: str = "copy",
) -> TaskRecord:
    """Return a record; without times it is that of a task that waits."""
    return TaskRecord(index, name, submitted, started, finished, worker, error, earlier)


def worker(number: int, asked: float = 0.0, ready: float = 0.0) -> WorkerInfo:
    return WorkerInfo(number, f"worker-{number}", asked, ready)


# Worker 0 is ready at 1 and works in [1, 9); worker 1 is ready at 2 and works in
# [2, 4) and [6, 7). Task 2 is tried twice. All times are exact in binary.
DONE = PoolInsights(
    (
        task(0, 0.0, 1.0, 9.0, 0, name="load"),
        task(1, 0.0, 2.0, 3.0, 1),
        task(
            2, 0.0, 6.0, 7.0, 1, OSError("full"), (Attempt(1, 3.0, 4.0, "OSError: ?"),)
        ),
    ),
    (worker(0, 0.0, 1.0), worker(1, 0.5, 2.0)),
    until=100.0,
)

# At 10: one is under way, one waits, one was cancelled, one could not be sent.
OPEN = PoolInsights(
    (
        task(0, 0.0, 1.0, 4.0, 0),
        task(1, 0.0, 4.0, NAN, 0, name="slow"),
        task(2, 2.0),
        task(3, 2.0, error=CancelledError()),
        task(4, 3.0, error=TypeError("cannot pickle")),
    ),
    (worker(0, 0.0, 1.0), worker(1, 8.0, NAN)),
    until=10.0,
)

NOTHING = PoolInsights((), (), until=7.0)


class TestWorkers:
    def test_time_is_start_work_or_wait(self) -> None:
        assert DONE.per_worker == (
            WorkerInsight(0, "worker-0", tasks=1, start=1.0, work=8.0, wait=0.0),
            WorkerInsight(1, "worker-1", tasks=2, start=1.5, work=3.0, wait=4.0),
        )
        assert DONE.all_workers == WorkerInsight(-1, "all", 3, 2.5, 11.0, 4.0)
        assert [one.total for one in DONE.per_worker] == [9.0, 8.5]
        assert [one.busy for one in DONE.per_worker] == [8 / 9, 3 / 8.5]
        assert DONE.busy == 11 / 17.5

    def test_they_are_in_the_order_of_their_numbers(self) -> None:
        turned = PoolInsights(DONE.records, DONE.workers[::-1], DONE.until)
        assert turned.per_worker == DONE.per_worker

    def test_what_is_under_way_is_work_so_far(self) -> None:
        busy, starting = OPEN.per_worker
        assert busy == WorkerInsight(0, "worker-0", 1, start=1.0, work=9.0, wait=0.0)
        assert starting == WorkerInsight(1, "worker-1", 0, 2.0, 0.0, 0.0)

    def test_a_task_given_to_a_worker_that_still_starts_is_no_work_yet(self) -> None:
        early = PoolInsights((task(0, 0.0, 0.0, 5.0, 0),), (worker(0, 0.0, 2.0),), 5.0)
        (one,) = early.per_worker
        assert (one.start, one.work, one.wait) == (2.0, 3.0, 0.0)

    def test_a_worker_that_works_was_ready(self) -> None:
        late = PoolInsights((task(0, 0.0, 3.0, 5.0, 0),), (worker(0, 0.0, NAN),), 6.0)
        (one,) = late.per_worker
        assert (one.start, one.work, one.wait) == (3.0, 2.0, 1.0)

    def test_time_in_which_two_tasks_overlap_is_counted_once(self) -> None:
        records = (task(0, 0.0, 0.0, 6.0, 0), task(1, 0.0, 4.0, 8.0, 0))
        (one,) = PoolInsights(records, (worker(0),), 8.0).per_worker
        assert (one.work, one.busy) == (8.0, 1.0)

    def test_without_time_nobody_is_busy(self) -> None:
        (one,) = PoolInsights((), (worker(0),), 0.0).per_worker
        assert (one.total, one.busy) == (0.0, 0.0)
        assert NOTHING.busy == 0.0
        assert NOTHING.per_worker == ()


class TestPool:
    def test_a_pool_left_alone_does_not_grow_idler(self) -> None:
        assert (DONE.end, DONE.span) == (9.0, 9.0)
        assert replace(DONE, until=1e9).per_worker == DONE.per_worker

    def test_a_pool_that_is_not_done_ends_now(self) -> None:
        assert (OPEN.end, OPEN.span) == (10.0, 10.0)
        waiting = PoolInsights((task(0, 1.0),), (worker(0),), 3.0)
        assert waiting.end == 3.0
        starting = PoolInsights((), (worker(0, 0.0, NAN),), 3.0)
        assert starting.end == 3.0
        assert (NOTHING.end, NOTHING.span) == (7.0, 0.0)

    def test_every_task_is_counted_once(self) -> None:
        assert list(DONE.counts.values()) == [3, 0, 0, 0]
        assert OPEN.counts == {"done": 2, "cancelled": 1, "under way": 1, "waiting": 1}
        assert set(NOTHING.counts.values()) == {0}

    def test_failures_are_not_those_that_were_cancelled(self) -> None:
        assert [record.index for record in DONE.failures] == [2]
        assert [record.index for record in OPEN.failures] == [4]

    def test_a_task_may_raise_what_cancels_others(self) -> None:
        raised = task(0, 0.0, 0.0, 1.0, 0, CancelledError())
        insights = PoolInsights((raised,), (worker(0),), 1.0)
        assert insights.failures == (raised,)
        assert insights.counts["cancelled"] == 0

    def test_retries_are_all_attempts_but_the_first(self) -> None:
        earlier = (Attempt(0, 0.0, 1.0, "E"), Attempt(0, 1.0, 2.0, "E"))
        records = (task(0, 0.0, 2.0, 3.0, 0, earlier=earlier), task(1, 0.0))
        assert PoolInsights(records, (worker(0),), 3.0).retries == 2
        assert (DONE.retries, NOTHING.retries) == (1, 0)

    def test_the_queue_is_what_waits_for_its_first_worker(self) -> None:
        assert DONE.queue_length.time.tolist() == [0.0, 1.0, 2.0, 3.0]
        assert DONE.queue_length.value.tolist() == [3, 2, 1, 0]
        assert DONE.most_waiting == 3
        # Task 1 waits until 4, task 2 from 2 until now; 3 and 4 left nobody knows when.
        assert OPEN.queue_length.time.tolist() == [0.0, 1.0, 2.0, 4.0, 10.0]
        assert OPEN.queue_length.value.tolist() == [2, 1, 2, 1, 0]
        assert NOTHING.most_waiting == 0

    def test_every_attempt_is_there(self) -> None:
        assert DONE.attempts == (
            Attempt(0, 1.0, 9.0, ""),
            Attempt(1, 2.0, 3.0, ""),
            Attempt(1, 3.0, 4.0, "OSError: ?"),
            Attempt(1, 6.0, 7.0, "OSError: full"),
        )
        assert OPEN.attempts == (Attempt(0, 1.0, 4.0, ""), Attempt(0, 4.0, 10.0, ""))
        assert OPEN.busy_workers.time.tolist() == [1.0, 10.0]
        assert OPEN.busy_workers.value.tolist() == [1, 0]

    def test_the_slowest_come_first_and_ties_by_index(self) -> None:
        lengths = [1.0, 3.0, 2.0, 3.0, 5.0, 2.0, 9.0]
        ends = np.cumsum(lengths).tolist()
        records = [
            task(i, 0.0, end - length, end, 0)
            for i, (end, length) in enumerate(zip(ends, lengths, strict=True))
        ]
        insights = PoolInsights(tuple(records), (worker(0),), 30.0)
        assert [record.index for record in insights.slowest] == [6, 4, 1, 3, 2]

    def test_what_is_under_way_may_be_the_slowest(self) -> None:
        assert [record.index for record in OPEN.slowest] == [1, 0]
        assert OPEN.took(OPEN.records[1]) == 6.0
        assert math.isnan(OPEN.took(OPEN.records[2]))


class TestChecks:
    @pytest.mark.parametrize(
        ("workers", "until", "text"),
        [
            (
                (worker(0), worker(1), worker(0)),
                9.0,
                "workers must have one entry each, got two of 0",
            ),
            (
                (worker(0),),
                9.0,
                "workers must hold every worker that ran a task, but task 1 ran on 1; "
                "list the workers after the records",
            ),
            (
                (worker(0), worker(1)),
                8.5,
                "until must be >= 9 s, the last time in the records, got 8.5; read the "
                "clock after the records",
            ),
            (
                (worker(0), worker(1), worker(2, 11.0, NAN)),
                9.0,
                "until must be >= 11 s, the last time in the records, got 9.0; read "
                "the clock after the records",
            ),
            ((worker(0), worker(1)), NAN, "until must be finite, got nan"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, workers: tuple[WorkerInfo, ...], until: float, text: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            PoolInsights(DONE.records, workers, until)

    def test_earlier_attempts_need_a_worker_too(self) -> None:
        waits = task(5, 0.0, earlier=(Attempt(3, 0.0, 1.0, "E"),))
        with pytest.raises(ValueError, match=r"but task 5 ran on 3; "):
            PoolInsights((waits,), (worker(0),), 1.0)


@st.composite
def pools(draw: st.DrawFn) -> PoolInsights:
    """Draw a pool: whole seconds, so that all sums are exact and ties are many."""
    few = st.integers(0, 4)
    asked = draw(st.lists(few, min_size=1, max_size=4))
    ready = [start + draw(few) for start in asked]
    free, records = list(ready), []
    for index in range(draw(st.integers(0, 12))):
        submitted, number = draw(few), draw(st.integers(0, len(free) - 1))
        kind = draw(st.sampled_from(["good", "bad", "waits", "cancelled"]))
        if kind in ("waits", "cancelled"):
            error = CancelledError() if kind == "cancelled" else None
            records.append(task(index, float(submitted), error=error))
            continue
        spans = []
        for _ in range(draw(st.integers(1, 3))):
            start = max(free[number], submitted) + draw(few)
            free[number] = start + draw(few)
            spans.append(Attempt(number, float(start), float(free[number]), "E"))
        *earlier, last = spans
        failure = ValueError("no") if kind == "bad" else None
        records.append(
            task(
                index,
                float(submitted),
                last.started,
                last.finished,
                number,
                failure,
                tuple(earlier),
            )
        )
    infos = [worker(i, float(a), float(r)) for i, (a, r) in enumerate(
        zip(asked, ready, strict=True))]  # fmt: skip
    until = float(max([*free, 4]) + draw(few))
    return PoolInsights(tuple(records), tuple(infos), until)


@given(pools())
def test_insights_agree_with_a_look_at_each_second(insights: PoolInsights) -> None:
    ran = [r for r in insights.records if not math.isnan(r.started)]
    seconds = np.arange(0.5, insights.end)
    for info, one in zip(insights.workers, insights.per_worker, strict=True):
        mine = [a for a in insights.attempts if a.worker == info.number]
        busy = [any(a.started <= t < a.finished for a in mine) for t in seconds]
        assert one.work == sum(busy)
        assert one.total == insights.end - info.asked
        assert one.wait >= 0
        assert 0 <= one.busy <= 1
        assert one.tasks == sum(r.worker == info.number for r in ran)
    first = {r.index: (*r.earlier, r)[0].started for r in ran}
    first |= {r.index: insights.until for r in insights.records
              if r.index not in first and r.error is None}  # fmt: skip
    for moment in np.arange(0.5, insights.until):
        queue = sum(
            insights.records[i].submitted <= moment < end for i, end in first.items()
        )
        assert insights.queue_length.at([moment])[0] == queue
        assert queue <= insights.most_waiting
    assert sum(insights.counts.values()) == len(insights.records)
    assert sum(len(r.earlier) for r in ran) == insights.retries
    json.dumps(insights.to_dict(), allow_nan=False)
    assert str(insights).count("\n") < 40


class Rest(Task):
    """Ten seconds of modelled work."""

    service_time = 10.0

    def execute(self) -> None:
        if self.name == "Bad":
            raise ValueError("no")


class Bad(Rest):
    """The same, and it fails."""


def test_records_of_a_real_pool_are_understood() -> None:
    clock = VirtualClock()
    with WorkerPool(2, clock=clock) as pool:
        assert pool.insights().per_worker == ()
        for work in (Rest(), Bad(), Rest()):
            pool.submit(work)
        pool.drain()
        clock.sleep(60.0)  # nobody is idler for that
        insights = pool.insights()
    assert insights.per_worker == (
        WorkerInsight(0, "worker-0", tasks=2, start=0.0, work=20.0, wait=0.0),
        WorkerInsight(1, "worker-1", tasks=1, start=0.0, work=10.0, wait=10.0),
    )
    assert insights.busy == 0.75
    assert [record.name for record in insights.failures] == ["Bad"]
    assert insights.queue_length.value.tolist() == [1, 0]


class TestText:
    def test_it_says_what_is_not_done(self) -> None:
        assert str(OPEN) == (
            "5 tasks on 2 workers in 10 s: busy 75% of the time\n"
            "  done                  2\n"
            "  FAILED                1\n"
            "  cancelled             1\n"
            "  under way             1\n"
            "  waiting               1\n"
            "  retries               0\n"
            "  most waiting at once  2\n"
            "Workers\n"
            "  worker    tasks  start  work  wait  busy\n"
            "  worker-0      1    1 s   9 s   0 s   90%\n"
            "  worker-1      0    2 s   0 s   0 s    0%\n"
            "  all           1    3 s   9 s   0 s   75%\n"
            "Slowest tasks\n"
            "  task          took  waited  attempts    worker    outcome\n"
            "  task 1, slow   6 s     4 s         1  worker-0  under way\n"
            "  task 0, copy   3 s     1 s         1  worker-0       good"
        )

    def test_nothing_has_a_text_too(self) -> None:
        assert str(NOTHING) == (
            "0 tasks on 0 workers in 0 s: busy 0% of the time\n"
            "  done                  0\n"
            "  retries               0\n"
            "  most waiting at once  0"
        )

    def test_one_is_singular_and_needs_no_sum(self) -> None:
        one = PoolInsights((task(0, 0.0, 0.0, 4.0, 0),), (worker(0),), 4.0)
        assert str(one).startswith("1 task on 1 worker in 4 s: busy 100% of the time\n")
        assert "\n  all " not in str(one)

    @pytest.mark.parametrize(
        ("workers", "rows", "others"), [(16, 17, None), (17, 17, "2 others")]
    )
    def test_many_workers_share_a_row(
        self, workers: int, rows: int, others: str | None
    ) -> None:
        infos = tuple(worker(i, 0.0, 1.0) for i in range(workers))
        records = tuple(task(i, 0.0, 1.0, 3.0, i) for i in range(workers))
        text = str(PoolInsights(records, infos, 3.0))
        table = text.partition("Workers\n")[2].partition("Slowest")[0].splitlines()
        assert len(table) == 1 + rows
        assert table[-1].split() == ["all", str(workers), *table[-1].split()[2:]]
        shared = [row.split() for row in table if "others" in row]
        if others is None:
            assert shared == []
        else:
            assert [" ".join(row) for row in shared] == [f"{others} 2 2 s 4 s 0 s 67%"]

    def test_long_names_are_cut_and_stay_in_their_line(self) -> None:
        name = "a very long\nname of a task that never ends"
        info = WorkerInfo(0, "the worker below the stairs, to the left (pid 47)", 0, 0)
        insights = PoolInsights((task(0, 0.0, 0.0, 1.0, 0, name=name),), (info,), 1.0)
        assert "task 0, a very … that never ends " in str(insights)
        assert str(insights).count("the worker belo…he left (pid 47)") == 2
        assert len(str(insights).splitlines()) == 4 + 3 + 3


class _Page(HTMLParser):
    """The tables of a page: their captions, headers and all words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: dict[str, list[str]] = {}
        self.tags: list[str] = []
        self.scopes: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "th":
            self.scopes.append(dict(attrs)["scope"])

    def handle_data(self, data: str) -> None:
        self.words.setdefault(self.tags[-1], []).append(data)


class TestHtml:
    def test_it_says_the_same_in_tables_with_captions_and_scopes(self) -> None:
        page = _Page(OPEN._repr_html_())
        assert page.words["caption"] == [
            "5 tasks on 2 workers in 10 s: busy 75% of the time",
            "Workers",
            "Slowest tasks",
        ]
        assert set(page.scopes) == {"row", "col"}
        cells = page.words["th"] + page.words["td"]
        assert sorted(" ".join(cells + page.words["caption"]).split()) == sorted(
            str(OPEN).split()
        )

    def test_names_and_errors_are_escaped(self) -> None:
        bad = task(0, 0.0, 0.0, 1.0, 0, ValueError("<i>&"), name="<b>x</b>")
        info = WorkerInfo(0, '<script>"', 0.0, 0.0)
        html = PoolInsights((bad,), (info,), 1.0)._repr_html_()
        assert not {"b", "i", "script"} & set(_Page(html).tags)
        for word in ("&lt;b&gt;x&lt;/b&gt;", "&lt;i&gt;&amp;", "&lt;script&gt;&quot;"):
            assert word in html

    def test_nothing_is_one_table(self) -> None:
        assert NOTHING._repr_html_().count("<table ") == 1


class TestDict:
    def test_it_has_all_figures_and_survives_json(self) -> None:
        figures = OPEN.to_dict()
        assert json.loads(json.dumps(figures, allow_nan=False)) == figures
        assert figures == {
            "tasks": 5,
            "done": 2,
            "cancelled": 1,
            "under_way": 1,
            "waiting": 1,
            "failures": 1,
            "retries": 0,
            "until": 10.0,
            "end": 10.0,
            "busy": 0.75,
            "most_waiting": 2,
            "workers": [
                {"number": 0, "name": "worker-0", "tasks": 1, "start": 1.0,
                 "work": 9.0, "wait": 0.0, "busy": 0.9},
                {"number": 1, "name": "worker-1", "tasks": 0, "start": 2.0,
                 "work": 0.0, "wait": 0.0, "busy": 0.0},
            ],
            "slowest": [
                {"index": 1, "name": "slow", "submitted": 0.0, "started": 4.0,
                 "finished": None, "took": 6.0, "worker": 0, "attempts": 1,
                 "error": None},
                {"index": 0, "name": "copy", "submitted": 0.0, "started": 1.0,
                 "finished": 4.0, "took": 3.0, "worker": 0, "attempts": 1,
                 "error": None},
            ],
            "queue": {"time": [0.0, 1.0, 2.0, 4.0, 10.0], "length": [2, 1, 2, 1, 0]},
        }  # fmt: skip

    def test_errors_are_words(self) -> None:
        (slowest, *_), last = DONE.to_dict()["slowest"], DONE.to_dict()["slowest"][-1]
        assert (slowest["error"], slowest["attempts"]) == (None, 1)
        assert (last["error"], last["attempts"]) == ("OSError: full", 2)


def test_insights_hold_tuples_and_are_compared_by_identity() -> None:
    insights = PoolInsights([], [], 0)  # type: ignore[arg-type]
    assert (insights.records, insights.workers) == ((), ())
    assert replace(insights) != insights
