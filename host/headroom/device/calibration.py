"""Two points for each channel, by the node's own `calibrate`, while it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headroom.device.errors import DeviceError
from headroom.device.serial_line import BoardError, SerialLine

# A report that is sent in the middle of a measurement may leave it no memory.
_TRIES = 3
_MEMORY = "MemoryError"
# What the board says of a line through two points, and not of one of them.
_OF_BOTH = ("points of ", "gain of ", "offset of ")
_STORED = re.compile(r"range (\d+) -> (\d+) mA, offset (-?\d+) mA, stored")
_FORGET = (
    "(lambda m: m and __import__('node').drop(m))"
    "(__import__('sys').modules.get('node.calibrate')); globals().pop('calibrate', None)"
)


@dataclass(frozen=True)
class Stored:
    """What is in force for a circuit's sensor: its range as its part says and as it is, and its
    offset.
    """

    circuit: int
    nominal_ma: int
    range_ma: int
    offset_ma: int
    told: str


class PairRefused(DeviceError):
    """The board has measured both points, and no line through them is a sensor's."""


def begin(line: SerialLine) -> None:
    """Load it on the board, without points of an earlier time."""
    line.exec(f"{_FORGET}; from node import calibrate")


def end(line: SerialLine) -> None:
    """Give the board its memory back."""
    line.recover()  # who was interrupted has not waited for the answer
    line.exec(_FORGET)


def point(line: SerialLine, circuit: int, true_ma: int) -> str:
    """Measure a circuit now, while a reference meter shows `true_ma`; what the board says of it.

    Raises DeviceError with the board's own reason and way out; PairRefused takes both points anew,
    after `begin`.
    """
    return _asked(line, f"calibrate.point({circuit}, {true_ma})")


def store(line: SerialLine, circuit: int) -> Stored:
    """Put the line through its two points in force, and into flash. Raises DeviceError."""
    told = _asked(line, f"calibrate.store({circuit})")
    found = _STORED.search(told)
    if found is None:
        raise DeviceError(
            f"{line.port}: its calibration is not known: {told}", "calibrate it again"
        )
    nominal_ma, range_ma, offset_ma = map(int, found.groups())
    return Stored(circuit, nominal_ma, range_ma, offset_ma, told)


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
    words = error.traceback.partition(": ")[2]
    kind: type[DeviceError] = PairRefused if words.startswith(_OF_BOTH) else DeviceError
    what, _, way_out = words.rpartition(": ")
    return kind(f"{line.port}: {what or error.traceback}", way_out or "try it again")
