"""`headroom doctor`: what is wrong with a set-up, in words, with a way out."""

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from headroom import doctor as checks
from headroom.commands.common import AddressType, FilePath, data_option
from headroom.data_dir import token_path
from headroom.findings import Finding
from headroom.web.server import Address

_TIMEOUT_S = 5


@click.command()
@click.option("--site", "site_path", required=True, type=FilePath, help="Site file (TOML).")
@data_option
@click.option("--board-listen", type=AddressType(), help="As for serve.")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, type=AddressType())
@click.option("--json", "as_json", is_flag=True, help="A JSON array of findings.")
def doctor(
    site_path: Path, data: Path, board_listen: Address | None, listen: Address, as_json: bool
) -> None:
    """Say what is wrong with a set-up, and what to do about it.

    Names limits that cannot be enforced, and looks at the store, the addresses, the clock and
    every board, whether the server runs or not. A store of an earlier release is brought up to
    date, as a start would.

    Exit code 0: nothing wrong; 1: at least one error; 3: warnings only.
    """
    addresses = [address for address in (board_listen, listen) if address]
    findings = list(_examine(site_path, data, addresses, listen))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            click.echo(str(finding))
        click.echo(_summary(findings))
    levels = {finding.level for finding in findings}
    sys.exit(1 if "error" in levels else 3 if levels else 0)


def _examine(
    site_path: Path, data: Path, addresses: list[Address], page: Address
) -> Iterator[Finding]:
    database = click.get_current_context().find_root().params.get("database")
    site, findings = checks.examine_site(site_path)
    yield from findings
    yield from checks.examine_store(data, database, site, time.time())
    if not data.exists() or not checks.is_serving(data):
        yield from checks.examine_addresses(addresses)
        return
    try:
        yield from checks.examine_refusals(_metrics(page, data))
    except OSError as error:
        yield Finding(
            "warning",
            f"server at {page}",
            f"holds the data directory and its metrics cannot be read ({error})",
            "give --listen as the server was given it, and run as the user that owns api.token",
        )


def _metrics(page: Address, data: Path) -> str:
    token = token_path(data).read_text(encoding="ascii").strip()
    request = urllib.request.Request(
        f"http://{page}/metrics", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        text: str = response.read().decode()
        return text


def _summary(findings: list[Finding]) -> str:
    if not findings:
        return "nothing wrong"
    errors = sum(finding.level == "error" for finding in findings)
    return f"{errors} errors, {len(findings) - errors} warnings"
