"""How many workers, which window, which buckets? Answers that can be checked.

A plan makes a promise about days (or nights) like the ones described: with at least
such a probability, a day keeps the target. Replications decide it, with exact bounds.
"""

from .buckets import plan_buckets
from .plans import BucketChoice, Plan
from .window import plan_window
from .workers import plan_workers

__all__ = ["BucketChoice", "Plan", "plan_buckets", "plan_window", "plan_workers"]
