"""How work is run for real: clocks, tasks and the worker pool."""

from ._ledger_file import LedgerError
from .backends import WorkerCrashError
from .clock import Clock, VirtualClock, WallClock
from .insights import PoolInsights, WorkerInfo, WorkerInsight
from .ledger import Ledger
from .retry import Retry
from .task import Task, TaskRecord
from .worker_pool import WorkerPool

__all__ = [
    "Clock",
    "Ledger",
    "LedgerError",
    "PoolInsights",
    "Retry",
    "Task",
    "TaskRecord",
    "VirtualClock",
    "WallClock",
    "WorkerCrashError",
    "WorkerInfo",
    "WorkerInsight",
    "WorkerPool",
]
