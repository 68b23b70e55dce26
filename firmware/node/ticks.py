"""Uptime from a tick counter that wraps.

`ticks_ms` wraps at 2**30, after 12 days, and milliseconds since the start would leave the small
integers then, so the board counts the seconds itself and measures everything shorter as the time
between two ticks.
"""

from micropython import const

# Longest step that protection integrates at once: keeps its products below 2**30, and a board
# that stood still for longer has other worries than the exactness of a budget.
_LONGEST_STEP_MS = const(500)


class Clock:
    def __init__(self, time):
        """`time` offers ticks_ms, ticks_us, ticks_diff and sleep_us as MicroPython's does."""
        self._ticks_ms = time.ticks_ms
        self._ticks_diff = time.ticks_diff
        self._last_ms = time.ticks_ms()
        self._part_ms = 0
        self.up_s = 0
        self.gap_ms = 0
        self.step_ms = 0

    def since_last_ms(self):
        return self._ticks_diff(self._ticks_ms(), self._last_ms)

    def advance(self, least_ms=0):
        """A tick begins now. Whether it does: not within `least_ms` of the one before."""
        now_ms = self._ticks_ms()
        gap_ms = self._ticks_diff(now_ms, self._last_ms)
        if gap_ms < least_ms:
            return False
        self._last_ms = now_ms
        self.gap_ms = gap_ms
        self.step_ms = gap_ms if gap_ms < _LONGEST_STEP_MS else _LONGEST_STEP_MS
        self._part_ms += gap_ms
        if self._part_ms >= 1000:
            self.up_s += self._part_ms // 1000
            self._part_ms %= 1000
        return True
