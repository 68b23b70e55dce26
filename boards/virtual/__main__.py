"""One virtual board in real time, with whatever files it is given."""

from __future__ import annotations

import time
from pathlib import Path

import click

from boards.virtual.board import Fitting, VirtualBoard
from boards.virtual.flash import Flash
from boards.virtual.network import loopback_network
from boards.virtual.pins import load_board
from boards.virtual.plant import Constant, Wiring
from boards.virtual.realtime import RealTime


@click.command()
@click.option("--file", "files", multiple=True, metavar="LOCAL=NAME", help="Put a file on it.")
@click.option(
    "--flash",
    "flash_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the flash chip in this file between runs.",
)
@click.option("--load", "loads", multiple=True, type=float, help="Amps behind RY1, RY2, ...")
@click.option("--port", default=0, help="TCP port of its serial port; any free one by default.")
@click.option("--remote-port", default=0, help="Its RFC 2217 port; any free one by default.")
@click.option("--empty", is_flag=True, help="Put nothing into its flash: a module out of the bag.")
@click.option("--loopback", default="127.0.1.1", help="Its address on this machine.")
def main(
    files: tuple[str, ...],
    flash_path: Path | None,
    loads: tuple[float, ...],
    port: int,
    remote_port: int,
    empty: bool,
    loopback: str,
) -> None:
    """Power a virtual ESP12F on and keep it running until Ctrl-C.

    Without files it is a board fresh from the flasher: an interpreter, the firmware's ROMFS image,
    and a prompt on its serial port. With --empty its flash is what --flash has, at first nothing.

    \b
    .venv/bin/python -m boards.virtual --file firmware/boot.py=boot.py --load 4.5
    .venv/bin/mpremote connect /dev/pts/N resume repl
    .venv/bin/esptool --port rfc2217://127.0.0.1:N flash-id
    """
    flash = Flash.load(flash_path) if flash_path else Flash()
    wirings = [Wiring(pin, channel, 1) for channel, pin in enumerate(load_board()["relay_pins"])]
    network = loopback_network(loopback)
    board = VirtualBoard(Fitting(wirings=wirings), network, flash)
    if empty and files:
        raise click.UsageError("--file and --empty: files are put on a board that has a program")
    if not empty:
        board.install(dict(read_file(pair) for pair in files))
    for circuit, amps in enumerate(loads[: len(wirings)]):
        board.set_load(circuit, Constant(amps))
    clock = RealTime(board, port, remote_port)
    click.echo(f"serial port: mpremote connect {clock.serial.device} resume repl")
    click.echo(f"with DTR, RTS and rate: esptool --port {clock.remote.url} flash-id")
    clock.start()
    try:
        while clock.alive:
            time.sleep(0.2)
    except KeyboardInterrupt:
        click.echo("power off")
    finally:
        clock.stop()
        board.close()
        if flash_path:
            flash.save(flash_path)


def read_file(pair: str) -> tuple[str, bytes]:
    """The name on the board and the content of a ``LOCAL=NAME`` option."""
    local, separator, name = pair.partition("=")
    if not separator or not name:
        raise click.BadParameter(f"{pair!r}: give LOCAL=NAME, such as firmware/boot.py=boot.py")
    try:
        return name, Path(local).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{local}: {error.strerror}") from error


if __name__ == "__main__":
    main()
