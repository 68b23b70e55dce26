"""Which serial port a board is on."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import serial
from serial.tools import list_ports

from headroom.device.errors import DeviceError

# Makers of the USB converters that such modules are programmed with.
_MAKERS = {0x10C4: "CP210x", 0x1A86: "CH340", 0x0403: "FTDI", 0x067B: "PL2303"}


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
        return port
    if not os.path.exists(port):
        raise DeviceError(f"{port}: there is no such port", "plug it in, or see `ls /dev/tty*`")
    if not os.access(port, os.R_OK | os.W_OK):
        raise DeviceError(
            f"{port}: you may not open it",
            "add yourself to its group (`sudo usermod -aG dialout $USER`) and log in again",
        )
    return port
