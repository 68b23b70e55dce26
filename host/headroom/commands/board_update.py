"""`headroom board update` and `maintenance`: firmware changed where no node runs."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from headroom.commands.board_romfs import read_image
from headroom.commands.common import FilePath
from headroom.commands.device import json_option, port_option, steps
from headroom.device import firmware
from headroom.device import update as updating
from headroom.device.node import require_node
from headroom.device.ports import find_port
from headroom.device.serial_line import attached


@click.command(short_help="Put new firmware on a board, and back if it is no good.")
@click.option("--romfs", "path", type=FilePath, help="This firmware, not the project's own.")
@click.option(
    "--good-s",
    default=30,
    show_default=True,
    type=click.IntRange(1, 3600),
    help="How long its node has to run before the new firmware counts as good.",
)
@port_option
@json_option
def update(path: Path | None, good_s: int, port: str | None, as_json: bool) -> None:
    """Put new firmware on a board over its serial port, and the old one back if it is no good.

    The board goes into maintenance for some minutes: its relays are open meanwhile. Configuration,
    keys, calibration, OFF orders and stored minutes stay. What is interrupted is made good by
    running it again; until then the board stays in maintenance.

    Exit code 0: the new firmware runs; 3: the old one does, and why is told.
    """
    image = read_image(path) if path else firmware.image()
    with attached(find_port(port)) as line, steps(updating.STOPPED) as progress:
        outcome = updating.update(line, image, good_s, progress)
    if as_json:
        click.echo(json.dumps(asdict(outcome)))
    elif outcome.kept:
        click.echo(f"the new firmware is no good: {outcome.kept}")
        click.echo(f"back: {outcome.after}")
    else:
        click.echo(f"before: {outcome.before}")
        click.echo(f"now:    {outcome.after}")
    if outcome.kept:
        click.get_current_context().exit(3)


@click.command(short_help="Start a board into maintenance, or back into its node.")
@click.argument("way", type=click.Choice(["in", "out"]))
@port_option
@json_option
def maintenance(way: str, port: str | None, as_json: bool) -> None:
    """Start a board into maintenance (`in`), or back into its node (`out`).

    In maintenance neither node nor watchdog run, all relays are open, and it stays so over resets
    and power cuts.
    """
    with attached(find_port(port)) as line:
        if way == "in":
            updating.into_maintenance(line)
        else:
            updating.out_of_maintenance(line)
            require_node(line)
    if as_json:
        click.echo(json.dumps({"port": line.port, "maintenance": way == "in"}))
    elif way == "in":
        click.echo("in maintenance: no node, no watchdog, relays open")
    else:
        click.echo("its node runs")
