"""What the coordinator has not yet confirmed: a ring of minutes, and a ring of events.

Both are of fixed size, made once. What overflows is counted, never silent. A minute covers uptime
60 m to 60 m + 60 s of this start and leaves when it is acknowledged by its number, or when it is
in flash (`blocks`), which is long before the ring is full; events leave up to the number
acknowledged.
"""

import struct
from array import array

from micropython import const

_MINUTES = const(20)
# minute, four means, four maxima in steps of 4 mA (up to 262 A), four times of being closed.
_RECORD = "<I8H4B"
_RECORD_BYTES = const(24)
RECORD_BYTES = _RECORD_BYTES
_STEP_MA = const(4)
_HIGHEST_STEP = const(0xFFFF)
_GONE = const(0xFFFFFFF)

_EVENTS = const(24)


class Minutes:
    def __init__(self, count):
        """`count` circuits, at most 4."""
        self.count = count
        self.lost = 0
        self.stored = 0
        self._ring = bytearray(_MINUTES * _RECORD_BYTES)
        self._first = 0
        self._minute = 0
        self._samples = 0
        self._sum_ma = array("i", [0] * 4)
        self._max_ma = array("i", [0] * 4)
        self._closed_ms = array("i", [0] * 4)
        self._record = array("i", [0] * 12)

    def sample(self, up_s, step_ms, current_ma, closed):
        """Takes one tick's currents and relay states, per circuit."""
        minute = up_s // 60
        if minute != self._minute:
            self._close_minute()
            self._minute = minute
        self._samples += 1
        for i in range(self.count):
            value_ma = current_ma[i]
            self._sum_ma[i] += value_ma
            if value_ma > self._max_ma[i]:
                self._max_ma[i] = value_ma
            if closed[i]:
                self._closed_ms[i] += step_ms

    def _close_minute(self):
        if self._samples:
            self._store()
        self._samples = 0
        for i in range(4):
            self._sum_ma[i] = 0
            self._max_ma[i] = 0
            self._closed_ms[i] = 0

    def _store(self):
        if self.stored == _MINUTES:
            self._drop_first()
            self.lost += 1
        r = self._record
        for i in range(4):
            r[i] = _steps(self._sum_ma[i] // self._samples)
            r[4 + i] = _steps(self._max_ma[i])
            r[8 + i] = min(self._closed_ms[i] // 1000, 60)
        at = (self._first + self.stored) % _MINUTES * _RECORD_BYTES
        # One by one: unpacking the array into arguments would build a tuple.
        # fmt: off
        struct.pack_into(
            _RECORD, self._ring, at, self._minute, r[0], r[1], r[2], r[3],
            r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11],
        )
        # fmt: on
        self.stored += 1

    def _drop_first(self):
        self._first = (self._first + 1) % _MINUTES
        self.stored -= 1

    def content(self):
        """All records as they are, the oldest first."""
        ring = self._ring
        at = self._first * _RECORD_BYTES
        end = at + self.stored * _RECORD_BYTES
        return ring[at:end] + ring[: max(end - len(ring), 0)]

    def acknowledge(self, minute):
        for k in range(self.stored):
            at = (self._first + k) % _MINUTES * _RECORD_BYTES
            if struct.unpack_from("<I", self._ring, at)[0] == minute:
                struct.pack_into("<I", self._ring, at, _GONE)
        self.forget(0)

    def forget(self, count):
        """Drops the oldest `count`, and what was acknowledged behind them."""
        while self.stored:
            at = self._first * _RECORD_BYTES
            if count <= 0 and struct.unpack_from("<I", self._ring, at)[0] != _GONE:
                return
            self._drop_first()
            count -= 1


def unpack(records, at):
    """The record there: (minute, mean_ma x4, max_ma x4, closed_s x4); None if it is gone."""
    record = list(struct.unpack_from(_RECORD, records, at))
    if record[0] == _GONE:
        return None
    for j in range(1, 9):
        record[j] *= _STEP_MA
    return tuple(record)


def _steps(current_ma):
    return min((current_ma + _STEP_MA // 2) // _STEP_MA, _HIGHEST_STEP)


class Events:
    def __init__(self, clock):
        self._clock = clock
        self.lost = 0
        self.stored = 0
        self._next = 1
        self._kind = [""] * _EVENTS
        self._up_s = array("i", [0] * _EVENTS)
        self._circuit = array("b", [0] * _EVENTS)
        self._value = array("i", [0] * _EVENTS)

    def add(self, kind, circuit=-1, value=0):
        if self.stored == _EVENTS:
            self.stored -= 1
            self.lost += 1
        at = self._next % _EVENTS
        self._kind[at] = kind
        self._up_s[at] = self._clock.up_s
        self._circuit[at] = circuit
        self._value[at] = value
        self._next += 1
        self.stored += 1

    def record(self, k):
        """The k-th oldest unacknowledged: (n, up_s, kind, circuit, value)."""
        n = self._next - self.stored + k
        at = n % _EVENTS
        return n, self._up_s[at], self._kind[at], self._circuit[at], self._value[at]

    def acknowledge(self, n):
        self.stored = min(self.stored, max(self._next - 1 - n, 0))
