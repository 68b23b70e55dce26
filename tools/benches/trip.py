"""From an overload to the open contact, on the virtual board, beside breakers of that rating.

Each trial is a board of its own, cold, of a rating drawn from RATINGS_A: loads on four circuits,
then a random one of them rises at a random moment of the scan and of the mains cycle, so that the
current watched is MULTIPLE times what it may be. The converter's rate is off by a random part of
its tolerance.

A limit is watched with the definite time as it is by default, a rating with the longest one that
can be set, so that the inverse-time budget decides wherever it is the shorter of the two.

*Detection* is what sensing adds: the time from the moment at which the node's own rule, fed with
the true current every millisecond, has spent its budget or definite time, to the edge at the pin.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from boards.virtual.board import Fitting, VirtualBoard, board_files
from boards.virtual.network import Network, Peer
from boards.virtual.pins import load_board
from boards.virtual.plant import RELEASE_US, Constant, Script, phase_current
from tools.benches.breaker import MAGNETIC, RATINGS_A, earliest_trip_s
from tools.benches.figure import Figure, Options, percentile
from tools.benches.firmware import node_module
from tools.benches.progress import progress

MULTIPLES = (1.1, 1.2, 1.45, 2.0, 3.0, 6.0)
# Here the budget decides and lasts for seconds; below, the longest definite time is shorter, and
# above that of twice the limit is. A thousandth of reading is worth a hundredth of such a budget.
LASTING_BUDGETS = (1.7, 1.8)
RATING_MULTIPLES = (1.1, 1.2, 1.45, *LASTING_BUDGETS, 2.0, 3.0, 6.0)
TRIALS, QUICK_TRIALS = 6, 1
# Of the breakers' ratings those of which six times is within a current transformer's range.
TRIED_A = tuple(rating for rating in RATINGS_A if rating <= 32)
AMPLE_MA = 125_000
LEAST_CT_MA = 30_000  # a volt of the smallest common one
LIMIT_S, LONGEST_LIMIT_S = 5, 60
DETECTION_MS = 200
# A breaker's lower edge above this has to be undercut by half; below, magnetic tripping is near.
LEADS_BELOW_S = 2.0


@dataclass(frozen=True)
class Watched:
    """Which guard has to speak: that of ``what`` (the rest is ample), in how long at most."""

    what: str
    limit_s: int = LONGEST_LIMIT_S
    multiples: tuple[float, ...] = RATING_MULTIPLES


FEEDER_LIMIT = Watched("feeder limit", LIMIT_S, MULTIPLES)
FEEDER_RATING = Watched("feeder rating")
CIRCUIT_RATING = Watched("circuit rating")
WATCHED = (FEEDER_LIMIT, FEEDER_RATING, CIRCUIT_RATING)


@dataclass(frozen=True)
class Trial:
    """Times from the rise of the load, in ms."""

    contact_ms: float
    detection_ms: float


def measure(options: Options) -> Iterator[Figure]:
    """Figures for each multiple of limit and rating, then detection over all of them."""
    draw = random.Random(options.seed)
    trials = QUICK_TRIALS if options.quick else TRIALS
    cases = [(watched, multiple) for watched in WATCHED for multiple in watched.multiples]
    by_error: list[float] = []
    detections: list[float] = []
    with progress("trip", len(cases) * trials) as advance:
        for watched, multiple in cases:
            done = []
            for _ in range(trials):
                done.append(run_trial(watched, multiple, draw))
                advance()
            of = by_error if multiple in LASTING_BUDGETS else detections
            of += [trial.detection_ms for trial in done]
            yield from figures_of(watched, multiple, done, options)
    yield detection_figure(f"of {len(by_error)} by a budget of seconds", by_error, options)
    yield detection_figure(f"of the other {len(detections)}", detections, options, DETECTION_MS)


def figures_of(
    watched: Watched, multiple: float, trials: list[Trial], options: Options
) -> Iterator[Figure]:
    """The slowest of some trials beside each breaker, whose target is half of the breaker's time;
    and their detection.
    """
    what = f"{watched.what} x {multiple:g}, by its {decided_by(watched, multiple)}"
    slowest_ms = round(max(trial.contact_ms for trial in trials), 1)
    for kind in MAGNETIC:
        breaker_s = earliest_trip_s(kind, multiple)
        must_lead = breaker_s > LEADS_BELOW_S
        yield Figure(
            "trip",
            f"{what}: overload to open contact, slowest of {len(trials)}",
            slowest_ms,
            "ms",
            options.command("trip"),
            round(breaker_s * 500, 1) if must_lead else None,
            f"{kind} breaker of that rating, earliest trip (IEC 60898-1)"
            + ("" if must_lead else "; the breaker leads"),
            round(breaker_s * 1000, 1),
        )
    yield detection_figure(f"at {what}", [trial.detection_ms for trial in trials], options)


def detection_figure(
    of: str, detections_ms: list[float], options: Options, target_ms: float | None = None
) -> Figure:
    """The 95th percentile, late or early."""
    detections_ms = [abs(detection_ms) for detection_ms in detections_ms]
    return Figure(
        "trip",
        f"detection, 95th percentile {of}",
        round(percentile(detections_ms, 0.95), 1),
        "ms",
        options.command("trip"),
        target_ms,
        "longest",
        round(max(detections_ms), 1),
    )


def run_trial(watched: Watched, multiple: float, draw: random.Random) -> Trial:
    """One overload on one board that has just come up. Raises TimeoutError if nothing opens."""
    allowed_ma = 1000 * draw.choice(TRIED_A)
    board = make_board(watched, allowed_ma, draw)
    try:
        return overload(board, watched, allowed_ma, multiple, draw)
    finally:
        board.close()


def overload(
    board: VirtualBoard, watched: Watched, allowed_ma: int, multiple: float, draw: random.Random
) -> Trial:
    """Let a load rise and see when the current watched is no longer too much."""
    circuits = board.plant.circuits
    risen = draw.randrange(4)
    # Between a third and all of what is allowed flows before; the guards have time to be quiet.
    before_a = allowed_ma / 1000 * draw.uniform(0.3, 0.95)
    # Nothing below the useful range of its transformer, which would not be counted.
    shares = [draw.uniform(0.3, 1.0) for _ in circuits]
    loads_a = [before_a * share / sum(shares) for share in shares]
    for index, amps in enumerate(loads_a):
        board.set_load(index, Constant(amps))
    board.power_on()
    board.run_until(lambda: all(c.contact.at(board.now_us) for c in circuits), within_s=30)
    board.run(1.5)
    is_circuit = watched is CIRCUIT_RATING
    others_a = 0.0 if is_circuit else sum(loads_a) - loads_a[risen]
    wait_s = 0.1 + draw.random() * 0.2
    risen_us = board.now_us + wait_s * 1e6
    over_a = allowed_ma / 1000 * multiple - others_a
    board.set_load(risen, Script([(0.0, loads_a[risen]), (wait_s, over_a)]))
    board.run(wait_s)

    def is_kept(t_us: float) -> bool:
        amps = circuits[risen].amps_at(t_us) if is_circuit else board.plant.phase_amps(1, t_us)
        return amps <= allowed_ma / 1000 * (1 + 1e-6)

    board.run_until(lambda: is_kept(board.now_us), within_s=2 * watched.limit_s)
    times_us = phase_current([board.plant], 1, risen_us, board.now_us).times_us
    kept_us = min(t for t in times_us if t > risen_us and is_kept(t))
    contact_ms = (kept_us - risen_us) / 1000
    spent_ms = rule_ms(watched.limit_s, allowed_ma, multiple, rating_ma(watched, allowed_ma))
    return Trial(contact_ms, contact_ms - RELEASE_US / 1000 - spent_ms)


def rating_ma(watched: Watched, allowed_ma: int) -> int:
    """The rating of the guard that has to speak."""
    return AMPLE_MA if watched is FEEDER_LIMIT else allowed_ma


def decided_by(watched: Watched, multiple: float) -> str:
    """Which of a guard's two accounts is spent first."""
    allowed_ma = 1000 * TRIED_A[0]
    both_ms = rule_ms(watched.limit_s, allowed_ma, multiple, rating_ma(watched, allowed_ma))
    time_ms = rule_ms(watched.limit_s, allowed_ma, multiple, AMPLE_MA)
    return "budget" if both_ms < time_ms else "definite time"


