"""Looks at a set-up from outside and says in words what is wrong with it, and what to do."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from headroom.coordinator.live import STALE_INTERVALS
from headroom.data_dir import DataDirError, only_server, open_data_store
from headroom.findings import Finding
from headroom.site import Board, Site, SiteError, load_site
from headroom.site.enforceable import unenforceable
from headroom.store import Store, StoreUnavailableError, boards
from headroom.store.boards import BoardRecord
from headroom.web.server import Address

# Before this release was made: a machine without a battery for its clock begins in 1970.
_EARLIEST_UNIX_S = 1_767_225_600
_CLOCK_SLACK_S = 60


def examine_site(path: Path) -> tuple[Site | None, list[Finding]]:
    """The site in a file, if it is one, and what is wrong with it."""
    try:
        site = load_site(path)
    except SiteError as error:
        way_out = "mend the line; `headroom init` writes a file that explains each key"
        return None, [Finding("error", "site file", line, way_out) for line in error.lines]
    return site, unenforceable(site)


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
    data: Path, database: str | None, site: Site | None, now_unix_s: float
) -> Iterator[Finding]:
    """Whether the store can be read and written, and what it knows of the boards."""
    if database is None and not (data / "headroom.db").exists():
        yield Finding(
            "warning",
            f"data directory {data}",
            "has no store yet",
            "register boards with `headroom board add`; the first start makes the rest",
        )
        return
    try:
        with closing(open_data_store(data, database)) as store:
            yield from _written(store)
            with store.read() as db:
                records = {record.id: record for record in boards.records(db)}
    except StoreUnavailableError as error:
        yield _unavailable(str(error))
        return
    yield from _clock(records, now_unix_s)
    if site is not None:
        for board in site.boards:
            yield from _board(board, records.get(board.id), now_unix_s)
        yield from _unknown_boards(site, records)


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
        "connect": "check that PostgreSQL runs and that the URL names its host, port and database",
        "schema": "use the release that wrote it, or another data directory",
        "later release": "use the release that wrote it, or another data directory",
    }
    way_out = next((way for word, way in ways_out.items() if word in why), "restore a backup")
    return Finding("error", "store", why, way_out)


def _clock(records: dict[str, BoardRecord], now_unix_s: float) -> Iterator[Finding]:
    newest = max((r.received_unix_s or 0 for r in records.values()), default=0)
    ahead_s = newest - now_unix_s
    if now_unix_s < _EARLIEST_UNIX_S or ahead_s > _CLOCK_SLACK_S:
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


def _board(board: Board, record: BoardRecord | None, now_unix_s: float) -> Iterator[Finding]:
    thing = f"board {board.id}"
    if record is None:
        yield Finding(
            "error",
            thing,
            "has no key here, so nothing it sends is accepted",
            f"`headroom board add {board.id} --new-key {board.id}.key`, and put that key into "
            "its /secrets.json",
        )
    elif record.received_unix_s is None:
        yield Finding(
            "error",
            thing,
            "has never been heard with a right signature",
            "check that it has power and Wi-Fi, that link.host and link.port in its config.json "
            "are this coordinator's, and that the key in its secrets.json is the one registered",
        )
    elif now_unix_s - record.received_unix_s > STALE_INTERVALS * board.report_s:
        age_s = round(now_unix_s - record.received_unix_s)
        yield Finding(
            "error",
            thing,
            f"was heard {age_s} s ago and reports every {board.report_s} s; it keeps to its safe "
            "limit by itself",
            "check its power and Wi-Fi, and over serial `app.current.status()`: its last error "
            "says whether the coordinator is unreachable or the key is wrong",
        )


def _unknown_boards(site: Site, records: dict[str, BoardRecord]) -> Iterator[Finding]:
    for board_id in sorted(set(records) - {board.id for board in site.boards}):
        yield Finding(
            "warning",
            f"board {board_id}",
            "has a key here and is not in the site file; its reports are refused",
            "add it to the site file",
        )


def examine_refusals(metrics: str) -> Iterator[Finding]:
    """What a running server's /metrics say of reports that it refused."""
    ways_out = {
        "unsigned": "a board has another key than the one registered: write the right one into "
        "its secrets.json, or register its own with `headroom board add --key-file`",
        "malformed": "a board and the site file differ in circuits, or its firmware is of another "
        "release; provision it again",
        "superseded": "another coordinator has taken over this store; stop this one",
    }
    for line in metrics.splitlines():
        for reason, way_out in ways_out.items():
            if line.startswith(f'headroom_report_refusals_total{{reason="{reason}"}}'):
                count = round(float(line.rpartition(" ")[2]))
                if count:
                    yield Finding("error", "reports", f"{count} were refused as {reason}", way_out)
