"""Inserts that heed rows which are there already, the same on both databases."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def add_new(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one that is there already, by whatever is unique, stays as it is."""
    if rows:
        db.execute(_insert(db, table).on_conflict_do_nothing(), rows)


def put(db: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Insert rows of the same columns, or give those with their primary keys the other values."""
    if not rows:
        return
    statement = _insert(db, table)
    key = [column.name for column in table.primary_key]
    others = {name: statement.excluded[name] for name in rows[0] if name not in key}
    db.execute(statement.on_conflict_do_update(index_elements=key, set_=others), rows)


def _insert(db: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Both databases have the clause, SQLAlchemy an insert of its own for each."""
    return sqlite.insert(table) if db.dialect.name == "sqlite" else postgresql.insert(table)
