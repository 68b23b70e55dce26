"""The whole flash of a board: written anew, emptied, kept in a file, and put back.

What a board has become since a backup was made is not put back with it: see `renewal`.
"""

from __future__ import annotations

from dataclasses import dataclass

from headroom.device import renewal, romfs
from headroom.device.chip import Chip
from headroom.device.errors import DeviceError
from headroom.device.layout import (
    FILES_START,
    FLASH_SIZE,
    MICROPYTHON_START,
    ROMFS_START,
)
from headroom.device.micropython import MicroPython

# Of a program's header, which esptool fits to the chip.
_HEADER_BYTES = 4


@dataclass(frozen=True)
class Flashed:
    """What was written and read back."""

    mac: str
    micropython_bytes: int
    romfs_bytes: int
    build: romfs.Build


def flash(chip: Chip, micropython: MicroPython, image: bytes) -> Flashed:
    """Write MicroPython and the firmware, and read both back; files on the board stay.

    Raises DeviceError.
    """
    romfs.check_size(image)
    build = romfs.build_of(image)
    chip.write("MicroPython", MICROPYTHON_START, micropython.content, FLASH_SIZE)
    chip.write("firmware", ROMFS_START, image)
    _verify(chip, "MicroPython", MICROPYTHON_START, micropython.content, _HEADER_BYTES)
    _verify(chip, "firmware", ROMFS_START, image)
    return Flashed(chip.mac, len(micropython.content), len(image), build)


def backup(chip: Chip) -> bytes:
    """All of the flash. Raises DeviceError."""
    return chip.read("the flash", 0, chip.flash_bytes)


def restore(chip: Chip, content: bytes) -> renewal.Outcome:
    """Put a backup back, with what the board has become since. Raises DeviceError."""
    if len(content) != chip.flash_bytes:
        raise DeviceError(
            f"the backup has {len(content)} bytes, the flash of this board {chip.flash_bytes}",
            "a backup fits a board with as much flash as it was made of",
        )
    files = chip.read("what the board has become", FILES_START, chip.flash_bytes - FILES_START)
    restored, outcome = renewal.renewed(content, files)
    # Verified by its hash alone: to read all of it a third time would take minutes.
    chip.write("the backup", 0, restored)
    return outcome


def _verify(chip: Chip, what: str, start: int, content: bytes, skip: int = 0) -> None:
    found = chip.read(f"{what} back", start, len(content))
    if found[skip:] == content[skip:]:
        return
    at = next(i for i in range(skip, len(content)) if found[i] != content[i])
    raise DeviceError(
        f"{chip.port}: {what} reads back otherwise than it was written, at {start + at:#x}",
        "write it again, with a lower --baud; where that fails at the same place, the flash chip "
        "is worn: take another module",
    )
