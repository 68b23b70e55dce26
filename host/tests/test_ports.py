"""Which port a board is on, and what is told of one that cannot be opened."""

import os
import pty
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from subprocess import PIPE, Popen

import pytest
from headroom.device.errors import DeviceError
from headroom.device.ports import find_port, opened
from headroom.device.serial_line import attached
from headroom.device.talk import lines
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


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("/dev/none", "there is no such port"),
        ("/dev", "is no serial port"),
        (__file__, "is no serial port"),
        ("rfc2217://127.0.0.1", "names no host and port\n  rfc2217://HOST:PORT"),
        ("socket://127.0.0.1:9x", "names no host and port\n  socket://HOST:PORT"),
    ],
)
def test_what_can_be_no_port_is_told_before_it_is_opened(port: str, words: str) -> None:
    with pytest.raises(DeviceError) as caught:
        find_port(port)
    assert str(caught.value).startswith(f"{port}: {words}")


def listened(port: str) -> AbstractContextManager[object]:
    return nullcontext(list(lines(port, False, 1)))


# Each of the ways in which commands open a port; no two of them share it.
WAYS = pytest.mark.parametrize("opens", [opened, attached, listened])
Opens = Callable[[str], AbstractContextManager[object]]
HOLD = (
    "import serial, sys\n"
    "with serial.Serial(sys.argv[1], exclusive=True):\n"
    "    print('opened', flush=True)\n"
    "    sys.stdin.read()"
)


@WAYS
def test_a_port_that_another_program_has_names_that_program(terminal: str, opens: Opens) -> None:
    with Popen([sys.executable, "-c", HOLD, terminal], stdin=PIPE, stdout=PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"opened\n"
        with pytest.raises(DeviceError, match=rf"has it open: .*\(process {other.pid}\)\n"):
            opens(terminal).__enter__()
        other.stdin.close()
    with opened(terminal):
        pass


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("/dev/null", "Inappropriate ioctl for device"),
        ("other://x", "protocol 'other' not known"),
        ("socket://127.0.0.1:9", "Connection refused"),
    ],
)
@WAYS
def test_why_a_port_cannot_be_opened_is_told(opens: Opens, port: str, words: str) -> None:
    with pytest.raises(DeviceError, match=f"{port}: cannot be opened: .*{words}\n"):
        opens(port).__enter__()
