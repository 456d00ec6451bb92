"""How work is simulated: the same rules as in `mds_sim.core`, on arrays."""

from .disciplines import (
    Failures,
    WorkerSchedule,
    serve_priority,
    serve_scheduled,
    serve_with_failures,
)
from .offer import Offer
from .reserved import serve_reserved
from .service import LinearService, ServiceModel, service_times
from .workers import Service, serve, serve_reference, start_times

__all__ = [
    # how long a job takes
    "LinearService", "ServiceModel", "service_times",
    # first come, first served
    "Service", "serve", "serve_reference", "start_times",
    # other disciplines
    "serve_priority", "serve_reserved", "WorkerSchedule", "serve_scheduled",
    "Failures", "serve_with_failures",
    # before anybody serves it
    "Offer",
]  # fmt: skip
