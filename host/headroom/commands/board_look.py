"""`headroom board monitor` and `repl`: beside a node that runs."""

import json
import subprocess
import sys
import time
from dataclasses import asdict

import click
from rich.console import Console
from rich.live import Live

from headroom.commands.device import port_option
from headroom.device.errors import DeviceError
from headroom.device.node import require_node, snapshot
from headroom.device.ports import find_port
from headroom.device.serial_line import SerialLine, attached
from headroom.device.view import view


@click.command(short_help="Watch a board while it runs.")
@port_option
@click.option("--every-s", default=1.0, show_default=True, type=click.FloatRange(0.2, 3600))
@click.option("--once", is_flag=True, help="Show it once and end.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line instead.")
def monitor(port: str | None, every_s: float, once: bool, as_json: bool) -> None:
    """Watch a board over its serial port while it runs; Ctrl-C ends that.

    Currents, relays and why they are as they are, load and limit, link, heap, tick times, and
    events that the coordinator has not confirmed. The node goes on running meanwhile and after.
    """
    with attached(find_port(port)) as line:
        require_node(line)
        try:
            _watch(line, every_s, once, as_json)
        except KeyboardInterrupt:
            return


def _watch(line: SerialLine, every_s: float, once: bool, as_json: bool) -> None:
    name = _name(line)
    console = Console()
    if once or as_json:
        while True:
            now = snapshot(line)
            click.echo(json.dumps(asdict(now))) if as_json else console.print(view(name, now))
            if once:
                return
            time.sleep(every_s)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(view(name, snapshot(line)), refresh=True)
            time.sleep(every_s)


def _name(line: SerialLine) -> str:
    """The board's; its port where its file, damaged since its start, does not tell."""
    try:
        return str(json.loads(line.read("/config.json") or b"")["id"])
    except (ValueError, KeyError, TypeError):
        return line.port


@click.command(short_help="The interpreter's prompt, beside the node that runs.")
@port_option
def repl(port: str | None) -> None:
    """The interpreter's prompt on a board, by mpremote, beside the node that runs; Ctrl-] ends.

    \b
    >>> from node import app; app.current.status()
    """
    found = find_port(port)
    # mpremote waits for keys and board by their file descriptors.
    one_line = f"for one line: mpremote connect {found} resume exec 'print(1)'"
    if "://" in found:
        miniterm = f"{sys.executable} -m serial.tools.miniterm --raw {found} 115200"
        raise DeviceError(
            f"{found}: a prompt needs a port of this machine such as /dev/ttyUSB0, "
            "not of the network",
            f"take a plain terminal: {miniterm}; or {one_line}",
        )
    if not sys.stdin.isatty():
        raise DeviceError(f"{found}: a prompt needs a terminal to type at", one_line)
    command = ["-m", "mpremote", "connect", found, "resume", "repl"]
    sys.exit(subprocess.call([sys.executable, *command]))
