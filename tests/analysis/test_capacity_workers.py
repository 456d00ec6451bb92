"""The smallest pool: day by day as by hand, and promises that are kept."""

import json
import math
import re
from typing import Any

import numpy as np
import pytest

from mds_sim import (
    DAY,
    HOUR,
    MB,
    Constant,
    CountWindow,
    Exponential,
    FirstMessageWindow,
    Gamma,
    LinearService,
    NightlyPipeline,
    PoissonArrivals,
    StreamPipeline,
    TraceArrivals,
    TricklePipeline,
    plan_workers,
)
from mds_sim.analysis.capacity._goals import Latency, Makespan, SmallestPool, smallest
from mds_sim.analysis.capacity._load import first_guess, offered_load

QUICK: dict[str, Any] = {"rng": 1, "progress": False}
FORTY = StreamPipeline(service=Exponential(2400.0))
TEN_HOURS: dict[str, Any] = {"until": 10 * HOUR}


def test_the_search_finds_the_smallest() -> None:
    for truth in range(3, 12):
        for guess in range(1, 15):
            asked: list[int] = []

            def keeps(n: int, truth: int = truth, asked: list[int] = asked) -> bool:
                asked.append(n)
                return n >= truth

            assert smallest(keeps, 3, guess, 12) == truth
            assert all(3 <= n < 12 for n in asked)


@pytest.mark.parametrize("seed", range(4))
def test_a_replication_is_what_records_say_of_each_pool(seed: int) -> None:
    goal, target = Latency(0.9, 10 * HOUR, warmup=HOUR), 8000.0
    trial = SmallestPool(FORTY, goal, target, least=1, guess=9)
    needed, best = trial(np.random.default_rng(seed))

    def share(workers: int) -> float:
        pipeline = StreamPipeline(service=Exponential(2400.0), workers=workers)
        record = pipeline.simulate(until=10 * HOUR, rng=seed)
        late = record.latency[record.items.arrival >= HOUR] <= target
        return float(late.mean())

    shares = np.array([share(workers) for workers in range(1, 14)])
    assert (np.diff(shares) >= 0).all()
    assert needed == 1 + int(np.argmax(shares >= 0.9))
    assert best <= target


def test_a_day_that_no_pool_keeps_needs_an_infinite_one() -> None:
    trial = SmallestPool(FORTY, Latency(0.99, DAY), 300.0, least=1, guess=9)
    needed, best = trial(np.random.default_rng(1))
    assert needed == math.inf
    assert best > 300.0


def test_a_day_without_messages_is_done_at_once() -> None:
    rare = StreamPipeline(PoissonArrivals(1e-9), service=Constant(1.0))
    goal = Latency(0.99, DAY)
    offer = goal.offer(rare, np.random.default_rng(1))
    assert goal.figure(offer, offer.ready) == 0.0
    assert goal.load(offer) == 0.0


@pytest.mark.parametrize(
    "options",
    [
        {"service": Exponential(2400.0)},
        {"service": LinearService(30.0, 2.0, noise=Gamma(1.0, 0.5))},
        {
            "service": LinearService(30.0, per_byte=1e-4),
            "message_size": Exponential(2e4),
        },
    ],
)
def test_the_load_on_paper_is_that_of_days(options: dict[str, Any]) -> None:
    """The load of 50 days is off by 3 % with probability below 1e-6."""
    pipeline = StreamPipeline(**options)
    goal = Latency(0.99, 50 * DAY)
    exact = offered_load(pipeline, goal, np.random.default_rng(1))
    offer = goal.offer(pipeline, np.random.default_rng(2))
    assert goal.load(offer) == pytest.approx(exact, rel=0.03)
    assert goal.load(offer) != exact


def test_a_load_that_no_formula_knows_is_measured() -> None:
    counted = StreamPipeline(window=CountWindow(50), service=Constant(1500.0))
    load = offered_load(counted, Latency(0.99, DAY), np.random.default_rng(1))
    assert load == pytest.approx(5.0, rel=0.02)  # 20 days: 0.2 % standard error


