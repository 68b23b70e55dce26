"""Readings of uncontrolled load, and what it counts as while there is no fresh one."""

import math
from collections.abc import Mapping

from headroom.phases import PhaseMa, lowest, total
from headroom.site import Feeder, Site


class Meters:
    """The newest reading of each metered feeder. After a start there is none."""

    def __init__(self, site: Site) -> None:
        self._readings: dict[str, tuple[PhaseMa, float]] = {}
        self.stale_s = math.inf  # when the first of them will be too old
        self.change_site(site)

    def change_site(self, site: Site) -> None:
        """Other feeders, or other limits of their meters."""
        self._feeders = {feeder.id: feeder for feeder in site.feeders if feeder.meter}

    def read(self, feeder_id: str, measured_ma: PhaseMa, now_s: float) -> None:
        """A reading came in; raises KeyError for a feeder without meter."""
        self._readings[self._feeders[feeder_id].id] = (measured_ma, now_s)

    def uncontrolled_ma(self, now_s: float) -> Mapping[str, PhaseMa]:
        """By feeder, of those with a fresh reading; the others count as the most they may be."""
        fresh = {
            feeder_id: reading
            for feeder_id, reading in self._readings.items()
            if feeder_id in self._feeders and now_s < self._ends_s(feeder_id)
        }
        self._readings = fresh
        self.stale_s = min((self._ends_s(feeder_id) for feeder_id in fresh), default=math.inf)
        return {
            feeder_id: _counted_ma(self._feeders[feeder_id], measured_ma)
            for feeder_id, (measured_ma, _) in fresh.items()
        }

    def _ends_s(self, feeder_id: str) -> float:
        meter = self._feeders[feeder_id].meter
        return self._readings[feeder_id][1] + (meter.max_age_s if meter else 0)


def _counted_ma(feeder: Feeder, measured_ma: PhaseMa) -> PhaseMa:
    """A reading with what the load may rise by; never more than the most that it may be."""
    assert feeder.meter is not None
    risen_ma = total([measured_ma, feeder.meter.rise_ma])
    return total([feeder.uncontrolled_ma, lowest(risen_ma, feeder.meter.max_ma)])
