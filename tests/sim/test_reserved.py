"""Workers in reserve: by hand, by brute force, and as plain `serve`."""

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.records import Items
from mds_sim.sim import Offer, serve, serve_reserved
from mds_sim.sim.workers import Service


@st.composite
def jobs_with_classes(draw: st.DrawFn) -> tuple[list[float], list[float], list[int]]:
    """Return ready times, service times and classes; on a grid they often tie."""
    time = draw(st.sampled_from([st.integers(0, 5), st.floats(0, 1e3)]))
    jobs = draw(
        st.lists(st.tuples(time, time, st.integers(-1, 2)), min_size=1, max_size=25)
    )
    ready, service_time, priority = map(list, zip(*jobs, strict=True))
    return sorted(ready), service_time, priority


def test_the_reserved_worker_waits_for_the_urgent() -> None:
    done = serve_reserved([0, 0, 0, 1], [9, 9, 9, 2], [1, 1, 1, 0], 3, reserved=1)
    assert done.start.tolist() == [0.0, 0.0, 9.0, 1.0]
    assert done.worker.tolist() == [1, 2, 1, 0]


def test_an_urgent_job_goes_to_a_reserved_worker_though_another_is_free_longer() -> (
    None
):
    # Worker 0 is free again at 2; worker 1 has never worked.
    done = serve_reserved([0, 2], [2, 1], [0, 0], 2, reserved=1)
    assert done.worker.tolist() == [0, 0]


def test_the_urgent_overtake_nobody_at_the_other_workers() -> None:
    # Both wait for worker 1, as worker 0 is busy: the bucket was there first.
    done = serve_reserved([0, 0, 1, 2], [9, 5, 4, 4], [0, 1, 1, 0], 2, reserved=1)
    assert done.start.tolist() == [0.0, 0.0, 5.0, 9.0]
    # The urgent job gets both at once, and goes to the reserved worker.
    assert done.worker.tolist() == [0, 1, 1, 0]


@given(jobs=jobs_with_classes(), c=st.integers(1, 4), data=st.data())
def test_it_is_what_the_rule_says(
    jobs: tuple[list[float], list[float], list[int]], c: int, data: st.DataObject
) -> None:
    reserved = data.draw(st.integers(0, c - 1))
    ready, service_time, priority = jobs
    done = serve_reserved(*jobs, c, reserved)
    # At each moment at which something happens, look at all jobs and all workers.
    left, free = list(range(len(ready))), [-math.inf] * c
    now = min(ready)
    while left:
        started = None
        for job in left:
            if ready[job] > now:
                break
            urgent = priority[job] <= 0
            mine = [w for w in range(reserved) if urgent and free[w] <= now]
            shared = [w for w in range(reserved, c) if free[w] <= now]
            if who := mine or shared:
                started, worker = job, min(who, key=lambda w: (free[w], w))
                break
        if started is None:
            now = min(t for t in [*free, *(ready[job] for job in left)] if t > now)
            continue
        assert (done.start[started], done.worker[started]) == (now, worker)
        assert done.finish[started] == now + service_time[started]
        free[worker] = now + service_time[started]
        left.remove(started)


@given(jobs=jobs_with_classes(), c=st.integers(1, 4))
def test_with_none_reserved_it_is_serve(
    jobs: tuple[list[float], list[float], list[int]], c: int
) -> None:
    assert serve_reserved(*jobs, c, reserved=0).same_as(serve(*jobs[:2], c))


@given(jobs=jobs_with_classes(), c=st.integers(2, 4))
def test_without_urgent_jobs_there_are_fewer_workers(
    jobs: tuple[list[float], list[float], list[int]], c: int
) -> None:
    priority = [1] * len(jobs[0])
    done = serve_reserved(*jobs[:2], priority, c, reserved=1)
    plain = serve(*jobs[:2], c - 1)
    assert done.same_as(Service(plain.start, plain.finish, plain.worker + 1))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"reserved": 2}, "reserved must be < 2, the workers, got 2"),
        ({"reserved": -1}, "reserved must be >= 0, got -1"),
        ({"workers": 0}, "workers must be >= 1, got 0"),
        (
            {"priority": [0]},
            "priority must hold one value for each of 2 jobs, got 1",
        ),
        (
            {"ready": [1, 0]},
            "ready must be ascending, but ready[1] = 0.0 comes after 1.0; "
            "sort them first",
        ),
    ],
)
def test_nonsense_is_refused(change: dict[str, Any], text: str) -> None:
    given = {"ready": [0, 1], "service_time": [1, 1], "priority": [0, 1]}
    options: dict[str, Any] = {**given, "workers": 2, "reserved": 1, **change}
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        serve_reserved(**options)


def test_no_jobs_are_fine() -> None:
    assert serve_reserved([], [], [], 2, reserved=1).start.size == 0


def test_an_offer_becomes_a_record() -> None:
    ready = np.array([300.0, 310.0])
    n_items = np.array([2, 1])
    offer = Offer(
        Items([0.0, 5.0, 10.0], [1, 2, 4], [0, 0, 1]),
        ready - 300,
        ready,
        np.array([20.0, 5.0]),
        n_items,
        np.array([3, 4]),
    )
    record = offer.record(serve(ready, offer.service_time, 1), workers=1, capacity=5)
    assert record.check().waiting.tolist() == [0.0, 10.0]
    assert (record.workers, record.capacity) == (1, 5)
