"""The little that must survive a power cut: boot counter, highest epoch obeyed, OFF orders, and
of charge orders whether they are allowed, under which key, and the highest counter accepted.

One JSON line and the hash of it, written to a temporary file and renamed, so that flash holds the
old or the new content, whole. It is written when it changes: at a start, at a new epoch, and when
a person changes an OFF order; never from the control part of a tick.

A file that is there and cannot be believed is not the same as none: the orders in it are unknown
(`damaged`), and `safety` then keeps every circuit open until the coordinator has sent them anew.
Until then every file written says so too: the next start knows no more than this one.
"""

import binascii
import errno
import hashlib
import json
import struct

from micropython import const

_WARM_BYTES = const(37)
_HASH_BYTES = const(8)
# Made once: it is written each second, beside a step of the link.
_warm = bytearray(_WARM_BYTES + _HASH_BYTES)


class Storage:
    def __init__(self, files, path):
        """`files` offers open, rename as builtins and `os` do."""
        self._files = files
        self._path = path
        self.damaged = None
        self.boot = 0
        self.epoch = 0
        self.off = []
        # Allowed, name of the key, highest counter accepted. No name: damaged, unknown.
        self.charge = [1, None, 0]
        # What `safety` keeps of starts; there was none yet that could have failed.
        self.starts = [1, 0, 0]
        self._load()

    def _load(self):
        """Only a file that is not there is none. One that cannot be read may hold orders."""
        try:
            with self._files.open(self._path, "rb") as file:
                self._take(file.read().decode())
        except OSError as error:
            if error.errno != errno.ENOENT:
                self.damaged = "%s: %s" % (self._path, error)
            else:
                self.charge[1] = ""
        except (ValueError, TypeError, KeyError) as error:
            self.damaged = "%s: %s" % (self._path, error)

    def _take(self, content):
        state = json.loads(unsealed(content))
        boot, epoch = int(state["boot"]), int(state["epoch"])
        off = [(int(i), int(until)) for i, until in state["off"]]
        starts = [int(number) for number in state.get("starts", self.starts)]
        if len(starts) < 3:
            raise ValueError("starts: %r" % starts)
        self.boot, self.epoch, self.off, self.starts = boot, epoch, off, starts
        self.charge = state.get("charge") or [1, "", 0]
        if state.get("unknown"):
            self.damaged = "%s: orders were lost before" % self._path

    def count_boot(self, above=0):
        """Raises the boot counter, in flash first, above its own value and `above`."""
        boot = max(self.boot, above) + 1
        self._write(boot, self.epoch, self.off, self.damaged, self.charge)

    def remember(self, epoch, off=None, charge=None):
        """Makes what is ordered durable, if anything of it is new. Raises OSError.

        `off` is the complete list, which ends every doubt; None when the answer brought none.
        """
        damaged = self.damaged if off is None else None
        off = self.off if off is None else off
        charge = charge or self.charge
        if (damaged, epoch, off, charge) != (self.damaged, self.epoch, self.off, self.charge):
            self._write(self.boot, epoch, off, damaged, charge)
            self.damaged = damaged

    def write(self, starts):
        """Makes durable what `safety` keeps of starts. Raises OSError."""
        before = self.starts
        self.starts = starts
        try:
            self._write(self.boot, self.epoch, self.off, self.damaged, self.charge)
        except OSError:
            self.starts = before
            raise

    def _write(self, boot, epoch, off, damaged, charge):
        orders = [list(order) for order in off]
        state = {"boot": boot, "epoch": epoch, "off": orders, "starts": self.starts}
        state["charge"] = charge
        if damaged:
            state["unknown"] = 1
        replace(self._files, self._path, sealed(json.dumps(state)))
        self.boot, self.epoch, self.off, self.charge = boot, epoch, off, charge


def keep(memory, up_s, guards, on, why):
    """Puts into RTC memory what a warm reset must not clear: a watchdog reset in the middle of an
    overload gives the wires no fresh start, nor does a requested one turn a circuit.

    Uptime, the budgets of seven guards (None: nothing to guard), what is wanted of each circuit,
    and why the start ends. After a power cut this memory holds anything: see `starts.load`.
    """
    content = _warm
    struct.pack_into("<I", content, 0, up_s)
    for k in range(7):
        if guards[k]:
            struct.pack_into("<I", content, 4 + 4 * k, guards[k].budget)
    content[32 : 32 + len(on)] = on
    content[36] = why
    content[_WARM_BYTES:] = digest(memoryview(content)[:_WARM_BYTES])
    memory(content)


def digest(body):
    return hashlib.sha256(body).digest()[:_HASH_BYTES]


def replace(files, path, text):
    """Writes a text file so that a power cut leaves the old one or the new one. Raises OSError."""
    beside = path + ".new"
    with files.open(beside, "w") as file:
        file.write(text)
    files.rename(beside, path)


def request_maintenance(files):
    """From the next start on, until the flag is removed: neither node nor watchdog (main.py)."""
    files.open("/maintenance", "w").close()


def sealed(line):
    """The line, and on the next one its hash."""
    return "%s\n%s\n" % (line, binascii.hexlify(hashlib.sha256(line.encode()).digest()).decode())


def unsealed(content):
    """The line that was sealed. Raises ValueError."""
    line = content.split("\n")[0]
    if content.strip() != sealed(line).strip():
        raise ValueError("hash does not match")
    return line
