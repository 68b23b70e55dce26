"""Power goes in the middle of operation: coils stay without a pulse, and the board comes back
alone.
"""

from __future__ import annotations

import dataclasses
import random

import pytest

from boards.virtual.board import BOOT_US, VirtualBoard
from boards.virtual.pins import Edge
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import World, start_is_good

pytestmark = [
    pytest.mark.virtual("power goes at chosen moments and writes"),
    pytest.mark.requirement("start", "flash", "override"),
]

TIMING = {"boot_delay_s": [1, 2]}
GATE = 5


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(one_board_site([circuit(f"circuit {i}", priority=i + 1) for i in range(4)]))
    board = world.add_board("flat-1", timing=TIMING)
    for index in range(4):
        board.set_load(index, Constant(1.0))
    board.power_on()
    world.run_until(lambda: contacts(board) == [1, 1, 1, 1], within_s=30)
    return world


def contacts(board: VirtualBoard) -> list[int]:
    """The truth about the contacts."""
    return [int(c.contact.at(board.now_us)) for c in board.plant.circuits]


def check_quiet_start(board: VirtualBoard, from_us: float) -> None:
    """From power-on until the node runs: pins low from boot.py's first line on, coils never on."""
    booted_us = from_us + BOOT_US
    assert {GATE, 12, 13, 14, 16} <= board.pins.outputs
    started = [e for e in board.pins.edges if e.at_us >= from_us]
    glitches = [e for e in started if e.what == "pin" and e.level and e.index in (12, 13, 14, 16)]
    assert {e.index for e in glitches if e.at_us < booted_us} == {12, 13, 14, 16}
    assert not [e for e in glitches if booted_us <= e.at_us < booted_us + 500_000]
    pulses = [e for e in started if e.what == "coil" and e.level and e.at_us < booted_us + 1e6]
    assert not pulses


ONLY_SAYS_SO = b"print('main.py runs')"


def start_with_all_pins_pulled_up(board: VirtualBoard, files: dict[str, bytes]) -> list[Edge]:
    """Start without a node, with every pin pulled up, so that nothing falls unless it is driven;
    returns the falling edges.
    """
    pins = board.pins.map
    everything = frozenset({*pins.relay_pins, GATE})
    board.pins.map = dataclasses.replace(pins, pulled_up=everything, boot_high=frozenset())
    board.install(files | {"main.py": ONLY_SAYS_SO})
    board.power_on()
    started_us = board.now_us
    board.run(0.5)
    assert b"main.py runs" in board.serial_log
    return [
        e for e in board.pins.edges if e.what == "pin" and not e.level and e.at_us <= started_us
    ]


def test_boot_py_drives_the_gate_and_then_every_relay_pin_low(make_world: MakeWorld) -> None:
    board = make_world(one_board_site([circuit("heater")])).add_board("flat-1")
    falls = start_with_all_pins_pulled_up(board, {})
    assert falls[0].index == GATE
    assert sorted(e.index for e in falls) == sorted((GATE, *board.pins.map.relay_pins))
    assert {board.pins.level(pin) for pin in (GATE, *board.pins.map.relay_pins)} == {0}
    late_us = max(e.at_us for e in falls) - BOOT_US
    print(f"all pins are driven {late_us / 1000:.1f} ms after the first line of boot.py")
    assert late_us < 5_000


def test_without_boot_py_nobody_drives_the_pins(make_world: MakeWorld) -> None:
    """What the test above can tell from a start that is quiet by luck."""
    board = make_world(one_board_site([circuit("heater")])).add_board("flat-1")
    assert not start_with_all_pins_pulled_up(board, {"boot.py": b""})
    assert {board.pins.level(pin) for pin in (GATE, *board.pins.map.relay_pins)} == {1}


def test_random_cuts_in_operation(world: World) -> None:
    board = world.boards["flat-1"]
    generator = random.Random(4)
    for _ in range(12):
        start_is_good(board)
        cut_us = board.now_us + generator.uniform(0.0, 3e6)
        board.cut_power_at(cut_us)
        world.run(4)
        assert not board.powered
        assert board.pins.edges[-1].at_us <= cut_us + 1
        assert contacts(board) == [0, 0, 0, 0]
        on_us = board.now_us
        board.power_on()
        check_quiet_start(board, on_us)
        world.run_until(lambda: contacts(board) == [1, 1, 1, 1], within_s=40)
    boots = world.state()["boards"][0]["health"]["boot"]
    assert boots == 13
    assert world.state()["boards"][0]["health"]["reset"] == "power_on"


