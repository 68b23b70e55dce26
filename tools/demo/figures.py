"""What a run of the demo amounted to, measured from outside the boards.

Currents and contacts are the plant's own; reports are compared as they crossed the network with
what lies in the coordinator's database afterwards.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from boards.virtual.board import VirtualBoard
from boards.virtual.network import Exchange
from boards.virtual.plant import Steps, longest_above, phase_current

DEFINITE_MS = 5000  # the protection's definite time for any excess, and from twice the limit on:
DEFINITE_TWICE_MS = 1000
# A current counts as above a limit from 1 % on: the boards' sensors know no better.
SENSOR_TOLERANCE = 1.01
LEAST_REPORTS_PER_S = 0.6  # of the one a second that each board sends, start and end included
SEEN_WITHIN_S = 55.0  # the measured loads are over the limit often enough to see a shed by then
COMPARED_REPORTS = 5000  # of a board, an hour and a half; whole reports are kept for two days
# An answer is obeyed in the tick after the one that read it, and a lease runs in whole seconds.
LIMIT_TAKES_EFFECT_US = 1_100_000


@dataclass(frozen=True)
class Figures:
    """The content of build/demo.json. Times in ms of real time, excesses from 1 % on."""

    boards: int
    seconds: float
    reports_stored: int
    reports_lost: int
    reports_of_the_quietest_board: int
    plans_applied: int
    sheds: int
    restores: int
    limit_a: float
    highest_a: float
    longest_above_limit_ms: float
    longest_board_above_its_lease_ms: float
    longest_board_above_twice_its_lease_ms: float
    protection_allows_ms: int
    protection_allows_at_twice_ms: int
    most_behind_real_time_ms: float

    @property
    def failures(self) -> list[str]:
        """What must not be, in words; empty if all is well."""
        found = []
        if self.reports_lost:
            found.append(f"{self.reports_lost} reports were acknowledged and are not stored")
        if self.reports_of_the_quietest_board < self.seconds * LEAST_REPORTS_PER_S:
            found.append(f"a board got only {self.reports_of_the_quietest_board} reports through")
        if self.plans_applied < self.boards:
            found.append(f"{self.plans_applied} plans were applied by {self.boards} boards")
        if self.seconds >= SEEN_WITHIN_S and not (self.sheds and self.restores):
            found.append(f"{self.sheds} sheds and {self.restores} restores: both should be seen")
        for what, longest_ms, allowed_ms in self._excesses():
            if longest_ms > allowed_ms:
                found.append(f"{what} for {longest_ms:.0f} ms, {allowed_ms} are allowed")
        return found

    def _excesses(self) -> tuple[tuple[str, float, int], ...]:
        return (
            ("the feeder was above its limit", self.longest_above_limit_ms, DEFINITE_MS),
            ("a board was above its lease", self.longest_board_above_its_lease_ms, DEFINITE_MS),
            (
                "a board was above twice its lease",
                self.longest_board_above_twice_its_lease_ms,
                DEFINITE_TWICE_MS,
            ),
        )

    def as_json(self) -> str:
        """The figures and the verdict."""
        return json.dumps({**asdict(self), "failures": self.failures}, indent=2) + "\n"


def measure(
    boards: Mapping[str, VirtualBoard],
    safe_limits_a: Mapping[str, float],
    limit_a: float,
    database: Path,
    most_behind_s: float,
) -> Figures:
    """Measure a run that has ended. All boards share one phase and one clock."""
    end_us = min(board.now_us for board in boards.values())
    feeder_a = phase_current([b.plant for b in boards.values()], 1, 0.0, end_us)
    limits = {
        name: enforced_limit(board.network.exchanges, safe_limits_a[name])
        for name, board in boards.items()
    }
    stored = stored_reports(database)
    got_through = acknowledged(boards)
    events = stored_events(database)
    return Figures(
        boards=len(boards),
        seconds=round(end_us / 1e6, 1),
        reports_stored=len(stored),
        reports_lost=len(got_through - stored),
        reports_of_the_quietest_board=min(
            sum(board == name for board, _, _ in got_through) for name in boards
        ),
        plans_applied=events.count("plan"),
        sheds=events.count("shed"),
        restores=events.count("restore"),
        limit_a=limit_a,
        highest_a=round(max(feeder_a.values), 1),
        longest_above_limit_ms=round(
            longest_above(feeder_a, constant(limit_a * SENSOR_TOLERANCE), end_us), 1
        ),
        longest_board_above_its_lease_ms=longest_of_boards(boards, limits, 1, end_us),
        longest_board_above_twice_its_lease_ms=longest_of_boards(boards, limits, 2, end_us),
        protection_allows_ms=DEFINITE_MS,
        protection_allows_at_twice_ms=DEFINITE_TWICE_MS,
        most_behind_real_time_ms=round(most_behind_s * 1000, 1),
    )


def longest_of_boards(
    boards: Mapping[str, VirtualBoard], limits: Mapping[str, Steps], multiple: int, end_us: float
) -> float:
    """The longest time, in ms, that any board was above a multiple of the limit it had to keep."""
    longest = 0.0
    for name, board in boards.items():
        current = phase_current([board.plant], 1, 0.0, end_us)
        limit = Steps(
            limits[name].times_us, [a * multiple * SENSOR_TOLERANCE for a in limits[name].values]
        )
        longest = max(longest, longest_above(current, limit, end_us))
    return round(longest, 1)


def constant(value: float) -> Steps:
    """Steps that have none."""
    return Steps([-math.inf], [value])


def enforced_limit(exchanges: Sequence[Exchange] | Any, safe_limit_a: float) -> Steps:
    """The limit that a board had to keep on L1, from the answers that reached it."""
    limit = constant(safe_limit_a)
    for exchange in exchanges:
        answer = answer_of(exchange)
        if answer is not None:
            limit.set(exchange.at_us + LIMIT_TAKES_EFFECT_US, answer["lease_ma"][0] / 1000)
            limit.set(exchange.at_us + answer["lease_s"] * 1e6, safe_limit_a)
    return limit


def answer_of(exchange: Exchange) -> dict[str, Any] | None:
    """The body of an answer that was delivered and accepted the report."""
    if not exchange.delivered or not exchange.response.startswith(b"HTTP/1.1 200"):
        return None
    body: dict[str, Any] = json.loads(exchange.response.partition(b"\r\n\r\n")[2])
    return body


def acknowledged(boards: Mapping[str, VirtualBoard]) -> set[tuple[str, int, int]]:
    """(board, boot, seq) of the reports whose acknowledgement reached its board.

    Only the newest: the coordinator does not keep reports whole for ever.
    """
    answers = [
        (name, answer_of(exchange))
        for name, board in boards.items()
        for exchange in list(board.network.exchanges)[-COMPARED_REPORTS:]
    ]
    return {(name, a["boot"], a["seq"]) for name, a in answers if a is not None}


def stored_reports(database: Path) -> set[tuple[str, int, int]]:
    """(board, boot, seq) of every report in the coordinator's database."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        return set(db.execute("SELECT board, boot, seq FROM reports"))


def stored_events(database: Path) -> list[str]:
    """The kinds of all stored events."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        return [kind for (kind,) in db.execute("SELECT kind FROM events")]
