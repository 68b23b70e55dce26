"""Boards that start too often, and what a reset must not clear: budgets, states, and minutes."""

from __future__ import annotations

from typing import Any

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import World

pytestmark = [
    pytest.mark.virtual("hours of waiting, in simulated time"),
    pytest.mark.requirement("guard"),
]

HOUR_S = 3600


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    # One circuit and the slowest tick there is: an hour of it is soon over.
    world = make_world(one_board_site([circuit("heater", safe="on")]))
    board = world.add_board("flat-1", timing={"tick_ms": 200, "boot_delay_s": [1, 1]})
    board.set_load(0, Constant(1.0))
    board.power_on()
    world.run_until(lambda: is_closed(board), within_s=30)
    world.run(5)
    return world


def is_closed(board: VirtualBoard) -> bool:
    """The truth about the contact."""
    return bool(board.plant.circuits[0].contact.at(board.now_us))


def shown(world: World) -> dict[str, Any]:
    """The board as the API shows it."""
    found: dict[str, Any] = world.state()["boards"][0]
    return found


def ask(board: VirtualBoard, what: str) -> str:
    """Something of the node, over the serial port."""
    return board.exec(f"from node import app; print({what})").strip()


def kinds(world: World) -> list[str]:
    """The kinds of all stored events."""
    return [event["kind"] for event in world.state()["events"]]


def fail(world: World, times: int) -> None:
    """Let the watchdog bite so often, after a few seconds each."""
    for _ in range(times):
        world.boards["flat-1"].reset("wdt")
        world.run(6)


def test_after_six_failed_starts_all_is_open_and_a_try_comes_after_15_then_60_minutes(
    world: World,
) -> None:
    board = world.boards["flat-1"]
    fail(world, 5)
    assert is_closed(board)
    fail(world, 1)
    world.run(20)
    assert not is_closed(board)
    # Link and REPL are alive, and both tell why.
    assert shown(world)["circuits"][0]["reason"] == "safe_boot"
    assert shown(world)["health"]["reset"] == "wdt"
    assert kinds(world).count("safe_boot") == 1
    assert "failed starts 6, safe_boot for" in board.exec(
        "from node import app; app.current.status()"
    )
    edges = len(board.pins.edges)
    world.run(14 * 60)
    assert not [e for e in board.pins.edges[edges:] if e.what == "coil"]
    took_s = world.run_until(lambda: is_closed(board), within_s=60)
    print(f"the try came {26 + 14 * 60 + took_s:.0f} s after the start")

    fail(world, 1)
    world.run(20)
    assert shown(world)["circuits"][0]["reason"] == "safe_boot"
    assert ask(board, "app.current.safety.wait_s") == str(HOUR_S)


def test_requested_resets_are_no_failures_and_a_soft_reboot_is_one_of_them(world: World) -> None:
    board = world.boards["flat-1"]
    fail(world, 4)
    for _ in range(4):
        board.reset("hard")
        world.run(6)
        board.type(b"\x04")
        world.run(6)
        board.type(b"import machine; machine.reset()\r")
        world.run(6)
    assert is_closed(board)
    board.reset("wdt")
    world.run(6)
    board.type(b"\x04")  # the chip still says that the watchdog has started it
    world.run(8)
    assert shown(world)["health"]["reset"] == "soft"
    assert ask(board, "len(app.current.storage.starts) - 3") == "5"
    assert is_closed(board)


def test_the_budget_of_an_overload_outlives_a_watchdog_reset_and_no_power_cut(
    world: World,
) -> None:
    board = world.boards["flat-1"]
    board.set_load(0, Constant(11.5))  # 1.15 of what circuit and limit are rated for
    world.run(4)
    spent = int(ask(board, "app.current.protection.guards[3].budget"))
    assert spent > 100_000
    board.reset("wdt")
    board.set_load(0, Constant(0.0))
    board.run(0.6)
    kept = int(ask(board, "app.current.protection.guards[3].budget"))
    print(f"budget before the reset {spent}, after it {kept}")
    # A second of it at most is not yet in RTC memory.
    assert 0.7 * spent <= kept <= 1.05 * spent
    board.power_off()
    board.power_on()
    board.run(0.6)
    assert int(ask(board, "app.current.protection.guards[3].budget")) == 0


def let_6_hours_pass(world: World) -> None:
    """All but the last minute of them is uptime alone."""
    code = f"from node import app; app.current.clock.up_s += {6 * HOUR_S - 60}"
    world.boards["flat-1"].exec(code)
    world.run(60)


def test_a_wedged_wifi_is_reset_once_the_plan_is_over_and_not_again_for_6_hours(
    world: World,
) -> None:
    board = world.boards["flat-1"]
    let_6_hours_pass(world)
    wedged_us = board.now_us
    board.network.faults.wedged = True
    world.run(120 + 890)
    assert len(board.resets) == 1
    opened = len(board.pins.edges)
    world.run_until(lambda: len(board.resets) == 2, within_s=60)
    assert board.resets[1][1] == "soft"
    print(f"reset {(board.resets[1][0] - wedged_us) / 1e6:.0f} s after the Wi-Fi hung")
    world.run_until(lambda: is_closed(board), within_s=30)
    coil = [e.at_us for e in board.pins.edges[opened:] if e.what == "coil"]
    print(f"the circuit was off for {(coil[1] - coil[0]) / 1e6:.1f} s")
    assert len(coil) == 2
    assert coil[1] - coil[0] < 15e6
    world.run_until(lambda: shown(world)["health"]["boot"] == 2, within_s=30)
    world.run(30)
    assert "wifi_was_reset" in kinds(world)
    assert shown(world)["health"]["reset"] == "soft"
    assert ask(board, "len(app.current.storage.starts) - 3") == "0"
    # All minutes of the outage have arrived, also those that were in RAM when the reset came.
    response = world.api.get("/api/v1/boards/flat-1/minutes?after_boot=1&after_minute=300")
    first = [row["minute"] for row in response.get_json()["minutes"] if row["boot"] == 1]
    assert len(first) >= 17
    assert first == list(range(first[0], first[0] + len(first)))

    board.network.faults.wedged = True
    world.run(120 + 1000)
    assert len(board.resets) == 2


def test_a_coordinator_that_is_silent_resets_no_board_whose_gateway_answers(world: World) -> None:
    board = world.boards["flat-1"]
    let_6_hours_pass(world)
    world.machine_is_off = True
    world.run(120 + 1000)
    assert len(board.resets) == 1
    reports = shown(world)["reports"]
    world.machine_is_off = False
    world.run_until(lambda: shown(world)["reports"] > reports, within_s=60)


def test_no_reset_where_it_is_switched_off_or_an_order_holds_a_circuit_on(
    make_world: MakeWorld, world: World
) -> None:
    board = world.boards["flat-1"]
    world.order("flat-1", 0, "override", {"state": "on", "until": None})
    let_6_hours_pass(world)
    board.network.faults.wedged = True
    world.run(120 + 1000)
    assert shown(world)["circuits"][0]["reason"] == "override"
    assert len(board.resets) == 1

    site = one_board_site([circuit("heater", safe="on")])
    site["boards"][0] |= {"reset_wedged": False, "timing": {"tick_ms": 200}}
    other = make_world(site)
    board = other.add_board("flat-1")
    board.power_on()
    other.run(30)
    let_6_hours_pass(other)
    board.network.faults.wedged = True
    other.run(120 + 1000)
    assert len(board.resets) == 1
