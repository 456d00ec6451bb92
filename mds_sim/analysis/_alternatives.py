"""What can be compared, on which scenario, and by which figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mds_sim import _validate
from mds_sim._summary import Summary
from mds_sim.files import NightlyPipeline, Packing, TricklePipeline
from mds_sim.records import RunRecord
from mds_sim.rng import streams
from mds_sim.stream import StreamPipeline, WindowRule
from mds_sim.units import DAY

PACKING: dict[str, Callable[[Packing], float]] = {
    "buckets": lambda packing: packing.n_buckets,
    "gap": lambda packing: packing.gap,
    "lower_bound": lambda packing: packing.lower_bound,
    "fill_mean": lambda packing: packing.summary().fill_mean,
    "fill_min": lambda packing: packing.summary().fill_min,
    "oversize": lambda packing: packing.n_oversize,
}
RECORD = tuple(field.name for field in fields(Summary))
MORE_IS_BETTER = {"throughput", "fill_mean", "fill_min"}
SECONDS = {"span", "makespan", "service_mean"}

# Which field of the scenario an alternative replaces.
FIELD = {"bucketing strategy": "strategy", "window rule": "window",
         "pool size": "workers"}  # fmt: skip
PIPELINES = {
    NightlyPipeline: "nightly pipeline",
    StreamPipeline: "stream pipeline",
    TricklePipeline: "trickle pipeline",
}
KINDS = (
    "a bucketing strategy, a window rule, a pool size, a pipeline or a function of a "
    "random generator"
)


@dataclass(frozen=True)
class Play:
    """One replication of all alternatives: a value, so that it can travel.

    Each gets a copy of the same generator, and so the same chance.
    """

    names: tuple[str, ...]
    calls: tuple[Callable[[np.random.Generator], Any], ...]
    metric: str | Callable[[Any], float] | None

    def __call__(self, rng: np.random.Generator) -> list[float]:
        return [
            self._named(name, call, deepcopy(rng))
            for name, call in zip(self.names, self.calls, strict=True)
        ]

    def _named(
        self,
        name: str,
        call: Callable[[np.random.Generator], Any],
        rng: np.random.Generator,
    ) -> float:
        """Return the figure of one alternative, and say which one if it fails."""
        try:
            return self._figure(name, call(rng))
        except Exception as error:
            error.add_note(f"in alternative {name!r}")
            raise

    def _figure(self, name: str, result: Any) -> float:
        """Return the figure of a result; a list is of nights, of which it is a mean."""
        if isinstance(result, list) and result:
            return sum(self._figure(name, night) for night in result) / len(result)
        value = read(result, self.metric)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = np.nan
        if not np.isfinite(number):
            what = metric_name(self.metric)
            raise ValueError(
                f"metric must give a finite number, but {what} of {name!r} is {value!r}"
            )
        return number


def named(alternatives: Any) -> dict[str, Any]:
    """Return the alternatives by name: at least two, no name twice, of one kind."""
    if isinstance(alternatives, Mapping):
        by_name = dict(alternatives)
    else:
        by_name = _named_by_repr(alternatives)
    for name in by_name:
        _validate.instance("a name of alternatives", name, str, "a word")
    if len(by_name) < 2:
        raise ValueError(f"alternatives must be at least two, got {len(by_name)}")
    return by_name


def _named_by_repr(alternatives: Any) -> dict[str, Any]:
    """Name values by what they are."""
    if isinstance(alternatives, str) or not hasattr(alternatives, "__iter__"):
        raise TypeError(
            "alternatives must be a mapping of names to alternatives, or a list of "
            f"them, got {_validate.shortened(alternatives)}"
        )
    values = list(alternatives)
    # NumPy's integers would be np.int64(7).
    names = [
        repr(int(value) if isinstance(value, np.integer) else value) for value in values
    ]
    by_name = dict(zip(names, values, strict=True))
    if len(by_name) < len(values):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"alternatives must have different names, but two are {twice}; give a "
            "mapping of names to alternatives"
        )
    return by_name


def kind_of_all(by_name: Mapping[str, Any]) -> str:
    """Return the one kind that all alternatives are of."""
    (first, kind), *others = [(n, _kind(n, value)) for n, value in by_name.items()]
    for name, other in others:
        if other != kind:
            raise TypeError(
                f"alternatives must be of one kind, but {first!r} is a {kind} and "
                f"{name!r} is a {other}"
            )
    return kind


def _kind(name: str, value: Any) -> str:
    """Return what an alternative is."""
    for pipeline, kind in PIPELINES.items():
        if isinstance(value, pipeline):
            return kind
    if isinstance(value, WindowRule):
        return "window rule"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return "pool size"
    if isinstance(value, type):
        got = f"the class {value.__name__}: call it"
        raise TypeError(f"alternatives[{name!r}] must be {KINDS}, got {got}")
    if callable(getattr(value, "assign", None)):
        return "bucketing strategy"
    if callable(value):
        return "function"
    raise TypeError(
        f"alternatives[{name!r}] must be {KINDS}, got {_validate.shortened(value)}"
    )


def pipelines(kind: str, by_name: Mapping[str, Any], scenario: Any) -> list[Any]:
    """Return one pipeline for each alternative: itself, or the scenario with it."""
    if kind not in FIELD:
        if scenario is not None:
            raise ValueError(
                f"scenario must be left out where each alternative is a {kind}, "
                f"got {_validate.shortened(scenario)}"
            )
        return list(by_name.values())
    if scenario is None and kind == "bucketing strategy":
        scenario = NightlyPipeline()
    takers = tuple(
        pipeline
        for pipeline in (NightlyPipeline, StreamPipeline)
        if FIELD[kind] in {field.name for field in fields(pipeline)}
    )
    rule = " or a ".join(pipeline.__name__ for pipeline in takers)
    why = f"a {rule}, in which each {kind} takes its turn"
    base: Any = _validate.instance("scenario", scenario, takers, why)  # type: ignore[arg-type]
    return [replace(base, **{FIELD[kind]: value}) for value in by_name.values()]


def default_metric(pipelines: list[Any], kind: str) -> str | None:
    """Return what one asks first of such alternatives."""
    if kind == "function":
        return None
    if isinstance(pipelines[0], StreamPipeline):
        return "latency_p99"
    is_timed = all(pipeline.service is not None for pipeline in pipelines)
    if isinstance(pipelines[0], TricklePipeline):
        return "latency_mean" if is_timed else "jobs"
    return "buckets" if kind == "bucketing strategy" or not is_timed else "makespan"


def calls(
    pipelines: list[Any],
    metric: str | Callable[[Any], float] | None,
    until: float | None,
    nights: int | None,
) -> tuple[Callable[[np.random.Generator], Any], ...]:
    """Return how to draw a result of each pipeline, or function."""
    known = [one for one in pipelines if isinstance(one, tuple(PIPELINES))]
    _check_span(known, until, nights)
    if not known:
        return tuple(pipelines)
    if isinstance(metric, str):
        _check_metric(known[0], metric)
    return tuple(_call(one, metric, until, nights) for one in known)


def _check_span(pipelines: list[Any], until: float | None, nights: int | None) -> None:
    """Refuse a length that these alternatives do not have."""
    first = pipelines[0] if pipelines else None
    if until is not None and not isinstance(first, StreamPipeline):
        raise ValueError(
            f"until must be left out where there is no stream, got {until!r}"
        )
    if nights is not None and not isinstance(first, NightlyPipeline):
        raise ValueError(
            f"nights must be left out where there are no nights, got {nights!r}"
        )
    if until is not None:
        _validate.positive("until", until, "s")
    if nights is not None:
        _validate.count("nights", nights)


def _check_metric(pipeline: Any, metric: str) -> None:
    """Name those there are, if there is no such figure."""
    nightly = isinstance(pipeline, NightlyPipeline)
    have = tuple(dict.fromkeys([*(PACKING if nightly else ()), *RECORD]))
    if metric not in have:
        raise ValueError(f"metric must be one of {_words(have)}, got {metric!r}")


def _call(
    pipeline: Any, metric: Any, until: float | None, nights: int | None
) -> Callable[[np.random.Generator], Any]:
    """Return how to draw a result of one pipeline: packings, or a record."""
    is_nightly = isinstance(pipeline, NightlyPipeline)
    in_packing = metric in PACKING if isinstance(metric, str) else not pipeline.service
    if is_nightly and in_packing:
        return partial(_packings, pipeline, nights)
    if pipeline.service is None:
        raise ValueError(
            f"service must be given for {metric_name(metric)}, such as "
            "LinearService(per_job=30), in the scenario or in each pipeline"
        )
    if is_nightly:
        return partial(pipeline.simulate, nights)
    if isinstance(pipeline, TricklePipeline):
        return pipeline.simulate
    if until is None and not pipeline.arrivals.is_finite:
        until = DAY
    return partial(pipeline.simulate, None, until)


def _packings(
    pipeline: NightlyPipeline, nights: int | None, rng: np.random.Generator
) -> list[Packing]:
    """Pack the nights that `simulate` would draw, without the workers."""
    return pipeline._packings(pipeline._nights(nights, streams(rng).sizes))


def read(result: Any, metric: str | Callable[[Any], float] | None) -> Any:
    """Return one figure of a result."""
    if metric is None:
        return result
    if callable(metric):
        return metric(result)
    if isinstance(result, Packing):
        have = tuple(PACKING)
        return PACKING[metric](result) if metric in have else _missing(metric, have)
    if isinstance(result, RunRecord):
        result = result.summary()
    if isinstance(result, Mapping):
        return result[metric] if metric in result else _missing(metric, tuple(result))
    if hasattr(result, metric):
        return getattr(result, metric)
    is_value = is_dataclass(result) and not isinstance(result, type)
    return _missing(metric, tuple(f.name for f in fields(result)) if is_value else ())


def _missing(metric: str, have: tuple[str, ...]) -> Any:
    """Say which figures there are."""
    if not have:
        raise ValueError(
            f"metric must be left out where results are numbers, got {metric!r}"
        )
    raise ValueError(f"metric must be one of {_words(have)}, got {metric!r}")


def metric_name(metric: str | Callable[[Any], float] | None) -> str:
    """Return what to call a figure."""
    if isinstance(metric, str):
        return metric
    name = getattr(metric, "__name__", "value")
    return "value" if metric is None or name == "<lambda>" else str(name)


def unit_of(metric: str) -> str:
    """Return the unit of a figure of ours, or nothing."""
    if metric in SECONDS or metric.startswith(("latency_", "waiting_")):
        return "s"
    return "bytes" if metric == "bytes" else ""


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names)
