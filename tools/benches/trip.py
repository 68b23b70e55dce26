"""From an overload to the open contact, on the virtual board, beside a B breaker of that rating.

Each trial is a board of its own, cold: loads on four circuits, then a random one of them rises at
a random moment of the scan and of the mains cycle, so that the current watched is MULTIPLE times
what it may be. The converter's rate is off by a random part of its tolerance.

*Detection* is what sensing adds: the time from the moment at which the node's own rule, fed with
the true current every millisecond, has spent its budget or definite time, to the edge at the pin.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from boards.virtual.board import Fitting, VirtualBoard, board_files
from boards.virtual.network import Network, Peer
from boards.virtual.pins import load_board
from boards.virtual.plant import RELEASE_US, Constant, Script, phase_current
from tools.benches.breaker import earliest_trip_s
from tools.benches.figure import Figure, Options, percentile
from tools.benches.firmware import node_module
from tools.benches.progress import progress

MULTIPLES = (1.1, 1.2, 1.45, 2.0, 3.0, 6.0)
TRIALS, QUICK_TRIALS = 20, 1
# Six times this is 30 A, the sensor's range.
WATCHED_MA = 5_000
AMPLE_MA = 63_000
LIMIT_S = 5
DETECTION_MS = 200
# A breaker's lower edge above this has to be undercut by half; below, magnetic tripping is near.
LEADS_BELOW_S = 2.0


@dataclass(frozen=True)
class Watched:
    """Which guard has to speak: limits in mA of feeder and circuit; the rest is ample."""

    name: str
    rating_ma: int = AMPLE_MA
    limit_ma: int = AMPLE_MA
    circuit_ma: int = AMPLE_MA


WATCHED = (
    Watched("feeder limit", limit_ma=WATCHED_MA),
    Watched("feeder rating", rating_ma=WATCHED_MA, limit_ma=WATCHED_MA),
    Watched("circuit rating", circuit_ma=WATCHED_MA),
)


@dataclass(frozen=True)
class Trial:
    """Times from the rise of the load, in ms."""

    contact_ms: float
    detection_ms: float


def measure(options: Options) -> Iterator[Figure]:
    """Figures for each multiple of limit and rating, then detection over all of them."""
    draw = random.Random(options.seed)
    trials = QUICK_TRIALS if options.quick else TRIALS
    cases = [(watched, multiple) for watched in WATCHED for multiple in MULTIPLES]
    detections: list[float] = []
    with progress("trip", len(cases) * trials) as advance:
        for watched, multiple in cases:
            done = []
            for _ in range(trials):
                done.append(run_trial(watched, multiple, draw))
                advance()
            detections += [trial.detection_ms for trial in done]
            yield contact_figure(watched, multiple, done, options)
    yield Figure(
        "trip",
        f"detection, 95th percentile of {len(detections)}",
        round(percentile(detections, 0.95), 1),
        "ms",
        options.command("trip"),
        DETECTION_MS,
        "longest",
        round(max(detections), 1),
    )


def contact_figure(
    watched: Watched, multiple: float, trials: list[Trial], options: Options
) -> Figure:
    """The slowest of some trials beside a breaker; its target is half of the breaker's time."""
    breaker_s = earliest_trip_s("B", multiple)
    must_lead = breaker_s > LEADS_BELOW_S
    return Figure(
        "trip",
        f"{watched.name} x {multiple:g}: overload to open contact, slowest of {len(trials)}",
        round(max(trial.contact_ms for trial in trials), 1),
        "ms",
        options.command("trip"),
        round(breaker_s * 500, 1) if must_lead else None,
        "B breaker of that rating, earliest trip (IEC 60898-1)"
        + ("" if must_lead else "; the breaker leads"),
        round(breaker_s * 1000, 1),
    )


def run_trial(watched: Watched, multiple: float, draw: random.Random) -> Trial:
    """One overload on one board that has just come up. Raises TimeoutError if nothing opens."""
    board = make_board(watched, draw)
    try:
        return overload(board, watched, multiple, draw)
    finally:
        board.close()


