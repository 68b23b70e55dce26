"""`headroom board provision` against a virtual module and a real `headroom serve`: what it leaves
on the board, and what it says where something is wrong.
"""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from headroom.cli import main
from headroom.data_dir import token_path
from headroom.device.coordinator_api import CoordinatorApi
from headroom.site.template import site_template

from boards.virtual.board import VirtualBoard
from boards.virtual.files import install, read_file
from boards.virtual.fitting import Fitting, firmware_image
from boards.virtual.module import Module
from boards.virtual.network import loopback_network, process_loopback
from boards.virtual.pins import load_board
from boards.virtual.plant import Wiring
from boards.virtual.rom.image import stand_in
from tools.demo.coordinator import Coordinator

# pyserial's RFC 2217 client names and marks its thread as Python did before 3.10.
pytestmark = [
    pytest.mark.requirement("provisioning"),
    pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning"),
]

PASSWORD = "correct horse battery staple"
IMAGE = firmware_image()
# All but the last sectors of the board's 251: four files need more.
LARGE_BYTES = 248 * 4080


@dataclass
class Bench:
    """A flashed module on a desk, and a coordinator whose site has flat-1."""

    module: Module
    coordinator: Coordinator
    folder: Path

    def provision(self, *more: str, typed: str = "", **changed: str) -> Result:
        """Run it; options can be changed by name, and left out with an empty value."""
        host, port = self.coordinator.addresses.boards
        options = {
            "site": str(self.folder / "site.toml"),
            "data": str(self.coordinator.data),
            "api": self.coordinator.addresses.page.rstrip("/"),
            "coordinator": f"{host}:{port}",
            "ssid": "home",
            "wifi-password-file": str(self.folder / "wifi"),
            "port": self.module.plain_port,
        }
        options |= {name.replace("_", "-"): value for name, value in changed.items()}
        words = [word for name, value in options.items() if value for word in (f"--{name}", value)]
        command = ["board", "provision", "flat-1", *words, *more]
        return CliRunner().invoke(main, command, input=typed)

    def file(self, name: str) -> bytes:
        """A file on the board as it is now; b"" = none."""

        def read(board: VirtualBoard) -> bytes:
            try:
                return read_file(board.flash, name)
            except FileNotFoundError:
                return b""

        return self.module.do(read)

    def key(self) -> str:
        """The board's key."""
        return str(json.loads(self.file("secrets.json"))["key"])


@pytest.fixture(scope="module")
def coordinator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coordinator]:
    """One for all tests here: each gives flat-1 a key anew."""
    folder = tmp_path_factory.mktemp("coordinator")
    (folder / "site.toml").write_text(site_template("bench", 25_000, 1, 1))
    coordinator = Coordinator(folder / "site.toml", folder)
    yield coordinator
    coordinator.stop()


@pytest.fixture
def bench(coordinator: Coordinator, tmp_path: Path) -> Iterator[Bench]:
    shutil.copy(coordinator.data.parent / "site.toml", tmp_path)
    (tmp_path / "wifi").write_text(PASSWORD + "\n")
    wirings = [Wiring(pin, channel, 1) for channel, pin in enumerate(load_board()["relay_pins"])]
    module = Module(fitting=Fitting(wirings=wirings), network=loopback_network(process_loopback()))
    module.board.flash.image[: len(stand_in())] = stand_in()
    install(module.board.flash, {}, IMAGE)
    with module:
        yield Bench(module, coordinator, tmp_path)


