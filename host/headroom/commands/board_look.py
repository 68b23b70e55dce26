"""`headroom board monitor`, `repl` and `maintenance`: beside a node that runs, or in its place."""

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
from headroom.device.node import require_node, runs, snapshot
from headroom.device.ports import find_port
from headroom.device.serial_line import SerialLine, attached
from headroom.device.view import view

_FLAG = "maintenance"


@click.command()
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
    name = json.loads(line.read("/config.json") or b"{}").get("id", line.port)
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


@click.command()
@port_option
def repl(port: str | None) -> None:
    """The interpreter's prompt on a board, by mpremote, beside the node that runs; Ctrl-] ends.

    \b
    >>> from node import app; app.current.status()
    """
    command = ["-m", "mpremote", "connect", find_port(port), "resume", "repl"]
    sys.exit(subprocess.call([sys.executable, *command]))


@click.command()
@click.argument("way", type=click.Choice(["in", "out"]))
@port_option
def maintenance(way: str, port: str | None) -> None:
    """Start a board into maintenance (`in`), or back into its node (`out`).

    In maintenance neither node nor watchdog run, all relays are open, and it stays so over resets
    and power cuts. Then files may be changed, and the firmware with `headroom board flash`.
    """
    with attached(find_port(port)) as line:
        if way == "in":
            line.write(f"/{_FLAG}", b"")
            line.reset()
            if runs(line):
                raise DeviceError(
                    f"{line.port}: its node still runs", "is its /main.py the project's?"
                )
            click.echo("in maintenance: no node, no watchdog, relays open")
            return
        line.exec(f"import os; {_FLAG!r} in os.listdir('/') and os.remove('/{_FLAG}')")
        line.reset()
        require_node(line)
        click.echo("its node runs")
