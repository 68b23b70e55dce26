"""Make a board's configuration from the site file and from what its hardware is."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import Any

from headroom.device import firmware
from headroom.device.errors import ProvisionError
from headroom.phases import phase_index
from headroom.protocol.signing import KEY_BYTES
from headroom.site import Board, Circuit, Site


@dataclass(frozen=True)
class Link:
    """Where a board finds its coordinator: a numeric address, and how it reports.

    ``http_port`` is the port of the board's own HTTP, 0 = none.
    """

    host: str
    port: int
    timeout_s: int = 5
    ssid: str = "headroom"
    http_port: int = 0


@dataclass(frozen=True)
class Keys:
    """A board's keys, 32 bytes each: its own, and where it has them those of its site's beacons
    and of charge orders at the board. A board without one obeys none of that kind.
    """

    board: bytes
    site: bytes = b""
    charge: bytes = b""

    def secrets(self, wifi_password: str = "") -> dict[str, str]:
        """The content of its secrets.json. Raises ProvisionError."""
        keys = {"key": self.board, "site_key": self.site, "charge_key": self.charge}
        for name, key in keys.items():
            if len(key) != KEY_BYTES and (key or name == "key"):
                raise ProvisionError(f"{name}: has {len(key)} bytes, needs {KEY_BYTES}")
        given = {name: key.hex() for name, key in keys.items() if key}
        return {**given, "wifi_password": wifi_password}


def board_config(
    site: Site,
    board_id: str,
    link: Link,
    timing: dict[str, Any] | None = None,
    hardware: str = "esp12f_relay_x4",
    mains_hz: int = 50,
) -> dict[str, Any]:
    """The content of a board's config.json.

    ``timing`` goes before what the site file says of it. Raises ProvisionError.
    """
    board = site.board(board_id)
    if board is None:
        known = ", ".join(b.id for b in site.boards)
        raise ProvisionError(f"board {board_id!r} is not on the site; it has {known}")
    feeder = site.feeder(board.feeder)
    module = firmware.hardware(hardware)
    config = {
        "id": board.id,
        "mains_hz": mains_hz,
        "pins": {
            "sda": module["sda_pin"],
            "scl": module["scl_pin"],
            "gate": module["gate_pin"],
            "active": module["active"],
        },
        "feeder": {
            "rating_ma": list(feeder.rating_ma),
            "safe_limit_ma": list(board.safe_limit_ma),
        },
        "circuits": circuit_entries(board, module),
        "meters": meter_entries(site, board_id),
        "timing": board.timing.model_dump() | (timing or {}),
        "link": {
            "host": link.host,
            "port": link.port,
            "report_s": board.report_s,
            "timeout_s": link.timeout_s,
            "reset_wedged": board.reset_wedged,
        },
        "wifi": {"ssid": link.ssid},
        "http": {"port": link.http_port},
    }
    check_address(link.host)
    check(config)
    return config


def circuit_entries(board: Board, module: dict[str, Any]) -> list[dict[str, Any]]:
    """The board's circuits on the relays and converter inputs of its module, in order."""
    return [
        {
            "name": circuit.name,
            "phase": phase_index(circuit.phase) + 1,
            "pin": module["relay_pins"][index],
            "channel": index,
            "contact_ma": module["contact_ma"],
            **circuit.model_dump(exclude={"name", "phase", "breaking_ma"}, exclude_none=True),
            "breaking_ma": breaking_ma(circuit, module),
        }
        for index, circuit in enumerate(board.circuits)
    ]


def meter_entries(site: Site, board_id: str) -> list[dict[str, Any]]:
    """What the board measures without a relay."""
    return [
        {
            "name": f"{one.sensor.measures} {one.phase}",
            "phase": phase_index(one.phase) + 1,
            "channel": one.sensor.channel,
            "ct_ma_per_v": one.sensor.ct_ma_per_v,
            "spiky_percent": one.sensor.spiky_percent,
        }
        for one in site.sensors_of(board_id)
    ]


def breaking_ma(circuit: Circuit, module: dict[str, Any]) -> int:
    """What the site file says, else the module's relay; 0 leaves a contactor to the firmware."""
    relay_ma: int = 0 if circuit.contactor else module["breaking_ma"]
    return circuit.breaking_ma or relay_ma


def check_address(host: str) -> None:
    """A board looks up no names, because that could block it. Raises ProvisionError."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError as error:
        raise ProvisionError(
            f"link host {host!r}: a numeric IPv4 address is needed, such as 192.168.1.10"
        ) from error


def check(config: dict[str, Any]) -> None:
    """Have the firmware's own code check a configuration. Raises ProvisionError."""
    rules = firmware.config_rules()
    try:
        rules.merge(json.loads(json.dumps(config)))
    except rules.ConfigError as error:
        raise ProvisionError(f"board {config['id']}: {error}") from error
