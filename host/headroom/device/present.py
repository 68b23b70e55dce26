"""What a provisioned board has now, and keeps where it is provisioned again without naming it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from headroom.device.provisioning import CONFIG, SECRETS
from headroom.device.serial_line import BoardError, SerialLine

# Names alone: what keys are never goes over the serial line to here.
_KEYS = (
    "(lambda s: [k for k in ('site_key', 'charge_key') if len(s.get(k, '')) == 64])"
    f"(__import__('json').load(open('/{SECRETS}')))"
    f" if {SECRETS!r} in __import__('os').listdir('/') else []"
)
_DAMAGED = ("ValueError", "AttributeError", "TypeError", "UnicodeError")


@dataclass(frozen=True)
class Present:
    """Of a new board, the defaults. `keys`: names of those that it has beside its own;
    `damaged`: files whose content is not known.
    """

    mains_hz: int = 50
    http_port: int = 0
    keys: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


def present(line: SerialLine, board_id: str) -> Present:
    """What is on the board on a line; one that was another board begins anew.

    Raises DeviceError where the board does not answer.
    """
    damaged = []
    config: dict[str, Any] = {}
    keys: tuple[str, ...] = ()
    try:
        config = _config(line, board_id)
    except (ValueError, AttributeError, TypeError):
        damaged.append(CONFIG)
    try:
        keys = tuple(line.eval(_KEYS))
    except BoardError as error:
        if not error.traceback.startswith(_DAMAGED):
            raise
        damaged.append(SECRETS)
    # Whose keys they are, its configuration tells.
    return Present(**config, keys=keys if config else (), damaged=tuple(damaged))


def _config(line: SerialLine, board_id: str) -> dict[str, Any]:
    """Empty for a board that was none, or another."""
    config = json.loads(line.read(f"/{CONFIG}") or b"{}")
    if config.get("id") != board_id:
        return {}
    return {
        "mains_hz": int(config.get("mains_hz", Present.mains_hz)),
        "http_port": int(config.get("http", {}).get("port", Present.http_port)),
    }
