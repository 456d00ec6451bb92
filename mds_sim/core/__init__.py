"""How work is run for real: clocks, tasks and the worker pool."""

from .clock import Clock, VirtualClock, WallClock
from .task import Task, TaskRecord
from .worker_pool import WorkerPool

__all__ = ["Clock", "Task", "TaskRecord", "VirtualClock", "WallClock", "WorkerPool"]
