"""Minutes that outlive a power cut: in flash, as blocks of a quarter of an hour.

While the coordinator acknowledges in time nothing is written. When minutes have waited for so
long that a power cut could take 15 of them, all that wait go into one file with a hash, which is
written once and never changed; a cut leaves it whole or empty. Files are named by a rising number,
delivered from the oldest on under the boot number of their start, and removed when all of one is
acknowledged. Where the ring of files is full the oldest is lost, and counted.

Flash is slow, an erase takes 45 ms: `step` does one piece of it a tick, outside of control. An
error of flash costs minutes, once the ring in RAM is full; they are counted, too.
"""

import hashlib
import struct

from micropython import const

from node.journal import RECORD_BYTES, unpack

_FOLDER = "/journal"
# 14 whole minutes and the one under way make the 15 that a power cut may take.
_BLOCK = const(14)
# 56 files of 14 minutes are 13 hours, one littlefs sector of 251 each.
_FILES = const(56)
# Boot, and the minutes lost by then, which nobody may have heard of.
_HEAD = "<II"
_HEAD_BYTES = const(8)
_HASH_BYTES = const(8)
_RETRY_S = const(900)


class Blocks:
    def __init__(self, files, minutes, storage, events):
        """`files` offers open, remove and names as `node.hardware.Files` does."""
        self._files = files
        self._minutes = minutes
        self._storage = storage
        self._events = events
        # Whether everything shall be in flash soon, because the board is about to start anew.
        self.hurry = False
        self._first = self._next = 0
        self._delivered = 0
        self._is_done = False
        self._file = None
        self._piece = self._idle
        self._count = 0
        self._retry_s = 0
        self._up_s = 0
        self._find()

    def _find(self):
        try:
            names = self._files.names(_FOLDER)
        except OSError:
            self._failed()
            return
        numbers = [int(name) for name in names if name.isdigit()]
        if numbers:
            self._first, self._next = min(numbers), max(numbers) + 1
            newest = self._read(self._next - 1)
            # Where it is damaged it is counted when its turn comes.
            self._minutes.lost = struct.unpack_from(_HEAD, newest)[1] if newest else 0

    def _read(self, number):
        """The file's head and records; empty when they cannot be believed."""
        try:
            with self._files.open(_path(number), "rb") as file:
                block = memoryview(file.read())
        except OSError:
            self._minutes.lost += _BLOCK
            return b""
        body = block[:-_HASH_BYTES]
        if len(block) > _HEAD_BYTES and _digest(body) == block[-_HASH_BYTES:]:
            return body
        # One without content was cut short while it was new: what it was for, the cut took.
        self._minutes.lost += len(block) // RECORD_BYTES
        return b""

    def is_behind(self):
        """Whether more waits than the next report can take."""
        return self._first < self._next or self._minutes.stored > 4

    def oldest(self, most):
        """Up to `most` minutes not yet acknowledged: (boot,) + what `journal.unpack` gives."""
        boot, at, records = self._storage.boot, 0, b""
        if self._first == self._next:
            records = self._minutes.content()
        elif not self._is_done:
            records = self._read(self._first)
            self._is_done = not records
            if records:
                boot, at = struct.unpack_from(_HEAD, records)[0], _HEAD_BYTES
        found = []
        k = 0
        while at < len(records) and len(found) < most:
            record = None if self._delivered & 1 << k else unpack(records, at)
            if record:
                found.append((boot,) + record)
            k += 1
            at += RECORD_BYTES
        return found

    def acknowledge(self, pairs):
        """`pairs` is a list of [boot, minute]."""
        for boot, minute in pairs:
            if boot == self._storage.boot:
                self._minutes.acknowledge(minute)
        if not pairs or self._first == self._next or self._is_done:
            return
        block = self._read(self._first)
        left = 0
        for k in range(len(block) // RECORD_BYTES):
            record = unpack(block, _HEAD_BYTES + k * RECORD_BYTES)
            if record and [struct.unpack_from(_HEAD, block)[0], record[0]] in pairs:
                self._delivered |= 1 << k
            elif record and not self._delivered & 1 << k:
                left += 1
        self._is_done = not left

    def step(self, up_s):
        """One piece of what flash needs now. Whether there was one."""
        self._up_s = up_s
        try:
            return self._piece() is not False
        except (OSError, MemoryError):
            self._failed()
            return True

    def _failed(self):
        """Minutes stay in RAM, as long as they fit, until the next try."""
        self._events.add("flash_failed")
        self._retry_s = self._up_s + _RETRY_S
        self._piece = self._idle
        file, self._file = self._file, None
        if file:
            try:
                file.close()
            except OSError:
                pass  # it failed before

    def _idle(self):
        """False when there is nothing to do."""
        if self._is_done:
            self._remove_first()
        elif self._up_s < self._retry_s or self._minutes.stored < (1 if self.hurry else _BLOCK):
            return False
        elif self._next - self._first < _FILES:
            self._file = self._files.open(_path(self._next), "wb")
            self._piece = self._write
        else:
            self._minutes.lost += len(self.oldest(_FILES))
            self._is_done = True
        return True

    def _remove_first(self):
        """Forgotten also where it cannot be removed: then it comes once more at the next start."""
        number = self._first
        self._first += 1
        self._delivered = 0
        self._is_done = False
        self._files.remove(_path(number))

    def _write(self):
        self._count = self._minutes.stored
        head = struct.pack(_HEAD, self._storage.boot, self._minutes.lost)
        body = head + self._minutes.content()
        self._file.write(body + _digest(body))
        self._piece = self._close

    def _close(self):
        """Only this puts it into flash."""
        self._file.close()
        self._file = None
        self._next += 1
        self._minutes.forget(self._count)
        self._piece = self._idle


def _path(number):
    return "%s/%d" % (_FOLDER, number)


def _digest(body):
    return hashlib.sha256(body).digest()[:_HASH_BYTES]
