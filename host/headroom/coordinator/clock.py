"""Time as it is handed in, so that tests and simulations can own it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two times: one that never jumps, for durations, and one for dates."""

    def monotonic_s(self) -> float:
        """Seconds since any fixed moment of this process."""

    def unix_s(self) -> float:
        """Seconds since 1970; may jump when somebody sets the clock."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic_s(self) -> float:
        """See Clock."""
        return time.monotonic()

    def unix_s(self) -> float:
        """See Clock."""
        return time.time()
