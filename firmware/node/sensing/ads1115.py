"""ADS1115: one window of conversions of one input, each read when it is known to be ready.

The part paces itself: from power-down a write of its configuration with MODE=0 starts conversions
at once, so conversion k is ready k conversion times later, and no polling is needed. How long that
is differs by up to 10 % from part to part, which would cost 4 to 7 % of the RMS. So the time is
measured once, with the slowest rate: the same oscillator drives both.

Registers and timing: Texas Instruments SBAS444, "Registers" and "Operating Modes".
"""

import errno

from micropython import const

# PGA +-4.096 V (125 uV a count), the comparator off.
_BASE = const(0x0203)
_SINGLE_ENDED = const(0x4000)
_START_ONCE = const(0x8100)
_POWER_DOWN = const(0x0100)
_RATE_860 = const(0x00E0)

_WAKE_US = const(25)
_NOMINAL_NS = const(1_162_791)
_TOLERANCE_PERMILLE = const(150)
# One conversion at 8 a second: 125 ms, 10 % less on the fastest part, 10 % more on the slowest.
_SLOW_SLEEP_US = const(105_000)
_SLOW_LONGEST_US = const(160_000)


class Ads1115:
    def __init__(self, i2c, time, address=0x48):
        self._write = i2c.writeto
        self._read = i2c.readfrom_into
        self._ticks_us = time.ticks_us
        self._ticks_diff = time.ticks_diff
        self._sleep_us = time.sleep_us
        self._address = address
        self._configuration = bytearray((1, 0, 0))
        self._pointer = b"\x00"
        self._word = bytearray(2)
        self._idle = False
        self.conversion_ns = 0

    def measure_rate(self):
        """Times one slow conversion and sets `conversion_ns` of the fast ones.

        Takes about 125 ms. Raises OSError when the part does not answer or cannot be one.
        """
        self._configure(_START_ONCE | _SINGLE_ENDED)
        began_us = self._ticks_us()
        self._sleep_us(_SLOW_SLEEP_US)
        polled_us = self._ticks_diff(self._ticks_us(), began_us)
        busy_us = polled_us
        while polled_us < _SLOW_LONGEST_US:
            self._read(self._address, self._word)
            if self._word[0] & 0x80:
                self._accept_rate((busy_us + polled_us) // 2 - _WAKE_US)
                self._idle = True
                return
            busy_us = polled_us
            polled_us = self._ticks_diff(self._ticks_us(), began_us)
        raise OSError(errno.ETIMEDOUT)

    def _accept_rate(self, slow_us):
        conversion_ns = slow_us * 8000 // 860
        if abs(conversion_ns - _NOMINAL_NS) * 1000 > _NOMINAL_NS * _TOLERANCE_PERMILLE:
            raise OSError(errno.EIO)
        self.conversion_ns = conversion_ns

    def window(self, channel, sums):
        """Gives `sums` its `count` conversions of input `channel`; whether it got all of them.

        `sums.begin()` and `sums.add(conversion)` are called while the part makes the next one. It
        gets fewer when the processor came too late for one: what it would have read then is the
        next one. Raises OSError when the part does not answer.
        """
        self._ensure_idle()
        self._idle = False
        self._configure(_SINGLE_ENDED | channel << 12 | _RATE_860)
        began_us = self._ticks_us()
        self._write(self._address, self._pointer)
        sums.begin()
        is_whole = self._collect(sums, began_us)
        self._configure(_POWER_DOWN | _RATE_860)
        self._idle = True
        return is_whole

    def _collect(self, sums, began_us):
        conversion_ns = self.conversion_ns
        # A quarter of a conversion late: 20 conversions at 0.5 % error are a tenth of one off.
        due_ns = _WAKE_US * 1000 + conversion_ns // 4
        too_late_us = -conversion_ns // 2000
        word = self._word
        for _ in range(sums.count):
            due_ns += conversion_ns
            wait_us = due_ns // 1000 - self._ticks_diff(self._ticks_us(), began_us)
            if wait_us > 0:
                self._sleep_us(wait_us)
            elif wait_us < too_late_us:
                return False
            self._read(self._address, word)
            count = word[0] << 8 | word[1]
            sums.add(count - 65536 if count & 0x8000 else count)
        return True

    def _ensure_idle(self):
        """After an error the part may still be converting another input: let that one end."""
        if not self._idle:
            self._configure(_POWER_DOWN | _RATE_860)
            self._sleep_us(self.conversion_ns // 500)

    def _configure(self, bits):
        bits |= _BASE
        configuration = self._configuration
        configuration[1] = bits >> 8
        configuration[2] = bits & 0xFF
        self._write(self._address, configuration)
