"""Closed forms with their sources, to stand beside what was measured."""

from .packing import WORST_CASES, WorstCase, lower_bound, next_fit_fill
from .poisson import FirstMessageLaw
from .tournament import (
    expected_opponents,
    pairs_bound,
    player_bound,
    repeat_free_rounds,
    table_sizes,
)

__all__ = [
    "WORST_CASES",
    "FirstMessageLaw",
    "WorstCase",
    "expected_opponents",
    "lower_bound",
    "next_fit_fill",
    "pairs_bound",
    "player_bound",
    "repeat_free_rounds",
    "table_sizes",
]
