"""The chip: heap, watchdog, resets, RTC memory, time, timers, determinism."""

from __future__ import annotations

import ast

from boards.virtual.board import BOOT_US
from boards.virtual.pins import Edge
from boards.virtual.plant import Constant, Script
from boards.virtual.tests.conftest import CONVERSION, MakeBoard

TICKING = """
import machine
n = 0
def tick(timer):
    global n
    n += 1
timer = machine.Timer(-1)
timer.init(period=40, mode=machine.Timer.PERIODIC, callback=tick)
"""


def test_heap_is_the_chips_and_its_end_is_a_memory_error(make_board: MakeBoard) -> None:
    board = make_board("import gc")
    free = int(board.exec("print(gc.mem_free())"))
    assert 35_000 < free < 38 * 1024
    board.exec(
        "kept = []\ntry:\n    while True: kept.append(bytearray(1000))\n"
        "except MemoryError:\n    count, kept = len(kept), None"
    )
    assert 32 <= int(board.exec("print(count)")) <= 37
    assert abs(int(board.exec("print(gc.mem_free())")) - free) < 1500


def test_garbage_of_one_call_is_gone_at_the_next(make_board: MakeBoard) -> None:
    board = make_board("import gc\n" + TICKING.replace("n += 1", "n += 1; bytearray(9000)"))
    board.run(2)
    assert int(board.exec("print(n)")) >= 49
    assert "MemoryError" not in board.serial_log.decode()


def test_watchdog_resets_within_its_two_ticks_and_the_cause_is_told(make_board: MakeBoard) -> None:
    board = make_board("import machine\nw = machine.WDT()\nprint('cause', machine.reset_cause())")
    board.run(4)
    (_, first), (at_us, second) = board.resets[:2]
    assert (first, second) == ("power_on", "wdt")
    assert 1.6e6 <= at_us - BOOT_US <= 3.21e6
    assert b"cause 0" in board.serial_log
    assert b"cause 3" in board.serial_log


def test_fed_watchdog_stays_quiet_and_a_program_that_dies_is_ended(make_board: MakeBoard) -> None:
    fed = TICKING.replace("n += 1", "n += 1; w.feed()") + "\nw = machine.WDT()"
    board = make_board(fed)
    board.run(20)
    assert len(board.resets) == 1
    board.exec("timer.deinit()")
    board.run(4)
    assert board.resets[1][1] == "wdt"


def test_rtc_memory_survives_a_reset_and_not_a_power_cut(make_board: MakeBoard) -> None:
    board = make_board("import machine\nrtc = machine.RTC()\nprint('rtc', rtc.memory())")
    board.exec("rtc.memory(b'kept')")
    board.reset()
    assert board.exec("print(rtc.memory())").strip() == "b'kept'"
    board.power_off()
    board.power_on()
    assert board.exec("print(rtc.memory())").strip() == "b''"


def test_machine_reset_starts_anew(make_board: MakeBoard) -> None:
    board = make_board("import machine\nmarker = 1")
    board.exec("marker = 2")
    board.type(b"machine.reset()\r")
    board.run(1)
    assert board.resets[-1][1] == "soft"
    assert board.exec("print(marker, machine.reset_cause())").split() == ["1", "4"]


def test_late_callbacks_queue_four_deep_and_the_rest_are_dropped(make_board: MakeBoard) -> None:
    board = make_board(TICKING)
    board.run(1)
    before = int(board.exec("print(n)"))
    board.overrun_ticks([1000])
    board.run(2)
    ticks = int(board.exec("print(n)")) - before
    assert 28 <= ticks <= 32  # 50 periods, of which 20 to 21 passed in the long callback


def test_sleeping_lets_timers_run_but_not_within_a_callback(make_board: MakeBoard) -> None:
    board = make_board("import time\n" + TICKING)
    assert int(board.exec("n = 0\ntime.sleep_ms(400)\nprint(n)")) == 10
    nested = TICKING.replace("n += 1", "n += 1; time.sleep_ms(100)")
    board.exec("timer.deinit()\n" + nested)
    board.run(1.05)
    assert 9 <= int(board.exec("print(n)")) <= 11


def test_a_callback_that_raises_prints_and_the_timer_goes_on(make_board: MakeBoard) -> None:
    board = make_board(TICKING.replace("n += 1", "n += 1; 1 // 0"))
    board.run(1)
    assert int(board.exec("print(n)")) > 20
    assert b"ZeroDivisionError" in board.serial_log


def test_same_seed_same_run_other_seed_other_noise(make_board: MakeBoard) -> None:
    def codes(seed: int) -> list[int]:
        board = make_board(CONVERSION, seed=seed, noise_volts=2e-4)
        board.set_load(0, Constant(3.0))
        board.run(0.5)
        result: list[int] = ast.literal_eval(
            board.exec(
                "import random\nprint([single()[0] for _ in range(20)] + [random.getrandbits(20)])"
            )
        )
        return result

    assert codes(1) == codes(1)
    assert codes(1) != codes(2)


MEASURING = (
    CONVERSION
    + """
import os, random
for pin in (5, 16, 14):
    machine.Pin(pin, machine.Pin.OUT, value=1)
lamp = machine.Pin(14)
def tick(timer):
    code = single()[0]
    lamp(code & 1)
    print(time.ticks_us(), code, random.getrandbits(8))
    if not code % 16:
        with open("/seen", "w") as f: f.write(str(code))
timer = machine.Timer(-1)
timer.init(period=40, mode=machine.Timer.PERIODIC, callback=tick)
"""
)


def test_a_whole_run_repeats_with_its_seed(make_board: MakeBoard) -> None:
    def run(seed: int) -> tuple[list[Edge], bytes]:
        board = make_board(MEASURING, seed=seed, noise_volts=1e-3)
        board.set_load(0, Script([(0, 3.0), (1, 8.0)]))
        board.run(2)
        board.reset()
        board.run(1)
        return board.pins.edges, bytes(board.serial_log)

    first, again, other = run(1), run(1), run(2)
    assert first == again
    assert len(first[0]) > 40
    assert len(first[1].splitlines()) > 60
    assert first[0] != other[0]
    assert first[1] != other[1]


def test_erasing_flash_takes_the_boards_time(make_board: MakeBoard) -> None:
    board = make_board()
    for sectors in (1, 8):
        erases, start_us = board.flash.wear.erases, board.now_us
        board.exec(
            "sector = 'x' * 4096\n"
            f"with open('/data', 'w') as f:\n  for _ in range({sectors}): f.write(sector)"
        )
        erases = board.flash.wear.erases - erases
        assert erases >= sectors
        assert board.now_us - start_us >= erases * 45_000


def test_soft_reboot_keeps_pins_and_runs_main_again(make_board: MakeBoard) -> None:
    board = make_board("import machine\nprint('main ran')")
    board.exec("machine.Pin(14, machine.Pin.OUT, value=1)")
    board.type(b"\x04")
    assert board.serial_log.count(b"main ran") == 2
    assert b"soft reboot" in board.serial_log


def test_names_start_no_new_pool_where_the_chip_still_has_room(make_board: MakeBoard) -> None:
    """The chip's pools hold 620 names of the program; the shims' own must not take their room."""
    board = make_board("import gc\nfor i in range(380): hasattr(gc, 'name%d' % i)")
    board.exec("gc.collect()")
    used = "gc.collect(); print(gc.mem_alloc())"
    before = int(board.exec(used))
    board.exec("for i in range(380, 480): hasattr(gc, 'name%d' % i)")
    board.exec("gc.collect()")
    assert int(board.exec(used)) - before < 100 * 16
