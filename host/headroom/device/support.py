"""One archive with what a report of a bug needs, and none of the secrets."""

from __future__ import annotations

import io
import json
import platform
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import metadata

from headroom.device import node
from headroom.device.errors import DeviceError
from headroom.device.romfs import BUILD
from headroom.device.serial_line import SerialLine

_REMOVED = b"[removed]"
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
# Shorter ones would be found everywhere.
_SHORTEST = 4


def of_board(line: SerialLine) -> tuple[dict[str, bytes], set[bytes]]:
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
        found["board/node.json"] = _json(asdict(node.snapshot(line)))
    except DeviceError as error:
        found["board/node.txt"] = str(error).encode()
    return found, _secret_values(line.read(_SECRETS) or b"")


def of_this_machine() -> dict[str, bytes]:
    """Versions."""
    versions = {name: metadata.version(name) for name in _PACKAGES}
    system = {"python": platform.python_version(), "system": platform.platform()}
    return {"machine.json": _json(system | versions)}


def archive(content: Mapping[str, bytes], secrets: Iterable[bytes]) -> bytes:
    """A zip file of it, without any of the secrets in any of its files."""
    # The longest first: one may be part of another.
    hidden = sorted((value for value in secrets if len(value) >= _SHORTEST), key=len)[::-1]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, body in sorted(content.items()):
            packed.writestr(name, _without(body, hidden))
    return buffer.getvalue()


def _without(body: bytes, secrets: Iterable[bytes]) -> bytes:
    for secret in secrets:
        # As it is, and as JSON or a Python text would have it.
        for form in {secret, json.dumps(secret.decode())[1:-1].encode()}:
            body = re.sub(re.escape(form), _REMOVED, body, flags=re.IGNORECASE)
    return body


def _secret_values(content: bytes) -> set[bytes]:
    try:
        return {str(value).encode() for value in json.loads(content).values() if value}
    except (ValueError, AttributeError):
        # Damaged: whatever looks like a text in it.
        return set(re.findall(rb'"([^"]{4,})"', content))


def _json(document: object) -> bytes:
    return json.dumps(document, indent=1).encode()
