"""The module's pins: what level each one has, from the boot loader's antics to the firmware's
writes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headroom.device.firmware import hardware as load_board

__all__ = ["Edge", "PinMap", "Pins", "load_board", "pin_map"]

KEPT_DUTIES = 64


@dataclass(frozen=True)
class PinMap:
    """A board's wiring as its TOML file states it. Times in us."""

    relay_pins: tuple[int, ...]
    gate_pin: int | None
    active: int
    boot_high: frozenset[int]
    boot_high_us: float
    pulled_up: frozenset[int]


def pin_map(board: dict[str, Any], gated: bool = True) -> PinMap:
    """The pin map of a board; ``gated=False`` leaves the coil gate unwired, to show what it is
    for.
    """
    boot = board["boot"]
    return PinMap(
        relay_pins=tuple(board["relay_pins"]),
        gate_pin=board["gate_pin"] if gated else None,
        active=board["active"],
        boot_high=frozenset(boot["high"]),
        boot_high_us=boot["high_ms"] * 1000,
        pulled_up=frozenset(boot["pulled_up"]),
    )


@dataclass(frozen=True)
class Edge:
    """A level that changed.

    ``what`` is ``pin``, ``coil``, or ``mode`` (level 1 = became an output, 0 = given up; comes
    before the level that it takes). ``index`` is the GPIO number or the relay's index.
    """

    at_us: float
    what: str
    index: int
    level: int


class Pins:
    """Levels of all pins, and every edge of them since the board was made."""

    def __init__(self, pin_map: PinMap) -> None:
        self.map = pin_map
        self.edges: list[Edge] = []
        # What drives an input from outside, and the newest duties of PWM: (at_us, of 65535; None
        # when it was given up).
        self.driven: dict[int, Callable[[float], int]] = {}
        self.pwm: dict[int, deque[tuple[float, int | None]]] = {}
        self._levels: dict[int, int] = {}
        self._outputs: set[int] = set()

    def lose_power(self, now_us: float) -> None:
        """All levels fall."""
        self.pwm.clear()
        self._give_up_outputs(now_us)
        for pin in list(self._levels):
            self._set(pin, 0, now_us)

    def hold(self, now_us: float) -> None:
        """The reset line is held: outputs are given up, all levels fall to their pull."""
        self._give_up_outputs(now_us)
        for pin in sorted({*self._levels, *self.map.pulled_up}):
            self._set(pin, int(pin in self.map.pulled_up), now_us)

    def reset(self, now_us: float) -> None:
        """The chip starts: outputs are given up, and some pins are driven high by its ROM."""
        self.pwm.clear()
        self._give_up_outputs(now_us)
        for pin in sorted({*self._levels, *self.map.boot_high, *self.map.pulled_up}):
            high = pin in self.map.boot_high or pin in self.map.pulled_up
            self._set(pin, int(high), now_us)

    def rom_done(self, now_us: float) -> None:
        """The boot ROM lets go of the pins it drove; those that nobody drives by now fall to their
        pull.
        """
        for pin in sorted(self.map.boot_high - self._outputs):
            self._set(pin, 0, now_us)

    def set_mode(self, pin: int, output: bool, value: int, now_us: float) -> None:
        """Make a pin an output with a level (``value`` 0, 1 or -1 to keep it), or an input."""
        if output:
            self._set_output(pin, True, now_us)
            if value >= 0:
                self._set(pin, value, now_us)
        else:
            self._set_output(pin, False, now_us)
            self._set(pin, int(pin in self.map.pulled_up), now_us)

    def write(self, pin: int, value: int, now_us: float) -> None:
        """Drive an output; a write to a pin that is an input changes nothing, as on the chip."""
        if pin in self._outputs:
            self._set(pin, value, now_us)

    @property
    def outputs(self) -> frozenset[int]:
        """The pins that the program has made outputs."""
        return frozenset(self._outputs)

    def read(self, pin: int, now_us: float) -> int:
        """What the program reads there."""
        if pin in self.driven and pin not in self._outputs:
            return self.driven[pin](now_us)
        return self.level(pin)

    def set_pwm(self, pin: int, duty: int, now_us: float) -> None:
        """A pin's duty from now on, of 65535; -1 ends it."""
        newest = self.pwm.setdefault(pin, deque(maxlen=KEPT_DUTIES))
        newest.append((now_us, None if duty < 0 else duty))

    def level(self, pin: int) -> int:
        """The level of a pin now."""
        return self._levels.get(pin, 0)

    def coil(self, relay: int) -> bool:
        """Whether a relay's coil is powered: its pin is active and, where it is wired, the gate is
        open.
        """
        gate = self.map.gate_pin
        open_gate = gate is None or self.level(gate) == 1
        return open_gate and self.level(self.map.relay_pins[relay]) == self.map.active

    def _give_up_outputs(self, now_us: float) -> None:
        for pin in sorted(self._outputs):
            self._set_output(pin, False, now_us)

    def _set_output(self, pin: int, output: bool, now_us: float) -> None:
        if (pin in self._outputs) == output:
            return
        (self._outputs.add if output else self._outputs.discard)(pin)
        self.edges.append(Edge(now_us, "mode", pin, int(output)))

    def _set(self, pin: int, level: int, now_us: float) -> None:
        if self._levels.get(pin, 0) == level:
            return
        before = [self.coil(i) for i in range(len(self.map.relay_pins))]
        self._levels[pin] = level
        self.edges.append(Edge(now_us, "pin", pin, level))
        for i, was in enumerate(before):
            if self.coil(i) != was:
                self.edges.append(Edge(now_us, "coil", i, int(not was)))
