"""The control loop: reports in, plans out. Knows nothing of HTTP."""

from headroom.coordinator.beacons import Beacons
from headroom.coordinator.clock import Clock, SystemClock
from headroom.coordinator.coordinator import Coordinator
from headroom.coordinator.settings import Settings

__all__ = ["Beacons", "Clock", "Coordinator", "Settings", "SystemClock"]
