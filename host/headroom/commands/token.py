"""`headroom token`: make, show and revoke API tokens."""

import re
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from headroom.commands.common import FilePath, data_option, data_store
from headroom.data_dir import DataDirError, write_private
from headroom.store import tokens
from headroom.store.hashing import SECRET_BYTES

# Hexadecimal, 128 bits of them: as many as nobody guesses.
_FEWEST_CHARACTERS = 32


@click.group()
def token() -> None:
    """Make, show and revoke API tokens."""


@token.command("new")
@click.argument("name")
@data_option
@click.option("--file", "path", type=FilePath, help="Write the token here, mode 0600.")
@click.option(
    "--from-file",
    "given",
    type=FilePath,
    help=f"Take it from this file: {_FEWEST_CHARACTERS} random characters or more.",
)
@click.option(
    "--role",
    default="read",
    show_default=True,
    type=click.Choice(tokens.ROLES),
    help="read sees all; operate also gives orders; admin also changes tokens and the site.",
)
def token_new(
    name: str, data: Path, path: Path | None, given: Path | None, role: tokens.Role
) -> None:
    """Make a token for NAME, which loses its earlier one. Orders are recorded under the name."""
    if (path is None) == (given is None):
        raise click.UsageError("give one of --file and --from-file")
    if not re.match(tokens.NAME_PATTERN, name):
        raise click.UsageError(f"{name!r} is no name for a token: {tokens.NAME_PATTERN}")
    token = secrets.token_urlsafe(SECRET_BYTES) if given is None else _read_token(given)
    with data_store(data, may_make=True) as store, store.write() as db:
        tokens.put_token(db, token, tokens.TokenRecord(name, role, int(time.time())))
        if path is not None:
            write_private(path, token + "\n")
    click.echo(f"token of {name}, who may {role}: {path or given}")


def _read_token(path: Path) -> str:
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataDirError(f"{path}: cannot be read as a token: {error}") from error
    if len(token) < _FEWEST_CHARACTERS or token.split() != [token]:
        raise click.UsageError(
            f"{path}: a token is one word of at least {_FEWEST_CHARACTERS} characters; "
            "`openssl rand -hex 24` makes one"
        )
    return token


@token.command("list")
@data_option
def token_list(data: Path) -> None:
    """Show who has a token, and what it allows."""
    with data_store(data) as store, store.read() as db:
        for record in tokens.token_records(db):
            made = datetime.fromtimestamp(record.made_unix_s, UTC)
            click.echo(f"{record.name}\t{record.role}\tmade {made:%Y-%m-%d}")


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
