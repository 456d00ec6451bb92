"""What records mean: counts over time, and figures with honest intervals.

The road to a figure that holds: run long enough and leave the warm-up out (`mser5`), or
start anew each time (`replicate`); put an interval around the mean; compare two designs
on the same chance (`compare_pair`).
"""

from .formats import Format, FormatComparison, compare_formats
from .intervals import (
    Interval,
    mean_interval,
    paired_interval,
    proportion_interval,
    quantile_interval,
)
from .metrics import StepFunction, busy_workers, queue_length, size_counts
from .replications import PairComparison, Replications, compare_pair, replicate
from .warmup import Warmup, batch_means, mser5, naive_interval

__all__ = [
    # over time
    "StepFunction",
    "busy_workers",
    "queue_length",
    "size_counts",
    # many runs
    "Replications",
    "replicate",
    "PairComparison",
    "compare_pair",
    # one long run
    "Warmup",
    "mser5",
    "batch_means",
    "naive_interval",
    # intervals
    "Interval",
    "mean_interval",
    "paired_interval",
    "proportion_interval",
    "quantile_interval",
    # tournaments
    "Format",
    "FormatComparison",
    "compare_formats",
]
