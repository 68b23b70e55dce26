"""The chip in its boot ROM's loader, by esptool's own Python API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import esptool
import serial
from esp_pylib.logger import EspLog, EspLogBase
from esptool.logger import EsptoolLogger
from esptool.util import FatalError, flash_size_bytes

from headroom.device.errors import DeviceError
from headroom.device.layout import LEAST_FLASH_BYTES
from headroom.device.ports import close, opened

BAUD = 460_800
_CONNECT_ATTEMPTS = 4
_NO_ANSWER = """\
hold GPIO0 at GND (the button FLASH, where there is one) while you press reset, and try again;
  check that TX and RX are crossed, GND is joined and the module has its own supply of 3.3 V;
  close every other program on this port"""
AGAIN = "run the same command again: it begins anew, and what is half written does no harm"


class Progress(Protocol):
    """Told how far a long step is; counts are in bytes of that step."""

    def step(self, what: str) -> None:
        """A new step begins."""

    def at(self, done: int, total: int) -> None:
        """How far it is."""


class Chip:
    """An ESP8266 with enough flash, ready to be read and written."""

    def __init__(self, esp: Any, port: str, flash_bytes: int, progress: Progress) -> None:
        self.port = port
        self.flash_bytes = flash_bytes
        self._esp = esp
        self._progress = progress

    @property
    def mac(self) -> str:
        """Its address, which no other chip has."""
        return ":".join(f"{byte:02x}" for byte in self._esp.read_mac())

    def write(self, what: str, start: int, content: bytes, size: str = "keep") -> None:
        """Write and have esptool verify it by hash. `size` goes into a program's header.

        Raises DeviceError.
        """
        self._progress.step(f"write {what}")
        with _told(self.port):
            esptool.write_flash(self._esp, [(start, content)], flash_size=size)

    def read(self, what: str, start: int, size: int) -> bytes:
        """Raises DeviceError."""
        self._progress.step(f"read {what}")
        with _told(self.port):
            content: bytes = esptool.read_flash(self._esp, start, size)
        return content

    def erase(self) -> None:
        """All of its flash. Raises DeviceError."""
        self._progress.step("erase the flash")
        with _told(self.port):
            esptool.erase_flash(self._esp)


@contextmanager
def connected(
    port: str, progress: Progress, baud: int = BAUD, reset: bool = True
) -> Iterator[Chip]:
    """The chip on a port; it is started anew afterwards, also when something went wrong.

    Without `reset` it has to be in its loader already. Raises DeviceError.
    """
    progress.step(f"connect to {port}")
    line = opened(port)
    EspLog.set_logger(_Quiet(progress))
    try:
        esp = _connect(line, port, "default-reset" if reset else "no-reset")
        try:
            yield _checked(esp, port, progress, baud)
        finally:
            with suppress(serial.SerialException, OSError):  # a port that has gone was told of
                esp.hard_reset()  # what lies in flash starts
    finally:
        close(line)
        EspLog.set_logger(EsptoolLogger())


def _connect(line: serial.Serial, port: str, way: str) -> Any:
    try:
        return esptool.detect_chip(line, connect_mode=way, connect_attempts=_CONNECT_ATTEMPTS)
    except (FatalError, serial.SerialException, OSError) as error:
        raise DeviceError(
            f"{port}: the chip does not answer: {_first_line(error)}", _NO_ANSWER
        ) from error


def _checked(esp: Any, port: str, progress: Progress, baud: int) -> Chip:
    if esp.CHIP_NAME != "ESP8266":
        raise DeviceError(
            f"{port}: the chip is an {esp.CHIP_NAME}; this firmware is for an ESP8266",
            "name the port of the right module with --port",
        )
    with _told(port):
        esp = esptool.run_stub(esp)
        # A port that has gone may come back under another name: a person has to look.
        esp.WRITE_FLASH_ATTEMPTS = 1
        if baud != esp.ESP_ROM_BAUD:
            esp.change_baud(baud)
        esptool.attach_flash(esp)
        size = esptool.detect_flash_size(esp)
    flash_bytes = flash_size_bytes(size) if size else 0
    if flash_bytes < LEAST_FLASH_BYTES:
        raise DeviceError(
            f"{port}: the flash holds {size or 'an unknown size'}, "
            f"{LEAST_FLASH_BYTES // 2**20} MB are needed",
            "take an ESP-12F, which has 4 MB",
        )
    return Chip(esp, port, flash_bytes, progress)


@contextmanager
def _told(port: str) -> Iterator[None]:
    """What may go wrong on the way, in words."""
    try:
        yield
    except FatalError as error:
        raise DeviceError(f"{port}: {_first_line(error)}", AGAIN) from error
    except (serial.SerialException, OSError) as error:
        raise DeviceError(
            f"{port}: the port has gone: {_first_line(error)}", f"plug it in again, then {AGAIN}"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


class _Quiet(EspLogBase):
    """esptool's words are left out, its progress is passed on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def progress_bar(self, cur_iter: int, total_iters: int, *_words: Any, **_more: Any) -> None:
        """See EspLogBase."""
        self._progress.at(cur_iter, total_iters)

    def _silent(self, *_words: Any, **_more: Any) -> None: ...

    print = note = hint = debug = set_verbosity = _silent
    warn = warning = err = error = _silent
