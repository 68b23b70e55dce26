"""Readings of uncontrolled load, and what it counts as while there is no fresh one."""

import math
from collections.abc import Mapping

from headroom.coordinator.sensors import Measurement, Sensors
from headroom.phases import PHASES, ZERO_MA, PhaseMa, phase_index, total
from headroom.protocol.messages import Report
from headroom.site import Board, Feeder, Site


class Meters:
    """The newest reading of each metered feeder phase. After a start there is none."""

    def __init__(self, site: Site) -> None:
        self._readings: dict[tuple[str, int], Measurement] = {}
        self.stale_s = math.inf  # when the first of them will be too old
        self._site = site
        self._sensors = Sensors(site)

    def change_site(self, site: Site) -> None:
        """Other feeders, or other meters of theirs; a reading of another sensor is none."""
        kept = set(self._site.sensors) & set(site.sensors)
        other = {(o.feeder, phase_index(o.phase)) for o in (*self._site.sensors, *site.sensors)}
        other -= {(one.feeder, phase_index(one.phase)) for one in kept}
        self._readings = {at: known for at, known in self._readings.items() if at not in other}
        self._site = site
        self._sensors.change_site(site)

    def read(self, feeder_id: str, measured_ma: PhaseMa, now_s: float) -> None:
        """A reading of a feeder with a meter came in by API."""
        for index, current_ma in enumerate(measured_ma):
            self._readings[feeder_id, index] = Measurement(current_ma, now_s)

    def hear(self, board: Board, report: Report, now_s: float) -> bool:
        """Whether a report says anything of uncontrolled load: be it that nothing is known."""
        told = list(self._sensors.hear(board, report, now_s))
        for one, measured in told:
            place = (one.feeder, phase_index(one.phase))
            self._readings.pop(place, None)
            if measured:
                self._readings[place] = measured
        return bool(told)

    def is_measured(self, feeder_id: str, index: int, now_s: float) -> bool:
        """Whether there is a fresh reading of a feeder phase."""
        measured = self._readings.get((feeder_id, index))
        return measured is not None and now_s < self._ends_s(feeder_id, measured)

    def uncontrolled_ma(self, now_s: float) -> Mapping[str, PhaseMa]:
        """By feeder, of each its own; without a fresh reading it is the most that it may be."""
        self._forget_old(now_s)
        return self._all_ma(now_s, with_rise=True)

    def measured_ma(self, now_s: float) -> Mapping[str, PhaseMa]:
        """The same of metered feeders, without what it may rise by."""
        all_ma = self._all_ma(now_s, with_rise=False)
        return {feeder.id: all_ma[feeder.id] for feeder in self._site.feeders if feeder.meter}

    def _all_ma(self, now_s: float, *, with_rise: bool) -> Mapping[str, PhaseMa]:
        chains = self._site.tree().chains
        counted_ma = {feeder.id: feeder.most_uncontrolled_ma for feeder in self._site.feeders}
        # Those that hang on others come before these, whose mains they are behind, too.
        metered = (feeder for feeder in self._site.feeders if feeder.meter)
        for feeder in sorted(metered, key=lambda one: -len(chains[one.id])):
            below_ma = total(
                ma for at, ma in counted_ma.items() if at != feeder.id and feeder.id in chains[at]
            )
            rise_ma = feeder.meter.rise_ma if with_rise and feeder.meter else ZERO_MA
            l1, l2, l3 = (
                self._counted_ma(feeder, i, below_ma[i], rise_ma[i])
                if self.is_measured(feeder.id, i, now_s)
                else feeder.most_uncontrolled_ma[i]
                for i in range(len(PHASES))
            )
            counted_ma[feeder.id] = (l1, l2, l3)
        return counted_ma

    def _counted_ma(self, feeder: Feeder, index: int, below_ma: int, rise_ma: int) -> int:
        """A reading with what the load may rise by; never less than what is measured."""
        measured = self._readings[feeder.id, index]
        assert feeder.meter is not None
        fixed_ma, most_ma = feeder.uncontrolled_ma[index], feeder.meter.max_ma[index]
        known_ma = measured.current_ma
        if measured.of_main:
            known_ma = max(0, known_ma - fixed_ma - below_ma)
        if not measured.is_exact:
            known_ma = min(known_ma, most_ma)
        return fixed_ma + max(known_ma, min(known_ma + rise_ma, most_ma))

    def _forget_old(self, now_s: float) -> None:
        self._readings = {
            place: measured
            for place, measured in self._readings.items()
            if now_s < self._ends_s(place[0], measured)
        }
        ends_s = (self._ends_s(place[0], one) for place, one in self._readings.items())
        self.stale_s = min(ends_s, default=math.inf)

    def _ends_s(self, feeder_id: str, measured: Measurement) -> float:
        meter = self._site.feeder(feeder_id).meter
        return measured.at_s + meter.max_age_s if meter else -math.inf
