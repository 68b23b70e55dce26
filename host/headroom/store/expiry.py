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
    uncontrolled_steps,
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
    end_id = min(newest_id, figures.history_cursor(db) + 1)
    return _forget_first(db, reports, reports.c.received_unix_s >= before_unix_s, most, end_id)


def forget_events(db: Connection, before_unix_s: int, most: int) -> int:
    """Events that came in before."""
    return _forget_first(db, events, events.c.received_unix_s >= before_unix_s, most)


def forget_audit(db: Connection, before_unix_s: int, most: int) -> int:
    """Changes from before."""
    return _forget_first(db, audit, audit.c.unix_s >= before_unix_s, most)


def forget_minutes(db: Connection, before_unix_s: int, most: int) -> int:
    """Journal minutes that began before, and all of boots before theirs, dated or not."""
    begun = select(boots.c.board, func.max(boots.c.boot)).group_by(boots.c.board)
    begun = begun.where(boots.c.started_unix_s < before_unix_s)
    newest = select(boots).where(tuple_(boots.c.board, boots.c.boot).in_(begun))
    forgotten = 0
    for boot in db.execute(newest).all():
        minute = (before_unix_s - boot.started_unix_s + MINUTE_S - 1) // MINUTE_S
        old = (minutes.c.boot < boot.boot) | (
            (minutes.c.boot == boot.boot) & (minutes.c.minute < minute)
        )
        of_board = (minutes.c.board == boot.board) & old
        key = (minutes.c.board, minutes.c.boot, minutes.c.minute)
        forgotten += _forget(db, minutes, of_board, *key, most=most - forgotten)
        if forgotten == most:
            break
    return forgotten


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
    for table in (circuit_steps, feeder_steps, uncontrolled_steps):
        old = (table.c.step_s == step_s) & (table.c.unix_s < before_unix_s)
        forgotten += _forget(db, table, old, *table.primary_key, most=most)
    return forgotten


def _forget_first(
    db: Connection, table: Table, is_kept: ColumnElement[bool], most: int, end_id: int = 1 << 62
) -> int:
    """Rows before the first that is kept, by their ids: they come in the order of their age."""
    first_kept = select(table.c.id).where(is_kept).order_by(table.c.id).limit(1)
    kept_id = db.execute(first_kept).scalar()
    end_id = end_id if kept_id is None else min(end_id, kept_id)
    return _forget(db, table, table.c.id < end_id, table.c.id, most=most)


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
