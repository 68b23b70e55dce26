"""Which tables a store has, and the migrations that bring it up to date."""

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from headroom.store.errors import StoreUnavailableError

# Releases before the migrations counted schemas up to 4 in SQLite's `user_version`. This one is
# above them, so that they refuse what they do not know; Alembic's own table says the rest.
MIGRATED = 5


def is_current(db: Connection) -> bool:
    """Whether the store has this release's tables."""
    return MigrationContext.configure(db).get_current_revision() == _newest()


def bring_up_to_date(db: Connection) -> None:
    """Make or change the tables in the transaction of `db`; raises StoreUnavailableError."""
    _refuse_unknown(db)
    config = _config()
    config.attributes["connection"] = db
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreUnavailableError(
            f"{db.engine.url}: was written by a later release ({error}); use that one"
        ) from error


def _refuse_unknown(db: Connection) -> None:
    if db.dialect.name != "sqlite":
        return
    version = db.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > MIGRATED:
        raise StoreUnavailableError(
            f"{db.engine.url.database}: has schema {version}, this release reads up to "
            f"{MIGRATED}; use the release that wrote it or another data directory"
        )


@cache
def _newest() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "headroom.store:migrations")
    config.set_main_option("path_separator", "os")
    return config
