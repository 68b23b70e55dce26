"""What the coordinator has not yet confirmed: minutes in RAM, then in flash, and events.

Both rings in RAM are of fixed size, made once. What overflows is counted, never silent. A minute
covers uptime 60 m to 60 m + 60 s of its start and leaves when it is acknowledged by its number, or
when it is in flash, which is before the ring is full; events leave up to the number acknowledged.

While the coordinator acknowledges in time nothing is written. When minutes have waited for so long
that a power cut could take 15 of them, all that wait go into one file with a hash, which is
written once and never changed; a cut leaves it whole or empty. Files are named by a rising number,
delivered from the oldest on under the boot number of their start, and removed when all of one is
acknowledged. Where the ring of files is full the oldest is lost, and counted.

Flash is slow, an erase takes 45 ms: `Blocks.step` does one piece of it a tick, outside of control.
An error of flash costs minutes, once the ring in RAM is full; they are counted, too. The pieces
are in `flashing`, which is loaded for each of them and dropped.
"""

import struct
from array import array

from micropython import const

from node import drop
from node.storage import digest

_MINUTES = const(16)
# minute, four means, four maxima in steps of 4 mA (up to 262 A), four times of being closed.
_RECORD = "<I8H4B"
_RECORD_BYTES = const(24)
_STEP_MA = const(4)
_HIGHEST_STEP = const(0xFFFF)
_GONE = const(0xFFFFFFF)

_EVENTS = const(24)

# Of a file: its name; the boot, and the minutes lost by then, which nobody may have heard of.
_PATH = "/journal/%d"
_HEAD = "<II"
_HEAD_BYTES = const(8)
_HASH_BYTES = const(8)
# 14 whole minutes and the one under way make the 15 that a power cut may take.
_BLOCK = const(14)
_RETRY_S = const(900)


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

    def read(self, most=_MINUTES):
        """The oldest records that are not acknowledged, as they are."""
        records = bytearray(min(self.stored, most) * _RECORD_BYTES)
        end = 0
        for k in range(self.stored):
            at = (self._first + k) % _MINUTES * _RECORD_BYTES
            if end == len(records):
                break
            if struct.unpack_from("<I", self._ring, at)[0] != _GONE:
                records[end : end + _RECORD_BYTES] = self._ring[at : at + _RECORD_BYTES]
                end += _RECORD_BYTES
        return memoryview(records)[:end]

    def acknowledge(self, minute):
        for k in range(self.stored):
            at = (self._first + k) % _MINUTES * _RECORD_BYTES
            if struct.unpack_from("<I", self._ring, at)[0] == minute:
                struct.pack_into("<I", self._ring, at, _GONE)
        self.pop(0)

    def pop(self, count):
        """Drops the oldest `count`, and what was acknowledged behind them."""
        while self.stored:
            at = self._first * _RECORD_BYTES
            if count <= 0 and struct.unpack_from("<I", self._ring, at)[0] != _GONE:
                return
            self._drop_first()
            count -= 1


def _unpack(boot, records, at):
    """The record there: (boot, minute, mean_ma x4, max_ma x4, closed_s x4)."""
    record = [boot]
    record.extend(struct.unpack_from(_RECORD, records, at))
    for j in range(2, 10):
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


class Blocks:
    def __init__(self, files, minutes, storage, events):
        """`files` offers open, remove and names as `node.hardware.Files` does."""
        self.files = files
        self.minutes = minutes
        self.storage = storage
        self._events = events
        # Whether everything shall be in flash soon, because the board is about to start anew.
        self.flush = False
        # Of the files: the oldest, and the one to be written next.
        self.start = self.end = 0
        # What an answer acknowledges, a list of [boot, minute], until the next step.
        self.ack_minutes = ()
        # Which minutes of the oldest file were acknowledged; -1 when it can go.
        self.stored = 0
        # The file that is being written, and how many minutes are in it.
        self.file = None
        self.count = 0
        self._retry_s = 0
        try:
            self._flashing().find(self)
        except OSError:
            events.add("flash_failed")

    def _flashing(self):
        from node import flashing

        drop(flashing)
        return flashing

    def busy(self):
        """Whether more waits than two reports can take."""
        return self.start < self.end or self.minutes.stored > 8

    def read(self, most):
        """Up to `most` minutes not yet acknowledged, as the report tells of them."""
        boot, at, records = self.storage.boot, 0, b""
        if self.start == self.end:
            records = self.minutes.read(most)
        elif self.stored >= 0:
            records = self.open(self.start)
            if not records:
                self.stored = -1
            else:
                boot, at = struct.unpack_from(_HEAD, records)[0], _HEAD_BYTES
        found = []
        k = 0
        while at < len(records) and len(found) < most:
            if not self.stored & 1 << k:
                found.append(_unpack(boot, records, at))
            k += 1
            at += _RECORD_BYTES
        return found

    def open(self, number):
        """A file's head and records; empty when they cannot be believed."""
        try:
            with self.files.open(_PATH % number, "rb") as file:
                block = memoryview(file.read())
        except OSError:
            self.minutes.lost += _BLOCK  # as far as anybody knows
            return b""
        body = block[:-_HASH_BYTES]
        if len(block) > _HEAD_BYTES and digest(body) == block[-_HASH_BYTES:]:
            return body
        # One without content was cut short while it was new: what it was for, the cut took.
        self.minutes.lost += len(block) // _RECORD_BYTES
        return b""

    def step(self, up_s):
        """One piece of what there is to do now. Whether there was one."""
        if not (self.ack_minutes or self.stored < 0 or self.file):
            waiting = self.minutes.stored
            if up_s < self._retry_s or waiting < (1 if self.flush else _BLOCK):
                return False
        try:
            self._flashing().step(self)
        except (OSError, MemoryError):
            # Minutes stay in RAM, as long as they fit, until the next try.
            self._events.add("flash_failed")
            self._retry_s = up_s + _RETRY_S
            self.file = None
        return True
