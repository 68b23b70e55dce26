"""The largest plan that the protocol allows, on the heap that the chip has."""

from __future__ import annotations

from typing import Any

import pytest
from headroom.protocol.messages import MAX_SLOTS

from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import STARTED_UNIX_S, World

pytestmark = [
    pytest.mark.virtual("the heap is read from outside"),
    pytest.mark.requirement("orders", "heap"),
]

SITE = one_board_site(
    [
        circuit(f"circuit {i}", priority=i + 1, safe="on", price_ceiling_eur_mwh=100 * i)
        for i in range(4)
    ]
)
UNTIL = STARTED_UNIX_S + 900_000


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(SITE)
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]}, watch_heap=True)
    for index in range(4):
        board.set_load(index, Constant(1.0))
    board.power_on()
    world.run(15)
    return world


def order(world: World, index: int, what: str, body: dict[str, Any]) -> None:
    """Give an order for one circuit over the API."""
    world.put(f"boards/flat-1/circuits/{index}/{what}", body)


def fill(world: World, slot: str) -> None:
    """Schedule every circuit and set prices to the last slot, and order every circuit on."""
    slots = {"start": STARTED_UNIX_S, "step_s": 900}
    for index in range(4):
        order(world, index, "schedule", slots | {"slots": slot * MAX_SLOTS})
        order(world, index, "override", {"state": "on", "until": UNTIL})
    prices = [(ord(slot) * 37 + 41 * k) % 900 for k in range(MAX_SLOTS)]
    world.put("prices", slots | {"eur_mwh": prices})


def await_acknowledgement(world: World) -> None:
    """Wait until the board says that it obeys the newest plan."""
    world.run_until(lambda: bool(world.state()["boards"][0]["plan"]["acknowledged"]), within_s=60)


def reason_of(world: World, index: int) -> str:
    """Why a relay is as it is, as reported last."""
    return str(world.state()["boards"][0]["circuits"][index]["reason"])


def test_off_is_obeyed_after_the_largest_plans_and_a_backlog(world: World) -> None:
    board = world.boards["flat-1"]
    for slot in "10-":
        board.network.faults.down = True
        fill(world, slot)
        world.run(200)
        board.network.faults.down = False
        await_acknowledgement(world)
    order(world, 2, "override", {"state": "off", "until": None})
    await_acknowledgement(world)
    assert board.plant.circuits[2].contact.at(board.now_us) == 0.0
    world.order("flat-1", 1, "override", None)
    await_acknowledgement(world)
    # The report that acknowledges may leave before the circuit has had its turn.
    world.run_until(lambda: reason_of(world, 1) == "price", within_s=15)
    print(board.heap())
    assert len(board.resets) == 1
    assert b"MemoryError" not in board.serial_log
