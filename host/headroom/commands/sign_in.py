"""`headroom sign-in`: a link that signs a browser in, once."""

import time
from pathlib import Path

import click

from headroom.commands.common import AddressType, data_option, data_store
from headroom.data_dir import FIRST_TOKEN
from headroom.store import Store, sign_in_codes, tokens
from headroom.web.server import Address


@click.command()
@data_option
@click.option("--listen", default="127.0.0.1:8080", show_default=True, type=AddressType())
@click.option(
    "--name", default=FIRST_TOKEN, show_default=True, help="Whose token's rights it gives."
)
def sign_in(data: Path, listen: Address, name: str) -> None:
    """Print a link that signs a browser on this machine in.

    It can be used once, within 10 minutes. --listen is where the server has its page.
    """
    with data_store(data) as store:
        click.echo(sign_in_link(store, listen, name, int(time.time())))


def sign_in_link(store: Store, page: Address, name: str, now_unix_s: int) -> str:
    """A link to the page with a new code in it; raises click.UsageError."""
    with store.write() as db:
        if tokens.token_of(db, name) is None:
            raise click.UsageError(f"{name} has no token; `headroom token list` shows who has one")
        code = sign_in_codes.make_code(db, name, now_unix_s)
    return f"http://{page}/#code={code}"
