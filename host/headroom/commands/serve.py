"""`headroom serve`: the coordinator with both its listeners."""

import gc
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
import structlog

from headroom.beacon_socket import BeaconSocket
from headroom.commands.common import AddressType, FilePath, data_option, data_store
from headroom.commands.sign_in import sign_in_link
from headroom.coordinator import Beacons, Clock, Coordinator, Settings, SystemClock
from headroom.data_dir import (
    FIRST_TOKEN,
    ensure_site_key,
    ensure_token,
    only_server,
    write_private,
)
from headroom.history.keeper import Keeper
from headroom.history.recorder import Recorder
from headroom.history.retention import Forgetting
from headroom.history.retention_clock import RetentionClock
from headroom.history.uncontrolled import UncontrolledLog
from headroom.history.usual import Usual
from headroom.logs import log_to_stderr
from headroom.site import load_site
from headroom.store import Store, tokens
from headroom.web import BoardApp, api_app
from headroom.web.address import Address
from headroom.web.server import Listeners

# For so long another thread that computes may keep one from going on that waited for the store; a
# group of reports waits a dozen times. Python's own is ten times that.
_SWITCH_S = 0.0005
# Several groups of reports; Python looks whenever there are 700 more than before.
_NEW_OBJECTS = 100_000


@click.command()
@click.option("--site", "site_path", required=True, type=FilePath, help="Site file (TOML).")
@data_option
@click.option(
    "--board-listen",
    required=True,
    type=AddressType(),
    help="Where boards report: an address on their network. Port 0 takes a free one.",
)
@click.option(
    "--listen",
    default="127.0.0.1:8080",
    show_default=True,
    type=AddressType(),
    help="Page, API and metrics. Elsewhere than loopback it needs --allow-host and TLS before it.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    help="A host name by which page and API may be reached, besides loopback; repeatable.",
)
@click.option(
    "--open-reading",
    is_flag=True,
    help="Whoever reaches --listen, which has to be loopback, may read without a token.",
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
    type=AddressType(),
    help="Tell boards of an order at once, by UDP to this multicast group, such as "
    "239.255.72.82:8088, and to each board at the same port. Signed under DATA/site.key, which "
    "the first such start makes: put it into each board's secrets.json as site_key.",
)
@click.option(
    "--ready-file",
    type=FilePath,
    help="Write addresses and token file here as JSON once listening.",
)
def serve(
    site_path: Path,
    data: Path,
    board_listen: Address,
    listen: Address,
    allowed_hosts: tuple[str, ...],
    open_reading: bool,
    lease_s: int,
    valid_s: int,
    beacon_address: Address | None,
    ready_file: Path | None,
) -> None:
    """Run the coordinator until it is told to stop (Ctrl-C or SIGTERM).

    The first start makes an API token and writes it to DATA/api.token, readable by its owner
    only. Page and API take it: Authorization: Bearer TOKEN. On a terminal it prints a link that
    signs a browser in, once; `headroom sign-in` prints more.
    """
    log_to_stderr()
    _check_exposure(listen, allowed_hosts, open_reading)
    site = load_site(site_path)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    clock = SystemClock()
    with (
        only_server(data),
        data_store(data, may_make=True) as store,
        _beacons(beacon_address, board_listen.host, data, store, clock) as beacons,
        Listeners() as listeners,
    ):
        coordinator = Coordinator(site, store, clock, Settings(lease_s, valid_s), beacons)
        token_file = ensure_token(store, data, int(clock.unix_s()))
        api = api_app(coordinator, allowed_hosts, open_reading=open_reading)
        page = listeners.listen_for_people(api, listen)
        keeper = _keeper(coordinator)
        endpoint = listeners.listen_for_boards(BoardApp(coordinator), board_listen)
        ready = {
            "page": f"http://{page}/",
            "boards": str(endpoint),
            "token_file": str(token_file.absolute()),
        }
        _announce(ready, ready_file)
        if sys.stdout.isatty():
            _offer_sign_in(store, page, int(clock.unix_s()))
        _look_for_garbage_seldom()
        sys.setswitchinterval(_SWITCH_S)
        with _thread("keeper", keeper.run, keeper.end):
            listeners.run()


def _check_exposure(listen: Address, allowed_hosts: tuple[str, ...], open_reading: bool) -> None:
    if listen.is_loopback and not allowed_hosts:
        return
    if open_reading:
        raise click.UsageError(
            "--open-reading is for this machine alone: with --allow-host, or --listen elsewhere "
            "than loopback, others could read without a token"
        )
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
        with _thread("beacons", beacons.run, beacons.end):
            yield beacons


def _look_for_garbage_seldom() -> None:
    """What a report makes goes with the last reference to it. Looking for circles among all that
    4000 boards have took a third of a report's time, and 0.2 s at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


@contextmanager
def _thread(name: str, run: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=run, name=name)
    thread.start()
    try:
        yield
    finally:
        end()
        thread.join()


def _keeper(coordinator: Coordinator) -> Keeper:
    store = coordinator.store
    return Keeper(
        Recorder(lambda: coordinator.site, store),
        UncontrolledLog(coordinator.measured_uncontrolled_ma, store),
        Usual(coordinator.expect, store),
        Forgetting(
            lambda: coordinator.site.retention,
            store,
            RetentionClock(store, coordinator.instruments.retention_lag_s.set),
        ),
        coordinator.clock,
        coordinator.instruments,
    )


def _announce(ready: dict[str, str], ready_file: Path | None) -> None:
    if ready_file is not None:
        write_private(ready_file, json.dumps(ready) + "\n")
    click.echo(f"ready: page {ready['page']} boards {ready['boards']} token {ready['token_file']}")


def _offer_sign_in(store: Store, page: Address, now_unix_s: int) -> None:
    """Only to a person who looks: what goes to a file or a journal stays there."""
    with store.read() as db:
        person = tokens.token_of(db, FIRST_TOKEN)
    if person is not None and page.is_loopback:
        link = sign_in_link(store, f"http://{page}/", person.name, now_unix_s)
        click.echo(f"sign in, once and within 10 minutes: {link}")


def _stop(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)
