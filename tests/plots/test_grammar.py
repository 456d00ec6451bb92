"""One grammar for all figures: what each looks like can be read without its colours.

Simulation is markers with intervals, theory a line, a bound grey dashes. Each figure
is drawn from real results, and then asked for what a reader needs.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import same_color, to_rgba
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.patches import Patch

from mds_sim import data, plots
from mds_sim.analysis import (
    Comparison,
    Format,
    Interval,
    StreamAnswer,
    compare_formats,
    diagnose,
    mser5,
    plan_buckets,
    plan_workers,
    what_if,
)
from mds_sim.core.insights import PoolInsights, WorkerInfo
from mds_sim.core.task import TaskRecord
from mds_sim.distributions import Constant, Exponential
from mds_sim.files import (
    BestFit,
    FileSource,
    FirstFit,
    FirstFitDecreasing,
    NextFit,
    NightlyPipeline,
    Packing,
    bucket_sizes,
    pack,
)
from mds_sim.plots.style import COLOURS, FILLS, INK, OKABE_ITO, QUIET, look, looks
from mds_sim.records import Failure, RunRecord
from mds_sim.sim import LinearService
from mds_sim.stream import StreamPipeline, read_arrivals
from mds_sim.system import System, SystemRecord
from mds_sim.theory import FirstMessageLaw
from mds_sim.tournament import GreedySeating, RandomSeating, Tournament

Draw = Callable[[Axes], Axes]

# What an axis counts or names, so that a unit would say nothing.
COUNTS = {
    "alternative", "arrivals an hour", "best player wins [share]", "bucket",
    "buckets, the fullest first", "hour of the day", "interval", "items",
    "items a minute", "jobs", "mean cost", "messages in a batch", "mini-batch",
    "player", "round", "share of batches", "share of buckets at most so full",
    "share of files at least so large", "share of messages done", "strategy", "values",
    "worker", "workers",
}  # fmt: skip
UNIT = re.compile(r"\[.+\]|\b(s|min|h|d)$|\d %|\(dashed: lower bound, \d+\)$")


@cache
def record() -> SystemRecord:
    stream = StreamPipeline(service=Exponential(400.0))
    night = NightlyPipeline(FileSource(200), service=Exponential(60.0))
    return System(stream, night, night_at=600.0).simulate(3600.0, rng=1)


@cache
def answer() -> StreamAnswer:
    return what_if(1 / 6, 300, 2400, 10, days=4, rng=1)


@cache
def insights() -> PoolInsights:
    """Two workers, one of which fails."""
    tasks = (
        TaskRecord(0, "a", 0.0, 60.0, 540.0, 0, None),
        TaskRecord(1, "b", 0.0, 240.0, 300.0, 1, OSError("full")),
    )
    names = (WorkerInfo(0, "worker-0", 0.0, 60.0), WorkerInfo(1, "worker-1", 0.0, 90.0))
    return PoolInsights(tasks, names, until=600.0)


@cache
def nights() -> dict[str, list[Packing]]:
    rng = np.random.default_rng(1)
    sizes = [rng.integers(1, 60, 60) for _ in range(5)]
    rules = (FirstFitDecreasing(), NextFit(), FirstFit(), BestFit())
    return {type(rule).__name__: [pack(s, 100, rule) for s in sizes] for rule in rules}


def with_failure() -> RunRecord:
    night = NightlyPipeline([6, 5, 7], capacity=10, service=Constant(600.0), workers=2)
    run = night.simulate()
    return RunRecord(
        run.items, run.jobs, run.workers, capacity=run.capacity,
        failures=(Failure(1, None, "no"),),
    )  # fmt: skip


def strategies(ax: Axes) -> Axes:
    return plots.plot_strategies(
        {name: found[0] for name, found in nights().items()}, ax=ax
    )


def comparison(ax: Axes) -> Axes:
    buckets = [[12.0, 14, 13, 15, 12], [12.5, 14, 12, 15, 12], [22.0, 24, 23, 25, 22]]
    names = ("BestFit", "FirstFit", "NextFit")
    return plots.plot_comparison(Comparison(names, buckets, "buckets"), ax=ax)


def latency_by(ax: Axes) -> Axes:
    alone = StreamPipeline(service=Exponential(400.0)).simulate(until=3600.0, rng=1)
    both = {"with the night": record(), "alone": alone}
    return plots.plot_latency_by(both, minutes=5, ax=ax)


def batch_sizes(ax: Axes) -> Axes:
    law = FirstMessageLaw(rate=1 / 6, length=300.0)
    return plots.plot_batch_sizes(record().stream, law, ax=ax)


def new_faces(ax: Axes) -> Axes:
    def runs(seating: Any) -> list[Any]:
        options: dict[str, Any] = {"rounds": 5, "seating": seating}
        return [Tournament(16, 4, 4, rng=i, **options).play() for i in range(3)]

    faces = {"random": runs(RandomSeating()), "greedy": runs(GreedySeating())}
    return plots.plot_new_faces(faces, ax=ax)


def formats(ax: Axes) -> Axes:
    both = {"random": Format(), "greedy": Format(GreedySeating())}
    found = compare_formats(both, 8, 2, 4, 2, replications=9, rng=1)
    return plots.plot_formats(found, ax=ax)


def curve(ax: Axes) -> Axes:
    service = LinearService(per_job=1.0, per_byte=1.0)
    found = bucket_sizes([[4] * 40, [5] * 30], [8, 16, 24, 40], service, workers=5)
    return plots.plot_bucket_sizes(found, ax=ax)


def plan_of_buckets(ax: Axes) -> Axes:
    night = NightlyPipeline(
        [9, 5, 5, 5, 5, 1], capacity=10, service=LinearService(1.0, per_byte=1.0)
    )
    options: dict[str, Any] = {"capacities": [5, 10], "orders": ["given", "longest"]}
    plan = plan_buckets(night, 20.0, probability=0.5, rng=1, progress=False, **options)
    return plots.plot_plan(plan, ax=ax)


def plan_of_workers(ax: Axes) -> Axes:
    stream = StreamPipeline(service=Exponential(1200.0))
    plan = plan_workers(stream, 7800, rng=1, progress=False)
    return plots.plot_plan(plan, ax=ax)


def intervals(ax: Axes) -> Axes:
    def around(x: float) -> Interval:
        return Interval(x, 1.0, 0.95, 9, "values")

    some = {"nine": around(1.0), "ten": around(9.0)}
    return plots.plot_intervals(some, truth=1.5, quantity="waiting [s]", ax=ax)


def warmup(ax: Axes) -> Axes:
    series = [9.0] * 20 + [1.0, 2.0] * 100
    return plots.plot_warmup(series, mser5(series), quantity="waiting [s]", ax=ax)


def evening() -> Any:
    return Tournament(16, 4, 4, rounds=5, rng=1).play()


EXAMPLES: dict[str, Draw] = {
    "plot_batch_sizes": batch_sizes,
    "plot_bucket_sizes": curve,
    "plot_busy": lambda ax: plots.plot_busy(record().stream, ax=ax),
    "plot_comparison": comparison,
    "plot_daily_rate": lambda ax: plots.plot_daily_rate(
        diagnose(read_arrivals(data.EARTHQUAKES, "time")), ax=ax
    ),
    "plot_done_within": lambda ax: plots.plot_done_within(answer(), ax=ax),
    "plot_fill": lambda ax: plots.plot_fill(pack([6, 5, 4, 25], 10), ax=ax),
    "plot_fills": lambda ax: plots.plot_fills(nights(), ax=ax),
    "plot_formats": formats,
    "plot_gantt": lambda ax: plots.plot_gantt(
        {"mini-batches": record().stream, "buckets": record().nightly}, ax=ax
    ),
    "plot_gantt of insights": lambda ax: plots.plot_gantt(insights(), ax=ax),
    "plot_gantt with a failure": lambda ax: plots.plot_gantt(with_failure(), ax=ax),
    "plot_intervals": intervals,
    "plot_latency": lambda ax: plots.plot_latency(record().stream, ax=ax),
    "plot_latency_by": latency_by,
    "plot_meetings": lambda ax: plots.plot_meetings(evening(), ax=ax),
    "plot_meetings_by_round": lambda ax: plots.plot_meetings_by_round(evening(), ax=ax),
    "plot_new_faces": new_faces,
    "plot_over_bound": lambda ax: plots.plot_over_bound(nights(), ax=ax),
    "plot_packing": lambda ax: plots.plot_packing(nights()["FirstFit"][0], ax=ax),
    "plot_plan": plan_of_workers,
    "plot_plan of buckets": plan_of_buckets,
    "plot_pool_sizes": lambda ax: plots.plot_pool_sizes(answer(), ax=ax),
    "plot_size_laws": lambda ax: plots.plot_size_laws(
        diagnose(data.deb_sizes().sizes), ax=ax
    ),
    "plot_strategies": strategies,
    "plot_throughput": lambda ax: plots.plot_throughput(record().stream, ax=ax),
    "plot_warmup": warmup,
    "plot_windows": lambda ax: plots.plot_windows(record().stream, ax=ax),
    "plot_workers": lambda ax: plots.plot_workers(insights(), ax=ax),
}
SCENES = {"plot_meetings_by_round"}  # without axes
DRAWINGS = {"plot_stream_at"}  # with places instead of quantities: test_stream_scene.py


@pytest.fixture
def ax() -> Iterator[Axes]:
    with plt.style.context("default"):
        yield plt.subplots()[1]
    plt.close("all")


def contrast(colour: Any, ground: Any = "white") -> float:
    """Return the contrast of two colours by WCAG 2.2; a pale one lies on white."""
    light, dark = sorted([_luminance(colour), _luminance(ground)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Any) -> float:
    *rgb, alpha = to_rgba(colour)
    on_white = alpha * np.array(rgb) + 1.0 - alpha
    linear = np.where(
        on_white <= 0.04045, on_white / 12.92, ((on_white + 0.055) / 1.055) ** 2.4
    )
    return float(linear @ [0.2126, 0.7152, 0.0722])


def faults(ax: Axes) -> list[str]:
    """List what breaks the grammar in a figure."""
    return [*_twins(ax), *_pale_lines(ax), *_pale_areas(ax), *_words_that_lie(ax)]


def _series(ax: Axes) -> Iterator[tuple[str, object]]:
    """Yield the series that a legend would name, and how they look but for colours."""
    bars = {patch for each in ax.containers for patch in _patches(each)}
    for each in ax.containers:
        if isinstance(each, BarContainer) and each.patches:
            bar = each.patches[0]
            yield str(each.get_label()), ("bar", bar.get_hatch(), bar.get_height())
        elif isinstance(each, ErrorbarContainer):
            yield str(each.get_label()), _line(each.lines[0])
    for line in ax.lines:
        yield str(line.get_label()), _line(line)
    for patch in ax.patches:
        if patch not in bars:
            yield (
                str(patch.get_label()),
                ("area", patch.get_linestyle(), patch.get_hatch()),
            )


def _patches(container: Any) -> list[Patch]:
    return container.patches if isinstance(container, BarContainer) else []


def _line(line: Any) -> object:
    face = line.get_markerfacecolor()
    hollow = same_color(face, "white") or same_color(face, "none")
    return line.get_marker(), str(line._dash_pattern), line.get_linestyle(), hollow


def _twins(ax: Axes) -> Iterator[str]:
    """Find two series that differ in colour alone."""
    named = {label: seen for label, seen in _series(ax) if label[:1] not in ("_", "")}
    for one, other in combinations(named, 2):
        if named[one] == named[other]:
            yield f"{one!r} and {other!r} differ in colour alone"


def _pale_lines(ax: Axes) -> Iterator[str]:
    """Find lines, markers and words that are too pale on white."""
    for line in ax.lines:
        if contrast(to_rgba(line.get_color(), line.get_alpha())) < 3:
            yield f"line {line.get_label()!r} is pale: {line.get_color()}"
    for lines in ax.collections:
        if isinstance(lines, LineCollection):
            for colour in np.asarray(lines.get_edgecolor()):
                if contrast(colour) < 3:
                    yield f"interval is pale: {colour}"
    for text in [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts]:
        if contrast(text.get_color()) < 4.5 and text.get_color() != "white":
            yield f"text {text.get_text()!r} is pale: {text.get_color()}"


def _pale_areas(ax: Axes) -> Iterator[str]:
    """Find areas that can hardly be seen on white, for want of an edge."""
    for patch in ax.patches:
        has_edge = contrast(patch.get_edgecolor()) >= 3 and patch.get_linewidth() > 0
        if contrast(patch.get_facecolor()) < 3 and not has_edge:
            yield f"area {patch.get_label()!r} is pale: {patch.get_facecolor()}"


def _words_that_lie(ax: Axes) -> Iterator[str]:
    """Find theory that is no line, a bound that is no dashes, and so on."""
    intervals = {
        str(each.get_label())
        for each in ax.containers
        if isinstance(each, ErrorbarContainer)
    }
    for line in ax.lines:
        label = str(line.get_label())
        plain = line.get_marker() in ("", "None", None)
        solid, dashed = line.get_linestyle() == "-", line.get_linestyle() == "--"
        if "theory" in label and not (plain and solid):
            yield f"{label!r} is theory, but no line"
        if "theory" in label and not same_color(line.get_color(), COLOURS["theory"]):
            yield f"{label!r} has not the colour of theory"
        if "bound" in label and not (plain and dashed):
            yield f"{label!r} is a bound, but no dashes"
        if "bound" in label and not same_color(line.get_color(), COLOURS["bound"]):
            yield f"{label!r} has not the colour of a bound"
        if "simulated" in label and label not in intervals:
            yield f"{label!r} is simulated, but has no markers with intervals"


def test_there_is_an_example_of_each_figure() -> None:
    public = {name for name in plots.__all__ if name.startswith("plot_")}
    assert {name.partition(" ")[0] for name in EXAMPLES} == public - DRAWINGS


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_can_be_read_without_its_colours(name: str, ax: Axes) -> None:
    assert faults(EXAMPLES[name](ax)) == []


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in SCENES])
def test_a_figure_has_a_title_and_its_axes_have_units(name: str, ax: Axes) -> None:
    EXAMPLES[name](ax)
    assert ax.get_title() or ax.get_title("left")
    for label in (ax.get_xlabel(), ax.get_ylabel()):
        assert label in COUNTS or UNIT.search(label), label


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_has_a_title(name: str, ax: Axes) -> None:
    EXAMPLES[name](ax)
    assert ax.get_title() or ax.get_title("left")


BAD: dict[str, Draw] = {
    "'a' and 'b' differ in colour alone": lambda ax: [  # type: ignore[dict-item]
        ax.plot([0, 1], color=colour, label=name)
        for name, colour in (("a", INK[0]), ("b", INK[3]))
    ],
    "line 'a' is pale: #F0E442": lambda ax: ax.plot(  # type: ignore[dict-item]
        [0, 1], color="#F0E442", label="a"
    ),
    "text 'a' is pale: grey": lambda ax: ax.text(0, 0, "a", color="grey"),  # type: ignore[dict-item,return-value]
    "'theory' is theory, but no line": lambda ax: ax.plot(  # type: ignore[dict-item]
        [0, 1], "o", color=COLOURS["theory"], label="theory"
    ),
    "'bound' is a bound, but no dashes": lambda ax: ax.axhline(  # type: ignore[dict-item,return-value]
        1.0, color=COLOURS["bound"], label="bound"
    ),
    "'theory' has not the colour of theory": lambda ax: ax.plot(  # type: ignore[dict-item]
        [0, 1], color="black", label="theory"
    ),
    "'bound' has not the colour of a bound": lambda ax: ax.axhline(  # type: ignore[dict-item,return-value]
        1.0, color="black", linestyle="--", label="bound"
    ),
    "'simulated' is simulated, but has no markers with intervals": lambda ax: ax.plot(  # type: ignore[dict-item]
        [0, 1], "o", color=INK[0], label="simulated"
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_figure_is_found(fault: str, ax: Axes) -> None:
    BAD[fault](ax)
    assert faults(ax) == [fault]


def test_bars_that_differ_in_colour_alone_or_are_pale_are_found(ax: Axes) -> None:
    ax.barh([0], [1], color=FILLS["buckets"], label="a")
    ax.barh([1], [1], color=OKABE_ITO[6], label="b")
    ax.vlines([1], 0, 1, colors=OKABE_ITO[6])
    assert [fault.partition(":")[0] for fault in faults(ax)] == [
        "'a' and 'b' differ in colour alone",
        "interval is pale",
        "area '_nolegend_' is pale",
    ]


class TestColours:
    def test_contrast_is_that_of_the_standard(self) -> None:
        # https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio: 21 at most, 1 at least.
        assert contrast("black") == pytest.approx(21.0)
        assert contrast("white") == 1.0
        assert contrast("#777777") == pytest.approx(4.478, abs=1e-3)

    @pytest.mark.parametrize("colour", sorted({*INK, *COLOURS.values()}))
    def test_lines_and_markers_can_be_seen(self, colour: str) -> None:
        assert contrast(colour) >= 3

    def test_words_can_be_read(self) -> None:
        assert contrast(QUIET) >= 4.5

    def test_an_idea_has_the_same_hue_as_a_line_and_as_an_area(self) -> None:
        places = {idea: INK.index(COLOURS[idea]) for idea in FILLS}
        assert {idea: OKABE_ITO[i] for idea, i in places.items()} == dict(FILLS)
        assert set(COLOURS) - set(FILLS) == {"bound"}

    def test_eight_looks_differ_in_each_part(self) -> None:
        for part in zip(*map(look, range(8)), strict=True):
            assert len(set(map(str, part))) == 8

    def test_a_member_keeps_its_look_beside_strangers(self) -> None:
        family = ("a", "b")
        found = looks(["x", "b", "y"], family)
        assert found == {"x": look(0), "b": look(1), "y": look(2)}
