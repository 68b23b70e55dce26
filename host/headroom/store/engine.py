"""Opening the store, and transactions on it.

SQLite with a write-ahead log, synced at every commit: a report may be acknowledged once its commit
returns. Writers queue on a lock within the process and on BEGIN IMMEDIATE between processes, so a
thread never meets a lock in the middle of its transaction.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from headroom.store.tables import metadata

# 2: prices and maintenance. 3: revoked charge keys. 4: sessions. So far each version only
# added tables to the one before.
SCHEMA_VERSION = 4
_WRITES = "headroom_writes"


class StoreUnavailableError(Exception):
    """The store cannot be opened, read or written; says which and why."""


class Store:
    """Transactions on the database; everything in one of them becomes durable, or nothing."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine
        self._writer = engine.execution_options(**{_WRITES: True})
        self._write_lock = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view that blocks no writer."""
        with _named("read"), self._reader.begin() as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is durable when the block is left; raises StoreUnavailableError."""
        with self._write_lock, _named("write"), self._writer.begin() as db:
            yield db

    def close(self) -> None:
        """Give back every connection."""
        self._reader.dispose()


def open_store(url: str, *, busy_s: float = 5.0) -> Store:
    """The store at a `sqlite:///` URL, made if it is not there; raises StoreUnavailableError."""
    path = _sqlite_path(url)
    _make_private(path)
    engine = create_engine(url, connect_args={"timeout": busy_s})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    store = Store(engine)
    with store.write() as db:
        _check_schema(db, path)
    return store


def _sqlite_path(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreUnavailableError(f"{url} is not a database URL") from error
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise StoreUnavailableError(f"{url}: only sqlite:///FILE is supported so far")
    return Path(parsed.database)


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreUnavailableError(f"{path}: cannot be written: {error.strerror}") from error


def _configure(connection: Any, _record: object) -> None:
    # The driver's own transactions would begin too late; `_begin` does it instead.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(db: Connection) -> None:
    writes = db.get_execution_options().get(_WRITES, False)
    db.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _check_schema(db: Connection, path: Path) -> None:
    version = db.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version < SCHEMA_VERSION:
        metadata.create_all(db)
        db.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
    elif version != SCHEMA_VERSION:
        raise StoreUnavailableError(
            f"{path}: has schema {version}, this release reads {SCHEMA_VERSION}; "
            "use the release that wrote it or another data directory"
        )


@contextmanager
def _named(action: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreUnavailableError(f"the store cannot {action}: {error.orig}") from error
