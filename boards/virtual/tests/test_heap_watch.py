"""The heap seen from outside: what callbacks keep and allocate; looking changes nothing."""

from __future__ import annotations

import pytest

from boards.virtual.tests.conftest import MakeBoard

# Allocates 100 bytes before it feeds the watchdog and 400 after, and keeps `kept`.
CALLBACK = """
import machine
watchdog = machine.WDT()
kept = None
def tick(timer):
    bytearray(100)
    watchdog.feed()
    bytearray(400)
timer = machine.Timer(-1)
timer.init(period=40, mode=machine.Timer.PERIODIC, callback=tick)
"""
OBJECT_BYTES = 64  # a bytearray's own block, and what its bytes are rounded up by


def test_what_a_callback_allocates_is_told_apart_by_the_watchdogs_feeding(
    make_board: MakeBoard,
) -> None:
    board = make_board(CALLBACK, watch_heap=True)
    board.run(1)
    seen = board.heap()
    assert 24 <= seen.callbacks <= 25
    assert 100 <= seen.control <= 100 + OBJECT_BYTES
    assert 500 <= seen.garbage <= 500 + 2 * OBJECT_BYTES


def test_live_is_what_is_kept_and_looking_changes_nothing(make_board: MakeBoard) -> None:
    board = make_board(CALLBACK, watch_heap=True)
    board.run(1)
    board.exec("kept = bytearray(4000)")
    board.run(0.1)
    board.heap()
    board.run(1)
    first = board.heap()
    for _ in range(20):
        board.run(0.1)
        board.heap()
    assert board.heap().callbacks == 0
    board.run(1)
    last = board.heap()
    assert (last.live, last.highest_live) == (first.live, first.live)
    assert last.largest_free == first.largest_free
    board.exec("kept = None")
    board.run(1)
    freed = first.live - board.heap().live
    assert 4000 <= freed <= 4000 + OBJECT_BYTES


def test_ticks_diff_allocates_nothing_as_on_the_chip(make_board: MakeBoard) -> None:
    program = CALLBACK.replace("    bytearray(100)\n", "    diff(us(), 3)\n").replace(
        "import machine", "import machine, time\ndiff, us = time.ticks_diff, time.ticks_us"
    )
    board = make_board(program, watch_heap=True)
    board.run(1)
    assert board.heap().control == 0


def test_a_board_that_is_not_watched_says_so(make_board: MakeBoard) -> None:
    with pytest.raises(RuntimeError, match="watch_heap"):
        make_board(CALLBACK).heap()
