"""Readings of uncontrolled load by boards' sensors without relay, made of their reports."""

from collections.abc import Iterator
from dataclasses import dataclass

from headroom.coordinator.readings import pairs, surely_drawn_ma
from headroom.phases import Phase
from headroom.protocol.messages import MeterReading, Report, SensorState
from headroom.site import Board, PlacedSensor, Site

# A saturated sensor says only that there is more than it can measure.
_KNOWN: frozenset[SensorState] = frozenset(("ok", "below_range", "spiky"))


@dataclass(frozen=True)
class Measurement:
    """A current of a feeder phase, measured at `at_s` on the monotonic clock.

    `of_main`: all of the feeder but what circuits draw, so its fixed load and that of feeders
    below is in it. Not `is_exact`: so are circuits of which nobody knows what they drew.
    """

    current_ma: int
    at_s: float
    of_main: bool = False
    is_exact: bool = True


@dataclass(frozen=True)
class _Heard:
    board: Board
    report: Report
    received_s: float


class Sensors:
    """The newest report of each board behind a main that is measured."""

    def __init__(self, site: Site) -> None:
        self._heard: dict[str, _Heard] = {}
        self.change_site(site)

    def change_site(self, site: Site) -> None:
        """Other sensors, or others that they measure for."""
        tree = site.tree()
        self._site = site
        mains = {one.feeder for one in site.sensors if one.sensor.measures == "main"}
        self._behind = {
            main: [board.id for board in site.boards if main in tree.chain_of(board.id)]
            for main in mains
        }

    def hear(
        self, board: Board, report: Report, now_s: float
    ) -> Iterator[tuple[PlacedSensor, Measurement | None]]:
        """What a report says of uncontrolled load; None where it has no reading to go by."""
        if self._behind:
            self._heard[board.id] = _Heard(board, report, now_s)
        told = {reading.channel: reading for reading in report.meters}
        for one in self._site.sensors_of(board.id):
            reading = told.get(one.sensor.channel)
            known = reading is not None and reading.sensor in _KNOWN
            yield one, self._measurement(one, reading, now_s) if reading and known else None

    def _measurement(self, one: PlacedSensor, reading: MeterReading, now_s: float) -> Measurement:
        at_s = now_s - reading.age_ms / 1000
        if one.sensor.measures == "branch":
            return Measurement(reading.current_ma, at_s)
        meter = self._site.feeder(one.feeder).meter
        assert meter is not None  # whose sensor this is
        since_s = now_s - meter.max_age_s
        behind = self._behind[one.feeder]
        drawn_ma = [self._drawn_ma(board_id, one.phase, since_s) for board_id in behind]
        left_ma = max(0, reading.current_ma - sum(known_ma for known_ma, _ in drawn_ma))
        is_exact = all(is_all for _, is_all in drawn_ma)
        return Measurement(left_ma, at_s, of_main=True, is_exact=is_exact)

    def _drawn_ma(self, board_id: str, phase: Phase, since_s: float) -> tuple[int, bool]:
        """What a board surely drew, measured after `since_s`; and whether that is all of it."""
        heard = self._heard.get(board_id)
        if heard is None:
            return 0, False
        currents_ma = [
            surely_drawn_ma(circuit, reading)
            if heard.received_s - reading.age_ms / 1000 > since_s
            else None
            for circuit, reading in pairs(heard.board, heard.report)
            if circuit.phase == phase
        ]
        return sum(known_ma or 0 for known_ma in currents_ma), None not in currents_ma
