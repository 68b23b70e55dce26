"""What a program on the serial line can read of the chip: its registers, and the flash behind
them.
"""

from __future__ import annotations

from dataclasses import dataclass

from boards.virtual.flash import Flash

# Addresses and bits: Espressif, ESP8266 Technical Reference, and what esptool reads.
MODEL = 0x40001000  # a word of the boot ROM that differs from chip to chip
UART_DIVIDER = 0x60000014
_EFUSE = 0x3FF00050  # four words
_SPI = 0x60000200
_SPI_COMMAND, _SPI_ADDRESS = _SPI, _SPI + 0x04
_SPI_USER_COMMAND = _SPI + 0x24
_SPI_DATA = _SPI + 0x40
_SPI_START = 1 << 18

UART_CLOCK_HZ = 52_000_000  # in the boot ROM: twice the module's crystal

ESP8266, ESP32 = 0xFFF0C101, 0x00F01D83

_WINBOND = 0x40EF
_SFDP = b"SFDP\x06\x01\x00\xff"  # JESD216: the header, without tables behind it
_WRITE_STATUS, _READ_STATUS, _READ_ID, _READ_SFDP = 0x01, 0x05, 0x9F, 0x5A


@dataclass(frozen=True)
class Model:
    """Which chip answers: the word by which programs tell it, all that is modelled of another one,
    and its number.

    ``chip_id`` has 24 bits; they are the last three bytes of its MAC address.
    """

    word: int = ESP8266
    chip_id: int = 1


class Registers:
    """The chip's memory, word by word; ``baud`` is what its UART runs at."""

    def __init__(self, model: Model, flash: Flash) -> None:
        self.baud = 115_200
        self._flash = flash
        self._status = 0
        self._words = {
            MODEL: model.word,
            _EFUSE: (model.chip_id & 0xFF) << 24,
            # The zero above these bits says that the address begins with Espressif's 18:FE:34.
            _EFUSE + 4: 0x02000000 | model.chip_id >> 8 & 0xFFFF,
            _EFUSE + 8: 0xB000,
        }

    def read(self, address: int) -> int:
        """The word at an address; 0 where nothing was written yet."""
        if address == UART_DIVIDER:
            return round(UART_CLOCK_HZ / self.baud)
        return self._words.get(address, 0)

    def write(self, address: int, value: int, mask: int) -> None:
        """Write the bits of ``mask``; a start of the SPI controller is done at once."""
        self._words[address] = self._words.get(address, 0) & ~mask | value & mask
        if address == _SPI_COMMAND and self._words[address] & _SPI_START:
            self._words[address] &= ~_SPI_START
            self._run_flash_command(self.read(_SPI_USER_COMMAND) & 0xFF)

    def _run_flash_command(self, command: int) -> None:
        if command == _WRITE_STATUS:
            self._status = self.read(_SPI_DATA) & 0xFF
            return
        answers = {
            _READ_ID: flash_id(self._flash.size),
            _READ_STATUS: self._status,
            _READ_SFDP: self._sfdp(),
        }
        self._words[_SPI_DATA] = answers.get(command, 0)

    def _sfdp(self) -> int:
        start = self.read(_SPI_ADDRESS) >> 8
        return int.from_bytes(_SFDP[start : start + 4].ljust(4, b"\xff"), "little")


def flash_id(size_bytes: int) -> int:
    """The JEDEC id of a Winbond chip: maker, type, and the size as a power of two."""
    return (size_bytes.bit_length() - 1) << 16 | _WINBOND
