"""`headroom board logs` and `support`: what a board says, and all of it for a bug report."""

import json
import time
from pathlib import Path
from typing import BinaryIO

import click

from headroom.commands.common import FilePath
from headroom.commands.device import (
    api_option,
    json_option,
    port_option,
    require_token,
    server_data_option,
    token_option,
)
from headroom.data_dir import write_private
from headroom.device import support as reports
from headroom.device.coordinator_api import CoordinatorApi
from headroom.device.errors import DeviceError
from headroom.device.ports import find_port
from headroom.device.serial_line import attached
from headroom.device.talk import lines


@click.command(short_help="Show what a board prints on its serial line.")
@port_option
@click.option("--reset", is_flag=True, help="Start the board anew first, to see its start.")
@click.option("--for-s", type=click.FloatRange(0.1), help="End after so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line instead.")
def logs(port: str | None, reset: bool, for_s: float | None, as_json: bool) -> None:
    """Show what a board prints on its serial line, each line with the time; Ctrl-C ends.

    Where a traceback names a line of node/app.py, which is joined of several files, the file and
    line of the firmware stand behind it. What the chip's boot ROM says at a start comes at another
    rate and is no text; that it came is told.
    """
    try:
        for line in lines(find_port(port), reset, for_s):
            if as_json:
                click.echo(json.dumps({"unix_s": round(time.time(), 3), "line": line}))
            else:
                click.echo(f"{time.strftime('%H:%M:%S')} {line}")
    except KeyboardInterrupt:
        return


@click.command(short_help="Write an archive for a bug report, without secrets.")
@click.argument("file", type=FilePath)
@port_option
@click.option("--reset", is_flag=True, help="Start the board anew first, to have its start in it.")
@click.option(
    "--listen-s",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="How long to take down what the board prints by itself.",
)
@click.option(
    "--coordinator-log",
    type=click.File("rb"),
    help="What `headroom serve` has written to its error output, a file or - for the input: "
    "journalctl -u headroom -n 5000 | headroom board support FILE --coordinator-log -",
)
@api_option
@server_data_option
@token_option
@json_option
def support(
    file: Path,
    port: str | None,
    reset: bool,
    listen_s: float,
    coordinator_log: BinaryIO | None,
    api: str,
    data: Path | None,
    token_file: Path | None,
    as_json: bool,
) -> None:
    """Write FILE, a zip archive for a bug report, without secrets.

    Of the board: what it prints, its configuration, state, calibration, firmware, files' names,
    and how its node is. Of this machine: versions. With --data or --token-file, what the
    coordinator knows of the board, and its log where you give it. The values of the board's
    /secrets.json are looked for in all of it and taken out, and so is whatever looks like a key,
    a token or a sign-in link in what was printed.
    """
    content, secrets = _of_board(find_port(port), reset, listen_s)
    content |= reports.of_this_machine()
    if data or token_file:
        token = require_token(data, token_file)
        content["coordinator.json"] = _of_coordinator(content, api, token)
    if coordinator_log is not None:
        content[reports.COORDINATOR_LOG] = reports.end_of(coordinator_log)
    write_private(file, reports.archive(content, secrets))
    if as_json:
        click.echo(json.dumps({"file": str(file), "content": sorted(content)}))
        return
    click.echo(f"{file}: {', '.join(sorted(content))}; look through it before you send it")
    if coordinator_log is None:
        click.echo("without the coordinator's log; --help tells how it is added with it")


def _of_board(port: str, reset: bool, listen_s: float) -> tuple[dict[str, bytes], set[str]]:
    """What it prints is worth a report also where it answers nothing."""
    said = "\n".join(lines(port, reset, listen_s))
    try:
        with attached(port) as line:
            content, secrets = reports.of_board(line)
    except DeviceError as error:
        click.echo(
            f"{error}\nWhat the board prints is in the archive, and nothing else of it.", err=True
        )
        content, secrets = {"board/error.txt": str(error).encode()}, set()
    return content | {reports.CONSOLE: said.encode()}, secrets


def _of_coordinator(content: dict[str, bytes], url: str, token: Path) -> bytes:
    try:
        board_id = json.loads(content.get("board/config.json", b"{}"))["id"]
    except (ValueError, KeyError, TypeError):
        return b"the board does not tell its name"
    try:
        return json.dumps(CoordinatorApi(url, token).board(board_id), indent=1).encode()
    except DeviceError as error:
        return str(error).encode()
