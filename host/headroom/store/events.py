"""Events of boards, read a page at a time. Ids rise in the order in which events came in."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from headroom.protocol.messages import BoardEvent
from headroom.store.tables import boots, events


@dataclass(frozen=True)
class StoredEvent:
    """An event with its place in the store and the time it happened, in Unix seconds."""

    id: int
    board: str
    boot: int
    event: BoardEvent
    happened_unix_s: int


@dataclass(frozen=True)
class Wanted:
    """Which events; None = whatever. Of times, those from `start_unix_s` up to before the end."""

    board: str | None = None
    circuit: int | None = None
    kind: str | None = None
    start_unix_s: int | None = None
    end_unix_s: int | None = None


EVERY = Wanted()


def events_after(
    db: Connection, after_id: int, limit: int, wanted: Wanted = EVERY
) -> list[StoredEvent]:
    """Events that came in after the one with `after_id`, oldest first."""
    query = _wanted(wanted).where(events.c.id > after_id).order_by(events.c.id).limit(limit)
    return [_event(row) for row in db.execute(query)]


def events_before(
    db: Connection, before_id: int, limit: int, wanted: Wanted = EVERY
) -> list[StoredEvent]:
    """Events that came in before the one with `before_id`, newest first."""
    query = _wanted(wanted).where(events.c.id < before_id).order_by(events.c.id.desc())
    return [_event(row) for row in db.execute(query.limit(limit))]


def newest_events(db: Connection, limit: int) -> list[StoredEvent]:
    """The last events to come in, newest first."""
    query = _EVENTS.order_by(events.c.id.desc()).limit(limit)
    return [_event(row) for row in db.execute(query)]


_HAPPENED = boots.c.started_unix_s + events.c.up_s
_EVENTS = select(events, _HAPPENED.label("happened_unix_s")).join(
    boots, (boots.c.board == events.c.board) & (boots.c.boot == events.c.boot)
)


def _wanted(wanted: Wanted) -> Select[Any]:
    query = _EVENTS
    if wanted.board is not None:
        query = query.where(events.c.board == wanted.board)
    if wanted.circuit is not None:
        query = query.where(events.c.circuit == wanted.circuit)
    if wanted.kind is not None:
        query = query.where(events.c.kind == wanted.kind)
    if wanted.start_unix_s is not None:
        query = query.where(wanted.start_unix_s <= _HAPPENED)
    if wanted.end_unix_s is not None:
        query = query.where(wanted.end_unix_s > _HAPPENED)
    return query


def _event(row: Row[Any]) -> StoredEvent:
    event = BoardEvent(row.n, row.up_s, row.kind, row.circuit, row.value)
    return StoredEvent(row.id, row.board, row.boot, event, row.happened_unix_s)