def test_the_search_begins_where_the_batch_queue_says() -> None:
    goal = Latency(0.5, DAY)
    rng = np.random.default_rng(1)
    assert first_guess(FORTY, goal, 1e9, 400 / 51, rng) == 8
    assert first_guess(FORTY, goal, 1.0, 400 / 51, rng) == math.ceil(
        400 / 51 + 2 * math.sqrt(400 / 51)
    )


class TestAnswers:
    def test_it_is_the_smallest_that_keeps_it(self) -> None:
        plan = plan_workers(FORTY, 2.3 * HOUR, quantile=0.9, **TEN_HOURS, **QUICK)
        row = plan.candidates.index(plan.answer)
        assert plan.decided[row] == "yes"
        assert plan.decided[row - 1] == "no"
        assert plan.pipeline == StreamPipeline(
            service=Exponential(2400.0), workers=plan.answer
        )
        assert [one.mean for one in plan.intervals] == sorted(
            one.mean for one in plan.intervals
        )

    def test_a_pool_that_cannot_keep_up_is_never_asked(self) -> None:
        plan = plan_workers(FORTY, 10 * DAY, quantile=0.5, until=HOUR, **QUICK)
        assert plan.answer == plan.candidates[0] == 8  # the load is 7.84

    def test_everywhere_the_same(self) -> None:
        here, there = (
            plan_workers(
                FORTY, 4 * HOUR, quantile=0.5, executor=executor, **TEN_HOURS, **QUICK
            ).to_dict()
            for executor in (None, "threads")
        )
        assert here == there
        assert json.loads(json.dumps(here)) == here

    def test_a_trace_is_played_to_its_end(self) -> None:
        trace = TraceArrivals(np.arange(0.0, 3600.0, 10.0))
        stream = StreamPipeline(trace, FirstMessageWindow(60.0), Exponential(60.0))
        plan = plan_workers(stream, 600, **QUICK)
        assert plan.promise.startswith(f"{plan.answer} workers: in a run of this trace")
        assert plan.decided[plan.candidates.index(plan.answer)] == "yes"

    def test_nights_are_done_in_time(self) -> None:
        nights = NightlyPipeline(service=LinearService(2.0, per_byte=1 / MB))
        plan = plan_workers(nights, 30, **QUICK)
        assert plan.promise == (
            f"{plan.answer} workers: a night like these is done within 30 s, with "
            f"probability >= 95 % (95 % confidence, {plan.replications} replications)."
        )
        done = [plan.pipeline.simulate(rng=seed).makespan <= 30 for seed in range(300)]
        assert np.mean(done) > 0.9  # of 95 % that is missed with probability 1e-4

    def test_of_several_nights_each_replication_takes_one(self) -> None:
        rows = [[5, 5], [9, 9], [1, 1]]
        nights = NightlyPipeline(rows, capacity=9, service=LinearService(per_byte=1.0))
        rng = np.random.default_rng(1)
        offers = [Makespan().offer(nights, rng) for _ in range(60)]
        # One of three is missed in 60 draws with probability 1e-10.
        assert {offer.items.size[0].item() for offer in offers} == {5, 9, 1}
        plan = plan_workers(nights, 9, **QUICK)
        assert plan.answer == 2
        assert plan.decided == ("no", *5 * ("yes",))


# Targets, near saturation too: 7.84 erlang for eight workers.
@pytest.mark.parametrize(
    ("pipeline", "target", "options"),
    [
        (FORTY, 2.6 * HOUR, {"quantile": 0.9}),
        (FORTY, 6 * HOUR, {"quantile": 0.5, "probability": 0.8}),
        (StreamPipeline(service=LinearService(30.0, 2.0)), 450.0, {}),
        (NightlyPipeline(service=Gamma(60.0, 0.5)), 300.0, {"probability": 0.9}),
    ],
)
def test_a_promise_is_kept_on_fresh_days(
    pipeline: Any, target: float, options: dict[str, Any]
) -> None:
    """Wrong promises have 5 % each; but by more than 3 % of the days, below 1e-3."""
    plan = plan_workers(pipeline, target, **options, **QUICK)
    again = plan.check(400, rng=2)
    assert again.n == 400
    assert plan.probability is not None
    assert again.high >= plan.probability


