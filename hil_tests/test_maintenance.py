"""Maintenance: with the flag file on flash neither node nor watchdog run, until it is gone."""

from __future__ import annotations

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import World


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


def test_a_persons_order_leads_there_once_and_the_serial_port_back(make_world: MakeWorld) -> None:
    world = make_world(one_board_site([circuit("heater", safe="on")]))
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]})
    board.set_load(0, Constant(1.0))
    board.power_on()
    world.run_until(lambda: relay_is_closed(board), within_s=30)
    world.run(5)

    put_order(world)
    took_s = world.run_until(lambda: state(world) == "acknowledged", within_s=10)
    took_s += world.run_until(lambda: len(board.resets) == 2, within_s=5)
    print(f"from the order to the reset into maintenance: {took_s:.1f} s")
    world.run(30)
    assert [cause for _, cause in board.resets] == ["power_on", "soft"]
    assert b"maintenance" in board.serial_log
    assert not relay_is_closed(board)

    board.exec("import os; os.remove('/maintenance')")
    board.reset()
    world.run_until(lambda: relay_is_closed(board), within_s=30)
    world.run(60)
    assert len(board.resets) == 3
    assert state(world) == "acknowledged"


def test_a_lost_answer_and_a_power_cut_never_obey_an_order_twice(make_world: MakeWorld) -> None:
    world = make_world(one_board_site([circuit("heater", safe="on")]))
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]})
    board.power_on()
    world.run(15)
    board.network.faults.lose_answer = 1.0
    put_order(world)
    world.run_until(lambda: state(world) == "sent", within_s=10)
    board.power_off()
    board.network.faults.lose_answer = 0.0
    board.power_on()
    world.run_until(lambda: state(world) == "lapsed", within_s=30)
    world.run(40)
    assert len(board.resets) == 2
    assert b"neither node nor watchdog" not in board.serial_log


@pytest.mark.parametrize("reset", ["hard", "power_on"])
def test_a_soft_reboot_into_the_raw_repl_ends_there_until_a_reset(
    make_world: MakeWorld, reset: str
) -> None:
    """What mpremote does without `resume`: Ctrl-A, Ctrl-D."""
    world = make_world(one_board_site([circuit("heater", safe="on")]))
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]})
    board.power_on()
    world.run_until(lambda: relay_is_closed(board), within_s=30)
    board.type(b"\x01\x04")
    world.run(0.1)
    assert not relay_is_closed(board)
    reported = len(board.network.exchanges)
    world.run(30)  # a watchdog that nobody feeds bites after 3.2 s
    assert [cause for _, cause in board.resets] == ["power_on", "soft_reboot"]
    assert len(board.network.exchanges) == reported
    assert board.exec("import sys; print('node.app' in sys.modules)") == "False\n"

    if reset == "power_on":
        board.power_off()
        board.power_on()
    else:
        board.reset(reset)
    world.run_until(lambda: relay_is_closed(board), within_s=30)
    world.run(60)
    assert [cause for _, cause in board.resets][2:] == [reset]
    assert board.exec("from node import app; print(app.current.safety.wait_s)") == "0\n"


def test_the_node_starts_anew_after_a_soft_reboot_of_the_prompt_and_feeds_for_itself(
    make_world: MakeWorld,
) -> None:
    world = make_world(one_board_site([circuit("heater", safe="on")]))
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]})
    board.power_on()
    world.run_until(lambda: relay_is_closed(board), within_s=30)
    board.type(b"\x04")
    assert not relay_is_closed(board)
    world.run_until(lambda: relay_is_closed(board), within_s=30)
    board.exec("from node import app; app.current.timer.deinit()")
    world.run_until(lambda: len(board.resets) > 2, within_s=5)
    assert board.resets[-1][1] == "wdt"


def put_order(world: World) -> None:
    """Order maintenance by API; void after a minute."""
    world.put("boards/flat-1/maintenance", {"until": int(world.unix_s()) + 60})


def state(world: World) -> str:
    """What became of the order, as the API shows it."""
    return str(world.state()["boards"][0]["maintenance"]["state"])


def relay_is_closed(board: VirtualBoard) -> bool:
    """The truth about the only contact."""
    return bool(board.plant.circuits[0].contact.at(board.now_us))
