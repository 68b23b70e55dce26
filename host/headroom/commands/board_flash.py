"""`headroom board flash`, `erase`, `backup` and `restore`: the whole flash of a board."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from headroom.commands.board_romfs import read_image
from headroom.commands.common import FilePath
from headroom.commands.device import (
    baud_option,
    chip_on,
    json_option,
    no_reset_option,
    port_option,
)
from headroom.device import backup_file, firmware, micropython
from headroom.device import flash as chip_flash
from headroom.device.ports import find_port


@click.command(short_help="Write MicroPython and the firmware onto a board.")
@click.argument("image", type=FilePath)
@port_option
@baud_option
@no_reset_option
@click.option("--sha256", metavar="HASH", help="Refuse IMAGE unless this is its SHA-256.")
@click.option("--romfs", "romfs_path", type=FilePath, help="This firmware, not the project's own.")
@json_option
def flash(
    image: Path,
    port: str | None,
    baud: int,
    no_reset: bool,
    sha256: str | None,
    romfs_path: Path | None,
    as_json: bool,
) -> None:
    """Write MicroPython's IMAGE and the firmware onto a board, and read both back.

    IMAGE is ESP8266_GENERIC-FLASH_2M_ROMFS-....bin of micropython.org/download/ESP8266_GENERIC.
    Files that are on the board stay: its configuration, keys, calibration, and what it has stored.
    Its relays are open meanwhile. What stops half-way is made good by running it again.

    \b
    headroom board flash ESP8266_GENERIC-FLASH_2M_ROMFS-v1.29.0.bin
    headroom board flash IMAGE --port /dev/ttyUSB1 --sha256 0f5c...
    """
    loaded = micropython.load(image, sha256)
    rom = read_image(romfs_path) if romfs_path else firmware.image()
    with chip_on(port, baud, no_reset) as chip:
        flashed = chip_flash.flash(chip, loaded, rom)
    if as_json:
        click.echo(json.dumps(asdict(flashed) | {"micropython": loaded.version}))
        return
    click.echo(f"{flashed.mac}: MicroPython {loaded.version}, {flashed.micropython_bytes} bytes")
    click.echo(f"{flashed.mac}: {flashed.build}, {flashed.romfs_bytes} bytes")
    click.echo("both read back as written; next: headroom board provision")


@click.command(short_help="Erase all of a board's flash.")
@port_option
@baud_option
@no_reset_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase(port: str | None, baud: int, no_reset: bool, yes: bool, as_json: bool) -> None:
    """Erase all of a board's flash: programs, configuration, keys, calibration, OFF orders.

    Afterwards flash it, then provision it. Its coordinator keeps what it knows of the board.
    """
    found = find_port(port)
    # Before the board is reset, which opens its relays.
    if not yes:
        click.confirm(f"Erase everything on the board at {found}?", abort=True, err=True)
    with chip_on(found, baud, no_reset) as chip:
        chip.erase()
        mac = chip.mac
    if as_json:
        click.echo(json.dumps({"mac": mac}))
    else:
        click.echo(f"{mac}: erased; next: headroom board flash")


@click.command(short_help="Keep all of a board's flash in a file.")
@click.argument("file", type=FilePath)
@port_option
@baud_option
@no_reset_option
@json_option
def backup(file: Path, port: str | None, baud: int, no_reset: bool, as_json: bool) -> None:
    """Write all of a board's flash to FILE, which has the board's keys in it: mode 0600.

    Its SHA-256 goes into FILE.sha256, which restore looks at, and `sha256sum --check` too.
    """
    if not os.access(file.parent, os.W_OK):  # before minutes of reading
        raise click.UsageError(f"{file}: cannot be written: its folder is not there, or not yours")
    with chip_on(port, baud, no_reset) as chip:
        backup_file.require_room(file, chip.flash_bytes)
        content = chip_flash.backup(chip)
        mac = chip.mac
    digest = backup_file.save(file, content)
    if as_json:
        told = {"mac": mac, "file": str(file), "bytes": len(content), "sha256": digest}
        click.echo(json.dumps(told))
    else:
        click.echo(f"{mac}: {len(content)} bytes in {file}; keep it as you keep keys")


@click.command(short_help="Put a backup back, without going back in time.")
@click.argument("file", type=FilePath)
@port_option
@baud_option
@no_reset_option
@json_option
def restore(file: Path, port: str | None, baud: int, no_reset: bool, as_json: bool) -> None:
    """Put FILE, a backup of a board, back onto it, without going back in time.

    What the board has become since then stays: its count of starts, the term of its coordinator,
    OFF orders, keys, and minutes that nobody has confirmed. Where its present flash does not tell
    that, because it was erased, is damaged, or another board's, the board starts no node until it
    is provisioned again; then it keeps all circuits open until its coordinator has sent it every
    order anew.

    A FILE that has changed since it was made, by FILE.sha256, or whose firmware is damaged is
    refused before the board is touched.

    Exit code 0: it goes on as it was; 3: it has to be provisioned.
    """
    content, is_checked = backup_file.load(file)
    if not is_checked:
        click.echo(
            f"{file}.sha256 is not there: whether {file} is as it was made is not known", err=True
        )
    with chip_on(port, baud, no_reset) as chip:
        outcome = chip_flash.restore(chip, content)
    if as_json:
        click.echo(json.dumps(asdict(outcome)))
    elif outcome.needs_provisioning:
        click.echo(f"restored without keys: {outcome.needs_provisioning}")
        click.echo("provision it again: headroom board provision")
    else:
        kept = ", ".join(f"/{name}" for name in outcome.kept)
        click.echo(f"{outcome.board_id}: restored; as the board had become: {kept}")
    if outcome.needs_provisioning:
        click.get_current_context().exit(3)
