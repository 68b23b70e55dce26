"""What esptool's stub speaks: the program that it puts into RAM to do what the boot ROM cannot.

Its code is not executed here; what it would answer is.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

from boards.virtual.rom.loader import SYNC_ANSWERS, Answer, Loader, Refused, Surroundings
from boards.virtual.rom.protocol import STUB_FAULTS, Op, Request
from boards.virtual.rom.writer import erase

GREETING = b"OHAI"
_INFLATE_FAILED = b"\xc7\x00"


class Stub(Loader):
    """The stub: erases as it writes, unpacks, reads back, and changes the line's rate."""

    faults = STUB_FAULTS

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._inflate = zlib.decompressobj()
        self._reading: _Reading | None = None
        self.commands |= {
            Op.SYNC: lambda _: Answer(times=SYNC_ANSWERS),
            Op.SPI_SET_PARAMS: lambda _: Answer(),
            Op.SPI_ATTACH: lambda _: Answer(),
            Op.CHANGE_BAUDRATE: self._change_rate,
            Op.FLASH_DEFL_BEGIN: self.begin_flash,
            Op.FLASH_DEFL_DATA: self._write_packed,
            Op.FLASH_DEFL_END: self.end_flash,
            Op.SPI_FLASH_MD5: self._digest,
            Op.ERASE_FLASH: lambda _: self._erase(0, around.flash.size),
            Op.ERASE_REGION: lambda request: self._erase(*request.words(2)),
            Op.READ_FLASH: self._read,
            Op.RUN_USER_CODE: lambda _: Answer(times=0, then=around.boot),
        }

    def take(self, packet: bytes) -> None:
        """Serve one packet; while it reads back that is the host's count of bytes received."""
        if self._reading is None:
            super().take(packet)
        elif self._reading.acknowledge(packet):
            self._reading = None

    def begin_flash(self, request: Request) -> Answer:
        """Get ready to write; sectors are erased when they are come to."""
        size, _, _, start = request.words(4)
        self.start_writing(start, size, erases=True)
        self._inflate = zlib.decompressobj()
        return Answer()

    def end_flash(self, request: Request) -> Answer:
        """Word 1 means to stay in the stub, 0 to start the chip anew."""
        (stay,) = request.words(1)
        return Answer(then=None if stay else self.around.restart)

    def _write_packed(self, request: Request) -> Answer:
        try:
            data = self._inflate.decompress(request.block())
        except zlib.error as error:
            raise Refused(_INFLATE_FAILED) from error
        return self.write_flash(data)

    def _change_rate(self, request: Request) -> Answer:
        baud, _ = request.words(2)
        return Answer(then=lambda: setattr(self.around.registers, "baud", baud))

    def _digest(self, request: Request) -> Answer:
        start, size = request.words(2)
        return Answer(data=hashlib.md5(self.around.flash.read(start, size)).digest())

    def _erase(self, start: int, size: int) -> Answer:
        erase(self.around.flash, start, size)
        return Answer()

    def _read(self, request: Request) -> Answer:
        start, size, block_bytes, in_flight = request.words(4)
        data = self.around.flash.read(start, size)
        self._reading = _Reading(self, data, block_bytes, in_flight)
        return Answer(then=self._reading.send_more)


class _Reading:
    """Flash on its way to the host, with a limited number of blocks not yet acknowledged."""

    def __init__(self, stub: Stub, data: bytes, block_bytes: int, in_flight: int) -> None:
        self._stub = stub
        self._data = data
        self._block_bytes = block_bytes
        self._window_bytes = block_bytes * in_flight
        self._sent = 0
        self._acknowledged = 0

    def acknowledge(self, packet: bytes) -> bool:
        """The host has that many bytes; whether it has all, and then gets their digest."""
        if len(packet) == 4:
            (self._acknowledged,) = struct.unpack("<I", packet)
        if self._acknowledged < len(self._data):
            self.send_more()
            return False
        self._stub.send(hashlib.md5(self._data).digest())
        return True

    def send_more(self) -> None:
        """Send what the window has room for."""
        while self._sent < min(len(self._data), self._acknowledged + self._window_bytes):
            block = self._data[self._sent : self._sent + self._block_bytes]
            self._stub.send(block)
            self._sent += len(block)