class TestBadInput:
    def test_a_target_below_window_and_service(self) -> None:
        stream = StreamPipeline(service=LinearService(per_job=30.0, per_item=2.0))
        message = (
            "target must be >= {} s, the least that a worker for every batch can "
            "promise, got 200; shorter windows or a faster service allow less"
        )
        with pytest.raises(ValueError, match=message.format(r"(\d+)")) as error:
            plan_workers(stream, 200, **QUICK)
        found = re.search(r">= (\d+) s", str(error.value))
        assert found is not None
        assert str(error.value) == message.format(found[1])
        # That one can be kept: the sure part of it is a bit more.
        assert plan_workers(stream, 1.01 * float(found[1]), **QUICK).answer >= 1

    def test_a_deadline_before_the_longest_bucket(self) -> None:
        night = NightlyPipeline([7, 3], capacity=7, service=LinearService(per_byte=1.0))
        message = (
            "target must be >= 7 s, the least that a worker for every bucket can "
            "promise, got 6; smaller buckets or a faster service allow less"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            plan_workers(night, 6, **QUICK)
        assert plan_workers(night, 7, **QUICK).answer == 2

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"quantile": 0.99}, "quantile must be left out for nights, of which all "
             "files count, got 0.99"),
            ({"until": DAY}, "until must be left out for nights, of which all files "
             "count, got 86400.0"),
            ({"warmup": 60.0}, "warmup must be left out for nights, of which all files "
             "count, got 60.0"),
        ],
    )  # fmt: skip
    def test_nights_have_no_messages(
        self, options: dict[str, Any], message: str
    ) -> None:
        nights = NightlyPipeline(service=Exponential(60.0))
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            plan_workers(nights, 600, **options, **QUICK)

    @pytest.mark.parametrize(
        ("target", "options", "message"),
        [
            (0, {}, "target must be > 0 and finite s, got 0"),
            (600, {"quantile": 1.0}, "quantile must be > 0 and < 1, got 1.0"),
            (600, {"until": HOUR, "warmup": HOUR}, "warmup must be < until = 3600 s, "
             "or no message counts, got 3600.0"),
            (600, {"replications": 10}, "replications must be >= 59 to promise 95 % "
             "with 95 % confidence, got 10"),
        ],
    )  # fmt: skip
    def test_what_makes_no_promise(
        self, target: float, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            plan_workers(FORTY, target, **options, **QUICK)

    def test_other_pipelines(self) -> None:
        message = (
            "pipeline must be a StreamPipeline or a NightlyPipeline, got the class "
            "TricklePipeline: call it"
        )
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            plan_workers(TricklePipeline, 600, **QUICK)  # type: ignore[arg-type]

    def test_a_pipeline_without_a_model_of_its_service(self) -> None:
        message = "service must be given to simulate, such as LinearService(per_job=30)"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            plan_workers(StreamPipeline(), 600, **QUICK)


def test_the_load_of_a_short_trace_is_spread_over_its_windows() -> None:
    # Three messages in three seconds are one batch of 7 s, ready after 300 s.
    stream = StreamPipeline(TraceArrivals([1.0, 2.0, 3.0]), service=LinearService(7.0))
    assert plan_workers(stream, 700, rng=1, progress=False).answer == 1


def test_a_target_next_to_nothing_is_refused_in_words() -> None:
    nights = NightlyPipeline([5, 6, 7], service=LinearService(7.0))
    message = (
        "target must be >= 7 s, the least that a worker for every bucket can promise, "
        "got 9.99989e-321; smaller buckets or a faster service allow less"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plan_workers(nights, 1e-320, rng=1, progress=False)
