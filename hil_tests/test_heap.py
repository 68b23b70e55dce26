"""The firmware's heap over an hour of simulated time."""

from __future__ import annotations

import re

import pytest

from boards.virtual.board import HEAP_BYTES
from boards.virtual.plant import Trace
from hil_tests.conftest import MakeWorld, circuit, one_board_site

MINUTES = 60
# What may differ between two minutes without being growth: a report in the buffers, an event more.
NOISE_BYTES = 256


@pytest.mark.timeout(1200)
def test_an_hour_does_not_grow_the_live_heap(make_world: MakeWorld) -> None:
    circuits = [circuit(f"circuit {i}", priority=i + 1) for i in range(4)]
    world = make_world(one_board_site(circuits))
    board = world.add_board("flat-1", timing={"restore_wait_s": 20, "retry_s": 90})
    for index in range(4):
        # Overloads now and then, so that sheds, restores and their events are part of it.
        board.set_load(index, Trace([1.0, 2.5, 4.0, 1.5, 0.5, 3.0, 5.0], step_s=40.0 + index))
    board.power_on()
    world.run(120)
    live = []
    for minute in range(MINUTES):
        world.boards["flat-1"].network.faults.down = minute % 10 >= 7
        world.run(60)
        live.append(int(board.exec("import gc; print(gc.mem_alloc())")))
    first, last = min(live[:10]), min(live[-10:])
    print(f"live heap of {HEAP_BYTES} bytes: {first} in the first ten minutes, {last} in the last")
    reported = [re.search(rb'"heap_free":(\d+)', e.request) for e in board.network.exchanges]
    print(f"least free that a report told of: {min(int(m[1]) for m in reported if m)} bytes")
    assert last - first <= NOISE_BYTES
    assert len(board.resets) == 1
    assert "MemoryError" not in board.serial_log.decode(errors="replace")
