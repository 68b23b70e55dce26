"""A bare virtual board with a program of the test's own on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from boards.virtual.board import Fitting, VirtualBoard
from boards.virtual.network import Network, Peer
from boards.virtual.plant import Wiring

BOOT = """
import machine
for pin in (5, 16, 14, 12, 13):
    machine.Pin(pin, machine.Pin.OUT, value=0)
"""

# What the programs of these tests share: the bus, and one conversion of an ADS1115 channel.
CONVERSION = """
import machine, time
i2c = machine.I2C(scl=machine.Pin(0), sda=machine.Pin(4))
def single(mux=4, gain=1, rate=7):
    status = bytearray(2)
    config = 0x8103 | mux << 12 | gain << 9 | rate << 5
    i2c.writeto(72, bytes((1, config >> 8, config & 255)))
    start = time.ticks_us()
    while not status[0] & 0x80:
        i2c.readfrom_into(72, status)
    took = time.ticks_diff(time.ticks_us(), start)
    i2c.writeto(72, b"\\x00")
    high, low = i2c.readfrom(72, 2)
    code = high << 8 | low
    return code - 65536 if code > 32767 else code, took
"""

MakeBoard = Callable[..., VirtualBoard]


def nobody(host: str, port: int) -> Peer:
    """A network on which nobody listens."""
    raise ConnectionRefusedError(f"{host}:{port}")


@pytest.fixture
def make_board() -> Iterator[MakeBoard]:
    """Make boards that run ``main`` after a plain boot.py; they have power when handed over."""
    made: list[VirtualBoard] = []

    def make(
        main: str = "", boot: str = BOOT, network: Network | None = None, **fitting: Any
    ) -> VirtualBoard:
        wirings = [Wiring(pin, channel, 1) for channel, pin in enumerate((16, 14, 12, 13))]
        fitting = {"wirings": wirings, "noise_volts": 0.0, **fitting}
        board = VirtualBoard(Fitting(**fitting), network or Network(nobody))
        board.install({"boot.py": boot.encode(), "main.py": main.encode()}, romfs=b"")
        made.append(board)
        board.power_on()
        return board

    yield make
    for board in made:
        board.close()
