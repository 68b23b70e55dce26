"""INA226: direct current by the voltage over a shunt, one part for each circuit, 0x40 + channel.

The part averages by itself and goes on measuring; a tick only fetches the newest mean. Averages
and conversion time are the longest that fit one tick on the slowest part, so that what is fetched
in a circuit's turn is of its last tick: 16 x 2.116 ms (37.3 ms at most), or 16 x 1.1 ms (19.4 ms).
It is the mean, which for a pulsed current is less than the RMS that heats.

A window is no reading while the part is not set up as told, which it is not after a power cut of
its own; and when it has no new mean since it was last asked: `frozen`. That the same number comes
again proves nothing here, as nothing may stand at exactly 0. `saturated` is a mean at either end
of the range (or OVF, an overflow of its own arithmetic), `below_range` one that the part's offset
of up to 10 uV could fake. Either direction counts as load: it heats wire and contact alike.

Registers and times: Texas Instruments SBOS547, "Register Maps", "Electrical Characteristics".
"""

import errno
from array import array

from micropython import const

_ADDRESS = const(0x40)
_CONFIGURATION = const(0)
_SHUNT_VOLTAGE = const(1)
_MASK_ENABLE = const(6)
_MANUFACTURER = const(0xFE)
_DIE = const(0xFF)
_MANUFACTURER_ID = const(0x5449)
_DIE_ID = const(0x2260)
# 16 averages, shunt only, continuous; the bus voltage's time stays at its reset value.
_SHUNT_16_TIMES = const(0x4505)
_TAKES_1100_US = const(0x20)
_TAKES_2116_US = const(0x28)
_SLOW_LONGEST_MS = const(38)
_CONVERSION_READY = const(0x08)
_OVERFLOW = const(0x04)
_RAIL = const(32767)
# 81.92 mV over a shunt of 1 uOhm would be this many mA.
_FULL_SCALE_MA_UOHM = const(81_920_000)
# 82 uV: the offset is an eighth of that.
_FLOOR_PARTS = const(1000)
_TRUSTED_MS = const(500)


class Ina226:
    def __init__(self, circuits, tick_ms, hardware):
        """`circuits` of the configuration, of which only those of this kind are ever asked for."""
        count = len(circuits)
        self.current_ma = 0
        self.scale_ma = array("i", [0] * count)
        self.offset_ma = array("i", [c.get("offset_ma", 0) for c in circuits])
        self._gain = array("i", [0] * count)
        self._gain_shift = array("i", [0] * count)
        self.channel = bytearray([c["channel"] for c in circuits])
        self.spiky_ms = array("i", [0] * count)
        self._setting = _SHUNT_16_TIMES | (
            _TAKES_2116_US if tick_ms >= _SLOW_LONGEST_MS else _TAKES_1100_US
        )
        self._write = hardware.i2c.writeto
        self._read = hardware.i2c.readfrom_into
        self._pointer = bytearray(1)
        self._word = bytearray(2)
        for i, circuit in enumerate(circuits):
            if circuit["shunt_uohm"]:
                full_ma = _FULL_SCALE_MA_UOHM // circuit["shunt_uohm"]
                self.scale_ma[i] = circuit.get("scale_ma", full_ma)
                self.rescale(i)

    def find(self):
        """Nothing to look for before the first tick: each part is set up in its turn."""

    def rescale(self, i):
        """2**15 counts are the full scale; a gain below 2**15 keeps products small integers."""
        gain = self.scale_ma[i]
        shift = 15
        while gain > _RAIL:
            gain >>= 1
            shift -= 1
        self._gain[i] = gain
        self._gain_shift[i] = shift

    def measure(self, i, since_ms):
        """Circuit i's state by its part's newest mean; None when there is no new one yet."""
        address = _ADDRESS + self.channel[i]
        if self._register(address, _CONFIGURATION) != self._setting:
            self._set_up(address)
            return None
        status = self._register(address, _MASK_ENABLE)
        if not status & _CONVERSION_READY:
            return "frozen" if since_ms > _TRUSTED_MS else None
        count = self._register(address, _SHUNT_VOLTAGE)
        count = 65536 - count if count & 0x8000 else count
        current_ma = max((count * self._gain[i] >> self._gain_shift[i]) + self.offset_ma[i], 0)
        if count >= _RAIL or status & _OVERFLOW:
            self.current_ma = max(current_ma, self.scale_ma[i])
            return "saturated"
        if current_ma * _FLOOR_PARTS < self.scale_ma[i]:
            self.current_ma = 0
            return "below_range"
        self.current_ma = current_ma
        return "ok"

    def _set_up(self, address):
        if self._register(address, _MANUFACTURER) != _MANUFACTURER_ID:
            raise OSError(errno.EIO)
        if self._register(address, _DIE) != _DIE_ID:
            raise OSError(errno.EIO)
        order = bytes((_CONFIGURATION, self._setting >> 8, self._setting & 0xFF))
        self._write(address, order)

    def _register(self, address, number):
        self._pointer[0] = number
        self._write(address, self._pointer)
        self._read(address, self._word)
        return self._word[0] << 8 | self._word[1]