def test_cut_at_every_flash_operation_of_a_start(world: World) -> None:
    """Each start writes the boot counter; power goes at each program and erase of that."""
    board = world.boards["flat-1"]
    last_boot = 1
    cuts = 0
    for operation in range(1, 200):
        start_is_good(board)
        board.power_off()
        wear_before = board.flash.wear.operations
        board.power_on(cut_flash_after=operation)
        world.run(1)
        if board.powered:
            break
        cuts += 1
        assert contacts(board) == [0, 0, 0, 0]
        assert board.flash.wear.operations >= wear_before + operation
        board.power_on()
        world.run_until(lambda: contacts(board) == [1, 1, 1, 1], within_s=40)
        boot = world.state()["boards"][0]["health"]["boot"]
        assert boot > last_boot
        last_boot = boot
    print(
        f"{cuts} cuts, one at each program and erase of a start; the boot counter rose each time"
    )
    assert cuts >= 3


def test_cut_at_every_flash_operation_of_an_order(make_world: MakeWorld) -> None:
    """Between the order to open and its acknowledgement the board writes it to flash; power goes
    at each program and erase of that, and at last right after the acknowledgement.
    """
    world = make_world(one_board_site([circuit("heater"), circuit("lights")]))
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]})
    board.power_on()
    world.run_until(lambda: contacts(board) == [1, 1] and acknowledged(world), within_s=30)
    is_acknowledged = False
    cuts = 0
    while not is_acknowledged:
        start_is_good(board)
        cuts += 1
        board.flash.cut_at = board.flash.wear.operations + cuts
        world.order("flat-1", 0, "override", {"state": "off", "until": None})
        world.run_until(lambda: not board.powered or acknowledged(world), within_s=10)
        is_acknowledged = acknowledged(world)
        board.close()
        start = len(board.pins.edges)
        board.power_on()
        world.run_until(lambda: contacts(board) == [0, 1] and acknowledged(world), within_s=40)
        if is_acknowledged:
            world.run(10)
            assert not [e for e in board.pins.edges[start:] if (e.what, e.index) == ("coil", 0)]
        world.order("flat-1", 0, "override", None)
        world.run_until(lambda: contacts(board) == [1, 1] and acknowledged(world), within_s=40)
    print(f"{cuts - 1} cuts before the acknowledgement, one right after it")
    assert cuts >= 3


def acknowledged(world: World) -> bool:
    """Whether the board has reported that it obeys the newest plan."""
    return bool(world.state()["boards"][0]["plan"]["acknowledged"])


def test_override_off_is_obeyed_before_any_relay_closes_after_a_cut(world: World) -> None:
    board = world.boards["flat-1"]
    world.order("flat-1", 0, "override", {"state": "off", "until": None})
    world.run_until(lambda: contacts(board) == [0, 1, 1, 1], within_s=10)
    world.run_until(lambda: acknowledged(world), within_s=10)
    board.network.faults.down = True
    board.power_off()
    start = len(board.pins.edges)
    board.power_on()
    world.run(60)
    assert not [
        e for e in board.pins.edges[start:] if e.what == "coil" and e.index == 0 and e.level
    ]
    board.network.faults.down = False
    world.order("flat-1", 0, "override", None)
    world.run_until(lambda: contacts(board) == [1, 1, 1, 1], within_s=60)


def test_without_the_gate_the_coils_would_pulse_at_boot(make_world: MakeWorld) -> None:
    """Why the gate is there: the same start on a board without it."""
    world = make_world(one_board_site([circuit("heater")]))
    board = world.add_board("flat-1", timing=TIMING, gated=False)
    board.power_on()
    pulses = [e for e in board.pins.edges if e.what == "coil" and e.level and e.at_us < BOOT_US]
    assert len(pulses) == 4
