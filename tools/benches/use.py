"""Bench `use`: how much of a rating leases put to use, beside whoever knows everything at once.

Each site is drawn by its seed: eight boards on a main with two risers, whose loads together want
more than the main carries, and whose safe limits sum to a part of its rating, spread at random,
so that some have more than they need. All loads have one priority, for whoever prefers some uses
less. The coordinator's leasing and the firmware's planning,
protection and shedding are the real ones. Boards report every 10 s; nothing is lost.

The reference serves whole loads and keeps safe limits, as leases do. It needs nothing to spare
where leases let what runs vary by 4 %, lets nobody have his turn, and changes nothing ever; what
each of that costs is told too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headroom.allocation.board_rule import goes_on_ma
from headroom.coordinator.leasing import Leasing
from headroom.site import Site, parse_site

from tools.benches.best_use import UNIT_MA, best_use_ma
from tools.benches.figure import Figure, Options
from tools.benches.progress import progress
from tools.benches.steady_board import STEP_MS, SteadyBoard
from tools.lease_histories.board import SentAnswer

SAFE_PERCENT = (0, 25, 50, 75)
MAIN_MA, RISER_MA = 63_000, 40_000
BOARDS = 8
REPORT_S = 10
LEASE_S = 30
# Until the first turns are due, and then as long as loads wait for them, three times over.
SETTLES_S, MEASURED_S = 1500, 5400
QUICK_MEASURED_S = 900
# At least 0.9 of what whoever knows everything puts to use.
MOST_UNUSED = 0.1


@dataclass(frozen=True)
class Result:
    """Means of steady state, and the most that could have been, in mA.

    `served_ma`: of the loads that leases were meant for; `spared_ma`: of the best there is with as
    much to spare as they leave.
    """

    used_ma: float
    served_ma: float
    spared_ma: float
    best_ma: int


def measure(options: Options) -> Iterator[Figure]:
    """For each part of the rating that safe limits take."""
    sites, measured_s = (1, QUICK_MEASURED_S) if options.quick else (4, MEASURED_S)
    command = options.command("use")
    with progress("use", sites * len(SAFE_PERCENT)) as advance:
        for percent in SAFE_PERCENT:
            results = []
            for number in range(sites):
                results.append(run_site(percent, options.seed * 1000 + number, measured_s))
                advance()
            yield from figures(percent, results, command)


def figures(percent: int, results: list[Result], command: str) -> Iterator[Figure]:
    """The share used, and what is left of what could have been."""
    used_ma = sum(result.used_ma for result in results)
    best_ma = sum(result.best_ma for result in results)
    what = f"safe limits {percent} % of the rating"
    total_ma = MAIN_MA * len(results)
    yield Figure(
        "use",
        f"{what}: put to use of it in steady state, mean of {len(results)} sites",
        round(used_ma / total_ma, 3),
        "of the rating",
        command,
        reference="knowing everything at once",
        reference_value=round(best_ma / total_ma, 3),
    )
    yield from _losses(f"{what}: left unused of that", results, command)


def _losses(what: str, results: list[Result], command: str) -> Iterator[Figure]:
    best_ma = sum(result.best_ma for result in results)
    lost_ma = {
        "": (MOST_UNUSED, lambda one: one.best_ma - one.used_ma),
        ", to spare for loads that vary": (None, lambda one: one.best_ma - one.spared_ma),
        ", packed for turns and few changes": (None, lambda one: one.spared_ma - one.served_ma),
        ", while loads change": (None, lambda one: one.served_ma - one.used_ma),
    }
    for cause, (target, lost) in lost_ma.items():
        share = round(sum(map(lost, results)) / best_ma, 3)
        yield Figure("use", what + cause, share, "of 1", command, target)


def run_site(percent: int, seed: int, measured_s: int) -> Result:
    """One site from its start to the end of the measurement."""
    site, loads_ma = drawn_site(percent, random.Random(seed))
    boards = [
        SteadyBoard(board, (MAIN_MA, 0, 0), loads_ma[board.id], seed * 100 + number)
        for number, board in enumerate(site.boards)
    ]
    used_ma, served_ma = _Run(site, boards).means_ma(measured_s)
    need_ma = {board: list(map(goes_on_ma, loads)) for board, loads in loads_ma.items()}
    spared_ma = best_use_ma(site.tree(), need_ma) / goes_on_ma(1000) * 1000
    return Result(used_ma, served_ma, spared_ma, best_use_ma(site.tree(), loads_ma))


def drawn_site(percent: int, rng: random.Random) -> tuple[Site, dict[str, list[int]]]:
    """A site and the loads behind its circuits, in mA."""
    shares = [rng.random() for _ in range(BOARDS)]
    # A riser must carry the safe limits behind it too.
    half = BOARDS // 2
    safe_ma = [
        _in_units(share / sum(shares) * MAIN_MA * percent / 100 - UNIT_MA) for share in shares
    ]
    if max(sum(safe_ma[:half]), sum(safe_ma[half:])) > RISER_MA:
        return drawn_site(percent, rng)
    loads = {
        f"b{number}": [
            _in_units(rng.uniform(1000, 9000)) if rng.random() < 0.75 else 0 for _ in range(4)
        ]
        for number in range(BOARDS)
    }
    if sum(map(sum, loads.values())) < MAIN_MA * 1.25:
        return drawn_site(percent, rng)
    boards = [_board(number, safe_ma[number]) for number in range(BOARDS)]
    feeders = [
        {"id": "main", "rating_ma": {"L1": MAIN_MA}},
        {"id": "riser-0", "parent": "main", "rating_ma": {"L1": RISER_MA}},
        {"id": "riser-1", "parent": "main", "rating_ma": {"L1": RISER_MA}},
    ]
    return parse_site({"site": {"name": "use"}, "feeders": feeders, "boards": boards}), loads


def _board(number: int, safe_ma: int) -> dict[str, Any]:
    return {
        "id": f"b{number}",
        "feeder": f"riser-{number * 2 // BOARDS}",
        "safe_limit_ma": {"L1": safe_ma},
        "circuits": [
            {
                "name": f"load {circuit}",
                "phase": "L1",
                "rated_ma": 10_000,
                "priority": 4,
                "kind": "deferrable",
                "safe": "keep",
            }
            for circuit in range(4)
        ],
    }


def _in_units(ma: float) -> int:
    return max(0, int(ma) // UNIT_MA * UNIT_MA)


class _Run:
    """One site in simulated time, which is the coordinator's clock too."""

    def __init__(self, site: Site, boards: list[SteadyBoard]) -> None:
        self._boards = boards
        self._now_s = 0.0
        self._leasing = Leasing(site, self, LEASE_S, epoch=1, stored=[])

    def monotonic_s(self) -> float:
        """See headroom.coordinator.clock.Clock."""
        return self._now_s

    def unix_s(self) -> float:
        """See headroom.coordinator.clock.Clock."""
        return 1_800_000_000 + self._now_s

    def means_ma(self, measured_s: int) -> tuple[float, float]:
        """Current of all boards, and what it would be if all that is served ran, once settled."""
        steps = (SETTLES_S + measured_s) * 1000 // STEP_MS
        first = SETTLES_S * 1000 // STEP_MS
        used_ma = served_ma = 0
        for step in range(steps):
            self._step(step)
            if step >= first:
                used_ma += sum(sum(board.current_ma) for board in self._boards)
                served_ma += self._served_ma()
        return used_ma / (steps - first), served_ma / (steps - first)

    def _step(self, step: int) -> None:
        self._now_s = step * STEP_MS / 1000
        for number, board in enumerate(self._boards):
            board.step()
            if (step * STEP_MS // 1000 + number) % REPORT_S == 0 and step % 2 == 0:
                self._exchange(board)

    def _served_ma(self) -> int:
        loads_ma = {board.board.id: board.loads_ma for board in self._boards}
        return sum(loads_ma[board][circuit] for board, circuit in self._leasing.served)

    def _exchange(self, board: SteadyBoard) -> None:
        report = board.report()
        grant = self._leasing.lease(board.board, report)
        now = int(self.unix_s())
        board.receive(SentAnswer(board.board.id, report.pair, 1, grant.lease_ma, LEASE_S, now))
