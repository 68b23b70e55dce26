"""New firmware onto a board that has one, over its serial line.

Bytecode runs in place, so it is changed in maintenance, where no node runs and all relays are
open. The image that was there is kept, and put back if the node does not become good with the new
one.
"""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass

from headroom.device import romfs
from headroom.device.chip import Progress
from headroom.device.errors import DeviceError
from headroom.device.layout import ROMFS_START, SECTOR_BYTES
from headroom.device.node import NODE, runs, why_none
from headroom.device.serial_line import BoardError, SerialLine

_FLAG = "maintenance"
# One line of base64 that fits beside an interpreter that runs nothing.
_CHUNK_BYTES = 768
_LOOK_S = 0.5
_RESTARTS = "it starts again and again"
_AGAIN = (
    "run the same command again; where that fails too, headroom board flash, and where that names "
    "the same place, take another module; until then it stays in maintenance, its relays open"
)
STOPPED = (
    "run the same command again; until then the board may stay in maintenance, its relays open"
)
_PARTITION = "__import__('vfs').rom_ioctl(2)"


@dataclass(frozen=True)
class Outcome:
    """What became of an update: `kept` = why the new firmware is not in force."""

    before: str
    after: str
    kept: str = ""


class _ReadsOtherwise(DeviceError):
    """The partition does not hold what was written to it."""


def into_maintenance(line: SerialLine) -> None:
    """No node, no watchdog, relays open, over resets and power cuts. Raises DeviceError."""
    line.write(f"/{_FLAG}", b"")
    line.reset()
    if runs(line):
        raise DeviceError(f"{line.port}: its node still runs", "is its /main.py the project's?")


def out_of_maintenance(line: SerialLine) -> None:
    """Back into the node, if it starts. Raises DeviceError for a board that does not answer."""
    line.exec(f"import os; {_FLAG!r} in os.listdir('/') and os.remove('/{_FLAG}')")
    line.reset()


def update(line: SerialLine, image: bytes, good_s: float, progress: Progress) -> Outcome:
    """Put an image on the board, and the earlier one back if no node runs with the new one
    `good_s` seconds after its start. Raises DeviceError.
    """
    romfs.check_size(image)
    new = romfs.build_of(image)
    progress.step("into maintenance")
    into_maintenance(line)
    progress.step("read the firmware that is there")
    old_image = _read(line, progress)
    old = str(romfs.build_of(old_image)) if old_image else "none"
    why = _put(line, image, good_s, progress, old_image)
    if not why:
        return Outcome(old, str(new))
    if not old_image:
        raise DeviceError(
            f"{line.port}: no node runs with {new}: {why}",
            "see what it prints: headroom board logs",
        )
    progress.step("into maintenance, to put the earlier firmware back")
    into_maintenance(line)
    try:
        still = _put(line, old_image, good_s, progress)
    except DeviceError as error:
        raise DeviceError(
            f"{why}; and the earlier firmware: {error.what}", error.way_out
        ) from error
    if still:
        raise DeviceError(
            f"{line.port}: no node runs, neither with {new}: {why}; nor with {old}: {still}",
            "see what it prints: headroom board logs",
        )
    return Outcome(old, old, why)


def _put(
    line: SerialLine, image: bytes, good_s: float, progress: Progress, instead: bytes = b""
) -> str:
    """Why the board is not good with an image that was put there; empty if it is.

    Raises DeviceError where it cannot be put there, and there is nothing to put there `instead`.
    """
    try:
        _write(line, image, progress)
    except _ReadsOtherwise as error:
        if not instead:
            raise
        return error.what.partition(": ")[2]
    return _started(line, good_s, progress)


def _started(line: SerialLine, good_s: float, progress: Progress) -> str:
    """Why the board is not good with the firmware that it has now; empty if it is."""
    progress.step("start it")
    out_of_maintenance(line)
    deadline = time.monotonic() + 2 * good_s
    while True:
        try:
            up_s = line.eval(f"{NODE}.clock.up_s")
        except BoardError:
            return why_none(line)[0]
        except DeviceError:
            line.recover()  # a start takes the prompt away; one that hangs does not get it back
            return _RESTARTS
        if up_s >= good_s:
            return ""
        if time.monotonic() > deadline:
            return f"after {2 * good_s:.0f} s its clock is at {up_s} s"
        time.sleep(_LOOK_S)


def _read(line: SerialLine, progress: Progress) -> bytes:
    """The image in the board's partition; none where it is empty or damaged."""
    head = line.eval(f"bytes({_PARTITION}[:8])")
    try:
        size = romfs.size_of(head)
    except DeviceError:
        return b""
    parts = []
    for start in range(0, size, _CHUNK_BYTES):
        end = min(start + _CHUNK_BYTES, size)
        text = line.eval(f"__import__('binascii').b2a_base64({_PARTITION}[{start}:{end}])")
        parts.append(base64.b64decode(text))
        progress.at(end, size)
    image = b"".join(parts)
    try:
        romfs.build_of(image)
    except DeviceError:
        return b""
    return image


def _write(line: SerialLine, image: bytes, progress: Progress) -> None:
    progress.step("write the firmware")
    size = -(-len(image) // SECTOR_BYTES) * SECTOR_BYTES
    _checked(line, f"3,0,{size}")
    for start in range(0, len(image), _CHUNK_BYTES):
        chunk = base64.b64encode(image[start : start + _CHUNK_BYTES].ljust(_CHUNK_BYTES, b"\0"))
        _checked(line, f"4,0,{start},__import__('binascii').a2b_base64({chunk!r})")
        progress.at(min(start + _CHUNK_BYTES, len(image)), len(image))
    _check(line, image)


def _check(line: SerialLine, image: bytes) -> None:
    """Raises _ReadsOtherwise with the first sector that does not hold its part of an image."""
    for start in range(0, len(image), SECTOR_BYTES):
        part = image[start : start + SECTOR_BYTES]
        held = f"{_PARTITION}[{start}:{start + len(part)}]"
        digest = line.eval(f"__import__('hashlib').sha256({held}).digest()")
        if digest != hashlib.sha256(part).digest():
            raise _ReadsOtherwise(
                f"{line.port}: the firmware reads back otherwise than it was written, "
                f"in the sector at {ROMFS_START + start:#x} of the flash",
                _AGAIN,
            )


def _checked(line: SerialLine, arguments: str) -> None:
    result = line.eval(f"__import__('vfs').rom_ioctl({arguments})")
    if result < 0:
        raise DeviceError(f"{line.port}: the flash refuses to be written: errno {-result}", _AGAIN)
