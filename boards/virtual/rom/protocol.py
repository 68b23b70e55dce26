"""Requests and answers of the ESP8266's serial protocol, as Espressif documents it:
docs.espressif.com/projects/esptool/en/latest/esp8266/advanced-topics/serial-protocol.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import xor

CHECKSUM_SEED = 0xEF

_REQUEST, _ANSWER = 0, 1
_HEADER = struct.Struct("<BBHI")
_BLOCK_HEADER = struct.Struct("<IIII")


class Op(IntEnum):
    """What a request asks for; from ``SPI_SET_PARAMS`` on of the stub alone."""

    FLASH_BEGIN = 0x02
    FLASH_DATA = 0x03
    FLASH_END = 0x04
    MEM_BEGIN = 0x05
    MEM_END = 0x06
    MEM_DATA = 0x07
    SYNC = 0x08
    WRITE_REG = 0x09
    READ_REG = 0x0A
    SPI_SET_PARAMS = 0x0B
    SPI_ATTACH = 0x0D
    CHANGE_BAUDRATE = 0x0F
    FLASH_DEFL_BEGIN = 0x10
    FLASH_DEFL_DATA = 0x11
    FLASH_DEFL_END = 0x12
    SPI_FLASH_MD5 = 0x13
    ERASE_FLASH = 0xD0
    ERASE_REGION = 0xD1
    READ_FLASH = 0xD2
    RUN_USER_CODE = 0xD3


@dataclass(frozen=True)
class Faults:
    """The status bytes by which ROM and stub name what is wrong with a request."""

    bad_message: bytes
    bad_checksum: bytes
    flash_failed: bytes
    unknown: bytes


ROM_FAULTS = Faults(b"\x01\x05", b"\x01\x07", b"\x01\x08", b"\x01\x05")
STUB_FAULTS = Faults(b"\xc0\x00", b"\xc1\x00", b"\xc4\x00", b"\xff\x00")


class BadLength(ValueError):
    """A packet that is shorter or longer than it says, or than its request takes."""


class BadChecksum(ValueError):
    """A block of data whose checksum does not hold."""


@dataclass(frozen=True)
class Request:
    """One request; ``size`` is what it says of its body, ``checksum`` belongs to the block of data
    that some of them carry.
    """

    op: int
    size: int
    checksum: int
    body: bytes

    def words(self, count: int) -> tuple[int, ...]:
        """The first ``count`` 32-bit words of the body. Raises BadLength."""
        if len(self.body) != self.size or self.size < 4 * count:
            raise BadLength(f"{len(self.body)} bytes instead of {self.size}")
        return struct.unpack_from(f"<{count}I", self.body)

    def block(self) -> bytes:
        """The block of data in the body. Raises BadLength, BadChecksum."""
        size = self.words(4)[0]
        data = self.body[_BLOCK_HEADER.size :]
        if len(data) != size:
            raise BadLength(f"{len(data)} bytes instead of {size}")
        if checksum(data) != self.checksum & 0xFF:
            raise BadChecksum
        return data


def parse(packet: bytes) -> Request | None:
    """The request in a packet; None if it is none."""
    if len(packet) < _HEADER.size or packet[0] != _REQUEST:
        return None
    _, op, size, check = _HEADER.unpack_from(packet)
    return Request(op, size, check, packet[_HEADER.size :])


def answer(op: int, value: int = 0, body: bytes = b"\x00\x00") -> bytes:
    """The packet that answers ``op``; the last two bytes of ``body`` are its status, 0 is good."""
    return _HEADER.pack(_ANSWER, op, len(body), value) + body


def checksum(data: bytes | bytearray, seed: int = CHECKSUM_SEED) -> int:
    """The exclusive or of all bytes."""
    return reduce(xor, data, seed)
