"""The longest window that keeps a target, and the cheapest one."""

import math
import re
from typing import Any

import numpy as np
import pytest

from mds_sim import (
    HOUR,
    Constant,
    CountWindow,
    Exponential,
    FirstMessageWindow,
    LinearService,
    NightlyPipeline,
    PoissonArrivals,
    StreamPipeline,
    TumblingWindow,
    plan_window,
)
from mds_sim.analysis.capacity._spread import rounded_up, target_grid

QUICK: dict[str, Any] = {"rng": 1, "progress": False}
PLAIN = StreamPipeline(service=Constant(60.0), workers=1000)


class TestTarget:
    def test_without_waiting_it_is_the_target_less_the_service(self) -> None:
        """All messages in time: the first one of a batch waits for the whole window."""
        plan = plan_window(PLAIN, 405, quantile=0.999999, until=HOUR, **QUICK)
        assert plan.answer == 340.0
        assert plan.pipeline.window == FirstMessageWindow(340.0)
        assert plan.decided == (*4 * ("yes",), *3 * ("no",))
        assert plan.candidates == (280.0, 300.0, 320.0, 340.0, 360.0, 380.0, 400.0)
        assert plan.promise == (
            "Windows of 340 s: in 1 h like this one, 99.9999 % of the messages are "
            "done within 405 s of their arrival, with probability >= 95 % (95 % "
            "confidence, 200 replications)."
        )

    def test_what_is_beyond_the_answer_is_decided(self) -> None:
        noisy = StreamPipeline(service=Exponential(600.0), workers=4)
        plan = plan_window(noisy, 2000, quantile=0.5, until=2 * HOUR, **QUICK)
        row = plan.candidates.index(plan.answer)
        assert plan.decided[row] == "yes"
        assert "yes" not in plan.decided[row + 1 :]

    def test_windows_with_which_the_pool_cannot_keep_up_are_left_out(self) -> None:
        busy = StreamPipeline(service=Constant(600.0), workers=2)
        windows = [100, 200, 290, 300, 320]
        plan = plan_window(busy, 1000, windows=windows, until=HOUR, **QUICK)
        assert plan.candidates == (300.0, 320.0)  # one batch in W + 6 s, 600 s each
        assert plan.answer == 320.0

    def test_other_rules_with_a_length(self) -> None:
        fixed = StreamPipeline(
            window=TumblingWindow(60.0), service=Constant(10.0), workers=50
        )
        windows = [80, 85, 90, 95]
        plan = plan_window(
            fixed, 100, quantile=0.9999, windows=windows, until=HOUR, **QUICK
        )
        assert isinstance(plan.pipeline.window, TumblingWindow)
        assert plan.answer == 90.0

    def test_a_target_that_no_window_keeps(self) -> None:
        stream = StreamPipeline(service=Constant(60.0), workers=10)
        message = (
            "target must be >= {} s, the least that any of 2 windows can promise "
            "(that of 40 s), got 50; more workers or a faster service may allow less"
        )
        with pytest.raises(ValueError, match="target must be") as error:
            plan_window(stream, 50, windows=[50, 40], until=HOUR, **QUICK)
        found = re.search(r">= (\S+) s", str(error.value))
        assert found is not None
        assert str(error.value) == message.format(found[1])
        assert 99.0 <= float(found[1]) <= 101.0
        plan = plan_window(
            stream, float(found[1]), windows=[50, 40], until=HOUR, **QUICK
        )
        assert plan.answer == 40.0


