"""What ends a run of the program, what it is told about it, and what lives on."""

from __future__ import annotations

from pathlib import Path

import pytest

from boards.virtual import processor
from boards.virtual.board import BOOT_US, VirtualBoard
from boards.virtual.network import Network, WsgiPeer
from boards.virtual.tests.conftest import MakeBoard

CAUSE = "import machine, time\nprint('cause', machine.reset_cause())\n"


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that says nothing for a second never returns."""
    monkeypatch.setattr(processor, "HANG_S", 1.0)


def process(board: VirtualBoard) -> Path:
    """Where the system shows the board's processor."""
    assert board._processor is not None
    return Path(f"/proc/{board._processor.pid}")


@pytest.mark.parametrize(
    ("how", "cause", "number"),
    [("line", "hard", 6), ("machine", "soft", 4), ("wdt", "wdt", 3), ("power", "power_on", 0)],
)
def test_causes_are_the_ports_numbers(
    make_board: MakeBoard, how: str, cause: str, number: int
) -> None:
    board = make_board(CAUSE)
    if how == "line":
        board.reset()
    elif how == "machine":
        board.type(b"machine.reset()\r")
    elif how == "wdt":
        board.exec("w = machine.WDT()")
        board.run(4)
    else:
        board.reset()
        board.power_off()
        board.power_on()
    assert board.resets[-1][1] == cause
    assert int(board.exec("print(machine.reset_cause())")) == number


@pytest.mark.parametrize("how", [b"\x04", b"machine.soft_reset()\r"])
def test_a_soft_reboot_is_no_reset_of_the_chip(make_board: MakeBoard, how: bytes) -> None:
    board = make_board(CAUSE, boot="")
    board.reset()
    board.exec("machine.Pin(14, machine.Pin.OUT, value=1)")
    before_ms = int(board.exec("print(time.ticks_ms())"))
    board.type(how)
    assert board.pins.level(14) == 1
    assert board.resets[-1][1] == "soft_reboot"
    assert int(board.exec("print(machine.reset_cause())")) == 6
    assert int(board.exec("print(time.ticks_ms())")) >= before_ms


def test_ticks_and_clock_count_from_the_chips_start(make_board: MakeBoard) -> None:
    board = make_board(CAUSE)
    board.run(100)
    assert int(board.exec("print(time.ticks_ms())")) >= 100_000
    assert int(board.exec("print(time.time())")) == 100
    for restart in (board.reset, board.power_on):
        if restart == board.power_on:
            board.power_off()
        restart()
        ticks_ms = int(board.exec("print(time.ticks_ms())"))
        assert BOOT_US / 1000 <= ticks_ms < BOOT_US / 1000 + 50
        assert int(board.exec("print(time.time())")) == 0
        assert int(board.exec("print(time.ticks_us())")) < 350_000
    assert board.now_us > 100e6


def test_the_watchdog_outlives_a_soft_reboot(make_board: MakeBoard) -> None:
    board = make_board(CAUSE)
    board.exec("w = machine.WDT()")
    made_us = board.now_us
    board.run(1)
    board.type(b"\x04")
    board.run(4)
    assert [cause for _, cause in board.resets] == ["power_on", "soft_reboot", "wdt"]
    assert 3.1e6 <= board.resets[-1][0] - made_us <= 3.21e6
    board.run(10)
    assert len(board.resets) == 3  # a reset of the chip ends it


def test_a_watchdog_made_again_after_a_soft_reboot_is_the_one_that_runs(
    make_board: MakeBoard,
) -> None:
    board = make_board("import machine\nw = machine.WDT()\n")
    for _ in range(3):
        board.run(1)
        board.type(b"\x04")
    board.run(1)
    assert board.resets[-1][1] == "wdt"
    assert 3.1e6 <= board.resets[-1][0] - BOOT_US <= 3.21e6


def test_a_soft_reboot_closes_sockets_and_keeps_the_station(make_board: MakeBoard) -> None:
    network = Network(lambda host, port: WsgiPeer(lambda environ, start: []))
    board = make_board("import network, socket\nwlan = network.WLAN(0)", network=network)
    board.exec("wlan.active(True)\nwlan.connect('any', 'secret')")
    board.run(3)
    board.exec("held = [socket.socket() for _ in range(3)]\nprint(held[-1].fileno())")
    board.type(b"\x04")
    assert int(board.exec("print(socket.socket().fileno())")) == 0
    assert board.exec("print(wlan.isconnected())").strip() == "True"
    board.reset()
    assert board.exec("print(wlan.isconnected())").strip() == "False"


@pytest.mark.usefixtures("_impatient")
def test_a_program_that_never_returns_is_ended_by_the_watchdog(make_board: MakeBoard) -> None:
    board = make_board("import machine")
    board.exec("w = machine.WDT()")
    hung = process(board)
    board.type(b"while True: pass\r\r")
    assert board.resets[-1][1] == "wdt"
    assert not hung.exists()


@pytest.mark.usefixtures("_impatient")
def test_a_watchdog_made_in_the_same_call_counts(make_board: MakeBoard) -> None:
    board = make_board()
    board.type(b"\x01import machine; w = machine.WDT()\nwhile True: pass\n\x04")
    assert board.resets[-1][1] == "wdt"


@pytest.mark.usefixtures("_impatient")
def test_without_a_watchdog_a_program_that_never_returns_is_an_error(
    make_board: MakeBoard,
) -> None:
    board = make_board()
    hung = process(board)
    assert hung.exists()
    with pytest.raises(RuntimeError, match="never returns and no watchdog runs"):
        board.type(b"while True: pass\r\r")
    assert not board.powered
    assert not hung.exists()
    assert [cause for _, cause in board.resets] == ["power_on"]


def test_the_access_point_is_open_until_boot_closes_it(make_board: MakeBoard) -> None:
    main = "import network\nap = network.WLAN(network.AP_IF)\nprint('ap', ap.active())\n"
    board = make_board(main)
    assert board.network.access_point_active
    assert b"ap True" in board.serial_log
    board.exec("ap.active(False)\nprint(ap.active())")
    assert not board.network.access_point_active
    for restart in (lambda: board.type(b"\x04"), board.reset):
        restart()
        assert board.serial_log.rstrip().endswith(b">>>")
        assert board.exec("print(ap.active())").strip() == "False"
    closing = make_board(main, boot=main + "ap.active(False)\n")
    assert closing.serial_log.index(b"ap True") < closing.serial_log.index(b"ap False")
    assert not closing.network.access_point_active


def test_unique_id_is_the_boards_own(make_board: MakeBoard) -> None:
    boards = [make_board("import machine", seed=seed) for seed in (7, 258)]
    ids = [board.exec("print(machine.unique_id())").strip() for board in boards]
    assert ids == [r"b'\x07\x00\x00\x00'", r"b'\x02\x01\x00\x00'"]
