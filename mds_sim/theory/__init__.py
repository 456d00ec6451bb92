"""Closed forms with their sources, to stand beside what was measured."""

from .approximations import allen_cunneen, kimura
from .batch_queue import BatchQueue, GIMc, no_wait_limit
from .constant_service import MDc
from .packing import WORST_CASES, WorstCase, lower_bound, next_fit_fill
from .poisson import FirstMessageLaw
from .poisson_tests import PoissonTests, poisson_tests
from .queues import MG1, MMc, erlang_b, erlang_c, littles_law
from .tournament import (
    expected_opponents,
    pairs_bound,
    player_bound,
    repeat_free_rounds,
    table_sizes,
)

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
    "WORST_CASES",
    "WorstCase",
    "lower_bound",
    "next_fit_fill",
    # the tournament
    "expected_opponents",
    "pairs_bound",
    "player_bound",
    "repeat_free_rounds",
    "table_sizes",
]
