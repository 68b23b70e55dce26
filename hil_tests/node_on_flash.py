"""The node's own modules that write flash, run here on the virtual flash without a processor.

A power cut at each of a thousand operations then takes milliseconds, and a year of writes seconds.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from boards.virtual.files import Files
from boards.virtual.flash import Flash, PowerLost

FIRMWARE = Path(__file__).parent.parent / "firmware"


def node(module: str) -> Any:
    """A module of firmware/node."""
    paths = [str(FIRMWARE), str(FIRMWARE / "tests" / "cpython")]
    sys.path[:0] = paths
    try:
        return importlib.import_module(f"node.{module}")
    finally:
        sys.path[: len(paths)] = []


class FlashFiles:
    """`node.hardware.Files` on a flash chip. What is called when power goes raises PowerLost."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash
        self._files = Files(flash)

    def call(self, name: str, *args: object) -> Any:
        """One call of the file system. Raises OSError, PowerLost."""
        result = self._files.call(name, *args)
        if not self._flash.powered:
            raise PowerLost
        if isinstance(result, int) and result < 0:
            raise OSError(-result, f"{name} {args}")
        return result

    def open(self, path: str, mode: str = "r") -> FlashFile:
        """See builtins.open."""
        return FlashFile(self, self.call("file_open", path, mode), "b" in mode)

    def rename(self, old: str, new: str) -> None:
        """See os.rename."""
        self.call("rename", old, new)

    def remove(self, path: str) -> None:
        """See os.remove."""
        self.call("remove", path, "")

    def names(self, folder: str) -> list[str]:
        """The names in a folder, which is made where there is none."""
        with suppress(FileNotFoundError):
            lines = self.call("listdir", folder, "").splitlines()
            return [n for n in (line.split(" ", 2)[2] for line in lines) if n.strip(".")]
        self.call("mkdir", folder, "")
        return []

    def detach(self) -> None:
        """The power is gone, or the board starts anew."""
        self._files.detach()


class FlashFile:
    """An open file."""

    def __init__(self, files: FlashFiles, handle: int, binary: bool) -> None:
        self._files = files
        self._handle = handle
        self._binary = binary

    def read(self) -> bytes | str:
        """All of it."""
        content: bytes = self._files.call("file_read", self._handle, 1 << 16).encode("latin-1")
        return content if self._binary else content.decode()

    def write(self, content: bytes | str) -> None:
        """Append to what is in the file."""
        data = content if isinstance(content, bytes) else content.encode()
        self._files.call("file_write", self._handle, data.decode("latin-1"))

    def close(self) -> None:
        """Only this puts into flash what was written."""
        self._files.call("file_close", self._handle, 0, 0)

    def __enter__(self) -> FlashFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        if kind is not PowerLost:
            self.close()


class KeptMinutes:
    """A start of the parts that keep minutes, on a flash chip."""

    def __init__(self, files: FlashFiles) -> None:
        journal = node("journal")
        self.up_s = 0
        self.minutes = journal.Minutes(4)
        self.events = journal.Events(self)
        self.storage = node("storage").Storage(files, "/state.json")
        self.storage.count_boot()
        self.blocks = journal.Blocks(files, self.minutes, self.storage, self.events)

    def run(self, minutes: int) -> None:
        """Let minutes pass, and do what there is to do in flash."""
        for _ in range(minutes):
            self.minutes.sample(self.up_s, 40, [self.up_s % 10_000] * 4, [1] * 4)
            self.up_s += 60
            self.minutes.sample(self.up_s, 40, [self.up_s % 10_000] * 4, [1] * 4)
            self.settle()

    def settle(self) -> None:
        """All pieces of flash work that there are now."""
        while self.blocks.step(self.up_s):
            pass

    def deliver(self, most: int = 10_000) -> list[tuple[int, int]]:
        """The ids of all minutes in the order of their delivery, acknowledged."""
        found: list[tuple[int, int]] = []
        while len(found) < most:
            names = [minute[:2] for minute in self.blocks.read(4)]
            self.blocks.ack_minutes = [list(name) for name in names]
            if not self.blocks.step(self.up_s) and not names:
                break
            self.settle()
            found += names
        return found


def each_cut(
    prepare: Callable[[FlashFiles], None], act: Callable[[FlashFiles], object]
) -> list[tuple[int, FlashFiles]]:
    """What an action leaves in flash when power goes at each of its programs and erases, and at
    last when it does not go: (number of the operation, the files after power has come back).
    """
    flash = Flash()
    files = FlashFiles(flash)
    prepare(files)
    files.detach()
    image = bytes(flash.image)
    found = []
    for operation in range(1, 10_000):
        flash = Flash(image)
        flash.cut_at = operation
        files = FlashFiles(flash)
        with suppress(PowerLost):
            act(files)
        was_cut = not flash.powered
        files.detach()
        flash.powered, flash.cut_at = True, None
        found.append((operation, FlashFiles(flash)))
        if not was_cut:
            return found
    raise AssertionError("the action never came to its end")
