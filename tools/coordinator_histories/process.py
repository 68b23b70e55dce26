"""A coordinator's process: the real one, on a store in a folder, in virtual time.

It ends as a process does that is killed: whatever lies in its folder at that moment is what the
next start finds, log and all.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from headroom.coordinator import Coordinator, Settings
from headroom.site import Site
from headroom.store import Store, boards, open_store, orders
from headroom.store.orders import Override
from headroom.store.tables import minutes, reports
from headroom.web import BoardApp
from sqlalchemy import Connection, select
from werkzeug.test import Client

from tools.coordinator_histories.board import Request
from tools.lease_histories.coordinator import STARTED_UNIX_S, Died, Fault

# The store is locked or full for a while, or the process dies at a commit.
FAULTS: tuple[tuple[Fault, int], ...] = (
    ("none", 92),
    ("locked", 2),
    ("full", 2),
    ("dies_before_commit", 2),
    ("dies_after_commit", 2),
)
# One thread has all that writes: a lock that is held stays.
_BUSY_S = 0.01
_MOST_PAGES = 4_294_967_294


@dataclass
class DataDir:
    """A data directory, and what was promised of its content: reports and minutes acknowledged,
    by board, boot and number, and orders confirmed, by board and circuit.
    """

    folder: Path
    reports: set[tuple[str, int, int]] = field(default_factory=set)
    minutes: set[tuple[str, int, int]] = field(default_factory=set)
    orders: dict[tuple[str, int], Override] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The database."""
        return self.folder / "headroom.db"

    def copied_to(self, folder: Path) -> DataDir:
        """As it lies on the disk at this moment, whoever is writing to it."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("*-shm"))
        return self.with_promises(folder)

    def with_promises(self, folder: Path) -> DataDir:
        """Another folder, of which the same is to be expected."""
        return DataDir(folder, set(self.reports), set(self.minutes), dict(self.orders))

    def broken_promises(self, db: Connection) -> list[str]:
        """What was acknowledged or confirmed and is not there."""
        r, m = reports.c, minutes.c
        kept = {tuple(row) for row in db.execute(select(r.board, r.boot, r.seq))}
        missing = [f"report {one}" for one in sorted(self.reports - kept)]
        kept = {tuple(row) for row in db.execute(select(m.board, m.boot, m.minute))}
        missing += [f"minute {one}" for one in sorted(self.minutes - kept)]
        known = orders.all_overrides(db)
        for (board, _), order in self.orders.items():
            missing += [] if order in known.get(board, ()) else [f"{order} of {board}"]
        return missing


@dataclass
class ProcessClock:
    """Clocks of a machine whose monotonic one runs at `rate`, and whose date is wrong."""

    true_s: Callable[[], float]
    rate: float
    wrong_s: float
    started_s: float = 0.0

    def __post_init__(self) -> None:
        self.started_s = self.true_s()

    def monotonic_s(self) -> float:
        """See headroom.coordinator.clock.Clock."""
        return (self.true_s() - self.started_s) * self.rate

    def unix_s(self) -> float:
        """See headroom.coordinator.clock.Clock."""
        return STARTED_UNIX_S + self.true_s() + self.wrong_s


class MortalStore(Store):
    """A store under a process that may die at a commit: just before it, or just after."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fault: Fault = "none"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See Store."""
        with self._store.read() as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """See Store; raises Died."""
        with self._store.write() as db:
            with _full(db) if self.fault == "full" else nullcontext():
                yield db
            self._die_if("dies_before_commit")
        self._die_if("dies_after_commit")

    def close(self) -> None:
        """See Store."""
        self._store.close()

    def _die_if(self, fault: Fault) -> None:
        if self.fault == fault:
            raise Died


class Process:
    """Starts on construction, on what lies in the data directory."""

    def __init__(self, data: DataDir, site: Site, clock: ProcessClock, settings: Settings) -> None:
        self.data = data
        self.clock = clock
        self.store = MortalStore(open_store(f"sqlite:///{data.file}", busy_s=_BUSY_S))
        self.coordinator = Coordinator(site, self.store, clock, settings)
        self._client = Client(BoardApp(self.coordinator))

    def broken_promises(self) -> list[str]:
        """See DataDir."""
        with self.store.read() as db:
            return self.data.broken_promises(db)

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """Within the block the store fails so; raises Died where it lets the process die."""
        self.store.fault = fault
        try:
            with self._locked() if fault == "locked" else nullcontext():
                yield
        finally:
            self.store.fault = "none"

    def answer(self, request: Request) -> bytes:
        """The response to a report; what it acknowledges is a promise from now on."""
        head, body = request.data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        response = self._client.post(
            lines[0].split(" ")[1],
            headers=headers,
            data=body,
            environ_base={"REMOTE_ADDR": "127.0.0.1"},
        )
        if response.status_code == 200:
            self._promise(request.board, json.loads(body), json.loads(response.data))
        signature = response.headers.get("Headroom-Signature", "")
        start = f"HTTP/1.1 {response.status}\r\nHeadroom-Signature: {signature}\r\n\r\n"
        return start.encode() + bytes(response.data)

    def register(self, board: str, key: bytes) -> None:
        """The key of a board that is being provisioned."""
        with self.store.write() as db:
            boards.put_key(db, board, key)

    def close(self) -> None:
        """End as somebody who is asked to."""
        self.store.close()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Another program keeps the database to itself."""
        with closing(sqlite3.connect(self.data.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    def _promise(self, board: str, report: dict[str, int], answer: dict[str, object]) -> None:
        self.data.reports.add((board, report["boot"], report["seq"]))
        acknowledged = answer["ack_minutes"]
        assert isinstance(acknowledged, list)
        self.data.minutes |= {(board, boot, minute) for boot, minute in acknowledged}


@contextmanager
def _full(db: Connection) -> Iterator[None]:
    """The database finds no room for another page."""
    db.exec_driver_sql(f"PRAGMA max_page_count={db.exec_driver_sql('PRAGMA page_count').scalar()}")
    try:
        yield
    finally:
        db.exec_driver_sql(f"PRAGMA max_page_count={_MOST_PAGES}")
