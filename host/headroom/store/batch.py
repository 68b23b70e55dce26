"""Reports that become durable together, in a few statements however many they are."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from headroom.allocation.book import Grant
from headroom.store import boards, figures, journal, leases, maintenance, orders, tables
from headroom.store.boards import BoardRecord, ReceivedReport
from headroom.store.maintenance import MaintenanceOrder
from headroom.store.orders import StoredPlan

# All that answers take in one statement: with a few boards it costs more than its rows.
_KNOWN = (
    select(
        tables.boards,
        *(tables.plans.c[name] for name in ("rev", "body", "holds_until_unix_s", "made_unix_s")),
        tables.maintenance.c.until_unix_s,
    )
    .select_from(tables.boards.outerjoin(tables.plans).outerjoin(tables.maintenance))
    .where(tables.boards.c.id.in_(bindparam("ids", expanding=True)))
)


class Batch:
    """What is known of some boards, read at once; what their reports change, written by `save`.

    Between the two it stands for the store: the second report of a board meets the first.
    """

    def __init__(self, db: Connection, board_ids: Collection[str]) -> None:
        self.db = db
        self.epoch = self.epoch_found = figures.epoch(db)
        self.plans: dict[str, StoredPlan] = {}
        self._in_maintenance: set[str] = set()
        self._records: dict[str, BoardRecord] = {}
        for row in db.execute(_KNOWN, {"ids": list(board_ids)}):
            self._learn(row)
        self._received: list[ReceivedReport] = []
        self._grants: dict[str, tuple[Grant, ...]] = {}

    def record(self, board_id: str) -> BoardRecord | None:
        """What is known of a board, or None."""
        return self._records.get(board_id)

    @property
    def board_ids(self) -> Collection[str]:
        """The boards that the store knows of those asked for."""
        return self._records.keys()

    def last_event(self, board_id: str) -> int:
        """The highest number of an event of the boot that the board's newest report is of."""
        return self._records[board_id].last_event

    def maintenance_order(self, board_id: str) -> MaintenanceOrder | None:
        """A board's order as it is now; the last report may have been the one it was sent to."""
        if board_id not in self._in_maintenance:
            return None
        return maintenance.order_of(self.db, board_id)

    def accept(self, received: ReceivedReport) -> None:
        """Take a report in as its board's newest."""
        self._records[received.board_id] = self._records[received.board_id].after(received)
        self._received.append(received)

    def replace_leases(self, board_id: str, grants: Iterable[Grant]) -> None:
        """Make `grants` the whole of what a board holds."""
        self._grants[board_id] = tuple(grants)

    def raise_epoch(self, now_unix_s: float, above: int) -> None:
        """Take an epoch above every earlier one and above `above`."""
        self.epoch = figures.raise_epoch(self.db, now_unix_s, above)

    def save(self) -> None:
        """Write it all."""
        if self._received:
            changed = [self._records[board] for board in {r.board_id for r in self._received}]
            boards.save(self.db, changed)
            boards.keep(self.db, self._received)
            journal.append(self.db, self._received)
            leases.replace_leases(self.db, self._grants)

    def _learn(self, row: Row[Any]) -> None:
        self._records[row.id] = boards.record_in(row)
        if row.rev is not None:
            self.plans[row.id] = orders.plan_in(row)
        if row.until_unix_s is not None:
            self._in_maintenance.add(row.id)
