"""What a virtual board is made of, and how the processor is told so when it starts."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from headroom.device import firmware
from headroom.device.romfs import build_folder

from boards.virtual.plant import Wiring

# The ESP8266 port's GC heap, and what is on top of it here: what the shims occupy (they stand in
# for C modules that cost the chip nothing) and room for the garbage of boot.py and main.py,
# because the WebAssembly build cannot collect within a call. When main.py has returned, all of
# this surplus is filled up: see shims/start.py.
HEAP_BYTES = 38 * 1024
SURPLUS_BYTES = 112 * 1024

# The Python of one timer callback on an ESP8266 at 160 MHz: what `tools/bench.py tick` projects
# for the control part of a tick, rounded up (tools/tests/test_bench.py).
CONTROL_MS = 6.0

# Where built images are kept.
IMAGES = Path(__file__).parent.parent.parent / "build" / "romfs"
CHANNELS = 4
SHUNT_ADDRESS = 0x40  # of the first INA226; its input is the one after the converter's
THIRD_OF_A_TURN_RAD = 2 * math.pi / 3


@dataclass
class Fitting:
    """What a virtual board is made of.

    ``rate_error`` is its converter's, -0.1 to 0.1; voltages in V; ``harmonics`` is the waveform of
    all its loads as (order, share, phase in rad). ``control_ms`` is what the Python of a timer
    callback costs, whatever it does. ``on_main``: sensors without relay see the circuits of their
    phase, too. ``watch_heap`` has every timer callback counted, for
    ``VirtualBoard.heap``.
    """

    seed: int = 1
    mains_hz: float = 50.0
    rate_error: float = 0.03
    noise_volts: float = 60e-6
    harmonics: Sequence[tuple[int, float, float]] = ((1, 1.0, 0.0),)
    wirings: Sequence[Wiring] = field(default_factory=list)
    gated: bool = True
    control_ms: float = CONTROL_MS
    watch_heap: bool = False
    on_main: bool = False

    @classmethod
    def for_config(cls, config: dict[str, Any], **others: Any) -> Fitting:
        """The hardware that a board's config.json describes, wired as it says."""
        wirings = [_wiring(one) for one in (*config["circuits"], *config.get("meters", []))]
        return cls(mains_hz=config.get("mains_hz", 50), wirings=wirings, **others)


def _wiring(circuit: dict[str, Any]) -> Wiring:
    """Of a circuit, or of a meter: it has no pin."""
    direct = circuit.get("sensor") == "ina226"
    return Wiring(
        circuit.get("pin"),
        circuit["channel"] + (CHANNELS if direct else 0),
        circuit["phase"],
        ct_amps_per_volt=circuit.get("ct_ma_per_v", 30_000) / 1000,
        shunt_ohms=circuit["shunt_uohm"] / 1e6 if direct else 0.0,
    )


def hardware_order(fitting: Fitting, board: dict[str, Any]) -> dict[str, Any]:
    """The part of the order ``start`` that is the same at every start: heap, cost of control,
    sensors, converter, shims. ``board`` is the board's TOML file.
    """
    sensing = board["sensing"]
    return {
        "heapBytes": HEAP_BYTES + SURPLUS_BYTES,
        "controlUs": fitting.control_ms * 1000,
        "plant": {
            "mainsHz": fitting.mains_hz,
            "biasVolts": sensing["bias_mv"] / 1000,
            "sensors": _sensors(fitting),
        },
        "converter": {
            "address": sensing["address"],
            "rateError": fitting.rate_error,
            "supplyVolts": sensing["supply_mv"] / 1000,
            "noiseVolts": fitting.noise_volts,
        },
        "shunts": [
            {
                "address": SHUNT_ADDRESS + wiring.channel - CHANNELS,
                "channel": wiring.channel,
                "rateError": fitting.rate_error,
            }
            for wiring in fitting.wirings
            if wiring.channel >= CHANNELS
        ],
        "shims": _shims(),
    }


def _sensors(fitting: Fitting) -> list[dict[str, Any]]:
    sensors: list[dict[str, Any]] = [
        {"ctAmpsPerVolt": 30.0, "phaseRad": 0.0, "harmonics": fitting.harmonics}
        for _ in range(2 * CHANNELS)
    ]
    for wiring in fitting.wirings:
        sensors[wiring.channel] |= {
            "ctAmpsPerVolt": wiring.ct_amps_per_volt,
            "shuntOhms": wiring.shunt_ohms,
            "phaseRad": (1 - wiring.phase) * THIRD_OF_A_TURN_RAD,
            "passes": _passes(fitting, wiring),
        }
    return sensors


def _passes(fitting: Fitting, wiring: Wiring) -> list[int]:
    """The inputs whose circuits' currents pass through a sensor beside its own load."""
    if wiring.pin is not None or not fitting.on_main:
        return []
    behind = (w for w in fitting.wirings if w.pin is not None and w.phase == wiring.phase)
    return [one.channel for one in behind]


@cache
def _shims() -> str:
    return base64.b64encode(build_folder(Path(__file__).parent / "shims", IMAGES)).decode()


@cache
def firmware_image() -> bytes:
    """The ROMFS image of the repository's firmware, built once: that takes longer than a boot."""
    return firmware.image()


def board_files(config: dict[str, Any], secrets: dict[str, Any]) -> dict[str, bytes]:
    """The files that provisioning puts on a board: the boot files of this repository, its config
    and its secrets.
    """
    return {
        **firmware.boot_files(),
        "config.json": json.dumps(config).encode(),
        "secrets.json": json.dumps(secrets).encode(),
    }
