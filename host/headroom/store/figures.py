"""Durable numbers of the whole store."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from headroom.store.tables import figures

_EPOCH = "epoch"


def epoch(db: Connection) -> int:
    """The highest epoch this store has acted under; 0 before its first start."""
    query = select(figures.c.value).where(figures.c.name == _EPOCH)
    return db.execute(query).scalar() or 0


def raise_epoch(db: Connection, above: int = 0) -> int:
    """Take and store an epoch above every earlier one and above `above`."""
    value = max(epoch(db), above) + 1
    row = insert(figures).values(name=_EPOCH, value=value)
    db.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
    return value
