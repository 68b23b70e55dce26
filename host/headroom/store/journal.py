"""Events and journal minutes, each stored once under its own name."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from headroom.protocol.messages import BoardEvent, Minute
from headroom.store import rows
from headroom.store.boards import ReceivedReport
from headroom.store.tables import boots, events, minutes


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


def minutes_of(
    db: Connection, board_id: str, after: tuple[int, int], limit: int
) -> list[StoredMinute]:
    """Minutes of a board after the one named (boot, minute), in their order."""
    same_boot = (boots.c.board == minutes.c.board) & (boots.c.boot == minutes.c.boot)
    began = boots.c.started_unix_s + 60 * minutes.c.minute
    name = (minutes.c.boot > after[0]) | (
        (minutes.c.boot == after[0]) & (minutes.c.minute > after[1])
    )
    query = (
        select(*(minutes.c[field] for field in Minute._fields), began)
        .select_from(minutes.outerjoin(boots, same_boot))
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
