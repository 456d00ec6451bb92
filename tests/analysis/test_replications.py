"""Replications: the same whoever runs them; pairs: the same chance for both."""

import math
import re
from collections.abc import Iterator
from concurrent.futures import (
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from functools import partial
from multiprocessing import get_context
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np
import pytest

from mds_sim.analysis import (
    PairComparison,
    Replications,
    compare_pair,
    mean_interval,
    paired_interval,
    replicate,
)
from mds_sim.core import WorkerPool
from mds_sim.distributions import Exponential
from mds_sim.rng import streams
from mds_sim.sim import serve
from mds_sim.stream import StreamPipeline

# Functions that any process can import, whatever it was started with.
DRAW = methodcaller("random", 3)
PIPELINE = StreamPipeline(service=Exponential(2400.0))
SIMULATE = partial(PIPELINE.simulate, 200, None)

quiet = partial(replicate, progress=False)


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    # Spawned: they know nothing but what they are sent.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


class TestReplicate:
    def test_each_gets_a_generator_of_its_own_spawned_from_rng(self) -> None:
        runs = quiet(DRAW, 5, 7)
        expected = [g.random(3) for g in np.random.default_rng(7).spawn(5)]
        assert np.array_equal(runs.results, expected)
        assert len(np.unique(runs.results)) == 15

    def test_more_of_them_begin_with_the_same(self) -> None:
        ten, twenty = quiet(DRAW, 10, 1).results, quiet(DRAW, 20, 1).results
        assert np.array_equal(twenty[:10], ten)

    def test_a_generator_that_is_used_twice_gives_new_ones(self) -> None:
        rng = np.random.default_rng(1)
        assert not np.array_equal(
            quiet(DRAW, 3, rng).results, quiet(DRAW, 3, rng).results
        )

    def test_none_draws_anew(self) -> None:
        assert not np.array_equal(quiet(DRAW, 2).results, quiet(DRAW, 2).results)

    @pytest.mark.parametrize("n", [1, 3, 64, 65, 200])
    @pytest.mark.parametrize("workers", [1, 4])
    def test_threads_give_the_same(self, n: int, workers: int) -> None:
        with ThreadPoolExecutor(workers) as pool:
            runs = quiet(DRAW, n, 3, executor=pool)
        assert np.array_equal(runs.results, quiet(DRAW, n, 3).results)

    @pytest.mark.slow
    @pytest.mark.parametrize("n", [3, 200])
    def test_processes_give_the_same(self, n: int, processes: Executor) -> None:
        runs = quiet(DRAW, n, 3, executor=processes)
        assert np.array_equal(runs.results, quiet(DRAW, n, 3).results)

    @pytest.mark.slow
    def test_processes_give_the_same_records(self, processes: Executor) -> None:
        # A pipeline spawns generators of its own from the one that it is sent.
        far = quiet(SIMULATE, 4, 5, executor=processes).results
        near = quiet(SIMULATE, 4, 5).results
        assert all(a.check().same_as(b) for a, b in zip(far, near, strict=True))

    def test_other_generators_will_do(self) -> None:
        rng = np.random.Generator(np.random.Philox(1))
        runs = quiet(lambda rng: type(rng.bit_generator).__name__, 2, rng)
        assert runs.results == ("Philox", "Philox")

    def test_an_executor_gets_few_tasks_and_is_not_shut_down(self) -> None:
        executor = Immediate()
        runs = quiet(DRAW, 1000, 1, executor=executor)
        assert np.array_equal(runs.results, quiet(DRAW, 1000, 1).results)
        assert executor.count < 500  # 50 ms are worth many draws
        assert not executor.closed

    def test_a_pool_or_a_word_will_do(self) -> None:
        alone = quiet(DRAW, 50, 1).results
        with WorkerPool(2) as pool:
            assert np.array_equal(quiet(DRAW, 50, 1, executor=pool).results, alone)
        assert np.array_equal(quiet(DRAW, 50, 1, executor="threads").results, alone)

    @pytest.mark.slow
    def test_functions_without_a_module_go_to_processes(self) -> None:
        runs = quiet(lambda rng: rng.random(), 5, 3, executor="processes")
        assert runs.results == quiet(methodcaller("random"), 5, 3).results

    def test_it_shows_progress(self, capsys: pytest.CaptureFixture[str]) -> None:
        replicate(DRAW, 3, 1)
        assert "/3 [" in capsys.readouterr().err
        quiet(DRAW, 3, 1)
        assert capsys.readouterr().err == ""


class Immediate(Executor):
    """Does what it is given at once."""

    def __init__(self) -> None:
        self.count = 0
        self.closed = False

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.count += 1
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.closed = True


class TestFailures:
    @staticmethod
    def fail_below(bound: float, rng: np.random.Generator) -> float:
        value = rng.random()
        if value < bound:
            raise ArithmeticError(f"{value:.3f} is too small")
        return value

    def test_the_first_one_is_raised_and_says_where(self) -> None:
        values = np.array(quiet(methodcaller("random"), 100, 1).results)
        first = int(np.argmax(values < 0.05))
        with pytest.raises(ArithmeticError, match="too small") as alone:
            quiet(partial(self.fail_below, 0.05), 100, 1)
        assert alone.value.__notes__ == [f"in replication {first}, counted from 0"]
        with (
            ThreadPoolExecutor(4) as pool,
            pytest.raises(ArithmeticError, match="too small") as threaded,
        ):
            quiet(partial(self.fail_below, 0.05), 100, 1, executor=pool)
        assert threaded.value.__notes__[0] == alone.value.__notes__[0]

    @pytest.mark.slow
    def test_the_note_comes_home_from_a_process(self, processes: Executor) -> None:
        with pytest.raises(AttributeError) as failed:
            quiet(attrgetter("dice"), 3, 1, executor=processes)
        assert failed.value.__notes__[0] == "in replication 0, counted from 0"

    def test_what_has_not_begun_is_cancelled(self) -> None:
        calls: list[int] = []

        def fail(rng: np.random.Generator) -> float:
            calls.append(1)
            return self.fail_below(2.0, rng)

        with ThreadPoolExecutor(1) as pool, pytest.raises(ArithmeticError):
            quiet(fail, 1000, 1, executor=pool)
        assert 1 <= len(calls) < 1000


class TestResults:
    def test_numbers(self) -> None:
        runs = Replications((3, 4.0, np.float64(5)))
        assert runs.values().tolist() == [3.0, 4.0, 5.0]
        assert runs.interval() == mean_interval([3, 4, 5])

    def test_entries_and_attributes_and_functions(self) -> None:
        rows = Replications(({"wait": 3.0}, {"wait": 5.0}))
        assert rows.values("wait").tolist() == [3.0, 5.0]
        assert rows.values(len).tolist() == [1.0, 1.0]
        records = quiet(SIMULATE, 3, 1)
        expected = [record.utilisation for record in records.results]
        assert records.values("utilisation").tolist() == expected
        summaries = Replications(tuple(r.summary() for r in records.results))
        assert summaries.values("utilisation").tolist() == expected

    def test_confidence(self) -> None:
        runs = Replications((3.0, 4.0))
        assert runs.interval(confidence=0.5) == mean_interval([3, 4], confidence=0.5)


def long_wait(workers: int, rng: np.random.Generator) -> float:
    """Return the mean waiting time of 1,000 customers: M/M/c, 8 erlang."""
    chance = streams(rng)
    arrival = np.cumsum(chance.arrivals.exponential(1 / 8, 1000))
    service = chance.service.exponential(size=1000)
    return float((serve(arrival, service, workers).start - arrival).mean())


class TestComparePair:
    def test_by_hand(self) -> None:
        # Variances 38/9 and 26/9, of the differences 2/9.
        first, second = np.array([9.0, 14.0, 11.0]), np.array([7.0, 11.0, 8.0])
        pair = PairComparison(first, second, paired_interval(first, second))
        assert pair.variance_reduction == pytest.approx(32.0)
        assert str(pair) == (
            "2.7 +/- 1.4 (95 %, 3 pairs), each worth 32 independent ones"
        )

    def test_both_get_the_same_chance(self) -> None:
        # What one draws or spawns does not shift what the other one gets.
        def greedy(rng: np.random.Generator) -> float:
            rng.random(100)
            return float(rng.spawn(1)[0].random())

        def modest(rng: np.random.Generator) -> float:
            return float(rng.spawn(1)[0].random())

        for pair in ((greedy, modest), (modest, greedy)):
            same = compare_pair(*pair, 5, 1, progress=False)
            assert np.array_equal(same.first, same.second)
            assert (same.difference.mean, same.variance_reduction) == (0.0, math.inf)

    def test_each_is_as_if_it_ran_alone(self) -> None:
        ten, eleven = partial(long_wait, 10), partial(long_wait, 11)
        pair = compare_pair(ten, eleven, 3, 9, progress=False)
        assert pair.first.tolist() == list(quiet(ten, 3, 9).results)
        assert pair.second.tolist() == list(quiet(eleven, 3, 9).results)
        assert pair.difference == paired_interval(pair.first, pair.second)

    def test_different_purposes_gain_nothing(self) -> None:
        # The factor's standard deviation is 0.022: out of the range 1e-5.
        pair = compare_pair(
            methodcaller("normal"),
            lambda rng: rng.spawn(1)[0].normal(),
            2000,
            rng=1,
            progress=False,
        )
        assert 0.9 < pair.variance_reduction < 1.1

    def test_common_random_numbers_gain(self) -> None:
        # Ten workers or eleven: 40 seeds gave 2.5 to 4.2, 4,000 pairs 3.03.
        pair = compare_pair(
            partial(long_wait, 10), partial(long_wait, 11), 100, 1, progress=False
        )
        assert pair.variance_reduction > 2
        assert pair.difference.low > 0

    def test_the_factor_is_that_of_independent_runs(self) -> None:
        # Runs of different pairs are independent. The ratio was in 0.87..1.13 for 100
        # seeds, with a standard deviation of 0.054.
        ten, eleven = partial(long_wait, 10), partial(long_wait, 11)
        pair = compare_pair(ten, eleven, 100, 1, progress=False)
        apart = pair.first - np.roll(pair.second, 1)
        factor = apart.var() / (pair.first - pair.second).var()
        assert 0.7 < factor / pair.variance_reduction < 1.3

    def test_a_key_and_an_executor(self) -> None:
        fewer = StreamPipeline(service=Exponential(2400.0), workers=9)
        first, second = SIMULATE, partial(fewer.simulate, 200, None)
        with ThreadPoolExecutor(2) as pool:
            pair = compare_pair(
                first,
                second,
                4,
                1,
                key="makespan",
                confidence=0.9,
                executor=pool,
                progress=False,
            )
        assert pair.first.tolist() == [r.makespan for r in quiet(first, 4, 1).results]
        assert pair.difference.confidence == 0.9


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: quiet(DRAW, 0), ValueError, "n must be >= 1, got 0"),
        (lambda: quiet(DRAW, 2.0), TypeError,  # type: ignore[arg-type]
         "n must be a whole number, got 2.0"),
        (lambda: quiet(DRAW, 2, "1"), TypeError,  # type: ignore[arg-type]
         "rng must be a numpy.random.Generator, a seed or None, got str"),
        (lambda: quiet(DRAW, 2, executor=5), TypeError,
         "executor must be 'threads', 'processes', a concurrent.futures.Executor or a "
         "function that makes one, got 5"),
        (lambda: compare_pair(DRAW, DRAW, 1), ValueError, "n must be >= 2, got 1"),
        (lambda: compare_pair(DRAW, DRAW, 2, confidence=95), ValueError,
         "confidence must be > 0 and < 1, got 95"),
        (lambda: Replications((1.0,)).interval(), ValueError,
         "values must hold at least 2 values, got 1"),
        (lambda: Replications((1.0, math.nan)).values(), ValueError,
         "results must be finite, but results[1] = nan"),
        (lambda: Replications(({"p": math.inf},)).values("p"), ValueError,
         "p must be finite, but p[0] = inf"),
        (lambda: Replications(({"p": 1}, {})).values("p"), ValueError,
         "key must name a figure of each result, but results[1] has no 'p'"),
        (lambda: Replications((1.0,)).values("p99"), ValueError,
         "key must name a figure of each result, but results[0] has no 'p99'"),
        (lambda: Replications(({"p": 1},)).values(), TypeError,
         "results must be an array of numbers, got list"),
    ],
)  # fmt: skip
def test_bad_input(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()
