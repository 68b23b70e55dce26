"""What lies between the board and everybody else: its delay, its losses, its lies."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LATENCY_US = 3_000.0
PIECE_BYTES = 64  # what a slow link delivers at a time


@dataclass
class Faults:
    """What is wrong with the link.

    Chances are for each connection, or for each datagram; the seed of the board decides.
    """

    down: bool = False  # nothing passes in either direction, nobody says so
    wedged: bool = False  # so is the chip's Wi-Fi: its status stays as told last, until a reset
    refused: bool = False  # the coordinator's port is closed
    no_access_point: bool = False
    delay_us: float = 0.0  # added to each direction
    bytes_per_s: float = 0.0  # 0 = as fast as it goes
    lose_request: float = 0.0  # chance that a connection stalls before the board's far end has all
    lose_answer: float = 0.0  # chance that it stalls after the far end has sent something
    lose_datagram: float = 0.0  # chance that a datagram is lost, in either direction
    garbage: float = 0.0  # chance that what comes to the board is noise
    corrupt: float = 0.0  # chance that one bit of what comes is flipped, behind its headers
    membership_s: float = 0.0  # a multicast group is forgotten after this long; 0 = never


class Link:
    """The link's faults at work. ``joined`` says whether the station has an address at a time."""

    def __init__(self, joined: Callable[[float], bool], seed: int) -> None:
        self.faults = Faults()
        self._joined = joined
        self._random = random.Random(seed)

    def passes(self, now_us: float) -> bool:
        """Whether anything crosses it now."""
        return self._joined(now_us) and not (self.faults.down or self.faults.wedged)

    def one_way_us(self) -> float:
        """How long the first byte is under way."""
        return LATENCY_US + self.faults.delay_us

    def happens(self, chance: float) -> bool:
        """Whether something of that chance happens this time."""
        return self._random.random() < chance

    def spoiled(self, data: bytes) -> bytes:
        """What arrives of bytes sent to the board."""
        if not data:
            return data
        if self.happens(self.faults.garbage):
            return self._random.randbytes(len(data))
        if self.happens(self.faults.corrupt):
            # In its body: a bit of a header that nobody reads would change nothing.
            end = data.find(b"\r\n\r\n")
            body_at = end + 4 if 0 <= end < len(data) - 4 else 0
            position = self._random.randrange(body_at, len(data))
            flipped = data[position] ^ (1 << self._random.randrange(8))
            return data[:position] + bytes([flipped]) + data[position + 1 :]
        return data

    def pieces(self, data: bytes, now_us: float) -> Iterator[tuple[float, bytes]]:
        """When which part of bytes sent now arrives."""
        at_us = now_us + self.one_way_us()
        if not self.faults.bytes_per_s:
            yield at_us, data
            return
        for index in range(0, len(data), PIECE_BYTES):
            piece = data[index : index + PIECE_BYTES]
            at_us += len(piece) / self.faults.bytes_per_s * 1e6
            yield at_us, piece
