"""`headroom board calibrate`: two points for each channel, guided."""

import click

from headroom.commands.device import port_option
from headroom.device import calibration
from headroom.device.errors import DeviceError
from headroom.device.node import require_node, snapshot
from headroom.device.ports import find_port
from headroom.device.serial_line import SerialLine, attached

_POINTS = (
    "a small resistive load, a tenth of the range or so",
    "a larger one, half of it or more",
)


@click.command()
@click.option(
    "--circuit",
    "only",
    multiple=True,
    type=click.IntRange(0, 3),
    help="Only this one, counted from 0; repeatable. By default all of the board.",
)
@port_option
def calibrate(only: tuple[int, ...], port: str | None) -> None:
    """Calibrate a board's sensors while it runs: two loads for each circuit, and a meter.

    Put a clamp meter of class 1 or better around the circuit's conductor, switch on the load that
    is asked for, and type what the meter shows. The board tells what it makes of it, and why it
    refuses a point. Nothing is in force before a circuit has both points and you agree.
    """
    with attached(find_port(port)) as line:
        require_node(line)
        names = [circuit.name for circuit in snapshot(line).circuits]
        calibration.begin(line)
        try:
            for circuit in only or range(len(names)):
                if circuit >= len(names):
                    raise click.UsageError(f"--circuit {circuit}: the board has {len(names)}")
                _calibrate(line, circuit, names[circuit])
        finally:
            calibration.end(line)


def _calibrate(line: SerialLine, circuit: int, name: str) -> None:
    click.echo(f"circuit {circuit}: {name}")
    for load in _POINTS:
        _point(line, circuit, load)
    if click.confirm("  put this in force?", default=True):
        click.echo(_indented(calibration.store(line, circuit)))


def _point(line: SerialLine, circuit: int, load: str) -> None:
    """Ask until the board takes it."""
    while True:
        amps = click.prompt(f"  switch on {load}; the meter shows, in A", type=float)
        try:
            told = calibration.point(line, circuit, round(amps * 1000))
        except DeviceError as error:
            click.echo(_indented(str(error)))
            continue
        click.echo(_indented(told))
        return


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
