"""One archive with what a report of a bug needs, and none of the secrets."""

from __future__ import annotations

import io
import json
import platform
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import metadata
from typing import BinaryIO

from headroom.device import node, redaction
from headroom.device.errors import DeviceError
from headroom.device.romfs import BUILD
from headroom.device.serial_line import SerialLine

_SECRETS = "/secrets.json"
_FILES = ("/config.json", "/state.json", "/calibration.json", f"/rom/{BUILD}")
_PACKAGES = (
    "headroom",
    "esptool",
    "mpremote",
    "pyserial",
    "littlefs-python",
    "flask",
    "sqlalchemy",
)
CONSOLE, COORDINATOR_LOG = "board/console.txt", "coordinator.log"
# What a person or a program has printed, and not the project's own data, which has hashes in it.
_LOGS = (CONSOLE, COORDINATOR_LOG)

_LOG_BYTES = 1 << 20


def of_board(line: SerialLine) -> tuple[dict[str, bytes], set[str]]:
    """What the board tells, by name in the archive, and the secrets that must not be in it."""
    found = {}
    for path in _FILES:
        content = line.read(path)
        if content is not None:
            found[f"board{path}"] = content
    found["board/files.txt"] = line.exec(
        "import os\nfor d in '/','/journal':\n try:\n  for f in os.ilistdir(d):print(d,f)\n"
        " except OSError:pass"
    ).encode()
    told = line.exec("import sys; print(sys.implementation, sys.version)")
    found["board/interpreter.txt"] = told.encode()
    try:
        node.require_node(line)
        found["board/node.json"] = _json(asdict(node.snapshot(line)))
    except DeviceError as error:
        found["board/node.txt"] = str(error).encode()
    return found, redaction.values(line.read(_SECRETS) or b"")


def of_this_machine() -> dict[str, bytes]:
    """Versions."""
    versions = {name: metadata.version(name) for name in _PACKAGES}
    system = {"python": platform.python_version(), "system": platform.platform()}
    return {"machine.json": _json(system | versions)}


def end_of(log: BinaryIO) -> bytes:
    """The newest lines of a log, up to 1 MiB."""
    kept = b""
    while part := log.read(_LOG_BYTES):
        kept = (kept + part)[-_LOG_BYTES - 1 :]
    return kept if len(kept) <= _LOG_BYTES else kept.partition(b"\n")[2]


def archive(content: Mapping[str, bytes], secrets: Iterable[str]) -> bytes:
    """A zip file of it, without any of the secrets in any of its files, nor in the logs what only
    looks like one.
    """
    hidden = set(secrets)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, body in sorted(content.items()):
            shown = redaction.without(body, hidden)
            packed.writestr(name, redaction.without_shapes(shown) if name in _LOGS else shown)
    return buffer.getvalue()


def _json(document: object) -> bytes:
    return json.dumps(document, indent=1).encode()
