"""The fewest buckets, proved: `Optimal`, its `Solution` and the `Certificate`."""

from .certificate import Certificate
from .strategy import Optimal, Solution

__all__ = ["Certificate", "Optimal", "Solution"]
