"""The `headroom` command; what it can do stands in `headroom.commands`, a file a group."""

import getpass
import os
import sys
import time
from typing import Any, NoReturn

import click

from headroom.charge import ChargeError
from headroom.commands.backup import backup, restore
from headroom.commands.board import board
from headroom.commands.charge import charge
from headroom.commands.doctor import doctor
from headroom.commands.init import init
from headroom.commands.serve import serve
from headroom.commands.sign_in import sign_in
from headroom.commands.site import site
from headroom.commands.token import token
from headroom.data_dir import DataDirError
from headroom.device.errors import DeviceError, ProvisionError, StoppedError
from headroom.protocol.signing import KeyFormatError
from headroom.site import SiteError
from headroom.store import StoreUnavailableError, audit
from headroom.web.address import ListenError

_USAGE_ERROR = 2
# As shells tell of a program that Ctrl-C has ended.
_STOPPED = 130


class _Group(click.Group):
    """Turns the errors a person can mend into one line each and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SiteError as error:
            _fail(error.lines)
        except StoppedError as error:
            _fail([str(error)], _STOPPED)
        except (
            StoreUnavailableError,
            DataDirError,
            ListenError,
            KeyFormatError,
            ChargeError,
            DeviceError,
            ProvisionError,
        ) as error:
            _fail([str(error)])


def _fail(lines: list[str], code: int = _USAGE_ERROR) -> NoReturn:
    for line in lines:
        click.echo(f"headroom: {line}", err=True)
    sys.exit(code)


@click.group(cls=_Group)
@click.version_option(package_name="headroom")
@click.pass_context
@click.option(
    "--database",
    envvar="HEADROOM_DATABASE",
    metavar="URL",
    help="Where the store is, such as postgresql://headroom@db.local/headroom; give a password in "
    "HEADROOM_DATABASE or ~/.pgpass. By default SQLite in the data directory.",
)
def main(context: click.Context, database: str | None) -> None:  # noqa: ARG001
    """Keep electric supply points under their limit with four-relay ESP12F boards.

    \b
    A first start, with a site file and one board:
      headroom init site.toml
      headroom serve --site site.toml --data data --board-listen 192.168.1.10:8087
      headroom board flash MICROPYTHON.bin
      headroom board provision flat-1 --site site.toml --data data \\
        --coordinator 192.168.1.10:8087 --ssid home
    Then open the link that this prints:
      headroom sign-in --data data
    """
    context.with_resource(audit.by(f"{_user()} (headroom)", time.time()))


def _user() -> str:
    """Who runs this; a container's number may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


for command in (init, doctor, serve, sign_in, site, board, charge, token, backup, restore):
    main.add_command(command)
