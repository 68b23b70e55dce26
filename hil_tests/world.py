"""Virtual boards and a real coordinator in one simulated time, without a socket or a sleep."""

from __future__ import annotations

import errno
import functools
import itertools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from headroom.coordinator import Beacons, Coordinator, Settings
from headroom.data_dir import open_data_store
from headroom.device.configuration import Keys, Link, board_config
from headroom.site import Site, parse_site
from headroom.store import Store
from headroom.store import boards as stored_boards
from headroom.store.backup import restore
from headroom.store.tokens import make_token
from headroom.web import BoardApp, api_app

from boards.virtual.board import Fitting, VirtualBoard, board_files
from boards.virtual.flash import Flash
from boards.virtual.network import BOARD_HOST, Network, Peer, WsgiPeer

HOST, PORT = "10.0.0.1", 8087
BEACON_GROUP, BEACON_PORT = "239.255.72.82", 8088
SITE_KEY = bytes(range(32))
STARTED_UNIX_S = 1_790_000_000  # any date; the same in every run

# How finely boards and coordinator see each other's time.
STEP_US = 50_000


class RunsPython(Protocol):
    """A board with a REPL."""

    def exec(self, code: str) -> str:
        """Run it there; what it printed."""
        ...


def start_is_good(board: RunsPython) -> None:
    """Mark the board's start as ten minutes of uptime would: after six power cuts without that it
    stays in ``safe_boot``.
    """
    board.exec("from node import app; app.current.storage.write([1, 0, 0])")


class _Served(WsgiPeer):
    """A connection to one run of the coordinator, broken when that has ended."""

    def __init__(self, world: World, client: str) -> None:
        super().__init__(world.board_app, client)
        self._world, self._served_by = world, world.board_app

    def send(self, data: bytes) -> int:
        """See Peer."""
        if self._world.board_app is not self._served_by:
            raise ConnectionResetError(errno.ECONNRESET, "the coordinator has ended")
        return super().send(data)


