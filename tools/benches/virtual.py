"""How much faster than real time one virtual board runs, and that it samples all the same.

The board runs the project's firmware with four loads and reports to a coordinator every ten
seconds. Counted is the processor time of its two processes, which take turns and so share one
core; the coordinator's is in it. Time on the wall is given beside it: it is more on a machine that
has other things to do.

That the sensors are sampled is counted at the converter: conversions that the program has read,
against those that its cadence takes, a window of one mains cycle each tick.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from hil_tests.world import World
from tools.benches.figure import Figure, Options
from tools.benches.heap import site
from tools.benches.progress import progress

TIMES_REAL_TIME = 50
MINUTES, QUICK_MINUTES = 10, 1
WARM_UP_S = 60  # all circuits are closed by then
TICK_MS = 40
CONVERSIONS_A_SECOND = 860
MISSING_PERCENT = 1.0
LOADS_A = (1.0, 2.0, 3.0, 4.0)
OFF_PERCENT = 3.0  # of a reading: what the sensing states for a sine


@dataclass(frozen=True)
class Seen:
    """A run: times in s, counts, and the readings of the loads in A."""

    virtual_s: float
    board_s: float
    wall_s: float
    callbacks: int
    conversions: int
    readings_a: list[float]


def measure(options: Options) -> Iterator[Figure]:
    """Run, then say what was seen."""
    minutes = QUICK_MINUTES if options.quick else MINUTES
    with tempfile.TemporaryDirectory() as folder:
        world = World(site(), Path(folder) / "data")
        try:
            board = world.add_board("board", {"tick_ms": TICK_MS}, seed=options.seed)
            start(world, board)
            seen = run(world, board, minutes)
        finally:
            world.close()
    yield from figures(seen, board, options)


def start(world: World, board: VirtualBoard) -> None:
    """Power, loads, and time until all circuits are closed."""
    for index, amps in enumerate(LOADS_A):
        board.set_load(index, Constant(amps))
    board.power_on()
    world.run(WARM_UP_S)


def run(world: World, board: VirtualBoard, minutes: int) -> Seen:
    """Let time pass and count."""
    began, began_us = board.work(), board.now_us
    python_s, wall_s = time.process_time(), time.monotonic()
    with progress("virtual", minutes) as advance:
        for _ in range(minutes):
            world.run(60)
            advance()
    python_s, wall_s = time.process_time() - python_s, time.monotonic() - wall_s
    ended = board.work()
    return Seen(
        (board.now_us - began_us) / 1e6,
        python_s + ended.processor_s - began.processor_s,
        wall_s,
        ended.callbacks - began.callbacks,
        ended.conversions - began.conversions,
        readings_a(world),
    )


def readings_a(world: World) -> list[float]:
    """The currents that the board reported last."""
    (board,) = world.state()["boards"]
    return [circuit["current_ma"] / 1000 for circuit in board["circuits"]]


def expected_callbacks(seen: Seen) -> float:
    """One each tick."""
    return seen.virtual_s * 1000 / TICK_MS


def expected_conversions(seen: Seen, board: VirtualBoard) -> float:
    """A window of one mains cycle each tick."""
    cycle_s = 1 / board.fitting.mains_hz
    rate = CONVERSIONS_A_SECOND * (1 + board.fitting.rate_error)
    return expected_callbacks(seen) * math.ceil(cycle_s * rate)


def figures(seen: Seen, board: VirtualBoard, options: Options) -> Iterator[Figure]:
    """What the run comes to."""
    missing = 100 * (1 - seen.conversions / expected_conversions(seen, board))
    off = max(abs(a / b - 1) for a, b in zip(seen.readings_a, LOADS_A, strict=True)) * 100
    yield options.figure(
        "virtual",
        "processor time of a second on the board, in real time's",
        round(1000 * seen.board_s / seen.virtual_s, 2),
        "ms",
        1000 / TIMES_REAL_TIME,
        "times real time on one core",
        round(seen.virtual_s / seen.board_s, 1),
    )
    yield options.figure(
        "virtual",
        "the same on the wall",
        round(1000 * seen.wall_s / seen.virtual_s, 2),
        "ms",
        None,
        "times real time",
        round(seen.virtual_s / seen.wall_s, 1),
    )
    yield options.figure(
        "virtual",
        "conversions missing of the real cadence",
        round(missing, 2),
        "%",
        MISSING_PERCENT,
        "conversions read in a second",
        round(seen.conversions / seen.virtual_s, 1),
    )
    yield options.figure(
        "virtual", "readings off their load, at most", round(off, 2), "%", OFF_PERCENT
    )
    yield options.figure(
        "virtual", "ticks in a second", round(seen.callbacks / seen.virtual_s, 2), ""
    )
