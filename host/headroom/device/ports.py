"""Which serial port a board is on, and why it cannot be opened."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import serial
from serial import rfc2217
from serial.tools import list_ports

from headroom.device.errors import DeviceError

# Makers of the USB converters that such modules are programmed with.
_MAKERS = {0x10C4: "CP210x", 0x1A86: "CH340", 0x0403: "FTDI", 0x067B: "PL2303"}
_TAKEN = (errno.EAGAIN, errno.EBUSY)
_OVER_NETWORK = ("rfc2217", "socket")
# The system's own words stand behind the last of these.
_ERROR_NUMBER = re.compile(r"\[Errno -?\d+\] |\(\d+, ")


class _Remote(rfc2217.Serial):  # type: ignore[misc]
    """pyserial agrees on the line anew, 60 ms each time, also where only a timeout is set, which
    is this end's own affair; esptool sets one for every 4 KiB.
    """

    _agreed: tuple[object, ...] = ()

    def _reconfigure_port(self) -> None:
        framing = self._bytesize, self._parity, self._stopbits
        wanted = (self._baudrate, *framing, self._write_timeout)
        if wanted != self._agreed:
            super()._reconfigure_port()
            self._agreed = wanted

    def close(self) -> None:
        """pyserial's leaves its socket open where the far end has gone."""
        far_end = self._socket
        super().close()
        if far_end is not None:
            far_end.close()


def find_port(given: str | None) -> str:
    """The port that was given, or the only one that has a converter. Raises DeviceError."""
    if given:
        return _usable(given)
    found = {
        port.device: _MAKERS[port.vid] for port in list_ports.comports() if port.vid in _MAKERS
    }
    if len(found) == 1:
        return _usable(next(iter(found)))
    if found:
        listed = ", ".join(f"{device} ({maker})" for device, maker in sorted(found.items()))
        raise DeviceError(
            f"{len(found)} serial ports have a converter: {listed}", "name one with --port"
        )
    raise DeviceError(
        "no serial port with a USB converter was found",
        "plug the converter in (a cable that only charges has no data wires), or name the port "
        "with --port: /dev/ttyUSB0, rfc2217://HOST:PORT",
    )


def opened(port: str, **settings: Any) -> serial.Serial:
    """A port, for this program alone. Raises DeviceError."""
    try:
        if port.startswith("rfc2217://"):
            return _Remote(port, **settings)
        return serial.serial_for_url(port, exclusive=True, **settings)
    except (serial.SerialException, OSError, ValueError) as error:
        raise _not_opened(port, error) from error


def close(line: Any) -> None:
    """Close a pyserial port, whatever has become of it.

    pyserial's RFC 2217 client leaves its socket open where the far end has gone.
    """
    far_end = getattr(line, "_socket", None)
    with suppress(serial.SerialException, OSError):
        line.close()
    if far_end is not None:
        far_end.close()


def _usable(port: str) -> str:
    if "://" in port:
        return _with_address(port)
    if not os.path.exists(port):
        raise DeviceError(f"{port}: there is no such port", "plug it in, or see `ls /dev/tty*`")
    if not stat.S_ISCHR(os.stat(port).st_mode):
        raise DeviceError(f"{port}: is no serial port", "see `ls /dev/tty*`")
    if not os.access(port, os.R_OK | os.W_OK):
        raise DeviceError(
            f"{port}: you may not open it",
            "add yourself to its group (`sudo usermod -aG dialout $USER`) and log in again",
        )
    return port


def _with_address(port: str) -> str:
    """A port of another kind, such as hwgrep://, is left to pyserial."""
    parts = urlsplit(port)
    with suppress(ValueError):
        if parts.scheme not in _OVER_NETWORK or (parts.hostname and parts.port):
            return port
    raise DeviceError(f"{port}: names no host and port", f"{parts.scheme}://HOST:PORT")


def _not_opened(port: str, error: Exception) -> DeviceError:
    if getattr(error, "errno", None) in _TAKEN:
        holders = ", ".join(sorted(set(_holders(port)))) or "whose name you may not see"
        return DeviceError(f"{port}: another program has it open: {holders}", "close it")
    said = _ERROR_NUMBER.split(str(error))[-1].rstrip(")").strip("'")
    if urlsplit(port).scheme in _OVER_NETWORK:
        return DeviceError(
            f"{port}: cannot be opened: {said}",
            "if another program is connected to it, close that; else see whether it listens there",
        )
    return DeviceError(
        f"{port}: cannot be opened: {said}",
        "plug the converter in; where it is, is that a serial port?",
    )


def _holders(port: str) -> Iterator[str]:
    """Programs that have it open; only the administrator sees those of others."""
    device = os.path.realpath(port)
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            process = handle.parent.parent
            if handle.readlink() == Path(device) and process.name != str(os.getpid()):
                yield f"{(process / 'comm').read_text().strip()} (process {process.name})"
