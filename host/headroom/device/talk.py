"""What a board prints on its serial line, with the places that a traceback names."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress

import serial

from headroom.device import firmware, romfs
from headroom.device.errors import DeviceError
from headroom.device.ports import opened

_BAUD = 115_200
_LOOK_S = 0.2
_NO_LINES = "socket://"
# A character that no program prints: the boot ROM's 74880 baud make them at the chip's start.
_NOISE = r"[\x00-\x08\x0b-\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]"
# From the first to the last such one, with what came out as text between them.
_NOISES = re.compile(f"{_NOISE}(.{{0,16}}{_NOISE})*")
_OTHER_RATE = "[{} characters that are no text: the boot ROM at 74880 baud, or a bad cable]"
# Modules that always run are joined into this one, see `join_modules`.
_JOINED = re.compile(r'(File "node/app\.py", line (\d+))')


def lines(port: str, reset: bool, for_s: float | None) -> Iterator[str]:
    """Each line as it comes; ends after `for_s` seconds, if given. Raises DeviceError."""
    if reset and port.startswith(_NO_LINES):
        raise DeviceError(
            f"{port}: carries no reset line", "press reset, or give an rfc2217:// port"
        )
    end_s = None if for_s is None else time.monotonic() + for_s
    rest = b""
    try:
        with opened(port, baudrate=_BAUD, timeout=_LOOK_S) as line:
            if reset:
                _pull_reset(line)
            while end_s is None or time.monotonic() < end_s:
                *whole, rest = (rest + line.read(line.in_waiting or 1)).split(b"\n")
                yield from map(_shown, whole)
    except (serial.SerialException, OSError) as error:
        raise DeviceError(
            f"{port}: cannot be read: {error}",
            "plug the converter in, and close every other program on this port",
        ) from error
    if rest:
        yield _shown(rest)


def _pull_reset(line: serial.Serial) -> None:
    """By RTS, with GPIO0 (DTR) left high: the chip starts what lies in flash."""
    line.dtr = False
    line.rts = True
    time.sleep(_LOOK_S)
    line.rts = False


def _shown(line: bytes) -> str:
    """A line as a person reads it."""
    text = line.decode(errors="replace").rstrip("\r")
    return _placed(_NOISES.sub(lambda noise: _OTHER_RATE.format(len(noise[0])), text))


def _placed(text: str) -> str:
    found = _JOINED.search(text)
    if found is None:
        return text
    with suppress(ValueError):
        place = next(romfs.places(firmware.folder(), [int(found[2])])).partition(": ")[2]
        return text.replace(found[1], f"{found[1]} ({place})")
    return text
