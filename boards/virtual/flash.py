"""The module's flash chip: sectors that are erased, pages that are programmed, and power that may
go in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from littlefs import LittleFS, UserContext

FLASH_BYTES = 4 * 1024 * 1024  # an ESP12F carries 32 Mbit
SECTOR_BYTES = 4096
PAGE_BYTES = 256

# The layout of MicroPython's ESP8266_GENERIC build FLASH_2M_ROMFS.
ROMFS_START, ROMFS_BYTES = 0xB0000, 320 * 1024
FILES_START, FILES_SECTORS = 0x100000, 251

# Typical figures of a 25-series chip of this size (Winbond W25Q32: 45 ms a sector, 0.4 ms a page).
ERASE_US = 45_000
PROGRAM_PAGE_US = 400

_IO_ERROR = -5


class PowerLost(Exception):
    """Power went in the middle of an operation on the chip."""


class WriteFailed(Exception):
    """The chip has refused a program or an erase."""


@dataclass
class Wear:
    """What the chip was asked to do since it was made; ``of_sector`` counts each one's erases."""

    erases: int = 0
    programs: int = 0
    of_sector: Counter[int] = field(default_factory=Counter)

    @property
    def operations(self) -> int:
        """Programs and erases together: the points at which power can be cut."""
        return self.erases + self.programs


class Flash:
    """A NOR flash: erasing sets a sector to ones, programming can only clear bits.

    ``cut_at`` places a power cut: the operation with that number (counted by ``wear.operations``)
    is done by half, and nothing after it. ``refuses``: each operation fails and says so.
    ``worn`` sectors say nothing, and stay as they are. Addresses go round past the end: the chip
    has no more of their bits.
    """

    def __init__(self, image: bytes = b"", size: int = FLASH_BYTES) -> None:
        if len(image) > size:
            raise ValueError(f"flash image: {len(image)} bytes, the chip holds {size}")
        self.image = bytearray(image.ljust(size, b"\xff"))
        self.wear = Wear()
        self.cut_at: int | None = None
        self.powered = True
        self.refuses = False
        self.worn: frozenset[int] = frozenset()
        self.busy_us = 0

    @classmethod
    def load(cls, path: Path) -> Flash:
        """The chip as it was saved; a new, empty one where there is no such file."""
        return cls(path.read_bytes() if path.exists() else b"")

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        return len(self.image)

    def save(self, path: Path) -> None:
        """Write the image so that an interrupted save leaves the old one."""
        temporary = path.with_suffix(".new")
        temporary.write_bytes(self.image)
        temporary.replace(path)

    def take_busy_us(self) -> int:
        """How long the chip was busy since this was last asked."""
        busy, self.busy_us = self.busy_us, 0
        return busy

    def read(self, start: int, size: int) -> bytes:
        """``size`` bytes from address ``start``."""
        start %= self.size
        return bytes(self.image[start : start + size])

    def program(self, start: int, data: bytes) -> None:
        """Clear the bits that are zero in ``data``, page by page."""
        while data:
            size = PAGE_BYTES - start % PAGE_BYTES
            self._program_page(start % self.size, data[:size])
            start, data = start + size, data[size:]

    def _program_page(self, start: int, data: bytes) -> None:
        self.wear.programs += 1
        self.busy_us += PROGRAM_PAGE_US
        done = self._bytes_done(start, len(data))
        old = self.image[start : start + done]
        self.image[start : start + done] = bytes(a & b for a, b in zip(old, data, strict=False))
        self._fail_if_cut()

    def erase(self, start: int) -> None:
        """Set the sector that begins at ``start`` to ones."""
        start %= self.size
        self.wear.erases += 1
        self.wear.of_sector[start // SECTOR_BYTES] += 1
        self.busy_us += ERASE_US
        done = self._bytes_done(start, SECTOR_BYTES)
        self.image[start : start + done] = b"\xff" * done
        self._fail_if_cut()

    def _bytes_done(self, start: int, size: int) -> int:
        if self.refuses:
            raise WriteFailed
        if not self.powered or start // SECTOR_BYTES in self.worn:
            return 0
        if self.cut_at is not None and self.wear.operations >= self.cut_at:
            self.powered = False
            return size // 2
        return size

    def _fail_if_cut(self) -> None:
        if not self.powered:
            raise PowerLost


class FilePartition(UserContext):
    """The part of the chip that littlefs lives on, as littlefs-python wants it."""

    def __init__(self, flash: Flash) -> None:
        self.flash = flash
        self.attached = True

    def guarded(self, operation: Callable[[], None]) -> int:
        """Errors go back as numbers, because littlefs-python swallows exceptions.

        A partition let go of changes nothing.
        """
        if not self.attached:
            return _IO_ERROR
        try:
            operation()
        except (PowerLost, WriteFailed):
            return _IO_ERROR
        return 0

    def read(self, _config: object, block: int, offset: int, size: int) -> bytearray:
        return bytearray(self.flash.read(FILES_START + block * SECTOR_BYTES + offset, size))

    def prog(self, _config: object, block: int, offset: int, data: bytes) -> int:
        start = FILES_START + block * SECTOR_BYTES + offset
        return self.guarded(lambda: self.flash.program(start, bytes(data)))

    def erase(self, _config: object, block: int) -> int:
        return self.guarded(lambda: self.flash.erase(FILES_START + block * SECTOR_BYTES))

    def sync(self, _config: object) -> int:
        return 0


def mount_files(flash: Flash) -> tuple[LittleFS, FilePartition]:
    """Mount the chip's file system; an empty chip is formatted, as the port does at first."""
    partition = FilePartition(flash)
    blank = flash.read(FILES_START, 2 * SECTOR_BYTES) == b"\xff" * (2 * SECTOR_BYTES)
    # All sizes are MicroPython's for littlefs on a block device, as is the count of erases after
    # which metadata moves to other sectors (extmod/vfs_lfsx.c).
    files = LittleFS(
        context=partition,
        mount=False,
        block_size=SECTOR_BYTES,
        block_count=FILES_SECTORS,
        read_size=32,
        prog_size=32,
        cache_size=128,
        lookahead_size=32,
        block_cycles=100,
    )
    if blank:
        files.format()
    files.mount()
    return files, partition
