"""Board keys, and the newest accepted report of each board."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from headroom.protocol.messages import Report
from headroom.store import rows
from headroom.store.tables import boards, boots, reports

# A little over a day of a board that reports every 10 s; what is older lives on as minutes.
KEPT_REPORTS = 10_000


@dataclass(frozen=True)
class BoardRecord:
    """A board's key and the last report accepted from it; (0, 0) and None before the first."""

    id: str
    key: bytes
    last_pair: tuple[int, int]
    last_body: bytes | None
    received_unix_s: int | None
    reports: int


@dataclass(frozen=True)
class StoredReport:
    """An accepted report as it came; ids rise in the order of acceptance."""

    id: int
    received_unix_s: int
    body: bytes


def put_key(db: Connection, board_id: str, key: bytes) -> None:
    """Register a board, or give a known one another key."""
    rows.put(db, boards, {"id": board_id, "key": key})


def record(db: Connection, board_id: str) -> BoardRecord | None:
    """What is known of one board, or None."""
    row = db.execute(select(boards).where(boards.c.id == board_id)).first()
    return _record(row) if row else None


def records(db: Connection) -> Iterator[BoardRecord]:
    """Every registered board by id."""
    return map(_record, db.execute(select(boards).order_by(boards.c.id)))


def accept(db: Connection, board_id: str, report: Report, body: bytes, now_unix_s: int) -> None:
    """Store a report as the board's newest, and when its boot began if that is new."""
    newest = {
        "last_boot": report.boot,
        "last_seq": report.seq,
        "last_body": body,
        "received_unix_s": now_unix_s,
        "reports": boards.c.reports + 1,
    }
    db.execute(update(boards).where(boards.c.id == board_id).values(newest))
    row = insert(reports).values(
        board=board_id,
        boot=report.boot,
        seq=report.seq,
        received_unix_s=now_unix_s,
        body=body,
    )
    db.execute(row)
    _forget_old_reports(db, board_id)
    boot = {
        "board": board_id,
        "boot": report.boot,
        "started_unix_s": now_unix_s - report.up_s,
        "reset": report.reset,
        "fw": report.fw,
    }
    rows.add_new(db, boots, [boot])


def reports_before(db: Connection, board_id: str, before: int, limit: int) -> list[StoredReport]:
    """Reports of a board that were accepted before the one with this id, newest first."""
    query = (
        select(reports.c.id, reports.c.received_unix_s, reports.c.body)
        .where(reports.c.board == board_id, reports.c.id < before)
        .order_by(reports.c.id.desc())
        .limit(limit)
    )
    return [StoredReport(*row) for row in db.execute(query)]


def _forget_old_reports(db: Connection, board_id: str) -> None:
    of_board = reports.c.board == board_id
    oldest_kept = select(reports.c.id).where(of_board).order_by(reports.c.id.desc())
    limit = oldest_kept.offset(KEPT_REPORTS - 1).limit(1).scalar_subquery()
    db.execute(delete(reports).where(of_board, reports.c.id < limit))


def _record(row: Row[Any]) -> BoardRecord:
    return BoardRecord(
        id=row.id,
        key=row.key,
        last_pair=(row.last_boot, row.last_seq),
        last_body=row.last_body,
        received_unix_s=row.received_unix_s,
        reports=row.reports,
    )
