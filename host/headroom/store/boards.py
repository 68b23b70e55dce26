"""Board keys, and the newest accepted report of each board."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, func, select

from headroom.protocol.messages import MalformedMessageError, Report
from headroom.store import audit, outdated_boards, rows
from headroom.store.tables import boards, boots, reports


@dataclass(frozen=True)
class BoardRecord:
    """A board's key and the last report accepted from it; (0, 0) and None before the first.

    `last_event` is the highest number of a stored event of that report's boot, `host` the address
    that the report came from.
    """

    id: str
    key: bytes
    last_pair: tuple[int, int]
    last_body: bytes | None
    last_event: int
    received_unix_s: int | None
    reports: int
    host: str | None

    def after(self, received: "ReceivedReport") -> "BoardRecord":
        """The record once that report is accepted."""
        report = received.report
        last_event = self.last_event if report.boot == self.last_pair[0] else 0
        return replace(
            self,
            last_pair=report.pair,
            last_body=received.body,
            last_event=max([last_event, *(event.n for event in report.events)]),
            received_unix_s=received.unix_s,
            reports=self.reports + 1,
            host=received.host,
        )


@dataclass(frozen=True)
class ReceivedReport:
    """A report that was accepted, when it came, and from which address if that is known."""

    board_id: str
    report: Report
    body: bytes
    unix_s: int
    is_first_of_boot: bool
    host: str | None


@dataclass(frozen=True)
class StoredReport:
    """An accepted report as it came; ids rise in the order of acceptance."""

    id: int
    received_unix_s: int
    body: bytes


def put_key(db: Connection, board_id: str, key: bytes) -> None:
    """Register a board, or give a known one another key."""
    with audit.recorded(db, boards, "key", id=board_id):
        rows.put(db, boards, {"id": board_id, "key": key})
    outdated_boards.note_registered(db, board_id)


def record(db: Connection, board_id: str) -> BoardRecord | None:
    """What is known of one board, or None."""
    row = db.execute(select(boards).where(boards.c.id == board_id)).first()
    return record_in(row) if row else None


def records(db: Connection) -> Iterator[BoardRecord]:
    """Every registered board by id."""
    return map(record_in, db.execute(select(boards).order_by(boards.c.id)))


def records_of(db: Connection, board_ids: Collection[str]) -> dict[str, BoardRecord]:
    """What is known of some boards, by id; those that are not registered are left out."""
    query = select(boards).where(boards.c.id.in_(board_ids))
    return {row.id: record_in(row) for row in db.execute(query)}


def newest_received_unix_s(db: Connection) -> int | None:
    """When the newest report of all came; None before the first."""
    found: int | None = db.execute(select(func.max(boards.c.received_unix_s))).scalar()
    return found


def reports_before(db: Connection, board_id: str, before: int, limit: int) -> list[StoredReport]:
    """Reports of a board that were accepted before the one with this id, newest first."""
    query = (
        select(reports.c.id, reports.c.received_unix_s, reports.c.body)
        .where(reports.c.board == board_id, reports.c.id < before)
        .order_by(reports.c.id.desc())
        .limit(limit)
    )
    return [StoredReport(*row) for row in db.execute(query)]


def read_stored(body: bytes) -> Report | None:
    """A report as stored; None if an earlier release took it in a form that is refused now."""
    try:
        return Report.decode(body)
    except MalformedMessageError:
        return None


def save(db: Connection, changed: Collection[BoardRecord]) -> None:
    """Store what became of some boards' records."""
    rows.change(db, boards, [_newest(record) for record in changed])


def keep(db: Connection, received: Collection[ReceivedReport]) -> None:
    """Store reports as they came, and when the boots began of which there was none before."""
    rows.add(db, reports, [_report_row(one) for one in received])
    rows.add_new(db, boots, [_boot_row(one) for one in received if one.is_first_of_boot])


def _newest(record: BoardRecord) -> dict[str, object]:
    boot, seq = record.last_pair
    return {
        "id": record.id,
        "last_boot": boot,
        "last_seq": seq,
        "last_body": record.last_body,
        "last_event": record.last_event,
        "received_unix_s": record.received_unix_s,
        "reports": record.reports,
        "host": record.host,
    }


def _report_row(received: ReceivedReport) -> dict[str, object]:
    return {
        "board": received.board_id,
        "boot": received.report.boot,
        "seq": received.report.seq,
        "received_unix_s": received.unix_s,
        "body": received.body,
    }


def _boot_row(received: ReceivedReport) -> dict[str, object]:
    report = received.report
    return {
        "board": received.board_id,
        "boot": report.boot,
        "started_unix_s": received.unix_s - report.up_s,
        "reset": report.reset,
        "fw": report.fw,
    }


def record_in(row: Row[Any]) -> BoardRecord:
    """The record in a row that has all columns of its table."""
    return BoardRecord(
        id=row.id,
        key=row.key,
        last_pair=(row.last_boot, row.last_seq),
        last_body=row.last_body,
        last_event=row.last_event,
        received_unix_s=row.received_unix_s,
        reports=row.reports,
        host=row.host,
    )
