"""Maintenance: with the flag file on flash neither node nor watchdog run, until it is gone."""

from __future__ import annotations

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site


def test_flag_starts_neither_node_nor_watchdog(make_world: MakeWorld) -> None:
    world = make_world(one_board_site([circuit("heater")]))
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]})
    board.set_load(0, Constant(1.0))
    board.install({"maintenance": b""})
    board.power_on()
    world.run(30)  # a watchdog would have bitten after 3.2 s
    assert b"maintenance" in board.serial_log
    assert len(board.resets) == 1
    assert not board.network.exchanges
    assert no_coil_was_on(board)
    assert board.exec("import sys; print('node.app' in sys.modules)") == "False\n"

    board.exec("import os; os.remove('/maintenance')")
    board.reset()
    world.run_until(lambda: world.state()["boards"][0]["reports"] >= 2, within_s=30)
    assert not no_coil_was_on(board)


def no_coil_was_on(board: VirtualBoard) -> bool:
    """Whether no relay's coil has had power since the board was made."""
    return not [e for e in board.pins.edges if e.what == "coil"]
