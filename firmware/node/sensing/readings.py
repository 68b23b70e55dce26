"""Each circuit's reading: its last good current, how old that is, and whether it may be believed.

A window is no reading when the part did not answer or its input is off its bias (an unplugged CT
lets it fall to 0 V): `missing`; when nothing in it has changed for longer than noise could stand
still: `frozen`. One that touches a rail is a reading of at least the sensor's range: `saturated`.
A reading that nothing renews turns `stale`.
"""

from array import array

from micropython import const

# 500 ms bridge two lost windows of a scan of four; more would hide an overload.
_TRUSTED_MS = const(500)
# The least noisy input still moves its last bit now and then; the sum over a window of 13 to 20
# conversions, their least and their largest all alike for ten windows is no live input.
_FROZEN_MS = const(1500)
# The bias is half of the supply, 1.65 V at 125 uV a count.
_BIAS = const(13200)
_BIAS_LOWEST = const(3200)
_BIAS_HIGHEST = const(23200)
_RAIL = const(40)
# Below 1/200 of its range a CT's own error and the converter's last bits are all there is.
_FLOOR_PARTS = const(200)
# A contact takes this long to open; a window that began earlier still saw current.
_CONTACT_MS = const(60)
_AGE_CAP_MS = const(100_000_000)


class Readings:
    def __init__(self, circuits):
        count = len(circuits)
        self.last_ma = array("i", [0] * count)
        self.age_ms = array("i", [0] * count)
        self.state = ["missing"] * count
        self._rated_ma = array("i", [c["rated_ma"] for c in circuits])
        self._range_ma = array("i", [c["ct_ma_per_v"] for c in circuits])
        self._gain = array("i", [0] * count)
        self._gain_shift = array("i", [0] * count)
        self._bias = array("i", [_BIAS] * count)
        self._low = array("i", [0] * count)
        self._high = array("i", [0] * count)
        self._total = array("i", [0] * count)
        self._same_ms = array("i", [0] * count)
        self._rms = None

    def use(self, rms):
        """Takes windows from `rms` from now on."""
        self._rms = rms
        for i in range(len(self._gain)):
            self._gain[i], self._gain_shift[i] = rms.gain_of(self._range_ma[i])

    def grow_older(self, step_ms):
        for i in range(len(self.age_ms)):
            age_ms = min(self.age_ms[i] + step_ms, _AGE_CAP_MS)
            self.age_ms[i] = age_ms
            if age_ms > _TRUSTED_MS and self.is_trusted(i):
                self.state[i] = "stale"

    def is_trusted(self, i):
        return self.state[i] in ("ok", "saturated")

    def is_assumed(self, i):
        """Whether protection has nothing measured to go by any more."""
        return self.age_ms[i] > _TRUSTED_MS

    def current_ma(self, i, closed, since_edge_ms):
        """What protection counts: measured, or assumed where nothing good was measured lately.

        Assumed is the rated current, and no less than the last good one: going blind in an
        overload must not end it.
        """
        age_ms = self.age_ms[i]
        if age_ms > _TRUSTED_MS:
            return max(self._rated_ma[i], self.last_ma[i]) if closed else 0
        if not closed and age_ms + _CONTACT_MS > since_edge_ms:
            return 0
        return self.last_ma[i]

    def lost(self, i):
        """No window: the part did not answer."""
        self.state[i] = "missing"

    def take(self, i):
        """The window has been filled from circuit i's input."""
        rms = self._rms
        rms.measure()
        if rms.mean < _BIAS_LOWEST or rms.mean > _BIAS_HIGHEST:
            self.state[i] = "missing"
        elif self._is_frozen(i):
            self.state[i] = "frozen"
        elif self._is_saturated(i):
            self._keep(i, max(self._measured_ma(i), self._range_ma[i]), "saturated")
        else:
            self._bias[i] += (rms.mean - self._bias[i]) // 4
            self._keep(i, self._measured_ma(i), "ok")

    def _keep(self, i, current_ma, state):
        self.last_ma[i] = current_ma
        self.age_ms[i] = 0
        self.state[i] = state

    def _measured_ma(self, i):
        current_ma = self._rms.current_ma(self._gain[i], self._gain_shift[i])
        return current_ma if current_ma * _FLOOR_PARTS >= self._range_ma[i] else 0

    def _is_saturated(self, i):
        return self._rms.low <= _RAIL or self._rms.high >= 2 * self._bias[i] - _RAIL

    def _is_frozen(self, i):
        rms = self._rms
        same = (
            rms.total == self._total[i] and rms.low == self._low[i] and rms.high == self._high[i]
        )
        self._total[i] = rms.total
        self._low[i] = rms.low
        self._high[i] = rms.high
        self._same_ms[i] = min(self._same_ms[i] + self.age_ms[i], _AGE_CAP_MS) if same else 0
        return self._same_ms[i] > _FROZEN_MS