def overload(board: VirtualBoard, watched: Watched, multiple: float, draw: random.Random) -> Trial:
    """Let a load rise and see when the current watched is no longer too much."""
    circuits = board.plant.circuits
    risen = draw.randrange(4)
    # Between a third and all of what is allowed flows before; the guards have time to be quiet.
    before_a = WATCHED_MA / 1000 * draw.uniform(0.3, 0.95)
    shares = [draw.random() for _ in circuits]
    loads_a = [before_a * share / sum(shares) for share in shares]
    for index, amps in enumerate(loads_a):
        board.set_load(index, Constant(amps))
    board.power_on()
    board.run_until(lambda: all(c.contact.at(board.now_us) for c in circuits), within_s=30)
    board.run(1.5)
    over_a = WATCHED_MA / 1000 * multiple
    others_a = 0.0 if watched.circuit_ma == WATCHED_MA else sum(loads_a) - loads_a[risen]
    wait_s = 0.1 + draw.random() * 0.2
    steps = [(0.0, loads_a[risen]), (wait_s, over_a - others_a)]
    risen_us = board.now_us + wait_s * 1e6
    board.set_load(risen, Script(steps))
    board.run(wait_s)
    limit_a = WATCHED_MA / 1000 * (1 + 1e-6)

    def current_a(t_us: float) -> float:
        if watched.circuit_ma == WATCHED_MA:
            return circuits[risen].amps_at(t_us)
        return board.plant.phase_amps(1, t_us)

    board.run_until(lambda: current_a(board.now_us) <= limit_a, within_s=2 * LIMIT_S)
    times_us = phase_current([board.plant], 1, risen_us, board.now_us).times_us
    kept_us = min(t for t in times_us if t > risen_us and current_a(t) <= limit_a)
    ideal_ms = rule_ms(watched, multiple)
    contact_ms = (kept_us - risen_us) / 1000
    return Trial(contact_ms, contact_ms - RELEASE_US / 1000 - ideal_ms)


def rule_ms(watched: Watched, multiple: float) -> float:
    """When the node's own rule has spent its budget or definite time, told the truth each ms;
    infinite if that is longer than the definite time.
    """
    rating_ma = min(watched.rating_ma, watched.circuit_ma)
    guard = node_module("protection").Guard(rating_ma, LIMIT_S)
    current_ma = round(WATCHED_MA * multiple)
    for passed_ms in range(1, 1000 * LIMIT_S + 1):
        if guard.update(current_ma, WATCHED_MA, 1):
            return passed_ms
    return math.inf


def make_board(watched: Watched, draw: random.Random) -> VirtualBoard:
    """A board without a coordinator, on which only one guard has anything to say."""
    module = load_board()
    circuit = {
        "phase": 1,
        "rated_ma": watched.circuit_ma,
        "contactor": True,
        "breaking_ma": 8 * watched.circuit_ma,  # category AC-3
        "safe": "on",
        "min_off_s": 0,
    }
    config: dict[str, Any] = {
        "id": "bench",
        "feeder": {
            "rating_ma": [watched.rating_ma, 0, 0],
            "safe_limit_ma": [watched.limit_ma, 0, 0],
        },
        "circuits": [
            circuit | {"name": f"load {i}", "pin": pin, "channel": i, "priority": 1 + i}
            for i, pin in enumerate(module["relay_pins"])
        ],
        "timing": {"limit_s": LIMIT_S, "boot_delay_s": [0, 0]},
    }
    fitting = Fitting.for_config(
        config, seed=draw.randrange(1 << 20), rate_error=draw.uniform(-0.1, 0.1)
    )
    board = VirtualBoard(fitting, Network(_nobody))
    board.install(board_files(config, {}))
    return board


def _nobody(host: str, port: int) -> Peer:
    raise ConnectionRefusedError(f"{host}:{port}")
