"""The stream: arrivals, windows, mini-batches and the pipeline of all three."""

from .arrivals import (
    Arrivals,
    PoissonArrivals,
    RenewalArrivals,
    TraceArrivals,
    VaryingPoissonArrivals,
)
from .decisions import ClosedBatch, OpenWindow, one_by_one
from .messages import Message, MessageSource
from .minibatch import MiniBatch, MiniBatchBuilder, MiniBatchTask
from .pipeline import StreamPipeline
from .statistics import StreamStatistics
from .traces import read_arrivals
from .windows import (
    CountWindow,
    FirstMessageWindow,
    SessionWindow,
    TumblingWindow,
    WindowRule,
)

__all__ = [
    "Arrivals",
    "ClosedBatch",
    "CountWindow",
    "FirstMessageWindow",
    "Message",
    "MessageSource",
    "MiniBatch",
    "MiniBatchBuilder",
    "MiniBatchTask",
    "OpenWindow",
    "PoissonArrivals",
    "RenewalArrivals",
    "SessionWindow",
    "StreamPipeline",
    "StreamStatistics",
    "TraceArrivals",
    "TumblingWindow",
    "VaryingPoissonArrivals",
    "WindowRule",
    "one_by_one",
    "read_arrivals",
]
