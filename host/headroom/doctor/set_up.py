"""Looks at a set-up from outside and says in words what is wrong with it, and what to do."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from headroom.coordinator.clock import EARLIEST_UNIX_S
from headroom.data_dir import DataDirError, has_store, only_server, open_data_store
from headroom.findings import Finding
from headroom.site import Site, SiteError, load_site
from headroom.site.changes import fitting_site, spelled
from headroom.site.enforceable import unenforceable
from headroom.store import (
    Store,
    StoreUnavailableError,
    boards,
    outdated_boards,
    site_changes,
)
from headroom.store.boards import BoardRecord
from headroom.web.address import Address

_CLOCK_SLACK_S = 60
# A restart takes less.
_REST_S = 60


def examine_site(path: Path) -> tuple[Site | None, list[Finding]]:
    """The site in a file, if it is one, and what is wrong with it."""
    try:
        site = load_site(path)
    except SiteError as error:
        way_out = (
            "mend the line; `headroom init` writes a file that explains each key"
            if path.exists()
            else "name one as --site; `headroom init` writes it"
        )
        return None, [Finding("error", "site file", line, way_out) for line in error.lines]
    return site, unenforceable(site)


def examine_changes(
    site: Site, data: Path, database: str | None
) -> tuple[Site, frozenset[str], list[Finding]]:
    """The site of the file as people changed it since, its boards that have to be provisioned
    again, and what of the changes is not in force; raises StoreUnavailableError.
    """
    with closing(open_data_store(data, database)) as store, store.read() as db:
        outdated = frozenset(outdated_boards.outdated_by_board(db))
        changes = site_changes.changes(db)
    changed, misfits = fitting_site(site, changes)
    findings = [
        Finding(
            "error",
            f"change {spelled(name)}",
            f"is not in force, it does not fit the site file: {why[0]}",
            f"mend the file, or go back to what it says: headroom site forget {spelled(name)}",
        )
        for name, why in misfits.items()
    ]
    news = set(unenforceable(changed)) - set(unenforceable(site))
    return changed, outdated, [*findings, *sorted(news, key=str)]


def is_serving(data: Path) -> bool:
    """Whether a server holds the data directory; raises DataDirError."""
    if not (data / "server.lock").exists():
        return False
    try:
        with only_server(data):
            return False
    except DataDirError as error:
        if isinstance(error.__cause__, BlockingIOError):
            return True
        raise


def examine_rest(data: Path, rests_s: float) -> Iterator[Finding]:
    """That nobody serves, if the newest report came so long ago that boards miss it."""
    if rests_s > _REST_S:
        yield Finding(
            "error",
            "server",
            f"none runs on {data}, and the newest report came {round(rests_s)} s ago; boards keep "
            "to their safe limits by themselves",
            "start it with `headroom serve`; if it runs elsewhere, ask there",
        )


def examine_addresses(addresses: list[Address]) -> Iterator[Finding]:
    """Those that a server could not listen on; only while none of ours does."""
    for address in addresses:
        try:
            socket.create_server((address.host, address.port), family=address.family).close()
        except OSError as error:
            yield Finding(
                "error",
                f"address {address}",
                f"cannot be listened on: {os.strerror(error.errno or 0)}",
                f"see who has it with `ss -ltnp sport = :{address.port}`, or take another port"
                if address.port
                else "give an address of this machine",
            )


def examine_store(
    data: Path, database: str | None, now_unix_s: float
) -> tuple[dict[str, BoardRecord] | None, list[Finding]]:
    """What the store knows of boards, if it can be read; and what is wrong with it."""
    if database is None and not has_store(data):
        way_out = "register boards with `headroom board add`; the first start makes the rest"
        return None, [Finding("warning", f"data directory {data}", "has no store yet", way_out)]
    try:
        with closing(open_data_store(data, database)) as store:
            findings = list(_written(store))
            with store.read() as db:
                records = {record.id: record for record in boards.records(db)}
    except StoreUnavailableError as error:
        return None, [_unavailable(str(error))]
    return records, [*findings, *_clock(records, now_unix_s)]


def _written(store: Store) -> Iterator[Finding]:
    try:
        with store.write():
            pass
    except StoreUnavailableError as error:
        yield _unavailable(str(error))


def _unavailable(why: str) -> Finding:
    ways_out = {
        "readonly": "give the user that runs the server write access to file and folder, and "
        "check that the disk is not mounted read-only",
        "cannot be written": "run as the user that owns the data directory, or change its owner",
        "locked": "another program keeps a transaction open; end it",
        "disk": "make room on the disk",
        "password": "give the right one in HEADROOM_DATABASE or ~/.pgpass",
        "connect": "check that PostgreSQL runs and that the URL names its host, port and database",
        "schema": "use the release that wrote it, or another data directory",
        "later release": "use the release that wrote it, or another data directory",
        "URL": "mend --database or HEADROOM_DATABASE, or leave it out for SQLite in --data",
    }
    way_out = next((way for word, way in ways_out.items() if word in why), "restore a backup")
    return Finding("error", "store", why, way_out)


def _clock(records: dict[str, BoardRecord], now_unix_s: float) -> Iterator[Finding]:
    newest = max((r.received_unix_s or 0 for r in records.values()), default=0)
    ahead_s = newest - now_unix_s
    if now_unix_s < EARLIEST_UNIX_S or ahead_s > _CLOCK_SLACK_S:
        what = (
            f"the newest report is dated {round(ahead_s)} s in the future"
            if ahead_s > _CLOCK_SLACK_S
            else "it shows a date before this release was made"
        )
        yield Finding(
            "error",
            "clock of this machine",
            f"is off: {what}",
            "set it, and have it kept (`timedatectl set-ntp true`); schedules and prices go by it",
        )


def examine_strangers(refused: Mapping[str, Mapping[str, int]], metrics: str) -> Iterator[Finding]:
    """Reports that a running server refused in names that are none; `refused` has the others."""
    start = 'headroom_report_refusals_total{reason="unsigned"} '
    counts = [float(ln.removeprefix(start)) for ln in metrics.splitlines() if ln.startswith(start)]
    count = round(sum(counts)) - sum(of_board.get("unsigned", 0) for of_board in refused.values())
    if count > 0:
        yield Finding(
            "warning",
            "reports",
            f"{count} were refused that name no board of this site",
            "the server's log names them: give the board the name that the site file has, or add "
            "it there",
        )
