"""What a cell ends in shows itself as a page that is safe, small and accessible.

A page is judged as a browser would read it: tags in balance, tables with captions and
scopes, nothing that a name could smuggle in, no colour that a dark theme would hide.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from html import unescape
from html.parser import HTMLParser
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import mds_sim
from mds_sim import analysis, data, files, stream, theory, tournament
from mds_sim.analysis import Comparison, Interval, PairComparison, Replications
from mds_sim.core.insights import PoolInsights, WorkerInfo
from mds_sim.core.steps import StepFunction
from mds_sim.core.task import TaskRecord
from mds_sim.distributions import Constant, Exponential
from mds_sim.files import File, FileList, NextFit, NightlyPipeline, pack
from mds_sim.records import Failure, Items, Jobs, RunRecord, no_sizes
from mds_sim.sim import LinearService
from mds_sim.stream import StreamPipeline, TraceArrivals
from mds_sim.system import System
from mds_sim.tournament import Player, Schedule, Tournament

ROOMS = (
    "mds_sim", "mds_sim.analysis", "mds_sim.core", "mds_sim.data", "mds_sim.files",
    "mds_sim.files.optimal", "mds_sim.plots", "mds_sim.sim", "mds_sim.stream",
    "mds_sim.system", "mds_sim.theory", "mds_sim.tournament", "mds_sim.widgets",
)  # fmt: skip
EVIL = "<script>alert(1)</script> & 'x'"
MOST = 20_000  # bytes of a normal page
MOST_OF_HUGE = 60_000

# Why a public class shows itself as plain text.
PLAIN: dict[str, set[str]] = {
    "a setting: its repr is what one types": {
        "AffineKnockout", "AlmostWorstFit", "AlmostWorstFitDecreasing", "Balanced",
        "BestFit", "BestFitDecreasing", "Constant", "CountWindow", "DailyRate",
        "DeltaCompaction", "Empirical", "Exponential", "Failures", "FileSource",
        "FinalLast", "FirstFit", "FirstFitDecreasing", "FirstMessageLaw",
        "FirstMessageWindow", "FixedOutcome", "Format", "FunnelFirst", "Gamma",
        "GreedySeating", "Harmonic", "HorizonSeating", "IcebergSplits", "LinearService",
        "LogNormal", "LookbackFit", "MaxFiles", "MinimumBinSlack",
        "ModifiedFirstFitDecreasing", "NextFit", "NextFitDecreasing",
        "NightlyPipeline", "OpenCost", "Optimal", "Player", "PlackettLuce",
        "PointsLeader", "PoissonArrivals", "RandomSeating", "RenewalArrivals", "Retry",
        "ScheduledSeating", "SessionWindow", "SparkPartitions", "StreamPipeline",
        "SwissSeating", "System", "TricklePipeline", "TrickleRule", "TumblingWindow",
        "Uniform", "VaryingPoissonArrivals", "WorstFit", "WorstFitDecreasing",
    },
    "a protocol, or the base of others": {
        "Arrivals", "BucketingStrategy", "Clock", "Contention", "Law", "Outcome",
        "Seating", "Service", "ServiceModel", "Task", "WindowRule",
    },
    "it acts; what it has done is a record, a round or insights": {
        "Bucket", "BucketManager", "BucketTask", "CopyFiles", "EachFile", "Ledger",
        "MessageSource", "MiniBatch", "MiniBatchBuilder", "MiniBatchTask",
        "OpenBuckets", "OpenWindow", "ReadFiles", "TrickleManager", "VirtualClock",
        "WallClock", "WorkerPool", "WorkerSchedule",
    },
    "an error": {"FileError", "LedgerError", "WorkerCrashError"},
    "one line of a table that shows itself": {
        "ClosedBatch", "ClosedBucket", "Failure", "File", "Message", "Standing",
        "TaskRecord", "WorkerInfo", "WorkerInsight",
    },
    "parts of a record before it is one": {"Offer"},
    "a panel of widgets, which Jupyter shows": {"SeatingPlan", "WhatIf"},
}  # fmt: skip
MOVING = {"Movie"}  # a picture: tests/plots/test_movie.py


def run() -> RunRecord:
    """Return four items in three jobs, one of which failed."""
    return RunRecord(
        Items([0.0, 1.0, 2.0, 5.0], [10, 20, 30, 40], [0, 0, 1, 2]),
        Jobs(
            [0.0, 2.0, 5.0], [3.0, 4.0, 6.0], [3.0, 4.0, 7.0], [5.0, 8.0, 10.0],
            [0, 1, 0], [2, 1, 1], [30, 30, 40],
        ),
        2,
        capacity=40,
        failures=(Failure(1, None, EVIL),),
    )  # fmt: skip


def insights(workers: int = 2) -> PoolInsights:
    """Return a pool whose workers and tasks have evil names."""
    records = (TaskRecord(i, EVIL, 0.0, 1.0, 3.0, i, None) for i in range(workers))
    infos = (WorkerInfo(i, f"{EVIL} {i}", 0.0, 1.0) for i in range(workers))
    return PoolInsights(tuple(records), tuple(infos), 4.0)


def evening(players: int = 8, rounds: int = 2) -> Tournament:
    names = [Player(f"{EVIL} {i}") for i in range(players)]
    return Tournament(names, players // 4, 4, rounds=rounds, rng=1)


def formats() -> Any:
    both = {EVIL: analysis.Format(), "b": analysis.Format()}
    return analysis.compare_formats(both, 8, 2, 4, 2, replications=3, rng=1)


def comparison(alternatives: int = 3) -> Comparison:
    values = np.random.default_rng(1).normal(10.0, 1.0, (alternatives, 9))
    return Comparison([f"{EVIL} {i}" for i in range(alternatives)], values, "hours")


def interval(x: float = 1.0) -> Interval:
    return Interval(x, 0.5, 0.95, 9, "values")


def pair() -> PairComparison:
    long, short = np.array([9.0, 14.0, 11.0]), np.array([7.0, 11.0, 8.0])
    return PairComparison(long, short, analysis.paired_interval(long, short))


def plan() -> Any:
    service = StreamPipeline(service=Exponential(1200.0))
    return mds_sim.plan_workers(service, 7800, rng=1, progress=False)


def trace() -> TraceArrivals:
    return TraceArrivals([0.0, 60.0, 120.0], origin="2024-01-01T08:00:00+00:00")


@cache
def quakes() -> TraceArrivals:
    return stream.read_arrivals(data.EARTHQUAKES, "time")


def round_one() -> Any:
    return evening().next_round()


def system() -> Any:
    night = NightlyPipeline([6, 5, 7], capacity=10, service=Constant(600.0))
    return System(StreamPipeline(service=Constant(60.0)), night).simulate(3600.0, rng=1)


MAKERS: tuple[Callable[[], Any], ...] = (
    run,
    lambda: run().items,
    lambda: run().jobs,
    lambda: run().summary(),
    lambda: run().throughput(5.0),
    insights,
    evening,
    lambda: evening().play(),
    lambda: evening().history,
    round_one,
    lambda: round_one().tables[0],
    lambda: tournament.round_robin(8),
    formats,
    comparison,
    interval,
    pair,
    lambda: Replications(({"wait": 3.0}, {"wait": 4.0}, {"wait": 5.0})),
    plan,
    lambda: analysis.BucketChoice(10_000_000, NextFit(), "longest"),
    lambda: analysis.mser5([9.0] * 20 + [1.0, 2.0] * 100),
    lambda: analysis.latency_by(run(), 1.0),
    lambda: analysis.what_if(1 / 6, 300, 60, 10, days=2, rng=1),
    lambda: analysis.diagnose(quakes()),
    lambda: analysis.diagnose(quakes()).arrivals,
    lambda: analysis.diagnose(data.deb_sizes().sizes).sizes,
    lambda: StepFunction(np.array([0.0, 10.0, 30.0]), np.array([1, 2, 0])),
    lambda: pack([6, 5, 4, 25], capacity=10),
    lambda: pack([6, 5, 4, 25], capacity=10).summary(),
    lambda: pack([6, 6, 3, 3, 2], capacity=10).bounds(lp=False),
    lambda: mds_sim.Optimal().solve([7, 7, 5, 3, 3, 3, 2], capacity=10),
    lambda: mds_sim.Optimal().solve([6, 6, 3, 3, 2], capacity=10).certificate,
    lambda: files.makespan(pack([6, 5, 4], 10), LinearService(1.0), workers=2),
    lambda: files.bucket_sizes([[4] * 11], [4, 8], LinearService(1.0), workers=10),
    lambda: files.worst_case(NextFit()),
    lambda: files.Instance(EVIL, np.array([6, 5, 4]), 10, 2),
    lambda: FileList([File(6, EVIL)], files.ScanReport(EVIL, files=1, bytes=6)),
    lambda: files.ScanReport(EVIL, files=1, bytes=6, unreadable=(EVIL,)),
    lambda: files.SizeList([2_000_000, 500_000]),
    lambda: files.SizesReport(EVIL, "text", 3, unreadable=1, unreadable_lines=(2,)),
    system,
    trace,
    lambda: stream.fit_arrivals(quakes()),
    lambda: stream.ArrivalsReport(EVIL, "CSV", 3, remarks=(EVIL,)),
    lambda: StreamPipeline(service=Constant(60.0)).statistics(
        n=1000, rng=1, progress=False
    ),
    lambda: theory.poisson_tests(np.random.default_rng(1).exponential(6, 500).cumsum()),
    lambda: theory.MMc(0.5, 1.0, workers=2),
    lambda: theory.MDc(0.5, 1.0, workers=2),
    lambda: theory.MG1(0.5, mean_service=1.0, scv=2.0),
    lambda: theory.BatchQueue(1 / 6, 300.0, 60.0, 10),
    lambda: theory.GIMc(lambda s: 0.5 / (0.5 + s), 0.5, 1.0, workers=2),
    lambda: theory.WORST_CASES["FirstFit"],
    lambda: theory.AVERAGE_CASES["NextFit"],
    lambda: theory.dual_feasible([7, 7, 7, 5, 5, 2], capacity=10),
    lambda: theory.LawFit("exponential", (6.0,), -20.0, 0.1),
    data.deb_sizes,
    data.earthquakes,
    data.flights,
)  # fmt: skip


@cache
def shown(number: int) -> Any:
    """Return an object of the table; its page must not depend on when it is made."""
    return MAKERS[number]()


every_page = pytest.mark.parametrize("number", range(len(MAKERS)))


class Page(HTMLParser):
    """Reads a page as a browser does, and writes down what is wrong with it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.text: list[str] = []
        self.captions = self.tables = self.drawings = 0
        self.feed(html)
        self.close()
        if self.open:
            self.faults.append(f"not closed: {self.open}")
        if self.captions != self.tables:
            self.faults.append(f"{self.tables} tables, {self.captions} captions")
        if not self.tables + self.drawings:
            self.faults.append("no table")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.faults.append(f"tag {tag}")
        found = dict(attrs)
        self.faults += [f"attribute {name}" for name in found.keys() - ATTRIBUTES]
        if tag not in VOID:
            self.open.append(tag)
        self.tables += tag == "table"
        self.drawings += tag == "svg"
        if tag == "th" and found.get("scope") not in ("col", "row"):
            self.faults.append("a header without a scope")
        hidden, named = found.get("aria-hidden"), found.get("aria-label")
        if tag == "svg" and hidden != "true" and not (found.get("role") and named):
            self.faults.append("a drawing without a name")
        self._check_look(found)

    def _check_look(self, found: dict[str, str | None]) -> None:
        style = found.get("style") or ""
        wide = [found.get("width") or "", *re.findall(r"width:(\d+)px", style)]
        if any(text.isdigit() and int(text) > 600 for text in wide):
            self.faults.append(f"too wide: {wide}")
        colours = re.findall(r"(?:color|background|fill|stroke)[a-z-]*:([^;]*)", style)
        colours += [found.get(name) or "none" for name in ("fill", "stroke")]
        for colour in colours:
            if colour not in ("currentColor", "none", "inherit", "transparent"):
                self.faults.append(f"colour {colour}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.open[-1:] == ["caption"] and data.strip():
            self.captions += 1


TAGS = {
    "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "details", "summary",
    "span", "svg", "path", "circle",
}  # fmt: skip
VOID = {"path", "circle"}
# No id, which two outputs of one page would share; no script, no link.
ATTRIBUTES = {
    "scope", "style", "colspan", "role", "aria-label", "aria-hidden", "width", "height",
    "viewbox", "d", "cx", "cy", "r", "fill", "stroke", "stroke-width", "opacity",
    "stroke-dasharray",
}  # fmt: skip


WORDS = {"1", "95"}  # players count from 1, intervals have 95 %
RAW = {  # plain text is the data themselves; these follow from them
    "Items": {"4"},
    "StepFunction": {"3", "1.667"},
    "DualBound": {"4"},
}


def figures(text: str) -> set[str]:
    """Return the numbers in a text."""
    return set(re.findall(r"\d+(?:\.\d+)?", text.replace(",", "")))


@every_page
def test_a_page_is_sound_small_and_has_names(number: int) -> None:
    html = shown(number)._repr_html_()
    assert Page(html).faults == []
    assert len(html.encode()) < MOST


@every_page
def test_a_page_does_not_depend_on_when_it_is_made(number: int) -> None:
    assert MAKERS[number]()._repr_html_() == shown(number)._repr_html_()


@every_page
def test_plain_text_tells_the_numbers_of_the_captions(number: int) -> None:
    one = shown(number)
    captions = re.findall(r"<caption[^>]*>(.*?)</caption>", one._repr_html_())
    told = figures(f"{one} {one!r}") | RAW.get(type(one).__name__, set())
    assert figures(unescape(captions[0])) - WORDS <= told


@every_page
def test_drawings_only_repeat_what_words_say(number: int) -> None:
    # A page that does not trust a notebook drops <svg>, and most of styles.
    html = shown(number)._repr_html_()
    words = " ".join(Page(re.sub(r"<svg.*?</svg>", "", html)).text)
    for label in re.findall(r'aria-label="([^"]*)"', html):
        assert label in words


EVIL_PAGES = [
    lambda: insights(), lambda: evening(), lambda: evening().play(),
    lambda: evening().history, lambda: round_one(), lambda: round_one().tables[0],
    lambda: formats(), lambda: comparison(),
    lambda: files.Instance(EVIL, np.array([6, 5, 4]), 10, 2),
    lambda: FileList([File(6, EVIL)], files.ScanReport(EVIL, files=1, bytes=6)),
    lambda: files.ScanReport(EVIL, files=1, bytes=6),
    lambda: files.SizesReport(EVIL, "text", 3),
    lambda: stream.ArrivalsReport(EVIL, "CSV", 3),
    lambda: Replications((EVIL,)),
    lambda: theory.LawFit(EVIL, (6.0,), -20.0, 0.1),
]  # fmt: skip


@pytest.mark.parametrize("make", EVIL_PAGES)
def test_a_name_cannot_become_a_tag(make: Callable[[], Any]) -> None:
    html = make()._repr_html_()
    assert "&lt;script&gt;" in html
    assert Page(html).faults == []


HUGE = {
    "a record": lambda: RunRecord(
        Items(np.arange(1e6), no_sizes(10**6), np.arange(10**6)),
        Jobs(
            *[np.arange(1e6)] * 3, np.arange(1e6) + 1.0, np.arange(10**6) % 10,
            np.ones(10**6, np.int64), no_sizes(10**6),
        ),
        10,
    ),
    "jobs": lambda: HUGE["a record"]().jobs,
    "a packing": lambda: pack(np.full(10**5, 6), capacity=10),
    "a schedule": lambda: Schedule(np.tile(np.arange(400) // 4, (100, 1))),
    "players": lambda: evening(10_000, 1).history,
    "an evening": lambda: evening(10_000, 1),
    "a round": lambda: evening(10_000, 1).next_round(),
    "alternatives": lambda: comparison(120),
    "a pool": lambda: insights(1000),
    "replications": lambda: Replications(tuple(range(10_000))),
    "texts": lambda: Replications(tuple("x" * 10_000 for _ in range(1000))),
    "files": lambda: FileList(
        [File(6, "n" * 200)] * 10**5, files.ScanReport("here", files=10**5)
    ),
    "a name": lambda: files.Instance("n" * 10**6, np.array([6]), 10, 1),
    "steps": lambda: StepFunction(np.arange(1e6), np.arange(10**6)),
}  # fmt: skip


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_object_has_a_page_that_is_bounded(name: str) -> None:
    html = HUGE[name]()._repr_html_()
    assert len(html.encode()) < MOST_OF_HUGE
    assert Page(html).faults == []


@pytest.mark.parametrize("name", ["jobs", "a packing", "a schedule", "files"])
def test_a_page_says_how_much_it_leaves_out(name: str) -> None:
    assert re.search(r"and [\d,]+ more|[\d,]+ more<", HUGE[name]()._repr_html_())


def public_classes() -> Iterator[type]:
    for room in ROOMS:
        module = import_module(room)
        names = getattr(module, "__all__", [])
        yield from filter(inspect.isclass, (getattr(module, name) for name in names))


def test_each_public_class_shows_itself_or_says_why_not() -> None:
    allowed = set().union(*PLAIN.values())
    plain = {one.__name__ for one in public_classes() if not is_rich(one)}
    assert plain - allowed == set()
    assert allowed - plain == set()  # or the list would grow old


def is_rich(kind: type) -> bool:
    return hasattr(kind, "_repr_html_")


def test_each_rich_class_has_an_example() -> None:
    rich = {one for one in public_classes() if is_rich(one)}
    seen = {type(shown(number)) for number in range(len(MAKERS))}
    assert {one.__name__ for one in rich - seen} == MOVING


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<table><caption>a</caption>", "not closed: ['table']"),
        ("<table></table>", "1 tables, 0 captions"),
        ("<p>a</p>", "no table"),
        ("<svg></svg>", "a drawing without a name"),
        (
            "<table><caption>a</caption><th>b</th></table>",
            "a header without a scope",
        ),
        ('<table id="a"><caption>a</caption></table>', "attribute id"),
        ("<table><caption>a</caption></table></p>", "</p> closes nothing"),
        ('<svg aria-hidden="true" width="700"></svg>', "too wide: ['700']"),
        (
            '<svg aria-hidden="true" style="background-color:#fff"></svg>',
            "colour #fff",
        ),
        ('<svg aria-hidden="true" fill="red"></svg>', "colour red"),
        ("<table><caption>a</caption><script></script></table>", "tag script"),
    ],
)
def test_a_bad_page_is_found(html: str, fault: str) -> None:
    assert Page(html).faults == [fault]
