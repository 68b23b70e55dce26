"""What a board stands in and can be changed at any time: loads, contacts, sensors, the bus."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from boards.virtual.injected import Injected
from boards.virtual.plant import Change, Load, Plant, unit


class BoardWithPlant(ABC):
    """The part of a virtual board that is about its plant and what is broken."""

    plant: Plant
    injected: Injected
    now_us: float

    @property
    @abstractmethod
    def runs(self) -> bool:
        """Whether the interpreter runs."""

    @abstractmethod
    def _order(self, op: str, **details: Any) -> None:
        """Give the processor an order."""

    def set_load(self, circuit: int, load: Load) -> None:
        """Put a load behind a circuit's relay from now on."""
        self._change(self.plant.circuits[circuit].set_load(load, self.now_us))

    def set_cycle(self, circuit: int, samples: Sequence[float]) -> None:
        """Give a load the shape of one measured mains cycle, until the chip starts anew.

        ``samples`` are at equal distances. Only their shape counts: the load's current stays its
        RMS. Raises ValueError if there is no shape in them.
        """
        self._change([[self.plant.circuits[circuit].wiring.channel, "cycle", 0, unit(samples)]])

    def set_relay_fault(self, circuit: int, fault: str) -> None:
        """``welded``, ``not_closing`` or ``none``."""
        self._change(self.plant.circuits[circuit].set_fault(fault, self.now_us))

    def set_sensor_fault(self, circuit: int, fault: str, stuck_volts: float = 1.65) -> None:
        """Break a sensor, also of a board without power; it stays broken until it is ``none``.

        ``unplugged``: the pull-down holds the converter's pin at 0 V.
        ``stuck``: the pin is at ``stuck_volts``, whatever flows; the converter's noise stays.
        ``frozen``: the converter's result for this channel stays at the code it had, without any
        noise; where it had none yet or the board was reset, at the first one from then on.
        ``saturated``: the transformer drives the pin to both rails.

        Of an INA226: ``unplugged`` is a part that does not answer, ``stuck`` a shunt at
        ``stuck_volts``, ``frozen`` one that has stopped converting, ``saturated`` an open shunt.
        """
        channel = self.plant.circuits[circuit].wiring.channel
        self._change(self.injected.set_sensor(channel, fault, stuck_volts))

    def set_i2c_fault(self, errors: int = 0, dead: bool = False) -> None:
        """The next ``errors`` transactions fail; ``dead``: nothing answers on the bus any more."""
        self.injected.set_i2c(errors, dead)
        self._tell_faults()

    def overrun_ticks(self, extra_ms: Sequence[float]) -> None:
        """The coming ticks take that much longer."""
        self.injected.add_overruns(extra_ms)
        self._tell_faults()

    def _tell_faults(self) -> None:
        if self.runs:
            self._order("fault", **self.injected.order())

    def _change(self, changes: list[Change]) -> None:
        if self.runs:
            self._order("run", until=self.now_us, changes=changes)
