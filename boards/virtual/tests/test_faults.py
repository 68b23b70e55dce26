"""Injected faults: the board keeps them over resets and power cuts; each looks as it should."""

from __future__ import annotations

import ast

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from boards.virtual.tests.conftest import CONVERSION, MakeBoard

PROBE = """
def probe():
    try:
        return single()[0]
    except OSError as e:
        return -e.errno
"""

RELAY_ON = """
for pin in (5, 16):
    machine.Pin(pin, machine.Pin.OUT, value=1)
"""


def codes(board: VirtualBoard, count: int = 40, **settings: int) -> list[int]:
    """Results of single conversions."""
    given = ", ".join(f"{name}={value}" for name, value in settings.items())
    printed = board.exec(f"print([single({given})[0] for _ in range({count})])")
    result: list[int] = ast.literal_eval(printed)
    return result


def probe(board: VirtualBoard) -> int:
    """One conversion's code, or the negative error number."""
    return int(board.exec("print(probe())"))


def restart(board: VirtualBoard, how: str) -> None:
    """Start the chip anew in one of the ways there are."""
    if how == "reset line":
        board.reset()
    elif how == "machine.reset":
        board.type(b"machine.reset()\r")
    elif how == "soft reboot":
        board.type(b"\x04")
    else:
        board.power_off()
        board.power_on()


RESTARTS = ["reset line", "machine.reset", "soft reboot", "power cut"]


@pytest.mark.parametrize("how", RESTARTS)
def test_a_broken_sensor_is_broken_after_a_restart(make_board: MakeBoard, how: str) -> None:
    board = make_board(CONVERSION)
    board.set_sensor_fault(0, "stuck", 1.0)
    board.set_sensor_fault(1, "unplugged")
    restart(board, how)
    assert codes(board, 1) == [8000]
    assert codes(board, 1, mux=5) == [0]
    board.set_sensor_fault(0, "none")
    restart(board, how)
    assert codes(board, 1) == [13200]


@pytest.mark.parametrize("how", RESTARTS)
def test_a_dead_bus_is_dead_after_a_restart(make_board: MakeBoard, how: str) -> None:
    board = make_board(CONVERSION + PROBE)
    board.set_i2c_fault(dead=True)
    restart(board, how)
    assert probe(board) == -19
    board.set_i2c_fault()
    assert probe(board) == 13200


@pytest.mark.parametrize("how", RESTARTS)
def test_bus_errors_that_are_left_come_after_a_restart(make_board: MakeBoard, how: str) -> None:
    board = make_board(CONVERSION + PROBE)
    board.set_i2c_fault(errors=3)
    assert probe(board) == -110
    restart(board, how)
    assert [probe(board) for _ in range(3)] == [-110, -110, 13200]


def test_faults_of_a_board_without_power_are_there_when_it_has_some(make_board: MakeBoard) -> None:
    board = make_board(CONVERSION + PROBE)
    board.power_off()
    board.set_sensor_fault(0, "stuck", 1.0)
    board.set_i2c_fault(errors=1)
    board.overrun_ticks([400])
    board.power_on()
    assert [probe(board), probe(board)] == [-110, 8000]
    board.exec("ran = []\ndef late(t): ran.append(time.ticks_ms())")
    board.exec("machine.Timer(-1).init(period=1, mode=0, callback=late)")
    before_us = board.now_us
    board.run(0.01)
    assert board.now_us - before_us > 400_000


def test_a_fault_unknown_is_refused(make_board: MakeBoard) -> None:
    board = make_board()
    with pytest.raises(ValueError, match="one of none, unplugged, stuck, frozen, saturated"):
        board.set_sensor_fault(0, "wet")


def test_a_frozen_channel_holds_its_code_and_a_stuck_pin_has_the_converters_noise(
    make_board: MakeBoard,
) -> None:
    board = make_board(CONVERSION + RELAY_ON, noise_volts=1e-3)
    board.set_load(0, Constant(10.0))
    board.run(0.1)
    last = codes(board)[-1]
    board.set_sensor_fault(0, "frozen")
    assert set(codes(board)) == {last}
    assert len(set(codes(board, mux=5))) > 3
    board.set_sensor_fault(0, "stuck")
    stuck = codes(board)
    assert len(set(stuck)) > 3
    assert max(stuck) - min(stuck) < 100
    board.set_sensor_fault(0, "none")
    moving = codes(board)
    assert max(moving) - min(moving) > 5000


def test_a_frozen_channel_is_frozen_after_a_reset(make_board: MakeBoard) -> None:
    board = make_board(CONVERSION + RELAY_ON, noise_volts=1e-3)
    board.set_load(0, Constant(10.0))
    board.set_sensor_fault(0, "frozen")
    board.reset()
    board.run(0.1)
    assert len(set(codes(board))) == 1