class TestCosts:
    def test_it_is_the_cheapest_on_paper(self) -> None:
        """Nobody waits: c_j / (W + 1 / rate) + c_s (service + delay) is known."""
        costs: dict[str, Any] = {"cost_per_job": 2.0, "cost_per_second": 0.001}
        plan = plan_window(PLAIN, **costs, until=4 * HOUR, **QUICK)
        rate = 10 / 60
        length = np.array(plan.candidates)
        size = 1 + rate * length
        delay = length * (1 + size) / 2 / size  # mean, of a message
        paper = 4 * HOUR * rate * (2.0 / size + 0.001 * (60.0 + delay))
        row = plan.candidates.index(plan.answer)
        assert paper[row] <= 1.01 * paper.min()
        # Five standard errors, and 1 % for the last window, which may be cut off.
        for one, truth in zip(plan.intervals, paper, strict=True):
            assert abs(one.mean - truth) < 2.5 * one.half_width + 0.01 * truth
        assert plan.decided[row] == "yes"
        assert plan.decided[0] == plan.decided[-1] == "no"

    def test_what_cannot_be_told_apart_is_unclear(self) -> None:
        windows = [98.0, 106.0, 300.0]
        costs: dict[str, Any] = {"cost_per_job": 1.0, "cost_per_second": 0.001}
        plan = plan_window(
            PLAIN, windows=windows, until=HOUR, replications=60, **costs, **QUICK
        )
        assert sorted(plan.decided[:2]) == ["unclear", "yes"]
        assert plan.decided[2] == "no"

    def test_it_has_no_target_to_check(self) -> None:
        costs: dict[str, Any] = {"cost_per_job": 1.0, "cost_per_second": 0.001}
        plan = plan_window(PLAIN, windows=[100, 300], until=HOUR, **costs, **QUICK)
        assert repr(plan) == f"Plan(window: 100 s, {plan.replications} replications)"
        assert list(plan.to_dict()["candidates"][0]) == [
            "candidate", "mean_cost", "low", "high", "decided",
        ]  # fmt: skip
        message = "check must have a target, got a plan about costs"
        with pytest.raises(ValueError, match=f"^{message}$"):
            plan.check()

    def test_a_single_window_is_the_cheapest(self) -> None:
        costs: dict[str, Any] = {"cost_per_job": 1.0, "cost_per_second": 0.001}
        plan = plan_window(PLAIN, windows=[100], until=HOUR, **costs, **QUICK)
        assert plan.answer == 100.0
        assert plan.promise.endswith(
            "of 0 others none is cheaper (95 % confidence, 50 replications)."
        )


def test_the_grid_has_round_steps() -> None:
    for target in (0.3, 1.0, 59.0, 400.0, 1e6):
        grid = target_grid(target)
        assert 10 <= len(grid) <= 25
        assert grid[-1] <= target < grid[-1] + grid[0] * (1 + 1e-9)
        assert np.allclose(np.diff(grid), grid[0])
        assert math.log10(grid[0]) % 1 == pytest.approx(
            min((math.log10(k) for k in (1, 2, 5)),
                key=lambda x: abs(x - math.log10(grid[0]) % 1)), abs=1e-9
        )  # fmt: skip


def test_a_number_that_is_rounded_up_is_not_less() -> None:
    for value in np.random.default_rng(1).exponential(1000.0, 200).tolist():
        assert value <= rounded_up(value) <= value * 1.01
    assert rounded_up(123.0) == 123.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "target must be given, or both cost_per_job and cost_per_second, got "
         "neither"),
        ({"cost_per_job": 1.0}, "target must be given, or both cost_per_job and "
         "cost_per_second, got only cost_per_job"),
        ({"target": 400, "cost_per_second": 1.0}, "target and cost_per_second must not "
         "both be given: a longest window keeps a target, a cheapest one has costs"),
        ({"cost_per_job": 1.0, "cost_per_second": 1.0, "quantile": 0.9}, "quantile and "
         "probability must be left out with costs, which are means"),
        ({"cost_per_job": 0.0, "cost_per_second": 1.0}, "cost_per_job must be > 0 and "
         "finite, got 0.0"),
        ({"target": 400, "windows": []}, "windows must hold at least one length [s], "
         "got none"),
        ({"target": 400, "windows": [60, -1]}, "windows must be > 0 and finite s, got "
         "-1"),
        ({"target": -1}, "target must be > 0 and finite s, got -1"),
    ],
)  # fmt: skip
def test_contradictory_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plan_window(PLAIN, **options, **QUICK)


def test_a_pool_that_keeps_up_with_no_window() -> None:
    slow = StreamPipeline(
        PoissonArrivals(1.0), service=LinearService(per_item=3.0), workers=2
    )
    message = (
        "workers must be > 3, the least offered load with any of 2 windows, got "
        "2; more workers, longer windows or a faster service can keep up"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plan_window(slow, 400, windows=[60, 120], **QUICK)


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (StreamPipeline(window=CountWindow(5), service=Constant(1.0)), "window must "
         "have a length to plan it, such as FirstMessageWindow(300), got "
         "CountWindow(n=5)"),
        (NightlyPipeline, "pipeline must be a StreamPipeline, got the class "
         "NightlyPipeline: call it"),
    ],
)  # fmt: skip
def test_pipelines_without_a_window(pipeline: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        plan_window(pipeline, 400, **QUICK)


def test_costs_of_no_messages_are_refused() -> None:
    quiet = StreamPipeline(PoissonArrivals(1e-9), service=LinearService(7.0))
    message = (
        "until and warmup must leave time for messages, which cost something, got none "
        "in 50 replications"
    )
    costs = {"cost_per_job": 1.0, "cost_per_second": 1.0, "windows": [5, 10]}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plan_window(quiet, **costs, until=9.0, rng=1, progress=False)
