"""`headroom token`: make and revoke API tokens."""

import time
from pathlib import Path

import click

from headroom.commands.common import FilePath, data_option, data_store
from headroom.data_dir import write_private
from headroom.store import tokens


@click.group()
def token() -> None:
    """Make and revoke API tokens."""


@token.command("new")
@click.argument("name")
@data_option
@click.option(
    "--file", "path", required=True, type=FilePath, help="Write the token here, mode 0600."
)
def token_new(name: str, data: Path, path: Path) -> None:
    """Make a token for NAME, which loses its earlier one. Orders are recorded under the name."""
    with data_store(data) as store, store.write() as db:
        write_private(path, tokens.make_token(db, name, int(time.time())) + "\n")
    click.echo(f"token of {name} written to {path}")


@token.command("revoke")
@click.argument("name")
@data_option
def token_revoke(name: str, data: Path) -> None:
    """Make the token of NAME useless at once."""
    with data_store(data) as store, store.write() as db:
        known = tokens.revoke_token(db, name)
    if not known:
        raise click.UsageError(f"{name} has no token")
    click.echo(f"token of {name} revoked")
