"""The module `vfs` of a build with a ROMFS partition: as it is, and `rom_ioctl` as the ESP8266
port has it (ports/esp8266/vfs_rom_ioctl.c of MicroPython).
"""

import _board
import uctypes
from vfs import VfsRom, mount, umount  # noqa: F401

_COUNT, _PARTITION, _PREPARE, _WRITE = 1, 2, 3, 4
_SMALLEST_WRITE = 4
_SECTOR = 4096
_EINVAL = 22

# The partition where it lies in the processor's memory: bytecode runs in place there, too.
partition = bytearray()


def rom_ioctl(request, _rom=0, where=0, data=None):
    if request == _COUNT:
        return 1
    if request == _PARTITION:
        return memoryview(partition)
    if request == _PREPARE:
        return _prepare(where)
    if request == _WRITE:
        return _write(where, data)
    return -_EINVAL


def _prepare(size):
    for start in range(0, size, _SECTOR):
        result = _board.call("rom_erase", start, 0, 0)
        _follow_flash(start, _SECTOR)
        if result < 0:
            return result
    return _SMALLEST_WRITE


def _write(start, data):
    result = _board.send("rom_write", start, uctypes.addressof(data), len(data))
    _follow_flash(start, len(data))
    return min(result, 0)


def _follow_flash(start, size):
    """What the chip holds now, which need not be what was written."""
    _board.receive("rom_read", start, uctypes.addressof(partition) + start, size)
