"""The `headroom` command."""

import json
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
import structlog

from headroom.beacon_socket import BeaconSocket
from headroom.charge import ChargeError, ChargeOrder, send_order
from headroom.coordinator import Beacons, Clock, Coordinator, Settings, SystemClock
from headroom.coordinator.reception import is_board_id
from headroom.data_dir import (
    DataDirError,
    ensure_site_key,
    ensure_token,
    only_server,
    open_data_store,
    read_key,
    write_private,
)
from headroom.logs import log_to_stderr
from headroom.protocol.signing import KEY_BYTES, KeyFormatError
from headroom.site import SiteError, load_site
from headroom.store import Store, StoreUnavailableError, boards, tokens
from headroom.web import api_app, board_app
from headroom.web.server import Address, ListenError, Listeners

_USAGE_ERROR = 2
_Folder = click.Path(file_okay=False, path_type=Path)
_File = click.Path(dir_okay=False, path_type=Path)
_data_option = click.option(
    "--data", required=True, type=_Folder, help="Data directory; made with mode 0700."
)


class _AddressType(click.ParamType[Address]):
    name = "host:port"

    def convert(self, value: Any, param: Any, ctx: Any) -> Address:
        try:
            return value if isinstance(value, Address) else Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Group(click.Group):
    """Turns the errors a person can mend into one line each and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SiteError as error:
            _fail(error.lines)
        except (
            StoreUnavailableError,
            DataDirError,
            ListenError,
            KeyFormatError,
            ChargeError,
        ) as error:
            _fail([str(error)])


def _fail(lines: list[str]) -> NoReturn:
    for line in lines:
        click.echo(f"headroom: {line}", err=True)
    sys.exit(_USAGE_ERROR)


@click.group(cls=_Group)
@click.version_option(package_name="headroom")
def main() -> None:
    """Keep electric supply points under their limit with four-relay ESP12F boards.

    \b
    A first start, with a site file and one board:
      headroom board add flat-1 --data data --new-key flat-1.key
      headroom serve --site site.toml --data data --board-listen 192.168.1.10:8087
    Then put flat-1.key into the board's /secrets.json, and open http://127.0.0.1:8080/.
    """


@main.command()
@click.option("--site", "site_path", required=True, type=_File, help="Site file (TOML).")
@_data_option
@click.option(
    "--board-listen",
    required=True,
    type=_AddressType(),
    help="Where boards report: an address on their network. Port 0 takes a free one.",
)
@click.option(
    "--listen",
    default="127.0.0.1:8080",
    show_default=True,
    type=_AddressType(),
    help="Page, API and metrics. Elsewhere than loopback it needs --allow-host and TLS before it.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    help="A host name by which page and API may be reached, besides loopback; repeatable.",
)
@click.option(
    "--lease-s",
    default=30,
    show_default=True,
    type=click.IntRange(1, 3600),
    help="How long a board may use a granted limit without another answer.",
)
@click.option(
    "--valid-s",
    default=120,
    show_default=True,
    type=click.IntRange(1, 86_400),
    help="How long a plan holds without another answer; then boards go to their safe state.",
)
@click.option(
    "--beacon",
    "beacon_address",
    type=_AddressType(),
    help="Tell boards of an order at once, by UDP to this multicast group, such as "
    "239.255.72.82:8088, and to each board at the same port. Signed under DATA/site.key, which "
    "the first such start makes: put it into each board's secrets.json as site_key.",
)
@click.option(
    "--ready-file", type=_File, help="Write addresses and token file here as JSON once listening."
)
def serve(
    site_path: Path,
    data: Path,
    board_listen: Address,
    listen: Address,
    allowed_hosts: tuple[str, ...],
    lease_s: int,
    valid_s: int,
    beacon_address: Address | None,
    ready_file: Path | None,
) -> None:
    """Run the coordinator until it is told to stop (Ctrl-C or SIGTERM).

    The first start makes an API token and writes it to DATA/api.token, readable by its owner
    only. Whatever changes state over the API needs it: Authorization: Bearer TOKEN.
    """
    log_to_stderr()
    _check_exposure(listen, allowed_hosts)
    site = load_site(site_path)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    clock = SystemClock()
    with (
        only_server(data),
        Listeners() as listeners,
        _store(data) as store,
        _beacons(beacon_address, board_listen.host, data, store, clock) as beacons,
    ):
        token_file = ensure_token(store, data, int(clock.unix_s()))
        coordinator = Coordinator(site, store, clock, Settings(lease_s, valid_s), beacons)
        page = listeners.listen_for_people(api_app(coordinator, allowed_hosts), listen)
        endpoint = listeners.listen_for_boards(board_app(coordinator), board_listen)
        ready = {
            "page": f"http://{page}/",
            "boards": str(endpoint),
            "token_file": str(token_file.absolute()),
        }
        _announce(ready, ready_file)
        listeners.run()


def _check_exposure(listen: Address, allowed_hosts: tuple[str, ...]) -> None:
    if listen.is_loopback:
        return
    if not allowed_hosts:
        raise click.UsageError(
            f"--listen {listen} is reachable from other machines: name the hosts it is "
            "reached by with --allow-host, and put TLS before it"
        )
    structlog.get_logger().warning(
        "page and API are reachable from other machines without TLS", listen=str(listen)
    )


@contextmanager
def _beacons(
    group: Address | None, source: str, data: Path, store: Store, clock: Clock
) -> Iterator[Beacons | None]:
    """Beacons with a thread of their own; None when they are not asked for."""
    if group is None:
        yield None
        return
    with BeaconSocket(group, source) as transport:
        beacons = Beacons(ensure_site_key(data), store, clock, transport)
        thread = threading.Thread(target=beacons.run, name="beacons")
        thread.start()
        try:
            yield beacons
        finally:
            beacons.end()
            thread.join()


def _announce(ready: dict[str, str], ready_file: Path | None) -> None:
    if ready_file is not None:
        write_private(ready_file, json.dumps(ready) + "\n")
    click.echo(f"ready: page {ready['page']} boards {ready['boards']} token {ready['token_file']}")


def _stop(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


@main.group()
def board() -> None:
    """Register boards and their keys."""


@board.command("add")
@click.argument("board_id")
@_data_option
@click.option("--key-file", type=_File, help="Take the key (64 hex digits) from this file.")
@click.option("--new-key", type=_File, help="Make a key and write it here with mode 0600.")
def board_add(board_id: str, data: Path, key_file: Path | None, new_key: Path | None) -> None:
    """Register BOARD_ID, or give it another key. A running server takes it at once."""
    if not is_board_id(board_id):
        raise click.UsageError(f"{board_id!r} is no board id: [a-z0-9][a-z0-9-]{{0,31}}")
    if (key_file is None) == (new_key is None):
        raise click.UsageError("give one of --key-file and --new-key")
    key = read_key(key_file) if key_file else secrets.token_bytes(KEY_BYTES)
    if new_key:
        write_private(new_key, key.hex() + "\n")
    with _store(data) as store, store.write() as db:
        boards.put_key(db, board_id, key)
    click.echo(f"registered {board_id}")


@board.command("list")
@_data_option
def board_list(data: Path) -> None:
    """Show registered boards with their newest report."""
    with _store(data) as store, store.read() as db:
        for record in boards.records(db):
            boot, seq = record.last_pair
            click.echo(f"{record.id}\t{record.reports} reports\tboot {boot} seq {seq}")


@main.command()
@click.argument("url")
@click.argument("board_id")
@click.option("--key-file", required=True, type=_File, help="The board's charge key.")
@click.option("--circuit", required=True, type=click.IntRange(0, 3))
@click.option(
    "--minutes", required=True, type=click.IntRange(0), help="From now; 0 ends an earlier order."
)
def charge(url: str, board_id: str, key_file: Path, circuit: int, minutes: int) -> None:
    """Order a circuit of BOARD_ID on for a time, at the board itself: URL, http://192.168.4.2.

    It needs the board's own HTTP and its charge key, and no coordinator. Overload, sensor safety
    and a person's OFF beat it.
    """
    order = ChargeOrder(circuit, minutes, int(time.time()))
    seconds = send_order(url, board_id, read_key(key_file), order)
    click.echo(f"circuit {circuit} of {board_id}: on for {seconds // 60} min")


@main.group()
def token() -> None:
    """Make and revoke API tokens."""


@token.command("new")
@click.argument("name")
@_data_option
@click.option("--file", "path", required=True, type=_File, help="Write the token here, mode 0600.")
def token_new(name: str, data: Path, path: Path) -> None:
    """Make a token for NAME, which loses its earlier one. Orders are recorded under the name."""
    with _store(data) as store, store.write() as db:
        write_private(path, tokens.make_token(db, name, int(time.time())) + "\n")
    click.echo(f"token of {name} written to {path}")


@token.command("revoke")
@click.argument("name")
@_data_option
def token_revoke(name: str, data: Path) -> None:
    """Make the token of NAME useless at once."""
    with _store(data) as store, store.write() as db:
        known = tokens.revoke_token(db, name)
    if not known:
        raise click.UsageError(f"{name} has no token")
    click.echo(f"token of {name} revoked")


@contextmanager
def _store(data: Path) -> Iterator[Store]:
    with closing(open_data_store(data)) as store:
        yield store
