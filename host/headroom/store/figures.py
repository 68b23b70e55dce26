"""Durable numbers of the whole store."""

from sqlalchemy import Connection, select

from headroom.store import rows
from headroom.store.tables import figures

_EPOCH = "epoch"
_BEACON = "beacon"
_HISTORY = "history"


def epoch(db: Connection) -> int:
    """The highest epoch this store has acted under; 0 before its first start."""
    return _figure(db, _EPOCH)


def raise_epoch(db: Connection, above: int = 0) -> int:
    """Take and store an epoch above every earlier one and above `above`."""
    return _set(db, _EPOCH, max(epoch(db), above) + 1)


def last_beacon(db: Connection) -> int:
    """The highest counter of a beacon that this store has given away; 0 before the first."""
    return _figure(db, _BEACON)


def take_beacons(db: Connection, count: int) -> int:
    """Give away the next `count` counters of beacons; gives the last of them."""
    return _set(db, _BEACON, last_beacon(db) + count)


def history_cursor(db: Connection) -> int:
    """The id of the last report that the series have; 0 before the first."""
    return _figure(db, _HISTORY)


def move_history_cursor(db: Connection, report_id: int) -> None:
    """The series have every report up to this one."""
    _set(db, _HISTORY, report_id)


def _figure(db: Connection, name: str) -> int:
    query = select(figures.c.value).where(figures.c.name == name)
    return db.execute(query).scalar() or 0


def _set(db: Connection, name: str, value: int) -> int:
    rows.put(db, figures, {"name": name, "value": value})
    return value
