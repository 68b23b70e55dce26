"""Maintenance: with the flag file on flash neither node nor watchdog run, until it is gone."""

from __future__ import annotations

from typing import Any

import pytest

from boards.virtual.board import VirtualBoard
from hil_tests.conftest import MakeTarget, MakeWorld, circuit, one_board_site
from hil_tests.targets.interface import Target
from hil_tests.world import World

pytestmark = pytest.mark.requirement("maintenance")
INSIDE = pytest.mark.virtual("it counts resets, and types at the serial port")


def test_flag_starts_neither_node_nor_watchdog(make_target: MakeTarget) -> None:
    target = make_target(one_board_site([circuit("heater")]), timing={"boot_delay_s": [1, 1]})
    target.rig.set_load(0, 1.0)
    target.board.put_file("maintenance", b"")
    target.board.power_on()
    target.run(30)  # a watchdog would have bitten after 3.2 s
    assert target.board.serial_text().count("maintenance, neither node nor watchdog") == 1
    assert shown(target)["reports"] == 0
    assert target.rig.edges() == []
    assert target.board.exec("import sys; print('node.app' in sys.modules)") == "False\n"

    target.board.exec("import os; os.remove('/maintenance')")
    target.board.reset()
    target.run_until(lambda: shown(target)["reports"] >= 2, within_s=30)
    assert target.rig.edges()


def test_a_persons_order_leads_there_once_and_the_serial_port_back(
    make_target: MakeTarget,
) -> None:
    site = one_board_site([circuit("heater", safe="on")])
    target = make_target(site, timing={"boot_delay_s": [1, 1]})
    target.rig.set_load(0, 1.0)
    target.board.power_on()
    target.run_until(lambda: target.rig.relays() == [1], within_s=30)
    target.run(5)

    until = int(target.unix_s()) + 60
    target.coordinator.put("boards/flat-1/maintenance", {"until": until})
    took_s = target.run_until(lambda: ordered(target) == "acknowledged", within_s=10)
    took_s += target.run_until(lambda: target.rig.relays() == [0], within_s=5)
    print(f"from the order to the reset into maintenance: {took_s:.1f} s")
    target.run(30)
    assert target.board.serial_text().count("maintenance, neither node nor watchdog") == 1
    assert target.rig.relays() == [0]

    target.board.exec("import os; os.remove('/maintenance')")
    target.board.reset()
    target.run_until(lambda: target.rig.relays() == [1], within_s=30)
    edges = len(target.rig.edges())
    target.run(60)
    assert len(target.rig.edges()) == edges
    assert ordered(target) == "acknowledged"


def shown(target: Target) -> dict[str, Any]:
    """The board as the coordinator shows it."""
    view: dict[str, Any] = target.coordinator.state()["boards"][0]
    return view


def ordered(target: Target) -> str:
    """What became of the order, as the API shows it."""
    return str(shown(target)["maintenance"]["state"])


@INSIDE
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


@INSIDE
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


@INSIDE
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
