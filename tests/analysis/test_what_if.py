"""What if: the simulated figures are those of the exact theory."""

import re

import numpy as np
import pytest

from mds_sim.analysis import what_if
from mds_sim.theory import BatchQueue
from mds_sim.units import format_seconds


@pytest.mark.parametrize(
    "setting",
    [
        {"rate": 10 / 60, "length": 300, "mean_service": 60, "workers": 10},
        {"rate": 2 / 60, "length": 60, "mean_service": 100, "workers": 2},
        {"rate": 5 / 60, "length": 120, "mean_service": 400, "workers": 4},
    ],
)
def test_theory_is_in_the_intervals(setting: dict[str, float]) -> None:
    # 100 days; half widths of 95 % times 2.5 are 4.9 standard errors, and there are
    # 31 figures a setting: a false alarm has a probability of 1e-4. Seed fixed.
    answer = what_if(**setting, days=100, rng=1)  # type: ignore[arg-type]
    theory = answer.theory
    assert isinstance(theory, BatchQueue)
    pairs = [
        (answer.throughput, answer.rate),
        (answer.utilisation, theory.utilisation),
        (answer.latency, theory.mean_latency),
        *zip(answer.quantiles, answer.exact()[3:], strict=True),
        *zip(answer.done, theory.latency_cdf(answer.times), strict=True),
    ]
    for one, value in pairs:
        assert one.mean == pytest.approx(value, abs=2.5 * one.half_width + 1e-12)


def test_a_pool_that_cannot_keep_up_has_no_theory() -> None:
    answer = what_if(10 / 60, 300, 2400, 7, rng=1)
    assert answer.theory is None
    assert {row[2] for row in answer.rows()} == {"none"}
    assert answer.utilisation.mean == pytest.approx(1.0, abs=0.02)
    assert answer.throughput.high < answer.rate


def test_a_busy_pool_is_said_to_settle_slowly() -> None:
    told = "once the pool has settled: that takes many days"
    assert what_if(10 / 60, 300, 2400, 8, days=2, rng=1).verdict.endswith(told)
    assert told not in what_if(10 / 60, 300, 2400, 10, days=2, rng=1).verdict


def test_one_worker_is_no_workers() -> None:
    assert what_if(1 / 60, 300, 60, 1, days=2, rng=1).verdict.startswith(
        "0.167 of 1 worker busy"
    )


def test_the_same_chance_for_another_setting() -> None:
    ten, more = (what_if(10 / 60, 300, 2400, n, days=4, rng=5) for n in (10, 12))
    assert ten.throughput.n == 4
    assert more.latency.mean < ten.latency.mean
    assert np.array_equal(
        ten.times, what_if(10 / 60, 300, 2400, 10, days=4, rng=5).times
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0.0}, "rate must be > 0 and finite per second, got 0.0"),
        ({"rate": 1e-9}, "rate must bring messages every day, got 1e-09 per second: a "
         "day had none"),
        ({"length": -1.0}, "length must be > 0 and finite s, got -1.0"),
        ({"workers": 0}, "workers must be >= 1, got 0"),
        ({"days": 1}, "days must be >= 2, got 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(change: dict[str, float], message: str) -> None:
    setting = {"rate": 0.1, "length": 300.0, "mean_service": 60.0, "workers": 2}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        what_if(**{**setting, **change}, rng=1)  # type: ignore[arg-type]


def test_a_row_has_one_unit() -> None:
    """Not 1.37 h [56.1 min, 1.81 h], as a wide interval would be written by itself."""
    answer = what_if(10 / 60, 300, 2400, 8, days=4, rng=1)
    for name, told, theory in answer.rows()[2:]:
        units = set(re.findall(r"\b(?:ms|s|min|h|d)\b", f"{told} {theory}"))
        assert len(units) == 1, name
    low = answer.latency.low
    assert (
        format_seconds(low).split()[1] != format_seconds(answer.latency.mean).split()[1]
    )
