"""The store in a file: SQLite with a write-ahead log that is synced at every commit."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from headroom.store.errors import StoreUnavailableError

_WRITES = "headroom_writes"


def engines(url: URL, busy_s: float) -> tuple[Engine, Engine]:
    """For readers and for writers; the file is made if it is not there."""
    _make_private(Path(url.database or ""))
    engine = create_engine(url, connect_args={"timeout": busy_s}, pool_timeout=busy_s)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine, engine.execution_options(**{_WRITES: True})


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