def rule_ms(limit_s: int, limit_ma: int, multiple: float, rating: int) -> int:
    """When the node's own rule has spent its budget or definite time, told the truth each ms.

    Raises RuntimeError if that is longer than the definite time.
    """
    guard = node_module("protection").Guard(rating, limit_s)
    current_ma = round(limit_ma * multiple)
    for passed_ms in range(1, 1000 * limit_s + 1):
        if guard.update(current_ma, limit_ma, 1):
            return passed_ms
    raise RuntimeError(f"{current_ma} mA on a limit of {limit_ma} mA: allowed after {limit_s} s")


def make_board(watched: Watched, allowed_ma: int, draw: random.Random) -> VirtualBoard:
    """A board without a coordinator, on which only one guard has anything to say."""
    module = load_board()
    rated_ma = allowed_ma if watched is CIRCUIT_RATING else AMPLE_MA
    limit_ma = AMPLE_MA if watched is CIRCUIT_RATING else allowed_ma
    circuit = {
        "phase": 1,
        "rated_ma": rated_ma,
        "contactor": True,
        "breaking_ma": 8 * rated_ma,  # category AC-3
        "ct_ma_per_v": max(LEAST_CT_MA, 6 * allowed_ma),
        "safe": "on",
        "min_off_s": 0,
    }
    config: dict[str, Any] = {
        "id": "bench",
        "feeder": {
            "rating_ma": [limit_ma if watched is FEEDER_RATING else AMPLE_MA, 0, 0],
            "safe_limit_ma": [limit_ma, 0, 0],
        },
        "circuits": [
            circuit | {"name": f"load {i}", "pin": pin, "channel": i, "priority": 1 + i}
            for i, pin in enumerate(module["relay_pins"])
        ],
        "timing": {"limit_s": watched.limit_s, "boot_delay_s": [0, 0]},
    }
    fitting = Fitting.for_config(
        config, seed=draw.randrange(1 << 20), rate_error=draw.uniform(-0.1, 0.1)
    )
    board = VirtualBoard(fitting, Network(_nobody))
    board.install(board_files(config, {}))
    return board


def _nobody(host: str, port: int) -> Peer:
    raise ConnectionRefusedError(f"{host}:{port}")
