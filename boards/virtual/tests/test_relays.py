"""Pins, coils and contacts: what the boot loader does to them, and what the gate is for."""

from __future__ import annotations

from boards.virtual.board import BOOT_US
from boards.virtual.plant import (
    OPERATE_US,
    RELEASE_US,
    Constant,
    Script,
    longest_above,
    phase_current,
)
from boards.virtual.tests.conftest import MakeBoard

ON = """
import machine
gate = machine.Pin(5, machine.Pin.OUT, value=1)
relay = machine.Pin(16, machine.Pin.OUT, value=1)
"""


def test_boot_drives_the_relay_pins_high_and_the_gate_keeps_the_coils_off(
    make_board: MakeBoard,
) -> None:
    gated, bare = make_board(), make_board(gated=False)
    for board in (gated, bare):
        high = {
            e.index for e in board.pins.edges if e.what == "pin" and e.level == 1 and e.at_us == 0
        }
        assert {12, 13, 14, 16} <= high
        lasted = {
            e.at_us for e in board.pins.edges if e.index in (12, 13, 14, 16) and e.level == 0
        }
        assert lasted == {110_000.0}
    assert not [e for e in gated.pins.edges if e.what == "coil"]
    assert len([e for e in bare.pins.edges if e.what == "coil" and e.level == 1]) == 4


def test_gpio16_without_a_value_goes_high(make_board: MakeBoard) -> None:
    board = make_board("import machine\nmachine.Pin(16, machine.Pin.OUT)", boot="")
    assert board.pins.level(16) == 1


def test_boot_makes_outputs_that_are_low_before_main_runs(make_board: MakeBoard) -> None:
    board = make_board("import machine\nmachine.Pin(14, machine.Pin.IN)\nprint('main runs')")
    made = [e for e in board.pins.edges if e.what == "mode" and e.level]
    assert [e.index for e in made] == [5, 16, 14, 12, 13]
    assert all(BOOT_US <= e.at_us < BOOT_US + 1000 for e in made)
    assert not [e for e in board.pins.edges if e.what == "pin" and e.level and e.at_us >= BOOT_US]
    assert board.pins.outputs == {5, 16, 12, 13}
    given_up = [(e.index, e.level) for e in board.pins.edges if e.what == "mode"][5:]
    assert given_up == [(14, 0)]
    board.power_off()
    assert board.pins.outputs == frozenset()
    board.power_on()
    board.reset()
    starts = [e for e in board.pins.edges if e.what == "mode" and e.index == 5]
    assert [e.level for e in starts] == [1, 0, 1, 0, 1]


def test_contact_follows_its_coil_with_its_delay(make_board: MakeBoard) -> None:
    board = make_board(ON)
    circuit = board.plant.circuits[0]
    board.set_load(0, Constant(5.0))
    board.run(0.1)
    closed_us = next(
        t for t, v in zip(circuit.contact.times_us, circuit.contact.values, strict=True) if v
    )
    coil_us = next(e.at_us for e in board.pins.edges if e.what == "coil" and e.level)
    assert closed_us == coil_us + OPERATE_US
    assert coil_us >= BOOT_US
    board.exec("relay(0)")
    board.run(0.1)
    off_us = [e.at_us for e in board.pins.edges if e.what == "coil"][-1]
    assert circuit.contact.times_us[-1] == off_us + RELEASE_US
    assert circuit.amps_at(board.now_us) == 0


def test_welded_and_not_closing_contacts(make_board: MakeBoard) -> None:
    board = make_board(ON)
    board.set_load(0, Constant(5.0))
    board.run(0.1)
    board.set_relay_fault(0, "welded")
    board.exec("relay(0)")
    board.run(0.1)
    assert board.plant.circuits[0].amps_at(board.now_us) == 5.0
    board.set_relay_fault(0, "none")
    assert board.plant.circuits[0].amps_at(board.now_us) == 0.0
    board.set_relay_fault(0, "not_closing")
    board.exec("relay(1)")
    board.run(0.1)
    assert board.plant.circuits[0].amps_at(board.now_us) == 0.0


def test_power_cut_takes_effect_at_its_instant(make_board: MakeBoard) -> None:
    board = make_board(
        ON + "import time\nfor i in range(2000):\n    relay(i & 1)\n    time.sleep_ms(1)\n"
    )
    board.power_off()
    start_us = board.now_us
    board.cut_power_at(start_us + 900_500)
    board.power_on()
    assert not board.powered
    edges = [e.at_us for e in board.pins.edges if e.what == "coil" and e.at_us > start_us]
    assert 900_500 - 2100 < edges[-1] - start_us <= 900_500
    assert not any(board.pins.level(pin) for pin in (5, 12, 13, 14, 16))


def test_meter_adds_up_boards_and_finds_the_longest_excess(make_board: MakeBoard) -> None:
    board = make_board(ON)
    board.set_load(0, Script([(0, 10.0), (1, 30.0), (2, 10.0), (3, 30.0), (5, 0.0)]))
    start_us = board.now_us
    board.run(6)
    current = phase_current([board.plant], 1, start_us, board.now_us)
    limit = type(current)()
    limit.set(0, 25.0)
    assert abs(longest_above(current, limit, board.now_us) - 2000) < 0.01
    limit.set(start_us + 4e6, 40.0)
    assert abs(longest_above(current, limit, board.now_us) - 1000) < 0.01
