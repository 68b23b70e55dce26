"""A board whose loads are direct current: INA226 modules in place of transformers."""

from __future__ import annotations

from typing import Any

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import World

pytestmark = [
    pytest.mark.virtual("the rig drives no INA226"),
    pytest.mark.requirement("sensing"),
]

TIMING = {"boot_delay_s": [1, 1], "restore_wait_s": 10, "restore_cap_s": 20, "retry_s": 300}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    circuits = [
        circuit("pump", priority=2, sensor="ina226", shunt_uohm=2_000),
        circuit("lamps", priority=4, sensor="ina226", shunt_uohm=2_000),
        circuit("radio", priority=3, sensor="ina226", shunt_uohm=5_000),
    ]
    world = make_world(one_board_site(circuits, limit_ma=10_000))
    board = world.add_board("flat-1", timing=TIMING)
    for index, amps in enumerate((3.0, -2.0, 0.0)):
        board.set_load(index, Constant(amps))
    board.power_on()
    world.run_until(lambda: seen(world, "closed") == [True, True, True], within_s=30)
    world.run(4)
    return world


def seen(world: World, what: str) -> list[Any]:
    """A property of each circuit as the API shows it."""
    return [c[what] for c in world.state()["boards"][0]["circuits"]]


def contacts(board: VirtualBoard) -> list[int]:
    """The truth about the contacts."""
    return [int(c.contact.at(board.now_us)) for c in board.plant.circuits]


def test_they_are_measured_either_way_and_zero_stays_believed(world: World) -> None:
    world.run(10)
    assert seen(world, "sensor") == ["ok", "ok", "below_range"]
    current_ma = seen(world, "current_ma")
    assert current_ma[0] == pytest.approx(3000, abs=3)
    assert current_ma[1] == pytest.approx(2000, abs=3)
    assert current_ma[2] == 0
    assert world.boards["flat-1"].exec("import sys; print('node.sensing.ct' in sys.modules)") == (
        "False\n"
    )


def test_an_overload_is_shed_in_time(world: World) -> None:
    board = world.boards["flat-1"]
    risen_us = board.now_us
    board.set_load(0, Constant(9.0))
    board.set_load(1, Constant(9.9))
    world.run(1.0)
    assert contacts(board) == [1, 0, 1]
    took_ms = (board.plant.circuits[1].contact.times_us[-1] - risen_us) / 1000
    print(f"direct current at 1.9 times its limit: contact open after {took_ms:.0f} ms")


@pytest.mark.parametrize(
    ("fault", "shown"),
    [("unplugged", "missing"), ("frozen", "frozen"), ("saturated", "saturated")],
)
def test_its_faults_are_named_and_safe(world: World, fault: str, shown: str) -> None:
    board = world.boards["flat-1"]
    board.set_sensor_fault(1, fault)
    world.run(10)
    assert seen(world, "sensor")[1] == shown
    assert contacts(board)[1] == 0


def test_a_part_that_lost_its_power_is_set_up_again(world: World) -> None:
    board = world.boards["flat-1"]
    # What a power cut of the part alone leaves: its registers as after power-on.
    board.exec(
        "import machine\n"
        "i2c = machine.I2C(scl=machine.Pin(0), sda=machine.Pin(4))\n"
        "i2c.writeto(64, bytes((0, 128, 0)))"
    )
    world.run(4)
    assert seen(world, "sensor")[0] == "ok"
    assert contacts(board) == [1, 1, 1]
