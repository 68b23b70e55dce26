"""Accepted reports in the order in which they came, for what is made of them afterwards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, tuple_

from headroom.history.gaps import Boot
from headroom.store.tables import boots, minutes, reports


@dataclass(frozen=True)
class Arrival:
    """A report as stored; ids rise in the order of acceptance."""

    id: int
    board: str
    received_unix_s: int
    body: bytes


def next_arrival_unix_s(db: Connection, after_id: int) -> int | None:
    """When the first report after that one came in; None if there is none."""
    query = select(reports.c.received_unix_s).where(reports.c.id > after_id)
    return db.execute(query.order_by(reports.c.id).limit(1)).scalar()


def last_before(db: Connection, after_id: int, until_unix_s: int) -> int:
    """The last report after that one and before the first that came in at that time or later."""
    later = (
        select(reports.c.id)
        .where(reports.c.id > after_id, reports.c.received_unix_s >= until_unix_s)
        .order_by(reports.c.id)
        .limit(1)
    )
    query = select(func.max(reports.c.id))
    end_id = db.execute(later).scalar()
    if end_id is not None:
        query = query.where(reports.c.id < end_id)
    return db.execute(query).scalar() or after_id


def arrivals(db: Connection, after_id: int, last_id: int, most: int) -> list[Arrival]:
    """The first `most` reports after the one and up to the other."""
    query = (
        select(reports.c.id, reports.c.board, reports.c.received_unix_s, reports.c.body)
        .where(reports.c.id > after_id, reports.c.id <= last_id)
        .order_by(reports.c.id)
        .limit(most)
    )
    return [Arrival(*row) for row in db.execute(query)]


def boot_starts(db: Connection, named: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """When boots began, by board and number; those that are not dated are left out."""
    key = tuple_(boots.c.board, boots.c.boot)
    query = select(boots.c.board, boots.c.boot, boots.c.started_unix_s).where(key.in_(set(named)))
    return {(row.board, row.boot): row.started_unix_s for row in db.execute(query)}


def boots_of(db: Connection, board: str, since_unix_s: int) -> list[Boot]:
    """The dated boots of a board that ran then or later, oldest first."""
    query = select(boots.c.boot, boots.c.started_unix_s, boots.c.reset)
    of_board = query.where(boots.c.board == board).order_by(boots.c.boot)
    found = [Boot(*row) for row in db.execute(of_board)]
    ended = sum(boot.started_unix_s <= since_unix_s for boot in found[1:])
    return found[ended:]


def minute_numbers(db: Connection, board: str, of_boots: Sequence[Boot]) -> dict[int, list[int]]:
    """Which minutes of a board are stored, by boot."""
    first = of_boots[0].number if of_boots else 0
    query = select(minutes.c.boot, minutes.c.minute).where(
        minutes.c.board == board, minutes.c.boot >= first
    )
    found: dict[int, list[int]] = {}
    for boot, minute in db.execute(query.order_by(minutes.c.boot, minutes.c.minute)):
        found.setdefault(boot, []).append(minute)
    return found
