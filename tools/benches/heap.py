"""The firmware's heap over a day of virtual time, on a link that has its troubles.

The running board is counted from outside (boards/virtual/processor/heap.mjs): each of its timer
callbacks tells what is in use when it starts, when control is done and when it ends. Nothing is
run on the board for it. What the virtual board's own shims occupy is no part of any figure.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boards.virtual.board import HeapWatch, VirtualBoard
from boards.virtual.plant import Trace
from hil_tests.world import World
from tools.benches.disturbances import WEB_PORT, Disturbances
from tools.benches.figure import Figure, Options
from tools.benches.progress import progress

LIVE_BYTES = 20 * 1024
GARBAGE_BYTES = 4 * 1024
# What two minutes may differ by without growth: a report under way, the text of the last error,
# names that came up for the first time.
NOISE_BYTES = 512
# The collector's pool on the chip, of a heap of 38 KiB: boards/virtual/shims/board_gc.py.
POOL_BYTES = 38_016
WARM_UP_S = 120
POOL = "the chip's pool"


def measure(options: Options) -> Iterator[Figure]:
    """Run, then say what was seen."""
    minutes = max(round(options.hours * 60), 20)
    with tempfile.TemporaryDirectory() as folder:
        world = World(site(), Path(folder) / "data", beacons=True)
        try:
            board = world.add_board(
                "board",
                timing={"restore_wait_s": 20, "retry_s": 90},
                http_port=WEB_PORT,
                charge_key=bytes(range(32)),
                watch_heap=True,
            )
            start(world, board)
            disturbances = Disturbances(world, "board", options.seed)
            before = at_rest(board, disturbances)
            seen = run(board, disturbances, minutes)
            after = at_rest(board, disturbances)
            died = board.serial_log.count(b"MemoryError")
            resets = len(board.resets) - 1
        finally:
            world.close()
    yield from figures(seen, options)
    yield options.figure("heap", "growth in the same state", after - before, "bytes", NOISE_BYTES)
    yield options.figure("heap", "MemoryErrors on the serial port", died, "", 0)
    yield options.figure("heap", "resets", resets, "", 0)
    for what, count in sorted(disturbances.counts.items()):
        yield options.figure("heap", f"disturbances: {what}", count, "")


def start(world: World, board: VirtualBoard) -> None:
    """Loads with overloads now and then, so that sheds and returns are part of it."""
    for index in range(4):
        board.set_load(index, Trace([1.0, 2.5, 4.0, 1.5, 0.5, 3.0, 5.0], step_s=40.0 + index))
    board.power_on()
    world.run(WARM_UP_S)


def at_rest(board: VirtualBoard, disturbances: Disturbances) -> int:
    """The least in use within some minutes with a good link and the largest plan."""
    disturbances.settle()
    board.heap()
    disturbances.rest()
    return board.heap().live


def run(board: VirtualBoard, disturbances: Disturbances, minutes: int) -> list[HeapWatch]:
    """What was seen in each minute."""
    seen = []
    board.heap()
    with progress("heap", minutes) as advance:
        for _ in range(minutes):
            disturbances.minute()
            seen.append(board.heap())
            advance()
    return seen


def figures(seen: list[HeapWatch], options: Options) -> Iterator[Figure]:
    """What the minutes come to."""
    live = max(minute.highest_live for minute in seen)
    garbage = max(minute.garbage for minute in seen)
    yield options.figure("heap", "live heap, highest", live, "bytes", LIVE_BYTES, POOL, POOL_BYTES)
    yield options.figure("heap", "live heap, least", min(m.live for m in seen), "bytes")
    yield options.figure("heap", "garbage of one tick, largest", garbage, "bytes", GARBAGE_BYTES)
    control = max(minute.control for minute in seen)
    yield options.figure("heap", "control part of a tick, most", control, "bytes", 0)
    largest_free = min(minute.largest_free for minute in seen)
    yield options.figure("heap", "largest free block, least", largest_free, "bytes")
    yield options.figure("heap", "ticks counted", sum(m.callbacks for m in seen), "")


def site() -> dict[str, Any]:
    """One board that reports every ten seconds, with four circuits above its limit at times."""
    circuits = [
        {
            "name": f"circuit {i}",
            "phase": "L1",
            "rated_ma": 10_000,
            "priority": i + 1,
            "kind": "deferrable",
            "safe": "on",
            "min_off_s": 1,
            "price_ceiling_eur_mwh": 300,
        }
        for i in range(4)
    ]
    feeder = {"id": "feeder", "rating_ma": {"L1": 16_000}, "limit_ma": {"L1": 10_000}}
    board = {
        "id": "board",
        "feeder": "feeder",
        "safe_limit_ma": {"L1": 10_000},
        "report_s": 10,
        "circuits": circuits,
    }
    return {"site": {"name": "heap"}, "feeders": [feeder], "boards": [board]}
