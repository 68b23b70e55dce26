"""Writes a stream of blocks into the flash, one after the other."""

from __future__ import annotations

from boards.virtual.flash import PAGE_BYTES, SECTOR_BYTES, Flash

_BLOCK_SECTORS = 16


class Writer:
    """Programs what comes from ``start`` on, ``size`` bytes at most.

    Blocks are placed in the order of their arrival, whatever number they carry, as the stub does
    it; the ROM is taken to do the same. ``erases``: each sector is erased when it is come to.
    """

    def __init__(self, flash: Flash, start: int, size: int, erases: bool) -> None:
        self._flash = flash
        self._position = start
        self._end = start + size
        self._erased_to = 0 if erases else self._end

    def write(self, data: bytes) -> None:
        """Program the next bytes. Raises WriteFailed, PowerLost."""
        data = data[: self._end - self._position]
        while data:
            size = PAGE_BYTES - self._position % PAGE_BYTES
            self._erase_here()
            self._flash.program(self._position, data[:size])
            self._position += len(data[:size])
            data = data[size:]

    def _erase_here(self) -> None:
        if self._position >= self._erased_to:
            sector = self._position // SECTOR_BYTES * SECTOR_BYTES
            self._flash.erase(sector)
            self._erased_to = sector + SECTOR_BYTES


def erase(flash: Flash, start: int, size: int) -> None:
    """Erase the sectors that hold ``size`` bytes from ``start`` on."""
    for sector in range(start // SECTOR_BYTES, -(-(start + size) // SECTOR_BYTES)):
        flash.erase(sector * SECTOR_BYTES)


def erase_as_the_rom_does(flash: Flash, start: int, size: int) -> None:
    """Erase for a request of ``size`` bytes, with the boot ROM's error.

    It goes sector by sector to the next 64 KiB block and does not take these off what is left to
    erase, so it erases up to twice as much as it was asked for. Source: the ESP8266's entry of
    esptool's documentation on ``get_erase_size``; programs ask for less to make up for it.
    """
    first, count = start // SECTOR_BYTES, -(-size // SECTOR_BYTES)
    head = min(_BLOCK_SECTORS - first % _BLOCK_SECTORS, count)
    erase(flash, first * SECTOR_BYTES, (count + head) * SECTOR_BYTES)
