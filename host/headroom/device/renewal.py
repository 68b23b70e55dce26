"""A backup without going back in time.

A board's flash holds what was put on it, and what it has become: its count of starts, the highest
term of a coordinator that it has obeyed, a person's OFF orders, minutes that nobody has confirmed,
and the keys that are valid now. To put the latter back as they were would close a circuit that a
person has ordered off, or bring back a key that was replaced. So they are taken over from the
board's present flash. Where that does not hold them, the restored board starts no node until it
is provisioned again, and then keeps every circuit open until its coordinator has sent it all
orders anew (`unknown` in its state, see firmware/node/storage.py).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from headroom.device.errors import DeviceError
from headroom.device.files import FlashFiles, NoFileSystem
from headroom.device.layout import FILES_START

CONFIG, SECRETS, STATE = "config.json", "secrets.json", "state.json"
JOURNAL = "journal"


@dataclass(frozen=True)
class Outcome:
    """What came of a restore: `kept` of the present, or why provisioning is needed."""

    board_id: str
    kept: tuple[str, ...]
    needs_provisioning: str = ""


def renewed(backup: bytes, present: bytes) -> tuple[bytes, Outcome]:
    """The flash to write, and what came of it; `present` is the partition of the board's files.

    Raises DeviceError for a backup without files.
    """
    before, partition = backup[:FILES_START], backup[FILES_START:]
    try:
        target = FlashFiles(partition)
    except NoFileSystem as error:
        raise DeviceError(
            f"the backup has no file system of a board: {error}",
            "flash and provision the board instead: headroom board flash",
        ) from error
    board_id = _board_id(target)
    try:
        kept = _take_over(target, board_id, present)
        outcome = Outcome(board_id, kept)
    except _Unknown as why:
        _forget(target)
        outcome = Outcome(board_id, (), str(why))
    return before + target.image(), outcome


class _Unknown(Exception):
    """Why it is not known what the board has become."""


def _take_over(target: FlashFiles, board_id: str, present: bytes) -> tuple[str, ...]:
    try:
        source = FlashFiles(present)
    except NoFileSystem as error:
        raise _Unknown(
            f"the flash of this board has no files that can be read ({error}); an earlier restore "
            "that was cut short leaves it so"
        ) from error
    found = _board_id(source)
    if not found:
        raise _Unknown(f"/{CONFIG} of this board is missing or damaged")
    if found != board_id:
        raise _Unknown(f"this board is {found}, the backup is of {board_id}")
    state = source.read(STATE)
    if state is None or _state(state) is None:
        raise _Unknown(f"/{STATE} of this board is missing or damaged")
    secrets = source.read(SECRETS)
    if secrets is None or not _has_key(secrets):
        raise _Unknown(f"/{SECRETS} of this board is missing or damaged")
    target.write(STATE, state)
    target.write(SECRETS, secrets)
    journal = {name: source.read(name) or b"" for name in source.names(JOURNAL)}
    for name in target.names(JOURNAL):
        target.remove(name)
    for name, content in journal.items():
        target.write(name, content)
    return (STATE, SECRETS, *([JOURNAL] if journal else []))


def _forget(target: FlashFiles) -> None:
    """No node without provisioning, and then none that believes old orders."""
    old = _state(target.read(STATE) or b"") or {}
    orders_unknown = {
        "boot": old.get("boot", 0),
        "epoch": old.get("epoch", 0),
        "off": old.get("off", []),
        "starts": [1, 0, 0],
        "unknown": 1,
    }
    for name in (CONFIG, SECRETS, *target.names(JOURNAL)):
        target.remove(name)
    target.write(STATE, _sealed(orders_unknown))


def _board_id(files: FlashFiles) -> str:
    try:
        return str(json.loads(files.read(CONFIG) or b"{}").get("id", ""))
    except (ValueError, AttributeError):
        return ""


def _has_key(secrets: bytes) -> bool:
    try:
        return bool(json.loads(secrets)["key"])
    except (ValueError, KeyError, TypeError):
        return False


def _state(content: bytes) -> dict[str, Any] | None:
    """The state in a file as the firmware seals it; None where it cannot be believed."""
    body, _, seal = content.strip().rpartition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != seal:
        return None
    try:
        state: dict[str, Any] = json.loads(body)
    except ValueError:
        return None
    return state


def _sealed(state: dict[str, Any]) -> bytes:
    body = json.dumps(state).encode()
    return body + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n"
