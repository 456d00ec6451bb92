"""When the night is done: orders, bounds, and the size of a bucket."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mds_sim.distributions import Exponential, Uniform
from mds_sim.files.balanced import Balanced
from mds_sim.files.makespans import bucket_sizes, makespan, submission_order
from mds_sim.files.packing import pack
from mds_sim.files.source import FileSource
from mds_sim.files.strategies import NextFit
from mds_sim.sim.service import LinearService
from mds_sim.theory.makespan import makespan_bound
from mds_sim.units import MB

BYTES = LinearService(per_byte=1.0)


@dataclass(frozen=True)
class Squares:
    """A model that is no law and no line."""

    def sample(
        self,
        n_items: NDArray[np.int64],
        load: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        return load.astype(float) ** 2


class TestOrder:
    @pytest.mark.parametrize(
        ("service", "order", "expected"),
        [
            (None, "longest", [2, 0, 1]),  # 7, 8 and 10 bytes: 8, 7, 10 as they come
            (None, "shortest", [1, 0, 2]),
            (None, "given", [0, 1, 2]),
            (Squares(), "longest", [2, 0, 1]),
            (BYTES, "longest", [2, 0, 1]),
            (LinearService(per_item=1.0), "longest", [1, 2, 0]),  # 1, 3 and 2 files
            (LinearService(per_byte=1.0, noise=Uniform(0, 9)), "longest", [2, 0, 1]),
            (Exponential(5.0), "longest", [0, 1, 2]),  # nothing is known before
        ],
    )
    def test_by_hand(self, service: Any, order: str, expected: list[int]) -> None:
        packing = pack([8, 3, 3, 1, 5, 5], 10, NextFit())
        assert packing.load.tolist() == [8, 7, 10]
        assert submission_order(packing, service, order).tolist() == expected

    def test_bad_input(self) -> None:
        message = "order must be 'longest' or 'given' or 'shortest', got 'random'"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            submission_order(pack([1], 10), None, "random")


class TestMakespan:
    def test_the_order_matters(self) -> None:
        packing = pack([5, 5, 5, 5, 9], 9)
        given = makespan(packing, BYTES, 2, order="given")
        longest = makespan(packing, BYTES, 2)
        assert (given.makespan, longest.makespan) == (19.0, 15.0)
        assert longest.start.tolist() == [0.0, 5.0, 9.0, 10.0, 0.0]
        assert longest.finish.tolist() == [5.0, 10.0, 14.0, 15.0, 9.0]
        assert longest.worker.tolist() == [1, 1, 0, 1, 0]
        assert longest.order.tolist() == [4, 0, 1, 2, 3]
        assert longest.service_time.tolist() == [5.0, 5.0, 5.0, 5.0, 9.0]
        assert longest.waves == 3
        assert longest.lower_bound == 15.0  # three of fives
        assert longest.utilisation == 29 / 30

    @given(
        sizes=st.lists(st.integers(0, 20), max_size=20),
        workers=st.integers(1, 5),
        order=st.sampled_from(["longest", "given", "shortest"]),
    )
    def test_it_is_a_true_record_within_its_bounds(
        self, sizes: list[int], workers: int, order: str
    ) -> None:
        service = LinearService(1.0, 0.5, 0.25)
        night = makespan(pack(sizes, 20, NextFit()), service, workers, order=order)
        record = night.record().check()
        assert record.makespan == night.makespan
        assert record.items.size.tolist() == sizes
        assert record.jobs.load.tolist() == night.packing.load[night.order].tolist()
        bound = makespan_bound(night.service_time, workers)
        assert bound * (1 - 1e-12) <= night.lower_bound <= night.makespan
        # Graham: when the last job begins, nobody is free.
        times = night.service_time
        most = times.sum() / workers + times.max(initial=0.0) * (1 - 1 / workers)
        assert night.makespan <= most + 1e-9

    def test_another_order_sees_the_same_noise(self) -> None:
        packing = pack(FileSource(200).sample(rng=3)[0])
        noisy = LinearService(1.0, per_byte=1 / MB, noise=Exponential(1.0))
        nights = [
            makespan(packing, noisy, order=order, rng=4)
            for order in ("given", "longest", "shortest")
        ]
        first = nights[0].service_time
        assert all(np.array_equal(night.service_time, first) for night in nights)
        begins = {tuple(night.start.tolist()) for night in nights}
        assert len(begins) == 3

    def test_a_night_without_files(self) -> None:
        night = makespan(pack([]), BYTES, 3)
        assert (night.makespan, night.lower_bound, night.waves) == (0.0, 0.0, 0)
        assert night.utilisation == 0.0
        assert repr(night) == (
            "Makespan(0 buckets on 3 workers in 0 waves, done after 0 s, bound 0 s)"
        )

    def test_it_is_sealed(self) -> None:
        night = makespan(pack([5, 5], 5), BYTES)
        for name in ("order", "service_time", "start", "finish", "worker"):
            assert not getattr(night, name).flags.writeable

    @pytest.mark.parametrize(
        ("arguments", "kind", "message"),
        [
            ((BYTES, 0), ValueError, "workers must be >= 1, got 0"),
            (
                (5.0,),
                TypeError,
                "service must be a law such as Exponential(mean) or a frozen "
                "scipy.stats distribution, got 5.0",
            ),
        ],
    )
    def test_bad_input(
        self, arguments: tuple[Any, ...], kind: type[Exception], message: str
    ) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            makespan(pack([1], 10), *arguments)


class TestBucketSizes:
    def test_the_night_comes_in_waves(self) -> None:
        # 100 nights of 100 MB on 10 workers, 10 MB a second. Means of the makespan
        # differ by 0.15 s at the least, and their standard errors are below 0.02 s.
        sizes = FileSource(100).sample(nights=100, rng=1)
        capacities = [c * MB for c in (1, 6, 8, 12, 20)]
        free = bucket_sizes(sizes, capacities, LinearService(per_byte=1 / (10 * MB)))
        assert free.error.max() < 0.02
        one, six, eight, twelve, twenty = free.mean
        assert one < six - 0.1 < eight - 0.4
        assert twelve < eight - 0.2 < twenty - 0.4
        assert free.best == 1 * MB
        assert free.waves[2] > 1.9 > 1.1 > free.waves[3]
        assert np.all(free.lower_bound <= free.makespan)
        assert np.all(free.ideal <= free.mean)
        costly = LinearService(per_job=0.2, per_byte=1 / (10 * MB))
        assert bucket_sizes(sizes, capacities, costly).best == 12 * MB

    def test_a_balanced_wave_is_better_than_a_full_bucket(self) -> None:
        sizes = FileSource(100).sample(nights=50, rng=2)
        service = LinearService(per_byte=1 / (10 * MB))
        full = bucket_sizes(sizes, [12 * MB], service)
        even = bucket_sizes(sizes, [12 * MB], service, strategy=Balanced(10))
        assert even.mean[0] < full.mean[0] - 0.1
        assert even.buckets.max() <= 20

    def test_all_capacities_see_the_same_noise(self) -> None:
        noisy = LinearService(per_job=1.0, noise=Exponential(1.0))
        curve = bucket_sizes([[5, 5, 5]], [5, 9], noisy, 1, rng=7)
        assert curve.makespan[0] == curve.makespan[1]
        again = bucket_sizes([[5, 5, 5]], [5, 9], noisy, 1, rng=7)
        assert np.array_equal(again.makespan, curve.makespan)

    def test_what_follows_from_it(self) -> None:
        curve = bucket_sizes([[4] * 11, [8] * 11], [4, 8, 12], BYTES, workers=10)
        assert curve.buckets.tolist() == [[11, 11], [6, 11], [4, 11]]
        assert curve.makespan.tolist() == [[8.0, 16.0], [8.0, 16.0], [12.0, 16.0]]
        assert curve.waves.tolist() == [2.0, 1.5, 1.5]
        assert curve.mean.tolist() == [12.0, 12.0, 14.0]
        assert curve.error.tolist() == [4.0, 4.0, 2.0]
        assert curve.best == 4
        assert curve.ideal == 6.6
        single = bucket_sizes([4] * 11, [4], Exponential(1.0), rng=1)
        assert single.error.tolist() == [0.0]
        assert single.ideal == 0.0

    def test_nights_of_any_lengths_and_a_single_capacity(self) -> None:
        nights = [[6, 5, 4], [7]]
        both = bucket_sizes(nights, 10, BYTES, 1)
        each = [bucket_sizes(night, [10], BYTES, 1) for night in nights]
        assert both.capacity.tolist() == [10]
        assert both.makespan[0].tolist() == [one.makespan[0, 0] for one in each]
        assert both.ideal == (each[0].ideal + each[1].ideal) / 2 == 11.0

    def test_what_is_shown_of_it(self) -> None:
        curve = bucket_sizes([[4] * 11, [8] * 11], [4, 8, 12], BYTES, workers=10)
        shown = "BucketSizes(4 B to 12 B, 2 nights on 10 workers, best 4 B with 12 s)"
        assert repr(curve) == shown
        curve = bucket_sizes([4], [4], BYTES, workers=1)
        assert repr(curve) == "BucketSizes(4 B, 1 night on 1 worker, best 4 B with 4 s)"

    @pytest.mark.parametrize(
        ("nights", "capacities", "message"),
        [
            (
                [[1]],
                [],
                "capacities and nights must hold at least one each, got none",
            ),
            ([[1]], [0], "capacities must be whole bytes >= 1, got 0"),
            ([[1]], [2, 2.5], "capacities must be whole bytes >= 1, got 2.5"),
            ([[1], [2, -3]], 1, "nights must be whole bytes >= 0, but nights[1] = -3"),
            ([[-1]], [1], "nights must be whole bytes >= 0, but nights[0] = -1"),
        ],
    )
    def test_bad_input(self, nights: Any, capacities: Any, message: str) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            bucket_sizes(nights, capacities, BYTES)


@pytest.mark.parametrize("answer", [submission_order, makespan])
def test_sizes_are_no_packing(answer: Any) -> None:
    message = "packing must be a packing, such as pack(sizes) returns, got [6, 5]"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        answer([6, 5], BYTES)
