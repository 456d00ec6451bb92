"""The stream: arrivals, windows, mini-batches and the pipeline of all three."""

from mds_sim._reading import ArrivalsReport

from .arrivals import (
    Arrivals,
    PoissonArrivals,
    RenewalArrivals,
    TraceArrivals,
    VaryingPoissonArrivals,
)
from .decisions import ClosedBatch, OpenWindow, one_by_one
from .fitting import ArrivalsFit, DailyRate, daily_rate, fit_arrivals
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
    "ArrivalsFit",
    "ArrivalsReport",
    "ClosedBatch",
    "CountWindow",
    "DailyRate",
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
    "daily_rate",
    "fit_arrivals",
    "one_by_one",
    "read_arrivals",
]
