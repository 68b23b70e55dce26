"""The boot ROM's loader: what the chip speaks on its serial line when it was started with GPIO0
low.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from boards.virtual.flash import Flash, WriteFailed
from boards.virtual.rom import slip
from boards.virtual.rom.chip import Registers
from boards.virtual.rom.protocol import (
    ROM_FAULTS,
    BadChecksum,
    BadLength,
    Op,
    Request,
    answer,
    parse,
)
from boards.virtual.rom.writer import Writer, erase_as_the_rom_does

SYNC_ANSWERS = 8
_SYNC_VALUE = 0x20120707  # of the ROM; a stub answers 0, by which programs tell them apart
_GOOD = b"\x00\x00"


@dataclass
class Surroundings:
    """What a loader works on: registers, flash, the line to the host, and the ways out of it.

    ``boot`` starts what lies in flash, ``restart`` the chip anew into its loader, ``run`` the
    program that was put into RAM.
    """

    registers: Registers
    flash: Flash
    send: Callable[[bytes], None]
    boot: Callable[[], None]
    restart: Callable[[], None]
    run: Callable[[bytes], None]


class Refused(Exception):
    """A request that is not served; carries its status bytes."""

    def __init__(self, status: bytes) -> None:
        super().__init__(status.hex())
        self.status = status


class Answer(NamedTuple):
    """The answer to a request, and what is done once it has gone out."""

    value: int = 0
    data: bytes = b""
    then: Callable[[], None] | None = None
    times: int = 1


class Loader:
    """Answers requests until one of them leads out of it.

    It has the ROM's commands; the stub's are in ``stub.py``.
    """

    faults = ROM_FAULTS

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self._ram = b""
        self._writer: Writer | None = None
        self.commands: dict[int, Callable[[Request], Answer]] = {
            Op.SYNC: lambda _: Answer(_SYNC_VALUE, times=SYNC_ANSWERS),
            Op.READ_REG: self._read_register,
            Op.WRITE_REG: self._write_registers,
            Op.MEM_BEGIN: lambda _: Answer(),
            Op.MEM_DATA: self._take_ram,
            Op.MEM_END: self._run_ram,
            Op.FLASH_BEGIN: self.begin_flash,
            Op.FLASH_DATA: lambda request: self.write_flash(request.block()),
            Op.FLASH_END: self.end_flash,
        }

    def take(self, packet: bytes) -> None:
        """Serve one packet. Raises PowerLost when the flash's power went in it."""
        request = parse(packet)
        if request is None:
            return
        try:
            result = self.commands.get(request.op, self._refuse)(request)
        except (Refused, BadLength, BadChecksum, WriteFailed) as error:
            self.send(answer(request.op, body=self._status(error)))
            return
        for _ in range(result.times):
            self.send(answer(request.op, result.value, result.data + _GOOD))
        if result.then is not None:
            result.then()

    def send(self, packet: bytes) -> None:
        """Send one packet to the host."""
        self.around.send(slip.frame(packet))

    def write_flash(self, data: bytes) -> Answer:
        """Program what comes next."""
        if self._writer is None:
            raise Refused(self.faults.bad_message)
        self._writer.write(data)
        return Answer()

    def start_writing(self, start: int, size: int, erases: bool) -> None:
        """What is written from now on goes there."""
        self._writer = Writer(self.around.flash, start, size, erases)

    def begin_flash(self, request: Request) -> Answer:
        """Erase, and get ready to write."""
        erase_bytes, blocks, block_bytes, start = request.words(4)
        erase_as_the_rom_does(self.around.flash, start, erase_bytes)
        self.start_writing(start, blocks * block_bytes, erases=False)
        return Answer()

    def end_flash(self, request: Request) -> Answer:
        """Leave: word 1 means to run what lies in flash, 0 to start anew."""
        (run,) = request.words(1)
        return Answer(then=self.around.boot if run else self.around.restart)

    def _read_register(self, request: Request) -> Answer:
        return Answer(self.around.registers.read(request.words(1)[0]))

    def _write_registers(self, request: Request) -> Answer:
        words = request.words(len(request.body) // 4)
        for address, value, mask, _ in zip(*[iter(words)] * 4, strict=False):
            self.around.registers.write(address, value, mask)
        return Answer()

    def _take_ram(self, request: Request) -> Answer:
        self._ram += request.block()
        return Answer()

    def _run_ram(self, request: Request) -> Answer:
        stays, _ = request.words(2)
        return Answer() if stays else Answer(then=lambda: self.around.run(self._ram))

    def _refuse(self, _: Request) -> Answer:
        raise Refused(self.faults.unknown)

    def _status(self, error: Exception) -> bytes:
        if isinstance(error, Refused):
            return error.status
        if isinstance(error, BadLength):
            return self.faults.bad_message
        if isinstance(error, BadChecksum):
            return self.faults.bad_checksum
        return self.faults.flash_failed