def test_it_is_heard_and_a_second_time_gives_it_another_key(bench: Bench) -> None:
    charge = key_file(bench.folder)
    told = bench.provision(mains_hz="60", http_port="8081", charge_key_file=str(charge))
    assert told.exit_code == 0, told.output
    started = re.search(r"flat-1: provisioned, start (\d+); \d+ signed answers", told.output)
    assert started
    first = bench.key()
    assert json.loads(bench.file("secrets.json"))["site_key"] == bench.coordinator.site_key()
    assert json.loads(bench.file("config.json"))["circuits"][0]["pin"] == 16

    calibrated = {"calibration.json": b"?"}
    bench.module.do(lambda board: install(board.flash, calibrated, IMAGE))
    again = bench.provision("--json", wifi_password_file="")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["boot"] > int(started[1])
    assert json.loads(again.stdout)["answers"] >= 1
    assert bench.key() != first
    assert bench.file("calibration.json") == b"?"
    assert bench.file("secrets.json.new") == b""
    config = json.loads(bench.file("config.json"))
    assert (config["mains_hz"], config["http"]["port"]) == (60, 8081)
    kept = json.loads(bench.file("secrets.json"))
    assert (kept["charge_key"], kept["wifi_password"]) == (charge.read_text(), PASSWORD)
    assert "it keeps the password that it has for home" in again.stderr
    for secret in (first, bench.key(), bench.coordinator.site_key(), PASSWORD):
        assert secret not in told.output + again.output + bench.module.console()


def test_a_password_is_asked_for_a_wifi_that_the_board_does_not_have(bench: Bench) -> None:
    assert bench.provision().exit_code == 0
    typed = "x" * 65 + "\nof the other one\n"
    told = bench.provision(wifi_password_file="", ssid="other", typed=typed)
    assert told.exit_code == 0, told.output
    assert "Password of other" in told.stderr
    assert "has 65 characters, at most 64 are possible" in told.stderr
    assert json.loads(bench.file("secrets.json"))["wifi_password"] == "of the other one"
    assert "xxx" not in told.output
    assert "of the other one" not in told.output


def key_file(folder: Path) -> Path:
    """A file with a key of charge orders."""
    path = folder / "charge.key"
    path.write_text("c3" * 32)
    return path


# Faults: each has its message and a way out, and leaves what was on the board in force.


WRONG = (
    ({"api": "http://127.0.0.1:9"}, "the coordinator does not answer", "headroom serve"),
    ({"api": "nonsense"}, "'nonsense' is no address of a coordinator", "http://127.0.0.1:8080"),
    ({"api": "http://127.0.0.1:x"}, "is no address of a coordinator", "http://127.0.0.1:8080"),
    ({"api": "http://192.168.1.2"}, "could read the keys", "https://"),
    ({"token_file": "/dev/null"}, "token", "the token of an admin"),
    ({"data": "/nowhere"}, "/nowhere/api.token: cannot be read", "--token-file"),
    ({"coordinator": "pi.local:8087"}, "a numeric IPv4 address is needed", "192.168.1.10"),
    ({"hardware": "esp32"}, "hardware 'esp32' is not known", "esp12f_relay_x4"),
    ({"wifi_password_file": "/nowhere"}, "/nowhere: cannot be read as a password", ""),
    ({"wifi_password_file": __file__}, "characters, at most 64 are possible", ""),
    ({"port": "/dev/ttyUSB99"}, "/dev/ttyUSB99: there is no such port", "plug it in"),
    ({"port": "socket://127.0.0.1:9"}, "cannot be opened", "see whether it listens there"),
)


def test_what_it_is_told_wrongly(bench: Bench) -> None:
    """One after the other, because a coordinator and a board take seconds to start."""
    for changed, words, way_out in WRONG:
        told = bench.provision(**changed)
        assert told.exit_code == 2, changed
        assert words in told.output
        assert way_out in told.output
        assert bench.file("secrets.json") == b""
        assert bench.file("secrets.json.new") == b""
        assert PASSWORD not in told.output
    assert bench.provision().exit_code == 0


def test_a_board_that_the_coordinators_site_lacks(bench: Bench) -> None:
    text = (bench.folder / "site.toml").read_text()
    (bench.folder / "other.toml").write_text(text.replace("flat-1", "flat-7"))
    told = bench.provision(site=str(bench.folder / "other.toml"))
    assert "board 'flat-1' is not on the site; it has flat-7" in told.output


def test_a_board_without_the_firmware(bench: Bench) -> None:
    bench.module.do(lambda board: install(board.flash, {}, b""))
    bench.module.reset()
    told = bench.provision()
    assert told.exit_code == 2
    assert "there is no firmware of this project on the board" in told.output
    assert "headroom board flash IMAGE" in told.output


