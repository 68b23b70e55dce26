"""What an asynchronous serial line carries when its two ends do not agree on the rate."""

from __future__ import annotations

TOLERANCE = 0.03  # of the rate, by which ten bits are still read in their middle

_BITS = 10  # start, eight of data, stop


def heard(data: bytes, sent_baud: int, heard_baud: int) -> bytes:
    """What a receiver at ``heard_baud`` makes of bytes sent without a pause at ``sent_baud``."""
    if abs(sent_baud / heard_baud - 1) <= TOLERANCE:
        return data
    levels = [level for byte in data for level in _levels(byte)]
    step = sent_baud / heard_baud  # of the receiver's bits, counted in the sender's
    received = bytearray()
    position = 0.0
    while (start := _next_start(levels, position)) is not None:
        samples = [_level(levels, start + (1.5 + bit) * step) for bit in range(8)]
        received.append(sum(level << bit for bit, level in enumerate(samples)))
        position = start + (_BITS - 0.5) * step
    return bytes(received)


def _levels(byte: int) -> list[int]:
    return [0, *(byte >> bit & 1 for bit in range(8)), 1]


def _level(levels: list[int], position: float) -> int:
    return levels[int(position)] if position < len(levels) else 1


def _next_start(levels: list[int], position: float) -> int | None:
    """Where the line next falls, from a position on; before the first bit it was high."""
    for index in range(int(-(-position // 1)), len(levels)):
        if levels[index] == 0 and (index == 0 or levels[index - 1] == 1):
            return index
    return None
