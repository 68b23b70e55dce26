"""`headroom board calibrate`: two points for each channel, guided."""

import json
from dataclasses import asdict

import click

from headroom.commands.device import json_option, port_option
from headroom.device import calibration
from headroom.device.errors import DeviceError
from headroom.device.node import require_node, snapshot
from headroom.device.ports import find_port
from headroom.device.serial_line import SerialLine, attached

_POINTS = (
    "a small resistive load, a tenth of the range or so",
    "a larger one, half of it or more",
)
# The largest current transformer that a configuration may name.
_MOST_A = 200


@click.command(short_help="Calibrate a board's sensors while it runs.")
@click.option(
    "--circuit",
    "only",
    multiple=True,
    type=click.IntRange(0, 3),
    help="Only this one, counted from 0; repeatable. By default all of the board.",
)
@port_option
@json_option
def calibrate(only: tuple[int, ...], port: str | None, as_json: bool) -> None:
    """Calibrate a board's sensors while it runs: two loads for each circuit, and a meter.

    Put a clamp meter of class 1 or better around the circuit's conductor, switch on the load that
    is asked for, and type what the meter shows. The board tells what it makes of it, and why it
    refuses a point. Nothing is in force before a circuit has both points and you agree; Ctrl-C
    leaves a circuit as it was.
    """
    with attached(find_port(port)) as line:
        require_node(line)
        names = [circuit.name for circuit in snapshot(line).circuits]
        for circuit in only:
            if circuit >= len(names):
                raise click.UsageError(f"--circuit {circuit}: the board has {len(names)}")
        try:
            stored = [
                _calibrate(line, circuit, names[circuit]) for circuit in only or range(len(names))
            ]
        finally:
            calibration.end(line)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in stored if one is not None]))


def _calibrate(line: SerialLine, circuit: int, name: str) -> calibration.Stored | None:
    """What is in force from now on; None where the person does not want it."""
    _say(f"circuit {circuit}: {name}")
    calibration.begin(line)
    _take_points(line, circuit)
    if not click.confirm("  put this in force?", default=True, err=True):
        return None
    stored = calibration.store(line, circuit)
    _say(stored.told, "    ")
    return stored


def _take_points(line: SerialLine, circuit: int) -> None:
    """Ask until the board has taken all of them."""
    taken = 0
    while taken < len(_POINTS):
        asked = f"  switch on {_POINTS[taken]}; the meter shows, in A"
        amps = click.prompt(asked, value_proc=_amps, err=True)
        try:
            _say(calibration.point(line, circuit, round(amps * 1000)), "    ")
            taken += 1
        except calibration.PairRefused as error:
            _say(f"{error}\nboth points anew", "    ")
            calibration.begin(line)
            taken = 0
        except DeviceError as error:
            _say(str(error), "    ")


def _amps(text: str) -> float:
    try:
        amps = float(text.replace(",", "."))
    except ValueError:
        amps = 0.0
    if not 0 < amps <= _MOST_A:
        raise click.BadParameter(f"{text!r}: a current in A is needed, up to {_MOST_A}, as 2.05")
    return amps


def _say(text: str, indent: str = "") -> None:
    """To the person, and not to who reads the result."""
    click.echo("\n".join(f"{indent}{line}" for line in text.splitlines()), err=True)
