"""Durable numbers of the whole store."""

from sqlalchemy import Connection, bindparam, select

from headroom.protocol.messages import MAX_REPORTED_EPOCH
from headroom.store import rows
from headroom.store.tables import figures

_EPOCH = "epoch"
_BEACON = "beacon"
_HISTORY = "history"
_RETENTION = "retention"
_NAMED = select(figures.c.value).where(figures.c.name == bindparam("name"))
# The year 2026; seconds since then reach the highest epoch in 2043.
_EPOCHS_BEGIN_UNIX_S = 1_767_225_600


def epoch(db: Connection) -> int:
    """The highest epoch this store has acted under; 0 before its first start."""
    return _figure(db, _EPOCH)


def next_epoch(known: int, now_unix_s: float) -> int:
    """An epoch above one that is known of.

    It is the date if that is higher: a store that was restored, or begun anew, then takes none
    that was taken in between and that it does not know of.
    """
    date = min(int(now_unix_s) - _EPOCHS_BEGIN_UNIX_S, MAX_REPORTED_EPOCH)
    return max(known + 1, date)


def raise_epoch(db: Connection, now_unix_s: float, above: int = 0) -> int:
    """Take and store an epoch above every earlier one and above `above`."""
    return _set(db, _EPOCH, next_epoch(max(epoch(db), above), now_unix_s))


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


def retention_unix_s(db: Connection) -> int:
    """The latest time that retention has gone by; 0 before its first pass."""
    return _figure(db, _RETENTION)


def set_retention_unix_s(db: Connection, unix_s: int) -> None:
    """Retention has gone by this time."""
    _set(db, _RETENTION, unix_s)


def _figure(db: Connection, name: str) -> int:
    return db.execute(_NAMED, {"name": name}).scalar() or 0


def _set(db: Connection, name: str, value: int) -> int:
    rows.put(db, figures, {"name": name, "value": value})
    return value
