"""Which port a board is on: one is taken, several are listed, one without rights is told."""

import os
import pty
from collections.abc import Iterator

import pytest
from headroom.device.errors import DeviceError
from headroom.device.ports import find_port
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

CP210X, CH340, MOUSE = 0x10C4, 0x1A86, 0x046D


@pytest.fixture
def terminal() -> Iterator[str]:
    """A device of this machine that can be opened."""
    ends = pty.openpty()
    yield os.ttyname(ends[1])
    for end in ends:
        os.close(end)


def plugged(monkeypatch: pytest.MonkeyPatch, **makers: int) -> None:
    """What the system lists: device by name, and its maker."""
    found = [ListPortInfo(f"/dev/{name.replace('_', '/')}") for name in makers]
    for port, maker in zip(found, makers.values(), strict=True):
        port.vid = maker
    monkeypatch.setattr(list_ports, "comports", lambda: found)


def test_the_only_converter_is_taken(monkeypatch: pytest.MonkeyPatch, terminal: str) -> None:
    name = terminal.removeprefix("/dev/").replace("/", "_")
    plugged(monkeypatch, **{name: CH340, "ttyACM0": MOUSE})
    assert find_port(None) == terminal


def test_several_converters_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(monkeypatch, ttyUSB1=CH340, ttyUSB0=CP210X, ttyACM0=MOUSE)
    listed = r"2 serial ports .*: /dev/ttyUSB0 \(CP210x\), /dev/ttyUSB1 \(CH340\)\n  name one with"
    with pytest.raises(DeviceError, match=listed):
        find_port(None)


def test_no_converter_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(monkeypatch, ttyACM0=MOUSE)
    with pytest.raises(DeviceError, match="no serial port with a USB converter was found"):
        find_port(None)


def test_a_port_without_rights_names_the_group(
    monkeypatch: pytest.MonkeyPatch, terminal: str
) -> None:
    os.chmod(terminal, 0)
    if os.access(terminal, os.R_OK):  # the system's administrator may open all
        monkeypatch.setattr(os, "access", lambda path, _mode: os.stat(path).st_mode & 0o600 != 0)
    with pytest.raises(DeviceError, match="you may not open it\n  add yourself to its group"):
        find_port(terminal)
