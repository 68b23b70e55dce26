"""A measured current in spikes: it reads low, is told, counts for more, and can be calibrated."""

from __future__ import annotations

from statistics import mean
from typing import Any

import pytest
from headroom.protocol.messages import SensorState

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, flat_circuits, one_board_site
from hil_tests.world import World
from tools.benches.waveforms import load_cycles

pytestmark = [
    pytest.mark.virtual("the rig has one waveform"),
    pytest.mark.requirement("sensing", "limit"),
]

CHARGERS, HEATER = 1, 2
SPIKES = load_cycles()["laptop_charger, strong harmonics"][0].samples
SPIKY_A, SINE_A, LIMIT_MA = 6.0, 2.5, 8_000


def plugged_in(make_world: MakeWorld, **setting: int) -> World:
    """8.5 A on a limit of 8 A, 6 A of them into laptop chargers; both relays have just closed."""
    circuits = flat_circuits()
    circuits[CHARGERS] |= setting
    site = one_board_site(circuits, limit_ma=LIMIT_MA)
    site["boards"][0]["report_s"] = 10
    world = make_world(site)
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1], "retry_s": 3600})
    board.power_on()
    world.run_until(lambda: closed(board) == [1, 1, 1, 1], within_s=30)
    board.set_load(CHARGERS, Constant(SPIKY_A))
    board.set_load(HEATER, Constant(SINE_A))
    board.set_cycle(CHARGERS, SPIKES)
    return world


def closed(board: VirtualBoard) -> list[int]:
    """The truth about the contacts."""
    return [int(c.contact.at(board.now_us)) for c in board.plant.circuits]


def state(world: World) -> SensorState:
    """Of the chargers' reading, as the API shows it."""
    shown: SensorState = world.state()["boards"][0]["circuits"][CHARGERS]["sensor"]
    return shown


def read_ma(world: World, seconds: int) -> float:
    """Mean of the chargers' reading on the board."""
    board = world.boards["flat-1"]
    readings = []
    for _ in range(seconds * 5):
        world.run(0.2)
        last_ma = f"app.current.readings.last_ma[{CHARGERS}]"
        readings.append(int(board.exec(f"from node import app; print({last_ma})")))
    return mean(readings)


def told(world: World) -> list[Any]:
    """The texts of the chargers' sensor events, oldest first."""
    events = [e for e in world.state()["events"] if e["kind"] == "sensor"]
    assert {e["circuit"] for e in events} <= {CHARGERS}
    return [e["text"] for e in reversed(events)]


def test_an_excess_that_reads_as_none_is_told_and_shed(make_world: MakeWorld) -> None:
    world = plugged_in(make_world)
    board = world.boards["flat-1"]
    took_s = world.run_until(lambda: sum(closed(board)) < 4, within_s=30)
    print(f"open after {took_s:.1f} s")
    # Three seconds until it is sure, five of excess; it may have been one in between already.
    assert took_s < 9
    assert closed(board) == [1, 1, 0, 1]
    world.run(15)
    assert state(world) == "spiky"
    assert told(world) == ["current in spikes, which read low: counted higher"]


def test_with_a_raise_of_0_it_is_told_only(make_world: MakeWorld) -> None:
    """And reads as no excess at all: without the raise nothing would ever be shed."""
    world = plugged_in(make_world, spiky_percent=0)
    assert read_ma(world, 20) + 1000 * SINE_A < LIMIT_MA
    world.run(60)
    assert closed(world.boards["flat-1"]) == [1, 1, 1, 1]
    assert len(told(world)) == 1


def test_once_calibrated_for_its_waveform_it_is_as_good_as_any(make_world: MakeWorld) -> None:
    world = plugged_in(make_world)
    board = world.boards["flat-1"]
    board.set_load(HEATER, Constant(0.0))
    world.run_until(lambda: state(world) == "spiky", within_s=30)
    world.run(1)
    board.exec(f"from node import calibrate; calibrate.waveform({CHARGERS}, 6000)")
    assert read_ma(world, 20) == pytest.approx(1000 * SPIKY_A, rel=0.06)
    world.run(60)
    assert state(world) == "ok"
    assert told(world)[1:] == ["sensor reading good again"]


def test_sines_end_it(make_world: MakeWorld) -> None:
    world = plugged_in(make_world)
    board = world.boards["flat-1"]
    board.set_load(HEATER, Constant(0.0))
    world.run_until(lambda: state(world) == "spiky", within_s=30)
    board.set_cycle(CHARGERS, load_cycles()["water_kettle"][0].samples)
    world.run(5)
    assert read_ma(world, 2) == pytest.approx(1000 * SPIKY_A, rel=0.01)
    world.run(70)
    assert told(world)[1:] == ["sensor reading good again"]
