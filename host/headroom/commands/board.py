"""`headroom board`: boards that are registered, and the one on the desk."""

import json
import secrets
from pathlib import Path

import click

from headroom.commands.common import FilePath, LazyGroup, data_option, data_store
from headroom.coordinator.reception import is_board_id
from headroom.data_dir import read_key, write_private
from headroom.protocol.signing import KEY_BYTES
from headroom.store import boards

# For a board on a serial port: esptool, mpremote and littlefs are loaded for these alone.
_ON_THE_DESK = {
    "flash": "board_flash",
    "erase": "board_flash",
    "backup": "board_flash",
    "restore": "board_flash",
    "romfs": "board_romfs",
    "provision": "board_provision",
    "monitor": "board_look",
    "repl": "board_look",
    "calibrate": "board_calibrate",
    "update": "board_update",
    "maintenance": "board_update",
    "logs": "board_support",
    "support": "board_support",
}


@click.group(
    cls=LazyGroup, lazy=_ON_THE_DESK, short_help="Boards: register, flash, provision, look at one."
)
def board() -> None:
    """Register boards; flash, provision and look at the one on a serial port."""


@board.command("add")
@click.argument("board_id")
@data_option
@click.option("--key-file", type=FilePath, help="Take the key (64 hex digits) from this file.")
@click.option("--new-key", type=FilePath, help="Make a key and write it here with mode 0600.")
def board_add(board_id: str, data: Path, key_file: Path | None, new_key: Path | None) -> None:
    """Register BOARD_ID, or give it another key. A running server takes it at once."""
    if not is_board_id(board_id):
        raise click.UsageError(f"{board_id!r} is no board id: [a-z0-9][a-z0-9-]{{0,31}}")
    if (key_file is None) == (new_key is None):
        raise click.UsageError("give one of --key-file and --new-key")
    key = read_key(key_file) if key_file else secrets.token_bytes(KEY_BYTES)
    if new_key:
        write_private(new_key, key.hex() + "\n")
    with data_store(data, may_make=True) as store, store.write() as db:
        boards.put_key(db, board_id, key)
    click.echo(f"registered {board_id}")


@board.command("list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="A JSON list instead.")
def board_list(data: Path, as_json: bool) -> None:
    """Show registered boards with their newest report."""
    with data_store(data) as store, store.read() as db:
        rows = [(record.id, record.reports, *record.last_pair) for record in boards.records(db)]
    if as_json:
        names = ("id", "reports", "boot", "seq")
        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
        return
    for board_id, reports, boot, seq in rows:
        click.echo(f"{board_id}\t{reports} reports\tboot {boot} seq {seq}")
