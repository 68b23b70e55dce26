"""Current transformers on an ADS1115: what a window of one mains cycle amounts to.

A window is no reading when
  missing     its input is off its bias: an unplugged CT lets it fall to 0 V;
  impossible  a count is outside the supply; or the mean left the bias although the input did not
              swing that far, which no CT can do, as it passes no direct current; or nearly all of
              the energy of a large current is in one conversion: an error on the bus;
  frozen      nothing in it has changed for longer than noise could stand still.
One that touches a rail is a reading of at least the sensor's range: `saturated`. One that is too
small for the CT is a reading of zero: `below_range`. Where the crest factor has been above 2 for
seconds the current comes in spikes, which the converter averages away: `spiky`, and the reading is
raised by the circuit's `spiky_percent`, unless `calibrate.waveform` has put it right.
"""

import errno
from array import array

from micropython import const

from node.sensing.ads1115 import Ads1115
from node.sensing.rms import TrueRms

# Between two tries to find a converter that did not answer at the start.
_SEARCH_S = const(2)
# The least noisy input still moves its last bit now and then; the sum over a window of 13 to 20
# conversions, their least and their largest all alike for ten windows is no live input.
_FROZEN_MS = const(1500)
# The bias is half of the supply, 1.65 V at 125 uV a count.
_BIAS = const(13200)
_BIAS_LOWEST = const(3200)
_BIAS_HIGHEST = const(23200)
# Divider, supply and four plugged CTs move the bias by 5 % at most, 660 counts.
_BIAS_STEP = const(1000)
_RAIL = const(40)
# 3.6 V, the most that the chip's supply may have.
_CEILING = const(28800)
# Below 1/200 of its range a CT's own error and the converter's last bits are all there is.
_FLOOR_PARTS = const(200)
# Small rectifiers may draw all of their current in one pulse a cycle, as one laptop charger among
# the measured waveforms of PLAID does; nothing that draws a tenth of the range may.
_SPIKE_PARTS = const(10)
_SPIKE_PERCENT = const(90)
# Longer than a motor or a transformer takes to start. Of the measured waveforms of PLAID each
# window below a THD of 0.5 has a crest factor below 1.9, of the others nine of ten one above 2.
_SPIKY_MS = const(3000)
# The square of that crest factor, times 100: of n conversions the largest has so much energy by n.
_SPIKY_PERCENT = const(400)
# What one window may count for, after others were lost.
_WINDOW_MS = const(500)
_AGE_CAP_MS = const(100_000_000)


class Ct:
    def __init__(self, circuits, mains_hz, hardware, clock):
        """`circuits` of the configuration, of which only those of this kind are ever asked for."""
        count = len(circuits)
        self.current_ma = 0
        self.scale_ma = array("i", [c.get("scale_ma", c["ct_ma_per_v"]) for c in circuits])
        self.offset_ma = array("i", [c.get("offset_ma", 0) for c in circuits])
        self.channel = bytearray([c["channel"] for c in circuits])
        self._gain = array("i", [0] * count)
        self._gain_shift = array("i", [0] * count)
        self._bias = array("i", [_BIAS] * count)
        self._mark = array("i", [0] * count)
        self._same_ms = array("i", [0] * count)
        # Below 0 where calibration has put the waveform right.
        self.spiky_ms = array("i", [c.get("spiky_ms", 0) for c in circuits])
        self._raise_percent = bytearray([c["spiky_percent"] for c in circuits])
        self._mains_hz = mains_hz
        self._clock = clock
        self._searched_s = -_SEARCH_S
        self._adc = Ads1115(hardware.i2c, hardware.time)
        self._rms = None

    def find(self):
        """Whether the converter's rate is known now. Takes 125 ms when it answers, once."""
        if self._rms:
            return True
        if self._clock.up_s - self._searched_s < _SEARCH_S:
            return False
        self._searched_s = self._clock.up_s
        try:
            self._adc.measure_rate()
        except OSError:
            return False
        self._rms = TrueRms(self._mains_hz, self._adc.conversion_ns)
        for i in range(len(self._gain)):
            self.rescale(i)
        return True

    def rescale(self, i):
        self._gain[i], self._gain_shift[i] = self._rms.gain_of(self.scale_ma[i])

    def measure(self, i, since_ms):
        """Circuit i's state by one window; None when the processor came too late for it.

        `since_ms` ago was the last reading of it.
        """
        if not self._rms and not self.find():
            raise OSError(errno.ENODEV)
        rms = self._rms
        rms.bias = bias = self._bias[i]
        if not self._adc.window(self.channel[i], rms):
            return None
        current_ma = rms.finish(self._gain[i], self._gain_shift[i]) + self.offset_ma[i]
        mean = rms.mean
        low = rms.low
        high = rms.high
        if mean < _BIAS_LOWEST or mean > _BIAS_HIGHEST:
            return "missing"
        if low < -_RAIL or high > _CEILING:
            return "impossible"
        if abs(mean - bias) > high - low + _BIAS_STEP:
            return "impossible"
        # Sum, least and largest in one number below 2**30: below 2**19, 2**15, 2**15.
        mark = rms.total ^ low << 14 ^ high << 7
        if mark != self._mark[i]:
            self._mark[i] = mark
            self._same_ms[i] = 0
        elif self._is_frozen(i, since_ms):
            return "frozen"
        scale_ma = self.scale_ma[i]
        if low <= _RAIL or high >= 2 * bias - _RAIL:
            self.current_ma = max(current_ma, scale_ma)
            return "saturated"
        self._bias[i] = bias + (mean - bias) // 4
        if current_ma * _FLOOR_PARTS < scale_ma:
            self.current_ma = 0
            return "below_range"
        if rms.peak_percent > _SPIKE_PERCENT and current_ma * _SPIKE_PARTS > scale_ma:
            return "impossible"
        is_smooth = rms.peak_percent * rms.count <= _SPIKY_PERCENT
        if (self.spiky_ms[i] or not is_smooth) and self._is_spiky(i, is_smooth, since_ms):
            self.current_ma = current_ma + current_ma * self._raise_percent[i] // 100
            return "spiky"
        self.current_ma = current_ma
        return "ok"

    def _is_frozen(self, i, since_ms):
        self._same_ms[i] = min(self._same_ms[i] + since_ms, _AGE_CAP_MS)
        return self._same_ms[i] > _FROZEN_MS

    def _is_spiky(self, i, is_smooth, since_ms):
        """Whether spikes have been the rule for some seconds, and sines not since."""
        was_ms = self.spiky_ms[i]
        if was_ms < 0:
            return False
        window_ms = min(since_ms, _WINDOW_MS)
        now_ms = was_ms - window_ms if is_smooth else was_ms + window_ms
        spiky = now_ms > _SPIKY_MS
        if spiky != (was_ms > _SPIKY_MS):
            # As long again until it is taken back.
            now_ms = 2 * _SPIKY_MS if spiky else 0
        self.spiky_ms[i] = max(0, min(now_ms, 2 * _SPIKY_MS))
        return spiky
