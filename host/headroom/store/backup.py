"""A whole store copied into another, whichever database either is on.

A backup is a SQLite store of its own: it opens without the server that it came from, and goes back
into SQLite or PostgreSQL alike.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copyfile, rmtree
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Table, func, insert, select, text

from headroom.store import boards, figures
from headroom.store.engine import Store, open_store
from headroom.store.errors import StoreUnavailableError
from headroom.store.tables import metadata

_ROWS_AT_ONCE = 1000
# SQLite finds a page that makes no sense, but no bit of a value that has fallen over. A backup has
# a checksum of the rest where a header keeps `application_id`, which SQLite itself has no use for;
# backups of earlier releases have 0 there.
_SEAL_AT, _SEAL_BYTES = 68, 4
_CHUNK_BYTES = 1 << 20
# What a restore that was killed has left is found by it.
_RESTORES = "restore-"
# More than are sent between a backup and its restore: boards pass over those that they know.
_BEACONS = 1_000_000


def back_up(store: Store, path: Path) -> int:
    """Write the store as of now to a file, whole or not at all; gives the number of rows.

    Writers go on meanwhile. Raises StoreUnavailableError.
    """
    with _draft_in(path.parent, path.name) as draft:
        with (
            closing(open_store(f"sqlite:///{draft}")) as copy,
            store.read() as source,
            copy.write() as target,
        ):
            rows = _copy(source, target)
        _seal(draft)
        _move(draft, path)
    return rows


def restore(path: Path, store: Store, scratch: Path) -> int:
    """Fill an empty store from a backup; gives the number of rows. Raises StoreUnavailableError.

    Meanwhile there is a copy of the backup in the folder `scratch`; its own may be read-only.

    As at every start, the epoch that follows is above those that were taken since; see `figures`.
    """
    for left in scratch.glob(f"{_RESTORES}*"):
        rmtree(left)
    with _draft_in(scratch, _RESTORES) as draft:
        # Of an earlier release it is brought up to date; the file itself stays as it is.
        _copy_file(path, draft)
        _check_seal(path, draft)
        with (
            closing(_open_backup(path, draft)) as backup,
            backup.read() as source,
            store.write() as target,
        ):
            _refuse_if_in_use(target)
            rows = _copy(source, target)
            if not rows:
                # SQLite takes an empty file for an empty database.
                raise StoreUnavailableError(f"{path}: there is nothing in it; take another backup")
            figures.take_beacons(target, _BEACONS)
    return rows


def _open_backup(path: Path, draft: Path) -> Store:
    try:
        return open_store(f"sqlite:///{draft}")
    except StoreUnavailableError as error:
        raise StoreUnavailableError(f"{path}: as a backup, {error}") from error


def _copy(source: Connection, target: Connection) -> int:
    rows = 0
    for table in metadata.sorted_tables:
        found = source.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(table))
        for part in found.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in part])
            rows += len(part)
        _count_on(target, table)
    return rows


def _count_on(db: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows above those that came with their numbers."""
    column = table.autoincrement_column
    if db.dialect.name != "postgresql" or column is None or column.name != "id":
        return
    highest = db.execute(select(func.max(column))).scalar()
    if highest is not None:
        name = {"table": table.name, "highest": highest}
        db.execute(text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :highest)"), name)


def _refuse_if_in_use(db: Connection) -> None:
    if figures.epoch(db) or next(boards.records(db), None):
        raise StoreUnavailableError(
            "the store is in use; restore into an empty data directory or database"
        )


@contextmanager
def _draft_in(folder: Path, prefix: str) -> Iterator[Path]:
    """A file in a private folder in another, gone afterwards."""
    try:
        with TemporaryDirectory(dir=folder, prefix=prefix) as private:
            yield Path(private) / "store.db"
    except OSError as error:
        raise StoreUnavailableError(f"{error.filename or folder}: {error.strerror}") from error


def _seal(draft: Path) -> None:
    with draft.open("rb+") as file:
        checksum = _checksum(draft)
        file.seek(_SEAL_AT)
        file.write(checksum)


def _check_seal(path: Path, draft: Path) -> None:
    with draft.open("rb") as file:
        file.seek(_SEAL_AT)
        sealed = file.read(_SEAL_BYTES)
    if any(sealed) and sealed != _checksum(draft):
        raise StoreUnavailableError(
            f"{path}: is not a database, or was damaged after it was written; take another backup"
        )


def _checksum(draft: Path) -> bytes:
    """Of all but the seal; never 0."""
    with draft.open("rb") as file:
        found = zlib.crc32(file.read(_SEAL_AT))
        file.seek(_SEAL_BYTES, os.SEEK_CUR)
        while chunk := file.read(_CHUNK_BYTES):
            found = zlib.crc32(chunk, found)
    return (found or 1).to_bytes(_SEAL_BYTES, "big")


def _move(draft: Path, path: Path) -> None:
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def _copy_file(path: Path, draft: Path) -> None:
    if not path.is_file():
        raise StoreUnavailableError(f"{path}: there is no such backup")
    copyfile(path, draft)
