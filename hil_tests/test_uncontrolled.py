"""A board's fourth sensor is on the feeder's main: leases give way to what no relay controls."""

from __future__ import annotations

from typing import Any

import pytest
from headroom.coordinator import Settings

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit
from hil_tests.world import World

LIMIT_MA, SAFE_MA, MOST_MA = 36_000, 5000, 20_000
MAIN = 3  # its place in the plant: after the circuits
METER = {
    "max_ma": {"L1": MOST_MA},
    "sensors": {
        "L1": {"board": "flat-1", "channel": 3, "measures": "main", "ct_ma_per_v": 100_000}
    },
}


def site() -> dict[str, Any]:
    """Three circuits of up to 10 A behind a riser whose main the board measures, too."""
    circuits = [circuit(name, safe="on", priority=n) for n, name in enumerate("abc", 2)]
    board = {"id": "flat-1", "feeder": "riser", "safe_limit_ma": {"L1": SAFE_MA}, "report_s": 2}
    return {
        "site": {"name": "main"},
        "feeders": [{"id": "riser", "rating_ma": {"L1": LIMIT_MA}, "meter": METER}],
        "boards": [board | {"circuits": circuits}],
    }


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(site(), settings=Settings(lease_s=20, valid_s=60))
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]}, on_main=True)
    for index in range(3):
        board.set_load(index, Constant(8.0))
    board.set_load(MAIN, Constant(6.0))
    board.power_on()
    world.run_until(lambda: uncontrolled_ma(world) < 7000 and closed(board) == 3, within_s=60)
    return world


def uncontrolled_ma(world: World) -> int:
    """What the riser's load behind no relay counts as."""
    counted: int = world.state()["feeders"][0]["phases"][0]["uncontrolled_ma"]
    return counted


def lease_ma(world: World) -> int:
    """What the board keeps to."""
    limit: int = world.state()["boards"][0]["health"]["limit_ma"]["L1"]
    return limit


def closed(board: VirtualBoard) -> int:
    """How many of its contacts are closed; the main is no contact."""
    return sum(int(c.contact.at(board.now_us)) for c in board.plant.circuits[:MAIN])


def test_leases_fall_as_the_uncontrolled_load_rises(world: World) -> None:
    board = world.boards["flat-1"]
    world.run(6)
    assert uncontrolled_ma(world) == pytest.approx(6000, abs=700)
    assert lease_ma(world) == pytest.approx(LIMIT_MA - 6000, abs=700)
    board.set_load(MAIN, Constant(18.0))
    took_s = world.run_until(lambda: lease_ma(world) < 18_700, within_s=20)
    world.run_until(lambda: closed(board) == 2, within_s=20)
    world.run(6)
    # 18 A and two circuits of 8 A: the main is under its limit again.
    assert board.plant.phase_amps(1, board.now_us) == 34.0
    assert uncontrolled_ma(world) == pytest.approx(18_000, abs=700)
    print(f"lease below 18.7 A {took_s:.1f} s after the uncontrolled load rose by 12 A")


def test_an_unplugged_main_counts_as_the_most_and_sheds_nothing_by_itself(world: World) -> None:
    board = world.boards["flat-1"]
    board.set_sensor_fault(MAIN, "unplugged")
    world.run_until(lambda: uncontrolled_ma(world) == MOST_MA, within_s=10)
    phase = world.state()["feeders"][0]["phases"][0]
    assert phase["uncontrolled_text"] == "no fresh reading of flat-1 input A3: the most it may be"
    world.run_until(lambda: lease_ma(world) == LIMIT_MA - MOST_MA, within_s=10)
    events = world.api.get("/api/v1/events").get_json()["events"]
    assert {e["circuit"] for e in events if e["kind"] == "sensor"} == {MAIN}
    assert not [e for e in events if e["kind"] in ("welded", "no_load", "breaking")]
    board.set_sensor_fault(MAIN, "none")
    world.run_until(lambda: uncontrolled_ma(world) < 7000, within_s=10)
