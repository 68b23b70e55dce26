"""The INA226 at register level, seen through the I2C bus by a program on the board."""

from __future__ import annotations

import ast

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant, Wiring
from boards.virtual.tests.conftest import MakeBoard

# Two parts: 2 mOhm at 0x40 behind the first relay, 10 mOhm at 0x42 behind the second.
WIRINGS = [Wiring(16, 4, 1, shunt_ohms=0.002), Wiring(14, 6, 1, shunt_ohms=0.010)]
PROGRAM = """
import machine, time
i2c = machine.I2C(scl=machine.Pin(0), sda=machine.Pin(4))
for pin in (5, 16, 14):
    machine.Pin(pin, machine.Pin.OUT, value=1)
def read(register, address=64):
    i2c.writeto(address, bytes((register,)))
    high, low = i2c.readfrom(address, 2)
    return high << 8 | low
def write(register, value, address=64):
    i2c.writeto(address, bytes((register, value >> 8, value & 255)))
def signed(word):
    return word - 65536 if word > 32767 else word
"""


@pytest.fixture
def board(make_board: MakeBoard) -> VirtualBoard:
    board = make_board(PROGRAM, wirings=WIRINGS, rate_error=0.0)
    board.set_load(0, Constant(5.0))
    board.set_load(1, Constant(2.0))
    board.run(0.1)
    return board


def asked(board: VirtualBoard, expression: str) -> object:
    """What an expression is on the board."""
    return ast.literal_eval(board.exec(f"print({expression})"))


def test_after_power_on_it_is_as_the_datasheet_says(board: VirtualBoard) -> None:
    registers = asked(board, "[read(n) for n in (0, 5, 7, 0xFE, 0xFF)]")
    assert registers == [0x4127, 0, 0, 0x5449, 0x2260]


def test_each_address_has_its_own_shunt(board: VirtualBoard) -> None:
    # 5 A over 2 mOhm and 2 A over 10 mOhm, in counts of 2.5 uV.
    assert asked(board, "[read(1), read(1, 66)]") == [4000, 8000]
    assert asked(board, "[a for a in i2c.scan() if a != 72]") == [0x40, 0x42]


def test_a_current_that_flows_backwards_has_its_sign(board: VirtualBoard) -> None:
    board.set_load(0, Constant(-5.0))
    board.run(0.1)
    assert asked(board, "signed(read(1))") == -4000


def test_a_mean_is_ready_when_all_its_averages_are_done(board: VirtualBoard) -> None:
    """16 x 2.116 ms; reading the flag clears it until the next mean is done."""
    board.exec("write(0, 0x452D)\nstart = time.ticks_us()")
    board.exec("flags = [read(6)]\nwhile not flags[-1]:\n    flags.append(read(6))")
    took_us = asked(board, "time.ticks_diff(time.ticks_us(), start)")
    assert isinstance(took_us, int)
    assert 33_856 <= took_us < 35_500
    assert asked(board, "[flags[-1], read(6)]") == [8, 0]


def test_a_mean_is_over_its_whole_time(board: VirtualBoard) -> None:
    """A current that begins within it counts for its part."""
    board.set_load(0, Constant(0.0))
    board.exec("write(0, 0x452D)")
    board.run(0.017)
    board.set_load(0, Constant(10.0))
    board.run(0.018)
    count = asked(board, "read(1)")
    assert isinstance(count, int)
    assert 3_000 < count < 5_000


def test_both_ends_of_the_range_are_held(board: VirtualBoard) -> None:
    for amps, count in ((100.0, 32767), (-100.0, -32768)):
        board.set_load(0, Constant(amps))
        board.run(0.1)
        assert asked(board, "signed(read(1))") == count


def test_an_overflow_of_the_current_register_is_flagged(board: VirtualBoard) -> None:
    board.exec("write(5, 2048)")
    board.run(0.05)
    assert asked(board, "[read(4), read(6) & 4]") == [4000, 0]
    board.exec("write(5, 0x7FFF)")
    board.run(0.05)
    assert asked(board, "[read(4), read(6) & 4]") == [32767, 4]


def test_reset_bit_and_power_down(board: VirtualBoard) -> None:
    board.exec("write(0, 0x4528)")
    before = asked(board, "read(1)")
    board.set_load(0, Constant(1.0))
    board.run(0.2)
    assert asked(board, "read(1)") == before
    board.exec("write(0, 0x8000)")
    assert asked(board, "read(0)") == 0x4127


def test_faults(board: VirtualBoard) -> None:
    board.exec("read(6)")
    board.set_sensor_fault(0, "frozen")
    board.set_load(0, Constant(1.0))
    board.run(0.2)
    assert asked(board, "[read(1), read(6)]") == [4000, 0]
    board.set_sensor_fault(0, "saturated")
    board.run(0.2)
    assert asked(board, "read(1)") == 32767
    board.set_sensor_fault(0, "unplugged")
    with pytest.raises(RuntimeError, match="ENODEV"):
        board.exec("read(1)")
    assert asked(board, "read(1, 66)") == 8000
