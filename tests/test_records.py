"""The one record of a run: what follows from it, and what it may not claim."""

import json
import math
import re
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim._validate import sealed
from mds_sim.records import (
    Failure,
    Items,
    Jobs,
    RunRecord,
    Throughput,
    no_sizes,
)
from mds_sim.sim.workers import serve

ITEMS: dict[str, Any] = {
    "arrival": [0.0, 1.0, 2.0, 5.0],
    "size": [10, 20, 30, 40],
    "job": [0, 0, 1, 2],
}
JOBS: dict[str, Any] = {
    "open": [0.0, 2.0, 5.0],
    "ready": [3.0, 4.0, 6.0],
    "start": [3.0, 4.0, 7.0],
    "finish": [5.0, 8.0, 10.0],
    "worker": [0, 1, 0],
    "n_items": [2, 1, 1],
    "load": [30, 30, 40],
}


def record(**changes: Any) -> RunRecord:
    """Make a small record that can be true, but for the changes."""
    items = {name: changes.pop(name, column) for name, column in ITEMS.items()}
    jobs = {name: changes.pop(name, column) for name, column in JOBS.items()}
    settings = {"workers": 2, "capacity": 40} | changes
    return RunRecord(Items(**items), Jobs(**jobs), **settings)


def empty(**settings: Any) -> RunRecord:
    """Make the record of a run in which nothing came."""
    return RunRecord(
        Items(*[[]] * len(ITEMS)), Jobs(*[[]] * len(JOBS)), **{"workers": 3} | settings
    )


@st.composite
def records(draw: st.DrawFn) -> RunRecord:
    """Return records of simulated runs, full of ties, of moments and of zeros."""
    ready = sorted(draw(st.lists(st.integers(0, 6), min_size=1, max_size=12)))
    service = [draw(st.integers(0, 4)) for _ in ready]
    others = draw(st.lists(st.integers(0, len(ready) - 1), max_size=8))
    job = [*range(len(ready)), *others]
    arrival = [draw(st.integers(0, ready[j])) for j in job]
    size = [draw(st.integers(0, 9)) for _ in job]
    workers = draw(st.integers(1, 4))
    done = serve(ready, service, workers)
    return RunRecord(
        Items(arrival, size, job),
        Jobs(
            open=ready,
            ready=ready,
            start=done.start,
            finish=done.finish,
            worker=done.worker,
            n_items=np.bincount(job, minlength=len(ready)),
            load=np.bincount(job, size, minlength=len(ready)),
        ),
        workers,
    )


