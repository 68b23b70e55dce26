"""`headroom board logs` and `support`: what a board says, and all of it for a bug report."""

import json
import time
from pathlib import Path

import click

from headroom.commands.common import FilePath
from headroom.commands.device import (
    api_option,
    json_option,
    port_option,
    require_token,
    token_option,
)
from headroom.data_dir import write_private
from headroom.device import support as reports
from headroom.device.coordinator_api import CoordinatorApi
from headroom.device.errors import DeviceError
from headroom.device.ports import find_port
from headroom.device.serial_line import attached
from headroom.device.talk import lines


@click.command()
@port_option
@click.option("--reset", is_flag=True, help="Start the board anew first, to see its start.")
@click.option("--for-s", type=click.FloatRange(0.1), help="End after so many seconds.")
def logs(port: str | None, reset: bool, for_s: float | None) -> None:
    """Show what a board prints on its serial line, each line with the time; Ctrl-C ends.

    Where a traceback names a line of node/app.py, which is joined of several files, the file and
    line of the firmware stand behind it.
    """
    try:
        for line in lines(find_port(port), reset, for_s):
            click.echo(f"{time.strftime('%H:%M:%S')} {line}")
    except KeyboardInterrupt:
        return


@click.command()
@click.argument("file", type=FilePath)
@port_option
@api_option
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="For its api.token."
)
@token_option
@json_option
def support(
    file: Path,
    port: str | None,
    api: str,
    data: Path | None,
    token_file: Path | None,
    as_json: bool,
) -> None:
    """Write FILE, a zip archive for a bug report, without secrets.

    Of the board: its configuration, state, calibration, firmware, files' names, and how its node
    is. Of this machine: versions. With --data or --token-file, what the coordinator knows of the
    board. The values of the board's /secrets.json are looked for in all of it and taken out.
    """
    with attached(find_port(port)) as line:
        content, secrets = reports.of_board(line)
    content |= reports.of_this_machine()
    if data or token_file:
        content["coordinator.json"] = _of_coordinator(
            content, api, require_token(data, token_file)
        )
    write_private(file, reports.archive(content, secrets))
    if as_json:
        click.echo(json.dumps({"file": str(file), "content": sorted(content)}))
        return
    click.echo(f"{file}: {', '.join(sorted(content))}; look through it before you send it")


def _of_coordinator(content: dict[str, bytes], url: str, token: Path) -> bytes:
    try:
        board_id = json.loads(content.get("board/config.json", b"{}")).get("id", "")
        return json.dumps(CoordinatorApi(url, token).board(board_id), indent=1).encode()
    except (ValueError, DeviceError) as error:
        return str(error).encode()
