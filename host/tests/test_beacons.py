"""Beacons: when they are sent and to whom, what they carry, and when they end."""

import hashlib
import hmac
import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from headroom.beacon_socket import BeaconSocket
from headroom.coordinator import Beacons, Coordinator
from headroom.protocol.messages import Answer
from headroom.store import Store, StoreUnavailableError
from headroom.web import BoardApp, api_app
from headroom.web.address import Address, ListenError
from tests.server_process import prepare, serving
from tests.support import World
from werkzeug.test import Client

SITE_KEY = b"s" * 32
OVERRIDE = "/api/v1/boards/flat-1/circuits/0/override"
OFF = {"state": "off", "until": None}


@dataclass
class Sent:
    """A transport that keeps what it is given: (counter, address)."""

    datagrams: list[tuple[int, str]] = field(default_factory=list)

    def send(self, data: bytes, host: str) -> None:
        """See Transport."""
        digits, signature = data[:9], data[9:].decode()
        expected = hmac.new(SITE_KEY, b"beacon\n" + digits, hashlib.sha256).hexdigest()
        assert signature == expected
        self.datagrams.append((int(digits), host))

    def send_to_group(self, data: bytes) -> None:
        """See Transport."""
        self.send(data, "group")

    def hosts(self) -> list[str]:
        """Where to; forgets what was sent."""
        hosts = [host for _, host in self.datagrams]
        self.datagrams.clear()
        return hosts


