"""A single thing is one in words: nowhere stands "1 files" or "1 workers"."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from matplotlib import pyplot as plt

import mds_sim as mds
from mds_sim import plots, theory
from mds_sim.analysis import replicate, what_if
from mds_sim.core.insights import PoolInsights
from mds_sim.files import makespan
from mds_sim.plots.saving import figure_of

# A 1 that is a count, and a noun in the plural. "1 s" is a second.
NOUNS = [
    "arrivals",
    "batches",
    "bins",
    "blocks",
    "buckets",
    "bytes",
    "changes",
    "choices",
    "errors",
    "failures",
    "files",
    "items",
    "jobs",
    "links",
    "messages",
    "mini-batches",
    "names",
    "nights",
    "nodes",
    "pairs",
    "players",
    "processes",
    "replications",
    "rounds",
    "rows",
    "tables",
    "tasks",
    "threads",
    "times",
    "tournaments",
    "values",
    "waves",
    "windows",
    "winners",
    "workers",
]
WRONG = re.compile(rf"(?<![\w.,+-])1 (?:[a-z]+ )?(?:{'|'.join(NOUNS)})\b")

ONE_MESSAGE = mds.StreamPipeline(
    mds.TraceArrivals([0.0]), service=mds.Constant(1.0), workers=1
)
ONE_FILE = mds.pack([7], capacity=10)
NIGHT = mds.NightlyPipeline([7], capacity=10, service=mds.Constant(1.0), workers=1)
EVENING = mds.Tournament(["Ann", "Bob"], tables=1, seats=2, rounds=1, rng=1)


def insights() -> PoolInsights:
    """Return those of a pool with a worker and a task."""
    with mds.WorkerPool(1, clock=mds.VirtualClock()) as pool:
        pool.submit(len, "a").result()
    return pool.insights()


def words(thing: Any) -> str:
    """Return all that an object says of itself."""
    page = thing._repr_html_() if hasattr(thing, "_repr_html_") else ""
    return "\n".join([repr(thing), str(thing), re.sub("<[^>]*>", "\n", page)])


THINGS: dict[str, Callable[[], Any]] = {
    "record": ONE_MESSAGE.simulate,
    "summary": lambda: ONE_MESSAGE.simulate().summary(),
    "system": lambda: mds.System(ONE_MESSAGE, NIGHT, workers=1).simulate(until=9.0),
    "statistics": lambda: ONE_MESSAGE.statistics(progress=False),
    "arrivals": lambda: mds.TraceArrivals([0.0]),
    "law": lambda: mds.Empirical([1.0]),
    "packing": lambda: ONE_FILE,
    "packing, summary": ONE_FILE.summary,
    "makespan": lambda: makespan(ONE_FILE, mds.Constant(1.0), workers=1),
    "optimum": lambda: mds.Optimal().solve([7], 10),
    "schedule": lambda: mds.round_robin(2),
    "tournament": lambda: EVENING,
    "history": lambda: EVENING.history,
    "result": lambda: mds.Tournament(2, 1, 2, rounds=1, rng=1).play(),
    "queue": lambda: theory.MMc(0.1, 1.0, 1),
    "answer": lambda: what_if(1 / 60, 300, 60, 1, days=2, rng=1),
    "replications": lambda: replicate(lambda rng: rng.random(), 1, 1, progress=False),
    "insights": insights,
    "pool": lambda: mds.WorkerPool(1),
}


@pytest.mark.parametrize("name", THINGS)
def test_what_a_single_thing_says_of_itself(name: str) -> None:
    said = words(THINGS[name]())
    assert re.search(r"\b1 [a-z]|\b1\b", said), "this has no single thing in it"
    assert not WRONG.findall(said)


@pytest.mark.parametrize(
    "text", ["1 files", "holds 1 mini-batches", "1 of 1 real files"]
)
def test_a_wrong_plural_is_found(text: str) -> None:
    assert WRONG.search(text)


@pytest.mark.parametrize("text", ["1 file", "11 files", "1 s", "0.1 files", "N - 1 is"])
def test_what_is_right_is_let_pass(text: str) -> None:
    assert not WRONG.search(text)


def titles() -> list[str]:
    """Return the titles of figures of a single thing."""
    record, night = ONE_MESSAGE.simulate(), NIGHT.simulate()
    draws: list[Callable[..., Any]] = [
        lambda ax: plots.plot_gantt(record, ax=ax),
        lambda ax: plots.plot_gantt(night, ax=ax),
        lambda ax: plots.plot_windows(record, ax=ax),
        lambda ax: plots.plot_batch_sizes(record, ax=ax),
        lambda ax: plots.plot_fill(ONE_FILE, ax=ax),
        lambda ax: plots.plot_packing(ONE_FILE, ax=ax),
    ]
    return [ax.get_title("left") for ax in figure_of(*draws).axes]


def test_titles_and_alternative_texts() -> None:
    movies = [
        plots.movie_gantt(ONE_MESSAGE.simulate(), pictures=2),
        plots.movie_stream(ONE_MESSAGE.simulate(), pictures=2),
        plots.movie_packing(ONE_FILE, pictures=2),
    ]
    said = "\n".join([*titles(), *(movie.alt for movie in movies)])
    assert said.count("\n") == 8
    assert not WRONG.findall(said)
    plt.close("all")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: mds.pack([2], capacity=1, oversize="raise"),
            'every file must fit in one bucket of 1 byte (oversize="raise"), but '
            "sizes[0] = 2",
        ),
        (
            lambda: theory.dual_feasible([2, 1], capacity=1),
            "sizes must be at most one bucket of 1 byte, but 1 is larger: set it apart",
        ),
        (
            lambda: theory.dual_feasible([2, 2], capacity=1),
            "sizes must be at most one bucket of 1 byte, but 2 are larger: set them "
            "apart",
        ),
    ],
)
def test_errors(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()
