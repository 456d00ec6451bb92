"""How work is simulated: the same rules as in `mds_sim.core`, on arrays."""

from .disciplines import (
    Failures,
    WorkerSchedule,
    serve_priority,
    serve_scheduled,
    serve_with_failures,
)
from .service import LinearService, ServiceModel, service_times
from .workers import Service, serve, serve_reference, start_times

__all__ = [
    # how long a job takes
    "LinearService", "ServiceModel", "service_times",
    # first come, first served
    "Service", "serve", "serve_reference", "start_times",
    # other disciplines
    "serve_priority", "WorkerSchedule", "serve_scheduled", "Failures",
    "serve_with_failures",
]  # fmt: skip
