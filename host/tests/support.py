"""What several tests need: a site, a clock that waits, and a coordinator in this process."""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from headroom.allocation.book import book_s
from headroom.coordinator import Coordinator, Settings
from headroom.data_dir import ensure_token
from headroom.site import parse_site
from headroom.store import Store, boards, open_store
from headroom.web import BoardApp, api_app
from tests.board_client import BoardClient, posts_to_app

# How much `make fuzz` tries; 0 = as much as there is time for in a test, the same each time.
FUZZ_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
_SITE: dict[str, Any] = {
    "site": {"name": "three flats"},
    "feeders": [{"id": "riser", "rating_ma": {"L1": 25_000}, "uncontrolled_ma": {"L1": 1000}}],
    "boards": [],
}
_CIRCUIT = {
    "name": "water heater",
    "phase": "L1",
    "rated_ma": 10_000,
    "priority": 4,
    "kind": "thermal",
    "safe": "off",
}


def site_document(boards_count: int = 2, circuits: int = 1) -> dict[str, Any]:
    """A TOML document of a site with one feeder of 25 A, 1 A of it uncontrolled."""
    document = copy.deepcopy(_SITE)
    document["boards"] = [
        {
            "id": f"flat-{number}",
            "feeder": "riser",
            "safe_limit_ma": {"L1": 5000},
            "circuits": [dict(_CIRCUIT) for _ in range(circuits)],
        }
        for number in range(1, boards_count + 1)
    ]
    return document


def key_of(board_id: str) -> bytes:
    """The key that tests give to a board."""
    return board_id.encode().ljust(32, b"k")


def sqlite_url(folder: Path) -> str:
    """Where a store of tests lies unless it is PostgreSQL."""
    return f"sqlite:///{folder / 'headroom.db'}"


@dataclass
class VirtualClock:
    """Both clocks of a coordinator; they move only when told to."""

    now_s: float = 1000.0
    date_s: float = 1_800_000_000.0

    def monotonic_s(self) -> float:
        """See Clock."""
        return self.now_s

    def unix_s(self) -> float:
        """See Clock."""
        return self.date_s

    def advance(self, seconds: float) -> None:
        """Let time pass on both."""
        self.now_s += seconds
        self.date_s += seconds


@dataclass
class World:
    """A coordinator with its store, its two applications and boards that talk to it."""

    folder: Path
    document: dict[str, Any] = field(default_factory=site_document)
    settings: Settings = field(default_factory=Settings)
    database: str | None = None
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start, or start again on the same store as after a crash."""
        if hasattr(self, "store"):
            self.close()
        self.site = parse_site(self.document)
        self.store: Store = self.open_store()
        with self.store.write() as db:
            for board in self.site.boards:
                boards.put_key(db, board.id, key_of(board.id))
        self.token = ensure_token(self.store, self.folder, 0).read_text().strip()
        self.coordinator = Coordinator(self.site, self.store, self.clock, self.settings)
        self.board_app = BoardApp(self.coordinator)
        self.api: FlaskClient = api_app(self.coordinator, open_reading=True).test_client()

    def close(self) -> None:
        """Give its connections back."""
        self.store.close()

    def open_store(self) -> Store:
        """A further connection to its store; by default the latter is SQLite in the folder."""
        return open_store(self.database or sqlite_url(self.folder), busy_s=0.02)

    def outwait_earlier_terms(self) -> None:
        """Until no lease of an earlier start can be about, whoever has not been heard."""
        self.clock.advance(book_s(self.settings.lease_s))

    def board(self, board_id: str = "flat-1", **state: Any) -> BoardClient:
        """A board that reports to this coordinator, also after its restart."""

        def post(path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
            return posts_to_app(self.board_app)(path, headers, body)

        return BoardClient(board_id, key_of(board_id), post, **state)

    @property
    def bearer(self) -> dict[str, str]:
        """Headers of somebody who may change things."""
        return {"Authorization": f"Bearer {self.token}"}

    def state(self) -> dict[str, Any]:
        """What the page polls."""
        document: dict[str, Any] = self.api.get("/api/v1/state").get_json()
        return document

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        with self.store.read() as db:
            count: int = db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            return count


@contextmanager
def roomy_world(
    folder: Path, database: str, feeder: dict[str, Any] | None = None
) -> Iterator[World]:
    """Two boards of 5 A that could each use all of a feeder of 25 A, 1 A of it uncontrolled, long
    after the start. `feeder`: what more its table says.
    """
    document = site_document()
    document["feeders"][0] |= feeder or {}
    for board in document["boards"]:
        board["circuits"][0]["rated_ma"] = 25_000
    world = World(folder, document, database=database)
    world.outwait_earlier_terms()
    yield world
    world.close()
