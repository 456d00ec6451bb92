"""Judges for what users write themselves: rules, strategies, seatings.

Examples
--------
>>> from mds_sim import FirstFit, FirstMessageWindow
>>> check_window_rule(FirstMessageWindow(60.0))
>>> check_bucketing_strategy(FirstFit())
"""

from __future__ import annotations

from .files.checking import check_bucketing_strategy
from .stream.checking import check_window_rule
from .tournament.checking import check_seating

__all__ = ["check_bucketing_strategy", "check_seating", "check_window_rule"]
