"""`headroom site`: in what a site is other than its file, and how to go back."""

import json
from pathlib import Path

import click

from headroom.commands.device import (
    api_option,
    json_option,
    require_token,
    server_data_option,
    token_option,
)
from headroom.device.coordinator_api import CoordinatorApi


@click.group(short_help="See and forget what was changed of the site.")
def site() -> None:
    """See and forget what was changed of the site since its file was read."""


@site.command()
@api_option
@server_data_option
@token_option
@json_option
def changes(api: str, data: Path | None, token_file: Path | None, as_json: bool) -> None:
    """List every change by its name, and why those that do not fit the file are not in force."""
    found = CoordinatorApi(api, require_token(data, token_file)).site_changes()
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for change in found:
        click.echo(f"{change['name']}\t{json.dumps(change['value'])}")
        for why in change["misfit"]:
            click.echo(f"  not in force: {why}")


@site.command()
@click.argument("name")
@api_option
@server_data_option
@token_option
def forget(name: str, api: str, data: Path | None, token_file: Path | None) -> None:
    """Go back to what the site file says of NAME, as `headroom site changes` lists it."""
    boards = CoordinatorApi(api, require_token(data, token_file)).forget_change(name)
    click.echo(f"{name}: forgotten")
    for board in boards:
        click.echo(f"board {board} has to be provisioned again: headroom board provision {board}")
