"""How work is simulated: the same rules as in `mds_sim.core`, on arrays."""

from .service import LinearService, ServiceModel, service_times
from .workers import Service, serve

__all__ = ["LinearService", "Service", "ServiceModel", "serve", "service_times"]
