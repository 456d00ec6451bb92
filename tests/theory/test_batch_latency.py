"""The exact law of a message's latency, held to its mean, its parts and its limits."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from mds_sim.theory import BatchQueue

QUEUES = [
    BatchQueue(10 / 60, 300.0, 60.0, 10),  # nobody waits
    BatchQueue(10 / 60, 300.0, 2448.0, 10),
    BatchQueue(10 / 60, 300.0, 2900.0, 10),  # waits fade nearly as fast as service
    BatchQueue(10 / 60, 300.0, 90.0, 1),
    BatchQueue(1 / 3600, 10.0, 3000.0, 1),  # nearly all are first messages
    BatchQueue(100.0, 0.01, 0.01, 3),
]


@pytest.mark.parametrize("queue", QUEUES, ids=str)
def test_the_mean_is_that_of_little(queue: BatchQueue) -> None:
    end = 80 * queue.mean_latency
    late, _ = quad(
        lambda t: 1.0 - float(queue.latency_cdf(t)), 0, end,
        points=[queue.length], limit=400,
    )  # fmt: skip
    assert late == pytest.approx(queue.mean_latency, rel=1e-6)


@pytest.mark.parametrize("queue", QUEUES, ids=str)
def test_it_is_the_sum_of_its_parts(queue: BatchQueue) -> None:
    mu, theta, p = (
        1 / queue.mean_service,
        queue.waiting_decay,
        queue.waiting_probability,
    )

    def done(t: float) -> float:
        """Waiting and service within t: as in textbooks, without care for rounding."""
        if t < 0:
            return 0.0
        both = 1 - (theta * math.exp(-mu * t) - mu * math.exp(-theta * t)) / (
            theta - mu
        )
        return (1 - p) * (1 - math.exp(-mu * t)) + p * both

    m = queue.rate * queue.length
    for t in np.array([0.1, 0.9, 1.0, 1.5, 4.0]) * queue.length:
        others, _ = quad(lambda d: done(t - d), 0, min(t, queue.length))  # noqa: B023
        expected = (done(t - queue.length) + m * others / queue.length) / (1 + m)
        assert float(queue.latency_cdf(t)) == pytest.approx(expected, abs=1e-9)


def test_waits_may_fade_as_fast_as_service() -> None:
    # Where x is 1 to the last digit the textbook's formula is 0 / 0.
    low, high = 2400.0, 3000.0
    for _ in range(60):
        middle = (low + high) / 2
        root = BatchQueue(10 / 60, 300.0, middle, 10).waiting_decay * middle
        low, high = (middle, high) if root > 1 else (low, middle)
    queue = BatchQueue(10 / 60, 300.0, low, 10)
    assert queue.waiting_decay * low == pytest.approx(1.0, abs=1e-12)
    near = BatchQueue(10 / 60, 300.0, low * (1 + 1e-7), 10)
    times = np.array([100.0, 1000.0, 10_000.0])
    assert queue.latency_cdf(times) == pytest.approx(near.latency_cdf(times), abs=1e-5)


@pytest.mark.parametrize("queue", QUEUES, ids=str)
@pytest.mark.parametrize("p", [0.0, 1e-6, 0.5, 0.99, 0.999_999])
def test_quantiles_and_shares_are_inverse(queue: BatchQueue, p: float) -> None:
    assert float(queue.latency_cdf(queue.latency_quantile(p))) == pytest.approx(
        p, abs=1e-9
    )


def test_it_grows_from_0_to_1() -> None:
    for queue in QUEUES:
        share = queue.latency_cdf(np.linspace(-1, 300 * queue.mean_latency, 5000))
        assert share[0] == 0.0
        assert share[-1] == pytest.approx(1.0, abs=1e-12)
        assert (np.diff(share) >= -1e-15).all()


def test_what_is_no_time_or_share_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^t must be times \[s\], got nan$"):
        QUEUES[0].latency_cdf(math.nan)
    with pytest.raises(ValueError, match=r"^p must be >= 0 and < 1, got 1\.0$"):
        QUEUES[0].latency_quantile(1.0)
