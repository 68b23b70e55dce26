"""The program image that the boot ROM loads from the start of the flash."""

from __future__ import annotations

import hashlib
import random
import struct

from boards.virtual.rom.protocol import checksum

MAGIC = 0xE9
_HEADER, _SEGMENT = struct.Struct("<BBBBI"), struct.Struct("<II")
_ROM_SEGMENTS = 16  # more than that is no image
_ALIGN = 16
_IRAM, _IRAM_BYTES = 0x40100000, 0xC000  # with what the cache can give up of its half
_DRAM, _DRAM_BYTES = 0x3FFE8000, 0x18000

MARK = b"Headroom: stands in for MicroPython's ESP8266 image on a virtual board"
NAMES = b"VfsRom\0v1.29.0 on 2026-08-25; a stand-in\0"


class NoImage(ValueError):
    """The flash does not begin with a program; says why in the boot ROM's words."""


def check(flash: bytes | bytearray) -> None:
    """Whether the boot ROM would start what the flash begins with. Raises NoImage."""
    magic, segments, _, _, entry = _HEADER.unpack_from(flash)
    if magic != MAGIC or not 0 < segments <= _ROM_SEGMENTS or not _in_iram(entry):
        raise NoImage("ets_main.c")
    position, sum_ = _HEADER.size, checksum(b"")
    for _ in range(segments):
        address, size = _SEGMENT.unpack_from(flash, position)
        if not _in_ram(address, size):
            raise NoImage("ets_main.c")
        position += _SEGMENT.size
        sum_ = checksum(flash[position : position + size], sum_)
        position += size
    if flash[position | _ALIGN - 1] != sum_:
        raise NoImage(f"csum 0x{sum_:02x}\r\ncsum err\r\nets_main.c")


def stand_in(size_bytes: int = 4096, seed: int = 1) -> bytes:
    """A valid image of about that size, marked as what it is.

    One segment in RAM that holds the mark, and behind it bytes that do not compress, as code in
    flash lies behind the real one's segments. Of the real one it has the name of the type that
    mounts a ROMFS, its version, and at the end the MD5 of all but its first four bytes.
    """
    code = MARK.ljust(-(-len(MARK) // 4) * 4, b"\0")
    image = _HEADER.pack(MAGIC, 1, 0, 0x40, _IRAM) + _SEGMENT.pack(_IRAM, len(code)) + code
    image = image.ljust(len(image) | _ALIGN - 1, b"\0") + bytes((checksum(code),))
    image += NAMES
    rest = max(0, size_bytes - len(image) - hashlib.md5().digest_size)
    image += random.Random(seed).randbytes(rest)
    return image + hashlib.md5(image[4:]).digest()


def _in_iram(address: int) -> bool:
    return _IRAM <= address < _IRAM + _IRAM_BYTES


def _in_ram(address: int, size: int) -> bool:
    return any(
        start <= address and address + size <= start + length
        for start, length in ((_IRAM, _IRAM_BYTES), (_DRAM, _DRAM_BYTES))
    )
