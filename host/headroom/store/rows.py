"""Many rows at once, and inserts that heed rows which are there already, on both databases.

Rows are mappings with the same keys. SQLite runs a statement once for each of them in no time;
PostgreSQL gets them in one statement, as an array for each column.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[Mapping[str, Any]]
_Names = tuple[str, ...]


def add(db: Connection, table: Table, rows: Rows) -> None:
    """Insert rows, in their order."""
    if not rows:
        return
    if _is_sqlite(db):
        db.execute(insert(table), rows)
    else:
        db.execute(_adding(table, tuple(rows[0])), _columns(rows))


def add_new(db: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; one that is there already, by whatever is unique, stays as it is."""
    if not rows:
        return
    if _is_sqlite(db):
        db.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)
    else:
        db.execute(_adding_new(table, tuple(rows[0])), _columns(rows))


def change(db: Connection, table: Table, rows: Rows) -> None:
    """Give the rows with these primary keys the other values."""
    if not rows:
        return
    names = tuple(rows[0])
    if _is_sqlite(db):
        given = [{_given(name): value for name, value in row.items()} for row in rows]
        db.execute(_changing_one(table, names), given)
    else:
        db.execute(_changing(table, names), _columns(rows))


def put(db: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Insert rows, or give those with their primary keys the other values; no key comes twice."""
    if not rows:
        return
    if _is_sqlite(db):
        db.execute(_putting_one(table, tuple(rows[0])), rows)
    else:
        db.execute(_putting(table, tuple(rows[0])), _columns(rows))


def remove(db: Connection, table: Table, name: str, values: Collection[Any]) -> None:
    """Delete the rows that have one of these values in that column."""
    if not values:
        return
    if _is_sqlite(db):
        db.execute(_removing_one(table, name), [{_given(name): value} for value in values])
    else:
        db.execute(_removing(table, name), {_given(name): list(values)})


def _is_sqlite(db: Connection) -> bool:
    return db.dialect.name == "sqlite"


@cache
def _adding(table: Table, names: _Names) -> Executable:
    return insert(table).from_select(names, _unnested(table, names))


@cache
def _adding_new(table: Table, names: _Names) -> Executable:
    adding = postgresql.insert(table).from_select(names, _unnested(table, names))
    return adding.on_conflict_do_nothing()


@cache
def _putting_one(table: Table, names: _Names) -> Executable:
    return _over(sqlite.insert(table), table, names)


@cache
def _putting(table: Table, names: _Names) -> Executable:
    adding = postgresql.insert(table).from_select(names, _unnested(table, names))
    return _over(adding, table, names)


def _over(
    adding: sqlite.Insert | postgresql.Insert, table: Table, names: _Names
) -> sqlite.Insert | postgresql.Insert:
    """Both databases have the clause, SQLAlchemy an insert of its own for each."""
    key = [column.name for column in table.primary_key]
    others = {name: adding.excluded[name] for name in names if name not in key}
    return adding.on_conflict_do_update(index_elements=key, set_=others)


@cache
def _changing(table: Table, names: _Names) -> Executable:
    return _update(table, dict(_unnested(table, names).subquery().c))


@cache
def _changing_one(table: Table, names: _Names) -> Executable:
    return _update(table, {name: bindparam(_given(name)) for name in names})


@cache
def _removing_one(table: Table, name: str) -> Executable:
    return delete(table).where(table.c[name] == bindparam(_given(name)))


@cache
def _removing(table: Table, name: str) -> Executable:
    # Not as an array: PostgreSQL would go on with the plan that it made while the table was empty,
    # which reads all of it.
    return delete(table).where(table.c[name].in_(bindparam(_given(name), expanding=True)))


def _update(table: Table, values: Mapping[str, Any]) -> Executable:
    key = {column.name for column in table.primary_key}
    others = {name: value for name, value in values.items() if name not in key}
    return update(table).where(*(table.c[name] == values[name] for name in key)).values(others)


def _unnested(table: Table, names: _Names) -> Select[Any]:
    """Rows out of an array for each column, in their order."""
    columns = []
    for name in names:
        kind = table.c[name].type
        array = bindparam(_given(name), type_=postgresql.ARRAY(kind))
        columns.append(func.unnest(array, type_=kind).label(name))
    return select(*columns)


def _columns(rows: Rows) -> dict[str, list[Any]]:
    return {_given(name): [row[name] for row in rows] for name in rows[0]}


def _given(name: str) -> str:
    """An update's own parameters have the names of its columns."""
    return f"given_{name}"
