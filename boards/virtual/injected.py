"""What tests break on a board. The board keeps it, so that neither a reset nor a power cut repairs
anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from boards.virtual.plant import Change

SENSOR_FAULTS = ("none", "unplugged", "stuck", "frozen", "saturated")


@dataclass
class Injected:
    """The faults of sensors, bus and control step. ``sensors`` is (fault, volts of ``stuck``) by
    converter channel.
    """

    sensors: dict[int, tuple[str, float]] = field(default_factory=dict)
    i2c_errors: int = 0
    i2c_dead: bool = False
    overruns_us: list[float] = field(default_factory=list)

    def set_sensor(self, channel: int, fault: str, stuck_volts: float) -> list[Change]:
        """Break a sensor; returns what the converter has to know. Raises ValueError."""
        if fault not in SENSOR_FAULTS:
            raise ValueError(f"sensor fault {fault!r}: one of {', '.join(SENSOR_FAULTS)}")
        self.sensors[channel] = (fault, stuck_volts)
        return self._sensor_changes(channel)

    def set_i2c(self, errors: int, dead: bool) -> None:
        """The next ``errors`` transactions fail; ``dead``: all do."""
        self.i2c_errors, self.i2c_dead = errors, dead

    def add_overruns(self, extra_ms: Sequence[float]) -> None:
        """The coming control steps take that much longer."""
        self.overruns_us += [ms * 1000 for ms in extra_ms]

    def take_report(self, report: dict[str, Any]) -> None:
        """What the processor says is left of the faults that are used up."""
        self.i2c_errors = report["i2cErrors"]
        self.overruns_us = list(report["overrunsUs"])

    def restate(self) -> list[Change]:
        """The sensors' faults for a converter that starts anew."""
        return [change for channel in self.sensors for change in self._sensor_changes(channel)]

    def order(self) -> dict[str, Any]:
        """The rest, as the processor's order ``fault`` takes it."""
        return {
            "i2cErrors": self.i2c_errors,
            "i2cDead": self.i2c_dead,
            "overrunsUs": self.overruns_us,
        }

    def _sensor_changes(self, channel: int) -> list[Change]:
        fault, stuck_volts = self.sensors[channel]
        return [[channel, "stuck_volts", 0, stuck_volts], [channel, "fault", 0, fault]]
