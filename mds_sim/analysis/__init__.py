"""What records mean: counts over time, and distributions."""

from .metrics import StepFunction, busy_workers, queue_length, size_counts

__all__ = ["StepFunction", "busy_workers", "queue_length", "size_counts"]
