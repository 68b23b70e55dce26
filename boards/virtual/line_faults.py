"""What can go wrong on the cable between a program and the module."""

from __future__ import annotations

from dataclasses import dataclass, field

from boards.virtual.rom.slip import END, ESCAPE


class Damage:
    """Flips a bit of chosen bytes in the packets that go one way."""

    def __init__(self) -> None:
        self._marked: set[tuple[int, int]] = set()
        self._packet = 1
        self._byte = 0
        self.done = 0

    def strike(self, packet: int, byte: int) -> None:
        """Damage one byte of one packet; both are counted from now, packets from 1, bytes from 0.

        A packet that is shorter passes whole. ``done`` counts the bytes that were damaged.
        """
        if not self._marked:
            self._packet, self._byte = 1, 0
        self._marked.add((packet, byte))

    def pass_on(self, data: bytes) -> bytes:
        """What arrives of ``data``."""
        if not self._marked:
            return data
        out = bytearray(data)
        for index, value in enumerate(data):
            if value == END:
                self._packet += self._byte > 0
                self._byte = 0
                continue
            if (self._packet, self._byte) in self._marked:
                self._marked.discard((self._packet, self._byte))
                self.done += 1
                out[index] = _flipped(value)
            self._byte += 1
        return bytes(out)


def _flipped(value: int) -> int:
    """Another byte, and none that would take the packet apart."""
    return value ^ 1 if value ^ 1 not in (END, ESCAPE) else value ^ 2


@dataclass
class LineFaults:
    """Faults of one cable.

    ``unplug_after``: the port disappears once so many bytes more have gone to the chip.
    """

    to_chip: Damage = field(default_factory=Damage)
    to_host: Damage = field(default_factory=Damage)
    unplug_after: int | None = None

    def passes(self, count: int) -> bool:
        """Count bytes on their way to the chip; whether the port disappears now."""
        if self.unplug_after is None:
            return False
        self.unplug_after -= count
        if self.unplug_after > 0:
            return False
        self.unplug_after = None
        return True
