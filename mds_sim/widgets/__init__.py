"""Panels to click in Jupyter: the only ipywidgets in the house.

Each panel only shows an object of the other rooms and passes clicks on to it, so that
what it does can be done by hand, and tested without a browser.
"""

from .player import Player
from .seating_plan import SeatingPlan
from .what_if import WhatIf

__all__ = ["Player", "SeatingPlan", "WhatIf"]
