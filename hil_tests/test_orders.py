"""What a person orders by API arrives at the contact, in time and in order of rank."""

from __future__ import annotations

import pytest

from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import World

TIMING = {"boot_delay_s": [1, 1]}
REPORT_S = 2  # as one_board_site has it: an order arrives with the next report's answer
# Both sides tell each other the time in whole seconds.
ROUNDING_S = 2.0
STEP_S = 20


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(one_board_site([circuit("pump", default="off"), circuit("lights")]))
    board = world.add_board("flat-1", timing=TIMING)
    for index in range(2):
        board.set_load(index, Constant(1.0))
    board.power_on()
    world.run_until(lambda: contacts(world) == [0, 1], within_s=30)
    world.run(5)
    return world


def contacts(world: World) -> list[int]:
    """The truth about the contacts."""
    board = world.boards["flat-1"]
    return [int(c.contact.at(board.now_us)) for c in board.plant.circuits]


def shown(world: World, circuit: int) -> tuple[bool, str]:
    """State and reason of a circuit as the API shows them."""
    view = world.state()["boards"][0]["circuits"][circuit]
    return view["closed"], view["reason"]


def edges_s(world: World, circuit: int, after_s: float) -> list[tuple[float, int]]:
    """A contact's changes from a time on: (s after it, closed)."""
    contact = world.boards["flat-1"].plant.circuits[circuit].contact
    changes = zip(contact.times_us, contact.values, strict=True)
    return [(t / 1e6 - after_s, int(v)) for t, v in changes if t / 1e6 > after_s]


def test_override_on_closes_at_the_next_report_and_ends_at_its_time(world: World) -> None:
    ordered_s = world.now_us / 1e6
    until = int(world.unix_s()) + 30
    world.order("flat-1", 0, "override", {"state": "on", "until": until})
    world.run(10)
    assert shown(world, 0) == (True, "override")
    # Without the coordinator too: the end is in the order.
    world.boards["flat-1"].network.faults.down = True
    world.run(30)
    (closed_s, on), (opened_s, off) = edges_s(world, 0, ordered_s)
    print(f"override ON: closed after {closed_s:.1f} s, open again after {opened_s:.1f} s of 30 s")
    assert (on, off) == (1, 0)
    assert closed_s <= REPORT_S * 1.25 + 1
    assert abs(opened_s - 30) <= ROUNDING_S
    world.boards["flat-1"].network.faults.down = False
    world.run_until(lambda: shown(world, 0) == (False, "default"), within_s=30)


def test_schedule_switches_at_its_slots_and_override_off_beats_it(world: World) -> None:
    start_s = int(world.unix_s()) + 5
    ordered_s = world.now_us / 1e6
    after_start = ordered_s + start_s - world.unix_s()
    schedule = {"start": start_s, "step_s": STEP_S, "slots": "0101-"}
    world.order("flat-1", 0, "schedule", schedule)
    world.run_until(lambda: shown(world, 0) == (True, "plan"), within_s=5 + STEP_S + 5)
    world.run_until(lambda: shown(world, 0) == (False, "plan"), within_s=STEP_S + 5)
    world.order("flat-1", 0, "override", {"state": "off", "until": None})
    world.run_until(lambda: shown(world, 0) == (False, "override"), within_s=6)
    world.run(STEP_S + 8)  # well into the second slot that would close
    changes = edges_s(world, 0, after_start)
    print("slots '0101' of 20 s: " + ", ".join(f"{at:.1f} s -> {to}" for at, to in changes))
    assert [to for _, to in changes] == [1, 0]
    assert abs(changes[0][0] - STEP_S) <= ROUNDING_S
    assert abs(changes[1][0] - 2 * STEP_S) <= ROUNDING_S

    world.order("flat-1", 0, "override", None)
    world.run(6)
    assert contacts(world)[0] == 1  # the slot has some seconds left
    world.run_until(lambda: shown(world, 0) == (False, "default"), within_s=STEP_S)
