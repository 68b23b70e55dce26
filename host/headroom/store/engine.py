"""Opening the store by its URL, and transactions on it.

What is committed is synced: a report may be acknowledged once its commit returns. Writers queue on
a lock within the process and on one of the database between processes, so a thread never meets a
lock in the middle of its transaction.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from headroom.store import postgresql, schema, sqlite
from headroom.store.errors import StoreUnavailableError

_ENGINES = {"sqlite": sqlite.engines, "postgresql": postgresql.engines}


class Store:
    """Transactions on the database; everything in one of them becomes durable, or nothing."""

    def __init__(self, reader: Engine, writer: Engine) -> None:
        self._reader = reader
        self._writer = writer
        self._write_lock = threading.Lock()
        self._next_in_line = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view that blocks no writer; raises StoreUnavailableError."""
        with _named("read"), self._reader.begin() as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is durable when the block is left; raises StoreUnavailableError."""
        with self._turn(), _named("write"):
            try:
                with self._writer.begin() as db:
                    yield db
            except DBAPIError:
                # A file that was opened while it could not be written never can be through this.
                self._writer.dispose()
                raise

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # Who wrote last stands behind who waits. A lock alone goes to it again, and whoever writes
        # much, such as the keeper of the series, would keep all others out for seconds.
        with self._next_in_line:
            self._write_lock.acquire()
        try:
            yield
        finally:
            self._write_lock.release()

    def close(self) -> None:
        """Give back every connection."""
        self._reader.dispose()


def open_store(url: str, *, busy_s: float = 5.0) -> Store:
    """The store at a `sqlite:///FILE` or `postgresql://` URL, its tables brought up to date.

    A file that is not there is made; a PostgreSQL database has to be there. Waits `busy_s` for
    locks and connections. Raises StoreUnavailableError.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreUnavailableError("the store's URL is not one of a database") from error
    make_engines = _ENGINES.get(parsed.get_backend_name())
    if make_engines is None or not parsed.database:
        raise StoreUnavailableError(
            f"{parsed}: the URL of a store is sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        )
    store = Store(*make_engines(parsed, busy_s))
    with store.read() as db:
        current = schema.is_current(db)
    if not current:
        with store.write() as db:
            schema.bring_up_to_date(db)
    return store


@contextmanager
def _named(action: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        first_line = str(error.orig).partition("\n")[0]
        raise StoreUnavailableError(f"the store cannot {action}: {first_line}") from error
    except NoConnectionError as error:
        raise StoreUnavailableError(f"the store cannot {action}: no connection free") from error
