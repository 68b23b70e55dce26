"""What can go wrong on the cable between a program and the module."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from boards.virtual.rom.slip import END, ESCAPE


class Damage:
    """Flips a bit of a chosen byte in packets that go one way."""

    def __init__(self) -> None:
        self.done = 0
        self._byte = 0
        self._times = 0
        self._position = 0

    def strike(self, byte: int, times: int = 1) -> None:
        """Damage byte number ``byte``, from 0, of the next ``times`` packets that have one.

        ``done`` counts them.
        """
        self._byte, self._times = byte, times

    def pass_on(self, data: bytes) -> bytes:
        """What arrives of ``data``."""
        if not self._times:
            return data
        out = bytearray(data)
        for index, value in enumerate(data):
            if value == END:
                self._position = 0
                continue
            if self._position == self._byte and self._times:
                out[index] = _flipped(value)
                self._times -= 1
                self.done += 1
            self._position += 1
        return bytes(out)


def _flipped(value: int) -> int:
    """Another byte, and none that would take the packet apart."""
    return value ^ 1 if value ^ 1 not in (END, ESCAPE) else value ^ 2


@dataclass
class LineFaults:
    """Faults of one cable.

    ``unplug_after``: its ports disappear once so many bytes more have gone to the chip;
    ``unplugged`` can be waited for.
    """

    to_chip: Damage = field(default_factory=Damage)
    to_host: Damage = field(default_factory=Damage)
    unplug_after: int | None = None
    unplugged: threading.Event = field(default_factory=threading.Event)

    def breaks_after(self, count: int) -> bool:
        """Count bytes that have gone to the chip; whether the ports disappear now."""
        if self.unplug_after is None:
            return False
        self.unplug_after -= count
        if self.unplug_after > 0:
            return False
        self.unplug_after = None
        self.unplugged.set()
        return True
