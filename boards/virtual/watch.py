"""What a running board tells of itself for tests and benches, without a trace in its program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HeapWatch:
    """What timer callbacks left on the heap and allocated on it, in bytes.

    ``live`` and ``highest_live`` are the least and the most in use between two of them, garbage
    collected; 0 when there was no callback. ``control`` and ``garbage`` are the most that one
    allocated until it fed the watchdog, and in all; ``largest_free`` is the largest free block
    now.
    """

    callbacks: int
    live: int
    highest_live: int
    control: int
    garbage: int
    largest_free: int

    @classmethod
    def of(cls, seen: dict[str, Any]) -> HeapWatch:
        """As heap.mjs has counted it."""
        return cls(
            seen["callbacks"],
            seen["live"] or 0,
            seen["highestLive"],
            seen["control"],
            seen["garbage"],
            seen["largestFree"],
        )


@dataclass(frozen=True)
class Work:
    """What the processor has done since it started: its process's time in s, callbacks of timers,
    and the conversions of the ADS1115 that its program has read, each counted once.
    """

    processor_s: float
    callbacks: int
    conversions: int
