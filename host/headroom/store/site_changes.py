"""What people changed of the site since its file was read."""

import json
from typing import Any

from sqlalchemy import Connection, delete, select

from headroom.store import audit, rows
from headroom.store.tables import site_changes

# (thing, key) -> value, such as ("feeder/main", "limit_ma") -> [16000, 0, 0]
Changes = dict[tuple[str, str], Any]


def put_change(db: Connection, thing: str, key: str, value: Any) -> None:
    """Set or replace one value."""
    with audit.recorded(db, site_changes, thing=thing, key=key):
        rows.put(db, site_changes, {"thing": thing, "key": key, "value": json.dumps(value)})


def drop_change(db: Connection, thing: str, key: str) -> None:
    """Go back to what the file says; no error if nothing was changed."""
    with audit.recorded(db, site_changes, thing=thing, key=key):
        table = site_changes.c
        db.execute(delete(site_changes).where(table.thing == thing, table.key == key))


def drop_changes_within(db: Connection, thing: str) -> None:
    """Go back to what the file says of single values of a feeder, or of a board with circuits."""
    within = f"circuit/{thing.partition('/')[2]}/"
    for name, key in list(changes(db)):
        is_board = thing.startswith("board/")
        if key != "table" and (name == thing or (is_board and name.startswith(within))):
            drop_change(db, name, key)


def changes(db: Connection) -> Changes:
    """All of them."""
    return {
        (row.thing, row.key): json.loads(row.value) for row in db.execute(select(site_changes))
    }
