"""The coordinator cannot be reached: protection goes on, the plan runs out, nothing is lost or
doubled.
"""

from __future__ import annotations

from typing import Any

import pytest
from headroom.coordinator import Settings

from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import World

TIMING = {"boot_delay_s": [1, 1], "restore_wait_s": 10, "retry_s": 30}
VALID_S = 120


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    circuits = [
        circuit("heater", safe="off", priority=4),
        circuit("fridge", safe="on", priority=2),
        circuit("pump", safe="keep", priority=3),
        circuit("lights", safe="keep", priority=1, default="off"),
    ]
    world = make_world(one_board_site(circuits), settings=Settings(lease_s=20, valid_s=VALID_S))
    board = world.add_board("flat-1", timing=TIMING)
    for index in range(4):
        board.set_load(index, Constant(1.0))
    board.power_on()
    world.run_until(lambda: contacts(world) == [1, 1, 1, 0], within_s=30)
    world.run(60)
    return world


def contacts(world: World) -> list[int]:
    """The truth about the contacts, coordinator or not."""
    board = world.boards["flat-1"]
    return [int(c.contact.at(board.now_us)) for c in board.plant.circuits]


def reasons(world: World) -> list[str]:
    """The reasons as the board itself knows them."""
    code = "from node import app; print(' '.join(app.current.relays.reason))"
    return world.boards["flat-1"].exec(code).split()


def minutes(world: World) -> list[tuple[int, int]]:
    """The stored journal minutes, in the order of the API."""
    rows = world.api.get("/api/v1/boards/flat-1/minutes").get_json()["minutes"]
    return [(row["boot"], row["minute"]) for row in rows]


def cut_network(world: World, is_down: bool) -> None:
    """Take the link down or bring it back."""
    world.boards["flat-1"].network.faults.down = is_down


def test_plan_expires_into_each_circuits_safe_state_and_the_journal_arrives_once(
    world: World,
) -> None:
    cut_network(world, True)
    cut_us = world.now_us
    world.run_until(lambda: contacts(world) == [0, 1, 1, 0], within_s=VALID_S + 5)
    took_s = (world.now_us - cut_us) / 1e6
    print(f"safe state {took_s:.1f} s after the link was cut, the plan was valid for {VALID_S} s")
    # Validity runs from the last report sent, which was at most one interval before the cut.
    assert VALID_S - 5 <= took_s <= VALID_S + 1
    assert reasons(world) == ["safe_link"] * 4
    known = minutes(world)

    world.run(600)
    assert minutes(world) == known
    assert len(world.boards["flat-1"].resets) == 1
    cut_network(world, False)
    world.run_until(lambda: contacts(world) == [1, 1, 1, 0], within_s=120)
    world.run(120)
    stored = minutes(world)
    assert len(stored) == len(set(stored))
    assert stored == [(1, minute) for minute in range(stored[-1][1] + 1)]
    assert len(stored) >= len(known) + 11
    print(f"{len(stored) - len(known)} minutes arrived after the outage, none twice, none missing")


def test_protection_goes_on_without_coordinator(world: World) -> None:
    cut_network(world, True)
    world.run(300)
    board = world.boards["flat-1"]
    for index, amps in ((1, 9.0), (2, 9.0)):
        board.set_load(index, Constant(amps))
    world.run(5)
    assert contacts(world) == [0, 1, 0, 0]
    assert reasons(world)[2] == "shed_feeder"
    events = len(shed_events(world))
    cut_network(world, False)
    world.run_until(lambda: len(shed_events(world)) > events, within_s=120)
    world.run(60)
    seen = [(event["boot"], event["n"]) for event in all_events(world)]
    assert len(seen) == len(set(seen))


def all_events(world: World) -> list[dict[str, Any]]:
    """Every stored event."""
    found: list[dict[str, Any]] = world.api.get("/api/v1/events").get_json()["events"]
    return found


def shed_events(world: World) -> list[dict[str, Any]]:
    """The stored events that tell of a shed circuit."""
    return [event for event in all_events(world) if event["kind"] == "shed"]


def test_restart_of_the_coordinator_takes_a_higher_epoch_and_boards_go_on(world: World) -> None:
    before = world.state()["boards"][0]["health"]["epoch"]
    world.start_coordinator()
    world.run(10)
    assert world.state()["boards"][0]["health"]["epoch"] > before
    assert contacts(world) == [1, 1, 1, 0]


@pytest.mark.parametrize(
    "fault",
    [
        {"garbage": 1.0},
        {"corrupt": 1.0},
        {"lose_answer": 1.0},
        {"refused": True},
        {"bytes_per_s": 20.0},
        {"no_access_point": True},
    ],
)
def test_a_lying_slow_or_silent_coordinator_is_as_good_as_none(
    world: World, fault: dict[str, Any]
) -> None:
    vars(world.boards["flat-1"].network.faults).update(fault)
    world.run(VALID_S + 10)
    assert contacts(world) == [0, 1, 1, 0]
    assert set(reasons(world)) == {"safe_link"}
    assert len(world.boards["flat-1"].resets) == 1


def test_lossy_link_loses_nothing(world: World) -> None:
    board = world.boards["flat-1"]
    board.network.faults.lose_request = 0.3
    board.network.faults.lose_answer = 0.3
    world.run(900)
    assert contacts(world) == [1, 1, 1, 0]
    board.network.faults.lose_request = board.network.faults.lose_answer = 0.0
    world.run(120)
    stored = minutes(world)
    assert stored == [(1, minute) for minute in range(stored[-1][1] + 1)]
    assert len(stored) >= 16
