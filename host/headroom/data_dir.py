"""The data directory: database, token file, and the lock that keeps a second server out."""

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headroom.protocol.signing import KEY_BYTES, KeyFormatError, parse_key
from headroom.store import Store, open_store
from headroom.store.tokens import has_admin, make_token

FIRST_TOKEN = "first"


class DataDirError(Exception):
    """A data directory that cannot be used; says why and what to do."""


def has_store(directory: Path) -> bool:
    """Whether a store was made in the data directory."""
    return _store_path(directory).exists()


def open_data_store(directory: Path, url: str | None = None) -> Store:
    """The store at a URL, or that of the data directory, which is made if it is not there.

    Raises StoreUnavailableError.
    """
    return open_store(url or f"sqlite:///{_store_path(directory)}")


def _store_path(directory: Path) -> Path:
    return directory / "headroom.db"


def token_path(directory: Path) -> Path:
    """Where the first API token is written for its owner."""
    return directory / "api.token"


def ensure_token(store: Store, directory: Path, now_unix_s: int) -> Path:
    """Make the first token if there is no admin; gives its file."""
    path = token_path(directory)
    with store.write() as db:
        if not has_admin(db):
            write_private(path, make_token(db, FIRST_TOKEN, now_unix_s) + "\n")
    return path


def ensure_site_key(directory: Path) -> bytes:
    """The key that beacons are signed under, made if there is none; for boards' secrets.json."""
    path = directory / "site.key"
    if not path.exists():
        write_private(path, secrets.token_bytes(KEY_BYTES).hex() + "\n")
    return read_key(path)


def read_key(path: Path) -> bytes:
    """A key of 64 hex digits from a file; raises DataDirError."""
    try:
        return parse_key(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataDirError(f"{path}: cannot be read as a key: {error}") from error
    except KeyFormatError as error:
        raise DataDirError(f"{path}: {error}") from error


@contextmanager
def only_server(directory: Path) -> Iterator[None]:
    """Hold the directory for one server: two would each grant the whole limit."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(directory / "server.lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise DataDirError(f"{directory}: cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise DataDirError(f"{directory}: another headroom server uses it; stop it") from error
    finally:
        os.close(lock)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that only its owner reads, whole or not at all; raises DataDirError."""
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(handle)
            os.replace(draft, path)
        except BaseException:  # half a key lies nowhere, whatever has stopped this
            os.unlink(draft)
            raise
    except OSError as error:
        raise DataDirError(f"{path}: cannot be written: {error.strerror}") from error
