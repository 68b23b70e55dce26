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
        line, digest = content.strip().split("\n")
        if digest != _digest(line):
            raise ValueError("hash does not match")
        state = json.loads(line)
        boot, epoch = int(state["boot"]), int(state["epoch"])
        off = [(int(i), int(until)) for i, until in state["off"]]
        self.boot, self.epoch, self.off = boot, epoch, off
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

    def _write(self, boot, epoch, off, damaged, charge):
        state = {"boot": boot, "epoch": epoch, "off": [list(order) for order in off]}
        state["charge"] = charge
        if damaged:
            state["unknown"] = 1
        line = json.dumps(state)
        replace(self._files, self._path, line + "\n" + _digest(line) + "\n")
        self.boot, self.epoch, self.off, self.charge = boot, epoch, off, charge


def replace(files, path, text):
    """Writes a text file so that a power cut leaves the old one or the new one. Raises OSError."""
    beside = path + ".new"
    with files.open(beside, "w") as file:
        file.write(text)
    files.rename(beside, path)


def _digest(line):
    return binascii.hexlify(hashlib.sha256(line.encode()).digest()).decode()
