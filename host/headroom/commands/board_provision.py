"""`headroom board provision`: name, key, pins, ratings and network onto a board."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from headroom.commands.common import AddressType, FilePath
from headroom.commands.device import (
    api_option,
    json_option,
    port_option,
    require_token,
    server_data_option,
    steps,
    token_option,
)
from headroom.data_dir import read_key, write_private
from headroom.device import provisioning
from headroom.device.configuration import Keys, Link, board_config
from headroom.device.coordinator_api import CoordinatorApi
from headroom.device.ports import find_port
from headroom.device.present import Present, present
from headroom.device.romfs import Build
from headroom.device.serial_line import SerialLine, attached
from headroom.protocol.signing import KEY_BYTES
from headroom.site import load_site, parse_site

_PASSWORD = "HEADROOM_WIFI_PASSWORD"
_LONGEST_PASSWORD = 64
_Folder = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="Give a board its name, keys, wiring and network.")
@click.argument("board_id")
@click.option(
    "--site",
    "site_path",
    type=FilePath,
    help="Site file (TOML), if the board shall not be as the coordinator has it now.",
)
@click.option(
    "--coordinator",
    required=True,
    type=AddressType(),
    help="Where the board reports: the server's --board-listen, a numeric address.",
)
@click.option("--ssid", required=True, help="Name of the Wi-Fi.")
@click.option(
    "--wifi-password-file",
    type=FilePath,
    help=f"A file with its password. Else {_PASSWORD} is looked at, then the board keeps the one "
    "that it has for this Wi-Fi, then you are asked.",
)
@api_option
@server_data_option
@token_option
@click.option("--site-key-file", type=FilePath, help="The key of beacons, in place of --data.")
@click.option("--key-file", type=FilePath, help="The board's key; by default a new one is made.")
@click.option(
    "--charge-key-file",
    type=FilePath,
    help="The key of charge orders at the board; by default it keeps the one that it has.",
)
@click.option("--no-charge-key", is_flag=True, help="The board takes no charge orders any more.")
@click.option("--hardware", default="esp12f_relay_x4", show_default=True, help="Of boards/.")
@click.option(
    "--mains-hz",
    type=click.Choice(["50", "60"]),
    help="By default as the board has it; a new one has 50.",
)
@click.option(
    "--http-port",
    type=int,
    help="The board's own HTTP, 0 = none. By default as the board has it; a new one has none.",
)
@click.option(
    "--wait-s",
    default=90,
    show_default=True,
    type=click.IntRange(1, 3600),
    help="How long the board may take to the first answer.",
)
@click.option(
    "--files",
    "folder",
    type=_Folder,
    help="Write the files into this folder instead, for mpremote. They have the keys in them.",
)
@port_option
@json_option
def provision(
    board_id: str, folder: Path | None, port: str | None, as_json: bool, **given: Any
) -> None:
    """Make the board on a serial port BOARD_ID of a site, and see that its coordinator hears it.

    Writes its configuration, keys and Wi-Fi beside what it has, reads them back, registers its key
    with the coordinator, puts all in force by a reset, and waits for an answer that the
    coordinator has signed. No key and no password is shown, and none is taken on the command line.

    Run it again to change anything, or to give the board a new key: pins and wiring stay, and so
    do calibration, OFF orders and what it has measured. Where they are left out, mains frequency,
    HTTP port, charge key, beacons' key and the same Wi-Fi's password stay as the board has them
    too; --files begins anew, as does a board that had another name. The reset opens its relays for
    some seconds.

    \b
    headroom board provision flat-1 --site site.toml --data data \\
        --coordinator 192.168.1.10:8087 --ssid home
    """
    if given["charge_key_file"] and given["no_charge_key"]:
        raise click.UsageError("give one of --charge-key-file and --no-charge-key")
    password = _given_password(given["wifi_password_file"])
    api = CoordinatorApi(given["api"], require_token(given["data"], given["token_file"]))
    if folder is not None:
        asked = _asked_password(given["ssid"]) if password is None else password
        content, keys = _content(api, board_id, given, asked, Present())
        with _files_in(folder, content):
            api.register(board_id, keys.board)
        click.echo(f"{board_id}: registered; put the files in {folder} onto the board")
        return
    with attached(find_port(port)) as line:
        build, trip = _onto(line, board_id, given, password, api)
    if as_json:
        told = {"id": board_id, "firmware": build.version, "build": build.hash}
        click.echo(json.dumps(told | vars(trip)))
    else:
        click.echo(
            f"{board_id}: provisioned, start {trip.boot}; "
            f"{trip.answers} signed answers, and the coordinator has its report"
        )


def _onto(
    line: SerialLine,
    board_id: str,
    given: dict[str, Any],
    password: str | None,
    api: CoordinatorApi,
) -> tuple[Build, provisioning.RoundTrip]:
    """Provision the board on a line; its firmware, and what it says of its coordinator."""
    build = provisioning.firmware_of(line)
    now = present(line, board_id)
    for name in now.damaged:
        click.echo(f"/{name} on the board is damaged: nothing of it is kept", err=True)
    if password is None and now.has_password_of(given["ssid"]):
        click.echo(f"it keeps the password that it has for {given['ssid']}", err=True)
    elif password is None:
        password = _asked_password(given["ssid"])
    content, keys = _content(api, board_id, given, password or "", now)
    kept = _kept(now, keys, given["no_charge_key"], password is None)
    register = partial(api.register, board_id, keys.board)
    reports_before = api.board(board_id)["reports"]
    with steps() as progress:
        provisioning.provision(line, content, kept, register, progress)
        trip = provisioning.round_trip(line, given["wait_s"], progress)
    provisioning.require_heard(api.board(board_id), trip.boot, reports_before)
    return build, trip


def _content(
    api: CoordinatorApi, board_id: str, given: dict[str, Any], password: str, now: Present
) -> tuple[dict[str, bytes], Keys]:
    """The files for a board that is as `now` tells, and its keys."""
    config = board_config(
        load_site(given["site_path"]) if given["site_path"] else parse_site(api.site()),
        board_id,
        Link(
            given["coordinator"].host,
            given["coordinator"].port,
            ssid=given["ssid"],
            http_port=now.http_port if given["http_port"] is None else given["http_port"],
        ),
        hardware=given["hardware"],
        mains_hz=int(given["mains_hz"] or now.mains_hz),
    )
    keys = _keys(given)
    return provisioning.files(config, keys.secrets(password)), keys


def _keys(given: dict[str, Any]) -> Keys:
    site_key = given["site_key_file"]
    if site_key is None and given["data"] and (given["data"] / "site.key").exists():
        site_key = given["data"] / "site.key"
    return Keys(
        read_key(given["key_file"]) if given["key_file"] else secrets.token_bytes(KEY_BYTES),
        read_key(site_key) if site_key else b"",
        read_key(given["charge_key_file"]) if given["charge_key_file"] else b"",
    )


def _kept(now: Present, keys: Keys, no_charge_key: bool, keeps_password: bool) -> list[str]:
    """Those of the board's secrets that are not given anew."""
    replaced = {
        "site_key": bool(keys.site),
        "charge_key": bool(keys.charge) or no_charge_key,
        provisioning.WIFI: not keeps_password,
    }
    return [name for name in now.secrets if not replaced[name]]


def _given_password(path: Path | None) -> str | None:
    if path is None:
        password = os.environ.get(_PASSWORD)
    else:
        try:
            password = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"{path}: cannot be read as a password: {error}") from error
    return None if password is None else _fitting(password)


def _fitting(password: str) -> str:
    if len(password) > _LONGEST_PASSWORD:
        raise click.BadParameter(
            f"the Wi-Fi's password has {len(password)} characters, "
            f"at most {_LONGEST_PASSWORD} are possible"
        )
    return password


def _asked_password(ssid: str) -> str:
    asked: str = click.prompt(
        f"Password of {ssid}",
        hide_input=True,
        default="",
        show_default=False,
        err=True,
        value_proc=_fitting,
    )
    return asked


@contextmanager
def _files_in(folder: Path, content: dict[str, bytes]) -> Iterator[None]:
    """Write files that are there once what is done meanwhile has succeeded, and else are not."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"{folder}: cannot be made: {error.strerror}") from error
    drafts = {folder / name: folder / f"{name}.new" for name in content}
    try:
        for path, draft in drafts.items():
            write_private(draft, content[path.name])
        yield
        for path, draft in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
