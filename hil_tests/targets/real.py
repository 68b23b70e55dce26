"""A real board on a rig, in the time of the wall: both by serial port, with a coordinator that is
a process here. rig.toml says what is where; see hil_tests/rig/README.md.
"""

from __future__ import annotations

import json
import time
import tomllib
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headroom.coordinator import Settings
from headroom.device.configuration import Keys, Link, board_config
from headroom.site import parse_site

from hil_tests.rig.client import FIRMWARE, RigClient, RigError, Wiring
from hil_tests.rig.modules import wiring_of
from hil_tests.targets.forwarder import Forwarder
from hil_tests.targets.serial_python import SerialPython
from tools.demo.coordinator import SETTINGS, Coordinator

_POLL_S = 0.1
_RESET_S = 0.2
_DISCHARGED_S = 2.0  # of a board's supply


class RealTarget:
    """See interface.Target."""

    def __init__(
        self,
        site: dict[str, Any],
        folder: Path,
        port: str,
        rig_file: Path,
        timing: dict[str, Any] | None = None,
        settings: Settings | None = None,
    ) -> None:
        folder.mkdir(parents=True)
        given = tomllib.loads(rig_file.read_text())
        wiring = dict(given["rig"])
        rig_port_name = wiring.pop("port")
        rig_wiring = _of_site(wiring_of(wiring), site)
        rig_port = SerialPython(rig_port_name)
        board_port = SerialPython(port)
        self._ports = (rig_port, board_port)
        self._client = _start_rig(rig_port, rig_wiring, self.now_s)
        (folder / "site.toml").write_text(as_toml(site))
        self._process = Coordinator(folder / "site.toml", folder, settings or SETTINGS)
        host, _, number = given["coordinator"]["address"].rpartition(":")
        self._network = Forwarder((host, int(number)), self._process.addresses.boards)
        self.cannot = {"unplug": "a plug is pulled by hand"}
        if self._client.wiring.power < 0:
            self.cannot["power"] = f"{rig_file} names no pin `power` of the rig"
        self.board = _Board(board_port, self._client, self.cannot)
        self.rig = _Rig(self._client, self._network)
        board_id = str(site["boards"][0]["id"])
        self.coordinator = _Coordinator(self._process, board_id)
        self._provision(site, board_id, folder, given.get("wifi", {}), timing)

    def _provision(
        self,
        site: dict[str, Any],
        board_id: str,
        folder: Path,
        wifi: dict[str, str],
        timing: dict[str, Any] | None,
    ) -> None:
        """Give the board this test's configuration and a new key; its next start takes them."""
        key = self._process.add_board(board_id, folder / "board.key")
        link = Link(*self._network.address, ssid=wifi.get("ssid", "headroom"))
        password_file = wifi.get("password_file")
        password = Path(password_file).read_text().strip() if password_file else ""
        config = board_config(parse_site(site), board_id, link, timing)
        secrets = Keys(bytes.fromhex(key)).secrets(password)
        for name, content in (("config.json", config), ("secrets.json", secrets)):
            self.board.put_file(name, json.dumps(content).encode())
        if "power" not in self.cannot:
            self.board.power_off()

    def now_s(self) -> float:
        """See Target."""
        return time.monotonic()

    def unix_s(self) -> float:
        """See Target."""
        return time.time()

    def run(self, seconds: float) -> None:
        """See Target."""
        time.sleep(seconds)

    def run_until(self, condition: Callable[[], bool], within_s: float) -> float:
        """See Target."""
        start_s = self.now_s()
        while not condition():
            if self.now_s() - start_s > within_s:
                raise TimeoutError(f"the condition did not come to hold within {within_s} s")
            self.run(_POLL_S)
        return self.now_s() - start_s

    def close(self) -> None:
        """See Target."""
        self._client.stop()
        self._network.close()
        self._process.stop()
        for port in self._ports:
            port.close()


def _of_site(wiring: Wiring, site: dict[str, Any]) -> Wiring:
    """As many channels as the board under test has circuits."""
    circuits = len(site["boards"][0]["circuits"])
    channels = {"loads": wiring.loads[:circuits], "contacts": wiring.contacts[:circuits]}
    return Wiring(**{**vars(wiring), **channels})


def _start_rig(port: SerialPython, wiring: Wiring, now_s: Callable[[], float]) -> RigClient:
    """Give it the newest firmware and let it begin."""
    port.exec("try:\n    rig.stop()\nexcept NameError:\n    pass")
    port.put_file(FIRMWARE.name, FIRMWARE.read_bytes())
    port.exec("import sys\nsys.modules.pop('rig', None)")
    return RigClient(wiring, port.exec, now_s)


def as_toml(site: dict[str, Any]) -> str:
    """A site as its file would have it: a line for each table, all inline."""
    return "\n".join(f"{key} = {_inline(value)}" for key, value in site.items()) + "\n"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value)


class _Board:
    """See interface.Board."""

    def __init__(self, port: SerialPython, rig: RigClient, cannot: dict[str, str]) -> None:
        self._port, self._rig, self._cannot = port, rig, cannot
        self.exec = port.exec
        self.put_file = port.put_file
        self.serial_text = port.serial_text

    def power_off(self) -> None:
        self._rig.power(False)
        time.sleep(_DISCHARGED_S)

    def power_on(self) -> None:
        if "power" in self._cannot:
            self.reset()
        else:
            self._rig.power(True)

    def reset(self) -> None:
        self._port.hold_in_reset(True)
        time.sleep(_RESET_S)
        self._port.hold_in_reset(False)


class _Rig:
    """See interface.Rig."""

    def __init__(self, client: RigClient, network: Forwarder) -> None:
        self._network = network
        self.set_load = client.set_load
        self.relays = client.relays
        self.edges = client.edges

    def unplug_sensor(self, circuit: int, is_unplugged: bool) -> None:
        raise RigError(f"circuit {circuit}: pull its plug by hand ({is_unplugged})")

    def cut_network(self, is_down: bool) -> None:
        self._network.is_cut = is_down


class _Coordinator:
    """See interface.Coordinator; by its API, as anybody would."""

    def __init__(self, process: Coordinator, board_id: str) -> None:
        self._address = process.page_address
        self._board_id = board_id
        self._token = Path(process.addresses.token_file).read_text().strip()

    def state(self) -> dict[str, Any]:
        return self.get("state")

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path)

    def order(self, circuit: int, what: str, body: dict[str, Any] | None) -> None:
        path = f"boards/{self._board_id}/circuits/{circuit}/{what}"
        self._ask("DELETE" if body is None else "PUT", path, body)

    def put(self, path: str, body: dict[str, Any]) -> None:
        self._ask("PUT", path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://{self._address}/api/v1/{path}",
            json.dumps(body).encode() if body is not None else None,
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        found: dict[str, Any] = json.loads(content) if content else {}
        return found
