"""Closed forms with their sources, to stand beside what was measured."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .approximations import allen_cunneen, kimura
    from .batch_queue import BatchQueue, GIMc, no_wait_limit
    from .bounds import DUAL_FEASIBLE, DualBound, dual_feasible, l2, l3
    from .constant_service import MDc
    from .makespan import graham_ratio, makespan_bound
    from .packing import (
        AVERAGE_CASES,
        HARMONIC_LIMIT,
        WORST_CASES,
        AverageCase,
        WorstCase,
        lower_bound,
        next_fit_fill,
        next_fit_uniform_fill,
    )
    from .poisson import FirstMessageLaw
    from .queues import MG1, MMc, erlang_b, erlang_c, littles_law
    from .size_laws import LawFit, fit_laws
    from .stream_tests import PoissonTests, poisson_tests
    from .tournament import (
        expected_opponents,
        pairs_bound,
        player_bound,
        repeat_free_rounds,
        table_sizes,
    )

# Loaded when first used: who imports the package does not pay for every formula.
_MODULES = {
    "approximations": "allen_cunneen kimura",
    "batch_queue": "BatchQueue GIMc no_wait_limit",
    "bounds": "DUAL_FEASIBLE DualBound dual_feasible l2 l3",
    "constant_service": "MDc",
    "makespan": "graham_ratio makespan_bound",
    "packing": "AVERAGE_CASES AverageCase HARMONIC_LIMIT WORST_CASES WorstCase "
    "lower_bound next_fit_fill next_fit_uniform_fill",
    "poisson": "FirstMessageLaw",
    "queues": "MG1 MMc erlang_b erlang_c littles_law",
    "size_laws": "LawFit fit_laws",
    "stream_tests": "PoissonTests poisson_tests",
    "tournament": "expected_opponents pairs_bound player_bound repeat_free_rounds "
    "table_sizes",
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [
    # the stream: is it Poisson, and what follows for mini-batches
    "FirstMessageLaw",
    "PoissonTests",
    "poisson_tests",
    # queues
    "BatchQueue",
    "GIMc",
    "MDc",
    "MG1",
    "MMc",
    "allen_cunneen",
    "erlang_b",
    "erlang_c",
    "kimura",
    "littles_law",
    "no_wait_limit",
    # files and buckets
    "LawFit",
    "fit_laws",
    "AVERAGE_CASES",
    "AverageCase",
    "DUAL_FEASIBLE",
    "DualBound",
    "HARMONIC_LIMIT",
    "WORST_CASES",
    "WorstCase",
    "dual_feasible",
    "l2",
    "l3",
    "graham_ratio",
    "makespan_bound",
    "lower_bound",
    "next_fit_fill",
    "next_fit_uniform_fill",
    # the tournament
    "expected_opponents",
    "pairs_bound",
    "player_bound",
    "repeat_free_rounds",
    "table_sizes",
]


def __getattr__(name: str) -> Any:
    """Load a formula when it is first used."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    """List the names, loaded or not."""
    return sorted({*globals(), *__all__})
