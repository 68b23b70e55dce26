"""`headroom sign-in`: a link that signs a browser in, once."""

import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from headroom.commands.common import AddressType, data_option, data_store
from headroom.data_dir import FIRST_TOKEN
from headroom.store import Store, sign_in_codes, tokens
from headroom.store.sign_in_codes import THIS_MACHINE
from headroom.web.address import Address
from headroom.web.security import LOOPBACK_HOSTS, name_of


class _PageType(click.ParamType[str]):
    """The address of the page as a browser elsewhere has it; ends in a slash."""

    name = "url"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        found = re.fullmatch(r"(https?)://([^/?#@]+)/?", value)
        if not found:
            self.fail(f"{value!r} is not a page such as https://headroom.example/", param, ctx)
        scheme, host = found.groups()
        if scheme == "http" and name_of(host) not in LOOPBACK_HOSTS:
            why = "without TLS a session is opened under localhost or 127.0.0.1 alone; use https"
            self.fail(f"{value}: {why}", param, ctx)
        return f"{scheme}://{host}/"


@click.command()
@data_option
@click.option("--listen", default="127.0.0.1:8080", show_default=True, type=AddressType())
@click.option(
    "--page",
    type=_PageType(),
    help="How a browser reaches the page if the server is in a container or behind a proxy, such "
    "as https://headroom.example/; the link is then for any browser that calls it so.",
)
@click.option(
    "--name", default=FIRST_TOKEN, show_default=True, help="Whose token's rights it gives."
)
def sign_in(data: Path, listen: Address, page: str | None, name: str) -> None:
    """Print a link that signs a browser on this machine in.

    It can be used once, within 10 minutes. --listen is where the server has its page.
    """
    with data_store(data) as store:
        if page is None:
            link = sign_in_link(store, f"http://{listen}/", name, int(time.time()))
        else:
            scope = sign_in_codes.called(name_of(urlsplit(page).netloc))
            link = sign_in_link(store, page, name, int(time.time()), scope)
        click.echo(link)


def sign_in_link(
    store: Store, page: str, name: str, now_unix_s: int, scope: str = THIS_MACHINE
) -> str:
    """A link to the page with a new code in it; raises click.UsageError."""
    with store.write() as db:
        if tokens.token_of(db, name) is None:
            raise click.UsageError(f"{name} has no token; `headroom token list` shows who has one")
        code = sign_in_codes.make_code(db, name, now_unix_s, scope)
    return f"{page}#code={code}"
