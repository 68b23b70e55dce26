"""Events and journal minutes, each stored once under its own name."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from headroom.protocol.messages import BoardEvent, Minute
from headroom.store import rows
from headroom.store.boards import ReceivedReport
from headroom.store.tables import boots, events, minutes


@dataclass(frozen=True)
class StoredEvent:
    """An event with its place in the store and the time it happened, in Unix seconds."""

    id: int
    board: str
    boot: int
    event: BoardEvent
    happened_unix_s: int


@dataclass(frozen=True)
class StoredMinute:
    """A journal minute with the Unix time it began; None until its boot has been dated."""

    minute: Minute
    began_unix_s: int | None


def append(db: Connection, received: Collection[ReceivedReport]) -> None:
    """Store reports' events and minutes; those already there stay as they are."""
    happened = [_event_row(one, event) for one in received for event in one.report.events]
    rows.add_new(db, events, happened)
    measured = [(one.board_id, minute) for one in received for minute in one.report.minutes]
    rows.add_new(db, minutes, [{"board": board, **m._asdict()} for board, m in measured])


def events_after(db: Connection, after_id: int, limit: int) -> list[StoredEvent]:
    """Events that came in after the one with `after_id`, oldest first."""
    query = _EVENTS.where(events.c.id > after_id).order_by(events.c.id).limit(limit)
    return [_event(row) for row in db.execute(query)]


def newest_events(db: Connection, limit: int) -> list[StoredEvent]:
    """The last events to come in, newest first."""
    query = _EVENTS.order_by(events.c.id.desc()).limit(limit)
    return [_event(row) for row in db.execute(query)]


def minutes_of(
    db: Connection, board_id: str, after: tuple[int, int], limit: int
) -> list[StoredMinute]:
    """Minutes of a board after the one named (boot, minute), in their order."""
    began = boots.c.started_unix_s + 60 * minutes.c.minute
    name = (minutes.c.boot > after[0]) | (
        (minutes.c.boot == after[0]) & (minutes.c.minute > after[1])
    )
    query = (
        select(*(minutes.c[field] for field in Minute._fields), began)
        .select_from(minutes.outerjoin(boots, _same_boot(minutes)))
        .where(minutes.c.board == board_id, name)
        .order_by(minutes.c.boot, minutes.c.minute)
        .limit(limit)
    )
    return [StoredMinute(Minute(*row[:-1]), row[-1]) for row in db.execute(query)]


def _event_row(received: ReceivedReport, event: BoardEvent) -> dict[str, object]:
    return {
        "board": received.board_id,
        "boot": received.report.boot,
        "received_unix_s": received.unix_s,
        **event._asdict(),
    }


def _same_boot(table: Table) -> ColumnElement[bool]:
    return (boots.c.board == table.c.board) & (boots.c.boot == table.c.boot)


_EVENTS = select(events, (boots.c.started_unix_s + events.c.up_s).label("happened_unix_s")).join(
    boots, _same_boot(events)
)


def _event(row: Row[Any]) -> StoredEvent:
    event = BoardEvent(row.n, row.up_s, row.kind, row.circuit, row.value)
    return StoredEvent(row.id, row.board, row.boot, event, row.happened_unix_s)