class TestColumns:
    def test_lists_become_columns_of_the_right_kind(self) -> None:
        items = Items(arrival=[0, 1], size=[1.0, 2.0], job=[True, False])
        assert items.arrival.dtype == np.float64
        assert items.size.dtype == items.job.dtype == np.int64
        assert len(items) == 2

    def test_columns_are_copies_that_nobody_can_change(self) -> None:
        arrival = np.zeros(1)
        items = Items(arrival, [1], [0])
        arrival[0] = 7.0
        assert items.arrival[0] == 0.0
        with pytest.raises(ValueError, match=r"^assignment destination is read-only$"):
            items.arrival[0] = 1.0
        with pytest.raises(FrozenInstanceError):
            items.arrival = arrival  # type: ignore[misc]

    def test_columns_that_nobody_can_write_to_are_not_copied(self) -> None:
        arrival, size = sealed(np.zeros(3)), no_sizes(3)
        items = Items(arrival, size, np.zeros(3))
        assert items.arrival is arrival
        assert items.size is size
        assert items.to_dict()["size"] == [0, 0, 0]

    def test_a_view_that_looks_into_what_can_change_is_copied(self) -> None:
        behind = np.zeros(3)
        items = Items(sealed(behind[:]), [1, 1, 1], [0, 0, 0])
        behind[0] = 7.0
        assert items.arrival[0] == 0.0

    def test_memory_that_can_change_is_copied(self) -> None:
        memory = bytearray(24)
        items = Items(sealed(np.frombuffer(memory)), [1, 1, 1], [0, 0, 0])
        memory[:8] = b"\x11" * 8
        assert items.arrival[0] == 0.0

    def test_columns_of_another_kind_are_converted(self) -> None:
        items = Items(sealed(np.arange(2)), sealed(np.ones(2)), [0, 0])
        assert items.arrival.dtype == np.float64
        assert items.size.dtype == np.int64

    @pytest.mark.parametrize(
        ("columns", "kind", "message"),
        [
            (
                ([0.0, 1.0], [1], [0, 0]),
                ValueError,
                "size must have shape (2,) as the other columns, got (1,)",
            ),
            (
                ([[0.0]], [1], [0]),
                ValueError,
                "arrival must have one dimension, got shape (1, 1)",
            ),
            (
                ([0.0], [1.5], [0]),
                ValueError,
                "size must be whole numbers, but size[0] = 1.5",
            ),
            (
                ([0.0], [1], [math.nan]),
                ValueError,
                "job must be whole numbers, but job[0] = nan",
            ),
            (
                (["now"], [1], [0]),
                TypeError,
                "arrival must be an array of numbers, got list",
            ),
        ],
    )
    def test_columns_that_do_not_fit_are_refused(
        self, columns: tuple[Any, ...], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            Items(*columns)

    def test_columns_come_back_as_lists_by_name(self) -> None:
        assert Items(**ITEMS).to_dict() == ITEMS
        assert Jobs(**JOBS).to_dict() == JOBS

    def test_columns_are_the_same_only_bit_for_bit(self) -> None:
        items = Items(**ITEMS)
        assert items.same_as(Items(**ITEMS))
        for name in ITEMS:
            other = dict(ITEMS) | {name: [*ITEMS[name][:-1], 3]}
            assert not items.same_as(Items(**other))
        assert not items.same_as(Items([], [], []))
        assert not items.same_as(Jobs(**JOBS))
        assert not items.same_as(ITEMS)

    def test_not_known_is_the_same_as_not_known(self) -> None:
        nan = Items([math.nan], [0], [0])
        assert nan.same_as(Items([math.nan], [0], [0]))


class TestDerived:
    def test_times_and_shares_follow_from_the_columns(self) -> None:
        run = record().check()
        assert run.latency.tolist() == [5.0, 4.0, 6.0, 5.0]
        assert run.waiting.tolist() == [0.0, 0.0, 1.0]
        assert run.service_time.tolist() == [2.0, 4.0, 3.0]
        assert (run.span, run.makespan) == (10.0, 7.0)
        assert run.utilisation == 9 / 20
        assert run.fill.tolist() == [0.75, 0.75, 1.0]

    def test_what_was_cancelled_is_not_finished(self) -> None:
        run = record(
            worker=[0, 1, -1],
            start=[3.0, 4.0, 6.0],
            finish=[5.0, 8.0, 6.0],
            failures=(Failure(2, None, "CancelledError"),),
        ).check()
        assert len(run.latency) == 3
        assert run.waiting.tolist() == [0.0, 0.0]
        assert run.service_time.tolist() == [2.0, 4.0]
        assert run.throughput().finished.sum() == 3
        assert run.throughput().arrived.sum() == 4
        summary = run.summary()
        assert summary.throughput == 3 / run.span
        assert summary.service_mean == 3.0
        assert (summary.items, summary.failed_items) == (4, 1)

    def test_a_run_of_which_all_was_cancelled_has_no_latency(self) -> None:
        run = record(
            worker=[-1] * 3,
            start=JOBS["ready"],
            finish=JOBS["ready"],
            failures=tuple(Failure(job, None, "CancelledError") for job in range(3)),
        ).check()
        summary = run.summary()
        assert (summary.items, summary.jobs, summary.throughput) == (4, 3, 0.0)
        assert summary.latency_mean == summary.waiting_max == summary.service_mean == 0
        assert summary.offered_load is None
        assert run.throughput().finished.sum() == 0

    def test_a_stream_has_no_fill(self) -> None:
        message = "fill needs buckets, but this record is of a stream"
        with pytest.raises(ValueError, match=f"^{message}$"):
            _ = record(capacity=None).fill

    def test_a_record_says_what_it_holds(self) -> None:
        run = record(failures=(Failure(0, None, "E: gone"),))
        assert repr(run) == "RunRecord(4 items in 3 jobs, 2 workers, 1 failure)"

    @given(run=records())
    def test_utilisation_is_a_share_and_little_has_his_law(
        self, run: RunRecord
    ) -> None:
        assert 0.0 <= run.utilisation <= 1.0
        # Little: the area under the number of busy workers is the work itself.
        moments = np.unique([run.jobs.start, run.jobs.finish])
        busy = [
            np.sum((run.jobs.start <= t) & (t < run.jobs.finish)) for t in moments[:-1]
        ]
        assert np.dot(busy, np.diff(moments)) == run.service_time.sum()
        assert max(busy, default=0) <= run.workers


class TestThroughput:
    @given(run=records(), width=st.floats(0.1, 50) | st.none())
    def test_every_item_is_counted_twice_when_it_comes_and_when_it_is_done(
        self, run: RunRecord, width: float | None
    ) -> None:
        counted = run.throughput(width)
        assert counted.arrived.sum() == counted.finished.sum() == len(run.items)
        assert len(counted.time) == len(counted.arrived) + 1
        assert len(counted.arrived) == len(counted.finished)
        # Nobody is done before he came.
        assert (np.cumsum(counted.arrived) >= np.cumsum(counted.finished)).all()

    def test_a_bin_holds_what_is_at_its_left_edge(self) -> None:
        counted = record().throughput(5.0)
        assert counted.time.tolist() == [0.0, 5.0, 10.0, 15.0]
        assert counted.arrived.tolist() == [3, 1, 0]
        assert counted.finished.tolist() == [0, 3, 1]
        assert counted.rate.tolist() == [0.0, 0.6, 0.2]

    def test_bins_are_a_sixtieth_of_the_span_if_nobody_says_how_wide(self) -> None:
        assert np.diff(record().throughput().time) == pytest.approx(10 / 60)

    def test_a_run_without_length_has_one_bin(self) -> None:
        run = RunRecord(
            Items([4.0], [0], [0]), Jobs([4.0], [4.0], [4.0], [4.0], [0], [1], [0]), 1
        ).check()
        counted = run.throughput()
        assert counted.time.tolist() == [4.0, 5.0]
        assert counted.arrived.tolist() == counted.finished.tolist() == [1]
        assert (run.span, run.utilisation, run.summary().throughput) == (0.0, 0.0, 0.0)

    @pytest.mark.parametrize("width", [0, -1.0, math.nan, math.inf])
    def test_bins_must_have_a_width(self, width: float) -> None:
        message = f"width must be > 0 and finite s, got {width}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            record().throughput(width)

    def test_the_rate_is_per_second(self) -> None:
        ten = Throughput(np.array([0.0, 2.0]), np.array([0]), np.array([10]))
        assert ten.rate.tolist() == [5.0]


CANCELLED = Failure(2, None, "CancelledError")


class TestCheck:
    def test_a_record_that_can_be_true_is_returned(self) -> None:
        run = record()
        assert run.check() is run

    @given(run=records())
    def test_every_simulated_record_can_be_true(self, run: RunRecord) -> None:
        run.check()

    @pytest.mark.parametrize(
        ("changes", "rule", "row"),
        [
            ({"job": [0, 0, 1, 3]}, "item's job must be a row of jobs", 3),
            ({"job": [0, -1, 1, 2]}, "item's job must be a row of jobs", 1),
            ({"n_items": [2, 2, 1]}, "job's n_items must count its items", 1),
            ({"n_items": [2, 2, 0], "job": [0, 0, 1, 1]}, "job must hold an item", 2),
            ({"load": [30, 30, 39]}, "job's load must add up its items' sizes", 2),
            (
                {"arrival": [0.0, 3.5, 2.0, 5.0]},
                "item must arrive before its job is ready",
                1,
            ),
            (
                {"arrival": [0.0, 1.0, math.nan, 5.0]},
                "item must arrive before its job is ready",
                2,
            ),
            ({"open": [0.0, 4.5, 5.0]}, "job must open before it is ready", 1),
            ({"start": [2.5, 4.0, 7.0]}, "job must be ready before it starts", 0),
            ({"start": [3.0, 4.0, math.nan]}, "job must be ready before it starts", 2),
            ({"finish": [5.0, 3.5, 10.0]}, "job must start before it finishes", 1),
            ({"finish": [math.nan, 8.0, 9.0]}, "job must start before it finishes", 0),
            ({"finish": [5.0, 8.0, math.inf]}, "job must finish at a finite time", 2),
            (
                {"failures": (Failure(0, 1, "E"), Failure(3, None, "E"))},
                "failure must name a job and an item of it",
                1,
            ),
            (
                {"failures": (Failure(0, 4, "E"),)},
                "failure must name a job and an item of it",
                0,
            ),
            (
                {"failures": (Failure(0, 2, "E"),)},
                "failure must name a job and an item of it",
                0,
            ),
            (
                {"worker": [0, 2, 0]},
                "job's worker must be in 0..1, or -1 if it was cancelled",
                1,
            ),
            (  # cancelled, but nobody says so
                {"worker": [0, 1, -1], "finish": [5.0, 8.0, 7.0]},
                "job's worker must be in 0..1, or -1 if it was cancelled",
                2,
            ),
            (  # cancelled, but it took time
                {"worker": [0, 1, -1], "failures": (CANCELLED,)},
                "job's worker must be in 0..1, or -1 if it was cancelled",
                2,
            ),
            (
                {"worker": [1, 1, 0]},
                "job must start after its worker's last one",
                1,
            ),
            (  # in whatever order they are written
                {"worker": [0, 1, 1], "start": [3.0, 7.0, 7.0]},
                "job must start after its worker's last one",
                2,
            ),
        ],
    )
    def test_each_broken_rule_is_named_with_its_row(
        self, changes: dict[str, Any], rule: str, row: int
    ) -> None:
        message = f"every {rule}, but row {row} breaks this"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            record(**changes).check()

    def test_jobs_that_were_cancelled_are_failures_and_take_no_time(self) -> None:
        gone = {"worker": [0, -1, -1], "start": [3.0, 4.0, 6.0]}
        failures = (Failure(1, None, "CancelledError"), CANCELLED)
        record(**gone, finish=[5.0, 4.0, 6.0], failures=failures).check()

    def test_failures_of_items_are_rows_of_their_job(self) -> None:
        failures = (Failure(0, 1, "E: gone"), Failure(2, None, "E"))
        assert record(failures=failures).check().failures == failures

    def test_a_worker_may_do_jobs_of_no_length_at_one_instant(self) -> None:
        record(
            ready=[3.0, 5.0, 5.0],
            start=[3.0, 5.0, 5.0],
            finish=[5.0, 5.0, 9.0],
            worker=[0, 0, 0],
        ).check()


class TestSummary:
    def test_it_holds_the_figures_that_people_ask_for_first(self) -> None:
        assert record().summary().to_dict() == {
            "items": 4,
            "jobs": 3,
            "failures": 0,
            "failed_items": 0,
            "workers": 2,
            "span": 10.0,
            "makespan": 7.0,
            "throughput": 0.4,
            "items_per_job": 4 / 3,
            "latency_mean": 5.0,
            "latency_median": 5.0,
            "latency_p99": pytest.approx(5.97),
            "latency_max": 6.0,
            "waiting_mean": 1 / 3,
            "waiting_max": 1.0,
            "service_mean": 3.0,
            "utilisation": 0.45,
            "offered_load": None,  # buckets come in bursts
            "bytes": 100,
            "fill_mean": 2.5 / 3,
        }

    def test_it_is_a_table_in_a_terminal(self) -> None:
        run = record(failures=(Failure(0, None, "E"),))
        assert str(run.summary()) == (
            "4 items in 3 jobs on 2 workers\n"
            "  time span                               10 s\n"
            "  throughput                       24 a minute\n"
            "  items a job                            1.333\n"
            "  latency mean, median, 99 %  5 s, 5 s, 5.97 s\n"
            "  latency max                              6 s\n"
            "  waiting mean, max                333 ms, 1 s\n"
            "  service time mean                        3 s\n"
            "  utilisation                            45.0%\n"
            "  bytes                                  100 B\n"
            "  bucket fill mean                       83.3%\n"
            "  FAILED                               2 items"
        )

    def test_it_is_a_table_in_jupyter_too(self) -> None:
        run = record()
        page = run._repr_html_()
        assert page == run.summary()._repr_html_()
        assert ">4 items in 3 jobs on 2 workers</caption>" in page
        assert ">utilisation</th><td>45.0%</td></tr>" in page
        assert page.count("<tr>") == 10

    def test_what_a_run_does_not_have_is_left_out(self) -> None:
        run = replace(record(size=[0] * 4, load=[0] * 3), capacity=None)
        text = str(run.summary())
        for absent in ("bytes", "fill", "FAILED"):
            assert absent not in text

    def test_a_high_rate_is_per_second(self) -> None:
        moment = {name: [2.0] * 3 for name in ("open", "ready", "start")}
        run = record(arrival=[2.0] * 4, **moment, finish=[2.125] * 3, workers=3)
        assert "32 a second" in str(run.summary())


class TestAsData:
    def test_a_record_survives_json(self) -> None:
        run = record(failures=(Failure(0, 1, "E: gone"),))
        data = json.loads(json.dumps(run.to_dict()))
        assert data == run.to_dict()
        assert data["failures"] == ["job 0, item 1: E: gone"]
        again = RunRecord(Items(**data["items"]), Jobs(**data["jobs"]), 2, 40)
        assert again.same_as(record())

    def test_a_summary_survives_json(self) -> None:
        for run in (record(), empty()):
            figures = run.summary().to_dict()
            assert json.loads(json.dumps(figures)) == figures

    @pytest.mark.parametrize(
        "changes",
        [
            {"arrival": [0.0, 1.0, 2.0, 4.0]},
            {"finish": [5.0, 8.0, 9.0]},
            {"workers": 3},
            {"capacity": None},
            {"failures": (Failure(0, None, "E"),)},
        ],
    )
    def test_records_are_the_same_only_bit_for_bit(
        self, changes: dict[str, Any]
    ) -> None:
        assert record().same_as(record())
        assert not record().same_as(record(**changes))

    def test_a_failure_says_where_and_why(self) -> None:
        assert str(Failure(3, None, "OSError: full")) == "job 3: OSError: full"
        assert str(Failure(3, 17, "OSError")) == "job 3, item 17: OSError"


class TestEmpty:
    def test_an_empty_record_can_be_true(self) -> None:
        run = empty().check()
        assert run.latency.shape == run.waiting.shape == (0,)
        assert (run.span, run.makespan, run.utilisation) == (0.0, 0.0, 0.0)

    @pytest.mark.parametrize("capacity", [None, 10])
    def test_its_figures_are_zero(self, capacity: int | None) -> None:
        figures = empty(capacity=capacity).summary().to_dict()
        assert figures.pop("workers") == 3
        assert figures.pop("fill_mean") is None
        assert figures.pop("offered_load") is None
        assert set(figures.values()) == {0}

    def test_it_has_one_bin_with_nothing_in_it(self) -> None:
        counted = empty().throughput()
        assert counted.arrived.tolist() == counted.finished.tolist() == [0]

    def test_it_can_be_shown_and_told(self) -> None:
        run = empty()
        assert str(run.summary()).startswith("0 items in 0 jobs on 3 workers\n")
        assert json.loads(json.dumps(run.to_dict()))["jobs"]["start"] == []
        assert run.same_as(empty())
        assert not run.same_as(record())

    def test_jobs_without_items_have_no_span(self) -> None:
        jobs = Jobs([0.0], [0.0], [0.0], [1.0], [0], [0], [0])
        run = RunRecord(Items([], [], []), jobs, 1)  # nothing makes it, many may try
        assert (run.span, run.makespan) == (0.0, 1.0)
        assert run.summary().latency_mean == 0.0


class TestLoad:
    def test_a_stream_with_too_much_work_is_called_unstable(self) -> None:
        n = 60
        ready = np.arange(n) * 10.0
        finish = ready + 25.0  # 2.5 erlang

        def record(workers: int, capacity: int | None = None) -> RunRecord:
            return RunRecord(
                Items(ready, np.zeros(n), np.arange(n)),
                Jobs(ready, ready, ready, finish, np.zeros(n), np.ones(n), np.zeros(n)),
                workers,
                capacity,
            )

        assert record(2).offered_load == pytest.approx(2.5)
        assert record(2).summary().is_unstable
        assert "2.5 erlang: UNSTABLE" in str(record(2).summary())
        assert not record(3).summary().is_unstable
        assert "UNSTABLE" not in str(record(3).summary())
        assert not record(2, capacity=10).summary().is_unstable  # a burst of buckets

    def test_jobs_that_come_at_once_have_no_rate(self) -> None:
        record = RunRecord(
            Items([0.0, 0.0], [1, 1], [0, 1]),
            Jobs([0, 0], [0, 0], [0, 0], [5, 5], [0, 1], [1, 1], [1, 1]),
            workers=2,
        )
        assert math.isnan(record.offered_load)
        assert "erlang" not in str(record.summary())
