"""Time as it is handed in, so that tests and simulations can own it."""

import time
from typing import Protocol

# Before this release was made: a machine without a battery for its clock begins in 1970.
EARLIEST_UNIX_S = 1_767_225_600


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
