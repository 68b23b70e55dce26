"""`headroom backup` and `headroom restore`."""

from pathlib import Path

import click

from headroom.commands.common import FilePath, data_option, data_store
from headroom.data_dir import only_server
from headroom.store import backup as copies


@click.command()
@click.argument("file", type=FilePath)
@data_option
def backup(file: Path, data: Path) -> None:
    """Write the whole store to FILE while the server runs.

    It has the boards' keys in it: FILE is readable by its owner only. DATA/site.key, under which
    beacons are signed, is no part of the store; keep it too.
    """
    with data_store(data) as store:
        rows = copies.back_up(store, file)
    click.echo(f"{file}: {rows} rows")


@click.command()
@click.argument("file", type=FilePath)
@data_option
def restore(file: Path, data: Path) -> None:
    """Fill an empty store from FILE, a backup of SQLite or PostgreSQL.

    Boards go on with it whatever they have seen since. Tokens that were revoked since FILE was
    made are valid again: see `headroom token list`.
    """
    with only_server(data), data_store(data, may_make=True) as store:
        rows = copies.restore(file, store, data)
    click.echo(f"{rows} rows from {file}; check with `headroom token list` who has access")
