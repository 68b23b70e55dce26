"""The newest report of each board, and how old it is."""

from dataclasses import dataclass

from headroom.coordinator.clock import Clock
from headroom.coordinator.configured import Configured
from headroom.protocol.messages import Report
from headroom.site import Board
from headroom.store.boards import BoardRecord, read_stored

# One lost report is nothing, three in a row are an outage.
STALE_INTERVALS = 3


@dataclass(frozen=True)
class LiveBoard:
    """The newest report accepted from a board, of which configuration, and when on both clocks."""

    report: Report
    board: Board
    received_s: float
    received_unix_s: int

    def age_s(self, now_s: float) -> float:
        """Age of the report on the monotonic clock."""
        return max(0.0, now_s - self.received_s)

    def is_stale(self, board: Board, now_s: float) -> bool:
        """Whether the values are too old to be taken for the present."""
        return self.age_s(now_s) > STALE_INTERVALS * board.report_s


def restore(record: BoardRecord, configured: Configured, clock: Clock) -> LiveBoard | None:
    """The newest report from before a restart, as old as the wall clock says.

    None if there is none that can be read, or the board had circuits that it has no more.
    """
    if record.last_body is None or record.received_unix_s is None:
        return None
    report = read_stored(record.last_body)
    if report is None:
        return None
    age_s = max(0.0, clock.unix_s() - record.received_unix_s)
    board = configured.board_of(record.id, len(report.circuits))
    if board is None:
        return None
    return LiveBoard(report, board, clock.monotonic_s() - age_s, record.received_unix_s)
