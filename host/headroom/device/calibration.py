"""Two points for each channel, by the node's own `calibrate`, while it runs."""

from __future__ import annotations

from headroom.device.errors import DeviceError
from headroom.device.serial_line import BoardError, SerialLine

# A report that is sent in the middle of a measurement may leave it no memory.
_TRIES = 3
_MEMORY = "MemoryError"


def begin(line: SerialLine) -> None:
    """Load it on the board."""
    line.exec("from node import calibrate")


def end(line: SerialLine) -> None:
    """Give the board its memory back."""
    line.exec("globals().pop('calibrate', None)")


def point(line: SerialLine, circuit: int, true_ma: int) -> str:
    """Measure a circuit now, while a reference meter shows `true_ma`; what the board says of it.

    Raises DeviceError with the board's own reason and way out.
    """
    return _asked(line, f"calibrate.point({circuit}, {true_ma})")


def store(line: SerialLine, circuit: int) -> str:
    """Put the line through its two points in force, and into flash. Raises DeviceError."""
    told = _asked(line, f"calibrate.store({circuit})")
    begin(line)  # storing has dropped it
    return told


def _asked(line: SerialLine, call: str) -> str:
    for _ in range(_TRIES - 1):
        try:
            return line.exec(call).strip()
        except BoardError as error:
            if _MEMORY not in error.traceback:
                raise _told(line, error) from error
    try:
        return line.exec(call).strip()
    except BoardError as error:
        raise _told(line, error) from error


def _told(line: SerialLine, error: BoardError) -> DeviceError:
    """The board's words name what is wrong, then the way out."""
    what, _, way_out = error.traceback.partition(": ")[2].rpartition(": ")
    return DeviceError(f"{line.port}: {what or error.traceback}", way_out or "try it again")
