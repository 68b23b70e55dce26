"""`headroom charge`: an order at the board itself."""

import time
from pathlib import Path

import click

from headroom.charge import ChargeOrder, send_order
from headroom.commands.common import FilePath
from headroom.data_dir import read_key


@click.command(short_help="Order a circuit on for a time, at the board itself.")
@click.argument("url")
@click.argument("board_id")
@click.option("--key-file", required=True, type=FilePath, help="The board's charge key.")
@click.option("--circuit", required=True, type=click.IntRange(0, 3))
@click.option(
    "--minutes", required=True, type=click.IntRange(0), help="From now; 0 ends an earlier order."
)
def charge(url: str, board_id: str, key_file: Path, circuit: int, minutes: int) -> None:
    """Order a circuit of BOARD_ID on for a time, at the board itself: URL, http://192.168.4.2.

    It needs the board's own HTTP and its charge key, and no coordinator. Overload, sensor safety
    and a person's OFF beat it.
    """
    order = ChargeOrder(circuit, minutes, int(time.time()))
    seconds = send_order(url, board_id, read_key(key_file), order)
    click.echo(f"circuit {circuit} of {board_id}: on for {seconds // 60} min")
