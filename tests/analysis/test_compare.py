"""Comparisons: the same chance for all, whoever they are, and an honest verdict."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mds_sim import DAY, HOUR, MB, MINUTE, compare
from mds_sim.analysis import Comparison, compare_pair, mean_interval
from mds_sim.core import WorkerPool
from mds_sim.distributions import Constant, Exponential
from mds_sim.files import (
    BestFitDecreasing,
    FileSource,
    FirstFit,
    FirstFitDecreasing,
    NextFit,
    NightlyPipeline,
    Packing,
    TricklePipeline,
    TrickleRule,
    pack,
)
from mds_sim.records import RunRecord
from mds_sim.rng import streams
from mds_sim.sim import LinearService
from mds_sim.stream import (
    FirstMessageWindow,
    StreamPipeline,
    TraceArrivals,
    TumblingWindow,
)

Floats = NDArray[np.float64]

STRATEGIES = {
    "next fit": NextFit(),
    "first fit": FirstFit(),
    "first fit decreasing": FirstFitDecreasing(),
}
WORK = LinearService(per_job=5.0, per_byte=1 / MB, noise=Exponential(1.0))
NIGHT = NightlyPipeline(service=WORK)
STREAM = StreamPipeline(service=LinearService(per_job=900.0, per_item=30.0))

quiet: Callable[..., Comparison] = partial(compare, rng=1, progress=False)


def shifted(mean: float, rng: np.random.Generator) -> float:
    return float(rng.normal(mean))


def figures(mean: float, rng: np.random.Generator) -> dict[str, float]:
    return {"cost": shifted(mean, rng), "days": 3}


def refuses(
    kind: type[Exception], message: str, *arguments: Any, **options: Any
) -> None:
    note = r"(\nin alternative '.*'\nin replication 0, counted from 0)?"
    with pytest.raises(kind, match=f"^{re.escape(message)}{note}$"):
        quiet(*arguments, **options)


class TestTheSameChance:
    def test_of_strategies(self) -> None:
        found = quiet(STRATEGIES, replications=20)
        for i, rng in enumerate(np.random.default_rng(1).spawn(20)):
            (sizes,) = FileSource().sample(1, streams(rng).sizes)
            for name, strategy in STRATEGIES.items():
                row = found.names.index(name)
                buckets = pack(sizes, strategy=strategy).n_buckets
                assert found.values[row, i] == buckets

    def test_of_records_as_the_pipeline_simulates_them(self) -> None:
        found = quiet(STRATEGIES, NIGHT, metric="makespan", nights=2, replications=5)
        for row, strategy in enumerate(STRATEGIES.values()):
            pipeline = NightlyPipeline(service=WORK, strategy=strategy)
            chance = np.random.default_rng(1).spawn(5)
            spans = [pipeline.simulate(2, rng).makespan for rng in chance]
            assert found.values[row].tolist() == spans

    def test_of_two_as_compare_pair_has_it(self) -> None:
        nights = partial(shifted, 1.0), partial(shifted, 2.0)
        pair = compare_pair(*nights, 30, 1, progress=False)
        found = quiet(dict(zip("ab", nights, strict=True)), replications=30)
        assert np.array_equal(found.values, [pair.first, pair.second])
        assert found.difference("a", "b").mean == pytest.approx(-1.0)

    def test_it_cuts_the_variance(self) -> None:
        found = quiet(STRATEGIES, replications=300, stop_early=False)
        assert found.variance_reduction("first fit", "first fit decreasing") > 2
        assert found.variance_reduction("next fit", "first fit decreasing") > 2

    @pytest.mark.parametrize("executor", ["threads", "pool"])
    def test_wherever_it_runs(self, executor: str) -> None:
        alone = quiet(STRATEGIES, replications=250)
        with WorkerPool(2) as pool:
            there = pool if executor == "pool" else executor
            other = quiet(STRATEGIES, replications=250, executor=there)
        assert np.array_equal(other.values, alone.values)
        assert other.stopped == alone.stopped

    @pytest.mark.slow
    def test_in_other_processes(self) -> None:
        pipelines = {"9": STREAM, "10": StreamPipeline(service=Constant(900.0))}
        options = {"until": HOUR, "replications": 8}
        far = quiet(pipelines, executor="processes", **options)
        assert np.array_equal(far.values, quiet(pipelines, **options).values)

    def test_more_replications_begin_with_the_same(self) -> None:
        # Looks after 100, and after 200.
        laws = {name: partial(shifted, 0.0) for name in "ab"}
        assert np.array_equal(
            quiet(laws, replications=200).values[:, :120],
            quiet(laws, replications=120).values,
        )


class TestWhatCanBeCompared:
    def test_windows_in_a_stream(self) -> None:
        windows = [FirstMessageWindow(5 * MINUTE), TumblingWindow(5 * MINUTE)]
        found = quiet(windows, STREAM, until=6 * HOUR, replications=4)
        assert found.metric == "latency_p99"
        assert found.names == (repr(windows[0]), repr(windows[1]))
        chance = np.random.default_rng(1).spawn(4)
        second = StreamPipeline(service=STREAM.service, window=windows[1])
        records = [second.simulate(until=6 * HOUR, rng=rng) for rng in chance]
        assert found.values[1].tolist() == [
            record.summary().latency_p99 for record in records
        ]

    def test_numbers_of_numpy_are_named_as_others_are(self) -> None:
        found = quiet(np.array([1, 2]), STREAM, until=600.0, replications=2)
        assert found.names == ("1", "2")

    def test_differences_that_never_vary_but_by_rounding(self) -> None:
        laws = {f"{k}": partial(shifted, 0.02 * k) for k in range(3)}
        found = quiet(laws, replications=50)
        assert [str(found.difference("1", "0")), str(found.difference("2", "0"))] == [
            "0.02 in [0.02, 0.02] (95 %, 50 pairs; all 3 at once)",
            "0.04 in [0.04, 0.04] (95 %, 50 pairs; all 3 at once)",
        ]
        assert found.variance_reduction("1", "0") == float("inf")

    def test_pool_sizes(self) -> None:
        found = quiet([3, 5], STREAM, metric="utilisation", until=DAY, replications=3)
        assert found.names == ("3", "5")
        assert (found.values[0] > found.values[1]).all()
        nightly = quiet({"few": 2, "many": np.int64(20)}, NIGHT, replications=3)
        assert (nightly.metric, nightly.unit) == ("makespan", "s")
        assert nightly.best == "many"

    def test_whole_pipelines(self) -> None:
        nights = {
            "10 MB": NightlyPipeline(service=WORK),
            "50 MB": NightlyPipeline(service=WORK, capacity=50 * MB),
        }
        assert quiet(nights, replications=120).best == "10 MB"
        packings = [NightlyPipeline(capacity=k * MB) for k in (10, 20)]
        found = quiet(dict(zip("ab", packings, strict=True)), replications=120)
        assert (found.metric, found.best) == ("buckets", "b")

    def test_files_that_trickle_in(self) -> None:
        times, sizes = [0.0, 60.0, 7200.0], [5, 5, 5]
        pipelines = {
            str(capacity): TricklePipeline(
                times, sizes, TrickleRule(capacity, timeout=HOUR), service=Constant(9.0)
            )
            for capacity in (5, 10)
        }
        found = quiet(pipelines, metric="jobs", replications=3)
        assert found.values.tolist() == [[3, 3, 3], [2, 2, 2]]

    def test_functions(self) -> None:
        laws = {"a": partial(figures, 1.0), "b": partial(figures, 2.0)}
        found = quiet(laws, metric="cost", replications=200)
        assert (found.best, found.metric) == ("a", "cost")
        half = quiet(laws, metric=lambda x: x["cost"] / 2, replications=200)
        assert np.array_equal(half.values, found.values / 2)
        assert half.metric == "value"

    def test_functions_that_give_records(self) -> None:
        many = NightlyPipeline(service=WORK, workers=20)
        calls = {"10": partial(NIGHT.simulate, 1), "20": partial(many.simulate, 1)}
        found = quiet(calls, metric="makespan", replications=5)
        same = quiet({"10": NIGHT, "20": many}, metric="makespan", replications=5)
        assert np.array_equal(found.values, same.values)

    def test_a_trace_is_played_to_its_end(self) -> None:
        trace = TraceArrivals([0.0, 10.0, 2 * DAY])
        stream = StreamPipeline(arrivals=trace, service=Constant(1.0))
        found = quiet([1, 2], stream, metric="items", replications=2)
        assert found.values.tolist() == [[3, 3], [3, 3]]

    def test_nights_that_are_given(self) -> None:
        nights = NightlyPipeline([[6, 5, 4, 5], [2, 2, 2, 2]], capacity=10)
        found = quiet([NextFit(), FirstFitDecreasing()], nights, replications=2)
        # 6 5|4 5 and 2 2 2 2: three and one buckets, two and one.
        assert found.values.tolist() == [[2.0, 2.0], [1.5, 1.5]]

    def test_every_figure_of_a_packing_is_that_of_the_packing(self) -> None:
        first = np.random.default_rng(1).spawn(1)[0]
        (sizes,) = FileSource().sample(1, streams(first).sizes)
        packing = pack(sizes, strategy=NextFit())
        strategies = [NextFit(), FirstFit()]
        for metric, value in {
            "buckets": packing.n_buckets,
            "gap": packing.gap,
            "lower_bound": packing.lower_bound,
            "fill_mean": packing.summary().fill_mean,
            "fill_min": packing.summary().fill_min,
            "oversize": packing.n_oversize,
            Packing.gap.fget: packing.gap,  # type: ignore[attr-defined]
        }.items():
            found = quiet(strategies, metric=metric, replications=2)
            assert found.values[0, 0] == value

    def test_a_function_of_the_record(self) -> None:
        found = quiet(STRATEGIES, NIGHT, metric=len_of_jobs, replications=2)
        assert np.array_equal(found.values, quiet(STRATEGIES, replications=2).values)
        assert found.metric == "len_of_jobs"


def len_of_jobs(record: RunRecord) -> int:
    return len(record.jobs)


class TestVerdict:
    @pytest.fixture
    def found(self) -> Comparison:
        # n = 400 normal values with a common part: a and b overlap with no one else.
        rng = np.random.default_rng(1)
        common = rng.normal(size=400) * 5
        means = np.array([[3.0], [0.0], [0.04], [1.0]])
        values = common + means + rng.normal(size=(4, 400))
        values = np.vstack([values, values[3]])
        return Comparison(("d", "a", "b", "c", "e<"), values, stopped="as asked")

    def test_ranking_and_groups(self, found: Comparison) -> None:
        assert sorted(found.ranking[:2]) == ["a", "b"]
        assert found.ranking[2:] == ("c", "e<", "d")
        assert found.best == found.ranking[0]
        assert found.leaders == found.ranking[:2]
        assert found.groups == (found.ranking[:2], ("c", "e<"), ("d",))
        assert [found.letters(name) for name in found.ranking] == list("aabbc")

    def test_equal_ones_are_said_to_be(self, found: Comparison) -> None:
        assert found.always_equal("c", "e<")
        assert not found.always_equal("a", "b")
        assert str(found.difference("c", "e<")) == (
            "0 in [0, 0] (95 %, 400 pairs; all 10 at once)"
        )
        assert found.variance_reduction("c", "e<") == np.inf
        first, second = found.leaders
        assert found.findings == (
            f"{first} and {second} cannot be told apart.",
            "c and e< are equal in all 400 replications.",
            "As asked.",
        )

    def test_differences_turn_round(self, found: Comparison) -> None:
        one, other = found.difference("a", "d"), found.difference("d", "a")
        assert (one.mean, one.low, one.high) == (-other.mean, -other.high, -other.low)
        assert one.mean == pytest.approx(found.mean("a").mean - found.mean("d").mean)
        assert found.is_clear("a", "d")
        assert not found.is_clear("a", "b")
        assert one.contains(-3.0)

    def test_the_common_part_cancels_out(self, found: Comparison) -> None:
        # (26 + 26) / 2 in truth; 400 values each: standard error below 2.6.
        assert 18 < found.variance_reduction("a", "d") < 34

    def test_more_may_be_better(self, found: Comparison) -> None:
        turned = Comparison(found.names, found.values, direction="max")
        assert turned.best == "d"
        assert turned.leaders == ("d",)
        assert "below the best by" in str(turned)

    def test_a_mean_has_the_interval_of_replications(self, found: Comparison) -> None:
        assert found.mean("a") == mean_interval(found.values[1])

    def test_a_table(self) -> None:
        values = [[3.0, 4.0, 5.0, 4.0], [1.0, 2.0, 3.0, 2.5], [1.0, 2.0, 3.0, 2.5]]
        names, rows = ("x & y", "z", "w"), np.array(values)
        found = Comparison(names, rows, "latency_p99", stopped="done")
        assert str(found) == (
            "latency_p99 [s], less is better: 2 of 3 cannot be told from the best\n"
            "  alternative  mean  above the best by  group\n"
            "  z             2.1                         a\n"
            "  w             2.1       always equal      a\n"
            "  x & y         4.0  1.88 [0.90, 2.48]      b\n"
            "z and w are equal in all 4 replications.\n"
            "Done."
        )
        html = found._repr_html_()
        assert ">x &amp; y</th><td>4.0</td>" in html
        assert html.endswith(
            "<p>z and w are equal in all 4 replications.</p><p>Done.</p>"
        )
        assert repr(found) == (
            "Comparison(3 alternatives, 4 replications; latency_p99 [s], less is "
            "better: 2 of 3 cannot be told from the best)"
        )

    def test_names_are_escaped(self, found: Comparison) -> None:
        html = found._repr_html_()
        assert ">e&lt;</th>" in html
        assert "<p>c and e&lt; are equal in all 400 replications.</p>" in html

    def test_a_dictionary_for_json(self, found: Comparison) -> None:
        facts = json.loads(json.dumps(found.to_dict()))
        assert facts["leaders"] == list(found.leaders)
        assert list(facts["alternatives"]) == list(found.ranking)
        assert facts["alternatives"]["d"]["groups"] == "c"
        assert facts["alternatives"]["d"]["mean"] == found.mean("d").mean
        assert len(facts["differences"]) == 10
        equal = facts["differences"][7]
        assert (equal["first"], equal["second"], equal["clear"]) == ("c", "e<", False)
        assert equal["variance_reduction"] is None
        assert facts["groups"] == [list(group) for group in found.groups]

    def test_one_may_be_in_two_groups(self) -> None:
        # Steps of 0.12; intervals reach 0.14 to both sides.
        noise = np.random.default_rng(2).normal(size=(3, 600))
        noise = (noise - noise.mean(axis=1, keepdims=True)) * 1.0
        found = Comparison(("a", "b", "c"), np.array([[0.0], [0.12], [0.24]]) + noise)
        assert found.is_clear("a", "c")
        assert found.groups == (("a", "b"), ("b", "c"))
        assert [found.letters(name) for name in "abc"] == ["a", "ab", "b"]

    def test_many_groups(self) -> None:
        noise = np.random.default_rng(1).normal(size=(30, 50)) * 1e-3
        names = tuple(f"n{i}" for i in range(30))
        found = Comparison(names, np.arange(30.0)[:, None] + noise)
        assert found.ranking == names
        assert [found.letters(n) for n in ("n0", "n25", "n26")] == ["a", "z", "27"]

    def test_values_are_sealed(self, found: Comparison) -> None:
        with pytest.raises(ValueError, match="read-only"):
            found.values[0, 0] = 1.0


class TestDirection:
    def test_more_is_better_where_it_is(self) -> None:
        full = quiet(STRATEGIES, metric="fill_mean", replications=120)
        assert full.direction == "max"
        assert full.ranking[-1] == "next fit"
        turned = quiet(STRATEGIES, metric="fill_mean", best="min", replications=120)
        assert turned.best == "next fit"

    def test_less_is_better_elsewhere(self) -> None:
        assert quiet(STRATEGIES, replications=2).direction == "min"
        found = quiet(STRATEGIES, metric=lambda p: p.n_buckets, replications=2)
        assert found.direction == "min"


class TestStopping:
    def test_it_stops_when_all_is_clear(self) -> None:
        laws = {name: partial(shifted, float(i)) for i, name in enumerate("abc")}
        found = quiet(laws)
        assert found.stopped == "clear after 125 replications"
        assert (found.replications, found.share) == (125, 0.125)

    def test_equal_ones_go_on_to_the_end(self) -> None:
        found = quiet([FirstFitDecreasing(), BestFitDecreasing()], replications=200)
        assert found.stopped == "1 of 1 difference not clear after 200 replications"

    def test_alternatives_that_are_the_same(self) -> None:
        found = quiet({"a": FirstFit(), "b": FirstFit()}, replications=100)
        assert found.findings[0] == "a and b are equal in all 100 replications."
        assert found.ranking == ("a", "b")

    def test_it_need_not_stop(self) -> None:
        laws = {name: partial(shifted, float(i)) for i, name in enumerate("ab")}
        found = quiet(laws, replications=200, stop_early=False)
        assert (found.replications, found.share) == (200, 1.0)
        assert found.stopped == "clear after 200 replications"

    def test_precision(self) -> None:
        found = quiet(STRATEGIES, precision=0.15, replications=2000)
        assert found.difference("next fit", "first fit").half_width <= 0.15
        assert re.match(r"precise to 0\.1\d+ after \d+ replications$", found.stopped)
        assert found.replications < 2000

    def test_progress(self, capsys: pytest.CaptureFixture[str]) -> None:
        compare(STRATEGIES, replications=3, rng=1)
        assert "/3 [" in capsys.readouterr().err
        quiet(STRATEGIES, replications=3)
        assert capsys.readouterr().err == ""


@dataclass(frozen=True)
class Broken:
    def assign(self, sizes: Any, capacity: int) -> Any:
        raise RuntimeError("out of order")


class TestBadInput:
    def test_too_few(self) -> None:
        refuses(ValueError, "alternatives must be at least two, got 0", {})
        refuses(ValueError, "alternatives must be at least two, got 1", [NextFit()])

    def test_names_twice(self) -> None:
        message = (
            "alternatives must have different names, but two are NextFit(); give a "
            "mapping of names to alternatives"
        )
        refuses(ValueError, message, [NextFit(), FirstFit(), NextFit()])

    @pytest.mark.parametrize("what", [NextFit(), "ab", 7])
    def test_no_collection(self, what: Any) -> None:
        message = (
            "alternatives must be a mapping of names to alternatives, or a list of "
            f"them, got {what!r}"
        )
        refuses(TypeError, message, what)

    def test_a_name_that_is_no_word(self) -> None:
        message = "a name of alternatives must be a word, got 1"
        refuses(TypeError, message, {1: NextFit(), 2: FirstFit()})

    def test_different_kinds(self) -> None:
        message = (
            "alternatives must be of one kind, but 'NextFit()' is a bucketing strategy "
            "and '7' is a pool size"
        )
        refuses(TypeError, message, [NextFit(), 7])
        message = (
            "alternatives must be of one kind, but 'a' is a stream pipeline and 'b' is "
            "a nightly pipeline"
        )
        refuses(TypeError, message, {"a": STREAM, "b": NIGHT})

    @pytest.mark.parametrize(
        ("value", "got"),
        [(2.5, "2.5"), (True, "True"), (NextFit, "the class NextFit: call it")],
    )
    def test_no_kind_at_all(self, value: Any, got: str) -> None:
        message = (
            "alternatives['a'] must be a bucketing strategy, a window rule, a pool "
            f"size, a pipeline or a function of a random generator, got {got}"
        )
        refuses(TypeError, message, {"a": value, "b": NextFit()})

    def test_a_metric_that_is_not_there(self) -> None:
        message = "metric must be one of 'buckets', 'gap', 'lower_bound', 'fill_mean', "
        with pytest.raises(ValueError, match=f"^{message}") as caught:
            quiet(STRATEGIES, NIGHT, metric="bukets")
        assert str(caught.value).endswith("'bytes', got 'bukets'")
        assert "'makespan', " in str(caught.value)
        with pytest.raises(
            ValueError, match=r"^metric must be one of 'items', "
        ) as caught:
            quiet([1, 2], STREAM, metric="buckets")
        assert str(caught.value).endswith("got 'buckets'")
        laws = {"a": partial(figures, 1.0), "b": partial(figures, 2.0)}
        message = "metric must be one of 'cost', 'days', got 'price'"
        refuses(ValueError, message, laws, metric="price")
        numbers = {name: partial(shifted, 0.0) for name in "ab"}
        message = "metric must be left out where results are numbers, got 'price'"
        refuses(ValueError, message, numbers, metric="price")
        message = "metric must be the name of a figure or a function, got 3"
        refuses(TypeError, message, laws, metric=3)

    def test_a_figure_that_is_no_number(self) -> None:
        laws = {"a": lambda rng: 1.0, "b": lambda rng: float("nan")}
        message = "metric must give a finite number, but value of 'b' is nan"
        refuses(ValueError, message, laws)
        message = "metric must give a finite number, but offered_load of '1' is None"
        trace = TraceArrivals([0.0])
        stream = StreamPipeline(arrivals=trace, service=Constant(1.0))
        refuses(ValueError, message, [1, 2], stream, metric="offered_load")

    def test_no_service(self) -> None:
        message = (
            "service must be given for makespan, such as LinearService(per_job=30), "
            "in the scenario or in each pipeline"
        )
        refuses(ValueError, message, STRATEGIES, metric="makespan")

    def test_a_scenario_that_does_not_fit(self) -> None:
        message = (
            "scenario must be a NightlyPipeline, in which each bucketing strategy "
            f"takes its turn, got {STREAM!r}"
        )
        refuses(TypeError, message, STRATEGIES, STREAM)
        message = (
            "scenario must be a StreamPipeline, in which each window rule takes its "
            "turn, got None"
        )
        refuses(TypeError, message, [FirstMessageWindow(1), TumblingWindow(1)])
        message = (
            "scenario must be a NightlyPipeline or a StreamPipeline, in which each "
            "pool size takes its turn, got None"
        )
        refuses(TypeError, message, [1, 2])
        message = (
            "scenario must be left out where each alternative is a stream pipeline, "
            f"got {STREAM!r}"
        )
        refuses(ValueError, message, {"a": STREAM, "b": STREAM}, STREAM)
        refuses(ValueError, "workers must be >= 1, got 0", [1, 0], STREAM)

    def test_options_that_contradict(self) -> None:
        message = (
            "precision must be left out with stop_early=False, which does all "
            "replications, got 0.1"
        )
        refuses(ValueError, message, STRATEGIES, precision=0.1, stop_early=False)
        message = "until must be left out where there is no stream, got 60.0"
        refuses(ValueError, message, STRATEGIES, until=60.0)
        message = "nights must be left out where there are no nights, got 2"
        refuses(ValueError, message, [1, 2], STREAM, nights=2)

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"replications": 1}, "replications must be >= 2, got 1"),
            ({"precision": 0}, "precision must be > 0 and finite, got 0"),
            ({"confidence": 1}, "confidence must be > 0 and < 1, got 1"),
            ({"best": "less"}, "best must be 'min' or 'max', got 'less'"),
            ({"nights": 0}, "nights must be >= 1, got 0"),
        ],
    )
    def test_options(self, option: dict[str, Any], message: str) -> None:
        refuses(ValueError, message, STRATEGIES, **option)

    def test_an_alternative_that_fails(self) -> None:
        message = (
            "^out of order\\nin alternative 'bad'\\nin replication 0, counted from 0$"
        )
        with pytest.raises(RuntimeError, match=message):
            quiet({"good": NextFit(), "bad": Broken()}, replications=5)

    def test_no_figures_at_all(self) -> None:
        message = "metric must give a finite number, but value of 'a' is []"
        refuses(ValueError, message, {"a": lambda rng: [], "b": lambda rng: 1.0})

    def test_a_name_that_is_not_there(self) -> None:
        found = quiet(STRATEGIES, replications=2)
        message = (
            "name must be one of 'next fit', 'first fit', 'first fit decreasing', "
            "got 'worst fit'"
        )
        with pytest.raises(ValueError, match=f"^{message}$"):
            found.mean("worst fit")
        message = "second must be another than first, got 'next fit' twice"
        with pytest.raises(ValueError, match=f"^{message}$"):
            found.difference("next fit", "next fit")

    def test_values_that_are_no_table(self) -> None:
        message = "values must have a row for each of 2 names, got shape (3,)"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            Comparison(("a", "b"), np.ones(3))
        message = "values must have at least 2 rows of 2 replications, got shape (2, 1)"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            Comparison(("a", "b"), np.ones((2, 1)))
