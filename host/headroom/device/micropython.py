"""MicroPython's own image, as its project publishes it: is it one, whole, and of the right kind?

Its build (ports/esp8266/makeimg.py of MicroPython) ends the file with the MD5 of all that comes
before, but for the first four bytes, which flashing tools change.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from headroom.device.errors import DeviceError
from headroom.device.layout import ROMFS_START

VARIANT = "ESP8266_GENERIC-FLASH_2M_ROMFS"
_WHERE = f"take {VARIANT} from https://micropython.org/download/ESP8266_GENERIC/"
_MAGIC = 0xE9
# Where the chip's program begins is in its fast RAM; at these addresses other chips have nothing.
_ENTRY = struct.Struct("<4xI")
_FAST_RAM = range(0x40100000, 0x40110000)
_OTHER_FILES = {
    b"<": "is a web page",
    b"\x1f\x8b": "is packed by gzip: unpack it",
    b"PK": "is packed by zip: unpack it",
    b"\x7fELF": "is an ELF file, not the .bin that is made of it",
}
_CHANGED_BYTES = 4
_MD5_BYTES = 16
# The interpreter's name for the type that mounts a ROMFS; in no build without it.
_ROMFS_NAME = b"VfsRom"
_VERSION = re.compile(rb"v(\d+\.\d+\.\d+[\w.-]*) on \d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class MicroPython:
    """An image that was checked; `version` is empty where it does not tell one."""

    content: bytes
    version: str
    sha256: str


def load(path: Path, sha256: str | None = None) -> MicroPython:
    """The image in a file, held against a hash where one is given. Raises DeviceError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DeviceError(f"{path}: cannot be read: {error.strerror}", _WHERE) from error
    digest = hashlib.sha256(content).hexdigest()
    if sha256 and sha256.strip().lower() != digest:
        raise DeviceError(
            f"{path}: its SHA-256 is {digest}, not {sha256.strip().lower()}",
            "download it again, from the place that tells the hash",
        )
    _check(path, content)
    found = _VERSION.search(content)
    return MicroPython(content, found[1].decode() if found else "", digest)


def _check(path: Path, content: bytes) -> None:
    foreign = _foreign(content)
    if foreign:
        raise DeviceError(f"{path}: is no image for an ESP8266: it {foreign}", _WHERE)
    body, md5 = content[_CHANGED_BYTES:-_MD5_BYTES], content[-_MD5_BYTES:]
    if hashlib.md5(body, usedforsecurity=False).digest() != md5:
        raise DeviceError(
            f"{path}: is not MicroPython's image as published, or cut off: "
            "its last 16 bytes are not the MD5 of the others",
            f"download it again; {_WHERE}",
        )
    if _ROMFS_NAME not in content:
        raise DeviceError(
            f"{path}: is a MicroPython without ROMFS, which holds the firmware", _WHERE
        )
    if len(content) > ROMFS_START:
        raise DeviceError(
            f"{path}: {len(content)} bytes reach into the ROMFS partition at {ROMFS_START:#x}",
            _WHERE,
        )


def _foreign(content: bytes) -> str:
    """What a file is that is no program for this chip; empty for one that is."""
    if not content:
        return "is empty"
    for beginning, what in _OTHER_FILES.items():
        if content.lstrip().startswith(beginning):
            return what
    if content[0] != _MAGIC or len(content) < _ENTRY.size:
        return "does not begin as one does"
    (entry,) = _ENTRY.unpack_from(content)
    return "" if entry in _FAST_RAM else "is for another chip, such as an ESP32"
