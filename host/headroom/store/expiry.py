"""Forgetting what is old, a little at a time, so that no report waits long for its turn."""

from collections.abc import Callable

from sqlalchemy import Connection, Table, delete, func, select, text, tuple_
from sqlalchemy.sql.elements import ColumnElement

from headroom.history.steps import MINUTE_S, QUARTER_S
from headroom.store import figures
from headroom.store.tables import (
    audit,
    boots,
    circuit_steps,
    events,
    feeder_steps,
    minutes,
    reports,
)

# Forgets up to `most` rows from before a time; gives how many.
Forget = Callable[[Connection, int, int], int]
# What PostgreSQL keeps of each row beside its columns.
_ROW_BYTES = 28


def forget_reports(db: Connection, before_unix_s: int, most: int) -> int:
    """Reports that came in before, if the series have them. The newest of all stays: SQLite would
    give its id again.
    """
    newest_id = db.execute(select(func.max(reports.c.id))).scalar() or 0
    last_id = min(newest_id - 1, figures.history_cursor(db))
    old = (reports.c.received_unix_s < before_unix_s) & (reports.c.id <= last_id)
    return _forget(db, reports, old, reports.c.id, most=most)


def forget_events(db: Connection, before_unix_s: int, most: int) -> int:
    """Events that came in before."""
    return _forget(db, events, events.c.received_unix_s < before_unix_s, events.c.id, most=most)


def forget_audit(db: Connection, before_unix_s: int, most: int) -> int:
    """Changes from before."""
    return _forget(db, audit, audit.c.unix_s < before_unix_s, audit.c.id, most=most)


def forget_minutes(db: Connection, before_unix_s: int, most: int) -> int:
    """Journal minutes that began before, and all of boots before theirs, dated or not."""
    key = (minutes.c.board, minutes.c.boot, minutes.c.minute)
    expired = (
        select(boots.c.board, func.max(boots.c.boot).label("boot"))
        .where(boots.c.started_unix_s < before_unix_s)
        .group_by(boots.c.board)
        .subquery()
    )
    began = boots.c.started_unix_s + MINUTE_S * minutes.c.minute
    old = (
        select(*key)
        .join(expired, expired.c.board == minutes.c.board)
        .outerjoin(boots, (boots.c.board == minutes.c.board) & (boots.c.boot == minutes.c.boot))
        .where((minutes.c.boot < expired.c.boot) | (began < before_unix_s))
        .limit(most)
    )
    return db.execute(delete(minutes).where(tuple_(*key).in_(old))).rowcount


def forget_minute_steps(db: Connection, before_unix_s: int, most: int) -> int:
    """Steps of a minute from before."""
    return _forget_steps(db, MINUTE_S, before_unix_s, most)


def forget_quarter_steps(db: Connection, before_unix_s: int, most: int) -> int:
    """Steps of 15 minutes from before."""
    return _forget_steps(db, QUARTER_S, before_unix_s, most)


def live_bytes(db: Connection) -> int:
    """What the rows take, without the room that deleted ones leave for new ones.

    Exact on SQLite; on PostgreSQL an estimate of its statistics, without indexes.
    """
    return _sqlite_bytes(db) if db.dialect.name == "sqlite" else _postgresql_bytes(db)


def _forget_steps(db: Connection, step_s: int, before_unix_s: int, most: int) -> int:
    forgotten = 0
    for table in (circuit_steps, feeder_steps):
        old = (table.c.step_s == step_s) & (table.c.unix_s < before_unix_s)
        forgotten += _forget(db, table, old, *table.primary_key, most=most)
    return forgotten


def _forget(
    db: Connection, table: Table, old: ColumnElement[bool], *key: ColumnElement[int], most: int
) -> int:
    rows = select(*key).where(old).limit(most)
    return db.execute(delete(table).where(tuple_(*key).in_(rows))).rowcount


def _sqlite_bytes(db: Connection) -> int:
    pages, free, size = (
        db.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _postgresql_bytes(db: Connection) -> int:
    query = text(
        """
        SELECT coalesce(sum(greatest(reltuples, 0) * (:row_bytes + width)), 0)
        FROM pg_class
        JOIN (
            SELECT tablename, sum(avg_width) AS width FROM pg_stats
            WHERE schemaname = current_schema() GROUP BY tablename
        ) AS widths ON relname = tablename
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
        """
    )
    return int(db.execute(query, {"row_bytes": _ROW_BYTES}).scalar_one())