class World:
    """A site in simulated time. ``now_us`` is the time that boards and coordinator share."""

    def __init__(
        self,
        site: dict[str, Any],
        folder: Path,
        settings: Settings | None = None,
        beacons: bool = False,
    ) -> None:
        """``beacons``: whether boards have a site key and the coordinator tells them of orders."""
        self.site: Site = parse_site(site)
        self.now_us = 0.0
        self.boards: dict[str, VirtualBoard] = {}
        self.machine_is_off = False  # the coordinator's: its address never answers
        # What boards' connections to it pass through; it is given how to open the far end.
        self.between: Callable[[Callable[[], Peer]], Peer] = lambda open_peer: open_peer()
        self._folders = (folder.with_name(f"{folder.name}-{n}") for n in itertools.count(1))
        self._folder = folder
        self._settings = settings
        self._has_beacons = beacons
        self.sent_beacons: list[tuple[bytes, str]] = []  # and to which address
        self._store: Store | None = None
        self._tokens = itertools.count(1)
        self.start_coordinator()

    # The coordinator's clock

    def monotonic_s(self) -> float:
        """See headroom.coordinator.clock.Clock."""
        return self.now_us / 1e6

    def unix_s(self) -> float:
        """See headroom.coordinator.clock.Clock."""
        return STARTED_UNIX_S + self.now_us / 1e6

    def start_coordinator(self) -> None:
        """Start it, or start it anew on the same data, as a restart of the service does."""
        if self._store is not None:
            self._store.close()
        self._store = open_data_store(self._folder)
        self.beacons = Beacons(SITE_KEY, self.store, self, self) if self._has_beacons else None
        self.coordinator: Coordinator = Coordinator(
            self.site, self.store, self, self._settings, self.beacons
        )
        self.api = api_app(self.coordinator, open_reading=True).test_client()
        self.board_app = BoardApp(self.coordinator)

    def restore_coordinator(self, backup: Path) -> None:
        """Start it anew on a backup, in a data directory that was empty."""
        self._folder = next(self._folders)
        self._folder.mkdir()
        with closing(open_data_store(self._folder)) as store:
            restore(backup, store, self._folder)
        self.start_coordinator()

    @property
    def store(self) -> Store:
        """The coordinator's store."""
        assert self._store is not None
        return self._store

    def order(
        self, board_id: str, circuit: int, what: str, body: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Order an ``override`` or a ``schedule`` by API as a person does; None cancels it."""
        response = self.api.open(
            f"/api/v1/boards/{board_id}/circuits/{circuit}/{what}",
            method="DELETE" if body is None else "PUT",
            json=body,
            headers={"Authorization": f"Bearer {self.token()}"},
        )
        assert response.status_code == 200, response.get_data(as_text=True)
        document: dict[str, Any] = response.get_json()
        return document

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Give an order for the site or a board by API."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        response = self.api.put(f"/api/v1/{path}", json=body, headers=headers)
        assert response.status_code in (200, 204), response.get_data(as_text=True)

    def token(self) -> str:
        """A token that may change things."""
        with self.store.write() as db:
            return make_token(db, f"test-{next(self._tokens)}", int(self.unix_s()))

    # Boards

    def add_board(
        self,
        board_id: str,
        timing: dict[str, Any] | None = None,
        flash: Flash | None = None,
        http_port: int = 0,
        charge_key: bytes = b"",
        **fitting: Any,
    ) -> VirtualBoard:
        """Provision a board of the site, wire it as its configuration says, and leave it without
        power.
        """
        link = Link(HOST, PORT, http_port=http_port)
        config = board_config(self.site, board_id, link, timing)
        index = [b.id for b in self.site.boards].index(board_id)
        key = bytes([index + 1]) * 32
        with self.store.write() as db:
            stored_boards.put_key(db, board_id, key)
        seed = fitting.pop("seed", index + 1)
        network = Network(functools.partial(self._connect, f"10.0.1.{index + 1}"), seed)
        board = VirtualBoard(Fitting.for_config(config, seed=seed, **fitting), network, flash)
        keys = Keys(key, SITE_KEY if self._has_beacons else b"", charge_key)
        board.install(board_files(config, keys.secrets()))
        board.now_us = self.now_us
        self.boards[board_id] = board
        return board

    def close(self) -> None:
        """End all boards and close the store."""
        for board in self.boards.values():
            board.close()
        self.store.close()

    # Time

    def run(self, seconds: float) -> None:
        """Let that much time pass for everybody."""
        end_us = self.now_us + seconds * 1e6
        while self.now_us < end_us:
            self.now_us = min(self.now_us + STEP_US, end_us)
            for board in self.boards.values():
                board.run_until_us(self.now_us)
            if self.beacons:
                self.beacons.step()

    def run_until(self, condition: Callable[[], bool], within_s: float) -> float:
        """Let time pass until a condition holds; returns how long it took in s.

        Raises TimeoutError.
        """
        start_us = self.now_us
        while not condition():
            if self.now_us - start_us > within_s * 1e6:
                raise TimeoutError(f"the condition did not come to hold within {within_s} s")
            self.run(STEP_US / 1e6)
        return (self.now_us - start_us) / 1e6

    # What the coordinator knows

    def state(self) -> dict[str, Any]:
        """The document behind the dashboard."""
        response = self.api.get("/api/v1/state")
        assert response.status_code == 200, response.get_data(as_text=True)
        document: dict[str, Any] = response.get_json()
        return document

    # The coordinator's datagrams

    def send(self, data: bytes, host: str) -> None:
        """See headroom.coordinator.beacons.Transport."""
        self.sent_beacons.append((data, host))
        index = int(host.rpartition(".")[2]) - 1
        self.deliver(data, self.site.boards[index].id, BOARD_HOST)

    def send_to_group(self, data: bytes) -> None:
        """See headroom.coordinator.beacons.Transport."""
        self.sent_beacons.append((data, BEACON_GROUP))
        for board_id in self.boards:
            self.deliver(data, board_id, BEACON_GROUP)

    def deliver(self, data: bytes, board_id: str, target: str) -> None:
        """A datagram from the coordinator's address, or from somebody who feigns it."""
        board = self.boards[board_id]
        board.network.deliver(data, (HOST, BEACON_PORT), (target, BEACON_PORT), board.now_us)

    def _connect(self, client: str, host: str, port: int) -> Peer:
        if (host, port) != (HOST, PORT):
            raise ConnectionRefusedError(f"nobody listens on {host}:{port}")
        if self.machine_is_off:
            raise TimeoutError(f"{host} does not answer")
        return self.between(lambda: _Served(self, client))
