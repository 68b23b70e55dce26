"""The store on a PostgreSQL server, by psycopg. A commit returns once its log is synced there."""

import math
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

_WRITES = "headroom_writes"
# Any number that is not another program's in the same database: it names the writers' queue.
_WRITERS = 0x48656164


def engines(url: URL, busy_s: float) -> tuple[Engine, Engine]:
    """For readers and for writers."""
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=_arguments(busy_s),
        pool_timeout=busy_s,
        # A server that was restarted is not noticed.
        pool_pre_ping=True,
    )
    event.listen(engine, "begin", _begin)
    # A reader sees one moment. A writer is alone, and sees what the one before it committed.
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    writer = engine.execution_options(isolation_level="READ COMMITTED", **{_WRITES: True})
    return reader, writer


def _arguments(busy_s: float) -> dict[str, Any]:
    # Whatever a server's settings say: an acknowledged commit is a synced one.
    settings = f"-c lock_timeout={math.ceil(busy_s * 1000)} -c synchronous_commit=on"
    return {"connect_timeout": math.ceil(busy_s), "options": settings}


def _begin(db: Connection) -> None:
    if db.get_execution_options().get(_WRITES, False):
        db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
