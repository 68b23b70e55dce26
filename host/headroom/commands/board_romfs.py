"""`headroom board romfs`: the firmware's image."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from headroom.commands.common import FilePath
from headroom.device import firmware
from headroom.device import romfs as images
from headroom.device.errors import DeviceError
from headroom.device.layout import ROMFS_BYTES


@click.command(short_help="Build the firmware's image; tell its size and hash.")
@click.argument("lines", nargs=-1, type=int, metavar="[LINE]...")
@click.option("-o", "--out", type=FilePath, help="Write the image here.")
@click.option(
    "--firmware",
    "folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Build it from this folder, which has node/ in it. By default this project's own.",
)
@click.option("--read", "given", type=FilePath, help="Tell of this image instead of building one.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object: version, hash, bytes.")
def romfs(
    lines: tuple[int, ...],
    out: Path | None,
    folder: Path | None,
    given: Path | None,
    as_json: bool,
) -> None:
    """Build the image that holds the firmware, and tell its size, version and hash.

    The same sources give the same bytes. The image goes onto a board with `headroom board flash`,
    or onto one that runs with `headroom board update`.

    With LINE: say which file and line of the firmware a line of node/app.py is that a traceback
    from a board names; 0 lists all files.

    \b
    headroom board romfs -o headroom.romfs
    headroom board romfs 7123
    """
    if lines:
        _tell_places(folder or firmware.folder(), [line for line in lines if line])
        return
    image = _image(folder, given)
    images.check_size(image)
    build = images.build_of(image)
    if out:
        _write(out, image)
    if as_json:
        click.echo(json.dumps({**asdict(build), "bytes": len(image), "of_bytes": ROMFS_BYTES}))
        return
    percent = 100 * len(image) / ROMFS_BYTES
    click.echo(f"{build}: {len(image)} of {ROMFS_BYTES} bytes ({percent:.0f} %)")
    if out:
        click.echo(f"written to {out}")


def _image(folder: Path | None, given: Path | None) -> bytes:
    if given:
        return read_image(given)
    return images.build_firmware(folder, Path("build") / "romfs") if folder else firmware.image()


def read_image(path: Path) -> bytes:
    """An image in a file, checked before a board is touched. Raises DeviceError."""
    try:
        image = path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        images.check_size(image)
        images.build_of(image)
    except DeviceError as error:
        raise DeviceError(f"{path}: {error.what}", error.way_out) from error
    return image


def _write(path: Path, image: bytes) -> None:
    try:
        path.write_bytes(image)
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _tell_places(folder: Path, lines: list[int]) -> None:
    try:
        for place in images.places(folder, lines):
            click.echo(place)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