@dataclass
class Site:
    """A site whose coordinator sends beacons; `start` starts it anew on the same store."""

    world: World
    sent: Sent = field(default_factory=Sent)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the coordinator, or start it anew."""
        world = self.world
        self.beacons = Beacons(SITE_KEY, world.store, world.clock, self.sent)
        world.coordinator = Coordinator(
            world.site, world.store, world.clock, world.settings, self.beacons
        )
        world.board_app = BoardApp(world.coordinator)
        world.api = api_app(world.coordinator, open_reading=True).test_client()

    def order(self) -> None:
        """Order a circuit of the first board off, by API."""
        assert self.world.api.put(OVERRIDE, json=OFF, headers=self.world.bearer).status_code == 200

    def hosts_after_s(self, seconds: float) -> list[str]:
        """Where beacons go when that time has passed."""
        self.world.clock.advance(seconds)
        self.beacons.step()
        return self.sent.hosts()


@pytest.fixture
def site(world: World) -> Site:
    return Site(world)


def test_an_order_asks_its_board_at_its_address_then_everybody(site: Site) -> None:
    site.world.board("flat-1").report()
    site.world.board("flat-2").report()
    assert site.hosts_after_s(1) == []
    site.order()
    assert site.hosts_after_s(0) == ["127.0.0.1"]
    assert site.hosts_after_s(1) == ["127.0.0.1", "group"]


def test_a_board_that_never_reported_is_asked_by_the_group(site: Site) -> None:
    site.order()
    assert site.hosts_after_s(0) == ["group"]


def test_beacons_are_repeated_until_the_board_reports_and_not_for_ever(site: Site) -> None:
    board = site.world.board()
    site.order()
    counts = [len(site.hosts_after_s(0.5)) for _ in range(40)]
    assert [k * 0.5 for k, count in enumerate(counts) if count] == [0, 1, 3, 7]
    site.order()
    assert site.hosts_after_s(0) == ["group"]
    board.report()
    assert site.hosts_after_s(30) == []


def test_an_order_that_comes_while_a_report_is_answered_is_not_forgotten(site: Site) -> None:
    """The answer may have been made of the plan before it."""
    board = site.world.board()
    ingest = site.world.coordinator._ingest
    decide = ingest._decide

    def late_order(*arguments: object) -> Answer:
        answer = decide(*arguments)  # type: ignore[arg-type]
        site.beacons.ask(["flat-1"])
        return answer

    ingest._decide = late_order  # type: ignore[assignment,method-assign]
    board.report()
    assert site.hosts_after_s(0) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (OVERRIDE, OFF, 200),
        (
            OVERRIDE.replace("override", "schedule"),
            {"start": 1_800_000_000, "step_s": 60, "slots": "1"},
            200,
        ),
        ("/api/v1/boards/flat-1/maintenance", {"until": 1_800_000_060}, 204),
        ("/api/v1/prices", {"start": 1_800_000_000, "step_s": 60, "eur_mwh": [80]}, 200),
    ],
)
def test_every_kind_of_order_asks(
    world: World, path: str, body: dict[str, object], status: int
) -> None:
    world.document["boards"][0]["circuits"][0]["price_ceiling_eur_mwh"] = 100
    world.start()
    site = Site(world)
    for method, shall in (("PUT", status), ("DELETE", status)):
        response = world.api.open(path, method=method, json=body, headers=world.bearer)
        assert response.status_code == shall
        assert site.hosts_after_s(0) == ["group"]


def test_a_refused_order_asks_nobody(site: Site) -> None:
    body = {"state": "off", "until": 1}
    assert site.world.api.put(OVERRIDE, json=body, headers=site.world.bearer).status_code == 422
    assert site.hosts_after_s(0) == []


def test_an_answer_carries_the_newest_counter(site: Site) -> None:
    board = site.world.board()
    assert board.report().document["beacon"] == 0
    site.order()
    site.beacons.step()
    newest = site.sent.datagrams[-1][0]
    assert board.report(beacon=[newest, 3]).document["beacon"] == newest
    shown = site.world.state()["boards"][0]["health"]["beacon"]
    assert shown == {"heard": newest, "refused": 3}


def test_without_beacons_no_answer_carries_a_counter(world: World) -> None:
    assert "beacon" not in world.board().report().document


def test_counters_rise_across_restarts_and_blocks(site: Site) -> None:
    for _ in range(3):
        for _ in range(700):
            site.beacons.ask(["flat-1"])
            site.beacons.step()
        site.start()
    counters = [counter for counter, _ in site.sent.datagrams]
    assert counters == sorted(set(counters))
    assert len(counters) == 2100


def test_a_replayed_report_tells_no_address(site: Site) -> None:
    board = site.world.board()
    body = board.body(seq=1)
    board.send(body)
    headers = {"Headroom-Signature": board.sign(body)}
    answer = Client(site.world.board_app).post(
        "/api/v1/boards/flat-1/reports",
        data=body,
        headers=headers,
        environ_base={"REMOTE_ADDR": "10.9.9.9"},
    )
    assert answer.status_code == 200
    site.order()
    assert site.hosts_after_s(0) == ["127.0.0.1"]


def test_a_store_that_cannot_be_written_costs_the_beacon_only(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_store: Store) -> None:
        raise StoreUnavailableError("full")

    site.beacons.ask(["flat-1"])
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", fails)
        assert site.hosts_after_s(0) == []
    site.order()
    assert site.hosts_after_s(0) == ["group"]


def test_the_server_sends_them_over_udp_under_the_key_in_its_folder(tmp_path: Path) -> None:
    prepare(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as board_socket:
        board_socket.bind(("127.0.0.1", 0))
        board_socket.settimeout(10)
        port = board_socket.getsockname()[1]
        with serving(tmp_path, "--beacon", f"239.255.72.82:{port}") as server:
            board = server.board("flat-1")
            assert board.report().document["beacon"] == 0
            server.put(OVERRIDE, OFF)
            datagram = board_socket.recv(100)
            assert board.report().document["beacon"] >= int(datagram[:9])
            server.process.terminate()
            assert server.process.wait(timeout=10) == 0
    key_file = tmp_path / "data" / "site.key"
    assert key_file.stat().st_mode & 0o777 == 0o600
    key = bytes.fromhex(key_file.read_text())
    signed = hmac.new(key, b"beacon\n" + datagram[:9], hashlib.sha256).hexdigest()
    assert datagram[9:].decode() == signed


@pytest.mark.parametrize("group", ["192.168.1.10:8088", "localhost:8088", "[ff02::1]:8088"])
def test_what_is_no_group_is_refused(group: str) -> None:
    with pytest.raises(ListenError, match="not a multicast group"):
        BeaconSocket(Address.parse(group), "127.0.0.1")


def test_an_interface_that_is_not_there_is_named() -> None:
    with pytest.raises(ListenError, match=r"cannot send from 203\.0\.113\.7"):
        BeaconSocket(Address.parse("239.255.72.82:8088"), "203.0.113.7")