def test_a_key_that_is_not_registered_is_left_nowhere(bench: Bench) -> None:
    """By a token that may read, and not register."""
    reader = bench.folder / "reader"
    words = ("new", "reader", "--data", str(bench.coordinator.data), "--file", str(reader))
    assert CliRunner().invoke(main, ["token", *words]).exit_code == 0
    cut_short = {"secrets.json": b'{"key": "ab', "config.json": b'{"id": "flat-1", "pins": '}
    bench.module.do(lambda board: install(board.flash, cut_short, IMAGE))
    bench.module.reset()
    told = bench.provision(token_file=str(reader))
    assert told.exit_code == 2
    for name in cut_short:
        assert f"/{name} on the board is damaged: nothing of it is kept" in told.output
    assert "give the token of an admin" in told.output
    listing = bench.module.do(lambda board: board.exec("import os; print(os.listdir('/'))"))
    assert "secrets.json" in listing
    assert ".new" not in listing
    folder = bench.folder / "files"
    assert bench.provision(token_file=str(reader), files=str(folder)).exit_code == 2
    assert list(folder.iterdir()) == []
    assert bench.provision(files=str(folder)).exit_code == 0
    assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_board_whose_file_system_is_full(bench: Bench) -> None:
    bench.module.do(lambda board: install(board.flash, {"large": bytes(LARGE_BYTES)}, IMAGE))
    bench.module.reset()
    told = bench.provision()
    assert told.exit_code == 2
    assert "cannot be written: ENOSPC" in told.output
    assert "its file system is full: take out what you have put there" in told.output
    bench.module.do(remove_large)
    bench.module.reset()
    assert bench.provision().exit_code == 0


def remove_large(board: VirtualBoard) -> None:
    """As a person does with mpremote."""
    board.exec("import os; os.remove('/large')")


def test_a_cable_that_is_pulled_leaves_it_as_it_was(bench: Bench) -> None:
    assert bench.provision(charge_key_file=str(key_file(bench.folder))).exit_code == 0
    before = bench.key()
    bench.module.faults.unplug_after = 2500
    told = bench.provision(port=bench.module.port)
    assert told.exit_code == 2
    assert "the board does not answer" in told.output
    assert bench.key() == before
    bench.module.plug()
    assert bench.provision("--no-charge-key").exit_code == 0
    assert bench.key() != before
    assert "charge_key" not in json.loads(bench.file("secrets.json"))


def test_a_wifi_or_an_address_where_nobody_answers(bench: Bench) -> None:
    told = bench.provision("--wait-s", "8", coordinator="127.0.0.1:9")
    assert told.exit_code == 2
    assert "no answer of the coordinator within 8 s: OSError: [Errno 111]" in told.output
    bench.module.do(lambda board: setattr(board.network.faults, "no_access_point", True))
    told = bench.provision("--wait-s", "8")
    assert "it has not joined the Wi-Fi" in told.output
    assert "check the Wi-Fi's name and password" in told.output
    bench.module.do(lambda board: setattr(board.network.faults, "no_access_point", False))
    assert bench.provision().exit_code == 0


def test_a_changed_board_is_provisioned_with_what_the_coordinator_has(bench: Bench) -> None:
    assert bench.provision().exit_code == 0
    page = bench.coordinator.addresses.page
    api = CoordinatorApi(page, token_path(bench.coordinator.data))
    (table,) = (board for board in api.site()["boards"] if board["id"] == "flat-1")
    lower_ma = {phase: ma // 2 for phase, ma in table["safe_limit_ma"].items()}
    token = token_path(bench.coordinator.data).read_text().strip()
    change = urllib.request.Request(
        f"{page}api/v1/boards/flat-1",
        json.dumps(table | {"safe_limit_ma": lower_ma}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(change, timeout=10) as answer:
        assert json.loads(answer.read()) == {"provision": ["flat-1"]}
    told = bench.provision(site="")
    assert told.exit_code == 0, told.output
    config = json.loads(bench.file("config.json"))
    assert config["feeder"]["safe_limit_ma"] == list(lower_ma.values())
    assert api.board("flat-1")["needs_provisioning"] is False
