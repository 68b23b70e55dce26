"""Refused reports: all are counted, and logged as far as lines go round.

Whoever reaches the board endpoint can have thousands a second refused; the log of them shall not
fill the disk that the store is on.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog

from headroom.bucket import Bucket
from headroom.coordinator.reception import is_board_id
from headroom.protocol.problems import ProblemError

log = structlog.get_logger()

MOST_LINES_AT_ONCE = 20
_LINES_PER_S = 1.0


class Refusal(NamedTuple):
    """What is counted of refused reports: the board that they name, if it is one; the problem."""

    board: str | None
    problem: str


class Refusals:
    """Since the coordinator's start. Its methods may be called from any thread."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._counts: Counter[Refusal] = Counter()
        self._lines = Bucket.full(MOST_LINES_AT_ONCE, _LINES_PER_S, now_s())
        self._unlogged = 0

    def add(self, board_id: str, is_known: bool, problem: ProblemError) -> None:
        """Count a report that names a board, of this site or not, and log it if there is room."""
        with self._lock:
            # Anybody may name a board that is not there.
            self._counts[Refusal(board_id if is_known else None, problem.kind.slug)] += 1
            if not self._take_line():
                self._unlogged += 1
                return
            unlogged, self._unlogged = self._unlogged, 0
        shown = board_id if is_board_id(board_id) else "(not a board id)"
        log.warning(
            "report refused",
            board=shown,
            problem=problem.kind.slug,
            detail=problem.detail,
            unlogged_before=unlogged,
        )

    def counts(self) -> Mapping[Refusal, int]:
        """How many there were."""
        with self._lock:
            return self._counts.copy()

    def _take_line(self) -> bool:
        now_s = self._now_s()
        left = self._lines.level_at(now_s) - 1
        if left < 0:
            return False
        self._lines = self._lines.holding(left, now_s)
        return True
