"""Who changed what of orders, prices, keys and rights, recorded in the change's own transaction.

What a person does runs `by` that person; outside of that nothing is recorded, for the
coordinator's own work is nobody's change.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, insert, select

from headroom.store.tables import audit

# Enough to tell two secrets apart, too little to find one.
_FINGERPRINT_DIGITS = 12


@dataclass(frozen=True)
class Change:
    """One row of a table before and after; None = there was or is none."""

    id: int
    unix_s: int
    person: str
    what: str
    target: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


@dataclass(frozen=True)
class _Actor:
    person: str
    unix_s: int


_actor: ContextVar[_Actor | None] = ContextVar("actor", default=None)


@contextmanager
def by(person: str, unix_s: float) -> Iterator[None]:
    """Record the changes that this thread makes in the block as this person's."""
    before = _actor.set(_Actor(person, int(unix_s)))
    try:
        yield
    finally:
        _actor.reset(before)


@contextmanager
def recorded(db: Connection, table: Table, *columns: str, **key: Any) -> Iterator[None]:
    """Record what the block does to a row, or to some columns of it.

    Binary columns are keys and hashes: of these only a fingerprint is kept.
    """
    actor = _actor.get()
    old = _row(db, table, columns, key) if actor else None
    yield
    new = _row(db, table, columns, key) if actor else None
    if actor and old != new:
        entry = {
            "unix_s": actor.unix_s,
            "person": actor.person,
            "what": table.name,
            "target": "/".join(map(str, key.values())),
            "old": old,
            "new": new,
        }
        db.execute(insert(audit).values(entry))


def changes_before(
    db: Connection, before_id: int, limit: int, person: str | None = None, what: str | None = None
) -> list[Change]:
    """Changes recorded before that one, newest first; all, or of one person or table."""
    query = select(audit).where(audit.c.id < before_id).order_by(audit.c.id.desc()).limit(limit)
    if person is not None:
        query = query.where(audit.c.person == person)
    if what is not None:
        query = query.where(audit.c.what == what)
    return [_change(row) for row in db.execute(query)]


def _change(row: Row[Any]) -> Change:
    old, new = (None if text is None else json.loads(text) for text in (row.old, row.new))
    return Change(row.id, row.unix_s, row.person, row.what, row.target, old, new)


def _row(
    db: Connection, table: Table, columns: tuple[str, ...], key: dict[str, Any]
) -> str | None:
    """A row as JSON without what names it."""
    row = db.execute(select(table).filter_by(**key)).mappings().first()
    if row is None:
        return None
    names = columns or [c.name for c in table.columns if not c.primary_key]
    return json.dumps({name: _shown(row[name]) for name in names})


def _shown(value: object) -> object:
    if isinstance(value, bytes):
        return f"sha256:{hashlib.sha256(value).hexdigest()[:_FINGERPRINT_DIGITS]}"
    return value
