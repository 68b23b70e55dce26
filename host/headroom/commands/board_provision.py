"""`headroom board provision`: name, key, pins, ratings and network onto a board."""

import json
import os
import secrets
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
from headroom.device.errors import DeviceError
from headroom.device.ports import find_port
from headroom.device.serial_line import SerialLine, attached
from headroom.protocol.signing import KEY_BYTES
from headroom.site import load_site
from headroom.web.server import Address

_PASSWORD = "HEADROOM_WIFI_PASSWORD"
_Folder = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("board_id")
@click.option("--site", "site_path", required=True, type=FilePath, help="Site file (TOML).")
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
    help=f"A file with its password. Else {_PASSWORD} is looked at, then you are asked.",
)
@api_option
@server_data_option
@token_option
@click.option("--site-key-file", type=FilePath, help="The key of beacons, in place of --data.")
@click.option("--key-file", type=FilePath, help="The board's key; by default a new one is made.")
@click.option(
    "--charge-key-file",
    type=FilePath,
    help="The key of charge orders at the board; without it the board takes none.",
)
@click.option("--hardware", default="esp12f_relay_x4", show_default=True, help="Of boards/.")
@click.option("--mains-hz", default="50", show_default=True, type=click.Choice(["50", "60"]))
@click.option("--http-port", default=0, show_default=True, help="The board's own HTTP; 0 = none.")
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
    board_id: str,
    site_path: Path,
    coordinator: Address,
    ssid: str,
    wifi_password_file: Path | None,
    hardware: str,
    mains_hz: str,
    http_port: int,
    folder: Path | None,
    port: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Make the board on a serial port BOARD_ID of a site, and see that its coordinator hears it.

    Writes its configuration, keys and Wi-Fi beside what it has, reads them back, registers its key
    with the coordinator, puts all in force by a reset, and waits for an answer that the
    coordinator has signed. No key and no password is shown, and none is taken on the command line.

    Run it again to change anything, or to give the board a new key: pins and wiring stay, and so
    do calibration, OFF orders and what it has measured. What an option sets has to be given again:
    left out, --mains-hz, --http-port and --charge-key-file go back to their defaults. The reset
    opens its relays for some seconds.

    \b
    headroom board provision flat-1 --site site.toml --data data \\
        --coordinator 192.168.1.10:8087 --ssid home
    """
    site = load_site(site_path)
    link = Link(coordinator.host, coordinator.port, ssid=ssid, http_port=http_port)
    config = board_config(site, board_id, link, hardware=hardware, mains_hz=int(mains_hz))
    keys = _keys(given)
    content = provisioning.files(config, keys.secrets(_password(ssid, wifi_password_file)))
    api = CoordinatorApi(given["api"], require_token(given["data"], given["token_file"]))
    if folder is not None:
        _write_files(folder, content)
        api.register(board_id, keys.board)
        click.echo(f"{board_id}: registered; put the files in {folder} onto the board")
        return
    with attached(find_port(port)) as line:
        trip = _provision(line, content, board_id, keys, api, given["wait_s"])
    if as_json:
        click.echo(json.dumps(trip))
    else:
        click.echo(
            f"{board_id}: provisioned, start {trip['boot']}; "
            f"{trip['answers']} signed answers, and the coordinator has its report"
        )


def _provision(
    line: SerialLine,
    content: dict[str, bytes],
    board_id: str,
    keys: Keys,
    api: CoordinatorApi,
    within_s: float,
) -> dict[str, Any]:
    build = provisioning.firmware_of(line)
    with steps() as progress:
        provisioning.provision(line, content, lambda: api.register(board_id, keys.board), progress)
        trip = provisioning.round_trip(line, within_s, progress)
    if api.board(board_id)["stale"]:
        raise DeviceError(
            f"{board_id}: another coordinator has answered it than the one behind --api",
            "give --coordinator and --api of the same server",
        )
    return {"id": board_id, "firmware": build.version, "build": build.hash} | vars(trip)


def _keys(given: dict[str, Any]) -> Keys:
    site_key = given["site_key_file"]
    if site_key is None and given["data"] and (given["data"] / "site.key").exists():
        site_key = given["data"] / "site.key"
    return Keys(
        read_key(given["key_file"]) if given["key_file"] else secrets.token_bytes(KEY_BYTES),
        read_key(site_key) if site_key else b"",
        read_key(given["charge_key_file"]) if given["charge_key_file"] else b"",
    )


def _password(ssid: str, path: Path | None) -> str:
    if path is not None:
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"{path}: cannot be read as a password: {error}") from error
    if _PASSWORD in os.environ:
        return os.environ[_PASSWORD]
    asked: str = click.prompt(
        f"Password of {ssid}", hide_input=True, default="", show_default=False, err=True
    )
    return asked


def _write_files(folder: Path, content: dict[str, bytes]) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"{folder}: cannot be made: {error.strerror}") from error
    for name, body in content.items():
        write_private(folder / name, body)
