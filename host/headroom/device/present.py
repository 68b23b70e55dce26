"""What a provisioned board has now, and keeps where it is provisioned again without naming it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from headroom.device.provisioning import CONFIG, SECRETS, WIFI
from headroom.device.serial_line import BoardError, SerialLine

# Names alone: what they are never goes over the serial line to here.
_NAMES = (
    "(lambda s: [k for k in ('site_key', 'charge_key') if len(s.get(k, '')) == 64]"
    f" + [{WIFI!r}] * ({WIFI!r} in s))"
    f"(__import__('json').load(open('/{SECRETS}')))"
    f" if {SECRETS!r} in __import__('os').listdir('/') else []"
)
_DAMAGED = ("ValueError", "AttributeError", "TypeError", "UnicodeError")


@dataclass(frozen=True)
class Present:
    """Of a new board, the defaults. `secrets`: names of those that it has beside its own key;
    `damaged`: files whose content is not known.
    """

    mains_hz: int = 50
    http_port: int = 0
    ssid: str = ""
    secrets: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    def has_password_of(self, ssid: str) -> bool:
        """Whether it has the password of a Wi-Fi, which may be none."""
        return WIFI in self.secrets and ssid == self.ssid


def present(line: SerialLine, board_id: str) -> Present:
    """What is on the board on a line; one that was another board begins anew.

    Raises DeviceError where the board does not answer.
    """
    damaged = []
    config: dict[str, Any] = {}
    names: tuple[str, ...] = ()
    try:
        config = _config(line, board_id)
    except (ValueError, AttributeError, TypeError):
        damaged.append(CONFIG)
    try:
        names = tuple(line.eval(_NAMES))
    except BoardError as error:
        if not error.traceback.startswith(_DAMAGED):
            raise
        damaged.append(SECRETS)
    # Whose they are, its configuration tells.
    return Present(**config, secrets=names if config else (), damaged=tuple(damaged))


def _config(line: SerialLine, board_id: str) -> dict[str, Any]:
    """Empty for a board that was none, or another."""
    config = json.loads(line.read(f"/{CONFIG}") or b"{}")
    if config.get("id") != board_id:
        return {}
    return {
        "mains_hz": int(config.get("mains_hz", Present.mains_hz)),
        "http_port": int(config.get("http", {}).get("port", Present.http_port)),
        "ssid": str(config.get("wifi", {}).get("ssid", "")),
    }
