"""`headroom doctor`: what is wrong with a set-up, in words, with a way out."""

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from headroom.commands.common import AddressType, FilePath, data_option
from headroom.data_dir import token_path
from headroom.doctor import set_up as checks
from headroom.doctor.boards import BOARD_HTTP_PORT, examine_boards, last_heard_unix_s
from headroom.doctor.keeping import examine_keeper
from headroom.findings import Finding
from headroom.web.address import Address

_TIMEOUT_S = 5


@click.command()
@click.option("--site", "site_path", required=True, type=FilePath, help="Site file (TOML).")
@data_option
@click.option("--board-listen", type=AddressType(), help="As for serve.")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, type=AddressType())
@click.option(
    "--board-http-port",
    default=BOARD_HTTP_PORT,
    show_default=True,
    type=click.IntRange(1, 65_535),
    help="Where boards have their own HTTP: http.port in their config.json.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array of findings.")
def doctor(
    site_path: Path,
    data: Path,
    board_listen: Address | None,
    listen: Address,
    board_http_port: int,
    as_json: bool,
) -> None:
    """Say what is wrong with a set-up, and what to do about it.

    Names limits that cannot be enforced, and looks at the store, the addresses, the clock and
    every board, whether the server runs or not. Each board is asked how it is by its own HTTP, at
    the address that it last reported from. A store of an earlier release is brought up to date, as
    a start would.

    Exit code 0: nothing wrong; 1: at least one error; 3: warnings only.
    """
    addresses = [address for address in (board_listen, listen) if address]
    findings = list(_examine(site_path, data, addresses, listen, board_http_port))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            click.echo(str(finding))
        click.echo(_summary(findings))
    levels = {finding.level for finding in findings}
    sys.exit(1 if "error" in levels else 3 if levels else 0)


def _examine(
    site_path: Path, data: Path, addresses: list[Address], page: Address, board_http_port: int
) -> Iterator[Finding]:
    database = click.get_current_context().find_root().params.get("database")
    site, findings = checks.examine_site(site_path)
    yield from findings
    now_unix_s = time.time()
    records, findings = checks.examine_store(data, database, now_unix_s)
    yield from findings
    refused: dict[str, dict[str, int]] = {}
    is_serving = data.exists() and checks.is_serving(data)
    if not is_serving:
        yield from checks.examine_addresses(addresses)
    else:
        try:
            refused = _refused(page, data)
            metrics = _read(page, data, "metrics")
            yield from checks.examine_strangers(refused, metrics)
            yield from examine_keeper(metrics, now_unix_s)
        except OSError as error:
            yield Finding(
                "warning",
                f"server at {page}",
                f"holds the data directory and cannot be asked ({error})",
                "give --listen as the server was given it, and run as the user that owns "
                "api.token",
            )
    if site is not None and records is not None:
        heard_unix_s = now_unix_s if is_serving else last_heard_unix_s(records, now_unix_s)
        if heard_unix_s < now_unix_s:
            yield from checks.examine_rest(data, now_unix_s - heard_unix_s)
        site, outdated, findings = checks.examine_changes(site, data, database)
        yield from findings
        yield from examine_boards(
            site, records, refused, (heard_unix_s, now_unix_s), board_http_port, outdated
        )


def _refused(page: Address, data: Path) -> dict[str, dict[str, int]]:
    """By board and problem, the reports that the server refused; raises OSError."""
    document = json.loads(_read(page, data, "api/v1/boards"))
    return {board["id"]: board["refused"] for board in document["boards"]}


def _read(page: Address, data: Path, path: str) -> str:
    token = token_path(data).read_text(encoding="ascii").strip()
    request = urllib.request.Request(
        f"http://{page}/{path}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        text: str = response.read().decode()
        return text


def _summary(findings: list[Finding]) -> str:
    if not findings:
        return "nothing wrong"
    errors = sum(finding.level == "error" for finding in findings)
    return f"{errors} errors, {len(findings) - errors} warnings"
