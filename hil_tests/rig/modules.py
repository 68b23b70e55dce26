"""Which pins of a module can do what a rig asks of them.

Sources: Espressif, ESP8266EX and ESP32 datasheets, pins and strapping; Raspberry Pi, RP2040
datasheet, table of PWM channels, and the Pico's pinout; MicroPython's documentation of machine.PWM
and machine.Timer on each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from hil_tests.rig.client import RigError, Wiring


@dataclass(frozen=True)
class Module:
    """``pwm`` and ``inputs``: GPIO that can drive a filter, and that a contact can be wired to.
    ``channels``: pins that are as far apart share one PWM channel; 0 = each has its own.
    """

    pwm: frozenset[int]
    inputs: frozenset[int]
    timers: frozenset[int]
    most_carrier_hz: int
    channels: int = 0


# Without 15, which has to be low at its start, and 1 and 3, the serial port.
_ESP12F = frozenset({0, 2, 4, 5, 12, 13, 14, 16})
_PICO = frozenset({*range(23), 26, 27, 28})  # the others are the Pico's own
_ESP32 = frozenset({4, 13, 14, *range(16, 20), *range(21, 24), 25, 26, 27, 32, 33})
MODULES = {
    # A contact that is pulled down at 0 or 2 would keep it from starting; 16 has no PWM.
    "esp12f": Module(_ESP12F - {16}, _ESP12F - {0, 2}, frozenset({-1}), 1000),
    "pico": Module(_PICO, _PICO, frozenset({-1}), 100_000, channels=16),
    # Without those that choose how it starts; 34 to 39 are inputs alone.
    "esp32": Module(_ESP32, _ESP32 | {34, 35, 36, 39}, frozenset(range(4)), 40_000),
}


def wiring_of(given: Mapping[str, Any]) -> Wiring:
    """The wiring that the table ``rig`` of a rig.toml tells, without its port.

    Raises RigError, which names the key and the pin.
    """
    given = dict(given)
    name = given.pop("module", "esp12f")
    if name not in MODULES:
        raise RigError(f"rig.module: {name!r} is none of {', '.join(MODULES)}")
    unknown = set(given) - {field.name for field in fields(Wiring)}
    if unknown:
        raise RigError(f"rig.{min(unknown)}: unknown key")
    wiring = Wiring(**given)
    _check(wiring, MODULES[name], name)
    return wiring


def _check(wiring: Wiring, module: Module, name: str) -> None:
    if len(wiring.loads) != len(wiring.contacts):
        raise RigError(
            f"rig.contacts: {len(wiring.contacts)} for {len(wiring.loads)} loads: one for each"
        )
    _check_pins("loads", wiring.loads, module.pwm, f"no PWM of the {name} that is free")
    _check_pins("contacts", wiring.contacts, module.inputs, f"no input of the {name} that is free")
    power = [wiring.power] if wiring.power >= 0 else []
    _check_pins("power", power, module.pwm, f"no output of the {name} that is free")
    _check_pins("timers", wiring.timers, module.timers, f"no timer of the {name}")
    for pin, count in Counter([*wiring.loads, *wiring.contacts, *power]).items():
        if count > 1:
            raise RigError(f"rig: GPIO {pin} is named {count} times")
    if module.channels:
        shared = Counter(pin % module.channels for pin in wiring.loads)
        for pin in wiring.loads:
            if shared[pin % module.channels] > 1:
                raise RigError(f"rig.loads: GPIO {pin} shares its PWM channel with another one")
    if not 0 < wiring.carrier_hz <= module.most_carrier_hz:
        raise RigError(
            f"rig.carrier_hz: {wiring.carrier_hz}, the {name} has 1 to {module.most_carrier_hz}"
        )


def _check_pins(key: str, pins: Iterable[int], possible: frozenset[int], why: str) -> None:
    for pin in pins:
        if pin not in possible:
            listed = ", ".join(map(str, sorted(possible)))
            raise RigError(f"rig.{key}: {pin} is {why}: {listed}")
