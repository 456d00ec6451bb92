"""What records mean: counts over time, and figures with honest intervals.

The road to a figure that holds: run long enough and leave the warm-up out (`mser5`), or
start anew each time (`replicate`); put an interval around the mean; compare two designs
on the same chance (`compare_pair`), or any number of them (`compare`).
"""

from .capacity import (
    BucketChoice,
    Plan,
    plan_buckets,
    plan_window,
    plan_workers,
)
from .comparing import compare
from .comparison import Comparison
from .diagnosis import ArrivalsDiagnosis, Diagnosis, SizesDiagnosis, diagnose
from .formats import Format, FormatComparison, compare_formats
from .intervals import (
    Interval,
    mean_interval,
    paired_interval,
    proportion_interval,
    quantile_interval,
)
from .latencies import LatencyOverTime, latency_by
from .metrics import StepFunction, busy_workers, queue_length, size_counts
from .replications import PairComparison, Replications, compare_pair, replicate
from .warmup import Warmup, batch_means, mser5, naive_interval
from .what_if import StreamAnswer, what_if

__all__ = [
    # what data are like
    "Diagnosis",
    "ArrivalsDiagnosis",
    "SizesDiagnosis",
    "diagnose",
    # over time
    "StepFunction",
    "busy_workers",
    "queue_length",
    "size_counts",
    "LatencyOverTime",
    "latency_by",
    # many runs
    "Replications",
    "replicate",
    "PairComparison",
    "compare_pair",
    # which is best
    "compare",
    "Comparison",
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
    # how many, how long, how large
    "Plan",
    "BucketChoice",
    "plan_workers",
    "plan_window",
    "plan_buckets",
    # what if
    "StreamAnswer",
    "what_if",
    # tournaments
    "Format",
    "FormatComparison",
    "compare_formats",
]
